"""The commands that train a network: `studio train STYLE` on a style of music, and `studio train painting` on
a painting.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studio.cli.options import FILE, show_trained, watch
from studio.cli.styles import train as train_style
from studio.errors import UnknownName
from studio.process import mapped
from studio.works.incoming import read_file
from studio.works.work import Progress

if TYPE_CHECKING:
    from studio.images.instant.training import PainterTrained

PREVIEW_EVERY = 50
"""Steps between two previews."""


class _Trainings(click.Group):
    """`studio train NAME` trains on a style of music, as it always has, unless NAME is a command here."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = {*self.commands, *ctx.help_option_names}
        if args and args[0] not in known:
            args = ["style", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Trainings)
def train() -> None:
    """Train a network: on a style of music (studio train NAME) or on a painting (studio train painting)."""


train.add_command(train_style, "style")


@train.command("painting")
@click.argument("painting")
@click.option("--name", required=True, help="The painter's name: small letters, digits, - and _.")
@click.option("--resume", is_flag=True, help="Continue an interrupted training.")
@click.option(
    "-o",
    "--into",
    type=FILE,
    help="The folder to keep the painter in. By default, the models folder of your studio.",
)
@click.option("--photos", type=FILE, help="A folder of photos to practise on. By default, the studio's.")
@click.option("--start", help="The painter to start from, or none. By default whirls.")
@click.option(
    "--steps",
    type=click.IntRange(100, 200_000),
    help="Training steps, a multiple of 100. By default 2500, or 4000 without a starting painter.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Seed of the training."
)
@click.option("--title", default="", help="The painting's title.")
@click.option("--licence", default="", help="The licence of the painting.")
@click.option("--preview", type=FILE, help="A JPEG file that shows three photos as it paints them now.")
@click.option("--json", "as_json", is_flag=True, help="Print the painter's card as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print the path only; no progress.")
def train_painting(painting: str, preview: Path | None, as_json: bool, quiet: bool, **given: Any) -> None:
    """Train a painter on PAINTING, a file or one of studio paintings, for `studio style --painter instant`.

    The painter can be used while it is learning: it is kept every hundred steps, and so is the training, for
    --resume. More steps make it better. Its card says how long it took and how close its paintings come to
    the textures of PAINTING, on photos that it has never seen.
    """
    from studio.images.instant.learnt import LearntPainting, keep_painting
    from studio.images.instant.training import PainterOrder, train_painter, underway_path
    from studio.images.paintings.catalogue import PAINTINGS

    content, file, title, licence = _painting(painting)
    given["title"], given["licence"] = given["title"] or title, given["licence"] or licence
    order = PainterOrder(content, file=file, **given)

    try:
        trained = watch(_previewed(train_painter(order), preview), quiet=quiet)
    except KeyboardInterrupt:
        if underway_path(order).is_file():
            click.echo("The training so far is kept: go on with it by --resume.", err=True)
        raise
    if order.into is None and painting not in PAINTINGS:  # so that it stands among the paintings
        known = LearntPainting(
            name=order.name, title=order.title, file=file, author="", licence=order.licence
        )
        keep_painting(known, content)
    show_trained(trained.card, trained.where, as_json=as_json, quiet=quiet)


def _previewed(
    training: Generator[Progress, None, PainterTrained], preview: Path | None
) -> Generator[Progress, None, PainterTrained]:
    """The same training, which writes its preview into a file from time to time."""
    from studio.works.output import write_file

    def seen(progress: Progress) -> Progress:
        if preview is not None and progress.preview is not None and progress.done % PREVIEW_EVERY == 0:
            write_file(progress.preview(), preview, force=True)
        return progress

    return mapped(training, seen)


def _painting(named: str) -> tuple[bytes, str, str, str]:
    """The painting's bytes, its file's name, its title and its licence."""
    from studio.images.paintings.catalogue import PAINTINGS

    path = Path(named)
    if named in PAINTINGS and not path.is_file():
        ingredient = PAINTINGS[named].ingredient()
        return ingredient.content, ingredient.name, ingredient.title, ingredient.licence
    if not path.exists() and not path.suffix:
        raise UnknownName("painting", named, PAINTINGS)
    return read_file(path), path.name, "", ""
