"""What was heard in a score, as a musician would check it: in words, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from studio.music.reading.assembling import TEMPO_CHANGES
from studio.music.reading.budget import OfMelody, Reading, Unread, labelled
from studio.music.scores.clefs import usual_clef
from studio.music.scores.jumps import BACK, TARGETS
from studio.music.scores.keys import Key, name_of, pitch_name
from studio.music.scores.notes import Note
from studio.music.scores.scores import Part, Score, played_spans
from studio.music.scores.tunes import Tune, unfolded_score
from studio.music.scores.words import Syllable


@dataclass(frozen=True)
class Heard:
    """What the studio heard in some files. remarks: on what was left out, moved or guessed. scores: each tune
    with all the parts of its file, where these were asked for.
    """

    tunes: tuple[Tune, ...]
    remarks: tuple[str, ...]
    unread: tuple[Unread, ...] = ()
    scores: tuple[Score, ...] = ()

    def whole(self) -> list[Tune | Score]:
        """What there is to write of each tune: the score, where it has more than the melody."""
        if len(self.scores) < len(self.tunes):
            return list(self.tunes)
        return [
            score if score.parts and (_is_marked(score) or _has_more(score, tune)) else tune
            for tune, score in zip(self.tunes, self.scores, strict=True)
        ]

    def remarks_on_whole(self) -> list[str]:
        """What there is to say where `whole` is written: not what holds of the melody alone."""
        all_parts = len(self.scores) == len(self.tunes)
        return [each for each in self.remarks if not (all_parts and isinstance(each, OfMelody))]


def _is_marked(score: Score) -> bool:
    return bool(score.sections or score.tempo_changes)


def _has_more(score: Score, tune: Tune) -> bool:
    first = score.parts[0]
    played = bool(first.program or first.controls)
    pitches = [note.pitch for note in first.notes if note.pitch is not None]
    looks = first.clef is not None and first.clef != usual_clef(pitches, first.program)
    looks = looks or bool(first.clef_changes)
    return len(score.parts) > 1 or first.notes != tune.sounding or played or looks


def _never_played(reading: Reading) -> Iterator[str]:
    """Says how many notes no jump leads to."""
    for tune in reading.tunes:
        spans = played_spans(tune.repeats, tune.end, (), tune.jumps) if tune.jumps else []
        count = sum(
            not any(start <= note.start < end for _, start, end in spans) for note in tune.sounding if spans
        )
        if count:
            remark = f"Notes that are never played, because of the jumps: {count}."
            yield remark if len(reading.tunes) == 1 else labelled(remark, tune.id)


@dataclass(frozen=True)
class TuneInWords:
    """facts: composer, meter, key and so on, a line each. bars: a line each, words of songs below. text: the
    lines of words below the music.
    """

    title: str
    facts: tuple[str, ...]
    bars: tuple[str, ...]
    text: tuple[str, ...] = ()


def heard_in(readings: Sequence[tuple[str, Reading]], *, played: bool = False) -> Heard:
    """What was heard in files, given as (name, reading). played: with repeats played out.

    With several files, each remark begins with the name of its file.
    """
    tunes = [tune for _, reading in readings for tune in reading.tunes]
    scores = [
        tune.in_parts(parts, marks)
        for _, reading in readings
        for tune, parts, marks in zip_longest(reading.tunes, reading.parts, reading.marks)
        if parts is not None
    ]
    several = len(readings) > 1
    return Heard(
        tuple(tune.unfolded() if played else tune for tune in tunes),
        tuple(
            labelled(remark, name) if several and not remark.startswith(name) else remark
            for name, reading in readings
            for remark in [*reading.remarks, *(_never_played(reading) if played else ())]
        ),
        tuple(each for _, reading in readings for each in reading.unread),
        tuple(unfolded_score(score) if played else score for score in scores),
    )


def not_carried(music: Sequence[Tune | Score], path: Path) -> list[str]:
    """What is said about writing music to a file of that name: how many parts were written, and what that
    format cannot hold.
    """
    scores = [each if isinstance(each, Score) else each.score() for each in music]
    parts = sum(len(score.parts) for score in scores if len(score.parts) > 1)
    told = [f"All {parts} parts were written."] if parts else []
    named = sum(bool(mark.label) for score in scores for mark in score.jumps)
    if path.suffix.lower() == ".abc" and named:
        told.append(f"ABC has one segno and one coda; names of others left out: {named}.")
    drums = sum(part.percussion for score in scores for part in score.parts)
    if path.suffix.lower() == ".abc" and drums:
        told.append(f"ABC has no drum kit; parts of drums written as notes on a percussion clef: {drums}.")
    if path.suffix.lower() in (".mid", ".midi"):
        modes = dict.fromkeys(change.key for score in scores for change in score.keys)
        told += [
            f"MIDI has no modes but major and minor; {key} is written as {key.major_or_minor}."
            for key in modes
            if key != key.major_or_minor
        ]
        verses = sum(word.verse > 1 for score in scores for part in score.parts for word in part.words)
        repeats = sum(len(score.repeats) for score in scores)
        jumps = sum(mark.kind in BACK for score in scores for mark in score.jumps)
        told += [f"MIDI holds one verse; syllables of other verses left out: {verses}."] if verses else []
        told += [f"MIDI has no repeat signs; repeats played out: {repeats}."] if repeats else []
        told += [f"MIDI has no D.C. or D.S.; jumps played out: {jumps}."] if jumps else []
    return told


def heard_as_plain(heard: Heard) -> dict[str, Any]:
    """As JSON values. Times are quarter notes as text ("3/2"); a pitch is a MIDI number, None for a rest."""
    return {
        "tunes": [
            _plain(tune, score)
            for tune, score in zip_longest(heard.tunes, heard.scores, fillvalue=None)
            if tune
        ],
        "remarks": [
            *heard.remarks,
            *(f"{each.name} could not be read: {each.reason}" for each in heard.unread),
        ],
    }


def _plain_note(note: Note, word: str | None) -> dict[str, Any]:
    plain = {"start": str(note.start), "duration": str(note.duration), "pitch": note.pitch}
    return plain if word is None else plain | {"word": word}


def _plain_part(part: Part) -> dict[str, Any]:
    sung = {word.start: word.text for word in part.words if word.verse == 1}
    plain: dict[str, Any] = {"name": part.name, "notes": []}
    tops = {note.start: note.pitch for note in part.notes}
    for note in part.notes:  # in order of pitch: a word stands under the top of its chord
        word = sung.get(note.start) if note.pitch == tops[note.start] else None
        plain["notes"].append(_plain_note(note, word))
    return plain | {"words": _plain_words(part.words)} | ({"percussion": True} if part.percussion else {})


def _plain_words(words: Sequence[Syllable]) -> list[dict[str, Any]]:
    return [
        {
            "start": str(word.start),
            "text": word.text,
            "syllabic": word.syllabic,
            "verse": word.verse,
            "extends": word.extends,
        }
        for word in words
    ]


def _plain(tune: Tune, score: Score | None) -> dict[str, Any]:
    sung = {word.start: word.text for word in tune.words if word.verse == 1}
    return {
        "title": tune.title,
        "composer": tune.composer,
        "meter": str(tune.meter),
        "key": str(tune.key),
        "tempo": tune.tempo,
        "pickup": str(tune.pickup),
        "bars": _full_bars(tune),
        "notes": [_plain_note(note, sung.get(note.start)) for note in tune.notes],
        "chords": [{"start": str(chord.start), "symbol": chord.symbol} for chord in tune.chords],
        "repeats": [
            {
                "start": str(again.start),
                "end": str(again.end),
                "times": again.times,
                "endings": [
                    {"start": str(each.start), "passes": list(each.passes)} for each in again.written()
                ],
            }
            for again in tune.repeats
        ],
        "jumps": [{"start": str(mark.start), "sign": mark.name, "kind": mark.kind} for mark in tune.jumps],
        "words": _plain_words(tune.words),
        "text": list(tune.text),
        "parts": [_plain_part(part) for part in (score or tune.score()).parts],
        "sections": [
            {"name": each.name, "first_bar": each.first_bar, "bars": each.bars}
            for each in (score.sections if score else ())
        ],
        "tempo_changes": [
            {"start": str(each.start), "tempo": each.tempo} for each in (score.tempo_changes if score else ())
        ],
    }


def heard_in_words(heard: Heard) -> Iterator[str]:
    """Lines of text: each tune with its bars one under the other, then the remarks."""
    for tune, score in zip_longest(heard.tunes, heard.scores, fillvalue=None):
        if tune is None:
            continue
        told = tune_in_words(tune)
        yield told.title
        yield from (f"  {fact}" for fact in told.facts)
        if score and len(score.parts) > 1:
            yield f"  {len(score.parts)} parts: {', '.join(map(_part_in_words, score.parts))}"
        if score and score.sections:
            named = (f"{each.name} (bar {each.first_bar})" for each in score.sections)
            yield f"  sections: {', '.join(named)}"
        if score and score.tempo_changes:
            count = len(score.tempo_changes)
            yield f"  {count} {'change' if count == 1 else 'changes'} of tempo"
        yield from told.bars
        yield from told.text
        yield ""
    kept = any(score.tempo_changes for score in heard.scores)
    for remark in heard.remarks:
        if not (kept and isinstance(remark, OfMelody) and remark.endswith(TEMPO_CHANGES)):
            yield f"  - {remark}"
    for each in heard.unread:
        yield f"  - {each.name} could not be read: {each.reason}"


def _part_in_words(part: Part) -> str:
    count = len(part.notes)
    words = f", {len(part.words)} syllables" if part.words else ""
    return f"{part.name or 'a part'} ({count} {'note' if count == 1 else 'notes'}{words})"


def tune_in_words(tune: Tune) -> TuneInWords:
    """A tune as a reader would check it: its title, its facts, and its bars one under the other."""
    return TuneInWords(
        tune.title or tune.id or "Untitled",
        tuple(_facts(tune)),
        tuple(_bar_lines(tune)),
        tuple(f"{'':>7}{line}".rstrip() for line in tune.text),
    )


def _full_bars(tune: Tune) -> int:
    """How many bars it has, without a pick-up and counting a bar that a section's upbeat completes once."""
    return sum(bar.number > 0 for bar in tune.bars())


def _facts(tune: Tune) -> Iterator[str]:
    if tune.composer:
        yield tune.composer
    bars, notes = _full_bars(tune), len(tune.sounding)
    changing = any(_meters(tune))
    facts = [
        str(tune.grid.meters[0].meter if changing else tune.meter),
        str(tune.key),
        f"{tune.tempo:g} quarter notes a minute",
        f"{bars} {'bar' if bars == 1 else 'bars'}",
        f"{notes} {'note' if notes == 1 else 'notes'}",
        f"{len(tune.chords)} chord {'symbol' if len(tune.chords) == 1 else 'symbols'}" if tune.chords else "",
        f"a pick-up of {tune.pickup}" if tune.pickup else "",
        f"{len(tune.words)} {'syllable' if len(tune.words) == 1 else 'syllables'}" if tune.words else "",
    ]
    yield ", ".join(fact for fact in facts if fact)
    changes = [f"{change.meter} from bar {_bar_number(tune, change.start)}" for change in _meters(tune)]
    changes += [f"{change.key} from bar {_bar_number(tune, change.start)}" for change in tune.keys[1:]]
    if changes:
        yield ", ".join(changes)


def _meters(tune: Tune) -> Iterator[Any]:
    meters = tune.grid.meters
    yield from (now for before, now in pairwise(meters) if before.meter != now.meter)


def _bar_number(tune: Tune, place: Fraction) -> int:
    return tune.bar_at(place).number


def _bar_lines(tune: Tune) -> Iterator[str]:
    """A line for each bar: its number, and its notes with the chords above them, with the repeat signs,
    endings and jumps where they stand.
    """
    signs = list(_signs(tune))
    pieces = _cut_at(tune.split_at_bars(), [sign.place for sign in signs])
    chords = list(tune.chords)
    place, key, keys = 0, tune.key, list(tune.keys)
    tied = False
    for bar in tune.bars():
        while keys and keys[0].start <= bar.start:
            key = keys.pop(0).key
        words: list[str] = []
        while place < len(pieces) and pieces[place].start < bar.end:
            note = pieces[place]
            while signs and (signs[0].place, signs[0].opens) <= (note.start, True):
                words.append(signs.pop(0).text)
            while chords and chords[0].start < note.end:
                chord = chords.pop(0)
                late = f"+{chord.start - note.start}" if chord.start > note.start else ""
                words.append(f"[{chord.symbol}{late}]")
            words.append(_note(note, key, tied=tied))
            tied = note.tied
            place += 1
        while signs and (signs[0].place, signs[0].opens) <= (bar.end, False):
            words.append(signs.pop(0).text)
        yield f"{bar.number:>5}  {' '.join(words)}"
        yield from _sung(tune, bar.start, bar.end)


def _cut_at(notes: Sequence[Note], places: Sequence[Fraction]) -> list[Note]:
    """The notes, cut where a sign stands inside one."""
    cut: list[Note] = []
    cuts = sorted(set(places))
    for note in notes:
        edges = [note.start, *(place for place in cuts if note.start < place < note.end), note.end]
        for start, end in pairwise(edges):
            tied = note.tied or (end < note.end and note.pitch is not None)
            cut.append(replace(note, start=start, duration=end - start, tied=tied))
    return cut


def _sung(tune: Tune, start: Fraction, end: Fraction) -> Iterator[str]:
    """The words of a bar, a line for each verse; a hyphen where the word goes on."""
    inside = [word for word in tune.words if start <= word.start < end]
    for verse in sorted({word.verse for word in inside}):
        syllables = [
            word.text + ("-" if word.syllabic in ("begin", "middle") else "")
            for word in inside
            if word.verse == verse
        ]
        yield f"{'':>7}{verse}. {' '.join(syllables)}"


class _Sign(NamedTuple):
    """A repeat sign, ending or jump. opens: it belongs to what follows it, else to what is before."""

    place: Fraction
    opens: bool
    text: str


def _signs(tune: Tune) -> list[_Sign]:
    """The repeat signs, endings and jumps of a tune, in order; those that end something come first."""
    found = [
        _Sign(mark.start, True, f"({mark.name})") for mark in reversed(tune.jumps) if mark.kind in TARGETS
    ]
    for again in tune.repeats:
        found.append(_Sign(again.start, True, "|:"))
        for ending in again.written():
            found.append(_Sign(ending.start, True, f"[{','.join(map(str, ending.passes))}."))
        times = f" ({again.times} times)" if again.times > 2 and again.ending is None else ""
        for place in {again.end, *(ending.start for ending in again.endings[1:])}:
            found.append(_Sign(place, False, f":|{times}"))
    found += [_Sign(mark.start, False, f"({mark.name})") for mark in tune.jumps if mark.kind not in TARGETS]
    return sorted(found, key=lambda sign: (sign.place, sign.opens))


def _note(note: Note, key: Key, *, tied: bool) -> str:
    if note.pitch is None:
        name = "rest"
    else:
        name = "~" * tied + (name_of(*note.spelled) if note.spelled else pitch_name(note.pitch, key))
    return name if note.duration == 1 else f"{name}:{note.duration}"
