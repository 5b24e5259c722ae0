"""Parts of a photo that a network tells apart: a few segments, and the subject against the background.

    found = segments_of(photo)
    found.light("subject")                     # uint8 [h, w]

Segments are groups of places with like features (k-means); no names are given to them, for nobody told the
network any. The subject is what differs from the background, and the background is what the picture's edges
show (Zhu, Liang, Wei and Sun, "Saliency Optimization from Robust Background Detection", CVPR 2014), here with
a network's features beside the colours. The borders of both follow the photo's (He, Sun and Tang, "Guided
Image Filtering", ECCV 2010).
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from studio.errors import Refused
from studio.images.canvas import fitting_length, tensor_of, window
from studio.images.networks.backbones import DEFAULT
from studio.images.networks.opening import open_network
from studio.images.pictures import Pixels, fit_within, resize
from studio.images.regions import MOST_SEGMENTS

Values = npt.NDArray[np.float32]

LAYERS = ("blocks.2", "blocks.4", "blocks.6")
"""Of the usual network: fine texture, parts of things, and things."""

SIDE, STEP, COARSE = 384, 8, 12
"""The longer side, in pixels, at which a photo is looked at, and the pixels between its places: for segments,
and for the subject.
"""

SHARPNESS = 12.0
"""How soon a place belongs to one segment alone, by how much nearer it is to that one than to the others."""

SMALLEST_PART = 0.015
"""A segment with a smaller share of the picture is joined to the one that is most like it."""

RADIUS, WEAK_EDGE = 12, 1e-3
"""Of the guided filter: half the side of its window, in pixels at `SIDE`, and how weak an edge may be."""


@dataclass(frozen=True)
class Segments:
    """What was found, at `SIDE`. parts: the share of every segment at every pixel, [k, h, w], the largest
    segment first; they add up to 1. subject: the share of the subject, [h, w].
    """

    parts: Values
    subject: Values

    def light(self, place: str) -> Pixels:
        """A region as a picture, uint8 [h, w]: light where it is. place: "subject", "background" or
        "segment N". Raises `Refused` for a segment that there is not.
        """
        if place in ("subject", "background"):
            share = self.subject if place == "subject" else 1 - self.subject
        else:
            number = int(place.removeprefix("segment "))
            if number > len(self.parts):
                raise Refused(
                    f"This photo has {len(self.parts)} segments, so there is no segment {number}: choose a "
                    "lower number (studio segments shows them)."
                )
            share = self.parts[number - 1]
        found: Pixels = (share * 255).round().astype(np.uint8)
        return found


def segments_of(photo: Pixels) -> Segments:
    """The segments and the subject of a photo, uint8 [h, w, 3]. The same photo has the same every time."""
    small = resize(photo, *fit_within(photo.shape[0], photo.shape[1], SIDE))
    seen = _seen(small)
    guide = _Guide(small.astype(np.float32) / np.float32(255))
    parts = guide.following(_segments(seen))
    parts /= parts.sum(0).clip(1e-6)
    subject = guide.following(_subject(seen)[None])[0]
    order = parts.mean((1, 2)).argsort()[::-1]
    return Segments(parts[order], _contrasted(subject))


def shown_over(photo: Pixels, found: Segments) -> Pixels:
    """The photo with every segment in a colour of its own, uint8 [h, w, 3], as large as they were found."""
    hues = [place * 0.618 % 1 for place in range(len(found.parts))]
    colours = 255 * np.asarray([colorsys.hsv_to_rgb(hue, 0.65, 0.95) for hue in hues], np.float32)
    laid = np.tensordot(found.parts, colours, axes=(0, 0))
    small = resize(photo, *found.subject.shape)
    shown: Pixels = (small * 0.45 + laid * 0.55).round().clip(0, 255).astype(np.uint8)
    return shown


# --- What the network sees


@dataclass(frozen=True)
class _Seen:
    """What is known of a photo's places. colours: [3, h, w] in Lab, about -1 to 1. layers: each layer's
    features [channels, h', w'].
    """

    colours: Values
    layers: dict[str, Values]
    height: int
    width: int

    def at(self, step: int) -> tuple[int, int, dict[str, Values]]:
        """Rows and columns of places `step` pixels apart, and what is known of them, [places, n] each; the
        features' differences are about 1.
        """
        high, wide = (max(2, round(side / step)) for side in (self.height, self.width))
        known = {"colours": _laid(self.colours, high, wide)}
        for name, features in self.layers.items():
            flat = _laid(features, high, wide)
            flat = flat - flat.mean(0)
            known[name] = flat / max(1e-9, float(np.linalg.norm(flat, axis=1).mean()))
        rows, columns = np.meshgrid(np.linspace(-1, 1, high), np.linspace(-1, 1, wide), indexing="ij")
        known["places"] = np.stack([rows.ravel(), columns.ravel()], 1).astype(np.float32)
        return high, wide, known


def _laid(values: Values, high: int, wide: int) -> Values:
    """Values [n, h, w] at [high * wide, n] places."""
    laid = F.interpolate(torch.from_numpy(values)[None], (high, wide), mode="area")
    found: Values = laid[0].flatten(1).T.contiguous().numpy()
    return found


def _seen(small: Pixels) -> _Seen:
    network, _ = open_network(DEFAULT, LAYERS, None)
    picture = tensor_of(small, network.device).float().div_(255)
    height, width = picture.shape[-2:]
    whole = window(picture, 0, 0, *(fitting_length(side, network) for side in (height, width)))
    layers = {}
    with torch.no_grad():
        for name, features in network(whole).items():
            step = whole.shape[-1] / features.shape[-1]
            inside = features[0, :, : max(1, round(height / step)), : max(1, round(width / step))]
            layers[name] = inside.contiguous().cpu().numpy()
    return _Seen(_lab(small).transpose(2, 0, 1).copy(), layers, height, width)


def _lab(pixels: Pixels) -> Values:
    """sRGB [h, w, 3] in CIE Lab (D65), divided by 50."""
    linear = (pixels / 255.0) ** 2.2
    to_xyz = np.asarray([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    cubed = np.cbrt(linear @ (to_xyz / to_xyz.sum(1, keepdims=True)).T)
    x, y, z = cubed[..., 0], cubed[..., 1], cubed[..., 2]
    lab: Values = (np.stack([116 * y - 66, 500 * (x - y), 200 * (y - z)], -1) / 50).astype(np.float32)
    return lab


# --- Segments


def _segments(seen: _Seen) -> Values:
    """The share of every segment at every place, [k, h, w]."""
    from sklearn.cluster import KMeans

    high, wide, known = seen.at(STEP)
    described = np.concatenate(
        [
            known["blocks.2"] * 0.6,
            known["blocks.4"],
            known["blocks.6"] * 0.8,
            known["colours"] * 0.7,
            known["places"] * 0.25,
        ],
        axis=1,
    )
    groups = min(MOST_SEGMENTS, len(np.unique(described.round(4), axis=0)))
    found = KMeans(groups, n_init=4, random_state=0).fit(described)
    squares = found.transform(described) ** 2
    shares = np.exp(-SHARPNESS * (squares - squares.min(1, keepdims=True)) / max(1e-9, squares.mean()))
    shares = (shares / shares.sum(1, keepdims=True)).T
    while len(shares) > 2 and shares.mean(1).min() < SMALLEST_PART:
        shares = _with_least_joined(shares, described)
    laid: Values = shares.reshape(-1, high, wide).astype(np.float32)
    return laid


def _with_least_joined(shares: Any, described: Values) -> Any:
    """The same with the smallest segment added to the one that is most like it."""
    least = int(shares.mean(1).argmin())
    means = shares @ described / shares.sum(1, keepdims=True)
    apart = np.linalg.norm(means - means[least], axis=1)
    apart[least] = np.inf
    shares[int(apart.argmin())] += shares[least]
    return np.delete(shares, least, axis=0)


# --- The subject


def _subject(seen: _Seen) -> Values:
    """The share of the subject at every place, [h, w]."""
    high, wide, known = seen.at(COARSE)
    apart = _distances(np.concatenate([known["colours"] * 1.3, known["blocks.4"], known["blocks.6"]], 1))
    steps = _steps(high, wide)
    edge = _at_edge(high, wide)
    likely = _background(apart, steps, edge)
    near = np.exp(-(_distances(known["places"]) ** 2) / (2 * 0.8**2))
    contrast = (apart * near) @ likely
    contrast = (contrast / max(1e-9, contrast.max())) * np.exp(-(known["places"] ** 2).sum(1) / 2.0)
    share: Values = _settled(contrast, likely, apart, steps).reshape(high, wide).astype(np.float32)
    return share


def _distances(points: Values) -> Any:
    from scipy.spatial.distance import cdist

    return cdist(points, points)


def _steps(high: int, wide: int) -> Any:
    """The pairs of neighbouring places, [n, 2]."""
    number = np.arange(high * wide).reshape(high, wide)
    pairs = [
        (number[:, :-1], number[:, 1:]),
        (number[:-1], number[1:]),
        (number[:-1, :-1], number[1:, 1:]),
        (number[:-1, 1:], number[1:, :-1]),
    ]
    return np.concatenate([np.stack([a.ravel(), b.ravel()], 1) for a, b in pairs])


def _at_edge(high: int, wide: int) -> Any:
    """1 at the picture's edge, 0 inside. The lower edge counts little: what stands there is often cut off."""
    edge = np.zeros((high, wide))
    edge[-1] = 0.25
    edge[0] = edge[:, 0] = edge[:, -1] = 1
    return edge.ravel()


def _background(apart: Any, steps: Any, edge: Any) -> Any:
    """How likely every place belongs to the background, 0 to 1: by how much of the edge can be reached from
    it without crossing a border (Zhu et al., section 3).
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import dijkstra

    across = apart[steps[:, 0], steps[:, 1]]
    across = np.maximum(1e-6, across - np.quantile(across, 0.25))
    at_edge = np.flatnonzero(edge == 1)
    ring = np.stack([at_edge, np.roll(at_edge, 1)], 1)  # places of the edge are one step from each other
    pairs = np.concatenate([steps, ring])
    lengths = np.concatenate([across, apart[ring[:, 0], ring[:, 1]]])
    graph = coo_array((lengths, (pairs[:, 0], pairs[:, 1])), shape=apart.shape).tocsr()
    walked = dijkstra(graph, directed=False)
    reached = np.exp(-(walked**2) / (2 * (0.35 * np.median(walked)) ** 2 + 1e-12))
    connected = (reached @ edge) / np.sqrt(reached.sum(1))
    return 1 - np.exp(-((connected / max(1e-9, np.quantile(connected, 0.7))) ** 2))


def _settled(contrast: Any, likely: Any, apart: Any, steps: Any) -> Any:
    """What agrees best with the contrast, with the background and between neighbours (Zhu et al., equation
    9): the minimum of a sum of squares, so one linear equation.
    """
    from scipy.sparse import coo_array, diags_array
    from scipy.sparse.linalg import spsolve

    count = len(contrast)
    alike = apart[steps[:, 0], steps[:, 1]]
    weights = np.exp(-(alike**2) / (2 * np.median(alike) ** 2)) + 0.05
    rows, columns = np.concatenate([steps, steps[:, ::-1]]).T
    joined = coo_array((np.concatenate([weights, weights]), (rows, columns)), shape=(count, count)).tocsr()
    spread = diags_array(joined.sum(1)) - joined
    system = diags_array(contrast + likely) + spread
    settled: Any = np.clip(spsolve(system.tocsc(), contrast), 0, 1)
    return settled


def _contrasted(subject: Values) -> Values:
    """The same, clearer: 0 and 1 on either side of the level that divides it best (Otsu, 1979)."""
    counts, edges = np.histogram(subject, 64)
    below, levels = np.cumsum(counts), (edges[:-1] + edges[1:]) / 2
    masses = np.cumsum(counts * levels)
    spread = (masses[-1] * below / below[-1] - masses) ** 2 / np.maximum(1, below * (below[-1] - below))
    level, width = levels[int(spread.argmax())], 0.25 * max(1e-6, float(subject.max() - subject.min()))
    sharp: Values = ((subject - level) / width + 0.5).clip(0, 1).astype(np.float32)
    return sharp


# --- Borders


class _Guide:
    """A photo [h, w, 3] in 0..1 whose borders others follow: the guided filter with a colour guide."""

    def __init__(self, photo: Values) -> None:
        self.photo = photo.transpose(2, 0, 1)
        self.mean = _box(self.photo)
        products = np.stack([_box(self.photo * each) for each in self.photo])
        spread = (products - self.mean[None] * self.mean[:, None]).transpose(2, 3, 0, 1)
        self.inverse = np.linalg.inv(spread + WEAK_EDGE * np.eye(3, dtype=np.float32))

    def following(self, shares: Values) -> Values:
        """Shares [k, h', w'] at the photo's size, along its borders."""
        size = self.photo.shape[1:]
        large = F.interpolate(torch.from_numpy(shares)[None], size, mode="bicubic", align_corners=False)[0]
        return np.stack([self._filtered(each) for each in large.clamp(0, 1).numpy()])

    def _filtered(self, share: Values) -> Values:
        level = _box(share[None])[0]
        together = (_box(self.photo * share) - self.mean * level).transpose(1, 2, 0)
        slope = np.einsum("hwij,hwj->ihw", self.inverse, together)
        offset = level - (slope * self.mean).sum(0)
        found: Values = ((_box(slope) * self.photo).sum(0) + _box(offset[None])[0]).clip(0, 1)
        return found.astype(np.float32)


def _box(values: Any) -> Any:
    """The mean over a window around every pixel of [n, h, w]."""
    from scipy.ndimage import uniform_filter

    return uniform_filter(values, (0, 2 * RADIUS + 1, 2 * RADIUS + 1), mode="nearest")
