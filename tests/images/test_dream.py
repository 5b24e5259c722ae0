"""Dreams: they follow their settings, change only what they should, and can be repeated exactly."""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save

from studio.errors import Missing, Refused, StudioError, UnknownName, Unreadable
from studio.images.canvas import window
from studio.images.dream import Climb, DreamMeasure, _add_enlarged, _halved, cuts, dream, plan_octaves
from studio.images.facts import facts_in_words
from studio.images.networks.backbones import DEFAULT, backbone
from studio.images.networks.opening import build, open_network
from studio.images.objectives import layer
from studio.images.pictures import resize
from studio.images.recipes import DreamRecipe
from studio.making.remaking import remake
from studio.process import finish
from studio.works.gallery import Gallery
from studio.works.metadata import extract
from studio.works.recipe import Source
from studio.works.work import Made, Progress

SMALL: dict[str, Any] = {"size": None, "layers": ("blocks.2",), "octaves": 6, "steps": 3, "coarse_first": 0.0}


def scene(height: int = 72, width: int = 96, seed: int = 0) -> np.ndarray:
    """Smooth blobs of colour, neither black nor white anywhere: uint8 [h, w, 3]."""
    blobs = np.random.default_rng(seed).integers(60, 190, (6, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(blobs).resize((width, height), Image.Resampling.BICUBIC)).clip(40, 215)


def png(pixels: np.ndarray) -> bytes:
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "PNG")
    return written.getvalue()


def asked(
    photo: bytes, more: dict[str, bytes] | None = None, **fields: Any
) -> tuple[DreamRecipe, dict[str, bytes]]:
    files = {"photo": photo} | (more or {})
    hashes = {role: hashlib.sha256(content).hexdigest() for role, content in files.items()}
    sources = tuple(Source(sha256=hashes[role], role=role, name=f"{role}.png") for role in files)
    return DreamRecipe(sources=sources, **(SMALL | fields)), {
        hashes[role]: content for role, content in files.items()
    }


def watch(photo: bytes, more: dict[str, bytes] | None = None, **fields: Any) -> tuple[list[Progress], Made]:
    recipe, files = asked(photo, more, **fields)
    seen: list[Progress] = []
    made = finish(dream(recipe, lambda source: files[source.sha256]), seen.append)
    return seen, made


def dreamt(photo: np.ndarray, more: dict[str, bytes] | None = None, **fields: Any) -> np.ndarray:
    return pixels_of(watch(png(photo), more, **fields)[1].content)


def pixels_of(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


# --- Watching


def test_every_step_is_told_and_the_objective_rises() -> None:
    seen, made = watch(png(scene(150, 200)), steps=5, octaves=7)
    total = seen[0].total
    assert [progress.done for progress in seen] == list(range(1, total + 1))
    assert {progress.total for progress in seen} == {total}
    stages = [progress.stage for progress in seen]
    octaves = total // 5
    assert octaves >= 2
    sides = [int(re.fullmatch(r"dreaming at (\d+) px", stage)[1]) for stage in stages]  # type: ignore[index]
    assert sides == sorted(sides)
    assert list(Counter(sides).values()) == [5] * octaves
    assert sides[-1] == 200
    done = [progress.so_far for progress in seen]
    assert done == sorted(done)
    assert done[-1] == 1.0
    assert done[total - 6] < 0.75, "the largest octave costs more than its share of the steps"
    for first in range(0, total, 5):
        assert made.losses[first] < made.losses[first + 4], "within an octave the objective rises"
    assert list(made.losses) == [progress.loss for progress in seen]
    assert made.facts["size"] == [200, 150]
    assert facts_in_words(made.facts)[:2] == [("size", "200 x 150 pixels"), ("steps", str(len(made.losses)))]
    assert facts_in_words({"size": "200 x 150", "steps": "9"})[0] == ("size", "200 x 150 pixels")  # of 0.2.1


def test_a_preview_shows_the_dream_as_it_stands() -> None:
    recipe, files = asked(png(scene()), steps=6, step_size=0.03)
    making = dream(recipe, lambda source: files[source.sha256])
    views = [np.asarray(Image.open(io.BytesIO(progress.preview()))).astype(int) for progress in making]
    away = [np.abs(view - scene().astype(int)).mean() for view in views]
    assert all(view.shape == (72, 96, 3) for view in views)
    assert away[-1] > away[0] + 3, "it has moved on"


def test_a_dream_that_nobody_watches_any_more_just_ends() -> None:
    recipe, files = asked(png(scene()))
    making = dream(recipe, lambda source: files[source.sha256])
    next(making)
    making.close()
    with pytest.raises(StopIteration):
        next(making)


# --- The result


def test_the_file_carries_the_recipe_completed_with_model_and_setting() -> None:
    _, made = watch(png(scene()))
    assert made.media_type == "image/png"
    assert extract(made.content) == made.recipe.to_json()
    assert made.recipe.model is not None
    assert made.recipe.model.sha256 == backbone(DEFAULT).weights.sha256
    assert made.recipe.setting is not None
    assert (
        made.recipe.setting.versions["torch"] == torch.__version__.split("+")[0]
        or made.recipe.setting.versions["torch"] == torch.__version__
    )
    assert made.recipe.setting.device.startswith("cpu (")
    assert max(pixels_of(made.thumbnail).shape) <= 512


def test_the_same_recipe_gives_the_same_bytes_whatever_happened_before(tmp_path: Path) -> None:
    photo = png(scene())
    random_state = torch.get_rng_state()
    first = watch(photo)[1].content
    watch(png(scene(seed=1)), layers=("blocks.1", "blocks.2:3*0.5"), seed=5)
    torch.manual_seed(99)
    assert watch(photo)[1].content == first
    torch.set_rng_state(random_state)
    watch(photo)
    assert torch.equal(torch.get_rng_state(), random_state), "the generator of others are left alone"

    (tmp_path / "photo.png").write_bytes(photo)
    script = (
        "import sys, pathlib, hashlib; sys.path.insert(0, sys.argv[2]); import test_dream as t;"
        "print(hashlib.sha256(t.watch(pathlib.Path(sys.argv[1]).read_bytes())[1].content).hexdigest())"
    )
    there = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "photo.png"), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == hashlib.sha256(first).hexdigest()


def test_a_recipe_is_made_again_with_as_many_threads_as_the_first_time() -> None:
    """A worker process may have fewer threads than the process that made the work."""
    photo = png(scene())
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        first = watch(photo, layers=("blocks.3",))[1]
        torch.set_num_threads(3)
        again = dream(first.recipe, lambda _source: photo)  # type: ignore[arg-type]
        next(again)
        assert torch.get_num_threads() == 1
        made = finish(again)
        assert torch.get_num_threads() == 3, "and put back afterwards"
    finally:
        torch.set_num_threads(threads)
    assert made.content == first.content


def test_a_file_is_remade_to_the_byte_by_a_process_with_other_threads() -> None:
    photo = png(scene())
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        made = watch(photo)[1]
        torch.set_num_threads(1)
        with Gallery.open() as gallery:
            again = finish(remake(made.content, gallery, [photo]))
        assert again.sentence == "Identical, to the byte."
    finally:
        torch.set_num_threads(threads)


def test_a_cut_out_is_dreamt_without_a_fringe_and_an_old_one_is_remade_as_it_was() -> None:
    alpha = np.zeros((96, 96), np.uint8)
    alpha[20:76, 20:76] = 255
    alpha[20, 20:76] = alpha[20:76, 20] = 128
    white = np.where(alpha[..., None] > 0, 255, 0).repeat(3, axis=2).astype(np.uint8)
    white[28:68, 28:68] = 0  # hidden pixels take the mean colour, which is grey
    settings: dict[str, Any] = {"size": 64, "strength": 0.0, "octaves": 1, "steps": 1}
    recipe, files = asked(png(np.dstack([white, alpha])), **settings)
    made = finish(dream(recipe, lambda source: files[source.sha256]))

    def rim(content: bytes) -> np.ndarray:
        shown = np.asarray(Image.open(io.BytesIO(content)))
        return shown[(shown[..., 3] > 20) & (shown[..., 3] < 235)][:, :3]

    assert rim(made.content).min() > 250
    assert made.recipe.setting is not None
    versions = made.recipe.setting.versions
    assert int(versions["reading"]) >= 2
    before = {name: version for name, version in versions.items() if name != "reading"}
    old = recipe.model_copy(update={"setting": made.recipe.setting.model_copy(update={"versions": before})})
    again = finish(dream(old, lambda source: files[source.sha256]))
    assert rim(again.content).min() < 240
    assert again.recipe.setting is not None
    assert "reading" not in again.recipe.setting.versions


def test_another_seed_gives_another_dream() -> None:
    assert (dreamt(scene(), seed=1) != dreamt(scene(), seed=2)).mean() > 0.3


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [(64, 64, None), (20, 90, None), (16, 250, None), (300, 200, 70), (33, 47, 65)],
)
def test_any_size_can_be_dreamt(height: int, width: int, size: int | None) -> None:
    result = dreamt(scene(height, width), size=size, steps=1)
    longer = size or max(height, width)
    assert max(result.shape[:2]) == longer
    assert result.shape[0] / result.shape[1] == pytest.approx(height / width, rel=0.05)


def test_octaves_keep_the_size_of_the_largest_shapes() -> None:
    recipe = DreamRecipe(octaves=5, octave_scale=1.4, steps=10, coarse_first=0.5)
    usual, large = plan_octaves(576, 768, recipe), plan_octaves(3072, 4096, recipe)
    assert len(usual) == 5
    assert (usual[-1].height, usual[-1].width) == (576, 768)
    assert usual[0].width == pytest.approx(768 / 1.4**4, abs=1)
    assert [octave.steps for octave in usual] == [15, 12, 10, 8, 5]
    assert large[0].width == pytest.approx(usual[0].width, rel=0.2)
    assert (
        min(min(octave.height, octave.width) for octave in plan_octaves(300, 400, DreamRecipe(octaves=12)))
        >= 64
    )
    assert len(plan_octaves(40, 40, recipe)) == 1


# --- Settings


def test_no_strength_is_the_photo_and_half_is_half_way() -> None:
    photo = scene()
    assert (dreamt(photo, strength=0.0) == photo).all()
    whole, half = dreamt(photo, strength=1.0).astype(int), dreamt(photo, strength=0.5).astype(int)
    assert np.abs(whole - photo).mean() > 4
    assert np.abs(half - (whole + photo) / 2).max() <= 1


def test_where_the_mask_is_dark_no_pixel_changes() -> None:
    photo = scene()
    mask = np.zeros((72, 96), np.uint8)
    mask[:, 48:] = 255
    result = dreamt(photo, {"mask": png(mask)}, feather=2.0).astype(int)
    moved = np.abs(result - photo).mean(axis=(0, 2))
    assert not moved[:40].any()
    assert moved[56:].min() > 3
    assert moved[47] < moved[60], "softly, not at a stroke"
    assert moved[56:].mean() == pytest.approx(np.abs(dreamt(photo).astype(int) - photo).mean(), rel=0.3), (
        "a step inside means the same"
    )


def test_a_mask_can_be_painted_in_transparency() -> None:
    painted = np.zeros((72, 96, 4), np.uint8)
    painted[..., :3] = 255
    painted[:, 48:, 3] = 255
    moved = np.abs(dreamt(scene(), {"mask": png(painted)}, feather=0.0).astype(int) - scene()).mean(
        axis=(0, 2)
    )
    assert not moved[:40].any()
    assert moved[56:].min() > 3


def test_kept_colours_move_red_green_and_blue_together() -> None:
    photo = scene()
    kept, free = (dreamt(photo, keep_colours=keep).astype(int) - photo for keep in (True, False))
    assert np.abs(kept).mean() > 4
    assert (kept.max(axis=2) - kept.min(axis=2)).max() <= 1
    assert (free.max(axis=2) - free.min(axis=2)).mean() > 4


def test_alpha_is_kept() -> None:
    photo = np.dstack([scene(), np.tile(np.linspace(0, 255, 96, dtype=np.uint8), (72, 1))])
    result = pixels_of(watch(png(photo))[1].content)
    assert (result[..., 3] == photo[..., 3]).all()
    assert np.abs(result[..., :3].astype(int) - photo[..., :3]).mean() > 4


def test_a_guide_changes_the_dream_and_its_weight_says_how_much() -> None:
    guide = {
        "guide": png(np.tile(np.kron([[0, 255]], np.ones((1, 6))).astype(np.uint8)[..., None], (80, 8, 3)))
    }
    plain = dreamt(scene()).astype(int)
    none, some, all_of_it = (
        dreamt(scene(), guide, guide_weight=weight).astype(int) for weight in (0.0, 0.5, 1.0)
    )
    assert (none == plain).all()
    assert 0 < np.abs(some - plain).mean() < np.abs(all_of_it - plain).mean()


def test_holding_on_to_the_photo_keeps_nearer_to_it() -> None:
    loose, firm = (
        np.abs(dreamt(scene(), hold=hold, steps=10).astype(int) - scene()).mean() for hold in (0.0, 0.2)
    )
    assert firm < 0.6 * loose


def test_small_networks_of_every_make_dream_with_weights_of_ones_own() -> None:
    torch.manual_seed(4)
    for name, shown in (
        ("squeezenet1_1", "features.6"),
        ("mobilenet_v3_large", "features.6"),
        ("densenet121", "features.transition1"),
    ):
        weights = save({key: value.contiguous() for key, value in build(backbone(name)).state_dict().items()})
        _, made = watch(png(scene()), {"weights": weights}, backbone=name, layers=(shown,), steps=2)
        assert np.abs(pixels_of(made.content).astype(int) - scene()).mean() > 1
        assert made.recipe.model is not None
        assert made.recipe.model.sha256 == hashlib.sha256(weights).hexdigest()


# --- How it is done


@pytest.mark.parametrize("layers", [("blocks.1",), ("blocks.3",)])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_a_step_moves_pixels_by_the_step_size_on_average(layers: tuple[str, ...], scale: float) -> None:
    network, _ = open_network(DEFAULT, layers)
    base = torch.from_numpy(scene(96, 128)).permute(2, 0, 1)[None]
    begun = base.float() / 255
    picture = begun.clone()
    slope = DreamMeasure(
        picture, network, scale * layer(layers[0]), torch.Generator().manual_seed(0), jitter=16, tile=512
    )()
    Climb(DreamRecipe(hold=0.0, step_size=0.004), base, None)([picture], [-slope.gradients[0]], 1.0)
    assert float((picture - begun).abs().mean()) == pytest.approx(0.004, rel=1e-3)


def test_the_slope_is_that_of_the_whole_picture_and_its_reflection() -> None:
    """Found here without windows: numpy reflects the picture, autograd differentiates, and the objective is
    weighted by area.
    """
    network, _ = open_network(DEFAULT, ("blocks.2",))
    picture = torch.from_numpy(scene(96, 128)).permute(2, 0, 1)[None].float() / 255
    slope = DreamMeasure(picture, network, layer("blocks.2"), torch.Generator(), jitter=0, tile=512)()
    continued = np.pad(
        scene(96, 128), ((8, 8), (8, 8), (0, 0)), mode="reflect"
    )  # 8 at the edges: multiples of the stride, which is 8
    alone = (torch.from_numpy(continued).permute(2, 0, 1)[None].float() / 255).requires_grad_()
    value = network(alone)["blocks.2"].square().mean()
    (expected,) = torch.autograd.grad(value * (112 * 144) / (96 * 128), alone)
    assert slope.loss == pytest.approx(value.item(), rel=1e-5)
    assert relative(slope.gradients[0], expected[..., 8:-8, 8:-8]) < 1e-4


def relative(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).detach().norm() / other.detach().norm())


def test_cuts_cover_a_side_exactly_once_and_wander() -> None:
    generator, grid = torch.Generator().manual_seed(3), SimpleNamespace(stride=32, smallest=96)
    for size in (37, 700, 1000, 1601, 4096):
        borders, phases = set(), set()
        for _ in range(40):
            stretches = list(cuts(size, 512, 32, grid, generator))
            covered = [place for cut in stretches for place in range(cut.start, cut.start + cut.core)]
            assert covered == list(range(size))
            for cut in stretches:
                assert cut.length % 32 == 0
                assert cut.before >= 32
                assert cut.before + cut.core + 32 <= cut.length <= 512
            assert len({cut.length for cut in stretches}) == 1
            assert len({(cut.start - cut.before) % 32 for cut in stretches}) == 1, "all on one grid"
            borders |= {cut.start for cut in stretches[1:]}
            phases.add((stretches[0].start - stretches[0].before) % 32)
        assert len(phases) > 15
        assert size < 512 or max(borders) - min(borders) > 40
        (whole,) = cuts(size, None, 32, grid, generator)
        assert (whole.start, whole.core) == (0, size)
        assert whole.length >= 96


def test_a_tiles_slope_is_that_of_the_whole_even_where_tiles_meet() -> None:
    network, _ = open_network(DEFAULT, ("blocks.2",))
    picture = torch.from_numpy(scene(320, 640, seed=2)).permute(2, 0, 1)[None].float() / 255
    whole, tiled = (
        DreamMeasure(picture, network, layer("blocks.2"), torch.Generator(), jitter=0, tile=tile)
        for tile in (640, 256)
    )
    assert whole.tile is None
    assert tiled.tile == 256
    # At the picture's edges a tile sees more reflection than the whole picture does; inside, they agree.
    one, other = (look().gradients[0][..., 48:-48, 48:-48] for look in (whole, tiled))
    assert relative(other, one) < 0.02
    error = (other - one).abs().mean(dim=(0, 1, 2)) / one.abs().mean()
    assert float(error.max()) < 0.1, "nowhere a column that stands out"


def test_tiles_leave_no_seams() -> None:
    """In a dream made in tiles, the contrast across their borders is the same as elsewhere."""
    network, _ = open_network(DEFAULT, ("blocks.2",))
    base = torch.from_numpy(scene(420, 500, seed=2)).permute(2, 0, 1)[None]
    begun = base.float() / 255
    picture, recipe, generator = (
        begun.clone(),
        DreamRecipe(hold=0.0, step_size=0.01),
        torch.Generator().manual_seed(1),
    )
    look, climb = (
        DreamMeasure(picture, network, layer("blocks.2"), generator, jitter=32, tile=256),
        Climb(recipe, base, None),
    )
    borders: set[int] = set()
    for _ in range(4):
        state = generator.get_state()
        list(cuts(420, look.tile, 32, network, generator))
        borders |= {cut.start for cut in cuts(500, look.tile, 32, network, generator)} - {0}
        generator.set_state(state)
        climb([picture], [-look().gradients[0]], 1.0)
    assert len(borders) > 8
    detail = picture - begun
    contrast = (detail[..., 1:] - detail[..., :-1]).abs().mean(dim=(0, 1, 2)).numpy()
    across = [contrast[border - 1] for border in borders]
    assert np.mean(across) == pytest.approx(np.mean(contrast), rel=0.1)
    assert max(across) < 1.5 * np.median(contrast)


# --- Refusals


def first_progress(photo: bytes, more: dict[str, bytes] | None = None, **fields: Any) -> Progress:
    recipe, files = asked(photo, more, **fields)
    return next(dream(recipe, lambda source: files[source.sha256]))


@pytest.mark.parametrize(
    ("error", "said", "more", "fields"),
    [
        (UnknownName, "did you mean 'blocks.4'", {}, {"layers": ("blokcs.4",)}),
        (UnknownName, "backbone", {}, {"backbone": "resnet5000"}),
        (Refused, "numbered 0 to 39", {}, {"layers": ("blocks.2:40",)}),
        (Refused, "completely black", {"mask": png(np.zeros((20, 20), np.uint8))}, {}),
        (Unreadable, r"mask\.png", {"mask": b"no picture"}, {}),
        (Unreadable, r"guide\.png", {"guide": b"no picture"}, {}),
        (Unreadable, "weights", {"weights": b"no weights"}, {}),
    ],
)
def test_what_cannot_be_met_is_said_before_the_first_step(
    error: type[StudioError], said: str, more: dict[str, bytes], fields: Any
) -> None:
    with pytest.raises(error, match=said) as caught:
        first_progress(png(scene()), more, **fields)
    assert "\n" not in str(caught.value)


def test_a_dream_needs_a_photo_of_some_extent() -> None:
    with pytest.raises(Refused, match="needs a photo"):
        next(dream(DreamRecipe(), lambda _source: b""))
    with pytest.raises(StudioError, match="1 x 1"):
        first_progress(png(scene(1, 1)))
    with pytest.raises(Refused, match="64 x 4 pixels"):
        first_progress(png(scene(16, 256)), size=64)
    with pytest.raises(Unreadable):
        first_progress(b"nothing of the kind")


def test_weights_that_are_not_here_and_cannot_come_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", no_network)
    with pytest.raises(Missing, match=r"googlenet-1378be20\.pth.*efficientnet_lite0"):
        first_progress(png(scene()), backbone="googlenet", layers=("inception4c",))


def test_resizing_for_an_octave_keeps_the_photo_sharp() -> None:
    """Only the dream is enlarged, not the photo: with hardly any dream, the result is the photo itself, not a
    blurred one.
    """
    photo = np.kron(np.random.default_rng(1).integers(60, 190, (60, 80, 3)), np.ones((2, 2, 1))).astype(
        np.uint8
    )
    result = dreamt(photo, steps=1, step_size=0.0005, octaves=9).astype(int)
    blurred = resize(resize(photo, 60, 80), 120, 160).astype(int)
    assert np.abs(result - photo).mean() < 1
    assert np.abs(blurred - photo).mean() > 3


@pytest.mark.parametrize(
    "stretch",
    [(0, 0, 7, 9), (-3, -2, 12, 14), (2, 3, 4, 5), (-6, 4, 9, 11), (-20, -15, 50, 60), (5, 7, 8, 6)],
)
def test_a_window_goes_on_as_the_reflection_that_numpy_pads_with(stretch: tuple[int, int, int, int]) -> None:
    top, left, height, width = stretch
    picture = torch.rand(1, 3, 7, 9)
    around = 70
    padded = np.pad(picture.numpy(), ((0, 0), (0, 0), (around, around), (around, around)), mode="reflect")
    found = window(picture, top, left, height, width)
    assert np.array_equal(
        found.numpy(),
        padded[..., around + top : around + top + height, around + left : around + left + width],
    )
    found += 1  # a new one: the picture stays as it was
    assert picture.max() <= 1


@pytest.mark.parametrize(("height", "width"), [(6, 8), (5, 8), (7, 9), (1, 2)])
def test_halving_takes_the_mean_of_every_four(height: int, width: int) -> None:
    values = torch.rand(1, 2, height, width)
    expected = [
        [values[0, 1, up : up + 2, across : across + 2].mean().item() for across in range(0, width, 2)]
        for up in range(0, height, 2)
    ]
    assert np.allclose(_halved(values)[0, 1].numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("size", [(512, 300), (770, 1030), (258, 256), (257, 90), (514, 92)])
def test_strips_give_the_same_as_the_whole_to_the_last_bit(size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(1, 3, *size, generator=generator)
    smaller = _halved(values)
    whole = values + torch.nn.functional.interpolate(smaller, size, mode="bilinear", align_corners=False)
    _add_enlarged(values, smaller)
    assert torch.equal(values, whole)


def test_dark_parts_are_spared_and_fine_colour_can_be_left_out() -> None:
    photo = scene()
    photo[:, :48] //= 12
    plain, spared = (dreamt(photo, hold_dark=share, octaves=1).astype(int) - photo for share in (0.0, 1.0))
    assert np.abs(spared[:, :40]).mean() < 0.35 * np.abs(plain[:, :40]).mean()
    assert np.abs(spared[:, 56:]).mean() > 0.6 * np.abs(plain[:, 56:]).mean()

    def hatching(fine_colour: float) -> float:
        change = dreamt(scene(), fine_colour=fine_colour, octaves=1, colour=1.0).astype(float) - scene()
        grey = change - change.mean(axis=2, keepdims=True)
        return float(np.abs(np.diff(grey, axis=1)).mean())

    assert hatching(0.0) < 0.8 * hatching(1.0)
