"""Groups against scikit-learn's k-means from the same start, and what must hold of any k-means."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from sklearn.cluster import KMeans

from studio.errors import StudioError
from studio.lessons.kit.lesson import Action
from studio.lessons.no_labels import LESSON, NoLabelsState, groups_of


def rested(state: NoLabelsState) -> NoLabelsState:
    while not state.resting:
        state = LESSON.act(state, Action("step"))
    return state


@pytest.mark.parametrize(
    "settings", [{}, {"groups": 5, "seed": 7}, {"of": "colours of a picture", "groups": 4}]
)
def test_it_ends_where_scikit_learn_ends_from_the_same_start(settings: dict[str, object]) -> None:
    state = LESSON.begin(LESSON.settings(settings))
    start = state.centres.numpy().copy()
    theirs = KMeans(len(start), init=start, n_init=1, max_iter=300, tol=0, algorithm="lloyd").fit(
        state.points
    )
    if theirs.n_iter_ < 55:
        assert rested(state).centres.numpy() == pytest.approx(theirs.cluster_centers_, abs=1e-6)


def test_the_loss_never_rises() -> None:
    losses = rested(LESSON.begin(LESSON.settings({"groups": 6}))).losses
    assert all(after <= before + 1e-12 for before, after in pairwise(losses))


def test_three_kinds_are_found_without_a_name() -> None:
    state = rested(LESSON.begin(LESSON.settings()))
    group = groups_of(state.points, state.centres.numpy())
    pure = sum(max(np.bincount(state.kinds[group == g])) for g in range(3) if (group == g).any())
    assert pure / len(state.points) > 0.95


def test_nearest_is_nearest() -> None:
    rng = np.random.default_rng(0)
    points, centres = rng.random((40, 3)), rng.random((4, 3))
    by_hand = [min(range(4), key=lambda g: float(((point - centres[g]) ** 2).sum())) for point in points]
    assert groups_of(points, centres).tolist() == by_hand


def test_the_palette_of_the_visitors_own_picture_is_its_colours() -> None:
    colours = [(230, 30, 40), (20, 90, 200), (250, 240, 60)]
    picture = Image.new("RGB", (90, 60))
    for i, colour in enumerate(colours):
        picture.paste(colour, (30 * i, 0, 30 * i + 30, 60))
    file = io.BytesIO()
    picture.save(file, "PNG")
    found = [
        rested(
            LESSON.act(
                LESSON.begin(LESSON.settings({"start": throw})),
                Action("own", text="p.png", content=file.getvalue()),
            )
        )
        for throw in range(4)
    ]
    best = min(found, key=lambda state: state.losses[-1])
    palette = np.array(sorted(best.centres.tolist())) * 255
    assert np.abs(palette - np.array(sorted(colours))).max() < 8
    with pytest.raises(StudioError):
        LESSON.act(LESSON.begin(LESSON.settings()), Action("own", content=b"no"))
