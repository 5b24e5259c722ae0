"""What is known beforehand of the archives that can be fetched: hashes of the music in some of their files.

    missing_of("hymnal", files)     # (how many of the known files are not among these, how many are known)

An archive says itself which version it is, and so would a faked one. The music of a file is what stays when
it is packed or printed in another way: the notes and chords of MusicXML, the voices of ABC. Titles, words,
comments and layout are no part of it. `python -m studio.music.styles.known NAME FOLDER` writes the hashes, of
the songs and hymns that the studio's own counts were made from, and of the slip jigs and carols of
Nottingham.
"""

from __future__ import annotations

import hashlib
import io
import re
import sys
import zipfile
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from studio.music.reading.budget import ReadingBudget

HASHES = Path(__file__).with_name("known_files.txt")
"""A style's name and a hash a line."""

_MUSIC = re.compile(
    rb"<(step|alter|octave|duration|root-step|root-alter|bass-step|bass-alter|kind|beats|beat-type|fifths)\b"
    rb"[^>]*>\s*([^<]*?)\s*<|<(rest|chord|grace|measure)\b"
)


def hash_of_music(content: bytes) -> str:
    """Half a sha256 of the music in a file: MusicXML, also compressed, or ABC."""
    if content[:2] == b"PK":
        content = _score_in(content)
    if content.lstrip()[:1] == b"<":
        found = (b" ".join(group or b"" for group in each.groups()) for each in _MUSIC.finditer(content))
        return hashlib.sha256(b"\n".join(found)).hexdigest()[:32]
    lines = (re.sub(rb"\s+|%.*", b"", line) for line in content.splitlines())
    music = (line for line in lines if line and not re.match(rb"[A-JL-Za-z]:", line))
    return hashlib.sha256(b"\n".join(music)).hexdigest()[:32]


def _score_in(content: bytes) -> bytes:
    """The score in a compressed MusicXML file; nothing where there is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            scores = (".xml", ".musicxml")
            names = [name for name in packed.namelist() if name.endswith(scores) and "META-INF/" not in name]
            with packed.open(names[0]) as score:
                return score.read(ReadingBudget().file)
    except (zipfile.BadZipFile, IndexError, OSError, RuntimeError, NotImplementedError):
        return b""


@lru_cache(maxsize=1)
def known_music() -> dict[str, frozenset[str]]:
    """Style -> hashes of the music in some of its files."""
    found: dict[str, set[str]] = {}
    for line in HASHES.read_text(encoding="ascii").splitlines():
        name, _, digest = line.partition(" ")
        found.setdefault(name, set()).add(digest)
    return {name: frozenset(digests) for name, digests in found.items()}


def missing_of(name: str, files: Iterable[bytes]) -> tuple[int, int]:
    """How many of a style's known files are not among these, and how many are known."""
    known = known_music().get(name, frozenset())
    return (len(known - {hash_of_music(content) for content in files}) if known else 0), len(known)


def _write(name: str, files: Sequence[Path]) -> None:
    lines = HASHES.read_text(encoding="ascii").splitlines() if HASHES.exists() else []
    own = {f"{name} {hash_of_music(path.read_bytes())}" for path in files}
    kept = [line for line in lines if not line.startswith(f"{name} ")]
    HASHES.write_text("\n".join(sorted({*kept, *own})) + "\n", encoding="ascii")


if __name__ == "__main__":
    _write(sys.argv[1], [path for path in Path(sys.argv[2]).iterdir() if path.suffix in (".mxl", ".abc")])
