"""Harmony: what is learnt is relative, what is drawn is exact, and what was given holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from studio.music.chains.markov import Geometric, count, mix
from studio.music.chains.sampling import Requirement, solve
from studio.music.chains.trellis import Walk, unfold
from studio.music.harmony.fit import FAMILIES, FitCounts, Leaves, Metric, leaving, metric_of
from studio.music.harmony.harmonise import Harmonisation
from studio.music.harmony.idiom import HarmonyIdiom, chord_line, learn_harmony
from studio.music.harmony.laying import BarSymbols, lay
from studio.music.harmony.local_keys import local_tonics
from studio.music.harmony.measures import measure_harmony, overlap, rhythm_of
from studio.music.harmony.symbols import Family, Harmony
from studio.music.scores.chords import parse_chord
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.scores.tunes import Tune
from tests.music.lead_sheets import songs, style

FOUR = Meter.parse("4/4")


@pytest.fixture(scope="module")
def idiom() -> HarmonyIdiom:
    return learn_harmony(style(), FOUR, "major")


@pytest.mark.parametrize("symbol", ["Am7", "F#dim", "G7(b9)", "C/E", "Bbmaj7", "Ebsus4", "D7#5", "Ab13"])
@pytest.mark.parametrize("key", ["C", "E", "Ab", "Bm"])
def test_a_chord_keeps_its_notes_through_a_key_and_back(symbol: str, key: str) -> None:
    here = Key.parse(key)
    harmony = Harmony.of(symbol, here.tonic)
    assert harmony is not None
    before, after = parse_chord(symbol), parse_chord(harmony.symbol(here))
    assert before is not None
    assert after is not None
    assert set(before.pitch_classes) == set(after.pitch_classes)
    assert before.bass_class == after.bass_class


def test_families_are_told_by_their_thirds_and_sevenths() -> None:
    told = {s: Family(Harmony(0, s).family).name for s in ("", "m7", "9", "dim7", "m7b5", "aug", "sus4", "6")}
    assert told == {
        "": "MAJOR",
        "6": "MAJOR",
        "m7": "MINOR",
        "9": "DOMINANT",
        "dim7": "DIMINISHED",
        "m7b5": "HALF_DIMINISHED",
        "aug": "AUGMENTED",
        "sus4": "SUSPENDED",
    }


def test_a_bridge_in_another_key_is_learnt_in_that_key() -> None:
    theme = [(p, Fraction(1)) for p in (60, 64, 67, 64, 62, 65, 69, 71, 60, 67, 64, 62, 59, 62, 60, 60)] * 2
    bridge = [(p + 4, length) for p, length in theme]
    chords = [(4 * n, ("C", "Dm", "C", "G7")[n % 4]) for n in range(8)]
    chords += [(32 + 4 * n, ("E", "F#m", "E", "B7")[n % 4]) for n in range(8)]
    chords += [(64 + 4 * n, ("C", "Dm", "C", "G7")[n % 4]) for n in range(8)]
    tune = Tune.of([*theme, *bridge, *theme], key="C", chords=chords)
    assert local_tonics(tune) == [0] * 8 + [4] * 8 + [0] * 8
    line = chord_line(tune, 0, Fraction(1), FOUR)
    assert line is not None
    roots = [event.harmony.root for event in line.events]
    assert roots[8:16] == roots[:8]


def test_repeats_are_played_out_and_a_pickup_is_left_out() -> None:
    tune = Tune.of([(60, 1)] + [(60, 4)] * 3, pickup=1, chords=[(1, "C"), (5, "G7"), (9, "C")])
    line = chord_line(tune, 0, Fraction(1), FOUR)
    assert line is not None
    assert [(e.harmony.root, e.ticks, e.place) for e in line.events] == [(0, 8, 0), (7, 8, 0), (0, 8, 0)]


def _every_row(idiom: HarmonyIdiom, ticks: int) -> Iterator[tuple[list[int], float]]:
    """Every row of symbols that the chain can walk, with its probability: by trying all."""
    walk = idiom.walk(1)
    chain = walk.chain

    def onward(row: list[int], context: int, tick: int, mass: float) -> Iterator[tuple[list[int], float]]:
        if tick == ticks:
            yield row, mass
            return
        for step in range(int(chain.start[context]), int(chain.start[context + 1])):
            symbol = int(chain.symbol[step])
            event = idiom.events[symbol]
            if event.place == tick % idiom.bar and tick + event.ticks <= ticks:
                yield from onward(
                    [*row, symbol],
                    int(chain.target[step]),
                    tick + event.ticks,
                    mass * float(chain.probability[step]),
                )

    yield from onward([], chain.state(), 0, 1.0)


def test_a_melody_is_harmonised_exactly() -> None:
    """Against brute force: all rows of chords, each weighed by the chain and by what sounds over it."""
    few = style(5)
    idiom = learn_harmony(few, FOUR, "major")
    fit = FitCounts.of(few).fit()
    tune = Tune.of(
        [(64, 2), (67, 1), (65, Fraction(1, 2)), (64, Fraction(1, 2)), (62, 3), (71, 1), (67, 4), (60, 4)],
        key="C",
    )
    asked = replace(Harmonisation.of(tune, idiom, fit), places=0.0)
    said = leaving(tune.notes)

    def weight(row: list[int]) -> float:
        total, tick = 0.0, 0
        for symbol in row:
            event = idiom.events[symbol]
            chord = event.harmony.root * FAMILIES + event.harmony.family
            for at in range(tick, tick + event.ticks):
                here = Fraction(at, 2)
                for note, leaves in zip(tune.notes, said, strict=True):
                    assert note.pitch is not None
                    start, end = max(note.start, here), min(note.end, here + Fraction(1, 2))
                    if start < end:
                        bar = here - here % 4
                        metric = metric_of(max(note.start, bar) - bar, FOUR)
                        likely = fit.likelihood(note.pitch % 12, metric, leaves)[chord]
                        total += asked.gamma * float(end - start) * float(likely)
            total += asked.changes * (not event.carries)
            tick += event.ticks
        return float(np.exp(total))

    rows = [(row, mass * weight(row)) for row, mass in _every_row(idiom, 32)]
    whole = sum(mass for _, mass in rows)
    solution = asked.solve()
    assert len(rows) > 50
    for row, mass in rows:
        assert np.exp(solution.log_probability(row)) == pytest.approx(mass / whole, rel=1e-6, abs=1e-12)


def test_bars_that_return_count_once() -> None:
    """Bars 1 and 3 are equal: rows come as often as p(row) over that of their first bar (brute force)."""
    text = [[0, 1, 0, 2, 1, 1, 0], [1, 2, 0, 1, 1], [2, 0, 0, 1, 2, 1]]
    chain = mix(count(text, alphabet=3, longest=2), Geometric(0.5), lowest=0)
    walk = Walk(chain, np.array([1, 1, 1]), period=1)
    trellis = unfold(walk)
    exact: dict[tuple[int, ...], float] = {}
    free = solve(trellis, 4, [])
    masses = {row: float(np.exp(free.log_probability(row))) for row in product(range(3), repeat=4)}
    for row, mass in masses.items():
        if row[0] == row[2]:
            exact[row] = mass / sum(m for other, m in masses.items() if other[0] == row[0])
    whole = sum(exact.values())
    bars = BarSymbols(walk.durations, 1)

    def solved(more: list[Requirement]) -> object:
        return solve(trellis, 4, more)

    drawn: Counter[tuple[int, ...]] = Counter()
    for seed in range(300):
        random = np.random.default_rng(seed)
        for row in lay(solved, {0: [2]}, bars, random, count=2, tries=12):  # type: ignore[arg-type]
            drawn[tuple(row)] += 1
    total = sum(drawn.values())
    assert total == 600
    assert set(drawn) <= set(exact)
    apart = sum(abs(drawn[row] / total - mass / whole) for row, mass in exact.items()) / 2
    assert apart < 0.09


def shared_letters(one: list[int], other: list[int]) -> int:
    """The length of the longest part that both have, by trying all."""
    spans = [(at, end) for at in range(len(one)) for end in range(at + 1, len(one) + 1)]
    parts = {tuple(other[at:end]) for at in range(len(other)) for end in range(at + 1, len(other) + 1)}
    return max((end - at for at, end in spans if tuple(one[at:end]) in parts), default=0)


def test_the_copy_limit_counts_chords_with_their_lengths(idiom: HarmonyIdiom) -> None:
    line = idiom.lines[0]
    own = [idiom.number[event] for event in line.events]
    chords = sum(not event.carries for event in line.events)
    assert idiom.longest_run(own)[0] == chords
    for other in idiom.lines[1:6]:
        both = HarmonyIdiom(idiom.title, idiom.meter, idiom.mode, [line, other])
        ours, theirs = ([both.number[event] for event in each.events] for each in (line, other))
        shared = shared_letters(both.letters(ours), both.letters(theirs))
        assert both.longest_run(ours, without=0)[0] == shared + 1, other.title
    listener = idiom.copies(6)
    trellis = idiom.trellis(idiom.walk(2), (listener,))
    limit = Requirement("copies", listener=listener)
    for row in solve(trellis, 16 * idiom.bar, [limit]).sample(20, 3):
        assert idiom.longest_run(row[row >= 0].tolist())[0] <= 6


def test_the_dial_goes_from_tame_to_bold(idiom: HarmonyIdiom) -> None:
    tune = songs(20, seed=9)[18]
    fit = FitCounts.of(style()).fit()
    asked = Harmonisation.of(tune, idiom, fit)

    def bits(daring: float) -> float:
        random = np.random.default_rng(4)
        rows = asked.solve((), asked.tempered(daring, random)).sample(30, random)
        return float(np.mean([idiom.bits(row[row >= 0].tolist()) for row in rows]))

    assert bits(0) < bits(0.5) < bits(1)
    assert bits(0.5) == pytest.approx(idiom.bits_at(0.5), abs=0.6)


def test_several_harmonisations_differ_and_returning_bars_agree(idiom: HarmonyIdiom) -> None:
    tune = songs(20, seed=9)[16]
    asked = Harmonisation.of(tune, idiom, FitCounts.of(style()).fit())
    rows = asked.draw(3, np.random.default_rng(1))
    assert len({tuple(row) for row in rows}) == 3
    found = asked.tune_with(rows[0])
    assert found.notes == tune.notes
    for bar in found.bars()[:8]:
        here = [found.chord_at(bar.start + beat) for beat in range(4)]
        again = [found.chord_at(bar.start + 32 + beat) for beat in range(4)]
        assert here == again


def test_measures_are_those_of_the_paper() -> None:
    """By hand: C C G G in half bars; C E over C, F over G, D over G."""
    tune = Tune.of([(60, 2), (64, 2), (65, 2), (62, 2)], key="C", chords=[(0, "C"), (4, "G")])
    found = measure_harmony(tune)
    assert found is not None
    assert found.che == pytest.approx(np.log(2))
    assert found.cc == 2
    assert found.chord_tones == 3 / 4
    # F over G is no tone of it; E is not far but belongs to nothing here: D is three semitones away.
    assert found.ctnctr == 3 / 4
    # C over C E G: +1, +1 (sixth), 0 (fourth); E: +1 +1 +1; F over G B D: -1, -1, +1; D: +1 +1 +1
    assert found.pcs == pytest.approx((2 + 3 - 1 + 3) / 12)
    assert found.ctd == pytest.approx(found.ctd_changes / 3)


def test_harmonic_rhythm_is_compared_by_place_and_length() -> None:
    one = Tune.of([(60, 4)] * 2, chords=[(0, "C"), (4, "G")])
    other = Tune.of([(60, 4)] * 2, chords=[(0, "C"), (2, "F"), (4, "G")])
    assert overlap(rhythm_of([one]), rhythm_of([one])) == pytest.approx(1)
    assert overlap(rhythm_of([one]), rhythm_of([other])) == pytest.approx(1 / 3)


def test_how_notes_are_left_and_where_they_stand() -> None:
    tune = Tune.of([(60, 1), (62, 1), (67, 1), (67, 1), (None, 1), (60, 3)])
    told = [Leaves.STEP, Leaves.LEAP, Leaves.STAYS, Leaves.STAYS, Leaves.STAYS, Leaves.STAYS]
    assert leaving(tune.notes) == told
    places = [metric_of(Fraction(n, 2), FOUR) for n in range(5)]
    assert places == [Metric.STRONG, Metric.OFF, Metric.BEAT, Metric.OFF, Metric.STRONG]
