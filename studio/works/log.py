"""The log: faults of the studio itself, for whoever fixes them. A person gets a sentence that points here."""

from __future__ import annotations

import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from studio.works.home import home
from studio.works.private import make_private_file, make_private_folder

LARGEST = 1_000_000
"""Bytes after which the log is renamed to studio.log.1 and a new one is started."""


def write_log(what: str = "A fault.", details: str | None = None, *, place: Path | None = None) -> Path:
    """Add an entry to the log. Returns its file, `place`/log/studio.log.

    details: a traceback; by default that of the exception being handled. place: the studio's home. Never
    raises: where the log cannot be written, the entry goes to standard error.
    """
    from studio import __version__

    if details is None:
        details = "".join(traceback.format_exception(sys.exception())) if sys.exception() is not None else ""
    entry = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC  studio {__version__}  {what}\n{details.rstrip()}\n\n"
    log = Path()
    try:
        log = (place or home()) / "log" / "studio.log"
        make_private_folder(log.parents[1])
        make_private_folder(log.parent)
        make_private_file(log)
        if log.stat().st_size > LARGEST:
            log.replace(log.with_suffix(".log.1"))
            make_private_file(log)
        with log.open("a", encoding="utf-8") as file:
            file.write(entry)
    except Exception:
        print(entry, file=sys.stderr)
    return log
