"""Shared runs, found by the suffix array and by brute force."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from studio.music.scores.tunes import Tune
from studio.music.styles.alignment import align
from studio.music.styles.originality import LENGTHS, Comparison
from studio.music.styles.runs import RunKind, tokens


def _random_tunes(seed: int, count: int, low: int = 60, high: int = 63) -> list[Tune]:
    """Tunes over few pitches, so that they share long runs."""
    rng = random.Random(seed)
    return [
        Tune.of(
            [
                (None if rng.random() < 0.1 else rng.randint(low, high), rng.choice(["1/2", "1/4"]))
                for _ in range(rng.randint(1, 40))
            ]
            + [(60, 1)],
            title=f"Tune {number}",
            id=str(number),
        )
        for number in range(count)
    ]


def _words(tune: Tune, kind: RunKind) -> list[object]:
    """What has to be equal, written plainly: no numbers packed into one another."""
    notes = tune.sounding
    if kind is RunKind.PITCH:
        return [note.pitch for note in notes]
    steps = [(notes[place + 1].pitch or 0) - (notes[place].pitch or 0) for place in range(len(notes) - 1)]
    return (
        list(steps)
        if kind is RunKind.INTERVAL
        else [(step, note.duration) for step, note in zip(steps, notes, strict=False)]
    )


def _stands_in(run: list[object], line: list[object]) -> bool:
    return any(line[place : place + len(run)] == run for place in range(len(line) - len(run) + 1))


def _longest(melody: list[object], lines: list[list[object]]) -> int:
    length = 0
    while any(
        _stands_in(melody[place : place + length + 1], line)
        for place in range(len(melody) - length)
        for line in lines
    ):
        length += 1
    return length


@pytest.mark.parametrize("kind", list(RunKind))
@pytest.mark.parametrize("seed", range(5))
def test_runs_and_shares_equal_brute_force(kind: RunKind, seed: int) -> None:
    tunes = _random_tunes(seed, 12)
    melodies = _random_tunes(seed + 100, 4)
    comparison = Comparison(tunes, "chance")
    extra = 0 if kind is RunKind.PITCH else 1
    lines = [_words(tune, kind) for tune in tunes]
    for melody in melodies:
        words = _words(melody, kind)
        run = comparison.longest_run(melody, kind)
        longest = _longest(words, lines)
        assert run.notes == (longest + extra if longest else 0)
        if run.notes:
            here, there = (
                words[run.start : run.start + longest],
                lines[int(run.song)][run.song_start : run.song_start + longest],
            )
            assert here == there, "the run is where it is reported"
            assert run.bar == melody.bar_at(melody.sounding[run.start].start).number
        shares = comparison.shares(melody, kind)
        for notes in LENGTHS:
            runs = [words[place : place + notes - extra] for place in range(len(words) - (notes - extra) + 1)]
            if runs:
                expected = sum(any(_stands_in(each, line) for line in lines) for each in runs) / len(runs)
                assert shares[notes] == pytest.approx(expected)
            else:
                assert notes not in shares


@pytest.mark.parametrize("kind", list(RunKind))
def test_the_baseline_is_each_tune_against_the_others(kind: RunKind) -> None:
    tunes = _random_tunes(7, 15)
    comparison = Comparison(tunes)
    extra = 0 if kind is RunKind.PITCH else 1
    lines = [_words(tune, kind) for tune in tunes]
    expected = []
    for number, line in enumerate(lines):
        longest = _longest(line, lines[:number] + lines[number + 1 :])
        expected.append(longest + extra if longest else 0)
        assert comparison.longest_run(tunes[number], kind, leave_out=number).notes == expected[-1]
    scale = comparison.baseline(kind)
    assert list(scale.runs) == expected
    assert scale.share_reaching(min(expected)) == 1
    assert scale.share_reaching(max(expected) + 1) == 0
    for notes, share in scale.shares.items():
        each = [
            comparison.shares(tune, kind, leave_out=number).get(notes) for number, tune in enumerate(tunes)
        ]
        known = [one for one in each if one is not None]
        assert share == pytest.approx(sum(known) / len(known))


def test_a_transposed_copy_is_a_copy_by_intervals_and_not_by_pitch() -> None:
    rng = random.Random(3)
    song = Tune.of([(rng.randint(50, 80), "1/2") for _ in range(40)], title="The Song", id="song")
    others = _random_tunes(1, 5)
    copied = song.notes[10:22]
    stolen = [(note.pitch or 0) + 5 for note in copied]
    melody = Tune.of([(40, 1), (90, 1), *[(pitch, "1/2") for pitch in stolen], (40, 1)])
    report = Comparison([*others, song], "the book").report(melody)
    run = report.longest()
    assert (run.notes, run.title, run.start, run.song_start) == (12, "The Song", 2, 10)
    assert (run.bar, run.song_bar) == (1, 2)
    assert report.longest(RunKind.PITCH).notes < 6
    assert any("12 notes (from bar 1; The Song, from bar 2)" in sentence for sentence in report.sentences)
    slower = Tune.of([(pitch, 1) for pitch in stolen])
    assert Comparison([song]).longest_run(slower, RunKind.RHYTHM).notes == 0
    assert Comparison([song]).longest_run(slower, RunKind.INTERVAL).notes == 12


def test_rests_are_skipped_and_ties_are_one_note() -> None:
    plain = Tune.of([(60, 1), (64, 1), (67, 1), (72, 1)])
    with_rests = Tune.of([(60, 1), (None, 1), (64, 1), (67, 4), (None, 1), (72, 1)])
    assert Comparison([plain]).longest_run(with_rests).notes == 4
    assert tokens(plain, RunKind.INTERVAL) == tokens(with_rests, RunKind.INTERVAL)


def test_the_nearest_song_is_aligned_note_by_note() -> None:
    song = Tune.of(
        [(62, 1), (64, 1), (66, 1), (67, 1), (69, 2), (66, 2), (62, 4)], key="D", title="Theme", id="theme"
    )
    melody = Tune.of([(60, 1), (62, 1), (64, 1), (65, 1), (67, 1), (69, 1), (64, 2), (60, 4)], key="C")
    nearest = Comparison([*_random_tunes(2, 6, 70, 90), song]).nearest(melody)
    assert nearest is not None
    assert (nearest.title, nearest.shift) == ("Theme", -2)
    assert nearest.agreement == pytest.approx(7 / 8)
    rows = [
        (pair.note and pair.note.pitch, pair.song_note and pair.song_note.pitch, pair.same, pair.same_length)
        for pair in nearest.pairs
    ]
    assert rows == [
        (60, 62, True, True),
        (62, 64, True, True),
        (64, 66, True, True),
        (65, 67, True, True),
        (67, 69, True, False),
        (69, None, False, False),
        (64, 66, True, True),
        (60, 62, True, True),
    ]
    assert [(pair.bar, pair.song_bar) for pair in nearest.pairs][-1] == (3, 3)
    assert Comparison(_random_tunes(2, 6, 70, 90)).nearest(Tune.of([(40, 1), (90, 1), (30, 1)])) is None


def test_alignment_costs_no_more_than_any_other() -> None:
    def cost(pairs: list[tuple[object, object, bool, bool]]) -> float:
        return sum(
            0.7 if one is None or other is None else (0 if same else 1) + (0 if length else 0.2)
            for one, other, same, length in pairs
        )

    one, other = _random_tunes(11, 2, 60, 62)
    one, other = one.passage(Fraction(0), Fraction(2)), other.passage(Fraction(0), Fraction(2))

    def best(a: int, b: int) -> float:
        if a == 0 or b == 0:
            return 0.7 * a  # The song's notes before the passage cost nothing.
        mine, theirs = one.sounding[a - 1], other.sounding[b - 1]
        change = (mine.pitch != theirs.pitch) + 0.2 * (mine.duration != theirs.duration)
        return min(best(a - 1, b - 1) + change, best(a - 1, b) + 0.7, best(a, b - 1) + 0.7)

    found = align(one, other)
    assert found.shift == 0
    said = [
        (
            pair.note,
            pair.song_note,
            pair.same,
            bool(pair.note and pair.song_note and pair.note.duration == pair.song_note.duration),
        )
        for pair in found.pairs
    ]
    notes = len(one.sounding)
    assert cost(said) == pytest.approx(min(best(notes, end) for end in range(len(other.sounding) + 1)))


def test_notes_scattered_over_a_song_are_not_called_the_same_melody() -> None:
    shared, between = [60, 62, 64, 65, 67, 69], [71, 72, 74, 72, 71]
    scattered = [pitch for note in shared for pitch in (note, *between)]
    song = Tune.of([(pitch, 1) for pitch in scattered], title="The Song")
    melody = Tune.of([(pitch, 1) for pitch in shared])
    assert align(melody, song).agreement < 0.5
    within = Tune.of([(pitch, 1) for pitch in [*between, *shared, *between, *between]], title="The Song")
    assert align(melody, within).agreement == 1


def test_the_default_limit_lies_below_what_nearly_all_tunes_share() -> None:
    tunes = _random_tunes(5, 40, 60, 66)
    comparison = Comparison(tunes)
    runs = comparison.baseline(RunKind.INTERVAL).runs
    assert comparison.max_copy >= 4
    if comparison.max_copy > 4:
        assert sum(run > comparison.max_copy for run in runs) / len(runs) >= 0.94
    assert Comparison(tunes[:1]).max_copy == 8
    assert Comparison(tunes[:1]).report(tunes[1]).baselines[RunKind.PITCH].runs == ()
