"""What the answers play: notes, and a dream that follows them."""

from __future__ import annotations

from typing import Any

import numpy as np

from studio.images.networks.backbones import DEFAULT
from studio.lessons.kit.scene import Audio

STEPS_LIVE = 12
"""Training steps between two drawings while it runs live, so that nothing stutters."""

CHORDS = ((57, 60, 64, 69), (53, 57, 60, 65), (55, 59, 62, 67))
"""How A, B and C sound, in MIDI numbers: A minor, F major, G major, one note per beat."""
DREAM_LAYERS = ("blocks.2", "blocks.4", "blocks.5")
"""What A, B and C dream of: weaves, creatures, scenes."""
DREAM_SIDE = 144


def note(answers: np.ndarray, kind: str, beat: int) -> tuple[Audio, float]:
    """The note for this beat, and how many seconds until the next."""
    if kind == "classes":
        sure = float(answers.max())
        return Audio(CHORDS[int(answers.argmax())][beat % 4], 0.3, 0.15 + 0.35 * sure), 0.25
    pitch, tempo, brightness = (float(value) for value in answers)
    seconds = 60 / (60 * 4**tempo)
    return Audio(
        48 + round(36 * pitch),
        min(0.6, seconds),
        0.4,
        ("sine", "triangle", "square")[min(2, int(3 * brightness))],
    ), seconds


def dream_settings(answers: np.ndarray, kind: str) -> dict[str, Any]:
    """What the answers mean for a dream, as fields of its recipe.

    Classes mix three layers. Of the numbers, the pitch sets how deep the layer is, the tempo how large
    the steps are, the brightness how much colour there is.
    """
    if kind == "classes":
        mix, more = answers, {}
    else:
        depth = 2 * float(answers[0])
        mix = np.maximum(0, 1 - np.abs(depth - np.arange(3)))
        more = {
            "step_size": round(0.005 + 0.02 * float(answers[1]), 4),
            "colour": round(float(answers[2]), 2),
        }
    layers = [f"{layer}*{share:.2f}" for layer, share in zip(DREAM_LAYERS, mix, strict=True) if share >= 0.05]
    return {"layers": layers, "preset": None, "backbone": DEFAULT} | more


class LiveDream:
    """A small dream that never ends: one step per drawing, towards what the answers ask for, while the
    photo keeps pulling it back.
    """

    def __init__(self) -> None:
        import torch

        from studio.images.dream import Climb, DreamMeasure
        from studio.images.networks.opening import open_network
        from studio.images.objectives import Objective, balanced, layer
        from studio.images.recipes import DreamRecipe
        from studio.learning.descent import DescentOptions, descend
        from studio.lessons.shared.pictures import sample

        base = torch.from_numpy(sample("pagoda", DREAM_SIDE).copy()).permute(2, 0, 1)[None]
        self.picture = base.float() / 255
        network = open_network(DEFAULT, DREAM_LAYERS)[0]
        terms = Objective(tuple(term for name in DREAM_LAYERS for term in layer(name).terms))
        self.terms = balanced(terms, network, self.picture).terms
        self.mix = [1 / 3] * 3
        self.climb = Climb(DreamRecipe(step_size=0.014, hold=0.05, seed=0), base, None)
        look: Any = DreamMeasure(
            self.picture, network, self, torch.Generator().manual_seed(0), jitter=12, tile=512
        )
        self.turns = descend(
            [self.picture], look, self.climb, steps=10**9, maximize=True, options=DescentOptions(keep_every=0)
        )

    def __call__(self, seen: Any) -> Any:
        """The current objective: the mixture of layers that the answers ask for."""
        import torch

        parts = [
            share * term.weight * term.excitement(seen[term.layer])
            for share, term in zip(self.mix, self.terms, strict=True)
        ]
        return torch.stack(parts).sum()

    def follow(self, answers: np.ndarray, kind: str) -> None:
        """One step towards what the answers ask for."""
        wanted = dream_settings(answers, kind)
        shares = dict(term.split("*") for term in wanted["layers"])
        self.mix = [float(shares.get(layer, 0)) for layer in DREAM_LAYERS]
        self.climb.rate = float(wanted.get("step_size", 0.014))
        self.climb.colours = [wanted.get("colour", 0.7) * share for share in (0.5, 0.75, 1.0, 1.0)]
        next(self.turns)

    def pixels(self) -> np.ndarray:
        return np.asarray(
            (self.picture[0].permute(1, 2, 0) * 255).round().clamp(0, 255).byte().contiguous().numpy()
        )
