"""Networks that a person brings: recognised in the file, described, and asked to dream.

A network trained in the studio (in a lesson, or with `studio.learning`) says in its own file how it is built,
so that nothing else has to be told: it becomes the backbone `own`, and its layers are blocks.0, blocks.1 …
hidden, classes. Any other weights file fits the architecture of a backbone that is named beside it.

Light on purpose: nothing here loads torch. `own_eyes` builds what is described here.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from studio.errors import Refused, UnknownName, Unreadable
from studio.images.networks.backbones import DEFAULT, OWN, Layer, is_safetensors

if TYPE_CHECKING:
    from studio.works.ingredient import Ingredient

LARGEST_HEADER = 8 * 2**20
LARGEST_WEIGHTS = 2**30
BY_DEPTH = (
    "Strokes and edges, in its own hand.",
    "Bends, corners and crossings.",
    "Parts of what it was shown.",
)
NOT_SEEING = "looks at numbers, not at pictures; bring one that was trained on pictures, such as lesson 14's."


@dataclass(frozen=True)
class OwnNetwork:
    """A network as its file describes it. what: in a sentence. learnt_from, licence: its data, and theirs."""

    name: str
    what: str
    learnt_from: str
    licence: str
    layers: tuple[Layer, ...]


def recognised(content: bytes, name: str) -> tuple[bytes, OwnNetwork | None]:
    """The weights in a file somebody brings (a lesson's .zip is opened), and the network where the file
    describes one.

    Raises `Unreadable` for a damaged file, `Refused` for a network that does not look at pictures.
    """
    if content[:4] == b"PK\x03\x04" and not _is_torch_archive(content):
        content = _unpacked(content, name)
    card = _card(content)
    return content, None if card is None else _described(card, name)


def brought(
    wishes: Mapping[str, Any], ingredients: Iterable[Ingredient]
) -> tuple[dict[str, Any], list[Ingredient]]:
    """Wishes and ingredients with a network of one's own recognised: what a dream is asked with before
    anything else is looked at.

    Where the weights describe their network, the backbone is `own` and layers that the wishes leave open lie
    as deep as the look's own.
    Raises `Refused` for the backbone `own` without a file, or for a file of bare weights without the name of
    its backbone.
    """
    wishes, ingredients = dict(wishes), list(ingredients)
    sha256 = str(wishes.pop("weights_sha256", None) or "").strip().lower()
    place = next((place for place, each in enumerate(ingredients) if each.role == "weights"), None)
    if place is None:
        if wishes.get("backbone") == OWN:
            raise Refused(
                "A network of your own is to dream, but there is no file of it: bring the .zip or .safetensors it was saved as."
            )
        if sha256:
            raise Refused("A sha256 of weights was given, but no weights: name their file as well.")
        return wishes, ingredients
    given = ingredients[place]
    if sha256 and hashlib.sha256(given.content).hexdigest() != sha256:
        raise Refused(f"{given.name} has another sha256 than the one given: check the file or the number.")
    content, network = recognised(given.content, given.name or "The weights file")
    if network is None:
        if not is_safetensors(content) and not is_pickle(content):
            raise Unreadable(
                f"{given.name} is no file of weights: bring a .safetensors, a lesson's .zip, or a state dict of torch."
            )
        if wishes.get("backbone", OWN) == OWN:
            raise Refused(
                f"{given.name} holds weights that do not say of which network: name the backbone they are for as well."
            )
        if not sha256 and not is_safetensors(content):
            raise Refused(
                f"{given.name} is not safetensors, so it is only read with its sha256 given: say which file you mean."
            )
        return wishes, ingredients
    title = (
        f"{network.name}, which learnt from {network.learnt_from}" if network.learnt_from else network.name
    )
    ingredients[place] = replace(
        given, content=content, title=given.title or title, licence=given.licence or network.licence
    )
    wishes["backbone"] = OWN
    known = wishes.get("layers") or ()
    if not known:
        from studio.images.presets import as_deep, with_preset
        from studio.images.recipes import DreamRecipe

        look = with_preset({name: value for name, value in wishes.items() if name == "preset"})
        wishes["layers"] = as_deep(
            network.layers[:-1], look.get("layers", DreamRecipe.model_fields["layers"].default)
        )
    _check_layers(wishes["layers"], network)
    return wishes, ingredients


def brought_to_paint(
    wishes: Mapping[str, Any], ingredients: Iterable[Ingredient]
) -> tuple[dict[str, Any], list[Ingredient]]:
    """The same for a painting, which takes weights for a backbone that is named, but no network that has seen
    only a lesson's pictures.
    """
    wishes, ingredients = brought({"backbone": DEFAULT} | dict(wishes), ingredients)
    if wishes["backbone"] == OWN:
        raise Refused(
            "A network trained in a lesson knows too little to tell a painter's hand; let it dream instead, or leave it out."
        )
    return wishes, ingredients


def _check_layers(terms: Iterable[str], network: OwnNetwork) -> None:
    from studio.images.recipes import LayerTerm

    channels = {layer.name: layer.channels for layer in network.layers}
    for term in map(LayerTerm.read, terms):
        if term.name not in channels:
            raise UnknownName("layer", term.name, channels)
        if term.channel is not None and term.channel >= channels[term.name]:
            raise Refused(
                f"Layer '{term.name}' of {network.name} has channels 0 to {channels[term.name] - 1}; there is no {term.channel}."
            )


def is_pickle(content: bytes) -> bool:
    """Whether it looks like what `torch.save` writes: a zip with a pickle in it, or, before torch 1.6, a bare
    pickle.
    """
    return content[:1] == b"\x80" or (content[:4] == b"PK\x03\x04" and _is_torch_archive(content))


def _is_torch_archive(content: bytes) -> bool:
    """What torch saves is a zip too, with a pickle in it, which is read elsewhere and only as tensors."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return any(name.endswith("data.pkl") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def _unpacked(content: bytes, name: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            inside = [each for each in archive.namelist() if each.endswith(".safetensors")]
            if len(inside) != 1:
                raise Unreadable(
                    f"{name} holds {len(inside) or 'no'} networks; bring a .zip that a lesson saved, with one in it."
                )
            with archive.open(inside[0]) as file:
                weights = file.read(LARGEST_WEIGHTS + 1)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError, zlib.error):
        raise Unreadable(
            f"{name} is damaged or locked; save the network again and bring that file."
        ) from None
    if len(weights) > LARGEST_WEIGHTS:
        raise Refused(f"{name} unpacks to more than {LARGEST_WEIGHTS >> 20} MB; bring a smaller network.")
    return weights


def _card(content: bytes) -> dict[str, Any] | None:
    """The card in a safetensors header, as `studio.learning.checkpoints.save` writes it; None where there is
    none.
    """
    if not is_safetensors(content):
        return None
    length = int.from_bytes(content[:8], "little")
    if length > LARGEST_HEADER:
        return None
    try:
        card = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["card"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return card if isinstance(card, dict) and isinstance(card.get("network"), dict) else None


def _described(card: Mapping[str, Any], file: str) -> OwnNetwork:
    config = card["network"]
    name = str(card.get("name") or "a network of one's own")[:100]
    if config.get("kind") != "convolutional":
        raise Refused(f"The network '{name}' in {file} {NOT_SEEING}")
    try:
        widths = [int(width) for width in config["channels"]]
        hidden, classes = int(config["hidden"]), int(config["classes"])
    except (KeyError, TypeError, ValueError):
        raise Unreadable(
            f"{file} describes its network wrongly; save it again and bring that file."
        ) from None
    names = tuple(str(each)[:60] for each in card.get("classes") or ())[:classes]
    told = ", ".join(f"{number} {each}" for number, each in enumerate(names))
    layers = [
        Layer(f"blocks.{number}", width, BY_DEPTH[number * len(BY_DEPTH) // max(1, len(widths))])
        for number, width in enumerate(widths)
    ]
    layers.append(Layer("hidden", hidden, "What it puts its answers together from."))
    layers.append(Layer("classes", classes, f"Its answers{': ' + told if told else ''}."[:300]))
    origins = [each for each in card.get("data") or () if isinstance(each, dict)]
    return OwnNetwork(
        name,
        str(card.get("what") or "")[:300],
        "; ".join(str(each.get("name") or "") for each in origins)[:300],
        str(
            card.get("licence")
            or "; ".join(dict.fromkeys(str(each.get("licence") or "") for each in origins))
        )[:300],
        tuple(layers),
    )
