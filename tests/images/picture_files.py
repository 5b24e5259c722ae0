"""Picture files by hand: PNG, TIFF, EXIF and ICC profiles, put together byte by byte."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

RNG = np.random.default_rng(7)
PATTERN = np.kron(
    RNG.integers(0, 256, (5, 4, 3), dtype=np.uint8), np.ones((8, 8, 1), dtype=np.uint8)
)  # 40 x 32, in blocks
SECRET = b"SERIAL-4711-SECRET"


def saved(image: Image.Image, file_format: str, **options: object) -> bytes:
    written = io.BytesIO()
    image.save(written, file_format, **options)
    return written.getvalue()


def png(
    width: int, height: int, bits: int, colour_type: int, rows: bytes, *before: tuple[bytes, bytes]
) -> bytes:
    """A PNG put together by hand: `rows` are unfiltered scan lines, each with its filter byte 0."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    parts = [(b"IHDR", header), *before, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def rows(samples: np.ndarray) -> bytes:
    return b"".join(b"\0" + line.tobytes() for line in samples)


def tiff(
    samples: np.ndarray,
    photometric: int,
    *,
    order: str = "<",
    extra: dict[int, tuple[int, ...]] | None = None,
) -> bytes:
    """An uncompressed TIFF by hand: samples [h, w] or [h, w, channels]."""
    height, width = samples.shape[:2]
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    strip = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    bits = samples.dtype.itemsize * 8
    form = {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    fields = {
        256: (width,),
        257: (height,),
        258: (bits,) * channels,
        259: (1,),
        262: (photometric,),
        273: (8,),
        277: (channels,),
    }
    fields |= {278: (height,), 279: (len(strip),), 339: (form,) * channels} | (extra or {})
    blob, entries = b"", b""
    for tag, values in sorted(fields.items()):
        kind, sign = (4, "I") if tag in (273, 279) else (3, "H")
        packed = struct.pack(f"{order}{len(values)}{sign}", *values)
        if len(packed) > 4:
            place = struct.pack(order + "I", 8 + len(strip) + len(blob))
            blob, packed = blob + packed + b"\0" * (len(packed) % 2), place
        entries += struct.pack(order + "HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    start = 8 + len(strip) + len(blob)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", start)
    return head + strip + blob + struct.pack(order + "H", len(fields)) + entries + b"\0\0\0\0"


def exif(orientation: int, secret: bytes = SECRET) -> bytes:
    """EXIF by hand: orientation, a camera's name holding the secret, and a GPS directory with a latitude of
    48 degrees.
    """
    gps_at = 8 + 2 + 3 * 12 + 4
    text_at = gps_at + 2 + 12 + 4 + 24
    fields = struct.pack(">HHII", 0x010F, 2, len(secret), text_at) + struct.pack(
        ">HHIHH", 0x0112, 3, 1, orientation, 0
    )
    fields += struct.pack(">HHII", 0x8825, 4, 1, gps_at)
    gps = (
        struct.pack(">H", 1)
        + struct.pack(">HHII", 2, 5, 3, gps_at + 18)
        + bytes(4)
        + struct.pack(">6I", 48, 1, 31, 1, 17, 1)
    )
    return b"MM\0*\0\0\0\x08" + struct.pack(">H", 3) + fields + bytes(4) + gps + secret


SRGB_D50 = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
ADOBE_D50 = np.array(
    [[0.6097559, 0.2052401, 0.1492240], [0.3111242, 0.6256560, 0.0632197], [0.0194811, 0.0608902, 0.7448387]]
)
WHITE_D50 = np.array([0.9642, 1.0, 0.8249])


def srgb_of(xyz: np.ndarray) -> np.ndarray:
    """sRGB levels 0..255 of a D50 XYZ colour (IEC 61966-2-1)."""
    linear = np.linalg.solve(SRGB_D50, xyz).clip(0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def xyz_of_lab(lightness: float, a: float, b: float) -> np.ndarray:
    """CIE 1976 L*a*b* to XYZ under D50."""
    y = (lightness + 16) / 116
    f = np.array([y + a / 500, y, y - b / 200])
    return WHITE_D50 * np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))


def icc(space: bytes, tags: dict[bytes, bytes], kind: bytes = b"mntr", connection: bytes = b"XYZ ") -> bytes:
    """A version 2 ICC profile by hand (ICC.1:2001-04)."""
    described = b"desc\0\0\0\0" + struct.pack(">I", 6) + b"Bench\0" + bytes(78)
    tags = {b"desc": described, b"cprt": b"text\0\0\0\0none\0", b"wtpt": xyz_tag(WHITE_D50), **tags}
    table, blob = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", 128 + 4 + 12 * len(tags) + len(blob), len(data))
        blob += data + bytes(-len(data) % 4)
    size = 128 + len(table) + len(blob)
    head = (
        struct.pack(">I4sI4s4s4s", size, b"\0\0\0\0", 0x02400000, kind, space, connection)
        + bytes(12)
        + b"acsp"
    )
    return (
        (head + bytes(28) + struct.pack(">3i", *(round(v * 65536) for v in WHITE_D50))).ljust(128, b"\0")
        + table
        + blob
    )


def xyz_tag(xyz: np.ndarray) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(float(v) * 65536) for v in xyz))


def gamma_tag(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def rgb_profile(primaries: np.ndarray, gamma: float) -> bytes:
    curves = {letter + b"TRC": gamma_tag(gamma) for letter in (b"r", b"g", b"b")}
    return icc(
        b"RGB ",
        {letter + b"XYZ": xyz_tag(primaries[:, column]) for column, letter in enumerate((b"r", b"g", b"b"))}
        | curves,
    )


def swatches(colours: np.ndarray) -> np.ndarray:
    """[n, channels] as patches of 16 x 16 beside each other: flat, so that JPEG hardly moves them."""
    return np.repeat(np.repeat(colours[None].astype(np.uint8), 16, axis=1), 16, axis=0)


CORNERS = {  # how four inks on paper look, by hand: L*, a*, b*
    (0, 0, 0, 0): (100, 0, 0),
    (255, 0, 0, 0): (60, -30, -30),
    (0, 255, 0, 0): (50, 40, 0),
    (0, 0, 255, 0): (90, -5, 60),
    (0, 0, 0, 255): (10, 0, 0),
}


def cmyk_profile() -> bytes:
    """A lut8 with two points an ink (ICC.1:2001-04, 6.5.8), cyan turning slowest."""
    identity = bytes(range(256))
    grid = b""
    for corner in np.ndindex(2, 2, 2, 2):
        lightness, a, b = CORNERS.get(tuple(255 * int(ink) for ink in corner), (0, 0, 0))
        grid += bytes([round(lightness * 2.55), a + 128, b + 128])
    matrix = struct.pack(">9i", *(65536 * (row == column) for row in range(3) for column in range(3)))
    return icc(
        b"CMYK",
        {b"A2B0": b"mft1\0\0\0\0\x04\x03\x02\0" + matrix + identity * 4 + grid + identity * 3},
        b"prtr",
        b"Lab ",
    )
