"""One loop, three uses: prices from totals, the next note from the notes before, pixels towards what a
layer sees.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from studio.images.networks.backbones import DEFAULT
from studio.lessons.cafeteria.model import FOODS, MENUS, TRUE_PRICES, read_menu
from studio.lessons.derivative_works.model import DREAM_LAYER, STEPS, DerivativeWorksState, ThreeUses

if TYPE_CHECKING:
    from studio.learning.networks import SequenceNetwork

LOOP_SIDE = 144
PRICE_RATE = 0.004

# Two melodies in the public domain, in C: the beginning of Beethoven's Ode to Joy (1824), and Frère Jacques
# (traditional, 18th century).
TUNES = tuple(
    tuple(map(int, notes.split()))
    for notes in (
        "64 64 65 67 67 65 64 62 60 60 62 64 64 62 62 64 64 65 67 67 65 64 62 60 60 62 64 62 60 60",
        "60 62 64 60 60 62 64 60 64 65 67 64 65 67 67 69 67 65 64 60 67 69 67 65 64 60 60 55 60 60 55 60",
    )
)
PITCHES = tuple(sorted({pitch for tune in TUNES for pitch in tune}))
WRITTEN_NOTES = 24


def begin_three(seed: int) -> ThreeUses:
    """The three uses, before their first step."""
    import torch

    from studio.images.networks.opening import open_network
    from studio.images.objectives import layer
    from studio.images.recipes import DreamRecipe
    from studio.learning.datasets import Sequences
    from studio.learning.descent import descend
    from studio.learning.networks import Recurrent
    from studio.learning.rules import GradientDescent, delta_rule
    from studio.learning.training import Plan, fit
    from studio.lessons.shared.pictures import sample
    from studio.lessons.shared.small_dream import SmallDream

    meals = read_menu(MENUS["everyday"], 0.0, 0)
    portions = torch.tensor([meal.portions for meal in meals], dtype=torch.float64)
    totals = torch.tensor([meal.total for meal in meals], dtype=torch.float64)
    prices = torch.full((len(FOODS),), 0.2, dtype=torch.float64)
    price_steps = descend(
        [prices], lambda: delta_rule(prices, portions, totals), GradientDescent(PRICE_RATE), steps=STEPS
    )

    melody: Any = Recurrent(
        tokens=len(PITCHES), embedding=12, hidden=32, outputs=len(PITCHES), seed=seed
    ).build()
    tunes = Sequences.predicting_next(
        [torch.tensor([PITCHES.index(pitch) for pitch in tune]) for tune in TUNES]
    )
    melody_steps = fit(melody, tunes, Plan(rate=0.02, epochs=STEPS, batch=len(TUNES), device="cpu"))

    # Two octaves at this size: as many steps as the others take.
    recipe = DreamRecipe(octaves=12, steps=STEPS // 2, coarse_first=0.0, jitter=16, seed=seed)
    dream = SmallDream(
        sample("pagoda", LOOP_SIDE), open_network(DEFAULT, (DREAM_LAYER,))[0], layer(DREAM_LAYER), recipe
    )
    return ThreeUses(prices, price_steps, melody, melody_steps, dream, notes=continued(melody))


def continued(melody: SequenceNetwork, start: int = 60) -> tuple[int, ...]:
    """What the melody network writes now, always taking the most likely next note after a first one: MIDI
    numbers.
    """
    import torch

    notes, memory = [PITCHES.index(start)], None
    with torch.no_grad():
        for _ in range(WRITTEN_NOTES - 1):
            said, memory = melody.following(torch.tensor([[notes[-1]]]), memory)
            notes.append(int(said[0, -1].argmax()))
    return tuple(PITCHES[note] for note in notes)


def advance_three(state: DerivativeWorksState) -> DerivativeWorksState:
    """One step of each."""
    three = state.three
    assert three is not None
    if three.done >= STEPS:
        return replace(
            state,
            playing=False,
            said="All three have finished. Start again runs them once more.",
            mood="good",
        )
    price, report = next(three.price_steps), next(three.melody_steps)
    if three.dream.failure or (len(three.dream.losses) < three.dream.steps and not three.dream.go_on()):
        return replace(state, playing=False, said=three.dream.failure, mood="bad")
    three = replace(
        three,
        price_losses=(*three.price_losses, price.loss),
        melody_losses=(*three.melody_losses, report.loss),
        notes=continued(three.melody.eval()),
    )
    if three.done == STEPS:
        prices = (
            "the prices are found, "
            if max(abs(float(p) - t) for p, t in zip(three.prices, TRUE_PRICES, strict=True)) < 0.2
            else ""
        )
        said = f"{STEPS} steps of one loop: {prices}a tune is learnt, a photo dreams. Press Hear the melody."
        return replace(state, three=three, playing=False, said=said, mood="good")
    return replace(state, three=three)
