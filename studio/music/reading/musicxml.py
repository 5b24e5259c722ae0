"""MusicXML: unpacked and checked here, before music21 reads it."""

from __future__ import annotations

import io
import re
import struct
import zipfile

from studio.errors import Unreadable
from studio.music.reading.budget import Reading, ReadingBudget

WRITTEN_HERE = b"<software>Derivative Works Studio</software>"
"""How our own MusicXML is told: its modes are meant, where other programs write "major" when nobody chose."""


def read_musicxml(content: bytes, name: str, budget: ReadingBudget) -> Reading:
    """The melody of a MusicXML file, plain or compressed (.mxl). Raises `Unreadable`, and whatever music21 raises for a
    broken file.
    """
    from music21 import converter

    from studio.music.reading.music21_streams import tunes_of

    if content[:4] == b"PK\x03\x04":
        content = unpack_mxl(content, name, budget)
    screen_xml(content, name, budget)
    content = _in_utf8(content)
    score = converter.parseData(content, format="musicxml")
    return tunes_of(score, name, budget, doubt_major=WRITTEN_HERE not in content[:4000])


def unpack_mxl(content: bytes, name: str, budget: ReadingBudget | None = None) -> bytes:
    """The score inside a compressed MusicXML file. Raises `Unreadable`; never unpacks more than the budget."""
    budget = budget or ReadingBudget()
    broken = f"{name} is a damaged .mxl file; export it again from the program it came from."
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            if len(names) > 1000:
                raise Unreadable(f"{name} packs {len(names)} files, which no score does; export it again.")
            root = None
            if "META-INF/container.xml" in names:
                container = _bounded(archive, "META-INF/container.xml", 100_000, name)
                found = re.search(rb"full-path\s*=\s*[\"']([^\"']+)[\"']", container)
                root = found[1].decode("utf-8", "replace") if found else None
            if root not in names:
                scores = [
                    each
                    for each in names
                    if each.lower().endswith((".xml", ".musicxml")) and not each.startswith("META-INF")
                ]
                if not scores:
                    raise Unreadable(
                        f"{name} is a zip file without a score in it; choose the .mxl or .musicxml file itself."
                    )
                root = scores[0]
            return _bounded(archive, root, budget.unpacked, name)
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


def _bounded(archive: zipfile.ZipFile, inside: str, limit: int, name: str) -> bytes:
    with archive.open(inside) as packed:
        read = packed.read(limit + 1)
    if len(read) > limit:
        raise Unreadable(
            f"{name} unpacks to more than {limit / 1e6:.0f} MB; the studio opens no score that large."
        )
    return read


def screen_xml(content: bytes, name: str, budget: ReadingBudget | None = None) -> None:
    """Refuse XML that defines entities, is too large, too deep, or no score, before anything else sees it.
    Raises `Unreadable`.
    """
    budget = budget or ReadingBudget()
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException  # type: ignore[import-untyped]
    from defusedxml.ElementTree import iterparse  # type: ignore[import-untyped]

    if len(content) > budget.unpacked:
        raise Unreadable(
            f"{name} has {len(content) / 1e6:.0f} MB of XML; the studio opens up to {budget.unpacked / 1e6:.0f} MB."
        )
    seen = depth = 0
    root = None
    try:
        for event, element in iterparse(io.BytesIO(content), events=("start", "end")):
            if event == "start":
                seen, depth = seen + 1, depth + 1
                if root is None:
                    root = element.tag
                    if root not in ("score-partwise", "score-timewise"):
                        raise Unreadable(f"{name} is XML but not MusicXML; export it as MusicXML.")
                if seen > budget.elements or depth > 100:
                    raise Unreadable(
                        f"{name} is larger or deeper than any score ({seen} elements); cut it into smaller files."
                    )
            else:
                depth -= 1
                element.clear()
    except DefusedXmlException:
        raise Unreadable(
            f"{name} defines XML entities, which scores do not need and attacks do; export it again."
        ) from None
    except (ParseError, ValueError, LookupError) as error:
        said = str(error).partition(":")[0]
        raise Unreadable(
            f"{name} is broken XML ({said}); export it again from the program it came from."
        ) from None


def _in_utf8(content: bytes) -> bytes:
    """XML as music21 takes it: in UTF-8, whatever the file was encoded in."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = content.decode("utf-16", "replace")
    else:
        declared = re.match(rb"\s*<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]+)", content[:200])
        text = content.decode(declared[1].decode() if declared else "utf-8-sig", "replace")
    return re.sub(r"^\s*\ufeff?<\?xml[^>]*\?>", '<?xml version="1.0" encoding="UTF-8"?>', text).encode()
