"""Backbones: the table agrees with the networks, the packaged weights see what they should, and preparing
changes nothing but speed.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch import Tensor, nn

from studio.errors import Missing, Refused, UnknownName, Unreadable
from studio.images.networks import opening as networks
from studio.images.networks.backbones import (
    BACKBONES,
    DEFAULT,
    Backbone,
    Weights,
    backbone,
    checkpoints_folder,
    layers,
    readiness,
    weights_path,
)
from studio.images.networks.efficientnet_lite import EfficientNetLite0
from studio.images.networks.fused import FusedConvolution, can_fuse
from studio.images.networks.opening import OwnWeights, build, chosen_device, fetch, open_network
from studio.images.networks.prepared import prepare
from studio.images.requests import resolve_weights
from studio.works.ingredient import Ingredient


@pytest.fixture(autouse=True)
def no_weights_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests neither use nor change the weights that whoever runs them has downloaded."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def sample(name: str) -> np.ndarray:
    from sklearn.datasets import load_sample_image

    return np.asarray(load_sample_image(name))


@cache
def packaged_state() -> dict[str, Tensor]:
    return dict(torch.load(weights_path(backbone(DEFAULT)), weights_only=True))


def lively(network: nn.Module) -> nn.Module:
    """Random weights, and batch norms that do something."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.8, 1.2)
            module.bias.data.normal_(0, 0.1)
    return network.eval()


def as_it_is(network: nn.Module, which: Backbone, picture: Tensor, names: list[str]) -> dict[str, Tensor]:
    """The features that plain hooks on the unprepared network see."""
    seen: dict[str, Tensor] = {}
    modules = dict(network.named_modules())
    hooks = [
        modules[name].register_forward_hook(
            lambda _m, _i, out, name=name: seen.__setitem__(name, out.clone())
        )
        for name in names
    ]
    try:
        network(
            (picture - torch.tensor(which.mean).view(1, 3, 1, 1)) / torch.tensor(which.std).view(1, 3, 1, 1)
        )
    finally:
        for hook in hooks:
            hook.remove()
    return seen


# --- The default network


def test_the_default_network_is_timms_to_the_last_digit() -> None:
    timm = pytest.importorskip("timm", reason="timm is the other implementation that ours is compared with")
    theirs = timm.create_model("tf_efficientnet_lite0")
    state = packaged_state()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), state.values(), strict=True)))
    ours = EfficientNetLite0()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    picture = torch.rand(1, 3, 75, 98) * 2 - 1  # odd sizes: the padding differs left and right
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(picture), theirs.eval()(picture), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("photo", "expected"),
    [
        ("china.jpg", {442: "bell cote", 449: "boathouse", 663: "monastery", 483: "castle", 698: "palace"}),
        ("flower.jpg", {985: "daisy"}),
    ],
)
def test_the_packaged_weights_recognise_the_sample_photos(photo: str, expected: dict[int, str]) -> None:
    from PIL import Image

    network = EfficientNetLite0().eval()
    network.load_state_dict(dict(zip(network.state_dict(), packaged_state().values(), strict=True)))
    small = np.array(Image.fromarray(sample(photo)).resize((224, 224), Image.Resampling.BICUBIC))
    with torch.no_grad():
        logits = network(torch.from_numpy(small).permute(2, 0, 1)[None].float() / 127.5 - 1)
    assert set(logits[0].topk(len(expected)).indices.tolist()) == set(expected)


def test_opening_the_default_network_names_its_weights_and_is_done_once() -> None:
    network, identity = open_network(DEFAULT, ("blocks.2", "blocks.4"))
    content = weights_path(backbone(DEFAULT)).read_bytes()
    assert identity.sha256 == hashlib.sha256(content).hexdigest() == backbone(DEFAULT).weights.sha256
    assert network.channels == {"blocks.2": 40, "blocks.4": 112}
    assert network.stride == 16
    assert open_network(DEFAULT, ("blocks.2", "blocks.4"))[0] is network


def test_a_packaged_file_that_was_tampered_with_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "weights.pth"
    broken.write_bytes(weights_path(backbone(DEFAULT)).read_bytes()[:-1] + b"x")
    monkeypatch.setattr(networks, "weights_path", lambda _which: broken)
    with pytest.raises(Unreadable, match="wrong content"):
        open_network(DEFAULT, ("blocks.1",))


# --- The table


@pytest.mark.parametrize("name", BACKBONES)
def test_every_layer_in_the_table_is_in_its_network_with_that_many_channels(name: str) -> None:
    which = backbone(name)
    with torch.device("meta"):  # shapes without memory: even the largest network is built in a moment
        network = build(which).eval()
        names = [layer.name for layer in which.layers]
        seen = as_it_is_on_meta(network, names, side=max(96, which.smallest))
    assert {layer.name: layer.channels for layer in which.layers} == {
        name: features.shape[1] for name, features in seen.items()
    }
    assert list(seen) == names, "layers are listed from the picture inwards"
    assert all(layer.shows.endswith(".") for layer in which.layers)


def as_it_is_on_meta(network: nn.Module, names: list[str], side: int) -> dict[str, Tensor]:
    seen: dict[str, Tensor] = {}
    for name, module in network.named_modules():
        if name in names:
            module.register_forward_hook(lambda _m, _i, out, name=name: seen.__setitem__(name, out))
    network(torch.empty(1, 3, side, side, device="meta"))
    return seen


def test_the_files_are_those_that_torchvision_publishes() -> None:
    import torchvision

    for which in BACKBONES.values():
        if which.weights.url:
            published = {each.url: each for each in torchvision.models.get_model_weights(which.name)}
            assert which.weights.url in published
            assert round(published[which.weights.url].meta["_file_size"]) == which.weights.megabytes
            assert which.weights.sha256 in which.weights.file


def test_the_table_is_read_without_torch() -> None:
    asked = (
        "import sys; from studio.images.networks.backbones import layers, readiness; "
        "layers('vgg16'), readiness(); print('torch' in sys.modules)"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", asked], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "False"
    )


def test_the_doctor_knows_what_is_ready_and_what_is_missing() -> None:
    found = {each.name: each for each in readiness()}
    assert list(found) == list(BACKBONES)
    assert found[DEFAULT].ready
    assert not found["googlenet"].ready
    assert "googlenet-1378be20.pth" in found["googlenet"].detail
    assert str(checkpoints_folder()) in found["googlenet"].detail
    checkpoints_folder().mkdir(parents=True)
    (checkpoints_folder() / "googlenet-1378be20.pth").touch()
    assert {each.name for each in readiness() if each.ready} == {DEFAULT, "googlenet"}


def test_unknown_names_offer_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'googlenet'"):
        layers("gogglenet")
    with pytest.raises(UnknownName, match=r"did you mean 'blocks.4'"):
        open_network(DEFAULT, ("blokcs.4",))


def test_a_layer_without_a_plane_of_features_is_refused() -> None:
    with pytest.raises(Refused, match="choose an earlier layer"):
        prepare(EfficientNetLite0(), ("classifier",), mean=(0.5,) * 3, std=(0.5,) * 3)


def test_the_classes_are_seen_place_by_place_and_their_mean_is_the_networks_answer() -> None:
    ours = EfficientNetLite0().eval()
    state = torch.load(weights_path(backbone(DEFAULT)), map_location="cpu", weights_only=True)
    ours.load_state_dict(dict(zip(ours.state_dict(), state.values(), strict=False)))
    picture = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        places = open_network(DEFAULT, ("classifier",))[0](picture)["classifier"]
        answer = ours(picture * 2 - 1)
    assert places.shape == (1, 1000, 2, 3)
    torch.testing.assert_close(places.mean((2, 3)), answer, rtol=1e-3, atol=1e-3)


# --- Preparing


@pytest.mark.parametrize(
    "name", [DEFAULT, "squeezenet1_1", "densenet121", "mobilenet_v3_large", "convnext_tiny", "googlenet"]
)
def test_prepared_networks_see_what_unprepared_ones_see(name: str) -> None:
    torch.manual_seed(1)
    which = backbone(name)
    network = lively(build(which))
    names = [layer.name for layer in which.layers][:-1]
    plain_picture = torch.rand(1, 3, 64, 96, requires_grad=True)
    plain = as_it_is(network, which, plain_picture, names)
    (plain_slope,) = torch.autograd.grad(plain[names[-1]].square().mean(), plain_picture)
    plain = {name: features.detach() for name, features in plain.items()}

    prepared = prepare(network, names, mean=which.mean, std=which.std, smallest=which.smallest)
    picture = plain_picture.detach().clone().requires_grad_()
    seen = prepared(picture)
    (slope,) = torch.autograd.grad(seen[names[-1]].square().mean(), picture)
    for layer in names:
        assert relative(seen[layer].detach(), plain[layer]) < 1e-4
        assert torch.equal(prepared.at(layer, picture.detach()), seen[layer])
    # Where rounding moves a value across an activation's corner, the slope differs: nearly all are the same,
    # not all.
    assert relative(slope, plain_slope) < 2e-2


def relative(one: Tensor, other: Tensor) -> float:
    return float((one - other).detach().norm() / other.detach().norm())


def test_networks_are_prepared_in_several_threads_while_another_works() -> None:
    """As in a studio whose visitors open a lesson each, while a third trains a network."""
    network = nn.Sequential(*[nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU()) for _ in range(20)])
    work, ended = nn.Linear(2, 1), Event()
    given, photo = torch.ones(1, 2), torch.ones(1, 3, 32, 32)
    expected = work(given)

    def prepared() -> Tensor:
        return prepare(deepcopy(network), ["18"], mean=(0.5,) * 3, std=(0.5,) * 3)(photo)["18"]

    def worked() -> int:
        rounds = 0
        while not ended.is_set():
            assert torch.equal(work(given), expected)
            rounds += 1
        return rounds

    with ThreadPoolExecutor(5) as threads:
        working = threads.submit(worked)
        try:
            seen = [each.result() for each in [threads.submit(prepared) for _ in range(12)]]
        finally:
            ended.set()
        assert working.result() > 0
    assert all(torch.equal(each, seen[0]) for each in seen)


class Tricky(nn.Module):
    """Everything that could go wrong: a shared in-place ReLU, a layer shown before its norm, a convolution
    used twice, a dead branch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.activation = nn.ReLU(inplace=True)
        self.twice = nn.Conv2d(8, 8, 3, padding=1)
        self.other_norm = nn.BatchNorm2d(8)
        self.late = nn.Conv2d(8, 1000, 3)

    def forward(self, picture: Tensor) -> Tensor:
        seen = self.activation(self.norm(self.first(picture)))
        seen = self.activation(self.other_norm(self.twice(seen)))
        seen = self.activation(self.twice(seen) + seen)
        return self.late(seen)


@pytest.mark.parametrize(
    "shown",
    [
        ("first",),
        ("norm",),
        ("activation",),
        ("twice",),
        ("other_norm",),
        ("norm", "activation"),
        ("other_norm", "activation"),
        ("first", "norm", "other_norm", "twice", "activation"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_nothing_is_folded_cut_or_written_over_that_somebody_looks_at(
    shown: tuple[str, ...], at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not at_once:  # as on a machine whose PyTorch has no oneDNN
        monkeypatch.setattr("studio.images.networks.prepared.can_fuse", lambda _device: False)
    torch.manual_seed(2)
    network = lively(Tricky())
    which = Backbone("tricky", "", "", Weights("", "", 0), ())
    picture = torch.rand(1, 3, 32, 32, requires_grad=True)
    plain = as_it_is(network, which, picture, list(shown))
    (plain_slope,) = torch.autograd.grad(sum(plain[name].square().mean() for name in shown), picture)
    prepared = prepare(network, shown, mean=which.mean, std=which.std)
    seen = prepared(picture)
    for name, features in seen.items():
        assert relative(features, plain[name]) < 1e-5, name
    (slope,) = torch.autograd.grad(sum(seen[name].square().mean() for name in shown), picture)
    assert relative(slope, plain_slope) < 1e-4
    assert not any(parameter.shape[0] == 1000 for parameter in prepared._graph.parameters()), (
        "the branch nobody needs is gone"
    )


@pytest.mark.skipif(
    not can_fuse(torch.device("cpu")), reason="PyTorch here has no oneDNN convolution with an activation"
)
@pytest.mark.parametrize("activation", ["", "relu", "relu6"])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "channels", "side"),
    [
        ((3, 3), 2, 1, 3, (32, 48)),  # three colours come out: the backward pass uses sub-pixels
        ((4, 4), 2, 1, 3, (32, 48)),
        ((7, 7), 2, 3, 3, (31, 40)),
        ((3, 3), 2, 0, 3, (33, 29)),
        ((2, 5), 2, 0, 1, (12, 21)),
        ((1, 1), 2, 0, 4, (9, 10)),
        ((3, 3), 2, 1, 8, (16, 17)),
        ((1, 1), 1, 0, 8, (16, 17)),
        ((3, 3), 1, 1, 3, (16, 17)),
    ],
)
def test_a_fused_convolution_gives_what_the_two_give_one_after_the_other(
    activation: str, kernel: tuple[int, int], stride: int, padding: int, channels: int, side: tuple[int, int]
) -> None:
    torch.manual_seed(3)
    convolution = nn.Conv2d(channels, 16, kernel, stride, padding).requires_grad_(False)
    convolution.weight[:, :, 0] *= kernel[0] != 4  # a row of zeros, as after padding within
    after = {"": nn.Identity(), "relu": nn.ReLU(), "relu6": nn.ReLU6()}[activation]
    picture = (4 * torch.randn(2, channels, *side)).requires_grad_()
    expected = after(convolution(picture))
    wanted = torch.randn_like(expected)
    (slope,) = torch.autograd.grad(expected, picture, wanted)

    laid = picture.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
    output = FusedConvolution(
        convolution.to(memory_format=torch.channels_last), activation, overwrites=False
    )(laid)
    (found,) = torch.autograd.grad(output, laid, wanted)
    assert relative(output, expected) < 1e-6
    assert relative(found, slope) < 1e-6
    assert found.shape == picture.shape


def test_batch_norms_are_really_folded() -> None:
    network, _ = open_network(DEFAULT, ("blocks.4",))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network._graph.modules())
    assert not any(parameter.requires_grad for parameter in network._graph.parameters())


# --- Other weights


def own_squeezenet() -> tuple[nn.Module, bytes]:
    torch.manual_seed(3)
    network = build(backbone("squeezenet1_1")).eval()
    return network, save(network.state_dict())


def test_weights_of_ones_own_are_used() -> None:
    network, content = own_squeezenet()
    prepared, identity = open_network(
        "squeezenet1_1", ("features.6",), OwnWeights(content, hashlib.sha256(content).hexdigest())
    )
    assert identity.sha256 == hashlib.sha256(content).hexdigest()
    picture = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        expected = as_it_is(network, backbone("squeezenet1_1"), picture, ["features.6"])["features.6"]
    assert relative(prepared(picture)["features.6"], expected) < 1e-5


def test_a_state_dict_is_only_read_with_its_hash() -> None:
    written = io.BytesIO()
    torch.save(own_squeezenet()[0].state_dict(), written)
    content = written.getvalue()
    wishes = {"backbone": "squeezenet1_1"}
    file = Ingredient("weights", content, "mine.pth")
    with pytest.raises(Refused, match="to read it, give its sha256"):
        resolve_weights(wishes, [file])
    with pytest.raises(Refused, match="does not match the sha256"):
        resolve_weights(wishes | {"weights_sha256": "0" * 64}, [file])
    settled, [accepted] = resolve_weights(
        wishes | {"weights_sha256": hashlib.sha256(content).hexdigest()}, [file]
    )
    assert settled == wishes
    own = OwnWeights(accepted.content, hashlib.sha256(content).hexdigest())
    assert open_network("squeezenet1_1", ("features.4",), own)[0].channels == {"features.4": 128}


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_weights_that_are_no_numbers_are_told_before_anything_dreams(suffix: str) -> None:
    network, _ = own_squeezenet()
    state = network.state_dict()
    state["features.0.weight"][0] = float("nan")
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = save(state) if suffix == "safetensors" else buffer.getvalue()
    with pytest.raises(Unreadable, match=r"not numbers \(in features.0.weight\)"):
        open_network(
            "squeezenet1_1", ("features.3",), OwnWeights(content, hashlib.sha256(content).hexdigest())
        )


class Trap:
    """What a pickle can do if it is opened carelessly."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('the pickle ran')",)


def hostile() -> list[bytes]:
    files = []
    for thing in (Trap(), {"weight": Trap()}, [1, 2], {"weight": "not a tensor"}, {"other": torch.zeros(3)}):
        written = io.BytesIO()
        torch.save(thing, written)
        files.append(written.getvalue())
    whole = own_squeezenet()[1]
    return [*files, b"", b"\x80", b"PK\x03\x04nonsense", whole[: len(whole) // 2], whole[:200]]


@pytest.mark.parametrize("number", range(10))
def test_a_corrupt_or_hostile_weights_file_is_one_sentence(number: int) -> None:
    content = hostile()[number]
    with pytest.raises((Unreadable, Refused)) as caught:
        open_network(
            "squeezenet1_1", ("features.6",), OwnWeights(content, hashlib.sha256(content).hexdigest())
        )
    assert "\n" not in str(caught.value)


# --- Fetching


@contextmanager
def serving(content: bytes) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/tiny.pth"
    finally:
        server.shutdown()
        server.server_close()


def fetched_from(url: str, content: bytes) -> Backbone:
    return Backbone(
        "tiny", "", "", Weights("tiny-1.pth", hashlib.sha256(content).hexdigest()[:8], 3, url=url), ()
    )


def test_fetching_tells_how_far_it_is_and_leaves_the_whole_file() -> None:
    content = np.random.default_rng(4).bytes(2_500_000)
    with serving(content) as url:
        which = fetched_from(url, content)
        came = list(fetch(which))
        assert [each.done for each in came] == sorted({each.done for each in came})
        assert came[-1].done == came[-1].total == len(content)
        assert weights_path(which).read_bytes() == content
    assert list(fetch(which)) == [], "what is here is not fetched again"


def test_a_wrong_file_and_a_broken_off_download_leave_nothing() -> None:
    content = np.random.default_rng(5).bytes(2_500_000)
    with serving(content[:-1] + b"?") as url:
        with pytest.raises(Missing, match="wrong content"):
            list(fetch(fetched_from(url, content)))
        stopped = fetch(fetched_from(url, content))
        next(stopped)
        stopped.close()
    assert list(checkpoints_folder().iterdir()) == []


def test_offline_the_sentence_names_the_file_and_the_way_out() -> None:
    which = fetched_from("http://127.0.0.1:9/tiny.pth", b"")
    with pytest.raises(Missing) as caught:
        list(fetch(which))
    for part in ("tiny-1.pth", "3 MB", str(checkpoints_folder()), DEFAULT):
        assert part in str(caught.value)
    with pytest.raises(Missing, match=r"vgg16-397923af\.pth"):
        open_network("vgg16", ("features.8",))


def test_the_device_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_DEVICE", "cpu")
    assert chosen_device().type == "cpu"
    monkeypatch.setenv("STUDIO_DEVICE", "toaster")
    with pytest.raises(Refused, match="cpu, cuda or mps"):
        chosen_device()


def test_how_fast_a_computer_is_is_known_also_where_the_usual_look_cannot_be_got_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from studio.images.predictions import probe

    def not_here(*_: object) -> None:
        raise Missing("The pictures of a motif are not here.")

    monkeypatch.setattr("studio.images.dream.get_ready", not_here)
    assert probe() > 0


def test_the_first_dream_finds_its_network_ready() -> None:
    """What says how fast this computer is has opened the network with the layers that a dream looks at."""
    from studio.images.predictions import probe
    from studio.images.recipes import DreamRecipe, layer_names

    assert probe() > 0
    before = networks._prepared_once.cache_info()
    usual = DreamRecipe(seed=1)
    open_network(usual.backbone, layer_names(usual.layers))
    assert networks._prepared_once.cache_info().misses == before.misses
