"""The log: what went wrong by no fault of the person's, for whoever mends the studio. The person gets a
sentence that points here.
"""

from __future__ import annotations

import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from studio.works.home import home

LARGEST = 1_000_000
"""Bytes after which the log is put aside as studio.log.1 and begun anew."""


def write_log(what: str = "A fault.", details: str | None = None, *, place: Path | None = None) -> Path:
    """Add an entry to the log and give its file, `place`/log/studio.log (place: the studio's home).

    details: a traceback; by default that of the exception being handled. Never raises: a log that cannot be
    written must not hide what it was to tell, so then the entry goes to standard error.
    """
    from studio import __version__

    if details is None:
        details = "".join(traceback.format_exception(sys.exception())) if sys.exception() is not None else ""
    entry = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC  studio {__version__}  {what}\n{details.rstrip()}\n\n"
    log = Path()
    try:
        log = (place or home()) / "log" / "studio.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > LARGEST:
            log.replace(log.with_suffix(".log.1"))
        with log.open("a", encoding="utf-8") as file:
            file.write(entry)
    except Exception:
        print(entry, file=sys.stderr)
    return log
