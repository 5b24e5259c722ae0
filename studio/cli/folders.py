"""Making works of all photos in a folder: `studio dream PHOTOS/ -o OUT/`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studio.cli.options import NamedChoice, open_gallery
from studio.errors import Refused

if TYPE_CHECKING:
    from studio.making.folder import FolderEvent, FolderRequest
    from studio.making.kinds import Kind


def folder_options(kind: Kind) -> list[click.Option]:
    """The options that only a folder of photos needs; none for kinds that are made from no picture."""
    if not takes_folders(kind) or "format" not in kind.recipe_class().model_fields:
        return []
    said = "With a folder of photos: the format of the files. For a single file, its suffix decides."
    names = NamedChoice(kind.format_table().names())
    return [click.Option(["--format", "folder_format"], type=names, help=said)]


def takes_folders(kind: Kind) -> bool:
    """Whether its first file is a picture that there is no work without."""
    return bool(kind.roles) and kind.roles[0].needed and kind.roles[0].media == "picture"


def folder_help(kind: Kind) -> str:
    """What the command's help says of folders."""
    if not takes_folders(kind):
        return ""
    first = kind.roles[0].metavar
    return (
        f"{first} may be a folder: a work is made from every photo in it, with the same settings, in the "
        "folder that -o names. Photos that are already done are skipped, and those that fail are listed at "
        "the end."
    )


@contextmanager
def output_folder(path: Path) -> Iterator[None]:
    """The folder that results go into is there meanwhile. One that was made for them is removed if nothing
    was written into it. Raises `Refused` for a file.
    """
    if path.exists() and not path.is_dir():
        raise Refused(f"{path} is a file: with a folder of photos, -o names the folder for the results.")
    new = not path.exists()
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise Refused(f"The folder {path} cannot be made ({error.strerror}): name another.") from None
    try:
        yield
    finally:
        if new:
            with suppress(OSError):  # something was written
                path.rmdir()


def make_all(asked: FolderRequest, *, quiet: bool, as_json: bool) -> None:
    """Make them, tell of each, and name at the end what failed. The exit status is 2 if something did."""
    from studio.making.folder import make_folder

    counts: Counter[str] = Counter()
    failed: list[FolderEvent] = []
    with output_folder(asked.output), open_gallery() as gallery:
        for event in make_folder(asked, gallery):
            counts[event.what] += 1
            if event.what == "failed":
                failed.append(event)
            _tell(event, quiet=quiet, as_json=as_json)
    summary: dict[str, Any] = {what: counts[what] for what in ("made", "there", "skipped", "failed")}
    if as_json:
        click.echo(json.dumps({"what": "summary"} | summary))
    elif not quiet:
        words = ("made", "from the gallery", "skipped", "failed")
        told = ", ".join(
            f"{count} {word}" for count, word in zip(summary.values(), words, strict=True) if count
        )
        click.echo(f"{sum(counts.values())} photos: {told}.", err=True)
    for event in failed:
        click.echo(f"studio: {event.photo} failed: {event.sentence}", err=True)
    if failed:
        sys.exit(2)


def _tell(event: FolderEvent, *, quiet: bool, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(asdict(event), ensure_ascii=False))
    elif event.what in ("made", "there"):
        click.echo(event.path)
    elif event.what == "skipped" and not quiet:
        click.echo(f"{event.path} is there already: skipped.", err=True)
