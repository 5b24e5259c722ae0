"""The rule that learns curvature, beside PyTorch's own L-BFGS, and in a valley that plain descent crosses
slowly.
"""

from __future__ import annotations

import pytest
import torch

from studio.errors import Refused
from studio.learning.descent import descend
from studio.learning.quasi_newton import LimitedBFGS
from studio.learning.rules import GradientDescent


def valley(seed: int = 0) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Two variables and a quadratic of them whose axes differ a thousandfold."""
    generator = torch.Generator().manual_seed(seed)
    axes = torch.linalg.qr(torch.randn(12, 12, generator=generator, dtype=torch.double))[0]
    curved = axes @ torch.diag(torch.logspace(-3, 0, 12, dtype=torch.double)) @ axes.T
    return [torch.ones(3, 2).double().requires_grad_(), torch.ones(6).double().requires_grad_()], curved


def loss_of(variables: list[torch.Tensor], curved: torch.Tensor) -> torch.Tensor:
    flat = torch.cat([each.flatten() for each in variables])
    return flat @ curved @ flat / 2


def test_it_takes_the_steps_of_pytorchs_l_bfgs() -> None:
    ours, curved = valley()
    list(descend(ours, lambda: loss_of(ours, curved), LimitedBFGS(4, 1e-3, 1e9), steps=14))
    theirs, _ = valley()
    slope = torch.cat([each.flatten() for each in torch.autograd.grad(loss_of(theirs, curved), theirs)])
    # PyTorch's first step is as long as this rate says, over the sum of the slope.
    first = 1e-3 / float(slope.square().mean().sqrt())
    rate = first / min(1.0, 1 / float(slope.abs().sum()))
    optimiser = torch.optim.LBFGS(theirs, lr=rate, max_iter=1, history_size=4, tolerance_change=0)

    def again() -> torch.Tensor:
        optimiser.zero_grad()
        loss = loss_of(theirs, curved)
        loss.backward()
        return loss

    for number in range(14):
        optimiser.step(again)
        optimiser.param_groups[0]["lr"] = 1.0 if number == 0 else optimiser.param_groups[0]["lr"]
    for own, their in zip(ours, theirs, strict=True):
        assert torch.allclose(own, their, atol=1e-9)


def test_it_needs_far_fewer_steps_than_plain_descent() -> None:
    ends = []
    for rule in (LimitedBFGS(5, 0.1, 10.0), GradientDescent(1.0)):
        variables, curved = valley(1)
        *_, last = descend(variables, lambda v=variables, c=curved: loss_of(v, c), rule, steps=40)
        ends.append(last.loss)
    assert ends[0] < 0.05 * ends[1]


def test_stretched_steps_go_farther_where_there_are_few() -> None:
    """In twenty valleys together, after four steps."""
    left = {1.0: 0.0, 1.4: 0.0}
    for stretch in left:
        for seed in range(20):
            variables, curved = valley(seed)
            rule = LimitedBFGS(4, 0.1, 10.0, stretch=stretch)
            list(descend(variables, lambda v=variables, c=curved: loss_of(v, c), rule, steps=4))  # type: ignore[misc]
            left[stretch] += loss_of(variables, curved).item()
    assert left[1.4] < 0.95 * left[1.0]


def test_no_step_is_longer_than_allowed_and_a_reset_forgets() -> None:
    rule, variables = LimitedBFGS(2, 0.01, 0.02), [torch.full((8,), 5.0)]
    for _ in range(6):
        before = variables[0].clone()
        rule(variables, [variables[0] ** 3], 1.0)
        assert float((variables[0] - before).square().mean().sqrt()) <= 0.02 + 1e-6
    rule.reset()
    before = variables[0].clone()
    rule(variables, [variables[0] ** 3], 1.0)
    assert float((variables[0] - before).square().mean().sqrt()) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(
    "numbers", [{"memory": 0}, {"first": 0.0}, {"first": 0.1, "longest": 0.05}, {"stretch": 0.0}]
)
def test_numbers_out_of_range_are_refused(numbers: dict[str, float]) -> None:
    with pytest.raises(Refused):
        LimitedBFGS(**numbers)  # type: ignore[arg-type]
