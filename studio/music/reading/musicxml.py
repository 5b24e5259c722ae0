"""MusicXML, plain or compressed: unpacked and checked here before music21 reads it."""

from __future__ import annotations

import io
import re
import struct
import zipfile

from studio.errors import Unreadable
from studio.music.reading.budget import Reading, ReadingBudget

WRITTEN_HERE = b"<software>Derivative Works Studio</software>"
"""The mark of our own MusicXML, whose modes can be trusted: others write "major" when nobody chose."""


def read_musicxml(content: bytes, name: str, budget: ReadingBudget) -> Reading:
    """The melody of a MusicXML file, plain or compressed (.mxl).

    Raises `Unreadable`, and whatever music21 raises for a broken file.
    """
    from music21 import converter

    from studio.music.reading.music21_streams import tunes_of

    if content[:4] == b"PK\x03\x04":
        content = _unpack(content, name, budget)
    _screen(content, name, budget)
    content = _in_utf8(content)
    score = converter.parseData(content, format="musicxml")
    return tunes_of(score, name, budget, doubt_major=WRITTEN_HERE not in content[:4000])


def _unpack(content: bytes, name: str, budget: ReadingBudget) -> bytes:
    """The score inside a compressed file. Raises `Unreadable`; never unpacks more than the budget allows."""
    broken = f"{name} is a damaged .mxl file; export it again from the program it came from."
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _bounded(archive, _score_in(archive, name), budget.unpacked, name)
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        OSError,
        EOFError,
        ValueError,
        KeyError,
        struct.error,
    ):
        raise Unreadable(broken) from None
    except Exception as error:
        if type(error).__module__ in ("zlib", "lzma", "_lzma", "bz2"):
            raise Unreadable(broken) from None
        raise


def _score_in(archive: zipfile.ZipFile, name: str) -> str:
    """The name of the score in an archive: what its container says, else the first XML file."""
    names = archive.namelist()
    if len(names) > 1000:
        raise Unreadable(f"{name} contains {len(names)} files, which no score does; export it again.")
    if "META-INF/container.xml" in names:
        container = _bounded(archive, "META-INF/container.xml", 100_000, name)
        found = re.search(rb"full-path\s*=\s*[\"']([^\"']+)[\"']", container)
        root = found[1].decode("utf-8", "replace") if found else None
        if root in names:
            return str(root)
    for inside in names:
        if inside.lower().endswith((".xml", ".musicxml")) and not inside.startswith("META-INF"):
            return inside
    raise Unreadable(f"{name} is a zip file without a score; choose the .mxl or .musicxml file itself.")


def _bounded(archive: zipfile.ZipFile, inside: str, limit: int, name: str) -> bytes:
    with archive.open(inside) as packed:
        read = packed.read(limit + 1)
    if len(read) > limit:
        raise Unreadable(
            f"{name} unpacks to more than {limit / 1e6:.0f} MB; the studio opens no score that large."
        )
    return read


def _screen(content: bytes, name: str, budget: ReadingBudget) -> None:
    """Refuse XML that defines entities, is too large, too deep or no score, before music21 sees it.

    music21 parses the file again afterwards; this pass costs about a twentieth of what music21 takes.
    Raises `Unreadable`.
    """
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException  # type: ignore[import-untyped]
    from defusedxml.ElementTree import iterparse  # type: ignore[import-untyped]

    if len(content) > budget.unpacked:
        raise Unreadable(
            f"{name} has {len(content) / 1e6:.0f} MB of XML; the studio opens up to "
            f"{budget.unpacked / 1e6:.0f} MB."
        )
    seen = depth = 0
    try:
        for event, element in iterparse(io.BytesIO(content), events=("start", "end")):
            if event == "end":
                depth -= 1
                element.clear()
                continue
            seen, depth = seen + 1, depth + 1
            if seen == 1 and element.tag not in ("score-partwise", "score-timewise"):
                raise Unreadable(f"{name} is XML but not MusicXML; export it as MusicXML.")
            if seen > budget.elements or depth > 100:
                raise Unreadable(
                    f"{name} is larger or deeper than any score ({seen} elements); cut it into smaller files."
                )
    except DefusedXmlException:
        raise Unreadable(
            f"{name} defines XML entities, which scores do not need and attacks do; export it again."
        ) from None
    except (ParseError, ValueError, LookupError):
        raise Unreadable(f"{name} is broken XML; export it again from the program it came from.") from None


def _in_utf8(content: bytes) -> bytes:
    """The same XML in UTF-8, which is all that music21 takes, whatever the file's encoding."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = content.decode("utf-16", "replace")
    else:
        declared = re.match(rb"\s*<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]+)", content[:200])
        text = content.decode(declared[1].decode() if declared else "utf-8-sig", "replace")
    return re.sub(r"^\s*\ufeff?<\?xml[^>]*\?>", '<?xml version="1.0" encoding="UTF-8"?>', text).encode()
