"""What the page shows and plays of a melody: its score, its notes, its sound, and the same notes in other
formats.

Everything is made from the work when it is first asked for and kept in the cache folder of the studio's home;
nothing takes a path.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import FileResponse

from studio.app.intake import download_name
from studio.app.routes import KEPT
from studio.errors import Missing, Refused, StudioError, UnknownName, Unreadable
from studio.music.reading.pieces import pieces
from studio.music.reading.readers import Readers
from studio.music.writing.formats import FORMATS, by_name
from studio.works.formats import Format
from studio.works.gallery import Gallery
from studio.works.output import write_file
from studio.works.work import Work

if TYPE_CHECKING:
    from studio.music.melody.recipes import ComposeRecipe
    from studio.music.scores.tunes import Tune

PAGES = {"wide": (760, 40), "narrow": (400, 36)}
"""Name -> (width in pixels, size of the staves in per cent) of a score on a desk and on a phone."""

SAMPLE_BARS = 8
"""How much of a tune is played to give an idea of its style."""

ROOM = 400_000_000
"""Bytes the cache may hold; beyond that, what was not asked for longest goes."""


def music_routes(music: Derived, allowed: Callable[..., Any]) -> APIRouter:
    """The addresses of what is derived from melodies. `allowed` is asked before each; it raises when the
    visitor has not logged in.
    """
    router = APIRouter(dependencies=[Depends(allowed)])
    gallery = music.gallery

    def served(ask: Callable[[], Path], media_type: str, name: str | None = None) -> FileResponse:
        try:
            path = ask()
        except StudioError as error:
            raise HTTPException(404, str(error)) from None
        how = "attachment" if name else "inline"
        return FileResponse(
            path, media_type=media_type, filename=name, content_disposition_type=how, headers=KEPT
        )

    @router.get("/works/{id}/score.svg")
    def score(id: str, page: Literal["wide", "narrow"] = "wide", origins: bool = False) -> FileResponse:
        return served(lambda: music.score(gallery.get(id), page, origins), "image/svg+xml")

    @router.get("/works/{id}/as/{form}")
    def as_format(id: str, form: str, download: bool = False) -> FileResponse:
        try:
            work, format = gallery.get(id), by_name(form)
        except StudioError as error:
            raise HTTPException(404, str(error)) from None
        # As `Derived.export` names it.
        name = f"{Path(download_name(work)).stem}{format.suffix}" if download else None
        return served(lambda: music.file(work, format), format.media_type, name)

    @router.get("/works/{id}/music")
    def timing(id: str) -> dict[str, Any]:
        try:
            return music.timing(gallery.get(id))
        except StudioError as error:
            raise HTTPException(404, str(error)) from None

    @router.get("/styles/{name}/sample.wav")
    def sample(name: str) -> FileResponse:
        return served(lambda: music.sample(name), "audio/wav")

    return router


class Derived:
    """Files derived from melodies of a gallery, each made once. Safe to use from many threads."""

    def __init__(self, gallery: Gallery) -> None:
        self.gallery = gallery
        # Making one may ask for another, such as the sound for the notes.
        self._making = threading.RLock()
        # One process that reads, kept: starting it costs more than all it reads of a melody. It ends with
        # this one.
        self._readers = Readers(1)
        self._tune = lru_cache(maxsize=64)(self._read)

    def tune(self, work: Work) -> Tune:
        """The notes of a work. Raises `Refused` where it is no melody, or one kept as sound or picture only."""
        if work.kind != "compose" or not _reads_back(work):
            raise Refused(
                "The notes of this work cannot be read back; compose it as .musicxml, .mid or .abc."
            )
        return self._tune(work.id)

    def score(self, work: Work, page: str, origins: bool) -> Path:
        """The engraved score as SVG, without its title, which the page tells beside it."""
        from studio.music.writing.engraving import engrave

        width, staff = PAGES[page]
        tune = replace(self.tune(work), title="", composer="")
        name = f"{page}{'-origins' * origins}.svg"
        return self._kept(
            work, name, lambda: engrave(tune, _colours(work, origins), width=width, staff=staff)
        )

    def file(self, work: Work, form: Format) -> Path:
        """The work in another format, with the recipe that makes it in that format inside; its own file where
        that is what it is.
        """
        if work.suffix == form.suffix:
            return self.gallery.local_path(work)
        return self._kept(work, f"as{form.suffix}", lambda: self._in_format(work, form))

    def export(self, work: Work, form: str) -> tuple[str, bytes]:
        """(file name, bytes) of the work in another format. Raises `UnknownName` for a format there is not."""
        found = by_name(form)
        return f"{Path(download_name(work)).stem}{found.suffix}", self.file(work, found).read_bytes()

    def timing(self, work: Work) -> dict[str, Any]:
        """What a page needs to draw a melody and play along.

        {"seconds": how long it lasts, "bars": where each bar begins, in seconds, "meter", "key", "tempo"
        (quarter notes a minute), "notes": [{"at", "for" (both in seconds), "pitch" (MIDI), "name", "bar"
        (from 1), and where it is known "order", "songs", "before", "after", "returns", as `NoteOrigin` has
        them}], "copied": [first, end) of the longest run of notes that stands in the style, "written": for
        each bar of the score what stands in it from left to right, [seconds at which it begins, number of the
        note it is or belongs to, or None for a rest]}.
        """
        from studio.music.melody.facts import copied_of, origins_of
        from studio.music.scores.keys import pitch_name
        from studio.music.writing.notation import measures_of

        tune = self.tune(work)
        second = 60 / tune.tempo
        bars = tune.bars()
        starts = [bar.start for bar in bars]
        known = {each.note: each for each in origins_of(work.facts)}
        notes = []
        for number, note in enumerate(note for note in tune.notes if note.pitch is not None):
            told: dict[str, Any] = {
                "at": float(note.start) * second,
                "for": float(note.duration) * second,
                "pitch": note.pitch,
                "name": pitch_name(note.pitch or 0, tune.key),
                "bar": max(1, bisect_right(starts, note.start)),
            }
            if number in known:
                each = known[number]
                told |= {
                    "order": each.order,
                    "songs": each.songs,
                    "before": each.before,
                    "after": each.after,
                    "returns": each.returns,
                }
            notes.append(told)
        score = tune.score()
        written = [
            [
                [float(each.start) * second, each.indices[0] if each.indices else None]
                for each in measure.voices[0]
            ]
            for measure in measures_of(score.parts[0], score)
        ]
        return {
            "seconds": float(tune.end) * second,
            "bars": [float(start) * second for start in starts],
            "meter": str(tune.meter),
            "key": tune.key.short(),
            "tempo": tune.tempo,
            "notes": notes,
            "copied": list(copied_of(work.facts)),
            "written": written,
        }

    def sample(self, name: str) -> Path:
        """The first bars of a tune of the style, to hear."""
        from studio.music.styles.own import own_styles
        from studio.music.styles.table import STYLES

        if name not in STYLES and name not in own_styles():
            raise UnknownName("style", name, [*STYLES, *own_styles()])
        return self._file(f"sample-{name}.wav", lambda: _sample(name))

    def _in_format(self, work: Work, form: Format) -> bytes:
        from studio.making.kinds import read_recipe
        from studio.music.melody.compose import file_of
        from studio.works.metadata import embed

        # The recipe goes along with its format exchanged, so that remaking the exported file makes that file.
        recipe: ComposeRecipe = read_recipe(work.recipe_json).model_copy(update={"format": form.name})  # type: ignore[assignment]
        return embed(file_of(self.tune(work), recipe), form.suffix, recipe)

    def _read(self, id: str) -> Tune:
        from studio.music.scores.tunes import Tune

        work = self.gallery.get(id)

        def read() -> bytes:
            return (
                self._readers.read(self.gallery.read(work), f"tune{work.suffix}").tunes[0].to_json().encode()
            )

        return Tune.from_json(self._kept(work, "notes.json", read).read_bytes())

    def _kept(self, work: Work, name: str, make: Callable[[], bytes]) -> Path:
        return self._file(f"{work.sha256[:32]}-{name}", make)

    def _file(self, name: str, make: Callable[[], bytes]) -> Path:
        folder = self.gallery.home / "cache" / "music"
        path = folder / name
        if path.exists():
            path.touch()
            return path
        # One at a time: rendering wants a processor to itself, and the engraver is not made for threads.
        with self._making:
            if not path.exists():
                folder.mkdir(parents=True, exist_ok=True)
                write_file(make(), path, force=True)
                _make_room(folder)
        return path


def _reads_back(work: Work) -> bool:
    return any(form.reads_back and form.suffix == work.suffix for form in FORMATS.values())


def _colours(work: Work, origins: bool) -> dict[int, str] | None:
    if not origins:
        return None
    from studio.music.melody.facts import origin_colours, origins_of

    return origin_colours(origins_of(work.facts))


def _sample(name: str) -> bytes:
    from studio.music.sound.rendering import render

    tune = _some_tune(name)
    bars = [bar for bar in tune.bars() if bar.start < tune.end][: SAMPLE_BARS + 1]
    return render(tune.passage(bars[0].start, bars[-1].end)).to_wav()


def _some_tune(name: str) -> Tune:
    """A tune from the middle of the style. Those of the table are read from their file, so that nobody waits
    for the whole style.
    """
    import re

    from studio.music.styles.opening import ready_style
    from studio.music.styles.table import STYLES, music21_corpus

    entry = STYLES.get(name)
    if entry is None or not entry.files:
        style = ready_style(name)
        return style[len(style) // 2]
    root = music21_corpus()
    files = sorted(path for pattern in entry.files for path in root.glob(pattern))
    files = [path for path in files if not (entry.leave_out and re.match(entry.leave_out, path.name))]
    with Readers(1) as readers:
        for path in files[len(files) // 2 :][:10]:
            some = pieces(path.read_bytes(), path.name)
            for _, reading in readers.read_pieces(some[len(some) // 2 :][:5]):
                if not isinstance(reading, Unreadable) and len(reading.tunes[0].sounding) >= 16:
                    return reading.tunes[0]
    raise Missing(f"No tune of {entry.title} could be read here; reinstall music21 from its wheel.")


def _make_room(folder: Path) -> None:
    found = sorted(
        ((path.stat().st_atime, path.stat().st_size, path) for path in folder.iterdir()),
        key=lambda each: each[0],
        reverse=True,
    )
    held = 0
    for _, size, path in found:
        held += size
        if held > ROOM:
            path.unlink(missing_ok=True)
