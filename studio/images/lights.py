"""A photo's broad light and dark, given back to a painting that has lost them.

A painting with a narrow tonal range, such as one in bright dots, passes it on to the photo: what is black
there becomes a green that is hardly darker than the skin beside it, and a face goes flat. Here the painted
picture's broad tones are moved towards the photo's, as far apart as the picture's own lightness allows. Its
colours, and everything finer, stay as they were painted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from studio.images.canvas import strips, tensor_of
from studio.images.palettes import LUMA
from studio.images.pictures import Pixels, fit_within, resize

BROAD, FINER = 168, 448
"""Longer sides, in pixels, of the copies whose lights are compared: everywhere, and where the photo has faces
or other fine structure.
"""

WHERE = 2.0
"""A face has about half of all structure; from there on finer lights are moved as far as the others."""

BLUR = 3.0
"""Deviation of the blur, in pixels of a copy, that leaves what is broad in it."""

EVEN = 0.05
"""Differences of light in the photo, black to white being 1, below which a place counts as even."""

RANGE, LEAST, MOST = 1.1, 0.3, 0.7
"""How far apart the painted tones are at least, as a share of the photo's: so many times the picture's mean
lightness, within these bounds. A dark picture has little room below its mean.
"""

LEAST_IN_FACES = 0.55
"""The second of these bounds in faces: a dark face is nobody's."""

DARKEST, LIGHTEST = 0.25, 0.6
"""No place becomes darker than this share of what it is, or goes farther on the way to white."""


Size = tuple[int, int]


def hold_lights(
    painted: Tensor,
    photo: Pixels,
    share: float,
    structure: Tensor | None = None,
    copy: Callable[[int, int], Pixels] | None = None,
    faces: Tensor | None = None,
) -> None:
    """Move the broad lights of a painted picture [1, 3, h, w], 0..1, in place, by a share, 0..1, of the way
    to those of the photo it shows, uint8 [h', w', 3]; and finer ones where that has structure, 0..1, [1, 1,
    h'', w''] (see `structure_of`). Nothing becomes lighter than the lightest place was. copy: what gives the
    photo at a height and width, if not `resize`. faces: where those are, in the same form; they are moved
    once more, and farther.
    """
    copy = copy or partial(resize, photo)
    if share:
        broad, finer = sizes_compared(painted.shape[-2], painted.shape[-1])
        _move(painted, copy(*broad), share)
        if structure is not None:
            _move(painted, copy(*finer), share * (WHERE * structure).clamp(max=1))
        if faces is not None and bool(faces.any()):
            _move(painted, copy(*finer), share * faces, LEAST_IN_FACES)


def sizes_compared(height: int, width: int) -> tuple[Size, Size]:
    """The sizes of the copies whose lights are compared, of a picture of height x width: the broad and the
    finer.
    """
    broad, finer = (fit_within(height, width, min(side, max(height, width))) for side in (BROAD, FINER))
    return broad, finer


@torch.no_grad()
def _move(painted: Tensor, copy: Pixels, share: float | Tensor, narrowest: float = LEAST) -> None:
    """copy: of the photo, of the size at which lights are compared. narrowest: see `RANGE`."""
    height, width = painted.shape[-2:]
    size = copy.shape[0], copy.shape[1]
    luma = torch.tensor(LUMA, device=painted.device).view(1, 3, 1, 1)
    small = F.interpolate(painted, size, mode="bilinear", antialias=True, align_corners=False)
    now = _blurred((small * luma).sum(1, keepdim=True))
    shown = tensor_of(copy, painted.device).float().div_(255)
    light = (shown * luma).sum(1, keepdim=True)
    wanted = _blurred(light)
    mean, spread = now.mean(), float(wanted.std(correction=0))
    if spread < 1e-3:  # a photo of one colour
        return
    least = min(MOST, max(narrowest, RANGE * float(mean)))
    wanted = mean + (wanted - wanted.mean()) * max(least, float(now.std(correction=0)) / spread)
    if isinstance(share, Tensor):
        share = F.interpolate(share.to(now), size, mode="bilinear", align_corners=False)
    aim = now + _along(light, (wanted.minimum(now.max()) - now) * share)
    darker = (aim / now.clamp_min(1e-2)).clamp(DARKEST, 1)
    lighter = ((aim - now) / (1 - now).clamp_min(3e-2)).clamp(0, LIGHTEST)
    down, across = (_between(*lengths).to(painted) for lengths in zip(size, (height, width), strict=True))
    for rows in strips(painted):
        part = painted[..., rows, :]
        part.mul_(down[rows] @ darker @ across.T)
        part.lerp_(torch.ones_like(part), down[rows] @ lighter @ across.T)


def _along(light: Tensor, gap: Tensor) -> Tensor:
    """A blurred gap that follows the edges of the photo, and makes no halo around what is dark: the linear
    function of the photo's light that fits best around every place (He, Sun and Tang, "Guided image
    filtering", ECCV 2010).
    """
    mean, middle = _blurred(light), _blurred(gap)
    slope = (_blurred(light * gap) - mean * middle) / (_blurred(light.square()) - mean.square() + EVEN**2)
    return _blurred(slope) * light + _blurred(middle - slope * mean)


def _blurred(light: Tensor) -> Tensor:
    """A small picture [1, 1, h, w] without what is finer than `BLUR`; its edges go on as they are."""
    reach = round(3 * BLUR)
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=light.device) / BLUR) ** 2)
    weights = weights / weights.sum()
    wide = F.pad(light, (reach, reach, reach, reach), mode="replicate")
    blurred: Tensor = F.conv2d(F.conv2d(wide, weights.view(1, 1, 1, -1)), weights.view(1, 1, -1, 1))
    return blurred


def _between(few: int, many: int) -> Tensor:
    """What makes `few` values along a side `many`, linearly between them, [many, few]."""
    rows: Tensor = F.interpolate(torch.eye(few)[None], many, mode="linear", align_corners=False)[0]
    return rows.T
