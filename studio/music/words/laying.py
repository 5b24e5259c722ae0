"""Lays words under a tune.

    laid = lay("Soft is the evening, slowly is fading …", tune)
    laid.tune                 # the tune with its words
    laid.words                # tuple[Syllable, …], as `Tune.words` has them
    laid.remarks              # what is worth saying, in sentences
    laid.stresses             # where a stressed syllable falls on a weaker note than its neighbour

Every syllable has a note of its own. Where there are more notes than syllables, the notes that are left are
sung on the syllable before (a melisma). Which ones they are is chosen for the whole stanza at once, by
dynamic programming: short and weak notes rather than long and strong ones, none after a rest, lines that end
where the tune breathes, and stressed syllables on notes that are felt strongly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from studio.errors import AskedFor, Contradiction, Refused, WayOut
from studio.music.scores.notes import Note
from studio.music.scores.sections import Section
from studio.music.scores.tunes import Tune
from studio.music.scores.words import Syllable, hyphenated
from studio.music.words.assigning import SungStanza, assigned
from studio.music.words.lyrics import Lyrics, Stanza, SungSyllable, read_lyrics
from studio.music.words.splitting import ENGLISH
from studio.music.words.stresses import (
    Placed,
    StressFault,
    faults,
    in_sections,
    light_words_of,
    weight_of,
    words_of,
)

MOST_HELD = 24
"""Notes over which one syllable is held, at most, before the rest of them stays without words."""

SHORTEST = Fraction(1, 4)
"""Quarter notes of the shortest note that dividing long ones makes."""

LISTED = 6
"""Words or places that a remark names."""


SungAs = Callable[[SungStanza, Sequence[Note]], Stanza]


@dataclass(frozen=True)
class Laid:
    """Words under a tune.

    tune: with the words, its long notes divided where that was asked for. remarks: sentences. stresses: where
    stress and beats disagree. checked: how many words this was looked at in: those of several syllables, and
    light ones before a stress.
    silent: the sections without words of their own, by their names.
    """

    tune: Tune
    remarks: tuple[str, ...]
    stresses: tuple[StressFault, ...]
    checked: int
    silent: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[Syllable, ...]:
        return self.tune.words


def lay(
    text: str | Lyrics,
    tune: Tune,
    language: str = ENGLISH,
    *,
    sections: Sequence[Section] = (),
    leads: Sequence[Fraction] = (),
    divide: bool = False,
    sung_as: SungAs | None = None,
) -> Laid:
    """Words under a tune, in place of any it has.

    text: as `lyrics.read_lyrics` takes it. language: a code, such as "de". sections: of the tune; its stanzas
    are sung in them as `assigning.assigned` says. leads: see `stresses.in_sections`. Without sections the
    stanzas follow each other, or, where they have more syllables than the tune has notes, each is a verse.
    divide: long notes are divided where there are more syllables than notes. sung_as: from a stanza in its
    place and the notes there to the same stanza with syllables held over several notes.

    Raises `Contradiction` for a stanza with more syllables than notes (unless `divide` helps), with the
    change that fits it, `Refused` for words that cannot be read, `UnknownName` for a language.
    """
    lyrics = text if isinstance(text, Lyrics) else read_lyrics(text, language)
    if not tune.sounding:
        raise Refused("The tune has no notes to sing; give one that sounds.")
    plan = _plan(lyrics, tune, sections)
    divided = 0
    if divide:
        tune, divided = _divided(tune, plan, sections, leads)
    places = in_sections(tune, sections, leads)
    words: list[Syllable] = []
    found: list[StressFault] = []
    counts = _Counts()
    for each in plan:
        section, notes = places[max(0, each.section)]
        _check_count(each, section, notes, divided=divide)
        stanza = each.stanza if sung_as is None else sung_as(each, notes)
        placed = _placed(stanza, notes, tune)
        words += _printed(placed, notes, each.verse)
        found += faults(tune, placed, each.verse)
        counts.add(placed, notes)
    sung = {each.section for each in plan}
    without = [section for n, (section, _) in enumerate(places) if section and n not in sung]
    silent = [section.name for section in without]
    led = [section.name for section in without if _holds(section, tune, words)]
    remarks = [*_remarks(lyrics, counts, silent, divided, led)]
    return Laid(
        replace(tune, words=hyphenated(sorted(words, key=lambda word: (word.start, word.verse)))),
        tuple(remarks),
        tuple(found),
        counts.checked,
        tuple(dict.fromkeys(silent)),
    )


def _plan(lyrics: Lyrics, tune: Tune, sections: Sequence[Section]) -> tuple[SungStanza, ...]:
    if sections:
        return assigned(lyrics, sections)
    whole = Stanza(tuple(line for stanza in lyrics.stanzas for line in stanza.lines))
    if len(lyrics.stanzas) == 1 or whole.notes <= len(tune.sounding):
        return (SungStanza(-1, 1, whole),)
    return tuple(SungStanza(-1, n, stanza) for n, stanza in enumerate(lyrics.stanzas, 1))


@dataclass
class _Counts:
    """What the remarks say of all stanzas together."""

    held: int = 0
    unsung: int = 0
    checked: int = 0

    def add(self, placed: Sequence[Placed], notes: Sequence[Note]) -> None:
        held = sum(1 for _ in _held(placed, notes))
        self.held += held
        self.unsung += len(notes) - len(placed) - held
        self.checked += sum(1 for _ in words_of(placed)) + sum(1 for _ in light_words_of(placed))


def _holds(section: Section, tune: Tune, words: Sequence[Syllable]) -> bool:
    """Whether a syllable is sung in the bars of a section: an upbeat to the one after it."""
    bars = [bar for bar in tune.bars() if section.first_bar <= bar.number < section.first_bar + section.bars]
    return bool(bars) and any(bars[0].start <= word.start < bars[-1].end for word in words)


def _remarks(
    lyrics: Lyrics, counts: _Counts, silent: Sequence[str], divided: int, led: Sequence[str] = ()
) -> Iterator[str]:
    """silent: sections without words of their own, those of `led` with an upbeat at their end."""
    if silent:
        names = list(dict.fromkeys(silent))
        many, they = ("sections", "they are") if len(names) > 1 else ("section", "it is")
        end = f"at the end of {', '.join(dict.fromkeys(led))}" if len(names) > 1 else "at its end"
        upbeat = f", but for the upbeat {end}" if led else ""
        said = f"No words are sung in the {many} {', '.join(names)}{upbeat}"
        stanzas = "stanzas" if len(names) > 1 else "a stanza"
        below = " and ".join(f"[{name}]" for name in dict.fromkeys(name.rstrip("'") for name in names))
        yield f"{said}; {they} for instruments alone, unless you write {stanzas} below {below}."
    if counts.held:
        yield f"Notes sung on the syllable before them: {counts.held}."
    if counts.unsung:
        yield f"Notes without words, after a rest: {counts.unsung}."
    if divided:
        yield f"Long notes divided so that every syllable has one: {divided}."
    unknown = lyrics.unknown
    if unknown:
        named = ", ".join(unknown[:LISTED]) + (" …" if len(unknown) > LISTED else "")
        yield f"Words that no dictionary has, split by their spelling: {named}."
    light = any(each.light for stanza in lyrics.stanzas for each in stanza.syllables)
    if lyrics.language != ENGLISH and light:
        yield "Of words in this language, stress is checked in articles, prepositions and the like only."
    elif lyrics.language != ENGLISH:
        yield "Stress is checked in English words only."


def _check_count(each: SungStanza, section: Section | None, notes: Sequence[Note], *, divided: bool) -> None:
    asked, there = each.stanza.notes, len(notes)
    if asked <= there:
        return
    more = asked - there
    where = f"section {section.name}" if section else "the tune"
    verse = f"Verse {each.verse}" if each.verse > 1 else "The words"
    first = f" ({each.stanza.lines[0].text[:40]} …)" if each.stanza.lines else ""
    fit = "" if divided else ", or let them be fitted, for which long notes are divided"
    raise Contradiction(
        f"{verse} of {where}{first} {'has' if each.verse > 1 else 'have'} {more} "
        f"{'syllable' if more == 1 else 'syllables'} more than its {there} "
        f"{'note' if there == 1 else 'notes'}; leave some of them out{fit}.",
        [AskedFor("words", "", f"{asked} syllables"), AskedFor("melody", "", f"{there} notes")],
        []
        if divided
        else [WayOut("Divide long notes", "divide_notes", True), WayOut("Make the words fit", "fit", True)],
    )


# Which syllable on which note
# ------------------------------------------------------------------------------------------------------------


def _placed(stanza: Stanza, notes: Sequence[Note], tune: Tune) -> list[Placed]:
    syllables = stanza.syllables
    if stanza.notes == len(notes):
        begins, here = [], 0
        for each in syllables:
            begins.append(here)
            here += each.notes
    else:
        begins = _Alignment.of(stanza, notes, tune).best()
    return [(each, notes[place]) for each, place in zip(syllables, begins, strict=True)]


@dataclass(frozen=True)
class _Alignment:
    """The search for the best places of syllables.

    weights: of the notes. rests: for each note, whether one is before it. breaks: whether a phrase ends
    before it. ends: for each syllable, whether it ends a line. starts: whether it begins a word.
    """

    syllables: tuple[SungSyllable, ...]
    weights: tuple[float, ...]
    lengths: tuple[float, ...]
    rests: tuple[bool, ...]
    breaks: tuple[bool, ...]
    ends: tuple[bool, ...]
    known: dict[tuple[int, int, tuple[bool, int, bool]], float] = field(default_factory=dict, compare=False)
    """What `between` found, by the notes and by all that counts of a syllable there."""

    @classmethod
    def of(cls, stanza: Stanza, notes: Sequence[Note], tune: Tune) -> _Alignment:
        ends = tuple(
            number == len(line.syllables) - 1
            for line in stanza.lines
            for number in range(len(line.syllables))
        )
        rests = (False, *(one.end < other.start for one, other in pairwise(notes)))
        breaks = (
            True,
            *(
                any(one.start < place <= other.start for place in tune.phrase_ends)
                for one, other in pairwise(notes)
            ),
        )
        beats = tuple(float(note.duration / tune.bar_at(note.start).meter.beat) for note in notes)
        return cls(
            stanza.syllables, tuple(weight_of(note, tune) for note in notes), beats, rests, breaks, ends
        )

    def best(self) -> list[int]:
        """The note that each syllable begins on."""
        notes, needed = len(self.weights), [each.notes for each in self.syllables]
        spare = notes - sum(needed)
        # cost[k]: of the best way in which the syllable stands k notes later than it could at the earliest
        cost = [2.5 * late + self.begin(0, late) for late in range(spare + 1)]
        back: list[list[int]] = []
        earliest = 0
        for number in range(1, len(self.syllables)):
            before = earliest
            earliest += needed[number - 1]
            row, chosen = [], []
            for late in range(spare + 1):
                place = earliest + late
                low = max(0, late - MOST_HELD)
                ways = [
                    (cost[other] + self.between(number - 1, before + other, place), other)
                    for other in range(low, late + 1)
                ]
                least, other = min(ways)
                row.append(least + self.begin(number, place))
                chosen.append(other)
            cost = row
            back.append(chosen)
        last = len(self.syllables) - 1
        total = [cost[late] + self.between(last, earliest + late, notes) for late in range(spare + 1)]
        late = total.index(min(total))
        found = []
        for number in range(last, -1, -1):
            found.append(sum(needed[:number]) + late)
            if number:
                late = back[number - 1][late]
        return found[::-1]

    def begin(self, number: int, place: int) -> float:
        """The cost of a syllable on a note that weighs as much as this one."""
        syllable, weight = self.syllables[number], self.weights[place]
        if syllable.stress < 0:
            return 0.0
        if syllable.syllabic == "single":
            return 0.2 * max(0.0, weight - 2) if syllable.word.lower().strip(",.;!?") in SMALL_WORDS else 0.0
        if syllable.stress == 1:
            return 0.6 * max(0.0, 2 - weight)
        return 0.4 * max(0.0, weight - 1) if syllable.stress == 0 else 0.0

    def between(self, number: int, place: int, after: int) -> float:
        """The cost of a syllable that begins at a note and is over before the note `after`."""
        key = place, after, self._kinds[number]
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self._between(number, place, after)
        return found

    @cached_property
    def _kinds(self) -> list[tuple[bool, int, bool]]:
        """Of each syllable: whether it ends a line, how many notes it has, and whether its word goes on."""
        return [
            (ends, each.notes, each.syllabic in ("begin", "middle"))
            for ends, each in zip(self.ends, self.syllables, strict=True)
        ]

    def _between(self, number: int, place: int, after: int) -> float:
        ends, least, inside = self._kinds[number]
        cost, silent = 0.0, False
        for note in range(place + 1, after):
            silent = silent or self.rests[note]
            if silent:
                cost += 2.5 if ends else 8.0
            elif note - place >= least:
                cost += 0.7 + 0.25 * max(0.0, self.weights[note]) + 0.2 * min(2.0, self.lengths[note])
        if after >= len(self.weights):
            return cost
        pause = self.rests[after] or self.breaks[after]
        if ends:
            cost -= (1.5 if pause else 0.0) + 0.4 * min(3.0, self.lengths[after - 1])
        elif pause:
            cost += 3.0 if inside else 0.7
        return cost


_SMALL = (
    "a an the of to in on at by for from with and or but as if so is are was be been am it its i my me "
    "you your he his him she her we our us they their them that this there than then when who whom which"
)
SMALL_WORDS = frozenset(_SMALL.split())
"""Words that are seldom stressed."""


def _held(placed: Sequence[Placed], notes: Sequence[Note]) -> Iterator[tuple[int, Note]]:
    """(number of the syllable, note) for every note that is sung on the syllable before it."""
    begins = {note.start: number for number, (_, note) in enumerate(placed)}
    current, until = -1, Fraction(-1)
    for note in notes:
        if note.start in begins:
            current = begins[note.start]
        elif current >= 0 and note.start == until:
            yield current, note
        else:
            current = -1
            continue
        until = note.end


def _printed(placed: Sequence[Placed], notes: Sequence[Note], verse: int) -> Iterator[Syllable]:
    extended = {number for number, _ in _held(placed, notes)}
    for number, (syllable, note) in enumerate(placed):
        if syllable.text:
            yield Syllable(note.start, syllable.text, syllable.syllabic, verse, number in extended)


# More syllables than notes
# ------------------------------------------------------------------------------------------------------------


def _divided(
    tune: Tune, plan: Sequence[SungStanza], sections: Sequence[Section], leads: Sequence[Fraction]
) -> tuple[Tune, int]:
    """The tune with as many notes in each section as its longest verse has syllables, and how many notes more
    it has: the longest note is divided, in halves or two and one, again and again.
    """
    notes = list(tune.notes)
    places = in_sections(tune, sections, leads)
    for number, (_, there) in enumerate(places):
        asked = max((each.stanza.notes for each in plan if max(0, each.section) == number), default=0)
        inside = {note.start for note in there}
        while len(inside) < asked:
            longest = max(
                (note for note in notes if note.start in inside),
                key=lambda note: (note.duration, -note.start),
            )
            first = _first_part(longest.duration)
            if min(first, longest.duration - first) < SHORTEST:
                break
            where = notes.index(longest)
            second = replace(longest, start=longest.start + first, duration=longest.duration - first)
            notes[where : where + 1] = [replace(longest, duration=first), second]
            inside.add(second.start)
    return replace(tune, notes=tuple(notes)), len(notes) - len(tune.notes)


def _first_part(length: Fraction) -> Fraction:
    """Two thirds of a dotted note, half of another."""
    return length * 2 / 3 if length.numerator % 3 == 0 else length / 2
