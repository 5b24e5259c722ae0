"""From the syllables of a file to the words of a melody or part."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from studio.music.scores.notes import Note
from studio.music.scores.words import Syllable, hyphenated, syllabic_of


@dataclass(frozen=True)
class FoundLyric:
    """A syllable at its place. voice: of the note it stands under."""

    place: Fraction
    text: str
    syllabic: str
    verse: int
    extends: bool
    voice: str = ""


def words_under(
    notes: Sequence[Note], lyrics: Sequence[tuple[Fraction, FoundLyric, bool]]
) -> tuple[tuple[Syllable, ...], int, int]:
    """The syllables under a melody, how many of them were put together with the one before, and how many
    belong to no note of the melody.

    lyrics: (place in the piece, syllable, whether it is the melody's own voice). The melody's own come first;
    another voice gives its words where the melody has none. A note whose second half, tied, has a syllable of
    its own is sung on both.
    """
    if not lyrics:
        return (), 0, 0
    starts = [note.start for note in notes]
    taken: dict[tuple[Fraction, int], Syllable] = {}
    joined = left = 0
    for place, lyric, own in sorted(lyrics, key=lambda each: (not each[2], each[0])):
        under = bisect_right(starts, place) - 1
        if under < 0 or notes[under].pitch is None or notes[under].end <= place:
            left += 1
            continue
        start = starts[under]
        if not own and start != place:
            left += 1
            continue
        before = taken.get((start, lyric.verse))
        if before is None:
            taken[start, lyric.verse] = Syllable(
                start, lyric.text, lyric.syllabic, lyric.verse, lyric.extends
            )
        elif own:
            joined += 1
            taken[start, lyric.verse] = _sung_together(before, lyric)
        elif before.text != lyric.text:
            left += 1
    return _held_where_free([taken[key] for key in sorted(taken)], notes), joined, left


def borrowed(words: Sequence[Syllable]) -> list[tuple[Fraction, FoundLyric, bool]]:
    """The words of another part, for a melody without: as they are sung there, each on one note."""
    return [
        (word.start, FoundLyric(word.start, word.text, word.syllabic, word.verse, word.extends), False)
        for word in words
    ]


def _held_where_free(words: Sequence[Syllable], notes: Sequence[Note]) -> tuple[Syllable, ...]:
    """The words, where a syllable is held over the next note only if that has none of its own: many programs
    draw the line of an extender under one long note too.
    """
    following = {before.start: note.start for before, note in pairwise(notes) if note.pitch is not None}
    sung = {(word.start, word.verse) for word in words}
    return hyphenated(
        replace(word, extends=False)
        if word.extends and (word.start not in following or (following[word.start], word.verse) in sung)
        else word
        for word in words
    )


def _sung_together(before: Syllable, lyric: FoundLyric) -> Syllable:
    """Two syllables on one note."""
    inside = before.syllabic in ("middle", "end")
    syllabic = syllabic_of(inside, lyric.syllabic in ("begin", "middle"))
    joint = "" if lyric.syllabic in ("middle", "end") else " "
    return Syllable(before.start, before.text + joint + lyric.text, syllabic, before.verse, lyric.extends)
