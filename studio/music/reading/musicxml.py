"""MusicXML, plain or compressed, read by the studio itself.

`read_musicxml` unpacks and decodes a file and makes a tune of what `musicxml_parts` finds in it. Strangers'
XML defines no entities here and is bounded in size before it is parsed.
"""

from __future__ import annotations

import contextlib
import html
import io
import re
import struct
import zipfile
from dataclasses import replace
from xml.etree.ElementTree import Element, ParseError, XMLParser
from xml.parsers.expat import errors

from studio.errors import Unreadable
from studio.music.reading.assembling import in_minor_if_so
from studio.music.reading.budget import Reading, ReadingBudget
from studio.music.reading.musicxml_melody import read_score
from studio.music.reading.pieces import READING_RULES, is_web_page, web_page

WRITTEN_HERE = b"<software>Derivative Works Studio</software>"
"""The mark of our own MusicXML, whose modes can be trusted: others write "major" when nobody chose."""


def read_musicxml(
    content: bytes, name: str, budget: ReadingBudget, *, parts: bool = False, rules: str = READING_RULES
) -> Reading:
    """The melody of a MusicXML file, plain or compressed (.mxl). parts: and all its parts.

    Raises `Unreadable`.
    """
    if content[:4] == b"PK\x03\x04":
        content = _unpack(content, name, budget)
    ours = WRITTEN_HERE in content[:4000]
    root = _parsed(_decoded(content), name, budget)
    reading = read_score(root, name, budget, parts=parts, ours=ours, rules=rules)
    if ours:
        return reading
    remarks = list(reading.remarks)
    tune = in_minor_if_so(reading.tunes[0], remarks)
    return replace(reading, tunes=(tune,), remarks=tuple(remarks))


def read_with_music21(content: bytes, name: str, budget: ReadingBudget) -> Reading:
    """The same by music21, as versions before 0.3 read it: for the styles that recipes name by their tunes.

    Raises `Unreadable`, and whatever music21 raises for a broken file.
    """
    from music21 import converter

    from studio.music.reading.music21_streams import tunes_of

    in_utf8 = xml_of(content, name, budget)
    score = converter.parseData(in_utf8, format="musicxml")
    return tunes_of(score, name, budget, doubt_major=WRITTEN_HERE not in in_utf8[:4000])


def xml_of(content: bytes, name: str, budget: ReadingBudget) -> bytes:
    """The XML of a file in UTF-8, unpacked and found to be a score. Raises `Unreadable`."""
    if content[:4] == b"PK\x03\x04":
        content = _unpack(content, name, budget)
    text = _decoded(content)
    _parsed(text, name, budget)
    return re.sub(r"^\s*<\?xml[^>]*\?>", '<?xml version="1.0" encoding="UTF-8"?>', text).encode()


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
    """The name of the score in an archive: the first that its container names, else the first that looks like
    one. What macOS adds ("__MACOSX") is no score.
    """
    names = archive.namelist()
    if len(names) > 1000:
        raise Unreadable(f"{name} contains {len(names)} files, which no score does; export it again.")
    if "META-INF/container.xml" in names:
        container = _bounded(archive, "META-INF/container.xml", 100_000, name)
        for rootfile in re.findall(rb"<rootfile\b[^>]*>", container):
            path = re.search(rb"full-path\s*=\s*[\"']([^\"']+)[\"']", rootfile)
            kind = re.search(rb"media-type\s*=\s*[\"']([^\"']+)[\"']", rootfile)
            root = html.unescape(path[1].decode("utf-8", "replace")) if path else ""
            if root in names and (b"musicxml" in kind[1] if kind else root.lower().endswith(_SCORES)):
                return root
    for inside in names:
        folder, _, file = inside.rpartition("/")
        if file.lower().endswith(_SCORES) and not file.startswith(".") and not _ASIDE.match(folder):
            return inside
    raise Unreadable(f"{name} is a zip file without a score; choose the .mxl or .musicxml file itself.")


_SCORES = (".xml", ".musicxml")
_ASIDE = re.compile(r"META-INF|__MACOSX")


def _bounded(archive: zipfile.ZipFile, inside: str, limit: int, name: str) -> bytes:
    with archive.open(inside) as packed:
        read = packed.read(limit + 1)
    if len(read) > limit:
        raise Unreadable(
            f"{name} unpacks to more than {limit / 1e6:.0f} MB; the studio opens no score that large."
        )
    return read


def _parsed(text: str, name: str, budget: ReadingBudget) -> Element:
    """The XML as a tree. Raises `Unreadable` for XML that defines entities, is too large or no score.

    Nothing outside the file is opened, and nothing but the five entities of XML itself is expanded.
    """
    if len(text) > budget.unpacked:
        raise Unreadable(
            f"{name} has {len(text) / 1e6:.0f} MB of XML; the studio opens up to "
            f"{budget.unpacked / 1e6:.0f} MB."
        )
    if is_web_page(text):
        raise Unreadable(web_page(name))
    if "<!ENTITY" in text:
        raise Unreadable(
            f"{name} defines XML entities, which scores do not need and attacks do; export it again."
        )
    # Every element has one "<" that no end tag has.
    elements = text.count("<") - text.count("</")
    if elements > budget.elements:
        raise Unreadable(
            f"{name} is larger than any score ({elements} elements); split it into smaller files."
        )
    try:
        parser = XMLParser(encoding="utf-8")
        parser.feed(text.encode("utf-8", "replace"))
        root: Element = parser.close()
    except (ParseError, ValueError, LookupError) as error:
        if getattr(error, "code", None) == errors.codes[errors.XML_ERROR_NO_MEMORY]:
            raise MemoryError from None
        raise Unreadable(f"{name} is broken XML; export it again from the program it came from.") from None
    if root.tag not in ("score-partwise", "score-timewise"):
        raise Unreadable(f"{name} is XML but not MusicXML; export it as MusicXML.")
    return root


def _decoded(content: bytes) -> str:
    """The text of an XML file in whatever encoding it is, which need not be the one it declares."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace").lstrip("\ufeff")
    for first, codec in ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be")):
        if content[:2] == first:
            return content.decode(codec, "replace")
    declared = re.match(rb"\s*<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]+)", content[:200])
    candidates = ["utf-8-sig"]
    if declared:
        # Only text in UTF-8 is valid UTF-8, but for encodings that shift with an escape sign.
        candidates.insert(0 if b"\x1b" in content else 1, declared[1].decode())
    for codec in candidates:
        with contextlib.suppress(LookupError, UnicodeError):  # no such encoding, or not in it
            return content.decode(codec)
    return content.decode("cp1252", "replace")
