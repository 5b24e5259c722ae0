"""Opens styles: those of the table, your own, and any file or folder of tunes.

    style = ready_style("ryans-mammoth")                 # or follow open_style(...) for progress
    waltzes = style.filtered(meter="3/4", mode="major")
    waltzes[0].title, len(waltzes), waltzes.events(24).pitches

Files are read once, in parallel. The result is kept in `home()/styles` under the hash of the files, so that
the style opens in a moment the next time. Nothing is trained. A tune's key is its first one; where a file
gives a signature without a mode, or no key, the notes decide (`reading.key_finding.estimate_key`).
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from studio.errors import Missing, Refused, UnknownName, Unreadable
from studio.music.reading.budget import ReadingBudget, Unread
from studio.music.reading.pieces import READING_RULES, SUFFIXES, Piece, by_rules, pieces
from studio.music.reading.readers import Readers
from studio.music.scores.tunes import Tune
from studio.music.styles.cache import about_in, dump, keep, load
from studio.music.styles.columns import columns_of
from studio.music.styles.downloads import archive_of, unzipped
from studio.music.styles.own import own_file, own_styles
from studio.music.styles.style import Style
from studio.music.styles.table import STYLES, StyleEntry, corpus_files, own_entry
from studio.process import finish
from studio.works.home import environments_home
from studio.works.home import home as studio_home
from studio.works.keeper import Keeper
from studio.works.private import make_private_folder
from studio.works.work import Progress


def ready_style(
    name: str | Path, home: Path | None = None, *, processes: int | None = None, kindly: bool = False
) -> Style:
    """`open_style`, run to its end."""
    return finish(open_style(name, home, processes=processes, kindly=kindly))


def open_style(
    name: str | Path, home: Path | None = None, *, processes: int | None = None, kindly: bool = False
) -> Generator[Progress, None, Style]:
    """A style by its name in the table, by the name you gave it (`add_style`), or by the path of a file or
    folder.

    Yields progress while it reads and returns the style. processes: how many read at once; None for as many
    as there are processors. kindly: this process gives way to others, so nobody waits for it. Raises
    `UnknownName`, `Missing` (a path or download that is not there), `Refused` (a folder without scores) and
    `Unreadable` (nothing in it could be read).
    """
    folder = (home or studio_home()) / "styles"
    if isinstance(name, str) and name in STYLES:
        entry, sources = STYLES[name], None
        sha256 = _table_fingerprint(name, folder.parent)
    else:
        own = own_file(str(name), folder)
        if own.exists():
            return load(own.read_bytes(), None)
        entry, sources = _from_path(name, folder)
        sha256 = _fingerprint(entry, sources)
    kept = folder / f"{sha256}.tunes"
    if kept.exists():
        try:
            return _loaded(kept, entry)
        except Unreadable:
            kept.unlink(missing_ok=True)  # a damaged cache: read the files again
    if (style := _read_at_setup(kept.name, entry)) is not None:
        return style
    marker = kept.with_suffix(".reading")
    for _ in () if kindly else waited_for(marker, until=kept):
        yield Progress(0, 1, f"reading {entry.title}")
    try:
        if kept.exists():  # by the process that was waited for
            with suppress(Unreadable):
                return _loaded(kept, entry)
        sources = _files_of(entry, folder) if sources is None else sources
        style = yield from _read(entry, sources, sha256, processes)
        keep(dump(style), kept)
        return style
    finally:
        if not kindly:
            marker.unlink(missing_ok=True)


def _loaded(path: Path, entry: StyleEntry) -> Style:
    """A style that was read before. Those of the table that were asked for last stay in memory. Raises
    `Unreadable` and `OSError`.
    """
    if STYLES.get(entry.name) is not entry:
        return load(path.read_bytes(), entry)
    about = path.stat()
    return _latest(path, entry.name, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=3)
def _latest(path: Path, name: str, _changed: int, _size: int) -> Style:
    return load(path.read_bytes(), STYLES[name])


def _read_at_setup(name: str, entry: StyleEntry) -> Style | None:
    """A style that was read when the studio was set up."""
    there = environments_home()
    if there is None or entry.name not in STYLES:
        return None
    with suppress(OSError, Unreadable):
        return _loaded(there / "styles" / name, entry)
    return None


def fingerprint_of(entry: StyleEntry, home: Path | None = None) -> str:
    """The sha256 that a style of the table has once it is read. Nothing is read for it but its files' bytes.

    Raises `Missing`.
    """
    if STYLES.get(entry.name) is entry and not entry.download:
        return _corpus_fingerprint(entry.name)
    return _fingerprint(entry, _files_of(entry, (home or studio_home()) / "styles"))


@lru_cache(maxsize=64)
def _corpus_fingerprint(name: str) -> str:
    """Of a style that comes with music21. Its files stay as they were installed, and every melody asks."""
    return _fingerprint(STYLES[name], _files_of(STYLES[name], Path()))


def is_read(entry: StyleEntry) -> bool:
    """Whether a style of the table was read before, in this home or when the studio was set up. One whose
    files are not here counts as not read.
    """
    sha256 = read_as(entry.name)
    if sha256 is None:
        return False
    name = f"{sha256}.tunes"
    folders = (studio_home(), environments_home())
    return any(folder is not None and (folder / "styles" / name).exists() for folder in folders)


def read_as(name: str) -> str | None:
    """The sha256 of a style of the table once it is read. None for any other, and where its files are not
    here.
    """
    if name not in STYLES:
        return None
    try:
        return _table_fingerprint(name, studio_home())
    except Missing:
        return None


def about_tunes(name: str) -> Mapping[tuple[str, str], int] | None:
    """How many tunes of a style of the table are in each meter and mode; None where it was not read."""
    sha256 = read_as(name)
    folders = (studio_home(), environments_home()) if sha256 is not None else ()
    for folder in folders:
        path = folder / "styles" / f"{sha256}.tunes" if folder is not None else None
        if path is not None and path.exists():
            with suppress(OSError, Unreadable):
                return _meters_and_modes(path, path.stat().st_mtime_ns)
    return None


@lru_cache(maxsize=16)
def _meters_and_modes(path: Path, _changed: int) -> Mapping[tuple[str, str], int]:
    return Counter((str(each["meter"]), str(each["mode"])) for each in about_in(path))


@lru_cache(maxsize=64)
def _table_fingerprint(name: str, home: Path) -> str:
    return fingerprint_of(STYLES[name], home)


def _fingerprint(entry: StyleEntry, sources: Sequence[tuple[str, bytes]]) -> str:
    digest = hashlib.sha256(_READER_VERSION)
    if entry.name not in STYLES and any(_RULES_MATTER.search(content) for _, content in sources):
        digest.update(_RULES_VERSION)
    if entry.name not in STYLES and any(label.lower().endswith(_MUSICXML) for label, _ in sources):
        digest.update(_MUSICXML_VERSION)
    for label, content in sources:
        digest.update(f"{label}\0{len(content)}\0".encode() + hashlib.sha256(content).digest())
    return digest.hexdigest()


def waited_for(marker: Path, until: Path) -> Iterator[None]:
    """Take the turn to do what `until` comes from, and wait as long as another process has it.

    Two processes that read one style would take twice as long as one. marker: the file that says whose turn
    it is. It belongs to the caller once this ends and `until` is not there. A process that died has no turn,
    nor has one that needs more than `PATIENCE` seconds.
    """
    make_private_folder(marker.parent)
    while not until.exists():
        with suppress(FileExistsError):
            os.close(os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            marker.write_text(str(Keeper.this()))
            return
        with suppress(OSError):
            keeper = Keeper.read(marker.read_text("utf-8")[:400])
            age = time.time() - marker.stat().st_mtime
            # A file without a keeper is one that is being written just now, unless it stays so.
            patience = 2.0 if keeper is None else 0.0 if keeper.dead else PATIENCE
            if age > patience:
                marker.unlink(missing_ok=True)
                continue
        yield
        time.sleep(0.05)


PATIENCE = 900.0
"""Seconds that a process may take to read a style while others wait for it."""


_READER_VERSION = b"tunes 2"
"""Part of a cache's hash. It changes when reading changes, so that files are then read again. Recipes name
the styles of the table by it, so for these reading may not change.
"""

_RULES_VERSION = b"rules " + READING_RULES.encode()
_RULES_MATTER = re.compile(
    rb"MThd.*MTrk.*MTrk|<score-part\b.*<score-part\b|^PK\x03\x04|^\[?V:|\[[^][|]*\|", re.DOTALL | re.MULTILINE
)
"""The same for files of your own that rules of reading before 3 may have read in another way: those with
several parts, and ABC with a bracket that is not closed in its bar.
"""

_MUSICXML = (".xml", ".musicxml", ".mxl")
_MUSICXML_VERSION = b"musicxml 3"
"""The same for MusicXML of your own."""


def _files_of(entry: StyleEntry, folder: Path) -> list[tuple[str, bytes]]:
    """The files of a style of the table, as (name, content)."""
    if entry.download:
        archive = archive_of(entry, folder)
        if not archive.exists():
            raise Missing(
                f"{entry.title} is not on this computer; go online and fetch it with: "
                f"studio styles add {entry.name} (about {entry.download.size // 1_000_000} MB)."
            )
        return unzipped(archive, entry.download.inside, entry.title)
    return [(path.name, path.read_bytes()) for path in corpus_files(entry)]


def _from_path(name: str | Path, folder: Path) -> tuple[StyleEntry, list[tuple[str, bytes]]]:
    """A row for a file or folder, and its files as (path inside the folder, content)."""
    path = Path(name)
    if not path.exists():
        if isinstance(name, str) and not re.search(r"[/\\.]", name):
            raise UnknownName("style", name, [*STYLES, *own_styles(folder.parent)])
        raise Missing(f"There is no file or folder {path}; give a style's name or the path of your tunes.")
    inside = [path] if path.is_file() else path.rglob("*")
    files = sorted(
        each for each in inside if path.is_file() or (each.suffix.lower() in SUFFIXES and each.is_file())
    )
    if not files:
        raise Refused(f"The folder {path} has no scores in it ({', '.join(SUFFIXES)}); put some tunes there.")
    if len(files) > 20_000 or sum(each.stat().st_size for each in files) > 1_000_000_000:
        raise Refused(
            f"The folder {path} holds more than 20,000 files or 1 GB of scores; choose a part of it."
        )
    base = path if path.is_dir() else path.parent
    return own_entry(path.stem or str(path)), [
        (each.relative_to(base).as_posix(), _read_file(each)) for each in files
    ]


def _read_file(path: Path) -> bytes:
    try:
        if path.stat().st_size > ReadingBudget().file:
            return b""  # `_read` counts it among the unread
        return path.read_bytes()
    except OSError:
        return b""


def _read(
    entry: StyleEntry, sources: Sequence[tuple[str, bytes]], sha256: str, processes: int | None
) -> Generator[Progress, None, Style]:
    waiting: list[Piece] = []
    unread: list[Unread] = []
    for label, content in sources:
        if not content:
            limit = ReadingBudget().file // 1_000_000
            reason = f"{label} is empty, larger than {limit} MB or may not be read; choose another file."
            unread.append(Unread(label, reason))
            continue
        try:
            found = pieces(content, label)
            # Recipes name the styles of the table by their tunes, so these are always read in the same way.
            waiting += [by_rules(piece, "1") for piece in found] if entry.name in STYLES else found
        except Unreadable as error:
            unread.append(Unread(label, str(error)))
    tunes: list[Tune] = []
    remarks: Counter[str] = Counter()
    workers = min(processes or os.cpu_count() or 1, max(1, len(waiting) // 16 + 1), 16)
    with Readers(workers) as readers:
        for done, (piece, reading) in enumerate(readers.read_pieces(waiting), 1):
            if isinstance(reading, Unreadable):
                unread.append(Unread(piece.name, str(reading)))
            else:
                tunes += reading.tunes
                remarks.update(
                    {re.sub(r"'[^']*'(, '[^']*')*|\d+", "…", remark) for remark in reading.remarks}
                )
            yield Progress(done, len(waiting), f"reading {entry.title}: {done} of {len(waiting)}")
    if not tunes:
        reason = unread[0].reason if unread else "it is empty."
        raise Unreadable(f"Nothing in {entry.title} could be read; the first: {reason}")
    columns, about = columns_of(tunes)
    return Style(entry, sha256, columns, about, tuple(unread), dict(remarks.most_common()))
