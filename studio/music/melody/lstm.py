"""Melodies by an LSTM that has heard a style, under the same hard constraints as the chain's.

    model = model_of("ryans-mammoth")                               # or MelodyNetwork.of(checkpoints.load(path))
    drawn = lstm_melody(model, idiom, solution, seed=3)             # solution: of `sampling.solve`, with every wish in it
    drawn.symbols, drawn.log_chance                                 # of the idiom, ready for `idiom.tune`

The network remembers the whole tune; the chain's solution knows what is allowed and what can still finish
well. They are joined by
particles: some dozens of melodies grow side by side, each choosing its next note in proportion to

    what the network gives it  x  what the wishes multiply it with  x  how well the chain foresees it to finish from there,

and each carries a weight that takes the chain's part out again, so that what counts in the end is the network
and the wishes. At bar lines, when a few weigh more than all others, the light ones give way to copies of the
heavy (Doucet, de Freitas and Gordon, "Sequential Monte Carlo methods in practice", 2001; look-ahead as in
Guarniero, Johansen and Lee, "The iterated auxiliary particle filter", JASA 112, 2017).

What is exact: every wish. The chain's trellis offers no step from which they could not be met, whatever the
network thinks, so that all of them hold in every melody, by construction, with one particle as with a
thousand. Whatever the chain can play, the network can be made to
play: it keeps `FROM_THE_CHAIN` of the chain's own opinion.
What is not: the distribution. With more and more particles melodies come as probable as the network,
conditioned on the wishes, makes them; with N of them that is approximated, the better the more
(`Drawn.effective` tells how many of them still counted). One particle alone is the network led by the chain's
foresight, uncorrected. `log_chance` is estimated likewise: the mean of exp(log_chance) over many draws is
exact for any N.
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
"""Of the network's probabilities, this part is spread evenly over all tokens, so that none is impossible."""

FROM_THE_CHAIN = 0.01
"""When composing, this part is the chain's own opinion, so that notes the network has never met can be chosen
where a wish needs them.
"""

PARTICLES = 64


@dataclass(frozen=True, eq=False)
class MelodyNetwork:
    """A trained network that knows a style's melodies, and how they are laid out for it."""

    network: SequenceNetwork
    layout: Layout
    card: Card

    @classmethod
    def of(cls, model: Model) -> MelodyNetwork:
        """From a checkpoint. Raises `Unreadable` for a model that is no melody network."""
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
                f"The model {model.card.name} is no network for melodies of this studio; train it again with studio train."
            )
        return cls(model.network, layout, model.card)


def models_folder() -> Path:
    """Where models trained here are kept."""
    return home() / "models"


def model_of(style: str) -> MelodyNetwork:
    """The network trained on a style: one's own, or the one the studio came with. The latest are kept in
    memory.

    style: its name in the catalogue, or what one's own tunes are called. Raises `Missing` where there is
    none, `Unreadable` for one that is broken.
    """
    if (
        Path(style).name == style
    ):  # a name may come from a stranger's recipe: it never leads out of the folders
        for folder in (models_folder(), shipped("models")):
            card = folder / f"{style}.json"
            if card.is_file():
                return _loaded(card, card.stat().st_mtime_ns)
    if style in STYLES or style in own_styles():
        raise Missing(f"No network has been trained on {style} yet; train one with: studio train {style}.")
    raise Missing(
        f"No network has been trained on {style[:60]!r} yet; train one with: studio train, and the folder of its tunes."
    )


@lru_cache(maxsize=2)
def _loaded(card: Path, _changed: int) -> MelodyNetwork:
    from studio.learning.checkpoints import load

    return MelodyNetwork.of(load(card))


def log_probabilities(model: MelodyNetwork, melodies: Sequence[Melody]) -> Floats:
    """[notes and ends]: the natural logarithm of the probability of each, melody by melody. Raises `Refused`
    for unknown tokens.
    """
    import torch

    unknown = next(
        (token for melody in melodies for token in melody.tokens if token not in model.layout.number), None
    )
    if unknown is not None:
        raise Refused(
            f"The model {model.card.name} does not know the token '{unknown}'; train it on a style that has it."
        )
    read = Readings.of(model.layout, melodies)
    logs: list[Floats] = []
    with torch.no_grad(), on_one_thread():
        for number, targets in enumerate(read.targets):
            (batch,) = read._only([number]).batches(1)
            likely = torch.softmax(model.network(batch.inputs)[0].double(), dim=-1).numpy()
            mixed = (1 - ESCAPE) * likely[np.arange(len(targets)), targets] + ESCAPE / likely.shape[1]
            logs.append(np.log(mixed))
    return np.concatenate(logs)


@dataclass(frozen=True)
class Drawn:
    """A melody drawn. symbols: of the idiom. log_chance: the logarithm of an estimate of the chance that the
    network, playing freely, meets the wishes (with weights: of the weighted sum). effective: how many
    particles still counted where the fewest did, 1 … particles."""

    symbols: tuple[int, ...]
    log_chance: float
    effective: float


def lstm_melody(
    model: MelodyNetwork,
    idiom: Idiom,
    solution: Solution,
    *,
    seed: int | np.random.Generator = 0,
    temperature: float = 1.0,
    particles: int = PARTICLES,
) -> Drawn:
    """One melody under all the wishes of a solution. The same seed gives the same melody. See
    `lstm_melodies`.
    """
    return lstm_melodies(model, idiom, solution, 1, seed=seed, temperature=temperature, particles=particles)[
        0
    ]


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
    """Up to `count` melodies that grew side by side, each drawn in proportion to its weight, none twice; at
    least one.

    Each by itself is distributed as a single one is; together they are not independent, since they may have
    bars in common.
    temperature: 0.1 … 3; below 1 the network keeps to what it finds likeliest, above it dares more.
    particles: 1 … 4096, how many melodies grow side by side. Raises `Refused` for numbers out of range, and
    where no melody can meet the wishes.
    """
    import torch

    if not 0.1 <= temperature <= 3:
        raise Refused(f"The temperature is {temperature}; it must be from 0.1 to 3.")
    if not 1 <= particles <= 4096:
        raise Refused(f"{particles} particles were asked for; it must be from 1 to 4096.")
    if not solution.feasible:
        raise Refused("No melody meets all of these wishes; leave some of them out.")
    with torch.no_grad(), on_one_thread():
        crowd = _Crowd(model, idiom, solution, temperature, particles, np.random.default_rng(seed))
        for line in [*range(idiom.bar, solution.ticks, idiom.bar), solution.ticks]:
            crowd.advance(line)
        return crowd.choose(count)


class _Crowd:
    """Melodies that grow side by side. weights: logarithms; log_chance: what earlier weights came to when the
    light ones gave way.
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
        self.log_chance = (
            solution.log_z
        )  # each weight counts from what the chain foresaw; here is what it foresaw of the whole
        self.effective = float(particles)
        self.memory: tuple[torch.Tensor, torch.Tensor] | None = None
        self.likely = np.empty((particles, len(model.layout.names)))
        self._listen(np.arange(particles))

    def advance(self, line: int) -> None:
        """Let every melody grow up to a bar line, and the light ones give way if too few count."""
        while len(going := np.flatnonzero(self.ticks < line)):
            self._choose_next(going)
            self._listen(going)
        if line == self.solution.ticks:
            self._end()
        share = np.exp(self.weights - self.weights.max())
        effective = float(share.sum() ** 2 / (share**2).sum())
        self.effective = min(self.effective, effective)
        if effective < len(share) / 2 and line < self.solution.ticks:
            self._give_way(share)

    def choose(self, count: int) -> list[Drawn]:
        """Melodies in proportion to their weights, no melody twice."""
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
        """One more symbol for each: by what the network says of those allowed, times how well the chain
        foresees them to finish.
        """
        ways = self.solution.ways(self.at[going])
        token = self.view.token[ways.symbol]
        by_network = np.where(token >= 0, self.likely[going[ways.row], token], 0.0)
        mixed = (1 - FROM_THE_CHAIN) * by_network + FROM_THE_CHAIN * ways.free
        pull = mixed * (ways.mass / ways.free)
        size = np.bincount(ways.row, minlength=len(going))
        pick = choose(pull, size, np.arange(len(going)), self.random)
        # The chain's masses at a moment add up to its belief there: the quotient of the two sums is what the
        # network and the wishes add to it.
        first = np.cumsum(size) - size
        self.weights[going] += np.log(np.add.reduceat(pull, first)) - np.log(
            np.add.reduceat(ways.mass, first)
        )
        self.began[going, self.ticks[going]] = ways.symbol[pick]
        self.before[going] = ways.symbol[pick]
        self.at[going] = ways.onward[pick]
        self.ticks[going] = self.solution.tick(self.at[going])

    def _end(self) -> None:
        """What the chain thought of ending here, where ending is wished for, gives way to what the network
        thinks of it.
        """
        if self.solution.ending:
            trellis = self.solution.trellis
            free = trellis.walk.chain.ending[trellis.context[self.at % trellis.width]]
            by_network = self.likely[:, self.model.layout.end]
            self.weights += np.log((1 - FROM_THE_CHAIN) * by_network + FROM_THE_CHAIN * free) - np.log(free)

    def _give_way(self, share: Floats) -> None:
        """Systematic resampling: each melody goes on as often as it weighs, rounded up or down."""
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
        """The network hears what these melodies chose last, and where they stand now."""
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
    """How a network sees an idiom: its key left out, in the octave the model counts from, in the note values
    the model knows.

    token: [alphabet], the network's number of each symbol, -1 for those it does not know.
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
        """The meter most of what the idiom was learnt from stands in, and how many times longer the idiom
        writes its notes.
        """
        meter = Counter(idiom.style.meters[line.number] for line in idiom.lines).most_common(1)[0][0]
        return meter, kinship(Meter.parse(meter), idiom.meter) or Fraction(1)


@contextmanager
def on_one_thread() -> Generator[None, None, None]:
    """Sums come out the same however many processors there are, and so do the melodies drawn by them."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
