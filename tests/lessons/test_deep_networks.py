"""What the layers see, against timm's copy of the network; how far a place sees, against its gradient."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from studio.images.networks.backbones import BACKBONES, DEFAULT, weights_path
from studio.lessons.deep_networks.atlas import ATLAS, ATLAS_COLUMNS, atlas_channels
from studio.lessons.deep_networks.lesson import LESSON
from studio.lessons.deep_networks.model import (
    CHANNELS,
    LAYERS,
    PHOTO_SIDE,
    DeepNetworksState,
    excitement,
    field_of_view,
    grow,
    strongest,
)
from studio.lessons.kit.lesson import Action
from studio.lessons.kit.scene import Heat, PictureView
from studio.lessons.shared.pictures import noise, sample


@pytest.fixture(scope="module")
def state() -> DeepNetworksState:
    return LESSON.begin(LESSON.settings())


def seen_by_timm(photo: np.ndarray) -> dict[str, np.ndarray]:
    """The same layers of timm's tf_efficientnet_lite0, whose state dict the package's file fits one to
    one, in order.
    """
    timm = pytest.importorskip("timm")
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    weights = torch.load(weights_path(BACKBONES[DEFAULT]), map_location="cpu", weights_only=True)
    network.load_state_dict(dict(zip(network.state_dict(), weights.values(), strict=True)))
    seen: dict[str, np.ndarray] = {}
    for layer in LAYERS:
        module = network.get_submodule(layer)
        module.register_forward_hook(lambda _, __, out, layer=layer: seen.__setitem__(layer, out[0].numpy()))
    with torch.no_grad():
        network((torch.from_numpy(photo.copy()).permute(2, 0, 1)[None] / 255 - 0.5) / 0.5)
    return seen


def test_every_layer_sees_what_the_same_network_sees_in_timm(state: DeepNetworksState) -> None:
    other = seen_by_timm(state.photo)
    for layer in LAYERS:
        assert state.seen[layer].shape[0] == CHANNELS[layer]
        # timm's bn1 bends what it gives (ReLU6); ours is looked at before that.
        ours = state.seen[layer].clip(0, 6) if layer == "bn1" else state.seen[layer]
        assert np.allclose(ours, other[layer], atol=2e-3 * np.abs(other[layer]).max()), layer
        by_hand = (
            np.where(other[layer] > 0, other[layer], 0).reshape(len(other[layer]), -1).sum(axis=1)
            / other[layer][0].size
        )
        assert (
            strongest(ours, 3) == sorted(range(len(by_hand)), key=lambda n, by_hand=by_hand: -by_hand[n])[:3]
        )


@pytest.mark.parametrize("layer", ["bn1", "blocks.0", "blocks.1", "blocks.2", "blocks.3"])
def test_a_place_sees_as_far_as_its_gradient_reaches(layer: str) -> None:
    """Every path counts once weights and bends are taken away: so the reach is that of a network whose
    weights are all one.
    """
    from studio.images.networks.efficientnet_lite import EfficientNetLite0

    network = EfficientNetLite0().eval()
    for parameter in network.parameters():
        parameter.requires_grad_(False).fill_(1e-3 if parameter.ndim == 4 else 1.0)
    picture = torch.full((1, 3, 384, 384), 0.5, requires_grad=True)
    found: list[torch.Tensor] = []
    network.get_submodule(layer).register_forward_hook(lambda _, __, out: found.append(out))
    network(picture)
    side = found[0].shape[-1] // 2
    (gradient,) = torch.autograd.grad(found[0][0, 0, side, side], picture)
    rows = torch.nonzero(gradient[0, 0].abs().amax(dim=1)).flatten()
    assert int(rows[-1] - rows[0]) + 1 == field_of_view(layer)


def test_deeper_layers_see_further_and_have_fewer_places(state: DeepNetworksState) -> None:
    views = [field_of_view(layer) for layer in LAYERS]
    assert views == sorted(set(views))
    places = [state.seen[layer][0].size for layer in LAYERS]
    assert places == sorted(places, reverse=True)


def test_growing_raises_the_answer_that_the_network_gives() -> None:
    """Measured afresh on the finished picture, not read off the curve."""
    from studio.images.networks.opening import open_network

    grown = grow("blocks.2", 7, seed=3, height=96, width=96)
    grown.go_on(grown.steps)

    def mean_answer(pixels: np.ndarray) -> float:
        picture = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            return float(open_network(DEFAULT, ("blocks.2",))[0](picture)["blocks.2"][0, 7].mean())

    assert mean_answer(grown.pixels()) > mean_answer(noise(96, 96, 3)) + 3
    assert grown.losses[-1] > 5 * abs(grown.losses[0])


def test_the_first_action_changes_the_picture(state: DeepNetworksState) -> None:
    before = LESSON.draw(state)
    after = LESSON.act(LESSON.act(state, Action("play")), Action("advance"))
    shown = [
        next(mark.url for mark in each.figures[1].marks if isinstance(mark, PictureView))
        for each in (before, LESSON.draw(after))
    ]
    assert shown[0] != shown[1]
    assert after.playing
    assert "Step 1 of" in LESSON.draw(after).says


def test_a_click_on_a_tile_chooses_its_layer_and_its_strongest_channel(state: DeepNetworksState) -> None:
    """The tiles stand four in a row from the top left; y runs upwards."""
    for number, layer in enumerate(LAYERS):
        chosen = LESSON.act(state, Action("click", figure="layers", x=number % 4 + 0.5, y=1.5 - number // 4))
        assert chosen.settings["layer"] == layer
        assert chosen.settings["channel"] == int(excitement(state.seen[layer]).argmax())
        assert LESSON.draw(chosen).values == {"layer": layer, "channel": chosen.settings["channel"]}


def test_the_dream_tab_is_given_a_layer_it_can_read(state: DeepNetworksState) -> None:
    from studio.images.presets import with_preset
    from studio.images.recipes import DreamRecipe
    from studio.works.recipe import check

    for push, term in (("dream_layer", "blocks.3"), ("dream_channel", "blocks.3:42")):
        visit = LESSON.draw(LESSON.act(state, Action(push))).visit
        assert visit is not None
        assert visit.tab == LESSON.tab == "Dream"
        assert check(DreamRecipe, with_preset({**visit.settings, "seed": 0})).layers == (term,)
    once = LESSON.act(LESSON.act(state, Action("dream_layer")), Action("advance"))
    assert LESSON.draw(once).visit is None


def test_the_visitors_own_photo_is_seen_by_every_layer(state: DeepNetworksState) -> None:
    """A picture that is dark but for one light square on the right: the first layer is excited there."""
    pixels = np.zeros((300, 400, 3), np.uint8)
    pixels[100:200, 280:380] = 255
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "PNG")
    own = LESSON.act(state, Action("own", text="square.png", content=written.getvalue()))
    assert max(own.photo.shape) == PHOTO_SIDE
    answers = np.abs(own.seen["bn1"] - np.median(own.seen["bn1"], axis=(1, 2), keepdims=True)).mean(axis=0)
    assert np.unravel_index(answers.argmax(), answers.shape)[1] > answers.shape[1] / 2
    assert "square.png" in LESSON.draw(own).says


def test_a_channel_beyond_the_layer_becomes_its_last(state: DeepNetworksState) -> None:
    beyond = LESSON.act(state, Action("set", knob="channel", value=319))
    assert beyond.settings["channel"] == CHANNELS["blocks.3"] - 1
    assert LESSON.draw(beyond).values["channel"] == CHANNELS["blocks.3"] - 1


def test_the_atlas_is_small_is_sent_once_and_its_tiles_can_be_chosen(state: DeepNetworksState) -> None:
    assert ATLAS.stat().st_size < 300_000
    with Image.open(ATLAS) as sheet:
        assert sheet.size == (ATLAS_COLUMNS * 64, len(LAYERS) * 64)
    first, second = LESSON.draw(state), LESSON.draw(LESSON.act(state, Action("advance")))
    urls = [
        next(mark.url for mark in scene.figures[-1].marks if isinstance(mark, PictureView))
        for scene in (first, second)
    ]
    assert len(urls[0]) > 100_000
    assert urls[1] == ""
    chosen = LESSON.act(state, Action("click", figure="atlas", x=3.5, y=5.5))
    assert (chosen.settings["layer"], chosen.settings["channel"]) == (
        "blocks.4",
        atlas_channels("blocks.4")[3],
    )


def test_a_tile_of_the_atlas_is_what_growing_gives() -> None:
    """The file fits the code that makes it: one tile, made again, looks the same."""
    layer, column = "blocks.1", 4
    grown = grow(layer, atlas_channels(layer)[column], seed=0, height=128, width=128)
    grown.go_on(grown.steps)
    small = np.asarray(Image.fromarray(grown.pixels()).resize((64, 64), Image.Resampling.LANCZOS), float)
    with Image.open(ATLAS) as sheet:
        row = len(LAYERS) - 1 - LAYERS.index(layer)
        tile = np.asarray(sheet.convert("RGB"), float)[
            row * 64 : row * 64 + 64, column * 64 : column * 64 + 64
        ]
    assert np.corrcoef(small.ravel(), tile.ravel())[0, 1] > 0.8


def test_the_heat_maps_stand_upright(state: DeepNetworksState) -> None:
    """Rows of a heat map go from the bottom up: the picture's last row comes first."""
    heat = next(mark for mark in LESSON.draw(state).figures[0].marks if isinstance(mark, Heat))
    answers = np.abs(state.seen["bn1"]).mean(axis=0)
    assert np.argmax(np.asarray(heat.values)[0]) == np.argmax(answers[-1])


def test_the_sample_photos_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import load_sample_image

    whole = load_sample_image("china.jpg")
    assert sample("pagoda", 64).shape == (round(64 * whole.shape[0] / whole.shape[1]), 64, 3)
    assert np.abs(sample("pagoda", 64).mean(axis=(0, 1)) - whole.mean(axis=(0, 1))).max() < 2
    assert Path(weights_path(BACKBONES[DEFAULT])).is_file()
