"""The command that goes on with a work: `studio resume`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studio.cli.options import FILE, check_output, open_gallery, output_options, watch
from studio.errors import Refused
from studio.works.incoming import read_file

if TYPE_CHECKING:
    from studio.works.gallery import Gallery


def resume(work: str, output: Path | None, steps: int | None, **how: bool) -> None:
    """Go on with WORK, a dream or a painting: its file, or its id in the gallery.

    One that was stopped is made to its end; a finished one is deepened. That gives a new work, whose parent
    is the earlier one.
    """
    from studio.making.here import run_here
    from studio.making.resuming import resume as resuming

    with open_gallery() as gallery:
        recipe_json, content, name, title = _found(work, gallery)
        file = Path(name)
        output = output or Path(f"{file.stem}-resumed{file.suffix}")
        if output.suffix.lower() != file.suffix.lower():
            raise Refused(f"{output} should end in {file.suffix}, as {name} does.")
        check_output(output, force=how["force"])
        recipe = resuming(recipe_json, content, gallery, steps=steps, name=name, title=title)
        made = watch(run_here(recipe, gallery), quiet=how["quiet"])
        gallery.export(made, output, force=how["force"])
    if how["as_json"]:
        told: dict[str, Any] = {
            "path": str(output),
            "work": made.id,
            "kind": made.kind,
            "parents": made.parents,
        }
        click.echo(json.dumps(told | {"recipe": json.loads(made.recipe_json)}, ensure_ascii=False))
        return
    click.echo(str(output))
    if not how["quiet"]:
        click.echo(f"{made.words} Work {made.id} in the gallery.", err=True)


def _found(work: str, gallery: Gallery) -> tuple[str, bytes, str, str]:
    """The recipe, the bytes, the file's name and the title of a work, by its file or its id."""
    from studio.works.metadata import extract

    path = Path(work)
    if path.is_file() or path.suffix:
        content = read_file(path)
        text = extract(content)
        if text is None:
            raise Refused(
                f"{path.name} has no recipe inside, so it cannot be resumed: dream or paint on it instead."
            )
        return text, content, path.name, ""
    found = gallery.get(work)
    return found.recipe_json, gallery.read(found), f"{found.id[:8]}{found.suffix}", found.title


resume_command = click.Command(
    "resume",
    callback=resume,
    help=resume.__doc__,
    params=[
        click.Argument(["work"]),
        click.Option(["-o", "--output"], type=FILE, help="The file to write. By default, WORK-resumed."),
        click.Option(
            ["--steps"],
            type=click.IntRange(1, 100_000),
            help="Steps to take. By default, those that were left out, or a third of the whole.",
        ),
        *output_options(),
    ],
)
