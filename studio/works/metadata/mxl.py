"""Compressed MusicXML (.mxl): a zip with a MusicXML file that META-INF/container.xml names."""

from __future__ import annotations

import io
import re
import zipfile

from studio.works.metadata import musicxml
from studio.works.metadata.carrier import LARGEST_RECIPE, Carrier
from studio.works.metadata.xml import elements
from studio.works.recipe import Recipe

LARGEST_SCORE = 32 * 2**20
"""Bytes of the largest score that is unpacked; a zip of 200 kB can hold a thousand times as much."""


def _insert(content: bytes, recipe: Recipe) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as packed, zipfile.ZipFile(written, "w") as repacked:
        score = _score_in(packed)
        budget = LARGEST_SCORE
        for part in packed.infolist():
            unpacked = _unpack(packed, part, budget)
            budget -= len(unpacked)
            if part.filename == score:
                unpacked = musicxml.insert(unpacked, recipe)
            repacked.writestr(part, unpacked)
    return written.getvalue()


def _find(content: bytes) -> bytes | None:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return musicxml.find(_unpack(packed, packed.getinfo(_score_in(packed)), LARGEST_SCORE))


def _is_cut_off(content: bytes) -> bool:
    return not zipfile.is_zipfile(io.BytesIO(content))  # a zip's list of files is at its end


def _score_in(packed: zipfile.ZipFile) -> str:
    if len(packed.infolist()) > 1000:
        raise ValueError("more files than a score can have")
    container = _unpack(packed, packed.getinfo("META-INF/container.xml"), LARGEST_RECIPE)
    named = elements(container, lambda path, _attributes: path.endswith("/rootfiles/rootfile"))
    return named[0].attributes["full-path"]


def _unpack(packed: zipfile.ZipFile, part: zipfile.ZipInfo, budget: int) -> bytes:
    if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("a compression method that scores do not use")
    with packed.open(part) as file:
        unpacked = file.read(budget + 1)
    if len(unpacked) > budget:
        raise ValueError("unpacks to more than a score can have")
    return unpacked


MXL = Carrier(
    "compressed MusicXML",
    (".mxl",),
    "application/vnd.recordare.musicxml",
    re.compile(rb"PK\x03\x04"),
    _insert,
    _find,
    _is_cut_off,
)
