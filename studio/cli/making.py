"""The commands that make works: one for every kind, generated from its row, and remake and batch."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studio.cli.folders import folder_help, folder_options, make_all, takes_folders
from studio.cli.options import (
    FILE,
    NamedChoice,
    check_output,
    open_gallery,
    output_options,
    recipe_options,
    settings_given,
    watch,
)
from studio.errors import Refused
from studio.making.kinds import Kind, Role
from studio.works.formats import ALIKE
from studio.works.incoming import read_file
from studio.works.ingredient import Ingredient

if TYPE_CHECKING:
    from studio.making.folder import FolderRequest
    from studio.works.gallery import Gallery
    from studio.works.work import Work

CREDIT = ("title", "author", "licence")


def making_command(kind: Kind) -> click.Command:
    """The command that makes works of this kind: `studio dream`, `studio compose` …"""

    def callback(**given: Any) -> None:
        _MakingRequest.read(kind, given).make()

    told = "\n\n".join(filter(None, (kind.summary, kind.details, folder_help(kind))))
    return click.Command(kind.name, params=_params(kind), callback=callback, help=told)


def _params(kind: Kind) -> list[click.Parameter]:
    recipe = kind.recipe_class()
    counted = {name for role in kind.roles for name in (role.weights, role.regions)}
    controls = [control for control in kind.controls() if control.name not in counted]
    suffixes = kind.format_table().suffixes_in_words()
    return [
        *(_argument(role, kind) for role in kind.roles if role.metavar),
        click.Option(["-o", "--output"], required=True, type=FILE, help=f"The file to write: {suffixes}."),
        *recipe_options(recipe, controls, kind.spelled),
        *_mood_option(kind),
        *(_file_option(role) for role in kind.roles if not role.metavar and not role.stands_for),
        *_weights_options(kind),
        *_credit_options(kind),
        *folder_options(kind),
        click.Option(
            ["--count"],
            type=click.IntRange(1, 100),
            default=1,
            show_default=True,
            help="How many to make, each with the next seed, as NAME-1, NAME-2 and so on.",
        ),
        *_sheet_option(kind),
        *output_options(),
    ]


def _sheet_option(kind: Kind) -> list[click.Option]:
    """Several on one picture, for kinds whose works are pictures."""
    help = "Make this many, each with the next seed, and write one picture of them all with their seeds."
    return [click.Option(["--sheet"], type=click.IntRange(2, 100), help=help)] if kind.sheet else []


def _argument(role: Role, kind: Kind) -> click.Argument:
    if role.several:
        by_regions = any(each.looks == role.name for each in kind.roles)
        metavar = f"[{role.metavar}]..." if by_regions else f"{role.metavar}..."
        needed = role.needed and not by_regions
        return click.Argument([_file(role)], nargs=-1, required=needed, metavar=metavar)
    return click.Argument([_file(role)], required=role.needed, type=FILE, metavar=role.metavar)


def _file_option(role: Role) -> click.Option:
    kind: Any = str if role.regions else FILE
    metavar = "PLACE=LOOK" if role.regions else None
    option = [f"--{role.name}", _file(role)]
    return click.Option(option, type=kind, multiple=role.several, metavar=metavar, help=role.help)


def _file(role: Role) -> str:
    """The name of a file's parameter: a recipe may have a field of the role's name."""
    return f"{role.name}_file"


def _weights_options(kind: Kind) -> list[click.Option]:
    help = "The sha256 of the weights; needed for a file that is not safetensors."
    return [
        click.Option([f"--{role.name}-sha256"], metavar="HEX", help=help)
        for role in kind.roles
        if role.media == "weights"
    ]


def _mood_option(kind: Kind) -> list[click.Option]:
    """Several settings in a word, for kinds that have moods."""
    moods = kind.mood_table()
    if not moods:
        return []
    said = " ".join(f"{name}: {mood.sentence}" for name, mood in moods.items())
    help = f"A word for several settings; what you set yourself stays. {said}"
    return [click.Option(["--mood"], type=NamedChoice(list(moods)), help=help)]


def _credit_options(kind: Kind) -> list[click.Option]:
    """The credit for the first file, for kinds that need one."""
    if not kind.roles or not kind.roles[0].needed:
        return []
    role = kind.roles[0].name
    helps = (f"The {role}'s title, for the credits.", f"Who made the {role}.", f"The {role}'s licence.")
    return [
        click.Option([f"--{name}"], default="", help=sentence)
        for name, sentence in zip(CREDIT, helps, strict=True)
    ]


@dataclass(frozen=True)
class _MakingRequest:
    """What was asked for on the command line, taken apart."""

    kind: Kind
    settings: dict[str, Any]
    files: dict[str, Any]
    credit: dict[str, str]
    folder_format: str | None
    output: Path
    count: int
    quiet: bool
    as_json: bool
    force: bool
    sheet: int | None = None

    @classmethod
    def read(cls, kind: Kind, given: dict[str, Any]) -> _MakingRequest:
        flags = {name: given.pop(name) for name in ("output", "count", "quiet", "as_json", "force")}
        files = {role.name: given.pop(_file(role), None) for role in kind.roles}
        given |= _with_regions(kind, files)
        has_credit = bool(_credit_options(kind))
        credit = {name: given.pop(name) for name in CREDIT} if has_credit else dict.fromkeys(CREDIT, "")
        form = given.pop("folder_format", None)
        sheet = given.pop("sheet", None)
        settings = settings_given(given)
        if settings.get("print") and "size" in settings:
            raise Refused("--print chooses the size in pixels: leave out --size, or leave out --print.")
        return cls(kind, settings, files, credit, form, sheet=sheet, **flags)

    def make(self) -> None:
        """Make every work that was asked for, write its file, and print its path."""
        from studio.making.asking import ask, check_credit
        from studio.making.here import run_here

        check_credit(self.credit)
        if self.photos is not None:
            make_all(self._folder(self.photos), quiet=self.quiet, as_json=self.as_json)
            return
        if self.folder_format:
            raise Refused(
                "--format goes with a folder of photos; here the suffix of the file says the format."
            )
        if self.sheet is not None and self.count > 1:
            raise Refused("--sheet makes several works already: leave out --count.")
        settings = self.settings | self.kind.format_settings(self.output)
        if self.together > 1 and self.count > 1:
            raise Refused(f"--{self.kind.together[0]} makes several works already: leave out --count.")
        for path in self.outputs:
            check_output(path, force=self.force)
        with open_gallery() as gallery:
            more, ingredients = self._ingredients(gallery)
            settings |= more
            works = []
            for number in range(self.sheet or len(self.outputs)):
                recipe = ask(self.kind.name, settings | self._own(number), ingredients, gallery)
                work = watch(run_here(recipe, gallery), quiet=self.quiet)
                works.append(work)
                if self.sheet is None:
                    path = self.outputs[number]
                    gallery.export(work, path, force=self.force)
                    self._tell(work, path)
            if self.sheet is not None:
                self._write_sheet(works, gallery)

    def _write_sheet(self, works: list[Work], gallery: Gallery) -> None:
        """Write all works on one picture, and print its path."""
        from studio.images.pictures import read_picture
        from studio.making.kinds import found_at
        from studio.works.output import write_file

        seeds = [json.loads(work.recipe_json)["seed"] for work in works]
        pictures = [read_picture(gallery.read(work)).pixels for work in works]
        sheet = found_at(self.kind.sheet)(pictures, [f"seed {seed}" for seed in seeds])
        form: Any = self.kind.format_table().by_suffix(self.output)
        write_file(form.to_bytes(sheet, alpha=None, density=None), self.output, force=self.force)
        if self.as_json:
            told = {"path": str(self.output), "works": [work.id for work in works], "seeds": seeds}
            click.echo(json.dumps(told))
            return
        click.echo(str(self.output))

    @property
    def photos(self) -> Path | None:
        """The folder of photos that was given in place of the first file, if one was."""
        first = self.files[self.kind.roles[0].name] if takes_folders(self.kind) else None
        return first if isinstance(first, Path) and first.is_dir() else None

    def _folder(self, photos: Path) -> FolderRequest:
        from studio.making.folder import FolderRequest

        if self.count > 1 or self.sheet is not None:
            option = "count" if self.count > 1 else "sheet"
            raise Refused(
                f"--{option} goes with a single photo: make the folder again with another --seed instead."
            )
        settings, files = dict(self.settings), dict[str, list[str]]()
        for role in self.kind.roles[1:]:
            named = [
                _weighted(str(text), role) if role.weights else (Path(text), 1.0)
                for text in self._given(role)
            ]
            files[role.name] = [
                path.name if _is_bundled(role, path) else str(path.absolute()) for path, _ in named
            ]
            if any(weight != 1 for _, weight in named):
                settings[role.weights] = tuple(weight for _, weight in named)
        table = self.kind.format_table()
        form = table.by_name(self.folder_format) if self.folder_format else next(iter(table.values()))
        return FolderRequest(
            self.kind, photos, self.output, form, settings, files, credit=self.credit, force=self.force
        )

    @property
    def together(self) -> int:
        """How many works this request makes with one seed."""
        if not self.kind.together or self.settings.get(self.kind.together[1]) is not None:
            return 1
        return int(self.settings.get(self.kind.together[0]) or 1)

    def _own(self, number: int) -> dict[str, int]:
        """The settings of one of several works, from 0: a seed of its own, or its number among those that are
        made together.
        """
        if self.together > 1:
            return {self.kind.together[1]: number + 1}
        return {"seed": int(self.settings.get("seed", 0)) + number}

    @property
    def outputs(self) -> list[Path]:
        count = max(self.count, self.together)
        if count == 1:
            return [self.output]
        names = (f"{self.output.stem}-{number}" for number in range(1, count + 1))
        return [self.output.with_stem(name) for name in names]

    def _ingredients(self, gallery: Gallery) -> tuple[dict[str, Any], list[Ingredient]]:
        """The files as ingredients, and the settings that come with them."""
        settings: dict[str, Any] = {}
        found: list[Ingredient] = []
        for place, role in enumerate(self.kind.roles):
            credit = self.credit if place == 0 else {}
            if role.stands_for:
                text = str(self.settings.get(role.stands_for, ""))
                if role.opens(text):
                    found += role.ingredients_at(Path(text))
                    settings[role.stands_for] = Path(text).stem
                continue
            named = [
                _weighted(str(text), role) if role.weights else (Path(text), 1.0)
                for text in self._given(role)
            ]
            found += [_work(role, path, gallery) or _ingredient(role, path, credit) for path, _ in named]
            if any(weight != 1 for _, weight in named):
                settings[role.weights] = tuple(weight for _, weight in named)
        return settings, found

    def _given(self, role: Role) -> Iterable[str | Path]:
        given = self.files[role.name]
        return given if isinstance(given, tuple) else () if given is None else (given,)

    def _tell(self, work: Work, path: Path) -> None:
        if self.as_json:
            answer: dict[str, Any] = {
                "path": str(path),
                "work": work.id,
                "kind": work.kind,
                "title": work.title,
            }
            answer |= {"sha256": work.sha256, "facts": work.facts, "recipe": json.loads(work.recipe_json)}
            click.echo(json.dumps(answer, ensure_ascii=False))
            return
        click.echo(str(path))
        if self.quiet:
            return
        click.echo(f"{work.words} Work {work.id} in the gallery.", err=True)
        for label, sentence in self.kind.facts_in_words(work.facts):
            click.echo(f"{label:>12}  {sentence}", err=True)


def _with_regions(kind: Kind, files: dict[str, Any]) -> dict[str, Any]:
    """The setting that the regions make, where there are any; their pictures and looks go to the files."""
    from studio.making.regions import read_region_texts

    found: dict[str, Any] = {}
    for role in kind.roles:
        texts = files.get(role.name)
        if role.regions and texts:
            asked = read_region_texts(texts, role, map(str, files.get(role.looks) or ()))
            files[role.name] = tuple(map(Path, asked.files))
            if role.looks:
                files[role.looks] = tuple(asked.looks)
            found[role.regions] = tuple(asked.regions)
    return found


def _weighted(text: str, role: Role) -> tuple[Path, float]:
    """FILE or FILE*WEIGHT, as a path and a number."""
    name, star, weight = text.rpartition("*")
    if not star or Path(text).exists():  # a file's own name may have a star in it
        return Path(text), 1.0
    try:
        return Path(name), float(weight)
    except ValueError:
        raise Refused(
            f"'{text}' has no number after its *; write {role.name.upper()}*WEIGHT, such as starry.jpg*2."
        ) from None


def _is_bundled(role: Role, path: Path) -> bool:
    """Whether this names what comes with the studio: a single word without a suffix, and no such file."""
    return bool(role.bundled) and not path.suffix and len(path.parts) == 1 and not path.exists()


def _work(role: Role, path: Path, gallery: Gallery) -> Ingredient | None:
    """The work of the gallery that is named by its number, for a role that takes works; None for a file."""
    if not role.is_work or path.exists() or len(path.parts) != 1 or path.suffix:
        return None
    work = gallery.get(path.name)
    return Ingredient(role.name, gallery.read(work), f"{work.id}{work.suffix}", work.title)


def _ingredient(role: Role, path: Path, credit: dict[str, str]) -> Ingredient:
    """The file at `path`. A single word without a suffix names what comes with the studio, unless there is
    such a file.
    """
    if _is_bundled(role, path):
        return role.ingredient_named(path.name)
    return Ingredient(role.name, read_file(path), path.name, **credit)


@click.command()
@click.argument("file", type=FILE)
@click.option("-o", "--output", type=FILE, help="Also write what was made.")
@click.option("--source", "sources", multiple=True, type=FILE, help="A source this gallery does not have.")
@click.option("--force", is_flag=True, help="Replace the output file if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def remake(
    file: Path, output: Path | None, sources: tuple[Path, ...], force: bool, as_json: bool, quiet: bool
) -> None:
    """Make the work in FILE again from the recipe inside it, and say whether it is identical."""
    from studio.making.remaking import remake as remaking
    from studio.works.output import write_file

    if output is not None:
        suffixes = [each.suffix.lower() for each in (output, file)]
        if len({ALIKE.get(suffix, suffix) for suffix in suffixes}) > 1:
            raise Refused(f"{output} should end in {file.suffix}, as {file} does.")
        check_output(output, force=force)
    with open_gallery() as gallery:
        given = [read_file(source) for source in sources]
        remade = watch(remaking(read_file(file), gallery, given), quiet=quiet)
    if output is not None:
        write_file(remade.made.content, output, force=force)
    if as_json:
        answer = {"identical": remade.identical, "sentence": remade.sentence, "path": output and str(output)}
        click.echo(json.dumps(answer))
    else:
        click.echo(str(output) if quiet and output else remade.sentence)


@click.command()
@click.argument("recipes", type=FILE)
@click.option(
    "--scheduler",
    help="Address of a Dask scheduler, such as tls://10.0.0.5:8786. Its keys are in the folder that "
    "STUDIO_CLUSTER_KEYS names: ca.pem, cert.pem and key.pem. Without an address, workers start here.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many worker processes to start on this computer.",
)
@click.option("--json", "as_json", is_flag=True, help="Print every event as a line of JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print the summary only.")
def batch(recipes: Path, scheduler: str | None, workers: int, as_json: bool, quiet: bool) -> None:
    """Make every work in RECIPES, a file of JSON lines. Works that the gallery has are skipped. The exit
    status is 2 if a line failed.
    """
    from studio.making.batch import run_batch

    failed = False
    event = None
    with open_gallery() as gallery:
        lines = read_file(recipes)
        for event in run_batch(lines, gallery, folder=recipes.parent, scheduler=scheduler, workers=workers):
            failed |= event.what == "failed"
            if as_json:
                click.echo(json.dumps(asdict(event)))
            elif not quiet or event.what in ("failed", "summary"):
                click.echo(event.sentence, err=event.what == "failed")
    if event is None:
        raise Refused(f"{recipes} holds no recipe: write one JSON object a line.")
    if failed:
        sys.exit(2)
