"""The recipe of a song: a melody's, with chords and sections.

Light on purpose (no numpy): the command line and the app are derived from here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

from pydantic import field_validator

from studio.errors import Refused, Unreadable, did_you_mean
from studio.music.harmony.named import CHORD_STYLES
from studio.music.melody.recipes import (
    DARK,
    LONGEST_TEXT,
    MOST_BARS,
    MOST_ENTRIES,
    ComposeRecipe,
    Entries,
    Pin,
    counted,
    read_keep,
    read_parts,
)
from studio.music.scores.chords import Chord, parse_chord
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.scores.titles import title_for
from studio.music.songs.named import INFERRED, SONG_STYLES
from studio.music.songs.plan import FORMS
from studio.music.styles.table import STYLES
from studio.music.writing.formats import names
from studio.works.recipe import OneOf, parameter

LONGEST_CHORDS = 4_000
"""Characters of a row of chords."""

MOST_HARMONISATIONS = 16
"""Harmonisations that are drawn together."""

LONGEST_WORDS = 12_000
"""Characters of the words of a song."""


def _bands() -> tuple[str, ...]:
    from studio.music.bands.band import band_names  # here, because it reads files

    return ("", *band_names())


def _melody_styles() -> tuple[str, ...]:
    from studio.music.styles.own import own_styles  # here, because it looks into a folder

    return ("", *dict.fromkeys([*SONG_STYLES, *STYLES, *own_styles()]))


def _chord_styles() -> tuple[str, ...]:
    return ("", INFERRED, *CHORD_STYLES)


class SongRecipe(ComposeRecipe):
    """A song in a style: a lead sheet with a form, chords and a melody over them, under exact constraints.

    Every constraint of a melody holds for its melody. Sources by role: those of a melody, and `melody`, a
    tune that gets chords.
    """

    kind: Literal["song"] = "song"  # type: ignore[assignment]
    style: str = parameter(
        "ryans-mammoth",
        "The style, by its name in `studio styles`; for lead sheets of your own, their folder. Styles of "
        f"songs that come with the studio: {', '.join(SONG_STYLES)}.",
        in_sight=True,
        max_length=100,
    )
    composer: Literal["markov", "lstm"] = parameter(
        "markov", "Songs are drawn by Markov chains (markov); the network (lstm) composes melodies alone."
    )
    temperature: float = parameter(
        1.0, "For the network, which composes melodies alone.", ge=0.1, le=3, step=0.05
    )
    form: str = parameter(
        "AABA",
        "Sections of equal length, as letters: AABA, or A A' B A', where ' means another ending. The same "
        f"letter is the same music, chords included. Or a form by its name: {', '.join(FORMS)}.",
        in_sight=True,
        max_length=LONGEST_TEXT,
    )
    bars: int | None = parameter(  # type: ignore[assignment]
        None,
        "Number of full bars. Leave empty for as many as the form, the chords or the melody have.",
        ge=1,
        le=MOST_BARS,
        step=1,
        in_sight=True,
    )
    chords: str = parameter(
        "",
        "Your own chords, bar by bar: 'C | Am7 D7 | G6'. A few bars alone are the chords of section "
        "A. ? leaves a bar to the style, % repeats the previous bar, and . holds a chord for one more beat. "
        "Where a bar has twice as many chords and dots as beats, each lasts half a beat.",
        in_sight=True,
        max_length=LONGEST_CHORDS,
    )
    chords_from: Annotated[str, OneOf(_chord_styles)] = parameter(
        "",
        "A style, by name, to take the chords from. Leave empty for the style's own, or for those of "
        "songbook-manner if the style has hardly any. inferred: the style's own melodies are harmonised "
        "first, as hymns and songs are, and the chords are learnt from that.",
        in_sight=True,
        max_length=LONGEST_TEXT,
    )
    melody_from: Annotated[str, OneOf(_melody_styles)] = parameter(
        "",
        "A style, by name, to take the melodies from. Leave empty for the style's own.",
        max_length=LONGEST_TEXT,
    )
    rhythm_from: Annotated[str, OneOf(_melody_styles)] = parameter(
        "",
        "A style, by name, whose rhythms the melody leans towards. Leave empty for the melodies' own.",
        max_length=LONGEST_TEXT,
    )
    daring: float | None = parameter(
        None,
        "How surprising the chords are: 0 as in the style's tamest songs, 1 as in its boldest. Leave empty "
        "for chords that are usual in the style.",
        ge=0,
        le=1,
        step=0.05,
        in_sight=True,
    )
    harmonisations: int = parameter(
        1,
        "How many harmonisations of your melody are drawn together: no two are the same, and each is as "
        "different from the others as possible. Their files are called NAME-1, NAME-2 and so on.",
        ge=1,
        le=MOST_HARMONISATIONS,
        step=1,
    )
    harmonisation: int = parameter(
        1, "Which of these harmonisations this is.", ge=1, le=MOST_HARMONISATIONS, step=1
    )
    chord_changes: str | None = parameter(
        None, "Fewest and most chords in each bar, such as 1:2.", max_length=LONGEST_TEXT
    )
    max_chord_copy: int | None = parameter(
        None,
        "The longest run of chords, with their lengths, that the song may share with a song of the style. "
        "Leave empty for 12.",
        ge=2,
        le=64,
        step=1,
        unit="chords",
    )
    dissonance: Literal["resolved", "free"] = parameter(
        "resolved",
        "resolved: a note on a beat that is not a chord tone always moves on by step. free: as in the style.",
    )
    section_keys: Entries = parameter(
        (),
        "LETTER=KEY puts the sections of that letter in another key, major or minor, such as B=Bb or B=Am.",
        max_length=MOST_ENTRIES,
    )
    modulation: Literal["none", "learnt"] = parameter(
        "none",
        "learnt: sections that differ from the first change key as often as in the style's songs, and to the "
        "same keys. none: all stay in the song's key, except those that you give a key of their own.",
    )
    pickup: Literal["none", "learnt", "always"] = parameter(
        "none",
        "Whether notes lead into the first bar. learnt: as often as in the style; always: wherever the style "
        "has notes that lead to the first one. If the words come first, they decide: a line whose first "
        "syllable is unstressed begins before the bar.",
    )
    band: Annotated[str, OneOf(_bands)] = parameter(
        "",
        "The band that plays it. Leave empty for the lead sheet alone. Each part alone as sound, its stems: "
        "studio gallery export ID -o stems.zip --stems, with the work's ID.",
        in_sight=True,
        max_length=LONGEST_TEXT,
    )
    keep_sections: Entries = parameter(
        (),
        "Sections to keep from the earlier song, with their melody, chords and band: A keeps every A, A2 the "
        "second one, C=B puts its B in the place of C, and B=2:A takes the A of the second earlier song. "
        "Whatever else you ask must hold there too, but for copy limits, dissonances and what only leans, "
        "such as daring.",
        max_length=MOST_ENTRIES,
    )
    keep_parts: Entries = parameter(
        (),
        "Parts to keep from the earlier song: tune, chords, or a player of its band, such as Bass. A player "
        "keeps what was played over the chords, so the chords stay too; one that follows the tune keeps it.",
        max_length=MOST_ENTRIES,
    )
    keep_chords: Entries = parameter(
        (),
        "Bars whose chords are kept from the earlier song while their melody is new, written like keep.",
        max_length=MOST_ENTRIES,
    )
    keep_notes: Entries = parameter(
        (),
        "BAR:BEAT places of notes that are kept from the earlier song, such as 4:1.",
        max_length=MOST_ENTRIES,
    )
    part_seeds: Entries = parameter(
        (),
        "PART=SEED plays one part of the band differently, such as Bass=7; plan=SEED the grooves and fills.",
        max_length=MOST_ENTRIES,
    )
    mix: Entries = parameter(
        (),
        "How a part is mixed: Bass=-3 (its level beside the tune's, in LU), Bass=pan 0.4 (-1 left, 1 right), "
        "Bass=mute or Bass=solo; several with commas: Bass=-3,pan 0.4.",
        max_length=MOST_ENTRIES,
    )
    write: str = parameter(
        "",
        "What is written of a song with a band: lead (the lead sheet), score (all parts), or one part by "
        "name. Leave empty for all parts.",
        max_length=LONGEST_TEXT,
    )
    words: str = parameter(
        "",
        "The words to sing, as text or a text file. Put an empty line between stanzas; a name in brackets "
        "says which section a stanza is for: [A], [Verse], [Chorus]. Within a word, - divides syllables, _ "
        "holds one for another note and ~ puts two on one note. * leaves a note without words.",
        in_sight=True,
        max_length=LONGEST_WORDS,
    )
    language: str = parameter(
        "en",
        "The language of the words, such as en, de, fr, it or es. Stress is known in English only; other "
        "words are cut where they may be hyphenated.",
        max_length=LONGEST_TEXT,
    )
    words_first: bool = parameter(
        True,
        "The melody is made for the words: a note for each syllable, stressed syllables on beats, each line "
        "in bars of its own. Off: the melody comes first, and the words are laid under it.",
    )
    divide_notes: bool = parameter(
        False, "Where the words have more syllables than their melody has notes, long notes are divided."
    )
    fit: bool = parameter(
        False,
        "Where the words have more syllables or fewer than a melody has notes, they are made to fit, and the "
        "song says how: it gets other bars, the words are sung again or as verses, or they are laid under a "
        "melody, whose long notes are divided.",
    )
    sound: str = parameter(
        "",
        "The SoundFont to play it with, by name. Leave empty for the one in use.",
        max_length=LONGEST_TEXT,
    )
    format: Annotated[str, OneOf(names)] = parameter("musicxml", "File format.")

    LATER: ClassVar[frozenset[str]] = frozenset(
        {
            *("keep_sections", "keep_parts", "keep_chords", "keep_notes", "part_seeds", "mix", "write"),
            *("melody_from", "rhythm_from", "words", "language", "words_first", "divide_notes"),
            *("harmonisation", "harmonisations", "modulation", "pickup", "fit", "sound"),
        }
    )

    @field_validator("keep_sections", "keep_chords", "keep_notes", "part_seeds", "mix")
    @classmethod
    def _each_of_a_song_can_be_read(cls, texts: tuple[str, ...], info: Any) -> tuple[str, ...]:
        for text in texts:
            _read_or_value_error(SONG_READERS[info.field_name], text)
        return texts

    @field_validator("form")
    @classmethod
    def _a_form(cls, text: str) -> str:
        return text.strip() if text.strip() in FORMS else "".join(_read_or_value_error(read_form, text))

    @field_validator("chords")
    @classmethod
    def _a_row(cls, text: str) -> str:
        _read_or_value_error(read_row, text)
        return text.strip()

    @field_validator("words")
    @classmethod
    def _words_without_edges(cls, text: str) -> str:
        return text.replace("\r\n", "\n").replace("\r", "\n").strip()

    @field_validator("language")
    @classmethod
    def _a_language(cls, text: str) -> str:
        return text.strip() or "en"

    @field_validator("chord_changes")
    @classmethod
    def _a_number_of_changes(cls, text: str | None) -> str | None:
        if text is not None:
            _read_or_value_error(read_changes, text)
        return text

    @field_validator("section_keys")
    @classmethod
    def _sections_and_keys(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            _read_or_value_error(read_section_key, text)
        return texts

    def called(self) -> str:
        style = self.source("style")
        return self.title or named_song(self, style.title or style.name if style else self.style)

    def in_words(self) -> str:
        style = self.source("style")
        after = style.title or style.name if style else _titled(self.style)
        bars = counted(self.bars, "bar") if self.bars else "A song"
        if self.source("melody") is not None:
            said = f"Chords for a melody after {after}"
        else:
            said = f"{bars} in the form {self.form}"
            said += f" in {self.key}" if self.key else ""
            said += f" after {after}"
        whose = f"the chords of {_titled(self.chords_from)}"
        whose = "chords inferred from its melodies" if self.chords_from == INFERRED else whose
        asked = [f"with {whose}"] if self.chords_from else []
        asked += [f"with melodies like those of {_titled(self.melody_from)}"] if self.melody_from else []
        asked += [f"with the rhythms of {_titled(self.rhythm_from)}"] if self.rhythm_from else []
        asked += [f"over {self.chords}"] if self.chords else []
        if self.harmonisations > 1:
            asked.append(f"harmonisation {self.harmonisation} of {self.harmonisations}")
        asked += [f"daring {self.daring:g}"] if self.daring is not None else []
        asked += [f"keeping bars {', '.join(self.keep)}"] if self.keep else []
        asked += self._kept_in_words()
        asked += [f"with the words “{_first_line(self.words)}”"] if self.words else []
        return ", ".join([said, *asked]) + f"; seed {self.seed}."

    def _kept_in_words(self) -> list[str]:
        kept = [_section_in_words(text) for text in self.keep_sections]
        kept += [f"the part {text}" if text[:1].isupper() else f"the {text}" for text in self.keep_parts]
        kept += [f"the chords of bars {', '.join(self.keep_chords)}"] if self.keep_chords else []
        kept += [f"the notes at {', '.join(self.keep_notes)}"] if self.keep_notes else []
        return [f"keeping {' and '.join(kept)}"] if kept else []

    @property
    def keeps_more(self) -> bool:
        """Whether it keeps anything of an earlier song."""
        return bool(self.keep_sections or self.keep_parts or self.keep_chords or self.keep_notes)


def named_song(recipe: SongRecipe, style: str) -> str:
    """The title of a song that nobody named, in its file as in the gallery. style: the style's title.

    A song of earlier rules keeps the title it had: after its style, with its seed.
    """
    if recipe.setting is not None and "naming" not in recipe.setting.versions:
        return f"After {style}, no. {recipe.seed}"
    return song_title(recipe.style, recipe.seed, recipe.form, recipe.key)


def song_title(style: str, seed: int, form: str = "", key: str | None = None) -> str:
    """A title that one remembers, from a song's style, by name, and its seed, form and key."""
    said = form.capitalize() if form in ("blues", "hymn") else "Song"
    mood = "sombre" if key and Key.parse(key).mode in DARK else ""
    return title_for(f"song {style} {seed}", mood=mood, form=said)


def _read_or_value_error(reader: Any, text: str) -> Any:
    """What the reader finds, its error turned into the ValueError that pydantic expects."""
    try:
        return reader(text)
    except (Refused, Unreadable) as error:
        raise ValueError(str(error)) from None


def read_form(text: str) -> tuple[str, ...]:
    """ "A A' B A": the sections of a song. Raises `Refused`."""
    try:
        return tuple(read_parts(text))
    except Refused:
        if near := did_you_mean(text, FORMS):
            raise Refused(f"{text!r} is not a form{near}") from None
        raise Refused(
            f"{text!r} is not a form; write sections as letters, such as AABA or A A' B A, or one of "
            f"{', '.join(FORMS)}."
        ) from None


def _titled(style: str) -> str:
    """The title of a style by its name; the name itself for one of a visitor's own."""
    found = SONG_STYLES.get(style) or CHORD_STYLES.get(style) or STYLES.get(style)
    return found.title if found else style


def _first_line(words: str) -> str:
    """The first line of words, without names in brackets."""
    lines = [line.strip() for line in words.splitlines() if line.strip() and not line.strip().startswith("[")]
    first = lines[0] if lines else ""
    return first if len(first) <= 60 else f"{first[:59]}…"


HELD = "."
"""Stands for one more beat of the chord before."""


def read_row(text: str) -> list[list[str] | None]:
    """ "C | Am7 D7 | ? | %": the chords of each bar as symbols, `HELD` for a beat more of the one before;
    None for a bar that is left open. Raises `Unreadable`, or `Refused` for a first bar that repeats another.
    """
    found: list[list[str] | None] = []
    if not text.strip():
        return found
    for number, bar in enumerate(text.strip().strip("|").split("|"), 1):
        words = bar.split()
        if words in (["?"], []):
            found.append(None)
        elif words == ["%"]:
            if not found:
                raise Refused("The first bar of the chords repeats a bar before it; write its chords.")
            found.append(found[-1])
        else:
            for word in words:
                if word != HELD and _chord_in(word, number) is None:
                    raise Refused(
                        f"Bar {number} of the chords has no chord ({word}); write one, or ? to leave it."
                    )
            if words[0] == HELD:
                raise Refused(f"Bar {number} of the chords begins with a held beat; begin it with a chord.")
            found.append(words)
    return found


def _chord_in(word: str, bar: int) -> Chord | None:
    try:
        return parse_chord(word)
    except Unreadable:
        raise Refused(
            f"{word!r} in bar {bar} is not a chord that the studio can read; write it like Am7, F#dim, "
            "G7(b9) or C/E."
        ) from None


FINEST_CHORDS = 4
"""Into how many chords a beat may be divided."""


def in_time(words: list[str], meter: Meter) -> list[tuple[str, Fraction, Fraction]]:
    """The chords of one bar as (symbol, start, end) in quarter notes. With `HELD` every word is a beat;
    without, the bar is shared equally by beats, and the first chords get what is over. Two, three or four
    times as many words as beats are as long as each other. Raises `Refused` for any other number of words
    beyond the beats.
    """
    beats, slot = int(meter.bar_length / meter.beat), meter.beat
    if len(words) > beats:
        times, over = divmod(len(words), beats)
        if over or times > FINEST_CHORDS:
            raise Refused(
                f"{len(words)} chords do not fit into a bar of {meter}, which has {beats} beats; "
                f"give it up to {beats} chords, or {2 * beats} of half a beat, with a dot where one is held."
            )
        beats, slot = len(words), slot / times
    if HELD in words:
        lengths = [1] * len(words)
        lengths[-1] += beats - len(words)
    else:
        share, over = divmod(beats, len(words))
        lengths = [share + (place < over) for place in range(len(words))]
    found: list[tuple[str, Fraction, Fraction]] = []
    here = Fraction(0)
    for word, length in zip(words, lengths, strict=True):
        end = here + length * slot
        if word == HELD:
            found[-1] = (found[-1][0], found[-1][1], end)
        else:
            found.append((word, here, end))
        here = end
    return found


def read_changes(text: str) -> tuple[int, int]:
    """ "1:2": fewest and most chords a bar. Raises `Refused`."""
    match = re.fullmatch(r"\s*(\d)\s*:\s*(\d)\s*", text)
    if not match or int(match[1]) > int(match[2]) or int(match[2]) < 1:
        raise Refused(
            f"{text!r} does not give two numbers of chords; write FEWEST:MOST chords in a bar, such as 1:2."
        )
    return int(match[1]), int(match[2])


def read_section_key(text: str) -> tuple[str, Key]:
    """ "B=Bb": a letter and a key. Raises `Refused`."""
    letter, equals, key = text.partition("=")
    if not equals or not re.fullmatch(r"\s*[A-Z]\s*", letter):
        raise Refused(f"{text!r} is not the key of a section; write LETTER=KEY, such as B=Bb.")
    return letter.strip(), Key.parse(key)


# What is kept, and how a band is mixed
# ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SectionName:
    """A section of a song: `letter` such as "A" or "A'", `number` which of them (from 1), 0 for all."""

    letter: str
    number: int = 0

    @classmethod
    def read(cls, text: str) -> SectionName:
        """ "A", "A2", "A'1". Raises `Refused`."""
        match = re.fullmatch(r"\s*([A-Z]'*)\s*(\d{0,2})\s*", text.replace("’", "'"))
        if not match or match[2] == "0":
            raise Refused(f"{text!r} is not a section; write its letter (A), or A2 for the second A.")
        return cls(match[1], int(match[2] or 0))


def read_keep_section(text: str) -> tuple[SectionName, int, SectionName]:
    """ "C=2:B1": where it is kept, of which earlier song (from 1), and which of its sections. Raises
    `Refused`.
    """
    place, equals, origin = text.partition("=")
    there = SectionName.read(place)
    song, colon, name = origin.rpartition(":")
    if colon and not re.fullmatch(r"\s*[1-9]\s*", song):
        raise Refused(f"{text!r} does not say of which earlier song; write B=2:A for the A of the second.")
    return there, int(song or 1), SectionName.read(name) if equals else there


def read_note_place(text: str) -> tuple[int, Fraction]:
    """ "4:1" or "4:2.5": a bar and a beat, both from 1. Raises `Refused`."""
    try:
        pin = Pin.read(f"{text}=note")
    except Refused:
        raise Refused(f"{text!r} is not the place of a note; write BAR:BEAT, such as 4:1.") from None
    return pin.bar, pin.beat


def read_part_seed(text: str) -> tuple[str, int]:
    """ "Bass=7". Raises `Refused`."""
    name, _, seed = text.rpartition("=")
    if not name.strip() or not re.fullmatch(r"\s*\d{1,10}\s*", seed) or int(seed) > 2**32 - 1:
        raise Refused(f"{text!r} is not the seed of a part; write PART=SEED, such as Bass=7.")
    return name.strip(), int(seed)


@dataclass(frozen=True, slots=True)
class MixedPart:
    """How one part is mixed. level: in LU beside the tune's, -40 … 12, None for the band's. pan: -1 … 1."""

    name: str
    level: float | None = None
    pan: float | None = None
    mute: bool = False
    solo: bool = False

    @classmethod
    def read(cls, text: str) -> MixedPart:
        """ "Bass=-3,pan 0.4" or "Bass=mute". Raises `Refused`."""
        name, equals, words = text.partition("=")
        found: dict[str, Any] = {}
        for word in words.lower().split(","):
            number = re.fullmatch(r"\s*(pan\s+)?([+-]?\d{1,2}(?:\.\d{1,3})?)\s*", word)
            if word.strip() in ("mute", "solo"):
                found[word.strip()] = True
            elif number:
                found["pan" if number[1] else "level"] = float(number[2])
            else:
                raise Refused(
                    f"{text!r} is not a setting of the mixer; write PART=LEVEL, such as Bass=-3, or "
                    "Bass=pan 0.4, Bass=mute or Bass=solo."
                )
        if not equals or not name.strip():
            raise Refused(f"{text!r} names no part; write PART=LEVEL, such as Bass=-3.")
        if not -40 <= found.get("level", 0) <= 12 or not -1 <= found.get("pan", 0) <= 1:
            raise Refused(f"{text!r} is out of range; a level goes from -40 to 12 LU, a pan from -1 to 1.")
        return cls(name.strip(), **found)


SONG_READERS: dict[str, Callable[[str], Any]] = {
    "keep_sections": read_keep_section,
    "keep_chords": read_keep,
    "keep_notes": read_note_place,
    "part_seeds": read_part_seed,
    "mix": MixedPart.read,
}
"""Field of a song's recipe that is a list -> how each of its entries is read."""


def _section_in_words(text: str) -> str:
    """A section to keep, as one says it: B=2:A is the section A of song 2 as B."""
    new, _, origin = text.partition("=")
    song, _, name = (origin or new).rpartition(":")
    of_song = f" of song {song}" if song else ""
    return f"section {name}{of_song}" + (f" as {new}" if name != new else "")
