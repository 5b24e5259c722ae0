"""From a file's own colours to 8-bit sRGB: ICC profiles, code points (ITU-T H.273), gamma and primaries.

A PNG is shown as browsers show it (PNG third edition, section 4.3): cICP first, then an ICC profile, sRGB,
and gAMA with cHRM. The order and the limits below were measured against Chromium 156.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

Light = NDArray[np.float64]
"""Signal or linear light, 0..1."""

Chromaticities = tuple[float, ...]
"""White, red, green and blue as x, y: eight numbers (CIE 1931)."""


@dataclass(frozen=True)
class ColourSpace:
    """How a file without an ICC profile encodes its colours.

    name: for people. to_linear: from signal to linear light. primaries: None for those of sRGB.
    """

    name: str
    to_linear: Callable[[Light], Light]
    primaries: Chromaticities | None = None


class HighDynamicRange(ValueError):
    """Code points for HDR, which 8-bit sRGB cannot show. The text is their name."""


D65 = (0.3127, 0.3290)
ILLUMINANT_C = (0.310, 0.316)

PRIMARIES: dict[int, Chromaticities | None] = {
    1: None,
    4: (*ILLUMINANT_C, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    8: (*ILLUMINANT_C, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),
    9: (*D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    10: (1 / 3, 1 / 3, 1, 0, 0, 1, 0, 0),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    22: (*D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
"""ITU-T H.273, table 2."""

PRIMARY_NAMES = {1: "Rec. 709", 9: "Rec. 2020", 11: "DCI-P3", 12: "Display P3"}


def srgb_to_linear(signal: Light) -> Light:
    """IEC 61966-2-1."""
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(linear: Light) -> Light:
    """IEC 61966-2-1."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def power(exponent: float) -> Callable[[Light], Light]:
    """signal ** exponent."""
    return lambda signal: signal**exponent


def from_camera(slope: float, offset: float, knee: float) -> Callable[[Light], Light]:
    """The inverse of a camera's curve (1 + offset) * linear ** 0.45 - offset, with a line of that slope for
    signals below `knee`.
    """

    def to_linear(signal: Light) -> Light:
        above = ((np.maximum(signal, knee) + offset) / (1 + offset)) ** (1 / 0.45)
        return np.where(signal < knee, signal / slope, above)

    return to_linear


REC_709 = power(2.4)
"""A screen's curve for Rec. 709 and Rec. 2020 (ITU-R BT.1886), which browsers use, not the camera's."""

TRANSFERS: dict[int, Callable[[Light], Light]] = {
    1: REC_709,
    4: power(2.2),
    5: power(2.8),
    6: REC_709,
    7: from_camera(4.0, 0.111572195921731, 4.0 * 0.022821585529445),
    8: power(1.0),
    11: REC_709,
    13: srgb_to_linear,
    14: REC_709,
    15: REC_709,
    17: lambda signal: np.minimum(signal**2.6 * 52.37 / 48, 1),
}
"""ITU-T H.273, table 3, for signals of 0..1."""

HDR_TRANSFERS = {16: "PQ", 18: "HLG"}


def from_code_points(primaries: int, transfer: int) -> ColourSpace | None:
    """The colour space of H.273 code points; None where they leave it open or name none that can be shown.

    Raises `HighDynamicRange` for PQ and HLG (ITU-R BT.2100).
    """
    if transfer in HDR_TRANSFERS:
        raise HighDynamicRange(HDR_TRANSFERS[transfer])
    if primaries not in PRIMARIES or transfer not in TRANSFERS:
        return None
    name = PRIMARY_NAMES.get(primaries, f"code points {primaries} and {transfer}")
    return ColourSpace(name, TRANSFERS[transfer], PRIMARIES[primaries])


GAMMA_OF_SRGB = 45455
"""gAMA of a picture that is sRGB (PNG third edition, 11.3.2.4): 1/2.2."""


def from_gamma(gamma: int, primaries: tuple[int, ...] = ()) -> ColourSpace | None:
    """The colour space of a PNG's gAMA and, if it has one, cHRM chunk, both in units of 1/100000.

    None stands for sRGB. A cHRM chunk without gAMA means nothing to a browser. Gamma alone, within 5 % of
    1/2.2, means sRGB. With chromaticities it is taken at its word, even beside those of sRGB.
    """
    corners = tuple(value / 100_000 for value in primaries)
    if gamma == 0 or (corners and not _plausible(corners)):
        return None
    if not corners and GAMMA_OF_SRGB / 1.05 <= gamma <= GAMMA_OF_SRGB * 1.05:
        return None
    exponent = 100_000 / gamma
    return ColourSpace(f"gamma {exponent:.4g}", power(exponent), corners or None)


def _plausible(corners: Chromaticities) -> bool:
    """Whether white, red, green and blue are real places of the diagram and span a triangle."""
    if any(not 0 <= value <= 1 for value in corners) or corners[1] == 0:
        return False
    return abs(float(np.linalg.det(_columns(corners)))) > 1e-4


def _columns(corners: Chromaticities) -> Light:
    """Red, green and blue as columns x, y, z with x + y + z = 1."""
    x, y = np.array(corners[2::2]), np.array(corners[3::2])
    return np.stack([x, y, 1 - x - y])


BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
"""Cone responses, for adapting to another white (ICC.1:2022, annex E)."""

D50 = np.array([0.9642, 1.0, 0.8249])


def to_d50(corners: Chromaticities) -> Light:
    """The matrix [3, 3] from linear red, green and blue to XYZ under D50, the white of ICC profiles."""
    x, y = corners[:2]
    white = np.array([x / y, 1, (1 - x - y) / y])
    columns = _columns(corners)
    columns = columns * np.linalg.solve(columns, white)
    scale = (BRADFORD @ D50) / (BRADFORD @ white)
    adapted: Light = np.linalg.inv(BRADFORD) @ np.diag(scale) @ BRADFORD @ columns
    return adapted


def converted(colours: Image.Image, space: ColourSpace) -> Image.Image:
    """A picture of mode L or RGB in 8-bit sRGB, mode RGB. Greys stay grey."""
    if space.primaries is None or colours.mode == "L":
        steps = np.arange(256) / 255
        levels = np.rint(linear_to_srgb(space.to_linear(steps)) * 255).astype(int).tolist()
        return colours.point(levels * len(colours.getbands())).convert("RGB")
    return transformed(colours, ImageCms.ImageCmsProfile(io.BytesIO(_profile(space))))


def _profile(space: ColourSpace) -> bytes:
    """An ICC profile of version 2 with three primaries and one curve of 4,096 points (ICC.1:2001-04)."""
    assert space.primaries is not None
    curve = np.rint(space.to_linear(np.linspace(0, 1, 4096)) * 65535).astype(">u2")
    tone = b"curv" + bytes(4) + struct.pack(">I", curve.size) + curve.tobytes()
    columns = to_d50(space.primaries).T
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"file\0" + bytes(79),
        b"cprt": b"text" + bytes(4) + b"none\0" + bytes(3),
        b"wtpt": _xyz(D50),
        **{letter + b"XYZ": _xyz(column) for letter, column in zip((b"r", b"g", b"b"), columns, strict=True)},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), tone),
    }
    at = 128 + 4 + 12 * len(tags)
    table, data, places = struct.pack(">I", len(tags)), b"", dict[bytes, int]()
    for name, content in tags.items():
        if content not in places:
            places[content] = at + len(data)
            data += content + bytes(-len(content) % 4)
        table += name + struct.pack(">II", places[content], len(content))
    head = struct.pack(">I4xI", at + len(data), 0x02400000) + b"mntrRGB XYZ " + bytes(12) + b"acsp"
    return (head + bytes(28) + _xyz(D50)[8:]).ljust(128, b"\0") + table + data


def _xyz(colour: Light) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(float(value) * 65536) for value in colour))


def through_profile(colours: Image.Image, content: bytes) -> tuple[Image.Image, str] | None:
    """A picture in sRGB by an ICC profile, and the profile's name.

    None if the profile is sRGB by another name. Raises ValueError, OSError, TypeError or PyCMSError for one
    that is damaged or does not match.
    """
    profile = ImageCms.ImageCmsProfile(io.BytesIO(content))
    space = profile.profile.xcolor_space.strip()
    if space == "RGB" and colours.mode == "L":
        colours = colours.convert("RGB")
    if {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}.get(space) != colours.mode:
        raise ValueError(f"a profile for {space}")
    if space == "RGB":
        # A profile that is sRGB by another name would only add rounding errors. A grid of colours tells.
        grid = np.stack(np.meshgrid(*[np.arange(0, 256, 15, dtype=np.uint8)] * 3), -1).reshape(1, -1, 3)
        moved = np.asarray(transformed(Image.fromarray(grid), profile))
        if np.abs(moved.astype(int) - grid).max() <= 1:
            return None
    description = ImageCms.getProfileDescription(profile)
    called = "".join(sign for sign in description if sign.isprintable()).strip()[:60]
    return transformed(colours, profile), called or space


def is_profile(content: bytes) -> bool:
    """Whether the bytes are an ICC profile at all, of whatever colours."""
    try:
        ImageCms.ImageCmsProfile(io.BytesIO(content))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return False
    return True


def from_lab(colours: Image.Image) -> Image.Image:
    """A picture of mode LAB (CIE 1976, D50) in sRGB."""
    return transformed(colours, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))


def transformed(colours: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    """Relative colorimetric, with black point compensation."""
    transform = ImageCms.buildTransform(
        profile,
        ImageCms.createProfile("sRGB"),
        colours.mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.HIGHRESPRECALC,
    )
    moved = ImageCms.applyTransform(colours, transform)
    if moved is None:
        raise ValueError("the transform gave nothing")
    return moved
