"""ABC tunes (abcnotation.com, standard 2.1), read note by note.

music21 10.5 reads ABC too, but forty times slower, and it loses ties before a change of meter, counts grace
notes as members of a tuplet and drops lengths around fingerings. The tests compare this reader with music21
where that is right. `abc_lines` cuts a tune into voices, `abc_fields` reads its fields.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from studio.errors import Unreadable
from studio.music.reading.abc_fields import (
    KeyField,
    read_key,
    read_meter,
    read_tempo,
    read_text,
    read_unit,
    usual_unit,
)
from studio.music.reading.abc_lines import TuneLines, split_tune
from studio.music.reading.abc_words import VoiceWords
from studio.music.reading.assembling import (
    NO_MELODY,
    TEMPO_CHANGES,
    FoundNote,
    FoundTune,
    PartLine,
    SignatureAt,
    assemble,
    barred,
    choose_melody,
    on_tempi,
    part_of,
    remarks_on,
    remarks_on_parts,
    sung_in,
    tempi_after,
    without_meter,
)
from studio.music.reading.budget import OfMelody, Reading, ReadingBudget
from studio.music.reading.chord_symbols import PrintedSymbol, read_symbols
from studio.music.reading.encodings import in_its_encoding
from studio.music.reading.found_words import borrowed, words_under
from studio.music.reading.jumps import jump_in, settled
from studio.music.reading.pieces import READING_RULES
from studio.music.reading.repeats import MOST_TIMES, RepeatSigns, passes_of, told_of_times
from studio.music.scores.bars import Grid
from studio.music.scores.chords import parse_chord
from studio.music.scores.clefs import Clef
from studio.music.scores.jumps import BACK, FINE, JumpMark
from studio.music.scores.keys import KeyAt
from studio.music.scores.meters import Meter
from studio.music.scores.pitches import natural_pitch
from studio.music.scores.scores import Part, ScoreMarks
from studio.music.scores.tunes import Tune
from studio.music.scores.words import Syllable


def read_abc(
    text: str, name: str, budget: ReadingBudget, *, parts: bool = False, rules: str = READING_RULES
) -> Reading:
    """The melody of one ABC tune. parts: and all its voices as parts. Raises `Unreadable`."""
    text, guessed = in_its_encoding(text)
    lines = split_tune(text, rules, parts=parts)
    fields = lines.fields
    if "K" not in fields:
        raise Unreadable(f"{name} has no key (K:), without which ABC cannot be read; add one such as K:D.")
    players = _played(lines, budget, name, rules, parts=parts)
    if rules >= "3":
        drums = [label in lines.drums for label in lines.voices]
        _mark_drums(players, drums, sheet=rules >= "4" and any(player.symbols for player in players))
    sheet = next((player for player in players if player.symbols and player.line.notes), None)
    if sheet and not any(player.line.count and not player.line.percussion for player in players):
        player, chosen = sheet, _silent(sheet.line)  # of chords
    else:
        chosen = choose_melody([player.line for player in players], name, rules)
        player = next(player for player in players if player.line is chosen)
    # Chords may be written in any voice; where two voices have one, that of the melody counts.
    symbols = read_symbols(_without_dynamics([player, *(each for each in players if each is not player)]))
    tempos = [each for player in players for each in player.tempos]
    marks = _marks_of(players)
    bars = barred(player.bars)
    grid = Grid.of_bars(bars, cut_long=True)
    jumps = settled(
        player.jumps or next((each.jumps for each in players if each.jumps), []), player.edges, grid.pickup
    )
    found = FoundTune(
        chosen,
        grid,
        player.now,
        keys=player.keys,
        chords=symbols.chords,
        repeats=player.signs_of_repeats.finish(player.now),
        jumps=jumps.jumps,
        title=read_text(fields.get("T", "")),
        composer=read_text(fields.get("C", "")),
        tempo=tempos[0] if tempos else 120.0,
        remarks=[
            *([] if chosen.count else [NO_MELODY]),
            *remarks_on(chosen, len(players), symbols.unread),
            *symbols.remarks,
            *player.remarks,
            *jumps.remarks,
            *([on_tempi(marks.tempi) if parts else TEMPO_CHANGES] if len(set(tempos)) > 1 else []),
            *lines.remarks,
            *([without_meter(bars[0][1])] if fields.get("M", "").strip().lower() == "none" else []),
        ],
    )
    found.remarks += guessed
    tune = assemble(found, name, budget)
    words, told = _words_of(tune, player, players, rules)
    if parts and marks.sections:
        lines.left.pop("Marks of parts (P:)", None)
    found.remarks += [*told, *_overlays_of(player), *_left_out(players, lines)]
    if words or lines.text:
        tune = replace(tune, words=words, text=tuple(lines.text))
    if player.transposed:
        tune, moved = tune.transposed(player.transposed), player.transposed
        found.remarks.append(f"The file says transpose={moved}, so notes, key and chords are as they sound.")
    if not parts:
        return Reading((tune,), tuple(found.remarks))
    kept = _parts_of(players, list(lines.voices))
    found.remarks += remarks_on_parts([player.line for player in players])
    return Reading((tune,), tuple(found.remarks), parts=(kept,), marks=(marks,))


def _marks_of(players: Sequence[_Voice]) -> ScoreMarks:
    """What stands over the voices: each mark at the place it has in the first voice with marks there."""
    sections: dict[Fraction, str] = {}
    for player in players:
        for place, name in player.sections:
            sections.setdefault(place, name)
    tempi = sorted({each for player in players for each in player.tempi}, key=lambda each: each[0])
    return ScoreMarks(tuple(sorted(sections.items())), tempi_after(tempi))


def _played(lines: TuneLines, budget: ReadingBudget, name: str, rules: str, *, parts: bool) -> list[_Voice]:
    """The voices of a tune, each played to its end. name: of the file. parts: overlays are read too."""
    players = []
    for voice, music in lines.voices.items():
        player = _Voice(
            lines.fields,
            lines.names.get(voice, ""),
            budget,
            name,
            lines.clefs.get(voice),
            lines.lyrics,
            parts,
            rules,
            symbols_of=lines.symbols,
        )
        player.line.lead = voice == lines.melody
        player.play(music)
        player.line.sung = sung_in((lyric.place, lyric.text) for lyric in player.words.found)
        players.append(player)
    return players


def _silent(line: PartLine) -> PartLine:
    """The line of a sheet of chords: drums on it are no melody."""
    if not line.count:
        return line
    return PartLine(line.name, [note._replace(pitch=None, alter=None) for note in line.notes])


def _mark_drums(players: list[_Voice], drums: list[bool], *, sheet: bool) -> None:
    """Say which voices are drums, unless nothing else has notes. sheet: or chord symbols."""
    if sheet or any(player.line.count and not drum for player, drum in zip(players, drums, strict=True)):
        for player, drum in zip(players, drums, strict=True):
            player.line.percussion = drum


def _words_of(
    tune: Tune, melody: _Voice, players: list[_Voice], rules: str
) -> tuple[tuple[Syllable, ...], list[str]]:
    """The words of the melody and what to say about them. Where its voice has none, those of another voice
    that stand under its notes.
    """
    others = [] if melody.words.found else [each for each in players if each.words.found][:1]
    lyrics = [(lyric.place, lyric, True) for lyric in melody.words.found]
    for each in others:
        found = [(lyric.place, lyric, rules >= "3") for lyric in each.words.found]
        lyrics += borrowed(part_of(each.line, found).words) if rules >= "3" else found
    words, joined, lost = words_under(tune.notes, lyrics)
    short = sum(each.words.left for each in players)
    elsewhere = sum(len(each.words.found) for each in players if each is not melody and each not in others)
    return words, [
        *_borrowed_from(others, players, len(words)),
        *(
            f"{sentence}: {count}."
            for sentence, count in (
                ("Syllables put together because they stand under one tied note", joined),
                ("Syllables left out because they stand under no note of the melody", lost + elsewhere),
                ("Syllables left out because their line has fewer notes", short),
            )
            if count
        ),
    ]


def _borrowed_from(others: list[_Voice], players: list[_Voice], count: int) -> list[str]:
    """Whose words stand under a melody without words of its own."""
    return [
        OfMelody(
            f"The melody has no words of its own; those of {each.line.name!r} stand under it: {count}."
            if each.line.name
            else "The melody has no words of its own; those of voice "
            f"{players.index(each) + 1} of {len(players)} stand under it: {count}."
        )
        for each in others
        if count
    ]


def _overlays_of(melody: _Voice) -> list[str]:
    """Voices that are laid over the melody are kept in its part, and not in the melody itself."""
    count = melody.overlaid_notes
    return [OfMelody(f"Notes of overlaid voices (&) left out of the melody: {count}.")] if count else []


def _left_out(players: list[_Voice], lines: TuneLines) -> list[str]:
    """How much of what a player would see is in no tune."""
    left = Counter(lines.left)
    for player in players:
        left += player.left
    return [f"{what} left out: {count}." for what, count in left.items()]


def _parts_of(players: list[_Voice], labels: list[str]) -> tuple[Part, ...]:
    """Every voice with notes as a part, as it sounds."""
    parts = []
    for player, label in zip(players, labels, strict=True):
        if not player.line.count:
            continue
        line, moved = player.line, player.transposed
        if moved:
            line.notes, line.others = _moved(line.notes, moved), _moved(line.others, moved)
        if not line.name and len(players) > 1 and not label.isdigit():
            line.name = label
        parts.append(part_of(line, [(lyric.place, lyric, True) for lyric in player.words.found]))
    return tuple(parts)


def _moved(notes: list[FoundNote], semitones: int) -> list[FoundNote]:
    return [
        note
        if note.pitch is None
        else note._replace(pitch=max(0, min(127, note.pitch + semitones)), alter=None)
        for note in notes
    ]


_SIGNS = r"""
      "(?P<quoted>[^"\n]*)"
    | \{(?P<grace>[^}\n]*)\}
    | ![^!\n]{1,30}! | \+(?P<old>(?!f{1,4}\+)(?:[_^=]{0,2}[A-Ga-gz][,']*[0-9/]*-?){2,12})\+
      (?P<old_times>\d{0,6}/*\d{0,6})
    | \+[a-zA-Z0-9.()<>]{1,20}\+
    | \[(?P<field>[A-Za-z]):(?P<value>[^\]\n]*)\]
    | \[\s*(?P<ending>[1-9][0-9,.\-]*|"[1-9][0-9,.\-]*")
    | (?P<bar>\[\|\]?|:*\|[:|\]]*|::+)\s?(?P<volta>[1-9][0-9,.\-]*)?
    | \((?P<p>\d{1,3}(?=:)|\d)(?::(?P<q>\d{0,3}))?(?::(?P<r>\d*))?
    | (?P<open>\[(?=[^][|]*\])) | (?P<close>\])(?P<times>\d{0,6}/*\d{0,6})
    | (?P<sign>[_^=]{0,2})(?P<letter>[A-Ga-g])(?P<octave>[,']*)(?P<length>\d{0,6}/*\d{0,6})
    | (?P<rest>[zx])(?P<rest_length>\d{0,6}/*\d{0,6})
    | (?P<bars>[ZX])(?P<count>\d{0,3})
    | (?P<broken>>{1,3}|<{1,3})
    | (?P<tie>-)
    | (?P<overlay>&)
    | (?P<line>\x02) | \x03(?P<sung>\d+)
    """
_TOKENS = re.compile(_SIGNS, re.X)
"""The signs of a line of music. An ending may be named (["2-3"), and a bracket without its end in the bar is
no chord.
"""

_SIGNS_6 = _SIGNS.replace(r"(?P<bar>\[\|\]?|", r"(?P<bar>\[\|:+|:+\]|\[:+|\[\|\]?|")
"""The signs by the rules of 6, in which [: and :] are those of repeats, as |: and :| are (ABC 2.1,
section 4.8).
"""

_TOKENS_3 = re.compile(_SIGNS.replace(r"\d{1,3}(?=:)|\d)(?::(?P<q>\d{0,3})", r"\d)(?::(?P<q>\d?)"), re.X)
_TOKENS_BEFORE = re.compile(
    _TOKENS_3.pattern.replace('|"[1-9][0-9,.\\-]*")', ")").replace(r"(?=[^][|]*\])", ""), re.X
)
"""The same by the rules of 3, which knew no tuplets of ten notes and more, and by those before."""


@lru_cache(maxsize=64)
def _tokens_with(letters: str, rules: str) -> re.Pattern[str]:
    """The signs of a line where these letters stand for da capo and the like. rules: 5 or later."""
    signs = _SIGNS_6 if rules >= "6" else _SIGNS
    return re.compile(signs + rf"| (?P<jump>[{letters}])" if letters else signs, re.X)


_SHORT = {"S": "segno", "O": "coda"}
"""Letters that stand for a jump where the tune does not define them otherwise (section 4.14)."""


JUMPS = "Jumps and their marks (D.C., D.S., fine, coda)"
_JUMPS = re.compile(r"[!+](D\.[CS]\.|da(capo|coda)|fine|segno|coda)", re.I)

NO_CHORDS = "Texts above the notes that are not chord symbols"

_LATER = re.compile(r"tempo (\d{1,6})/([1-9]\d{0,5}) of a quarter note later")

Place = tuple[str, int]
"""The letter and octave of a note as it is written."""


class _Overlay(NamedTuple):
    """Where a voice was when an overlay began, the state it goes on with, and the overlay's number in its
    bar.
    """

    number: int
    now: Fraction
    tied: dict[Place, int]
    struck: dict[Place, int]
    broken: Fraction | None


@dataclass
class _Voice:
    """Reads one voice from left to right, with the state an ABC player keeps: unit length, meter, key,
    accidentals of the bar.

    header: the fields of the tune. name: of the voice. file: for errors. clef: what the voice's V: says of
    it. lyrics: the lines of words of the tune. parts: whether overlays are read too. rules: see
    READING_RULES. symbols_of: letters that stand for signs (U:). now: the end of what was read. tempos: in
    quarter notes a minute, in order. tempi: with their places. sections: names of parts (P:), likewise.
    left: what was left out -> how often. jumps: as they stand. edges: of the bars.
    """

    header: dict[str, str]
    name: str
    budget: ReadingBudget
    file: str
    clef: KeyField | None = None
    lyrics: list[str] = field(default_factory=list)
    parts: bool = False
    rules: str = READING_RULES
    symbols_of: dict[str, str] = field(default_factory=dict)
    line: PartLine = field(default_factory=PartLine)
    words: VoiceWords = field(default_factory=VoiceWords)
    bars: list[tuple[Fraction, Meter | None]] = field(default_factory=list)
    keys: list[KeyAt | SignatureAt] = field(default_factory=list)
    symbols: list[PrintedSymbol] = field(default_factory=list)
    signs_of_repeats: RepeatSigns = field(default_factory=RepeatSigns)
    remarks: list[str] = field(default_factory=list)
    tempos: list[float] = field(default_factory=list)
    tempi: list[tuple[Fraction, float]] = field(default_factory=list)
    sections: list[tuple[Fraction, str]] = field(default_factory=list)
    now: Fraction = Fraction(0)
    transposed: int = 0
    left: Counter[str] = field(default_factory=Counter)
    jumps: list[JumpMark] = field(default_factory=list)
    edges: list[Fraction] = field(default_factory=list)

    def __post_init__(self) -> None:
        stand_for = _SHORT | {sign: text.strip('!+"') for sign, text in self.symbols_of.items()}
        self.letters = {sign: text for sign, text in stand_for.items() if jump_in(text.lstrip("^_<>@"))}
        self.waiting: list[JumpMark] = []  # that end a stretch and stand where a bar begins
        self.line.name = self.name
        self.begins_with: Clef | None = None  # until the music begins
        self.signs_of_repeats.goes_back = self.rules >= "3"
        self.meter = read_meter(self.header.get("M", "").strip())
        self.unit = usual_unit(self.meter)
        self.durations: dict[str, Fraction] = {}
        self._set("L", self.header.get("L", ""))
        self._set("Q", self.header.get("Q", ""))
        self.signs: dict[str, int] = dict.fromkeys("CDEFGAB", 0)
        self.shift = 0
        self._set("K", self.header.get("K", ""))
        if self.clef:
            self._set_clef(self.clef)
        self.line.clef = self.begins_with
        self.altered: dict[str, int] = {}
        self.bar_start = Fraction(0)
        self.struck: dict[Place, int] = {}
        self.tied: dict[Place, int] = {}
        self.broken: Fraction | None = None
        self.tuplet_left, self.tuplet = 0, Fraction(1)
        self.into = self.line.notes
        self.overlay: _Overlay | None = None
        self.overlays: dict[int, dict[Place, int]] = {}
        self.loose: set[tuple[Fraction, int]] = set()  # ties of the voice itself that may go on in an overlay
        self.chord: list[tuple[int, Fraction, Place]] | None = None
        self.chord_ties: dict[Place, int] = {}
        self.printed: list[str] = []
        self.overlaid = False
        self.overlaid_notes = 0  # that are kept in the part

    def play(self, text: str) -> None:
        end, between = 0, []
        tokens = _TOKENS if self.rules >= "4" else _TOKENS_3 if self.rules == "3" else _TOKENS_BEFORE
        if self.rules >= "5":
            tokens = _tokens_with("".join(sorted(self.letters)), self.rules)
        for count, token in enumerate(tokens.finditer(text)):
            if count > self.budget.signs:
                raise Unreadable(
                    f"{self.file} has more than {self.budget.signs:,} notes and signs; "
                    "split it into smaller files."
                )
            if token.start() > end:
                between.append(text[end : token.start()])
            end = token.end()
            self._token(token)
        self._bar_line("|]", None)
        signs = Counter("".join(between))
        marks = {*"~.HJLMOPRSTuv", *self.symbols_of}
        self.left["Ornaments, dynamics and other marks"] += sum(signs[sign] for sign in marks)
        self.left["Microtones (the quarters of their sharps and flats)"] += sum(
            bool(re.search(r"[_^]\d*/", text)) for text in between
        )
        self.left["Slurs"] += min(signs["("], signs[")"])
        self.symbols += [PrintedSymbol(self.now, text, self.now) for text in self.printed]

    def _token(self, token: re.Match[str]) -> None:
        # The group that ends last in a token says what it is; decorations have no group.
        group = token.lastgroup or ""
        if not group:
            self._decoration(token[0])
        elif group in _ALWAYS:
            _ALWAYS[group](self, token)
        elif not self.overlaid or self.parts:
            self.overlaid_notes += self.overlaid and group == "length"
            _PLAYED[group](self, token)
        elif group == "length":
            self.left["Notes of overlaid voices (&)"] += 1

    def _decoration(self, sign: str) -> None:
        """A sign such as !trill!, or !D.C.!, which is a jump."""
        if self.rules >= "5" and self._jumps(sign[1:-1]):
            return
        jump = self.rules < "5" and _JUMPS.match(sign)
        self.left[JUMPS if jump else "Ornaments, dynamics and other marks"] += 1

    def _letter(self, token: re.Match[str]) -> None:
        self._jumps(self.letters[token["jump"]])

    def _jumps(self, text: str) -> bool:
        """Whether these words are a jump, which is then noted where it stands. One that ends a stretch and
        stands after a bar line ends the bar that begins there, or what is before if no note follows it.
        """
        mark = jump_in(re.sub(r"^[\^_<>]|^@[-\d., ]*", "", text).strip("<> "))
        if mark is None or self.overlaid:
            return mark is not None
        mark = replace(mark, start=self.now)
        ends = mark.kind in BACK or mark.kind == FINE
        (self.waiting if ends and self.now == self.bar_start else self.jumps).append(mark)
        return True

    def _settle(self, place: Fraction) -> None:
        """The jumps that waited for what comes after them hold at this place."""
        self.jumps += [replace(mark, start=place) for mark in self.waiting]
        self.waiting = []

    def _grace(self, _: re.Match[str]) -> None:
        self.line.grace += 1

    def _inline_field(self, token: re.Match[str]) -> None:
        self._set(token["field"], token["value"])

    def _rest(self, token: re.Match[str]) -> None:
        self._sound(None, self._duration(token["rest_length"]), {})

    def _rest_bars(self, token: re.Match[str]) -> None:
        meter = self.meter or Meter(4, 4)
        for _ in range(min(int(token["count"] or 1), 500)):
            self._sound(None, meter.bar_length, {})
            self._bar_line("|", None)

    def _begin_chord(self, _: re.Match[str]) -> None:
        self.chord, self.chord_ties = [], {}

    def _begin_tie(self, _: re.Match[str]) -> None:
        """Inside a chord, a tie is that of one note; after it, those of all (ABC 2.1, section 4.11)."""
        if self.chord:
            pitch, _length, place = self.chord[-1]
            self.chord_ties[place] = pitch
        elif self.chord is None:
            self.tied = self.struck

    def _old_chord(self, token: re.Match[str]) -> None:
        """+CEG+, as chords were written before ABC 2.0 (section 10)."""
        self.chord, self.chord_ties = [], {}
        for note in _TOKENS.finditer(token["old"]):
            if note.lastgroup in ("length", "tie"):
                _PLAYED[note.lastgroup](self, note)
        self._strike(_length(token["old_times"]))

    def _begin_overlay(self, _: re.Match[str]) -> None:
        """& goes back to the beginning of the bar, for another voice (section 7.4)."""
        self.overlaid = True
        if not self.parts:
            return
        before = self.overlay
        self._end_overlay()
        number = before.number + 1 if before else 0
        self.overlay = _Overlay(number, self.now, self.tied, self.struck, self.broken)
        self.now, self.into = self.bar_start, self.line.others
        self.tied, self.struck, self.broken = self.overlays.pop(number, {}), {}, None

    def _end_overlay(self) -> None:
        """Back to where the first voice was."""
        overlay, self.overlay = self.overlay, None
        if overlay:
            self.overlays[overlay.number] = self.tied
            self.now, self.into = overlay.now, self.line.notes
            self.tied, self.struck, self.broken = overlay.tied, overlay.struck, overlay.broken

    def _line_begins(self, _: re.Match[str]) -> None:
        self.words.line_begins(len(self.line.notes))
        if self.now == self.bar_start:
            self._settle(self.now)

    def _sing(self, token: re.Match[str]) -> None:
        self.words.sing(self.lyrics[int(token["sung"])], self.line.notes)

    def _quoted(self, token: re.Match[str]) -> None:
        """A chord symbol. What begins with one of ^_<>@ is an annotation (sections 4.18 and 4.19)."""
        for text in re.split(r";|\\n", token["quoted"]):
            text = text.strip()
            if self.rules >= "5" and self._jumps(text):
                continue
            if (
                text
                and text[0] not in "^_<>@0123456789"
                and (re.match(r"[(\[]?[A-HN]", text) or _is_chord(text))
            ):
                self.printed.append(text)
            elif text:
                self.left[NO_CHORDS] += 1

    def _set(self, what: str, value: str) -> None:
        value = value.strip()
        if what == "M":
            self.meter = read_meter(value)
        elif what == "L":
            self.unit, self.durations = read_unit(value) or self.unit, {}
        elif what == "Q" and value:
            tempo = read_tempo(value, self.unit)
            self.tempos += [] if tempo is None else [tempo]
            self.tempi += [] if tempo is None else [(self.now, tempo)]
            if tempo is None and (told := _without_number(value)) not in self.remarks:
                self.remarks.append(told)
        elif what == "r" and self.tempi and (later := _LATER.fullmatch(value)):
            # The studio's own remark on a tempo that stands before its place.
            place, tempo = self.tempi[-1]
            self.tempi[-1] = place + Fraction(int(later[1]), int(later[2])), tempo
        elif what == "P" and value:
            self.sections.append((self.now, read_text(value)))
        elif what == "K":
            self._set_key(value)
        elif what == "v" and self.parts:
            self._go_on_in(read_key(value))

    def _set_key(self, value: str) -> None:
        found = read_key(value)
        self.altered = {}
        if found.signs is not None:
            self.signs = found.signs
        said = value.strip()[:30]
        if found.key is None and found.signs is not None and said and not said.lower().startswith("none"):
            self.remarks.append(f"The key K:{said} cannot be read; write it like K:G, K:Gm or K:D dorian.")
        if found.key:
            self.keys.append(KeyAt(self.now, found.key))
            if found.guessed:
                self.remarks.append(
                    f"The key signature is written out (K:{value[:30]}); the nearest key is {found.key}."
                )
            elif found.signs is not None and found.signs != found.key.signature:
                self.remarks.append(
                    f"The key has accidentals of its own (K:{value[:30]}); the notes have them, but "
                    f"the tune's key is {found.key}."
                )
        self._set_clef(found)

    def _set_clef(self, clef: KeyField) -> None:
        self.begins_with = clef.clef or self.begins_with
        if clef.clef:
            self.line.clefs.append((self.now, clef.clef))
        if clef.shift is not None:
            self.shift = clef.shift - clef.transposed
            self.transposed = clef.transposed

    def _go_on_in(self, voice: KeyField) -> None:
        """The clef of a voice that goes on. It moves no notes, so an octave that would is not printed."""
        if voice.clef:
            moves = voice.shift is not None and voice.shift - voice.transposed != self.shift
            self.line.clefs.append((self.now, replace(voice.clef, octaves=0) if moves else voice.clef))

    def _tuplet(self, token: re.Match[str]) -> None:
        """(p:q:r means p notes in the time of q, for the next r notes."""
        p, q, r = int(token["p"]), token["q"], token["r"]
        if p < 2:
            return
        free = 3 if self.meter and self.meter.compound else 2
        usual = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}.get(p, free)
        within = int(q) if q else usual
        self.tuplet_left = min(int(r) if r else p, 999 if self.rules >= "4" else 64)
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
        elif place in self.tied and letter not in self.altered:
            # A tied note keeps its accidental over the bar line.
            alter = self.tied[place] - natural_pitch(letter, octave)
        else:
            alter = self.altered.get(letter, self.signs[letter])
        pitch = natural_pitch(letter, octave) + alter
        length = self._duration(token["length"])
        if self.chord is not None:
            self.chord.append((pitch, length, place))
        else:
            self._sound(pitch, length, {place: pitch}, alter)

    def _duration(self, text: str) -> Fraction:
        """The length that is written behind a note, in quarter notes."""
        length = self.durations.get(text)
        if length is None:
            length = self.durations[text] = _length(text) * self.unit
        return length

    def _end_chord(self, token: re.Match[str]) -> None:
        self._strike(_length(token["times"]))

    def _strike(self, times: Fraction) -> None:
        """The chord that was collected sounds."""
        chord, self.chord = self.chord, None
        if chord:
            if not self.overlay:
                self.line.stacked += len(chord) > 1
            top, _, place = max(chord)
            struck = {place: pitch for pitch, _, place in chord}
            self.line.shared += len(chord) - len(struck)
            self._sound(top, chord[0][1] * times, struck, top - natural_pitch(*place))
            self.tied = self.chord_ties

    def _sound(
        self, pitch: int | None, length: Fraction, struck: dict[Place, int], alter: int | None = None
    ) -> None:
        """A note, chord or rest. pitch: the highest, as it is written. struck: all of its notes. alter: of
        the highest.
        """
        if self.tuplet_left:
            length *= self.tuplet
            self.tuplet_left -= 1
        if self.broken is not None:
            length *= self.broken
            self.broken = None
        if length.numerator <= 0:
            return
        ties, self.tied = set(self.tied.values()), {}
        if self.overlay and self.rules >= "4":
            ties |= {each for each in struck.values() if (self.now, each) in self.loose}
        elif ties:
            self.loose |= {(self.now, each) for each in ties.difference(struck.values())}
        tied = pitch is not None and pitch in ties
        if pitch is not None and not 0 <= pitch + self.shift <= 127:
            pitch, struck = None, {}
            self.line.out_of_range += 1
        start, self.now = self.now, self.now + length
        sounds = None if pitch is None else pitch + self.shift
        voice = self.overlay.number + 1 if self.overlay else 0
        self.into.append(FoundNote(start, self.now, sounds, tied, alter, voice))
        if len(struck) > 1:
            self.line.others += [
                FoundNote(
                    start, self.now, each + self.shift, each in ties, each - natural_pitch(*place), voice
                )
                for place, each in struck.items()
                if each != pitch and 0 <= each + self.shift <= 127
            ]
        self.struck = struck
        if self.printed and not self.overlay:
            self.symbols += [PrintedSymbol(start, text, self.now) for text in self.printed]
            self.printed = []

    def _break_rhythm(self, token: re.Match[str]) -> None:
        """A>B lengthens the first note by half and shortens the second; A>>B by three quarters; A<B is the
        reverse.
        """
        if not self.into:
            return
        signs = token["broken"]
        short = Fraction(1, 2 ** len(signs))
        mine, other = (2 - short, short) if signs[0] == ">" else (short, 2 - short)
        note = self.into[-1]
        start = note.start
        self.now = start + (note.end - start) * mine
        self.into[-1] = note._replace(end=self.now)
        # The other notes of a chord.
        others = self.line.others
        for place in range(len(others) - 1, -1, -1):
            if others[place].start != start or others[place].end != note.end:
                break
            others[place] = others[place]._replace(end=self.now)
        self.broken = other

    def _bar(self, token: re.Match[str]) -> None:
        self._bar_line(token["bar"], token["volta"])

    def _bar_line(self, sign: str, volta: str | None) -> None:
        if self.overlaid:
            self._end_overlay()
            self.overlaid = False
        self.words.bars.append(len(self.line.notes))
        self._settle(self.now)
        if self.now != self.bar_start:
            self.bars.append((self.now - self.bar_start, self.meter))
            self.bar_start = self.now
            self.edges.append(self.now)
            if self.now > self.budget.quarters:
                raise Unreadable(
                    f"{self.file} lasts longer than {self.budget.quarters:,} quarter notes; "
                    "split it into smaller files."
                )
        self.altered = {}
        self.broken = None
        self.signs_of_repeats.bar_line(self.now)
        if sign == "|" and volta is None:
            return
        # |: and :| repeat twice, |:: and ::| three times (section 4.8); :: is the end of one and the start of
        # another.
        before, after = len(sign) - len(sign.lstrip(":")), len(sign) - len(sign.rstrip(":"))
        if before == len(sign):
            before = after = max(1, len(sign) // 2)
        most = max(before, after) + 1
        if most > MOST_TIMES and (told := told_of_times(str(most), MOST_TIMES)) not in self.remarks:
            self.remarks.append(told)
        if before:
            self.signs_of_repeats.closes(self.now, before + 1)
        if ("||" in sign or "]" in sign or sign == "[|") and sign != "[|]":
            self.signs_of_repeats.double_bar(self.now, final="||" not in sign)
        if after:
            self.signs_of_repeats.opens(self.now, after + 1)
        if volta:
            self.signs_of_repeats.ending(self.now, passes_of(volta))

    def _ending(self, token: re.Match[str]) -> None:
        self.signs_of_repeats.ending(self.now, passes_of(token["ending"].strip('"')))


_ALWAYS: dict[str, Callable[[_Voice, re.Match[str]], None]] = {
    "quoted": _Voice._quoted,
    "grace": _Voice._grace,
    "value": _Voice._inline_field,
    "ending": _Voice._ending,
    "bar": _Voice._bar,
    "volta": _Voice._bar,
    "line": _Voice._line_begins,
    "sung": _Voice._sing,
    "jump": _Voice._letter,
}
"""What to do with a token, by its last group."""

_PLAYED: dict[str, Callable[[_Voice, re.Match[str]], None]] = {
    "p": _Voice._tuplet,
    "q": _Voice._tuplet,
    "r": _Voice._tuplet,
    "open": _Voice._begin_chord,
    "times": _Voice._end_chord,
    "old_times": _Voice._old_chord,
    "length": _Voice._note,
    "rest_length": _Voice._rest,
    "count": _Voice._rest_bars,
    "broken": _Voice._break_rhythm,
    "tie": _Voice._begin_tie,
    "overlay": _Voice._begin_overlay,
}
"""The same for tokens that are skipped in an overlay: the notes from & to the bar line are another voice."""


def _without_number(tempo: str) -> str:
    """What to say about a tempo in words alone, such as Q:"Allegro"."""
    said = read_text(tempo.strip(' "'))[:40]
    return f'The tempo {said!r} has no number and was left out; write it like Q:"{said}" 1/4=120.'


def _without_dynamics(players: list[_Voice]) -> list[list[PrintedSymbol]]:
    """The chord symbols of each voice. An "f" that is the only small letter among them means loud."""
    small = {symbol.text for player in players for symbol in player.symbols if symbol.text[0].islower()}
    if small != {"f"}:
        return [player.symbols for player in players]
    for player in players:
        player.left[NO_CHORDS] += sum(each.text == "f" for each in player.symbols)
    return [[each for each in player.symbols if each.text != "f"] for player in players]


@lru_cache(maxsize=1024)
def _is_chord(text: str) -> bool:
    try:
        parse_chord(text)
    except Unreadable:
        return False
    return True


@lru_cache(maxsize=4096)
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
