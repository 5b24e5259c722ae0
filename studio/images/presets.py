"""Looks with a name: each a row of parameters that was found by looking.

    fields = with_preset({"preset": "cathedral", "steps": 20})     # the look, with twenty steps instead of its own

Making the thumbnails again:  python -m studio.images.presets
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.errors import UnknownName
from studio.images.networks.backbones import DEFAULT, OWN, Layer, layers
from studio.images.recipes import DreamRecipe, LayerTerm
from studio.process import finish

FOLDER = Path(__file__).with_name("presets")
"""Where the thumbnails lie, beside the credit for the photos they were made from."""

THUMBNAIL_MADE_AT, THUMBNAIL_SIDE, THUMBNAIL_QUALITY = 512, 320, 80


@dataclass(frozen=True)
class Preset:
    """A look. sentence: what an artist will see. values: the recipe's fields that make it; photo: what its
    thumbnail is made from.
    """

    name: str
    sentence: str
    values: dict[str, Any]
    photo: str = "china"

    @property
    def thumbnail(self) -> Path:
        """A small JPEG of the look."""
        return FOLDER / f"{self.name}.jpg"


def with_preset(fields: dict[str, Any]) -> dict[str, Any]:
    """The recipe's fields with what their preset implies written out, under what was set explicitly.

    Without a "preset" the recipe's default one is meant; None means no look at all. A look is made of layers
    of the default backbone; with another one it takes those that lie as deep. Raises `UnknownName` for the
    preset or the backbone.
    """
    name = fields.get("preset", DreamRecipe.model_fields["preset"].default)
    if name is None:
        return dict(fields)
    if name not in PRESETS:
        raise UnknownName("preset", str(name), PRESETS)
    implied = {"preset": name} | PRESETS[name].values
    backbone = fields.get("backbone", DEFAULT)
    if backbone not in (DEFAULT, OWN):
        implied["layers"] = as_deep_in(backbone, implied["layers"])
    return implied | fields


def as_deep_in(backbone: str, terms: tuple[str, ...]) -> tuple[str, ...]:
    """Layers of another backbone that lie as deep as these do in the default one; for a channel, whose motif
    is its own, the whole layer.

    Raises `UnknownName` for the backbone.
    """
    return as_deep(layers(backbone), terms)


def as_deep(there: Sequence[Layer], terms: Sequence[str]) -> tuple[str, ...]:
    """Of the layers `there`, from the picture inwards, those that lie as deep as `terms` do in the default
    backbone.
    """
    known = [layer.name for layer in layers(DEFAULT)]
    found: dict[str, float] = {}
    for term in map(LayerTerm.read, terms):
        depth = known.index(term.name) / (len(known) - 1) if term.name in known else 1.0
        found.setdefault(there[round(depth * (len(there) - 1))].name, term.weight)
    return tuple(name if weight == 1 else f"{name}*{weight:g}" for name, weight in found.items())


# What makes a look; size, seed, strength and the like are nobody's taste but the asker's.
LOOK = (
    "layers",
    "octaves",
    "octave_scale",
    "steps",
    "coarse_first",
    "step_size",
    "hold",
    "smoothing",
    "colour",
    "keep_colours",
)


def _look(name: str, sentence: str, *layers: str, photo: str = "china", **changes: Any) -> Preset:
    """A row: the recipe's own defaults, but for these layers and changes, all written out."""
    defaults = {field: DreamRecipe.model_fields[field].default for field in LOOK}
    return Preset(name, sentence, defaults | {"layers": layers} | changes, photo)


_ROWS = (
    _look(
        "creatures",
        "Animals with eyes and fur grow out of walls, hills and clouds: the classic dream.",
        "blocks.4.1",
        "blocks.4",
        photo="flower",
    ),
    _look("garden", "Flowers, shrubs and fireworks break out everywhere.", "blocks.5.1", steps=14),
    _look(
        "citadel",
        "Domes, spires and terraces pile up, with something furry among them.",
        "blocks.4",
        "blocks.5",
        steps=14,
    ),
    _look("watchers", "Shells and scales full of eyes.", "blocks.4.0", photo="flower"),
    _look("weave", "Everything is woven of broad ribbed bands.", "blocks.2"),
    _look("mosaic", "Cells, beads and spirals fill every surface.", "blocks.3", photo="flower"),
    _look(
        "woodcut",
        "Cut in light and dark; colours stay as they were.",
        "blocks.1",
        octaves=5,
        keep_colours=True,
    ),
    _look("origami", "Sky and foliage fold into coloured paper.", "blocks.4:102", photo="flower"),
    _look("stained_glass", "Panes of coloured glass with dark leads between them.", "blocks.3:42"),
    _look("roses", "Bright little roses crowd each other.", "blocks.3:11", photo="flower"),
    _look("gilded", "A net of golden cracks, as on mended porcelain.", "blocks.3:21"),
    _look("plumes", "Feathers and curls as soft as brush strokes.", "blocks.4:48", photo="flower"),
    _look("masks", "Carved faces with rows of eyes and teeth.", "blocks.3:50"),
    _look("pearls", "Glowing bubbles gather where it is busy.", "blocks.4:36", photo="flower"),
    _look("whirlpools", "Satin whirls with shining drops.", "blocks.4:96", photo="flower"),
)

PRESETS = {row.name: row for row in _ROWS}
"""By name, in the order in which they are offered."""


def main() -> None:
    """Make every thumbnail again from scikit-learn's two sample photos."""
    import hashlib
    import io

    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_sample_image

    from studio.images.dream import dream
    from studio.images.pictures import read_picture, write_jpeg
    from studio.works.recipe import Source

    FOLDER.mkdir(exist_ok=True)
    for preset in PRESETS.values():
        written = io.BytesIO()
        Image.fromarray(np.asarray(load_sample_image(f"{preset.photo}.jpg"))).save(written, "PNG")
        photo = written.getvalue()
        source = Source(
            sha256=hashlib.sha256(photo).hexdigest(), role="photo", name="", title="", author="", licence=""
        )
        made = finish(
            dream(
                DreamRecipe(sources=(source,), size=THUMBNAIL_MADE_AT, **preset.values),
                {source: photo}.__getitem__,
            )
        )
        pixels = read_picture(made.content).pixels
        preset.thumbnail.write_bytes(
            write_jpeg(pixels, longest_side=THUMBNAIL_SIDE, quality=THUMBNAIL_QUALITY)
        )
        print(preset.thumbnail)


if __name__ == "__main__":
    main()
