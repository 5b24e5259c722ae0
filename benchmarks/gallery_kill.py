"""Kills processes that add to a gallery and remove from it, at random moments, and checks what is left.

    python -m benchmarks.gallery_kill [--kills 200] [--inside 20] [--database URL]

Each time a victim works on a gallery, and every other time a companion does too. The victim is killed with
SIGKILL. The gallery is opened (which puts it in order) while the companion goes on, and then the companion is
told to stop. After that the files and rows alone must show: every work is whole, every work that was reported
as added is there, none that was reported as removed is, and nothing else is left. `--inside` of the kills
come while a file of the gallery is written, half of it on the disk. The tests run the same with fewer kills.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from multiprocessing.synchronize import Event
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from studio.works.gallery import Gallery
from studio.works.recipe import Recipe
from studio.works.work import Made

PRELOADED = [
    "studio.works.gallery",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "sqlalchemy.dialects.postgresql.psycopg",
    "psycopg",
]


INSIDE_EACH = 5
"""Kills in the middle of a file, at most, in one gallery."""


@dataclass(frozen=True)
class Place:
    """Where a gallery is; database: a PostgreSQL URL, or None for SQLite in the home."""

    home: Path
    database: str | None = None

    def open(self) -> Gallery:
        return Gallery.open(self.home, database=self.database)

    @property
    def url(self) -> str:
        return self.database or f"sqlite:///{self.home / 'gallery.sqlite'}"


@dataclass
class Tally:
    """What was found after the kills."""

    kills: int = 0
    inside: int = 0
    added: int = 0
    removed: int = 0
    half_done: int = 0
    lost: int = 0
    broken: int = 0
    left_over: int = 0

    @property
    def clean(self) -> bool:
        return not (self.lost or self.broken or self.left_over)


def thumbnail_of(content: bytes) -> bytes:
    return b"small " + hashlib.sha256(content).digest()


def keep_busy(
    place: Place, journal: Path, seed: int, removing: float, stop: Event, inside: bool = False
) -> None:
    """Add and remove works until told to stop (or killed), telling the journal before and after each.

    inside: stop in the middle of the third file, when half of it is written, and wait to be killed.
    """
    rng = random.Random(seed)
    with journal.open("ab", buffering=0) as lines:

        def tell(*words: str) -> None:
            os.write(lines.fileno(), (" ".join(words) + "\n").encode())

        tell("opening")
        with place.open() as gallery:
            if inside:
                _stop_half_way(tell)
            own: list[str] = []
            for number in count():
                if stop.is_set():
                    return
                photo = gallery.keep_source(
                    f"photo {rng.randrange(6)}".encode() * 400, role="photo", name="photo.jpg"
                )
                recipe = Recipe(kind="dream", sources=(photo,), seed=rng.randrange(2**31))
                # Every fourth file is one that many works share, as a format without room for a recipe may.
                content = b"shared" if number % 4 == 3 else rng.randbytes(rng.choice((200, 20_000, 300_000)))
                sha256 = hashlib.sha256(content).hexdigest()
                tell("adding", recipe.fingerprint, sha256)
                work = gallery.add(Made(recipe, content, ".png", "image/png", thumbnail_of(content)))
                tell("added", recipe.fingerprint, sha256)
                own.append(work.id)
                if rng.random() < removing:
                    leaving = gallery.get(own.pop(rng.randrange(len(own))))
                    tell("removing", leaving.fingerprint, leaving.sha256)
                    gallery.remove(leaving.id)
                    tell("removed", leaving.fingerprint, leaving.sha256)


def _stop_half_way(tell: Callable[..., None]) -> None:
    """Have this process write half of its third file, say so, and stand still."""
    written = count(1)
    flush = os.fsync

    def write_half(descriptor: int) -> None:
        if next(written) < 3:
            flush(descriptor)
            return
        with contextlib.suppress(OSError):  # a folder, which is flushed after its files, has no half
            os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            flush(descriptor)
            tell("inside")
            time.sleep(600)

    os.fsync = write_half


def trial(
    place: Place, kills: int, *, seed: int = 0, removing: float = 0.4, verbose: bool = False, inside: int = 0
) -> Tally:
    """Kill `kills` times, each at a random moment after the victim's n-th line in its journal, n at random.

    Moments are chosen by what the victim is doing and not by the clock: on a busy machine all of them would
    fall into its start. The first `inside` come in the middle of a file.
    """
    rng = random.Random(seed)
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(PRELOADED)
    place.home.mkdir(parents=True, exist_ok=True)
    tally, told = Tally(), {}
    for number in range(kills):
        journals = [place.home / f"journal-{number}-{who}" for who in ("victim", "companion")]
        stops = [processes.Event(), processes.Event()]
        victim, companion = (
            processes.Process(
                target=keep_busy,
                args=(place, journal, rng.randrange(2**31), removing, stop, victim and number < inside),
                daemon=True,
            )
            for journal, stop, victim in zip(journals, stops, (True, False), strict=True)
        )
        if accompanied := number % 2 == 0:
            companion.start()
        victim.start()
        assert victim.pid is not None
        if number < inside:
            while not (journals[0].exists() and b"inside\n" in journals[0].read_bytes()):
                assert victim.is_alive(), "the victim ended by itself"
                time.sleep(0.01)
            tally.inside += 1
        else:
            pace = _wait_for_words(journals[0], rng.choice((1, 2, 2, 3, 4, 4, 5, 6)))
            time.sleep(rng.uniform(0, 1.2) * pace)
        os.kill(victim.pid, signal.SIGKILL)
        victim.join()
        assert victim.exitcode == -signal.SIGKILL, f"the victim ended by itself: {victim.exitcode}"
        half_done = _unfinished(place, victim.pid)
        with place.open():  # puts things in order, beside the living
            still = _unfinished(place, victim.pid)
        if accompanied:
            stops[1].set()
            companion.join(60)
            assert companion.exitcode == 0, "the companion was disturbed"
        for journal in journals if accompanied else journals[:1]:
            for line in journal.read_text().splitlines():
                word, *which = line.split()
                if which:
                    told[tuple(which)] = word
                    tally.added += word == "added"
                    tally.removed += word == "removed"
            journal.unlink()
        tally.kills += 1
        tally.half_done += bool(half_done)
        tally.left_over += still
        _judge(place, told, tally)
        if verbose and not tally.clean:
            print(f"after kill {number + 1}: {tally}")
            break
    return tally


def _wait_for_words(journal: Path, words: int) -> float:
    """Until the journal has that many lines. Returns the seconds from one to the next, on average."""
    began, seen = 0.0, 0
    while seen < words:
        seen = journal.read_bytes().count(b"\n") if journal.exists() else 0
        if seen and not began:
            began = time.perf_counter()
        time.sleep(0.0005)
    return (time.perf_counter() - began) / (words - 1) if words > 1 else 0.05


def _unfinished(place: Place, pid: int) -> int:
    """Rows and half-written files that process `pid` left."""
    arriving = place.home / "files" / "arriving"
    files = [file for file in arriving.iterdir() if f"~{pid}~" in file.name] if arriving.exists() else []
    engine = create_engine(make_url(place.url))
    try:
        with engine.connect() as connection:
            rows = connection.execute(
                text(
                    "select (select count(*) from works where keeper like :k)"
                    " + (select count(*) from sources where keeper like :k)"
                ),
                {"k": f"%~{pid}~%"},
            ).scalar_one()
    except Exception:  # killed before there were tables
        rows = 0
    finally:
        engine.dispose()
    return int(rows) + len(files)


def _judge(place: Place, told: dict[tuple[str, ...], str], tally: Tally) -> None:
    """Everything is where it should be and nothing else is, by the files' own content."""
    with place.open() as gallery:
        gallery.recover()
        works = {(work.fingerprint, work.sha256): work for work in gallery.find(limit=1_000_000)}
        for which, word in told.items():
            tally.lost += word == "added" and which not in works
            tally.left_over += word == "removed" and which in works
        for work in works.values():
            try:
                content = gallery.read(work)
                whole = (
                    gallery.thumbnail(work) == thumbnail_of(content)
                    and hashlib.sha256(content).hexdigest() == work.sha256
                )
                photo = Recipe.model_validate_json(work.recipe_json).sources[0]
                whole = whole and gallery.read_source(photo).startswith(b"photo")
            except Exception as error:
                print(f"{work.id}: {error!r}", file=sys.stderr)
                whole = False
            tally.broken += not whole
        # An answer can be lost with its process: what was being added may be there, what was being removed
        # may be gone. Remember which.
        told.update({which: "added" if which in works else "removed" for which in told})
        tally.left_over += sum(which not in told for which in works)
        wanted = {f"works/{work.sha256[:2]}/{work.sha256}.png" for work in works.values()}
        wanted |= {f"thumbs/{work.sha256[:2]}/{work.sha256}.jpg" for work in works.values()}
        files = {
            file.relative_to(place.home / "files").as_posix()
            for file in (place.home / "files").rglob("*")
            if file.is_file()
        }
        tally.broken += len(wanted - files)
        tally.left_over += sum(
            not name.startswith("sources/") and name != "gallery.txt" for name in files - wanted
        )
        with gallery.engine.connect() as connection:
            rows = connection.execute(text("select count(*) from works where state <> 'here'")).scalar_one()
            sources = {
                row[0] for row in connection.execute(text("select sha256 from sources where state = 'here'"))
            }
            used = {row[0] for row in connection.execute(text("select sha256 from uses"))}
        tally.left_over += int(rows)
        kept = {Path(name).name for name in files if name.startswith("sources/")}
        tally.left_over += len(kept - sources)
        tally.lost += len(sources - kept) + len(used - kept)


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--inside", type=int, default=20, help="of these, in the middle of a file")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--database", help="a PostgreSQL URL of an empty database; SQLite otherwise")
    asked, _ = options.parse_known_args()
    sys.path.insert(0, str(Path(__file__).parents[1]))
    # By this name the killed processes can import it too, however this was started.
    from benchmarks import gallery_kill

    whole, began = Tally(), time.perf_counter()
    done = 0
    while done < asked.kills and whole.clean:
        # A new gallery now and then keeps the checks quick.
        kills = min(20 if asked.database is None else asked.kills, asked.kills - done)
        home = Path(tempfile.mkdtemp(prefix="studio-kill-"))
        try:
            part = gallery_kill.trial(
                gallery_kill.Place(home, asked.database),
                kills,
                seed=asked.seed + done,
                verbose=True,
                inside=min(INSIDE_EACH, asked.inside - whole.inside),
            )
        finally:
            shutil.rmtree(home, ignore_errors=True)
        whole = Tally(*(getattr(whole, name) + getattr(part, name) for name in Tally.__dataclass_fields__))
        done += kills
    took = time.perf_counter() - began
    print(
        f"{whole.kills} kills in {took:.0f} s, {whole.half_done} of them in the middle of something, "
        f"{whole.inside} in the middle of a file"
    )
    print(f"{whole.added} works reported as added, {whole.removed} as removed")
    print(f"lost {whole.lost}, half-written {whole.broken}, left over {whole.left_over}")
    sys.exit(0 if whole.clean and whole.kills == asked.kills else 1)


if __name__ == "__main__":
    main()
