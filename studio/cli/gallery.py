"""The commands that look after the gallery."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studio.cli.options import FILE, NamedChoice, open_gallery, watch
from studio.errors import Refused
from studio.making.kinds import KINDS

if TYPE_CHECKING:
    from studio.works.care import GalleryReport, SetAside
    from studio.works.gallery import Gallery
    from studio.works.lineage import Lineage, Relative
    from studio.works.work import Work

DAY = click.DateTime(["%Y-%m-%d"])
SORTS = ["newest", "oldest", "title", "kind"]


@click.group()
def gallery() -> None:
    """Find, export, repair and remove the works made here."""


@gallery.command("list")
@click.option("--search", default="", help="Only works with this text in title, description or sources.")
@click.option("--kind", help="Only works of this kind.")
@click.option("--starred", is_flag=True, help="Only works with a star.")
@click.option("--since", type=DAY, help="Only works made on this day or later.")
@click.option("--until", type=DAY, help="Only works made on this day or earlier.")
@click.option(
    "--sort", type=NamedChoice(SORTS), default="newest", show_default=True, help="What comes first."
)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=60, show_default=True, help="List at most this many."
)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def gallery_list(as_json: bool, **asked: Any) -> None:
    """List the works, newest first. A * marks a star."""
    from studio.works.finding import Search

    search, kind = asked["search"], asked["kind"]
    wanted = Search(search, kind, asked["starred"], _start_of(asked["since"]), _end_of(asked["until"]))
    with open_gallery() as gallery:
        works = gallery.search(wanted, limit=asked["limit"], order=asked["sort"])
        total = gallery.count_found(wanted)
    if as_json:
        click.echo(json.dumps([_described(work) for work in works], ensure_ascii=False))
        return
    for work in works:
        star = "*" if work.starred else " "
        click.echo(f"{work.id}  {work.made_at:%Y-%m-%d %H:%M} {star}{work.kind:<8} {work.title}")
    if total > len(works):
        click.echo(f"… and {total - len(works)} more (--limit).", err=True)
    if not total:
        click.echo(
            "The gallery has no such works."
            if wanted != Search()
            else "The gallery is empty: try studio dream PHOTO -o dream.png.",
            err=True,
        )


def _start_of(day: datetime | None) -> datetime | None:
    return day.astimezone() if day else None


def _end_of(day: datetime | None) -> datetime | None:
    return (day + timedelta(days=1)).astimezone() if day else None


def _described(work: Work) -> dict[str, Any]:
    return {
        "id": work.id,
        "kind": work.kind,
        "title": work.title,
        "made_at": work.made_at.isoformat(),
        "sha256": work.sha256,
        "parents": list(work.parents),
        "starred": work.starred,
    }


@gallery.command("show")
@click.argument("id")
@click.option(
    "--tree", is_flag=True, help="Show its family tree: what it was made from, and what was made from it."
)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def gallery_show(id: str, tree: bool, as_json: bool) -> None:
    """Show one work: its recipe, parents and children."""
    from studio.works.lineage import lineage

    with open_gallery() as gallery:
        work = gallery.get(id)
        parents, children = gallery.parents(work), gallery.children(work)
        family = lineage(gallery, work) if tree else None
    if family is not None:
        _print_tree(family, work)
        return
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


def _print_tree(family: Lineage, work: Work) -> None:
    """Oldest first, each below what it was made from, and the work in question marked."""
    shown: set[str] = set()

    def print_below(each: Relative, depth: int) -> None:
        mark = "  <- this work" if each.work.id == work.id else ""
        click.echo(f"{'   ' * depth}{each.work.id}  {each.work.title}{mark}")
        if each.work.id in shown:
            return
        shown.add(each.work.id)
        for child in family.kin:
            if each.work.id in child.parents:
                print_below(child, depth + 1)

    for each in family.kin:
        if not each.parents:
            print_below(each, 0)
    if family.left_out:
        click.echo(f"… and {_count(family.left_out, 'more work')}.", err=True)


@gallery.command("export")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("-o", "--output", required=True, type=FILE, help="The file to write.")
@click.option("--tempo", type=int, help="For a melody: quarter notes a minute, if not the work's own.")
@click.option("--instrument", help="For a melody: a General MIDI instrument, if not the work's own.")
@click.option("--stems", is_flag=True, help="For a song: each part alone as FLAC, in one .zip.")
@click.option("--force", is_flag=True, help="Replace the output file if it exists.")
def gallery_export(
    ids: tuple[str, ...], output: Path, tempo: int | None, instrument: str | None, stems: bool, force: bool
) -> None:
    """Copy a work's file out of the gallery, with its recipe inside. Another suffix gives another format,
    such as .jpg or .webp for a picture and .wav for a melody. A melody can get another tempo and
    instrument; its notes stay the same, and the file's recipe says so.

    With .zip, any number of works go into one file, with a list of credits. Several works into a folder are
    copied one by one.
    """
    from studio.making.exporting import export
    from studio.making.zipping import write_zip

    performed = {"tempo": tempo, "instrument": instrument}
    with open_gallery() as gallery:
        works = [gallery.get(id) for id in ids]
        if stems:
            click.echo(str(_write_stems(works, gallery, output, force=force)))
            return
        if output.suffix.lower() == ".zip":
            click.echo(str(write_zip(works, gallery, output, force=force)))
            return
        if len(works) > 1 and not output.is_dir():
            raise Refused(f"{len(works)} works do not fit into one {output.name}: name a .zip or a folder.")
        for work in works:
            click.echo(str(export(work, gallery, output, force=force, performed=performed)))


def _write_stems(works: list[Work], gallery: Gallery, output: Path, *, force: bool) -> Path:
    from studio.music.songs.renditions import SongRenditions
    from studio.works.output import write_file

    if len(works) != 1 or output.suffix.lower() != ".zip":
        raise Refused("Stems are those of one song; name one, and a .zip to write to.")
    return write_file(SongRenditions(gallery).stems_zip(works[0]).read_bytes(), output, force=force)


@gallery.command("star")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--off", is_flag=True, help="Take the star away.")
def gallery_star(ids: tuple[str, ...], off: bool) -> None:
    """Give works a star. studio gallery list --starred lists them."""
    with open_gallery() as gallery:
        for work in gallery.star(*ids, starred=not off):
            click.echo(f"{work.id} {'has no star now' if off else 'has a star'}.")


@gallery.command("remove")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@click.option("--to-trash", is_flag=True, help="Move it to the trash; for a day, bring-back undoes it.")
def gallery_remove(ids: tuple[str, ...], yes: bool, to_trash: bool) -> None:
    """Remove works from the gallery for good."""
    with open_gallery() as gallery:
        works = list({work.id: work for work in map(gallery.get, ids)}.values())
        if to_trash:
            gallery.discard(*(work.id for work in works))
        for work in works:
            if to_trash:
                click.echo(f"Removed {work.id}; studio gallery bring-back {work.id} undoes it for a day.")
            elif yes or click.confirm(f"Remove {work.title} ({work.id}) for good?", err=True):
                gallery.remove(work.id)
                click.echo(f"Removed {work.id}.")


@gallery.command("trash")
@click.option("--empty", is_flag=True, help="Delete what is in it for good, now.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def gallery_trash(empty: bool, as_json: bool) -> None:
    """List the works that were removed and can be brought back, and until when."""
    from studio.works.trash import gone_at

    with open_gallery() as gallery:
        if empty:
            click.echo(f"Deleted {_count(gallery.empty_trash(), 'work')} for good.")
            return
        works = gallery.trash()
    until = {work.id: gone for work in works if (gone := gone_at(work))}
    if as_json:
        listed = [_described(work) | {"gone_at": until[work.id].isoformat()} for work in works]
        click.echo(json.dumps(listed, ensure_ascii=False))
        return
    for work in works:
        click.echo(f"{work.id}  until {until[work.id].astimezone():%Y-%m-%d %H:%M}  {work.title}")
    if not works:
        click.echo("The trash is empty.", err=True)


@gallery.command("bring-back")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def gallery_bring_back(ids: tuple[str, ...]) -> None:
    """Bring removed works back from the trash."""
    with open_gallery() as gallery:
        for work in gallery.bring_back(*ids):
            click.echo(f"{work.id} is back: {work.title}")


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
