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
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.errors import Missing, Refused, UnknownName, Unreadable
from studio.music.chains.markov import ContextTree, Floats, freeze
from studio.music.chains.trellis import Walk
from studio.music.harmony.character import Character
from studio.music.harmony.fit import FitCounts
from studio.music.harmony.idiom import UNKNOWN_BITS, ChordEvent, HarmonyIdiom
from studio.music.harmony.named import CHORD_STYLES
from studio.music.harmony.symbols import Harmony
from studio.music.scores.meters import Meter
from studio.works.shipped import shipped

LIMITS = (12, 18, 24, 32)
"""Copy limits in chords for which hashes are kept. Another limit is kept by the next smaller one."""

PERCENTILES = 41

TREE = ("level", "branch", "suffix", "first", "follower", "weight", "onward")
"""What is kept of a tree of contexts."""


class CountedIdiom(HarmonyIdiom):
    """The chords of a style of which only counts are known."""

    def __init__(self, title: str, meter: Meter, mode: str, counts: Mapping[str, Any]) -> None:
        self._counts = counts
        events = [
            ChordEvent(Harmony(root, suffix, bass), ticks, place, carries)
            for root, suffix, bass, ticks, place, carries in counts["events"]
        ]
        super().__init__(title, meter, mode, (), extra=[events])

    def with_events(self, extra: Sequence[Sequence[ChordEvent]]) -> HarmonyIdiom:
        """The same, with names for these events. New ones can be written down, but not walked to."""
        new = list(dict.fromkeys(e for part in extra for e in part if e not in self.number))
        if not new:
            return self
        rows = [
            *self._counts["events"],
            *([e.harmony.root, e.harmony.suffix, e.harmony.bass, e.ticks, e.place, e.carries] for e in new),
        ]
        return CountedIdiom(self.title, self.meter, self.mode, {**self._counts, "events": rows})

    def walk(self, lowest: int = 1) -> Walk:
        """As in `HarmonyIdiom`. Raises `Refused` where chords were given that the counts do not have."""
        known = len(self._counts["odds"][0])
        if self.alphabet > known:
            names = ", ".join(dict.fromkeys(f"“{e.harmony.suffix or 'major'}”" for e in self.events[known:]))
            raise Refused(
                f"{self.title} has no chord {names} on that degree of the key and of that length, so it "
                "cannot go on from it; write it plainer (G for G6), give the chords of every bar, or take a "
                "style of your own lead sheets."
            )
        return super().walk(lowest)

    @cached_property
    def tree(self) -> ContextTree:
        arrays = {name: self._counts[name] for name in TREE}
        longest = len(arrays["level"]) - 2
        tree = ContextTree(
            alphabet=self.alphabet,
            longest=longest,
            starts=True,
            ends=True,
            symbols=np.empty(0, np.int32),
            begins=np.zeros(1, np.int64),
            number=np.empty(0, np.int64),
            context_at=np.empty((longest + 1, 0), np.int32),
            **arrays,
        )
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

    def keeps(self, row: Sequence[int], chords: int) -> bool:
        known = max((limit for limit in LIMITS if limit <= chords), default=LIMITS[0])
        return not any(each in self._hashes[known] for each in _hashed(self.letters(row), known))

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


EARLIER = "1"
"""The rules of songs of 0.4.0, whose chords are still here where they were counted anew."""


def chords_file(name: str, rules: str = "") -> Path:
    """The file of a chord style. rules: by which songs are drawn (`songs.sheet`). Raises `UnknownName` and
    `Missing`.
    """
    if name not in CHORD_STYLES:
        raise UnknownName("chord style", name, CHORD_STYLES)
    path = shipped("models") / f"{name}{'' if rules == EARLIER else '-2'}.chords"
    if not path.exists():
        path = shipped("models") / f"{name}.chords"
    if not path.exists():
        raise Missing(f"This installation lacks the chords of {name}; install the studio again.")
    return path


def shipped_chords(name: str, meter: Meter, mode: str, rules: str = "") -> CountedIdiom:
    """The chords of a style that comes with the studio. Raises `Refused` for a meter or mode without any."""
    path = chords_file(name, rules)
    folders = _read(path, path.stat().st_mtime_ns)
    place = f"{str(meter).replace('/', '-')} {mode}"
    if place not in folders and meter.bar_length == 4:  # 2/2 is counted as 4/4
        place = f"4-4 {mode}"
    if place not in folders:
        known = ", ".join(sorted(folder.replace("-", "/") for folder in folders if folder != "fit"))
        raise Refused(
            f"{CHORD_STYLES[name].title} has no chords in {meter} and {mode}; it has {known}: choose one of "
            "these, or chords from another style."
        )
    return CountedIdiom(CHORD_STYLES[name].title, meter, mode, folders[place])


def shipped_fit(name: str = "songbook-manner", rules: str = EARLIER) -> FitCounts:
    """How melodies lie over chords, as counted in the songs of that style; of songbook-manner where a style
    has chords alone.
    """
    path = chords_file(name, rules)
    arrays = _read(path, path.stat().st_mtime_ns).get("fit")
    if arrays is None:
        return shipped_fit(rules=rules)
    return FitCounts(**{key: array.astype(np.float64) for key, array in arrays.items()})
