"""Cuts the text of one ABC tune into its fields and the music of each voice."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from studio.music.reading.abc_fields import KeyField, read_key, read_text
from studio.music.reading.abc_prose import Prose
from studio.music.reading.pieces import OF_THE_BOOK, READING_RULES


@dataclass
class TuneLines:
    """fields: the header's, the first of each letter, and all composers. voices: the music of each voice,
    fields as [K:D], with marks for lines (see LINE_MARK).

    names, clefs: of voices that state them. drums: voices on a percussion clef or on channel 10. lyrics: the
    lines of words (w:). melody: the voice that is, where the file says so. text: the words below the music
    (W:). symbols: letters that the tune or its book defines (U:) -> what they stand for. left: what was left
    out -> how often. remarks: on the rest of it.
    """

    fields: dict[str, str] = field(default_factory=dict)
    voices: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    clefs: dict[str, KeyField] = field(default_factory=dict)
    drums: set[str] = field(default_factory=set)
    lyrics: list[str] = field(default_factory=list)
    melody: str = ""
    text: list[str] = field(default_factory=list)
    symbols: dict[str, str] = field(default_factory=dict)
    left: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)


LINE_MARK, WORDS_MARK = "\x02", "\x03"
"""What stands before a line of music, and before the number of a line of words. No file has them."""


_NO_MARKS = str.maketrans("", "", LINE_MARK + WORDS_MARK)


def split_tune(text: str, rules: str = READING_RULES, *, parts: bool = False) -> TuneLines:
    """A tune's lines, sorted. The header ends with K:, and a blank line after music ends the tune (ABC 2.1,
    section 2.2); what follows is free text. rules: see READING_RULES; those before 4 took every line before
    it for music that is no field. parts: clefs of voices that go on are kept, as [v:clef=tenor].
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").translate(_NO_MARKS).split("\n")
    if rules >= "5":
        lines = [line.removeprefix(OF_THE_BOOK) for line in lines]
    else:
        lines = [line for line in lines if not line.startswith(OF_THE_BOOK)]
    found = TuneLines()
    if rules >= "5":
        found.symbols = {letter: sign for line in lines for letter, sign in _DEFINES.findall(line)}
    body = next((number for number, line in enumerate(lines, 1) if line.startswith("K:")), len(lines))
    for line in lines[:body]:
        _header_line(line, found)
    prose = Prose(lines, one_sign=rules >= "5") if rules >= "4" else None
    _Body(found, prose, rules, parts=parts).read(lines[body:])
    found.voices = {voice: music for voice, music in found.voices.items() if music.strip()} or {"1": ""}
    return found


def _header_line(line: str, found: TuneLines) -> None:
    if told := _MELODY.match(line):
        found.melody = told[1]
    stated = re.match(r"([A-Za-z]):(.*)", line)
    if not stated:
        return
    value = re.sub(r"(?<!\\)%.*", "", stated[2]).strip()
    if stated[1] == "V":
        _describe_voice(value, found)
    elif not found.fields.get(stated[1]):
        found.fields[stated[1]] = value
    elif stated[1] == "C" and value:
        found.fields["C"] += f"; {value}"
    elif stated[1] == "T":
        found.left["Further titles"] += 1


def _describe_voice(text: str, found: TuneLines) -> str:
    """Note the name and clef of a V: field. Returns the voice's label."""
    label, _, rest = text.strip().partition(" ")
    name = re.search(r'(?:^|\s)(?:name|nm)\s*=\s*"?([^"]*)', rest)
    if name:
        found.names[label] = read_text(name[1].strip())
    if _PERCUSSION.search(rest):
        found.drums.add(label)
    clef = read_key(rest) if rest.strip() else None
    if clef and clef.shift is not None:
        found.clefs.setdefault(label, clef)
    return label


_DEFINES = re.compile(r"(?:^|\[)(?:I:)?U:\s*([H-Wh-w~])\s*=\s*([^\]\n]*?)\s*(?:%.*|\]|$)")
_PERCUSSION = re.compile(r"(?:^|\s|\bclef\s*=\s*\"?)perc(?:ussion)?(?=[\s\"]|$)", re.I)
_MELODY = re.compile(r"%%melody +(\S+)")
"""How the studio says which voice is the melody, where the voices do not show it."""

_CHANNEL = re.compile(r"%%MIDI\s+channel\s+10\s*(%|$)")
_BLANK = re.compile(r"\s*$")
_SWITCH = re.compile(r"\[V:\s*([^\]]*)\]")
_OF_THIS_VOICE = re.compile(r"\[V:(?=\s*[a-z]+\s*=)")
"""A field of a voice that names none: [V:clef=tenor]."""

_FIELD = re.compile(r"[A-Za-z+]:(?![|:\]])|[H-XZh-w+]:")
_FIELD_5 = re.compile(r"[A-Za-z+]:(?![|:])|[H-XZh-w+]:")
_FIELD_3 = re.compile(r"[A-Za-z+]:(?![|:])|[H-XZ]:")
"""A line that is a field; the same by the rules of 5, by which "d:]" was one; and by the rules of 3, by which
"w:|" was music. "d:|" is a note at the end of a repeat.
"""


class _Body:
    """Sorts the lines after K:. Fields before the first voice hold for all voices. prose: knows text from
    music; without it the lines are sorted by the rules of 3. rules: by those of 4 a blank line ends the
    tune only after a bar line. parts: as in `split_tune`.
    """

    def __init__(self, found: TuneLines, prose: Prose | None, rules: str, *, parts: bool = False) -> None:
        self.parts = parts
        self.found = found
        self.prose = prose
        self.needs_bars = rules < "5"
        self.field = _FIELD if rules >= "6" else _FIELD_5 if prose else _FIELD_3
        self.texts: list[str] = []
        self.common = ""
        self.current: str | None = None
        self.music = False
        self.last = ""

    def read(self, lines: list[str]) -> None:
        """Sort these lines, and say which were left out."""
        self._sort(lines)
        if self.prose and self.prose.doubtful and not self.needs_bars:
            some = ", ".join(repr(each[:60]) for each in self.prose.doubtful[:3])
            self.found.remarks.append(
                "Note letters after the final bar line, without one of their own, were read as music: "
                f"{some} (put a blank line before them if they are text)."
            )
        if self.texts:
            count, some = len(self.texts), ", ".join(repr(each[:60]) for each in self.texts[:3])
            self.found.remarks.append(
                f"{count} {'line that is' if count == 1 else 'lines that are'} not music left out: {some}"
                f"{' and others' if count > 3 else ''}."
            )

    def _sort(self, lines: list[str]) -> None:
        in_text = False
        for number, line in enumerate(lines):
            if line.startswith("%"):
                # %%begintext … %%endtext holds typeset text (section 11.4.7).
                in_text = line.startswith("%%begintext") or (in_text and not line.startswith("%%endtext"))
                if self.current is not None and _CHANNEL.match(line):
                    self.found.drums.add(self.current)
                continue
            if in_text:
                continue
            if not line or _BLANK.match(line):
                if self.music:
                    self._leave_out(lines[number + 1 :])
                    return
                continue
            self._line(re.sub(r"(?<!\\)%.*", "", line) if "%" in line else line)

    def _line(self, line: str) -> None:
        if self.prose:
            line = re.sub(r"^\s+(?=[wW]:)", "", line)  # words may be indented
        if self.parts:
            line = _OF_THIS_VOICE.sub("[v:", line)
        if line.startswith("V:"):
            self._switch(line[2:])
        elif self.field.match(line):
            self._body_field(line)
        elif "[V:" in line:
            before, *rest = _SWITCH.split(line)
            if before.strip():
                self._play(before)
            for label, music in zip(rest[::2], rest[1::2], strict=True):
                self._switch(label)
                self._play(music)
        else:
            self._play(line)

    def _body_field(self, line: str) -> None:
        letter, text = line[0], line[2:]
        if letter in "KMLQ":
            self._field(f"[{line.strip()}]\n")
        elif letter == "w" or (letter == "+" and self.last == "w"):
            self._sing(text, goes_on=letter == "+")
        elif letter == "W":
            self.found.text.append(read_text(" ".join(text.split())))
        elif letter in "sP":
            if letter == "P":
                self._field(f"[P:{text.replace(']', '').strip()}]\n")
            self.found.left[{"s": "Lines of symbols (s:)", "P": "Marks of parts (P:)"}[letter]] += 1
        self.last = letter if letter != "+" else self.last

    def _sing(self, text: str, *, goes_on: bool) -> None:
        """A line of words, under the lines of music before it."""
        lyrics = self.found.lyrics
        if goes_on and lyrics:
            lyrics[-1] += " " + text
        elif self.current is not None:
            self.found.voices[self.current] += f"{WORDS_MARK}{len(lyrics)}\n"
            lyrics.append(text)

    def _switch(self, text: str) -> None:
        self.current = _describe_voice(text, self.found)
        before = self.found.voices.setdefault(self.current, self.common)
        rest = text.strip().partition(" ")[2]
        if self.parts and LINE_MARK in before and rest and read_key(rest).clef:
            self.found.voices[self.current] += f"[v:{rest}]"

    def _field(self, text: str) -> None:
        if self.current is None:
            self.common += text
        else:
            self.found.voices[self.current] += text

    def _play(self, line: str) -> None:
        if self.prose and self.prose.is_text(line):
            self.texts.append(" ".join(line.split()))
            return
        if self.current is None:
            self._switch("1")
        assert self.current is not None
        before = self.found.voices[self.current]
        mark = "" if before.endswith("\\\n") else LINE_MARK  # a backslash at its end joins a line to the next
        self.found.voices[self.current] = before + mark + line + "\n"
        self.music = self.music or "|" in line or (not self.needs_bars and _PLAYS.search(line) is not None)

    def _leave_out(self, lines: list[str]) -> None:
        """What stands after the tune. Bar lines in it, or notes alone, may be music that a blank line cut off
        by mistake.
        """
        music = [line for line in lines if not line.startswith("%") and not self.field.match(line)]
        barred = sum("|" in line for line in music)
        bare = sum("|" not in line and _ONLY_NOTES.fullmatch(line) is not None for line in music)
        if barred or bare:
            count, what = (barred, "with bar lines") if barred else (bare, "of nothing but note letters")
            self.found.remarks.append(
                f"A blank line ends the tune; {count} {'line' if count == 1 else 'lines'} {what} after it "
                f"{'was' if count == 1 else 'were'} left out (take the blank line away if "
                f"{'it belongs' if count == 1 else 'they belong'} to it)."
            )


_PLAYS = re.compile(r"[A-Ga-gzxZX]")
"""A line of music that has at least a note or rest, beside its fields and comments."""

_ONLY_NOTES = re.compile(r"[\sA-Ga-gzx,'0-9/^_=()<>\[\]\-]*[A-Ga-g][\sA-Ga-gzx,'0-9/^_=()<>\[\]\-]*")
