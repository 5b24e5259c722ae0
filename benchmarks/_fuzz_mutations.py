"""How an input is altered: bytes, lines, JSON values, entries of a zip, the header of a safetensors file."""

from __future__ import annotations

import io
import json
import random
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from xml.etree import ElementTree

NASTY: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 255, 65536, 2**31 - 1, 2**31, 2**63, 10**30, -(2**63), 0.5, -0.0, 1e308,
    1e-320, float("nan"), float("inf"), "", " ", "0", "a", "\0", "é\u202e\U0001f600", "\ud800", "x" * 300,
    "9" * 5000, "../" * 9, "/etc/passwd", "-o", "%s", "{}", "D4", "C:E5", "1:1=D",
    [], [[]], [None], [0] * 50, ["a", "a"], {}, {"a": 1}, {"": {}},
)  # fmt: skip


def mutated(content: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """A copy of the input, altered one to four times."""
    for _ in range(rng.choice((1, 1, 1, 2, 2, 4))):
        ways: list[Callable[[bytes, random.Random, list[bytes]], bytes]] = [_alter_bytes]
        if content[:1] in (b"{", b"["):
            ways = [_alter_json, _alter_json, _alter_json, _alter_bytes]
        elif content[:4] == b"PK\x03\x04":
            ways = [_alter_zip, _alter_zip, _alter_zip, _alter_bytes]
        elif content[8:10] == b'{"':
            ways = [_alter_header, _alter_header, _alter_bytes]
        elif content[:8] == PNG:
            ways = [_alter_png, _alter_png, _alter_png, _alter_bytes]
        elif content.lstrip()[:1] == b"<":
            ways = [_alter_xml, _alter_xml, _alter_xml, _alter_bytes, _alter_text]
        elif content[:200].isascii():
            ways = [_alter_bytes, _alter_text]
        with suppress(Exception):  # what was altered before may be past this way of altering it
            content = rng.choice(ways)(content, rng, others)
    return content[: 2**22]


def _alter_bytes(content: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    data = bytearray(content)
    place = rng.randrange(len(data) + 1)
    length = min(len(data) - place, rng.choice((1, 1, 2, 4, 8, 64, 1024)))
    match rng.randrange(8):
        case 0:
            data[place : place + length] = b""
        case 1:
            data[place:place] = rng.randbytes(length)
        case 2:
            data[place : place + length] = rng.randbytes(length)
        case 3:
            if place < len(data):
                data[place] ^= 1 << rng.randrange(8)
        case 4:
            value = rng.choice(
                (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
            )
            size = next(each for each in (1, 2, 4, 8) if value < 1 << 8 * each)
            data[place : place + size] = value.to_bytes(size, rng.choice(("little", "big")))
        case 5:
            data[place:place] = data[place : place + length] * rng.choice((2, 10, 1000 if length < 9 else 3))
        case 6:
            del data[place:]
        case 7:
            other = rng.choice(others)
            begin = rng.randrange(len(other) + 1)
            data[place : place + length] = other[begin : begin + rng.choice((4, 32, 256, 4096))]
    return bytes(data)


def _alter_text(content: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """Whole lines and numbers, as in ABC, kern and XML."""
    lines = content.split(b"\n")
    place = rng.randrange(len(lines))
    match rng.randrange(4):
        case 0:
            lines.insert(place, rng.choice(rng.choice(others).split(b"\n")))
        case 1:
            lines[place] = lines[place] * rng.choice((2, 50))
        case 2:
            del lines[place]
        case 3:
            words = lines[place].split(b" ")
            words[rng.randrange(len(words))] = str(rng.choice(NASTY)).encode("utf-8", "replace")
            lines[place] = b" ".join(words)
    return b"\n".join(lines)


PNG = b"\x89PNG\r\n\x1a\n"


def _alter_png(content: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """One chunk altered, left out, doubled or moved; its checksum is right again."""
    chunks: list[tuple[bytes, bytes]] = []
    place = len(PNG)
    while place + 8 <= len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        chunks.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + length]))
        place += 12 + length
    which = rng.randrange(len(chunks))
    kind, body = chunks[which]
    match rng.randrange(6):
        case 0:
            del chunks[which]
        case 1:
            chunks.insert(rng.randrange(len(chunks)), chunks[which])
        case 2 if kind == b"IDAT":
            chunks[which] = (kind, zlib.compress(_alter_bytes(zlib.decompress(body), rng, others)))
        case 3:
            extra = rng.choice(
                (b"gAMA", b"cHRM", b"iCCP", b"cICP", b"eXIf", b"pHYs", b"tRNS", b"iTXt", b"acTL")
            )
            chunks.insert(
                rng.randrange(1, len(chunks)), (extra, rng.randbytes(rng.choice((0, 1, 4, 9, 32, 300))))
            )
        case _:
            chunks[which] = (kind, _alter_bytes(body, rng, others))
    return PNG + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def _alter_xml(content: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """One element altered, so that it is still XML: its text, attributes, place, or how often it is there."""
    root = ElementTree.fromstring(content)
    holder = rng.choice([each for each in root.iter() if len(each)])
    place = rng.randrange(len(holder))
    chosen = holder[place]
    match rng.randrange(6):
        case 0:
            holder.remove(chosen)
        case 1:
            for _copy in range(rng.choice((1, 3, 500))):
                holder.insert(place, chosen)
        case 2:
            rng.choice(list(root.iter())).append(ElementTree.fromstring(ElementTree.tostring(chosen)))
        case 3 if chosen.attrib:
            chosen.set(rng.choice(list(chosen.attrib)), _printable(rng))
        case _:
            leaf = rng.choice([each for each in holder.iter() if not len(each)])
            leaf.text = _printable(rng)
    return ElementTree.tostring(root)


def _printable(rng: random.Random) -> str:
    return "".join(letter for letter in str(rng.choice(NASTY)) if letter.isprintable())


def _alter_json(content: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    return as_json(_altered_value(json.loads(content), rng))


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


def _altered_value(value: Any, rng: random.Random) -> Any:
    """The value with one part of it altered, chosen among all of its parts."""
    places: list[tuple[Any, Any]] = []

    def walk(part: Any) -> None:
        inside = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
        for key, each in inside:
            places.append((part, key))
            walk(each)

    walk(value)
    if not places:
        return rng.choice(NASTY)
    holder, key = rng.choice(places)
    match rng.randrange(7):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[str(rng.choice(NASTY))] = holder[key]
        case 1 | 2:
            where, which = rng.choice(places)
            with suppress(LookupError):
                holder[key] = json.loads(json.dumps(where[which]))
        case 3 if isinstance(holder[key], list):
            holder[key] = holder[key] * rng.choice((2, 40, 2000))
        case 4 if isinstance(holder[key], int | float):
            holder[key] = holder[key] * rng.choice((-1, 0.5, 2, 1000, 10**9))
        case 5:
            deep: Any = rng.choice(NASTY)
            for _ in range(rng.choice((1, 5, 400))):
                deep = rng.choice(([deep], {"kind": deep}))
            holder[key] = deep
        case _:
            holder[key] = rng.choice(NASTY)
    return value


def _alter_header(content: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """A safetensors file: eight bytes of length, a header in JSON, and the numbers."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    card = header.get("__metadata__", {}).get("card") if isinstance(header, dict) else None
    if isinstance(card, str) and rng.random() < 0.7:
        header["__metadata__"]["card"] = as_json(_altered_value(json.loads(card), rng)).decode(
            "utf-8", "replace"
        )
    else:
        header = _altered_value(header, rng)
    written = json.dumps(header).encode()
    return struct.pack("<Q", len(written)) + written + content[8 + length :]


def _alter_zip(content: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """One entry altered, renamed, doubled or left out; written anew, so that it is still a zip."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = [
            (each.filename, archive.read(each)) for each in archive.infolist() if each.file_size < 2**22
        ]
    place = rng.randrange(len(entries))
    name, inside = entries[place]
    match rng.randrange(6):
        case 0:
            del entries[place]
        case 1:
            entries.append((rng.choice(entries)[0], inside))
        case 2:
            entries[place] = (
                rng.choice((name.upper(), "../" + name, name + "/x", "/" + name, name[:-1], "a" * 200)),
                inside,
            )
        case _:
            entries[place] = (name, _altered_entry(inside, rng, others))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, inside in entries:
            warnings.simplefilter("ignore")  # two entries of one name are meant
            archive.writestr(name, inside)
    return file.getvalue()


def _altered_entry(inside: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    lines = inside.split(b"\n")
    if inside[:1] == b"{" and len(lines) > 1:  # JSON lines, or indented JSON
        with suppress(ValueError):
            place = rng.randrange(len(lines))
            lines[place] = _alter_json(lines[place], rng, others)
            return b"\n".join(lines)
    return mutated(inside, rng, others)
