"""The chain against counting by hand: contexts, mixtures, losses and origins."""

from __future__ import annotations

import numpy as np
import pytest
from plain_chain import END, START, PlainChain

from studio.errors import Refused
from studio.music.chains.markov import (
    Geometric,
    WittenBell,
    count,
    mix,
    origin,
)

BLENDS = [
    (Geometric(0.25), ("geometric", 0.25)),
    (Geometric(2.0), ("geometric", 2.0)),
    (WittenBell(1.0), ("witten-bell", 1.0)),
    (WittenBell(), ("witten-bell", 4.0)),
]


def spelt(tree, context):
    """The symbols of a context, oldest first."""
    symbols = []
    while context > 0:
        symbols.append(int(tree.branch[context - 1] % tree.base))
        context = int(tree.suffix[context])
    return tuple(symbols)


def random_tunes(random, alphabet=4, tunes=4, length=12):
    return [random.integers(0, alphabet, random.integers(1, length)).tolist() for _ in range(tunes)]


@pytest.mark.parametrize(("starts", "ends"), [(True, True), (False, False), (True, False), (False, True)])
def test_every_context_knows_what_followed_it_and_how_often(starts, ends):
    random = np.random.default_rng(1)
    for _ in range(10):
        tunes = random_tunes(random)
        weights = random.uniform(0.5, 3, len(tunes)).tolist()
        tree = count(tunes, alphabet=4, longest=3, starts=starts, ends=ends, weights=weights)
        plain = PlainChain(
            tunes, longest=3, lowest=0, mixed=("geometric", 1), starts=starts, ends=ends, weights=weights
        )
        number = {START: 4, END: 5}
        for context, followers in plain.counts.items():
            expected = tuple(number.get(sign, sign) for sign in context)
            found = tree.find(expected)
            assert spelt(tree, found) == expected
            own = slice(tree.first[found], tree.first[found + 1])
            assert dict(
                zip(tree.follower[own].tolist(), tree.weight[own].tolist(), strict=True)
            ) == pytest.approx({number.get(sign, sign): weight for sign, weight in followers.items()})
        followed = int(np.sum(np.diff(tree.first) > 0))
        assert followed == len(plain.counts)


@pytest.mark.parametrize("lowest", [0, 1, 2, 3])
@pytest.mark.parametrize(("blend", "mixed"), BLENDS)
def test_a_mixture_is_what_the_formula_says_and_a_walk_ends_in_the_longest_context_that_fits(
    blend, mixed, lowest
):
    random = np.random.default_rng(lowest)
    for ends in (True, False):
        tunes = random_tunes(random)
        chain = mix(count(tunes, alphabet=4, longest=3, ends=ends), blend, lowest=lowest)
        plain = PlainChain(tunes, longest=3, lowest=lowest, mixed=mixed, ends=ends)
        seen = set()
        waiting = [((START,), chain.state())]
        while waiting:  # every context that a walk can come to, from the start on
            context, state = waiting.pop()
            if context in seen:
                continue
            seen.add(context)
            spread, after = plain.next(context)
            expected = [spread.get(symbol, 0.0) for symbol in [0, 1, 2, 3, END]]
            assert chain.distribution(state) == pytest.approx(expected, abs=1e-14)
            assert sum(expected) == pytest.approx(1)
            for step in range(chain.start[state], chain.start[state + 1]):
                target, following = int(chain.target[step]), after[int(chain.symbol[step])]
                if following is None:
                    assert chain.distribution(target).sum() == 0
                elif plain.counts.get(following):
                    waiting.append((following, target))
        assert len(seen) >= 4


def test_strict_order_two_uses_order_two_only():
    tunes = [[0, 1, 2, 0, 1, 3], [2, 1, 0]]
    chain = mix(count(tunes, alphabet=4, longest=2), lowest=2)
    assert chain.distribution(chain.state([0, 1], from_the_start=False)).tolist() == [0, 0, 0.5, 0.5, 0]
    assert chain.distribution(chain.state()).tolist() == [0.5, 0, 0.5, 0, 0]
    assert chain.distribution(chain.state([2, 1])).tolist() == [1, 0, 0, 0, 0]


def test_a_weight_of_two_is_the_sequence_given_twice():
    tunes = [[0, 1, 2], [0, 2, 2, 1]]
    weighted = mix(count(tunes, alphabet=3, longest=2, weights=[2, 1]), Geometric(0.5))
    repeated = mix(count([tunes[0], *tunes], alphabet=3, longest=2), Geometric(0.5))
    for history in ([], [0], [0, 1], [0, 2], [2, 2]):
        assert weighted.distribution(weighted.state(history)) == pytest.approx(
            repeated.distribution(repeated.state(history))
        )


def test_the_origin_of_a_step_names_orders_parts_and_places():
    tunes = [[0, 1, 2, 3], [], [3, 1, 2, 0], [1, 2, 3]]
    chain = mix(count(tunes, alphabet=4, longest=3), Geometric(0.5), lowest=1)
    state = chain.state([0, 1, 2])
    found = origin(chain, state, 3)
    assert found.order == 3
    assert [share.order for share in found.shares] == [3, 2, 1]
    assert found.probability == pytest.approx(chain.distribution(state)[3])
    # (0 1 2) was always followed by 3, (1 2) and (2) in two of three places: weights 4/7, 2/7, 1/7.
    assert [share.part for share in found.shares] == pytest.approx([4 / 7, 4 / 21, 2 / 21])
    assert found.shares[0].places == ((0, 3),)
    assert found.shares[1].places == ((0, 3), (3, 2))
    other = origin(chain, state, 0)
    assert other.order == 2
    assert other.shares[0].places == ((2, 3),)
    end = origin(chain, chain.state([1, 2, 3]), 5)
    assert end.probability == pytest.approx(chain.distribution(chain.state([1, 2, 3]))[-1])
    assert end.shares[0].places == ((0, 4), (3, 3))
    assert origin(chain, state, 1).order == -1


@pytest.mark.parametrize("blend", [blend for blend, _ in BLENDS])
def test_the_parts_of_every_step_add_up(blend):
    tunes = random_tunes(np.random.default_rng(5), tunes=6)
    chain = mix(count(tunes, alphabet=4, longest=3), blend, lowest=0)
    checked = 0
    for state in range(chain.tree.contexts):
        for step in range(chain.start[state], chain.start[state + 1]):
            found = origin(chain, state, int(chain.symbol[step]))
            assert found.shares
            assert found.probability == pytest.approx(chain.probability[step])
            for share in found.shares:
                for sequence, offset in share.places:
                    text = [4, *tunes[sequence], 5]
                    assert text[offset + 1] == chain.symbol[step]
                    past = text[: offset + 1]
                    context = spelt(chain.tree, state)
                    assert past[len(past) - share.order :] == list(context)[len(context) - share.order :]
            checked += 1
    assert checked > 50


def test_what_is_learnt_cannot_be_changed_afterwards():
    chain = mix(count([[0, 1, 0]], alphabet=2, longest=2))
    with pytest.raises(ValueError, match="read-only"):
        chain.probability[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        chain.tree.weight[0] = 1


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: count([], alphabet=3, longest=2), "nothing to learn"),
        (lambda: count([[], []], alphabet=3, longest=2), "nothing to learn"),
        (lambda: count([[0, 3]], alphabet=3, longest=2), "symbol 3"),
        (lambda: count([[0, -1]], alphabet=3, longest=2), "symbol -1"),
        (lambda: count([[0]], alphabet=3, longest=99), "order is 99"),
        (lambda: count([[0]], alphabet=0, longest=1), "alphabet is empty"),
        (lambda: count([[0], [1]], alphabet=3, longest=2, weights=[1]), "weights"),
        (lambda: count([[0], [1]], alphabet=3, longest=2, weights=[1, 0]), "weights"),
        (lambda: mix(count([[0]], alphabet=3, longest=2), lowest=3), "lowest order is 3"),
        (lambda: Geometric(0), "mixing weight"),
        (lambda: WittenBell(0), "strength"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(ask, says):
    with pytest.raises(Refused, match=says):
        ask()
