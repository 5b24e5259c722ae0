"""Requests for dreams and paintings whose weights come in a file: what the file tells is written into the
request.

A network that was trained in the studio describes itself in its file. Bare weights belong to the backbone
that the request names.

Light on purpose: nothing here loads torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from studio.errors import Refused, UnknownName
from studio.images.checks import check_guides, check_paintings
from studio.images.networks.backbones import DEFAULT, OWN, is_safetensors
from studio.images.networks.described import DescribedNetwork, check_is_weights, read_weights_file
from studio.images.presets import as_deep, with_preset
from studio.images.recipes import DreamRecipe, LayerTerm

if TYPE_CHECKING:
    from studio.works.ingredient import Ingredient

Resolved = tuple[dict[str, Any], "list[Ingredient]"]
"""Settings and ingredients, completed by what the weights file tells."""


def resolve_weights(settings: Mapping[str, Any], ingredients: Iterable[Ingredient]) -> Resolved:
    """The request for a dream, completed by what its weights file tells; unchanged if there is none.

    If the file describes its network, the backbone becomes `own`, and unless layers are set, the network
    dreams with those at the same depth as the preset's. A "weights_sha256" among the settings is checked and
    removed. Raises `Refused` for the backbone `own` without a file, for bare weights without the name of
    their backbone, for an unchecked pickle and for a wrong sha256, `Unreadable` for a damaged file,
    `UnknownName` for a layer. `Refused` too for a guide of one colour.
    """
    ingredients = list(ingredients)
    check_guides(ingredients)
    settings = with_print_size(settings, ingredients)
    sha256 = str(settings.pop("weights_sha256", None) or "").strip().lower()
    place = next((place for place, each in enumerate(ingredients) if each.role == "weights"), None)
    if place is None:
        if settings.get("backbone") == OWN:
            raise Refused(
                "The backbone is a network of your own, but its file is missing: "
                "add the .zip or .safetensors it was saved as."
            )
        if sha256:
            raise Refused("A sha256 of weights was given, but no weights: add their file as well.")
        return settings, ingredients
    file = ingredients[place]
    if sha256 and hashlib.sha256(file.content).hexdigest() != sha256:
        raise Refused(f"{file.name} does not match the sha256 given: check the file or the number.")
    content, network = read_weights_file(file.content, file.name or "The weights file")
    if network is None:
        _check_bare(content, file.name, settings, checked=bool(sha256))
        return settings, ingredients
    title = f"{network.name}, which learnt from {network.data}" if network.data else network.name
    ingredients[place] = replace(
        file, content=content, title=file.title or title, licence=file.licence or network.licence
    )
    settings["backbone"] = OWN
    settings["layers"] = settings.get("layers") or _layers_for(settings, network)
    _check_layers(settings["layers"], network)
    return settings, ingredients


def with_print_size(settings: Mapping[str, Any], ingredients: Iterable[Ingredient]) -> dict[str, Any]:
    """The settings with the size that their print needs. Raises `Refused` for a print that cannot be."""
    from studio.images.pictures import picture_size
    from studio.images.printing import PrintSize

    settings = dict(settings)
    asked = settings.get("print")
    if not asked or not isinstance(asked, str):
        return settings
    sheet = PrintSize.read(asked)
    photo = next((each for each in ingredients if each.role == "photo"), None)
    width, height = picture_size(photo.content) if photo else (0, 0)
    if width and height:  # the making says what is wrong with any other
        settings["size"] = sheet.longer_side(width, height)
    return settings


def resolve_weights_to_paint(settings: Mapping[str, Any], ingredients: Iterable[Ingredient]) -> Resolved:
    """The same for a painting. It takes weights for a named backbone, but no network that was trained in a
    lesson: `Refused`. For the instant painter, the weights are a painter's. `Refused` too for a photo that is
    its own painting, and for a painting of one colour.
    """
    ingredients = list(ingredients)
    check_paintings(ingredients)
    if settings.get("painter") in ("instant", "refined"):
        return _with_painters(with_print_size(settings, ingredients), ingredients)
    settings, ingredients = resolve_weights({"backbone": DEFAULT} | dict(settings), ingredients)
    if settings["backbone"] == OWN:
        raise Refused(
            "A network trained in a lesson has seen too little to recognise a painter's style; "
            "dream with it instead, or leave it out."
        )
    return settings, ingredients


def _with_painters(settings: dict[str, Any], ingredients: list[Ingredient]) -> Resolved:
    """A request for an instant painting, with the files of the painters that it takes: those given, or else
    those of this machine. So the work can be made again where they are not.

    Raises `Unreadable` for a file that is no painter, `Refused` for one that learnt another painting,
    `Missing` for a painting that no painter has learnt.
    """
    from studio.images.instant.painters import painter_file_for, read_header
    from studio.works.ingredient import Ingredient

    sha256 = str(settings.pop("weights_sha256", None) or "").strip().lower()
    paintings = {
        hashlib.sha256(each.content).hexdigest(): each for each in ingredients if each.role == "style"
    }
    given, kept = {}, []
    for each in ingredients:
        if each.role not in ("weights", "painter"):
            kept.append(each)
            continue
        header = read_header(each.content, each.name or "The weights file")
        if sha256 and each.role == "weights" and hashlib.sha256(each.content).hexdigest() != sha256:
            raise Refused(f"{each.name} does not match the sha256 given: check the file or the number.")
        if header.painting not in paintings and each.role == "weights":
            raise Refused(
                f"{each.name} learnt the painting {header.title}, which is not among those given: give that "
                "painting too, or another painter."
            )
        given[header.painting] = replace(
            each, role="painter", title=each.title or f"{header.name}, a painter"
        )
    for painting, each in paintings.items():
        if painting not in given:
            path = painter_file_for(painting, each.title or each.name or "this painting")
            title = f"{read_header(path.read_bytes(), path.name).name}, a painter"
            given[painting] = Ingredient("painter", path.read_bytes(), path.name, title)
    return settings, kept + [given[painting] for painting in paintings]


def _check_bare(content: bytes, name: str, settings: Mapping[str, Any], *, checked: bool) -> None:
    """Weights without a description need the name of their backbone, and a pickle its sha256."""
    check_is_weights(content, name)
    if settings.get("backbone", OWN) == OWN:
        raise Refused(
            f"{name} does not say which network its weights are for: choose their backbone as well."
        )
    if not checked and not is_safetensors(content):
        raise Refused(f"{name} is not safetensors; to read it, give its sha256 as well.")


def _layers_for(settings: Mapping[str, Any], network: DescribedNetwork) -> tuple[str, ...]:
    """The network's layers at the same depth as those of the preset. What a look goes towards is left out: a
    network from a lesson sees nothing of a building in a picture of one.
    """
    preset = with_preset({name: value for name, value in settings.items() if name == "preset"})
    wanted = preset.get("layers", DreamRecipe.model_fields["layers"].default)
    plain = [str(LayerTerm(term.name, weight=term.weight)) for term in map(LayerTerm.read, wanted)]
    return as_deep(network.layers[:-1], plain)


def _check_layers(terms: Iterable[str], network: DescribedNetwork) -> None:
    channels = {layer.name: layer.channels for layer in network.layers}
    for term in map(LayerTerm.read, terms):
        if term.name not in channels:
            raise UnknownName("layer", term.name, channels)
        if term.channel is not None and term.channel >= channels[term.name]:
            raise Refused(
                f"Layer '{term.name}' of {network.name} has channels 0 to {channels[term.name] - 1}; "
                f"there is no {term.channel}."
            )
