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
from fractions import Fraction
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.errors import Missing, Refused, UnknownName, Unreadable
from studio.music.chains.markov import Chain, ContextTree, Floats, freeze
from studio.music.chains.sampling import Requirement
from studio.music.harmony.character import Character
from studio.music.harmony.fit import FitCounts
from studio.music.harmony.idiom import UNKNOWN_BITS, ChordEvent, HarmonyIdiom
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
        times: Fraction = Fraction(1),
    ) -> None:
        """given: rows of chords that a person gave. Those that the counts do not have are taken for what is
        nearest to them (`unheard`). times: how many times as long beats are as in what was counted.
        """
        self._counts, self._given, self._times = counts, tuple(map(tuple, given)), times
        events = [
            ChordEvent(Harmony(root, suffix, bass), int(ticks * times), int(place * times), carries)
            for root, suffix, bass, ticks, place, carries in counts["events"]
        ]
        self.counted = len(events)
        held = held_on((event for run in self._given for event in run), events)
        super().__init__(title, meter, mode, (), extra=[events, *self._given, held])

    def with_events(self, extra: Sequence[Sequence[ChordEvent]]) -> HarmonyIdiom:
        """The same, with names for these events."""
        if all(event in self.number for part in extra for event in part):
            return self
        given = [*self._given, *extra]
        return CountedIdiom(self.title, self.meter, self.mode, self._counts, given, times=self._times)

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
        """In beats that are divided by three, what was counted within a beat has no place."""
        if self._times == 1:
            return None
        beat = int(self.meter.beat / self.tick)
        allowed = (self.ticks % beat == 0) & (self.place % beat == 0)
        allowed[self.counted :] = True
        return Requirement("chords on beats", allowed=np.tile(allowed, (ticks, 1)))

    @property
    def least_copy(self) -> int:
        return LIMITS[0]

    def keeps(self, row: Sequence[int], chords: int) -> bool:
        known = max((limit for limit in LIMITS if limit <= chords), default=LIMITS[0])
        heard = [(root, family, int(t / self._times), carries) for root, family, t, carries in self._heard_as]
        letters = self._letters(row, int(self.bar / self._times), heard)  # as they were counted
        return not any(each in self._hashes[known] for each in _hashed(letters, known))

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


def shipped_chords(name: str, meter: Meter, mode: str, *, earlier: bool = False) -> CountedIdiom:
    """The chords of a style that comes with the studio; for 6/8, 9/8 and 12/8 perhaps those of 2/4, 3/4 and
    4/4, beat for beat. earlier: see `chords_file`. Raises `Refused` for a meter or mode without any.
    """
    path = chords_file(name, earlier=earlier)
    folders = _read(path, path.stat().st_mtime_ns)
    place, times = _place(folders, meter, mode), Fraction(1)
    if place is None and (simple := _simple(meter)) is not None:
        # Jigs change their chords on beats, as reels do; only the beats are divided by three.
        place, times = _place(folders, simple, mode), meter.beat / simple.beat
    if place is None:
        known = ", ".join(sorted(folder.replace("-", "/") for folder in folders if folder != "fit"))
        raise Refused(
            f"{CHORD_STYLES[name].title} has no chords in {meter} and {mode}; it has {known}: choose one of "
            "these, or chords from another style."
        )
    return CountedIdiom(CHORD_STYLES[name].title, meter, mode, folders[place], times=times)


def ships_chords(name: str, meter: Meter, mode: str, *, earlier: bool = False, compound: bool = True) -> bool:
    """Whether a style that comes with the studio has chords in that meter and mode. compound: for 6/8, 9/8
    and 12/8 those of as many undivided beats are as good.
    """
    path = chords_file(name, earlier=earlier)
    folders = _read(path, path.stat().st_mtime_ns)
    simple = _simple(meter) if compound else None
    return any(each is not None and _place(folders, each, mode) is not None for each in (meter, simple))


def _simple(meter: Meter) -> Meter | None:
    """The meter with as many beats that are not divided by three: 2/4 for 6/8. None for one without."""
    return Meter.parse(f"{meter.numerator // 3}/4") if meter.compound else None


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
