"""What the benchmarks learn from: the well-known sets, and a table or labelled pictures of the visitor's
own; and a drawn digit prepared like theirs.
"""

from __future__ import annotations

import io
import math
import threading
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from studio.errors import Refused, StudioError, Unreadable
from studio.works.home import home
from studio.works.private import make_private, make_private_folder

if TYPE_CHECKING:
    from studio.learning.datasets import Examples, Scale

MOST_PICTURES = 2_000
MOST_CLASSES = 20
LARGEST_PICTURE = 4 * 2**20
SIDE = 32
"""The visitor's own pictures are learnt at SIDE x SIDE pixels."""

Strokes = tuple[tuple[tuple[float, float], ...], ...]
"""Lines drawn on the sheet, 0 … 1 in both directions, y upwards."""


@dataclass(frozen=True)
class BenchmarkSet:
    """A set, split. Tables are standardised by their training part; pictures stay in 0 … 1, [n, channels,
    h, w].

    raw: the test inputs as they were given, for showing.
    scale: how tables were standardised.
    """

    name: str
    seen: Examples
    held_out: Examples
    raw: np.ndarray
    scale: Scale | None = None
    note: str = ""

    @property
    def classes(self) -> tuple[str, ...]:
        return self.seen.classes

    @property
    def is_pictures(self) -> bool:
        return self.seen.inputs.ndim == 4

    @property
    def is_drawable(self) -> bool:
        """Whether a digit drawn on the sheet can be read: grey pictures only."""
        return self.is_pictures and self.seen.inputs.shape[1] == 1


def folder() -> Path:
    """Where downloaded sets are stored; torchvision's own folders (MNIST/raw, cifar-10-batches-py) go in
    here.
    """
    return home() / "datasets"


def load_set(name: str, held_out: int, most: int, seed: int) -> BenchmarkSet:
    """A known set.

    held_out: percent for the test, where there is no official test part.
    most: the largest number of training examples. Raises `Missing` for a set that is not on this
    computer.
    """
    from studio.learning.datasets import KNOWN_SETS, load, load_test

    examples = load(name, folder=folder())
    if KNOWN_SETS[name].needs_download:
        return _parted(name, examples, load_test(name, folder=folder()), most, seed)
    return _parted(name, *examples.split(held_out / 100, seed), most, seed)


def read_table(content: bytes, name: str, held_out: int, most: int, seed: int) -> BenchmarkSet:
    """A CSV table of numbers with the class in the last column. Raises `Unreadable`, `Refused`."""
    from studio.learning.datasets import read_csv

    examples = read_csv(content, name=name)
    if not examples.classes:
        raise Refused(
            f"The last column of {name} ('{_last_heading(content)}') has numbers; put the class "
            "there, as a word."
        )
    if not 2 <= len(examples.classes) <= MOST_CLASSES:
        raise Refused(
            f"{name} has {len(examples.classes)} classes in its last column; this lesson takes "
            f"from 2 to {MOST_CLASSES}."
        )
    return _parted("own", *_split(examples, held_out, seed, name), most, seed)


def _last_heading(content: bytes) -> str:
    return (
        content.split(b"\n", 1)[0]
        .decode("utf-8-sig", "replace")
        .replace(";", ",")
        .replace("\t", ",")
        .rsplit(",", 1)[-1]
        .strip()[:40]
    )


def read_pictures(content: bytes, name: str, held_out: int, most: int, seed: int) -> BenchmarkSet:
    """A zip with a folder of pictures for each class. Raises `Unreadable`, `Refused`."""
    import torch
    from PIL import Image

    from studio.images.pictures import read_picture
    from studio.learning.datasets import Examples

    labelled = _pictures_in(content, name)
    classes = tuple(sorted({label for label, _, _ in labelled}))
    if not 2 <= len(classes) <= MOST_CLASSES:
        raise Refused(
            f"{name} has {len(classes)} folders with pictures; make one for each class, from 2 "
            f"to {MOST_CLASSES}."
        )
    pixels, targets, skipped = [], [], 0
    for label, inside, picture in labelled:
        try:
            found = Image.fromarray(read_picture(picture, inside).pixels)
        except Unreadable:
            skipped += 1
            continue
        side = min(found.size)
        left, top = (found.width - side) // 2, (found.height - side) // 2
        small = found.crop((left, top, left + side, top + side)).resize(
            (SIDE, SIDE), Image.Resampling.LANCZOS
        )
        pixels.append(np.asarray(small, dtype=np.float32).transpose(2, 0, 1) / 255)
        targets.append(classes.index(label))
    if len(set(targets)) < 2:
        raise Unreadable(
            f"{name} has no readable pictures of two classes; put JPEG or PNG files in a folder "
            "for each class."
        )
    examples = Examples(torch.from_numpy(np.stack(pixels)), torch.tensor(targets), (), classes)
    note = f"Files skipped because they are not pictures: {skipped}." if skipped else ""
    return replace(_parted("own", *_split(examples, held_out, seed, name), most, seed), note=note)


def _pictures_in(content: bytes, name: str) -> list[tuple[str, str, bytes]]:
    """Folder, file name and bytes of every picture in a zip, within the limits; the sizes a zip claims
    are not trusted.
    """
    labelled: list[tuple[str, str, bytes]] = []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                path = PurePosixPath(entry.filename)
                hidden = any(part.startswith((".", "__")) for part in path.parts)
                if entry.is_dir() or hidden or len(path.parts) < 2:
                    continue
                if len(labelled) == MOST_PICTURES:
                    raise Refused(
                        f"{name} has more than {MOST_PICTURES:,} pictures; keep fewer of each class."
                    )
                with archive.open(entry) as file:
                    picture = file.read(LARGEST_PICTURE + 1)
                if len(picture) > LARGEST_PICTURE:
                    raise Refused(
                        f"{path.name[:60]} in {name} is larger than 4 MB; make the pictures "
                        "smaller, 200 pixels are plenty."
                    )
                labelled.append((path.parts[-2][:40], path.name[:60], picture))
    except (
        zipfile.BadZipFile,
        OSError,
        RuntimeError,
        NotImplementedError,
        EOFError,
        ValueError,
        KeyError,
        zlib.error,
    ):
        raise Unreadable(f"{name} is neither a table (CSV) nor a zip of folders with pictures.") from None
    return labelled


def _split(examples: Examples, held_out: int, seed: int, name: str) -> tuple[Examples, Examples]:
    try:
        return examples.split(held_out / 100, seed)
    except Refused:
        raise Refused(
            f"{name} has only {len(examples)} examples; bring at least ten, so that some can be kept "
            "for the test."
        ) from None


def _parted(name: str, seen: Examples, held_out: Examples, most: int, seed: int) -> BenchmarkSet:
    import torch

    if len(seen) > most:
        seen = seen.take(torch.randperm(len(seen), generator=torch.Generator().manual_seed(seed))[:most])
    raw = held_out.inputs.numpy()
    if seen.inputs.ndim == 4:
        return BenchmarkSet(name, seen, held_out, raw)
    seen, scale = seen.standardised()
    return BenchmarkSet(name, seen, held_out.standardised(scale)[0], raw, scale)


# Downloading a set while the lesson goes on

EXPECTED = {"mnist": 11_594_722, "cifar10": 170_498_071}
"""Bytes of the archives to download: four gzip files of MNIST, one tar of CIFAR-10."""


@dataclass
class Fetching:
    """A download running in a thread of its own; torchvision checks the files' MD5 sums."""

    name: str
    error: str = ""
    done: bool = False
    thread: threading.Thread | None = field(default=None, repr=False)

    @classmethod
    def begin(cls, name: str) -> Fetching:
        fetching = cls(name)
        fetching.thread = threading.Thread(target=fetching._fetch, daemon=True)
        fetching.thread.start()
        return fetching

    def _fetch(self) -> None:
        from studio.learning.datasets import load_test

        try:
            make_private_folder(folder())
            load_test(self.name, folder=folder(), download=True)
            make_private(folder())
        except StudioError as error:
            self.error = str(error)
        except Exception as error:  # a thread has nobody to tell; the lesson does
            self.error = (
                f"The set could not be downloaded ({type(error).__name__}); try again, or put its "
                f"files into {folder()}."
            )
        self.done = True

    @property
    def fetched(self) -> int:
        """Bytes of archives on disk so far."""
        kinds = (".gz", ".tar.gz")
        return (
            sum(path.stat().st_size for path in folder().rglob("*") if path.name.endswith(kinds))
            if folder().is_dir()
            else 0
        )

    @property
    def sentence(self) -> str:
        return f"Downloading {self.name}: {self.fetched / 1e6:.1f} of {EXPECTED[self.name] / 1e6:.0f} MB."


# A digit drawn on the sheet, prepared as the set's own digits were


def drawn_digit(strokes: Strokes, side: int) -> np.ndarray:
    """The strokes as [side, side] ink in 0 … 1, rows from the top, prepared as the set's own digits were.

    For side 8, as in the UCI digits: the digit fills a square of 32 x 32 black or white pixels,
    counted in blocks of 4 x 4 (Alpaydin and Kaynak, 1998). Otherwise as in MNIST: the digit fits 20 x
    20 of 28 x 28 grey pixels, with its centre of mass in the middle (LeCun and others, 1998).
    """
    if side == 8:
        ink = _inked(strokes, 32, 32, width=4.6)
        return np.asarray((ink > 0.5).reshape(8, 4, 8, 4).mean(axis=(1, 3)), dtype=np.float32)
    box = round(side * 20 / 28)
    ink = _inked(strokes, side, box, width=2.6 * side / 28)
    rows, columns = np.indices(ink.shape)
    middle = (side - 1) / 2
    down, right = (
        round(middle - float((ink * where).sum() / max(ink.sum(), 1e-9))) for where in (rows, columns)
    )
    return np.asarray(np.roll(ink, (down, right), axis=(0, 1)), dtype=np.float32)


def _inked(strokes: Strokes, side: int, box: int, width: float) -> np.ndarray:
    """The strokes drawn with a round pen of that width, scaled so that all the ink fits the box in the
    middle of the sheet.
    """
    from PIL import Image, ImageDraw

    places = np.array([place for stroke in strokes for place in stroke])
    low, high = places.min(axis=0), places.max(axis=0)
    scale = (box - width) / max(float((high - low).max()), 0.15)
    fine = 8
    canvas = Image.new("L", (side * fine, side * fine))
    pen = ImageDraw.Draw(canvas)
    middle, radius = (low + high) / 2, width * fine / 2
    for stroke in strokes:
        line = (np.array(stroke) - middle) * (scale * fine, -scale * fine) + side * fine / 2
        if len(line) > 1:
            pen.line(
                [tuple(place) for place in line.tolist()], fill=255, width=round(width * fine), joint="curve"
            )
        for x, y in line.tolist():
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(
        np.asarray(canvas, dtype=np.float64).reshape(side, fine, side, fine).mean(axis=(1, 3)) / 255
    )


def most_telling(data: BenchmarkSet) -> tuple[int, int]:
    """The two features of a table whose means differ most between classes, relative to the spread within
    a class (Fisher's ratio).
    """
    inputs, targets = data.seen.inputs.numpy(), data.seen.targets.numpy()
    means = np.stack([inputs[targets == number].mean(axis=0) for number in np.unique(targets)])
    within = np.stack([inputs[targets == number].var(axis=0) for number in np.unique(targets)]).mean(axis=0)
    ratio = means.var(axis=0) / np.maximum(within, 1e-9)
    order = np.argsort(-ratio)
    return (int(order[0]), int(order[1])) if len(order) > 1 else (0, 0)


def rounded_share(share: float) -> str:
    """A share of 0 … 1 as percent; a dash for nan."""
    return f"{share * 100:.1f} %" if math.isfinite(share) else "–"
