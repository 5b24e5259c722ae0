"""The recipes of music: what can be asked of a melody, with ranges, defaults and a sentence for each
parameter.

Light on purpose (no numpy, no music21): the command line and the app are derived from here. How wishes are
written stands here too (`Pin`, `Span` …); what they mean is compiled in `constraints`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Literal, TypeVar

from pydantic import field_validator

from studio.errors import Refused
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.scores.pitches import parse_pitch, pitch_class_of
from studio.music.writing.formats import names
from studio.works.recipe import OneOf, Recipe, parameter

MOST_BARS = 128

SCALES = {
    "style": (),
    "key": (),
    "pentatonic": (0, 2, 4, 7, 9),
    "minor-pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "harmonic-minor": (0, 2, 3, 5, 7, 8, 11),
    "whole-tone": (0, 2, 4, 6, 8, 10),
}
"""Name -> half steps above the tonic. "style" leaves notes free, "key" takes the seven of the key."""


class ComposeRecipe(Recipe):
    """A melody in a style under exact constraints.

    Sources by role: `style` (manifest of the style, or its tunes packed) or `tune` (files of one's own, as
    many as there are), `take` (bars are kept from this tune), `theme` (attracts or repels).
    """

    kind: Literal["compose"] = "compose"
    style: str = parameter(
        "ryans-mammoth",
        "The style, by its name in `studio styles`; with tunes of one's own, what they are called.",
        in_sight=True,
        max_length=100,
    )
    composer: Literal["markov", "lstm"] = parameter(
        "markov",
        "Who chooses the notes: markov, a chain over the style's tunes as they are; lstm, a network trained on the style (studio train), "
        "which remembers the whole tune. Wishes are kept exactly by both.",
        in_sight=True,
    )
    temperature: float = parameter(
        1.0,
        "With lstm: below 1 it keeps to what it finds likeliest, above 1 it dares more.",
        ge=0.1,
        le=3,
        step=0.05,
    )
    bars: int = parameter(16, "How many full bars.", ge=1, le=MOST_BARS, step=1, in_sight=True)
    meter: str | None = parameter(
        None, "The time signature, such as 4/4, 3/4 or 6/8; empty takes the style's commonest.", in_sight=True
    )
    key: str | None = parameter(
        None, "The key, such as D, Bm, F#m or D dorian; empty takes the style's commonest.", in_sight=True
    )
    max_copy: int | None = parameter(
        None,
        "The longest run of notes that may stand in any tune of the style; empty takes what nearly all of its own tunes exceed.",
        ge=2,
        le=64,
        step=1,
        unit="notes",
        in_sight=True,
    )
    copy_by: Literal["interval", "pitch", "rhythm"] = parameter(
        "interval",
        "What counts as the same: intervals (a transposed copy is a copy), pitches, or intervals with note lengths.",
    )
    form: str = parameter(
        "learnt",
        "learnt: bars return and phrases close as in the style; free: no form; or parts in letters: AABA, A A' B A' (' is another ending).",
        in_sight=True,
    )
    order: int = parameter(
        4, "How many notes back the chain looks at most: more sounds closer to the style.", ge=1, le=8, step=1
    )
    range: str | None = parameter(
        None, "Lowest and highest note, such as G3:E5; empty takes the style's own.", in_sight=True
    )
    start: str | None = parameter(None, "The first note: a pitch such as D4, or D for a D in any octave.")
    end: str | None = parameter(
        None, "The last note: a pitch such as D4, or D for a D in any octave.", in_sight=True
    )
    scale: str = parameter(
        "style", f"Which notes may sound: {', '.join(SCALES)}, or notes by name (D E F# A B)."
    )
    pins: tuple[str, ...] = parameter(
        (),
        "BAR:BEAT=WHAT, a wish for one place: a pitch (4:1=G4 or 4:1=G), rest, or note (something begins there); *LENGTH adds how many "
        "quarter notes it lasts (4:1=G4*3/2).",
    )
    keep: tuple[str, ...] = parameter(
        (), "Bars to keep from a take: 5-6 keeps them in place, 9-10=1-2 puts its bars 1-2 at 9-10."
    )
    rhythm: tuple[str, ...] = parameter(
        (),
        "A rhythm in quarter notes, r for a rest, a bar at a time: '1 1/2 1/2 1 1r' for every bar, '1-2=3/2 1/2 2' for some.",
    )
    motifs: tuple[str, ...] = parameter(
        (), "Must occur: pitches (D4 F#4 A4) or steps in half tones (+2 +2 -4); pitches also 5-8=D4 F#4 A4."
    )
    avoid: tuple[str, ...] = parameter((), "Must not occur, written like a motif.")
    density: str | None = parameter(None, "Fewest and most notes in each bar, such as 3:8.")
    cadences: tuple[str, ...] = parameter(
        (), "BAR=DEGREE: a phrase closes in that bar on that degree of the key, such as 8=5 or 16=1."
    )
    contour: tuple[str, ...] = parameter(
        (), "BAR:PITCH points of a drawn line that the melody follows, such as 1:D4 5:A5 9:D4."
    )
    contour_limit: int | None = parameter(
        None,
        "The melody never leaves the drawn line by more than this.",
        ge=0,
        le=24,
        step=1,
        unit="half tones",
    )
    contour_pull: float = parameter(
        0.5, "How strongly the drawn line attracts where it is no limit.", ge=0, le=1, step=0.05
    )
    theme_pull: float = parameter(
        0.5, "With a theme: 1 attracts to it strongly, -1 repels, 0 ignores it.", ge=-1, le=1, step=0.05
    )
    tempo: int | None = parameter(
        None, "Quarter notes a minute; empty takes the style's own.", ge=20, le=400, step=1
    )
    instrument: str = parameter(
        "Acoustic Grand Piano",
        "What plays it in .mid and .wav: a General MIDI instrument, such as Violin or Flute.",
    )
    title: str = parameter("", "A title; empty names the style and the seed.", max_length=200)
    format: Annotated[str, OneOf(names)] = parameter("musicxml", "The file to make.")

    @field_validator("meter")
    @classmethod
    def _a_meter(cls, text: str | None) -> str | None:
        return None if text is None else str(_read(Meter.parse, text))

    @field_validator("key")
    @classmethod
    def _a_key(cls, text: str | None) -> str | None:
        return None if text is None else _read(Key.parse, text).short()

    @field_validator("form")
    @classmethod
    def _a_form(cls, text: str) -> str:
        return text.strip() if text.strip() in ("learnt", "free") else "".join(_read(read_parts, text))

    @field_validator("range")
    @classmethod
    def _a_range(cls, text: str | None) -> str | None:
        if text is not None:
            _read(read_range, text)
        return text

    @field_validator("start", "end")
    @classmethod
    def _a_note(cls, text: str | None) -> str | None:
        if text is not None:
            _read(PitchOrClass.read, text)
        return text

    @field_validator("scale")
    @classmethod
    def _a_scale(cls, text: str) -> str:
        if text not in SCALES:
            for name in text.split():
                _read(pitch_class_of, name)
            if not text.split():
                raise ValueError(f"choose from {', '.join(SCALES)}, or name notes.")
        return text

    @field_validator("density")
    @classmethod
    def _a_density(cls, text: str | None) -> str | None:
        if text is not None:
            _read(read_density, text)
        return text

    @field_validator("pins", "keep", "rhythm", "motifs", "avoid", "cadences", "contour")
    @classmethod
    def _each_can_be_read(cls, texts: tuple[str, ...], info: Any) -> tuple[str, ...]:
        if len(texts) > 200:
            raise ValueError("more than 200 wishes of one kind; ask for fewer.")
        for text in texts:
            _read(READERS[info.field_name], text)
        return texts

    def called(self) -> str:
        style = self.source("style")
        return self.title or f"After {style.title or style.name if style else self.style}, no. {self.seed}"

    def in_words(self) -> str:
        style = self.source("style")
        said = f"{self.bars} bars"
        said += f" of {self.meter}" if self.meter else ""
        said += f" in {self.key}" if self.key else ""
        said += f" after {style.title or style.name if style else self.style}"
        said += (
            f", by the network trained on it, temperature {self.temperature:g}"
            if self.composer == "lstm"
            else ""
        )
        said += {"learnt": ", in a form of the style", "free": ", without a form"}.get(
            self.form, f", in the form {self.form}"
        )
        wishes = [f"ending on {self.end}"] if self.end else []
        wishes += [f"never more than {self.max_copy} notes in a row as in the style"] if self.max_copy else []
        wishes += [f"pinned {', '.join(self.pins)}"] if self.pins else []
        wishes += [f"keeping bars {', '.join(self.keep)}"] if self.keep else []
        return ", ".join([said, *wishes]) + f"; seed {self.seed}."


@dataclass(frozen=True, slots=True)
class PitchOrClass:
    """A pitch in one octave (`pitch`), or in any (`pitch_class`)."""

    pitch: int | None
    pitch_class: int

    @classmethod
    def read(cls, text: str) -> PitchOrClass:
        """ "D4", "F#5", or "D". Raises `Refused`."""
        if re.fullmatch(r"\s*[A-Ga-g](##|bb|[#b])?\s*", text):
            name = text.strip()
            return cls(None, pitch_class_of(name[0].upper() + name[1:]))
        pitch = parse_pitch(text)
        return cls(pitch, pitch % 12)


@dataclass(frozen=True, slots=True)
class Pin:
    """A wish for one place. bar, beat: from 1, beats counted in the meter's lower number. what: a `PitchOrClass`,
    "rest" or "note" (any).
    length: quarter notes, or None for any."""

    bar: int
    beat: Fraction
    what: PitchOrClass | str
    length: Fraction | None

    @classmethod
    def read(cls, text: str) -> Pin:
        """BAR:BEAT=WHAT[*LENGTH]. Raises `Refused`."""
        match = re.fullmatch(
            r"\s*(\d{1,3})\s*:\s*(\d{1,2}(?:\.\d{1,3}|/\d{1,2}| \d/\d{1,2})?)\s*=\s*([^*=]+?)\s*(?:\*\s*(\S+))?\s*",
            text,
        )
        if not match or int(match[1]) < 1:
            raise Refused(
                f"{text!r} is not a pin; write BAR:BEAT=WHAT, such as 4:1=G4, 4:3=rest or 2:1=note*2."
            )
        whole, _, part = match[2].partition(" ")
        beat = Fraction(whole) + (Fraction(part) if part else 0)
        if beat < 1:
            raise Refused(f"{text!r} counts beats from {beat}; the first beat of a bar is 1.")
        what = match[3].lower()
        return cls(
            int(match[1]),
            beat,
            what if what in ("rest", "note") else PitchOrClass.read(match[3]),
            read_length(match[4]) if match[4] else None,
        )


@dataclass(frozen=True, slots=True)
class Span:
    """Bars `first` to `last`, from 1."""

    first: int
    last: int

    @classmethod
    def read(cls, text: str) -> Span:
        """ "5" or "5-8". Raises `Refused`."""
        match = re.fullmatch(r"\s*(\d{1,3})\s*(?:-\s*(\d{1,3}))?\s*", text)
        if not match or int(match[1]) < 1 or int(match[2] or match[1]) < int(match[1]):
            raise Refused(f"{text!r} are not bars; write 5 or 5-8.")
        return cls(int(match[1]), int(match[2] or match[1]))

    @property
    def bars(self) -> int:
        return self.last - self.first + 1


def read_keep(text: str) -> tuple[Span, Span]:
    """ "5-6" or "9-10=1-2": where bars are kept, and which bars of the take they are. Raises `Refused`."""
    place, equals, origin = text.partition("=")
    there = Span.read(place)
    here = Span.read(origin) if equals else there
    if there.bars != here.bars:
        raise Refused(
            f"{text!r} puts {here.bars} bars in the place of {there.bars}; name as many on both sides."
        )
    return there, here


def read_rhythm(text: str) -> tuple[Span | None, list[tuple[Fraction, bool]]]:
    """ "1-2=1 1/2 1/2 2r": which bars (None for all), and (quarter notes, whether it sounds) one after the
    other. Raises `Refused`.
    """
    place, equals, lengths = text.rpartition("=")
    if not lengths.split():
        raise Refused(f"{text!r} is no rhythm; write lengths in quarter notes, such as 1 1/2 1/2 1r.")
    read = [(read_length(each.removesuffix("r")), not each.endswith("r")) for each in lengths.split()]
    return (Span.read(place) if equals else None), read


def read_motif(text: str) -> tuple[Span | None, list[int], bool]:
    """ "D4 F#4 A4" or "+2 +2 -4": its bars (None for anywhere), pitches or steps, and whether they are steps.
    Raises `Refused`.
    """
    place, equals, notes = text.rpartition("=")
    words = notes.split()
    if words and all(re.fullmatch(r"[+-]\d{1,2}|0", word) for word in words):
        if equals:
            raise Refused(
                f"{text!r} names bars for steps; name bars only for a motif in pitches, such as {place}=D4 E4."
            )
        return None, [int(word) for word in words], True
    if not 1 <= len(words) <= 64:
        raise Refused(f"{text!r} is no motif; write pitches (D4 F#4 A4) or steps in half tones (+2 +2 -4).")
    return (Span.read(place) if equals else None), [parse_pitch(word) for word in words], False


def read_cadence(text: str) -> tuple[int, int]:
    """ "8=5": (bar, degree 1..7). Raises `Refused`."""
    match = re.fullmatch(r"\s*(\d{1,3})\s*=\s*([1-7])\s*", text)
    if not match or int(match[1]) < 1:
        raise Refused(f"{text!r} is no cadence; write BAR=DEGREE with a degree from 1 to 7, such as 8=5.")
    return int(match[1]), int(match[2])


def read_point(text: str) -> tuple[Fraction, int]:
    """ "5:A4" or "5.5:A4": (bar, pitch). Raises `Refused`."""
    match = re.fullmatch(r"\s*(\d{1,3}(?:\.\d{1,2})?)\s*:\s*(\S+)\s*", text)
    if not match or Fraction(match[1]) < 1:
        raise Refused(f"{text!r} is no point of a contour; write BAR:PITCH, such as 5:A4.")
    return Fraction(match[1]), parse_pitch(match[2])


def read_range(text: str) -> tuple[int, int]:
    """ "G3:E5": lowest and highest pitch. Raises `Refused`."""
    low, colon, high = text.partition(":")
    if not colon:
        raise Refused(f"{text!r} is no range; write LOWEST:HIGHEST, such as G3:E5.")
    found = parse_pitch(low), parse_pitch(high)
    if found[0] > found[1]:
        raise Refused(f"The range {text} begins above its end; write the lower note first.")
    return found


def read_density(text: str) -> tuple[int, int]:
    """ "3:8": fewest and most notes a bar. Raises `Refused`."""
    match = re.fullmatch(r"\s*(\d{1,2})\s*:\s*(\d{1,2})\s*", text)
    if not match or int(match[1]) > int(match[2]):
        raise Refused(f"{text!r} is no density; write FEWEST:MOST notes in a bar, such as 3:8.")
    return int(match[1]), int(match[2])


def read_length(text: str) -> Fraction:
    """ "1", "1/2", "1.5": quarter notes, above 0. Raises `Refused`."""
    if not re.fullmatch(r"\d{1,3}(/\d{1,3}|\.\d{1,3})?", text) or re.search(r"/0+$", text):
        raise Refused(f"{text!r} is no length; write quarter notes, such as 1, 1/2 or 3/2.")
    length = Fraction(text)
    if length <= 0:
        raise Refused("A length of 0 lasts no time; write quarter notes, such as 1 or 1/2.")
    return length


def read_parts(letters: str) -> list[str]:
    """ "AABA", "A A' B A'" -> ["A", "A'", "B", "A'"]. Raises `Refused`."""
    plain = letters.replace(" ", "").replace("’", "'")
    found = re.findall(r"[A-Z]'*", plain)
    if not found or "".join(found) != plain or len(found) > 32:
        raise Refused(
            f"{letters[:40]!r} is not a form; write learnt, free, or its parts as letters, such as AABA or A A' B A."
        )
    return found


READERS: dict[str, Callable[[str], Any]] = {
    "pins": Pin.read,
    "keep": read_keep,
    "rhythm": read_rhythm,
    "motifs": read_motif,
    "avoid": read_motif,
    "cadences": read_cadence,
    "contour": read_point,
}
"""How each of the wishes that may be made several times is read."""

Found = TypeVar("Found")


def _read(reader: Callable[[str], Found], text: str) -> Found:
    """pydantic takes ValueErrors and makes its own sentence of them."""
    try:
        return reader(text)
    except Refused as error:
        raise ValueError(str(error)) from None
