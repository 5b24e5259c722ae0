"""Pieces of the painting: cuts against all ways there are, tiles against the whole, colours against ranks,
and what somebody who looks would notice.
"""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_image

from studio.images.instant import pieces as laying
from studio.images.instant.painters import painter_for
from studio.images.instant.painting import paint_at_once
from studio.images.instant.pieces import OVERLAP, PIECE, SPACING, Pieces, lay_pieces
from studio.images.instant.whole import paint_windows
from studio.images.paintings.catalogue import PAINTINGS
from studio.images.pictures import Pixels, read_picture, resize
from studio.images.recipes import StyleRecipe
from studio.images.requests import resolve_weights_to_paint
from studio.images.style import paint
from studio.process import finish
from studio.works.ingredient import Ingredient
from studio.works.recipe import Setting, Source, parse_json
from tests.app.photos import picture
from tests.conftest import Studio

BEFORE = Setting(versions={"studio": "0.5.0"})


@pytest.fixture(scope="module")
def photo() -> Pixels:
    return resize(np.asarray(load_sample_image("china.jpg")), 214, 320)


@pytest.fixture(scope="module")
def glass() -> Pieces:
    return Pieces.of(pixels_of("glass"))


def pixels_of(name: str) -> Pixels:
    return read_picture(PAINTINGS[name].path.read_bytes(), name).pixels


def laid(pieces: Pieces, photo: Pixels, strength: float = 0.5, seed: int = 0) -> Pixels:
    painted = photo.copy()
    lay_pieces(pieces, photo, painted, strength, seed)
    return painted


def test_the_cut_is_the_way_of_least_error_among_all() -> None:
    error = torch.rand(3, 5, 4, generator=torch.Generator().manual_seed(0))
    for found, errors in zip(laying._beyond_cut(error), error.numpy(), strict=True):
        ways = (
            way
            for way in itertools.product(range(4), repeat=5)
            if all(abs(here - there) <= 1 for here, there in itertools.pairwise(way))
        )
        best = min(ways, key=lambda way: sum(errors[row, column] for row, column in enumerate(way)))
        assert (4 - found.sum(1)).int().tolist() == list(best)


def test_a_painting_laid_over_itself_stays_itself() -> None:
    """Its own pieces fit best."""
    ground = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    painting = np.asarray(Image.fromarray(ground).resize((640, 640), Image.Resampling.BICUBIC))
    again = laid(Pieces.of(painting), painting)
    apart = np.abs(again.astype(int) - painting).mean()
    other = np.abs(painting[::-1].astype(int) - painting).mean()
    assert apart < 0.7 * other


def test_a_photo_is_finished_in_tiles_as_it_is_as_a_whole(
    photo: Pixels, glass: Pieces, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_one = laid(glass, photo)
    monkeypatch.setattr(laying, "LARGEST_WHOLE", 0)
    monkeypatch.setattr(laying, "TILE", 128)
    in_tiles = laid(glass, photo)
    assert np.abs(in_one.astype(int) - in_tiles).max() <= 1
    assert np.abs(in_one.astype(int) - photo).mean() > 10


def test_there_is_no_edge_where_pieces_meet(
    photo: Pixels, glass: Pieces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Along the borders of the grid, neighbours differ hardly more than beside them; without cuts, twice as
    much.
    """
    larger = resize(photo, 428, 640)

    def excess() -> float:
        painted, found = laid(glass, larger, 1.0).astype(float), []
        for axis in (0, 1):
            steps = np.abs(np.diff(painted, axis=axis)).mean(axis=(1 - axis, 2))
            for border in range(SPACING - OVERLAP, len(steps) - OVERLAP - 8, SPACING):
                for place in (border - 1, border + OVERLAP - 1):  # a piece begins, the one before it ends
                    beside = steps[[place + away for away in (-4, -3, -2, 2, 3, 4)]]
                    found.append(steps[place] / beside.mean())
        return float(np.mean(found))

    assert excess() < 1.25
    monkeypatch.setattr(laying, "_cut", lambda error, _covered: torch.ones_like(error))
    assert excess() > 1.8


@pytest.mark.parametrize("shape", [(8, 300), (33, 17), (64, 64), (97, 95)])
def test_any_shape_can_be_laid(shape: tuple[int, int], glass: Pieces) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert laid(glass, pixels).shape == pixels.shape


@pytest.mark.parametrize("shape", [(40, 640), (900, 30), (3, 3)])
def test_any_painting_has_pieces(shape: tuple[int, int], photo: Pixels) -> None:
    painting = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    pieces = Pieces.of(painting)
    assert pieces.cut_out(torch.arange(2)).shape == (2, 3, PIECE, PIECE)
    assert laid(pieces, photo).std() > 1


def test_strength_seed_and_photo_count(photo: Pixels, glass: Pieces) -> None:
    usual = laid(glass, photo)
    assert np.array_equal(usual, laid(glass, photo))
    assert not np.array_equal(usual, laid(glass, photo, seed=1))
    assert np.array_equal(laid(glass, photo, 0.0), photo)
    weak, strong = (laid(glass, photo, strength) for strength in (0.25, 1.0))
    blurred = np.asarray(Image.fromarray(photo).reduce(8), float)

    def likeness(painted: Pixels) -> float:
        seen = np.asarray(Image.fromarray(painted).reduce(8), float)
        return float(np.corrcoef(seen.mean(2).ravel(), blurred.mean(2).ravel())[0, 1])

    assert likeness(weak) > likeness(usual) > likeness(strong)
    assert likeness(usual) > 0.5


def test_colours_get_the_ranks_of_the_paintings() -> None:
    generator = torch.Generator().manual_seed(3)
    cells = torch.rand(1, 3, 20, 30, generator=generator) ** 3
    cells[..., :5, :5] = 0.5  # a flat part stays flat
    wanted = torch.rand(1, 3, 40, 40, generator=generator) * torch.tensor([1, 0.5, 0.2]).view(1, 3, 1, 1)
    found = laying._in_colours_of(cells, wanted)
    assert found[..., :5, :5].flatten(2).std(2).max() < 1e-5
    for channel in range(3):
        own, theirs = found[0, channel].flatten(), wanted[0, channel].flatten()
        assert abs(own.median() - theirs.median()) < 0.08
        assert abs(own.quantile(0.9) - theirs.quantile(0.9)) < 0.12


# --- In works


def recipe_of(more: str = "") -> tuple[StyleRecipe, dict[str, bytes]]:
    """A recipe as studio 0.5.0 wrote it in a work, and its materials."""
    contents = {"photo": picture(), "style": PAINTINGS["woodcut"].path.read_bytes()}
    sources = ",".join(
        f'{{"role":"{role}","sha256":"{hashlib.sha256(content).hexdigest()}"}}'
        for role, content in contents.items()
    )
    text = (
        '{"kind":"style","painter":"instant","schema_version":1,"seed":3,"size":160,"strength":0.4,'
        f'{more}"sources":[{sources}]}}'
    )
    recipe = parse_json(StyleRecipe, text).model_copy(update={"setting": BEFORE})
    assert isinstance(recipe, StyleRecipe)
    return recipe, {hashlib.sha256(each).hexdigest(): each for each in contents.values()}


def test_a_work_of_before_keeps_its_pixels_and_a_new_one_has_pieces() -> None:
    old, contents = recipe_of()
    assert not old.pieces
    assert '"pieces"' not in old.to_json()

    def made(recipe: StyleRecipe) -> Pixels:
        def read(source: Source) -> bytes:
            return contents[source.sha256]

        return read_picture(finish(paint(recipe, read)).content).pixels

    photo = read_picture(picture(), "photo").pixels
    height, width = made(old).shape[:2]
    shown = resize(photo, height, width)
    painter = painter_for(old.sources[1].sha256, "Woodcut")
    network_alone = np.empty_like(shown)
    for _ in paint_windows(painter, shown, 0.4, 3, network_alone):
        pass
    np.testing.assert_array_equal(made(old), network_alone)
    new, _ = recipe_of('"pieces":true,')
    assert new.fingerprint != old.fingerprint
    with_pieces = network_alone.copy()
    lay_pieces(Pieces.of(pixels_of("woodcut")), shown, with_pieces, 0.4, 3)
    np.testing.assert_array_equal(made(new), with_pieces)


def test_pieces_are_laid_only_where_they_are_asked_for() -> None:
    given = [Ingredient("photo", picture(), "p.png"), PAINTINGS["glass"].ingredient()]
    for painter in ("instant", "refined", "optimised"):
        assert "pieces" not in resolve_weights_to_paint({"painter": painter}, given)[0]
    assert resolve_weights_to_paint({"painter": "instant", "pieces": True}, given)[0]["pieces"] is True


def test_several_paintings_are_mixed_with_their_pieces(photo: Pixels) -> None:
    painters = [
        painter_for(hashlib.sha256(PAINTINGS[name].path.read_bytes()).hexdigest(), name).with_pieces(
            pixels_of(name)
        )
        for name in ("glass", "woodcut")
    ]

    def painted(*weights: float) -> Pixels:
        return finish(paint_at_once(StyleRecipe(style_weights=weights), photo, painters), lambda _: None)

    both = painted(1, 3)
    np.testing.assert_allclose(both, 0.25 * painted(1, 0) + 0.75 * painted(0, 1), atol=1)


def test_the_command_line_paints_at_once_and_remakes_it(studio: Studio, tmp_path: Path) -> None:
    Image.effect_noise((96, 72), 60).convert("RGB").save(tmp_path / "photo.png")
    status, _, err = studio(
        "style", tmp_path / "photo.png", "glass", "-o", "p.png", "--painter", "instant", "--size", "96"
    )
    assert (status, "painted at once, " in err) == (0, True)
    assert studio("remake", "p.png")[1].strip() == "Identical, to the byte."


def test_fine_structure_stays_and_a_sky_does_not(glass: Pieces) -> None:
    """The left half is a sky, the right one has a face's detail: there the network's picture stays."""
    detail = np.random.default_rng(2).integers(60, 200, (96, 96, 3), dtype=np.uint8)
    photo = np.full((320, 640, 3), 130, np.uint8)
    photo[:, 320:] = np.asarray(Image.fromarray(detail).resize((320, 320), Image.Resampling.BICUBIC))
    changed = np.abs(laid(glass, photo).astype(int) - photo).mean(axis=2)
    assert changed[:, 360:].mean() < 0.6 * changed[:, :280].mean()
    full = np.abs(laid(glass, photo, 1.0).astype(int) - photo).mean(axis=2)
    assert full[:, 360:].mean() > 1.5 * changed[:, 360:].mean()


def test_a_print_chooses_the_size_for_every_painter() -> None:
    given = [Ingredient("photo", picture(), "p.png"), PAINTINGS["glass"].ingredient()]
    sizes = {
        painter: resolve_weights_to_paint({"painter": painter, "print": "10x10cm@254"}, given)[0].get("size")
        for painter in ("instant", "refined", "optimised")
    }
    assert sizes == {"instant": 1000, "refined": 1000, "optimised": 1000}
