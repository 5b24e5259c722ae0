"""Compares a melody with a song note by note."""

from __future__ import annotations

from dataclasses import dataclass, field

from studio.music.scores.keys import Key, pitch_name
from studio.music.scores.notes import Note
from studio.music.scores.tunes import Tune


@dataclass(frozen=True)
class AlignedPair:
    """One row of an alignment: a note of the melody and its counterpart in the song, or None for either.

    bar, song_bar: the numbers of their bars. same: the pitches agree once the song is transposed.
    same_length: pitches and durations agree.
    """

    note: Note | None
    bar: int | None
    song_note: Note | None
    song_bar: int | None
    same: bool
    same_length: bool


@dataclass(frozen=True)
class Alignment:
    """A melody and a song, note by note.

    song, title: the song's id and title. shift: by how many semitones the song was transposed. agreement:
    share 0..1 of the rows in which both have the same pitch, so that notes of the song that stand between
    count as differences too. key: the melody's, in which notes are spelled.
    """

    song: str
    title: str
    shift: int
    agreement: float
    pairs: tuple[AlignedPair, ...]
    key: Key = field(default_factory=lambda: Key(0))

    def side_by_side(self) -> list[tuple[int, str, str]]:
        """For each bar of the melody: its number, its notes, and below them the song's notes in the melody's
        key. A dot stands for a missing counterpart, an equals sign for a note of the same pitch and length.
        """
        found: dict[int, list[tuple[str, str]]] = {}
        bar = next((pair.bar for pair in self.pairs if pair.bar is not None), 1)
        for pair in self.pairs:
            bar = bar if pair.bar is None else pair.bar
            mine = "." if pair.note is None else pitch_name(pair.note.pitch or 0, self.key)
            theirs = self._song_note(pair)
            found.setdefault(bar, []).append((mine, theirs))
        return [
            (number, *(" ".join(f"{pair[line]:<4}" for pair in pairs).rstrip() for line in (0, 1)))  # type: ignore[misc]
            for number, pairs in found.items()
        ]

    def _song_note(self, pair: AlignedPair) -> str:
        if pair.song_note is None:
            return "."
        if pair.same_length:
            return "="
        moved = (pair.song_note.pitch or 0) + self.shift
        return pitch_name(moved, self.key) if 0 <= moved <= 127 else "?"


def align(melody: Tune, song: Tune) -> Alignment:
    """Align a melody with the passage of a song that is most like it: with the fewest, smallest differences.

    The song is transposed to the melody's tonic. Alignment by dynamic programming (Needleman and Wunsch,
    J. Mol. Biol. 48, 1970), with costs for pitch and length after Mongeau and Sankoff (Computers and the
    Humanities 24, 1990): 1 for another pitch, 0.2 for another length, 0.7 for a note without a counterpart.
    What the song has before and after the passage costs nothing and is left out.
    """
    shift = (melody.key.tonic - song.key.tonic + 5) % 12 - 5
    mine, theirs = melody.sounding, song.sounding
    if mine and theirs:
        # The tonics match in any octave: take the one in which the two lines are closest.
        apart = sum(note.pitch or 0 for note in mine) / len(mine) - sum(
            (note.pitch or 0) + shift for note in theirs
        ) / len(theirs)
        shift += 12 * round(apart / 12)
    rows, columns = len(mine), len(theirs)
    cost = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for row in range(1, rows + 1):
        cost[row][0] = 0.7 * row
    for row in range(1, rows + 1):
        here, above = cost[row], cost[row - 1]
        one = mine[row - 1]
        for column in range(1, columns + 1):
            other = theirs[column - 1]
            change = (0.0 if one.pitch == (other.pitch or 0) + shift else 1.0) + (
                0.0 if one.duration == other.duration else 0.2
            )
            here[column] = min(above[column - 1] + change, above[column] + 0.7, here[column - 1] + 0.7)
    pairs: list[AlignedPair] = []
    row, column = rows, min(range(columns + 1), key=lambda end: (cost[rows][end], -end))
    while row:
        one_left, other_left = (mine[row - 1] if row else None), (theirs[column - 1] if column else None)
        if one_left and other_left:
            one, other = one_left, other_left
            same, same_length = one.pitch == (other.pitch or 0) + shift, one.duration == other.duration
            change = (0.0 if same else 1.0) + (0.0 if same_length else 0.2)
            if abs(cost[row][column] - cost[row - 1][column - 1] - change) < 1e-9:
                pairs.append(_pair(melody, one, song, other, same, same_length and same))
                row, column = row - 1, column - 1
                continue
        if one_left and abs(cost[row][column] - cost[row - 1][column] - 0.7) < 1e-9:
            pairs.append(_pair(melody, one_left, song, None, False, False))
            row -= 1
        else:
            pairs.append(_pair(melody, None, song, other_left, False, False))
            column -= 1
    pairs.reverse()
    agreement = sum(pair.same for pair in pairs) / len(pairs) if pairs else 0.0
    return Alignment(song.id, song.title or song.id, shift, agreement, tuple(pairs), melody.key)


def _pair(
    melody: Tune, note: Note | None, song: Tune, song_note: Note | None, same: bool, same_length: bool
) -> AlignedPair:
    return AlignedPair(
        note,
        melody.bar_at(note.start).number if note else None,
        song_note,
        song.bar_at(song_note.start).number if song_note else None,
        same,
        same_length,
    )
