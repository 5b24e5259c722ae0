"""A melody idiom in which every note knows how it is left: by step, by leap, or by neither.

    sung = SungIdiom(idiom)
    sung.leaves                     # [alphabet]: see `fit.Leaves`
    over = Chords.of(tune_chords, …)
    sung.lying_over(over, fit)      # [ticks, alphabet]: how much more likely each note is over these chords
    sung.resolving(over)            # [ticks, alphabet]: no dissonance on a beat unless it is left by step

A mask can only say what may start when. Whether a dissonance is resolved depends on the note after it. So
each event of the style is told apart by how it was left there, and the chain learns that with everything
else: what follows a note that is left by step is a step away, since the chain's memory always holds the note
itself. The rule about dissonance then is a mask like any other, and holds exactly.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from studio.music.chains.markov import Floats, Mask
from studio.music.chains.sampling import Requirement
from studio.music.harmony.fit import CHORDS, FAMILIES, Fit, Leaves, Metric, metric_of
from studio.music.harmony.idiom import SECTION, HarmonyIdiom, is_minor
from studio.music.harmony.symbols import Harmony
from studio.music.melody.form import Forms
from studio.music.melody.idiom import Event, Idiom, LearntTune
from studio.music.melody.learnt import IdiomStore, forms_of
from studio.music.melody.takes import Player, by_chain, usual_tempo
from studio.music.scores.keys import Key
from studio.music.scores.tunes import Tune
from studio.music.songs.character import MelodyCharacter, ReadBar
from studio.music.styles.style import Style

STRANGE = 0.02
"""What a long note is multiplied by that neither its chord nor its key has."""


@dataclass(frozen=True, slots=True)
class SungEvent(Event):
    """An event of a melody. leaves: how the whole note is left, see `fit.Leaves`."""

    leaves: int = int(Leaves.STAYS)


class SungIdiom(Idiom):
    """The idiom of a style with `SungEvent`s, learnt section by section: every song is cut into stretches of
    eight bars, so that the chain knows how sections begin and end.

    leaves: [alphabet]. lines: the stretches. songs: the whole songs.
    """

    keeps_copies = True
    """Whether the search keeps the copy limit within a section."""
    forms_store: IdiomStore | None = None
    """Where the forms of its songs are kept, if anywhere."""
    _has_songs = False
    """Whether its lines are the whole songs."""
    _song_symbols: list[list[int]]

    def __init__(
        self,
        base: Idiom,
        *,
        variants: bool = True,
        unheard: int = 0,
        tonics: Mapping[int, Sequence[int]] | None = None,
    ) -> None:
        """variants: bars that are moved, or begin like another, may leave their notes in another way. Songs
        of 0.4.0 were drawn without: there such bars were left out. unheard: songs of the style that were left
        out of `base`. tonics: by the number of a song, the pitch class of the key that is heard in each of
        its bars, as it is played: a bridge in another key is learnt as one in the song's own.
        """
        self.unheard = unheard
        self.variants = variants
        self.songs = tuple(_sung(line) for line in base.lines)
        stretches = tuple(
            _in_home_key(part, heard[first:], base.style) if len(heard) == song.length else part
            for song in self.songs
            for heard in ((tonics or {}).get(song.number, ()),)
            for first, part in _stretches(song)
        )
        super().__init__(
            base.style,
            base.meter,
            base.key,
            (*self.songs, *stretches),
            longest=base.longest,
            left_out=base.left_out,
            kindred=base.kindred,
            known=base.unit,
        )
        # Whole songs give their events numbers too, but only stretches are learnt from.
        self.lines = stretches
        self.sequences, self._song_symbols = (
            self.sequences[len(self.songs) :],
            self.sequences[: len(self.songs)],
        )
        self.leaves = np.array([getattr(event, "leaves", 2) for event in self.events], dtype=np.int64)
        self.leaves.flags.writeable = False

    @property
    def song_count(self) -> int:
        """How many songs were learnt from."""
        return len(self.songs)

    @property
    def usual_tempo(self) -> float:
        """In quarter notes a minute."""
        return usual_tempo(self)

    def forms(self) -> Forms:
        """The forms of its songs."""
        return self._learnt_forms

    @cached_property
    def _learnt_forms(self) -> Forms:
        whole = self.whole
        whole.store = self.forms_store
        return forms_of(whole)

    def player(self, notes: int) -> Player:  # noqa: ARG002 - the search keeps the copy limit
        """Draws melodies with at most `notes` notes in a row as in a song."""
        return by_chain

    def keeps(self, symbols: Sequence[int], notes: int) -> bool:  # noqa: ARG002
        """Whether a whole song has at most `notes` notes in a row as in a song, where the search cannot
        tell.
        """
        return True

    def keeps_line(self, pitches: Sequence[int], notes: int) -> bool:
        """Whether a line of pitches has at most `notes` notes in a row as in a song, by intervals."""
        rises = tuple(b - a for a, b in pairwise(pitches))
        if notes not in self._runs:
            lines = [line[:, 0].tolist() for line in (*self._written, *self._played())]
            known = [[b - a for a, b in pairwise(line)] for line in lines]
            self._runs[notes] = frozenset(
                run for line in known for run in zip(*(line[at:] for at in range(notes)), strict=False)
            )
        return not any(
            run in self._runs[notes] for run in zip(*(rises[at:] for at in range(notes)), strict=False)
        )

    @cached_property
    def _runs(self) -> dict[int, frozenset[tuple[int, ...]]]:
        return {}

    @property
    def whole(self) -> SungIdiom:
        """The same idiom with whole songs as its lines, for learning forms and finding copies."""
        found = copy.copy(self)
        found.lines = self.songs
        found._has_songs = True
        return found

    @property
    def line_symbols(self) -> list[list[int]]:
        return self._song_symbols if self._has_songs else self.sequences

    def is_in(self, key: Key) -> bool:
        """Whether it sings in that key: on its tonic, and with its third."""
        return key.tonic == self.key.tonic and is_minor(key.mode) == is_minor(self.key.mode)

    def in_key(self, key: Key) -> SungIdiom:
        """The same idiom in another key of its mode, moved by as few semitones as can be. Its events keep
        their numbers, so that chain, trellises and what is counted by number serve both.
        """
        found = copy.copy(self)
        steps = (key.tonic - self.key.tonic + 6) % 12 - 6
        found.key = key
        found.events = tuple(
            replace(event, pitch=event.pitch + steps) if event.pitch >= 0 else event for event in self.events
        )
        found.number = {event: number for number, event in enumerate(found.events)}
        found.pitch = np.where(self.pitch >= 0, self.pitch + steps, self.pitch)
        found.pitch.flags.writeable = False
        for name in ("_learnt_forms", "_kept_ratios", "pitches", "_pitch_view", "read_bars"):
            found.__dict__.pop(name, None)
        low, high = self.range
        found.__dict__["range"] = low + steps, high + steps
        return found

    def _played(self) -> Iterable[NDArray[np.int64]]:
        return Idiom._played(self.whole)

    def symbols_of(self, tune: Tune, first: int, last: int) -> list[int]:
        """As `Idiom.symbols_of`: of the variants of an event, the one that is left as in the tune, or else
        any that the style has.
        """
        known = {Event(e.pitch, e.ticks, e.place, e.carries): n for n, e in enumerate(self.events)}
        plain = _WithNumbers(self, known)
        found = Idiom.symbols_of(plain, tune, first, last)
        events = [self.events[symbol] for symbol in found]
        return [
            self.number.get(
                SungEvent(event.pitch, event.ticks, event.place, event.carries, leaves), found[place]
            )
            for place, (event, leaves) in enumerate(zip(events, _leaving(events), strict=True))
        ]

    def standing_for(self, pitch: int, event: Event) -> Mask:
        """As `Idiom.standing_for`, however the notes are left."""
        if not self.variants:
            return Idiom.standing_for(self, pitch, event)
        return self.alike(pitch, event.ticks, event.place, carries=event.carries)

    @cached_property
    def read_bars(self) -> dict[tuple[int, ...], ReadBar]:
        """Bars that were drawn, by their symbols, as `songs.character` reads them."""
        return {}

    @cached_property
    def character(self) -> MelodyCharacter:
        """What the sections of the style's songs are like."""
        return MelodyCharacter.of(self.songs, self.bar)

    def alike(self, pitch: int, ticks: int, place: int, *, carries: bool) -> Mask:
        """[alphabet]: the event, however it is left."""
        found: Mask = (
            (self.pitch == pitch) & (self.ticks == ticks) & (self.place == place) & (self.carries == carries)
        )
        return found

    def lying_over(self, over: ChordsOver, fit: Fit, strength: float = 1.0) -> Floats:
        """[ticks of the chords, alphabet]: how much more likely each note is over the chords that sound
        during it than anywhere, to the power `strength` for each quarter note it lasts.
        """
        found = np.ones((over.bars * self.bar, self.alphabet))
        numbers = np.arange(self.alphabet)
        for bar, row in enumerate(self.lying_by_bars(over, fit, strength)):
            found[bar * self.bar + self.place, numbers] = row
        return found

    def lying_by_bars(self, over: ChordsOver, fit: Fit, strength: float = 1.0) -> Floats:
        """[bars, alphabet]: the same, each note at its place in the bar."""
        found = np.ones((over.bars, self.alphabet))
        quarter = float(self.tick)
        for tonic in set(over.tonics):
            if (id(fit), tonic) not in self._kept_ratios:
                self._kept_ratios[id(fit), tonic] = self._ratios(fit, tonic)
        ratios = {tonic: self._kept_ratios[id(fit), tonic] for tonic in set(over.tonics)}
        for bar in range(over.bars):
            said = np.zeros(self.alphabet)
            for start, end, chord in over.inside(bar):
                sounds = np.minimum(self.place + self.ticks, end) - np.maximum(self.place, start)
                said += np.maximum(sounds, 0) * quarter * ratios[over.tonics[bar]][:, chord]
            found[bar] = np.exp(strength * said)
        return found

    @cached_property
    def _kept_ratios(self) -> dict[tuple[int, int], Floats]:
        return {}

    def closing(self, bars: int, degrees: Sequence[int]) -> Requirement:
        """The last bar comes to rest: what sounds in its second half began in the first or lasts to the end,
        and is on one of these degrees (semitones above the tonic).
        """
        mask = np.ones((bars * self.bar, self.alphabet), dtype=bool)
        end = self.place + self.ticks
        late = end * 2 > self.bar
        rests = np.isin(self.degree, list(degrees)) & ((self.place * 2 <= self.bar) | (end == self.bar))
        beat = int(self.meter.beat / self.tick)
        good = ~late | ~self.sounding | (rests & ((self.ticks >= beat) | self.carries))
        mask[(bars - 1) * self.bar :] = good
        tonic = "the tonic" if tuple(degrees) == (0,) else "a note of the tonic's chord"
        return Requirement(f"an end on {tonic}", allowed=mask)

    def beginning(self, bars: int) -> Requirement:
        """[bars, alphabet]: a section of so many bars begins with a note."""
        mask = np.ones((bars, self.alphabet), dtype=bool)
        mask[0] = (self.place > 0) | self.struck
        return Requirement("a beginning on the first beat", allowed=mask)

    def _ratios(self, fit: Fit, tonic: int) -> Floats:
        """[alphabet, CHORDS]: see `Fit.ratios`; 0 for rests."""
        metric = [metric_of(int(place) * self.tick, self.meter) for place in self.place]
        table: dict[tuple[int, int, int], Floats] = {}
        found = np.zeros((self.alphabet, CHORDS))
        for symbol in np.flatnonzero(self.sounding):
            key = int(self.pitch[symbol] - tonic) % 12, int(metric[symbol]), int(self.leaves[symbol])
            if key not in table:
                table[key] = fit.ratios(key[0], Metric(key[1]), Leaves(key[2]))
            found[symbol] = table[key]
        return found

    def strange_by_bars(self, over: ChordsOver) -> Floats:
        """[bars, alphabet]: `STRANGE` for a note that is held for two beats over chords without it and is not
        in the key either, such as an A flat over D minor in C; 1.0 for every other.
        """
        found = np.ones((over.bars, self.alphabet))
        long = 2 * float(self.meter.beat / self.tick)
        minor = {9, 11} if is_minor(self.key.mode) else set()
        steps = {(each - self.key.tonic) % 12 for each in self.key.scale} | minor
        for bar in range(over.bars):
            outside = ~np.isin((self.pitch - over.tonics[bar]) % 12, list(steps)) & self.sounding
            against = np.zeros(self.alphabet)
            for start, end, chord in over.inside(bar):
                clashes = ~np.isin(self.pitch % 12, over.tones(bar, chord, start))
                sounds = np.minimum(self.place + self.ticks, end) - np.maximum(self.place, start)
                against += np.maximum(sounds, 0) * clashes
            found[bar, outside & (against >= long)] = STRANGE
        return found

    def resolving(self, over: ChordsOver) -> Mask:
        """[ticks, alphabet]: a note that is no tone of the chord under it where it begins on a beat, or where
        the chord changes under it on a beat, is left by step. The last note is left by neither step nor leap.
        """
        found = np.ones((over.bars * self.bar, self.alphabet), dtype=bool)
        numbers = np.arange(self.alphabet)
        for bar, row in enumerate(self.resolving_by_bars(over)):
            found[bar * self.bar + self.place, numbers] = row
        return found

    def resolving_by_bars(self, over: ChordsOver, *, last: bool = True) -> Mask:
        """[bars, alphabet]: the same, each note at its place in the bar. last: the last of these bars is the
        last of its section.
        """
        found = np.ones((over.bars, self.alphabet), dtype=bool)
        beat = self.meter.beat / self.tick
        by_step = (self.leaves == Leaves.STEP) | ~self.sounding
        for bar in range(over.bars):
            good = np.ones(self.alphabet, dtype=bool)
            for start, end, chord in over.inside(bar):
                tones = over.tones(bar, chord, start)
                clashes = ~np.isin(self.pitch % 12, tones)
                # The chord and the note meet where the later of the two begins.
                meets = np.maximum(self.place, start)
                together = (self.place < end) & (self.place + self.ticks > start)
                on_a_beat = (meets * beat.denominator) % beat.numerator == 0
                good &= ~(together & on_a_beat & clashes) | by_step
            if last and bar == over.bars - 1:  # nothing follows that would keep a promise
                good &= (self.place + self.ticks < self.bar) | (self.leaves == Leaves.STAYS)
            found[bar] = good
        return found


def resolves(sung: SungIdiom, symbols: Sequence[int], idiom: HarmonyIdiom, tonic: int) -> Mask:
    """[alphabet of the chords]: the chord events that may sound under one bar of melody: the rule of
    `SungIdiom.resolving`, the other way round. tonic: of the bar.
    """
    tones = np.zeros((idiom.alphabet, 12), dtype=bool)
    for number, event in enumerate(idiom.events):
        tones[number, [(tonic + event.harmony.root + tone) % 12 for tone in event.harmony.tones]] = True
    ratio = idiom.tick / sung.tick
    start = np.array([int(place * ratio) for place in idiom.place.tolist()])
    end = np.array([int(place * ratio) for place in (idiom.place + idiom.ticks).tolist()])
    beat = sung.meter.beat / sung.tick
    found = np.ones(idiom.alphabet, dtype=bool)
    for symbol in symbols:
        if not sung.sounding[symbol] or sung.leaves[symbol] == Leaves.STEP:
            continue
        place, stop = int(sung.place[symbol]), int(sung.place[symbol] + sung.ticks[symbol])
        together = (place < end) & (stop > start)
        on_a_beat = (np.maximum(start, place) * beat.denominator) % beat.numerator == 0
        found &= ~(together & on_a_beat & ~tones[:, int(sung.pitch[symbol]) % 12])
    return found


class _WithNumbers(Idiom):
    """An idiom whose events are looked up in another table."""

    def __init__(self, idiom: Idiom, number: dict[Event, int]) -> None:
        self.meter, self.tick, self.style, self.key = idiom.meter, idiom.tick, idiom.style, idiom.key
        self.number = number


@dataclass(frozen=True, eq=False)
class ChordsOver:
    """The chords of a song in the ticks of its melody.

    bars: how many. tonics: the key of each, a pitch class. rows: for each bar, (start, end, harmony relative
    to its key).
    """

    bars: int
    tonics: tuple[int, ...]
    rows: tuple[tuple[tuple[int, int, Harmony], ...], ...]

    @classmethod
    def of(
        cls,
        bars: Sequence[Sequence[tuple[Fraction, Fraction, Harmony]]],
        tonics: Sequence[int],
        tick: Fraction,
    ) -> ChordsOver:
        """bars: for each, (start, end, harmony) in quarter notes from the bar line. tick: quarter notes."""
        rows = tuple(
            tuple((int(start / tick), int(end / tick), harmony) for start, end, harmony in bar)
            for bar in bars
        )
        return cls(len(rows), tuple(tonics), rows)

    def part(self, first: int, bars: int) -> ChordsOver:
        """The chords of some bars."""
        return ChordsOver(bars, self.tonics[first : first + bars], self.rows[first : first + bars])

    def inside(self, bar: int) -> list[tuple[int, int, int]]:
        """(start, end, chord as `fit` numbers them) of one bar."""
        return [
            (start, end, harmony.root * FAMILIES + harmony.family) for start, end, harmony in self.rows[bar]
        ]

    def tones(self, bar: int, chord: int, start: int) -> NDArray[np.int64]:
        """The pitch classes of the chord that begins there."""
        harmony = next(
            each
            for begins, _, each in self.rows[bar]
            if begins == start and each.root * FAMILIES + each.family == chord
        )
        return np.array([(self.tonics[bar] + harmony.root + tone) % 12 for tone in harmony.tones])


def _in_home_key(part: LearntTune, tonics: Sequence[int], style: Style) -> LearntTune:
    """A stretch moved to its song's own key from the key that most of its bars are heard in. tonics: of its
    bars and those after it.
    """
    ((heard, _),) = Counter(tonics[: part.length]).most_common(1)
    steps = (style.tonics[part.number] - heard + 6) % 12 - 6
    if not steps:
        return part
    moved = (replace(e, pitch=e.pitch + steps) if e.pitch >= 0 else e for e in part.events)
    return replace(part, events=tuple(moved))


def _stretches(song: LearntTune) -> Iterator[tuple[int, LearntTune]]:
    """A song in stretches of `SECTION` bars, each with the bar it begins in; a rest of less than half of that
    stays with the one before.
    """
    edges = [0, *range(SECTION, song.length - SECTION // 2 + 1, SECTION), song.length]
    for first, last in pairwise(edges):
        chosen = [place for place, bar in enumerate(song.bars) if first <= bar < last]
        if not chosen:
            continue
        events = [song.events[place] for place in chosen]
        if events[0].carries:  # what is held over from the section before begins here
            events[0] = replace(events[0], carries=False)
        _leave_open(events)
        yield (
            first,
            replace(
                song,
                events=tuple(events),
                bars=tuple(song.bars[place] - first for place in chosen),
                written=song.written[first:last],
                sections=(0,),
                phrase_ends=(),
            ),
        )


def _leave_open(events: list[Event]) -> None:
    """How the last note of a stretch is left is a matter of what comes after it, which is not learnt."""
    for place in range(len(events) - 1, -1, -1):
        event = events[place]
        events[place] = _sung_event(event.pitch, event.ticks, event.place, event.carries, int(Leaves.STAYS))
        if not event.carries or not place or events[place - 1].pitch != event.pitch:
            break


def _sung(line: LearntTune) -> LearntTune:
    events = tuple(
        _sung_event(event.pitch, event.ticks, event.place, event.carries, leaves)
        for event, leaves in zip(line.events, _leaving(line.events), strict=True)
    )
    return replace(line, events=events)


@lru_cache(maxsize=1 << 14)
def _sung_event(pitch: int, ticks: int, place: int, carries: bool, leaves: int) -> SungEvent:
    """The same object for the same event: most come often, and comparing them is a matter of a moment."""
    return SungEvent(pitch, ticks, place, carries, leaves)


def _leaving(events: Sequence[Event]) -> list[int]:
    """How each note is left; all pieces of a note that is carried over bar lines as its last one."""
    found = [int(Leaves.STAYS)] * len(events)
    for place in range(len(events) - 2, -1, -1):
        one, other = events[place], events[place + 1]
        if other.carries and other.pitch == one.pitch:
            found[place] = found[place + 1]
        elif one.pitch >= 0 and other.pitch >= 0 and one.pitch != other.pitch:
            found[place] = int(Leaves.STEP if abs(one.pitch - other.pitch) <= 2 else Leaves.LEAP)
    return found
