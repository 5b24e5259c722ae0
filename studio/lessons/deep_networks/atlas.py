"""The atlas: one sheet with a grown picture for twelve channels of every layer.

The sheet ships with the studio. Make it again with:  python -m studio.lessons.deep_networks.atlas
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from studio.lessons.deep_networks.model import CHANNELS, LAYERS, grow

ATLAS = Path(__file__).with_name("atlas.jpg")
ATLAS_COLUMNS, ATLAS_TILE = 12, 64


def atlas_channels(layer: str) -> list[int]:
    """The channels of a layer that are in the atlas: twelve, evenly spread, so that nobody picked them
    for their looks.
    """
    return [number * CHANNELS[layer] // ATLAS_COLUMNS for number in range(ATLAS_COLUMNS)]


def make_atlas(path: Path = ATLAS) -> None:
    """Grow every picture of the atlas again and write it: a JPEG of ATLAS_COLUMNS by len(LAYERS) tiles,
    the last layer on top.
    """
    from studio.images.pictures import resize, write_jpeg

    sheet = np.zeros((len(LAYERS) * ATLAS_TILE, ATLAS_COLUMNS * ATLAS_TILE, 3), np.uint8)
    for row, layer in enumerate(reversed(LAYERS)):
        for column, channel in enumerate(atlas_channels(layer)):
            grown = grow(layer, channel, seed=0, height=128, width=128)
            grown.go_on(grown.steps)
            tile = resize(grown.pixels(), ATLAS_TILE, ATLAS_TILE)
            sheet[
                row * ATLAS_TILE : (row + 1) * ATLAS_TILE, column * ATLAS_TILE : (column + 1) * ATLAS_TILE
            ] = tile
    path.write_bytes(write_jpeg(sheet, quality=84))


if __name__ == "__main__":
    make_atlas()
    print(ATLAS)
