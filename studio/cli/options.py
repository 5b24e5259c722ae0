"""What commands share: options from a recipe's parameters, files in and out, progress, interrupts."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from studio.errors import Missing, Refused, StudioError, did_you_mean
from studio.process import finish

if TYPE_CHECKING:
    from studio.works.gallery import Gallery
    from studio.works.recipe import Control, Recipe
    from studio.works.work import Progress

T = TypeVar("T")

FILE = click.Path(path_type=Path)


class NamedChoice(click.Choice[str]):
    """A choice in which "" stands for what is not given, and is no name to choose."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:  # noqa: ARG002
        if near := did_you_mean(str(value), filter(None, self.choices)):
            return f"there is no {value!r}{near}"
        named = ", ".join(repr(choice) for choice in self.choices if choice)
        return f"{value!r} is not one of {named}."


class NumberOrOwn(click.ParamType[Any]):
    """A whole number, or the word "own" for what the source itself has."""

    name = "number|own"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "own" or isinstance(value, int):
            return value
        try:
            return int(value)
        except ValueError:
            self.fail(f"'{value}' is neither a whole number nor the word own.", param, ctx)


class TextOrFile(click.ParamType[str]):
    """A text, or the name of a text file that holds it."""

    name = "text|file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from studio.works.incoming import read_text

        if "\n" in value or len(value) > LONGEST_PATH:
            return str(value)
        path = Path(value)
        if path.suffix.lower() in TEXT_SUFFIXES or path.is_file():
            try:
                return read_text(path)
            except StudioError as error:
                self.fail(str(error), param, ctx)
        return str(value)


LONGEST_PATH = 255
"""Characters of what may be the name of a file and not the text itself."""

TEXT_SUFFIXES = (".txt", ".text", ".md")
"""What ends like this is always a file."""

TEXTS = frozenset({"words"})
"""Parameters that take a text or a text file."""


def recipe_options(
    recipe: type[Recipe], controls: Sequence[Control], spelled: Mapping[str, str]
) -> list[click.Option]:
    """An option for each of these parameters, with the recipe's own help and default.

    spelled: field -> option, where it is not called like the field. What is not given stays None.
    """
    return [
        _recipe_option(recipe, control, spelled.get(control.name, control.option)) for control in controls
    ]


def _recipe_option(recipe: type[Recipe], control: Control, option: str) -> click.Option:
    said = f"{_in_a_terminal(control.help)} {_default_and_range(recipe, control)}".strip()
    if control.type is bool:
        return click.Option([f"{option}/--no{option[1:]}", control.name], default=None, help=said)
    if control.name in TEXTS:
        return click.Option([option, control.name], type=TextOrFile(), default=None, help=said)
    nullable = type(None) in getattr(recipe.model_fields[control.name].annotation, "__args__", ())
    kind: Any = control.type
    named: str | None = None
    if nullable and control.name == "size":
        kind = NumberOrOwn()
    elif control.choices:
        kind = NamedChoice(control.choices)
        named = f"[{'|'.join(filter(None, control.choices))}]"
    option = option.removesuffix("s") if control.many else option
    return click.Option(
        [option, control.name], type=kind, multiple=control.many, default=None, help=said, metavar=named
    )


def _in_a_terminal(help: str) -> str:
    """What a parameter's help says of an empty control, said of an option that is not given."""
    said = help.replace("Leave empty to keep the photo's size.", "'own' keeps the photo's size.")
    return said.replace("Leave empty for ", "Default: ")


def _default_and_range(recipe: type[Recipe], control: Control) -> str:
    """ "[768 px, 64 to 8192]", or nothing where there is neither. What a look sets is the look's."""
    default = ", ".join(map(str, control.default)) if control.many else control.default
    if control.name in recipe.OF_ITS_LOOK:
        default = "the look's"
    if isinstance(default, bool):
        return f"[{'on' if default else 'off'}]"
    unit = control.unit and " " + control.unit
    span = ""
    if control.minimum is not None and control.maximum is not None:
        span = f"{control.minimum:.10g} to {control.maximum:.10g}"
    if default in (None, ""):
        return f"[{span}{unit}]" if span else ""
    return f"[{default}{unit}{', ' + span if span else ''}]"


def settings_given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options a person really gave; `--size own` is the source's own size."""
    return {
        name: None if (name, value) == ("size", "own") else value
        for name, value in options.items()
        if value not in (None, ())
    }


def output_options() -> list[click.Option]:
    """--force, --json and --quiet, alike for everything that makes something."""
    return [
        click.Option(["--force"], is_flag=True, help="Replace the output file if it exists."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print what was made as JSON."),
        click.Option(["-q", "--quiet"], is_flag=True, help="Print the path only; no progress."),
    ]


def watch(process: Generator[Progress, None, T], *, quiet: bool) -> T:
    """Run a process to its end with a progress line on standard error."""
    if quiet:
        return _finish(process, lambda _: None)
    if not sys.stderr.isatty():
        return _finish(process, _seldom())
    with click.progressbar(
        length=1, file=sys.stderr, show_pos=True, item_show_func=lambda stage: stage
    ) as bar:

        def show(progress: Progress) -> None:
            bar.length = progress.total
            bar.update(progress.done - bar.pos, progress.stage)

        return _finish(process, show)


SELDOM = 10.0
"""Seconds between lines on what goes on, where standard error is a file or another program."""


def _seldom() -> Callable[[Progress], None]:
    """Says what goes on in a line now and then: nothing of what takes a moment."""
    said = time.monotonic()

    def show(progress: Progress) -> None:
        nonlocal said
        if time.monotonic() - said >= SELDOM:
            said = time.monotonic()
            click.echo(f"{progress.stage} …", err=True)

    return show


def _finish(process: Generator[Progress, None, T], show: Callable[[Progress], None]) -> T:
    with _hearing_interrupts() as interrupted:

        def look(progress: Progress) -> None:
            show(progress)
            if interrupted():
                raise KeyboardInterrupt

        return finish(process, look)


def _being_imported(name: str) -> bool:
    """Whether a module's import is under way (importlib marks it so)."""
    return bool(getattr(getattr(sys.modules.get(name), "__spec__", None), "_initializing", False))


@contextmanager
def _hearing_interrupts() -> Generator[Callable[[], bool], None, None]:
    """Whether Ctrl+C was pressed.

    Python loses an interrupt that arrives in a callback, such as those that run during an import. torch even
    ends the process when one arrives during its own import, so there it is only noted.
    """
    pressed: list[int] = []

    def hear(number: int, _frame: object) -> None:
        pressed.append(number)
        if not _being_imported("torch"):
            raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGINT, hear)
    except ValueError:  # not the main thread: no key presses arrive there
        yield lambda: False
        return
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)


def check_output(path: Path, *, force: bool) -> None:
    """Refuse at once what would stop the result from being written, before minutes go into making it."""
    if not path.parent.is_dir():
        raise Missing(f"There is no folder {path.parent}; make it first, or name another.")
    if path.is_dir():
        raise Refused(f"{path} is a folder; name a file.")
    if path.exists() and not force:
        raise Refused(f"{path} exists already; name another file, or replace it with --force.")


@contextmanager
def open_gallery() -> Generator[Gallery, None, None]:
    """The gallery of this person's studio."""
    from studio.works.gallery import Gallery

    with Gallery.open() as gallery:
        yield gallery


def show_trained(card: Any, where: Path, *, as_json: bool, quiet: bool) -> None:
    """Print where a trained network is, and its figures on standard error; or its card as JSON."""
    if as_json:
        click.echo(card.model_dump_json(exclude={"classes"}))
        return
    click.echo(str(where))
    if not quiet:
        for figure, value in card.figures.items():
            click.echo(f"{figure:>46}  {value:g}", err=True)
