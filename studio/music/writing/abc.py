"""Writes ABC 2.1 (abcnotation.com/wiki/abc:standard:v2.1): a melody or the voices of a score, with chord
symbols and words, as plain text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

from studio.music.scores.bars import Repeat
from studio.music.scores.clefs import USUAL_LINES, Clef, ClefAt
from studio.music.scores.jumps import CODA, DA_CAPO, DAL_SEGNO, FINE, SEGNO, TARGETS, TO_CODA, JumpMark
from studio.music.scores.keys import Key
from studio.music.scores.notes import Note
from studio.music.scores.scores import Part, Score
from studio.music.scores.tunes import Tune
from studio.music.writing.musicxml import Marks, number_text
from studio.music.writing.notation import clef_of, measures_of
from studio.music.writing.written import Measure, Written

UNIT = Fraction(1, 2)
"""The length of a note without a number behind it, in quarter notes (L:1/8)."""

FINEST = Fraction(1, 8)
"""Quarter notes: the places at which a tempo stands that is at none that a note value leads to. A remark (r:)
says how much later it holds, which other programs pass over.
"""

BARS_ON_LINE = 4

_SIGNS = {-2: "__", -1: "_", 0: "=", 1: "^", 2: "^^"}


CLEFS = {("G", 2): "treble", ("C", 3): "alto", ("C", 4): "tenor", ("F", 4): "bass"}
"""Sign and line of a clef -> its name (ABC 2.1, section 4.6)."""


def write_abc(
    music: Tune | Score,
    *,
    hyphens: bool = True,
    heard: bool = False,
    marks: Marks | None = None,
    tempi_by_bar: bool = False,
) -> bytes:
    """An ABC tune with chord symbols and words, four bars to a line; a score has a voice (V:) for each part.

    hyphens, heard, marks: as in `write_musicxml`; marks are the names of parts (P:). tempi_by_bar: of the
    changes of tempo in a bar the last holds from its beginning on, as in songs up to 0.19.0; otherwise each
    stands at its place, and a note that is held over it is cut in two that are tied.
    Raises `Refused` for lengths that no score can show.
    """
    score = music.score() if isinstance(music, Tune) else music
    if tempi_by_bar:
        score = _with_tempi_by_bar(score)
    lines = _header(score)
    for number, part in enumerate(score.parts, 1):
        if len(score.parts) > 1:
            lines.append(f"V:{number}")
        names = (score.names_over_bars if marks is None else marks) if number == 1 else {}
        lines += _part(part, score, number, hyphens=hyphens, heard=heard, marks=names)
    lines += [f"W:{_line(line)}" for line in score.text]
    return ("\n".join(lines) + "\n").encode()


def _part(part: Part, score: Score, number: int, *, hyphens: bool, heard: bool, marks: Marks) -> list[str]:
    """The lines of one part, each with the words below it. number: of the part; the first has the chords and
    the changes of tempo.
    """
    signs = _signs_over_notes(score) if number == 1 else []
    clefs = [] if part.percussion else list(part.clef_changes)
    measures = measures_of(_sung_first(part), score, heard=heard)
    text, bars_on_line = "", 0
    sung: list[list[Written]] = [[]]
    altered: set[str] = set()
    before, short = None, False
    pieces = Counter(measure.bar.start for measure in measures)
    for measure in measures:
        last = measure is measures[-1]
        # Only a full bar in two pieces, after a full one, is put together again where bar lines cut it.
        mends = measure.bar.full and not short and pieces[measure.bar.start] == 2
        within = before is not None and not mends and _within_bar(measure, before, score)
        if not within:
            altered = set()
        begun = text.rstrip().removesuffix("|") + " " if within else text
        begun = _with_left_barline(begun, measure, score, within=within)
        if text.endswith("\n") and begun != text:
            sung.pop()  # a repeat that begins here goes on in the line before
        named = marks.get(measure.bar.number, "") if measure.start == measure.bar.start else ""
        begun += f"[P:{_line(named).replace(']', '')}]" if named else ""
        while signs and signs[0].field and signs[0].start <= measure.start:
            begun += signs.pop(0).text
        while clefs and clefs[0].start <= measure.start:
            begun += _clef_sign(clefs.pop(0))
        inside = {each.start: _clef_sign(each) for each in clefs if each.start < measure.end}
        del clefs[: len(inside)]
        text = begun + _changes(measure, before) + _jumps(score, number, measure.start, ends=False)
        text += _measure(measure, signs, inside, sung[-1], altered) + _jumps(
            score, number, measure.end, ends=True
        )
        text += _right_barline(measure, score, last=last)
        bars_on_line += not measure.implicit
        if bars_on_line == BARS_ON_LINE and not last:
            text, bars_on_line = text + "\n", 0
            sung.append([])
        elif not last:
            text += " "
        if before is None or before.bar != measure.bar:
            short = before is not None and not before.bar.full
        before = measure
    words = _WordLines(part, hyphens=hyphens)
    lines = []
    for music, notes in zip(text.strip().split("\n"), sung, strict=True):
        lines += [music, *words.under(notes)]
    return lines


def _sung_first(part: Part) -> Part:
    """The part with every sung note of another voice in the first one, where that rests: ABC has no words
    under an overlay (&).
    """
    first = [note for note in part.notes if note.voice <= 0]
    sung = {word.start for word in part.words} - {note.start for note in first}
    if not first or not sung:
        return part
    notes = []
    for note in part.notes:
        if note.start in sung and not any(_in_the_way(each, note) for each in first):
            note = replace(note, voice=0)
            first.append(note)
        notes.append(note)
    return replace(part, notes=tuple(notes))


def _in_the_way(one: Note, other: Note) -> bool:
    """Whether two notes sound at a time and are no chord."""
    return (
        one.start < other.end and other.start < one.end and (one.start, one.end) != (other.start, other.end)
    )


class _WordLines:
    """Writes the words of a part, line after line (ABC 2.1, section 5.1)."""

    def __init__(self, part: Part, *, hyphens: bool) -> None:
        self.hyphens = hyphens
        self.words = {(word.start, word.verse): word for word in part.words}
        self.verses = range(1, max((word.verse for word in part.words), default=0) + 1)
        self.held: dict[int, str] = {}  # verse -> what holds its latest syllable

    def under(self, notes: Sequence[Written]) -> list[str]:
        """The w: lines below a line of music, without those at the end that say nothing."""
        lines = [self._verse(verse, notes) for verse in self.verses]
        while lines and not lines[-1]:
            lines.pop()
        return [f"w: {line or '*'}" for line in lines]

    def _verse(self, verse: int, notes: Sequence[Written]) -> str:
        signs = []
        for note in notes:
            word = None if note.tie_in else self.words.get((note.start, verse))
            if word is None:
                signs.append(self.held.get(verse, "*"))
                continue
            signs.append(_syllable(word.text) + "-" * word.goes_on)
            self.held[verse] = "-" if word.goes_on and self.hyphens else "_" if word.extends else "*"
        while signs and signs[-1] == "*":
            signs.pop()
        return " ".join(signs)


def _syllable(text: str) -> str:
    """A syllable, with what would mean something else marked by a backslash."""
    return re.sub(r"([-_*|~])", r"\\\1", _line(text)).replace(" ", "~")


def _header(score: Score) -> list[str]:
    lines = ["X:1", f"T:{_line(score.title) or 'Untitled'}"]
    if score.composer:
        lines.append(f"C:{_line(score.composer)}")
    meter, tempo = score.grid.meters[0].meter, number_text(score.tempo)
    lines += [f"M:{meter}", "L:1/8", f"Q:1/4={tempo}"]
    if len(score.parts) > 1 or any(part.percussion or part.clef or part.clef_changes for part in score.parts):
        lines += [_voice(part, number) for number, part in enumerate(score.parts, 1)]
        lines += [f"%%melody {number}" for number, part in enumerate(score.parts, 1) if part.lead]
    return [*lines, f"K:{_key(score.keys[0].key)}"]


def _voice(part: Part, number: int) -> str:
    name = _line(part.name).replace('"', "'")
    clef = "perc" if part.percussion else _clef(clef_of(part))
    return f"V:{number}" + (f' name="{name}"' if name else "") + (f" clef={clef}" if clef != "treble" else "")


def _clef(clef: Clef) -> str:
    """Its name. An 8 that is printed and does not move the notes, which are written as they sound, has ^ or
    _ before it.
    """
    line = (clef.sign, clef.line)
    name = CLEFS.get(line) or f"{CLEFS[clef.sign, USUAL_LINES[clef.sign]]}{clef.line}"
    far = {1: "8", 2: "15"}.get(abs(clef.octaves), "")
    return name + ("^" if clef.octaves > 0 else "_") * bool(far) + far


def _clef_sign(change: ClefAt) -> str:
    return f"[K:clef={_clef(change.clef)}]"


def _line(text: str) -> str:
    """Text on one line, where a bare % would begin a comment, and \\ or &eacute; would mean a letter."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    escaped = re.sub(r"&(?=#?\w+;)", r"\&", " ".join(printable.split()).replace("\\", r"\\"))
    return escaped.replace("%", r"\%")


def _key(key: Key) -> str:
    return key.tonic_name + {"major": "", "minor": "m"}.get(key.mode, key.mode[:3])


def _within_bar(measure: Measure, before: Measure, tune: Score) -> bool:
    """Whether a measure goes on with a bar and nothing asks for a bar line there: an ending, a jump or
    another key begins.
    """
    signs = {
        edge
        for again in tune.repeats
        for edge in (again.start, again.end, *(each.start for each in again.endings[1:]))
    }
    # A sign that ends a stretch inside a bar holds there only where the pick-up of what follows is left.
    line = min(edge for edge in (*signs, measure.bar.end) if edge > measure.start)
    upbeat = line - measure.start == tune.grid.pickup
    signs |= {mark.start for mark in tune.jumps if mark.kind not in TARGETS and not upbeat}
    return measure.bar == before.bar and measure.start not in signs


def _with_left_barline(text: str, measure: Measure, tune: Score, *, within: bool) -> str:
    """The text so far, with the signs of repeats and endings that begin at this measure (ABC 2.1, sections
    4.8 to 4.10). within: it is not the beginning of a bar.
    """
    begun = next((again for again in tune.repeats if again.start == measure.start), None)
    colons = "" if begun is None else ":" * (_times_by_colons(begun) - 1)
    if begun and (measure.start > 0 or len(colons) > 1):
        text = text.rstrip().removesuffix("|") + "|" + colons
    for again in tune.repeats:
        for ending in again.written():
            if ending.start == measure.start:
                text = text.rstrip()
                bar = "" if text.endswith(("|", ":")) else " [" if within else "|"
                text += f"{bar}{','.join(str(number) for number in ending.passes)} "
    return text


def _times_by_colons(again: Repeat) -> int:
    """How often the signs say that a section is played; where it has endings, their numbers say it."""
    return again.times if again.ending is None else 2


def _right_barline(measure: Measure, tune: Score, *, last: bool) -> str:
    for again in tune.repeats:
        if measure.end == again.end or measure.end in {ending.start for ending in again.endings[1:]}:
            return ":" * (_times_by_colons(again) - 1) + "|"
    return "|]" if last else "|"


_JUMPS = {
    SEGNO: "!segno!",
    CODA: "!coda!",
    FINE: "!fine!",
    TO_CODA: '"^To Coda"',
    DA_CAPO: "!D.C.!",
    DAL_SEGNO: "!D.S.!",
}


def _jumps(tune: Score, number: int, place: Fraction, *, ends: bool) -> str:
    """The jumps at the beginning or the end of a measure, in the first part."""
    found = [mark for mark in tune.jumps if mark.start == place and (mark.kind not in TARGETS) == ends]
    return "".join(_jump(mark) for mark in found) if number == 1 else ""


def _jump(mark: JumpMark) -> str:
    """The decoration (ABC 2.1, section 4.14) where there is one, else an annotation."""
    return f'"^{mark.name}"' if mark.until or mark.again else _JUMPS[mark.kind]


def _changes(measure: Measure, before: Measure | None) -> str:
    if before is None:
        return ""
    text = f"[M:{measure.bar.meter}]" if before.bar.meter != measure.bar.meter else ""
    return text + (f"[K:{_key(measure.key)}]" if before.key != measure.key else "")


def _with_tempi_by_bar(score: Score) -> Score:
    found = []
    for measure in measures_of(score.parts[0], score) if score.parts else ():
        inside = [each for each in score.tempo_changes if measure.start <= each.start < measure.end]
        found += [replace(each, start=measure.start) for each in inside[-1:]]
    return replace(score, tempo_changes=tuple(found))


@dataclass(frozen=True, slots=True)
class _Sign:
    """What stands before the note that begins at a place: a chord symbol, or a tempo or clef (field)."""

    start: Fraction
    text: str
    field: bool = False

    def place_in(self, note: Written) -> Fraction:
        """Where a note is cut for it. Other programs know no pieces but halves, quarters, eighths … of a note
        value, so a tempo or clef between these stands before its place.
        """
        stretch = Fraction(*note.tuplet) if note.tuplet else Fraction(1)
        into = (self.start - note.start) * stretch
        if not self.field or into <= 0 or 16 % into.denominator == 0:
            return self.start
        return note.start + (into // FINEST) * FINEST / stretch

    def text_at(self, place: Fraction) -> str:
        """Its text; of a tempo that stands before its place, how much later it holds, too."""
        later = self.start - place
        told = later > 0 and self.text.startswith("[Q:")
        return self.text + (f"[r:tempo {later} of a quarter note later]" if told else "")


def _signs_over_notes(score: Score) -> list[_Sign]:
    """The chord symbols and the changes of tempo, in order; a tempo stands before a chord."""
    tempi = [
        _Sign(each.start, f"[Q:1/4={number_text(each.tempo)}]", field=True) for each in score.tempo_changes
    ]
    chords = [_Sign(each.start, f'"{each.symbol}"') for each in score.chords]
    return sorted([*tempi, *chords], key=lambda sign: sign.start)


def _measure(
    measure: Measure,
    signs: list[_Sign],
    clefs: dict[Fraction, str],
    sung: list[Written],
    altered: set[str],
) -> str:
    """The notes of a measure. Takes the signs that stand in it from the front of `signs`, and adds to
    `sung` the notes of the first voice, and to `altered` the letters with an accidental of their own. clefs:
    their signs, by their places; each stands in the first voice in which a note begins there, else in the
    first one, which is cut.
    """
    text = ""
    starts = [{note.start for note in voice} for voice in measure.voices]
    own: list[list[_Sign]] = [[] for _ in measure.voices]
    for place, sign in clefs.items():
        number = next((number for number, each in enumerate(starts) if place in each), 0)
        own[number].append(_Sign(place, sign, field=True))
    while signs and signs[0].start < measure.end:
        own[0].append(signs.pop(0))
    for number, voice in enumerate(measure.voices):
        here = sorted(own[number], key=lambda sign: sign.start)
        written = [_cut_at_signs(note, here) for note in voice]
        if not number:
            sung += [piece.note for pieces in written for piece in pieces if piece.note.pitches]
        text += "& " * (number > 0) + _voice_notes(written, measure.key.signature, altered)
    return text


def _voice_notes(written: Sequence[list[_Piece]], signs: Mapping[str, int], altered: set[str]) -> str:
    text = ""
    for place, pieces in enumerate(written):
        note = pieces[0].note
        if note.opens and note.tuplet:
            group = written[place:]
            size = next(count for count, each in enumerate(group, 1) if each[-1].note.closes)
            text += pieces[0].fields  # before the sign of the tuplet, which some programs want before a note
            pieces = [pieces[0]._replace(fields=""), *pieces[1:]]
            text += f"({note.tuplet[0]}:{note.tuplet[1]}:{sum(len(each) for each in group[:size])}"
        for piece in pieces:
            text += piece.fields + piece.symbols + _note(piece.note, signs, altered)
        # A space ends a beam.
        beamed_on = note.beams and note.beams[0] in ("begin", "continue")
        if not beamed_on and not (note.tuplet and not note.closes):
            text += " "
    return text


class _Piece(NamedTuple):
    """A piece of a note, and what stands before it. fields: tempi and clefs."""

    fields: str
    symbols: str
    note: Written


def _cut_at_signs(note: Written, signs: list[_Sign]) -> list[_Piece]:
    """A note in tied pieces, so that each chord symbol and field stands where it begins: ABC has no other
    place for one that begins while a note is held.
    """
    pieces: list[_Piece] = []
    here, fields, symbols = note.start, "", ""
    while signs and signs[0].start < note.end:
        sign = signs.pop(0)
        place = max(here, sign.place_in(note))
        if place > here:
            pieces.append(_Piece(fields, symbols, _between(note, here, place)))
            here, fields, symbols = place, "", ""
        if sign.field:
            fields += sign.text_at(place)
        else:
            symbols += sign.text
    return [*pieces, _Piece(fields, symbols, _between(note, here, note.end))]


def _between(note: Written, start: Fraction, end: Fraction) -> Written:
    tied = bool(note.pitches) and end < note.end
    tie_in = note.tie_in or (bool(note.pitches) and start > note.start)
    return replace(note, start=start, duration=end - start, tie_in=tie_in, tie_out=note.tie_out or tied)


def _note(note: Written, signs: Mapping[str, int], altered: set[str]) -> str:
    """One note or rest. altered: letters that had a sign of their own in this measure; it is added to."""
    length = note.duration / UNIT
    if note.tuplet:
        length = length * note.tuplet[0] / note.tuplet[1]
    if not note.pitches:
        return "z" + _length(length)
    names = "".join(_pitch(spelled, signs, altered) for spelled in note.spelled)
    if len(note.spelled) > 1:
        names = f"[{names}]"
    return names + _length(length) + ("-" if note.tie_out else "")


def _pitch(spelled: tuple[str, int, int], signs: Mapping[str, int], altered: set[str]) -> str:
    letter, alter, octave = spelled
    sign = _SIGNS[alter] if alter != signs[letter] or letter in altered else ""
    if alter != signs[letter]:
        altered.add(letter)
    return sign + (letter + "," * (4 - octave) if octave <= 4 else letter.lower() + "'" * (octave - 5))


def _length(length: Fraction) -> str:
    if length == 1:
        return ""
    if length.denominator == 1:
        return str(length.numerator)
    return f"{'' if length.numerator == 1 else length.numerator}/{length.denominator}"
