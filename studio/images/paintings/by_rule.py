"""The programs that painted the studio's own paintings: rules and random numbers, without any learning.

    python -m studio.images.paintings.by_rule [NAME]…      paint all of them again, or some

A rule takes the height and width in pixels and a random number generator, and returns float32 [h, w, 3],
about 0..255; the caller clips it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from studio.images.paintings.catalogue import PAINTINGS

HEIGHT, WIDTH = 640, 864
SMALL = (160, 120)
FINER = 2
"""Drawings are made this many times larger and then reduced, for smooth edges."""

Sheet = NDArray[np.float32]
Field = NDArray[Any]


def main() -> None:
    for name in sys.argv[1:] or RULES:
        painting = PAINTINGS[name]
        painting.thumbnail.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(painted(name))
        picture.save(painting.path, quality=90, subsampling=0)
        across = picture.height * SMALL[0] // SMALL[1]
        left = (picture.width - across) // 2
        picture.crop((left, 0, left + across, picture.height)).resize(SMALL, Image.Resampling.LANCZOS).save(
            painting.thumbnail, quality=85
        )
        print(painting.path)


def painted(name: str, height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.uint8]:
    """A painting by name, uint8 [height, width, 3]. The same on every machine, up to rounding."""
    sheet = RULES[name](height, width, np.random.default_rng(7))
    return np.clip(np.rint(sheet), 0, 255).astype(np.uint8)


# --- Night wind


def whirls(height: int, width: int, rng: Generator) -> Sheet:
    """Strokes along a wind with eddies, coarse ones first and finer ones on top (compare Haeberli, "Paint By
    Numbers", 1990).
    """
    y, x = np.mgrid[:height, :width].astype(np.float32)
    eddies = [
        (
            rng.uniform(0.05, 0.95) * width,
            rng.uniform(0.05, 0.75) * height,
            rng.uniform(0.08, 0.2) * height,
            rng.choice([-1, 1]),
        )
        for _ in range(7)
    ]
    east, south = np.ones_like(x), 0.25 * noise(rng, height, width, 2, 2)
    tone = noise(rng, height, width, 3, 3)
    glowing, nearest = np.zeros_like(x), np.full_like(x, np.inf)
    for centre, middle, radius, sense in eddies:
        away = np.hypot(x - centre, y - middle)
        pull = 4 * sense * np.exp(-((away / (1.6 * radius)) ** 2) / 2) / (away + 1)
        east, south = east - (y - middle) * pull, south + (x - centre) * pull
        glowing = np.maximum(glowing, np.exp(-((away / (0.55 * radius)) ** 2) / 2))
        nearest = np.minimum(nearest, away / radius)
    angle = np.arctan2(south, east)
    ground = y > 0.86 * height + 0.035 * height * tone
    sky = 0.42 + 0.22 * tone + 0.14 * np.sin(5 * nearest)
    night, glow = colours("0b1a4a 16307e 2a57b5 4f8fd0 9cc6dc"), colours("f6e27a f3c132 e8932b")
    earth = colours("0a1020 142a2a 2c4a32 5b6b2c")

    def colour(row: int, column: int) -> Field:
        if glowing[row, column] > rng.uniform(0.25, 0.8):
            return between(glow, 1 - glowing[row, column] + rng.normal(0, 0.15))
        if ground[row, column]:
            return between(earth, rng.uniform())
        return between(night, sky[row, column] + rng.normal(0, 0.1))

    sheet = Image.new("RGB", (width * FINER, height * FINER))
    strokes = height * width / 170
    brush(sheet, rng, angle, colour, count=int(strokes), length=0.16 * height, thick=0.035 * height)
    brush(sheet, rng, angle, colour, count=int(2 * strokes), length=0.08 * height, thick=0.016 * height)
    return smaller(sheet)


def brush(
    sheet: Image.Image,
    rng: Generator,
    angle: Field,
    colour: Callable[[int, int], Field],
    *,
    count: int,
    length: float,
    thick: float,
) -> None:
    """Draw strokes along the angles of a field. Each has several bristles of slightly different colours."""
    height, width = angle.shape
    draw = ImageDraw.Draw(sheet)
    pace = 3.0
    for _ in range(count):
        at = np.array([rng.uniform(-0.03, 1.03) * width, rng.uniform(-0.03, 1.03) * height])
        row, column = (int(np.clip(place, 0, most - 1)) for place, most in ((at[1], height), (at[0], width)))
        base = colour(row, column)
        path = [at]
        for _ in range(max(2, int(rng.uniform(0.6, 1.4) * length / pace))):
            row, column = (
                int(np.clip(place, 0, most - 1)) for place, most in ((at[1], height), (at[0], width))
            )
            at = at + pace * np.array([np.cos(angle[row, column]), np.sin(angle[row, column])])
            path.append(at)
        line = np.array(path)
        ahead = np.gradient(line, axis=0)
        aside = np.stack([-ahead[:, 1], ahead[:, 0]], 1) / (
            np.hypot(ahead[:, 0], ahead[:, 1])[:, None] + 1e-6
        )
        broad = thick * rng.uniform(0.6, 1.3)
        bristles = max(3, int(broad / 1.6))
        taper = np.sin(np.linspace(0.15, np.pi - 0.1, len(line))) ** 0.4
        for place in np.linspace(-0.5, 0.5, bristles):
            lit = 14 if place < -0.3 else -14 if place > 0.35 else 0  # the light comes from one side
            shade = base + rng.normal(0, 18) * (0.6 + 0.4 * abs(place)) + rng.normal(0, 4.5, 3) + lit
            points = (line + aside * (place * broad * taper)[:, None]) * FINER
            draw.line(
                [tuple(point) for point in points.tolist()],
                fill=ink(shade),
                width=max(1, int(FINER * broad / bristles * 1.5)),
            )


# --- Leaded glass


def glass(height: int, width: int, rng: Generator) -> Sheet:
    """A Voronoi diagram whose points were moved twice to the centres of their cells (Lloyd, 1982)."""
    count = 210
    points = rng.uniform(size=(count, 2)) * [width, height]
    y, x = np.mgrid[:height:3, :width:3]
    for _ in range(2):
        own = ((x[..., None] - points[:, 0]) ** 2 + (y[..., None] - points[:, 1]) ** 2).argmin(-1).ravel()
        size = np.maximum(np.bincount(own, minlength=count), 1)
        points = np.stack([np.bincount(own, places.ravel(), count) / size for places in (x, y)], 1)
    y, x = np.mgrid[:height, :width]
    shift = 3 * noise(rng, height, width, 10, 2)
    nearest, second, own = (
        np.full((height, width), np.inf),
        np.full((height, width), np.inf),
        np.zeros((height, width), int),
    )
    for number, (across, down) in enumerate(points):
        away = np.hypot(x + shift - across, y + shift - down)
        nearer = away < nearest
        second = np.where(nearer, nearest, np.minimum(second, away))
        own, nearest = np.where(nearer, number, own), np.where(nearer, away, nearest)
    from_sun = np.hypot(points[:, 0] - 0.62 * width, points[:, 1] - 0.38 * height) / height
    panes = between(
        colours("ffd65a f08a24 c4302b 7a1f4d 2b2f77 1d6fa5 2f9e8f"),
        1.15 * from_sun + rng.normal(0, 0.07, count),
    )
    light = np.clip(0.82 + 0.22 * noise(rng, height, width, 14, 3), 0.45, 1.3) * (
        1.12 - 0.3 * np.clip(nearest / 60, 0, 1)
    )
    beyond = second - nearest  # how much farther the next point is: 0 on the border
    pane = np.clip((beyond - 4.2) / 2.2, 0, 1)[..., None]
    rim = 18 * np.exp(-(((beyond - 8) / 2.5) ** 2))[..., None]
    return whole(panes[own] * light[..., None] * pane + np.array([16, 14, 18]) * (1 - pane) + rim)


# --- Marbled paper


def marbling(height: int, width: int, rng: Generator) -> Sheet:
    """Drops and combs (Lu, Jaffer, Jin, Zhao and Mao, "Mathematical Marbling", 2012). Each pixel is traced
    backwards through them to the drop it came from.
    """
    paints = colours("f4ecd8 1d3a5f c8452f e9b44c 3f7d6e f4ecd8 101820 d98c5f")
    y, x = np.mgrid[:height, :width].astype(np.float64)
    x = x + 7 * np.sin(y / 31)
    combs = (
        (0.03, 34, 70, 7, 0),
        (np.pi / 2 + 0.02, 62, -130, 13, 9),
        (-np.pi / 2, 62, -110, 13, 40),
        (np.pi, 150, 120, 30, 30),
    )
    for angle, apart, pull, sharp, start in combs:
        along = np.array([np.cos(angle), np.sin(angle)])
        across = (y * along[0] - x * along[1] + start) / apart
        dragged = pull * sharp / (np.abs(across - np.round(across)) * apart + sharp)
        x, y = x - dragged * along[0], y - dragged * along[1]
    drops = [
        (
            rng.uniform(-0.1, 1.1) * width,
            rng.uniform(-0.1, 1.1) * height,
            rng.uniform(0.05, 0.17) * height,
            int(rng.integers(len(paints))),
        )
        for _ in range(140)
    ]
    paint, found = np.zeros((height, width), int), np.zeros((height, width), bool)
    for centre, middle, radius, which in reversed(drops):
        away = (x - centre) ** 2 + (y - middle) ** 2
        within = away < radius**2
        paint = np.where(within & ~found, which, paint)
        found |= within
        # A place outside the drop was nearer to its centre before the drop fell.
        before = np.where(within, 1.0, np.sqrt(np.maximum(1 - radius**2 / np.maximum(away, 1e-3), 0)))
        x, y = centre + (x - centre) * before, middle + (y - middle) * before
    return soft(paints[paint], 0.8) + 6 * noise(rng, height, width, 30, 3)[..., None]


# --- Woodcut


def woodcut(height: int, width: int, rng: Generator) -> Sheet:
    """Contour lines, thicker where it is dark and hatched where it is darkest, with a few spots of red."""
    y, x = np.mgrid[:height, :width]
    ground = 60 * noise(rng, height, width, 2, 4) + 0.55 * y
    tone = 0.42 + 0.3 * noise(rng, height, width, 2.2, 3) + 0.22 * np.sin(ground / 75)
    lines = np.sin(ground / 2.3 + 1.3 * noise(rng, height, width, 26, 2)) < np.clip(
        1.7 * tone - 0.85, -1.05, 1.05
    )
    crossed = np.sin((0.62 * x - 0.35 * y) / 2.6 + noise(rng, height, width, 18, 2)) < np.clip(
        2.2 * tone - 2.05, -1.1, 1
    )
    black = (lines | crossed)[..., None]
    red = (noise(rng, height, width, 1.6, 2) > 1.05)[..., None]
    sheet = np.where(
        black, np.array([24, 22, 26]), np.where(red, np.array([196, 78, 52]), np.array([238, 228, 205]))
    )
    return soft(sheet, 0.7) + 9 * noise(rng, height, width, 60, 2)[..., None]


# --- Evening sea


def points(height: int, width: int, rng: Generator) -> Sheet:
    """Divided colours, after Chevreul's law of 1839: each dot deviates from its colour by one of six steps,
    which cancel out.
    """
    y, x = np.mgrid[:height, :width]
    rough = noise(rng, height, width, 3, 3)
    horizon = 0.5 * height
    sky = between(colours("5f86c9 93b5e2 f1d9b0 f2a97f e07a6a"), y / horizon)
    sea = between(
        colours("e09a72 4f8fb0 2b6a94 2f7f86 214f6a"), (y - horizon) / (height - horizon) + 0.08 * rough
    )
    meant = np.where((y < horizon)[..., None], sky, sea)
    sun, below = (
        np.exp(-(((x - 0.68 * width) / broad) ** 2 + ((y - down) / high) ** 2))
        for broad, down, high in _lights(height)
    )
    for light, tint in ((sun, [255, 238, 150]), (0.8 * below, [255, 214, 140])):
        meant = meant * (1 - light[..., None]) + np.array(tint) * light[..., None]
    shore = y > height * (0.83 + 0.1 * noise(rng, 1, width, 0.02, 2)) - 0.25 * height * np.exp(
        -((x / (0.25 * width)) ** 2)
    )
    meant = np.where(
        shore[..., None], between(colours("24402f 3c6b3a 7f9a3e c2a94a"), 0.5 + 0.35 * rough), meant
    )
    sheet = Image.new("RGB", (width * FINER, height * FINER), (228, 214, 190))
    draw = ImageDraw.Draw(sheet)
    steps = np.array(
        [[38, -8, -32], [-28, 10, 34], [22, 22, -30], [-32, -24, 28], [-10, 14, -12], [10, -14, 12]]
    )
    for _ in range(height * width // 8):
        across, down, radius = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(1.9, 3.8)
        shade = meant[int(down), int(across)] + steps[rng.integers(len(steps))]
        box = [across - radius, down - 0.9 * radius, across + radius, down + 0.9 * radius]
        draw.ellipse([FINER * side for side in box], fill=ink(shade))
    return smaller(sheet)


def _lights(height: int) -> tuple[tuple[float, float, float], ...]:
    """The sun and its reflection on the water: half width, centre and half height."""
    return (0.07 * height, 0.3 * height, 0.07 * height), (0.09 * height, 0.72 * height, 0.22 * height)


# --- Watercolours


def watercolour(height: int, width: int, rng: Generator) -> Sheet:
    """Thin layers of randomly roughened polygons, after Tyler Hobbs, "How to Simulate Watercolor Paint",
    2016.
    """
    tints = colours("2a6f97 61a5c2 e07a5f f2b134 6a994e 8e4a8c c9485b 3d5a80")
    grain = np.clip(1 + 0.16 * noise(rng, height, width, 90, 2), 0.6, 1.4)
    sheet = np.full((height, width, 3), [247, 242, 232], np.float32)
    places = [(row + 0.5, column + 0.5) for row in range(4) for column in range(6)]
    for number in rng.permutation(len(places)):
        middle, centre = (places[number] + rng.normal(0, 0.22, 2)) * [height / 4, width / 6]
        radius = rng.uniform(0.09, 0.2) * height
        turn = np.linspace(0, 2 * np.pi, 10, endpoint=False)
        broad = rng.uniform(0.8, 1.7)
        blot = roughened(
            np.stack([centre + broad * radius * np.cos(turn), middle + radius * np.sin(turn)], 1),
            0.24,
            3,
            rng,
        )
        layer = np.zeros((height, width), np.float32)
        for _ in range(30):
            once = Image.new("L", (width, height))
            ImageDraw.Draw(once).polygon(
                [tuple(corner) for corner in roughened(blot, 0.2, 3, rng).tolist()], fill=255
            )
            layer += np.asarray(once, np.float32) / (30 * 255)
        rim = 0.3 * np.clip(6 * layer, 0, 1) * np.clip(1.8 * (1 - layer), 0, 1)
        covering = np.clip(
            (0.5 * layer + rim) * grain * (1 + 0.3 * noise(rng, height, width, 5, 3)), 0, 0.85
        )[..., None]
        sheet *= 1 - covering * (1 - tints[rng.integers(len(tints))] / 255)  # paint absorbs light
    return sheet + 4 * noise(rng, height, width, 120, 1)[..., None]


def roughened(corners: Field, spread: float, times: int, rng: Generator) -> Field:
    """A polygon whose edges are broken at their middles, repeatedly, in proportion to their length."""
    for _ in range(times):
        following = np.roll(corners, -1, 0)
        long = np.hypot(*(following - corners).T)[:, None]
        middles = (corners + following) / 2 + rng.normal(0, 1, corners.shape) * long * spread
        corners = np.stack([corners, middles], 1).reshape(-1, 2)
    return corners


# --- Planes


def planes(height: int, width: int, rng: Generator) -> Sheet:
    """Discs, arcs, triangles, bars, lines and chequers in a few colours and angles, partly transparent."""
    tints = colours("c8352b 1b1b1e 2c5d8f e2a829 7d8b8a f4efe2 8a3b2a 4c7a5a")
    sheet = Image.new("RGBA", (width * FINER, height * FINER), (235, 226, 204, 255))
    for _ in range(46):
        over = Image.new("RGBA", sheet.size)
        draw = ImageDraw.Draw(over)
        tint = (*ink(tints[rng.integers(len(tints))]), int(rng.uniform(150, 245)))
        at = rng.uniform(0, 1, 2) * sheet.size
        size = rng.uniform(0.04, 0.3) * sheet.height
        angle = rng.choice([0.35, 1.1, -0.5, 2.2]) + rng.normal(0, 0.1)
        along, aside = (np.array([np.cos(turn), np.sin(turn)]) * size for turn in (angle, angle + np.pi / 2))

        def corner(
            forth: float, off: float, at: Field = at, along: Field = along, aside: Field = aside
        ) -> tuple[float, float]:
            place = at + forth * along + off * aside
            return float(place[0]), float(place[1])

        match int(rng.integers(6)):
            case 0:
                draw.ellipse([*(at - size / 2), *(at + size / 2)], fill=tint)
            case 1:
                for radius in (0.5 * size, 0.75 * size, size):
                    begin = float(np.degrees(angle))
                    draw.arc(
                        [*(at - radius), *(at + radius)],
                        begin,
                        begin + 150,
                        fill=tint,
                        width=int(0.1 * size) + 3,
                    )
            case 2:
                draw.polygon([corner(1.6, 0), corner(0, 0.8), corner(-0.3, -0.6)], fill=tint)
            case 3:
                draw.polygon([corner(2, 0.1), corner(-2, 0.1), corner(-2, -0.1), corner(2, -0.1)], fill=tint)
            case 4:
                for off in np.arange(9) * 0.12:
                    draw.line([corner(0, off), corner(1.5, off)], fill=tint, width=5)
            case _:
                for i, j in ((i, j) for i in range(5) for j in range(5) if (i + j) % 2):
                    square = ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1))
                    draw.polygon([corner(0.16 * a, 0.16 * b) for a, b in square], fill=tint)
        sheet = Image.alpha_composite(sheet, over)
    y, x = np.mgrid[:height, :width]
    weave = 2.2 * (np.sin(2.1 * x) + np.sin(2.1 * y)) + 3 * rng.standard_normal((height, width))
    return smaller(sheet.convert("RGB")) * (1 + 0.04 * noise(rng, height, width, 40, 3)[..., None]) + whole(
        weave[..., None]
    )


# --- Tools


def noise(rng: Generator, height: int, width: int, cells: float, octaves: int) -> Sheet:
    """Smooth noise [height, width] with a deviation of about 1: enlarged grids of random numbers, each twice
    as fine and half as strong as the one before.
    """
    summed, power = np.zeros((height, width), np.float32), 0.0
    for octave in range(octaves):
        rows = max(2, round(cells * 2**octave))
        grid = rng.standard_normal((rows + 3, round(rows * width / height) + 3)).astype(np.float32)
        summed += (
            np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)) / 2**octave
        )
        power += 0.25**octave
    return summed / np.float32(np.sqrt(power))


def colours(hexadecimal: str) -> Sheet:
    """ "ffd65a c4302b" -> [[255, 214, 90], [196, 48, 43]]."""
    return np.array([list(bytes.fromhex(each)) for each in hexadecimal.split()], np.float32)


def between(scale: Sheet, where: Any) -> Field:
    """Colours at places 0..1 along a colour scale, [...] -> [..., 3]."""
    place = np.clip(where, 0, 1) * (len(scale) - 1)
    below = np.minimum(np.asarray(place).astype(int), len(scale) - 2)
    share = (place - below)[..., None] if np.ndim(place) else place - below
    mixed: Field = scale[below] * (1 - share) + scale[below + 1] * share
    return mixed


def ink(shade: Field) -> tuple[int, ...]:
    return tuple(int(part) for part in np.clip(shade, 0, 255))


def whole(sheet: Field) -> Sheet:
    return sheet.astype(np.float32)


def soft(sheet: Field, radius: float) -> Sheet:
    return np.asarray(
        Image.fromarray(sheet.astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius)), np.float32
    )


def smaller(sheet: Image.Image) -> Sheet:
    return np.asarray(
        sheet.resize((sheet.width // FINER, sheet.height // FINER), Image.Resampling.LANCZOS), np.float32
    )


RULES: dict[str, Callable[[int, int, Generator], Sheet]] = {
    "whirls": whirls,
    "glass": glass,
    "marbling": marbling,
    "woodcut": woodcut,
    "points": points,
    "watercolour": watercolour,
    "planes": planes,
}

if __name__ == "__main__":
    main()
