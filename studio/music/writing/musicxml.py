"""Writes MusicXML 4.0 (W3C, 2021; score-partwise), plain or compressed (.mxl)."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import lcm
from xml.sax.saxutils import escape, quoteattr

from studio.errors import Unreadable
from studio.music.scores.bars import Repeat, Volta
from studio.music.scores.chords import Chord, parse_chord
from studio.music.scores.clefs import Clef, ClefAt
from studio.music.scores.drums import drum_of
from studio.music.scores.jumps import CODA, DA_CAPO, DAL_SEGNO, FINE, SEGNO, TARGETS, TO_CODA, JumpMark
from studio.music.scores.pitches import MAJOR_SCALE, name_on_fifths, pitch_class_of, place_on_fifths
from studio.music.scores.scores import LEVEL, PAN, Part, Score
from studio.music.scores.tunes import Tune
from studio.music.scores.words import Syllable
from studio.music.writing.notation import clef_of, measures_of
from studio.music.writing.written import MOST_TICKS, VALUES, Measure, Written

Colours = Mapping[int, str]
"""Number of a note among the sounding ones of its part (0 is the first) -> "#rrggbb"."""


Marks = Mapping[int, str]
"""Number of a bar -> what stands over it: the name of the section that begins there."""


def write_musicxml(
    music: Tune | Score,
    colours: Colours | Sequence[Colours] | None = None,
    *,
    engraved: bool = False,
    slurs: bool = False,
    hyphens: bool = True,
    heard: bool = False,
    marks: Marks | None = None,
) -> bytes:
    """A MusicXML document in UTF-8.

    colours: of the first part's notes, or one table for each part. engraved: chord names are spelled so that
    verovio prints them as musicians write them (D7sus4, where it makes D7(4) of the exact degrees). slurs:
    notes that are sung on one syllable are under a slur. hyphens: a syllable that is held inside its word has
    hyphens after it, and only the last of a word has the line of an extender, as printed music has it (Gould,
    "Behind Bars", 2011); songs were engraved without them up to 0.14.0. heard: notes outside the scale are
    named as composers do (`spelling.spell_line`), as in songs since 0.17.0. marks: what
    stands over the bars with which sections begin; None for the names of the score's own.
    """
    score = music.score() if isinstance(music, Tune) else music
    tables = [colours] if isinstance(colours, Mapping) else list(colours or [])
    divisions = _divisions(score)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<score-partwise version="4.0">']
    lines += [*_heading(score), *_part_list(score)]
    names = score.names_over_bars if marks is None else marks
    for number, part in enumerate(score.parts, 1):
        table = tables[number - 1] if number <= len(tables) else {}
        writer = _PartWriter(
            score, part, divisions, table, number == 1, number, engraved, slurs, hyphens, heard, names
        )
        lines += [f'<part id="P{number}">', *writer.lines(), "</part>"]
    lines.append("</score-partwise>")
    return ("\n".join(lines) + "\n").encode()


def write_mxl(
    music: Tune | Score,
    colours: Colours | Sequence[Colours] | None = None,
    *,
    slurs: bool = False,
    hyphens: bool = True,
    heard: bool = False,
    marks: Marks | None = None,
) -> bytes:
    """The same document compressed, by "Compressed .mxl Files" in the MusicXML 4.0 documentation: a zip that
    begins with its media type, not compressed, and names the score in META-INF/container.xml.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content, method in (
            ("mimetype", b"application/vnd.recordare.musicxml", zipfile.ZIP_STORED),
            ("META-INF/container.xml", _CONTAINER, zipfile.ZIP_DEFLATED),
            (
                "score.musicxml",
                write_musicxml(music, colours, slurs=slurs, hyphens=hyphens, heard=heard, marks=marks),
                zipfile.ZIP_DEFLATED,
            ),
        ):
            # One date and one system for all, so that the same tune gives the same bytes anywhere.
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.create_system, entry.external_attr = method, 3, 0o644 << 16
            archive.writestr(entry, content)
    return packed.getvalue()


_CONTAINER = b"""<?xml version="1.0" encoding="UTF-8"?>
<container><rootfiles>
<rootfile full-path="score.musicxml" media-type="application/vnd.recordare.musicxml+xml"/>
</rootfiles></container>
"""


def part_name(part: Part, number: int, parts: int) -> str:
    """A part's name as it is printed: without control characters, at most 40 characters, and empty for a
    single part without a name.
    """
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in part.name).split())[:40]
    return name or ("" if parts == 1 else f"Part {number}")


def _divisions(score: Score) -> int:
    """How many units of time a quarter note has, so that every length is a whole number of them."""
    moments = [edge for part in score.parts for note in part.notes for edge in (note.start, note.end)]
    moments += [chord.start for chord in score.chords]
    moments += [edge for bar in score.bars() for edge in (bar.start, bar.end)]
    # Notes that are tied inside a tuplet or bar may be written in pieces half or a quarter as long.
    divisions = 4 * lcm(4, *(moment.denominator for moment in moments))
    finest = lcm(divisions, *(change.start.denominator for change in score.tempo_changes))
    return finest if finest <= MOST_TICKS else divisions


def _heading(score: Score) -> Iterator[str]:
    if score.title:
        yield f"<work><work-title>{_xml(score.title)}</work-title></work>"
    composer = f'<creator type="composer">{_xml(score.composer)}</creator>' if score.composer else ""
    # Our reader knows its own files by the name of the software.
    software = "<encoding><software>Derivative Works Studio</software></encoding>"
    text = "\n".join(_xml(line) for line in score.text)
    lead = next((f"P{number}" for number, part in enumerate(score.parts, 1) if part.lead), "")
    fields = "".join(
        f'<miscellaneous-field name="{name}">{said}</miscellaneous-field>'
        for name, said in (("words", text), ("melody", lead))
        if said
    )
    miscellaneous = f"<miscellaneous>{fields}</miscellaneous>" if fields else ""
    yield f"<identification>{composer}{software}{miscellaneous}</identification>"


def _part_list(score: Score) -> Iterator[str]:
    yield "<part-list>"
    for number, part in enumerate(score.parts, 1):
        name = part_name(part, number, len(score.parts))
        hidden = "" if name else ' print-object="no"'
        yield f'<score-part id="P{number}"><part-name{hidden}>{_xml(name)}</part-name>'
        if part.percussion and part.notes:
            yield from _drum_list(part, number)
            continue
        yield (
            f'<score-instrument id="P{number}-I1">'
            f"<instrument-name>{_xml(name or 'Melody')}</instrument-name></score-instrument>"
        )
        # Channel 10 is kept for percussion; other parts skip it.
        channel = 10 if part.percussion else (number - 1) % 16 + 1 + ((number - 1) % 16 >= 9)
        yield f'<midi-instrument id="P{number}-I1"><midi-channel>{min(channel, 16)}</midi-channel>'
        yield f"<midi-program>{part.program + 1}</midi-program>{_mixer(part)}</midi-instrument></score-part>"
    yield "</part-list>"


def _drum_list(part: Part, number: int) -> Iterator[str]:
    """The drums of a part, each an instrument of its own, and the end of the part's entry."""
    drums = [
        drum_of(pitch) for pitch in sorted({note.pitch for note in part.notes if note.pitch is not None})
    ]
    for drum in drums:
        yield (
            f'<score-instrument id="P{number}-D{drum.pitch}">'
            f"<instrument-name>{_xml(drum.name)}</instrument-name></score-instrument>"
        )
    for drum in drums:
        yield (
            f'<midi-instrument id="P{number}-D{drum.pitch}"><midi-channel>10</midi-channel>'
            f"<midi-program>{part.program + 1}</midi-program>"
            f"<midi-unpitched>{drum.pitch + 1}</midi-unpitched>{_mixer(part)}</midi-instrument>"
        )
    yield "</score-part>"


def _mixer(part: Part) -> str:
    """Level (in percent) and pan (in degrees, from -90 on the left to 90) that a part begins with."""
    begins = {each.number: each.value for each in part.controls if each.start == 0}
    level, pan = begins.get(LEVEL), begins.get(PAN)
    volume = "" if level is None else f"<volume>{level / 1.27:.4g}</volume>"
    return volume + ("" if pan is None else f"<pan>{max(-90, min(90, (pan - 64) * 90 / 64)):.4g}</pan>")


_BEATS = {
    Fraction(1): "<beat-unit>quarter</beat-unit>",
    Fraction(2): "<beat-unit>half</beat-unit>",
    Fraction(1, 2): "<beat-unit>eighth</beat-unit>",
    Fraction(3, 2): "<beat-unit>quarter</beat-unit><beat-unit-dot/>",
    Fraction(3): "<beat-unit>half</beat-unit><beat-unit-dot/>",
}
"""Length of a beat in quarter notes -> how a metronome mark shows it."""


@dataclass(frozen=True)
class _PartWriter:
    """Writes one part, measure by measure. first: it carries the tempi, the chord symbols and
    the marks. number: of the part, from 1. engraved, slurs, hyphens, heard, marks: as in `write_musicxml`.
    """

    score: Score
    part: Part
    divisions: int
    colours: Colours
    first: bool
    number: int = 1
    engraved: bool = False
    slurs: bool = False
    hyphens: bool = True
    heard: bool = False
    marks: Marks = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        before = None
        measures = measures_of(self.part, self.score, heard=self.heard)
        for measure in measures:
            yield from self._measure(measure, before, last=measure is measures[-1])
            before = measure

    def _measure(self, measure: Measure, before: Measure | None, *, last: bool) -> Iterator[str]:
        implicit = ' implicit="yes"' if measure.implicit else ""
        yield f'<measure number="{measure.bar.number}"{implicit}>'
        yield from self._left_barline(measure)
        yield from self._attributes(measure, before)
        if before is None and self.first:
            yield self._tempo(measure)
        if self.first and measure.start == measure.bar.start:
            yield from self._mark(measure.bar.number)
        if self.first and not self.engraved:
            yield from self._tempo_changes(measure)
        yield from self._jumps(measure.start, ends=False)
        yield from self._notes(measure)
        yield from self._jumps(measure.end, ends=True)
        yield from self._right_barline(measure, last=last)
        yield "</measure>"

    def _left_barline(self, measure: Measure) -> Iterator[str]:
        begins = measure.start > 0 and any(each.start == measure.start for each in self.score.repeats)
        endings = [each for each in self._endings() if each.start == measure.start]
        if not (begins or endings):
            return
        yield '<barline location="left">'
        for ending in endings[:1]:
            yield f'<ending number="{_numbers(ending)}" type="start"/>'
        if begins:
            yield '<repeat direction="forward"/>'
        yield "</barline>"

    def _right_barline(self, measure: Measure, *, last: bool) -> Iterator[str]:
        """Endings before the end of their repeat are closed by a repeat sign; the last one stays open."""
        ended = next((each for each in self.score.repeats if measure.end in _end_signs(each)), None)
        open_ending = next((each for each in self._last_endings() if each.start == measure.start), None)
        if not (ended or last or open_ending):
            return
        yield '<barline location="right">'
        yield f"<bar-style>{'light-heavy' if ended or last else 'light-light'}</bar-style>"
        if ended and ended.ending is not None:
            before = [each for each in ended.written() if each.start < measure.end]
            yield from (f'<ending number="{_numbers(each)}" type="stop"/>' for each in before[-1:])
        elif open_ending:
            yield f'<ending number="{_numbers(open_ending)}" type="discontinue"/>'
        if ended:
            times = f' times="{ended.times}"' if ended.times > 2 and not ended.endings else ""
            yield f'<repeat direction="backward"{times}/>'
        yield "</barline>"

    def _endings(self) -> Iterator[Volta]:
        for each in self.score.repeats:
            yield from each.written()

    def _last_endings(self) -> Iterator[Volta]:
        """The endings that follow their repeat."""
        return (
            ending for each in self.score.repeats for ending in each.written() if ending.start == each.end
        )

    def _attributes(self, measure: Measure, before: Measure | None) -> list[str]:
        """What changes at this measure: key, meter, and at the beginning also the units and the clef."""
        lines = []
        if before is None:
            lines.append(f"<divisions>{self.divisions}</divisions>")
        if self.part.percussion and before is None:
            lines.append("<key><fifths>0</fifths></key>")
        elif not self.part.percussion and (before is None or before.key != measure.key):
            lines.append(f"<key><fifths>{measure.key.fifths}</fifths><mode>{measure.key.mode}</mode></key>")
        meter = measure.bar.meter
        if before is None or before.bar.meter != meter:
            lines.append(
                f"<time><beats>{meter.numerator}</beats><beat-type>{meter.denominator}</beat-type></time>"
            )
        if before is None and self.part.percussion:
            lines.append("<clef><sign>percussion</sign></clef>")
        elif before is None:
            lines.append(_clef(clef_of(self.part)))
        elif not self.part.percussion:
            begins = [each.clef for each in self.part.clef_changes if each.start == measure.start]
            lines += [_clef(clef) for clef in begins]
        return ["<attributes>", *lines, "</attributes>"] if lines else []

    def _tempo(self, measure: Measure) -> str:
        beat = measure.bar.meter.beat if measure.bar.meter.beat in _BEATS else Fraction(1)
        count = number_text(self.score.tempo / float(beat))
        return (
            f'<direction placement="above"><direction-type><metronome>{_BEATS[beat]}'
            f"<per-minute>{count}</per-minute></metronome></direction-type>"
            f'<sound tempo="{number_text(self.score.tempo)}"/></direction>'
        )

    def _mark(self, bar: int) -> Iterator[str]:
        if name := self.marks.get(bar):
            said = f"<direction-type><rehearsal>{_xml(name)}</rehearsal></direction-type>"
            yield f'<direction placement="above">{said}</direction>'

    def _tempo_changes(self, measure: Measure) -> Iterator[str]:
        """They are heard and not printed: a ritardando is many of them."""
        for change in self.score.tempo_changes:
            if measure.start <= change.start < measure.end:
                offset = (change.start - measure.start) * self.divisions
                placed = f"<offset>{number_text(float(offset))}</offset>" if offset else ""
                yield f'<sound tempo="{number_text(change.tempo)}">{placed}</sound>'

    def _jumps(self, place: Fraction, *, ends: bool) -> Iterator[str]:
        """The jumps at the beginning or the end of a measure, above the first part."""
        for mark in self.score.jumps if self.first else ():
            if mark.start == place and (mark.kind not in TARGETS) == ends:
                yield _jump(mark)

    def _notes(self, measure: Measure) -> Iterator[str]:
        """The voices, one after the other; chord symbols stand among the notes of the first."""
        inside = [each for each in self.score.chords if measure.start <= each.start < measure.end]
        chords = inside if self.first else []
        clefs = {each.start: each.clef for each in self._clefs_inside(measure)}
        for number, voice in enumerate(measure.voices):
            if number:
                yield f"<backup><duration>{int(measure.length * self.divisions)}</duration></backup>"
            for written in voice:
                while number == 0 and chords and chords[0].start < written.end:
                    chord = chords.pop(0)
                    offset = int((chord.start - written.start) * self.divisions)
                    yield _harmony(chord.symbol, offset, engraved=self.engraved)
                if clef := clefs.pop(written.start, None):
                    yield f"<attributes>{_clef(clef)}</attributes>"
                yield from self._note(written, number + 1, self._lyrics(written))
        for place, clef in clefs.items():  # where no note begins
            rest = round((measure.end - place) * self.divisions)
            yield f"<backup><duration>{rest}</duration></backup><attributes>{_clef(clef)}</attributes>"
            yield f"<forward><duration>{rest}</duration></forward>"

    def _clefs_inside(self, measure: Measure) -> Sequence[ClefAt]:
        changes = () if self.part.percussion else self.part.clef_changes
        return [each for each in changes if measure.start < each.start < measure.end]

    def _lyrics(self, written: Written) -> str:
        """The syllables under a note, for the first voice that has one there; a note tied to the one before
        has none of its own.
        """
        if not written.pitches or written.tie_in:
            return ""
        return self._words.pop(written.start, "")

    @cached_property
    def _words(self) -> dict[Fraction, str]:
        by_note: dict[Fraction, str] = {}
        for each in self.part.words:
            by_note[each.start] = by_note.get(each.start, "") + _lyric(each, hyphens=self.hyphens)
        return by_note

    def _slur(self, written: Written, voice: int) -> str:
        """The marks of slurs that end and begin at a note of the first voice."""
        starts, ends = self._slurred
        stop = voice == 1 and written.end in ends and not written.tie_out
        start = voice == 1 and written.start in starts and not written.tie_in
        return '<slur type="stop" number="1"/>' * stop + '<slur type="start" number="1"/>' * start

    @cached_property
    def _slurred(self) -> tuple[frozenset[Fraction], frozenset[Fraction]]:
        """Where notes that are sung on one syllable begin, and where the last of them end."""
        words = [word for word in self.part.words if word.verse == 1] if self.slurs else []
        sung = {word.start for word in words}
        notes = [note for note in self.part.notes if note.pitch is not None and not note.voice]
        place = {note.start: number for number, note in enumerate(notes)}
        starts, ends = set(), set()
        for first in (place[word.start] for word in words if self._held(word) and word.start in place):
            last = first
            while last + 1 < len(notes) and notes[last + 1].start == notes[last].end not in sung:
                last += 1
            if last > first:
                starts.add(notes[first].start)
                ends.add(notes[last].end)
        return frozenset(starts), frozenset(ends)

    def _held(self, word: Syllable) -> bool:
        """Whether notes that follow it, and have no syllable of their own, are sung on it."""
        return word.extends or (self.hyphens and word.goes_on)

    def _note(self, written: Written, voice: int, lyrics: str = "") -> Iterator[str]:
        duration = f"<duration>{int(written.duration * self.divisions)}</duration>"
        look = "" if written.whole_bar else f"<type>{VALUES[written.value]}</type>" + "<dot/>" * written.dots
        stretch = ""
        if written.tuplet:
            actual, normal = written.tuplet
            stretch = (
                f"<time-modification><actual-notes>{actual}</actual-notes>"
                f"<normal-notes>{normal}</normal-notes></time-modification>"
            )
        if not written.pitches:
            rest = '<rest measure="yes"/>' if written.whole_bar else "<rest/>"
            notations = _notations(_tuplet(written))
            yield f"<note>{rest}{duration}<voice>{voice}</voice>{look}{stretch}{notations}</note>"
            return
        marks = enumerate(written.beams, 1)
        beams = "".join(f'<beam number="{level}">{mark}</beam>' for level, mark in marks)
        for rank, (letter, alter, octave) in enumerate(written.spelled):
            colour = self.colours.get(written.indices[rank]) if rank < len(written.indices) else None
            head = f"<note color={quoteattr(colour)}>" if colour else "<note>"
            altered = f"<alter>{alter}</alter>" if alter else ""
            pitch = f"<pitch><step>{letter}</step>{altered}<octave>{octave}</octave></pitch>"
            accidental = written.accidentals[rank]
            sign = f"<accidental>{accidental}</accidental>" if accidental else ""
            ties, tied = (_ties(name, written, written.pitches[rank]) for name in ("tie", "tied"))
            played, shape = "", ""
            if self.part.percussion:
                drum = drum_of(written.pitches[rank])
                place = (
                    f"<display-step>{drum.step}</display-step><display-octave>{drum.octave}</display-octave>"
                )
                pitch, sign = f"<unpitched>{place}</unpitched>", ""
                played = f'<instrument id="P{self.number}-D{drum.pitch}"/>'
                shape = "" if drum.head == "normal" else f"<notehead>{drum.head}</notehead>"
            # Beams, tuplets and words belong to the first note of a chord.
            marks_of = tied if rank else tied + self._slur(written, voice) + _tuplet(written)
            if rank == 0 and written.indices and self.part.notes[written.indices[0]].staccato:
                marks_of += "<articulations><staccato/></articulations>" * (not written.tie_in)
            yield (
                f"{head}{'<chord/>' * (rank > 0)}{pitch}{duration}{ties}{played}<voice>{voice}</voice>"
                f"{look}{sign}{stretch}{shape}{beams * (rank == 0)}{_notations(marks_of)}"
                f"{lyrics * (rank == 0)}</note>"
            )


_SOUNDS = {
    SEGNO: "segno",
    CODA: "coda",
    FINE: "fine",
    TO_CODA: "tocoda",
    DA_CAPO: "dacapo",
    DAL_SEGNO: "dalsegno",
}
"""Attribute of `<sound>` for each jump."""


def _clef(clef: Clef) -> str:
    moved = f"<clef-octave-change>{clef.octaves}</clef-octave-change>" if clef.octaves else ""
    return f"<clef><sign>{clef.sign}</sign><line>{clef.line}</line>{moved}</clef>"


def _jump(mark: JumpMark) -> str:
    sign = {SEGNO: "<segno/>", CODA: "<coda/>"}.get(mark.kind, f"<words>{_xml(mark.name)}</words>")
    usual = {FINE: "yes", DA_CAPO: "yes", SEGNO: "segno", DAL_SEGNO: "segno"}.get(mark.kind, "coda")
    sound = f"<sound {_SOUNDS[mark.kind]}={quoteattr(_xml_free(mark.label) or usual)}/>"
    return f'<direction placement="above"><direction-type>{sign}</direction-type>{sound}</direction>'


def _end_signs(repeat: Repeat) -> set[Fraction]:
    """Where a repeat has end signs: at its end, and where one of its endings follows another."""
    return {repeat.end, *(ending.start for ending in repeat.endings[1:])}


def _numbers(ending: Volta) -> str:
    return ",".join(str(number) for number in ending.passes)


def _ties(element: str, written: Written, pitch: int) -> str:
    tie_in = written.tie_in or pitch in written.held
    return f'<{element} type="stop"/>' * tie_in + f'<{element} type="start"/>' * written.tie_out


def _tuplet(written: Written) -> str:
    bracket = "no" if written.beams else "yes"
    opens = f'<tuplet type="start" bracket="{bracket}"/>' if written.opens else ""
    return opens + '<tuplet type="stop"/>' * written.closes


def _notations(inside: str) -> str:
    return f"<notations>{inside}</notations>" if inside else ""


def _lyric(syllable: Syllable, *, hyphens: bool) -> str:
    first, *others = syllable.text.split("‿")
    text = f"<text>{_xml(first)}</text>"
    text += "".join(f"<elision>‿</elision><text>{_xml(other)}</text>" for other in others)
    extend = "<extend/>" if syllable.extends and not (hyphens and syllable.goes_on) else ""
    return f'<lyric number="{syllable.verse}"><syllabic>{syllable.syllabic}</syllabic>{text}{extend}</lyric>'


def _harmony(symbol: str, offset: int, *, engraved: bool = False) -> str:
    """A chord symbol; what is no chord is written as words above the staff. engraved: as in
    `write_musicxml`.
    """
    placed = f"<offset>{offset}</offset>" if offset else ""
    try:
        chord = parse_chord(symbol)
    except Unreadable:
        words = f"<direction-type><words>{_xml(symbol)}</words></direction-type>"
        return f"<direction>{words}{placed}</direction>"
    if chord is None:
        root = '<root><root-step text="">C</root-step></root>'
        return f'<harmony>{root}<kind text="N.C.">none</kind>{placed}</harmony>'
    kind = _engraved_kind(chord) if engraved else _kind(chord)
    return f"<harmony>{_chord_note('root', chord.root)}{kind}{placed}</harmony>"


def _chord_note(role: str, name: str) -> str:
    alter = name.count("#") - name[1:].count("b")
    inner = f"<{role}-alter>{alter}</{role}-alter>" if alter else ""
    return f"<{role}><{role}-step>{name[0]}</{role}-step>{inner}</{role}>"


def _kind(chord: Chord) -> str:
    degrees, held = _held_apart(chord)
    text = chord.kind.spellings[0] + held
    if chord.kind.musicxml == "other" and chord.degrees:
        text = f"{chord.kind.spellings[0]}({','.join(chord.degrees)})"  # its text is all that says what it is
    xml = f"<kind text={quoteattr(text)}>{chord.kind.musicxml}</kind>"
    if chord.bass:
        xml += _chord_note("bass", chord.bass)
    if held:
        # MusicXML has no degree that takes the place of the third. The text says it, so neither is printed.
        xml += _degree(held[3:], 0, "add", printed=False) + _degree("3", 0, "subtract", printed=False)
    for degree in degrees:
        number = re.sub(r"\D", "", degree)
        alter = {"#": 1, "b": -1}.get(degree[0], 0)
        if degree.startswith("no"):
            change = "subtract"
        elif alter and (MAJOR_SCALE[(int(number) - 1) % 7] in {tone % 12 for tone in chord.kind.tones}):
            change = "alter"
        else:
            change = "add"
        xml += _degree(number, alter, change)
    return xml


def _held_apart(chord: Chord) -> tuple[list[str], str]:
    """The degrees of a chord, and the one that is held in place of its third, or "": where no third is left,
    another changes nothing.
    """
    others = [degree for degree in chord.degrees if not degree.startswith("sus")]
    if "no3" in others or not {3, 4} & {tone % 12 for tone in chord.kind.tones}:
        return others, ""
    return others, next((degree for degree in chord.degrees if degree.startswith("sus")), "")


def _degree(number: str, alter: int, change: str, *, printed: bool = True) -> str:
    hidden = "" if printed else ' print-object="no"'
    return (
        f"<degree{hidden}><degree-value>{number}</degree-value><degree-alter>{alter}</degree-alter>"
        f"<degree-type>{change}</degree-type></degree>"
    )


ENGRAVED = {"m7b5": ("m7", ("b5",)), "7#5": ("7", ("#5",)), "mmaj7": ("m", ("maj7",))}
"""Kinds whose names have accidentals or are hard to read -> what is printed, and after it in brackets."""


def _bass_of(chord: Chord) -> str:
    """The name of the bass; a diminished fifth of the chord is one, and no augmented fourth (Em7b5/Bb)."""
    lowered = 6 in chord.kind.tones or "b5" in chord.degrees
    name = name_on_fifths(place_on_fifths(chord.root) - 6)
    return name if lowered and pitch_class_of(name) == chord.bass_class and len(name) < 3 else chord.bass


def _engraved_kind(chord: Chord) -> str:
    """As `_kind`, for the eye: a suspension belongs to the name, C6/9 is one name, and altered degrees have
    their accidental alone, without "add".
    """
    name, more = ENGRAVED.get(chord.kind.spellings[0], (chord.kind.spellings[0], ()))
    degrees = [*more, *chord.degrees]
    for degree in [each for each in degrees if each.startswith("sus")]:
        name += degree
        degrees.remove(degree)
    if name in ("6", "m6") and "add9" in degrees:
        name += "/9"
        degrees.remove("add9")
    if any(degree[0] not in "#b" for degree in degrees):
        name += "(" + ",".join(each.replace("#", "♯").replace("b", "♭") for each in degrees) + ")"
        degrees = []
    xml = f"<kind text={quoteattr(name)}>{chord.kind.musicxml}</kind>"
    xml += _chord_note("bass", _bass_of(chord)) if chord.bass else ""
    return xml + "".join(_degree(each[1:], 1 if each[0] == "#" else -1, "alter") for each in degrees)


def number_text(value: float) -> str:
    """A number without needless digits: 120, 66.667."""
    return str(int(value)) if value == int(value) else f"{value:.3f}".rstrip("0")


def _xml_free(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())


def _xml(text: str) -> str:
    return escape("".join(letter for letter in text if letter.isprintable() or letter == " "))
