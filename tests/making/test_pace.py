"""Time left: never far off, and never jumping up, as works were measured to go."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import pytest

from studio.images.planning import DREAM_BEGINS, PAINTING_BEGINS, plan_octaves, plan_sizes, shares
from studio.images.predictions import predict_dream, predict_painting
from studio.images.recipes import DreamRecipe, StyleRecipe
from studio.making.load import Load, wanting
from studio.making.pace import Pace
from studio.making.times import Times
from studio.music.melody import compose
from studio.music.melody.compose import Marks, StepCosts
from studio.music.melody.predictions import predict_melody
from studio.music.melody.recipes import ComposeRecipe
from studio.music.songs import song
from studio.music.songs.predictions import predict_song
from studio.music.songs.recipes import SongRecipe
from studio.process import finish
from studio.works.recipe import Source
from studio.works.work import Prediction, Progress, SourceSize


def test_time_left_is_exact_at_a_steady_pace_and_follows_one_that_slows() -> None:
    steady = Pace()
    steady.begin(0.0)
    assert steady.seconds_left() is None
    for step in range(1, 31):
        steady.note(step / 100, 50 + step * 0.1)
    assert steady.seconds_left() == pytest.approx(7.0)
    slowing = Pace()
    slowing.begin(0.0)
    for step in range(1, 41):
        slowing.note(step / 60, step * 0.1 if step <= 20 else 2 + (step - 20) * 0.4)
    left = slowing.seconds_left()
    assert left is not None
    assert 5 < left < 8


def test_what_is_expected_is_said_until_there_is_something_to_measure() -> None:
    pace = Pace(before=1.0, steps=20.0)
    pace.begin(0.0)
    assert pace.seconds_left() == 21.0
    for step in range(1, 101):
        pace.note(step / 200, 3 + step * 0.05)  # half as long as expected
    assert pace.seconds_left() == pytest.approx(5.0, rel=0.02)
    assert lies_between(pace, 5.0)
    assert (pace.most_left() or 9.0) < 6.5, "a pace that is known is said as known"
    for step in range(101, 201):
        pace.note(step / 200, 3 + step * 0.05)
    spent = pace.spent(ended=14.0)
    assert spent is not None
    assert spent == pytest.approx((4.0, 10.0))


def test_what_did_not_come_before_the_steps_comes_after_them() -> None:
    """A network that was there already takes no time, but the work still has to be kept."""
    pace = Pace(before=0.7, steps=10.0)
    pace.begin(0.0)
    for step in range(1, 101):
        pace.note(step / 100, 0.1 + step * 0.1)
    assert pace.seconds_left() == pytest.approx(0.5)
    warm = Pace(before=60.0, steps=10.0)
    warm.begin(0.0)
    for step in range(1, 101):
        warm.note(step / 100, 0.1 + step * 0.1)
    assert warm.seconds_left() == pytest.approx(1.2, rel=0.02), "a part of the steps at most"


def test_a_computer_that_stands_still_for_a_while_does_not_make_the_estimate_jump() -> None:
    pace = Pace(before=0.0, steps=10.0)
    pace.begin(0.0)
    said = []
    at = 0.0
    for step in range(1, 101):
        at += 8.0 if step == 50 else 0.1
        pace.note(step / 100, at)
        said.append(pace.seconds_left() or 0.0)
    assert all(after <= max(before * 4 / 3 + 1e-9, 1.0) for before, after in pairwise(said))
    assert said[-1] == 0.0


def test_times_are_those_of_this_computer_and_survive_a_broken_file(tmp_path: Path) -> None:
    ordinary = Prediction(12.0, 7, before=2.0, group="own")
    times = Times(tmp_path)
    assert times.expected(ordinary, "dream") == ordinary
    times.note_probe("dream", 3.0)
    assert times.expected(ordinary, "dream").seconds == pytest.approx(32.0)
    assert times.expected(ordinary, "style").seconds == pytest.approx(12.0)
    times.note_probe("song", 61.0)  # something disturbed it: no computer that opens the studio is so slow
    assert times.expected(ordinary, "song").seconds < 100
    for _ in range(8):
        times.learn(ordinary, before=1.0, steps=50.0)
    assert Times(tmp_path).expected(ordinary, "dream").seconds == pytest.approx(51.0, rel=0.01)
    assert Times(tmp_path).expected(ordinary, "dream").bytes == 7
    assert Times(tmp_path).probed == {"dream", "song"}
    for broken in (b"{", b"[]", b'{"computers": 3}', b'{"computers": {}}', b"\xff\x00"):
        (tmp_path / "times.json").write_bytes(broken)
        assert Times(tmp_path).expected(ordinary) == ordinary
        Times(tmp_path).learn(ordinary, 1.0, 20.0)
        assert Times(tmp_path).expected(ordinary).seconds == pytest.approx(21.0)


MELODY = Prediction(1.2, 1, before=0.6, group="tunes")


def test_one_work_that_had_to_wait_does_not_stay_in_what_is_expected(tmp_path: Path) -> None:
    times = Times(tmp_path)
    times.learn(MELODY, before=2.0, steps=40.0)  # its style was read while eight others worked
    times.learn(MELODY, before=0.8, steps=None)  # a quick one, of which only the whole is known
    assert times.expected(MELODY).seconds == pytest.approx(0.8)
    for whole in (0.7, 5.0, 0.75):
        times.learn(MELODY, before=whole, steps=None)
    assert 0.5 < Times(tmp_path).expected(MELODY).seconds < 1.0


def test_one_song_that_took_long_hardly_changes_what_is_expected_of_the_next(tmp_path: Path) -> None:
    times = Times(tmp_path)
    song = predict_song(SongRecipe(style="hymn", form="AABA"), ())
    usual = times.expected(song, "song").seconds
    times.learn(song, before=40 * usual, steps=None)
    assert usual < times.expected(song, "song").seconds < 3 * usual
    for _ in range(2):  # so the first was no exception
        times.learn(song, before=5 * usual, steps=None)
    assert times.expected(song, "song").seconds == pytest.approx(5 * usual, rel=0.01)
    sung = predict_song(SongRecipe(style="hymn", form="AABA", words="Over the hills"), ())
    assert times.expected(sung, "song") == sung, "songs with words are other works"


def test_what_others_do_meanwhile_is_not_counted_twice(tmp_path: Path) -> None:
    """On a busy computer a song took three seconds, and ten to nineteen were said: its probe and its first
    songs were slow, and what is expected was made longer again for what slowed them.
    """
    busy = [5.0]
    times = Times(tmp_path, slower=lambda _: busy[0])
    song = predict_song(SongRecipe(style="hymn", form="AABA", bars=32), ())
    times.note_probe("song", 6.0)
    assert times.expected(song, "song").seconds < 6
    for _ in range(3):
        times.learn(song, before=3.0, steps=None)  # too short to see how much of a processor it got
    assert 2 < times.expected(song, "song").seconds < 4.5
    busy[0] = 1.0
    for _ in range(3):
        times.learn(song, before=0.8, steps=None)
    assert times.expected(song, "song").seconds == pytest.approx(0.8, rel=0.3)


def test_what_is_got_ready_once_is_said_and_not_learnt(tmp_path: Path) -> None:
    times = Times(tmp_path)
    first = Prediction(7.2, 1, before=0.6, group="tunes", once=6.0)
    assert times.expected(first).seconds == pytest.approx(7.2)
    times.learn(first, before=9.0, steps=None)
    assert times.expected(MELODY) == MELODY
    times.learn(MELODY, before=0.2, steps=0.3)
    assert times.expected(first).seconds == pytest.approx(0.2 + 0.3 + 0.5 * 6.0), "half as long here"


def test_another_take_of_the_same_settings_is_another_thing(tmp_path: Path) -> None:
    one = predict_melody(ComposeRecipe(style="ryans-mammoth", seed=1, bars=16), ())
    other = predict_melody(ComposeRecipe(style="ryans-mammoth", seed=2, bars=16, title="Mine"), ())
    changed = predict_melody(ComposeRecipe(style="ryans-mammoth", seed=1, bars=16, key="D"), ())
    assert one.shared == other.shared != changed.shared
    times = Times(tmp_path)
    assert times.expected(one, again=True).seconds == pytest.approx(one.seconds - one.before - one.once)
    kept = replace(one, once=0.0, seconds=one.seconds - one.once)
    for _ in range(2):  # one alone says little
        times.learn(kept, before=6.0, steps=None)
        times.learn(kept, before=0.4, steps=None, again=True)
    assert times.expected(kept).seconds == pytest.approx(6.0)
    assert Times(tmp_path).expected(kept, again=True).seconds == pytest.approx(0.4, rel=0.01)


def test_a_busy_computer_is_told_from_a_slow_one(tmp_path: Path) -> None:
    """Works of one thread on two processors, which others want too: those share them evenly."""
    load = Load(processors=2)
    times = Times(tmp_path, load.slower)
    others = 5.0
    load.others = others  # so each of six threads gets a third of a processor
    for _ in range(6):
        times.learn(MELODY, before=0.6 * 3, steps=0.6 * 3, busy=1 / 3)
    assert times.expected(MELODY).seconds == pytest.approx(3.6, rel=0.05), "it is still busy"
    load.others = 0.0
    assert times.expected(MELODY).seconds == pytest.approx(1.2, rel=0.05), "and now it is quiet"
    # What wants a processor for a moment only is felt less, as works show.
    load.others = others
    for _ in range(6):
        times.learn(MELODY, before=0.6, steps=0.6, busy=1.0)
    assert times.expected(MELODY).seconds == pytest.approx(1.2, rel=0.1)


def test_how_many_others_want_a_processor_is_a_mean_of_the_latest_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load = Load(processors=4)
    assert (load.slower(1.0), load.slower(8.0)) == (1.0, 1.0)
    wanting = [9.0] * 30
    monkeypatch.setattr("studio.making.load.wanting", lambda: wanting.pop(0))
    for second in range(30):
        load.note(float(second), own=1.0)
    assert load.others == pytest.approx(8.0)
    assert load.slower(1.0) == pytest.approx(9 / 4)
    assert load.slower(4.0) == pytest.approx(3.0)
    wanting[:] = [1.0] * 30
    for second in range(30, 60):
        load.note(float(second), own=1.0)
    assert load.others < 0.6


def test_this_system_says_how_many_want_a_processor() -> None:
    """Threads that spin are seen, as a share of the processors at least."""
    before = wanting()
    if before is None:
        pytest.skip("this system does not say it")
    spin = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(spin) for _ in range(3)]
    try:
        give_up = time.monotonic() + 120
        while (wanting() or 0.0) < 2:
            assert time.monotonic() < give_up
            time.sleep(0.05)
    finally:
        for each in busy:
            each.kill()
            each.wait()


def test_threads_that_wait_for_each_other_sleep() -> None:
    """What loads PyTorch has told it before; OpenMP itself says what it heard."""
    program = "from studio.making.kinds import KINDS, found_at; found_at(KINDS['dream'].process)"
    told = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    told["OMP_DISPLAY_ENV"] = "true"
    run = subprocess.run([sys.executable, "-c", program], env=told, capture_output=True, text=True)
    if "OMP_WAIT_POLICY" not in run.stderr:
        pytest.skip("this build of PyTorch does not say how its threads wait")
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in run.stderr


DREAM = ((0.211, 0.0123), (0.036, 0.0167), (0.05, 0.0236), (0.088, 0.0388), (0.128, 0.0673), (0.23, 0.1263))
PAINTING = ((0.0683, 0.0128), (0.0393, 0.018), (0.0598, 0.0279), (0.0897, 0.0457))
"""Measured: at each size the seconds of the first step, and of each of the others."""


@pytest.mark.parametrize("expected", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("kind", ["dream", "painting"])
def test_time_left_is_right_from_the_first_tenth_or_fifth_on(kind: str, expected: float) -> None:
    """However fast this computer was believed to be: half or twice as fast as it is."""
    slower = 10  # as on a computer where these take half a minute
    trace = DREAM if kind == "dream" else PAINTING
    if kind == "dream":
        sizes, begins = plan_octaves(512, 768, DreamRecipe(seed=1, steps=12)), DREAM_BEGINS
    else:
        sizes, begins = plan_sizes(256, 384, StyleRecipe(seed=1, steps=40)), PAINTING_BEGINS
    seconds = [
        slower * (first if number == 0 else each)
        for size, (first, each) in zip(sizes, trace, strict=True)
        for number in range(size.steps)
    ]
    whole = sum(seconds)
    pace = Pace(before=1.0, steps=whole * expected)
    pace.begin(0.0)
    at, said = 1.0, []
    for number, (took, share) in enumerate(zip(seconds, shares(sizes, begins), strict=True), 1):
        at += took
        pace.note(share, at, number / len(seconds))
        said.append((at - 1.0, pace.seconds_left() or 0.0))
    known = 0.1 if kind == "dream" else 0.2  # a painting's first step looks at all that goes in
    wrong = [(left - (whole - at)) / whole for at, left in said if at > known * whole]
    assert max(map(abs, wrong)) < 0.2
    assert all(after <= max(before * 4 / 3 + 1e-9, 1.0) for (_, before), (_, after) in pairwise(said))
    assert said[-1][1] == pytest.approx(0.0, abs=1e-9)


def sharing(seconds: list[float], seed: int) -> list[float]:
    """Another program takes a part of the computer now and then."""
    chance, slower, found = random.Random(seed), 1.0, []
    for each in seconds:
        slower = chance.choice((1.0, 1.0, 1.5, 2.0)) if chance.random() < 0.08 else slower
        found.append(each * slower)
    return found


TRACES: dict[str, tuple[Callable[[list[float], int], list[float]], float]] = {
    "a steady one": (lambda steps, _: steps, 0.0),
    "every step takes another time": (
        lambda steps, seed: [
            each * random.Random(seed + k).choice((1, 1, 0.9, 1.8)) for k, each in enumerate(steps)
        ],
        0.01,
    ),
    "the first step comes late": (lambda steps, _: [steps[0] + 4.0, *steps[1:]], 0.1),
    "a slow start": (
        lambda steps, _: [each * (3 if k < len(steps) / 8 else 1) for k, each in enumerate(steps)],
        0.15,
    ),
    "a shared computer": (sharing, 0.25),
}
"""How works may go, made up and not measured, and at what part of the looks from the first tenth on the time
left may be wrong by more than a fifth of the whole.
"""


def lies_between(pace: Pace, left: float) -> bool:
    """Whether so many seconds lie within what is said, to half a second."""
    said, most = pace.seconds_left() or 0.0, pace.most_left() or 0.0
    return said**2 / max(most, 1e-9) - 0.5 <= left <= most + 0.5


@pytest.mark.parametrize("name", TRACES)
def test_time_left_on_other_kinds_of_days(name: str) -> None:
    changed, allowed = TRACES[name]
    sizes = plan_octaves(576, 768, DreamRecipe(seed=1))
    usual = [
        (1e-6 * size.step_cost) * (3 if first else 1)
        for size in sizes
        for first in (True, *(False,) * (size.steps - 1))
    ]
    wrong, told = [], []
    days = {tuple(changed(usual, seed)) for seed in range(10)}  # where nothing is left to chance, one
    for seconds, expected in product(sorted(days), (0.5, 1.0, 2.0)):
        whole = sum(seconds)
        pace = Pace(before=1.0, steps=sum(usual) * expected)
        pace.begin(0.0)
        at, said = 0.0, []
        for number, (took, share) in enumerate(zip(seconds, shares(sizes, DREAM_BEGINS), strict=True), 1):
            at += took
            pace.note(share, 1.0 + at, number / len(seconds))
            said.append(pace.seconds_left() or 0.0)
            if at > 0.1 * whole:
                wrong.append(abs(said[-1] - (whole - at)) > 0.2 * whole)
                told.append(lies_between(pace, whole - at))
        assert all(after <= max(before * 4 / 3 + 1e-9, 1.0) for before, after in pairwise(said))
    assert sum(wrong) <= allowed * len(wrong)
    assert sum(told) >= 0.8 * len(told)


RECORDED = json.loads((Path(__file__).parent / "paces.json").read_text())
"""How works went on a computer with two processors that three to ten other programs used: what each took, in
seconds, and the moments at which it said how far it was, as (seconds, share of the cost, share of the steps).
"""


def missed(left: Callable[[list[list[float]], float], list[tuple[float, float]]]) -> float:
    """At what part of the looks from the first tenth on the time left was wrong by more than a fifth."""
    found = []
    for each, expected in product(RECORDED, (0.5, 1.0, 2.0)):
        notes, took = each["notes"], each["took"]
        said = left(notes, expected * (notes[-1][0] - notes[0][0]))
        late = [abs(seconds - (took - at)) > 0.2 * took for at, seconds in said if at > 0.1 * took]
        found.append(sum(late) / len(late))
    return sum(found) / len(found)


def test_time_left_of_works_that_were_recorded_beside_many_others() -> None:
    """Nobody knows what the others will do next. It is nearer than what the part that is done, by its cost or
    by its steps, says of the rest.
    """

    told: list[bool] = []

    def by_pace(notes: list[list[float]], expected: float) -> list[tuple[float, float]]:
        pace = Pace(before=notes[0][0], steps=expected)
        pace.begin(0.0)
        said, took = [], notes[-1][0]
        for at, cost, steps in notes:
            pace.note(cost, at, steps)
            said.append((at, pace.seconds_left() or 0.0))
            if at > 0.1 * took:
                told.append(lies_between(pace, took - at))
        assert all(after <= max(before * 4 / 3 + 1e-9, 1.0) for (_, before), (_, after) in pairwise(said))
        return said

    def in_proportion(place: int) -> float:
        def left(notes: list[list[float]], _: float) -> list[tuple[float, float]]:
            return [
                (now[0], (now[0] - notes[0][0]) * (1 - now[place]) / (now[place] - notes[0][place]))
                for now in notes[2:]
            ]

        return missed(left)

    assert missed(by_pace) < 0.9 * min(in_proportion(1), in_proportion(2))
    assert sum(told) > 0.65 * len(told)


@pytest.mark.parametrize("predict", [predict_song, predict_melody])
def test_the_same_tunes_take_about_as_long_in_plain_musicxml(predict: Callable[..., Prediction]) -> None:
    """60 songs take 1.5 s to read in 3.7 MB of MusicXML, and 1.3 s in 0.2 MB compressed. By the bytes,
    over a minute was said of the former.
    """
    sources = tuple(Source(sha256=f"{number:064x}", role="tune") for number in range(60))
    recipe = (SongRecipe if predict is predict_song else ComposeRecipe)(sources=sources, seed=1)
    said = [predict(recipe, [SourceSize("tune", size)] * 60).seconds for size in (61_000, 3_500)]
    assert said[1] < said[0] < said[1] + 2
    assert said[0] < 10


def test_a_dream_of_deeper_layers_is_said_to_take_longer() -> None:
    photo = (SourceSize("photo", 10_000, 640, 480),)
    said = [
        predict_dream(DreamRecipe(seed=1, layers=layers), photo).seconds
        for layers in (("bn1",), ("blocks.2",), ("blocks.4.1", "blocks.4"), ("blocks.5.1",), ("classifier",))
    ]
    assert said == sorted(set(said))
    towards = predict_dream(DreamRecipe(seed=1, layers=("blocks.5.1@animals",)), photo).seconds
    assert towards > said[3]


def test_a_prediction_is_what_was_measured() -> None:
    photo = (SourceSize("photo", 1, 640, 427),)
    dream = DreamRecipe(seed=1, size=768, steps=12)
    painting = StyleRecipe(seed=1, size=384, steps=40)
    for prediction, sizes, trace in (
        (predict_dream(dream, photo), plan_octaves(512, 768, dream), DREAM),
        (
            predict_painting(painting, (*photo, SourceSize("style", 1, 9, 9))),
            plan_sizes(256, 384, painting),
            PAINTING,
        ),
    ):
        measured = sum(
            first + (size.steps - 1) * each for size, (first, each) in zip(sizes, trace, strict=True)
        )
        assert prediction.seconds - prediction.before == pytest.approx(measured, rel=0.2)
    draft, good, fine = (
        predict_painting(StyleRecipe(seed=1, quality=quality), photo).seconds
        for quality in ("draft", "good", "fine")
    )
    assert draft < good / 2.2
    assert fine == pytest.approx(2 * good, rel=0.15)


def shares_of(costs: tuple[Marks, Marks], dones: Sequence[int]) -> list[float]:
    counting = StepCosts(*costs)
    found = [counting.counted(Progress(done, 100)).share or 0.0 for done in dones]
    assert found == sorted(found)
    assert (found[0], found[-1]) == (0.0, pytest.approx(1.0))
    return found


def test_what_a_melody_has_done_counts_by_what_it_costs() -> None:
    """Of another take, drawing is nearly all; of the first one of a style, reading and learning are most."""
    marks = compose.marks_of(ComposeRecipe(style="ryans-mammoth", seed=1, bars=16))
    again = shares_of(marks, [compose.CONSIDERING, *range(compose.CONSIDERING, 101)])
    assert again[compose.DRAWING - 101] > 0.7
    read = shares_of(marks, range(101))
    assert read[compose.DRAWING] - read[compose.CONSIDERING] < 0.4


def test_the_time_of_a_melody_knows_what_is_prepared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Read or not, learnt or not in this key, how many tunes and bars: each changes what is said."""
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path))
    monkeypatch.setattr("studio.works.home.environments_home", lambda: None)
    for module in ("opening", "kept"):
        monkeypatch.setattr(f"studio.music.styles.{module}.environments_home", lambda: None)
    recipe = ComposeRecipe(style="american-fife", seed=1, bars=8)
    new = predict_melody(recipe, ())
    large = predict_melody(ComposeRecipe(style="oneill", seed=1, bars=32), ())
    assert large.once > 20 * new.once > 0
    assert large.seconds - large.once - large.before > 1
    stages: list[Progress] = []
    finish(compose.compose(recipe, lambda _: b""), stages.append)
    assert {type(each.stage) for each in stages} == {str}, "they are sent from one process to another"
    assert len({each.share for each in stages if each.stage.startswith("composing")}) > 2
    kept = predict_melody(recipe, ())
    assert kept.once == 0.0
    assert kept.seconds == pytest.approx(new.seconds - new.once)
    other = predict_melody(recipe.model_copy(update={"key": "Em"}), ())
    assert kept.seconds < other.seconds < new.seconds


def test_what_a_song_has_done_counts_by_what_its_parts_cost() -> None:
    """Learning the chains of a thousand tunes takes long; of a song from counts, a band's recording does."""
    for recipe, dear in (
        (SongRecipe(style="ryans-mammoth", seed=1), (song.READING, song.CONSIDERING)),
        (SongRecipe(style="hymn", band="chorale", format="wav", seed=1), (song.DRAWING, song.WRITING)),
    ):
        found = shares_of(song.marks_of(recipe), [0, *range(song.READING, 101)])
        assert found[dear[1] - 101] - found[dear[0] - 101] > 0.45
        shares_of(song.marks_of(recipe), range(101))
    again = predict_song(SongRecipe(style="hymn", seed=2, part_seeds=("Bass=2",)), ())
    assert again.shared == predict_song(SongRecipe(style="hymn", seed=1), ()).shared


def test_what_was_expected_counts_longer_where_parts_differ_in_kind() -> None:
    """The first part may go quickly, since it was kept, without the others being quicker than expected."""
    even, uneven = Pace(0.0, 10.0), Pace(0.0, 10.0, even=False)
    for pace in (even, uneven):
        pace.begin(0.0)
        for number in range(1, 6):
            pace.note(number * 0.04, number * 0.01)
    assert (even.seconds_left() or 0) < 1
    assert (uneven.seconds_left() or 0) > 5


def test_time_left_runs_down_while_nothing_is_told() -> None:
    pace = Pace(0.0, 10.0)
    pace.begin(0.0)
    said = [pace.seconds_left(at / 2) or 0 for at in range(16)]
    assert said[0] == pytest.approx(10)
    assert said[8] == pytest.approx(6)
    assert all(0 < after < before for before, after in pairwise(said))
    pace.note(0.3, 8.0)  # less was done than expected
    risen = [pace.seconds_left(8.0 + at / 2) or 0 for at in range(6)]
    assert risen[0] <= said[-1] * 4 / 3
    assert all(after <= max(1.0, before * 4 / 3 + 1e-9) for before, after in pairwise(risen))
    assert max(risen) > said[-1]


def test_nothing_is_said_of_a_work_that_is_late_until_more_is_known() -> None:
    pace = Pace(0.0, 10.0)
    pace.begin(0.0)
    assert (pace.seconds_left(9.9), pace.most_left()) != (None, None)
    assert (pace.seconds_left(10.1), pace.most_left()) == (None, None)
    for step in range(4):
        pace.note(0.2 + step / 50, 30.0 + 3 * step)
    left = pace.seconds_left(39.0)
    assert left is not None
    assert left > 50, "what was said before the silence holds nothing down"


def test_a_song_in_another_meter_or_form_is_said_to_take_what_it_takes(tmp_path: Path) -> None:
    """What was learnt of some songs says how fast this computer is, and not that all others take as long to
    be got ready as these did.
    """
    pop = predict_song(SongRecipe(style="sixties-pop", form="AABA", bars=32), ())
    hymn = predict_song(SongRecipe(style="hymn", form="hymn", bars=16), ())
    times = Times(tmp_path)
    slower = [times.expected(each, "song").seconds for each in (pop, hymn)]
    for _ in range(3):
        times.learn(pop, before=2 * pop.seconds, steps=None)
    now = [times.expected(each, "song").seconds for each in (pop, hymn)]
    assert now == pytest.approx([2 * each for each in slower], rel=0.01)


def test_longer_sections_both_modes_and_scores_of_voices_are_said_to_take_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path))

    def said(**asked: object) -> float:
        return predict_song(SongRecipe(**{"style": "songbook-manner", **asked}), ()).seconds  # type: ignore[arg-type]

    lines, halves, whole = (said(form=form, bars=16) for form in ("ABCD", "AB", "A"))
    assert lines < halves < whole
    bridge = {"form": "AABA", "key": "Cm"}
    assert said(**bridge, section_keys=("B=Eb",)) > said(**bridge, section_keys=("B=Fm",)) + 1
    assert said(style="chorale") > 10 > said(style="fiddle"), "chorales are scores of four voices"
