"""What `import studio` offers: a function for every kind of work, the gallery, and what can be looked at.

    import studio

    work = studio.dream("photo.jpg", preset="weave", size=256, seed=7)
    work.image                                  # a PIL image
    work.save("dream.png")
    tune = studio.compose(style="ryans-mammoth", bars=16, key="D", seed=3)
    tune.to_music21()
    studio.gallery().find(kind="dream")
    studio.segments("photo.jpg")                # the parts of a photo, for regions=
    studio.channels("castle")                   # motifs of the network, for layers=

The functions are generated from the table of kinds; see `help(studio.dream)`. Works are kept in the gallery
of your studio, like those of the command line. Errors are `studio.errors.StudioError`, with one sentence.
"""

from __future__ import annotations

import base64
import inspect
import io
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.errors import Refused, UnknownName
from studio.making.kinds import KINDS, Kind, found_at, read_recipe
from studio.process import finish
from studio.works.incoming import read_text

if TYPE_CHECKING:
    from types import TracebackType

    from PIL import Image

    from studio.images.pictures import Pixels
    from studio.music.melody.renditions import Renditions
    from studio.music.scores.tunes import Tune
    from studio.works.gallery import Gallery
    from studio.works.ingredient import Ingredient
    from studio.works.recipe import Control, Recipe
    from studio.works.work import Progress, Work

CREDIT = ("title", "author", "licence")


class MadeWork:
    """A work of the gallery. A notebook shows it by itself.

    id, kind, title, words: what it is called, and what it is in a sentence. facts: what is worth telling.
    """

    def __init__(self, work: Work, home: Path) -> None:
        self._work, self._home = work, home
        self.id, self.kind, self.title, self.words = work.id, work.kind, work.title, work.words
        self.suffix, self.media_type = work.suffix, work.media_type
        self.facts: Mapping[str, Any] = work.facts

    @property
    def content(self) -> bytes:
        """The file's bytes, with the recipe inside. Raises `Missing` where the work was removed."""
        with self._gallery() as gallery:
            return gallery.read(self._work)

    @property
    def recipe(self) -> Recipe:
        """The recipe: every setting, the sources, the seed, and what it was made on."""
        return read_recipe(self._work.recipe_json)

    @property
    def parents(self) -> list[MadeWork]:
        """The works of the gallery it was made from."""
        with self._gallery() as gallery:
            return [as_made(parent, gallery) for parent in gallery.parents(self._work)]

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the file and return its path. Raises `Refused` where it exists, unless `force` is set."""
        target = Path(path)
        _check_free(target, force=force)
        with self._gallery() as gallery:
            return gallery.export(self._work, target, force=force)

    @contextmanager
    def _gallery(self) -> Iterator[Gallery]:
        from studio.works.gallery import Gallery

        with Gallery.open(self._home) as gallery:
            yield gallery

    def __repr__(self) -> str:
        return f"<{self.kind} {self.id[:8]}: {self.title}>"


def _check_free(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        raise Refused(f"{path} exists already; choose another name, or replace it with force=True.")


class PictureWork(MadeWork):
    """A dream or a painting."""

    @property
    def image(self) -> Image.Image:
        """The picture, as a PIL image."""
        from PIL import Image

        return Image.open(io.BytesIO(self.content))

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the picture in the format of the path's suffix, such as .jpg; returns the path.

        Raises `Refused` for an unknown suffix, for other formats of a work kept as JPEG, or where the file
        exists, unless `force` is set.
        """
        from studio.making.exporting import export

        target = Path(path)
        _check_free(target, force=force)
        with self._gallery() as gallery:
            return export(self._work, gallery, target, force=force)

    def _repr_png_(self) -> bytes:
        if self.media_type == "image/png":
            return self.content
        shown = io.BytesIO()
        self.image.save(shown, "PNG")
        return shown.getvalue()


class TuneWork(MadeWork):
    """A melody."""

    @property
    def tune(self) -> Tune:
        """Its notes, exactly. Raises `Refused` for a work kept as sound or picture before version 0.3."""
        with self._gallery() as gallery:
            return self._renditions(gallery).tune(self._work)

    def _renditions(self, gallery: Gallery) -> Renditions:
        from studio.music.melody.renditions import Renditions

        return Renditions(gallery)

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the tune in the format of the path's suffix, such as .mid or .wav; returns the path.

        Raises `Refused` for an unknown suffix, or where the file exists, unless `force` is set.
        """
        from studio.works.output import write_file

        target = Path(path)
        asked = KINDS[self.kind].format_table().by_suffix(target)
        if asked.suffix == self.suffix:
            return super().save(target, force=force)
        _check_free(target, force=force)
        return write_file(self._as(asked.name), target, force=force)

    def to_music21(self) -> Any:
        """The tune as a `music21.stream.Score`."""
        import music21

        return music21.converter.parseData(self._as("musicxml").decode(), format="musicxml")

    def to_pretty_midi(self) -> Any:
        """The tune as a `pretty_midi.PrettyMIDI`, repeats played out."""
        import pretty_midi

        return pretty_midi.PrettyMIDI(io.BytesIO(self._as("mid")))

    def play(self) -> Any:
        """Play the tune: a player in a notebook, the computer's own player elsewhere.

        Raises `Refused` where no player is found.
        """
        sound = self._as("wav")
        if in_notebook():
            return Player(sound)
        from studio.music.sound.listening import play_file

        return play_file(sound)

    def _as(self, format_name: str) -> bytes:
        asked = KINDS[self.kind].format_table().by_name(format_name)
        with self._gallery() as gallery:
            return self._renditions(gallery).file(self._work, asked).read_bytes()

    def _repr_html_(self) -> str:
        score = base64.b64encode(self._as("svg")).decode()
        source = f'src="data:image/svg+xml;base64,{score}"'
        picture = f'<img alt="The score" style="max-width: 100%; background: white" {source}>'
        return f"{picture}<br>{Player(self._as('wav'), autoplay=False)._repr_html_()}"


class SongWork(TuneWork):
    """A song: `tune` is its lead sheet, with chords."""

    @property
    def chords(self) -> str:
        """Its chords bar by bar, as `chords` takes them."""
        return str(self.facts["chords"]["row"])

    def save_stems(self, path: str | Path, *, force: bool = False) -> Path:
        """Write each part alone as FLAC, as it is heard in the recording, into one .zip; returns the path.

        Raises `Refused` for a lead sheet without a band, or where the file exists, unless `force` is set.
        """
        from studio.music.songs.renditions import SongRenditions
        from studio.works.output import write_file

        target = Path(path)
        _check_free(target, force=force)
        with self._gallery() as gallery:
            return write_file(SongRenditions(gallery).stems_zip(self._work).read_bytes(), target, force=force)

    @property
    def pattern(self) -> list[str]:
        """What words for this song would have to be: a line of "da DUM da DUM" for each line of its melody,
        with its section, bars and number of syllables.
        """
        from studio.music.songs.renditions import sections_of_work
        from studio.music.words.stresses import patterns

        return [line.in_words() for line in patterns(self.tune, sections_of_work(self._work))]

    def _renditions(self, gallery: Gallery) -> Renditions:
        from studio.music.songs.renditions import SongRenditions

        return SongRenditions(gallery)


class Player:
    """A sound with a player, as a notebook shows it."""

    def __init__(self, wav: bytes, *, autoplay: bool = True) -> None:
        self._wav, self._autoplay = wav, autoplay

    def _repr_html_(self) -> str:
        sound = base64.b64encode(self._wav).decode()
        return f'<audio controls{" autoplay" * self._autoplay} src="data:audio/wav;base64,{sound}"></audio>'


class GalleryView:
    """The works of your studio. A context manager; use `with`, or `close` it when you are done."""

    def __init__(self, home: Path | None = None) -> None:
        from studio.works.gallery import Gallery

        self._gallery = Gallery.open(home)

    def find(
        self,
        text: str = "",
        *,
        kind: str | None = None,
        starred: bool = False,
        sort: str = "newest",
        limit: int = 60,
    ) -> list[MadeWork]:
        """Works, newest first. text: in title, description or sources. kind: such as "dream". starred: only
        works with a star. sort: "newest", "oldest", "title" or "kind".
        """
        found = self._gallery.find(text=text, kind=kind, starred=starred, order=sort, limit=limit)
        return [as_made(work, self._gallery) for work in found]

    def get(self, id: str) -> MadeWork:
        """A work by its id; the first letters are enough. Raises `UnknownName`."""
        return as_made(self._gallery.get(id), self._gallery)

    def count(self, text: str = "", *, kind: str | None = None, starred: bool = False) -> int:
        """How many works match."""
        return self._gallery.count(text=text, kind=kind, starred=starred)

    def star(self, *ids: str, starred: bool = True) -> None:
        """Give works a star, or take it away. Raises `UnknownName`."""
        self._gallery.star(*ids, starred=starred)

    def zip(self, *ids: str, to: str | Path, force: bool = False) -> Path:
        """Write the files of these works, each with its recipe, and their credits into one .zip.

        Returns its path. Raises `Refused` where it exists, unless `force`.
        """
        from studio.making.zipping import write_zip

        return write_zip([self._gallery.get(id) for id in ids], self._gallery, Path(to), force=force)

    def discard(self, *ids: str) -> None:
        """Remove works so that `bring_back` undoes it for a day. After that they are gone for good."""
        self._gallery.discard(*ids)

    def bring_back(self, *ids: str) -> list[MadeWork]:
        """Undo `discard`. Raises `Refused` where a work is gone for good."""
        return [as_made(work, self._gallery) for work in self._gallery.bring_back(*ids)]

    def remove(self, id: str) -> None:
        """Remove a work for good."""
        self._gallery.remove(self._gallery.get(id).id)

    def close(self) -> None:
        """Close the database."""
        self._gallery.close()

    def __enter__(self) -> GalleryView:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def gallery(home: str | Path | None = None) -> GalleryView:
    """The gallery of your studio, or the one in the folder `home`."""
    return GalleryView(None if home is None else Path(home))


# --- What is seen


@dataclass(frozen=True)
class PhotoRegion:
    """A part of a photo that the studio tells apart. place: as `regions` of a dream or a painting takes it,
    such as "segment 2". share: of the picture, 0 to 1. where: in a few words. image: as large as the photo,
    light where the part is; it may be painted on and given as a region.
    """

    place: str
    share: float
    where: str
    image: Image.Image


@dataclass(frozen=True)
class ChannelMotif:
    """A channel of the usual network. layer: as `layers` of a dream takes it, such as "blocks.4:102". words:
    what the network's own classifier calls its picture, the surest first, and its colours. image: what it
    sees, 64 x 64 pixels.
    """

    layer: str
    words: tuple[str, ...]
    image: Image.Image


def segments(photo: Any) -> list[PhotoRegion]:
    """The parts of a photo (a path, bytes or a PIL image): its segments, the largest first, then the subject
    and the background. The same photo has the same every time. Raises `Unreadable`, `Missing` or `Refused`.
    """
    from PIL import Image

    from studio.images.parts import parts_of
    from studio.images.pictures import resize
    from studio.images.segments import segments_of

    pixels = _photo_pixels(photo)
    found = segments_of(pixels)
    return [
        PhotoRegion(
            part.place,
            part.share,
            part.where,
            Image.fromarray(resize(found.light(part.place), *pixels.shape[:2])),
        )
        for part in parts_of(found, pixels)
    ]


def channels(
    words: str = "", *, layer: str | None = None, photo: Any = None, limit: int = 20
) -> list[ChannelMotif]:
    """Channels of the usual network to dream with: those whose words fit, such as "castle", or those that a
    photo excites most beside other photos; with both, of those whose words fit. layer: where to look;
    everywhere if None. Raises `UnknownName` for a layer that is not in the atlas.
    """
    from PIL import Image

    from studio.images.channels.atlas import Atlas

    atlas, layers = Atlas.read(), () if layer is None else (layer,)
    if photo is None:
        found = atlas.find(words, layers)[:limit]
    else:
        from studio.images.channels.strongest import strongest_among, strongest_of_all

        pixels = _photo_pixels(photo)
        if words.strip():
            found = strongest_among(pixels, atlas.find(words, layers), limit, atlas)
        else:
            found = strongest_of_all(pixels, layers, limit, atlas)
    pictures = atlas.pictures(found)
    return [
        ChannelMotif(each.term, each.words, Image.fromarray(picture))
        for each, picture in zip(found, pictures, strict=True)
    ]


def _photo_pixels(photo: Any) -> Pixels:
    from studio.images.pictures import read_picture
    from studio.making.given import ingredients_from

    role = KINDS["dream"].roles[0]
    given = ingredients_from(role, photo)[0]
    return read_picture(given.content, given.name or "The photo").pixels


def as_made(work: Work, gallery: Gallery) -> MadeWork:
    """A work of the gallery as Python gets it."""
    row = KINDS.get(work.kind)
    found: Callable[[Work, Path], MadeWork] = found_at(row.result) if row else MadeWork
    return found(work, gallery.home)


# --- The functions that make works


def making_function(name: str) -> Callable[..., MadeWork]:
    """The function that makes works of this kind. Raises `UnknownName`."""
    if name not in KINDS:
        raise UnknownName("kind of work", name, KINDS)
    kind = KINDS[name]
    signature = signature_of(kind)

    def make(*files: Any, **given: Any) -> MadeWork:
        try:
            bound = signature.bind(*files, **given).arguments
        except TypeError as error:
            raise _not_understood(kind, signature, given, error) from None
        arguments = {name: _listed(signature.parameters[name], value) for name, value in bound.items()}
        arguments.update(arguments.pop("settings", {}))
        return _make(kind, arguments)

    make.__name__ = make.__qualname__ = name
    make.__module__ = "studio"
    make.__doc__ = describe(kind)
    make.__signature__ = signature  # type: ignore[attr-defined]
    return make


def _listed(parameter: inspect.Parameter, value: Any) -> Any:
    """The value given for a parameter. What may be given one after another may also be one list."""
    alone = parameter.kind is parameter.VAR_POSITIONAL and len(value) == 1
    return tuple(value[0]) if alone and isinstance(value[0], list | tuple) else value


def signature_of(kind: Kind) -> inspect.Signature:
    """The command's arguments, then keyword arguments: other files, settings and `progress`."""
    place = inspect.Parameter
    parameters = []
    for role in kind.roles:
        if role.metavar and role.several:
            parameters.append(place(role.name, place.VAR_POSITIONAL))
        elif role.metavar:
            default = place.empty if role.needed else None
            parameters.append(place(role.name, place.POSITIONAL_OR_KEYWORD, default=default))
    keywords: dict[str, Any] = {
        role.name: None for role in kind.roles if not role.metavar and not role.stands_for
    }
    keywords |= {f"{role.name}_sha256": None for role in kind.roles if role.media == "weights"}
    if kind.roles and kind.roles[0].needed:
        keywords |= dict.fromkeys(CREDIT, "")
    keywords |= {control.name: control.default for control in kind.controls(with_format=True)}
    keywords["progress"] = True
    taken = {parameter.name for parameter in parameters}
    parameters += [
        place(name, place.KEYWORD_ONLY, default=default)
        for name, default in keywords.items()
        if name not in taken
    ]
    return inspect.Signature(parameters)


def describe(kind: Kind) -> str:
    """The function's docstring: what it makes, its files, and every setting with its help."""
    lines = [kind.summary, ""]
    lines += [f"{role.name}: {role.help}" for role in kind.roles if not role.stands_for]
    for role in kind.roles:
        if role.stands_for:
            lines.append(f"{role.stands_for}: may also be files: {role.help}")
    lines += [f"{control.name}: {_help(control)}" for control in kind.controls(with_format=True)]
    for role in kind.roles:
        if role.media == "weights":
            lines.append(f"{role.name}_sha256: the sha256 of that file; needed where it is not safetensors.")
    if kind.roles and kind.roles[0].needed:
        lines.append(f"title, author, licence: the credit that the {kind.roles[0].name} is due.")
    lines += ["progress: show a progress bar in a terminal or notebook.", ""]
    lines.append("Returns the work, which is also in the gallery. Raises `StudioError` with one sentence.")
    return "\n".join(lines)


def _help(control: Control) -> str:
    """A setting's help; a list may also be one string, and None is the source's own size."""
    said = control.help
    if control.many:
        said += " A list, or one string."
    return said


def _not_understood(
    kind: Kind, signature: inspect.Signature, given: Mapping[str, Any], error: TypeError
) -> Refused:
    unknown = [name for name in given if name not in signature.parameters]
    for name in unknown:
        for field, option in kind.spelled.items():
            if option == f"--{name}":
                return Refused(f"studio.{kind.name}() has no setting '{name}'; it is called '{field}' here.")
    if unknown:
        return UnknownName(f"setting of studio.{kind.name}()", unknown[0], signature.parameters)
    said = str(error)
    return Refused(f"studio.{kind.name}(): {said[:1].lower()}{said[1:]}; see help(studio.{kind.name}).")


def _make(kind: Kind, arguments: dict[str, Any]) -> MadeWork:
    from studio.making.asking import ask
    from studio.making.here import run_here
    from studio.works.gallery import Gallery

    show = arguments.pop("progress", True)
    ingredients = _ingredients(kind, arguments)
    lists = {control.name for control in kind.controls() if control.many}
    settings: dict[str, Any] = {
        name: (value,) if name in lists and isinstance(value, str) else value
        for name, value in arguments.items()
    }
    text = settings.get("words")
    if isinstance(text, Path):
        settings["words"] = read_text(text)
    if settings.get("size") == "own":
        settings["size"] = None
    with Gallery.open() as gallery:
        recipe = ask(kind.name, settings, ingredients, gallery)
        with progress_bar(kind.label, show=show) as watch:
            work = finish(run_here(recipe, gallery), watch)
        return as_made(work, gallery)


def _ingredients(kind: Kind, arguments: dict[str, Any]) -> list[Ingredient]:
    """Takes the files out of the arguments. What is left are settings."""
    from dataclasses import replace

    from studio.making.given import ingredients_from

    found: list[Ingredient] = []
    _take_regions(kind, arguments)
    for role in kind.roles:
        if role.stands_for:
            value = arguments.get(role.stands_for)
            if value is not None and (not isinstance(value, str) or role.opens(value)):
                found += ingredients_from(role, value)
                arguments[role.stands_for] = _name_of(value, found)
        elif (value := arguments.pop(role.name, None)) is not None:
            found += ingredients_from(role, value)
    if found and kind.roles[0].needed:
        credit = {name: text for name in CREDIT if (text := arguments.pop(name, ""))}
        from studio.making.asking import check_credit

        check_credit(credit)
        found[0] = replace(found[0], **credit)
    return found


def _take_regions(kind: Kind, arguments: dict[str, Any]) -> None:
    """Reads regions that are written as in a command: their pictures, their looks and the setting take their
    places among the arguments.
    """
    from studio.making.regions import read_region_texts

    for role in kind.roles:
        value = arguments.get(role.name) if role.regions else None
        texts = [value] if isinstance(value, str) else value
        if not texts or arguments.get(role.regions) or not all(isinstance(each, str) for each in texts):
            continue
        looks = [str(each) for each in arguments.get(role.looks) or ()] if role.looks else []
        asked = read_region_texts(texts, role, looks)
        arguments[role.regions] = tuple(asked.regions)
        arguments[role.name] = asked.files or None
        if role.looks and len(asked.looks) > len(looks):
            arguments[role.looks] = (*(arguments.get(role.looks) or ()), *asked.looks[len(looks) :])


def _name_of(value: Any, found: list[Ingredient]) -> str:
    """What files of one's own are called, where they take the place of a named style."""
    if isinstance(value, str | Path):
        return Path(value).stem
    return next((each.title for each in found if each.title), "Tunes of my own")[:100]


# --- Progress


def in_notebook() -> bool:
    """Whether this runs in a Jupyter notebook."""
    shell = sys.modules.get("IPython")
    return shell is not None and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell"


@contextmanager
def progress_bar(label: str, *, show: bool) -> Iterator[Callable[[Progress], None]]:
    """A bar in a terminal or notebook; nothing where the output goes to a file or `show` is False."""
    from importlib.util import find_spec

    import tqdm
    import tqdm.notebook

    notebook = in_notebook()
    bar_class: Any = tqdm.notebook.tqdm if notebook and find_spec("ipywidgets") else tqdm.tqdm
    disable = not show or not (notebook or sys.stderr.isatty())
    with bar_class(desc=label, total=1, disable=disable, leave=False) as bar:

        def watch(progress: Progress) -> None:
            bar.total = progress.total
            bar.set_postfix_str(progress.stage, refresh=False)
            bar.update(progress.done - bar.n)

        yield watch
