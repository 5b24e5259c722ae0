"""SoundFonts: SF2, and SF3, whose recordings are Ogg streams that are decoded when they are first used.

    font = open_soundfont(path)
    for layer in font.layers(bank=0, program=40, key=69, velocity=100):
        layer.recording, layer.zone          the wave, and all generators with the modulators worked in

By the SoundFont Technical Specification 2.04 (E-mu Systems, 2006; sections are cited below). SF3 is
MuseScore's variant: `sfSampleType` has bit 0x10, the places of a sample are bytes, its loop counts from its
own beginning, and chunks of an odd length are not padded.
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from studio.errors import Unreadable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRUM_BANK = 128

# Numbers of the generators that are used (section 8.1.2).
START, END, LOOP_START, LOOP_END = 0, 1, 2, 3
START_COARSE, END_COARSE, LOOP_START_COARSE, LOOP_END_COARSE = 4, 12, 45, 50
FILTER_FC, FILTER_Q, ENVELOPE_TO_FILTER, PAN = 8, 9, 11, 17
MOD_DELAY, MOD_ATTACK, MOD_HOLD, MOD_DECAY, MOD_SUSTAIN, MOD_RELEASE = 25, 26, 27, 28, 29, 30
KEY_TO_MOD_HOLD, KEY_TO_MOD_DECAY = 31, 32
DELAY, ATTACK, HOLD, DECAY, SUSTAIN, RELEASE, KEY_TO_HOLD, KEY_TO_DECAY = 33, 34, 35, 36, 37, 38, 39, 40
INSTRUMENT, KEYS, VELOCITIES, KEY, FIXED_VELOCITY, ATTENUATION = 41, 43, 44, 46, 47, 48
COARSE_TUNE, FINE_TUNE, SAMPLE, MODES, SCALE_TUNING, EXCLUSIVE, ROOT = 51, 52, 53, 54, 56, 57, 58

MODULATED_ATTENUATION = -48
"""Where the attenuation by modulators is kept: it counts in full, that of the file to four tenths (section
8.1.2, generator 48: players agree on what E-mu's hardware did)."""

Zone = dict[int, float]
"""Number of a generator -> its amount."""

DEFAULTS: Zone = {
    FILTER_FC: 13500,
    **dict.fromkeys((DELAY, ATTACK, HOLD, DECAY, RELEASE), -12000),
    **dict.fromkeys((MOD_DELAY, MOD_ATTACK, MOD_HOLD, MOD_DECAY, MOD_RELEASE), -12000),
    SCALE_TUNING: 100,
    ROOT: -1,
    KEY: -1,
}
_NOT_ADDED = frozenset(
    {KEYS, VELOCITIES, INSTRUMENT, SAMPLE, MODES, ROOT, KEY, FIXED_VELOCITY, EXCLUSIVE}
    | {START, END, LOOP_START, LOOP_END, START_COARSE, END_COARSE, LOOP_START_COARSE, LOOP_END_COARSE}
)
"""Generators that a preset may not add to (section 8.5)."""


@dataclass(frozen=True, slots=True)
class Modulator:
    """What moves a generator (section 8.2). source, amount_source: as the file has them. destination: number
    of the generator. absolute: the sign of the result is dropped.
    """

    source: int
    destination: int
    amount: int
    amount_source: int
    absolute: bool = False

    @property
    def identity(self) -> tuple[int, int, int]:
        """Modulators that agree in these replace each other (section 9.5.1)."""
        return self.source, self.destination, self.amount_source

    def at(self, key: int, velocity: int) -> float:
        """What is added to the generator for a note."""
        found = self.amount * _controlled(self.source, key, velocity)
        found *= _controlled(self.amount_source, key, velocity) if self.amount_source else 1.0
        return abs(found) if self.absolute else found


DEFAULT_MODULATORS = (
    Modulator(0x0502, ATTENUATION, 960, 0),
    Modulator(0x0102, FILTER_FC, -2400, 0),
)
"""Velocity to attenuation and to the filter's cutoff (sections 8.4.1 and 8.4.2). The other defaults answer to
controllers, which the studio's mixer stands for."""

_CONTROLLERS = {7: 127, 10: 64, 11: 127}
"""Where controllers stand that a modulator may ask for; all others are at 0."""


def _controlled(source: int, key: int, velocity: int) -> float:
    """The value of a source, 0..1 or -1..1 (sections 8.2.1 to 8.2.4)."""
    index, is_cc = source & 0x7F, bool(source & 0x80)
    falls, bipolar, curve = bool(source & 0x100), bool(source & 0x200), source >> 10
    if is_cc:
        value = _CONTROLLERS.get(index, 0)
    else:
        value = {0: 127, 2: velocity, 3: key, 14: 64, 16: 2}.get(index, 0)
    if index == 0 and not is_cc:
        return 1.0
    x = 127 - value if falls else value
    if bipolar:
        half = 2 * x / 127 - 1
        return math.copysign(_curved(curve, abs(half) * 127), half)
    return _curved(curve, x)


def _curved(curve: int, x: float) -> float:
    """linear, concave, convex or switch, of 0..127."""
    if curve == 1:
        return min(1.0, -40 / 96 * math.log10(max(1e-3, (127 - x) / 127)))
    if curve == 2:
        return 1 - min(1.0, -40 / 96 * math.log10(max(1e-3, x / 127)))
    if curve == 3:
        return float(x >= 64)
    return x / 128


@dataclass(frozen=True)
class _Header:
    start: int
    end: int
    loop_start: int
    loop_end: int
    rate: int
    root: int
    correction: int
    packed: bool


@dataclass(frozen=True, slots=True)
class _ZoneOf:
    """A zone of the file: its generators and modulators."""

    values: dict[int, int]
    modulators: tuple[Modulator, ...]


@dataclass(frozen=True)
class Recording:
    """A recorded wave. samples: float32 [n], -1..1. rate: samples a second. root: the key it was recorded at.
    correction: in cents. loop_start, loop_end: samples from the beginning.
    """

    samples: NDArray[np.float32]
    rate: int
    root: int
    correction: int
    loop_start: int
    loop_end: int


@dataclass(frozen=True)
class SoundLayer:
    """One wave that sounds when a key is struck. number: of the recording, for caches."""

    number: int
    recording: Recording
    zone: Zone


@dataclass
class SoundFont:
    """A SoundFont that is open. Recordings are decoded when they are first used, and kept."""

    name: str
    headers: tuple[_Header, ...]
    presets: dict[tuple[int, int], list[_ZoneOf]]
    instruments: tuple[list[_ZoneOf], ...]
    waves: bytes = field(repr=False)
    _decoded: dict[int, Recording] = field(default_factory=dict, repr=False)

    def layers(self, bank: int, program: int, key: int, velocity: int) -> list[SoundLayer]:
        """What sounds for a note. A program that the font lacks is played with program 0 of its bank. Raises
        `Unreadable` where its tables point at what it does not have.
        """
        try:
            return self._layers(bank, program, key, velocity)
        except (struct.error, IndexError, KeyError, ValueError, TypeError):
            raise damaged(self.name) from None

    def _layers(self, bank: int, program: int, key: int, velocity: int) -> list[SoundLayer]:
        found = []
        for preset in self.presets.get((bank, program)) or self.presets.get((bank, 0)) or []:
            if not _plays(preset.values, key, velocity):
                continue
            if preset.values[INSTRUMENT] < 0:
                raise IndexError
            for zone in self.instruments[preset.values[INSTRUMENT]]:
                if _plays(zone.values, key, velocity):
                    number = zone.values[SAMPLE]
                    if number < 0:
                        raise IndexError
                    found.append(
                        SoundLayer(number, self.recording(number), _worked_in(preset, zone, key, velocity))
                    )
        return found

    def recording(self, number: int) -> Recording:
        """Raises `Unreadable` for a recording that cannot be decoded."""
        if number not in self._decoded:
            self._decoded[number] = self._decode(self.headers[number])
        return self._decoded[number]

    def _decode(self, header: _Header) -> Recording:
        import numpy as np

        if not header.packed:
            wave = np.frombuffer(self.waves[2 * header.start : 2 * header.end], "<i2")
            samples = wave.astype(np.float32) / np.float32(32768)
            loop = header.loop_start - header.start, header.loop_end - header.start
        else:
            samples = _ogg(self.waves[header.start : header.end], self.name)
            loop = header.loop_start, header.loop_end
        return Recording(samples, header.rate, header.root, header.correction, *loop)


def _ogg(content: bytes, name: str) -> NDArray[np.float32]:
    import numpy as np
    import soundfile

    try:
        samples, _ = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError):
        raise Unreadable(
            f"A recording in {name} is damaged; remove the font and add it again (studio sound)."
        ) from None
    return np.ascontiguousarray(samples[:, 0])


def _plays(values: dict[int, int], key: int, velocity: int) -> bool:
    for generator, value in ((KEYS, key), (VELOCITIES, velocity)):
        if generator in values:
            span = values[generator] & 0xFFFF
            if not span & 0xFF <= value <= span >> 8:
                return False
    return True


def _worked_in(preset: _ZoneOf, zone: _ZoneOf, key: int, velocity: int) -> Zone:
    """An instrument's zone, to which its preset adds (section 9.4), and what modulators add to both."""
    values: Zone = {**DEFAULTS, **zone.values}
    for generator, amount in preset.values.items():
        if generator not in _NOT_ADDED:
            values[generator] = values.get(generator, 0) + amount
    struck = int(zone.values.get(FIXED_VELOCITY, velocity)) if FIXED_VELOCITY in zone.values else velocity
    own = {each.identity: each for each in (*DEFAULT_MODULATORS, *zone.modulators)}
    for each in (*own.values(), *preset.modulators):
        place = MODULATED_ATTENUATION if each.destination == ATTENUATION else each.destination
        values[place] = values.get(place, 0) + each.at(key, struck)
    return values


# The file
# ------------------------------------------------------------------------------------------------------------


def damaged(name: str) -> Unreadable:
    """What is said of a SoundFont whose file is cut short or whose tables are wrong."""
    return Unreadable(
        f"The SoundFont {name} is damaged or cut short; add a whole copy of it (studio sound add), or play "
        "with another."
    )


def open_soundfont(path: Path) -> SoundFont:
    """Raises `Unreadable` for a file that is no SoundFont, and for one that is cut short or plays nothing."""
    try:
        return _opened(path, path.stat().st_mtime_ns)
    except (struct.error, IndexError, KeyError, ValueError, OSError):
        raise Unreadable(
            f"{path.name} is not a SoundFont the studio can play; give an .sf2 or .sf3 file."
        ) from None


@lru_cache(maxsize=2)
def _opened(path: Path, _changed: int) -> SoundFont:
    content = path.read_bytes()
    if content[:4] != b"RIFF" or content[8:12] != b"sfbk":
        raise ValueError("no RIFF file of kind sfbk")
    chunks = _parts_of(content)
    if chunks == {}:
        raise ValueError("no lists inside")
    if chunks is None:
        raise damaged(path.name)
    try:
        font = _from_chunks(path.name, chunks)
    except (struct.error, IndexError, KeyError, ValueError):
        raise damaged(path.name) from None
    if not any(font.presets.values()):
        raise Unreadable(f"The SoundFont {path.name} has no instrument; give another .sf2 or .sf3 file.")
    return font


def _parts_of(content: bytes) -> dict[str, bytes] | None:
    """The chunks inside the lists of a file, by name; None where one says that it is longer than the file."""
    chunks: dict[str, bytes] = {}
    for name, start, end in _chunks(content, 12, len(content)):
        if end > len(content) + 1 and (chunks or name == "LIST"):
            return None
        if name == "LIST":
            for part, first, last in _chunks(content, start + 4, end):
                if last > len(content) + 1:
                    return None
                chunks[part] = content[first:last]
    return chunks


def _from_chunks(name: str, chunks: dict[str, bytes]) -> SoundFont:
    headers = tuple(
        _Header(
            row[1],
            row[2],
            row[3],
            row[4],
            max(row[5], 400),
            row[6] if row[6] <= 127 else 60,
            row[7],
            bool(row[9] & 0x10),
        )
        for row in struct.iter_unpack("<20s5IBbHH", chunks["shdr"])
    )
    presets = list(struct.iter_unpack("<20sHHH3I", chunks["phdr"]))
    instruments = list(struct.iter_unpack("<20sH", chunks["inst"]))
    preset_zones = _zones(chunks, "p")
    instrument_zones = _zones(chunks, "i")
    return SoundFont(
        name,
        headers,
        {
            (row[2], row[1]): _completed(preset_zones[row[3] : after[3]], INSTRUMENT)
            for row, after in pairwise(presets)
        },
        tuple(
            _completed(instrument_zones[row[1] : after[1]], SAMPLE) for row, after in pairwise(instruments)
        ),
        chunks["smpl"],
    )


def _chunks(content: bytes, place: int, end: int) -> Iterator[tuple[str, int, int]]:
    """(name, start, end) of the data of each chunk. Chunks begin at even places, unless the writer forgot."""
    while place + 8 <= end:
        name, size = struct.unpack_from("<4sI", content, place)
        yield name.decode("latin-1"), place + 8, place + 8 + size
        place += 8 + size
        if size % 2 and not _named(content[place : place + 4]):
            place += 1


def _named(letters: bytes) -> bool:
    return len(letters) == 4 and letters.isalpha() and letters.isascii()


def _zones(chunks: dict[str, bytes], kind: str) -> list[_ZoneOf]:
    """The zones of presets ("p") or instruments ("i")."""
    firsts = list(struct.iter_unpack("<HH", chunks[kind + "bag"]))
    pairs = list(struct.iter_unpack("<Hh", chunks[kind + "gen"]))
    records = list(struct.iter_unpack("<HHhHH", chunks[kind + "mod"]))
    found = []
    for (generator, modulator), (next_generator, next_modulator) in pairwise(firsts):
        own = tuple(
            Modulator(source, destination, amount, amount_source, transform == 2)
            for source, destination, amount, amount_source, transform in records[modulator:next_modulator]
            if not destination & 0x8000  # a link to another modulator
        )
        found.append(_ZoneOf(dict(pairs[generator:next_generator]), own))
    return found


def _completed(zones: Sequence[_ZoneOf], last: int) -> list[_ZoneOf]:
    """A first zone without the generator that must come last is global: the others inherit what they do not
    set themselves (sections 7.3 and 7.7).
    """
    common = zones[0] if zones and last not in zones[0].values else _ZoneOf({}, ())
    return [
        _ZoneOf({**common.values, **zone.values}, _inherited(common.modulators, zone.modulators))
        for zone in zones
        if last in zone.values
    ]


def _inherited(common: Sequence[Modulator], own: Sequence[Modulator]) -> tuple[Modulator, ...]:
    return tuple({each.identity: each for each in (*common, *own)}.values())
