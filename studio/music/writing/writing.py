"""Writes tunes and scores: MIDI, MusicXML, ABC, and engraved pages as SVG. The same tune gives the same
bytes.

    path.write_bytes(write_musicxml(tune))

Reading back gives the same notes, bars, keys and chords. MIDI has no repeat signs, so there repeats are
played out; its chord symbols stand as markers, and a pick-up is a first bar in a meter of its own length.
Marked phrase ends are not written.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import lcm
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from studio.errors import Refused, Unreadable
from studio.music.scores.chords import Chord, parse_chord
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.scores.scores import Part, Score
from studio.music.scores.tunes import Tune
from studio.music.writing.notation import VALUES, Measure, Written, clef_of, measures_of

# MIDI
# ------------------------------------------------------------------------------------------------------------


def write_midi(music: Tune | Score, *, program: int = 0) -> bytes:
    """A MIDI file of type 1: a track of meters, keys, tempo and chord markers, then a track a part.

    program: General MIDI instrument 0..127 of a tune (a score's parts have their own). Raises `Refused` for
    lengths no MIDI file can hold.
    """
    score = music.unfolded().score(name=music.title, program=program) if isinstance(music, Tune) else music
    moments = [edge for part in score.parts for note in part.notes for edge in (note.start, note.end)]
    moments += [chord.start for chord in score.chords] + [bar.end for bar in score.bars()] + [score.end]
    division = lcm(1, *(moment.denominator for moment in moments))
    if division > 32767:
        raise Refused(
            "This music mixes so many kinds of tuplets that MIDI cannot count them exactly; write .musicxml."
        )
    division *= max(1, 480 // division)
    tracks = [_track(_conductor(score, division), int(score.end * division))]
    channel = 0
    for part in score.parts:
        if not part.percussion:
            used, channel = channel, (channel + 1 if channel != 8 else 10) % 16
        tracks.append(
            _track(_played(part, 9 if part.percussion else used, division), int(score.end * division))
        )
    return b"MThd" + struct.pack(">IHHH", 6, 1, len(tracks), division) + b"".join(tracks)


def _conductor(score: Score, division: int) -> list[tuple[int, bytes]]:
    events = [(0, _meta(0x51, round(60e6 / score.tempo).to_bytes(3, "big")))]
    if score.title:
        events.insert(0, (0, _meta(0x03, score.title.encode())))
    if score.composer:
        events.append((0, _meta(0x01, f"Composer: {score.composer}".encode())))
    for change in score.grid.meters:
        if change.start == 0 and score.grid.pickup:
            events.append((0, _time_signature(_meter_of(score.grid.pickup))))
            events.append((int(score.grid.pickup * division), _time_signature(change.meter)))
        else:
            events.append((int(change.start * division), _time_signature(change.meter)))
    for key in score.keys:
        minor = key.key.mode in ("minor", "dorian", "phrygian", "locrian")
        events.append((int(key.start * division), _meta(0x59, struct.pack("bB", key.key.fifths, minor))))
    events += [(int(chord.start * division), _meta(0x06, chord.symbol.encode())) for chord in score.chords]
    return events


def _meter_of(length: Fraction) -> Meter:
    denominator = max(4, length.denominator * 4)
    return Meter(int(length * denominator / 4), denominator)


def _time_signature(meter: Meter) -> bytes:
    clicks = 36 if meter.compound and meter.denominator == 8 else 24
    return _meta(0x58, bytes([meter.numerator, meter.denominator.bit_length() - 1, clicks, 8]))


def _played(part: Part, channel: int, division: int) -> list[tuple[int, bytes]]:
    events = [(0, _meta(0x03, part.name.encode()))] if part.name else []
    if not part.percussion:
        events.append((0, bytes([0xC0 | channel, part.program])))
    sounds: list[tuple[int, int, bytes]] = []
    for note in part.notes:
        if note.pitch is not None:
            sounds.append((int(note.end * division), 0, bytes([0x80 | channel, note.pitch, 0])))
            sounds.append((int(note.start * division), 1, bytes([0x90 | channel, note.pitch, part.velocity])))
    # A note that is struck again ends before it begins.
    sounds.sort(key=lambda event: event[:2])
    return events + [(ticks, message) for ticks, _, message in sounds]


def _meta(kind: int, body: bytes) -> bytes:
    return bytes([0xFF, kind]) + _variable(len(body)) + body


def _variable(number: int) -> bytes:
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(0x80 | number & 0x7F)
    return bytes(reversed(digits))


def _track(events: Sequence[tuple[int, bytes]], end: int) -> bytes:
    body, now = bytearray(), 0
    for ticks, message in sorted(events, key=lambda event: event[0]):
        body += _variable(ticks - now) + message
        now = ticks
    body += _variable(max(0, end - now)) + _meta(0x2F, b"")
    return b"MTrk" + struct.pack(">I", len(body)) + bytes(body)


# MusicXML
# ------------------------------------------------------------------------------------------------------------


def write_musicxml(
    music: Tune | Score, colours: Mapping[int, str] | Sequence[Mapping[int, str]] | None = None
) -> bytes:
    """A MusicXML 4.0 document (score-partwise), UTF-8.

    colours: number of a note among the sounding ones (0 is the first) -> "#rrggbb", for the first part, or
    one such table a part.
    """
    score = music.score() if isinstance(music, Tune) else music
    tables = [colours] if isinstance(colours, Mapping) else list(colours or [])
    divisions = _divisions(score)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<score-partwise version="4.0">']
    if score.title:
        lines.append(f"<work><work-title>{_xml(score.title)}</work-title></work>")
    composer = f'<creator type="composer">{_xml(score.composer)}</creator>' if score.composer else ""
    lines.append(
        f"<identification>{composer}<encoding><software>Derivative Works Studio</software></encoding></identification>"
    )
    lines.append("<part-list>")
    for number, part in enumerate(score.parts, 1):
        name = part_name(part, number, len(score.parts))
        lines.append(
            f'<score-part id="P{number}"><part-name{"" if name else _HIDDEN}>{_xml(name)}</part-name>'
        )
        lines.append(
            f'<score-instrument id="P{number}-I1"><instrument-name>{_xml(name or "Melody")}</instrument-name></score-instrument>'
        )
        channel = 10 if part.percussion else (number - 1) % 16 + 1 + ((number - 1) % 16 >= 9)
        lines.append(f'<midi-instrument id="P{number}-I1"><midi-channel>{min(channel, 16)}</midi-channel>')
        lines.append(f"<midi-program>{part.program + 1}</midi-program></midi-instrument></score-part>")
    lines.append("</part-list>")
    for number, part in enumerate(score.parts, 1):
        table = tables[number - 1] if number <= len(tables) else {}
        lines.append(f'<part id="P{number}">')
        measures = measures_of(part, score)
        for place, measure in enumerate(measures):
            lines += _measure_xml(
                measure, place, measures, score, part, divisions, table, with_chords=number == 1
            )
        lines.append("</part>")
    lines.append("</score-partwise>")
    return ("\n".join(lines) + "\n").encode()


_BEATS = {
    Fraction(1): "<beat-unit>quarter</beat-unit>",
    Fraction(2): "<beat-unit>half</beat-unit>",
    Fraction(1, 2): "<beat-unit>eighth</beat-unit>",
    Fraction(3, 2): "<beat-unit>quarter</beat-unit><beat-unit-dot/>",
    Fraction(3): "<beat-unit>half</beat-unit><beat-unit-dot/>",
}
"""What is counted -> how it stands in a metronome mark."""

_HIDDEN = ' print-object="no"'


def part_name(part: Part, number: int, parts: int) -> str:
    """A part's name as it is printed: clean of control characters, at most 40 letters, and none for a lone
    unnamed part.
    """
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in part.name).split())[:40]
    return name or ("" if parts == 1 else f"Part {number}")


def _xml(text: str) -> str:
    return escape("".join(letter for letter in text if letter.isprintable() or letter == " "))


def _divisions(score: Score) -> int:
    moments = [edge for part in score.parts for note in part.notes for edge in (note.start, note.end)]
    moments += [chord.start for chord in score.chords] + [
        edge for bar in score.bars() for edge in (bar.start, bar.end)
    ]
    # Ties inside of tuplets and bars may need pieces half or a quarter as long.
    return 4 * lcm(4, *(moment.denominator for moment in moments))


def _measure_xml(
    measure: Measure,
    place: int,
    measures: Sequence[Measure],
    score: Score,
    part: Part,
    divisions: int,
    colours: Mapping[int, str],
    *,
    with_chords: bool,
) -> list[str]:
    implicit = ' implicit="yes"' if measure.implicit else ""
    lines = [f'<measure number="{measure.bar.number}"{implicit}>']
    begins = [again for again in score.repeats if again.start == measure.start]
    ending = [again for again in score.repeats if again.ending == measure.start]
    second = [again for again in score.repeats if again.ending is not None and again.end == measure.start]
    if (begins and measure.start > 0) or ending or second:
        lines.append('<barline location="left">')
        lines += (
            ['<ending number="1" type="start"/>']
            if ending
            else ['<ending number="2" type="start"/>']
            if second
            else []
        )
        lines += ['<repeat direction="forward"/>'] if begins and measure.start > 0 else []
        lines.append("</barline>")
    lines += _attributes_xml(measure, measures[place - 1] if place else None, part, divisions)
    if place == 0 and with_chords:
        beat = measure.bar.meter.beat if measure.bar.meter.beat in _BEATS else Fraction(1)
        lines.append(
            f'<direction placement="above"><direction-type><metronome>{_BEATS[beat]}'
            f"<per-minute>{_number(score.tempo / float(beat))}</per-minute></metronome></direction-type>"
            f'<sound tempo="{_number(score.tempo)}"/></direction>'
        )
    chords = (
        [chord for chord in score.chords if measure.start <= chord.start < measure.end] if with_chords else []
    )
    for number, voice in enumerate(measure.voices):
        if number:
            lines.append(f"<backup><duration>{int(measure.length * divisions)}</duration></backup>")
        for written in voice:
            while number == 0 and chords and chords[0].start < written.end:
                chord = chords.pop(0)
                lines.append(_harmony_xml(chord.symbol, int((chord.start - written.start) * divisions)))
            lines += _note_xml(written, number + 1, divisions, colours)
    ends = [again for again in score.repeats if again.end == measure.end]
    last = place == len(measures) - 1
    if ends or last or second:
        lines.append('<barline location="right">')
        lines.append(f"<bar-style>{'light-heavy' if ends or last else 'light-light'}</bar-style>")
        if ends and ends[0].ending is not None:
            lines.append('<ending number="1" type="stop"/>')
        elif second:
            lines.append('<ending number="2" type="discontinue"/>')
        if ends:
            times = f' times="{ends[0].times}"' if ends[0].times > 2 else ""
            lines.append(f'<repeat direction="backward"{times}/>')
        lines.append("</barline>")
    lines.append("</measure>")
    return lines


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.3f}".rstrip("0")


def _attributes_xml(measure: Measure, before: Measure | None, part: Part, divisions: int) -> list[str]:
    lines = []
    if before is None:
        lines.append(f"<divisions>{divisions}</divisions>")
    if before is None or before.key != measure.key:
        lines.append(f"<key><fifths>{measure.key.fifths}</fifths><mode>{measure.key.mode}</mode></key>")
    if before is None or before.bar.meter != measure.bar.meter:
        meter = measure.bar.meter
        lines.append(
            f"<time><beats>{meter.numerator}</beats><beat-type>{meter.denominator}</beat-type></time>"
        )
    if before is None:
        if part.percussion:
            lines.append("<clef><sign>percussion</sign></clef>")
        else:
            sign, line, _ = clef_of(part.notes)
            lines.append(f"<clef><sign>{sign}</sign><line>{line}</line></clef>")
    return ["<attributes>", *lines, "</attributes>"] if lines else []


def _harmony_xml(symbol: str, offset: int) -> str:
    placed = f"<offset>{offset}</offset>" if offset else ""
    try:
        chord = parse_chord(symbol)
    except Unreadable:
        return (
            f"<direction><direction-type><words>{_xml(symbol)}</words></direction-type>{placed}</direction>"
        )
    if chord is None:
        return f'<harmony><root><root-step text="">C</root-step></root><kind text="N.C.">none</kind>{placed}</harmony>'
    return f"<harmony>{_name_xml('root', chord.root)}{_kind_xml(chord)}{placed}</harmony>"


def _name_xml(what: str, name: str) -> str:
    alter = name.count("#") - name[1:].count("b")
    inner = f"<{what}-alter>{alter}</{what}-alter>" if alter else ""
    return f"<{what}><{what}-step>{name[0]}</{what}-step>{inner}</{what}>"


def _kind_xml(chord: Chord) -> str:
    xml = f"<kind text={quoteattr(chord.kind.spellings[0])}>{chord.kind.musicxml}</kind>"
    if chord.bass:
        xml += _name_xml("bass", chord.bass)
    for degree in chord.degrees:
        number = re.sub(r"\D", "", degree)
        alter = {"#": 1, "b": -1}.get(degree[0], 0) if degree[:1] in "#b" else 0
        change = (
            "subtract"
            if degree.startswith("no")
            else "alter"
            if degree[0] in "#b" and number == "5"
            else "add"
        )
        xml += f"<degree><degree-value>{number}</degree-value><degree-alter>{alter}</degree-alter><degree-type>{change}</degree-type></degree>"
    return xml


def _note_xml(written: Written, voice: int, divisions: int, colours: Mapping[int, str]) -> list[str]:
    duration = f"<duration>{int(written.duration * divisions)}</duration>"
    look = "" if written.whole_bar else f"<type>{VALUES[written.value]}</type>" + "<dot/>" * written.dots
    if written.tuplet:
        actual, normal = written.tuplet
        look_time = f"<time-modification><actual-notes>{actual}</actual-notes><normal-notes>{normal}</normal-notes></time-modification>"
    else:
        look_time = ""
    tuplet = ""
    if written.opens:
        tuplet += (
            '<tuplet type="start" bracket="no"/>' if written.beams else '<tuplet type="start" bracket="yes"/>'
        )
    if written.closes:
        tuplet += '<tuplet type="stop"/>'
    if not written.pitches:
        rest = '<rest measure="yes"/>' if written.whole_bar else "<rest/>"
        notations = f"<notations>{tuplet}</notations>" if tuplet else ""
        return [f"<note>{rest}{duration}<voice>{voice}</voice>{look}{look_time}{notations}</note>"]
    lines = []
    for rank, (letter, alter, octave) in enumerate(written.spelled):
        colour = colours.get(written.indices[rank]) if rank < len(written.indices) else None
        head = f"<note color={quoteattr(colour)}>" if colour else "<note>"
        stacked = "<chord/>" if rank else ""
        pitch = f"<pitch><step>{letter}</step>{f'<alter>{alter}</alter>' if alter else ''}<octave>{octave}</octave></pitch>"
        ties = '<tie type="stop"/>' * written.tie_in + '<tie type="start"/>' * written.tie_out
        sign = f"<accidental>{written.accidentals[rank]}</accidental>" if written.accidentals[rank] else ""
        beams = (
            "".join(f'<beam number="{level}">{mark}</beam>' for level, mark in enumerate(written.beams, 1))
            if not rank
            else ""
        )
        tied = '<tied type="stop"/>' * written.tie_in + '<tied type="start"/>' * written.tie_out
        inner = tied + ("" if rank else tuplet)
        notations = f"<notations>{inner}</notations>" if inner else ""
        lines.append(
            f"{head}{stacked}{pitch}{duration}{ties}<voice>{voice}</voice>{look}{sign}{look_time}{beams}{notations}</note>"
        )
    return lines


# ABC
# ------------------------------------------------------------------------------------------------------------


def write_abc(tune: Tune | Score) -> bytes:
    """An ABC 2.1 tune with chord symbols, four bars to a line. Raises `Refused` for a score of parts."""
    if isinstance(tune, Score):
        raise Refused(
            "ABC is written for a single melody; choose .musicxml or .mid for a score of several parts."
        )
    unit = Fraction(1, 2)
    score = replace(tune.score(), chords=tune.chords)
    measures = measures_of(score.parts[0], score)
    header = ["X:1", f"T:{_line(tune.title) or 'Untitled'}"]
    if tune.composer:
        header.append(f"C:{_line(tune.composer)}")
    first = tune.grid.meters[0].meter
    header += [f"M:{first}", "L:1/8", f"Q:1/4={_number(tune.tempo)}", f"K:{_abc_key(tune.key)}"]
    text, bars_on_line = "", 0
    chords = list(tune.chords)
    for place, measure in enumerate(measures):
        before = measures[place - 1] if place else None
        if any(again.start == measure.start for again in tune.repeats) and measure.start > 0:
            text = text.rstrip().removesuffix("|") + "|:"
        if any(again.ending == measure.start for again in tune.repeats):
            text = text.rstrip() + ("" if text.rstrip().endswith("|") else "|") + "1 "
        if any(again.ending is not None and again.end == measure.start for again in tune.repeats):
            text = text.rstrip() + "2 "
        if before and before.bar.meter != measure.bar.meter:
            text += f"[M:{measure.bar.meter}]"
        if before and before.key != measure.key:
            text += f"[K:{_abc_key(measure.key)}]"
        text += _measure_abc(measure, unit, chords)
        last = place == len(measures) - 1
        if any(again.end == measure.end for again in tune.repeats):
            text += ":|"
        else:
            text += "|]" if last else "|"
        bars_on_line += not measure.implicit
        if bars_on_line == 4 and not last:
            text, bars_on_line = text + "\n", 0
        elif not last:
            text += " "
    return ("\n".join(header) + "\n" + text.strip() + "\n").encode()


def _line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split()).replace(
        "%", r"\%"
    )


def _abc_key(key: Key) -> str:
    return key.tonic_name + {"major": "", "minor": "m"}.get(key.mode, key.mode[:3])


_ABC_SIGNS = {-2: "__", -1: "_", 0: "=", 1: "^", 2: "^^"}


def _measure_abc(measure: Measure, unit: Fraction, chords: list[Any]) -> str:
    text, signs, altered = "", measure.key.signature, set[str]()
    written = measure.voices[0]
    for place, note in enumerate(written):
        symbol = ""
        while chords and chords[0].start < note.end:
            # A symbol between two notes stands at the note that sounds there.
            symbol = f'"{chords.pop(0).symbol}"'
        if note.opens and note.tuplet:
            size = next(count for count, each in enumerate(written[place:], 1) if each.closes)
            text += f"{symbol}({note.tuplet[0]}:{note.tuplet[1]}:{size}"
            symbol = ""
        length = note.duration / unit
        if note.tuplet:
            length = length * note.tuplet[0] / note.tuplet[1]
        if note.pitches:
            letter, alter, octave = note.spelled[-1]
            sign = _ABC_SIGNS[alter] if alter != signs[letter] or letter in altered else ""
            if alter != signs[letter]:
                altered.add(letter)
            name = letter + "," * (4 - octave) if octave <= 4 else letter.lower() + "'" * (octave - 5)
            text += symbol + sign + name + _abc_length(length) + ("-" if note.tie_out else "")
        else:
            text += symbol + "z" + _abc_length(length)
        joined = note.beams and note.beams[0] in ("begin", "continue")
        if not joined and not (note.tuplet and not note.closes):
            text += " "
    return text


def _abc_length(length: Fraction) -> str:
    if length == 1:
        return ""
    return (
        str(length.numerator)
        if length.denominator == 1
        else f"{'' if length.numerator == 1 else length.numerator}/{length.denominator}"
    )


# Engraving
# ------------------------------------------------------------------------------------------------------------


def engrave(
    music: Tune | Score, colours: Mapping[int, str] | None = None, *, width: int = 1000, staff: int = 40
) -> bytes:
    """The engraved score as one SVG picture, as tall as it needs to be.

    width: of the page in pixels (200..4000). staff: its size in per cent of verovio's own (10..100). colours:
    as in `write_musicxml`.
    Raises `Refused` for music too long for one picture (more than 2,000 bars).
    """
    if not 200 <= width <= 4000 or not 10 <= staff <= 100:
        raise Refused(
            "A page is 200 to 4000 pixels wide and its staves 10 to 100 per cent of their usual size."
        )
    bars = len(music.bars())
    if bars > 2000:
        raise Refused(f"{bars} bars are too many for one picture; engrave a passage of it.")
    from importlib.resources import files

    import verovio

    # Verovio sets where its fonts are when it is imported, but each thread has its own idea of that.
    verovio.setDefaultResourcePath(str(files("verovio") / "data"))
    toolkit = verovio.toolkit()
    toolkit.setOptions(
        {
            "pageWidth": round(width * 100 / staff),
            "pageHeight": 60000,
            "adjustPageHeight": True,
            "scale": staff,
            "breaks": "auto",
            "header": "auto",
            "footer": "none",
            "svgViewBox": False,
            "xmlIdSeed": 1,
            "justifyVertically": False,
            "minLastJustification": 0.6,
            "spacingSystem": 8,
        }
    )
    written = write_musicxml(music, colours).decode()
    svg = _page(toolkit, written)
    fitting = svg.partition('class="system"')[2].partition('class="system"')[0].count('class="measure"')
    line = next((size for size in (16, 8, 4) if size <= fitting * 8 // 7 and size < bars), 0)
    if bars > fitting and line:
        # Phrases are four bars long as a rule: lines that begin with a phrase show the form.
        toolkit.setOptions({"breaks": "encoded", "minLastJustification": 0.6 if bars % line else 0.0})
        svg = _page(toolkit, _in_lines_of(line, written))
    return svg.encode()


def _page(toolkit: Any, written: str) -> str:
    if not toolkit.loadData(written):
        raise Refused(
            "The score could not be engraved; write it as .musicxml and open it in a notation program."
        )
    toolkit.redoLayout()
    page: str = toolkit.renderToSVG(1)
    return page


def _in_lines_of(bars: int, written: str) -> str:
    """MusicXML with a new line before every so many full bars (a pick-up is number 0, and stands in the
    first).
    """

    def broken(measure: re.Match[str]) -> str:
        number = int(measure[1])
        return measure[0] + ('<print new-system="yes"/>' if number > 1 and (number - 1) % bars == 0 else "")

    return re.sub(r'<measure [^>]*?number="(\d+)"[^>]*>', broken, written)
