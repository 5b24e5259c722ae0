"""The Playground: what it solves, that it learns as plain torch does, and everything a visitor can take
in hand.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from studio.errors import Refused, StudioError, Unreadable
from studio.lessons.kit.lesson import Action
from studio.lessons.kit.scene import Button, Entry, Heat, Link, Node, Points
from studio.lessons.playground import data
from studio.lessons.playground.controls import RATES
from studio.lessons.playground.lesson import LESSON
from studio.lessons.playground.model import TASKS, PlaygroundState, features_in, layers_in, train


def begun(**settings: Any) -> PlaygroundState:
    return LESSON.begin(LESSON.settings(settings))


def trained(epochs: int, **settings: Any) -> PlaygroundState:
    return train(begun(**settings), epochs=epochs)


def act(state: PlaygroundState, name: str, **fields: Any) -> PlaygroundState:
    return LESSON.act(state, Action(name, **fields))


def changed(state: PlaygroundState, knob: str, value: Any) -> PlaygroundState:
    return act(state, "set", knob=knob, value=value)


def dense(state: PlaygroundState) -> list[nn.Linear]:
    return [layer for layer in state.network if isinstance(layer, nn.Linear)]


# What it learns


@pytest.mark.parametrize(("task", "epochs"), [("circle", 60), ("xor", 100), ("gauss", 10)])
def test_the_defaults_solve(task: str, epochs: int) -> None:
    last = trained(epochs, data=task).curve[-1]
    assert last.test_right > 0.95


def test_the_spiral_is_solved_with_waves_and_adam() -> None:
    last = trained(40, data="spiral", features="x, y, sin x, sin y", layers="8, 4", optimiser="Adam").curve[
        -1
    ]
    assert last.test_right > 0.95


def test_numbers_and_colours_are_learnt_too() -> None:
    assert trained(20, data="plane").curve[-1].test_loss < 0.005
    state = begun(data="picture", layers="8, 8", optimiser="Adam", rate=0.01)
    guess = 0.5 * ((state.task.test_targets - state.task.targets.mean(axis=0)) ** 2).sum(axis=1).mean()
    assert train(state, epochs=8).curve[-1].test_loss < 0.3 * guess


def test_it_learns_exactly_as_torch_does() -> None:
    """Every batch, the last small one too, in an order shuffled again for each epoch; with momentum and a
    penalty.
    """
    state = begun(data="xor", optimiser="momentum", penalty="L2", penalty_rate=0.01, batch=30, cost="squared")
    network = nn.Sequential(
        nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2), nn.Tanh(), nn.Linear(2, 1), nn.Tanh()
    )
    network.load_state_dict(state.network.state_dict())
    inputs = torch.tensor(state.task.points, dtype=torch.float32)
    targets = torch.tensor(state.task.targets, dtype=torch.float32)
    rule = torch.optim.SGD(network.parameters(), lr=0.03, momentum=0.9)
    for epoch in (1, 2, 3):
        order = torch.randperm(250, generator=torch.Generator().manual_seed(1 * 1_000_003 + epoch))
        batches = torch.split(order, 30)
        assert len(batches[-1]) == 10
        for batch in batches:
            rule.zero_grad()
            loss = 0.5 * ((network(inputs[batch]) - targets[batch]) ** 2).mean()
            penalty = sum(
                0.5 * 0.01 * (layer.weight**2).sum() for layer in network if isinstance(layer, nn.Linear)
            )
            (loss + penalty).backward()
            rule.step()
    state = train(state, epochs=3)
    for ours, theirs in zip(state.network.parameters(), network.parameters(), strict=True):
        assert ours.detach().numpy() == pytest.approx(theirs.detach().numpy(), abs=1e-5)


def test_a_rate_changed_under_way_goes_on_from_the_same_weights() -> None:
    state = trained(3)
    before = [weight.detach().clone() for weight in state.network.parameters()]
    state = changed(state, "rate", 0.1)
    assert all(torch.equal(now, then) for now, then in zip(state.network.parameters(), before, strict=True))
    assert train(state, epochs=2).epoch == 5


def test_the_long_run_is_the_same_however_it_is_cut() -> None:
    whole = train(begun(batch=30), epochs=12)
    cut = begun(batch=30)
    for _ in range(12):
        cut = changed(train(cut, epochs=1), "rate", 0.03)
    for one, other in zip(whole.network.parameters(), cut.network.parameters(), strict=True):
        assert torch.equal(one, other)


# Nothing breaks it in silence


def test_a_rate_too_large_is_named_and_undone() -> None:
    state = act(begun(data="plane", activation="relu", rate=10.0), "play")
    for _ in range(50):
        state = act(state, "advance")
        if not state.playing:
            break
    scene = LESSON.draw(state)
    assert scene.mood == "bad"
    assert "learning rate (10)" in scene.says
    assert not scene.playing
    assert all(bool(torch.isfinite(weight).all()) for weight in state.network.parameters())
    assert math.isfinite(state.curve[-1].loss)
    assert math.isfinite(train(changed(state, "rate", 0.01), epochs=2).curve[-1].loss)


def test_a_penalty_too_large_is_named() -> None:
    state = begun(data="plane", activation="linear", rate=1.0, penalty="L2", penalty_rate=10.0)
    for _ in range(30):
        state = act(state, "step")
        if state.mood == "bad":
            break
    assert "penalty" in LESSON.draw(state).says


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("optimiser", ["gradient descent", "RMSprop"])
def test_no_rate_shows_anything_that_is_not_a_number(rate: float, optimiser: str) -> None:
    state = begun(
        data="multi-gauss",
        activation="relu",
        features="x, y, x², xy",
        rate=rate,
        optimiser=optimiser,
        batch=30,
    )
    for _ in range(3):
        state = act(state, "step")
        json.dumps(LESSON.draw(state).to_dict(), allow_nan=False)


def test_back_to_best_restores_the_least_wrong_weights() -> None:
    state = trained(30, data="gauss")
    least = state.curve[-1].loss
    state = changed(state, "rate", 10.0)
    for _ in range(3):
        state = act(state, "step")
    state = act(state, "undo")
    assert state.curve[-1].loss <= least + 1e-9


def test_the_coach_knows_why_zero_weights_and_straight_lines_fail() -> None:
    assert "alike" in LESSON.draw(trained(6, start="zero")).says
    hidden = dense(trained(6, start="zero"))[0].weight.detach()
    assert torch.allclose(hidden, hidden[:1].expand_as(hidden))
    assert "straight" in LESSON.draw(trained(20, layers="")).says


# What it shows


def test_each_neurons_picture_is_what_the_neuron_says_there() -> None:
    state = trained(5)
    scene = LESSON.draw(state)
    node = next(mark for mark in scene.figures[0].marks if isinstance(mark, Node) and mark.id == "neuron 1.2")
    assert node.heat is not None
    layer = dense(state)[0]
    place = (np.arange(100) + 0.5) / 100 * 12 - 6
    x, y = place[2::5][3], place[2::5][17]
    weights, bias = layer.weight[1].tolist(), float(layer.bias.detach()[1])
    assert node.heat[17][3] == pytest.approx(math.tanh(weights[0] * x + weights[1] * y + bias), abs=1e-5)


def test_links_show_the_weights_and_pointing_at_a_neuron_shows_it_large() -> None:
    state = trained(5)
    links = [mark for mark in LESSON.draw(state).figures[0].marks if isinstance(mark, Link)]
    assert len(links) == 2 * 4 + 4 * 2 + 2
    assert links[1].weight == pytest.approx(float(dense(state)[0].weight.detach()[1, 0]), abs=1e-3)
    pointed = LESSON.draw(act(state, "hover", figure="network", id="neuron 2.1"))
    assert pointed.figures[1].title == "What neuron 2.1 says"
    assert (
        LESSON.draw(act(act(state, "hover", id="neuron 2.1"), "hover", id="")).figures[1].title
        == "What the network says"
    )


def test_test_data_appear_and_shares_are_as_asked() -> None:
    state = begun(ratio=20)
    assert (len(state.task.points), len(state.task.test_points)) == (100, 400)
    hidden = [mark for mark in LESSON.draw(state).figures[1].marks if isinstance(mark, Points)]
    shown = [
        mark
        for mark in LESSON.draw(changed(state, "show_test", True)).figures[1].marks
        if isinstance(mark, Points)
    ]
    assert [len(mark.x) for mark in hidden] == [100]
    assert [len(mark.x) for mark in shown] == [400, 100]


# What the visitor takes in hand


def test_a_weight_can_be_typed_in_and_learning_goes_on_from_it() -> None:
    state = act(trained(2), "link", figure="network", id="feature y:neuron 1.3")
    entry = next(mark for mark in LESSON.draw(state).figures[0].marks if isinstance(mark, Entry))
    assert entry.value == pytest.approx(float(dense(state)[0].weight.detach()[2, 1]))
    state = act(state, "edit", figure="network", id="feature y:neuron 1.3", value=2.5)
    assert float(dense(state)[0].weight[2, 1].detach()) == 2.5
    state = changed(changed(state, "cost", "squared"), "rate", 0.00001)
    assert float(dense(train(state, epochs=1))[0].weight[2, 1].detach()) == pytest.approx(2.5, abs=0.01)
    state = act(state, "edit", id="neuron 2.1:bias", value="-1.5")
    assert float(dense(state)[1].bias[0].detach()) == -1.5
    with pytest.raises(Refused):
        act(state, "edit", id="neuron 2.1:bias", value="many")


def test_layers_and_neurons_come_and_go_within_their_limits() -> None:
    state = begun()
    for _ in range(8):
        state = act(state, "press", id="layer+")
    assert layers_in(state.settings) == (4, 2, 2, 2, 2, 2)
    for _ in range(20):
        state = act(state, "press", id="neuron+ 1")
    assert layers_in(state.settings)[0] == 16
    buttons = {mark.id: mark for mark in LESSON.draw(state).figures[0].marks if isinstance(mark, Button)}
    assert buttons["layer+"].dim
    assert buttons["neuron+ 1"].dim
    assert not buttons["layer-"].dim
    for _ in range(8):
        state = act(state, "press", id="layer-")
    assert layers_in(state.settings) == ()
    assert math.isfinite(train(state, epochs=1).curve[-1].loss)
    scene = LESSON.draw(act(state, "press", id="layer+"))
    assert scene.values["layers"] == "2"


def test_features_come_and_go_but_never_all() -> None:
    state = act(begun(), "node", id="feature x²")
    assert features_in(state.settings) == ("x", "y", "x²")
    state = act(act(act(state, "node", id="feature x"), "node", id="feature x²"), "node", id="feature y")
    assert features_in(state.settings) == ("y",)
    assert "at least one" in state.said
    with pytest.raises(Refused, match="no feature 'z'"):
        changed(state, "features", "z")
    with pytest.raises(Refused, match="6 numbers"):
        changed(state, "layers", "4, 99")


def test_points_are_drawn_erased_and_learnt_from_while_it_plays() -> None:
    state = act(begun(data="own points", ratio=90), "play")
    assert not state.playing
    assert "draw" in LESSON.draw(state).says.lower()
    state = act(state, "stroke", figure="map", points=((-4.0, 0.0), (-4.0, 3.0), (-4.0, -3.0)))
    state = act(
        act(state, "press", id="brush blue"),
        "stroke",
        figure="map",
        points=((4.0, 0.0), (4.0, 3.0), (4.0, -3.0)),
    )
    assert LESSON.draw(state).values["points"].count("blue") == 3
    state = act(state, "play")
    before = state.network
    state = act(act(state, "advance"), "click", figure="map", x=3.0, y=1.0)
    assert state.network is before
    assert state.playing
    assert state.epoch > 0
    for _ in range(60):
        state = act(state, "step")
    assert state.curve[-1].right == 1.0
    state = act(act(state, "press", id="brush eraser"), "stroke", figure="map", points=((-4.0, 3.0),))
    assert str(state.settings["points"]).count("orange") == 2


def test_a_click_makes_the_points_the_visitors_own() -> None:
    state = act(begun(data="gauss"), "click", figure="map", x=1.0, y=-1.0)
    assert state.settings["data"] == "own points"
    assert len(state.task.points) + len(state.task.test_points) == 501


def test_tables_are_read_as_people_write_them() -> None:
    points, targets, note = data.read_points("x;y;what\n1;2;cat\n3;4;dog\n5;0;cat")
    assert points.tolist() == [[1, 2], [3, 4], [5, 0]]
    assert targets.tolist() == [1, -1, 1]
    assert "cat is orange" in note
    _, targets, note = data.read_points("0,0,10\n1,1,20\n2,2,30")
    assert targets.tolist() == [-1, 0, 1]
    points, _, note = data.read_points("100, 0, 0\n300, 200, 1")
    assert np.abs(points).max() <= data.REACH
    assert "scaled" in note
    for text, said in (
        ("1, 2", "Line 1"),
        ("1,2,a\n1,1,b\n1,3,c", "3 kinds"),
        ("1,2,orange\nfar,1,blue", "Line 2"),
    ):
        with pytest.raises(Refused, match=said):
            data.read_points(text)


def test_text_and_points_are_there_and_back() -> None:
    text = "1.50, -2.00, orange\n0.25, 3.00, blue"
    points, targets, _ = data.read_points(text)
    assert data.write_points(points, targets) == text


def test_a_picture_of_the_visitors_own_is_painted() -> None:
    from PIL import Image

    file = io.BytesIO()
    picture = np.zeros((60, 90, 3), dtype=np.uint8)
    picture[:30] = (255, 0, 0)
    Image.fromarray(picture).save(file, "PNG")
    state = act(
        begun(layers="4", optimiser="Adam", rate=0.03), "painting", content=file.getvalue(), text="flag.png"
    )
    assert state.settings["data"] == "picture"
    state = train(state, epochs=6)
    heat = LESSON.draw(state).figures[1].marks[0]
    assert isinstance(heat, Heat)
    values = np.asarray(heat.values)
    assert values[80, 50, 0] > 0.8
    assert values[20, 50, 0] < 0.2
    assert values[:, :, 1].max() < 0.3
    assert act(changed(state, "ratio", 90), "again").picture is not None


def test_a_saved_network_comes_back_whole() -> None:
    state = trained(20, data="xor", noise=10, layers="3, 3")
    file = LESSON.draw(act(state, "save")).files[0]
    assert not LESSON.draw(act(act(state, "save"), "hover")).files, "it is handed over once"
    back = act(begun(), "network", content=file.content, text=file.name)
    for ours, theirs in zip(back.network.parameters(), state.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert back.curve[-1].test_loss == pytest.approx(state.curve[-1].test_loss)
    assert back.settings == state.settings
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        assert json.loads(archive.read("playground.json"))["network"]["hidden"] == [3, 3]


def test_a_foreign_zip_is_refused_in_a_sentence(tmp_path: Path) -> None:
    foreign = tmp_path / "x.zip"
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("playground.json", "{}")
        archive.writestr("playground.safetensors", b"\0" * 9)
    for content in (foreign.read_bytes(), b"", b"PK\x03\x04"):
        with pytest.raises(StudioError) as refusal:
            act(begun(), "network", content=content, text="x.zip")
        assert str(refusal.value).endswith(".")
    with pytest.raises(Unreadable):
        act(begun(), "own", content=b"\xff\xfe\0\0", text="x.csv")


# The drawn tasks, by their definitions


@pytest.mark.parametrize("task", [name for name in TASKS if name in data.DRAWN])
def test_drawn_tasks_stay_on_the_plane_and_follow_their_dice(task: str) -> None:
    for noise in (0, 50):
        one, same, other = (data.drawn_task(task, 50, noise, seed) for seed in (3, 3, 4))
        assert np.array_equal(one.points, same.points)
        assert not np.array_equal(one.points, other.points)
        assert np.abs(one.points).max() <= data.REACH
        assert np.abs(one.targets).max() <= 1
        assert len(one.points) + len(one.test_points) == data.DRAWN[task].count


def test_without_noise_every_point_is_on_its_side() -> None:
    circle = data.drawn_task("circle", 90, 0, 1)
    assert np.array_equal(np.hypot(*circle.points.T) < 2.5, circle.targets[:, 0] > 0)
    xor = data.drawn_task("xor", 90, 0, 1)
    assert np.array_equal(xor.points.prod(axis=1) > 0, xor.targets[:, 0] > 0)
    plane = data.drawn_task("plane", 90, 0, 1)
    assert plane.targets[:, 0] == pytest.approx(np.clip(plane.points.sum(axis=1) / 10, -1, 1))
    noisy = data.drawn_task("xor", 90, 50, 1)
    assert 0.02 < np.mean((noisy.points.prod(axis=1) > 0) != (noisy.targets[:, 0] > 0)) < 0.5


def test_drawing_is_pure() -> None:
    state = trained(2)
    assert LESSON.draw(state).to_dict() == LESSON.draw(replace(state)).to_dict()
