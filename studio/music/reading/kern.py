"""Humdrum kern. Where possible only the column that holds the melody is read, by music21 where it is not
plain (`kern_plain`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from studio.music.reading.assembling import MELODY_NAMES, FoundNote, one_at_a_time, without_meter
from studio.music.reading.budget import OfMelody, Reading, ReadingBudget
from studio.music.reading.found_words import FoundLyric, words_under
from studio.music.reading.kern_plain import read_plain
from studio.music.reading.kern_spines import Beside, beside_notes
from studio.music.reading.pieces import READING_RULES
from studio.music.scores.bars import Repeat
from studio.music.scores.jumps import JumpMark
from studio.music.scores.scores import Part
from studio.music.scores.tunes import Tune


def read_kern(
    text: str, name: str, budget: ReadingBudget, *, parts: bool = False, rules: str = READING_RULES
) -> Reading:
    """The melody of a kern file. parts: and all its parts. rules: see READING_RULES.

    Raises `Unreadable`, and whatever music21 raises for a broken file.
    """
    alone, column = _alone(text)
    plain = None if parts else read_plain(alone, name, budget)
    if plain is not None:
        reading = plain
    else:
        reading = _by_music21(text, alone, column, name, budget, parts=parts, rules=rules)
    if rules >= "4":
        reading = _with_what_is_beside(reading, beside_notes(text), column, jumps=rules >= "5")
        no_meter = re.search(r"^(.*\t)?\*MX(\t|$)", text, re.M)
        if no_meter and reading.tunes:
            reading = replace(reading, remarks=(*reading.remarks, without_meter(reading.tunes[0].meter)))
    several = len(re.findall(r"\*\*kern(?=\t|$)", text, re.M)) > 1 if rules >= "4" else alone != text
    if alone == text or not several:
        return reading
    top = OfMelody("The melody was taken from the top voice of several.")
    return replace(reading, remarks=(top, *reading.remarks))


def _by_music21(
    text: str, alone: str, column: int | None, name: str, budget: ReadingBudget, *, parts: bool, rules: str
) -> Reading:
    from music21 import converter

    from studio.music.reading.music21_streams import by_id, parts_of, sounding, sounding_by_id, tunes_of

    stream = converter.parseData(alone, format="humdrum")
    order = sounding if rules >= "6" else sounding_by_id if rules >= "4" else by_id
    reading = tunes_of(stream, name, budget, order=order)
    if parts:
        whole = stream if alone == text else converter.parseData(text, format="humdrum")
        reading = replace(reading, parts=tuple(_led(each, text, column) for each in parts_of(whole, order)))
    return reading


def _with_what_is_beside(reading: Reading, beside: Beside, column: int | None, *, jumps: bool) -> Reading:
    """The melody with its words and chords, and its sections in the order in which they are played.

    column: of the melody, None where it is not known. jumps: the order may be one of D.C. or D.S.
    """
    if len(reading.tunes) != 1:
        return reading
    (tune,), remarks = reading.tunes, list(reading.remarks)
    lyrics = _sung_to(tune, beside, column)
    words, joined, left = words_under(tune.notes, lyrics)
    left += sum(map(len, beside.lyrics.values())) - len(lyrics)
    chords = beside.chords()
    kept = tuple(chord for chord in chords.chords if chord.start < tune.end)
    repeats: Sequence[Repeat] = tune.repeats
    marks: Sequence[JumpMark] = ()
    if beside.order and beside.sections:
        said = beside.repeats(jumps=jumps)
        if said is None:
            order = ", ".join(beside.order[:20])
            remarks.append(f"The order of the sections ({order}) is not one of repeats; it was left out.")
        else:
            repeats, marks = said
    if chords.unread:
        some = ", ".join(repr(symbol) for symbol in list(dict.fromkeys(chords.unread))[:5])
        remarks.append(
            f"Chord symbols that could not be read and were left out ({len(chords.unread)}): {some}."
        )
    remarks += chords.remarks
    if joined:
        remarks.append(f"Syllables put together because they stand under one tied note: {joined}.")
    if left:
        remarks.append(f"Syllables left out because they stand under no note of the melody: {left}.")
    if beside.others:
        some = ", ".join(f"{kind} ({count})" for kind, count in sorted(beside.others.items())[:8])
        remarks.append(f"Columns that are not read, with their signs: {some}.")
    tune = replace(
        tune,
        words=words,
        chords=kept or tune.chords,
        repeats=tuple(each for each in repeats if each.end <= tune.end),
        jumps=tuple(sorted((each for each in marks if each.start <= tune.end), key=lambda each: each.start)),
    )
    parts = tuple(_sung_parts(each, beside) for each in reading.parts)
    return replace(reading, tunes=(tune,), remarks=tuple(remarks), parts=parts)


def _sung_parts(parts: Sequence[Part], beside: Beside) -> tuple[Part, ...]:
    """The parts, which stand from the last column to the first, with their words."""
    if len(parts) != len(beside.columns):
        return tuple(parts)
    sung = []
    for part, column in zip(parts, reversed(beside.columns), strict=True):
        ends = max((note.end for note in part.notes), default=Fraction(0))
        tops = one_at_a_time(
            [FoundNote(note.start, note.end, note.pitch, False) for note in part.notes], ends
        )
        words, _, _ = words_under(tops, [(each.place, each, True) for each in beside.lyrics.get(column, [])])
        sung.append(replace(part, words=words) if words else part)
    return tuple(sung)


def _led(parts: tuple[Part, ...], text: str, column: int | None) -> tuple[Part, ...]:
    """The parts, which stand from the last column to the first, with the one that is the melody marked as it.
    column: of the melody, None where it is not known.
    """
    heads = next(line for line in text.splitlines() if line and not line.startswith("!!")).split("\t")
    columns = [number for number, head in enumerate(heads) if head == "**kern"][::-1]
    if column is None or len(parts) != len(columns) or len(parts) < 2:
        return parts
    return tuple(replace(part, lead=own == column) for part, own in zip(parts, columns, strict=True))


def _sung_to(tune: Tune, beside: Beside, column: int | None) -> list[tuple[Fraction, FoundLyric, bool]]:
    """The words of the melody's own column; where it has none, or is not known, those that fit it best."""
    starts = {note.start for note in tune.sounding}
    if column not in beside.lyrics:
        fit = {owner: sum(each.place in starts for each in lyrics) for owner, lyrics in beside.lyrics.items()}
        column = max(fit, key=lambda owner: (fit[owner], owner), default=None)
    return [(each.place, each, True) for each in beside.lyrics.get(-1 if column is None else column, [])]


def top_spine(text: str) -> str:
    """A kern file with only its melody's column (see `_alone`)."""
    return _alone(text)[0]


def _alone(text: str) -> tuple[str, int | None]:
    """A kern file with only its melody's column, which is read several times faster.

    The melody is the column that is named like one, else the last, which is the top voice. Files whose
    columns split, join or move are returned whole. And which column that is, None where it is not known.
    """
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line]
    rows = [line.split("\t") for line in lines if not line.startswith("!!")]
    if not rows or re.search(r"^(.*\t)?\*[\^v+x](\t|$)", text, re.M):
        return text, None
    width = len(rows[0])
    kern = [column for column, token in enumerate(rows[0]) if token == "**kern"]
    if width < 2 or not kern or any(len(row) != width for row in rows):
        return text, None
    # A voice may be silent throughout.
    notes = {column: sum(bool(_NOTE.match(row[column])) for row in rows) for column in kern}
    kern = [column for column in kern if notes[column] * 8 >= max(notes.values())]
    named = [column for column in kern if _is_named_melody([row[column] for row in rows[1:12]])]
    chosen = named[-1] if named else kern[-1]
    kept = [line if line.startswith("!!") else line.split("\t")[chosen] for line in lines]
    return "\n".join(kept) + "\n", chosen


_NOTE = re.compile(r"[\[({]*\d[^r]*$")
"""A token with a duration and no r, which would make it a rest."""


def _is_named_melody(tokens: list[str]) -> bool:
    return any(token[:1] in "*!" and MELODY_NAMES.search(token) for token in tokens)
