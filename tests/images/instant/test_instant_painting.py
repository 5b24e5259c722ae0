"""Painting at once: tiles against the whole, colours against arithmetic, a stopped training against one that
was not, and what a painter would notice.
"""

from __future__ import annotations

import functools
import hashlib
import json
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from sklearn.datasets import load_sample_image

from studio.errors import Missing, Refused, UnknownName, Unreadable
from studio.images.instant import lesson, training, whole
from studio.images.instant.learnt import LearntPainting, keep_painting
from studio.images.instant.network import ColourMoments, PainterNetwork, moved, noise_for
from studio.images.instant.painters import (
    Painter,
    PainterHeader,
    painter_bytes,
    painter_file_for,
    painters,
    read_header,
    read_painter,
)
from studio.images.instant.painting import paint_at_once
from studio.images.instant.practice import PHOTOS, practice_files
from studio.images.instant.training import PainterOrder, PainterTrained, train_painter
from studio.images.networks.backbones import DEFAULT
from studio.images.networks.opening import open_network
from studio.images.paintings.catalogue import PAINTINGS
from studio.images.pictures import Pixels, read_picture, resize
from studio.images.planning import Size, painting_sizes, plan_sizes, refining_sizes
from studio.images.recipes import StyleRecipe
from studio.images.style import texture_layers
from studio.images.textures import statistics_of
from studio.images.tiles import Field
from studio.process import finish
from studio.works.recipe import Source, parse_json
from studio.works.shipped import shipped

Studio = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def photo() -> Pixels:
    return resize(np.asarray(load_sample_image("china.jpg")), 214, 320)


def untrained(seed: int = 0) -> Painter:
    """A painter with weights at random, whose strokes are strong enough to see."""
    torch.manual_seed(seed)
    network = PainterNetwork()
    with torch.no_grad():
        network.leave.weight.mul_(10)
    header = PainterHeader(
        name=f"random-{seed}",
        painting=hashlib.sha256(str(seed).encode()).hexdigest(),
        title="Anything",
        mean=(0.5, 0.4, 0.3),
        covariance=((0.04, 0.01, 0.0), (0.01, 0.03, 0.0), (0.0, 0.0, 0.02)),
        widths=(32, 48, 60),
        lineage="",
        steps=0,
    )
    return read_painter(painter_bytes(network.state_dict(), header), "random")


# --- A photo painted in one pass


def test_a_photo_is_painted_in_tiles_as_it_is_as_a_whole(
    photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    painter = untrained()
    in_one = whole.painted_by(painter, photo, 0.5)
    monkeypatch.setattr(whole, "LARGEST_WHOLE", 1000)
    monkeypatch.setattr(whole, "TILE", 96)
    in_tiles = whole.painted_by(painter, photo, 0.5)
    difference = np.abs(in_one.astype(int) - in_tiles)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.001
    assert np.abs(in_one.astype(int) - photo).mean() > 5  # it did paint


def test_finishing_in_strips_changes_nothing(photo: Pixels) -> None:
    network = untrained().network
    shown = torch.from_numpy(photo[:208].copy()).permute(2, 0, 1)[None].float() / 255
    shown = shown[..., :208, :320]
    noise = noise_for(208, 320, 0)
    with torch.no_grad():
        at_once = network.train()(shown, 0.3, noise)
        in_strips = network.eval()(shown, 0.3, noise)
    torch.testing.assert_close(in_strips, at_once, atol=1e-5, rtol=0)


def test_strength_and_seed_change_the_painting_and_nothing_else_does(photo: Pixels) -> None:
    painter = untrained()
    once, again = (whole.painted_by(painter, photo, 0.5, seed=1) for _ in range(2))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, whole.painted_by(painter, photo, 0.5, seed=2))


def test_colours_are_moved_to_the_paintings_mean_and_covariance() -> None:
    torch.manual_seed(0)
    picture = (0.5 + 0.08 * torch.randn(1, 3, 64, 64)).clamp(0, 1)
    wanted = ColourMoments(
        torch.tensor([0.4, 0.5, 0.45]).double(), torch.diag(torch.tensor([0.005, 0.004, 0.003])).double()
    )
    result = moved(picture, ColourMoments.of(picture).move_to(wanted))
    colours = result.flatten(2)[0].double()
    np.testing.assert_allclose(colours.mean(1), wanted.mean, atol=2e-3)
    np.testing.assert_allclose(np.cov(colours), wanted.covariance, atol=3e-4)


@pytest.mark.parametrize("shape", [(8, 300), (33, 17), (64, 64)])
def test_any_shape_can_be_painted(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert whole.painted_by(untrained(), pixels, 0.5).shape == pixels.shape


# --- The painters that come with the studio


def texture_error(pixels: Pixels, painting: Pixels) -> float:
    """The measure of the card, written again: Gram matrices by einsum."""
    pairs = zip(
        *(grams(each.tobytes(), (each.shape[0], each.shape[1])) for each in (pixels, painting)), strict=True
    )
    return float(sum((found - wanted).square().mean() / wanted.square().mean() for found, wanted in pairs))


@functools.lru_cache(maxsize=8)
def grams(pixels: bytes, shape: tuple[int, int]) -> list[torch.Tensor]:
    """The Gram matrices of a picture; the same photo and painting are looked at by many tests."""
    picture = np.frombuffer(pixels, np.uint8).reshape(*shape, 3)
    layers = texture_layers(DEFAULT)
    network = open_network(DEFAULT, layers)[0]
    high, wide = (side // 32 * 32 for side in shape)
    shown = torch.from_numpy(picture[:high, :wide].copy()).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        seen = network(shown)
    return [
        torch.einsum("nihw,njhw->ij", seen[layer], seen[layer]) / seen[layer][0, 0].numel()
        for layer in layers
    ]


def shipped_painters() -> list[Path]:
    return sorted(shipped("models").glob("painter-*.safetensors"))


def test_every_painting_of_the_studio_has_its_painter() -> None:
    learnt = {read_header(path.read_bytes(), path.name).painting for path in shipped_painters()}
    for painting in PAINTINGS.values():
        assert hashlib.sha256(painting.path.read_bytes()).hexdigest() in learnt, painting.name


def test_shipped_painters_are_small_and_their_cards_say_what_they_learnt_from() -> None:
    for path in shipped_painters():
        assert path.stat().st_size <= 1_000_000, path.name
        card = json.loads(path.with_suffix(".json").read_text())
        assert card["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest(), path.name
        assert {"steps", "minutes", "loss"} <= card["figures"].keys(), path.name
        assert len(card["data"]) == 1 + len(PHOTOS), path.name
        assert all(source["licence"] for source in card["data"]), path.name
        assert card["command"].startswith("studio train painting "), path.name


@pytest.mark.parametrize("name", PAINTINGS)
def test_a_shipped_painter_brings_a_photo_it_never_saw_close_to_the_paintings_textures(name: str) -> None:
    painting = read_picture(PAINTINGS[name].path.read_bytes(), name).pixels
    painting = resize(painting, 474, 640)
    photo = resize(np.asarray(load_sample_image("china.jpg")), 427, 640)
    painter = read_painter(painter_file_for(read_sha256(name), name).read_bytes(), name)
    before = texture_error(photo, painting)
    usual, full = (whole.painted_by(painter.with_pieces(painting), photo, share) for share in (0.5, 1.0))
    assert texture_error(full, painting) < min(0.75, 0.3 * before)
    assert texture_error(usual, painting) < 0.4 * before  # where the photo has structure, that is held


def read_sha256(name: str) -> str:
    return hashlib.sha256(PAINTINGS[name].path.read_bytes()).hexdigest()


def test_the_photos_to_practise_on_are_all_there_and_credited() -> None:
    files = practice_files()
    assert len(files) == len(PHOTOS) >= 12
    for photo, path in zip(PHOTOS, files, strict=True):
        assert max(Image.open(path).size) <= 512
        assert photo.author
        assert photo.licence


# --- Mixing


def test_several_painters_give_the_weighted_mean_of_their_pictures(photo: Pixels) -> None:
    some = [untrained(1), untrained(2)]
    alone = [whole.painted_by(each, photo, 0.5).astype(float) for each in some]

    def painted(*weights: float) -> Pixels:
        return finish(paint_at_once(StyleRecipe(style_weights=weights), photo, some), lambda _: None)

    np.testing.assert_allclose(painted(1, 3), alone[0] / 4 + alone[1] * 3 / 4, atol=1)
    np.testing.assert_array_equal(painted(0, 2), alone[1])
    np.testing.assert_array_equal(painted(1, 0), alone[0])


# --- Files


def test_files_that_are_no_painters_are_named() -> None:
    models = shipped("models")
    for content in (b"", b"nothing", (models / "bach-chorales.safetensors").read_bytes()):
        with pytest.raises(Unreadable, match="is not a painter"):
            read_painter(content, "model.safetensors")
    whole_file = painter_bytes(untrained().network.state_dict(), untrained().header)
    with pytest.raises(Unreadable, match="damaged"):
        read_painter(whole_file[:-1000], "cut.safetensors")


def test_a_painting_that_nobody_learnt_is_named() -> None:
    with pytest.raises(Missing, match=r"No painter has learnt Sunflowers yet.*studio train painting"):
        painter_file_for("0" * 64, "Sunflowers")


# --- Recipes


OLD = (
    '{"backbone":"efficientnet_lite0","colour":"style","feather":1.5,"kind":"style","schema_version":1,"seed":3,'
    '"size":384,"smoothness":2.0,"sources":[],"steps":120,"strength":0.4,"style_scale":1.0,"style_weights":[]}'
)


def test_recipes_of_optimised_paintings_read_and_are_written_as_before() -> None:
    recipe = parse_json(StyleRecipe, OLD)
    assert isinstance(recipe, StyleRecipe)
    assert recipe.painter == "optimised"
    assert recipe.to_json() == OLD
    sources = tuple(
        Source(sha256=letter * 64, role=role, name=f"{role[0]}.jpg")
        for letter, role in (("a", "photo"), ("b", "style"))
    )
    before = "83acb6c8baa651afc51fa39f475a30326ff019ca1ecb6540ece6a694dd6bb0bb"  # by studio 0.3.0
    recipe = recipe.model_copy(update={"sources": sources})
    assert recipe.fingerprint == before
    instant = recipe.model_copy(update={"painter": "instant"})
    assert instant.fingerprint != before
    assert parse_json(StyleRecipe, instant.to_json()) == instant


def test_refining_takes_a_third_of_the_steps_at_the_last_two_sizes() -> None:
    sizes = plan_sizes(480, 640, StyleRecipe())
    refining = refining_sizes(sizes)
    assert [(size.height, size.width) for size in refining] == [
        (size.height, size.width) for size in sizes[-2:]
    ]
    assert sum(size.steps for size in refining) == pytest.approx(sum(size.steps for size in sizes) / 3, abs=2)
    assert refining_sizes([Size(60, 80, 5)]) == [Size(60, 80, 2)]
    assert painting_sizes(480, 640, StyleRecipe(painter="refined"))[-2:] == refining


# --- Learning


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Trainings of a few steps on small pictures."""
    monkeypatch.setattr(training, "EPOCH", 2)
    monkeypatch.setattr(training, "TEST_SIDE", 96)
    monkeypatch.setattr(training, "PREVIEW_SIDE", 64)
    monkeypatch.setattr(lesson, "SIDE", 64)
    into = tmp_path / "kept"
    into.mkdir()
    return into


def order(into: Path, /, **more: object) -> PainterOrder:
    content = PAINTINGS["glass"].path.read_bytes()
    fields = {
        "painting": content,
        "name": "panes",
        "file": "glass.jpg",
        "into": into,
        "steps": 4,
        "start": "none",
    }
    return PainterOrder(**(fields | more))  # type: ignore[arg-type]


def test_a_training_that_was_stopped_ends_with_the_same_weights(short: Path, tmp_path: Path) -> None:
    never_stopped = finish(train_painter(order(short)), lambda _: None)
    other = tmp_path / "other"
    other.mkdir()
    stopped = train_painter(order(other))
    for progress in stopped:
        if progress.done == 3:
            break
    stopped.close()
    early = load_file(other / "painter-panes.safetensors")  # usable already
    another = PAINTINGS["planes"].path.read_bytes()
    with pytest.raises(Refused, match="another painting: resume with that one"):
        next(train_painter(order(other, painting=another, resume=True)))
    with pytest.raises(Missing, match="No training of rest"):
        next(train_painter(order(other, name="rest", resume=True)))
    resumed = finish(train_painter(order(other, resume=True)), lambda _: None)
    assert resumed.card.sha256 == never_stopped.card.sha256
    assert not (other / "painter-panes.training.safetensors").exists()
    late = load_file(other / "painter-panes.safetensors")
    assert any(not torch.equal(early[name], late[name]) for name in late)


def test_learning_lowers_the_loss_and_shows_three_photos(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one example, seen again and again; losses of different ones cannot be compared."""
    monkeypatch.setattr(training, "WARMUP", 4)
    monkeypatch.setattr(
        training, "examples", lambda _photos, count, _seed: torch.tensor([[1.0, 7.0]]).repeat(count, 1)
    )
    losses = []
    for progress in train_painter(order(short, steps=30)):
        if progress.loss is not None:
            losses.append(progress.loss)
        if progress.done == 29 and progress.preview is not None:
            shown = read_picture(progress.preview(), "preview").pixels
    assert np.mean(losses[-3:]) < 0.8 * losses[0]
    assert shown.shape[1] > 2.5 * shown.shape[0]


@pytest.mark.usefixtures("short")
def test_a_painter_learnt_here_paints_from_the_command_line_and_is_remade(
    studio: Studio, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "EPOCH", 50)  # a hundred steps are the least that the command takes
    down, across = np.mgrid[0:96, 0:96]
    strokes = np.where((np.sin((down + across) / 3) > 0)[..., None], (240, 140, 30), (90, 20, 140))
    Image.fromarray(strokes.astype(np.uint8)).save(tmp_path / "strokes.png")
    Image.fromarray(np.asarray(load_sample_image("flower.jpg"))[:240, :320]).save(tmp_path / "photo.png")
    status, said, _ = studio(
        "train", "painting", "strokes.png", "--name", "strokes", "--steps", "100", "--preview", "seen.jpg"
    )
    assert status == 0
    card = json.loads(Path(said.strip()).read_text())
    assert card["figures"]["steps"] == 100
    assert card["figures"]["minutes"] > 0
    assert Image.open(tmp_path / "seen.jpg").size[0] > 100
    assert "strokes" in painters()

    wishes = ("--painter", "instant", "--size", "64", "--seed", "1")
    assert studio("style", "photo.png", "strokes.png", *wishes, "-o", "painted.png")[0] == 0
    painted = (tmp_path / "painted.png").read_bytes()
    assert "strokes" in studio("paintings")[1]
    assert studio("style", "photo.png", "strokes", *wishes, "-o", "named.png")[0] == 0  # by its name
    shown = [
        read_picture((tmp_path / name).read_bytes(), name).pixels for name in ("painted.png", "named.png")
    ]
    assert np.array_equal(*shown)
    for path in (home / "models").glob("painter-strokes*"):
        path.unlink()  # the work has kept what it needs
    status, said, _ = studio("remake", "painted.png")
    assert status == 0
    assert "Identical" in said
    assert (tmp_path / "painted.png").read_bytes() == painted
    assert (
        studio("style", "photo.png", "strokes.png", "--painter", "refined", "--size", "64", "-o", "x.png")[0]
        == 2
    )


def test_what_cannot_be_learnt_is_refused_in_a_sentence(short: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain.png"
    Image.new("RGB", (64, 64), (200, 30, 30)).save(plain)
    refused: list[tuple[dict[str, object], type[Exception], str]] = [
        ({"painting": plain.read_bytes(), "file": "plain.png"}, Refused, "plain.png has only one colour"),
        ({"painting": b"no picture"}, Unreadable, "glass.jpg"),
        ({"name": "../panes"}, Refused, "cannot be a painter's name"),
        ({"steps": 3}, Refused, "multiple of"),
        ({"start": "nobody"}, UnknownName, "no painter 'nobody'"),
        ({"photos": tmp_path / "nowhere"}, Missing, "no folder"),
        ({"photos": short}, Missing, "holds no photo"),
        ({"into": tmp_path / "nowhere"}, Missing, "no folder"),
    ]
    for wrong, error, said in refused:
        with pytest.raises(error, match=said):
            finish(train_painter(order(short, **wrong)), lambda _: None)
    assert not list(short.iterdir())


def test_the_wrong_painter_for_a_painting_is_refused(studio: Studio, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), (200, 30, 30)).save(tmp_path / "photo.png")
    wrong = shipped("models") / "painter-whirls.safetensors"
    words = ("style", "photo.png", "glass", "--painter", "instant", "-o", "x.png", "--weights")
    status, _, said = studio(*words, wrong)
    assert status == 2
    assert "learnt the painting Night wind" in said
    status, _, said = studio(*words, shipped("models") / "bach-chorales.safetensors")
    assert status == 2
    assert "is not a painter" in said
    assert not (tmp_path / "x.png").exists()


def test_statistics_are_those_of_the_lesson(photo: Pixels) -> None:
    """The lesson's Gram matrices are those that a painting is measured by."""
    network = open_network(DEFAULT, texture_layers(DEFAULT))[0]
    shown = torch.from_numpy(photo[:192, :320].copy()).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        field = Field.of(shown, network)
        tile = next(field.tiles())
        whole_field = statistics_of(shown, network, field, ("blocks.2",)).grams["blocks.2"]
        seen = network(field.window(shown, tile))["blocks.2"]
    torch.testing.assert_close(lesson._gram(seen), whole_field)


def test_a_kept_painter_is_what_the_training_held_and_its_card_makes_it_again(short: Path) -> None:
    titled = order(short, title="Panes of glass", licence="CC0")
    kept: PainterTrained = finish(train_painter(titled), lambda _: None)
    content = kept.where.with_suffix(".safetensors").read_bytes()
    assert hashlib.sha256(content).hexdigest() == kept.card.sha256
    assert read_header(content, "kept").steps == 4
    # What the file says of itself is among what the command gives.
    words = shlex.split(kept.card.command)
    told = dict(zip(words[4::2], words[5::2], strict=True))
    assert words[:4] == ["studio", "train", "painting", "glass.jpg"]
    assert told["--title"] == "Panes of glass"
    assert told["--licence"] == "CC0"


def test_a_painter_that_cannot_be_read_says_why(home: Path) -> None:
    content = PAINTINGS["glass"].path.read_bytes() + b" "  # a file of one's own
    keep_painting(LearntPainting(name="own", title="Own panes", file="own.jpg"), content)
    shipped_painter = (shipped("models") / "painter-glass.safetensors").read_bytes()
    length = int.from_bytes(shipped_painter[:8], "little")
    header = json.loads(shipped_painter[8 : 8 + length])
    told = json.loads(header["__metadata__"]["painter"]) | {"schema_version": 2, "more": 1}
    header["__metadata__"]["painter"] = json.dumps(told)
    later = json.dumps(header).encode()
    sha256 = hashlib.sha256(content).hexdigest()
    path = home / "models" / "painter-own.safetensors"
    for damaged, said in (
        (len(later).to_bytes(8, "little") + later + shipped_painter[8 + length :], "A newer studio wrote"),
        (b"no painter", "is not a painter"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(Unreadable, match=said):
            painter_file_for(sha256, "Own panes")
    path.unlink()
    with pytest.raises(Missing, match="No painter has learnt Own panes"):
        painter_file_for(sha256, "Own panes")
