"""What a dream amplifies: layers, single channels, the similarity to a guide picture, and sums of those.

    objective = layer("blocks.4") + 0.5 * channel("blocks.3", 12)
    objective = balanced(objective, network, picture)
    score = objective(network(picture))

Objectives can be added and multiplied by weights, as in Lucid (Olah, Mordvintsev and Schubert, "Feature
Visualization", 2017).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from studio.errors import Refused
from studio.images.networks.prepared import Prepared

Excitement = Callable[..., Tensor]
"""Features of one layer [n, channels, h, w] -> their strength: a scalar, a mean over all places. With shares
[n, 1, h, w] in 0..1, each place counts by its share.
"""


@dataclass(frozen=True)
class Term:
    """One thing to amplify in one layer, with its weight."""

    layer: str
    excitement: Excitement
    weight: float = 1.0
    channel: int | None = None


@dataclass(frozen=True)
class Objective:
    """A weighted sum of terms, to be maximized."""

    terms: tuple[Term, ...]

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers it needs, without repeats."""
        return tuple(dict.fromkeys(term.layer for term in self.terms))

    def __call__(self, seen: Mapping[str, Tensor], share: Tensor | None = None) -> Tensor:
        """seen: features by layer, as `Prepared` gives them -> a scalar. share: [1, 1, h, w] in 0..1, at the
        pixels that were looked at: how much each counts.
        """
        scores = [
            term.weight * term.excitement(seen[term.layer], pooled(share, seen[term.layer]))
            for term in self.terms
        ]
        return torch.stack(scores).sum()

    def __add__(self, other: Objective) -> Objective:
        return Objective(self.terms + other.terms)

    def __mul__(self, factor: float) -> Objective:
        return Objective(tuple(replace(term, weight=term.weight * factor) for term in self.terms))

    __rmul__ = __mul__

    def __neg__(self) -> Objective:
        return self * -1.0

    def __sub__(self, other: Objective) -> Objective:
        return self + -other


@dataclass(frozen=True)
class RegionalObjective:
    """An objective for each of several regions of a picture, which are looked at together."""

    objectives: tuple[Objective, ...]

    def __call__(self, seen: Mapping[str, Tensor], shares: Tensor) -> Tensor:
        """seen: as of an `Objective`. shares: [1, k, h, w], one for each region -> a scalar."""
        scores = [each(seen, shares[:, place : place + 1]) for place, each in enumerate(self.objectives)]
        return torch.stack(scores).sum()


def pooled(share: Tensor | None, features: Tensor) -> Tensor | None:
    """Shares [1, 1, h, w] of pixels at the places of features [n, c, h', w'] of the same picture."""
    if share is None:
        return None
    step = share.shape[-1] // features.shape[-1]
    return share if step == 1 else torch.nn.functional.avg_pool2d(share, step)


def layer(name: str) -> Objective:
    """Amplify whatever the layer sees: the mean square of its features, whose gradient is the features
    themselves (Mordvintsev et al., 2015).
    """

    def excitement(features: Tensor, share: Tensor | None = None) -> Tensor:
        return features.square().mean() if share is None else (features.square() * share).mean()

    return Objective((Term(name, excitement),))


def channel(name: str, number: int, even: float = 0.0) -> Objective:
    """Amplify one channel's motif: the channel's mean, in which strong places count more.

    even: in 0..1. Above 0, weak neighbourhoods catch up, or else a motif would grow only where the photo
    suggests it: every neighbourhood counts by a power of its own strength, from 1 down to the logarithm.
    """

    def excitement(features: Tensor, share: Tensor | None = None) -> Tensor:
        one = features[:, number]
        if share is not None:
            return (one * share).mean() + (torch.nn.functional.relu(one).square() * share).mean()
        return one.mean() + torch.nn.functional.relu(one).square().mean()

    def evenly(features: Tensor, share: Tensor | None = None) -> Tensor:
        one = features[:, number : number + 1]
        strength = torch.nn.functional.relu(one).square()
        if share is not None:
            one, strength = one * share, strength * share
        near = torch.nn.functional.avg_pool2d(strength, min(NEIGHBOURHOOD, *strength.shape[-2:]), 1) + FAINT
        grown = near.log() if even == 1 else near.pow(1 - even) / (1 - even)
        return grown.mean() + (1 - 0.9 * even) * one.mean()

    return Objective((Term(name, evenly if even else excitement, channel=number),))


NEIGHBOURHOOD, FAINT = 2, 0.02
"""Places whose strength counts together where a motif is to grow everywhere, and the strength below which a
neighbourhood is taken for bare.
"""


def towards(name: str, guide: Tensor) -> Objective:
    """Dream towards a guide picture: each place follows the feature of the guide that is most similar to its
    own.

    guide: features [places, channels] of the guide in this layer, from `features_of`. This is the guided
    dream of Google's notebook (Mordvintsev, Olah and Tyka, 2015: `A = x.T @ y; dst.diff = y[:,
    A.argmax(1)]`), except that the guide's features are normalised first, so that a single strong one does
    not win everywhere.
    """
    directions = torch.nn.functional.normalize(guide, dim=1)

    def excitement(features: Tensor, share: Tensor | None = None) -> Tensor:
        places = features.flatten(2).transpose(1, 2).reshape(-1, features.shape[1])
        counts = [None] * len(places) if share is None else torch.split(share.reshape(-1, 1), 4096)
        scores = [
            _similarity(some, directions, count)
            for some, count in zip(torch.split(places, 4096), counts, strict=False)
        ]
        return torch.stack(scores).sum() / len(places)

    return Objective((Term(name, excitement),))


def _similarity(places: Tensor, directions: Tensor, share: Tensor | None) -> Tensor:
    with torch.no_grad():
        best = (places @ directions.T).argmax(dim=1)
    found = places * directions[best]
    return (found if share is None else found * share).sum()


def features_of(network: Prepared, pictures: Sequence[Tensor], name: str) -> Tensor:
    """The features of `pictures`, each [1, 3, h, w], at a layer: [places, channels], a row for each place of
    each picture.
    """
    with torch.no_grad():
        return torch.cat([network(picture)[name].flatten(2).squeeze(0).T for picture in pictures])


def balanced(objective: Objective, network: Prepared, picture: Tensor) -> Objective:
    """The same objective with each term's weight divided by the mean size of its gradient at `picture` [1, 3,
    h, w].

    Layers differ in scale by orders of magnitude. After this, terms of equal weight change the picture
    equally. Raises `Refused` for a channel that the layer does not have.
    """
    for term in objective.terms:
        has = network.channels[term.layer]
        if term.channel is not None and term.channel >= has:
            raise Refused(
                f"Layer '{term.layer}' has {has} channels, numbered 0 to {has - 1}; "
                f"there is no channel {term.channel}."
            )
    if len(objective.terms) == 1:
        return objective
    shown = picture.detach().clone().requires_grad_()
    seen = network(shown)
    terms = []
    for number, term in enumerate(objective.terms, 1):
        (pull,) = torch.autograd.grad(
            term.excitement(seen[term.layer]), shown, retain_graph=number < len(objective.terms)
        )
        strength = float(pull.abs().mean())
        terms.append(replace(term, weight=term.weight / strength if strength > 0 else term.weight))
    return Objective(tuple(terms))
