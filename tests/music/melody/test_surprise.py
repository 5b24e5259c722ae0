"""The losses of chains, against a plain implementation with dictionaries, and as probabilities that add up to
one."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest
from walks import walking_tunes

from studio.errors import Refused
from studio.music.chains.markov import WittenBell
from studio.music.melody.surprise import CHAINS, Evidence, chain_losses, loss_of
from studio.music.melody.tokens import Melody, melodies, parted


@pytest.fixture(scope="module")
def parts():
    return parted(melodies(walking_tunes(18)), share=0.2)


def symbols(melody: Melody) -> list[tuple]:
    """Token, or None for the end, with its place in the bar; meter and mode are the same in all of these
    tunes.
    """
    return list(zip([*melody.tokens, None], melody.places.tolist(), strict=True))


def plain(learnt: list[Melody], asked: list[Melody], orders: tuple[int, ...], strength: float) -> list[float]:
    """Interpolated Witten-Bell, over an even distribution of all tokens found at that place in any tune."""
    followers: dict[tuple, Counter] = defaultdict(Counter)
    choices: dict[int, set] = defaultdict(set)
    for melody in [*learnt, *asked]:
        for token, place in symbols(melody):
            choices[place].add(token)
    for melody in learnt:
        line = ["begin", *symbols(melody)]
        for at in range(1, len(line)):
            followers[("place", line[at][1])][line[at]] += 1
            for order in range(1, max(orders) + 1):
                if at >= order:
                    followers[tuple(line[at - order : at])][line[at]] += 1
    found = []
    for melody in asked:
        line = ["begin", *symbols(melody)]
        for at in range(1, len(line)):
            chance = 1 / len(choices[line[at][1]])
            for order in orders:
                if order > at:
                    continue
                met = followers.get(("place", line[at][1]) if order == 0 else tuple(line[at - order : at]))
                if met:
                    escape = strength * len(met) / (met.total() + strength * len(met))
                    chance = (1 - escape) * met[line[at]] / met.total() + escape * chance
            found.append(float(np.log(chance)))
    return found


@pytest.mark.parametrize("name", ["order 0", "order 2", "orders 0 to 4"])
def test_chances_are_those_of_a_plain_implementation(parts, name: str) -> None:
    orders = CHAINS[name]
    evidence = Evidence.of(parts.learnt, parts.tested, longest=max(orders))
    for strength in (1.0, 4.0):
        assert np.allclose(
            evidence.log_chances(WittenBell(strength), orders),
            plain(parts.learnt, parts.tested, orders, strength),
        )


def test_the_chances_of_all_that_could_follow_add_up_to_one(parts) -> None:
    melody = parts.tested[0]
    at = next(at for at in range(6, 20) if melody.places[at] > 0)  # at a bar line the tune may also end
    everywhere = [*parts.learnt, *parts.tested]
    here = {
        token
        for tune in everywhere
        for token, place in zip(tune.tokens, tune.places, strict=False)
        if place == melody.places[at]
    }
    assert len(here) > 10
    cut = np.append(melody.starts[: at + 1], melody.starts[at] // 96 * 96 + 96)
    others = [replace(melody, tokens=(*melody.tokens[:at], token), starts=cut) for token in here]
    evidence = Evidence.of(parts.learnt, others, longest=3, known=parts.tested)
    logs = evidence.log_chances(WittenBell(), (0, 1, 2, 3)).reshape(len(others), -1)[:, at]
    assert np.exp(logs).sum() == pytest.approx(1)


def test_losses_are_means_over_notes_and_the_escape_is_not_chosen_on_the_tested(parts) -> None:
    found = {chain.name: chain for chain in chain_losses(parts.learnt, parts.chosen_by, parts.tested)}
    assert list(found) == list(CHAINS)
    notes = sum(len(melody.tokens) + 1 for melody in parts.tested)
    for chain in found.values():
        logs = Evidence.of(parts.learnt, parts.tested, longest=8, known=parts.chosen_by).log_chances(
            WittenBell(chain.strength), chain.orders
        )
        assert chain.every_note.nats == pytest.approx(-logs.mean())
        assert chain.every_note.notes == notes
        assert chain.first_time.notes == notes, "nothing is repeated in these tunes"
    assert found["order 1"].every_note.nats < found["order 0"].every_note.nats, (
        "a walk is foreseen by where it stands"
    )
    other = chain_losses(parts.learnt, parts.chosen_by, parts.chosen_by, ["order 1"])[0]
    assert other.strength == found["order 1"].strength
    with pytest.raises(Refused, match="from 0 to 1"):
        Evidence.of(parts.learnt, parts.tested, longest=1).log_chances(WittenBell(), (0, 2))


def test_what_a_repeat_plays_again_can_be_left_out(parts) -> None:
    melody = parts.tested[0]
    again = np.zeros(len(melody.tokens), dtype=bool)
    again[4:10] = True
    logs = -np.arange(len(melody.tokens) + 1, dtype=float)
    kept = [*range(4), *range(10, len(melody.tokens) + 1)]
    loss = loss_of(logs, [replace(melody, again=again)], first_time=True)
    assert loss.nats == pytest.approx(np.mean(kept))
    assert loss.notes == len(kept)
