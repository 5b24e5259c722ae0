"""The command that finds channels of the usual network: by word, or by what a photo excites."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from studio.cli.options import FILE, check_output
from studio.errors import Refused
from studio.works.incoming import read_file

if TYPE_CHECKING:
    from studio.images.channels.atlas import Atlas, Channel


@click.command()
@click.argument("words", nargs=-1)
@click.option("--layer", "layers", multiple=True, help="Look only in this layer. May be given several times.")
@click.option(
    "--photo", type=FILE, help="Find those that this photo excites most; with WORDS, of those that have them."
)
@click.option(
    "--count", type=click.IntRange(1, 100), default=20, show_default=True, help="List at most this many."
)
@click.option("-o", "--output", type=FILE, help="Write their pictures on one sheet: .png or .jpg.")
@click.option("--force", is_flag=True, help="Replace a sheet that exists.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a channel.")
def channels(
    words: tuple[str, ...],
    layers: tuple[str, ...],
    photo: Path | None,
    count: int,
    output: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Find channels of the usual network by WORDS, such as castle or bird green, to dream with: --layer TERM.

    The words of a channel are the names that the network's own classifier gives to the channel's picture, and
    the picture's colours: a network's guesses, not a person's. A channel of the layer `classifier` has the
    name that the network was taught.
    """
    from studio.images.channels.atlas import Atlas

    if output is not None:
        check_output(output, force=force)
    atlas, text = Atlas.read(), " ".join(words)
    found = atlas.find(text, layers)
    if not found:
        only = " alone" * (photo is not None)
        told = atlas.none_found(text, layers, photo=f"look for what a photo excites (--photo{only})")
        if output is not None:
            raise Refused(told)
        click.echo(told, err=True)
    elif photo is not None:
        found = _strongest(photo, layers, count, atlas, found if text else None)
    found = found[:count]
    if output is not None:
        _write(found, atlas, output, force=force)
    for each in found:
        if as_json:
            click.echo(json.dumps({"layer": each.term, "words": each.words}, ensure_ascii=False))
        else:
            click.echo(f"{each.term:<16} {', '.join(each.words)}")
    if output is not None and not as_json:
        click.echo(str(output))


def _strongest(
    photo: Path, layers: tuple[str, ...], count: int, atlas: Atlas, among: list[Channel] | None
) -> list[Channel]:
    from studio.images.channels.strongest import strongest_among, strongest_of_all
    from studio.images.pictures import read_picture

    pixels = read_picture(read_file(photo), photo.name).pixels
    if among is not None:
        return strongest_among(pixels, among, count, atlas)
    return strongest_of_all(pixels, layers, count, atlas)


def _write(found: list[Channel], atlas: Atlas, output: Path, *, force: bool) -> None:
    from studio.images.formats import FORMATS
    from studio.images.sheets import contact_sheet
    from studio.works.output import write_file

    sheet = contact_sheet(atlas.pictures(found), [each.caption for each in found])
    write_file(FORMATS.by_suffix(output).to_bytes(sheet, alpha=None, density=None), output, force=force)
