"""Painting in a style: gradients against plain autograd, tiles against the whole, colours against arithmetic,
and what a painter would notice.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.datasets import load_sample_image

from studio.errors import Refused
from studio.images import textures, tiles
from studio.images.networks.opening import open_network
from studio.images.networks.prepared import Prepared
from studio.images.palettes import with_palette_of
from studio.images.pictures import Pixels, read_picture, resize
from studio.images.planning import plan_sizes
from studio.images.recipes import StyleRecipe
from studio.images.style import paint, shapes_layer, texture_layers
from studio.images.textures import Statistics, StyleMeasure, StyleTarget
from studio.images.tiles import Field
from studio.process import finish
from studio.works.recipe import Source
from studio.works.work import Made, Progress

SMALL = {"size": 96, "steps": 6}


def file_of(pixels: Pixels, mode: str = "RGB") -> bytes:
    written = io.BytesIO()
    Image.fromarray(pixels, mode).save(written, "PNG")
    return written.getvalue()


@pytest.fixture(scope="module")
def photo() -> bytes:
    return file_of(resize(np.asarray(load_sample_image("china.jpg")), 120, 180))


@pytest.fixture(scope="module")
def painting() -> bytes:
    """Slanting strokes of orange and violet, unlike anything in the photo."""
    down, across = np.mgrid[0:160, 0:160]
    wave = (np.sin((down * 0.8 + across * 1.1) / 3) > 0)[..., None]
    return file_of(np.where(wave, (240, 140, 30), (90, 20, 140)).astype(np.uint8))


@pytest.fixture(scope="module")
def other_painting() -> bytes:
    down, across = np.mgrid[0:160, 0:160]
    rings = (np.sin(np.hypot(down - 80, across - 80) / 4) > 0)[..., None]
    return file_of(np.where(rings, (20, 200, 90), (250, 250, 200)).astype(np.uint8))


def source(content: bytes, role: str) -> Source:
    return Source(sha256=hashlib.sha256(content).hexdigest(), role=role, name=f"{role}.png")


def watched(
    photo: bytes | None, paintings: Sequence[bytes], *, mask: bytes | None = None, **wishes: object
) -> tuple[Made, list[Progress]]:
    brought = [("photo", photo), *(("style", painting) for painting in paintings), ("mask", mask)]
    sources = {source(content, role): content for role, content in brought if content is not None}
    making = paint(StyleRecipe(sources=tuple(sources), **(SMALL | wishes)), sources.__getitem__)
    seen: list[Progress] = []
    return finish(making, seen.append), seen


def painted(photo: bytes | None, paintings: Sequence[bytes], **wishes: object) -> Pixels:
    return read_picture(watched(photo, paintings, **wishes)[0].content).pixels  # type: ignore[arg-type]


# The loss and its gradient


@pytest.fixture(scope="module")
def network() -> object:
    names = (*texture_layers("efficientnet_lite0"), shapes_layer("efficientnet_lite0"))
    return open_network("efficientnet_lite0", tuple(dict.fromkeys(names)))[0]


class Grid:
    """Of a network whose deepest layer has a place every 16 pixels."""

    stride, smallest = 16, 32


def scene(network: Prepared, height: int, width: int) -> tuple[torch.Tensor, StyleTarget]:
    generator = torch.Generator().manual_seed(1)
    smooth = F.interpolate(
        torch.rand(1, 3, 9, 9, generator=generator), (height, width), mode="bicubic"
    ).clamp(0, 1)
    other = F.interpolate(
        torch.rand(1, 3, 15, 15, generator=generator), (height, width), mode="bicubic"
    ).clamp(0, 1)
    with torch.no_grad():
        found = textures.statistics_of(
            other, network, Field.of(other, network), texture_layers("efficientnet_lite0")
        )
        shapes = network(Field.of(other, network).window(other, next(Field.of(other, network).tiles())))[
            "blocks.2"
        ]
    return smooth, StyleTarget((found,), "blocks.2", shapes, 0.3, 1.5)


def plain_loss(picture: torch.Tensor, network: Prepared, target: StyleTarget) -> torch.Tensor:
    """The loss as in the papers, with PyTorch's own padding and differentiation."""
    height, width = picture.shape[-2:]
    field = Field.of(picture, network)
    top, left = (field.height - height) // 2, (field.width - width) // 2
    around = (left, field.width - width - left, top, field.height - height - top)
    shown = F.pad(picture, around, mode="reflect")
    seen = network(shown)

    def gram(features: torch.Tensor) -> torch.Tensor:
        return torch.einsum("ncij,ndij->cd", features, features) / (features.shape[-1] * features.shape[-2])

    loss = torch.zeros(())
    for layer, wanted in target.textures[0].grams.items():
        loss = loss + F.mse_loss(gram(seen[layer]), wanted) / wanted.square().mean()
    colours = gram(torch.cat([shown, torch.ones_like(shown[:, :1])], 1))
    loss = (
        loss
        + textures.COLOURS_WEIGHT
        * F.mse_loss(colours, target.textures[0].colours)
        / target.textures[0].colours.square().mean()
    )
    loss = (
        loss
        + target.shapes_weight * F.mse_loss(seen["blocks.2"], target.shapes) / target.shapes.square().mean()
    )
    apart = (picture.diff(dim=2).square().mean() + picture.diff(dim=3).square().mean()) * target.smoothness
    return loss + apart


def test_the_slope_is_that_of_the_loss_as_written(network: Prepared) -> None:
    picture, target = scene(network, 83, 130)
    measured = StyleMeasure(picture, network, target)()
    picture = picture.clone().requires_grad_()
    loss = plain_loss(picture, network, target)
    (slope,) = torch.autograd.grad(loss, picture)
    assert measured.loss == pytest.approx(loss.item(), rel=1e-4)
    assert torch.allclose(measured.gradients[0], slope, atol=slope.abs().max().item() * 1e-3)


@pytest.mark.parametrize("quick", [True, False])
def test_the_gradient_of_a_texture_is_laid_out_as_the_features_are(quick: bool) -> None:
    """Channels last; otherwise the next convolution copies it."""
    field = Field.of(torch.zeros(1, 3, 64, 96), Grid())
    tile = next(field.tiles())
    given = torch.rand(1, 12, field.height // 2, field.width // 2)
    features = given.contiguous(memory_format=torch.channels_last).requires_grad_()
    gram = textures._gram(features, field, tile, None, 0, quick)
    (slope,) = torch.autograd.grad((gram * torch.arange(12)).sum(), features)
    assert slope.is_contiguous(memory_format=torch.channels_last)
    flat = given.flatten(2)[0].double()
    weights = torch.arange(12).double().expand(12, 12)
    expected = (weights + weights.T) @ flat / flat.shape[1]
    assert torch.allclose(slope.flatten(2)[0].double(), expected, rtol=1e-4)


def test_tiles_give_the_slope_of_the_whole(network: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    picture, target = scene(network, 290, 420)
    whole = StyleMeasure(picture, network, target)()
    monkeypatch.setattr(tiles, "LARGEST_WHOLE", 0)
    monkeypatch.setattr(tiles, "TILE", 160)
    by_tiles = StyleMeasure(picture, network, target)
    assert len(list(by_tiles.field.tiles())) >= 6
    parts = by_tiles()
    one, other = whole.gradients[0].flatten(), parts.gradients[0].flatten()
    assert parts.loss == pytest.approx(whole.loss, rel=5e-3)
    assert F.cosine_similarity(one, other, dim=0) > 0.99


def test_tiles_cover_the_field_once(network: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "LARGEST_WHOLE", 0)
    monkeypatch.setattr(tiles, "TILE", 96)
    field = Field.of(torch.zeros(1, 3, 250, 333), network)
    covered = np.zeros((field.height, field.width), dtype=int)
    for tile in field.tiles():
        covered[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width] += 1
        assert tile.window_top <= tile.top
        assert tile.window_left <= tile.left
    assert (covered == 1).all()


# What a painter would notice


def colour_distance(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.reshape(-1, 3).mean(axis=0) - other.reshape(-1, 3).mean(axis=0)).sum())


def test_it_takes_on_the_paintings_colours_and_keeps_the_photos_shapes(photo: bytes) -> None:
    flower = file_of(resize(np.asarray(load_sample_image("flower.jpg")), 120, 180))
    result = painted(photo, [flower], steps=30)
    shown, given = read_picture(photo).pixels, read_picture(flower).pixels
    assert colour_distance(result, given) < 0.5 * colour_distance(shown, given)
    light = np.asarray(Image.fromarray(resize(shown, *result.shape[:2])).convert("L"), dtype=float)
    after = np.asarray(Image.fromarray(result).convert("L"), dtype=float)
    assert np.corrcoef(light.ravel(), after.ravel())[0, 1] > 0.5


def test_the_loss_falls_and_every_step_is_told(photo: bytes, painting: bytes) -> None:
    made, seen = watched(photo, [painting], steps=40)
    sizes = plan_sizes(64, 96, StyleRecipe(**(SMALL | {"steps": 40})))
    assert [each.done for each in seen] == list(range(1, sum(size.steps for size in sizes) + 1))
    assert {each.total for each in seen} == {len(seen)}
    assert made.losses[-1] < 0.5 * made.losses[0]
    assert Image.open(io.BytesIO(seen[-1].preview())).size == (96, 64)  # type: ignore[misc]


def test_sizes_grow_from_coarse_to_the_asked_one() -> None:
    sizes = plan_sizes(1500, 2000, StyleRecipe(steps=100))
    assert (sizes[0].width, sizes[0].steps) == (128, 25)
    assert (sizes[-1].height, sizes[-1].width, sizes[-1].steps) == (1500, 2000, 25)
    assert all(later.width / earlier.width < 1.52 for earlier, later in pairwise(sizes))
    assert [size.width for size in plan_sizes(64, 96, StyleRecipe())] == [96]


def test_the_same_recipe_gives_the_same_file_and_another_seed_another(photo: bytes, painting: bytes) -> None:
    made, _ = watched(photo, [painting])
    assert watched(photo, [painting])[0].content == made.content
    assert not np.array_equal(painted(photo, [painting], seed=1), read_picture(made.content).pixels)


def test_luminance_leaves_the_photos_colours(photo: bytes, painting: bytes) -> None:
    result = painted(photo, [painting], colour="luminance", steps=10)
    shown = resize(read_picture(photo).pixels, *result.shape[:2])
    inside = (result.min(axis=2) > 0) & (
        result.max(axis=2) < 255
    )  # where nothing was cut off at black or white
    assert inside.mean() > 0.5
    before, after = (
        np.asarray(Image.fromarray(pixels).convert("YCbCr"), dtype=int)[..., 1:] for pixels in (shown, result)
    )
    assert np.abs(before - after)[inside].max() <= 2
    assert not np.array_equal(result, shown)


def test_content_gives_the_painting_the_photos_colours(photo: bytes, painting: bytes) -> None:
    given, wanted = (
        read_picture(painting).pixels,
        read_picture(photo).pixels // 2 + 64,
    )  # so that nothing is cut off at black or white
    moved = with_palette_of(given, wanted).reshape(-1, 3).astype(float)
    assert np.allclose(moved.mean(axis=0), wanted.reshape(-1, 3).mean(axis=0), atol=1)
    # A painting of two colours varies along one axis only; along that, it gets the photo's variance.
    noisy = np.random.default_rng(0).normal(128, 30, (40, 40, 3)).clip(0, 255).astype(np.uint8)
    spread = np.cov(with_palette_of(noisy, wanted).reshape(-1, 3).T.astype(float))
    assert np.allclose(spread, np.cov(wanted.reshape(-1, 3).T.astype(float)), rtol=0.15, atol=30)


def test_paintings_are_mixed_by_their_weights(photo: bytes, painting: bytes, other_painting: bytes) -> None:
    alone = painted(photo, [painting])
    assert np.array_equal(painted(photo, [painting, other_painting], style_weights=(1, 0)), alone)
    mixed = painted(photo, [painting, other_painting], style_weights=(1, 1), steps=20)
    ours = [read_picture(each).pixels for each in (painting, other_painting)]
    assert max(colour_distance(mixed, each) for each in ours) < colour_distance(ours[0], ours[1])


def test_strength_decides_how_much_of_the_photo_stays(photo: bytes, painting: bytes) -> None:
    near, far = (
        painted(photo, [painting], strength=strength, steps=30).astype(float) for strength in (0.0, 1.0)
    )
    shown = resize(read_picture(photo).pixels, *near.shape[:2]).astype(float)
    edges = [np.abs(np.diff(each.mean(axis=2), axis=1)).ravel() for each in (near, far, shown)]
    assert np.corrcoef(edges[0], edges[2])[0, 1] > np.corrcoef(edges[1], edges[2])[0, 1]


def test_outside_the_mask_the_photo_stays(photo: bytes, painting: bytes) -> None:
    light = np.zeros((64, 96), dtype=np.uint8)
    light[:, :40] = 255
    result = painted(photo, [painting], mask=file_of(light, "L"), feather=2)
    shown = resize(read_picture(photo).pixels, *result.shape[:2])
    assert np.array_equal(result[:, 60:], shown[:, 60:])
    assert np.abs(result[:, :30].astype(int) - shown[:, :30]).mean() > 8


def test_alpha_stays(photo: bytes, painting: bytes) -> None:
    pixels = read_picture(photo).pixels
    clear = (
        np.where(np.arange(pixels.shape[1]) < 60, 0, 255).astype(np.uint8)[None].repeat(pixels.shape[0], 0)
    )
    made, _ = watched(file_of(np.dstack([pixels, clear]), "RGBA"), [painting], steps=2)
    alpha = read_picture(made.content).alpha
    assert alpha is not None
    assert (alpha[:, :20] == 0).all()
    assert (alpha[:, 60:] == 255).all()


@pytest.mark.parametrize(
    ("brought", "wishes", "said"),
    [
        ((False, 1), {}, "needs a photo"),
        ((True, 0), {}, "No painting was given"),
        ((True, 1), {"style_weights": (1.0, 2.0)}, "1 painting and 2 weights"),
        ((True, 1), {"style_weights": (0.0,)}, "weights are all 0"),
        ((True, 1), {"backbone": "vgg18"}, "did you mean 'vgg1"),
    ],
)
def test_what_cannot_be_painted_is_told_in_a_sentence(
    photo: bytes, painting: bytes, brought: tuple[bool, int], wishes: dict[str, object], said: str
) -> None:
    with_photo, paintings = brought
    with pytest.raises(Refused, match=said):
        watched(photo if with_photo else None, [painting] * paintings, **wishes)


def test_statistics_of_a_plain_picture_are_its_colour(network: Prepared) -> None:
    grey = torch.full((1, 3, 64, 64), 0.25)
    found: Statistics = textures.statistics_of(grey, network, Field.of(grey, network), ("bn1",))
    assert torch.allclose(found.colours[:3, 3], torch.full((3,), 0.25), atol=1e-5)
    assert torch.allclose(found.colours[:3, :3], torch.full((3, 3), 0.0625), atol=1e-5)
