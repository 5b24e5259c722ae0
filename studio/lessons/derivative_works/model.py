"""The state of the lesson on derivative works: its three parts and what each of them keeps."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.lessons.kit.scene import Audio, File, Visit

if TYPE_CHECKING:
    from torch import Tensor

    from studio.images.pictures import Pixels
    from studio.learning.datasets import Examples
    from studio.learning.descent import Ending, Step
    from studio.learning.networks import PictureClassifier, SequenceNetwork
    from studio.learning.training import Fitted, Report
    from studio.lessons.shared.small_dream import SmallDream
    from studio.works.work import Work

PARTS = ("one loop, three uses", "my network dreams", "whose work is it")

GROUPS = ("My network dreams", "Whose work is it")
"""The controls of the second part and of the third."""

STEPS = 72
"""Steps of each of the three that run side by side."""
DREAM_LAYER = "blocks.4"
OWN_LAYER_NAMES = {"blocks.0": "layer 1", "blocks.1": "layer 2", "blocks.2": "layer 3", "classes": "classes"}
"""What a visitor's network can dream with, and what a person calls it."""

USES = {
    "dream": ("dream",),
    "style": ("style",),
    "melody": ("compose", "song", "melody"),
}
"""What artists use the loop for, and the kinds of works in the gallery that come of it."""
DREAM_SIDE = 192


@dataclass(frozen=True)
class ThreeUses:
    """The three uses while they run: each is one descent, with the thing it changes."""

    prices: Tensor
    price_steps: Generator[Step, None, Ending]
    melody: SequenceNetwork
    melody_steps: Generator[Report, None, Fitted]
    dream: SmallDream
    price_losses: tuple[float, ...] = ()
    melody_losses: tuple[float, ...] = ()
    notes: tuple[int, ...] = ()

    @property
    def done(self) -> int:
        return len(self.price_losses)


@dataclass(frozen=True)
class OwnNetwork:
    """The visitor's own network.

    seen, held_out: what it learns from, and what it is tested on.
    right: accuracy on the test set, epoch by epoch.
    epochs: how many there will be.
    weights: the first digits of the sha256 of its current weights.
    dreamt_with: those of the weights the dream was made with.
    """

    seen: Examples
    held_out: Examples
    network: PictureClassifier
    fitting: Generator[Report, None, Fitted] | None
    losses: tuple[float, ...] = ()
    right: tuple[float, ...] = ()
    epochs: int = 6
    weights: str = ""
    dream: SmallDream | None = None
    dreamt_with: str = ""


@dataclass(frozen=True)
class DerivativeWorksState:
    """The visitor's place in the lesson. three and own are made when their part is first shown.

    found: the newest work of each use in the gallery.
    pictures: the visitor's own, to learn from, each [h, w, 3].
    ground: the visitor's picture to dream on, if there is one.
    """

    settings: dict[str, Any]
    found: dict[str, Work]
    works: int
    three: ThreeUses | None = None
    own: OwnNetwork | None = None
    pictures: tuple[Pixels, ...] = ()
    ground: Pixels | None = None
    playing: bool = False
    sounds: tuple[Audio, ...] = ()
    files: tuple[File, ...] = ()
    visit: Visit | None = None
    said: str = ""
    mood: str = "plain"
