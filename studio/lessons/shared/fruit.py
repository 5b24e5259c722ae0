"""Apples and oranges, drawn by the studio for the lesson on rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SIDE = 56
"""Pixels in both directions."""

COLOURS = ("red", "orange", "yellow", "green", "blue", "black", "grey", "white")
SWATCHES = {
    "red": "#d5463c",
    "orange": "#f2962e",
    "yellow": "#e8cf4a",
    "green": "#6fa84a",
    "blue": "#5b8fd0",
    "black": "#3a3a40",
    "grey": "#8d8d92",
    "white": "#ecebe6",
}


@dataclass(frozen=True)
class Fruit:
    """A picture and what it shows.

    pixels: uint8 [SIDE, SIDE, 3].
    kind: "apple", "orange", or "" for a visitor's own picture.
    """

    kind: str
    pixels: np.ndarray
    about: str


def draw_fruit(
    kind: str,
    rng: np.random.Generator,
    *,
    skin: str = "",
    cloth: str = "white",
    shade: bool = False,
    grey: bool = False,
) -> Fruit:
    """One fruit on a cloth.

    skin: red, green or yellow for apples, orange or green for oranges; the usual one when empty.
    shade: evening light, dim and blue.
    """
    skin = skin or {"apple": "green", "orange": "orange"}[kind]
    up, across = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE * 2 - 1
    up, across = -(up - rng.uniform(-0.12, 0.2)), across - rng.uniform(-0.15, 0.15)
    size = rng.uniform(0.5, 0.68)
    angle = np.arctan2(up, across)
    # An apple has shoulders and a waist; an orange is round.
    shoulders = (
        -0.10 * np.cos(2 * angle)
        + 0.13 * np.sin(angle) ** 5
        - 0.22 * np.exp(-(((angle - np.pi / 2) / 0.33) ** 2))
    )
    edge = size * (1 + shoulders * (kind == "apple"))
    distance = np.hypot(across, up)
    body = distance < edge
    picture = _cloth(cloth, rng)
    shadow = (np.hypot((across - 0.12) / 1.15, (up + size * 0.92) / 0.22) < size * 1.05) & ~body
    picture[shadow] *= 0.62
    roundness = 0.62 + 0.5 * np.clip(
        1 - np.hypot(across + 0.2 * size, up - 0.28 * size) / (1.35 * size), 0, 1
    )
    base = np.array(_SKINS[skin], np.float32)
    dots = rng.random((SIDE, SIDE)) if kind == "orange" else np.repeat(rng.random((1, SIDE)), SIDE, axis=0)
    texture = 1 + (dots - 0.5) * (0.2 if kind == "orange" else 0.12)
    picture[body] = (base * (roundness * texture)[..., None])[body]
    if skin == "red":
        blush = body & (across + 0.35 * up > 0.55 * size)
        picture[blush] = (
            picture[blush] * 0.6 + np.array((0.82, 0.68, 0.25), np.float32) * roundness[blush][:, None] * 0.4
        )
    gleam = np.hypot(across + 0.36 * size, up - 0.42 * size) < 0.13 * size
    picture[gleam] = picture[gleam] * 0.45 + 0.5
    if kind == "apple":
        stem = (np.abs(across - 0.06 * (up / size) ** 2) < 0.045) & (up > 0.68 * size) & (up < 1.16 * size)
        picture[stem] = (0.33, 0.21, 0.12)
    else:
        button = np.hypot(across - 0.05, up - 0.55 * size) < 0.075
        picture[button] = (0.36, 0.45, 0.2)
    if shade:
        picture *= np.array((0.2, 0.3, 0.62), np.float32)
    if grey:
        picture = np.repeat((picture @ np.array((0.299, 0.587, 0.114), np.float32))[..., None], 3, axis=2)
    place = "" if cloth == "white" else f" on {cloth} cloth"
    about = f"{'black-and-white ' if grey else ''}{skin} {kind}{place}{' in the shade' if shade else ''}"
    return Fruit(kind, (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8), about)


_SKINS = {
    "red": (0.80, 0.14, 0.12),
    "green": (0.50, 0.72, 0.22),
    "yellow": (0.90, 0.80, 0.30),
    "orange": (0.98, 0.55, 0.10),
}
_CLOTHS = {
    "white": (0.92, 0.91, 0.88),
    "orange": (0.88, 0.52, 0.16),
    "green": (0.36, 0.52, 0.26),
    "blue": (0.42, 0.56, 0.74),
}


def _cloth(name: str, rng: np.random.Generator) -> np.ndarray:
    weave = 1 + (rng.random((SIDE, SIDE, 1)) - 0.5) * 0.05
    return (np.array(_CLOTHS[name]) * weave).astype(np.float32)


def colour_names(pixels: np.ndarray) -> np.ndarray:
    """The colour word of every pixel, as an index into COLOURS: [height, width]. By hue if the pixel is
    colourful, else by lightness.
    """
    rgb = pixels.astype(np.float32) / 255
    high, low = rgb.max(axis=-1), rgb.min(axis=-1)
    span = np.maximum(high - low, 1e-6)
    red, green, blue = (rgb[..., i] for i in range(3))
    hue = (
        np.select(
            [high == red, high == green],
            [((green - blue) / span) % 6, (blue - red) / span + 2],
            (red - green) / span + 4,
        )
        * 60
    )
    coloured = ((high - low) / np.maximum(high, 1e-6) > 0.28) & (high > 0.16)
    by_hue = np.select([hue < 16, hue < 45, hue < 66, hue < 170, hue < 300], [0, 1, 2, 3, 4], 0)
    by_light = np.select([high < 0.25, high < 0.75], [5, 6], 7)
    return np.where(coloured, by_hue, by_light)


def count_colours(pixels: np.ndarray) -> dict[str, int]:
    """How many pixels each colour word stands for."""
    counts = np.bincount(colour_names(pixels).ravel(), minlength=len(COLOURS))
    return {name: int(count) for name, count in zip(COLOURS, counts, strict=True)}


def read_fruit(content: bytes, name: str) -> Fruit:
    """A visitor's own picture, its middle square scaled to SIDE pixels. Raises `Unreadable` for other
    files.
    """
    from studio.images.pictures import read_picture, resize

    pixels = read_picture(content, name or "The picture").pixels
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return Fruit("", resize(pixels[top : top + side, left : left + side], SIDE, SIDE), name or "your picture")
