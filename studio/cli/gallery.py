"""The commands that look after the gallery."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studio.cli.options import FILE, open_gallery, watch
from studio.making.kinds import KINDS

if TYPE_CHECKING:
    from studio.works.care import GalleryReport, SetAside
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
@click.option("--tempo", type=int, help="For a melody: quarter notes a minute, other than composed.")
@click.option("--instrument", help="For a melody: a General MIDI instrument, other than composed.")
@click.option("--force", is_flag=True, help="Replace the output file if it exists.")
def gallery_export(id: str, output: Path, tempo: int | None, instrument: str | None, force: bool) -> None:
    """Copy a work's file out of the gallery, with its recipe inside. Another suffix gives another format,
    such as .jpg or .webp for a picture and .wav for a melody. A melody's tempo and instrument can be others
    than it was composed with; the notes stay, and the file's recipe says so.
    """
    from studio.making.exporting import export

    performed = {"tempo": tempo, "instrument": instrument}
    with open_gallery() as gallery:
        click.echo(str(export(gallery.get(id), gallery, output, force=force, performed=performed)))


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


@gallery.command("check")
@click.option("--repair", "repairing", is_flag=True, help="Also repair what can be repaired.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print only what is wrong.")
def gallery_check(repairing: bool, as_json: bool, quiet: bool) -> None:
    """Check every file, row and source of the gallery. The exit status is 1 if something is wrong."""
    from studio.works.care import check

    if repairing:
        report = _repaired(quiet=quiet or as_json)
    else:
        with open_gallery() as gallery:
            report = watch(check(gallery), quiet=quiet or as_json)
    if as_json:
        click.echo(json.dumps(asdict(report) | {"sound": report.sound}, ensure_ascii=False))
    else:
        _print_report(report, quiet=quiet)
    if not report.sound:
        sys.exit(1)


@gallery.command("repair")
@click.option("-q", "--quiet", is_flag=True, help="Print only what is wrong.")
def gallery_repair(quiet: bool) -> None:
    """Repair what can be repaired, and take works back from lost and found. Nothing is deleted.

    A damaged database is kept under another name, and a new one is made from it and from the works' files.
    """
    report = _repaired(quiet=quiet)
    _print_report(report, quiet=quiet)
    if not report.sound:
        sys.exit(1)


def _repaired(*, quiet: bool) -> GalleryReport:
    """Repairs the gallery, prints what was done, and gives the check that follows."""
    from studio.making.kinds import read_recipe
    from studio.works.care import open_setting_aside, repair

    gallery, aside = open_setting_aside()
    with gallery:
        _say_aside(aside)
        done = watch(repair(gallery, read_recipe), quiet=quiet)
    assert done.report is not None
    for count, what in (
        (done.works_taken_back, "works taken back from lost and found"),
        (done.sources_taken_back, "sources taken back from lost and found"),
        (done.files_restored, "files restored from copies"),
        (done.thumbnails_drawn, "thumbnails drawn again"),
        (done.rows_mended, "database rows corrected"),
    ):
        if count and not quiet:
            click.echo(f"{count} {what}", err=True)
    return done.report


def _say_aside(aside: SetAside | None) -> None:
    if aside is not None:
        read = f"{_count(aside.works, 'work')} and {_count(aside.jobs, 'job')} could be read from it"
        click.echo(f"The database was damaged and is now {aside.path}; {read}.", err=True)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _print_report(report: GalleryReport, *, quiet: bool) -> None:
    for flaw in report.flaws:
        click.echo(flaw.sentence)
    if report.lost_and_found:
        click.echo(f"{_count(report.lost_and_found, 'file')} in lost and found: try studio gallery repair.")
    if report.orphans:
        click.echo(f"{report.orphans} files belong to no work; studio gallery repair puts them aside.")
    if report.sound and not quiet:
        counted = f"{_count(report.works, 'work')} and {_count(report.sources, 'source')}"
        click.echo(f"{counted}, {report.size / 1e6:,.1f} MB: everything is in order.")


@gallery.command("backup")
@click.argument("file", type=FILE)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option("-q", "--quiet", is_flag=True, help="Print the path only; no progress.")
def gallery_backup(file: Path, force: bool, quiet: bool) -> None:
    """Write the whole gallery to FILE, a .zip. The studio may be running."""
    from studio.works.care import backup

    with open_gallery() as gallery:
        written = watch(backup(gallery, file, force=force), quiet=quiet)
    click.echo(str(written.path))
    if not quiet:
        counted = f"{_count(written.works, 'work')}, {_count(written.sources, 'source')}"
        click.echo(f"{counted}, {written.size / 1e6:,.1f} MB.", err=True)
    for name in written.incomplete:
        click.echo(f"not in the backup, because the gallery lost it: {name}", err=True)


@gallery.command("restore")
@click.argument("file", type=FILE)
@click.option("--force", is_flag=True, help="Replace the works here; their files go to lost and found.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def gallery_restore(file: Path, force: bool, quiet: bool) -> None:
    """Read a gallery back from FILE, which studio gallery backup wrote, on SQLite or PostgreSQL.

    A damaged database that is in the way is kept under another name.
    """
    from studio.works.care import restore

    restored = watch(restore(file, force=force), quiet=quiet)
    _say_aside(restored.aside)
    works, sources = _count(restored.works, "work"), _count(restored.sources, "source")
    click.echo(f"Restored {works}, {sources} and {_count(restored.jobs, 'job')}.")
    for name in restored.incomplete:
        click.echo(f"was not in the backup: {name}", err=True)
