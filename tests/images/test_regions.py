"""Regions: each has its own look, nothing changes outside, and the studio finds some by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

import studio as studio_library
from studio.errors import Refused, UnknownName
from studio.images import textures, tiles
from studio.images.areas import Areas, RegionLooks, window_of
from studio.images.dream import Climb
from studio.images.networks.opening import open_network
from studio.images.planning import Size
from studio.images.presets import PRESETS, with_preset
from studio.images.recipes import DreamRecipe
from studio.images.regions import OWN_VALUES, Region, read_regions
from studio.images.segments import segments_of
from studio.images.style import texture_layers
from studio.images.textures import FieldAreas, StyleMeasure, StyleTarget
from studio.images.tiles import Field
from studio.works.recipe import check
from tests.conftest import Studio
from tests.images.test_dream import dreamt, pixels_of, png, scene, watch

LEFT = np.zeros((72, 96), np.uint8)
LEFT[:, :48] = 255

LOOKS = ("area 1=mine(blocks.2)", "rest=other(blocks.1:3, own colours)*0.5")


def halves(*regions: str, **fields: Any) -> np.ndarray:
    """A dream with a region on the left half."""
    return dreamt(scene(), {"region": png(LEFT)}, regions=regions, feather=0.0, octaves=2, **fields)


# --- As they are written


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("subject", Region("subject")),
        ("segment2 = weave*.5".replace(" ", ""), Region("segment 2", "weave", strength=0.5)),
        (
            "area 1=woodcut(blocks.1 + blocks.2:3*2, own colours)*0.8",
            Region("area 1", "woodcut", ("blocks.1", "blocks.2:3*2"), own_colours=True, strength=0.8),
        ),
        ("rest*0.25", Region("rest", strength=0.25)),
        (
            "subject=roses(blocks.3:11, even 0.5, hold_shapes 1)",
            Region("subject", "roses", ("blocks.3:11",), values=(("even", 0.5), ("hold_shapes", 1.0))),
        ),
    ],
)
def test_a_region_is_read_and_written_back(text: str, region: Region) -> None:
    assert Region.read(text) == region
    assert Region.read(str(region)) == region


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["sky=weave"], "'sky=weave' is not a region"),
        (["subject*0"], "must be more than 0"),
        (["subject*1.5"], "at most 1"),
        (["segment 7"], "There is no segment 7: segments are numbered from 1 to 6"),
        (["rest=weave(blocks.2, even 1.5)"], "at most 1"),
        (["rest=weave", "rest=mosaic"], "'rest' is there twice"),
    ],
)
def test_what_is_no_region_is_told(texts: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_regions(texts)


def test_two_spellings_are_one_recipe() -> None:
    one, other = (check(DreamRecipe, {"regions": [text]}) for text in ("segment2=a*0.50", "segment 2=a*.5"))
    assert one.fingerprint == other.fingerprint
    assert "regions" not in json.loads(DreamRecipe().to_json())


# --- Dreams


def test_nothing_changes_outside_the_regions() -> None:
    photo = scene()
    changed = np.abs(halves("area 1").astype(int) - photo).max(axis=2)
    assert changed[:, 48:].max() == 0
    assert changed[:, :40].mean() > 3


def test_each_region_dreams_its_own_look() -> None:
    both = halves("area 1=a(blocks.2)", "rest=b(blocks.4)").astype(float)
    alone = [dreamt(scene(), layers=(layer,), octaves=2).astype(float) for layer in ("blocks.2", "blocks.4")]
    for look, half in ((0, slice(0, 32)), (1, slice(64, 96))):
        away = [np.abs(both[:, half] - one[:, half]).mean() for one in alone]
        assert away[look] < 0.75 * away[1 - look]


def test_layers_left_to_chance_do_not_matter_where_every_region_has_its_own() -> None:
    assert (halves(*LOOKS, layers=("blocks.4:random",)) == halves(*LOOKS, layers=("blocks.2",))).all()


def test_a_weak_region_changes_as_fast_as_a_strong_one() -> None:
    """One whose features are tiny must not wait for the other's."""
    photo = scene()
    changed = np.abs(halves("area 1=a(blocks.0:1*0.001)", "rest=b(blocks.4*1000)").astype(int) - photo)
    one, other = changed[:, :40].mean(), changed[:, 56:].mean()
    assert 0.5 < one / other < 2


def test_own_colours_and_strength_are_of_one_region() -> None:
    photo = scene().astype(int)
    both = halves(*LOOKS).astype(int)
    full = halves(LOOKS[0], LOOKS[1].removesuffix("*0.5")).astype(int)
    right = both[:, 56:] - photo[:, 56:]
    assert np.ptp(right, axis=2).max() <= 2, "light and dark only"
    assert np.ptp(both[:, :40] - photo[:, :40], axis=2).max() > 10, "and the other in all colours"
    ratio = np.abs(right).mean() / np.abs(full[:, 56:] - photo[:, 56:]).mean()
    assert ratio == pytest.approx(0.5, abs=0.05)


def test_each_region_has_its_looks_own_spread() -> None:
    """A photo's fine structure is held in one half and not in the other, whatever the recipe says."""
    one, other = (
        halves(
            "area 1=a(blocks.2, hold_detail 1, hold_shapes 1)",
            "rest=b(blocks.2, hold_detail 0, hold_shapes 0)",
        ),
        halves("area 1=a(blocks.2)", "rest=b(blocks.2)"),
    )
    photo = scene().astype(int)
    held, free = (np.abs(made.astype(int) - photo).mean(2) for made in (one, other))
    assert held[:, :44].mean() < 0.8 * free[:, :44].mean()
    assert held[:, 52:].mean() > 0.9 * free[:, 52:].mean()
    written = with_preset({"preset": "weave", "regions": ["subject=roses", "rest"]})["regions"]
    values = dict(Region.read(written[0]).values)
    assert values == {name: PRESETS["roses"].values[name] for name in OWN_VALUES}
    assert written[1] == "rest"


def test_what_a_region_sets_itself_goes_before_its_look() -> None:
    asked = {"preset": "weave", "regions": ["rest=roses(own colours, even 0.1, hold_shapes 0)*0.5"]}
    (written,) = (Region.read(text) for text in with_preset(asked)["regions"])
    looks = PRESETS["roses"].values
    own = {"even": 0.1, "hold_shapes": 0.0}
    assert dict(written.values) == {name: looks[name] for name in OWN_VALUES} | own
    assert (written.layers, written.own_colours, written.strength) == (looks["layers"], True, 0.5)


def test_what_is_set_for_the_whole_dream_goes_before_a_regions_look() -> None:
    def values_of(**asked: object) -> dict[str, float]:
        fields = {"preset": "weave", "regions": ["rest=roses(hold_detail 0.2)"]} | asked
        return dict(Region.read(with_preset(fields)["regions"][0]).values)

    roses = {name: PRESETS["roses"].values[name] for name in OWN_VALUES} | {"hold_detail": 0.2}
    assert values_of() == roses
    assert values_of(even=1, hold_detail=0.9) == roses | {"even": 1.0}
    sent_by_the_page = {name: PRESETS["weave"].values[name] for name in OWN_VALUES}
    assert values_of(**sent_by_the_page) == roses
    assert values_of(even="much") == values_of(even=7) == roses


def test_a_dream_whose_regions_hold_no_shapes_has_no_picture_of_where() -> None:
    photo = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    share = np.full((1, 8, 8), 255, np.uint8)

    def shapes_in(text: str) -> torch.Tensor | None:
        areas = Areas((Region.read(text),), share)
        looks = RegionLooks.at(Size(8, 8, 1), areas, None, torch.device("cpu"))
        return Climb(DreamRecipe(hold_shapes=0.5), photo, None, looks).shapes_in

    assert shapes_in("rest=a(hold_shapes 0)") is None
    held = shapes_in("rest=a")
    assert held is not None
    assert held.unique().tolist() == [0.5]


def test_a_large_picture_in_tiles_knows_its_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.images.dream.LARGEST_WHOLE", 0.1)
    photo = scene(200, 340)
    mask = np.zeros((200, 340), np.uint8)
    mask[:, 170:] = 255
    changed = np.abs(
        dreamt(photo, {"region": png(mask)}, regions=("area 1",), feather=0.0, octaves=1, tile=256)
        - 0.0
        - photo
    )
    assert changed[:, :170].max() == 0
    assert changed[:, 180:].mean() > 2


def test_where_regions_overlap_they_share_the_place() -> None:
    photo = scene()
    everywhere = np.full((72, 96), 255, np.uint8)
    seen, made = watch(
        png(photo),
        {"region": png(everywhere)},
        regions=("area 1=a(blocks.2)", "subject=b(blocks.2)"),
        octaves=2,
    )
    plain = dreamt(photo, octaves=2).astype(int)
    assert np.abs(pixels_of(made.content).astype(int) - plain).mean() < 4
    assert seen[-1].preview is not None
    seen[-1].preview()


@pytest.mark.parametrize(
    ("regions", "region", "said"),
    [
        (("area 1",), np.zeros((72, 96), np.uint8), "has no pixels"),
        (("area 1", "rest"), np.full((72, 96), 255, np.uint8), "nothing is left for 'rest'"),
        (("area 2",), LEFT, "has no picture"),
        (("rest",), LEFT, "has no look"),
    ],
)
def test_a_region_that_cannot_be_is_told(regions: tuple[str, ...], region: np.ndarray, said: str) -> None:
    photo = np.full((72, 96, 3), 120, np.uint8)
    photo[:, 48:] = 40
    with pytest.raises(Refused, match=said):
        dreamt(photo, {"region": png(region)}, regions=regions)


# --- Paintings


def painted_target(height: int, width: int) -> tuple[torch.Tensor, StyleTarget, torch.Tensor, Any]:
    """A picture, what its two halves are compared with, the shares [2, h, w], and the network."""
    network, _ = open_network("efficientnet_lite0", (*texture_layers("efficientnet_lite0"), "blocks.2"), None)
    generator = torch.Generator().manual_seed(3)

    def blobs(count: int) -> torch.Tensor:
        made = torch.rand(1, 3, count, count, generator=generator)
        return F.interpolate(made, (height, width), mode="bicubic").clamp(0, 1)

    picture, field = blobs(9), Field.of(blobs(9), network)
    shares = torch.zeros(2, height, width, dtype=torch.uint8)
    shares[0, :, : width // 2] = 255
    shares[1, :, width // 2 :] = 200
    parts = FieldAreas(window_of(shares, -field.above, -field.beside, field.height, field.width))
    layers = texture_layers("efficientnet_lite0")
    with torch.no_grad():
        known = tuple(textures.statistics_of(blobs(n), network, field, layers) for n in (15, 21))
        shapes = textures.features_of_field(picture.flip(3), network, field, "blocks.2")
    held = torch.ones(1, 1, *shapes.shape[-2:])
    return picture, StyleTarget(known, "blocks.2", shapes, 0.3, 1.5, parts, held), shares, network


def test_the_loss_of_regions_is_that_of_the_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gatys et al. 2017, equation 5, with PyTorch's own padding and differentiation."""
    picture, target, _, network = painted_target(96, 130)
    field = Field.of(picture, network)
    measured = StyleMeasure(picture, network, target)()
    given = picture.clone().requires_grad_()
    around = (field.beside, field.width - 130 - field.beside, field.above, field.height - 96 - field.above)
    shown = F.pad(given, around, mode="reflect")
    seen = dict(network(shown)) | {"colours": torch.cat([shown, torch.ones_like(shown[:, :1])], 1)}
    assert target.areas is not None
    whole = target.areas.at(1)
    loss = torch.zeros(())
    for place, wanted in enumerate(target.textures):
        for name, gram in (*wanted.grams.items(), ("colours", wanted.colours)):
            share = F.interpolate(whole[:, place : place + 1], seen[name].shape[-2:], mode="area")
            found = torch.einsum("nchw,ndhw,nhw->cd", seen[name], seen[name], share[:, 0]) / share.sum()
            weight = textures.COLOURS_WEIGHT if name == "colours" else 1.0
            error = F.mse_loss(found, gram) / gram.square().mean()
            loss = loss + weight * whole[:, place].mean() * error
    loss = loss + 0.3 * F.mse_loss(seen["blocks.2"], target.shapes) / target.shapes.square().mean()
    loss = loss + 1.5 * (given.diff(dim=2).square().mean() + given.diff(dim=3).square().mean())
    (slope,) = torch.autograd.grad(loss, given)
    assert measured.loss == pytest.approx(loss.item(), rel=1e-3)
    assert torch.allclose(measured.gradients[0], slope, atol=slope.abs().max().item() * 2e-3)

    monkeypatch.setattr(tiles, "LARGEST_WHOLE", 0)
    monkeypatch.setattr(tiles, "TILE", 96)
    by_tiles = StyleMeasure(picture, network, target)
    assert not by_tiles.field.whole
    part = by_tiles()
    one, other = measured.gradients[0].flatten(), part.gradients[0].flatten()
    assert float(F.cosine_similarity(one, other, dim=0)) > 0.98


# --- What the studio finds


def composed(size: int = 240) -> tuple[np.ndarray, np.ndarray]:
    """A speckled thing on a plain background, and where it is."""
    generator = np.random.default_rng(4)
    ground = gaussian_filter(generator.normal(120, 30, (size, size, 3)), (9, 9, 0)) * [0.8, 0.9, 1.1]
    shape = Image.new("L", (size, size))
    ImageDraw.Draw(shape).ellipse((70, 60, 175, 200), fill=255)
    inside = np.asarray(shape) > 0
    thing = gaussian_filter(generator.normal(130, 160, (size, size, 3)), (1.5, 1.5, 0)) * [1.3, 0.7, 0.5]
    return np.where(inside[..., None], thing, ground).clip(0, 255).astype(np.uint8), inside


def test_the_subject_is_found_and_the_segments_make_up_the_picture() -> None:
    photo, inside = composed()
    found = segments_of(photo)
    where = np.asarray(Image.fromarray(inside).resize(found.subject.shape[::-1]))
    subject = found.light("subject") > 127
    assert (subject & where).sum() / (subject | where).sum() > 0.6
    assert (found.light("background").astype(int) + found.light("subject") == 255).all()
    assert found.parts.sum(0) == pytest.approx(1, abs=1e-4)
    assert np.array_equal(segments_of(photo).parts, found.parts)
    with pytest.raises(Refused, match="so there is no segment 99"):
        found.light("segment 99")


@pytest.mark.parametrize("colour", [0, 128, 255])
def test_a_picture_of_one_colour_has_segments_too(colour: int) -> None:
    found = segments_of(np.full((40, 90, 3), colour, np.uint8))
    assert np.isfinite(found.subject).all()
    assert found.parts.sum(0) == pytest.approx(1, abs=1e-4)


# --- Ways in


@pytest.fixture
def files(tmp_path: Path) -> Path:
    photo, inside = composed(120)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    Image.fromarray((inside * 255).astype(np.uint8)).save(tmp_path / "thing.png")
    return tmp_path


def test_the_command_takes_files_places_and_looks(studio: Studio, files: Path) -> None:
    given = ("dream", files / "photo.png", "--size", "64", "--steps", "1", "--octaves", "1")
    regions = ("--region", f"{files / 'thing.png'}=weave*0.5", "--region", "rest=woodcut")
    code, out, err = studio(*given, *regions, "-o", files / "dream.png")
    assert (code, out.strip()) == (0, str(files / "dream.png")), err
    recipe = json.loads(studio("show", files / "dream.png", "--json")[1])
    assert recipe["regions"][0].startswith("area 1=weave(blocks.2, even 0.5, vary_size 0.5, ")
    assert recipe["regions"][0].endswith(")*0.5")
    assert recipe["regions"][1].startswith("rest=woodcut(blocks.1, own colours, even 0.9, ")
    assert "in regions, thing as weave at 50%, the rest as woodcut" in err
    assert "Identical" in studio("remake", files / "dream.png")[1]


def test_paintings_are_named_by_their_regions(studio: Studio, files: Path) -> None:
    given = ("style", files / "photo.png", "--painter", "instant", "--size", "96")
    regions = ("--region", "subject=glass", "--region", "rest=woodcut")
    code, _, err = studio(*given, *regions, "-o", files / "painted.png")
    assert code == 0, err
    recipe = json.loads(studio("show", files / "painted.png", "--json")[1])
    assert recipe["regions"] == ["subject=1", "rest=2"]
    assert [source["name"] for source in recipe["sources"] if source["role"] == "style"] == [
        "glass.jpg",
        "woodcut.jpg",
    ]
    again = studio_library.style(
        files / "photo.png",
        painter="instant",
        size=96,
        region=["subject=glass", "rest=woodcut"],
        progress=False,
    )
    assert again.recipe.fingerprint == check(type(again.recipe), recipe).fingerprint


@pytest.mark.parametrize(
    ("regions", "said"),
    [
        (["nothing.png=weave"], "'nothing.png' is neither a file nor a place"),
        (["subject=sky"], "There is no preset 'sky'"),
        (["{}=weave", "{}=mosaic"], "is there twice"),
        (["subject=weave*-3"], "The strength of the region 'subject' is -3; it must be more than 0"),
    ],
)
def test_a_wrong_region_is_answered_in_a_sentence(
    studio: Studio, files: Path, regions: list[str], said: str
) -> None:
    options = [word for text in regions for word in ("--region", text.format(files / "thing.png"))]
    code, _, err = studio("dream", files / "photo.png", "--size", "64", *options, "-o", files / "dream.png")
    assert code == 2
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert not (files / "dream.png").exists()


def test_segments_are_listed_and_written(studio: Studio, files: Path) -> None:
    code, out, _ = studio("segments", files / "photo.png", "-o", files / "parts", "--json")
    told = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert {each["place"] for each in told} >= {"segment 1", "subject", "background"}
    for each in told:
        with Image.open(files / "parts" / f"{each['place'].replace(' ', '-')}.png") as picture:
            share = np.asarray(picture.convert("L")).mean() / 255
        assert share == pytest.approx(each["share"], abs=0.01)
    assert (files / "parts" / "segments.png").is_file()


def test_python_gives_the_parts_of_a_photo_as_regions_take_them() -> None:
    photo = Image.fromarray(composed()[0])
    parts = {part.place: part for part in studio_library.segments(photo)}
    assert list(parts)[-2:] == ["subject", "background"]
    assert all(part.image.size == photo.size for part in parts.values())
    assert sum(part.share for place, part in parts.items() if place.startswith("segment")) == pytest.approx(
        1, abs=0.03
    )
    assert read_regions([f"{place}=weave" for place in parts])


def test_python_takes_several_paintings_one_by_one_or_as_a_list(files: Path) -> None:
    for paintings in (("glass", "glas"), (["glass", "glas"],)):
        with pytest.raises(UnknownName, match="There is no painting 'glas'; did you mean 'glass'"):
            studio_library.style(files / "photo.png", *paintings, progress=False)
