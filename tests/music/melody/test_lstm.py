"""Melodies by the network: every requirement holds by an independent check, and they are drawn as often as
enumeration says they should be.
"""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from plain_chain import longest_shared_run
from walks import walking_tunes

from studio.errors import Missing, Refused, Unreadable
from studio.learning.checkpoints import Card, Model, load
from studio.learning.networks import Perceptron, Recurrent
from studio.music.chains.sampling import Requirement, solve
from studio.music.melody.idiom import learn
from studio.music.melody.lstm import (
    FROM_THE_CHAIN,
    MelodyNetwork,
    log_probabilities,
    lstm_melodies,
    model_of,
)
from studio.music.melody.recipes import ComposeRecipe
from studio.music.melody.takes import consider, draw
from studio.music.melody.tokens import Layout, Melody, Token, melodies
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.scores.tunes import Tune
from studio.music.styles.style import Style
from studio.process import finish
from studio.works.shipped import shipped


def untrained(style: Style, *, hidden: int = 12, seed: int = 3, sure: float = 4.0) -> MelodyNetwork:
    """A network with opinions of its own: what it knows is luck, but it is decided about it."""
    layout = Layout.of(melodies(style))
    network = (
        Recurrent(inputs=layout.width, hidden=hidden, outputs=len(layout.names), seed=seed).build().eval()
    )
    with torch.no_grad():
        network.output.weight *= sure
    return MelodyNetwork(
        network, layout, Card(name="luck", what="", data=(), command="", classes=layout.names)
    )


class TestDistribution:
    """Two bars of 2/4 on three pitches: few enough melodies to enumerate, in the key of D where the style is
    in C.
    """

    @pytest.fixture(scope="class")
    @staticmethod
    def asked():
        lines = ["0 1/0 1", "0 2", "0 1/2 1/4 2", "2 1/4 1/2 1/0 1", "4 2/0 2", "4 1/2 1/0 2", "2 2/4 1/0 1"]
        notes = [
            [(60 + int(p), int(n)) for p, n in (note.split() for note in line.split("/"))]
            for line in (_spelt(each) for each in lines)
        ]
        style = Style.of([Tune.of(line, meter="2/4") for line in notes], "small")
        idiom = learn(style, Meter.parse("2/4"), Key.parse("D"), longest=2)
        solution = solve(
            idiom.trellis(idiom.walk(0), ()),
            2 * idiom.bar,
            [Requirement("not three in a row", weight=_leaning(idiom))],
        )
        return untrained(style), idiom, solution

    def enumerated(self, asked, temperature: float = 1.0) -> dict[tuple[int, ...], float]:
        """Every melody and its weight: the network's opinion, with a little of the chain's, times the
        requirements'. By reading it whole.
        """
        model, idiom, solution = asked
        weight = _leaning(idiom)
        found = {}

        def grow(symbols: list[int], tick: int) -> None:
            if tick == solution.ticks:
                if math.isfinite(solution.log_probability(symbols)):
                    found[tuple(symbols)] = _weight(symbols)
                return
            for symbol in range(idiom.alphabet):
                event = idiom.events[symbol]
                if event.place == tick % idiom.bar and event.place + event.ticks <= idiom.bar:
                    grow([*symbols, symbol], tick + event.ticks)

        def _weight(symbols: list[int]) -> float:
            events = [idiom.events[symbol] for symbol in symbols]
            tokens = tuple(
                Token(event.pitch - 62, event.ticks * idiom.tick, event.carries) for event in events
            )
            starts = np.cumsum([0, *(token.length * 24 for token in tokens)]).astype(int)
            melody = Melody(0, "", "2/4", "major", 48, tokens, starts, np.zeros(len(tokens), dtype=bool))
            rows, targets = model.layout.read_melody(melody)
            inputs = torch.zeros(1, len(rows), model.layout.width).scatter_(
                2, torch.as_tensor(rows)[None], 1.0
            )
            with torch.no_grad():
                likely = torch.softmax(model.network(inputs)[0].double() / temperature, -1).numpy()
            total = 1.0
            for at, step in enumerate(solution.trace(symbols)):
                opinion = (1 - FROM_THE_CHAIN) * likely[at, targets[at]] + FROM_THE_CHAIN * step.free
                total *= opinion * weight[step.tick, step.symbol]
            return total

        grow([], 0)
        return found

    def test_melodies_come_as_often_as_they_should_and_the_chance_is_right(self, asked) -> None:
        expected = self.enumerated(asked)
        total = sum(expected.values())
        assert len(expected) > 50
        model, idiom, solution = asked
        drawn = [lstm_melodies(model, idiom, solution, 1, seed=seed, particles=96)[0] for seed in range(120)]
        assert np.mean([math.exp(each.log_chance) for each in drawn]) == pytest.approx(total, rel=0.05)
        met = Counter(each.symbols for each in drawn)
        assert met.keys() <= expected.keys()
        # As pairs of bars, lumped so that chi-square's rule of five holds.
        likeliest = sorted(expected, key=lambda symbols: -expected[symbols])
        groups, share, count = [], 0.0, 0
        for symbols in likeliest:
            share, count = share + expected[symbols] / total, count + met[symbols]
            if share * len(drawn) >= 6:
                groups.append((share * len(drawn), count))
                share, count = 0.0, 0
        chi = sum((count - wanted) ** 2 / wanted for wanted, count in groups)
        free = len(groups) - 1
        assert free >= 5
        assert chi < free + 4 * math.sqrt(2 * free)
        by_chain = Counter(tuple(row[row >= 0].tolist()) for row in solution.sample(4000, 1))
        apart = sum(abs(expected[symbols] / total - by_chain[symbols] / 4000) for symbols in expected) / 2
        assert apart > 0.3, "the network's opinion is another than the chain's, or this would test nothing"

    def test_the_chance_is_right_on_average_with_few_particles_and_colder_too(self, asked) -> None:
        model, idiom, solution = asked
        total = sum(self.enumerated(asked, 0.6).values())
        few = [
            lstm_melodies(model, idiom, solution, 1, seed=seed, temperature=0.6, particles=4)[0]
            for seed in range(80)
        ]
        chances = [math.exp(each.log_chance) for each in few]
        assert abs(np.mean(chances) - total) < 4 * np.std(chances) / math.sqrt(len(chances))

    def test_one_seed_gives_one_melody_and_several_are_all_different(self, asked) -> None:
        model, idiom, solution = asked
        assert lstm_melodies(model, idiom, solution, 1, seed=5) == lstm_melodies(
            model, idiom, solution, 1, seed=5
        )
        several = [each.symbols for each in lstm_melodies(model, idiom, solution, 12, seed=5)]
        assert len(set(several)) == len(several) == 12

    @pytest.mark.parametrize(
        "wrong", [{"temperature": 0.05}, {"temperature": 4.0}, {"particles": 0}, {"particles": 5000}]
    )
    def test_numbers_out_of_range_are_refused(self, asked, wrong) -> None:
        with pytest.raises(Refused, match="from"):
            lstm_melodies(*asked, 1, **wrong)


def _spelt(line: str) -> str:
    """ "0 2" -> "0 1/0 1" repeated to fill two bars: lines above give one or two bars of 2/4."""
    quarters = sum(int(note.split()[1]) for note in line.split("/"))
    return "/".join([line] * (4 // quarters)) if quarters < 4 else line


def _leaning(idiom) -> np.ndarray:
    weight = np.ones((2 * idiom.bar, idiom.alphabet))
    weight[idiom.bar :, idiom.degree == 0] = 2.5
    weight[0, idiom.degree == 4] = 0.0
    return weight


class TestWishes:
    @pytest.fixture(scope="class")
    @staticmethod
    def style() -> Style:
        return walking_tunes(24)

    @pytest.mark.parametrize("form", ["learnt", "AB", "free"])
    def test_all_of_them_hold_in_every_take(self, style: Style, form: str) -> None:
        kept = Tune.of(
            [(67, 1), (69, 1), (71, 2), (69, 1), (67, 1), (66, 1), (64, 1), *[(62, 4)] * 6], key="G"
        )
        recipe = ComposeRecipe(
            style="walks",
            composer="lstm",
            bars=8,
            meter="4/4",
            key="G",
            form=form,
            range="D4:A5",
            end="G",
            scale="key",
            pins=("3:1=B4", "6:3=note"),
            density="1:6",
            max_copy=7,
            keep=("1-1=1-1",) if form == "free" else (),
        )
        outlook = finish(consider(recipe, style, take=kept))
        model = untrained(style)

        def play(solution, count, random):
            return [
                list(each.symbols)
                for each in lstm_melodies(model, outlook.idiom, solution, count, seed=random, particles=16)
            ]

        corpus = [[b.pitch - a.pitch for a, b in pairwise(tune.sounding)] for tune in style]
        drawn = set()
        for seed in range(3):
            tune = finish(draw(outlook, seed, play)).tune
            notes = tune.sounding
            drawn.add(tuple((note.pitch, note.duration) for note in notes))
            assert tune.end == 32
            assert notes[-1].pitch % 12 == 7
            assert all(62 <= note.pitch <= 81 and note.pitch % 12 in (7, 9, 11, 0, 2, 4, 6) for note in notes)
            assert all(note.start // 4 == (note.end - Fraction(1, 96)) // 4 for note in notes), (
                "none over a bar line"
            )
            assert (71, Fraction(8)) in [(note.pitch, note.start) for note in notes]
            assert Fraction(22) in [note.start for note in notes]
            assert all(1 <= sum(note.start // 4 == bar for note in notes) <= 6 for bar in range(8))
            assert longest_shared_run([b.pitch - a.pitch for a, b in pairwise(notes)], corpus) + 1 <= 7
            if form == "free":
                assert [(note.pitch, note.duration) for note in notes if note.start < 4] == [
                    (67, 1),
                    (69, 1),
                    (71, 2),
                ]
        assert len(drawn) > 1


class TestModels:
    def test_the_models_that_come_along_foresee_better_than_every_chain(self) -> None:
        cards = [Path(shipped("models")) / f"{name}.json" for name in ("bach-chorales", "ryans-mammoth")]
        for card in cards:
            figures = load(card).card.figures
            chains = [
                value
                for name, value in figures.items()
                if name.startswith("chain") and name.endswith("a note")
            ]
            assert len(chains) >= 4
            assert figures["nats a note"] + figures["its standard error"] < min(chains), card.name
            assert card.with_suffix(".safetensors").stat().st_size < 4_000_000

    def test_losses_are_of_probabilities_that_add_up_to_one(self) -> None:
        style = walking_tunes(6)
        model = untrained(style)
        melody = melodies(style)[0]
        prefix = melody.tokens[:3]
        logs = [
            log_probabilities(
                model,
                [
                    Melody(
                        0,
                        "",
                        "4/4",
                        "major",
                        96,
                        (*prefix, token),
                        np.append(melody.starts[:4], 96),
                        np.zeros(4, bool),
                    )
                ],
            )[3]
            for token in model.layout.tokens
        ]
        short = Melody(0, "", "4/4", "major", 96, prefix, melody.starts[:4], np.zeros(3, bool))
        assert np.exp([*logs, log_probabilities(model, [short])[3]]).sum() == pytest.approx(1)
        with pytest.raises(Refused, match="does not know"):
            log_probabilities(
                model,
                [
                    Melody(
                        0,
                        "",
                        "4/4",
                        "major",
                        96,
                        (Token(0, Fraction(5, 2)),),
                        np.array([0, 60]),
                        np.zeros(1, bool),
                    )
                ],
            )

    def test_a_model_is_found_by_its_style_alone(self, home: Path) -> None:
        assert model_of("bach-chorales") is model_of("bach-chorales")
        with pytest.raises(Missing, match=r"studio train oneill\.$"):
            model_of("oneill")
        for elsewhere in ("../models/bach-chorales", str(shipped("models") / "bach-chorales"), "..", ""):
            with pytest.raises(Missing, match="the folder of its tunes"):
                model_of(elsewhere)
        (home / "models").mkdir(parents=True)
        (home / "models" / "bach-chorales.json").write_text("{}")
        with pytest.raises(Unreadable):
            model_of("bach-chorales")

    def test_another_kind_of_network_is_none_for_melodies(self) -> None:
        layout = Layout.of(melodies(walking_tunes(3)))
        card = Card(name="digits", what="", data=(), command="", classes=layout.names)
        with pytest.raises(Unreadable, match="not a melody network"):
            MelodyNetwork.of(Model(Perceptron(inputs=4, outputs=len(layout.names)).build(), card))
