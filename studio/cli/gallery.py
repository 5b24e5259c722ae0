"""The commands that look after the gallery."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studio.cli.options import FILE, open_gallery
from studio.making.kinds import KINDS

if TYPE_CHECKING:
    from studio.works.work import Work


@click.group()
def gallery() -> None:
    """Look after the works made here."""


@gallery.command("list")
@click.option("--search", default="", help="Only works with this text in title, description or sources.")
@click.option("--kind", help="Only works of this kind.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=60, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def gallery_list(search: str, kind: str | None, limit: int, as_json: bool) -> None:
    """List the works, newest first."""
    with open_gallery() as gallery:
        works = gallery.find(text=search, kind=kind, limit=limit)
        total = gallery.count(text=search, kind=kind)
    if as_json:
        click.echo(json.dumps([_described(work) for work in works], ensure_ascii=False))
        return
    for work in works:
        click.echo(f"{work.id}  {work.made_at:%Y-%m-%d %H:%M}  {work.kind:<8} {work.title}")
    if total > len(works):
        click.echo(f"… and {total - len(works)} more (--limit).", err=True)
    if not total:
        click.echo(
            "The gallery has no such works."
            if search or kind
            else "The gallery is empty: try studio dream PHOTO -o dream.png.",
            err=True,
        )


def _described(work: Work) -> dict[str, Any]:
    return {
        "id": work.id,
        "kind": work.kind,
        "title": work.title,
        "made_at": work.made_at.isoformat(),
        "sha256": work.sha256,
        "parents": list(work.parents),
    }


@gallery.command("show")
@click.argument("id")
@click.option("--json", "as_json", is_flag=True)
def gallery_show(id: str, as_json: bool) -> None:
    """Show one work: its recipe, parents and children."""
    with open_gallery() as gallery:
        work = gallery.get(id)
        parents, children = gallery.parents(work), gallery.children(work)
    if as_json:
        click.echo(
            json.dumps(
                _described(work)
                | {"recipe": json.loads(work.recipe_json), "children": [child.id for child in children]}
            )
        )
        return
    click.echo(f"{work.title}  ({work.id}, {work.made_at:%Y-%m-%d %H:%M})")
    click.echo(work.words)
    kind = KINDS.get(work.kind)
    shown = (
        kind.facts_in_words(work.facts) if kind else [(name, str(fact)) for name, fact in work.facts.items()]
    )
    for label, sentence in shown:
        click.echo(f"{label}: {sentence}")
    for word, relatives in (("made from", parents), ("used in", children)):
        for relative in relatives:
            click.echo(f"{word}: {relative.id}  {relative.title}")


@gallery.command("export")
@click.argument("id")
@click.option("-o", "--output", required=True, type=FILE, help="The file to write.")
@click.option("--force", is_flag=True, help="Replace the output file if it exists.")
def gallery_export(id: str, output: Path, force: bool) -> None:
    """Copy a work's file out of the gallery, with its recipe inside."""
    with open_gallery() as gallery:
        click.echo(str(gallery.export(gallery.get(id), output, force=force)))


@gallery.command("remove")
@click.argument("id")
@click.option("--yes", is_flag=True, help="Do not ask.")
def gallery_remove(id: str, yes: bool) -> None:
    """Remove a work from the gallery for good."""
    with open_gallery() as gallery:
        work = gallery.get(id)
        if yes or click.confirm(f"Remove {work.title} ({work.id})?", err=True):
            gallery.remove(work.id)
            click.echo(f"Removed {work.id}.")
