"""Trains a painter on one painting: the process behind `studio train painting`.

    for progress in train_painter(PainterOrder(content, "starry")):
        show(progress.preview())

It practises on photos (`practice`), in the one training loop of the studio. Every hundred steps two things
are kept: the painter, which can be used at once, and the training, which can be continued to the same weights
as if it had never stopped.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from studio.errors import Missing, Refused, UnknownName
from studio.images.canvas import tensor_of
from studio.images.instant.lesson import PAINTING_SIDE, PaintingLesson, Target, examples
from studio.images.instant.network import WIDTHS, ColourMoments, PainterNetwork
from studio.images.instant.painters import (
    PREFIX,
    Painter,
    PainterHeader,
    painter_bytes,
    painter_path,
    painters_folder,
    read_header,
    read_painter,
)
from studio.images.instant.pieces import Pieces
from studio.images.instant.practice import PHOTOS, SIDE, practice_files
from studio.images.instant.whole import painted_by
from studio.images.networks.backbones import DEFAULT
from studio.images.networks.opening import open_network
from studio.images.networks.prepared import Prepared
from studio.images.pictures import Pixels, fit_within, read_picture, resize, write_jpeg
from studio.images.style import shapes_layer, texture_layers
from studio.images.textures import Statistics, relative_error, statistics_of
from studio.images.tiles import Field
from studio.version import __version__
from studio.works.output import write_file
from studio.works.shipped import shipped
from studio.works.work import Progress

if TYPE_CHECKING:
    from studio.learning.checkpoints import Card
    from studio.learning.datasets import DataSource
    from studio.learning.training import Report

STEPS, FIRST_STEPS, MOST_STEPS = 2500, 4000, 200_000
"""Steps of a training that starts from another painter, and of one that starts from nothing."""

EPOCH = 100
"""Steps after which the training is kept."""

RATE, WARMUP, MAX_NORM = 2e-3, 100, 5.0

START = "whirls"
"""The painter that a training starts from, unless another is named."""

PREVIEW_SIDE, TEST_SIDE = 320, 640
"""Longer sides, in pixels, of a photo in a preview, and of the photos that the card's figures are of."""

UNSEEN = ("pagoda.jpg", "dahlia.jpg", "dunes.png")
"""Photos of the gallery that no painter practises on: for previews and the card."""

FLAT = 2 / 255
"""A painting whose colours all deviate less than this is of one colour."""

NOTES = (
    "The texture error is the mean squared error of the Gram matrices of six layers of EfficientNet-Lite0, "
    "each divided by its target's mean square, summed, at 640 px: 0 is a picture with the painting's own "
    "textures. The three photos are the gallery's, which were not used for learning; their paintings have "
    "pieces of the painting laid over what the network paints. The loss is that of the last step."
)

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


@dataclass(frozen=True)
class PainterOrder:
    """What to train.

    painting: the bytes of a picture. name: of the painter. file, title, licence: of the painting. into:
    the folder to keep the painter in; by default the models of the studio's home. photos: a folder of photos
    to practise on; by default those that come with the studio. start: the painter whose weights it starts
    from, or "none"; by default `START` where it is here. steps: of learning, a multiple of 100; by default
    `STEPS`, or `FIRST_STEPS` from nothing. resume: continue a training that was interrupted.
    """

    painting: bytes
    name: str
    file: str = "painting.jpg"
    title: str = ""
    licence: str = ""
    into: Path | None = None
    photos: Path | None = None
    start: str | None = None
    steps: int | None = None
    seed: int = 0
    resume: bool = False


@dataclass(frozen=True)
class PainterTrained:
    """A painter that was kept. card: with its figures. where: its card's file."""

    card: Card
    where: Path


def train_painter(order: PainterOrder) -> Generator[Progress, None, PainterTrained]:
    """Train a painter on a painting and keep it, yielding progress with a preview on three photos.

    Raises `Refused` (a painting of one colour, a name that cannot be a file's, a number out of range),
    `Unreadable` (not a picture), `UnknownName` (a painter to start from), `Missing` (photos, nothing to
    resume).
    """
    training = _Training(order)
    yield Progress(0, training.steps, "looking at the painting")
    training.prepare()
    for report in training.reports():
        done = report.step
        if done % EPOCH == 0 or report.ending is not None:
            training.keep(report)
        try:
            said = f"step {done} of {training.steps}"
            yield Progress(min(done, training.steps - 1), training.steps, said, report.loss, training.preview)
        except GeneratorExit:
            training.keep(report)  # nothing is lost when it is stopped
            raise
    yield Progress(training.steps - 1, training.steps, "painting photos that it has never seen")
    return training.finish()


def underway_path(order: PainterOrder) -> Path:
    """Where a training is kept until it ends, for `resume`."""
    return (order.into or painters_folder()) / f"{PREFIX}{order.name}.training.safetensors"


class _Training:
    """One training, from the order to the kept painter."""

    def __init__(self, order: PainterOrder) -> None:
        self.order = order
        if not _NAME.fullmatch(order.name):
            raise Refused(
                f"'{order.name[:60]}' cannot be a painter's name: use small letters, digits, - and _, "
                "such as starry-night."
            )
        self.folder = order.into or painters_folder()
        if order.into is not None and not order.into.is_dir():
            raise Missing(f"There is no folder {order.into}; make it first.")
        self.files = practice_files(order.photos)
        self.underway = underway_path(order)
        if order.resume and not self.underway.is_file():
            said = f"No training of {order.name} was interrupted, so none can be resumed: start a new one."
            raise Missing(said, setting="resume")
        if order.resume:
            self._check_same_painting()
        self.beginning = self._beginning()
        usual = FIRST_STEPS if self.beginning is None else STEPS
        self.steps = order.steps or usual
        if not EPOCH <= self.steps <= MOST_STEPS or self.steps % EPOCH:
            raise Refused(
                f"A painter cannot learn for {self.steps} steps: choose a multiple of {EPOCH}, "
                f"up to {MOST_STEPS}."
            )
        self.began, self.seconds_before, self.loss = time.monotonic(), 0.0, 0.0

    def _check_same_painting(self) -> None:
        """Raises `Refused` where the training that was interrupted learns another painting."""
        path = self.folder / f"{PREFIX}{self.order.name}.safetensors"
        learns = read_header(path.read_bytes(), path.name) if path.is_file() else None
        if learns is not None and learns.painting != hashlib.sha256(self.order.painting).hexdigest():
            raise Refused(
                f"{self.order.name} was learning {learns.title}, another painting: resume with that one, or "
                "choose another name."
            )

    def _beginning(self) -> Painter | None:
        start = self.order.start
        if start == "none":
            return None
        try:
            path = painter_path(start or START)
        except UnknownName:
            if start is None:
                return None
            raise
        return read_painter(path.read_bytes(), path.name)

    def prepare(self) -> None:
        """Read the painting and the photos, and build the lesson."""
        picture = read_picture(self.order.painting, self.order.file).pixels
        if float(picture.reshape(-1, 3).std(axis=0).max()) < 255 * FLAT:
            raise Refused(
                f"{self.order.file} has only one colour, so there are no strokes to learn: choose another "
                "painting."
            )
        layers = texture_layers(DEFAULT)
        shapes = shapes_layer(DEFAULT)
        self.backbone: Prepared = open_network(DEFAULT, tuple(dict.fromkeys([*layers, shapes])))[0]
        shown = _shown(picture, PAINTING_SIDE)
        with torch.no_grad():
            self.textures: Statistics = statistics_of(
                shown, self.backbone, Field.of(shown, self.backbone), layers
            )
        self.palette = ColourMoments.of(shown)
        self.pieces = Pieces.of(picture)
        photos = [_shown(read_picture(path.read_bytes(), path.name).pixels, SIDE) for path in self.files]
        self.count = len(photos)
        network = self._network()
        target = Target(self.textures, self.palette)
        self.lesson = PaintingLesson(network, self.backbone, shapes, photos, target)
        folder = shipped("gallery") / "sources"
        self.unseen = [read_picture((folder / name).read_bytes(), name).pixels for name in UNSEEN]

    def _network(self) -> PainterNetwork:
        before = torch.get_rng_state()
        torch.manual_seed(self.order.seed)
        network = PainterNetwork(WIDTHS)
        torch.set_rng_state(before)
        if self.beginning is not None:
            network.load_state_dict(self.beginning.network.state_dict())
        return network.to(memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload]

    def reports(self) -> Generator[Report, None, None]:
        """The steps of the training, resumed if that was asked."""
        from studio.learning.checkpoints import load_training
        from studio.learning.datasets import Examples
        from studio.learning.training import Plan, fit

        self.folder.mkdir(parents=True, exist_ok=True)
        inputs = examples(self.count, self.steps, self.order.seed)
        plan = Plan.of(
            cost="absolute", rate=RATE, batch=1, epochs=1, shuffle=False, seed=self.order.seed,
            warmup=WARMUP, max_norm=MAX_NORM, schedule="cosine", device="cpu",
        )  # fmt: skip
        state = None
        if self.order.resume:
            state = load_training(self.underway)
            self.seconds_before = _seconds_in(self.card_path)
        data = Examples(inputs, torch.zeros(len(inputs), 1))
        for report in fit(self.lesson, data, plan, resume=state, every_step=True):
            yield report
            if report.ending is not None and report.ending.kind == "diverged":
                raise Refused(f"The training failed: {report.ending.sentence}")

    @property
    def card_path(self) -> Path:
        return self.folder / f"{PREFIX}{self.order.name}.json"

    def keep(self, report: Report) -> None:
        """Keep the training, and the painter as it is now."""
        from studio.learning.checkpoints import save_training

        save_training(report.state(), self.underway)
        self.loss = report.loss
        self._keep_painter(report.step, {})

    def finish(self) -> PainterTrained:
        """Keep the finished painter with its figures."""
        card = self._keep_painter(self.steps, self._figures())
        self.underway.unlink(missing_ok=True)
        return PainterTrained(card, self.card_path)

    def preview(self) -> bytes:
        """JPEG of the three photos that it does not practise on, painted as well as it can now."""
        painted = [painted_by(self._painter(), _fitted(photo, PREVIEW_SIDE), 0.5) for photo in self.unseen]
        height = max(each.shape[0] for each in painted)
        sheet = np.full((height, sum(each.shape[1] for each in painted), 3), 255, np.uint8)
        left = 0
        for each in painted:
            sheet[: each.shape[0], left : left + each.shape[1]] = each
            left += each.shape[1]
        return write_jpeg(sheet, longest_side=768)

    def _painter(self) -> Painter:
        return Painter(self.lesson.painter, self.palette, self._header(0), "", self.pieces)

    def _header(self, steps: int) -> PainterHeader:
        beginning = self.beginning and self.beginning.header
        painting = hashlib.sha256(self.order.painting).hexdigest()
        fields = {
            "name": self.order.name,
            "painting": painting,
            "title": self.order.title or Path(self.order.file).stem,
            "mean": self.palette.mean.tolist(),
            "covariance": self.palette.covariance.tolist(),
            "widths": WIDTHS,
            "lineage": beginning.lineage if beginning else f"{painting[:16]}-{self.order.seed}",
            "steps": steps + (beginning.steps if beginning else 0),
        }
        return PainterHeader.model_validate(fields)

    def _keep_painter(self, steps: int, figures: dict[str, float]) -> Card:
        """Write the painter and its card. The card comes last and names the weights by their sha256."""
        from studio.learning.checkpoints import Card

        header = self._header(steps)
        content = painter_bytes(self.lesson.painter.state_dict(), header)
        minutes = (self.seconds_before + time.monotonic() - self.began) / 60
        known = {"steps": float(steps), "minutes": round(minutes, 2), "loss": float(f"{self.loss:.4g}")}
        started = f", starting from the painter {self.beginning.header.name}" if self.beginning else ""
        card = Card(
            name=self.order.name,
            what=f"Paints a photo at once in the style of {header.title}, learnt in {steps} steps{started}.",
            data=self._sources(header),
            licence="MIT, as the studio; what it learnt from is under the licences named there",
            command=self._command(),
            figures=known | figures,
            notes=NOTES,
            versions={
                "studio": __version__,
                "torch": torch.__version__,
                "threads": str(torch.get_num_threads()),
            },
            sha256=hashlib.sha256(content).hexdigest(),
        )
        text = (
            json.dumps(card.model_dump(mode="json", exclude_none=True), indent=2, ensure_ascii=False) + "\n"
        )
        write_file(content, self.folder / f"{PREFIX}{self.order.name}.safetensors", force=True)
        write_file(text.encode(), self.card_path, force=True)
        return card

    def _sources(self, header: PainterHeader) -> tuple[DataSource, ...]:
        from studio.learning.datasets import DataSource

        painting = DataSource(
            name=header.title, source=f"{self.order.file}, the painting", licence=self.order.licence
        )
        if self.order.photos is not None:
            own = DataSource(
                name=self.order.photos.name, source=f"{self.count} photos of one's own", licence=""
            )
            return painting, own
        return painting, *(
            DataSource(name=f"{photo.name}, by {photo.author}", source=photo.source, licence=photo.licence)
            for photo in PHOTOS
        )

    def _command(self) -> str:
        """The command that trains this painter again."""
        order = self.order
        start = self.beginning.header.name if self.beginning else "none"
        words = ["studio", "train", "painting", order.file, "--name", order.name, "--start", start]
        words += ["--steps", str(self.steps)]
        # What the file says of itself is made again only with these.
        if order.title and order.title != Path(order.file).stem:
            words += ["--title", order.title]
        if order.licence:
            words += ["--licence", order.licence]
        if order.photos is not None:
            words += ["--photos", order.photos.name]
        return shlex.join(words + (["--seed", str(order.seed)] if order.seed else []))

    def _figures(self) -> dict[str, float]:
        """The error of the textures, summed over the layers, of the unseen photos as they are and painted."""
        before, after = [], []
        for photo in self.unseen:
            fitting = _fitted(photo, TEST_SIDE)
            before.append(self._texture_error(fitting))
            after.append(self._texture_error(painted_by(self._painter(), fitting, 0.5)))
        figures = {"texture error of three photos": before, "texture error of their paintings": after}
        return {name: float(f"{np.mean(errors):.3g}") for name, errors in figures.items()}

    def _texture_error(self, pixels: Pixels) -> float:
        shown = _shown(pixels, TEST_SIDE)
        layers = tuple(self.textures.grams)
        with torch.no_grad():
            found = statistics_of(shown, self.backbone, Field.of(shown, self.backbone), layers)
        return sum(relative_error(found.grams[layer], self.textures.grams[layer]).item() for layer in layers)


def _fitted(pixels: Pixels, side: int) -> Pixels:
    return resize(pixels, *fit_within(pixels.shape[0], pixels.shape[1], side))


def _shown(pixels: Pixels, side: int) -> Tensor:
    """uint8 [h, w, 3] -> [1, 3, h', w'], 0..1, with the longer side `side`."""
    return tensor_of(_fitted(pixels, side), torch.device("cpu")).float().div_(255)


def _seconds_in(card: Path) -> float:
    """The time that an interrupted training had taken, from its card; 0 where that cannot be read."""
    try:
        return 60 * float(json.loads(card.read_bytes())["figures"]["minutes"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0
