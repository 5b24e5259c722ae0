"""The loop, compared with closed forms and with torch's optimisers stepped by hand, and what it does when a
descent fails.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence

import pytest
import torch
from torch import Tensor, nn

from studio.errors import Refused
from studio.learning.descent import DescentOptions, Ending, Rule, Slope, Step, descend
from studio.learning.rules import Adagrad, Adam, GradientDescent, Momentum, RMSprop, delta_rule
from studio.process import finish


def run(descent: Generator[Step, None, Ending]) -> tuple[list[Step], Ending]:
    """Every step, and what the generator returned."""
    steps: list[Step] = []
    return steps, finish(descent, steps.append)


def bowl(steepness: float = 2.0, start: float = 3.0) -> tuple[Tensor, Callable[[], Tensor]]:
    """½ a x², whose descent is x (1 - rate a)^n."""
    x = torch.tensor([start], dtype=torch.float64, requires_grad=True)
    return x, lambda: 0.5 * steepness * x.square().sum()


def test_a_quadratic_follows_its_closed_form() -> None:
    x, loss = bowl(steepness=2.0, start=3.0)
    for step in descend([x], loss, GradientDescent(0.1), steps=40):
        before = 3.0 * 0.8 ** (step.number - 1)
        assert step.loss == pytest.approx(before**2, rel=1e-12)
        assert step.gradient == pytest.approx(2 * before, rel=1e-12)
        assert x.item() == pytest.approx(3.0 * 0.8**step.number, rel=1e-12)


def test_maximizing_is_minimizing_the_negative() -> None:
    def climb(maximize: bool, sign: float, by_hand: bool) -> Tensor:
        x = torch.tensor([0.3, -0.7], requires_grad=True)

        def measure() -> Tensor | Slope:
            height = sign * (torch.cos(x) * torch.tensor([1.0, 2.0])).sum()
            return Slope(height.item(), torch.autograd.grad(height, [x])) if by_hand else height

        losses = [
            step.loss
            for step in descend([x], measure, torch.optim.Adam([x], 0.05), steps=25, maximize=maximize)
        ]
        assert (losses[-1] > losses[0]) == maximize
        return x.detach()

    lowered = climb(maximize=False, sign=-1, by_hand=False)
    assert torch.equal(climb(maximize=True, sign=1, by_hand=False), lowered)
    assert torch.equal(climb(maximize=True, sign=1, by_hand=True), lowered)


OPTIMISERS: dict[str, Callable[[Sequence[Tensor]], torch.optim.Optimizer]] = {
    "sgd": lambda weights: torch.optim.SGD(weights, 0.1),
    "sgd decaying": lambda weights: torch.optim.SGD(weights, 0.1, weight_decay=0.02),
    "momentum": lambda weights: torch.optim.SGD(weights, 0.05, momentum=0.9, weight_decay=0.01),
    "adam": lambda weights: torch.optim.Adam(weights, 0.01),
    "adam decaying": lambda weights: torch.optim.Adam(weights, 0.02, (0.8, 0.95), weight_decay=0.1),
    "adamw": lambda weights: torch.optim.AdamW(weights, 0.01, weight_decay=0.1),
    "rmsprop": lambda weights: torch.optim.RMSprop(weights, 0.01),
    "rmsprop rolling": lambda weights: torch.optim.RMSprop(weights, 0.01, momentum=0.8, weight_decay=0.02),
    "adagrad": lambda weights: torch.optim.Adagrad(weights, 0.1),
}


def small_problem() -> tuple[nn.Module, Callable[[], Tensor]]:
    torch.manual_seed(5)
    network = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0))
    network.register_parameter("idle", nn.Parameter(torch.ones(2)))  # the loss does not depend on it
    inputs, targets = torch.randn(20, 3), torch.randn(20)
    return network, lambda: nn.functional.mse_loss(network(inputs), targets)


RULES: dict[str, tuple[str, Callable[[], Rule]]] = {
    "plain": ("sgd", lambda: GradientDescent(0.1)),
    "decaying": ("sgd decaying", lambda: GradientDescent(0.1, 0.02)),
    "ball": ("momentum", lambda: Momentum(0.05, 0.9, weight_decay=0.01)),
    "Adam": ("adam", lambda: Adam(0.01)),
    "Adam decaying": ("adam decaying", lambda: Adam(0.02, (0.8, 0.95), weight_decay=0.1)),
    "AdamW": ("adamw", lambda: Adam(0.01, weight_decay=0.1, decoupled=True)),
    "RMSprop": ("rmsprop", lambda: RMSprop(0.01)),
    "RMSprop rolling": ("rmsprop rolling", lambda: RMSprop(0.01, 0.8, weight_decay=0.02)),
    "Adagrad": ("adagrad", lambda: Adagrad(0.1)),
}
"""Our own rules, and what they are to equal."""


@pytest.mark.parametrize("name", [*OPTIMISERS, *RULES])
@pytest.mark.parametrize("scheduled", [False, True])
def test_the_weights_are_those_of_a_hand_written_loop_to_the_bit(name: str, scheduled: bool) -> None:
    def factor(number: int) -> float:
        return 1 / number

    hand, loss = small_problem()
    like = RULES[name][0] if name in RULES else name
    optimiser = OPTIMISERS[like]([weight for called, weight in hand.named_parameters() if called != "idle"])
    base = optimiser.param_groups[0]["lr"]
    for number in range(1, 31):
        optimiser.param_groups[0]["lr"] = base * (factor(number) if scheduled else 1.0)
        optimiser.zero_grad()
        torch.autograd.backward(loss())
        optimiser.step()

    ours, loss = small_problem()
    weights = list(ours.parameters())
    if name in RULES:
        weights = [weight for called, weight in ours.named_parameters() if called != "idle"]
    rule = RULES[name][1]() if name in RULES else OPTIMISERS[name](weights)
    run(descend(weights, loss, rule, steps=30, schedule=factor if scheduled else None))
    for one, other in zip(hand.parameters(), ours.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", ["ball", "Adam", "AdamW", "RMSprop rolling", "Adagrad"])
def test_a_rule_goes_on_from_its_own_state_and_from_torchs(name: str) -> None:
    like, make = RULES[name]

    def fifteen(
        rule: Rule | torch.optim.Optimizer, weights: list[nn.Parameter], loss: Callable[[], Tensor]
    ) -> None:
        run(descend(weights, loss, rule, steps=15))

    def problem() -> tuple[list[nn.Parameter], Callable[[], Tensor]]:
        network, loss = small_problem()
        return [weight for called, weight in network.named_parameters() if called != "idle"], loss

    straight, loss = problem()
    rule = make()
    fifteen(rule, straight, loss)
    fifteen(rule, straight, loss)

    saved, loss = problem()
    before, after = make(), make()
    fifteen(before, saved, loss)
    after.load_state(before.state(), saved)  # type: ignore[attr-defined]
    before.reset()  # type: ignore[attr-defined]
    fifteen(after, saved, loss)
    assert all(torch.equal(one, other) for one, other in zip(straight, saved, strict=True))

    torchs, loss = problem()
    optimiser, after = OPTIMISERS[like](torchs), make()
    fifteen(optimiser, torchs, loss)
    after.load_state(optimiser.state_dict()["state"], torchs)  # type: ignore[attr-defined]
    fifteen(after, torchs, loss)
    assert all(torch.equal(one, other) for one, other in zip(straight, torchs, strict=True))


def test_only_the_variables_gather_gradients() -> None:
    picture = torch.zeros(4, requires_grad=True)
    network = nn.Linear(4, 2)
    run(descend([picture], lambda: network(picture).sum(), GradientDescent(0.1), steps=3, maximize=True))
    assert all(weight.grad is None for weight in network.parameters())
    assert picture.abs().sum() > 0


@pytest.mark.parametrize("closing", [False, True])
def test_an_optimisers_rate_stands_again_after_a_schedule(closing: bool) -> None:
    x, loss = bowl()
    optimiser = torch.optim.SGD([x], 0.1)
    descent = descend([x], loss, optimiser, steps=5, schedule=lambda number: 0.5**number)
    next(descent)
    next(descent)
    assert optimiser.param_groups[0]["lr"] == pytest.approx(0.025)
    if closing:
        descent.close()
    else:
        run(descent)
    assert optimiser.param_groups[0]["lr"] == 0.1


def test_clipping_keeps_direction_and_shortens_to_the_limit() -> None:
    x = torch.tensor([3.0, 4.0], dtype=torch.float64, requires_grad=True)
    loss = lambda: 10 * (3 * x[0] + 4 * x[1])  # noqa: E731 - slope (30, 40), length 50
    step = next(descend([x], loss, GradientDescent(1.0), steps=1, options=DescentOptions(max_norm=2.0)))
    assert step.gradient == pytest.approx(2.0)
    assert x.tolist() == pytest.approx([3 - 2 * 0.6, 4 - 2 * 0.8])

    y = torch.tensor([0.3, 0.4], dtype=torch.float64, requires_grad=True)
    step = next(
        descend(
            [y],
            lambda: 0.5 * y.square().sum(),
            GradientDescent(1.0),
            steps=1,
            options=DescentOptions(max_norm=2.0),
        )
    )
    assert step.gradient == pytest.approx(0.5)  # short ones stay as they are


def test_it_ends_on_a_plateau_and_says_where_the_best_was() -> None:
    heights = iter([10.0, 6.0, 4.0, 4.0, 3.9999, 4.0, 4.0, 4.0])
    x = torch.zeros(1)
    steps, ending = run(
        descend(
            [x],
            lambda: Slope(next(heights), [torch.ones(1)]),
            GradientDescent(0.1),
            steps=50,
            options=DescentOptions(patience=3, tolerance=0.01),
        )
    )
    assert (ending.kind, len(steps)) == ("plateau", 6)
    assert "best at step 3" in ending.sentence
    assert steps[-1].ending == ending
    assert all(step.ending is None for step in steps[:-1])


def test_it_runs_to_the_end_and_says_so() -> None:
    x, loss = bowl()
    steps, ending = run(descend([x], loss, GradientDescent(0.1), steps=4))
    assert [step.number for step in steps] == [1, 2, 3, 4]
    assert (ending.kind, steps[-1].ending) == ("done", ending)
    assert run(descend([x], loss, GradientDescent(0.1), steps=0))[1].kind == "done"


def test_closing_leaves_the_variables_as_they_are() -> None:
    x, loss = bowl()
    descent = descend([x], loss, GradientDescent(0.1), steps=100)
    next(descent)
    descent.close()
    assert x.item() == pytest.approx(3 * 0.8)


def test_a_rate_too_large_is_named_and_the_state_before_the_explosion_comes_back() -> None:
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    start = x.detach().clone()
    steps, ending = run(descend([x], lambda: 50 * x.square().sum(), GradientDescent(0.5), steps=10_000))
    assert ending.kind == "diverged"
    assert not math.isfinite(steps[-1].loss)
    assert "learning rate (0.5)" in ending.sentence
    assert "went back to step 1;" in ending.sentence
    assert torch.equal(x, start)  # the loss rose from the first step, so the start is the last good state


def test_an_explosion_late_in_a_noisy_descent_goes_back_to_shortly_before_it() -> None:
    torch.manual_seed(0)
    x = torch.tensor([5.0], dtype=torch.float64, requires_grad=True)
    taken = 0

    def loss() -> Tensor:
        nonlocal taken
        taken += 1
        steep = 1.0 if taken <= 500 else 400.0
        return 0.5 * steep * (x - 0.3 * torch.randn(1, dtype=torch.float64)).square().sum()

    steps, ending = run(descend([x], loss, GradientDescent(0.1), steps=10_000))
    assert ending.kind == "diverged"
    assert len(steps) > 520
    kept_at = int(ending.sentence.split("went back to step ")[1].split(";")[0])
    assert 400 < kept_at <= 501
    assert abs(x.item()) < 1


def test_a_slope_that_is_not_finite_blames_the_cost() -> None:
    x = torch.tensor([0.0], requires_grad=True)
    _, ending = run(descend([x], lambda: x.sqrt().sum() * 0 + 1, GradientDescent(0.1), steps=5))
    assert ending.kind == "diverged"
    assert "root" in ending.sentence
    assert torch.equal(x, torch.zeros(1))


def test_what_improves_without_end_is_told_so() -> None:
    x = torch.tensor([1.0], requires_grad=True)
    _, ending = run(descend([x], lambda: x.pow(3).sum(), GradientDescent(10.0), steps=100, maximize=True))
    assert ending.kind == "diverged"
    assert "without limit" in ending.sentence


def test_the_very_last_step_cannot_leave_nonsense_behind() -> None:
    x = torch.tensor([1e30], requires_grad=True)
    steps, ending = run(descend([x], lambda: x.sum() * 1e8, GradientDescent(1e38), steps=1))
    assert (ending.kind, steps[-1].ending) == ("diverged", ending)
    assert x.item() == pytest.approx(1e30)


def test_bad_data_is_told_from_a_bad_rate() -> None:
    x = torch.tensor([1.0], requires_grad=True)
    _, ending = run(descend([x], lambda: (x * math.nan).sum(), GradientDescent(0.1), steps=5))
    assert ending.sentence.startswith("The loss is not a number before the first step")
    assert x.item() == 1.0


def test_after_a_divergence_an_optimiser_can_go_on_with_a_smaller_rate() -> None:
    x = torch.tensor([1.0], requires_grad=True)
    optimiser = torch.optim.SGD([x], 1e3, momentum=0.9)
    assert run(descend([x], lambda: x.square().sum(), optimiser, steps=1000))[1].kind == "diverged"
    optimiser.param_groups[0]["lr"] = 0.01
    steps, ending = run(descend([x], lambda: x.square().sum(), optimiser, steps=500))
    assert ending.kind == "done"
    assert steps[-1].loss < 1e-6


@pytest.mark.parametrize(
    "wrong", [{"max_norm": 0.0}, {"max_norm": math.nan}, {"patience": 0}, {"keep_every": -2}, {"steps": -1}]
)
def test_numbers_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    def refused(wrong: dict[str, float]) -> None:
        x, loss = bowl()
        options = {name: number for name, number in wrong.items() if name != "steps"}
        next(
            descend(
                [x],
                loss,
                GradientDescent(0.1),
                steps=int(wrong.get("steps", 5)),
                options=DescentOptions(**options),  # type: ignore[arg-type]
            )
        )

    with pytest.raises(Refused):
        refused(wrong)


@pytest.mark.parametrize("rate", [-0.1, math.nan, math.inf])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(Refused, match="learning rate"):
        GradientDescent(rate)


def test_the_delta_rule_is_the_sum_over_cases_as_on_paper() -> None:
    meals = [[2.0, 5.0, 3.0], [1.0, 0.0, 2.0]]
    prices, guess, rate = [1.5, 0.5, 1.0], [0.5, 0.5, 0.5], 1 / 35
    totals = [sum(n * p for n, p in zip(meal, prices, strict=True)) for meal in meals]
    expected = list(guess)
    for meal, total in zip(meals, totals, strict=True):
        error = total - sum(n * g for n, g in zip(meal, guess, strict=True))
        expected = [w + rate * n * error for w, n in zip(expected, meal, strict=True)]

    weights = torch.tensor(guess, dtype=torch.float64)
    inputs, targets = torch.tensor(meals, dtype=torch.float64), torch.tensor(totals, dtype=torch.float64)
    step = next(
        descend([weights], lambda: delta_rule(weights, inputs, targets), GradientDescent(rate), steps=1)
    )
    assert weights.tolist() == pytest.approx(expected, rel=1e-12)
    errors = [
        total - sum(n * g for n, g in zip(meal, guess, strict=True))
        for meal, total in zip(meals, totals, strict=True)
    ]
    assert step.loss == pytest.approx(0.5 * sum(error**2 for error in errors))
