"""The logs: faults of the studio itself, for its developers, and requests that were turned away.

The user sees a sentence that points here.
"""

from __future__ import annotations

import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from studio.works.home import home
from studio.works.private import make_private_file, make_private_folder

LARGEST = 1_000_000
"""Bytes after which a log is renamed, to studio.log.1, and a new one is started."""


def write_log(what: str = "A fault.", details: str | None = None, *, place: Path | None = None) -> Path:
    """Add an entry to the log. Returns its file, `place`/log/studio.log.

    details: a traceback; by default that of the exception being handled. place: the studio's home. Never
    raises: where the log cannot be written, the entry goes to standard error.
    """
    from studio.version import __version__

    if details is None:
        details = "".join(traceback.format_exception(sys.exception())) if sys.exception() is not None else ""
    return _add(f"{_now()}  studio {__version__}  {what}\n{details.rstrip()}\n\n", "studio.log", place)


def note_refusal(why: str, address: str, user: str, *, place: Path | None = None) -> Path:
    """Add a line to the record of who was not let in. Returns its file, `place`/log/refusals.log.

    why, address, user: of the attempt. Never a password. place and failures as in `write_log`.
    """
    line = "  ".join(" ".join(part.split())[:100] for part in (why, address, user))
    return _add(f"{_now()}  {line}\n", "refusals.log", place)


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _add(entry: str, name: str, place: Path | None) -> Path:
    log = Path()
    try:
        log = (place or home()) / "log" / name
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
