"""Where the studio keeps what is yours: works, sources, downloaded weights."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from studio.errors import Refused


def home() -> Path:
    """This person's folder: what `STUDIO_HOME` names, else "studio" in the system's folder for user data.

    It is not created here; the first to write into it does that. Raises `Refused` where it is a file.
    """
    named = os.environ.get("STUDIO_HOME", "").strip()
    if named:
        folder = Path(named).expanduser().absolute()
    else:
        import platformdirs

        folder = Path(platformdirs.user_data_dir("studio", appauthor=False))
    if folder.exists() and not folder.is_dir():
        raise Refused(
            f"{folder} is a file, but the studio needs a folder there: "
            "set STUDIO_HOME to a folder of your own."
        )
    return folder


def environments_home() -> Path | None:
    """A folder laid out like a home, for what everyone needs who uses this virtual environment, such as the
    tunes of a style once they are read: `make app` fills it (see `studio.making.ahead`). It is only looked
    into, and nothing of anybody's is in it. None outside a virtual environment.
    """
    if sys.prefix == sys.base_prefix:
        return None
    return Path(sys.prefix) / "share" / "derivative-works-studio"
