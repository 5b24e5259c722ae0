"""Renditions of composed works: the score, the notes in numbers, the sound, and the file in other formats.

    renditions = Renditions(gallery)
    renditions.file(work, by_name("wav"))      # a path

Each is made when it is first asked for and kept in the cache folder of the studio's home, which is bounded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.errors import Refused, StudioError, UnknownName
from studio.music.reading.readers import Readers
from studio.music.sound.ranges import beyond_range
from studio.music.sound.rendering import program_of
from studio.music.writing.formats import FORMATS
from studio.works.formats import Format
from studio.works.output import not_written
from studio.works.private import write_private_file

if TYPE_CHECKING:
    from studio.music.melody.recipes import ComposeRecipe
    from studio.music.scores.tunes import Tune
    from studio.works.reads import ReadsWorks
    from studio.works.recipe import Recipe
    from studio.works.work import Work

PAGES = {"wide": (760, 40), "narrow": (400, 32)}
"""Name -> (width in pixels, size of the staves in per cent) of a score on a desk and on a phone."""

MOST_AHEAD = 8
"""As many sounds may wait to be rendered before anyone asks: those of the takes of one request."""

SOUNDS = (".wav", ".flac", ".mp3")
"""What is rendered and not engraved."""

MOST_BYTES = 400_000_000
"""What the cache may hold. Beyond that, the files that were last asked for longest ago are removed."""


def has_notes(work: Work) -> bool:
    """Whether its notes can be had: it carries its tune, or its file can be read back."""
    return "tune" in work.facts or reads_back(work)


def reads_back(work: Work) -> bool:
    """Whether its file is one of notes, so that it can be the take that bars are kept from."""
    return any(form.reads_back and form.suffix == work.suffix for form in FORMATS.values())


def exports(work: Work) -> tuple[Format, ...]:
    """The formats it can be had in; none for a work without notes."""
    return tuple(FORMATS.values()) if has_notes(work) else ()


def rendered(work: Work, gallery: ReadsWorks, recipe: Recipe, form: Format) -> bytes:
    """A melody in another format, at the recipe's tempo and for its instrument, with the recipe that makes it
    so inside.
    """
    renditions = Renditions(gallery)
    own = renditions.recipe(work)
    tempo, instrument = (getattr(recipe, name, None) for name in ("tempo", "instrument"))
    return renditions.file(
        work,
        form,
        tempo=tempo if tempo != own.tempo else None,
        instrument=instrument if instrument and instrument != own.instrument else "",
    ).read_bytes()


class Renditions:
    """Renditions of the works of a gallery, each made once. Safe to use from many threads."""

    def __init__(self, gallery: ReadsWorks) -> None:
        self.gallery = gallery
        self._cache = _Cache(gallery.home / "cache" / "music")
        # For works made before version 0.3. The process is started when it is first needed and kept, because
        # starting it takes longer than reading a melody.
        self._readers = Readers(1)
        self._tune = lru_cache(maxsize=64)(self._tune_of)
        self._ahead: list[str] = []
        self._ahead_lock = threading.Lock()

    def tune(self, work: Work) -> Tune:
        """The notes of a work. Raises `Refused` for a work that has none."""
        if not has_notes(work):
            raise Refused(
                "The notes of this work cannot be read back; compose it as .musicxml, .mid or .abc."
            )
        return self._tune(work.id)

    def score(self, work: Work, page: str = "wide", *, origins: bool = False) -> Path:
        """The engraved score as SVG, without title and composer. page: see `PAGES`. origins: each note has
        the colour of its origin.
        """
        from studio.music.melody.origins import origin_colours, origins_of
        from studio.music.writing.engraving import engrave

        self.begin_sound(work)
        width, staff = PAGES[page]
        tune = replace(self.tune(work), title="", composer="")
        colours = origin_colours(origins_of(work.facts)) if origins else None
        name = f"score-4-{page}{'-origins' * origins}.svg"

        def sheet() -> bytes:
            return engrave(tune, colours, width=width, staff=staff, whole_tempo=True, lines="shown")

        return self._kept(work, name, sheet)

    def get_ready(self) -> None:
        """Load what sounds are made with, which the first would otherwise wait for."""
        from studio.music.scores.notes import Note
        from studio.music.scores.tunes import Tune
        from studio.works import metadata  # noqa: F401 - the recipe goes into the file

        scale = tuple(Note(60 + step, Fraction(step), Fraction(1)) for step in range(12))
        with suppress(StudioError):  # whoever presses Play gets the error
            FORMATS["wav"].to_bytes(Tune(scale), program=0)

    def heard_as(self, _work: Work) -> Format:
        """The format that the page plays."""
        return FORMATS["wav"]

    def begin_sound(self, work: Work) -> None:
        """Render the sound now, in the background: who is shown a tune is about to press Play. Nothing
        happens where it is there, and for a work without notes.
        """
        form = self.heard_as(work)
        if work.suffix == form.suffix or not has_notes(work) or self._is_kept(work, f"as{form.suffix}"):
            return
        with self._ahead_lock:
            if len(self._ahead) >= MOST_AHEAD or work.id in self._ahead:
                return
            self._ahead.append(work.id)

        def render() -> None:
            with suppress(Exception):  # whoever presses Play gets the error
                self.file(work, form)
            with self._ahead_lock:
                self._ahead.remove(work.id)

        threading.Thread(target=render, name="studio renders sound", daemon=True).start()

    def file(self, work: Work, form: Format, *, tempo: int | None = None, instrument: str = "") -> Path:
        """The work in another format, with the recipe that makes it in that format inside. Its own file where
        it has that format already and nothing else is asked for.

        tempo, instrument: others than it was composed with; the notes stay. Raises `Refused` for a tempo out
        of range and `UnknownName` for an instrument there is not.
        """
        if tempo is None and not instrument:
            if work.suffix == form.suffix:
                return self.gallery.local_path(work)
            return self._kept(
                work, f"as{form.suffix}", lambda: self._in_format(work, self.recipe(work), form)
            )
        recipe = self._performed(work, tempo, instrument)
        program = program_of(recipe.instrument)
        name = f"as-{tempo or 'own'}-{program}{form.suffix}"
        return self._kept(work, name, lambda: self._in_format(work, recipe, form))

    def _performed(self, work: Work, tempo: int | None, instrument: str) -> ComposeRecipe:
        """The recipe with another tempo and instrument. The title stays, which is made of the mood too."""
        from studio.works.recipe import check

        recipe = self.recipe(work)
        changes: dict[str, Any] = {"tempo": tempo} if tempo is not None else {}
        changes |= {"instrument": instrument} if instrument else {}
        check(type(recipe), changes)
        return recipe.model_copy(update={"title": work.title, **changes})

    def timing(self, work: Work) -> dict[str, Any]:
        """When each note sounds and where it comes from, see `timing_of`."""
        from studio.music.melody.timing import timing_of

        return timing_of(self.tune(work), work.facts)

    def beyond(self, work: Work, instrument: str) -> str:
        """What is said of notes that an instrument does not have; "" where it has all."""
        return beyond_range(self.tune(work), instrument)

    def sample(self, style: str) -> Path:
        """The first bars of a tune of the style, as a WAV file. Raises `UnknownName`."""
        from studio.music.styles.own import own_styles
        from studio.music.styles.sample import sample_of
        from studio.music.styles.table import STYLES

        if style not in STYLES and style not in own_styles():
            raise UnknownName("style", style, [*STYLES, *own_styles()])
        return self._cache.file(f"sample-{style}.wav", lambda: sample_of(style))

    def _in_format(self, work: Work, recipe: ComposeRecipe, form: Format) -> bytes:
        from studio.works.metadata import can_carry, embed

        # Making the recipe in the file again must give that file, so its format changes too.
        recipe = recipe.model_copy(update={"format": form.name})
        content = self._written(work, recipe)
        return embed(content, form.suffix, recipe) if can_carry(form.suffix) else content

    def recipe(self, work: Work) -> ComposeRecipe:
        """The recipe of a melody."""
        from studio.music.melody.recipes import ComposeRecipe
        from studio.works.recipe import parse_json

        recipe = parse_json(ComposeRecipe, work.recipe_json)
        assert isinstance(recipe, ComposeRecipe)
        return recipe

    def _written(self, work: Work, recipe: ComposeRecipe) -> bytes:
        from studio.music.melody.compose import file_of

        tune = self.tune(work)
        if recipe.tempo is not None and recipe.tempo != self.recipe(work).tempo:
            tune = replace(tune, tempo=float(recipe.tempo))
        return file_of(tune, recipe)

    def _tune_of(self, id: str) -> Tune:
        from studio.music.scores.tunes import Tune

        work = self.gallery.get(id)
        if "tune" in work.facts:
            return Tune.from_plain(work.facts["tune"])
        return Tune.from_json(self._kept(work, "notes.json", lambda: self._read(work)).read_bytes())

    def _read(self, work: Work) -> bytes:
        content = self.gallery.read(work)
        return self._readers.read(content, f"tune{work.suffix}").tunes[0].to_json().encode()

    def _kept(self, work: Work, name: str, make: Callable[[], bytes]) -> Path:
        return self._cache.file(_called(work, name), make)

    def _is_kept(self, work: Work, name: str) -> bool:
        return (self._cache.folder / _called(work, name)).exists()


def _called(work: Work, name: str) -> str:
    return f"{work.sha256[:32]}-{name}"


class _Cache:
    """A folder of files that can be made again, of at most `MOST_BYTES`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # One file at a time: rendering keeps a processor busy, and the engraver is not made for threads. A
        # sound does not wait for an engraving, since somebody may have pressed Play, and neither waits for
        # an archive, which takes longest. Making one may ask for another, such as the notes for the sound.
        self._making, self._sounding, self._packing = threading.RLock(), threading.RLock(), threading.RLock()

    def file(self, name: str, make: Callable[[], bytes]) -> Path:
        """The file of that name, made if it is not there."""
        path = self.folder / name
        if path.exists():
            path.touch()
            return path
        with self._lock_of(path.suffix):
            if not path.exists():
                content = make()
                try:
                    write_private_file(path, content)
                except OSError as error:
                    raise not_written(error, path) from None
                self._make_room()
        return path

    def _lock_of(self, suffix: str) -> AbstractContextManager[object]:
        if suffix == ".zip":
            return self._packing
        return self._sounding if suffix in SOUNDS else self._making

    def _make_room(self) -> None:
        found = [(path.stat().st_atime, path.stat().st_size, path) for path in self.folder.iterdir()]
        found.sort(key=lambda each: each[0], reverse=True)
        held = 0
        for _, size, path in found:
            held += size
            if held > MOST_BYTES:
                path.unlink(missing_ok=True)
