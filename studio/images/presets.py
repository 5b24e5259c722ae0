"""Presets: ready-made looks, each a row of settings that was found by trying.

    fields = with_preset({"preset": "citadel", "steps": 20})     # the preset, but with 20 steps

To make their pictures again:  python -m studio.images.presets
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.errors import Refused, UnknownName
from studio.images.networks.backbones import DEFAULT, LITE0, OWN, Layer, layers
from studio.images.recipes import DreamRecipe, LayerTerm
from studio.images.regions import OWN_VALUES, Region
from studio.process import finish

FOLDER = Path(__file__).with_name("presets")
"""Where the looks' pictures are, with the credit of the photo they were made from."""

SUBJECT, MADE_AT, QUALITY = "china", 768, 78
"""Of the looks' pictures: the photo, one for all so that they can be compared; the size of the whole dream,
longer side in pixels; and the quality of the JPEGs.
"""

CROP = (slice(96, 456), slice(8, 488))
"""The rows and columns of the dream that a picture shows: walls, a roof, sky and leaves, as large as in a
dream of the usual size.
"""


@dataclass(frozen=True)
class Preset:
    """A ready-made look. sentence: what one will see. values: the fields of the recipe that it sets."""

    name: str
    sentence: str
    values: dict[str, Any]

    @property
    def thumbnail(self) -> Path:
        """A JPEG of 480 x 360 pixels: a part of the same photo in every look."""
        return FOLDER / f"{self.name}.jpg"


def with_preset(fields: dict[str, Any]) -> dict[str, Any]:
    """The recipe's fields, completed by those of their preset. Fields that are set already stay.

    Without a "preset", the recipe's default one applies; None means no preset. Presets name layers of the
    default backbone; for another one, layers at the same depth are used. Raises `UnknownName` for the preset
    or the backbone.
    """
    fields = _with_looks_of_regions(fields)
    name = fields.get("preset", DreamRecipe.model_fields["preset"].default)
    if name is None:
        return dict(fields)
    if not isinstance(name, str) or name not in PRESETS:
        raise UnknownName("preset", str(name), PRESETS)
    completed = {"preset": name} | PRESETS[name].values
    backbone = fields.get("backbone", DEFAULT)
    if isinstance(backbone, str) and backbone not in (DEFAULT, OWN):
        completed["layers"] = as_deep_in(backbone, completed["layers"])
    return completed | fields


def _with_looks_of_regions(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with each region's look written out in layers, so that the recipe says all."""
    texts = fields.get("regions")
    if not isinstance(texts, list | tuple) or not texts:
        return dict(fields)
    try:
        regions = [Region.read(str(text)) for text in texts]
    except ValueError:  # the recipe says what is wrong
        return dict(fields)
    backbone, asked = str(fields.get("backbone", DEFAULT)), _asked_for_all(fields)
    return fields | {"regions": tuple(str(_written_out(region, backbone, asked)) for region in regions)}


def _asked_for_all(fields: dict[str, Any]) -> dict[str, float]:
    """Those of `OWN_VALUES` that somebody has set for the whole dream: to something else than its look does,
    since the page sends all settings. One that is out of range is left to the recipe, which says so.
    """
    name = fields.get("preset", DreamRecipe.model_fields["preset"].default)
    usual = PRESETS[name].values if isinstance(name, str) and name in PRESETS else {}
    asked = {}
    for each in OWN_VALUES:
        try:
            value = float(fields[each])
        except (KeyError, TypeError, ValueError):
            continue
        if 0 <= value <= 1 and value != usual.get(each, DreamRecipe.model_fields[each].default):
            asked[each] = value
    return asked


def _written_out(region: Region, backbone: str, asked: dict[str, float]) -> Region:
    """The region with its look's layers and values. What it says itself goes before what is asked for the
    whole dream, and that before its look.
    """
    if not region.look or region.layers:
        return region
    if region.look not in PRESETS:
        raise UnknownName("preset", region.look, PRESETS)
    if backbone == OWN:
        raise Refused(
            f"A network of your own has no look '{region.look}': name its layers instead, such as "
            f"{region.place}=mine(conv2)."
        )
    values = PRESETS[region.look].values
    layers = values["layers"] if backbone == DEFAULT else as_deep_in(backbone, values["layers"])
    usual = {name: float(values[name]) for name in OWN_VALUES} | asked
    own = tuple((name, region.value(name, usual[name])) for name in OWN_VALUES)
    in_own = region.own_colours or bool(values["keep_colours"])
    return replace(region, layers=tuple(layers), own_colours=in_own, values=own)


def as_deep_in(backbone: str, terms: tuple[str, ...]) -> tuple[str, ...]:
    """The layers of a backbone at the same depth as these in the default one. A channel becomes its whole
    layer, because the channels of two networks do not correspond. Raises `UnknownName` for the backbone.
    """
    return as_deep(LITE0 if backbone == DEFAULT else layers(backbone), terms)


def as_deep(there: Sequence[Layer], terms: Sequence[str]) -> tuple[str, ...]:
    """Of the layers `there`, the deepest last, those at the same depth as `terms` in the default backbone."""
    known = [layer.name for layer in LITE0]
    found: dict[tuple[str, str], float] = {}
    for term in map(LayerTerm.read, terms):
        depth = known.index(term.name) / (len(known) - 1) if term.name in known else 1.0
        found.setdefault((there[round(depth * (len(there) - 1))].name, term.motif), term.weight)
    return tuple(str(LayerTerm(name, weight=weight, motif=motif)) for (name, motif), weight in found.items())


LOOK = DreamRecipe.OF_ITS_LOOK
"""The fields that make up a look. Size, seed, strength and the like are up to the user."""

IN_COMMON = {"fine_colour": 0.0, "hold_dark": 0.8, "even": 0.5, "hold_detail": 0.5, "hold_faces": 0.6}
"""What looks have in common: no hatching in rainbow colours, black stays nearly black, no part is left bare,
and faces, eyes, mouths and letters stay what they are.
"""

STRONG_IN_FACES = 0.8
"""How much faces are held in looks that would grow another nose or mouth there, in other colours."""

IN_MANY_SIZES = {"octaves": 8, "vary_size": 1.0, "hold_detail": 0.7, "hold_shapes": 0.5}
"""Of looks that would stamp one size everywhere."""

FILLING = {
    "octaves": 8,
    "even": 1.0,
    "hold": 0.02,
    "smoothing": 0.65,
    "vary_size": 0.6,
    "hold_shapes": 0.5,
}
"""Of looks that would leave plain parts bare: they begin smaller, so that something grows there too."""

SOON = {"steps": 9, "coarse_first": 0.5, "step_size": 0.0175}
"""Of the usual look, which people wait for most: as far as with eleven steps of the usual length, in a
quarter less time. Fewer steps go to the finest octave, where they cost most. On five photos the Gram matrices
of four layers are as far from those of eleven steps as another seed's are.
"""


def _look(name: str, sentence: str, *layers: str, **changes: Any) -> Preset:
    """A row: these layers, and the recipe's defaults except for the changes, all written out."""
    defaults = {field: DreamRecipe.model_fields[field].default for field in LOOK}
    return Preset(name, sentence, defaults | IN_COMMON | {"layers": layers} | changes)


_ROWS = (
    _look(
        "creatures",
        "Animals with eyes and fur grow out of walls, hills and clouds: the classic deep dream.",
        "blocks.4.1*0.5",
        "blocks.4@animals",
        "blocks.5.1@animals",
        **SOON,
        hold_dark=0.2,
        hold_detail=0.9,
        hold_faces=STRONG_IN_FACES,
    ),
    _look(
        "garden",
        "Dahlias, asters and leaves grow over everything.",
        "blocks.4@blossoms*0.5",
        "blocks.5.1@blossoms",
        steps=11,
        hold_faces=STRONG_IN_FACES,
    ),
    _look(
        "citadel",
        "Roofs, galleries, windows and towers pile up, with trees between them.",
        "blocks.4@towers",
        "blocks.5.1@towers",
        steps=11,
        hold_faces=STRONG_IN_FACES,
    ),
    _look("watchers", "Shells and scales full of eyes.", "blocks.4.0"),
    _look("weave", "Everything is woven from broad, ribbed bands.", "blocks.2", vary_size=0.5),
    _look(
        "mosaic",
        "Cells, beads and spirals fill every surface.",
        "blocks.3",
        octaves=7,
        vary_size=0.5,
        hold_faces=STRONG_IN_FACES,
    ),
    _look(
        "woodcut",
        "Carved in light and dark, broadly where the photo is plain; it keeps its colours.",
        "blocks.1",
        keep_colours=True,
        **IN_MANY_SIZES | {"octaves": 7, "hold_detail": 0.5, "hold_shapes": 0.0, "even": 0.9},
    ),
    _look(
        "origami",
        "Sky and foliage fold into coloured paper.",
        "blocks.4:102",
        **FILLING | {"vary_size": 0.3},
    ),
    _look(
        "stained_glass",
        "Panes of coloured glass with dark leads between them.",
        "blocks.2@leaded-glass",
        "blocks.3@leaded-glass",
        even=0.9,
        octaves=7,
        vary_size=1.0,
    ),
    _look(
        "roses",
        "Crowds of bright roses, small and large.",
        "blocks.3:11",
        **IN_MANY_SIZES,
        hold_faces=STRONG_IN_FACES,
    ),
    _look("gilded", "A net of golden cracks, as on mended porcelain.", "blocks.3:21", **IN_MANY_SIZES),
    _look("plumes", "Feathers and curls as soft as brush strokes.", "blocks.4:48", **FILLING),
    _look("masks", "Carved faces with rows of eyes and teeth.", "blocks.3:50", **IN_MANY_SIZES),
    _look("pearls", "Glowing bubbles gather in the busy parts.", "blocks.4:36", **FILLING),
    _look("whirlpools", "Satin whirls with shining drops.", "blocks.4:96", **FILLING),
)

PRESETS = {row.name: row for row in _ROWS}
"""By name, in the order in which they are shown."""


def main() -> None:
    """Make the picture of every look again, from one of scikit-learn's sample photos."""
    import hashlib
    import io

    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_sample_image

    from studio.images.dream import dream
    from studio.images.pictures import read_picture, write_jpeg
    from studio.works.recipe import Source

    FOLDER.mkdir(exist_ok=True)
    written = io.BytesIO()
    Image.fromarray(np.asarray(load_sample_image(f"{SUBJECT}.jpg"))).save(written, "PNG")
    photo = written.getvalue()
    source = Source(
        sha256=hashlib.sha256(photo).hexdigest(), role="photo", name="", title="", author="", licence=""
    )
    for preset in PRESETS.values():
        recipe = DreamRecipe(sources=(source,), size=MADE_AT, **preset.values)
        pixels = read_picture(finish(dream(recipe, {source: photo}.__getitem__)).content).pixels
        preset.thumbnail.write_bytes(write_jpeg(np.ascontiguousarray(pixels[CROP]), quality=QUALITY))
        print(preset.thumbnail)


if __name__ == "__main__":
    main()
