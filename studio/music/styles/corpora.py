"""Styles: sets of tunes to learn from. Those of the table, and any file or folder as one of your own.

    style = ready_style("ryans-mammoth")                 # or follow open_style(...) for progress
    waltzes = style.filtered(meter="3/4", mode="major")
    waltzes[0].title, len(waltzes), waltzes.events(24).pitches

Reading is done once, in parallel; what was read is kept in `home()/styles` under the hash of the files, so
the next time is a moment. Nothing is trained. Keys: each tune's first key is its key; where a file gives a
signature without a mode, or no key, the notes decide (`melody.estimate_key`). `events(relative=True)` counts
pitches as if every tonic were C, each tune moved by the smallest step (-5..6), and `Tune.in_key` puts a tune
back.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import zipfile
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from math import lcm
from pathlib import Path
from typing import TYPE_CHECKING

from studio.errors import Missing, Refused, UnknownName, Unreadable
from studio.music.reading.budget import Budget, Unread
from studio.music.reading.files import SUFFIXES, Piece, Readers, pieces
from studio.music.scores.events import REST
from studio.music.scores.meters import Meter
from studio.music.scores.notes import Note
from studio.music.scores.tunes import Tune
from studio.process import finish
from studio.works.home import home as studio_home
from studio.works.work import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Download:
    """A public data set on the net. commit: the version that is fetched, checked against the archive's own
    note of it.

    inside: glob of the tunes in the archive. size: about how many bytes come over the line.
    """

    url: str
    commit: str
    inside: str
    size: int


@dataclass(frozen=True)
class StyleEntry:
    """A row of the table.

    name: as typed. tunes: how many it holds (0: as many as there are). files: globs in music21's corpus.
    leave_out: a pattern of file names that are something else. source, licence, sentence: for people, in the
    catalogue and in the sources of a work. pace: notes a minute at which such tunes go, for styles whose
    files name no tempo (0: they do).
    """

    name: str
    title: str
    sentence: str
    source: str
    licence: str
    tunes: int = 0
    files: tuple[str, ...] = ()
    leave_out: str = ""
    download: Download | None = None
    pace: int = 0


_ABC_VOLUNTEERS = "Tunes in the public domain; transcriptions by volunteers, given to music21's corpus with their permission."

STYLES = {
    entry.name: entry
    for entry in (
        StyleEntry(
            "ryans-mammoth",
            "Ryan's Mammoth Collection",
            "Reels, jigs, hornpipes and clogs as American fiddlers played them, printed in Boston in 1883.",
            "music21 corpus, ryansMammoth; transcribed by a group of volunteers led by John Chambers",
            _ABC_VOLUNTEERS,
            1059,
            ("ryansMammoth/*.abc",),
            pace=340,
        ),
        StyleEntry(
            "oneill",
            "O'Neill's Music of Ireland",
            "Irish airs, jigs, reels and hornpipes collected by Francis O'Neill in Chicago, first printed in 1903.",
            "music21 corpus, oneills1850; transcribed by a group of volunteers",
            _ABC_VOLUNTEERS,
            2009,
            ("oneills1850/*.abc",),
            pace=340,
        ),
        StyleEntry(
            "aird",
            "Aird's Airs",
            "Scottish, English, Irish and foreign airs for fife, violin or flute, printed in Glasgow from 1778 on.",
            "music21 corpus, airdsAirs; transcribed by Jack Campin",
            "Tunes in the public domain; transcription (c) Jack Campin 2009, in music21's corpus with his permission.",
            1180,
            ("airdsAirs/*.abc",),
        ),
        StyleEntry(
            "bach-chorales",
            "Bach chorales (soprano)",
            "The melodies of the chorales as Johann Sebastian Bach set them, with fermatas where each line ends.",
            "music21 corpus, bach",
            "Music in the public domain; encodings in music21's corpus with their encoders' permission.",
            409,
            ("bach/bwv*.mxl", "bach/bwv*.xml"),
            r"bwv(846|988|1080|1006|1007)",
            pace=72,
        ),
        StyleEntry(
            "palestrina",
            "Palestrina masses (cantus)",
            "The top voice of mass movements by Giovanni Pierluigi da Palestrina, the model of vocal counterpoint since 1600.",
            "music21 corpus, palestrina; encoded by John Miller",
            "Music in the public domain; encoding (c) John Miller 2000, all rights to derived electronic formats reserved: not for sale.",
            1318,
            ("palestrina/*.krn",),
            pace=72,
        ),
        StyleEntry(
            "essen",
            "Essen folksong collection",
            "Folk songs, most from Germany and its neighbours and some from China, collected by Helmut Schaffrath from 1982 on.",
            "music21 corpus, essenFolksong; encodings by Seymour Shlien",
            "Legal status unclear (many hands encoded it); permission was given for non-commercial use with music21.",
            8514,
            ("essenFolksong/*.abc",),
        ),
        StyleEntry(
            "northumbrian",
            "Northumbrian Minstrelsy",
            "Songs and small-pipe tunes of Northumberland, printed by Bruce and Stokoe in 1882.",
            "music21 corpus, miscFolk; transcribed by Jack Campin",
            "Tunes in the public domain; transcription by Jack Campin, in music21's corpus with his permission.",
            129,
            ("miscFolk/northumbrian*.abc",),
        ),
        StyleEntry(
            "american-fife",
            "American fife tunes",
            "Marches and camp calls for the fife, from colonial times to the Civil War.",
            "music21 corpus, miscFolk; edited by Jack Campin",
            "Tunes in the public domain; edition by Jack Campin, in music21's corpus with his permission.",
            56,
            ("miscFolk/americanfife*.abc",),
        ),
        StyleEntry(
            "monteverdi",
            "Monteverdi madrigals (canto)",
            "The top voice of five-part madrigals by Claudio Monteverdi, books three to five.",
            "music21 corpus, monteverdi",
            "Music in the public domain; encodings in music21's corpus with their encoders' permission.",
            49,
            ("monteverdi/*.mxl",),
        ),
        StyleEntry(
            "trecento",
            "Trecento songs (top voice)",
            "The top voice of Italian songs of the fourteenth century, by Landini, Ciconia and others.",
            "music21 corpus, trecento",
            "Music in the public domain; encodings by the music21 project, in its corpus.",
            103,
            ("trecento/*.xml", "trecento/*.mxl"),
        ),
        StyleEntry(
            "openewld",
            "OpenEWLD songbook",
            "Lead sheets, melody with chords, of jazz and popular standards that its editors found to be in the public domain.",
            "github.com/00sapo/OpenEWLD, Federico Simonetti",
            "Songs its editors hold to be in the public domain; their years have not been checked again: check before you publish.",
            0,
            download=Download(
                "https://codeload.github.com/00sapo/OpenEWLD/zip/{commit}",
                "9bbb6d292c96c9ab2dee64b7ff5cdba60612b7a0",
                r".*/dataset/.*\.mxl",
                30_000_000,
            ),
        ),
        StyleEntry(
            "nottingham",
            "Nottingham folk tunes",
            "British and American folk tunes with chord symbols, gathered by Eric Foxley.",
            "github.com/jukedeck/nottingham-dataset, after Eric Foxley's and Seymour Shlien's collection",
            "Tunes traditional; the collection states no licence: ask before you pass it on.",
            0,
            download=Download(
                "https://codeload.github.com/jukedeck/nottingham-dataset/zip/{commit}",
                "bcb2afc67d291acdd689ed0c22ab2a8a480f38a6",
                r".*/ABC_cleaned/.*\.abc",
                20_000_000,
            ),
        ),
    )
}
"""The styles at hand, in the order they are shown."""


@dataclass(frozen=True)
class StyleEvents:
    """All tunes of a style as arrays, one after the other; times in ticks.

    pitches: int16 [n], REST for a rest. durations, in_bar, bars: int32 [n], as in `scores.Events`. offsets:
    int64 [tunes + 1]: tune t is [offsets[t], offsets[t + 1]). tunes: which tunes these are, int64. left_out:
    how many tunes have a note between the ticks.
    per_quarter: ticks a quarter note.
    """

    pitches: NDArray[np.int16]
    durations: NDArray[np.int32]
    in_bar: NDArray[np.int32]
    bars: NDArray[np.int32]
    offsets: NDArray[np.int64]
    tunes: NDArray[np.int64]
    left_out: int
    per_quarter: int


@dataclass(frozen=True)
class _Columns:
    """The notes of many tunes, column by column; lengths as numerator and denominator of quarter notes."""

    pitches: NDArray[np.int16]
    length: NDArray[np.int32]
    length_of: NDArray[np.int32]
    in_bar: NDArray[np.int32]
    in_bar_of: NDArray[np.int32]
    bars: NDArray[np.int32]
    offsets: NDArray[np.int64]


class Style(Sequence[Tune]):
    """A set of tunes. Tunes are put together when they are asked for; counting and filtering need none.

    entry: what it is and whose. sha256: of everything in it. unread: what could not be read, and why.
    remarks: what was left out or changed in reading -> in how many tunes.
    """

    def __init__(
        self,
        entry: StyleEntry,
        sha256: str,
        columns: _Columns,
        about: list[dict[str, object]],
        unread: tuple[Unread, ...],
        remarks: dict[str, int],
    ) -> None:
        self.entry = entry
        self.sha256 = sha256
        self.unread = unread
        self.remarks = remarks
        self._columns = columns
        self._about = about
        self._chosen: tuple[int, ...] | range = range(len(about))
        self._tunes: dict[int, Tune] = {}

    @classmethod
    def of(cls, tunes: Sequence[Tune], name: str = "tunes", entry: StyleEntry | None = None) -> Style:
        """A style from tunes at hand."""
        columns, about = _pack(tunes)
        content = hashlib.sha256("".join(tune.to_json() for tune in tunes).encode()).hexdigest()
        return cls(entry or own_entry(name), content, columns, about, (), {})

    @property
    def name(self) -> str:
        return self.entry.name

    def __len__(self) -> int:
        return len(self._chosen)

    def __iter__(self) -> Iterator[Tune]:
        return (self[place] for place in range(len(self)))

    def __getitem__(self, place: int) -> Tune:  # type: ignore[override]
        number = self._chosen[place]
        if number not in self._tunes:
            self._tunes[number] = _unpack(self._columns, self._about, number)
        return self._tunes[number]

    def __repr__(self) -> str:
        return f"Style({self.name}, {len(self)} tunes)"

    @cached_property
    def notes(self) -> int:
        """How many notes sound in it."""
        columns = self._columns
        return sum(
            int((columns.pitches[columns.offsets[t] : columns.offsets[t + 1]] >= 0).sum())
            for t in self._chosen
        )

    def sounding(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
        """The sounding notes of every tune, without building the tunes: pitches, and lengths as top and
        bottom in lowest terms.
        """
        import numpy as np

        columns = self._columns
        pitches, tops, bottoms = (
            column.astype(np.int64) for column in (columns.pitches, columns.length, columns.length_of)
        )
        found = []
        for number in self._chosen:
            span = slice(int(columns.offsets[number]), int(columns.offsets[number + 1]))
            sounds = pitches[span] >= 0
            found.append((pitches[span][sounds], tops[span][sounds], bottoms[span][sounds]))
        return found

    @cached_property
    def ids(self) -> list[str]:
        return [str(self._about[number]["id"]) for number in self._chosen]

    @cached_property
    def titles(self) -> list[str]:
        return [str(self._about[number]["title"]) for number in self._chosen]

    @cached_property
    def meters(self) -> list[str]:
        """The meter most of each tune stands in."""
        return [str(self._about[number]["meter"]) for number in self._chosen]

    @cached_property
    def modes(self) -> list[str]:
        return [str(self._about[number]["mode"]) for number in self._chosen]

    @cached_property
    def tonics(self) -> list[int]:
        """The pitch class (0..11) each tune is in."""
        return [int(str(self._about[number]["tonic"])) for number in self._chosen]

    def counts(self, what: str) -> dict[str, int]:
        """How many tunes in each "meter" or "mode", the commonest first."""
        return dict(Counter(self.meters if what == "meter" else self.modes).most_common())

    def find(self, id: str) -> Tune:
        """The tune with that id. Raises `UnknownName`."""
        if id not in self.ids:
            raise UnknownName(f"tune in {self.entry.title}", id, self.ids)
        return self[self.ids.index(id)]

    def filtered(
        self, *, meter: str | None = None, mode: str | None = None, ids: Sequence[str] | None = None
    ) -> Style:
        """The tunes in a meter ("6/8"), in a mode ("minor"), with these ids. Raises `Refused` when none is
        left.
        """
        wanted = str(Meter.parse(meter)) if meter else None
        allowed = set(ids) if ids is not None else None
        chosen = tuple(
            number
            for number in self._chosen
            if (wanted is None or self._about[number]["meter"] == wanted)
            and (mode is None or self._about[number]["mode"] == mode)
            and (allowed is None or self._about[number]["id"] in allowed)
        )
        if not chosen:
            asked = (
                " and ".join([*([f"in {wanted}"] if wanted else []), *([f"in {mode}"] if mode else [])])
                or "with these ids"
            )
            there = ", ".join(
                f"{count} in {each}"
                for each, count in list(self.counts("meter" if wanted else "mode").items())[:5]
            )
            raise Refused(f"{self.entry.title} has no tune {asked}; it has {there}.")
        return self._part(chosen)

    def part(self, places: Sequence[int]) -> Style:
        """The tunes at these places, such as those held out from learning."""
        return self._part(tuple(self._chosen[place] for place in places))

    def _part(self, chosen: tuple[int, ...]) -> Style:
        style = Style(self.entry, self.sha256, self._columns, self._about, self.unread, self.remarks)
        style._chosen, style._tunes = chosen, self._tunes
        return style

    def events(self, per_quarter: int = 24, *, relative: bool = False) -> StyleEvents:
        """Every tune as `Tune.events` gives it, without building the tunes. relative: every tonic moved to C
        by the smallest step.

        Tunes with a note between the ticks are left out and counted.
        """
        import numpy as np

        columns = self._columns
        ticks = columns.length.astype(np.int64) * per_quarter
        fits = (ticks % columns.length_of == 0) & (
            (columns.in_bar.astype(np.int64) * per_quarter) % columns.in_bar_of == 0
        )
        misses = np.concatenate([np.zeros(1, np.int64), np.cumsum(~fits)])
        chosen = [t for t in self._chosen if misses[columns.offsets[t]] == misses[columns.offsets[t + 1]]]
        spans = [np.arange(columns.offsets[t], columns.offsets[t + 1]) for t in chosen]
        where = np.concatenate(spans) if spans else np.zeros(0, np.int64)
        sizes = np.array([len(span) for span in spans], np.int64)
        pitches = columns.pitches[where].copy()
        if relative and len(chosen):
            shifts = np.array([(-int(str(self._about[t]["tonic"])) + 5) % 12 - 5 for t in chosen])
            moved = pitches + np.repeat(shifts, sizes)
            pitches = np.where(pitches >= 0, moved, pitches).astype(np.int16)
        return StyleEvents(
            pitches,
            (ticks // columns.length_of)[where].astype(np.int32),
            (columns.in_bar.astype(np.int64) * per_quarter // columns.in_bar_of)[where].astype(np.int32),
            columns.bars[where],
            np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]),
            np.array(chosen, np.int64),
            len(self._chosen) - len(chosen),
            per_quarter,
        )


def own_entry(name: str, sentence: str = "", licence: str = "", source: str = "") -> StyleEntry:
    """The row of a style of one's own."""
    return StyleEntry(
        name,
        name,
        sentence or "A style of your own.",
        source or "your own files",
        licence or "As its files say; you brought them.",
    )


# Opening
# ------------------------------------------------------------------------------------------------------------


def ready_style(name: str | Path, home: Path | None = None, *, processes: int | None = None) -> Style:
    """`open_style` without looking at the progress."""
    return finish(open_style(name, home, processes=processes))


def open_style(
    name: str | Path, home: Path | None = None, *, processes: int | None = None
) -> Generator[Progress, None, Style]:
    """A style by its name in the table, a name of your own (`add_style`), or the path of a file or folder.

    Yields progress while it reads; returns the style. processes: how many read at once (as many as there are
    processors).
    Raises `UnknownName`, `Missing` (a path or download that is not there), `Refused` (a folder without
    scores), `Unreadable` (nothing in it could be read).
    """
    folder = (home or studio_home()) / "styles"
    if isinstance(name, str) and name in STYLES:
        entry = STYLES[name]
        sources = _files_of(entry, folder)
    else:
        own = _own_file(str(name), folder)
        if own.exists():
            return _load(own.read_bytes(), None)
        entry, sources = _from_path(name, folder)
    digest = hashlib.sha256(_READER_VERSION)
    for label, content in sources:
        digest.update(f"{label}\0{len(content)}\0".encode() + hashlib.sha256(content).digest())
    sha256 = digest.hexdigest()
    kept = folder / f"{sha256}.tunes"
    if kept.exists():
        try:
            return _load(kept.read_bytes(), entry)
        except Unreadable:
            kept.unlink(missing_ok=True)  # a damaged cache is read anew
    style = yield from _read(entry, sources, sha256, processes)
    _keep(_dump(style), kept)
    return style


_READER_VERSION = b"tunes 2"
"""Changes when reading changes, so that what an older studio read is read again."""


def _files_of(entry: StyleEntry, folder: Path) -> list[tuple[str, bytes]]:
    if entry.download:
        archive = folder / "downloads" / f"{entry.name}-{entry.download.commit[:12]}.zip"
        if not archive.exists():
            raise Missing(
                f"{entry.title} is not on this machine; fetch it once while online with: studio styles add {entry.name} "
                f"(about {entry.download.size // 1_000_000} MB)."
            )
        return _unzipped(archive, entry.download.inside, entry.title)
    root = music21_corpus()
    found = sorted(path for pattern in entry.files for path in root.glob(pattern))
    if entry.leave_out:
        found = [path for path in found if not re.match(entry.leave_out, path.name)]
    if not found:
        raise Missing(
            f"music21 is installed without its corpus, so {entry.title} is not here; reinstall music21 from its wheel."
        )
    return [(path.name, path.read_bytes()) for path in found]


def music21_corpus() -> Path:
    """The folder of the tunes that music21 brings. Raises `Missing`."""
    from importlib.util import find_spec

    found = find_spec("music21")
    if found is None or not found.submodule_search_locations:
        raise Missing("music21, which brings the tunes, is not installed; install the studio again.")
    return Path(next(iter(found.submodule_search_locations))) / "corpus"


def _from_path(name: str | Path, folder: Path) -> tuple[StyleEntry, list[tuple[str, bytes]]]:
    path = Path(name)
    if not path.exists():
        if isinstance(name, str) and not re.search(r"[/\\.]", name):
            raise UnknownName("style", name, [*STYLES, *own_styles(folder.parent)])
        raise Missing(f"There is no file or folder {path}; give a style's name or the path of your tunes.")
    inside = [path] if path.is_file() else path.rglob("*")
    files = sorted(
        each for each in inside if path.is_file() or (each.suffix.lower() in SUFFIXES and each.is_file())
    )
    if not files:
        raise Refused(f"The folder {path} has no scores in it ({', '.join(SUFFIXES)}); put some tunes there.")
    if len(files) > 20_000 or sum(each.stat().st_size for each in files) > 1_000_000_000:
        raise Refused(
            f"The folder {path} holds more than 20,000 files or 1 GB of scores; choose a part of it."
        )
    base = path if path.is_dir() else path.parent
    return own_entry(path.stem or str(path)), [
        (each.relative_to(base).as_posix(), _read_file(each)) for each in files
    ]


def _read_file(path: Path) -> bytes:
    try:
        if path.stat().st_size > Budget().file:
            return b""  # named among the unread
        return path.read_bytes()
    except OSError:
        return b""


def _read(
    entry: StyleEntry, sources: Sequence[tuple[str, bytes]], sha256: str, processes: int | None
) -> Generator[Progress, None, Style]:
    todo: list[Piece] = []
    unread: list[Unread] = []
    for label, content in sources:
        try:
            todo += pieces(content, label)
        except Unreadable as error:
            unread.append(Unread(label, str(error)))
    tunes: list[Tune] = []
    remarks: Counter[str] = Counter()
    workers = min(processes or os.cpu_count() or 1, max(1, len(todo) // 16 + 1), 16)
    with Readers(workers) as readers:
        for done, (piece, reading) in enumerate(readers.read_pieces(todo), 1):
            if isinstance(reading, Unreadable):
                unread.append(Unread(piece.name, str(reading)))
            else:
                tunes += reading.tunes
                remarks.update(
                    {re.sub(r"'[^']*'(, '[^']*')*|\d+", "…", remark) for remark in reading.remarks}
                )
            yield Progress(done, len(todo), f"reading {entry.title}: {done} of {len(todo)}")
    if not tunes:
        reason = unread[0].reason if unread else "it is empty."
        raise Unreadable(f"Nothing in {entry.title} could be read; the first: {reason}")
    columns, about = _pack(tunes)
    return Style(entry, sha256, columns, about, tuple(unread), dict(remarks.most_common()))


# Styles of one's own
# ------------------------------------------------------------------------------------------------------------


def add_style(
    name: str, path: Path | None = None, home: Path | None = None, *, sentence: str = "", licence: str = ""
) -> Generator[Progress, None, Style]:
    """Read a file or folder once and keep its tunes under a name; without a path, fetch the download of that
    name.

    Yields progress; returns the style. Raises `Refused` for a name that is taken or no name, and whatever
    `open_style` raises.
    """
    folder = (home or studio_home()) / "styles"
    if name in STYLES and STYLES[name].download and path is None:
        yield from fetch(STYLES[name], folder)
        style = yield from open_style(name, home)
        return style
    if name in STYLES:
        raise Refused(f"{name} is the name of a style that is here already; choose another.")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
        raise Refused(f"{name!r} cannot name a style; use up to 40 small letters, digits and hyphens.")
    if path is None:
        raise Refused(f"Say which file or folder {name} is to be read from.")
    if _own_file(name, folder).exists():
        raise Refused(f"There is a style {name} already; remove it first or choose another name.")
    style = yield from open_style(Path(path), home)
    style.entry = replace(own_entry(name, sentence, licence, source=Path(path).name), tunes=len(style))
    _keep(_dump(style), _own_file(name, folder))
    return style


def remove_style(name: str, home: Path | None = None) -> None:
    """Forget a style of one's own; its files stay where they are. Raises `UnknownName`."""
    file = _own_file(name, (home or studio_home()) / "styles")
    if not file.exists():
        raise UnknownName("style of your own", name, own_styles(home))
    file.unlink()


def own_styles(home: Path | None = None) -> dict[str, StyleEntry]:
    """The styles added here, by name."""
    folder = (home or studio_home()) / "styles" / "own"
    found = {}
    for file in sorted(folder.glob("*.tunes")) if folder.exists() else []:
        try:
            found[file.stem] = _load(file.read_bytes(), None).entry
        except Unreadable:
            found[file.stem] = own_entry(
                file.stem, sentence="Its file is damaged; remove it and add it again."
            )
    return found


def catalogue(home: Path | None = None) -> list[StyleEntry]:
    """Every style there is: the table, then one's own."""
    return [*STYLES.values(), *own_styles(home).values()]


def _own_file(name: str, folder: Path) -> Path:
    safe = name if re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name) else "."
    return folder / "own" / f"{safe}.tunes"


def fetch(entry: StyleEntry, folder: Path) -> Generator[Progress, None, None]:
    """Download a style's archive into `folder/downloads`. Raises `Missing` when the net or the archive is not
    there.
    """
    import urllib.error
    import urllib.request

    download = entry.download
    assert download
    target = folder / "downloads" / f"{entry.name}-{download.commit[:12]}.zip"
    if target.exists():
        return
    parts: list[bytes] = []
    size = 0
    try:
        with urllib.request.urlopen(download.url.format(commit=download.commit), timeout=20) as answer:
            while part := answer.read(1 << 16):
                parts.append(part)
                size += len(part)
                if size > 10 * download.size:
                    raise Unreadable(
                        f"The archive of {entry.title} is far larger than it should be; it was not kept."
                    )
                yield Progress(
                    min(size, download.size - 1),
                    download.size,
                    f"fetching {entry.title}: {size / 1e6:.1f} MB",
                )
    except (urllib.error.URLError, OSError, ValueError):
        raise Missing(
            f"{entry.title} could not be fetched from {entry.source}; go online and try again."
        ) from None
    content = b"".join(parts)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            comment = archive.comment.decode("ascii", "replace")
    except zipfile.BadZipFile:
        comment = ""
    if comment != download.commit:
        raise Unreadable(
            f"What came for {entry.title} is not version {download.commit[:12]}; it was not kept: try again later."
        )
    _keep(content, target)


def _unzipped(path: Path, inside: str, title: str) -> list[tuple[str, bytes]]:
    found, total = [], 0
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if re.fullmatch(inside, info.filename):
                    with archive.open(info) as packed:
                        content = packed.read(Budget().file)
                    total += len(content)
                    if total > 500_000_000:
                        raise Unreadable(
                            f"The archive of {title} unpacks to more than 500 MB; delete {path} and fetch it again."
                        )
                    found.append((info.filename.partition("/")[2], content))
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
        raise Unreadable(f"The archive of {title} is damaged; delete {path} and fetch it again.") from None
    return sorted(found)


# Keeping
# ------------------------------------------------------------------------------------------------------------


def _pack(tunes: Sequence[Tune]) -> tuple[_Columns, list[dict[str, object]]]:
    import numpy as np

    pitches: list[int] = []
    lengths: list[Fraction] = []
    places: list[Fraction] = []
    numbers: list[int] = []
    offsets = [0]
    about: list[dict[str, object]] = []
    for tune in tunes:
        bars = tune.bars()
        current = 0
        for note in tune.notes:
            while current + 1 < len(bars) and bars[current + 1].start <= note.start:
                current += 1
            bar = bars[current]
            # As in Tune.events: a pick-up stands at the end of the bar it would fill.
            upbeat = bar.meter.bar_length - bar.length if bar.number == 0 else Fraction(0)
            pitches.append(REST if note.pitch is None else note.pitch)
            lengths.append(note.duration)
            places.append(note.start - bar.start + upbeat)
            numbers.append(bar.number)
        offsets.append(len(pitches))
        fields = json.loads(replace(tune, notes=()).to_json())
        del fields["notes"]
        about.append({**fields, "meter": str(tune.meter), "mode": tune.mode, "tonic": tune.key.tonic})

    def column(numbers: Sequence[int]) -> NDArray[np.int32]:
        return np.array(numbers, np.int32)

    return (
        _Columns(
            np.array(pitches, np.int16),
            column([length.numerator for length in lengths]),
            column([length.denominator for length in lengths]),
            column([place.numerator for place in places]),
            column([place.denominator for place in places]),
            column(numbers),
            np.array(offsets, np.int64),
        ),
        about,
    )


def _unpack(columns: _Columns, about: Sequence[dict[str, object]], number: int) -> Tune:
    start, end = int(columns.offsets[number]), int(columns.offsets[number + 1])
    pitches, tops, bottoms = (
        column[start:end].tolist() for column in (columns.pitches, columns.length, columns.length_of)
    )
    common = lcm(1, *set(bottoms))
    here, notes = 0, []
    for pitch, top, bottom in zip(pitches, tops, bottoms, strict=True):
        notes.append(Note(None if pitch < 0 else pitch, _exact(here, common), _exact(top, bottom)))
        here += top * (common // bottom)
    fields = {key: value for key, value in about[number].items() if key not in ("meter", "mode", "tonic")}
    return replace(Tune.from_json(json.dumps({**fields, "notes": []})), notes=tuple(notes))


@lru_cache(maxsize=1 << 16)
def _exact(top: int, bottom: int) -> Fraction:
    return Fraction(top, bottom)


def _dump(style: Style) -> bytes:
    """A style as one file: numpy columns and JSON in a zip, the same bytes for the same style."""
    import numpy as np

    packed = io.BytesIO()
    about = {
        "version": 1,
        "sha256": style.sha256,
        "entry": {
            key: value
            for key, value in vars(style.entry).items()
            if key in ("name", "title", "sentence", "source", "licence", "tunes")
        },
        "about": style._about,
        "unread": [[each.name, each.reason] for each in style.unread],
        "remarks": style.remarks,
    }
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:

        def put(name: str, content: bytes) -> None:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 6)

        put("about.json", json.dumps(about, separators=(",", ":")).encode())
        for name, column in vars(style._columns).items():
            buffer = io.BytesIO()
            np.save(buffer, column, allow_pickle=False)
            put(f"{name}.npy", buffer.getvalue())
    return packed.getvalue()


def _load(content: bytes, entry: StyleEntry | None) -> Style:
    import numpy as np

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            about = json.loads(archive.read("about.json"))
            columns = _Columns(
                **{
                    name.removesuffix(".npy"): np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
                    for name in archive.namelist()
                    if name.endswith(".npy")
                }
            )
        found = entry or StyleEntry(**about["entry"])
        if (
            about["version"] != 1
            or len(columns.offsets) != len(about["about"]) + 1
            or columns.offsets[-1] != len(columns.pitches)
        ):
            raise ValueError
        return Style(
            found,
            about["sha256"],
            columns,
            about["about"],
            tuple(Unread(*each) for each in about["unread"]),
            about["remarks"],
        )
    except (zipfile.BadZipFile, OSError, ValueError, KeyError, TypeError, EOFError):
        raise Unreadable("A kept style is damaged; remove it and read it again.") from None


def _keep(content: bytes, path: Path) -> None:
    """Whole or not at all: written beside and moved into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Missing(
            f"The style could not be kept in {path.parent} ({error.strerror}); make room there."
        ) from None
