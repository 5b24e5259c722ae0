"""Damaged and hostile files: every format the studio reads, altered at random, must be read or refused in one
sentence, without a crash, a hang or a gigabyte of memory.

    python -m benchmarks.fuzz [FORMAT ...] [--minutes 10] [--seed 0] [--keep FOLDER]

A format of scores or pictures alone is asked for by its name, such as scores-abc or pictures-heic.

For each format a process loads the code that reads it and forks a child for every input, so that an input can
harm only its child. Inputs start from valid files (see `benchmarks._fuzz_formats`). One that gets an answer
nobody got before is kept and altered further. An input that crashes, hangs or takes too much is saved in the
folder with the format's name and its sha256; the same file, given again with --replay, is read once more.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks._fuzz_formats import FORMATS, InputFormat
from benchmarks._fuzz_mutations import mutated
from studio.errors import StudioError

CPU_SECONDS = 20
WALL_SECONDS = 120.0
MEMORY = 2**30
"""What one input may take: seconds of the processor, seconds on the clock of a busy machine, and bytes beyond
what the loaded code takes.
"""

LONGEST_SENTENCE = 800
MOST_KEPT = 400


@dataclass(frozen=True)
class Verdict:
    """What became of one input.

    what: read, refused, crash, hang or memory. answer: what distinguishes this answer from others.
    """

    what: str
    answer: str
    details: str = ""

    @property
    def good(self) -> bool:
        return self.what in ("read", "refused")


@dataclass
class FuzzReport:
    """What came of one format. findings: by answer, the file that was saved and what happened."""

    name: str
    inputs: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    answers: int = 0
    findings: dict[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        told = ", ".join(f"{count} {what}" for what, count in self.verdicts.most_common())
        found = f"{self.answers} different answers, {len(self.findings)} findings"
        return f"{self.name}: {self.inputs} inputs, {told}; {found}"


def fuzz(
    form: InputFormat,
    minutes: float,
    seed: int,
    keep: Path,
    *,
    most: int = 10**9,
    also: tuple[bytes, ...] = (),
) -> FuzzReport:
    """Read the inputs of `also`, then alter inputs of one format and read them, for that long or `most`."""
    rng, report = random.Random(f"{form.name} {seed}"), FuzzReport(form.name)
    with tempfile.TemporaryDirectory(prefix=f"fuzz-{form.name}-") as scratch:
        os.environ["TMPDIR"] = os.environ["STUDIO_HOME"] = scratch
        tempfile.tempdir = scratch
        pool = form.seeds(Path(scratch))
        seen: set[str] = set()
        for content in pool:
            verdict = judge(form, content)
            if verdict.what != "read" and not (verdict.good and form.seeds_may_be_refused):
                raise AssertionError(f"a seed of {form.name} is not read: {verdict}")
            seen.add(verdict.answer)
        until = time.monotonic() + 60 * minutes
        given = deque(also)
        while given or (time.monotonic() < until and report.inputs < most):
            content = given.popleft() if given else mutated(rng.choice(pool), rng, pool)
            verdict = judge(form, content)
            report.inputs += 1
            report.verdicts[verdict.what] += 1
            if verdict.answer not in seen:
                seen.add(verdict.answer)
                if verdict.good and len(pool) < MOST_KEPT and len(content) < 2**20:
                    pool.append(content)
                elif not verdict.good:
                    report.findings[verdict.answer] = _save(keep, form, content, verdict)
        report.answers = len(seen)
    return report


def judge(form: InputFormat, content: bytes) -> Verdict:
    """Read one input in a child of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _be_the_child(form, content, writing)
    os.close(writing)
    said, until = b"", time.monotonic() + WALL_SECONDS
    with open(reading, "rb", buffering=0) as pipe:  # noqa: PTH123 - a descriptor
        while time.monotonic() < until:
            if select.select([pipe], [], [], 1)[0]:
                part = pipe.read(65536)
                if not part:
                    break
                said += part
        else:
            os.kill(child, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    if said:
        verdict = Verdict(**json.loads(said))
    elif os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL):
        return Verdict("hang", "hang", "took too long")
    else:
        return Verdict("crash", f"status {status}", f"ended with status {status}")
    if used.ru_maxrss * 1024 > _resident() + MEMORY:
        return Verdict("memory", f"memory {verdict.answer}", f"{used.ru_maxrss >> 10} MiB at its peak")
    return verdict


def _be_the_child(form: InputFormat, content: bytes, writing: int) -> None:
    os.setpgid(0, 0)
    devnull = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(devnull, number)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_virtual() + 2 * MEMORY, resource.RLIM_INFINITY))
    verdict = _read(form, content)
    os.write(writing, json.dumps(verdict.__dict__).encode()[:60_000])
    os._exit(0)


def _read(form: InputFormat, content: bytes) -> Verdict:
    try:
        with tempfile.TemporaryDirectory() as folder:
            found = form.read(content, Path(folder))
        return Verdict("read", f"read {found}")
    except StudioError as error:
        said = str(error)
        if "\n" in said.strip() or len(said) > LONGEST_SENTENCE or not said.strip():
            return Verdict("crash", f"sentence {_place(error)}", f"not one sentence: {said[:2000]!r}")
        return Verdict("refused", f"refused {_place(error)} {re.sub(r'[0-9]+', '0', said)[-40:]}", said)
    except MemoryError as error:
        return Verdict("memory", f"memory {_place(error)}", _told(error))
    except BaseException as error:
        return Verdict("crash", f"{type(error).__name__} {_place(error)}", _told(error))


def _place(error: BaseException) -> str:
    """Where in the studio it was raised, so that one fault counts once."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/studio/" in frame.filename]
    return " ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-2:])


def _told(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))[-3000:]


def _virtual() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _save(keep: Path, form: InputFormat, content: bytes, verdict: Verdict) -> str:
    keep.mkdir(parents=True, exist_ok=True)
    file = keep / f"{form.name}-{hashlib.sha256(content).hexdigest()[:12]}"
    file.write_bytes(content)
    told = f"{verdict.what}: {verdict.answer}\n{verdict.details}"
    file.with_suffix(".txt").write_text(told)
    print(f"{file}: {told}", flush=True)
    return str(file)


def _replay(files: list[Path]) -> None:
    for file in files:
        if file.suffix != ".txt":
            form = FORMATS[file.name.partition("-")[0]]
            form.load()
            with tempfile.TemporaryDirectory() as scratch:
                os.environ["STUDIO_HOME"] = scratch
                form.seeds(Path(scratch))
                print(file.name, judge(form, file.read_bytes()))


def main() -> None:
    options: Any = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("formats", nargs="*", help=", ".join(FORMATS))
    options.add_argument("--most", type=int, default=10**9, help="inputs for each format")
    options.add_argument("--minutes", type=float, default=10, help="for each format")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--keep", type=Path, default=Path("fuzz-found"), help="a folder for what went wrong")
    options.add_argument("--replay", type=Path, help="a saved input, or a folder of them")
    asked = options.parse_args()
    if asked.replay:
        _replay(sorted(asked.replay.glob("*")) if asked.replay.is_dir() else [asked.replay])
        return
    bad = 0
    for name in asked.formats or [name for name in FORMATS if "-" not in name]:
        # A process for each, so that one format's code and memory are not in the next one's children.
        child = os.fork()
        if child == 0:
            FORMATS[name].load()
            report = fuzz(FORMATS[name], asked.minutes, asked.seed, asked.keep.absolute(), most=asked.most)
            print(report.sentence, flush=True)
            os._exit(bool(report.findings))
        bad += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
