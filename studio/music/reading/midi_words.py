"""Lyric events of MIDI files as the words of a tune.

A space before or after a syllable ends a word, and without one the word goes on (RP-017, "SMF Lyric Meta
Event Definition", MIDI Manufacturers Association, 1997). Many programs write a hyphen instead where a word
goes on, and no spaces at all. "/" and "\\" begin lines and paragraphs in karaoke files. A line end, also in
an event of its own, ends a word as a space does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction

from studio.errors import Unreadable
from studio.music.reading.midi_events import MidiFile
from studio.music.scores.chords import parse_chord
from studio.music.scores.words import Syllable, hyphenated

NEAR = Fraction(1, 8)
"""A syllable belongs to a note that begins within so many quarter notes."""


MARKS = b"-/\\ \r\n\0"
"""What stands around syllables. A text of these alone is none."""

FEWEST_TEXTS = 4
"""Fewer texts are no words of a song."""


def texts_as_words(midi: MidiFile) -> tuple[list[tuple[int, int, bytes]], int]:
    """The texts (FF 01) of a file that are its words, though neither lyrics nor a karaoke mark say so, and
    how many others there are.

    They are those of a track of which four in five begin with a note, and which are not mostly chord symbols.
    Texts at the beginning alone, where programs write their names, count as none.
    """
    marked = any(text.startswith(b"@K") for _, _, text in midi.texts)
    texts = [each for each in midi.texts if each[2].strip(MARKS) and not each[2].startswith(b"@")]
    if marked or not any(ticks for ticks, _, _ in texts):
        return [], 0
    onsets = sorted({start for notes in midi.notes.values() for start, _, _ in notes})
    near = float(midi.per_quarter * NEAR)
    words = []
    for track in {} if midi.lyrics or not onsets else {number for _, number, _ in texts}:
        own = [each for each in texts if each[1] == track]
        later = [each for each in own if each[0]] + [each for each in own if not each[0]][-1:]
        sung = sum(_apart(ticks, onsets) <= near for ticks, _, _ in later)
        chords = sum(_is_chord(text) for _, _, text in later)
        if len(later) >= FEWEST_TEXTS and 5 * sung >= 4 * len(later) and 2 * chords < len(later):
            words += own
    return sorted(words), len(texts) - len(words)


def _apart(ticks: int, onsets: Sequence[int]) -> int:
    after = bisect_left(onsets, ticks)
    return min(abs(onset - ticks) for onset in onsets[max(0, after - 1) : after + 1])


def _is_chord(text: bytes) -> bool:
    try:
        return parse_chord(text.decode("latin-1").strip()) is not None
    except Unreadable:
        return False


def with_line_ends(texts: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Texts without those that are none, as (ticks, text). Where these are line ends, or the marks of a line
    in karaoke, a newline ends the text before them.
    """
    found: list[tuple[int, str]] = []
    for ticks, text in texts:
        if text.strip("-/\\ \n"):
            found.append((ticks, text))
        elif found and text.strip("- "):
            found[-1] = (found[-1][0], found[-1][1].rstrip("\n") + "\n")
    return found


def words_of(
    lyrics: Sequence[tuple[int, str]],
    starts: Sequence[Fraction],
    place_of: Callable[[int], Fraction],
    *,
    ours: bool = False,
) -> tuple[Syllable, ...]:
    """The words of a tune, without syllables that are sung on none of its notes.

    lyrics: (ticks, text), in order. starts: of the notes, in order. place_of: from ticks to quarter notes.
    Syllables at one place are verses. ours: the studio wrote them, so that a space alone ends a word.
    """
    verses: Counter[Fraction] = Counter()
    words = []
    for (ticks, text), syllabic in zip(lyrics, _syllabics([text for _, text in lyrics], ours), strict=True):
        place = place_of(ticks)
        after = bisect_left(starts, place)
        near = min(starts[max(0, after - 1) : after + 1], key=lambda start: abs(start - place))
        if abs(near - place) <= NEAR:
            verses[near] += 1
            plain = text.removesuffix(" ") if ours else text.strip("-/\\ \n")
            words.append(Syllable(near, plain, syllabic, verses[near]))
    return hyphenated(sorted(words, key=lambda word: word.start))


def _syllabics(texts: Sequence[str], ours: bool) -> list[str]:
    """Where in its word each syllable stands."""
    if ours:
        return _by_hyphens([not text.endswith(" ") for text in texts])
    # A line end is no space: words may stand in lines without one.
    spaced = any(
        text.endswith((" ", " \n")) or text.startswith((" ", "/", "\\", "\n ", "\n/", "\n\\"))
        for text in texts
    )
    goes_on = [
        text.rstrip().endswith("-") or (spaced and text[-1] not in " \n" and after[0] not in " /\\\n")
        for text, after in zip(texts, [*texts[1:], " "], strict=False)
    ]
    return _by_hyphens(goes_on)


def _by_hyphens(goes_on: Sequence[bool]) -> list[str]:
    names = {(False, False): "single", (False, True): "begin", (True, True): "middle", (True, False): "end"}
    return [names[each] for each in zip([False, *goes_on], goes_on, strict=False)]
