"""ABC tunes (abcnotation.com, standard 2.1), read note by note.

music21 10.5 reads ABC too, but forty times slower, and it loses ties before a change of meter, counts grace
notes as members of a tuplet and drops lengths around fingerings. The tests compare this reader with music21
where that is right.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from studio.errors import Refused, Unreadable
from studio.music.reading.assembling import (
    FoundNote,
    FoundTune,
    PartLine,
    SignatureAt,
    assemble,
    barred,
    choose_melody,
    remarks_on,
)
from studio.music.reading.budget import Reading, ReadingBudget
from studio.music.scores.bars import Grid, Repeat
from studio.music.scores.chords import ChordAt, parse_chord
from studio.music.scores.keys import Key, KeyAt
from studio.music.scores.meters import Meter
from studio.music.scores.pitches import natural_pitch


def read_abc(text: str, name: str, budget: ReadingBudget) -> Reading:
    """The melody of one ABC tune. Raises `Unreadable`."""
    header, voices, names = _in_voices(text)
    fields = _fields(header)
    if "K" not in fields:
        raise Unreadable(f"{name} has no key (K:), without which ABC cannot be read; add one such as K:D.")
    players = [_Voice(fields, names.get(voice, ""), budget, name) for voice in voices]
    for player, music in zip(players, voices.values(), strict=True):
        player.play(music)
    chosen = choose_melody([player.line for player in players], name)
    player = next(player for player in players if player.line is chosen)
    # Chords may be written in any voice; where two voices have one, that of the melody counts.
    chords = {chord.start: chord for each in (*players, player) for chord in each.chords}
    found = FoundTune(
        chosen,
        Grid.of_bars(barred(player.bars)),
        player.now,
        keys=player.keys,
        chords=[chords[place] for place in sorted(chords)],
        repeats=player.repeats,
        title=fields.get("T", ""),
        composer=fields.get("C", ""),
        tempo=_tempo(fields.get("Q", "")),
        remarks=remarks_on(chosen, len(players), [symbol for each in players for symbol in each.unread]),
    )
    tune = assemble(found, name, budget)
    return Reading((tune,), tuple(found.remarks))


def _in_voices(text: str) -> tuple[list[str], dict[str, str], dict[str, str]]:
    """The header's lines, the music of each voice, and the voices' names."""
    header: list[str] = []
    voices: dict[str, str] = {}
    names: dict[str, str] = {}
    current, in_header = "1", True
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if in_header:
            header.append(line)
            if line.startswith("V:"):
                _name_voice(line[2:], names)
            in_header = not line.startswith("K:")
            continue
        if line.startswith("%"):
            continue
        line = re.sub(r"(?<!\\)%.*", "", line)
        switch = re.match(r"V:\s*(\S+)(.*)|\[V:\s*([^\s\]]+)([^\]]*)\]", line)
        if switch:
            current = switch[1] or switch[3]
            _name_voice(f"{current} {switch[2] or switch[4] or ''}", names)
            line = "" if switch[1] else line[switch.end() :]
        if re.match(r"[A-Za-z]:", line) and line[0] not in "KMLQ":
            continue  # lyrics, parts, remarks
        if re.match(r"[KMLQ]:", line):
            line = f"[{line.strip()}]"
        voices[current] = voices.get(current, "") + line + "\n"
    return header, {voice: music for voice, music in voices.items() if music.strip()} or {"1": ""}, names


def _name_voice(text: str, names: dict[str, str]) -> None:
    words = text.split(None, 1)
    found = re.search(r'(?:name|nm)\s*=\s*"?([^"]*)', words[1]) if len(words) > 1 else None
    if words and found:
        names[words[0]] = found[1].strip()


def _fields(header: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in header:
        found = re.match(r"([A-Za-z]):(.*)", line)
        if found:
            value = re.sub(r"(?<!\\)%.*", "", found[2]).replace(r"\%", "%").strip()
            if found[1] not in fields or not fields[found[1]]:
                fields[found[1]] = value
    return fields


def _tempo(text: str) -> float:
    text = re.sub(r'"[^"]*"', "", text)
    found = re.search(r"(?:(\d+)/(\d+)\s*=\s*)?(\d+(?:\.\d+)?)", text)
    if not found or (found[2] and int(found[2]) == 0):
        return 120.0
    quarters = 4 * int(found[1]) / int(found[2]) if found[1] else 1.0
    tempo = float(found[3]) * quarters
    return tempo if 10 <= tempo <= 1000 else 120.0


_TOKENS = re.compile(
    r"""
      "(?P<quoted>[^"\n]*)"
    | \{(?P<grace>[^}\n]*)\}
    | ![^!\n]{1,30}! | \+[a-zA-Z0-9.()<>]{1,20}\+
    | \[(?P<field>[A-Za-z]):(?P<value>[^\]\n]*)\]
    | \[\s*(?P<ending>[1-9])[0-9,.\-]*
    | (?P<bar>\[\||:*\|[:|\]]*|::+)\s?(?P<volta>[1-9])?[0-9,.\-]*
    | \((?P<p>\d)(?::(?P<q>\d?))?(?::(?P<r>\d*))?
    | (?P<open>\[) | (?P<close>\])(?P<times>\d{0,6}/*\d{0,6})
    | (?P<sign>[_^=]{0,2})(?P<letter>[A-Ga-g])(?P<octave>[,']*)(?P<length>\d{0,6}/*\d{0,6})
    | (?P<rest>[zx])(?P<rest_length>\d{0,6}/*\d{0,6})
    | (?P<bars>[ZX])(?P<count>\d{0,3})
    | (?P<broken>>{1,3}|<{1,3})
    | (?P<tie>-)
    | (?P<overlay>&)
    """,
    re.X,
)


@dataclass
class _Struck:
    """The last note, chord (its top pitch) or rest. letter: its letter and octave as written."""

    pitch: int | None
    letter: tuple[str, int] | None


@dataclass
class _Voice:
    """Reads one voice from left to right, with the state an ABC player keeps: unit length, meter, key,
    accidentals of the bar.

    header: the fields of the tune. name: of the voice. file: for errors. now: the end of what was read.
    """

    header: dict[str, str]
    name: str
    budget: ReadingBudget
    file: str
    line: PartLine = field(default_factory=PartLine)
    bars: list[tuple[Fraction, Meter | None]] = field(default_factory=list)
    keys: list[KeyAt | SignatureAt] = field(default_factory=list)
    chords: list[ChordAt] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    now: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        self.line.name = self.name
        self.meter: Meter | None = None
        self.unit = Fraction(1, 2)
        self._set("M", self.header.get("M", ""))
        length = Fraction(self.meter.numerator, self.meter.denominator) if self.meter else Fraction(1)
        self.unit = Fraction(1, 4) if length < Fraction(3, 4) else Fraction(1, 2)
        self._set("L", self.header.get("L", ""))
        self.signs: dict[str, int] = dict.fromkeys("CDEFGAB", 0)
        self._set("K", self.header.get("K", ""))
        self.altered: dict[str, int] = {}
        self.bar_start = Fraction(0)
        self.opened = Fraction(0)
        self.ending: Fraction | None = None
        self.last: _Struck | None = None
        self.tie: _Struck | None = None
        self.broken: Fraction | None = None
        self.tuplet_left, self.tuplet = 0, Fraction(1)
        self.chord: list[tuple[int, Fraction, tuple[str, int]]] | None = None
        self.overlaid = False

    def play(self, text: str) -> None:
        for count, token in enumerate(_TOKENS.finditer(text)):
            if count > self.budget.signs:
                raise Unreadable(
                    f"{self.file} has more than {self.budget.signs:,} notes and signs; "
                    "cut it into smaller files."
                )
            self._token(token)
        self._bar_line("|]", None)

    def _token(self, token: re.Match[str]) -> None:
        # The group that ends last in a token says what it is; decorations have no group.
        group = token.lastgroup or ""
        if group in _ALWAYS:
            _ALWAYS[group](self, token)
        elif group in _PLAYED and not self.overlaid:
            _PLAYED[group](self, token)

    def _grace(self, _: re.Match[str]) -> None:
        self.line.grace += 1

    def _inline_field(self, token: re.Match[str]) -> None:
        self._set(token["field"], token["value"])

    def _rest(self, token: re.Match[str]) -> None:
        self._sound(None, _length(token["rest_length"]) * self.unit, None)

    def _rest_bars(self, token: re.Match[str]) -> None:
        meter = self.meter or Meter(4, 4)
        for _ in range(min(int(token["count"] or 1), 500)):
            self._sound(None, meter.bar_length, None)
            self._bar_line("|", None)

    def _begin_chord(self, _: re.Match[str]) -> None:
        self.chord = []

    def _begin_tie(self, _: re.Match[str]) -> None:
        self.tie = self.last

    def _overlay(self, _: re.Match[str]) -> None:
        self.overlaid = True

    def _quoted(self, token: re.Match[str]) -> None:
        text = token["quoted"].strip()
        if not re.match(r"[A-GN]", text):
            return  # an annotation, a fingering
        try:
            chord = parse_chord(text)
        except Unreadable:
            self.unread.append(text)
            return
        if self.chords and self.chords[-1].start == self.now:
            self.chords.pop()
        self.chords.append(ChordAt(self.now, str(chord) if chord else "N.C."))

    def _set(self, what: str, value: str) -> None:
        value = value.strip()
        if what == "M":
            added = re.fullmatch(r"\(?(\d+(?:\s*\+\s*\d+)+)\)?/(\d+)", value)
            if added:
                value = f"{sum(int(part) for part in added[1].split('+'))}/{added[2]}"
            try:
                self.meter = Meter.parse(value)
            except Refused:
                self.meter = None
        elif what == "L":
            found = re.fullmatch(r"(\d{1,3})/(\d{1,3})", value)
            if found and int(found[1]) and int(found[2]):
                self.unit = Fraction(4 * int(found[1]), int(found[2]))
        elif what == "K":
            self._set_key(value)

    def _set_key(self, value: str) -> None:
        words = [
            word
            for word in value.split()
            if "=" not in word[1:] and word not in ("treble", "bass", "alto", "exp")
        ]
        changes = [word for word in words if re.fullmatch(r"[_^=]{1,2}[A-Ga-g]", word)]
        named = " ".join(word for word in words if word not in changes)[:30]
        self.altered = {}
        if named.upper() == "HP":
            named = "A mixolydian"  # the scale of the Highland bagpipe
        named = named[:1] + named[1:].lower()  # ABC ignores case: K:EM is E minor
        try:
            key = Key.parse(named)
            self.signs = key.signature
            self.keys.append(KeyAt(self.now, key))
        except Refused:
            if self.keys or not changes:
                self.signs = dict.fromkeys("CDEFGAB", 0)
        for change in changes:
            self.signs[change[-1].upper()] = change.count("^") - change.count("_")

    def _tuplet(self, token: re.Match[str]) -> None:
        """(p:q:r means p notes in the time of q, for the next r notes."""
        p, q, r = int(token["p"]), token["q"], token["r"]
        if p < 2:
            return
        free = 3 if self.meter and self.meter.compound else 2
        usual = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}.get(p, free)
        within = int(q) if q else usual
        self.tuplet_left = min(int(r) if r else p, 64)
        self.tuplet = Fraction(max(1, within), p)

    def _note(self, token: re.Match[str]) -> None:
        letter = token["letter"].upper()
        octave = (
            (4 if token["letter"].isupper() else 5) + token["octave"].count("'") - token["octave"].count(",")
        )
        place = (letter, octave)
        if token["sign"]:
            alter = token["sign"].count("^") - token["sign"].count("_")
            self.altered[letter] = alter
        elif (
            self.tie
            and self.tie.letter == place
            and self.tie.pitch is not None
            and letter not in self.altered
        ):
            # A tied note keeps its accidental over the bar line.
            alter = self.tie.pitch - natural_pitch(letter, octave)
        else:
            alter = self.altered.get(letter, self.signs[letter])
        pitch = natural_pitch(letter, octave) + alter
        length = _length(token["length"]) * self.unit
        if self.chord is not None:
            self.chord.append((pitch, length, place))
        else:
            self._sound(pitch, length, place)

    def _end_chord(self, token: re.Match[str]) -> None:
        chord, self.chord = self.chord, None
        if chord:
            pitch, _, place = max(chord)
            self.line.stacked += len(chord) > 1
            self._sound(pitch, chord[0][1] * _length(token["times"]), place)

    def _sound(self, pitch: int | None, length: Fraction, place: tuple[str, int] | None) -> None:
        if self.tuplet_left:
            length *= self.tuplet
            self.tuplet_left -= 1
        if self.broken is not None:
            length *= self.broken
            self.broken = None
        if length.numerator <= 0 or (pitch is not None and not 0 <= pitch <= 127):
            return
        tied = self.tie is not None and pitch is not None and self.tie.pitch == pitch
        self.tie = None
        start, self.now = self.now, self.now + length
        self.line.notes.append(FoundNote(start, self.now, pitch, tied))
        self.last = _Struck(pitch, place)
        if self.now.numerator > self.budget.quarters * self.now.denominator:
            raise Unreadable(
                f"{self.file} lasts longer than {self.budget.quarters:,} quarter notes; "
                "cut it into smaller files."
            )

    def _break_rhythm(self, token: re.Match[str]) -> None:
        """A>B lengthens the first note by half and shortens the second; A>>B by three quarters; A<B is the
        reverse.
        """
        if not self.line.notes or self.last is None:
            return
        signs = token["broken"]
        short = Fraction(1, 2 ** len(signs))
        mine, other = (2 - short, short) if signs[0] == ">" else (short, 2 - short)
        note = self.line.notes[-1]
        self.now = note.start + (note.end - note.start) * mine
        self.line.notes[-1] = note._replace(end=self.now)
        self.broken = other

    def _bar(self, token: re.Match[str]) -> None:
        self._bar_line(token["bar"], token["volta"])

    def _bar_line(self, sign: str, volta: str | None) -> None:
        self.overlaid = False
        if self.now > self.bar_start:
            self.bars.append((self.now - self.bar_start, self.meter))
            self.bar_start = self.now
        self.altered = {}
        self.broken = None
        if sign.startswith(":") and self.opened < self.now:
            ending = (
                self.ending if self.ending is not None and self.opened <= self.ending < self.now else None
            )
            self.repeats.append(Repeat(self.opened, self.now, ending))
        if ":" in sign or "||" in sign or "]" in sign or sign == "[|":
            # A second ending belongs to the section before; what follows it begins a new one.
            self.opened = self.now
            self.ending = None
        if volta == "1":
            self.ending = self.now

    def _ending(self, token: re.Match[str]) -> None:
        if token["ending"] == "1":
            self.ending = self.now


_ALWAYS: dict[str, Callable[[_Voice, re.Match[str]], None]] = {
    "quoted": _Voice._quoted,
    "grace": _Voice._grace,
    "value": _Voice._inline_field,
    "ending": _Voice._ending,
    "bar": _Voice._bar,
    "volta": _Voice._bar,
}
"""What to do with a token, by its last group."""

_PLAYED: dict[str, Callable[[_Voice, re.Match[str]], None]] = {
    "p": _Voice._tuplet,
    "q": _Voice._tuplet,
    "r": _Voice._tuplet,
    "open": _Voice._begin_chord,
    "times": _Voice._end_chord,
    "length": _Voice._note,
    "rest_length": _Voice._rest,
    "count": _Voice._rest_bars,
    "broken": _Voice._break_rhythm,
    "tie": _Voice._begin_tie,
    "overlay": _Voice._overlay,
}
"""The same for tokens that are skipped in an overlay: the notes from & to the bar line are another voice."""


@lru_cache(maxsize=1 << 10)
def _length(text: str) -> Fraction:
    """ "" is 1, "3" 3, "/" 1/2, "//" 1/4, "3/2" 3/2."""
    found = re.fullmatch(r"(\d*)(/*)(\d*)", text)
    if not found or not text:
        return Fraction(1)
    top = int(found[1]) if found[1] else 1
    bottom = 1
    if found[2]:
        bottom = int(found[3]) if found[3] else 2 ** min(len(found[2]), 8)
    with contextlib.suppress(ZeroDivisionError):
        return Fraction(top, bottom)
    return Fraction(1)
