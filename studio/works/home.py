"""Where the studio keeps what is yours: works, sources, downloaded weights."""

from __future__ import annotations

import os
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
            f"{folder} is a file, and the studio needs a folder there: "
            "set STUDIO_HOME to a folder of your own."
        )
    return folder
