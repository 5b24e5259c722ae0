"""Words first: what a text asks of the melody that carries it.

    words = SongWords.leading(recipe, plan)
    words.clocks("A", sung, bars=8)       # automata that know the time, see `chains.clocks`
    words.under(tune, sections)           # the words under the melody that was drawn

What is exact. Each line of a section has its own bars, in equal shares. The melody has exactly as many notes
for a line as the line has syllables (the most of any stanza that is sung there), all of them in the bars of
that line; a line that begins with unstressed syllables may begin before its bar line, and if it is the first
of its section, they are sung before the section (`leading`). The last syllable of a line lasts a beat or
longer, and nothing begins between it and the next line. In words of several syllables
the main stress stands on a beat, and the syllables without stress on none that is stronger than a plain beat,
so a stress is never on a weaker place of the bar than the syllables beside it; and no rest is in a word (by
rules from 6 on), nor in a line, unless after a comma or the like (from 10 on). Articles, prepositions and
conjunctions are on no first beat of a bar (from 12 on). All this is one automaton, and the melody is drawn
exactly from those that it accepts, together with every other constraint.

Where no melody of the style does all of this, articles and the like are on first beats too, then lines
breathe within, then long line ends give way and then the stresses, and the song says so of these; the number
of notes in each line never does.

What only leans: articles and the like away from strong beats, stressed syllables towards long notes, and the
syllables of a line towards a rhythm that is drawn for it (`line_rhythm`); by rules before 6, evenly over its
bars.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from studio.errors import WayOut
from studio.music.chains.clocks import NEVER, TimedAutomaton
from studio.music.chains.markov import Floats, Longs, freeze
from studio.music.chains.sampling import Requirement
from studio.music.harmony.fit import Leaves
from studio.music.melody.constraints import Constraint
from studio.music.scores.meters import Meter
from studio.music.scores.notes import Note
from studio.music.scores.sections import Section
from studio.music.scores.tunes import Tune
from studio.music.songs.line_rhythm import LineRhythms, is_small, lead_of
from studio.music.songs.melismas import held_lines, sung_as, sung_before
from studio.music.songs.plan import SheetPlan
from studio.music.songs.recipes import LONGEST_WORDS, SongRecipe
from studio.music.songs.rules import drawing_rules, since
from studio.music.songs.sung import SungIdiom
from studio.music.words.assigning import SungStanza, assigned
from studio.music.words.laying import Laid, SungAs, lay
from studio.music.words.lyrics import LyricLine, Lyrics, Stanza, SungSyllable, read_lyrics
from studio.music.words.stresses import leads_in, level_of

SILENT, SHORT, LONG, REST = 0, 1, 2, 3
"""The letters: nothing is struck; a note shorter than a beat; one of a beat or more; a rest, which by rules
before 6 is as what is held.
"""

LEFT = {0: 0.2, 3: 3.0, 5: 1.0}
"""Where syllables are held over several notes: what is added to the letter of a note that is left by the same
note, by a step, and by a leap; and what each is multiplied by within a syllable.
"""

SLURRED = (1.0, 0.7, 0.4, 0.3)
"""What the second note of a syllable is multiplied by on places of each strength."""

TORN, BREATH = 0.03, 0.4
"""What a rest is multiplied by in a word, and between words of a line."""

BREATHS = tuple(",;:.!?)-–—…")
"""Where a line may breathe: behind a word that ends so."""

MOST_UPBEATS = 2
"""Unstressed syllables that may come before the bar line, a beat for each."""

EVENLY, NEARLY = 0.75, 0.4
"""How far a syllable may lie from its even place, in bars, and from its place in the rhythm of its line, in
beats, before it becomes much less likely.
"""

STRAY = 4.0
"""From how many times that far on its weight, by then 1 in 3,000, falls only with the square of the distance.
A style may not have the rhythm that was drawn. Every note is far from it then, and the weights of a bell
curve would multiply to less than the smallest number there is.
"""

RHYTHMS, MELISMAS = 3, 4
"""Beside the seed, for random numbers of their own."""

WORDS = Constraint(
    "words_first",
    "the words of section {}".format,
    way_out=lambda _: ("Lay the words under the melody later", False),
)
"""What an explanation calls the words."""


@dataclass(frozen=True)
class SongWords:
    """The words of a song in their places. lines: for each letter of the form, without primes, the lines that
    its melody has to carry: of the stanzas that are sung there, each time the line with most syllables.
    leads: for each section of the form, how many syllables are sung before it, which are not in `lines`; none
    by rules before 6. seed: of the rhythms of the lines; None for none. slurs: syllables may be held over
    several notes, as by rules before 7 none are. held: `lines` with those by seed that are. unbroken: lines
    do not breathe within, as by rules before 10 they may. strays: melodies may be far from the rhythms of
    their lines, see `STRAY`; by rules before 12 that was nearly impossible.
    """

    lyrics: Lyrics
    lines: dict[str, tuple[LyricLine, ...]]
    letters: tuple[str, ...] = ()
    leads: tuple[int, ...] = ()
    seed: int | None = None
    slurs: bool = False
    held: dict[str, tuple[LyricLine, ...]] = field(default_factory=dict)
    unbroken: bool = False
    strays: bool = False

    @classmethod
    def of(
        cls,
        lyrics: Lyrics,
        sections: Sequence[Section],
        *,
        leading: bool = False,
        slurs: bool = False,
        unbroken: bool = False,
        strays: bool = False,
    ) -> SongWords:
        """leading: lines may begin before their section. slurs, unbroken, strays: see `SongWords`. Raises
        `Refused` for a name in brackets that no section has.
        """
        sung = assigned(lyrics, sections) if sections else ()
        letters = tuple(section.name.rstrip("'") for section in sections)
        leads = _leads(sung, len(sections)) if leading else (0,) * len(sections)
        found: dict[str, tuple[LyricLine, ...]] = {}
        for each in sung:
            letter, lines = letters[each.section], each.stanza.lines
            lead = min(leads[each.section], lead_of(lines[0]))
            if lead:
                body = lines[0].syllables[lead:]
                lines = (replace(lines[0], syllables=body), *lines[1:])
            found[letter] = _fullest(found.get(letter, ()), lines)
        seed = 0 if leading else None
        return cls(lyrics, found, letters, leads, seed, slurs, unbroken=unbroken, strays=strays)

    @classmethod
    def leading(cls, recipe: SongRecipe, plan: SheetPlan, *, rules: str) -> SongWords | None:
        """The words that the melody of a recipe has to carry; None without words, or where they come after
        it. rules: see `rules.BROUGHT`.
        """
        if not recipe.words or not recipe.words_first:
            return None
        sections = tuple(Section(each.letter, each.first + 1, each.bars) for each in plan.sections)
        lyrics = read_lyrics(recipe.words, recipe.language, light=since(rules, "12"))
        if since(rules, "10"):
            lyrics = in_phrases(lyrics, sections)
        brought = {"leading": "6", "slurs": "7", "unbroken": "10", "strays": "12"}
        return cls.of(lyrics, sections, **{what: since(rules, first) for what, first in brought.items()})

    def with_seed(self, seed: int) -> SongWords:
        """The same with other rhythms and other held syllables, where lines have any."""
        if self.seed is None:
            return self
        held = {
            letter: held_lines(lines, np.random.default_rng([seed, MELISMAS, *letter.encode()]))
            for letter, lines in self.lines.items()
            if self.slurs
        }
        return replace(self, seed=seed, held=held)

    def lead_beats(self, section: int) -> int:
        """How many beats before a section (from 0) its words may begin."""
        return min(MOST_UPBEATS, self.leads[section]) if self.leads else 0

    def free_beats(self, letter: str) -> int:
        """How many beats at the end of the sections of a letter, primes or not, are left to what leads to the
        section after it.
        """
        plain, last = letter.rstrip("'"), len(self.letters) - 1
        after = [self.lead_beats(n + 1) for n, each in enumerate(self.letters[:last]) if each == plain]
        return max(after, default=0)

    def clocks(self, letter: str, sung: SungIdiom, bars: int) -> list[tuple[TimedAutomaton, str]]:
        """What is asked of the melody of a section, and the same with less of it for where that leaves no
        way, each with what is then said; empty where no words are sung.
        """
        lines = self.lines.get(letter.rstrip("'"))
        if not lines:
            return []
        free, seed, timing = self._timing(letter, sung, bars)
        said = f"Section {letter}: no melody carries the words with %s, so they only lean that way."
        held = self.held.get(letter.rstrip("'"), lines)
        slurred = _Timing.of(held, sung, bars, free, seed, slurs=self.slurs, strays=self.strays)
        whole = [*([slurred] if held != lines else []), timing]
        plain, last = letter.rstrip("'"), len(self.letters)
        led = any(self.lead_beats(n) for n in range(last) if self.letters[n] == plain)
        lightly = [(each.clock(unbroken=True, led=led, lightly=True), "") for each in whole if self.strays]
        unbroken = [(each.clock(unbroken=True, led=led), "") for each in whole if self.unbroken]
        return [
            *lightly,
            *unbroken,
            *((each.clock(), "") for each in whole),
            (timing.clock(long_ends=False), said % "a long note at the end of every line"),
            (timing.clock(long_ends=False, stressed=False), said % "every stress on a beat"),
        ]

    def loosest_clock(self, letter: str, sung: SungIdiom, bars: int) -> list[TimedAutomaton]:
        """The last of these alone; empty where no words are sung."""
        if not self.lines.get(letter.rstrip("'")):
            return []
        *_, timing = self._timing(letter, sung, bars)
        return [timing.clock(long_ends=False, stressed=False)]

    def _timing(self, letter: str, sung: SungIdiom, bars: int) -> tuple[int, tuple[int, ...] | None, _Timing]:
        """The beats that are left free, what the rhythms are drawn by, and when syllables may be sung."""
        free, seed = self.free_beats(letter), self.rhythm_seed(letter)
        lines = self.lines[letter.rstrip("'")]
        timing = _Timing.of(lines, sung, bars, free, seed, slurs=self.slurs, strays=self.strays)
        return free, seed, timing

    def room(self, letter: str, sung: SungIdiom, bars: int) -> Requirement | None:
        """That nothing begins in the last beats of a section without words, where words lead to the section
        after it; None for any other.
        """
        free = self.free_beats(letter)
        if self.lines.get(letter.rstrip("'")) or not free:
            return None
        allowed = np.ones((bars * sung.bar, sung.alphabet), dtype=bool)
        allowed[-free * int(sung.meter.beat / sung.tick) :] = ~sung.struck
        return Requirement("a rest for the words that lead on", allowed=allowed)

    def rhythm_seed(self, letter: str) -> tuple[int, ...] | None:
        """What the rhythms of a section are drawn by."""
        if self.seed is None:
            return None
        return self.seed, RHYTHMS, *letter.rstrip("'").encode()

    def under(self, tune: Tune, sections: Sequence[Section], *, divide: bool = False) -> Laid:
        """The words under a melody that was drawn for them: stanzas with fewer syllables too."""
        ends, upbeat = set(tune.phrase_ends), upbeats if self.seed is None else lead_of
        leads = () if self.seed is None else leads_in(tune, sections)
        for place, section in enumerate(sections):
            lines = self.lines.get(section.name.rstrip("'"), ())
            first = next(bar for bar in tune.bars() if bar.number == section.first_bar)
            length = section.bars * tune.meter.bar_length
            begins = {
                first.start + edge * length - tune.meter.beat * (upbeat(line) if number else 0)
                for number, (edge, line) in enumerate(zip(_shares(len(lines)), lines, strict=False))
            }
            ends |= begins - ({first.start} if any(leads[place : place + 1]) else set())
        marked = replace(tune, phrase_ends=tuple(sorted(ends)))
        lyrics = _padded(self.lyrics, sections, self.leads) if any(self.leads) else self.lyrics
        held = self._held_in(tune, sections) if self.slurs and not divide else None
        laid = lay(lyrics, marked, sections=sections, leads=leads, divide=divide, sung_as=held)
        return replace(laid, tune=replace(laid.tune, phrase_ends=tune.phrase_ends))

    def _held_in(self, tune: Tune, sections: Sequence[Section]) -> SungAs:
        """Which syllables of a stanza are held where it is sung: those that were, on notes that are kept of
        an earlier song with its words, and otherwise those that the melody was drawn for.
        """
        known = {(word.start, word.verse) for word in tune.words}

        def held(each: SungStanza, notes: Sequence[Note]) -> Stanza:
            before = sung_before(each.stanza, [(note.start, each.verse) in known for note in notes])
            if before is not None:
                return before
            lines = self.held.get(sections[each.section].name.rstrip("'"), ())
            lead = self.leads[each.section] if self.leads else 0
            return sung_as(each.stanza, lines, lead, len(notes))

        return held


def with_words(
    recipe: SongRecipe, tune: Tune, sections: Sequence[Section], facts: Mapping[str, Any]
) -> tuple[Tune, dict[str, Any]]:
    """A song with the words of its recipe, if there are any, and what is worth knowing about them:

    words    {"syllables", "verses", "language", "checked": words whose stress is known, "stresses":
             [{"bar", "beat", "word", "text", "verse"}], "remarks": sentences}
    """
    found = dict(facts)
    if not recipe.words:
        return tune, found
    leading = recipe.words_first and recipe.source("melody") is None
    rules = drawing_rules(recipe)
    lyrics = read_lyrics(recipe.words, recipe.language, light=since(rules, "12"))
    words = SongWords.of(
        in_phrases(lyrics, sections) if leading and since(rules, "10") else lyrics,
        sections,
        leading=leading and since(rules, "6"),
        slurs=leading and since(rules, "7"),
    ).with_seed(recipe.seed)
    laid = words.under(tune, sections, divide=recipe.divide_notes or recipe.fit)
    if len(laid.tune.notes) != len(tune.notes):
        found.pop("origins", None)  # they are of the notes as they were drawn
    found["tune"] = laid.tune.to_plain()
    found["words"] = {
        "syllables": len(laid.words),
        "verses": max((word.verse for word in laid.words), default=0),
        "language": words.lyrics.language,
        "checked": laid.checked,
        "stresses": [asdict(fault) for fault in laid.stresses],
        "remarks": list(laid.remarks),
    }
    if leading and (offer := _sung_there_too(recipe, words, sections, laid)) is not None:
        found["offers"] = [*found.get("offers", ()), asdict(offer)]
    return laid.tune, found


BARS_OF_A_LINE = 2
"""A section with fewer bars for each line of a stanza is a phrase of its song, and not all of a verse."""


def in_phrases(lyrics: Lyrics, sections: Sequence[Section]) -> Lyrics:
    """The stanzas of a hymn, whose sections are its lines: each goes through all of the song, divided over
    its sections, and the next one is another verse. Others as they are.
    """
    count, stanzas = len(sections), lyrics.stanzas
    letters = {section.name.rstrip("'") for section in sections}
    if count < 2 or len(letters) < count or any(each.name or len(each.lines) % count for each in stanzas):
        return lyrics
    most = max(len(each.lines) for each in stanzas)
    if min(section.bars for section in sections) >= BARS_OF_A_LINE * most:
        return lyrics
    phrases = [
        replace(each, lines=each.lines[first : first + len(each.lines) // count])
        for each in stanzas
        for first in range(0, len(each.lines), len(each.lines) // count)
    ]
    return replace(lyrics, stanzas=tuple(phrases))


def _sung_there_too(
    recipe: SongRecipe, words: SongWords, sections: Sequence[Section], laid: Laid
) -> WayOut | None:
    """For a section that has no words, such as a bridge: those of the first verse, which are as long."""
    silent = next((each for each in sections if each.name in laid.silent), None)
    sung = next(iter(assigned(words.lyrics, sections)), None)
    if silent is None or sung is None or sections[sung.section].bars != silent.bars:
        return None
    letter, verse = silent.name.rstrip("'"), "\n".join(line.text for line in sung.stanza.lines)
    text = f"{recipe.words.rstrip()}\n\n[{letter}]\n{verse}"
    if len(text) > LONGEST_WORDS:
        return None
    return WayOut(f"Sing the first verse in the section {letter} too", "words", text)


def _fullest(known: Sequence[LyricLine], new: Sequence[LyricLine]) -> tuple[LyricLine, ...]:
    """Line by line the one with more notes; of two texts of different length the longer text."""
    if len(known) != len(new):
        return max(tuple(known), tuple(new), key=lambda lines: sum(line.notes for line in lines))
    return tuple(max(pair, key=lambda line: line.notes) for pair in zip(known, new, strict=True))


def _leads(sung: Sequence[SungStanza], sections: int) -> tuple[int, ...]:
    """How many syllables are sung before each section: the most of all verses that are sung there, wherever
    else these are.
    """
    found = [0] * sections
    for _ in range(sections):  # until nothing changes: a stanza may be sung in several sections
        wanted: dict[int, int] = {}
        for each in sung:
            own = lead_of(each.stanza.lines[0])
            wanted[id(each.stanza)] = max(own, found[each.section], wanted.get(id(each.stanza), 0))
        before = list(found)
        for each in sung:
            found[each.section] = max(found[each.section], wanted[id(each.stanza)])
        if found == before:
            break
    return tuple(found)


def _padded(lyrics: Lyrics, sections: Sequence[Section], leads: Sequence[int]) -> Lyrics:
    """The words, with notes that are not sung before stanzas that lead in with fewer than their sections."""
    more = {
        id(each.stanza): leads[each.section] - lead_of(each.stanza.lines[0])
        for each in assigned(lyrics, sections)
    }
    stanzas = []
    for stanza in lyrics.stanzas:
        first = stanza.lines[0]
        silent = (SungSyllable(""),) * max(0, more.get(id(stanza), 0))
        lines = (replace(first, syllables=(*silent, *first.syllables)), *stanza.lines[1:])
        stanzas.append(replace(stanza, lines=lines))
    return replace(lyrics, stanzas=tuple(stanzas))


def _shares(lines: int) -> list[Fraction]:
    """Where each line begins, and where the last one ends, as shares of the section."""
    return [Fraction(number, max(1, lines)) for number in range(lines + 1)]


def upbeats(line: LyricLine) -> int:
    """How many syllables a line begins with before its first stress, at most `MOST_UPBEATS`."""
    count = 0
    for each in line.syllables[:MOST_UPBEATS]:
        if each.stress > 0 and not is_small(each):
            break
        if not is_small(each) and each.stress != 0:
            break
        count += 1
    return count


@dataclass(frozen=True)
class _Timing:
    """The lines of a section in ticks. windows: for each line (first tick at which a syllable may begin, the
    tick at which all of it is over). rhythms: for each line the tick near which each syllable is wanted.
    """

    lines: tuple[LyricLine, ...]
    sung: SungIdiom
    ticks: int
    windows: tuple[tuple[int, int], ...]
    rhythms: tuple[tuple[int, ...], ...] = ()
    slurs: bool = False
    strays: bool = False

    @classmethod
    def of(
        cls,
        lines: Sequence[LyricLine],
        sung: SungIdiom,
        bars: int,
        free: int = 0,
        seed: tuple[int, ...] | None = None,
        *,
        slurs: bool = False,
        strays: bool = False,
    ) -> _Timing:
        """free: beats at the end in which nothing begins. seed: of the rhythms; None for none. slurs, strays:
        see `SongWords`.
        """
        ticks = bars * sung.bar
        beat = int(sung.meter.beat / sung.tick)
        unit = sung.bar if bars >= len(lines) else beat
        upbeat = upbeats if seed is None else lead_of
        edges = [int(share * ticks) // unit * unit for share in _shares(len(lines))]
        begins = [
            max(0, edge - (beat * upbeat(line) if number else 0))
            for number, (edge, line) in enumerate(zip(edges, lines, strict=False))
        ]
        windows = tuple(zip(begins, [*begins[1:], ticks - free * beat], strict=True))
        rhythms: list[tuple[int, ...]] = []
        if seed is not None:
            pace, random = LineRhythms(sung.meter, sung.tick), np.random.default_rng(seed)
            for line, (begin, end) in zip(lines, windows, strict=True):
                rhythms.append(pace.places(line.syllables, begin, end, random))
        return cls(tuple(lines), sung, ticks, windows, tuple(rhythms), slurs, strays)

    def clock(
        self,
        *,
        long_ends: bool = True,
        stressed: bool = True,
        unbroken: bool = False,
        led: bool = False,
        lightly: bool = False,
    ) -> TimedAutomaton:
        """State k: k notes have begun. long_ends, stressed: whether these hold, or only lean. unbroken: no
        rest is in a line, but where it may breathe. led: the first line begins before the section. lightly:
        no light word is on the first beat of a bar.
        """
        total = sum(line.notes for line in self.lines)
        letters = 8 if self.slurred else 4 if self.rhythms else 3
        step = np.full((self.ticks, total + 1, letters), NEVER, dtype=np.int32)
        weight = np.ones((self.ticks, total + 1, letters))
        for silent in (SILENT, REST)[: 1 + bool(self.rhythms)]:
            step[:, :, silent] = np.arange(total + 1)
        levels = _levels(self.sung.meter, self.sung.tick, self.ticks, self.sung.bar)
        known, ranked = np.unique(levels, return_inverse=True)
        ranks = [int(level) for level in known]
        beat = int(self.sung.meter.beat / self.sung.tick)
        if unbroken and led:
            step[:, 0, REST] = NEVER
        done = 0
        for which, (line, (begin, end)) in enumerate(zip(self.lines, self.windows, strict=True)):
            notes = [(each, note) for each in line.syllables for note in range(each.notes)]
            near = self._near(which, len(notes), beat)
            for number, (syllable, note) in enumerate(notes):
                last = number == len(notes) - 1
                if self.rhythms and not last:
                    torn = syllable.syllabic in ("begin", "middle") or notes[number + 1][1] > 0
                    weight[:, done + number + 1, REST] = TORN if torn else BREATH
                    if (torn and stressed) or (unbroken and not syllable.word.endswith(BREATHS)):
                        step[:, done + number + 1, REST] = NEVER
                stop = end - beat + 1 if last and long_ends else end
                ticks = np.arange(begin, max(begin, stop))
                if stressed and not note:
                    may = np.array([_may_stand(syllable, level, lightly=lightly) for level in ranks])
                    ticks = ticks[may[ranked[ticks]]]
                goes_on = not last and notes[number + 1][1] > 0
                nearness = near(number, ticks)
                for letter in (LONG,) if last and long_ends else (SHORT, LONG):
                    leaning = [
                        (self._slurred(level) if note else _leaning(syllable, level, letter))
                        * (3.0 if last and letter == LONG else 1.0)
                        for level in ranks
                    ]
                    leans = np.array(leaning)[ranked[ticks]]
                    for more, by in LEFT.items() if self.slurred else ((0, 1.0),):
                        step[ticks, done + number, letter + more] = done + number + 1
                        left = by if goes_on and self.slurred else 1.0
                        weight[ticks, done + number, letter + more] = leans * left * nearness
            done += len(notes)
        accepting = np.arange(total + 1) == total
        clock = TimedAutomaton(self._letters(beat), step, accepting, 0, weight, merges=self.slurred)
        freeze(clock)
        return clock.folded(int(self.sung.ticks.max()))

    @cached_property
    def slurred(self) -> bool:
        """Whether a syllable is held over several notes, by rules from 7 on."""
        return self.slurs and any(line.notes > len(line.syllables) for line in self.lines)

    def _slurred(self, level: int) -> float:
        """What a note is multiplied by that is not the first of its syllable."""
        return SLURRED[level] if self.slurs else 1.0

    def _near(self, line: int, notes: int, beat: int) -> Callable[[int, Longs], Floats]:
        """How likely it is that a note (from 0) of a line begins at each of some ticks."""
        begin, end = self.windows[line]
        if not self.rhythms:
            places = [begin + (number + 0.5) * (end - begin - beat) / notes for number in range(notes)]
            width = EVENLY * self.sung.bar
        else:
            half = max(1, beat // 2)
            syllables = zip(self.rhythms[line], self.lines[line].syllables, strict=True)
            places = [place + half * note for place, each in syllables for note in range(each.notes)]
            width = NEARLY * beat

        def near(number: int, ticks: Longs) -> Floats:
            away: Floats = np.abs(ticks - places[number]) / width
            close: Floats = np.exp(-0.5 * (np.minimum(away, STRAY) if self.strays else away) ** 2)
            return close * (STRAY / np.maximum(away, STRAY)) ** 2 if self.strays else close

        return near

    def _letters(self, beat: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        long = self.sung.ticks >= beat
        found = np.where(self.sung.struck, np.where(long, LONG, SHORT), SILENT)
        if self.rhythms:
            found = np.where(self.sung.sounding, found, REST)
        if self.slurred:
            _, by_step, by_leap = LEFT
            found += np.where(self.sung.struck & (self.sung.leaves == Leaves.STEP), by_step, 0)
            found += np.where(self.sung.struck & (self.sung.leaves == Leaves.LEAP), by_leap, 0)
        return found.astype(np.int32)


def _levels(meter: Meter, tick: Fraction, ticks: int, bar: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """[ticks]: how strong each place is, see `stresses.level_of`."""
    return np.array([level_of(place % bar * tick, meter) for place in range(ticks)], dtype=np.int64)


def _may_stand(syllable: SungSyllable, level: int, *, lightly: bool = False) -> bool:
    """Whether stress allows a syllable on a place of this strength. lightly: see `_Timing.clock`."""
    if syllable.light and lightly:
        return level < 3
    if syllable.syllabic == "single" or syllable.stress < 0:
        return True
    return level >= 1 if syllable.stress == 1 else level <= 1 or syllable.stress == 2


def _leaning(syllable: SungSyllable, level: int, letter: int) -> float:
    """What a syllable's place is multiplied by."""
    if syllable.light:
        return (1.0, 0.8, 0.4, 0.08)[level] * (0.6 if letter == LONG else 1.0)
    if is_small(syllable):
        return (1.0, 0.8, 0.5, 0.25)[level] * (0.7 if letter == LONG else 1.0)
    if syllable.stress == 1:
        return (0.3, 0.8, 1.2, 1.6)[level] * (1.3 if letter == LONG else 1.0)
    if syllable.stress == 0:
        return (1.0, 1.0, 0.4, 0.3)[level] * (0.6 if letter == LONG else 1.0)
    return 1.0
