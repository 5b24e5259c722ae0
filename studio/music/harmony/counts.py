"""A style of chords as counts: what the chain, the places and the copy limit need, without any song.

    pack_counts(idioms, fit)                  # bytes for the folder "models"
    shipped_chords("sixties-pop", "4/4", "major")
    named.CHORD_STYLES                        # what comes with the studio

Songs of others are not passed on. What is passed on: how often each chord followed each context of up to
`ORDER` events, how often chords are played in each kind of bar, the surprise of the songs in percentiles,
and, for the copy limit, hashes of rows of chords: a row can be looked up there, but none can be read.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from studio.errors import AskedFor, Contradiction, Missing, UnknownName, Unreadable, WayOut
from studio.music.chains.markov import Chain, ContextTree, Floats, freeze
from studio.music.chains.sampling import Requirement
from studio.music.harmony.character import Character
from studio.music.harmony.fit import FitCounts
from studio.music.harmony.idiom import PER_QUARTER, UNKNOWN_BITS, ChordEvent, HarmonyIdiom
from studio.music.harmony.named import CHORD_STYLES
from studio.music.harmony.symbols import Harmony
from studio.music.harmony.unheard import going_on, held_on, room_for
from studio.music.scores.meters import Meter
from studio.works.shipped import shipped

LIMITS = (12, 18, 24, 32)
"""Copy limits in chords for which hashes are kept. Another limit is kept by the next smaller one."""

PERCENTILES = 41

TREE = ("level", "branch", "suffix", "first", "follower", "weight", "onward")
"""What is kept of a tree of contexts."""


Borrowed = Literal["none", "beats", "bars"]
"""From which other meters chords are taken. beats: for 6/8, 9/8 and 12/8 from 2/4, 3/4 and 4/4, beat by beat.
bars: beside that from 4/4, by whole and half bars, for any meter.
"""


@dataclass(frozen=True)
class Rebarred:
    """How chords that were counted in bars of one meter are laid in those of another.

    there, here: ticks a bar. kept: tick there -> tick here; chords begin and end at these alone.
    """

    there: int
    here: int
    kept: Mapping[int, int]

    @classmethod
    def by_beats(cls, there: Meter, here: Meter) -> Rebarred:
        """Beat for beat, of meters with as many beats."""
        one, other = (int(each.beat * PER_QUARTER) for each in (there, here))
        beats = int(there.bar_length / there.beat)
        kept = {beat * one: beat * other for beat in range(beats + 1)}
        return cls(beats * one, beats * other, kept)

    @classmethod
    def by_bars(cls, there: Meter, here: Meter) -> Rebarred | None:
        """By whole bars, and by halves where the other meter has two beats or more: the first is the longer
        one where they differ, two beats of the three of 3/4. None for bars that are no whole ticks.
        """
        beats = here.bar_length / here.beat
        middle = -(-beats // 2) * here.beat * PER_QUARTER
        bar, full = here.bar_length * PER_QUARTER, int(there.bar_length * PER_QUARTER)
        if bar.denominator != 1:
            return None
        halves = {full // 2: int(middle)} if Fraction(middle).denominator == 1 and middle < bar else {}
        return cls(full, int(bar), {0: 0, full: int(bar)} | halves)

    def moved(self, ticks: int, place: int) -> tuple[int, int] | None:
        """(ticks, place) in the other bars; None for what begins or ends elsewhere than at `kept`."""
        start, end = self.kept.get(place), self.kept.get(place + ticks)
        return None if start is None or end is None else (end - start, start)


class CountedIdiom(HarmonyIdiom):
    """The chords of a style of which only counts are known."""

    def __init__(
        self,
        title: str,
        meter: Meter,
        mode: str,
        counts: Mapping[str, Any],
        given: Sequence[Sequence[ChordEvent]] = (),
        *,
        laid: Rebarred | None = None,
        counted_in: Meter | None = None,
    ) -> None:
        """given: rows of chords that a person gave. Those that the counts do not have are taken for what is
        nearest to them (`unheard`). laid: how they lie in this meter, where they were counted in another.
        counted_in: that other, where chords are taken from it by bars.
        """
        self._counts, self._given, self._laid = counts, tuple(map(tuple, given)), laid
        self.counted_in = counted_in
        events = [
            ChordEvent(Harmony(root, suffix, bass), *self._lie(ticks, place, number), carries)
            for number, (root, suffix, bass, ticks, place, carries) in enumerate(counts["events"])
        ]
        self.counted = len(events)
        held = held_on((event for run in self._given for event in run), events)
        super().__init__(title, meter, mode, (), extra=[events, *self._given, held])

    def _lie(self, ticks: int, place: int, number: int) -> tuple[int, int]:
        """(ticks, place) of a symbol in this meter. What has no place in it is put where nothing is played,
        each by itself, for symbols are told apart by where they are.
        """
        if self._laid is None:
            return ticks, place
        moved = self._laid.moved(ticks, place)
        if moved is not None:
            return moved
        if self.counted_in is not None:
            return ticks, self._laid.here + number
        times = Fraction(self._laid.here, self._laid.there)
        return int(ticks * times), int(place * times)

    def with_events(self, extra: Sequence[Sequence[ChordEvent]]) -> HarmonyIdiom:
        """The same, with names for these events."""
        if all(event in self.number for part in extra for event in part):
            return self
        given = [*self._given, *extra]
        about = self.title, self.meter, self.mode, self._counts
        return CountedIdiom(*about, given, laid=self._laid, counted_in=self.counted_in)

    def chain(self, lowest: int) -> Chain:
        found = super().chain(lowest)
        if self.alphabet == self.counted:
            return found
        return going_on(found, self, [self._numbers(run) for run in self._given], self.counted)

    def follows(self, before: int, after: int) -> bool:
        if max(before, after) < self.counted:
            return super().follows(before, after)
        chain = self.walk(1).chain
        known = chain.symbol[chain.start[1 + before] : chain.start[2 + before]]
        return bool(np.isin((after, self.twins[after]), known).any())

    @cached_property
    def tree(self) -> ContextTree:
        arrays = {name: self._counts[name] for name in TREE}
        longest = len(arrays["level"]) - 2
        tree = ContextTree(
            alphabet=self.counted,
            longest=longest,
            starts=True,
            ends=True,
            symbols=np.empty(0, np.int32),
            begins=np.zeros(1, np.int64),
            number=np.empty(0, np.int64),
            context_at=np.empty((longest + 1, 0), np.int32),
            **arrays,
        )
        tree = room_for(tree, self.alphabet)
        freeze(tree)
        return tree

    @cached_property
    def surprise(self) -> Floats:
        known = self._counts["surprise"].astype(np.float64) / 256
        found = np.full((self.alphabet + 1, self.alphabet), UNKNOWN_BITS)
        count = known.shape[1]
        found[:count, :count] = known[:count]
        found[-1, :count] = known[-1]
        return found

    @cached_property
    def _bits_of_songs(self) -> list[float]:
        return [float(each) for each in self._counts["bits"]]

    @cached_property
    def character(self) -> Character:
        return Character(self._counts.get("character mean"), self._counts.get("character spread"))

    @cached_property
    def _odds(self) -> Floats:
        known = self._counts["odds"].astype(np.float64)
        # Events that were given, and that the songs do not have, are as likely in every kind of bar.
        found: Floats = np.pad(known, ((0, 0), (0, self.alphabet - known.shape[1])))
        return found

    def playable(self, ticks: int) -> Requirement | None:
        """What was counted elsewhere than where this meter keeps it has no place in it."""
        if self._laid is None:
            return None
        allowed = np.array([self._laid.moved(*each) is not None for each in self._as_counted])
        allowed = np.concatenate([allowed, np.ones(self.alphabet - self.counted, dtype=bool)])
        return Requirement("chords on beats", allowed=np.tile(allowed, (ticks, 1)))

    @property
    def _as_counted(self) -> list[tuple[int, int]]:
        """(ticks, place) of each symbol where it was counted."""
        return [(ticks, place) for *_, ticks, place, _ in self._counts["events"]]

    @property
    def least_copy(self) -> int:
        return LIMITS[0]

    def keeps(self, row: Sequence[int], chords: int) -> bool:
        known = max((limit for limit in LIMITS if limit <= chords), default=LIMITS[0])
        letters = self._letters(row, *self._heard_there)
        return not any(each in self._hashes[known] for each in _hashed(letters, known))

    @cached_property
    def _heard_there(self) -> tuple[int, list[tuple[int, int, int, bool]]]:
        """Ticks a bar, and the symbols as `_heard_as`, where they were counted."""
        if self._laid is None:
            return self.bar, self._heard_as
        times = Fraction(self._laid.there, self._laid.here)
        there = [ticks for ticks, _ in self._as_counted]
        there += [int(ticks * times) for _, _, ticks, _ in self._heard_as[self.counted :]]
        heard = zip(self._heard_as, there, strict=True)
        return self._laid.there, [(root, family, t, carries) for (root, family, _, carries), t in heard]

    @property
    def searchable(self) -> bool:
        return False

    @cached_property
    def _hashes(self) -> dict[int, frozenset[int]]:
        return {limit: frozenset(self._counts[f"runs {limit}"].tolist()) for limit in LIMITS}

    def longest_run(self, symbols: Sequence[int], *, without: int = -1) -> tuple[int, int, int]:  # noqa: ARG002
        """The smallest limit of `LIMITS` that the row keeps, as the length of its longest run."""
        return next((limit for limit in LIMITS if self.keeps(symbols, limit)), LIMITS[-1] + 1), 0, -1


def _hashed(letters: Sequence[int], chords: int) -> Iterator[int]:
    """Hashes of all rows of `chords` letters, that is of `chords` + 1 chords."""
    for at in range(len(letters) - chords + 1):
        run = ",".join(map(str, letters[at : at + chords])).encode()
        yield int.from_bytes(hashlib.sha256(run).digest()[:6], "big")


# Written and read
# ------------------------------------------------------------------------------------------------------------


def pack_counts(idioms: Sequence[HarmonyIdiom], fit: FitCounts | None) -> bytes:
    """The counts of these idioms, and of a fit, as one file. The same counts give the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:

        def put(name: str, content: bytes) -> None:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)

        def put_array(name: str, array: NDArray[Any]) -> None:
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            put(f"{name}.npy", buffer.getvalue())

        for idiom in idioms:
            place = f"{str(idiom.meter).replace('/', '-')} {idiom.mode}"
            events = [
                [e.harmony.root, e.harmony.suffix, e.harmony.bass, e.ticks, e.place, e.carries]
                for e in idiom.events
            ]
            put(f"{place}/events.json", json.dumps(events, separators=(",", ":")).encode())
            for name in TREE:
                put_array(f"{place}/{name}", getattr(idiom.tree, name))
            put_array(
                f"{place}/surprise", np.minimum(idiom.surprise * 256, UNKNOWN_BITS * 256).astype(np.uint16)
            )
            put_array(f"{place}/odds", idiom._odds.astype(np.float32))
            shares = np.linspace(0, 100, PERCENTILES)
            put_array(f"{place}/bits", np.percentile(idiom._bits_of_songs, shares).astype(np.float32))
            character = idiom.character
            if character.mean is not None and character.covariance is not None:
                put_array(f"{place}/character mean", character.mean)
                put_array(f"{place}/character spread", character.covariance)
            letters = idiom.view.letters_of([idiom._numbers(line.events) for line in idiom.lines])
            for limit in LIMITS:
                runs = sorted({each for row in letters for each in _hashed(row.tolist(), limit)})
                put_array(f"{place}/runs {limit}", np.array(runs, dtype=np.int64))
        if fit is not None:
            for name, array in vars(fit).items():
                put_array(f"fit/{name}", array.astype(np.float32))
    return packed.getvalue()


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int) -> dict[str, dict[str, Any]]:
    return read_counts(path, path.read_bytes(), "chords")


def read_counts(path: Path, content: bytes, what: str) -> dict[str, dict[str, Any]]:
    """Folder of an archive of counts -> name -> its array or list. what: it counts, for messages. Raises
    `Unreadable`.
    """
    found: dict[str, dict[str, Any]] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                folder, _, file = name.partition("/")
                data = archive.read(name)
                value = (
                    json.loads(data)
                    if file.endswith(".json")
                    else np.load(io.BytesIO(data), allow_pickle=False)
                )
                found.setdefault(folder, {})[file.rpartition(".")[0]] = value
    except (OSError, ValueError, zipfile.BadZipFile, KeyError):
        raise Unreadable(f"The {what} in {path.name} are damaged; install the studio again.") from None
    return found


def chords_file(name: str, *, earlier: bool = False) -> Path:
    """The file of a chord style. earlier: as it was counted for 0.4.0, whose songs are still made by it.
    Raises `UnknownName` and `Missing`.
    """
    if name not in CHORD_STYLES:
        raise UnknownName("chord style", name, CHORD_STYLES)
    path = shipped("models") / f"{name}{'' if earlier else '-2'}.chords"
    if not path.exists():
        path = shipped("models") / f"{name}.chords"
    if not path.exists():
        raise Missing(f"This installation lacks the chords of {name}; install the studio again.")
    return path


def shipped_chords(
    name: str, meter: Meter, mode: str, *, earlier: bool = False, borrowed: Borrowed = "bars"
) -> CountedIdiom:
    """The chords of a style that comes with the studio, perhaps `borrowed` from another meter. earlier: see
    `chords_file`. Raises `Contradiction` for a meter or mode without any, and names styles that have some.
    """
    path = chords_file(name, earlier=earlier)
    folders = _read(path, path.stat().st_mtime_ns)
    found = _counted(folders, meter, mode, borrowed)
    if found is None:
        others = [other for other in CHORD_STYLES if ships_chords(other, meter, mode)]
        ways = [WayOut(f"Take the chords of {CHORD_STYLES[o].title}", "chords_from", o) for o in others]
        known = ", ".join(sorted(folder.replace("-", "/") for folder in folders if folder != "fit"))
        *more, last = others or ["another style"]
        named = f"{', '.join(more)} or {last}" if more else last
        title = CHORD_STYLES[name].title
        raise Contradiction(
            f"{title} has no chords in {meter} and {mode}, only in {known}; take chords from {named}.",
            [AskedFor("chords_from", "", f"chords of {title}")],
            ways,
        )
    place, laid, counted_in = found
    title = CHORD_STYLES[name].title
    idiom = CountedIdiom(title, meter, mode, folders[place], laid=laid, counted_in=counted_in)
    idiom.plain, idiom.simple = CHORD_STYLES[name].plain, CHORD_STYLES[name].simple
    return idiom


def ships_chords(
    name: str, meter: Meter, mode: str, *, earlier: bool = False, borrowed: Borrowed = "bars"
) -> bool:
    """Whether `shipped_chords` finds chords in that meter and mode."""
    path = chords_file(name, earlier=earlier)
    return _counted(_read(path, path.stat().st_mtime_ns), meter, mode, borrowed) is not None


def counted_in(name: str, meter: Meter, mode: str) -> Meter | None:
    """The other meter from which `shipped_chords` takes chords by whole and half bars; None where it does
    not.
    """
    path = chords_file(name)
    found = _counted(_read(path, path.stat().st_mtime_ns), meter, mode, "bars")
    return found[2] if found is not None else None


def _counted(
    folders: Collection[str], meter: Meter, mode: str, borrowed: Borrowed
) -> tuple[str, Rebarred | None, Meter | None] | None:
    """The folder with the chords of a meter and mode, how these lie in the meter, and whose they are by bars;
    None where there are none.
    """
    if (place := _place(folders, meter, mode)) is not None:
        return place, None, None
    if borrowed != "none" and meter.compound:
        # Jigs change their chords on beats, as reels do; only the beats are divided by three.
        simple = Meter.parse(f"{meter.numerator // 3}/4")
        if (place := _place(folders, simple, mode)) is not None:
            return place, Rebarred.by_beats(simple, meter), None
    common = Meter.parse("4/4")
    if borrowed == "bars" and (laid := Rebarred.by_bars(common, meter)) is not None:
        place = _place(folders, common, mode)
        return None if place is None else (place, laid, common)
    return None


def _place(folders: Collection[str], meter: Meter, mode: str) -> str | None:
    """Where the chords of a meter and mode are; 2/2 is counted as 4/4."""
    own, other = (f"{str(each).replace('/', '-')} {mode}" for each in (meter, Meter.parse("4/4")))
    if own not in folders and meter.bar_length == 4:
        own = other
    return own if own in folders else None


def shipped_fit(name: str = "songbook-manner", *, earlier: bool = False) -> FitCounts:
    """How melodies lie over chords, as counted in the songs of that style; of songbook-manner where a style
    has chords alone.
    """
    path = chords_file(name, earlier=earlier)
    arrays = _read(path, path.stat().st_mtime_ns).get("fit")
    if arrays is None:
        return shipped_fit(earlier=earlier)
    return FitCounts(**{key: array.astype(np.float64) for key, array in arrays.items()})
