"""The recipe of a melody: what can be asked for, with range, default and help of every parameter.

Light on purpose (no numpy, no music21): the command line and the app are derived from here. How each
constraint is written is here too (`Pin`, `Span` …); what it means is in `compiling`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, field_validator

from studio.errors import Refused, did_you_mean
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.scores.pitches import parse_pitch, pitch_class_of
from studio.music.writing.formats import names
from studio.works.recipe import OneOf, Recipe, parameter

MOST_BARS = 128

MOST_ENTRIES, LONGEST_ENTRY = 200, 4_000
"""Entries of a list such as the pins, and characters of each."""

LONGEST_TEXT = 200
"""Characters of any other text."""

Entries = tuple[Annotated[str, Field(max_length=LONGEST_ENTRY)], ...]

SCALES = {
    "style": (),
    "key": (),
    "pentatonic": (0, 2, 4, 7, 9),
    "minor-pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "harmonic-minor": (0, 2, 3, 5, 7, 8, 11),
    "whole-tone": (0, 2, 4, 6, 8, 10),
}
"""Name -> semitones above the tonic. "style" leaves notes free, "key" takes the seven of the key."""


MAKES_NO_DIFFERENCE = {
    "seed": 0,
    "setting": None,
    "model": None,
    "format": "mid",
    "title": "",
    "composer": "markov",
    "temperature": 1.0,
}
"""Fields of a recipe in which takes of one request may differ, with a value for all."""


def counted(number: int, what: str) -> str:
    """ "1 bar", "2 bars"."""
    return f"{number} {what}{'s' * (number != 1)}"


class ComposeRecipe(Recipe):
    """A melody in a style under exact constraints.

    Sources by role: `style` (manifest of the style, or its tunes packed) or `tune` (any number of files that
    make up a style of your own), `take` (the tune that bars are kept from), `theme` (attracts or repels).
    """

    kind: Literal["compose"] = "compose"
    style: str = parameter(
        "ryans-mammoth",
        "The style, by its name in `studio styles`; for tunes of your own, a name for them.",
        in_sight=True,
        max_length=100,
    )
    composer: Literal["markov", "lstm"] = parameter(
        "markov",
        "Markov chain (markov): ready at once for any style. Network (lstm): remembers the whole tune, needs "
        "training (studio train). Both satisfy constraints exactly.",
        in_sight=True,
    )
    temperature: float = parameter(
        1.0,
        "For lstm: below 1 it plays safe, above 1 it takes more risks.",
        ge=0.1,
        le=3,
        step=0.05,
    )
    bars: int = parameter(16, "Number of full bars.", ge=1, le=MOST_BARS, step=1, in_sight=True)
    meter: str | None = parameter(
        None,
        "Time signature, such as 4/4, 3/4 or 6/8. Leave empty for the style's usual meter.",
        in_sight=True,
        max_length=LONGEST_TEXT,
    )
    key: str | None = parameter(
        None,
        "Key, such as D, Bm, F#m or D dorian. Leave empty for the style's usual key.",
        in_sight=True,
        max_length=LONGEST_TEXT,
    )
    max_copy: int | None = parameter(
        None,
        "The longest run of notes that the melody may share with a tune of the style. Leave empty for a "
        "limit that nearly all of the style's own tunes would exceed.",
        ge=2,
        le=64,
        step=1,
        unit="notes",
        in_sight=True,
    )
    copy_by: Literal["interval", "pitch", "rhythm"] = parameter(
        "interval",
        "What counts as a copy: the same intervals (also transposed), the same pitches, or the same "
        "intervals and note lengths (rhythm).",
    )
    form: str = parameter(
        "learnt",
        "learnt: bars return and phrases close as in the style. free: no form. Or parts as letters, such as "
        "AABA, or A A' B A' (' means another ending).",
        in_sight=True,
        max_length=LONGEST_TEXT,
    )
    order: int = parameter(
        4,
        "How many notes back the chain looks at most. More notes sound closer to the style.",
        ge=1,
        le=8,
        step=1,
    )
    range: str | None = parameter(
        None,
        "Lowest and highest note, such as G3:E5. Leave empty for the style's range.",
        in_sight=True,
        max_length=LONGEST_TEXT,
    )
    start: str | None = parameter(
        None, "The first note: a pitch such as D4, or D for a D in any octave.", max_length=LONGEST_TEXT
    )
    end: str | None = parameter(
        None,
        "The last note: a pitch such as D4, or D for a D in any octave.",
        in_sight=True,
        max_length=LONGEST_TEXT,
    )
    scale: str = parameter(
        "style",
        f"Which notes may sound: {', '.join(SCALES)}, or notes by name (D E F# A B).",
        max_length=LONGEST_TEXT,
    )
    pins: Entries = parameter(
        (),
        "BAR:BEAT=WHAT says what happens at one place: a pitch (4:1=G4 or 4:1=G), rest, or note (some note "
        "begins there). Add *LENGTH in quarter notes to fix how long it lasts (4:1=G4*3/2).",
        max_length=MOST_ENTRIES,
    )
    keep: Entries = parameter(
        (),
        "Bars to keep from a take: 5-6 keeps them in place, 9-10=1-2 puts the take's bars 1-2 at 9-10.",
        max_length=MOST_ENTRIES,
    )
    rhythm: Entries = parameter(
        (),
        "A rhythm in quarter notes, with r for a rest, in whole bars: '1 1/2 1/2 1 1r' for every bar, "
        "'1-2=3/2 1/2 2' for some.",
        max_length=MOST_ENTRIES,
    )
    motifs: Entries = parameter(
        (),
        "Must occur: pitches (D4 F#4 A4) or steps in semitones (+2 +2 -4). For pitches in certain bars: "
        "5-8=D4 F#4 A4.",
        max_length=MOST_ENTRIES,
    )
    avoid: Entries = parameter((), "Must not occur, written like a motif.", max_length=MOST_ENTRIES)
    density: str | None = parameter(
        None, "Fewest and most notes in each bar, such as 3:8.", max_length=LONGEST_TEXT
    )
    cadences: Entries = parameter(
        (),
        "BAR=DEGREE: a phrase ends in that bar on that degree of the key, such as 8=5 or 16=1.",
        max_length=MOST_ENTRIES,
    )
    contour: Entries = parameter(
        (),
        "BAR:PITCH points of a line that the melody follows: 1:D4, then 5:A5, then 9:D4.",
        max_length=MOST_ENTRIES,
    )
    contour_limit: int | None = parameter(
        None,
        "The melody never strays further from the drawn line than this.",
        ge=0,
        le=24,
        step=1,
        unit="semitones",
    )
    contour_pull: float = parameter(
        0.5, "How strongly the drawn line attracts the melody.", ge=0, le=1, step=0.05
    )
    theme_pull: float = parameter(
        0.5, "With a theme: 1 attracts strongly, -1 repels, 0 ignores it.", ge=-1, le=1, step=0.05
    )
    tempo: int | None = parameter(
        None, "Quarter notes a minute. Leave empty for the style's usual tempo.", ge=20, le=400, step=1
    )
    instrument: str = parameter(
        "Acoustic Grand Piano",
        "Instrument for .mid and .wav: a General MIDI name, such as Violin or Flute. Notes that it does not "
        "have are told.",
        max_length=LONGEST_TEXT,
    )
    title: str = parameter(
        "", "Title. Leave empty for one made from the form, the mood and the seed.", max_length=200
    )
    format: Annotated[str, OneOf(names)] = parameter("musicxml", "File format.")

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
            try:
                heard = [pitch_class_of(name) for name in text.split()]
            except Refused:
                if near := did_you_mean(text, SCALES):
                    raise ValueError(f"There is no scale {text[:40]!r}{near}") from None
                heard = []
            if not heard:
                raise ValueError(f"choose from {', '.join(SCALES)}, or name notes, such as C D E G A.")
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
        for text in texts:
            _read(READERS[info.field_name], text)
        return texts

    def called(self) -> str:
        style = self.source("style")
        return self.title or named(self, style.title or style.name if style else self.style)

    def in_words(self) -> str:
        style = self.source("style")
        said = counted(self.bars, "bar")
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
        asked = [f"ending on {self.end}"] if self.end else []
        asked += [f"never more than {self.max_copy} notes in a row as in the style"] if self.max_copy else []
        asked += [f"pinned {', '.join(self.pins)}"] if self.pins else []
        asked += [f"keeping bars {', '.join(self.keep)}"] if self.keep else []
        others = self._other_constraints()
        said = ", ".join([said, *asked]) + (f"; with {', '.join(others)}" if others else "")
        return f"{said}; seed {self.seed}."

    def _other_constraints(self) -> list[str]:
        """The constraints that the sentence has no words of its own for, as explanations call them."""
        # The table is made of this class's parameters, so it is imported only here.
        from studio.music.melody.constraints import CONSTRAINTS

        own_words = {"bars", "meter", "form", "end", "max_copy", "pins", "keep"}
        return [
            row.name(value)
            for row in CONSTRAINTS
            if row.field not in own_words and row.is_set(self)
            for value in (getattr(self, row.field) if row.each else [getattr(self, row.field)])
        ]


def naming_rules(recipe: ComposeRecipe) -> str:
    """How a tune is named (`scores.titles.NAMING_RULES`): as today, or as its work was; "" for earlier."""
    from studio.music.scores.titles import NAMING_RULES

    return NAMING_RULES if recipe.setting is None else recipe.setting.versions.get("naming", "")


def named(recipe: ComposeRecipe, style: str) -> str:
    """The title of a melody that nobody named, from what it is and its mood. style: the style's title.

    A work of earlier rules keeps the title it had: after its style, with its seed.
    """
    from studio.music.scores.titles import title_for
    from studio.music.styles.table import STYLES

    if recipe.setting is not None and "naming" not in recipe.setting.versions:
        return f"After {style}, no. {recipe.seed}"
    entry = STYLES.get(recipe.style)
    form = entry.form_of(recipe.meter or "") if entry and not recipe.source("tune") else "Tune"
    return title_for(f"{recipe.style} {recipe.seed}", mood=mood_of(recipe), form=form)


def mood_of(recipe: ComposeRecipe) -> str:
    """The mood that a recipe's settings come to, see `scores.titles.MOODS`; "" for none."""
    tempo, scale = recipe.tempo, recipe.scale
    fewest, most = read_density(recipe.density) if recipe.density else (0, 99)
    if tempo is not None and tempo <= 90:
        return "dreamy" if scale not in ("style", "pentatonic") else "calm"
    if scale == "pentatonic":
        return "folk"
    if recipe.range and read_range(recipe.range)[0] >= HIGH:
        return "bright"
    if (tempo is not None and tempo >= 126) or fewest >= 3:
        return "lively"
    if most <= 6:
        return "calm"
    return "sombre" if recipe.key and Key.parse(recipe.key).mode in DARK else ""


DARK = ("minor", "dorian", "phrygian", "locrian")
"""Modes with a minor third."""

HIGH = 62
"""A melody that never goes below this pitch (D4) counts as bright."""


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
    """What happens at one place. bar, beat: from 1; beats are counted in the meter's lower number. what: a
    `PitchOrClass`, "rest" or "note" (any). length: quarter notes, or None for any.
    """

    bar: int
    beat: Fraction
    what: PitchOrClass | str
    length: Fraction | None

    @classmethod
    def read(cls, text: str) -> Pin:
        """BAR:BEAT=WHAT[*LENGTH]. Raises `Refused`."""
        match = re.fullmatch(
            r"\s*(\d{1,3})\s*:\s*(\d{1,2}(?:\.\d{1,3}|/\d{1,2}| \d/\d{1,2})?)"  # bar and beat
            r"\s*=\s*([^*=]+?)\s*(?:\*\s*(\S+))?\s*",  # what, and how long
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
            raise Refused(f"{text!r} does not name bars; write 5 or 5-8.")
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
            f"{text!r} puts {here.bars} bars in the place of {there.bars}; name the same number of bars "
            "on both sides."
        )
    return there, here


def read_rhythm(text: str) -> tuple[Span | None, list[tuple[Fraction, bool]]]:
    """ "1-2=1 1/2 1/2 2r": which bars (None for all), and (quarter notes, whether it sounds) one after the
    other. Raises `Refused`.
    """
    place, equals, lengths = text.rpartition("=")
    if not lengths.split():
        raise Refused(f"{text!r} is not a rhythm; write lengths in quarter notes, such as 1 1/2 1/2 1r.")
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
                f"{text!r} names bars for steps; only a motif of pitches may, such as {place}=D4 E4."
            )
        return None, [int(word) for word in words], True
    if not 1 <= len(words) <= 64:
        raise Refused(f"{text!r} is not a motif; write pitches (D4 F#4 A4) or steps in semitones (+2 +2 -4).")
    return (Span.read(place) if equals else None), [parse_pitch(word) for word in words], False


def read_cadence(text: str) -> tuple[int, int]:
    """ "8=5": (bar, degree 1..7). Raises `Refused`."""
    match = re.fullmatch(r"\s*(\d{1,3})\s*=\s*([1-7])\s*", text)
    if not match or int(match[1]) < 1:
        raise Refused(f"{text!r} is not a cadence; write BAR=DEGREE with a degree from 1 to 7, such as 8=5.")
    return int(match[1]), int(match[2])


def read_point(text: str) -> tuple[Fraction, int]:
    """ "5:A4" or "5.5:A4": (bar, pitch). Raises `Refused`."""
    match = re.fullmatch(r"\s*(\d{1,3}(?:\.\d{1,2})?)\s*:\s*(\S+)\s*", text)
    if not match or Fraction(match[1]) < 1:
        raise Refused(f"{text!r} is not a point of a contour; write BAR:PITCH, such as 5:A4.")
    return Fraction(match[1]), parse_pitch(match[2])


def read_range(text: str) -> tuple[int, int]:
    """ "G3:E5": lowest and highest pitch. Raises `Refused`."""
    low, colon, high = text.partition(":")
    if not colon:
        raise Refused(f"{text!r} is not a range; write LOWEST:HIGHEST, such as G3:E5.")
    found = parse_pitch(low), parse_pitch(high)
    if found[0] > found[1]:
        raise Refused(f"The range {text} begins above its end; write the lower note first.")
    return found


def read_density(text: str) -> tuple[int, int]:
    """ "3:8": fewest and most notes a bar. Raises `Refused`."""
    match = re.fullmatch(r"\s*(\d{1,2})\s*:\s*(\d{1,2})\s*", text)
    if not match or int(match[1]) > int(match[2]):
        raise Refused(f"{text!r} is not a density; write FEWEST:MOST notes in a bar, such as 3:8.")
    return int(match[1]), int(match[2])


def read_length(text: str) -> Fraction:
    """ "1", "1/2", "1.5": quarter notes, above 0. Raises `Refused`."""
    if not re.fullmatch(r"\d{1,3}(/\d{1,3}|\.\d{1,3})?", text) or re.search(r"/0+$", text):
        raise Refused(f"{text!r} is not a length; write quarter notes, such as 1, 1/2 or 3/2.")
    length = Fraction(text)
    if length <= 0:
        raise Refused("A note of length 0 cannot be played; write quarter notes, such as 1 or 1/2.")
    return length


def read_parts(letters: str) -> list[str]:
    """ "AABA", "A A' B A'" -> ["A", "A'", "B", "A'"]. Raises `Refused`."""
    plain = letters.replace(" ", "").replace("’", "'")
    found = re.findall(r"[A-Z]'*", plain)
    if not found or "".join(found) != plain or len(found) > 32:
        near = did_you_mean(letters, ("learnt", "free"))
        raise Refused(
            f"{letters[:40]!r} is not a form{near}"
            if near
            else f"{letters[:40]!r} is not a form; write learnt, free, or parts as letters, such as AABA "
            "or A A' B A."
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
"""Field that is a list -> how each of its entries is read."""

Found = TypeVar("Found")


def _read(reader: Callable[[str], Found], text: str) -> Found:
    """What the reader finds, its error turned into the ValueError that pydantic expects."""
    try:
        return reader(text)
    except Refused as error:
        raise ValueError(str(error)) from None
