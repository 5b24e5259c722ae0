"""Colours and brightness of one picture carried over to another.

Gatys, Bethge, Hertzmann and Shechtman, "Preserving color in neural artistic style transfer", 2016.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from studio.images.pictures import Pixels

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""How bright red, green and blue are (Rec. 601): the Y of JPEG's YCbCr."""


def with_palette_of(picture: Pixels, model: Pixels) -> Pixels:
    """The picture with its colours moved linearly, so that their mean and covariance are the model's (section
    5.2 there, with symmetric square roots). Both uint8 [h, w, 3].
    """
    given, wanted = (
        torch.from_numpy(pixels.reshape(-1, 3).astype(np.float64) / 255).T for pixels in (picture, model)
    )
    move = square_root(torch.cov(wanted)) @ torch.linalg.inv(square_root(torch.cov(given)))
    moved = move @ (given - given.mean(dim=1, keepdim=True)) + wanted.mean(dim=1, keepdim=True)
    return np.asarray(moved.mul(255).clamp(0, 255).round().to(torch.uint8).T.reshape(picture.shape).numpy())


def square_root(covariance: Tensor) -> Tensor:
    """The symmetric square root of a covariance [3, 3]. Eigenvalues near 0 are raised, so that it has an
    inverse.
    """
    values, axes = torch.linalg.eigh(covariance)
    root: Tensor = (axes * values.clamp_min(1e-5).sqrt()) @ axes.T
    return root


def brightness(pixels: Pixels) -> np.ndarray:
    """uint8 [h, w, 3] -> float32 [h, w], 0..255."""
    return np.asarray(pixels.astype(np.float32) @ LUMA)


def as_bright_as(light: np.ndarray, model: np.ndarray) -> np.ndarray:
    """Brightness moved linearly, so that its mean and deviation are the model's."""
    return np.asarray((light - light.mean()) * (model.std() / max(float(light.std()), 1e-3)) + model.mean())


def grey(light: np.ndarray) -> Pixels:
    """Brightness [h, w] -> grey pixels, uint8 [h, w, 3]."""
    pixels: Pixels = np.repeat(np.clip(light, 0, 255).round().astype(np.uint8)[..., None], 3, axis=2)
    return pixels
