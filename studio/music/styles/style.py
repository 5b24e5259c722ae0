"""A style: a set of tunes to learn from, filtered and counted without building its tunes."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from studio.errors import Refused, UnknownName
from studio.music.reading.budget import Unread
from studio.music.scores.meters import Meter
from studio.music.scores.tunes import Tune
from studio.music.styles.columns import Columns, columns_of, json_at, outline_of, tune_at
from studio.music.styles.table import StyleEntry, own_entry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class StyleEvents:
    """All tunes of a style as arrays, one after the other, with times in ticks.

    pitches: int16 [n], REST for a rest. durations, in_bar, bars: int32 [n], as in `scores.events.Events`.
    offsets: int64 [tunes + 1]; tune t is [offsets[t], offsets[t + 1]). tunes: the numbers of these tunes,
    int64. left_out: how many tunes were left out because a note falls between the ticks. per_quarter: ticks
    in a quarter note.
    """

    pitches: NDArray[np.int16]
    durations: NDArray[np.int32]
    in_bar: NDArray[np.int32]
    bars: NDArray[np.int32]
    offsets: NDArray[np.int64]
    tunes: NDArray[np.int64]
    left_out: int
    per_quarter: int


class Style(Sequence[Tune]):
    """A set of tunes. A tune is built when it is asked for; counting and filtering need none.

    entry: its row of the table. sha256: of everything in it. columns, about: its tunes, as `columns_of` gives
    them. unread: what could not be read, and why. remarks: what was left out or changed in reading -> in how
    many tunes.
    """

    def __init__(
        self,
        entry: StyleEntry,
        sha256: str,
        columns: Columns,
        about: list[dict[str, object]],
        unread: tuple[Unread, ...],
        remarks: dict[str, int],
    ) -> None:
        self.entry = entry
        self.sha256 = sha256
        self.unread = unread
        self.remarks = remarks
        self.columns = columns
        self.about = about
        self._chosen: tuple[int, ...] | range = range(len(about))
        self._tunes: dict[int, Tune] = {}

    @classmethod
    def of(cls, tunes: Sequence[Tune], name: str = "tunes", entry: StyleEntry | None = None) -> Style:
        """A style made of these tunes."""
        columns, about = columns_of(tunes)
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
            self._tunes[number] = tune_at(self.columns, self.about, number)
        return self._tunes[number]

    def __repr__(self) -> str:
        return f"Style({self.name}, {len(self)} tunes)"

    @cached_property
    def notes(self) -> int:
        """How many notes it has, without the rests."""
        columns = self.columns
        return sum(
            int((columns.pitches[columns.offsets[t] : columns.offsets[t + 1]] >= 0).sum())
            for t in self._chosen
        )

    def sounding(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
        """The notes of every tune without the rests, as (pitches, numerators, denominators).

        Numerators over denominators are the lengths in quarter notes, in lowest terms. No tune is built.
        """
        import numpy as np

        columns = self.columns
        pitches, tops, bottoms = (
            column.astype(np.int64) for column in (columns.pitches, columns.length, columns.length_of)
        )
        found = []
        for number in self._chosen:
            span = slice(int(columns.offsets[number]), int(columns.offsets[number + 1]))
            sounds = pitches[span] >= 0
            found.append((pitches[span][sounds], tops[span][sounds], bottoms[span][sounds]))
        return found

    def outline(self, place: int) -> tuple[Tune, list[int], list[int], list[int]]:
        """A tune without its notes, and its notes as numbers: pitches (REST for a rest) and lengths as
        numerators and denominators of quarter notes, one after the other. Much quicker than the tune.
        """
        number = self._chosen[place]
        columns = self.columns
        span = slice(int(columns.offsets[number]), int(columns.offsets[number + 1]))
        pitches, tops, bottoms = (
            column[span].tolist() for column in (columns.pitches, columns.length, columns.length_of)
        )
        return outline_of(self.about[number]), pitches, tops, bottoms

    def json(self, place: int) -> str:
        """A tune as `Tune.to_json` writes it. No tune is built."""
        return json_at(self.columns, self.about, self._chosen[place])

    def has_chords(self, place: int) -> bool:
        """Whether chords are written in a tune. No tune is built."""
        return bool(self.about[self._chosen[place]]["chords"])

    @cached_property
    def content(self) -> str:
        """The sha256 of everything in these tunes, whatever they were read from and by which rules."""
        digest = hashlib.sha256(json.dumps([self.about[number] for number in self._chosen]).encode())
        digest.update(repr(list(self._chosen)).encode())
        for column in vars(self.columns).values():
            digest.update(column.tobytes())
        return digest.hexdigest()

    @cached_property
    def ids(self) -> list[str]:
        return [str(self.about[number]["id"]) for number in self._chosen]

    @cached_property
    def titles(self) -> list[str]:
        return [str(self.about[number]["title"]) for number in self._chosen]

    @cached_property
    def meters(self) -> list[str]:
        """The meter that holds for most of each tune."""
        return [str(self.about[number]["meter"]) for number in self._chosen]

    @cached_property
    def modes(self) -> list[str]:
        return [str(self.about[number]["mode"]) for number in self._chosen]

    @cached_property
    def tonics(self) -> list[int]:
        """The pitch class 0..11 of each tune's tonic."""
        return [int(str(self.about[number]["tonic"])) for number in self._chosen]

    @cached_property
    def tempos(self) -> list[float]:
        """The tempo each tune states, in quarter notes a minute."""
        return [float(str(self.about[number]["tempo"])) for number in self._chosen]

    def counts(self, what: str) -> dict[str, int]:
        """How many tunes each "meter" or "mode" has, the most common first."""
        return dict(Counter(self.meters if what == "meter" else self.modes).most_common())

    def find(self, id: str) -> Tune:
        """The tune with that id. Raises `UnknownName`."""
        if id not in self.ids:
            raise UnknownName(f"tune in {self.entry.title}", id, self.ids)
        return self[self.ids.index(id)]

    def filtered(
        self, *, meter: str | None = None, mode: str | None = None, ids: Sequence[str] | None = None
    ) -> Style:
        """The tunes in a meter ("6/8"), in a mode ("minor") and with these ids. Raises `Refused` when none is
        left.
        """
        wanted = str(Meter.parse(meter)) if meter else None
        allowed = set(ids) if ids is not None else None
        chosen = tuple(
            number
            for number in self._chosen
            if (wanted is None or self.about[number]["meter"] == wanted)
            and (mode is None or self.about[number]["mode"] == mode)
            and (allowed is None or self.about[number]["id"] in allowed)
        )
        if not chosen:
            conditions = [f"in {each}" for each in (wanted, mode) if each]
            asked = " and ".join(conditions) or "with these ids"
            counts = list(self.counts("meter" if wanted else "mode").items())[:5]
            there = ", ".join(f"{count} in {each}" for each, count in counts)
            raise Refused(f"{self.entry.title} has no tune {asked}; it has {there}.")
        return self._part(chosen)

    def part(self, places: Sequence[int]) -> Style:
        """The tunes with these numbers, such as those held out from training."""
        return self._part(tuple(self._chosen[place] for place in places))

    def _part(self, chosen: tuple[int, ...]) -> Style:
        style = Style(self.entry, self.sha256, self.columns, self.about, self.unread, self.remarks)
        style._chosen, style._tunes = chosen, self._tunes
        return style

    def known_as(self, entry: StyleEntry, sha256: str) -> Style:
        """The same tunes under another name and hash, without what is told of their reading."""
        style = Style(entry, sha256, self.columns, self.about, (), {})
        style._chosen, style._tunes = self._chosen, self._tunes
        return style

    def events(self, per_quarter: int = 24, *, relative: bool = False) -> StyleEvents:
        """Every tune as `Tune.events` gives it, without building the tunes.

        relative: transposed so that every tonic is C, each tune by the smallest step (-5..6 semitones); see
        `Tune.in_key`. Tunes with a note between the ticks are left out and counted.
        """
        import numpy as np

        columns = self.columns
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
            shifts = np.array([(-int(str(self.about[t]["tonic"])) + 5) % 12 - 5 for t in chosen])
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
