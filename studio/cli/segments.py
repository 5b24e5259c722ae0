"""The command that shows which parts of a photo the studio tells apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studio.cli.options import FILE
from studio.works.incoming import read_file

if TYPE_CHECKING:
    from studio.images.segments import Segments


@click.command()
@click.argument("photo", type=FILE)
@click.option(
    "-o",
    "--output",
    type=FILE,
    help="A folder for the regions as pictures, which may be painted on and given back with --region.",
)
@click.option("--force", is_flag=True, help="Replace pictures that exist.")
@click.option("--json", "as_json", is_flag=True, help="Print the segments as JSON.")
def segments(photo: Path, output: Path | None, force: bool, as_json: bool) -> None:
    """List the parts that the studio finds in PHOTO: numbered segments, the subject and the background.
    --region takes them by these names.

    With -o it also writes a picture of each, light where it is, and one that shows all segments in colours.
    """
    from studio.cli.folders import output_folder
    from studio.images.parts import parts_of
    from studio.images.pictures import read_picture
    from studio.images.segments import segments_of

    picture = read_picture(read_file(photo), photo.name).pixels
    found = segments_of(picture)
    parts = parts_of(found, picture)
    if output is not None:
        with output_folder(output):
            _write(found, picture, output, [part.place for part in parts], force=force)
    for part in parts:
        if as_json:
            click.echo(json.dumps({"place": part.place, "share": part.share, "where": part.where}))
            continue
        click.echo(f"{part.place:<12} {part.share:>5.0%}  {part.where}")
    if output is not None and not as_json:
        click.echo(str(output))


def _write(found: Segments, picture: Any, folder: Path, places: list[str], *, force: bool) -> None:
    import numpy as np

    from studio.images.formats import FORMATS
    from studio.images.segments import shown_over
    from studio.works.output import write_file

    png: Any = FORMATS.by_name("png")
    pictures = {place.replace(" ", "-"): np.dstack([found.light(place)] * 3) for place in places}
    pictures["segments"] = shown_over(picture, found)
    for name, pixels in pictures.items():
        write_file(png.to_bytes(pixels, alpha=None, density=None), folder / f"{name}.png", force=force)
