"""How surely a picture that lost its recipe is found by its look, and how alike other looks of its photo are.

    python -m benchmarks.found_by_look [FOLDER ...]
    python -m benchmarks.found_by_look --of PHOTO ...

The works on show and the presets' pictures, or the pictures of a folder, are changed as people change them
and looked for. "Ahead" is by how much the right one is nearer than any other, at least. "Other" is the work
that comes nearest beside the right one: where the right one is missing from a gallery, that is how near a
wrong one comes. The thresholds were chosen on the works on show and the presets' pictures; other pictures
test them: a folder of them, or (--of) works that are made here of photos, four of each: two dreams of one
look that differ by their seed alone, a dream of another look, a painting.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from studio.works.look import distance, likeness, look_of
from studio.works.looking import CERTAIN, MOST_COMPARED, PROBABLE

ROOT = Path(__file__).parents[1]
Change = Callable[[Image.Image], Image.Image]


def jpeg(picture: Image.Image, quality: int) -> Image.Image:
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=quality)
    return Image.open(written).convert("RGB")


def scaled(picture: Image.Image, side: int) -> Image.Image:
    copy = picture.copy()
    copy.thumbnail((side, side))
    return copy


def cropped(picture: Image.Image, *shares: float) -> Image.Image:
    """shares: cut off at the left, top, right and bottom."""
    width, height = picture.size
    left, top, right, bottom = shares
    return picture.crop(
        (int(width * left), int(height * top), int(width * (1 - right)), int(height * (1 - bottom)))
    )


def screenshot(picture: Image.Image) -> Image.Image:
    """The picture on a dark page of 1366 x 768."""
    screen = Image.new("RGB", (1366, 768), (18, 18, 18))
    shown = scaled(picture.resize((picture.width * 2, picture.height * 2)), 620)
    screen.paste(shown, (100, 80))
    return jpeg(screen, 90)


CHANGES: dict[str, Change] = {
    "saved as JPEG q90": lambda picture: jpeg(picture, 90),
    "saved as JPEG q30": lambda picture: jpeg(picture, 30),
    "half the size": lambda picture: scaled(picture, max(picture.size) // 2),
    "200 px, JPEG q85": lambda picture: jpeg(scaled(picture, 200), 85),
    "160 px": lambda picture: scaled(picture, 160),
    "128 px, JPEG q85": lambda picture: jpeg(scaled(picture, 128), 85),
    "96 px": lambda picture: scaled(picture, 96),
    "64 px": lambda picture: scaled(picture, 64),
    "2 % off each side": lambda picture: cropped(picture, 0.02, 0.02, 0.02, 0.02),
    "2 % off two sides": lambda picture: cropped(picture, 0.02, 0, 0, 0.02),
    "4 % off each side": lambda picture: cropped(picture, 0.04, 0.04, 0.04, 0.04),
    "brighter by 30 %": lambda picture: ImageEnhance.Brightness(picture).enhance(1.3),
    "darker by 30 %": lambda picture: ImageEnhance.Brightness(picture).enhance(0.7),
    "more contrast": lambda picture: ImageEnhance.Contrast(picture).enhance(1.3),
    "grey": lambda picture: picture.convert("L").convert("RGB"),
    "screenshot": screenshot,
    "all of it": lambda picture: jpeg(
        scaled(ImageEnhance.Brightness(cropped(picture, 0.02, 0.02, 0.02, 0.02)).enhance(0.8), 200), 30
    ),
}


def made_of(photos: Sequence[Path]) -> list[Image.Image]:
    """Works of 320 pixels, made in a home that is thrown away."""
    import studio

    works = []
    with tempfile.TemporaryDirectory() as home:
        os.environ["STUDIO_HOME"] = home
        for number, photo in enumerate(photos):
            looks = (LOOKS * 2)[number % len(LOOKS) :][:2]
            works += [
                studio.dream(photo, preset=looks[0], size=320, seed=1).image,
                studio.dream(photo, preset=looks[0], size=320, seed=2).image,
                studio.dream(photo, preset=looks[1], size=320, seed=1).image,
                studio.style(photo, "glass", size=320).image,
            ]
            print(f"{photo.name}: {looks[0]} twice, {looks[1]}, painted", flush=True)
    return [work.convert("RGB") for work in works]


LOOKS = ("weave", "creatures", "woodcut", "citadel", "origami")


def main() -> None:
    if sys.argv[1:2] == ["--of"]:
        works = made_of([Path(each) for each in sys.argv[2:]])
    else:
        folders = [Path(each) for each in sys.argv[1:]] or [ROOT / "gallery", ROOT / "studio/images/presets"]
        files = [each for folder in folders for each in sorted(folder.iterdir())]
        works = [Image.open(each).convert("RGB") for each in files if each.suffix in (".png", ".jpg")]
    looks = [look_of(jpeg(scaled(work, 512), 85)) for work in works]
    print(f"{len(works)} works; certain from {CERTAIN}, probable from {PROBABLE}")
    print(
        f"{'change':<18} {'bits, most':>10} {'compared':>9} {'least':>6} {'median':>6} {'other':>6} "
        f"{'ahead':>6}  first"
    )
    every, others = np.empty(0), np.empty(0)
    for name, change in CHANGES.items():
        bits, ranks, own, other, first = [], [], [], [], 0
        for place, work in enumerate(works):
            found = look_of(change(work))
            apart = [distance(known.hash, found.hash) for known in looks]
            alike = np.array([likeness(known, found) for known in looks])
            bits.append(apart[place])
            ranks.append(sum(each < apart[place] for each in apart))
            own.append(alike[place])
            other.append(np.delete(alike, place).max())
            first += bool(alike[place] >= alike.max())
        compared = sum(rank < MOST_COMPARED for rank in ranks)
        print(
            f"{name:<18} {max(bits):>10} {compared:>6}/{len(works)} {min(own):>6.2f} {np.median(own):>6.2f} "
            f"{max(other):>6.2f} {min(np.subtract(own, other)):>6.3f}  {first}/{len(works)}",
            flush=True,
        )
        every, others = np.append(every, own), np.append(others, other)
    for said, least in (("almost certainly", CERTAIN), ("probably", PROBABLE)):
        print(
            f"{said} ({least:.2f} or more): {(every >= least).mean():.1%} of {len(every)} changed pictures "
            f"as the right work; {(others >= least).mean():.1%} as another one, were the right one missing"
        )


if __name__ == "__main__":
    main()
