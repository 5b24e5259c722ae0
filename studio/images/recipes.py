"""The recipes of pictures: what can be asked of a dream, with ranges, defaults and a sentence for each
parameter.

Light on purpose (no torch): the command line and the sliders are derived from here.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import field_validator

from studio.images.networks.backbones import OWN
from studio.works.recipe import Recipe, parameter

SMALLEST_SIDE, LARGEST_SIDE = 64, 8192


class DreamRecipe(Recipe):
    """Gradient ascent on a photo's pixels: what a pretrained network sees in it is made stronger, from coarse
    to fine.

    Sources by role: `photo` (needed), `guide` (dream towards this picture's features), `mask` (dream only
    where it is light), `weights` (a weights file of one's own for the backbone's architecture).
    """

    kind: Literal["dream"] = "dream"
    preset: str | None = parameter(
        "creatures", "A look with a name; what you set yourself goes before it.", in_sight=True
    )
    size: int | None = parameter(
        768,
        "Longer side of the result; empty keeps the photo's own.",
        ge=SMALLEST_SIDE,
        le=LARGEST_SIDE,
        step=32,
        unit="px",
        in_sight=True,
    )
    strength: float = parameter(
        1.0, "How much of the dream is laid over the photo.", ge=0, le=1, step=0.05, in_sight=True
    )
    backbone: str = parameter("efficientnet_lite0", "The pretrained network that dreams.")
    layers: tuple[str, ...] = parameter(
        ("blocks.4.1", "blocks.4"),
        "What to make stronger, as NAME[:CHANNEL][*WEIGHT]: early layers weave, late ones see.",
    )
    guide_weight: float = parameter(
        0.8,
        "With a guide picture: 0 dreams freely, 1 only towards what the guide shows.",
        ge=0,
        le=1,
        step=0.05,
    )
    octaves: int = parameter(
        6,
        "From how coarse to fine, at 768 px: more give larger shapes. Larger pictures get more, so that "
        "shapes stay as large.",
        ge=1,
        le=12,
        step=1,
    )
    octave_scale: float = parameter(
        1.4, "How much larger each octave is than the one before.", ge=1.1, le=2.5, step=0.05
    )
    steps: int = parameter(
        12, "Steps of gradient ascent in each octave: more is deeper.", ge=1, le=200, step=1, in_sight=True
    )
    coarse_first: float = parameter(
        0.4,
        "Moves steps from the finest octaves to the coarsest: 0 gives all the same, 1 leaves the finest "
        "next to none.",
        ge=0,
        le=1,
        step=0.05,
    )
    step_size: float = parameter(
        0.011,
        "How far one step moves a pixel on average; 1 is black to white.",
        ge=0.0005,
        le=0.1,
        step=0.0005,
    )
    hold: float = parameter(
        0.02,
        "How firmly the photo pulls back at every step: 0 lets colours burn out, 0.1 hardly lets go.",
        ge=0,
        le=0.3,
        step=0.005,
    )
    smoothing: float = parameter(
        0.45,
        "What a step is made of: 0 finest detail only, 0.5 all scales alike, 1 broad shapes.",
        ge=0,
        le=1,
        step=0.05,
    )
    colour: float = parameter(
        0.7,
        "How colourful the dream is: 0 paints in light and dark, 1 in full rainbow.",
        ge=0,
        le=1,
        step=0.05,
        in_sight=True,
    )
    keep_colours: bool = parameter(False, "Dream in light and dark only and keep the photo's own colours.")
    jitter: int = parameter(
        32,
        "Shifts the picture at random before each step, so that no grid shows.",
        ge=0,
        le=64,
        step=1,
        unit="px",
    )
    feather: float = parameter(
        1.5, "How softly a mask ends, in per cent of the longer side.", ge=0, le=20, step=0.5, unit="%"
    )
    tile: int = parameter(
        512,
        "Pictures beyond a megapixel are looked at in tiles about this large: smaller ones need less memory.",
        ge=256,
        le=2048,
        step=64,
        unit="px",
    )

    @field_validator("layers")
    @classmethod
    def _every_layer_can_be_read(cls, layers: tuple[str, ...]) -> tuple[str, ...]:
        if not layers:
            raise ValueError("name at least one layer to dream with.")
        for layer in layers:
            LayerTerm.read(layer)
        return layers

    def in_words(self) -> str:
        photo = self.source("photo")
        guide = self.source("guide")
        said = f"{photo.title or photo.name or 'A picture'}" if photo else "A picture"
        own = self.source("weights") if self.backbone == OWN else None
        said += f" dreamt by the network {own.title or own.name}" if own else f" dreamt by {self.backbone}"
        if self.preset:
            said += f" in the look '{self.preset}'"
        steps = f"{self.steps} step{'s' * (self.steps != 1)}"
        said += (
            f" ({' + '.join(self.layers)}), {steps} in each octave"
            if self.octaves > 1
            else f" ({' + '.join(self.layers)}), {steps}"
        )
        if guide:
            said += f", towards {guide.title or guide.name}"
        if self.source("mask"):
            said += ", only where the mask is light"
        if self.keep_colours:
            said += ", in its own colours"
        if self.strength < 1:
            said += f", laid over the photo at {self.strength:.0%}"
        if self.source("weights") and not own:
            said += ", with weights of one's own"
        return f"{said}; seed {self.seed}."


class StyleRecipe(Recipe):
    """A photo painted in the style of one or more paintings: its shapes, their textures and colours.

    Sources by role: `photo` (needed), `style` (paintings, one or more, needed), `mask` (paint only where it
    is light), `weights` (a weights file of one's own for the backbone's architecture).
    """

    kind: Literal["style"] = "style"
    size: int | None = parameter(
        640,
        "Longer side of the result; empty keeps the photo's own.",
        ge=SMALLEST_SIDE,
        le=LARGEST_SIDE,
        step=32,
        unit="px",
        in_sight=True,
    )
    strength: float = parameter(
        0.5,
        "Who rules: at 0 the photo keeps all its shapes, at 1 the brush goes where it likes.",
        ge=0,
        le=1,
        step=0.05,
        in_sight=True,
    )
    style_scale: float = parameter(
        1.0,
        "How large the painting's strokes are against the picture: 0.5 are fine, 2 are broad.",
        ge=0.25,
        le=3,
        step=0.05,
        in_sight=True,
    )
    colour: Literal["style", "content", "luminance"] = parameter(
        "style",
        "Whose colours: style takes the painting's, content paints in the photo's palette, luminance paints "
        "in light and dark over the "
        "photo's own colours.",
        in_sight=True,
    )
    style_weights: tuple[float, ...] = parameter(
        (), "With several paintings: how much each counts, in their order; empty counts all alike."
    )
    steps: int = parameter(
        120,
        "Steps of gradient descent at the coarsest size; finer ones take half as many, or fewer.",
        ge=1,
        le=1000,
        step=1,
        in_sight=True,
    )
    smoothness: float = parameter(
        2.0, "How calm the surface is: 0 leaves all grain, 10 irons it out.", ge=0, le=20, step=0.5
    )
    feather: float = parameter(
        1.5, "How softly a mask ends, in per cent of the longer side.", ge=0, le=20, step=0.5, unit="%"
    )
    backbone: str = parameter("efficientnet_lite0", "The pretrained network that looks.")

    @field_validator("style_weights")
    @classmethod
    def _none_below_nothing(cls, weights: tuple[float, ...]) -> tuple[float, ...]:
        if any(weight < 0 for weight in weights):
            raise ValueError("a painting cannot count less than 0.")
        return weights

    def in_words(self) -> str:
        photo = self.source("photo")
        said = (photo.title or photo.name or "A picture") if photo else "A picture"
        paintings = [
            source.title or source.name or "a painting" for source in self.sources if source.role == "style"
        ]
        if self.style_weights and len(paintings) > 1:
            paintings = [
                f"{painting} ({weight:g})"
                for painting, weight in zip(paintings, self.style_weights, strict=False)
            ]
        said += f" painted after {' and '.join(paintings)}" if paintings else " painted"
        said += {
            "style": "",
            "content": ", in its own colours",
            "luminance": ", in light and dark over its own colours",
        }[self.colour]
        said += f", strength {self.strength:g}"
        if self.style_scale != 1:
            said += f", strokes {self.style_scale:g} times as large"
        if self.source("mask"):
            said += ", only where the mask is light"
        return f"{said}; {self.backbone}, seed {self.seed}."


class LayerTerm:
    """One term of an objective: a layer, or one of its channels, with a weight. Written
    NAME[:CHANNEL][*WEIGHT].
    """

    _FORM = re.compile(
        r"^(?P<name>[A-Za-z_][\w.]*)(?::(?P<channel>\d{1,5}))?(?:\*(?P<weight>-?\d+(?:\.\d+)?))?$"
    )

    def __init__(self, name: str, channel: int | None = None, weight: float = 1.0) -> None:
        self.name, self.channel, self.weight = name, channel, weight

    @classmethod
    def read(cls, text: str) -> LayerTerm:
        """Raises ValueError with a sentence when the text has another form."""
        match = cls._FORM.match(text.strip())
        if match is None:
            raise ValueError(
                f"'{text}' is not a layer: write NAME[:CHANNEL][*WEIGHT], such as blocks.4 or "
                "blocks.4:12*0.5."
            )
        if float(match["weight"] or 1) == 0:
            raise ValueError(f"'{text}' counts for nothing: give it another weight than 0, or leave it out.")
        channel = match["channel"]
        return cls(match["name"], None if channel is None else int(channel), float(match["weight"] or 1.0))
