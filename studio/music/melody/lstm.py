"""Melodies by an LSTM trained on a style, under the same hard constraints as the chain's.

    model = model_of("ryans-mammoth")                      # or MelodyNetwork.of(checkpoints.load(path))
    (drawn,) = lstm_melodies(model, idiom, solution, 1)    # solution: of `sampling.solve`
    drawn.symbols, drawn.log_chance                        # of the idiom, ready for `idiom.tune`

The network remembers the whole tune; the chain's solution knows what is allowed and what can still finish
well. Particles join them: some dozens of melodies grow side by side, and each chooses its next note in
proportion to

    the network's probability  x  the weight of soft requirements  x  the chain's belief that it can finish

and carries a weight that takes the chain's part out again, so that in the end only the network and the
requirements count. At bar lines, when a few weigh more than all the others together, the light ones are
replaced by copies of the heavy ones (Doucet, de Freitas and Gordon, "Sequential Monte Carlo methods in
practice", 2001; with look-ahead, as in Guarniero, Johansen and Lee, "The iterated auxiliary particle filter",
JASA 112, 2017).

What is exact: every hard requirement. The chain's trellis offers no step from which one could not be
satisfied, so all of them hold in every melody, whatever the network's probabilities are, with one particle as
with a thousand. And whatever the chain can play, the network can be made to play, because `FROM_THE_CHAIN` of
each probability is the chain's own.

What is approximate: the distribution. As particles are added, melodies become as probable as the network
makes them, given the requirements (`Drawn.effective` says how many particles still counted). A single
particle is the network guided by the chain's beliefs, uncorrected. `log_chance` is an estimate too: the mean
of exp(log_chance) over many draws is unbiased for any number of particles.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from studio.errors import Missing, Refused, Unreadable
from studio.music.chains.markov import Floats
from studio.music.chains.sampling import Solution, choose
from studio.music.melody.idiom import PER_QUARTER, Idiom, kinship
from studio.music.melody.tokens import (
    BARS_BACK,
    Layout,
    Melody,
    Numbers,
    Readings,
    began_before,
    token_of,
    tonic_below,
)
from studio.music.scores.meters import Meter
from studio.music.styles.own import own_styles
from studio.music.styles.table import STYLES
from studio.works.home import home
from studio.works.shipped import shipped

if TYPE_CHECKING:
    import torch

    from studio.learning.checkpoints import Card, Model
    from studio.learning.networks import SequenceNetwork

ESCAPE = 0.002
"""This part of the network's probability is spread evenly over all tokens, so that none is impossible."""

FROM_THE_CHAIN = 0.01
"""When composing, this part of the probability is the chain's own, so that notes the network has never seen
can be chosen where a requirement needs them.
"""

PARTICLES = 64


@dataclass(frozen=True, eq=False)
class MelodyNetwork:
    """A network trained on a style's melodies, and how they are laid out for it."""

    network: SequenceNetwork
    layout: Layout
    card: Card

    @classmethod
    def of(cls, model: Model) -> MelodyNetwork:
        """From a checkpoint. Raises `Unreadable` for a model that is not a melody network."""
        from studio.learning.networks import Recurrent, SequenceNetwork

        layout = Layout.read(model.card.classes)
        config = model.network.config
        fits = (
            isinstance(config, Recurrent)
            and config.inputs == layout.width
            and config.outputs == len(layout.names)
        )
        if not fits or not isinstance(model.network, SequenceNetwork):
            raise Unreadable(
                f"The model {model.card.name} is not a melody network of this studio; "
                "train it again with: studio train."
            )
        return cls(model.network, layout, model.card)


def models_folder() -> Path:
    """Where models trained here are kept."""
    return home() / "models"


def model_of(style: str) -> MelodyNetwork:
    """The network trained on a style: the user's own, or else the one that comes with the studio. The latest
    two stay in memory.

    style: its name in the catalogue, or the name of the user's own tunes. Raises `Missing` if there is none,
    `Unreadable` for one that is broken.
    """
    # A name may come from a stranger's recipe: it must not lead out of the folders.
    if Path(style).name == style:
        for folder in (models_folder(), shipped("models")):
            card = folder / f"{style}.json"
            if card.is_file():
                return _loaded(card, card.stat().st_mtime_ns)
    if style in STYLES or style in own_styles():
        raise Missing(f"No network has been trained on {style} yet; train one with: studio train {style}.")
    raise Missing(
        f"No network has been trained on {style[:60]!r} yet; "
        "train one with: studio train, and the folder of its tunes."
    )


@lru_cache(maxsize=2)
def _loaded(card: Path, _changed: int) -> MelodyNetwork:
    from studio.learning.checkpoints import load

    return MelodyNetwork.of(load(card))


def log_probabilities(model: MelodyNetwork, melodies: Sequence[Melody]) -> Floats:
    """[notes and ends]: the natural logarithm of the probability of each, melody by melody. Raises `Refused`
    for tokens the model does not know.
    """
    import torch

    unknown = next(
        (token for melody in melodies for token in melody.tokens if token not in model.layout.number), None
    )
    if unknown is not None:
        raise Refused(
            f"The model {model.card.name} does not know the token '{unknown}'; "
            "train it on a style that has it."
        )
    read = Readings.of(model.layout, melodies)
    logs: list[Floats] = []
    with torch.no_grad(), on_one_thread():
        for number, targets in enumerate(read.targets):
            (batch,) = read.some([number]).batches(1)
            likely = torch.softmax(model.network(batch.inputs)[0].double(), dim=-1).numpy()
            mixed = (1 - ESCAPE) * likely[np.arange(len(targets)), targets] + ESCAPE / likely.shape[1]
            logs.append(np.log(mixed))
    return np.concatenate(logs)


@dataclass(frozen=True)
class Drawn:
    """A melody drawn. symbols: of the idiom. log_chance: the logarithm of an estimate of the probability that
    the network, playing freely, satisfies the requirements (with weights: of the weighted sum). effective:
    how many particles still counted when the fewest did, 1 … particles.
    """

    symbols: tuple[int, ...]
    log_chance: float
    effective: float


def lstm_melodies(
    model: MelodyNetwork,
    idiom: Idiom,
    solution: Solution,
    count: int,
    *,
    seed: int | np.random.Generator = 0,
    temperature: float = 1.0,
    particles: int = PARTICLES,
) -> list[Drawn]:
    """Up to `count` different melodies under all the requirements of a solution, at least one. The same seed
    gives the same melodies.

    They are drawn from one set of particles, each in proportion to its weight. So each has the
    distribution of a single draw, but they are not independent: they may have bars in common. temperature:
    0.1 … 3; below 1 the network keeps to what it finds most probable, above 1 it takes more risks. particles:
    1 … 4096, how many melodies grow side by side. Raises `Refused` for numbers out of range, and where
    nothing can satisfy the requirements.
    """
    import torch

    if not 0.1 <= temperature <= 3:
        raise Refused(f"The temperature is {temperature}; it must be from 0.1 to 3.")
    if not 1 <= particles <= 4096:
        raise Refused(f"{particles} particles were asked for; it must be from 1 to 4096.")
    if not solution.feasible:
        raise Refused("No melody satisfies all of these constraints; leave some of them out.")
    with torch.no_grad(), on_one_thread():
        grown = _Particles(model, idiom, solution, temperature, particles, np.random.default_rng(seed))
        for line in [*range(idiom.bar, solution.ticks, idiom.bar), solution.ticks]:
            grown.advance(line)
        return grown.choose(count)


class _Particles:
    """Melodies that grow side by side. weights: their logarithms. log_chance: the logarithm of the mean
    weight at each resampling so far, added up.
    """

    def __init__(
        self,
        model: MelodyNetwork,
        idiom: Idiom,
        solution: Solution,
        temperature: float,
        particles: int,
        random: np.random.Generator,
    ) -> None:
        self.model, self.idiom, self.solution = model, idiom, solution
        self.temperature, self.random = temperature, random
        self.view = _View(model.layout, idiom)
        self.at = np.full(particles, solution.start, dtype=np.int64)
        self.ticks = np.zeros(particles, dtype=np.int64)
        self.began = np.full((particles, solution.ticks + 1), idiom.alphabet, dtype=np.int64)
        """[particles, ticks]: the symbol that began then, or the alphabet's size for none."""
        self.before = np.full(particles, idiom.alphabet, dtype=np.int64)
        self.weights = np.zeros(particles)
        # Weights are relative to the chain's beliefs; this is the chain's belief in the whole.
        self.log_chance = solution.log_z
        self.effective = float(particles)
        self.memory: tuple[torch.Tensor, torch.Tensor] | None = None
        self.likely = np.empty((particles, len(model.layout.names)))
        self._listen(np.arange(particles))

    def advance(self, line: int) -> None:
        """Let every melody grow up to a bar line, and resample if too few of them count."""
        while len(going := np.flatnonzero(self.ticks < line)):
            self._choose_next(going)
            self._listen(going)
        if line == self.solution.ticks:
            self._end()
        share = np.exp(self.weights - self.weights.max())
        effective = float(share.sum() ** 2 / (share**2).sum())
        self.effective = min(self.effective, effective)
        if effective < len(share) / 2 and line < self.solution.ticks:
            self._resample(share)

    def choose(self, count: int) -> list[Drawn]:
        """Melodies drawn in proportion to their weights, none twice."""
        share = np.exp(self.weights - self.weights.max())
        log_chance = self.log_chance + self._mean_weight(share)
        found: dict[tuple[int, ...], Drawn] = {}
        open_to = share / share.sum()
        while len(found) < count and open_to.sum() > 0:
            chosen = int(self.random.choice(len(share), p=open_to / open_to.sum()))
            row = self.began[chosen]
            symbols = tuple(int(symbol) for symbol in row[row < self.idiom.alphabet])
            found[symbols] = Drawn(symbols, log_chance, self.effective)
            open_to[(self.began == row).all(axis=1)] = 0.0
        return list(found.values())

    def _choose_next(self, going: Numbers) -> None:
        """One more symbol for each, in proportion to the network's probability times the chain's belief that
        the melody can finish from there.
        """
        ways = self.solution.ways(self.at[going])
        token = self.view.token[ways.symbol]
        by_network = np.where(token >= 0, self.likely[going[ways.row], token], 0.0)
        mixed = (1 - FROM_THE_CHAIN) * by_network + FROM_THE_CHAIN * ways.free
        pull = mixed * (ways.mass / ways.free)
        size = np.bincount(ways.row, minlength=len(going))
        pick = choose(pull, size, np.arange(len(going)), self.random)
        # The chain's masses at a moment add up to its belief there: the quotient of the two sums is what the
        # network and the requirements add to it.
        first = np.cumsum(size) - size
        self.weights[going] += np.log(np.add.reduceat(pull, first)) - np.log(
            np.add.reduceat(ways.mass, first)
        )
        self.began[going, self.ticks[going]] = ways.symbol[pick]
        self.before[going] = ways.symbol[pick]
        self.at[going] = ways.onward[pick]
        self.ticks[going] = self.solution.tick(self.at[going])

    def _end(self) -> None:
        """Replace the chain's probability of ending here by the network's, where the ending is required."""
        if self.solution.ending:
            trellis = self.solution.trellis
            free = trellis.walk.chain.ending[trellis.context[self.at % trellis.width]]
            by_network = self.likely[:, self.model.layout.end]
            self.weights += np.log((1 - FROM_THE_CHAIN) * by_network + FROM_THE_CHAIN * free) - np.log(free)

    def _resample(self, share: Floats) -> None:
        """Systematic resampling: each melody is copied in proportion to its weight, rounded up or down."""
        count = len(share)
        heap = np.cumsum(share / share.sum())
        heap[-1] = 1.0
        kept = np.searchsorted(heap, (np.arange(count) + self.random.random()) / count, side="right")
        self.log_chance += self._mean_weight(share)
        self.weights[:] = 0.0
        self.at, self.ticks, self.before = self.at[kept], self.ticks[kept], self.before[kept]
        self.began, self.likely = self.began[kept], self.likely[kept]
        if self.memory is not None:
            self.memory = (self.memory[0][:, kept], self.memory[1][:, kept])

    def _mean_weight(self, share: Floats) -> float:
        return float(self.weights.max() + math.log(share.sum() / len(share)))

    def _listen(self, some: Numbers) -> None:
        """Feed the network what these melodies chose last, and where they are now."""
        import torch

        rows = self.view.rows(self.before[some], self.began[some], self.ticks[some])
        inputs = torch.zeros(len(some), 1, self.model.layout.width).scatter_(
            2, torch.as_tensor(rows)[:, None], 1.0
        )
        chosen = torch.as_tensor(some)
        memory = None if self.memory is None else (self.memory[0][:, chosen], self.memory[1][:, chosen])
        outputs, after = self.model.network.following(inputs, memory)
        self.likely[some] = torch.softmax(outputs[:, 0].double() / self.temperature, dim=-1).numpy()
        if self.memory is None:
            self.memory = after
        else:
            for kept, new in zip(self.memory, after, strict=True):
                kept[:, chosen] = new


class _View:
    """How a network sees an idiom: relative to its tonic, in the octave the model counts from, in the note
    values the model knows.

    token: [alphabet], the network's number for each symbol, -1 for those it does not know.
    """

    def __init__(self, layout: Layout, idiom: Idiom) -> None:
        played = np.concatenate([np.asarray(sequence) for sequence in idiom.sequences])
        pitches = idiom.pitch[played]
        tonic = tonic_below(pitches[pitches >= 0], idiom.key.tonic)
        self.meter, stretch = self._known_as(idiom)
        tokens = [token_of(event, tonic, idiom.tick, stretch) for event in idiom.events]
        self.layout, self.mode = layout, idiom.key.mode
        self.token = np.array([layout.number.get(token, -1) for token in tokens])
        self.described = np.concatenate([layout.describe(tokens), layout.nothing[None]])
        self.tick = idiom.tick / stretch * PER_QUARTER
        self.bar, self.own_bar, self.none = int(idiom.bar * self.tick), idiom.bar, idiom.alphabet

    def rows(self, before: Numbers, began: Numbers, ticks: Numbers) -> Numbers:
        """[n, columns], as `Layout.rows`. before: [n] symbols; began: [n, ticks] symbols by when they began;
        ticks: [n], of the idiom.
        """
        there = np.stack(
            [
                self.described[began_before(began, ticks, back * self.own_bar, self.none)]
                for back in BARS_BACK
            ],
            axis=1,
        )
        theirs = ticks * self.tick.numerator // self.tick.denominator
        return self.layout.rows(self.described[before], there, theirs, self.bar, self.meter, self.mode)

    @staticmethod
    def _known_as(idiom: Idiom) -> tuple[str, Fraction]:
        """The meter of most of the tunes the idiom was learnt from, and how many times longer the idiom
        writes its notes.
        """
        meter = Counter(idiom.style.meters[line.number] for line in idiom.lines).most_common(1)[0][0]
        return meter, kinship(Meter.parse(meter), idiom.meter) or Fraction(1)


@contextmanager
def on_one_thread() -> Generator[None, None, None]:
    """With one thread, sums are the same on any number of processors, and so are the melodies drawn."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
