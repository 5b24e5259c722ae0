"""The parts of a MusicXML score: each staff as a line of notes, with everything that stands in its measures.

By the MusicXML 4.0 specification (W3C, 2021). A measure lasts as long as its longest voice, a `<forward>` at
its end included, and begins at the same moment in every part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import NamedTuple
from xml.etree.ElementTree import Element

from studio.errors import Refused
from studio.music.reading.found_words import FoundLyric
from studio.music.reading.jumps import jump_in
from studio.music.reading.musicxml_harmony import FoundHarmony, harmony_of
from studio.music.reading.musicxml_words import lyric_of
from studio.music.scores.clefs import Clef
from studio.music.scores.jumps import BACK, CODA, DA_CAPO, DAL_SEGNO, FINE, SEGNO, TARGETS, TO_CODA, JumpMark
from studio.music.scores.keys import MODES
from studio.music.scores.meters import Meter
from studio.music.scores.scores import LEVEL, PAN, USUAL_MIXER, ControlAt

ZERO = Fraction(0)


class Sounding(NamedTuple):
    """A note, the top of a chord, or a rest, in its measure. start, length: in quarter notes, the start from
    the beginning of the measure. pitch: sounding, None for a rest. tied: to the note before it.
    stacked: it is the top of a chord. alter: see `Note`.
    """

    start: Fraction
    length: Fraction
    pitch: int | None
    tied: bool
    fermata: bool
    voice: str
    stacked: bool = False
    alter: int | None = None


@dataclass
class StaffMeasure:
    """What one staff has in one measure. below: the notes of chords below the top. cues, graces: how many of
    each. empty: how many notes have no length.
    """

    notes: list[Sounding] = field(default_factory=list)
    below: list[Sounding] = field(default_factory=list)
    lyrics: list[FoundLyric] = field(default_factory=list)
    cues: int = 0
    graces: int = 0
    empty: int = 0
    percussion: bool = False


@dataclass
class PartMeasure:
    """One measure of a part. Times are in quarter notes from its beginning.

    length: 0 where it holds neither notes nor rests. filled: without a `<forward>` at its end. keys: (place,
    fifths, mode or ""), as they sound; fifths is None for a signature that is on no circle of fifths. tempi:
    the same tempos where they hold from, by their <offset> too. sections: the rehearsal marks. jumps:
    D.C. and the like, at their places in it. jumps_told: how many D.C. and D.S. are marked to sound. clefs:
    (place, staff, clef) of those that do not begin the part.
    """

    element: Element
    length: Fraction = ZERO
    filled: Fraction = ZERO
    meter: Meter | None = None
    staves: dict[int, StaffMeasure] = field(default_factory=dict)
    harmonies: list[FoundHarmony] = field(default_factory=list)
    keys: list[tuple[Fraction, int | None, str]] = field(default_factory=list)
    tempos: list[tuple[Fraction, float]] = field(default_factory=list)
    tempi: list[tuple[Fraction, float]] = field(default_factory=list)
    sections: list[str] = field(default_factory=list)
    jumps: list[JumpMark] = field(default_factory=list)
    jumps_told: int = 0
    clefs: list[tuple[Fraction, int, Clef]] = field(default_factory=list)


@dataclass
class XmlPart:
    """A part. transposed: the semitones by which it sounds above (or below) what is written. repeated: how
    many of its measures only say that those before are played again (<measure-repeat>). unsung: how many
    syllables stand under what these repeat. lead: the file says that it is the melody, as the studio does
    where the parts do not show it. program: General MIDI instrument 0..127. controls: its level and pan,
    where they are not the usual ones. clefs: staff -> the clef with which it begins.
    """

    name: str
    measures: list[PartMeasure]
    transposed: tuple[int, ...] = ()
    repeated: int = 0
    unsung: int = 0
    lead: bool = False
    program: int = 0
    controls: tuple[ControlAt, ...] = ()
    clefs: dict[int, Clef] = field(default_factory=dict)

    @property
    def staves(self) -> list[int]:
        return sorted({number for measure in self.measures for number in measure.staves}) or [1]


def parts_of(root: Element, *, written_out: bool = True, chords: bool = True) -> list[XmlPart]:
    """The parts of a score, partwise or timewise, in the order in which they stand. written_out: measures
    that say that others are played again hold the notes of these. chords: and their chord symbols.
    """
    names = {each.get("id", ""): _name_of(each) for each in root.iterfind("part-list/score-part")}
    measures: dict[str, list[Element]] = {}
    if root.tag == "score-timewise":
        for measure in root.iterfind("measure"):
            for part in measure.iterfind("part"):
                measures.setdefault(part.get("id", ""), []).append(part)
    else:
        for part in root.iterfind("part"):
            measures.setdefault(part.get("id", ""), []).extend(part.iterfind("measure"))
    drums = _drums_of(root)
    parts = [_PartReader(names.get(id, ""), drums).read(found) for id, found in measures.items()]
    told = own_field(root, "melody")
    for id, read in zip(measures, parts, strict=True):
        read.lead = id == told
    listed = {each.get("id", ""): each for each in root.iterfind("part-list/score-part")}
    for id, read in zip(measures, parts, strict=True):
        played = listed[id].find("midi-instrument") if id in listed else None
        if played is not None:
            read.program, read.controls = _program_of(played), _mixer_of(played)
    for read in parts if written_out else ():
        _write_out(read, chords=chords)
    return parts


def own_field(root: Element, name: str) -> str:
    """What the studio says of a score in a field of its own, or ""."""
    for each in root.iterfind("identification/miscellaneous/miscellaneous-field"):
        if each.get("name") == name and each.text:
            return each.text
    return ""


def _write_out(part: XmlPart, *, chords: bool) -> None:
    """Fills the measures that say that one or more before them are played again. One that has notes, chord
    symbols or words of its own keeps them. The words of those before are not sung again.
    """
    running: dict[int, tuple[int, int]] = {}  # staff, 0 for all -> (first measure, how many are repeated)
    for number, measure in enumerate(part.measures):
        for style in measure.element.iterfind("attributes/measure-style"):
            sign = style.find("measure-repeat")
            if sign is None:
                continue
            staff = int(min(max(number_of(style.get("number")) or 0, 0), 99))
            running.pop(staff, None)
            if sign.get("type") == "start":
                running[staff] = number, int(min(max(number_of(sign.text) or 1, 1), 16))
        filled = [_play_again(part.measures, number, staff, *each) for staff, each in running.items()]
        part.repeated += any(filled)
        for staff, (_, count) in running.items() if chords and any(filled) else ():
            model = part.measures[number - count]
            measure.harmonies = measure.harmonies or [replace(each) for each in model.harmonies]
            part.unsung += sum(
                len(held.lyrics) for each, held in model.staves.items() if not staff or each == staff
            )


def _play_again(measures: Sequence[PartMeasure], number: int, staff: int, first: int, count: int) -> bool:
    """Fills one measure with the notes of the one `count` before; whether there was something to fill in."""
    if number < count:
        return False
    measure, model = measures[number], measures[number - count]
    filled = False
    for each, held in model.staves.items():
        own = measure.staves.get(each)
        if (staff and each != staff) or (own and any(note.pitch is not None for note in own.notes)):
            continue
        opens = (number - first) % count == 0
        measure.staves[each] = replace(
            held,
            notes=_untied(held.notes, opens),
            below=_untied(held.below, opens),
            lyrics=own.lyrics if own else [],
        )
        filled = True
    if filled:
        measure.length = max(measure.length, model.length)
        measure.filled = max(measure.filled, model.filled)
    return filled


def _untied(notes: Sequence[Sounding], opens: bool) -> list[Sounding]:
    """Notes that are played again: the first are not tied to what comes before where a repeat opens."""
    return [note._replace(tied=note.tied and not (opens and not note.start)) for note in notes]


def _drums_of(root: Element) -> dict[str, int]:
    """Id of an instrument -> the General MIDI drum that it is."""
    found = {}
    for instrument in root.iterfind("part-list/score-part/midi-instrument"):
        number = number_of(instrument.findtext("midi-unpitched"))
        if number is not None and 1 <= number <= 128:
            found[instrument.get("id", "")] = int(number) - 1
    return found


def _program_of(instrument: Element) -> int:
    """The General MIDI instrument 0..127 of a <midi-instrument>; 0 where it names none, or is of drums."""
    number = number_of(instrument.findtext("midi-program"))
    drums = instrument.find("midi-unpitched") is not None
    return int(number) - 1 if number is not None and 1 <= number <= 128 and not drums else 0


def _mixer_of(instrument: Element) -> tuple[ControlAt, ...]:
    """Level and pan of a <midi-instrument>, as control changes at the beginning. What General MIDI takes
    anyhow (100 and 64) is not among them: many programs write that for every part.
    """
    volume, pan = (number_of(instrument.findtext(name)) for name in ("volume", "pan"))
    found = []
    if volume is not None and 0 <= volume <= 100:
        found.append(ControlAt(ZERO, LEVEL, round(volume * 127 / 100)))
    if pan is not None and -90 <= pan <= 90:
        found.append(ControlAt(ZERO, PAN, min(127, round(64 + pan * 64 / 90))))
    return tuple(each for each in found if (each.number, each.value) not in USUAL_MIXER)


def _name_of(listed: Element) -> str:
    """The name of a part, else its id, unless that is only a number."""
    name = " ".join((listed.findtext("part-name") or "").split())
    id = listed.get("id", "")
    return name or ("" if re.fullmatch(r"P?\d+", id) else id)


def number_of(text: str | None) -> Fraction | None:
    """A number as MusicXML writes it, or None for anything else."""
    text = (text or "").strip()
    return Fraction(text) if re.fullmatch(r"[+-]?\d{1,9}(\.\d{0,9})?", text) else None


@dataclass
class _Transposition:
    """fifths: the same step on the circle of fifths, for the names of keys and chords."""

    semitones: int = 0
    fifths: int = 0


@dataclass
class _Parsed:
    """A `<note>`, taken apart."""

    duration: Fraction | None = None
    pitch: int | None = None
    alter: int | None = None
    voice: str = "1"
    staff: int = 1
    chord: bool = False
    grace: bool = False
    cue: bool = False
    unpitched: bool = False
    rest: bool = False
    tied: bool = False
    fermata: bool = False
    lyrics: list[Element] = field(default_factory=list)


@dataclass
class _Cursor:
    """Where the reader is in a measure.

    last: the staff whose last note a `<chord/>` joins. homes: the staff in which each voice began since the
    last `<backup>`: a voice that crosses to another staff stays one voice.
    """

    here: Fraction = ZERO
    furthest: Fraction = ZERO
    filled: Fraction = ZERO
    last: StaffMeasure | None = None
    waiting: list[FoundHarmony] = field(default_factory=list)
    homes: dict[str, int] = field(default_factory=dict)

    def advance(self, by: Fraction) -> None:
        self.here = max(self.here + by, ZERO)
        self.furthest = max(self.furthest, self.here)


class _PartReader:
    """Reads the measures of one part, with what holds from one measure to the next."""

    def __init__(self, name: str, drums: Mapping[str, int]) -> None:
        self.part = XmlPart(name, [])
        self.drums = drums
        self.divisions = Fraction(1)
        self.meter: Meter | None = None
        self.transposition = _Transposition()
        self.verses: dict[str, int] = {}
        self.shifts: set[int] = set()

    def read(self, measures: Sequence[Element]) -> XmlPart:
        for element in measures:
            self.part.measures.append(self._measure(element))
        self.part.transposed = tuple(sorted(self.shifts))
        return self.part

    def _measure(self, element: Element) -> PartMeasure:
        measure, cursor = PartMeasure(element), _Cursor()
        for child in element:
            kind = child.tag
            if kind == "note":
                self._note(child, measure, cursor)
            elif kind == "backup":
                cursor.advance(-(self._length(child.findtext("duration")) or ZERO))
                cursor.homes.clear()
                cursor.last = None
            elif kind == "forward":
                cursor.advance(self._length(child.findtext("duration")) or ZERO)
            elif kind == "attributes":
                self._attributes(child, measure, cursor.here)
            elif kind == "harmony":
                self._harmony(child, measure, cursor)
            elif kind in ("direction", "sound"):
                self._direction(child, measure, cursor.here)
        measure.filled = cursor.filled
        # A bar that is not counted (a pick-up) is not filled up.
        implicit = element.get("implicit") == "yes"
        measure.length = measure.filled if implicit and measure.filled else cursor.furthest
        measure.meter = self.meter
        return measure

    def _length(self, text: str | None) -> Fraction | None:
        """A duration in quarter notes."""
        found = number_of(text)
        return found / self.divisions if found is not None and found >= 0 else None

    def _attributes(self, element: Element, measure: PartMeasure, here: Fraction) -> None:
        divisions = number_of(element.findtext("divisions"))
        if divisions and divisions > 0:
            self.divisions = divisions
        transpose = element.find("transpose")
        if transpose is not None:
            self.transposition = _transposition_of(transpose)
        time = element.find("time")
        if time is not None:
            self.meter = _meter_of(time) or self.meter
        key = element.find("key")
        if key is not None:
            measure.keys.append((here, *_key_of(key, self.transposition.fifths)))
        for sign in element.findall("clef"):
            if clef := _clef_of(sign):
                staff = int(min(max(number_of(sign.get("number")) or 1, 1), 99))
                if not self.part.measures and not here:
                    self.part.clefs.setdefault(staff, clef)
                else:
                    measure.clefs.append((here, staff, clef))

    def _note(self, element: Element, measure: PartMeasure, cursor: _Cursor) -> None:
        parsed = self._parsed(element)
        home = cursor.homes.setdefault(parsed.voice, parsed.staff)
        staff = measure.staves.setdefault(home, StaffMeasure())
        in_chord = parsed.chord and cursor.last is not None and cursor.last.notes
        place = cursor.last.notes[-1].start if in_chord and cursor.last else cursor.here
        for each in parsed.lyrics:
            lyric = lyric_of(each, place, parsed.voice, self.verses)
            if lyric:
                staff.lyrics.append(lyric)
        if parsed.grace:
            staff.graces += 1
            return
        length = self._sounding_length(parsed, element)
        if parsed.chord:
            self._into_chord(parsed, cursor)
            return
        start = cursor.here
        cursor.last = None
        cursor.advance(length)
        cursor.filled = max(cursor.filled, cursor.here)
        for harmony in cursor.waiting:
            harmony.above = length
        cursor.waiting.clear()
        if parsed.cue:
            staff.cues += not parsed.rest
            return
        staff.empty += length <= 0 and not parsed.rest
        if length <= 0 or not (parsed.rest or parsed.unpitched or parsed.pitch is not None):
            return
        if parsed.unpitched:
            staff.percussion = True
        elif not parsed.rest:
            self._sounds_transposed()
        sounding = Sounding(start, length, parsed.pitch, parsed.tied, parsed.fermata, parsed.voice)
        staff.notes.append(sounding._replace(alter=parsed.alter))
        if not parsed.rest:
            cursor.last = staff

    def _sounds_transposed(self) -> None:
        if self.transposition.semitones:
            self.shifts.add(self.transposition.semitones)

    def _into_chord(self, parsed: _Parsed, cursor: _Cursor) -> None:
        """Joins a note to the chord before it, which keeps its top note."""
        if cursor.last is None or parsed.pitch is None or parsed.cue:
            return
        top = cursor.last.notes[-1]
        fermata = top.fermata or parsed.fermata
        lower = top._replace(pitch=parsed.pitch, tied=parsed.tied, alter=parsed.alter)
        if top.pitch is not None and parsed.pitch > top.pitch:
            top, lower = lower, top
        cursor.last.below.append(lower)
        cursor.last.notes[-1] = top._replace(fermata=fermata, stacked=True)

    def _parsed(self, element: Element) -> _Parsed:
        parsed = _Parsed()
        for child in element:
            kind = child.tag
            if kind == "pitch":
                parsed.pitch, parsed.alter = self._pitch(child)
            elif kind == "duration":
                parsed.duration = self._length(child.text)
            elif kind == "voice":
                parsed.voice = (child.text or "1").strip()
            elif kind == "staff":
                parsed.staff = int(min(max(number_of(child.text) or 1, 1), 99))
            elif kind == "lyric":
                parsed.lyrics.append(child)
            elif kind == "tie":
                parsed.tied |= child.get("type") == "stop"
            elif kind == "notations":
                parsed.fermata |= child.find("fermata") is not None
                parsed.tied |= any(each.get("type") == "stop" for each in child.iterfind("tied"))
            elif kind == "unpitched":
                parsed.unpitched, parsed.pitch = True, 60
            elif kind == "instrument" and parsed.unpitched:
                parsed.pitch = self.drums.get(child.get("id", ""), parsed.pitch)
            elif kind in ("chord", "grace", "cue", "rest"):
                setattr(parsed, kind, True)
        return parsed

    def _pitch(self, element: Element) -> tuple[int | None, int | None]:
        """The sounding MIDI pitch, or None where it is no pitch or out of the range of MIDI; and how its
        letter is altered, or None where another one sounds than is written.
        """
        step = _STEPS.get((element.findtext("step") or "").strip())
        octave, alter = number_of(element.findtext("octave")), number_of(element.findtext("alter"))
        if step is None or octave is None:
            return None, None
        pitch = 12 * (int(octave) + 1) + step + round(alter or 0) + self.transposition.semitones
        semitones: int = round(alter or 0)
        written = self.transposition.semitones % 12 == 0 and abs(semitones) <= 2
        return pitch if 0 <= pitch <= 127 else None, semitones if written else None

    def _sounding_length(self, parsed: _Parsed, element: Element) -> Fraction:
        """How long a note lasts: as it says, unless that was rounded to whole divisions (85/256 for 1/3)."""
        stated = parsed.duration
        if stated is not None and 48 % stated.denominator == 0:
            return stated
        drawn = self._drawn_length(element)
        if stated is None or (drawn and abs(drawn - stated) < 1 / self.divisions):
            return drawn
        return stated

    def _drawn_length(self, element: Element) -> Fraction:
        """The length of a note without a `<duration>`, by how it is drawn."""
        value = _VALUES.get((element.findtext("type") or "").strip(), ZERO)
        dots = min(len(element.findall("dot")), 4)
        length: Fraction = value * (2 - Fraction(1, 2**dots))
        actual = number_of(element.findtext("time-modification/actual-notes"))
        normal = number_of(element.findtext("time-modification/normal-notes"))
        return length * normal / actual if actual and normal and actual > 0 and normal > 0 else length

    def _harmony(self, element: Element, measure: PartMeasure, cursor: _Cursor) -> None:
        offset = number_of(element.findtext("offset"))
        for harmony in harmony_of(element, self.transposition.fifths):
            harmony.place = max(cursor.here + (offset / self.divisions if offset else ZERO), ZERO)
            measure.harmonies.append(harmony)
            cursor.waiting.append(harmony)

    def _direction(self, element: Element, measure: PartMeasure, here: Fraction) -> None:
        sounds = [element] if element.tag == "sound" else element.findall("sound")
        tempo = next((found for each in sounds if (found := number_of(each.get("tempo")))), None)
        measure.jumps_told += any(each.get("dacapo") or each.get("dalsegno") for each in sounds)
        offset = number_of(element.findtext("offset"))
        place = max(here + (offset / self.divisions if offset else ZERO), ZERO)
        measure.jumps += [replace(mark, start=place) for mark in jumps_of(element)]
        if tempo is None:
            marks = (_metronome(each) for each in element.iterfind("direction-type/metronome"))
            tempo = next((each for each in marks if each), None)
        if tempo and 10 <= tempo <= 1000:
            measure.tempos.append((here, float(tempo)))
            measure.tempi.append((place, float(tempo)))
        measure.sections += [
            each.text or ""
            for each in element.iterfind("direction-type/rehearsal")
            if (each.text or "").strip()
        ]


_SOUNDS = {
    "segno": SEGNO, "coda": CODA, "fine": FINE, "tocoda": TO_CODA, "dacapo": DA_CAPO, "dalsegno": DAL_SEGNO,
}  # fmt: skip
"""Attribute of `<sound>` -> what it says (MusicXML 4.0)."""


def jumps_of(element: Element) -> list[JumpMark]:
    """The jumps of a direction, at 0: as it is marked to sound, else as its words and signs say."""
    sounds = [element] if element.tag == "sound" else element.findall("sound")
    words = " ".join(each.text or "" for each in element.iterfind("direction-type/words"))
    said = jump_in(words)
    found = []
    for sound in sounds:
        for name, kind in _SOUNDS.items():
            value = (sound.get(name) or "").strip()
            if not value or value == "no":
                continue
            label = "" if kind in (FINE, DA_CAPO) or value in ("yes", "segno", "coda", "1") else value[:40]
            mark = JumpMark(ZERO, kind, label=label)
            if said and kind in BACK:
                mark = replace(mark, until=said.until, again=said.again)
            found.append(mark)
    if found:
        return found
    if said is None or said.kind in TARGETS:
        drawn = {each.tag for type in element.iterfind("direction-type") for each in type}
        to = re.fullmatch(r"\W*(to|al|da)\W*", words.strip(), re.I) is not None
        found = [JumpMark(ZERO, SEGNO)] * ("segno" in drawn)
        found += [JumpMark(ZERO, TO_CODA if to else CODA)] * ("coda" in drawn)
    return found or ([said] if said else [])


_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_VALUES = {
    name: Fraction(4) / 2**place
    for place, name in enumerate(
        ("whole", "half", "quarter", "eighth", "16th", "32nd", "64th", "128th", "256th", "512th", "1024th")
    )
} | {"breve": Fraction(8), "long": Fraction(16)}


def _metronome(element: Element) -> Fraction | None:
    """Quarter notes a minute, of a mark like "dotted quarter = 60"; None for another kind of mark."""
    units = [child for child in element if child.tag == "beat-unit"]
    stated = re.search(r"\d+(\.\d+)?", (element.findtext("per-minute") or "")[:40])
    value = _VALUES.get((units[0].text or "").strip()) if len(units) == 1 else None
    number = number_of(stated[0]) if stated else None
    if value is None or number is None:
        return None
    dots = min(len(element.findall("beat-unit-dot")), 4)
    tempo: Fraction = number * value * (2 - Fraction(1, 2**dots))
    return tempo


def _transposition_of(element: Element) -> _Transposition:
    semitones = round(number_of(element.findtext("chromatic")) or 0)
    diatonic = number_of(element.findtext("diatonic"))
    octaves = round(number_of(element.findtext("octave-change")) or 0)
    if abs(semitones) > 48 or abs(octaves) > 4:
        return _Transposition()
    fifths = 7 * semitones - 12 * round(diatonic) if diatonic is not None else 99
    if abs(fifths) > 7:  # no diatonic step is given, or one that does not fit
        fifths = (7 * semitones + 5) % 12 - 5
    return _Transposition(semitones + 12 * octaves, fifths)


def _clef_of(element: Element) -> Clef | None:
    line, octaves = number_of(element.findtext("line")), number_of(element.findtext("clef-octave-change"))
    return Clef.found(element.findtext("sign") or "", None if line is None else int(line), int(octaves or 0))


def _key_of(element: Element, shift: int) -> tuple[int | None, str]:
    """(fifths, mode) of a `<key>`, as it sounds. Unknown modes are empty."""
    fifths = number_of(element.findtext("fifths"))
    if fifths is None or fifths.denominator != 1 or abs(fifths) > 7:
        return None, ""
    sounding = int(fifths) + shift
    if abs(sounding) > 7:
        sounding -= 12 if sounding > 0 else -12
    mode = (element.findtext("mode") or "").strip().lower()
    return sounding, mode if mode in MODES else ""


def _meter_of(element: Element) -> Meter | None:
    """A time signature; what is added up ("3+2", or several fractions) becomes one meter."""
    total, unit = ZERO, 1
    for beats, kind in zip(element.findall("beats"), element.findall("beat-type"), strict=False):
        counts = [number_of(each) for each in (beats.text or "").split("+")]
        below = number_of(kind.text)
        if not below or below <= 0 or below.denominator != 1 or any(not each for each in counts):
            return None
        total += sum((each for each in counts if each), ZERO) / below
        unit = max(unit, int(below))
    try:
        return Meter(int(total * unit), unit) if total else None
    except Refused:
        return None
