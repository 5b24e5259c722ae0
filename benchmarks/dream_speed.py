"""How fast a dream is: beside a plain loop as in Google's notebook, and beside its own bare gradients, side by side in one run.

    python -m benchmarks.dream_speed [--rounds 5] [--size 768]

The plain loop is the notebook's (roll, forward to the layer, backward, step / mean |g|, clip) on the same backbone as it is loaded.
Ours does more in each step: several scales, continued borders, the pull back to the photo, progress.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from itertools import islice

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from torch import Tensor, nn

from studio.images.backbones import DEFAULT, backbone, weights_path
from studio.images.dream import Climb, Look, dream, plan_octaves
from studio.images.efficientnet_lite import EfficientNetLite0
from studio.images.memory import memory_kept
from studio.images.networks import open_network
from studio.images.objectives import layer
from studio.images.presets import finish
from studio.images.recipes import DreamRecipe
from studio.learning.descent import descend
from studio.works.recipe import Source

LAYER = "blocks.4"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--size", type=int, default=768)
    asked.add_argument("--steps", type=int, default=12, help="steps of the loops in each round; a dream takes 12 at each size")
    options = asked.parse_args()
    photo = Image.fromarray(load_sample_image("china.jpg")).resize((options.size, options.size * 3 // 4), Image.Resampling.LANCZOS)
    picture = torch.from_numpy(np.array(photo)).permute(2, 0, 1)[None].float() / 255

    loops = {
        "plain": partial(plain_loop, picture, whole=True),
        "plain, stopped at the layer": partial(plain_loop, picture, whole=False),
        "ours": partial(our_loop, picture),
    }
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(options.rounds):
        for name, loop in loops.items():
            seconds[name].append(per_step(loop(), options.steps))
    ours = statistics.median(seconds["ours"])
    print(f"{photo.width} x {photo.height}, {LAYER} of {DEFAULT}, {torch.get_num_threads()} threads")
    print(f"medians of {options.rounds} alternated rounds:")
    for name, times in seconds.items():
        middle = statistics.median(times)
        print(f"  {name:<28} {1 / middle:6.2f} iterations/s   ours is {middle / ours:.2f} times as fast")
    faster = statistics.median(seconds["plain"]) / ours

    written = io.BytesIO()
    photo.save(written, "PNG")
    recipe = DreamRecipe(
        sources=(Source(sha256=hashlib.sha256(written.getvalue()).hexdigest(), role="photo", name="", title="", author="", licence=""),),
        size=options.size,
        layers=(LAYER,),
        seed=1,
    )
    whole, bare = [], []
    for _ in range(max(2, options.rounds // 2)):
        whole.append(timed(lambda: finish(dream(recipe, lambda _source: written.getvalue()))))
        bare.append(timed(lambda: bare_gradients(recipe, photo.height, photo.width)))
    ratio = statistics.median(a / b for a, b in zip(whole, bare, strict=True))
    print(f"  whole dream {statistics.median(whole):.1f} s, its bare gradients {statistics.median(bare):.1f} s: {ratio:.2f} times as long")
    if faster < 2 or ratio > 2:
        sys.exit("Slower than claimed: at least twice as fast as the plain loop, at most twice as long as the bare gradients.")


def timed(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def per_step(loop: Generator[object, None, None], steps: int) -> float:
    """Seconds that a step of an endless loop takes once it is under way: its first step does not count."""
    with closing(loop):
        next(loop)
        return timed(lambda: deque(islice(loop, steps), maxlen=0)) / steps


def plain_loop(picture: Tensor, *, whole: bool) -> Generator[None, None, None]:
    """The notebook's make_step, 0..1 instead of 0..255. whole: let the network run to its end although only the layer is looked at."""
    network = EfficientNetLite0().eval().requires_grad_(False)
    state = torch.load(weights_path(backbone(DEFAULT)), weights_only=True)
    network.load_state_dict(dict(zip(network.state_dict(), state.values(), strict=True)))
    seen: list[Tensor] = []
    network.get_submodule(LAYER).register_forward_hook(lambda _module, _given, features: seen.append(features))
    if not whole:
        network.blocks = nn.Sequential(*list(network.blocks)[: int(LAYER.rsplit(".", 1)[1]) + 1])
        network.conv_head, network.bn2, network.classifier = nn.Identity(), nn.Identity(), nn.Identity()  # type: ignore[assignment]
    dice = torch.Generator().manual_seed(0)

    x = picture.clone()
    while True:
        down, right = torch.randint(-32, 33, (2,), generator=dice).tolist()
        shown = x.roll((down, right), (2, 3)).requires_grad_()
        seen.clear()
        network((shown - 0.5) / 0.5)
        (slope,) = torch.autograd.grad(seen[0].square().mean() / 2, shown)
        slope = slope.roll((-down, -right), (2, 3))
        x = (x + 0.0059 * slope / slope.abs().mean()).clamp(0, 1)
        yield


def our_loop(picture: Tensor) -> Generator[object, None, None]:
    network, _ = open_network(DEFAULT, (LAYER,))
    recipe, dice = DreamRecipe(seed=1), torch.Generator().manual_seed(0)
    base = (picture * 255).to(torch.uint8).contiguous()
    x = picture.clone(memory_format=torch.contiguous_format)
    look = Look(x, network, layer(LAYER), dice, jitter=recipe.jitter, tile=recipe.tile)
    with memory_kept():  # as `dream` does
        yield from descend([x], look, Climb(recipe, base, None), steps=10**9, raising=True, keep_every=0)


def bare_gradients(recipe: DreamRecipe, height: int, width: int) -> None:
    """As many gradients of the prepared network, of the same sizes, as the dream takes, and nothing else."""
    network, _ = open_network(DEFAULT, (LAYER,))
    for octave in plan_octaves(height, width, recipe):
        x = torch.rand(1, 3, octave.height, octave.width).contiguous(memory_format=torch.channels_last)
        with memory_kept():
            for _ in range(octave.steps):
                shown = x.detach().requires_grad_()
                torch.autograd.grad(network(shown)[LAYER].square().mean(), shown)


if __name__ == "__main__":
    main()
