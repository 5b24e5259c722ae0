"""The recipe inside the file: put in without touching a pixel or a note, and read back from whatever a
stranger sends.

`CARRIERS` lists the formats that can carry one. What is written is `Recipe.to_json()` to the letter, so that
it reads back the same from all of them; where the format has a place for it, the file also says in words what
it is, that a trained model took part (IPTC's digital source type), and whom its sources are owed to.
"""

from __future__ import annotations

import contextlib
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape

from studio.errors import Refused, Unreadable
from studio.works.recipe import Recipe, Source

KEYWORD = "studio-recipe"
TOOL = "Derivative Works Studio"
LARGEST_RECIPE = 2**20
"""Bytes of the longest recipe that is read; real ones have about one thousand."""
LARGEST_SCORE = 32 * 2**20
"""Bytes of the largest score that is unpacked from a .mxl; 200 kB of zip can hold a thousand times as much.
"""
MOST_EVENTS = 200_000
"""MIDI events that are looked through for a recipe."""


def embed(content: bytes, suffix: str, recipe: Recipe) -> bytes:
    """The same file with `recipe` inside; a recipe that is already there is replaced, so doing it twice
    changes nothing.

    suffix: ".png", ".mid" … as in `CARRIERS`. Raises `Refused` for a format that cannot carry a recipe,
    `Unreadable` when `content` is not a whole file of that format.
    """
    carrier = next((known for known in CARRIERS if suffix.lower() in known.suffixes), None)
    if carrier is None:
        can = ", ".join(known.suffixes[0] for known in CARRIERS)
        raise Refused(f"A {suffix or 'file without a suffix'} cannot carry its recipe; choose one of {can}.")
    if not carrier.signature.match(content):
        raise Unreadable(
            f"This is not a {carrier.name} file, so no recipe can be put into it; choose the suffix that fits."
        )
    try:
        return carrier.insert(content, recipe)
    except _BROKEN:
        raise Unreadable(
            f"The {carrier.name} file is broken, so no recipe can be put into it; make it again."
        ) from None


def extract(content: bytes) -> str | None:
    """The recipe's JSON inside a file, whose format is told by its first bytes. None where there is none.

    The text comes from outside: check it with `parse_json`. Raises nothing but `Unreadable`, for a recipe
    that is there but damaged, not UTF-8, or longer than `LARGEST_RECIPE`.
    """
    carrier = next((known for known in CARRIERS if known.signature.match(content)), None)
    if carrier is None:
        return None
    try:
        found = carrier.find(content)
    except _BROKEN:
        return None
    if found is None:
        return None
    if len(found) > LARGEST_RECIPE:
        raise Unreadable(
            "The recipe inside the file is larger than any the studio writes; take the original file."
        )
    try:
        return found.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("The recipe inside the file is not UTF-8 text; take the original file.") from None


def credit(source: Source) -> str:
    """A source as credits name it: 'China' by A. Photographer (CC BY 2.0)."""
    said = (
        f"'{source.title or source.name}'" if source.title or source.name else f"a file {source.sha256[:8]}…"
    )
    said += f" by {source.author}" if source.author else ""
    return said + (f" ({source.licence})" if source.licence else "")


class _NotWhole(ValueError):
    """The file ends before its own sizes say so."""


_BROKEN: tuple[type[Exception], ...] = (
    *(struct.error, zlib.error, expat.ExpatError, zipfile.BadZipFile),
    *(LookupError, ValueError, EOFError, OverflowError),
    *(NotImplementedError, RuntimeError),  # zipfile's words for a method it does not know and for a password
)


# PNG (third edition, section 11.3.3): an iTXt chunk for the recipe, one for XMP, both before the pixels


def png_chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of each chunk: data is content[start + 8 : end - 4]. `end` lies beyond the file
    where it was cut short.
    """
    at = 8
    while at + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        yield kind, at, at + 12 + length
        at += 12 + length
        if kind == b"IEND":
            return


def _into_png(content: bytes, recipe: Recipe) -> bytes:
    kept, written, kind = [content[:8]], False, b""
    for kind, start, end in png_chunks(content):
        if end > len(content):
            raise _NotWhole
        if kind == b"IDAT" and not written:
            kept += [
                _itxt("XML:com.adobe.xmp", f"{_XPACKET}{_xmp(recipe)}<?xpacket end='w'?>"),
                _itxt(KEYWORD, recipe.to_json()),
            ]
            written = True
        if kind in _TEXT_CHUNKS and _keyword(content, start, end) in (KEYWORD, "XML:com.adobe.xmp"):
            continue
        kept.append(content[start:end])
    if not written or kind != b"IEND":
        raise _NotWhole
    return b"".join(kept)


def _from_png(content: bytes) -> bytes | None:
    for kind, start, end in png_chunks(content):
        if kind not in _TEXT_CHUNKS or end > len(content) or _keyword(content, start, end) != KEYWORD:
            continue
        if zlib.crc32(content[start + 4 : end - 4]) != struct.unpack_from(">I", content, end - 4)[0]:
            raise Unreadable(
                "The recipe inside the file is damaged (its checksum does not fit); take the original file."
            )
        return _TEXT_CHUNKS[kind](content[start + 9 + len(KEYWORD) : end - 4])
    return None


def _keyword(content: bytes, start: int, end: int) -> str:
    return content[start + 8 : min(start + 8 + 80, end - 4)].partition(b"\0")[0].decode("latin-1")


def _itxt(keyword: str, text: str) -> bytes:
    data = b"iTXt" + keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode()
    return struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))


def _itxt_text(data: bytes) -> bytes:
    packed, (_language, _, rest) = data[0], data[2:].partition(b"\0")
    text = rest.partition(b"\0")[2]
    return _inflated(text) if packed else text


def _inflated(packed: bytes) -> bytes:
    """Unpacks one byte more than is allowed at most, so that the caller can tell that it is too long."""
    return zlib.decompressobj().decompress(packed, LARGEST_RECIPE + 1)


_TEXT_CHUNKS: dict[bytes, Callable[[bytes], bytes]] = {
    # Other programs may keep the text but repack it, so it is found in each of PNG's three kinds of text.
    b"iTXt": _itxt_text,
    b"tEXt": lambda data: data.decode("latin-1").encode(),
    b"zTXt": lambda data: _inflated(data[1:]).decode("latin-1").encode()[: LARGEST_RECIPE + 1],
}


# XMP (ISO 16684-1) with Dublin Core, and IPTC's digital source type: what a photo program or an archive reads

_XPACKET = "<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>"
_SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def _xmp(recipe: Recipe, *, composite: bool | None = None) -> str:
    """composite: made from another's picture with a trained model (the default where there are sources), or
    by the model alone.
    """
    composite = bool(recipe.sources) if composite is None else composite
    kind = "compositeWithTrainedAlgorithmicMedia" if composite else "trainedAlgorithmicMedia"
    parts = [
        f"<Iptc4xmpExt:DigitalSourceType>{_SOURCE_TYPES}{kind}</Iptc4xmpExt:DigitalSourceType>",
        f"<xmp:CreatorTool>{TOOL}</xmp:CreatorTool>",
        f"<dc:title>{_in_any_language(_title(recipe))}</dc:title>",
        f"<dc:description>{_in_any_language(recipe.in_words())}</dc:description>",
    ]
    if recipe.sources:
        credits = "; ".join(credit(source) for source in recipe.sources)
        parts.append(f"<dc:source>{_xml(credits)}</dc:source>")
    authors = dict.fromkeys(source.author for source in recipe.sources if source.author)
    if authors:
        parts.append(
            f"<dc:contributor><rdf:Bag>{''.join(f'<rdf:li>{_xml(author)}</rdf:li>' for author in authors)}</rdf:Bag></dc:contributor>"
        )
    if any(source.licence for source in recipe.sources):
        parts.append(f"<dc:rights>{_in_any_language(_rights(recipe))}</dc:rights>")
    return (
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
        "<rdf:Description rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:xmp='http://ns.adobe.com/xap/1.0/' "
        "xmlns:Iptc4xmpExt='http://iptc.org/std/Iptc4xmpExt/2008-02-29/'>"
        f"{''.join(parts)}</rdf:Description></rdf:RDF></x:xmpmeta>"
    )


def _title(recipe: Recipe) -> str:
    first = next((source.title or source.name for source in recipe.sources), "")
    return f"{first}, a {recipe.kind}" if first else recipe.kind.capitalize()


def _rights(recipe: Recipe) -> str:
    return f"Made from {'; '.join(credit(source) for source in recipe.sources)}."


def _in_any_language(text: str) -> str:
    return f"<rdf:Alt><rdf:li xml:lang='x-default'>{_xml(text)}</rdf:li></rdf:Alt>"


def _xml(text: str) -> str:
    """Escaped, and without the signs that XML 1.0 cannot hold (section 2.2)."""
    return escape(re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text))


# MIDI (Standard MIDI File 1.0): a text event at the very start of the first track

_MIDI_PREFIX = KEYWORD.encode() + b" "


def _into_midi(content: bytes, recipe: Recipe) -> bytes:
    text = _MIDI_PREFIX + recipe.to_json().encode()
    event = b"\x00\xff\x01" + _variable_length(len(text)) + text
    written = [content[: 8 + struct.unpack_from(">I", content, 4)[0]]]
    first = True
    for kind, start, end in _midi_chunks(content):
        if end > len(content):
            raise _NotWhole
        if kind != b"MTrk":
            written.append(content[start:end])
            continue
        body = _without_recipe(content[start + 8 : end])
        body, first = (event + body if first else body), False
        written += [b"MTrk" + struct.pack(">I", len(body)), body]
    if first:
        raise _NotWhole
    return b"".join(written)


def _from_midi(content: bytes) -> bytes | None:
    looked_at = 0
    for kind, start, end in _midi_chunks(content):
        if kind != b"MTrk":
            continue
        for _delta_at, event_at, event_end in _midi_events(content[start + 8 : end]):
            looked_at += 1
            if looked_at > MOST_EVENTS:
                return None
            found = _recipe_of_event(content[start + 8 + event_at : start + 8 + event_end])
            if found is not None:
                return found
    return None


def _midi_chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    at = 8 + struct.unpack_from(">I", content, 4)[0]
    while at + 8 <= len(content):
        kind, length = struct.unpack_from(">4sI", content, at)
        yield kind, at, at + 8 + length
        at += 8 + length


def _midi_events(track: bytes) -> Iterator[tuple[int, int, int]]:
    """(where the delta time starts, where the event starts, where it ends). Ends quietly where the track
    makes no sense.
    """
    at, running = 0, 0
    while at < len(track):
        delta_at = at
        _, at = _read_variable_length(track, at)
        event_at, status = at, track[at]
        if status >= 0x80:
            at += 1
        else:
            status = running
        if status in (0xFF, 0xF0, 0xF7):
            length, at = _read_variable_length(track, at + (status == 0xFF))
            at += length
        elif status >= 0xF0 or status < 0x80:
            return
        else:
            running = status
            at += 1 if status & 0xE0 == 0xC0 else 2
        if at > len(track):
            return
        yield delta_at, event_at, at


def _recipe_of_event(event: bytes) -> bytes | None:
    if not event.startswith(b"\xff\x01"):
        return None
    text = event[_read_variable_length(event, 2)[1] :]
    return text.removeprefix(_MIDI_PREFIX) if text.startswith(_MIDI_PREFIX) else None


def _without_recipe(track: bytes) -> bytes:
    """The track without an earlier recipe; what came after it keeps its time."""
    for delta_at, event_at, event_end in _midi_events(track):
        if _recipe_of_event(track[event_at:event_end]) is not None:
            waited, _ = _read_variable_length(track, delta_at)
            more, next_at = _read_variable_length(track, event_end)
            return track[:delta_at] + _variable_length(waited + more) + track[next_at:]
    return track


def _variable_length(number: int) -> bytes:
    packed = [number & 0x7F]
    while number := number >> 7:
        packed.append(number & 0x7F | 0x80)
    return bytes(reversed(packed))


def _read_variable_length(content: bytes, at: int) -> tuple[int, int]:
    number = 0
    for _ in range(4):
        number = number << 7 | content[at] & 0x7F
        at += 1
        if content[at - 1] < 0x80:
            return number, at
    raise ValueError("longer than four bytes")


# WAV (RIFF): a chunk of our own for the recipe, and LIST/INFO with the words that players show

_WAV_CHUNK = b"dwsr"


def riff_chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of each chunk, padding not counted: data is content[start + 8 : end]."""
    at = 12
    while at + 8 <= len(content):
        kind, length = struct.unpack_from("<4sI", content, at)
        yield kind, at, at + 8 + length
        at += 8 + length + (length & 1)


def _into_wav(content: bytes, recipe: Recipe) -> bytes:
    kept: list[bytes] = []
    has_sound = False
    for kind, start, end in riff_chunks(content):
        if end > len(content):
            raise _NotWhole
        has_sound = has_sound or kind == b"data"
        ours = kind == _WAV_CHUNK or (
            kind == b"LIST"
            and content[start + 8 : start + 12] == b"INFO"
            and TOOL.encode() in content[start:end]
        )
        if not ours:
            kept.append(_padded(content[start:end]))
    if not has_sound:
        raise _NotWhole
    said = {b"ICMT": recipe.in_words(), b"ISFT": TOOL, b"INAM": _title(recipe)}
    if any(source.author or source.licence for source in recipe.sources):
        said[b"ICOP"] = _rights(recipe)
    info = b"".join(_riff_chunk(kind, text.encode() + b"\0") for kind, text in said.items())
    kept += [_riff_chunk(b"LIST", b"INFO" + info), _riff_chunk(_WAV_CHUNK, recipe.to_json().encode())]
    size = 4 + sum(len(part) for part in kept)
    return b"RIFF" + struct.pack("<I", size) + b"WAVE" + b"".join(kept)


def _from_wav(content: bytes) -> bytes | None:
    return next(
        (
            content[start + 8 : end]
            for kind, start, end in riff_chunks(content)
            if kind == _WAV_CHUNK and end <= len(content)
        ),
        None,
    )


def _riff_chunk(kind: bytes, data: bytes) -> bytes:
    return _padded(kind + struct.pack("<I", len(data)) + data)


def _padded(chunk: bytes) -> bytes:
    return chunk + b"\0" * (len(chunk) & 1)


# XML: expat tells the byte where each element stands, so the text around is left as it is. Declared entities
# are refused.


@dataclass
class _Element:
    """One element that was asked for: where it starts, where its end tag starts (for <empty/> where it ends),
    its own text.
    """

    path: str
    attributes: dict[str, str]
    start: int
    end_tag: int = -1
    text: list[str] = field(default_factory=list)
    has_children: bool = False

    def is_empty(self, content: bytes) -> bool:
        """Whether it is written <empty/>."""
        return not self.has_children and not self.text and content[self.start : self.end_tag].endswith(b"/>")


def _elements(
    content: bytes,
    wanted: Callable[[str, dict[str, str]], bool],
    *,
    until: Callable[[_Element], bool] | None = None,
) -> list[_Element]:
    """Every element whose path ("/score-partwise/identification") and attributes are wanted. Stops after the
    one that `until` names.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError("UTF-16")
    parser = expat.ParserCreate()
    parser.buffer_text = True
    names: list[str] = []
    found: list[_Element] = []
    opened: list[_Element | None] = []
    taken = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(names) > 200:
            raise ValueError("nested too deeply")
        names.append(name.rpartition(":")[2])
        path = "/" + "/".join(names)
        element = _Element(path, attributes, parser.CurrentByteIndex) if wanted(path, attributes) else None
        if opened and opened[-1] is not None:
            opened[-1].has_children = True
        opened.append(element)
        if element is not None:
            found.append(element)

    def end(_name: str) -> None:
        names.pop()
        element = opened.pop()
        if element is not None:
            element.end_tag = parser.CurrentByteIndex
            if until is not None and until(element):
                raise _Enough

    def text(data: str) -> None:
        nonlocal taken
        if opened and opened[-1] is not None and taken <= LARGEST_RECIPE:
            taken += len(data)
            opened[-1].text.append(data)

    def entity(*_declared: object) -> None:
        raise ValueError("a document that declares entities")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.EntityDeclHandler = text, entity
    with contextlib.suppress(_Enough):
        parser.Parse(content, True)
    return found


class _Enough(Exception):
    """What was looked for is found."""


def _without(content: bytes, elements: list[_Element]) -> bytes:
    for element in sorted(elements, key=lambda each: each.start, reverse=True):
        end = element.end_tag if element.is_empty(content) else content.index(b">", element.end_tag) + 1
        content = content[: element.start] + content[end:]
    return content


def _as_last_child(content: bytes, parent: _Element, child: bytes) -> bytes:
    at = parent.end_tag
    if not parent.is_empty(content):
        return content[:at] + child + content[at:]
    # <parent/> is opened to take the child in.
    name = re.split(rb"[\s/>]", content[parent.start + 1 : at], maxsplit=1)[0]
    return content[: at - 2] + b">" + child + b"</" + name + b">" + content[at:]


def _recipe_as_xml(recipe: Recipe) -> str:
    """JSON's own escapes stand in for the two signs that XML cannot hold even as a reference."""
    return escape(recipe.to_json().replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff"))


def _ascii(text: str) -> bytes:
    """Every other sign as a reference, which holds in whatever encoding the document declares."""
    return text.encode("ascii", "xmlcharrefreplace")


def _into_musicxml(content: bytes, recipe: Recipe) -> bytes:
    """MusicXML 4.0: identification/miscellaneous/miscellaneous-field, made where it is missing, in the order
    that the schema asks for.
    """
    content = _without(content, _elements(content, _is_recipe_field))
    places = {
        place.path.split("/", 2)[2]: place for place in reversed(_elements(content, _is_place_for_recipe))
    }
    child = f'<miscellaneous-field name="{KEYWORD}">{_recipe_as_xml(recipe)}</miscellaneous-field>'
    if "identification/miscellaneous" in places:
        return _as_last_child(content, places["identification/miscellaneous"], _ascii(child))
    child = f"<miscellaneous>{child}</miscellaneous>"
    if "identification" in places:
        return _as_last_child(content, places["identification"], _ascii(child))
    before = min((place.start for place in places.values()), default=None)
    if before is None:
        raise _NotWhole
    return content[:before] + _ascii(f"<identification>{child}</identification>") + content[before:]


def _is_recipe_field(path: str, attributes: dict[str, str]) -> bool:
    return (
        path.endswith("/identification/miscellaneous/miscellaneous-field")
        and attributes.get("name") == KEYWORD
    )


def _is_place_for_recipe(path: str, _attributes: dict[str, str]) -> bool:
    return (
        re.fullmatch(
            r"/score-(partwise|timewise)/(identification(/miscellaneous)?|defaults|credit|part-list)", path
        )
        is not None
    )


def _into_svg(content: bytes, recipe: Recipe) -> bytes:
    content = _without(content, _elements(content, _is_recipe_metadata))
    root = _elements(content, lambda path, _attributes: path == "/svg")
    if not root:
        raise _NotWhole
    child = f'<metadata id="{KEYWORD}">{_recipe_as_xml(recipe)}</metadata>'
    child += f'<metadata id="{KEYWORD}-credits">{_xmp(recipe, composite=False)}</metadata>'
    return _as_last_child(content, root[0], _ascii(child))


def _is_recipe_metadata(path: str, attributes: dict[str, str]) -> bool:
    return path == "/svg/metadata" and attributes.get("id") in (KEYWORD, f"{KEYWORD}-credits")


def _from_xml(content: bytes) -> bytes | None:
    def holds_recipe(path: str, attributes: dict[str, str]) -> bool:
        return _is_recipe_field(path, attributes) or (
            path == "/svg/metadata" and attributes.get("id") == KEYWORD
        )

    found = _elements(content, holds_recipe, until=lambda _element: True)
    return "".join(found[0].text).encode() if found and found[0].end_tag >= 0 else None


# .mxl: a zip with a MusicXML file that META-INF/container.xml names


def _into_mxl(content: bytes, recipe: Recipe) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as packed, zipfile.ZipFile(written, "w") as repacked:
        score = _score_in(packed)
        budget = LARGEST_SCORE
        for part in packed.infolist():
            unpacked = _unpack(packed, part, budget)
            budget -= len(unpacked)
            if part.filename == score:
                unpacked = _into_musicxml(unpacked, recipe)
            repacked.writestr(part, unpacked)
    return written.getvalue()


def _from_mxl(content: bytes) -> bytes | None:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return _from_xml(_unpack(packed, packed.getinfo(_score_in(packed)), LARGEST_SCORE))


def _score_in(packed: zipfile.ZipFile) -> str:
    if len(packed.infolist()) > 1000:
        raise ValueError("more files than any score needs")
    container = _unpack(packed, packed.getinfo("META-INF/container.xml"), LARGEST_RECIPE)
    named = _elements(container, lambda path, _attributes: path.endswith("/rootfiles/rootfile"))
    return named[0].attributes["full-path"]


def _unpack(packed: zipfile.ZipFile, part: zipfile.ZipInfo, budget: int) -> bytes:
    if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("packed as no score is")
    with packed.open(part) as file:
        unpacked = file.read(budget + 1)
    if len(unpacked) > budget:
        raise ValueError("unpacks to more than any score needs")
    return unpacked


# ABC (standard 2.1): a %% line, which programs that do not know it skip

_ABC_LINE = re.compile(rb"^%%" + KEYWORD.encode() + rb"[ \t]+([^\r\n]*)(?:\r\n|\n|\r|$)", re.MULTILINE)


def _into_abc(content: bytes, recipe: Recipe) -> bytes:
    content = _ABC_LINE.sub(b"", content)
    newline = b"\r\n" if b"\r\n" in content[:4096] else b"\n"
    line = b"%%" + KEYWORD.encode() + b" " + recipe.to_json().encode() + newline
    tune = re.search(rb"^X:", content, re.MULTILINE)
    if tune is None:
        raise _NotWhole
    return content[: tune.start()] + line + content[tune.start() :]


def _from_abc(content: bytes) -> bytes | None:
    found = _ABC_LINE.search(content)
    return found[1].strip() if found else None


@dataclass(frozen=True)
class Carrier:
    """A format that can carry a recipe: how it is told apart, and how the recipe goes in and comes out."""

    name: str
    suffixes: tuple[str, ...]
    signature: re.Pattern[bytes]
    insert: Callable[[bytes, Recipe], bytes]
    find: Callable[[bytes], bytes | None]


# What may stand before an XML document's first element: a byte order mark, a declaration, comments, a
# document type.
_PROLOGUE = (
    rb"(?:\xef\xbb\xbf)?(?:\s|<\?[^>]{0,999}\?>|<!--(?:(?!-->).){0,9999}-->|<!DOCTYPE[^>\[]{0,999}>)*+"
)

CARRIERS = (
    Carrier("PNG", (".png",), re.compile(rb"\x89PNG\r\n\x1a\n"), _into_png, _from_png),
    Carrier("MIDI", (".mid", ".midi"), re.compile(rb"MThd"), _into_midi, _from_midi),
    Carrier("WAV", (".wav",), re.compile(rb"RIFF.{4}WAVE", re.DOTALL), _into_wav, _from_wav),
    Carrier(
        "SVG", (".svg",), re.compile(_PROLOGUE + rb"<(?:svg:)?svg[\s>/]", re.DOTALL), _into_svg, _from_xml
    ),
    Carrier(
        "MusicXML",
        (".musicxml", ".xml"),
        re.compile(_PROLOGUE + rb"<score-(?:partwise|timewise)[\s>]", re.DOTALL),
        _into_musicxml,
        _from_xml,
    ),
    Carrier("compressed MusicXML", (".mxl",), re.compile(rb"PK\x03\x04"), _into_mxl, _from_mxl),
    Carrier(
        "ABC",
        (".abc",),
        re.compile(rb"(?:\xef\xbb\xbf)?(?:%[^\r\n]*|[A-Za-z]:[^\r\n]*|\s*)(?:[\r\n]|$)"),
        _into_abc,
        _from_abc,
    ),
)
"""The formats that carry a recipe, in the order in which they are told apart; ABC, being plain text, comes
last.
"""
