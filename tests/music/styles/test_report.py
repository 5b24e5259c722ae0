"""Densities with overlap and divergence known in closed form, and sets of tunes with an obvious ranking."""

from __future__ import annotations

import math
import random
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import gaussian_kde

from studio.errors import Refused
from studio.music.reading.readers import read_tunes
from studio.music.scores.tunes import Tune
from studio.music.styles.report import (
    FEATURES,
    between_distances,
    compare,
    compare_distances,
    density,
    length_class,
    overlap_and_divergence,
    within_distances,
)
from studio.music.styles.table import music21_corpus


def _normal(mean: float, deviation: float, grid: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * ((grid - mean) / deviation) ** 2) / (deviation * math.sqrt(2 * math.pi))


@pytest.mark.parametrize(("apart", "deviation"), [(0.0, 1.0), (1.0, 1.0), (2.5, 1.0), (1.0, 0.5)])
def test_two_gaussians_overlap_as_the_formula_says(apart: float, deviation: float) -> None:
    grid = np.linspace(-12, 15, 4001)
    overlap, divergence = overlap_and_divergence(
        _normal(0, deviation, grid), _normal(apart, deviation, grid), grid
    )
    assert overlap == pytest.approx(2 * NormalDist().cdf(-apart / (2 * deviation)), abs=1e-4)
    assert divergence == pytest.approx(apart**2 / (2 * deviation**2), abs=1e-2)


def test_gaussians_of_different_width_diverge_as_the_formula_says() -> None:
    grid = np.linspace(-20, 20, 4001)
    _, there = overlap_and_divergence(_normal(0, 1, grid), _normal(0, 2, grid), grid)
    _, back = overlap_and_divergence(_normal(0, 2, grid), _normal(0, 1, grid), grid)
    assert there == pytest.approx(math.log(2) + 1 / 8 - 1 / 2, abs=1e-3)
    assert back == pytest.approx(math.log(1 / 2) + 4 / 2 - 1 / 2, abs=1e-2)


def test_samples_of_gaussians_come_close_to_the_formula() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.normal(10, 1, 20_000), rng.normal(11.5, 1, 20_000)
    overlap, divergence = compare_distances(one, other)
    # The kernels widen both by the square of their bandwidth.
    wider = math.sqrt(1 + (20_000**-0.2) ** 2)
    assert overlap == pytest.approx(2 * NormalDist().cdf(-1.5 / (2 * wider)), abs=0.02)
    assert divergence == pytest.approx(1.5**2 / (2 * wider**2), abs=0.06)


def test_the_density_is_that_of_scipy() -> None:
    sample = np.random.default_rng(2).gamma(2.0, 1.0, 400)
    width = float(sample.std()) * len(sample) ** -0.2
    grid = np.linspace(-1, 12, 200)
    theirs = gaussian_kde(sample, bw_method=width / float(sample.std(ddof=1)))(grid)
    assert np.abs(density(sample, width, grid) - theirs).max() < 0.002 * theirs.max()


def test_equal_and_degenerate_samples() -> None:
    sample = np.random.default_rng(3).normal(0, 1, 300)
    assert compare_distances(sample, sample) == (pytest.approx(1, abs=1e-6), pytest.approx(0, abs=1e-6))
    assert compare_distances(np.zeros(50), np.zeros(50))[0] == pytest.approx(1, abs=1e-6)
    assert compare_distances(np.zeros(50), np.full(50, 3.0))[0] < 0.01
    assert math.isfinite(compare_distances(np.zeros(50), np.full(50, 3.0))[1])


def test_distances_are_all_pairs() -> None:
    points = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    assert sorted(within_distances(points)) == pytest.approx([1, math.sqrt(18), 5])
    assert sorted(between_distances(points[:1], points[1:])) == pytest.approx([1, 5])


def test_features_are_what_is_counted_by_hand() -> None:
    tune = Tune.of([(60, 1), (64, 1), (None, 1), (67, "1/2"), (60, "1/2"), (62, 4)], key="C")
    found = {feature.name: feature.of(tune) for feature in FEATURES}
    assert found["pitch count"] == [4]
    assert found["pitch range"] == [7]
    assert found["mean interval"] == pytest.approx([(4 + 3 + 7 + 2) / 4])
    assert found["notes a bar"] == pytest.approx([5 / 2])
    assert found["pitches a bar"] == pytest.approx([(3 + 1) / 2])
    assert found["onset distance"] == pytest.approx([4 / 4])
    assert found["pitch classes"][[0, 2, 4, 7]] == pytest.approx([2 / 5, 1 / 5, 1 / 5, 1 / 5])
    assert found["pitch class steps"].reshape(12, 12)[[0, 4, 7, 0], [4, 7, 0, 2]] == pytest.approx(
        [1 / 4] * 4
    )
    assert found["note lengths"][[0, 2, 3, 14]] == pytest.approx([1 / 6, 2 / 6, 2 / 6, 1 / 6]), (
        "whole, quarters, eighths, a quarter rest"
    )
    assert found["note length steps"].sum() == pytest.approx(1)
    assert [length_class(note) for note in Tune.of([("1/3" and 60, "1/3"), (60, "1/5")]).notes] == [11, 4]


def _fiddle_tunes(count: int) -> list[Tune]:
    paths = [
        path for path in sorted((music21_corpus() / "ryansMammoth").glob("*.abc")) if "Reel" in path.name
    ]
    return [
        read_tunes(path.read_bytes(), path.name).tunes[0] for path in paths[:: max(1, len(paths) // count)]
    ][:count]


def test_halves_of_a_style_are_close_and_shuffled_or_repeated_tunes_are_not() -> None:
    rng = random.Random(1)
    tunes = _fiddle_tunes(80)
    rng.shuffle(tunes)
    one, other = tunes[:40], tunes[40:]

    def shuffled(tune: Tune) -> Tune:
        notes = list(tune.notes)
        rng.shuffle(notes)
        return Tune.of([(note.pitch, note.duration) for note in notes], meter=tune.meter, key=tune.key)

    true = compare(one, other)
    random_order = compare([shuffled(tune) for tune in one], other)
    slow = compare(
        [Tune.of([(note.pitch, note.duration * 4) for note in tune.notes], key=tune.key) for tune in one],
        other,
    )
    same = compare([one[0]] * 40, other)
    assert true.closeness > 0.85
    assert true.closeness > random_order.closeness + 0.05
    assert random_order.closeness > slow.closeness + 0.1
    assert same.closeness < 0.2, "one good tune over and over is no style"
    steps = {each.name: each for each in random_order.features}
    assert steps["pitch classes"].overlap > 0.9, "shuffling keeps the degrees"
    assert steps["mean interval"].overlap < 0.6, "and loses the steps"
    assert same.variety < 0.2 < same.overlap
    assert "Closeness 0." in true.sentence
    assert compare([tune.transposed(2) for tune in one], other).closeness == pytest.approx(
        true.closeness, abs=1e-9
    ), "keys do not matter"


def test_too_little_to_compare_is_refused() -> None:
    tune = Tune.of([(60, 1), (62, 1)])
    with pytest.raises(Refused, match="Three tunes"):
        compare([tune] * 2, [tune] * 5)
    with pytest.raises(Refused, match="fewer than two notes"):
        compare([tune] * 3, [Tune.of([(60, 1)])] * 3)
