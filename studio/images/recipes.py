"""The recipes of pictures: every setting of a dream and of a painting, with its range, default and help text.

Light on purpose (no torch): the command line and the page's controls are derived from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from studio.images.formats import names as format_names
from studio.images.motifs import MOTIFS
from studio.images.networks.backbones import DEFAULT, OWN
from studio.images.regions import LONGEST_REGION, MOST_REGIONS, Region, read_regions
from studio.images.regions import in_words as regions_in_words
from studio.works.recipe import LONGEST_NAME, OneOf, Recipe, Source, parameter
from studio.works.titles import says_something

SMALLEST_SIDE, LARGEST_SIDE = 64, 8192

MOST_LAYERS, LONGEST_TERM = 64, 120
"""Layers that a dream amplifies at once, and characters of each as it is written."""

MOST_PAINTINGS = 64
"""Paintings whose styles are mixed."""

MOST_GUIDES = 16
"""Pictures that one dream goes towards."""

LARGEST_WEIGHT = 1e6
"""The largest weight of a layer or a painting. Beyond it nothing else would count."""


STOP_AFTER = parameter(
    0,
    "Stop after this many steps and keep the picture as it is then. 0 takes all steps.",
    ge=0,
    le=1_000_000,
    step=1,
)

BEGIN_AT, MORE = (
    parameter(0, described, ge=0, le=1_000_000, step=1)
    for described in (
        "Steps already taken for the picture that is resumed.",
        "Further steps for a picture that is resumed (studio resume).",
    )
)

FEATHER = parameter(
    1.5,
    "Softness of the edges of a mask or a region, in per cent of the longer side. It spreads to both sides "
    "of an edge; with 0, nothing outside changes.",
    ge=0,
    le=20,
    step=0.5,
    unit="%",
)
REGIONS = parameter(
    (),
    "Parts of the picture with a look of their own, PLACE=LOOK[*STRENGTH]. A place is subject, background "
    "or segment 1 to 6, which the studio finds; area 1, 2 … where a picture of yours is light; or rest, "
    "which is what the others leave. Outside all of them nothing changes.",
    max_length=MOST_REGIONS,
)

PRINT = parameter(
    "",
    "Paper size and pixels per inch, such as 30x20cm@300, 12x8in@300 or A4@300; without @, 300 are used. "
    "This sets the size: the whole picture fits on the paper, upright or sideways, with a margin where the "
    "shapes differ. The file states the density. Leave empty for the photo's own density.",
    max_length=40,
)


def _checked_regions(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The regions as `Region` writes them, so that two spellings of one recipe are one recipe."""
    regions = read_regions(texts)
    for region in regions:
        for layer in region.layers:
            LayerTerm.read(layer)
    return tuple(map(str, regions))


class DreamRecipe(Recipe):
    """A dream: gradient ascent on a photo's pixels, which amplifies what a pretrained network sees in it.

    Sources by role: `photo` (required), `guide` (dream towards these pictures' features), `mask` (dream only
    where it is light), `region` (light where a region lies that was painted), `weights` (a weights file for
    the backbone, or of a network trained in the studio), `begun` (an earlier result to go on from, by `more`
    steps).
    """

    kind: Literal["dream"] = "dream"
    preset: str | None = parameter(
        "creatures",
        "A ready-made look. Anything you set yourself overrides it.",
        in_sight=True,
        max_length=LONGEST_NAME,
    )
    size: int | None = parameter(
        768,
        "Length of the longer side. Leave empty to keep the photo's size.",
        ge=SMALLEST_SIDE,
        le=LARGEST_SIDE,
        step=32,
        unit="px",
        in_sight=True,
    )
    strength: float = parameter(
        1.0,
        "How much of the dream shows: 0 is the photo, 1 the full dream.",
        ge=0,
        le=1,
        step=0.05,
        in_sight=True,
    )
    backbone: str = parameter(
        "efficientnet_lite0", "The pretrained network that dreams.", max_length=LONGEST_NAME
    )
    layers: tuple[Annotated[str, Field(max_length=LONGEST_TERM)], ...] = parameter(
        ("blocks.4.1", "blocks.4"),
        "What to amplify, as NAME[:CHANNEL][*WEIGHT]: early layers give "
        "patterns, deep ones animals and things. A channel is one motif of a layer, by its number, or random "
        "for one that the seed chooses (studio channels shows them). NAME@animals, @blossoms, @towers or "
        "@leaded-glass goes towards what the layer sees in pictures of those. A weight below 0 weakens what "
        "the layer sees; alone, it dissolves "
        "the picture.",
        max_length=MOST_LAYERS,
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
        "How many sizes the dream goes through, at 768 px: more give larger shapes. Larger "
        "pictures get more of them, so that shapes stay as large.",
        ge=1,
        le=12,
        step=1,
    )
    octave_scale: float = parameter(
        1.4, "How much larger each octave is than the previous one.", ge=1.1, le=2.5, step=0.05
    )
    steps: int = parameter(
        9,
        "Steps of gradient ascent per octave: more make a stronger dream.",
        ge=1,
        le=200,
        step=1,
        in_sight=True,
    )
    coarse_first: float = parameter(
        0.4,
        "Moves steps from the finest octaves to the coarsest: 0 gives each "
        "the same number, 1 leaves the finest almost none.",
        ge=0,
        le=1,
        step=0.05,
    )
    step_size: float = parameter(
        0.0145,
        "How far one step changes a pixel on average, where 1 is from black to white.",
        ge=0.0005,
        le=0.1,
        step=0.0005,
    )
    hold: float = parameter(
        0.025,
        "How strongly each step pulls back to the photo: 0 lets colours "
        "burn out, 0.1 stays close to the photo.",
        ge=0,
        le=0.3,
        step=0.005,
    )
    smoothing: float = parameter(
        0.5,
        "The scale of each step: 0 is fine detail only, 0.5 all scales equally, 1 broad shapes.",
        ge=0,
        le=1,
        step=0.05,
    )
    colour: float = parameter(
        0.7,
        "How colourful the dream is: 0 changes only light and dark, 1 uses every colour.",
        ge=0,
        le=1,
        step=0.05,
        in_sight=True,
    )
    keep_colours: bool = parameter(False, "Change only light and dark, and keep the photo's colours.")
    fine_colour: float = parameter(
        0.5,
        "How much of the colour the finest detail keeps: less removes hatching in rainbow colours.",
        ge=0,
        le=1,
        step=0.05,
    )
    hold_dark: float = parameter(
        0.0,
        "How much the photo's dark parts are spared: 0 dreams in them too, 1 leaves black as it is.",
        ge=0,
        le=1,
        step=0.05,
    )
    even: float = parameter(
        0.0,
        "How evenly the dream covers the picture: 0 dreams where the network sees most, 1 leaves no part "
        "bare.",
        ge=0,
        le=1,
        step=0.05,
    )
    vary_size: float = parameter(
        0.0,
        "How much shapes follow the photo in size: 0 has every size everywhere, 1 makes them as large as "
        "what the photo shows at their place: large ones where it is plain, small ones in its detail.",
        ge=0,
        le=1,
        step=0.05,
    )
    hold_detail: float = parameter(
        0.0,
        "How much the photo's fine structure, such as the eyes and mouth of a face, is held: 0 dreams over "
        "it, 1 leaves it as it is.",
        ge=0,
        le=1,
        step=0.05,
    )
    hold_shapes: float = parameter(
        0.0,
        "How much the photo's broad shapes are held, so that one still sees what it shows: 0 lets the dream "
        "dissolve them, 1 keeps their light and dark.",
        ge=0,
        le=1,
        step=0.05,
    )
    hold_faces: float = parameter(
        0.0,
        "How much the faces that the studio finds in the photo are held: 0 dreams over them, 1 leaves them "
        "as they are.",
        ge=0,
        le=1,
        step=0.05,
    )
    jitter: int = parameter(
        32,
        "Shift the picture at random before each step, so that no grid shows.",
        ge=0,
        le=64,
        step=1,
        unit="px",
    )
    feather: float = FEATHER
    tile: int = parameter(
        512,
        "Pictures above a megapixel are processed in tiles of about "
        "this size: smaller ones need less memory.",
        ge=256,
        le=2048,
        step=64,
        unit="px",
    )

    print: str = PRINT
    format: Annotated[str, OneOf(format_names)] = parameter("png", "File format.")
    guide_weights: tuple[Annotated[float, Field(ge=0, le=LARGEST_WEIGHT)], ...] = parameter(
        (),
        "With several guides, the weight of each, in their order. Leave empty to weigh them equally.",
        max_length=MOST_GUIDES,
    )
    stop_after: int = STOP_AFTER
    begin_at: int = BEGIN_AT
    more: int = MORE
    regions: tuple[Annotated[str, Field(max_length=LONGEST_REGION)], ...] = REGIONS

    LATER: ClassVar[frozenset[str]] = frozenset(
        {
            *("print", "format", "guide_weights", "stop_after", "begin_at", "more", "regions"),
            *("fine_colour", "hold_dark", "even", "vary_size", "hold_detail", "hold_shapes", "hold_faces"),
        }
    )

    LAST_IN_CALLS: ClassVar[tuple[str, ...]] = ("hold_shapes", "hold_faces")

    OF_ITS_LOOK: ClassVar[tuple[str, ...]] = (
        *("layers", "octaves", "octave_scale", "steps", "coarse_first", "step_size", "hold", "smoothing"),
        *("colour", "keep_colours", "fine_colour", "hold_dark", "even", "vary_size"),
        *("hold_detail", "hold_shapes", "hold_faces"),
    )

    _regions_can_be_read = field_validator("regions")(_checked_regions)

    @field_validator("layers")
    @classmethod
    def _every_layer_can_be_read(cls, layers: tuple[str, ...]) -> tuple[str, ...]:
        if not layers:
            raise ValueError("choose at least one layer to dream with.")
        for layer in layers:
            LayerTerm.read(layer)
        return layers

    @property
    def _has_a_look_for_all(self) -> bool:
        """Whether the preset and the layers count: not where every region has its own."""
        return not self.regions or any(not Region.read(text).look for text in self.regions)

    def in_words(self) -> str:
        layers, steps = " + ".join(self.layers), f"{self.steps} step{'s' * (self.steps != 1)}"
        own = self.source("weights") if self.backbone == OWN else None
        dreamer = f"the network {_title(own)}" if own else self.backbone
        said = f"{_title(self.source('photo'))} dreamt by {dreamer}"
        if self.preset and self._has_a_look_for_all:
            said += f" with the preset '{self.preset}'"
        said += f" ({layers})" if self._has_a_look_for_all else ""
        said += f", {steps}{' per octave' * (self.octaves > 1)}"
        if guides := _guides_said(self):
            said += f", guided by {guides}"
        if self.source("mask"):
            said += ", only where the mask is light"
        said += _regions_said(self)
        if self.keep_colours:
            said += ", keeping its own colours"
        if self.strength < 1:
            said += f", blended with the photo at {self.strength:.0%}"
        if self.source("weights") and not own:
            said += ", with other weights than its own"
        return f"{said}{_span_in_words(self)}; seed {self.seed}."

    def caption(self) -> str:
        own = self.source("weights") if self.backbone == OWN else None
        said = f"{_title(self.source('photo'))}, dreamt"
        if not self._has_a_look_for_all:
            said += " in regions"
        elif self.preset:
            said += f" as {self.preset.replace('_', ' ')}"
        elif not own:
            said += f" with {' and '.join(self.layers)}"
        if own:
            said += f" by the network {_title(own)}"
        elif self.backbone != DEFAULT:
            said += f" by {self.backbone}"
        if guides := _guides_said(self):
            said += f", guided by {guides}"
        if self.source("mask"):
            said += ", only where the mask is light"
        said += _regions_said(self)
        if self.keep_colours:
            said += ", keeping the photo's colours"
        if self.strength < 1:
            said += f", blended with the photo at {self.strength:.0%}"
        if self.source("weights") and not own:
            said += ", with other weights than its own"
        said += f"; {self.steps} step{'s' * (self.steps != 1)}{' per octave' * (self.octaves > 1)}"
        return f"{said}{_span_in_words(self)}, seed {self.seed}."


QUALITIES = {"draft": 20, "good": 120, "fine": 240}
"""The number of steps (see `StyleRecipe.steps`) that each quality of a painting stands for."""


NO_WEIGHT = "The paintings' weights are all 0: give at least one of them more."


class StyleRecipe(Recipe):
    """A photo painted in the style of one or more paintings: its shapes, their textures and colours.

    Sources by role: `photo` (required), `style` (paintings, at least one), `mask` (paint only where it is
    light), `region` (light where a region lies that was painted), `weights` (a weights file for the
    backbone), `painter` (networks that learnt the paintings, for the instant painter), `begun` (an earlier
    result to go on from, by `more` steps).
    """

    kind: Literal["style"] = "style"
    painter: Literal["optimised", "instant", "refined"] = parameter(
        "optimised",
        "'optimised' paints step by step and gives the best picture. 'instant' takes about a second: a few "
        "steps, and the fine strokes of a network trained on the painting (studio train painting); above 640 "
        "pixels it is painted at 576 and enlarged, and above 1280 its strokes are made finer. 'refined' goes "
        "on from there with a third of the steps.",
        in_sight=True,
    )
    pieces: bool = parameter(
        False,
        "For the instant painter: take no steps, but lay pieces of the painting itself over what its network "
        "paints.",
    )
    size: int | None = parameter(
        640,
        "Length of the longer side. Leave empty to keep the photo's size.",
        ge=SMALLEST_SIDE,
        le=LARGEST_SIDE,
        step=32,
        unit="px",
        in_sight=True,
    )
    strength: float = parameter(
        0.5,
        "0 keeps the photo's shapes; 1 gives the painting free rein.",
        ge=0,
        le=1,
        step=0.05,
        in_sight=True,
    )
    style_scale: float = parameter(
        1.0,
        "Size of the painting's strokes: 0.5 is fine, 2 is broad.",
        ge=0.25,
        le=3,
        step=0.05,
        in_sight=True,
    )
    colour: Literal["style", "content", "luminance"] = parameter(
        "style",
        "Which colours to use: 'style' takes the painting's, 'content' the photo's palette, and 'luminance' "
        "paints only light and dark over the photo's own colours.",
        in_sight=True,
    )
    style_weights: tuple[Annotated[float, Field(le=LARGEST_WEIGHT)], ...] = parameter(
        (),
        "With several paintings, the weight of each, in their order. Leave empty to weigh them equally.",
        max_length=MOST_PAINTINGS,
    )
    quality: Literal["draft", "good", "fine", "steps"] = parameter(
        "steps",
        "How carefully it is painted: 'draft' for a first look, 'good', or 'fine', which takes twice as "
        "long. 'steps' uses the number of steps you set.",
        in_sight=True,
    )
    steps: int = parameter(
        120,
        "How many steps of gradient descent, where the quality is 'steps'. Each size takes a part of them: "
        "from a fifth to a quarter.",
        ge=1,
        le=1000,
        step=1,
    )
    smoothness: float = parameter(
        2.0, "How smooth the surface is: 0 leaves all the grain, 10 removes it.", ge=0, le=20, step=0.5
    )
    feather: float = FEATHER
    backbone: str = parameter(
        "efficientnet_lite0",
        "The pretrained network that compares the picture with the paintings.",
        max_length=LONGEST_NAME,
    )

    texture_loss: Literal["auto", "gram", "transport"] = parameter(
        "auto",
        "How the picture's features are compared with the painting's: 'gram' looks at which occur together, "
        "'transport' at how far they would have to move. 'auto' takes what suits the network: transport for "
        "vgg19, as in its best published recipe, and gram for all others.",
    )

    hold_shapes: float = parameter(
        0.5,
        "How much the photo's broad light and dark are held, so that one still sees what it shows: 0 lets "
        "the painting lay its own over them, 1 keeps them.",
        ge=0,
        le=1,
        step=0.05,
    )

    print: str = PRINT
    format: Annotated[str, OneOf(format_names)] = parameter("png", "File format.")
    stop_after: int = STOP_AFTER
    begin_at: int = BEGIN_AT
    more: int = MORE
    regions: tuple[Annotated[str, Field(max_length=LONGEST_REGION)], ...] = REGIONS

    LATER: ClassVar[frozenset[str]] = frozenset(
        {"texture_loss", "hold_shapes"}
        | {"print", "format", "painter", "pieces", "quality", "stop_after", "begin_at", "more", "regions"}
    )

    LAST_IN_CALLS: ClassVar[tuple[str, ...]] = ("texture_loss", "hold_shapes")

    _regions_can_be_read = field_validator("regions")(_checked_regions)

    @field_validator("style_weights")
    @classmethod
    def _none_below_nothing(cls, weights: tuple[float, ...]) -> tuple[float, ...]:
        if any(weight < 0 for weight in weights):
            raise ValueError("a painting's weight cannot be below 0; use 0 or more.")
        return weights

    @property
    def planned_steps(self) -> int:
        """Those of the quality, or the number that was asked for."""
        return QUALITIES.get(self.quality, self.steps)

    def in_words(self) -> str:
        paintings = [_title(source, "a painting") for source in self.sources if source.role == "style"]
        if self.style_weights and len(paintings) > 1:
            weighted = zip(paintings, self.style_weights, strict=False)
            paintings = [f"{painting} ({weight:g})" for painting, weight in weighted]
        said = f"{_title(self.source('photo'))} painted"
        if paintings:
            said += f" after {' and '.join(paintings)}"
        said += {"style": "", "content": ", in its own palette", "luminance": ", keeping its own colours"}[
            self.colour
        ]
        said += f", strength {self.strength:g}"
        if self.style_scale != 1:
            said += f", strokes scaled by {self.style_scale:g}"
        if self.source("mask"):
            said += ", only where the mask is light"
        said += _regions_said(
            self, [_title(each, "a painting") for each in self.sources if each.role == "style"]
        )
        instant = "painted at once" + " with pieces of the painting" * self.pieces
        at_once = {"instant": f"{instant}, ", "refined": "painted at once and refined, "}.get(
            self.painter, ""
        )
        by = at_once + ("" if self.painter == "instant" else f"{self.backbone}, ")
        return f"{said}{_span_in_words(self)}; {by}seed {self.seed}."

    def caption(self) -> str:
        return self.in_words().replace(f" {DEFAULT},", "")

    def manner(self) -> str:
        painting = next((source for source in self.sources if source.role == "style"), None)
        stem = Path(painting.name).stem if painting else ""
        named = (painting and painting.title) or (stem if says_something(stem) else "")
        return f"after {named}" if named else "painted"


def _span_in_words(recipe: DreamRecipe | StyleRecipe) -> str:
    """Where a work began and ended, if not at the beginning and at the end."""
    said = f", gone on with for {recipe.more} step{'s' * (recipe.more != 1)}" if recipe.more else ""
    return said + (f", ended after {recipe.stop_after}" + " steps" * (not said) if recipe.stop_after else "")


def _guides_said(recipe: DreamRecipe) -> str:
    """The guides, with their weights where those differ: "sea.jpg (1) and cat.jpg (2)"."""
    guides = [_title(source) for source in recipe.sources if source.role == "guide"]
    if len(set(recipe.guide_weights)) > 1:
        weighted = zip(guides, recipe.guide_weights, strict=False)
        guides = [f"{guide} ({weight:g})" for guide, weight in weighted]
    return " and ".join(guides)


def _regions_said(recipe: DreamRecipe | StyleRecipe, looks: Sequence[str] = ()) -> str:
    """The regions and their looks: ", sky as stained glass, the rest as woodcut"."""
    if not recipe.regions:
        return ""
    named = [source.title or Path(source.name).stem for source in recipe.sources if source.role == "region"]
    return f", {regions_in_words([Region.read(text) for text in recipe.regions], named, looks)}"


def _title(source: Source | None, otherwise: str = "A picture") -> str:
    """What a source is called in a sentence."""
    return (source and (source.title or source.name)) or otherwise


def layer_names(terms: Iterable[str]) -> tuple[str, ...]:
    """The layers that terms name (see `LayerTerm`), each once."""
    return tuple(sorted({LayerTerm.read(term).name for term in terms}))


def motifs_of(recipe: DreamRecipe) -> tuple[str, ...]:
    """The motifs that a dream goes towards, each once."""
    texts = [text for region in map(Region.read, recipe.regions) for text in region.layers]
    found = [LayerTerm.read(text).motif for text in (*recipe.layers, *texts)]
    return tuple(dict.fromkeys(filter(None, found)))


class LayerTerm:
    """A term of an objective, written NAME[:CHANNEL][@MOTIF][*WEIGHT]: a layer, one of its channels, or what
    it sees in the pictures of a motif (`studio.images.motifs`), with a weight. at_random: the channel is not
    known yet; the seed chooses it.
    """

    _FORM = re.compile(
        r"^(?P<name>[A-Za-z_][\w.]*)(?::(?P<channel>\d{1,5}|random)|@(?P<motif>[a-z][\w-]{0,40}))?"
        r"(?:\*(?P<weight>-?\d+(?:\.\d+)?))?$"
    )

    def __init__(
        self,
        name: str,
        channel: int | None = None,
        weight: float = 1.0,
        *,
        at_random: bool = False,
        motif: str = "",
    ) -> None:
        self.name, self.channel, self.weight, self.at_random = name, channel, weight, at_random
        self.motif = motif

    def __str__(self) -> str:
        channel = ":random" if self.at_random else "" if self.channel is None else f":{self.channel}"
        motif = f"@{self.motif}" if self.motif else ""
        return f"{self.name}{channel}{motif}{'' if self.weight == 1 else f'*{self.weight:g}'}"

    @classmethod
    def read(cls, text: str) -> LayerTerm:
        """Raises ValueError with a sentence if the text has another form."""
        match = cls._FORM.match(text.strip())
        if match is None:
            raise ValueError(
                f"'{text[:80]}' is not a layer: write NAME[:CHANNEL][*WEIGHT], such as blocks.4 or "
                "blocks.4:12*0.5."
            )
        if float(match["weight"] or 1) == 0:
            raise ValueError(f"The weight of '{text}' is 0: give it another weight, or leave it out.")
        if abs(float(match["weight"] or 1)) > LARGEST_WEIGHT:
            raise ValueError(
                f"The weight of '{text[:80]}' is too large: at most {LARGEST_WEIGHT:,.0f} counts."
            )
        channel, motif = match["channel"], match["motif"] or ""
        if motif and motif not in MOTIFS:
            raise ValueError(f"There is no motif '{motif}'; there are {', '.join(MOTIFS)}.")
        number = None if channel in (None, "random") else int(channel)
        weight = float(match["weight"] or 1.0)
        return cls(match["name"], number, weight, at_random=channel == "random", motif=motif)
