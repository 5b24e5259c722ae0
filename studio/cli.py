"""The command line: thin. It reads wishes, hands them on, and prints what came of them.

Exit status: 0 made, 2 the request cannot be met (one line on standard error), 130 interrupted.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from studio import __version__
from studio.errors import Missing, Refused, StudioError
from studio.music.writing.formats import FORMATS
from studio.process import finish

if TYPE_CHECKING:
    from studio.works.gallery import Gallery
    from studio.works.ingredient import Ingredient
    from studio.works.recipe import Recipe
    from studio.works.work import Progress, Work

Command = TypeVar("Command", bound=Callable[..., Any])


def main() -> NoReturn:
    """Run a command and leave with its exit status; whatever goes wrong is told in one line."""
    try:
        commands.main(standalone_mode=False)
    except (KeyboardInterrupt, click.Abort):
        _complain("interrupted; nothing half-written was left.")
        _leave(130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
        _leave(0)
    except click.ClickException as error:
        _complain(error.format_message())
        _leave(2)
    except StudioError as error:
        _complain(str(error))
        _leave(2)
    except BrokenPipeError:
        # The reader of our output has gone (`studio gallery list | head`): there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _leave(0)
    except Exception:
        if os.environ.get("STUDIO_DEBUG"):
            raise
        from studio.works.log import write_log

        _complain(f"something went wrong in the studio itself; the details are in {write_log()}.")
        _leave(1)
    _leave(0)


def _complain(sentence: str) -> None:
    click.echo("studio: " + " ".join(sentence.split()), err=True)


def _leave(status: int) -> NoReturn:
    sys.stdout.flush()
    sys.exit(status)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, "-V", "--version", prog_name="studio", message="%(prog)s %(version)s")
def commands() -> None:
    """Derivative Works Studio: art from art with neural networks, and how it is done."""


# --- What making commands share
# ---------------------------------------------------------------------------------------


class OrOwn(click.ParamType[Any]):
    """A whole number, or the word "own" for what the source itself has."""

    name = "number|own"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "own" or isinstance(value, int):
            return value
        try:
            return int(value)
        except ValueError:
            self.fail(f"'{value}' is neither a whole number nor the word own.", param, ctx)


def recipe_options(kind: type[Recipe], *, leave_out: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """An option for every parameter of the recipe, with the recipe's own help and default; what is not given
    stays None.
    """
    from studio.works.recipe import controls

    def decorate(command: Command) -> Command:
        for control in reversed([control for control in controls(kind) if control.name not in leave_out]):
            default = ", ".join(map(str, control.default)) if control.many else control.default
            span = (
                f", {control.minimum:.10g} to {control.maximum:.10g}"
                if control.minimum is not None and control.maximum is not None
                else ""
            )
            unit = control.unit and " " + control.unit
            said = control.help + (
                f" [{default}{unit}{span}]"
                if default not in (None, "")
                else f" [{(unit + span).strip(', ')}]"
                if span
                else ""
            )
            if control.type is bool:
                command = click.option(
                    f"{control.option}/--no{control.option[1:]}", control.name, default=None, help=said
                )(command)
                continue
            name = control.option.removesuffix("s") if control.many else control.option
            nullable = type(None) in getattr(kind.model_fields[control.name].annotation, "__args__", ())
            click_type = (
                OrOwn()
                if nullable and control.type is int
                else click.Choice(control.choices)
                if control.choices
                else control.type
            )
            command = click.option(
                name, control.name, type=click_type, multiple=control.many, default=None, help=said
            )(command)
        return command

    return decorate


def _wishes(given: dict[str, Any]) -> dict[str, Any]:
    """The options a person really gave."""
    return {
        name: None if (name, value) == ("size", "own") else value
        for name, value in given.items()
        if value not in (None, ())
    }


def making_options(command: Command) -> Command:
    """--quiet, --json and --force, alike for everything that makes something."""
    for option in (
        click.option("--force", is_flag=True, help="Replace the output file if it exists."),
        click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON."),
        click.option("-q", "--quiet", is_flag=True, help="No progress, no words but the path."),
    ):
        command = option(command)
    return command


def picture_options(command: Command) -> Command:
    """What a picture made of a photo takes beside its own dials: whose the photo is, and weights of one's
    own.
    """
    for option in (
        click.option("--licence", default="", help="The photo's licence."),
        click.option("--author", default="", help="Who took the photo."),
        click.option("--title", default="", help="The photo's title, for the credits."),
        click.option(
            "--weights-sha256",
            metavar="HEX",
            help="The sha256 of the weights; needed for a file that is not safetensors.",
        ),
        click.option(
            "--weights",
            type=click.Path(path_type=Path),
            help="Weights of your own: a lesson's .zip, or for the backbone.",
        ),
    ):
        command = option(command)
    return command


picture_output = click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The picture to write, a .png."
)


def _make_picture(
    kind: str,
    photo: Path,
    output: Path,
    others: Iterable[tuple[str, Path | None]],
    given: dict[str, Any],
    *,
    quiet: bool,
    as_json: bool,
    force: bool,
) -> None:
    """Make a picture of a photo and what else it takes, by role; given: wishes, and the photo's title, author
    and licence.
    """
    from studio.making.asking import ask
    from studio.making.kinds import run_here
    from studio.works.ingredient import Ingredient

    _check_output(output, suffixes=(".png",), force=force)
    credit = {name: given.pop(name) for name in ("title", "author", "licence")}
    ingredients = [Ingredient("photo", _read(photo), photo.name, **credit)]
    ingredients += [
        own if (own := _own_painting(role, path)) else Ingredient(role, _read(path), path.name)
        for role, path in others
        if path
    ]
    with _gallery() as gallery:
        recipe = ask(kind, _wishes(given), ingredients, gallery)
        work = _watch(run_here(recipe, gallery), quiet=quiet)
        gallery.export(work, output, force=force)
    _tell(work, output, quiet=quiet, as_json=as_json)


def _own_painting(role: str, path: Path) -> Ingredient | None:
    """What a bare word names where there is no such file: one of the studio's own paintings."""
    if role != "style" or path.suffix or len(path.parts) != 1 or path.exists():
        return None
    from studio.images.paintings.catalogue import painting

    return painting(path.name).ingredient()


T = TypeVar("T")


def _watch(process: Generator[Progress, None, T], *, quiet: bool) -> T:
    """Run a process to its end with a progress line on standard error."""
    if quiet or not sys.stderr.isatty():
        return _finish(process, lambda _: None)
    with click.progressbar(
        length=1, file=sys.stderr, show_pos=True, item_show_func=lambda stage: stage
    ) as bar:

        def show(progress: Progress) -> None:
            bar.length = progress.total
            bar.update(progress.done - bar.pos, progress.stage)

        return _finish(process, show)


def _finish(process: Generator[Progress, None, T], show: Callable[[Progress], None]) -> T:
    with _heard_for_certain() as interrupted:

        def watch(progress: Progress) -> None:
            show(progress)
            if interrupted():
                raise KeyboardInterrupt

        return finish(process, watch)


def _being_imported(name: str) -> bool:
    """Whether a module's import is under way (importlib marks it so)."""
    return bool(getattr(getattr(sys.modules.get(name), "__spec__", None), "_initializing", False))


@contextmanager
def _heard_for_certain() -> Generator[Callable[[], bool], None, None]:
    """Whether Ctrl+C was pressed. Python loses an interrupt that falls into a callback, such as those of an
    import under way; and torch ends the whole process when one falls into its own import, so there it is only
    written down."""
    pressed: list[int] = []

    def hear(number: int, _frame: object) -> None:
        pressed.append(number)
        if not _being_imported("torch"):
            raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGINT, hear)
    except ValueError:  # not the main thread: nobody presses keys there
        yield lambda: False
        return
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise Missing(f"There is no file {path}; check the name and the folder.") from None
    except IsADirectoryError:
        raise Refused(f"{path} is a folder; name a file.") from None
    except OSError as error:
        raise Missing(f"{path} cannot be read ({error.strerror}).") from None


def _check_output(path: Path, *, suffixes: tuple[str, ...], force: bool) -> None:
    """Say at once what would stop the result from being written, before minutes go into making it."""
    if path.suffix.lower() not in suffixes:
        raise Refused(f"{path} should end in {' or '.join(suffixes)}.")
    if not path.parent.is_dir():
        raise Missing(f"There is no folder {path.parent}; make it first, or name another.")
    if path.is_dir():
        raise Refused(f"{path} is a folder; name a file.")
    if path.exists() and not force:
        raise Refused(f"{path} exists already; name another file, or replace it with --force.")


@contextmanager
def _gallery() -> Generator[Gallery, None, None]:
    from studio.works.gallery import Gallery

    with Gallery.open() as gallery:
        yield gallery


def _tell(work: Work, path: Path, *, quiet: bool, as_json: bool) -> None:
    if as_json:
        told = {
            "path": str(path),
            "work": work.id,
            "kind": work.kind,
            "title": work.title,
            "sha256": work.sha256,
            "facts": work.facts,
        }
        click.echo(json.dumps(told | {"recipe": json.loads(work.recipe_json)}, ensure_ascii=False))
    else:
        click.echo(str(path))
        if not quiet:
            click.echo(f"{work.words} Work {work.id} in the gallery.", err=True)


# --- Making
# ------------------------------------------------------------------------------------------------------------


def _dream_recipe() -> type[Recipe]:
    from studio.images.recipes import DreamRecipe

    return DreamRecipe


@commands.command()
@click.argument("photo", type=click.Path(path_type=Path))
@picture_output
@recipe_options(_dream_recipe())
@click.option(
    "--guide", type=click.Path(path_type=Path), help="Dream towards what the network sees in this picture."
)
@click.option("--mask", type=click.Path(path_type=Path), help="Dream only where this picture is light.")
@picture_options
@making_options
def dream(
    photo: Path, output: Path, guide: Path | None, mask: Path | None, weights: Path | None, **given: Any
) -> None:
    """Let a pretrained network dream on PHOTO: what it sees there is made stronger, from coarse to fine."""
    flags = {name: given.pop(name) for name in ("quiet", "as_json", "force")}
    _make_picture(
        "dream", photo, output, (("guide", guide), ("mask", mask), ("weights", weights)), given, **flags
    )


def _style_recipe() -> type[Recipe]:
    from studio.images.recipes import StyleRecipe

    return StyleRecipe


@commands.command()
@click.argument("content", type=click.Path(path_type=Path))
@click.argument("paintings", nargs=-1, required=True, metavar="STYLE[*WEIGHT]...")
@picture_output
@recipe_options(_style_recipe(), leave_out=("style_weights",))
@click.option("--mask", type=click.Path(path_type=Path), help="Paint only where this picture is light.")
@picture_options
@making_options
def style(
    content: Path,
    paintings: tuple[str, ...],
    output: Path,
    mask: Path | None,
    weights: Path | None,
    **given: Any,
) -> None:
    """Paint the photo CONTENT in the style of one or more paintings.

    Several paintings are mixed; starry.jpg*2 counts twice as much as the others. A STYLE is a file, or one of
    the studio's own paintings by its name (studio paintings).
    """
    flags = {name: given.pop(name) for name in ("quiet", "as_json", "force")}
    weighed = [_weighed(painting) for painting in paintings]
    if any(weight != 1 for _, weight in weighed):
        given["style_weights"] = tuple(weight for _, weight in weighed)
    others = [*(("style", path) for path, _ in weighed), ("mask", mask), ("weights", weights)]
    _make_picture("style", content, output, others, given, **flags)


def _weighed(painting: str) -> tuple[Path, float]:
    """STYLE or STYLE*WEIGHT, as a file's name and a number."""
    name, star, weight = painting.rpartition("*")
    if not star or Path(painting).exists():  # a star may stand in a file's own name
        return Path(painting), 1.0
    try:
        return Path(name), float(weight)
    except ValueError:
        raise Refused(
            f"'{painting}' has no number behind its *; write STYLE*WEIGHT, such as starry.jpg*2."
        ) from None


def _compose_recipe() -> type[Recipe]:
    from studio.music.melody.recipes import ComposeRecipe

    return ComposeRecipe


@commands.command()
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help=f"The file to write: {', '.join(FORMATS.suffixes())}.",
)
@click.option(
    "--model",
    "composer",
    type=click.Choice(("markov", "lstm")),
    default=None,
    help="Who chooses the notes: a Markov chain over the style's tunes, or a network trained on them (studio train). [markov]",
)
@recipe_options(_compose_recipe(), leave_out=("format", "composer"))
@click.option("--take", type=click.Path(path_type=Path), help="The tune that --keep keeps bars from.")
@click.option(
    "--theme", type=click.Path(path_type=Path), help="A tune that attracts, or repels (see --theme-pull)."
)
@click.option(
    "--count",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    help="How many takes: NAME-1, NAME-2 …, seeds counted on.",
)
@making_options
def compose(
    output: Path,
    take: Path | None,
    theme: Path | None,
    count: int,
    quiet: bool,
    as_json: bool,
    force: bool,
    **given: Any,
) -> None:
    """Compose a melody in a style under exact constraints.

    The style is one of `studio styles`, or a file or folder of your own tunes. What is asked for is kept
    exactly; where that cannot be, the fewest wishes that conflict are named.
    """
    from studio.making.asking import ask
    from studio.making.kinds import run_here
    from studio.music.melody.facts import facts_in_words
    from studio.music.styles.sources import own_ingredients, stands_for_files
    from studio.works.ingredient import Ingredient

    outputs = [
        output if count == 1 else output.with_stem(f"{output.stem}-{number}")
        for number in range(1, count + 1)
    ]
    for path in outputs:
        _check_output(path, suffixes=FORMATS.suffixes(), force=force)
    wishes = _wishes(given) | {"format": FORMATS.by_suffix(output).name}
    ingredients = [
        Ingredient(role, _read(path), path.name) for role, path in (("take", take), ("theme", theme)) if path
    ]
    style = str(wishes.get("style", ""))
    if stands_for_files(style):
        ingredients += own_ingredients(Path(style))
        wishes["style"] = Path(style).stem
    with _gallery() as gallery:
        for number, path in enumerate(outputs):
            recipe = ask(
                "compose", wishes | {"seed": int(wishes.get("seed", 0)) + number}, ingredients, gallery
            )
            work = _watch(run_here(recipe, gallery), quiet=quiet)
            gallery.export(work, path, force=force)
            _tell(work, path, quiet=quiet, as_json=as_json)
            if not (quiet or as_json):
                for label, sentence in facts_in_words(work.facts):
                    if label in ("form", "chance", "copying", "remarks"):
                        click.echo(f"{label:>10}  {sentence}", err=True)


@commands.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Also write what was made.")
@click.option(
    "--source",
    "sources",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A source that the gallery here does not have.",
)
@making_options
def remake(
    file: Path, output: Path | None, sources: tuple[Path, ...], quiet: bool, as_json: bool, force: bool
) -> None:
    """Make the work in FILE again from the recipe inside it, and say whether it is identical."""
    from studio.making.remaking import remake as remaking
    from studio.works.output import write_file

    if output is not None:
        _check_output(output, suffixes=(file.suffix,), force=force)
    with _gallery() as gallery:
        remade = _watch(remaking(_read(file), gallery, [_read(source) for source in sources]), quiet=quiet)
    if output is not None:
        write_file(remade.made.content, output, force=force)
    if as_json:
        click.echo(
            json.dumps(
                {"identical": remade.identical, "sentence": remade.sentence, "path": output and str(output)}
            )
        )
    else:
        click.echo(str(output) if quiet and output else remade.sentence)


@commands.command()
@click.argument("recipes", type=click.Path(path_type=Path))
@click.option(
    "--scheduler",
    help="Address of a Dask scheduler, such as tcp://10.0.0.5:8786; without it, workers on this machine.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many worker processes to start here.",
)
@click.option("--json", "as_json", is_flag=True, help="Print every event as a line of JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print the summary only.")
def batch(recipes: Path, scheduler: str | None, workers: int, as_json: bool, quiet: bool) -> None:
    """Make every work of RECIPES, a file of JSON lines, skipping those the gallery has. The status is 2 where
    a line failed.
    """
    from studio.making.batch import run_batch

    failed = False
    with _gallery() as gallery:
        event = None
        for event in run_batch(
            _read(recipes), gallery, folder=recipes.parent, scheduler=scheduler, workers=workers
        ):
            failed |= event.what == "failed"
            if as_json:
                click.echo(json.dumps(asdict(event)))
            elif not quiet or event.what in ("failed", "summary"):
                click.echo(event.sentence, err=event.what == "failed")
    if event is None:
        raise Refused(f"{recipes} holds no recipe: write one JSON object a line.")
    if failed:
        sys.exit(2)


# --- Looking
# -----------------------------------------------------------------------------------------------------------


@commands.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the recipe as JSON.")
def show(file: Path, as_json: bool) -> None:
    """Show the recipe inside FILE: how it was made, from what, with what."""
    from studio.making.kinds import read_recipe
    from studio.works.metadata import extract
    from studio.works.recipe import controls

    text = extract(_read(file))
    if text is None:
        raise Refused(
            f"{file} carries no recipe: it was not made by the studio, or something it went through removed it."
        )
    if as_json:
        click.echo(text)
        return
    recipe = read_recipe(text)
    click.echo(recipe.in_words())
    for source in recipe.sources:
        credit = ", ".join(part for part in (source.title, source.author, source.licence) if part)
        click.echo(f"{source.role:>12}  {source.name}  {source.sha256[:16]}  {credit}".rstrip())
    if recipe.model:
        click.echo(f"{'model':>12}  {recipe.model.name}  {recipe.model.sha256[:16]}")
    for control in controls(type(recipe)):
        value = getattr(recipe, control.name)
        click.echo(f"{control.name:>12}  {', '.join(map(str, value)) if isinstance(value, tuple) else value}")
    if recipe.setting:
        click.echo(
            f"{'made with':>12}  {', '.join(f'{name} {version}' for name, version in recipe.setting.versions.items())}"
        )


@commands.group()
def gallery() -> None:
    """The works made here: list, show, export, remove."""


@gallery.command("list")
@click.option("--search", default="", help="Only works whose title, words or sources hold this text.")
@click.option("--kind", help="Only works of this kind.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=60, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def gallery_list(search: str, kind: str | None, limit: int, as_json: bool) -> None:
    """The works, newest first."""
    with _gallery() as gallery:
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
    """One work: its recipe, parents and children."""
    with _gallery() as gallery:
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
    from studio.music.melody.facts import facts_in_words

    for name, value in facts_in_words(work.facts) if work.kind == "compose" else work.facts.items():
        click.echo(f"{name}: {value}")
    for word, relatives in (("made from", parents), ("led to", children)):
        for relative in relatives:
            click.echo(f"{word}: {relative.id}  {relative.title}")


@gallery.command("export")
@click.argument("id")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The file to write.")
@click.option("--force", is_flag=True, help="Replace the output file if it exists.")
def gallery_export(id: str, output: Path, force: bool) -> None:
    """Copy a work's file out of the gallery, its recipe inside."""
    with _gallery() as gallery:
        click.echo(str(gallery.export(gallery.get(id), output, force=force)))


@gallery.command("remove")
@click.argument("id")
@click.option("--yes", is_flag=True, help="Do not ask.")
def gallery_remove(id: str, yes: bool) -> None:
    """Remove a work from the gallery. Its file cannot be brought back."""
    with _gallery() as gallery:
        work = gallery.get(id)
        if yes or click.confirm(f"Remove {work.title} ({work.id})?", err=True):
            gallery.remove(work.id)
            click.echo(f"Removed {work.id}.")


@commands.command()
@click.option("--backbone", default="efficientnet_lite0", show_default=True)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="A network of your own, such as a lesson's .zip, instead of the backbone.",
)
def layers(backbone: str, weights: Path | None) -> None:
    """The layers of a network, and what each tends to show when it dreams."""
    from studio.images.networks.backbones import layers as layers_of
    from studio.images.networks.described import read_weights_file

    own = read_weights_file(_read(weights), weights.name)[1] if weights else None
    for layer in own.layers if own else layers_of(backbone):
        click.echo(f"{layer.name:<18} {layer.channels:>5} channels  {layer.shows}")


@commands.command()
def presets() -> None:
    """The looks with a name."""
    from studio.images.presets import PRESETS

    for preset in PRESETS.values():
        click.echo(f"{preset.name:<14} {preset.sentence}")


@commands.command()
def paintings() -> None:
    """The studio's own paintings, to paint a photo after."""
    from studio.images.paintings.catalogue import PAINTINGS

    for painting in PAINTINGS.values():
        click.echo(f"{painting.name:<14} {painting.title}. {painting.sentence}")


@commands.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def styles(context: click.Context, as_json: bool) -> None:
    """The musical styles at hand, with size, source and licence."""
    if context.invoked_subcommand is not None:
        return
    from studio.music.styles.own import catalogue

    fields = ("name", "title", "sentence", "source", "licence", "tunes")
    for entry in catalogue():
        if as_json:
            told = {field: getattr(entry, field) for field in fields} | {
                "fetched_on_demand": entry.download is not None
            }
            click.echo(json.dumps(told, ensure_ascii=False))
            continue
        size = f"{entry.tunes:,} tunes" if entry.tunes else ""
        fetched = f"to fetch: studio styles add {entry.name}" if entry.download else ""
        click.echo(
            f"{entry.name:<16} {entry.title}{', ' + size if size else ''}{f' ({fetched})' if fetched else ''}"
        )
        click.echo(f"{'':<16} {entry.sentence}")
        click.echo(f"{'':<16} {entry.source}. {entry.licence}")


@styles.command("add")
@click.argument("name")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--sentence", default="", help="What the style is, in a sentence.")
@click.option("--licence", default="", help="Under which licence its tunes are.")
@click.option("-q", "--quiet", is_flag=True)
def styles_add(name: str, path: Path | None, sentence: str, licence: str, quiet: bool) -> None:
    """Read the tunes at PATH once and keep them as the style NAME; without PATH, fetch the public collection
    of that name.
    """
    from studio.music.styles.adding import add_style

    style = _watch(add_style(name, path, sentence=sentence, licence=licence), quiet=quiet)
    click.echo(f"{name}: {len(style):,} tunes, {style.notes:,} notes.")
    if style.unread and not quiet:
        click.echo(
            f"{len(style.unread)} could not be read; the first, {style.unread[0].name}: {style.unread[0].reason}",
            err=True,
        )


@styles.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True)
def styles_show(name: str, as_json: bool) -> None:
    """One style: its meters and modes, how much its tunes borrow from each other, and what could not be read."""
    from studio.music.styles.opening import open_style
    from studio.music.styles.report import portrait

    told = portrait(_watch(open_style(name), quiet=as_json))
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    for what, value in told.items():
        lines = value if isinstance(value, list) else [value]
        for number, line in enumerate(lines):
            click.echo(f"{'' if number else what:>14}  {line}")


@styles.command("report")
@click.argument("name")
@click.argument("tunes", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True)
@click.option("-q", "--quiet", is_flag=True, help="One number, the closeness.")
def styles_report(name: str, tunes: Path, as_json: bool, quiet: bool) -> None:
    """How close the tunes at TUNES (a file, a folder or another style's name) come to the style NAME.

    Beside them stand the style's own tunes, one half against the other, and those with their notes shuffled.
    Feature by feature after Yang and Lerch: overlap is 1 where distances within the style and to the tunes
    are spread alike.
    """
    from studio.music.styles.opening import open_style
    from studio.music.styles.report import place

    style = _watch(open_style(name), quiet=quiet or as_json)
    others = _watch(open_style(tunes if tunes.exists() else str(tunes)), quiet=quiet or as_json)
    placed = place(others, style)
    if as_json:
        click.echo(json.dumps(asdict(placed)))
        return
    if quiet:
        click.echo(f"{placed.tunes.closeness:.3f}")
        return
    click.echo(
        f"{len(others):,} tunes of {others.entry.title} beside {len(style):,} of {style.entry.title}. {placed.tunes.sentence}\n"
    )
    click.echo(
        f"{'':<20} {'overlap':>8} {'divergence':>11} {'variety':>8}   {'own tunes':>9} {'shuffled':>9}"
    )
    for each, own, shuffled in zip(
        placed.tunes.features, placed.own.features, placed.shuffled.features, strict=True
    ):
        row = f"{each.name:<20} {each.overlap:>8.2f} {each.divergence:>11.2f} {each.variety:>8.2f}"
        click.echo(f"{row}   {own.overlap:>9.2f} {shuffled.overlap:>9.2f}")
    closeness = f"{'closeness':<20} {placed.tunes.closeness:>8.2f} {'':>20}"
    click.echo(f"{closeness}   {placed.own.closeness:>9.2f} {placed.shuffled.closeness:>9.2f}")


@commands.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--style",
    "name",
    required=True,
    help="The style it is compared with: one of studio styles, or a file or folder.",
)
@click.option("--json", "as_json", is_flag=True)
@click.option("-q", "--quiet", is_flag=True, help="The longest shared run alone, in notes by intervals.")
def originality(file: Path, name: str, as_json: bool, quiet: bool) -> None:
    """What the melody in FILE shares with the tunes of a style: the longest run, how much of it, and the tune
    that comes nearest.
    """
    from studio.music.reading.readers import read_tunes
    from studio.music.styles.opening import open_style
    from studio.music.styles.originality import Comparison
    from studio.music.styles.runs import RunKind

    melody = read_tunes(_read(file), file.name).tunes[0]
    style = _watch(open_style(Path(name) if Path(name).exists() else name), quiet=quiet or as_json)
    report = Comparison(style, style.entry.title).report(melody)
    if as_json:
        click.echo(json.dumps(report.to_plain(), ensure_ascii=False))
        return
    if quiet:
        click.echo(str(report.longest().notes))
        return
    click.echo(
        f"{melody.title or file.name}, {len(melody.sounding)} notes, beside {len(style):,} tunes of {style.entry.title}."
    )
    for sentence in report.sentences:
        click.echo(sentence)
    shares, own = report.shares[RunKind.INTERVAL], report.baselines[RunKind.INTERVAL].shares
    click.echo(
        "\nRuns by intervals that stand in the style:  "
        + "  ".join(f"{notes:>4}" for notes in shares)
        + "  notes"
    )
    click.echo(f"{'of this melody':>42}  " + "  ".join(f"{share:>4.0%}" for share in shares.values()))
    click.echo(
        f"{'of its own tunes, in another':>42}  "
        + "  ".join(f"{own.get(notes, 0.0):>4.0%}" for notes in shares)
    )
    if report.nearest:
        click.echo(f"\nBeside {report.nearest.title} (= where pitch and length agree):")
        for bar, mine, theirs in report.nearest.side_by_side():
            click.echo(f"{bar:>4}  {mine}\n{'':>4}  {theirs}")


@styles.command("remove")
@click.argument("name")
def styles_remove(name: str) -> None:
    """Forget a style of your own; its files stay where they are."""
    from studio.music.styles.own import remove_style

    remove_style(name)
    click.echo(f"Removed {name}.")


@commands.command()
@click.argument("name")
@click.option("--resume", is_flag=True, help="Go on with a training that was interrupted.")
@click.option(
    "-o",
    "--into",
    type=click.Path(path_type=Path),
    help="The folder to keep it in; by default the models of your studio.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Of the split, the first weights and the order.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1, 1000),
    default=60,
    show_default=True,
    help="Times through the tunes, at most.",
)
@click.option(
    "--hidden",
    type=click.IntRange(8, 1024),
    default=192,
    show_default=True,
    help="Cells of the network's memory.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the model's card as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no words but the path.")
def train(
    name: str,
    resume: bool,
    into: Path | None,
    seed: int,
    epochs: int,
    hidden: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train a network on the melodies of the style NAME, for `studio compose --model lstm`.

    NAME is one of `studio styles`, or a file or folder of your own tunes. Every epoch is kept, so that an
    interrupted training goes on with --resume. What it reaches on tunes it has never met is told beside what
    the chains reach on the same notes.
    """
    from studio.music.melody.training import train as training

    trained = _watch(
        training(name, into=into, resume=resume, seed=seed, epochs=epochs, hidden=hidden), quiet=quiet
    )
    if as_json:
        click.echo(trained.card.model_dump_json(exclude={"classes"}))
        return
    click.echo(str(trained.where))
    if not quiet:
        for figure, value in trained.card.figures.items():
            click.echo(f"{figure:>46}  {value:g}", err=True)


@commands.command()
@click.argument("name", required=False)
@click.option(
    "--set", "wishes", multiple=True, metavar="CONTROL=VALUE", help="Set one of the lesson's controls."
)
def lesson(name: str | None, wishes: tuple[str, ...]) -> None:
    """A lesson in the terminal, its numbers step by step; without a NAME (or number), the course."""
    from studio.lessons.kit import course
    from studio.lessons.kit.scene import Table, table_in_words

    if name is None:
        for number, each in enumerate(course.COURSE, start=1):
            found = course.lesson(each)
            click.echo(f"{number:>3}  {each:<20} {found.question}")
        return
    shown = course.lesson(name)
    if shown.table is None:
        raise Refused(
            f"The lesson '{name}' has no numbers to print; see it in the Lessons tab of studio app."
        )
    settings = shown.settings(dict(_assignment(wish) for wish in wishes))
    click.echo(f"{shown.title}. {shown.question}\n")
    for part in shown.table(settings):
        click.echo((table_in_words(part) if isinstance(part, Table) else part) + "\n")
    click.echo(shown.formula)


def _assignment(wish: str) -> tuple[str, str]:
    name, equals, value = wish.partition("=")
    if not equals:
        raise Refused(f"'{wish}' sets nothing; write CONTROL=VALUE, such as rate=0.1.")
    return name.strip(), value.strip()


@commands.command()
@click.option("--json", "as_json", is_flag=True)
def doctor(as_json: bool) -> None:
    """What works here and what is missing: versions, device, networks, storage."""
    from studio.doctor import examine

    findings = examine()
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings]))
        return
    for finding in findings:
        click.echo(f"{'ok     ' if finding.ready else 'missing'}  {finding.what:<22} {finding.detail}")


@commands.command()
@click.option("--port", type=click.IntRange(0, 65535), default=7860, show_default=True)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="0.0.0.0 lets other machines in; set STUDIO_PASSWORD then.",
)
@click.option("--open/--no-open", "open_browser", default=False, help="Open the page in the browser.")
def app(port: int, host: str, open_browser: bool) -> None:
    """Open the studio as a page in the browser."""
    from studio.app.page import serve

    serve(host, port, open_browser=open_browser)


if __name__ == "__main__":
    main()
