"""Your own bands: TOML files that were added under a name.

add_band(Path("duo.toml"))          the band duo, beside those that come with the studio
"""

from __future__ import annotations

import re
from pathlib import Path

from studio.errors import Refused, UnknownName
from studio.music.bands.band import Band, band_by_name, own_bands, read_band, shipped_bands
from studio.works.home import home as studio_home


def add_band(file: Path, home: Path | None = None) -> Band:
    """Keep a copy of a band's file under the name of the file; one that was added under it before gives way.

    Raises `Refused` for a name that is not allowed or that a band of the studio has, and `Unreadable` for a
    file that is no band, with the reason; then nothing is kept.
    """
    name = file.stem
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
        raise Refused(
            f"A band cannot be called {name}; name its file with small letters a to z, digits and hyphens, "
            "such as my-duo.toml."
        )
    if name in shipped_bands():
        raise Refused(f"A band called {name} comes with the studio; give your file another name.")
    if file.suffix != ".toml":
        raise Refused(f"{file.name} is not a TOML file; a band's file ends with .toml.")
    band_by_name(file)
    text = file.read_text("utf-8")
    folder = (home or studio_home()) / "bands"
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{name}.part"
    part.write_text(text, "utf-8")
    part.replace(folder / f"{name}.toml")
    return read_band(text, name)


def remove_band(name: str, home: Path | None = None) -> None:
    """Remove a band of your own; your own file stays where it is. Raises `UnknownName`."""
    own = own_bands(home)
    if name not in own:
        raise UnknownName("band of your own", name, own)
    own[name].unlink()
