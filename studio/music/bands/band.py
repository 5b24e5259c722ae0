"""What a band is, and how its TOML file is read. A file says so:

    title = "Piano trio, swing"
    about = "One sentence."
    swing = "tempo"          # where the second eighth of a beat falls: 0.5 is even; "tempo": by tempo
    timing = 8               # how far notes stray, in milliseconds (standard deviation)
    intro = 4                # bars before the tune; 0 for none
    ending = 2               # bars after it
    slows = 0.8              # the tempo of the last bar, as a share of the song's

    [dynamics]               # how much louder or softer a kind of section is played, in steps of velocity
    bridge = -6

    [[player]]
    name = "Bass"
    instrument = "Acoustic Bass"     # of General MIDI; a drum kit is "Drums" and has `kit`
    plays = "pattern"                # or tune, drums, double, harmony, counter, answer: see `PLAYS`
    range = "E1:G3"
    level = -6                       # loudness beside the tune's, in LU
    pan = 0.0                        # -1 left … 1 right
    reverb = 0.1                     # 0 … 1
    ahead = 4                        # milliseconds before the beat; below 0 behind it

    [[pattern]]
    name = "swing"
    meter = "4/4"                    # or several of the same length: ["4/4", "2/2"]
    role = "main"                    # fill, break, intro or ending
    [pattern.lines]
    Bass = "w w w w"
    [pattern.drums]
    ride = "x . x x"

A line divides its bars evenly into as many steps as it has words; `|` is only there to be read. See
`Gesture` for what a word says. Several lines in a list are variants: the first is the usual one.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from studio.errors import Refused, StudioError, UnknownName, Unreadable, did_you_mean
from studio.music.scores.meters import Meter
from studio.music.scores.pitches import parse_pitch
from studio.music.scores.sections import SECTION_WORDS
from studio.music.sound.rendering import program_of
from studio.works.home import home as studio_home

DRUMS = {
    "kick": 36,
    "stick": 37,
    "snare": 38,
    "clap": 39,
    "hat": 42,
    "pedal": 44,
    "open": 46,
    "low_tom": 45,
    "mid_tom": 47,
    "high_tom": 50,
    "crash": 49,
    "ride": 51,
    "bell": 53,
    "tambourine": 54,
    "cowbell": 56,
    "bongo": 60,
    "shaker": 70,
    "claves": 75,
    "triangle": 81,
}
"""What a line of drums is called -> its note in General MIDI."""

Role = Literal["main", "fill", "break", "intro", "ending"]
"""main: the groove. fill: the last bar of a section. break: the bar before the last section, where the band
stops. intro, ending: before and after the tune. Where a role has no line for a player, the groove goes on."""

KINDS_OF_SECTION = ("verse", "chorus", "bridge", "intro", "ending")
"""What sections are to a band: see `kind_of_section`."""

LAST = "last"
"""What a player names beside kinds of section to play in the last section of a song, whatever its kind, or in
the second half of a song of one.
"""

LOUDER, SOFTER = 18, -28
"""Steps of velocity of an accent and of a ghost note."""


@dataclass(frozen=True, slots=True)
class Gesture:
    """What a player does at a step: `.` rests, `-` holds on. Otherwise one or more of these, joined by `&`:

    1 … 9: a degree of the chord (1 its bass note, 3 its third, 5 its fifth, 7 its seventh or sixth, 8 the
    root above; 2, 4 and 6 lie between, as the chord has them, else the key), an octave up with `+` and down
    with `_`. `<` `>`: a half step below and a step above the next chord's bass. `w`: a note of a walking
    bass. `c`: the whole chord as voiced, `v1` `v2` …: its first, second … note from the bottom, `t`: its
    upper notes without the lowest. `x`: a drum. After it: `!` an accent, `?` a ghost note, `'` staccato.
    """

    bodies: tuple[str, ...]
    accent: int = 0
    staccato: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """One stroke of a line. place, length: in quarter notes from the beginning of the pattern."""

    place: Fraction
    length: Fraction
    token: Gesture


_TOKEN = re.compile(r"((?:[1-9][+_]*|[<>wcxt]|v[1-6])(?:&(?:[1-9][+_]*|[<>wct]|v[1-6]))*)([!?]?)('?)")


def parse_line(text: str, length: Fraction) -> tuple[Hit, ...]:
    """The strokes of a line that lasts `length` quarter notes. Raises `Refused`."""
    tokens = text.replace("|", " ").split()
    if not tokens:
        raise Refused("A line is empty; write a dot for each rest.")
    step = length / len(tokens)
    hits: list[Hit] = []
    sounding = False
    for number, word in enumerate(tokens):
        if word == "-":
            if sounding:
                hits[-1] = Hit(hits[-1].place, hits[-1].length + step, hits[-1].token)
            continue
        sounding = word != "."
        if sounding:
            hits.append(Hit(number * step, step, _token(word)))
    return tuple(hits)


def parse_drums(text: str, length: Fraction) -> tuple[Hit, ...]:
    """The strokes of a drum: x, X (an accent), o (a ghost note) and a dot for each rest. Raises `Refused`."""
    steps = re.sub(r"[\s|]", "", text)
    if not steps or re.search(r"[^xXo.]", steps):
        raise Refused(f"{text!r} is not a line of drums; write x, X, o and dots.")
    step = length / len(steps)
    accent = {"x": 0, "X": LOUDER, "o": SOFTER}
    return tuple(
        Hit(number * step, step, Gesture(("x",), accent[sign]))
        for number, sign in enumerate(steps)
        if sign != "."
    )


def _token(word: str) -> Gesture:
    match = _TOKEN.fullmatch(word)
    if not match:
        raise Refused(
            f"{word!r} is not something a player can do; write a degree such as 1 or 5_, w, c, v2, < or >, "
            "with ! ? or ' after it."
        )
    return Gesture(
        tuple(match[1].split("&")),
        {"!": LOUDER, "?": SOFTER, "": 0}[match[2]],
        bool(match[3]),
    )


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BandPlayer(_Strict):
    """One part of a band: see the head of this file, and `arranging.PLAYS` for `plays`.

    voices: how many notes its chords have. shape: how they are laid out.
    bass_range: where degrees are played, if not in `range`, where chords are. sections: the kinds of section
    it plays in, and `LAST`; empty for all. In a song that has none of them it plays in the last one. since:
    the first section in which it plays, counted from 1. strum: milliseconds from one string to the next.
    choir: players that name the same choir are voiced together, as in a quartet; they stand in the file from
    the top down.
    """

    name: str = Field(min_length=1, max_length=30)
    instrument: str
    plays: Literal["tune", "pattern", "drums", "double", "harmony", "counter", "answer"]
    range: str = "A0:C8"
    level: float = Field(-8, ge=-24, le=6)
    pan: float = Field(0.0, ge=-1, le=1)
    reverb: float = Field(0.2, ge=0, le=1)
    ahead: float = Field(0.0, ge=-40, le=40)
    velocity: int = Field(80, ge=20, le=120)
    kit: int = Field(0, ge=0, le=127)
    voices: int = Field(3, ge=1, le=6)
    shape: Literal["close", "open", "rootless"] = "close"
    bass_range: str = ""
    sections: tuple[str, ...] = ()
    since: int = Field(1, ge=1, le=9)
    strum: float = Field(0.0, ge=0, le=60)
    choir: str = ""

    @field_validator("sections")
    @classmethod
    def _known_sections(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for each in given:
            if each not in (*KINDS_OF_SECTION, LAST):
                raise ValueError(
                    f"{each!r} is not a kind of section; choose from {', '.join((*KINDS_OF_SECTION, LAST))}"
                )
        return given

    @property
    def drums(self) -> bool:
        return self.plays == "drums"

    @property
    def program(self) -> int:
        """General MIDI program, or the drum kit's."""
        return self.kit if self.drums else program_of(self.instrument)

    @property
    def low(self) -> int:
        return _range(self.range)[0]

    @property
    def high(self) -> int:
        return _range(self.range)[1]

    @property
    def bass_low(self) -> int:
        return _range(self.bass_range or self.range)[0]

    @property
    def bass_high(self) -> int:
        return _range(self.bass_range or self.range)[1]


class Pattern(_Strict):
    """One or more bars of what the players do. sections: the kinds of section it is for; empty for all."""

    name: str
    meter: str | tuple[str, ...]
    role: Role = "main"
    bars: int = Field(1, ge=1, le=8)
    weight: float = Field(1.0, gt=0, le=100)
    sections: tuple[str, ...] = ()
    lines: Mapping[str, str | tuple[str, ...]] = {}
    drums: Mapping[str, str | tuple[str, ...]] = {}

    @property
    def meters(self) -> tuple[Meter, ...]:
        named = (self.meter,) if isinstance(self.meter, str) else self.meter
        return tuple(Meter.parse(each) for each in named)

    @property
    def length(self) -> Fraction:
        """In quarter notes."""
        return self.meters[0].bar_length * self.bars

    def variants(self, player: str) -> tuple[tuple[Hit, ...], ...]:
        """What a player may do, the usual line first; empty where the pattern says nothing of it."""
        return tuple(parse_line(each, self.length) for each in _several(self.lines.get(player, ())))

    def drum_variants(self, drum: str) -> tuple[tuple[Hit, ...], ...]:
        return tuple(parse_drums(each, self.length) for each in _several(self.drums.get(drum, ())))


class Band(_Strict):
    """A band: see the head of this file. name: that of its file."""

    name: str
    title: str = Field(min_length=1, max_length=60)
    about: str = Field(min_length=1, max_length=300)
    swing: float | Literal["tempo"] = 0.5
    timing: float = Field(8.0, ge=0, le=40)
    tempo: tuple[int, int] = (60, 240)
    intro: int = Field(4, ge=0, le=16)
    ending: int = Field(2, ge=0, le=8)
    slows: float = Field(0.85, ge=0.4, le=1)
    dynamics: Mapping[str, int] = {}
    player: tuple[BandPlayer, ...] = Field(min_length=1, max_length=16)
    pattern: tuple[Pattern, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Band:
        names = [each.name for each in self.player]
        if len(set(names)) < len(names):
            raise ValueError("two players have the same name")
        if [each.plays for each in self.player].count("tune") != 1:
            raise ValueError("exactly one player must play the tune")
        for pattern in self.pattern:
            if len({meter.bar_length for meter in pattern.meters}) > 1:
                raise ValueError(f"the meters of the pattern {pattern.name} differ in length")
            for player in pattern.lines:
                if player not in names:
                    raise ValueError(
                        f"the pattern {pattern.name} has a line for {player}, who is not a player of the band"
                    )
                pattern.variants(player)
            for drum in pattern.drums:
                if drum not in DRUMS:
                    raise UnknownName("drum", drum, DRUMS)
                pattern.drum_variants(drum)
        for each in self.player:
            _ = each.program, each.low, each.bass_low
        return self

    @property
    def meters(self) -> tuple[Meter, ...]:
        """The meters it can play, in the order of its file."""
        return tuple(dict.fromkeys(m for each in self.pattern if each.role == "main" for m in each.meters))

    @property
    def swings(self) -> str:
        return (
            "less the faster" if self.swing == "tempo" else "no" if self.swing == 0.5 else f"{self.swing:g}"
        )

    def swing_at(self, tempo: float) -> float:
        """Where the second eighth of a beat falls, 0.5..0.67 of it; tempo: beats a minute.

        Players swing less the faster they play: two thirds up to 100 beats a minute, even at 300 (after
        Friberg and Sundström, "Swing ratios and ensemble timing in jazz performance", Music Perception 19(3),
        2002, who measured it on records).
        """
        if self.swing == "tempo":
            return min(2 / 3, max(0.5, 0.5 + (2 / 3 - 0.5) * (1 - (tempo - 100) / 200)))
        return float(self.swing)

    def check_meter(self, meter: Meter) -> None:
        """Raises `Refused` where the band has no pattern for it."""
        if self.pattern and meter not in self.meters:
            can = ", ".join(map(str, self.meters))
            raise Refused(
                f"The band {self.name} does not play in {meter}; it plays in {can}; "
                "choose another band or meter."
            )

    def main(self, meter: Meter) -> tuple[Pattern, ...]:
        return self.of_role("main", meter)

    def of_role(self, role: str, meter: Meter) -> tuple[Pattern, ...]:
        return tuple(each for each in self.pattern if each.role == role and meter in each.meters)

    @property
    def leader(self) -> BandPlayer:
        """Who plays the tune."""
        return next(each for each in self.player if each.plays == "tune")

    def named(self, name: str) -> BandPlayer:
        """The player of that name. Raises `UnknownName`."""
        for each in self.player:
            if each.name == name:
                return each
        raise UnknownName("player", name, [each.name for each in self.player])


def _several(given: str | Sequence[str]) -> Sequence[str]:
    return (given,) if isinstance(given, str) else given


@lru_cache(maxsize=256)
def _range(text: str) -> tuple[int, int]:
    low, _, high = text.partition(":")
    found = parse_pitch(low), parse_pitch(high)
    if found[0] >= found[1]:
        raise Refused(f"{text} is not a range; write the lower pitch first, like E1:G3.")
    return found


def read_band(text: str, name: str) -> Band:
    """A band from the text of its file. Raises `Unreadable`, with the reason."""
    try:
        values = tomllib.loads(text)
        return Band.model_validate({**values, "name": name})
    except tomllib.TOMLDecodeError as error:
        raise Unreadable(
            f"The band {name} is not a TOML file: {error}. Write it as docs/bands.md says."
        ) from None
    except StudioError as error:
        raise Unreadable(f"The band {name} cannot be read: {error}") from None
    except ValidationError as error:
        first: Any = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        said = str(first["msg"]).removeprefix("Value error, ")
        if first["type"] == "missing":
            raise Unreadable(
                f"The band {name} cannot be read: {where!r} is missing; add it, as docs/bands.md says."
            ) from None
        if first["type"] == "extra_forbidden":
            near = did_you_mean(where, Band.model_fields) or "; leave it out, or see docs/bands.md."
            raise Unreadable(
                f"The band {name} cannot be read: {where!r} is not known in a band's file{near}"
            ) from None
        raise Unreadable(f"The band {name} cannot be read: {where}: {said}.") from None


LIBRARY = Path(__file__).parent / "library"

EARLIER_FILES = {"1": "until_2", "2": "until_2"}
"""Rules of arranging (`plan.ARRANGING_RULES`) -> the folder of `LIBRARY` with the files of bands that have
changed since, by which works of those rules are played.
"""


def own_bands(home: Path | None = None) -> dict[str, Path]:
    """The files of your own bands, by name (see `bands.own`)."""
    files = sorted(((home or studio_home()) / "bands").glob("*.toml"))
    return {path.stem: path for path in files if path.stem not in shipped_bands()}


@cache
def shipped_bands() -> tuple[str, ...]:
    """The bands that come with the studio, one for each file of `library`."""
    return tuple(sorted(path.stem for path in LIBRARY.glob("*.toml")))


def band_names() -> tuple[str, ...]:
    """The bands that come with the studio, then your own."""
    return (*shipped_bands(), *own_bands())


@lru_cache(maxsize=64)
def _read(name: str, text: str) -> Band:
    return read_band(text, name)


def band_by_name(name: str | Path, rules: str = "") -> Band:
    """A band by its name, or from a TOML file. rules: of arranging; "" for today's. Raises `UnknownName` or
    `Unreadable`.
    """
    if str(name).endswith(".toml"):
        return _read(Path(name).stem, _text(Path(name)))
    return _read(str(name), _text(_file_of(str(name), rules)))


def _file_of(name: str, rules: str) -> Path:
    path = LIBRARY / f"{name}.toml" if name in shipped_bands() else own_bands().get(name)
    if path is None:
        raise UnknownName("band", name, band_names())
    earlier = LIBRARY / EARLIER_FILES.get(rules, ".") / path.name
    return earlier if path.parent == LIBRARY and earlier.exists() else path


def _text(path: Path) -> str:
    """The text of a band's file, with line ends as every system reads them. Raises `Unreadable`."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise Unreadable(f"{path.name} is not a band that can be read; give a TOML file.") from None


def band_hash(name: str, rules: str = "") -> str:
    """The first eight digits (hex) of the sha256 of a band's file, so that a song can say whether the file is
    the one it was played by. rules: as in `band_by_name`. Raises `UnknownName`.
    """
    return hashlib.sha256(_text(_file_of(name, rules)).encode()).hexdigest()[:8]


def bands() -> tuple[Band, ...]:
    """All bands that come with the studio."""
    return tuple(band_by_name(name) for name in shipped_bands())


def kind_of_section(name: str, first: str) -> str:
    """What a section is to a band: "verse", "chorus", "bridge", "intro" or "ending".

    first: the name of the song's first section that is neither intro nor ending. Letters are judged by it:
    the first letter and all like it are verses, a C is a chorus and other letters are bridges.
    """
    plain = re.sub(r"[\s\d'*]+$", "", name.strip().lower())
    for kind, words in SECTION_WORDS.items():
        if plain.startswith(words):
            return kind
    if plain == re.sub(r"[\s\d'*]+$", "", first.strip().lower()):
        return "verse"
    return {"a": "verse", "c": "chorus", "b": "bridge", "d": "bridge"}.get(plain[:1], "verse")
