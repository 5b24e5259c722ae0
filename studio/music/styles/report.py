"""How close a set of tunes is to a style: one number, and the features it is made of.

    report = compare(generated, held_out)
    placed = place(generated, style)                   # with the style's own tunes, and those shuffled
    report.closeness, report.sentence, [(each.name, each.overlap) for each in report.features]

After Yang and Lerch, "On the evaluation of generative models in music", Neural Computing and Applications 32
(2020). Every tune is described by a few features. The distances between tunes within the style are compared,
as a distribution, with the distances between the two sets. Here both densities are estimated on one grid that
covers both samples, which overlap and divergence need in order to be exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING

from studio.errors import Refused
from studio.music.scores.keys import Key
from studio.music.scores.notes import Note
from studio.music.scores.tunes import Tune

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from studio.music.styles.style import Style

LENGTH_CLASSES = tuple(
    Fraction(length)
    for length in ("4", "2", "1", "1/2", "1/4", "3", "3/2", "3/4", "3/8", "4/3", "2/3", "1/3")
)
"""The twelve note lengths that are distinguished, in quarter notes: whole to sixteenth, dotted, triplet.
Other lengths count as the nearest.
"""


@dataclass(frozen=True)
class Feature:
    """Something tunes are compared by. name, sentence: for people. of: gives a tune's value, a vector."""

    name: str
    sentence: str
    of: Callable[[Tune], NDArray[np.float64]]


@dataclass(frozen=True)
class Compared:
    """One feature of two sets, compared by distances between tunes.

    overlap: 0..1, of the distances within the style and those between the sets. divergence: Kullback-Leibler
    divergence of the first from the second, in nats. variety: overlap 0..1 of the distances within the style
    and those within the set. within, between, inside: the mean distances within the style, between the sets
    and within the set.
    """

    name: str
    sentence: str
    overlap: float
    divergence: float
    variety: float
    within: float
    between: float
    inside: float


@dataclass(frozen=True)
class StyleReport:
    """How close a set of tunes is to a style.

    features: in the order of FEATURES. closeness: 0..1, the mean over the features of overlap or variety,
    whichever is less, so that neither tunes unlike the style nor one good tune over and over score well.
    """

    features: tuple[Compared, ...]
    closeness: float
    overlap: float
    divergence: float
    variety: float

    @property
    def sentence(self) -> str:
        far = min(self.features, key=lambda each: min(each.overlap, each.variety))
        return (
            f"Closeness {self.closeness:.2f} of 1 (overlap {self.overlap:.2f}, divergence "
            f"{self.divergence:.2f} nats, variety {self.variety:.2f}); furthest off: {far.sentence}."
        )


def compare(tunes: Sequence[Tune], style: Sequence[Tune]) -> StyleReport:
    """How close `tunes` are to `style`, for which tunes of the style that nothing was trained on serve best.

    Both are transposed to the tonic C first. Raises `Refused` for fewer than three tunes in either set, or a
    tune of fewer than two notes.
    """
    if len(tunes) < 3 or len(style) < 3:
        raise Refused(
            f"Three tunes of each are needed to compare, better a hundred; there are {len(tunes)} and "
            f"{len(style)}."
        )
    if any(len(tune.sounding) < 2 for tune in [*tunes, *style]):
        raise Refused("A tune of fewer than two notes has no features to compare; leave it out.")
    made, known = [tune.in_key(_KEY_OF_C) for tune in tunes], [tune.in_key(_KEY_OF_C) for tune in style]
    compared = tuple(_compared(feature, made, known) for feature in FEATURES)
    return StyleReport(
        compared,
        _mean(min(each.overlap, each.variety) for each in compared),
        _mean(each.overlap for each in compared),
        _mean(each.divergence for each in compared),
        _mean(each.variety for each in compared),
    )


def _compared(feature: Feature, made: Sequence[Tune], known: Sequence[Tune]) -> Compared:
    import numpy as np

    of_made = np.array([feature.of(tune) for tune in made])
    of_known = np.array([feature.of(tune) for tune in known])
    within, inside = within_distances(of_known), within_distances(of_made)
    between = between_distances(of_made, of_known)
    overlap, divergence = compare_distances(within, between)
    variety, _ = compare_distances(within, inside)
    means = (float(distances.mean()) for distances in (within, between, inside))
    return Compared(feature.name, feature.sentence, overlap, divergence, variety, *means)


@dataclass(frozen=True)
class Placed:
    """How close tunes are to a style, between the two ends of a scale.

    own: half of the style's own tunes, which are as close as tunes can be. shuffled: the same with their
    notes shuffled. All three sets are compared with the other half of the style.
    """

    tunes: StyleReport
    own: StyleReport
    shuffled: StyleReport


MOST_COMPARED = 200
"""At most this many tunes of the style are compared with, and at most this many of the tunes themselves."""


def place(tunes: Sequence[Tune], style: Sequence[Tune], seed: int = 0) -> Placed:
    """Compare tunes with a style, on the style's own scale.

    seed: for choosing the halves and for shuffling. Raises `Refused` as `compare` does, and for a style of
    fewer than six tunes.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    known = [tune for tune in style if len(tune.sounding) >= 2]
    if len(known) < 6:
        raise Refused(
            f"A style of {len(known)} tunes is too small for this; compare with one of at least six, better "
            "two hundred."
        )
    some = [known[number] for number in rng.permutation(len(known))[: 2 * MOST_COMPARED]]
    one, other = some[: len(some) // 2], some[len(some) // 2 :]
    few = [tunes[number] for number in np.sort(rng.permutation(len(tunes))[:MOST_COMPARED])]
    mixed = [
        replace(tune, notes=_one_after_the_other([tune.notes[n] for n in rng.permutation(len(tune.notes))]))
        for tune in one
    ]
    return Placed(compare(few, other), compare(one, other), compare(mixed, other))


def _one_after_the_other(notes: Sequence[Note]) -> tuple[Note, ...]:
    starts = accumulate((note.duration for note in notes), initial=Fraction(0))
    return tuple(replace(note, start=start) for note, start in zip(notes, starts, strict=False))


def portrait(style: Style) -> dict[str, str | int | list[str]]:
    """A description of a style, by topic: its meters and modes, what its tunes share with each other, what
    could not be read.
    """
    from studio.music.styles.originality import Comparison
    from studio.music.styles.runs import RunKind

    comparison = Comparison(style, style.entry.title)
    topics: dict[str, str | int | list[str]] = {
        "style": style.entry.title,
        "what": style.entry.sentence,
        "source": style.entry.source,
        "licence": style.entry.licence,
        "tunes": len(style),
        "notes": style.notes,
        "meters": ", ".join(f"{count} in {meter}" for meter, count in style.counts("meter").items()),
        "modes": ", ".join(f"{count} {mode}" for mode, count in style.counts("mode").items()),
    }
    if len(style) > 1:
        borrowed = {kind: comparison.baseline(kind) for kind in (RunKind.INTERVAL, RunKind.RHYTHM)}
        topics["borrowing"] = [
            f"longest run a tune shares with another, by {kind.value}: at least "
            f"{baseline.percentile(50):.0f} notes for half of the tunes, at least "
            f"{baseline.percentile(5):.0f} for all but one in twenty"
            for kind, baseline in borrowed.items()
        ]
    topics["copy limit"] = f"{comparison.max_copy} notes, unless you set another"
    if style.unread:
        topics["not read"] = [
            f"{len(style.unread)} files",
            *(f"{each.name}: {each.reason}" for each in style.unread),
        ]
    if style.remarks:
        topics["remarks"] = [f"{remark} ({count} tunes)" for remark, count in style.remarks.items()]
    return topics


def _mean(numbers: Iterable[float]) -> float:
    listed = list(numbers)
    return sum(listed) / len(listed)


# Features
# ------------------------------------------------------------------------------------------------------------

_KEY_OF_C = Key(0)


def _pitches(tune: Tune) -> NDArray[np.float64]:
    import numpy as np

    return np.array([note.pitch for note in tune.sounding], np.float64)


def _one(value: float) -> NDArray[np.float64]:
    import numpy as np

    return np.array([value], np.float64)


def _shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = counts / counts.sum()
    return shares


def pitch_count(tune: Tune) -> NDArray[np.float64]:
    return _one(len({note.pitch for note in tune.sounding}))


def pitch_range(tune: Tune) -> NDArray[np.float64]:
    pitches = _pitches(tune)
    return _one(float(pitches.max() - pitches.min()))


def mean_interval(tune: Tune) -> NDArray[np.float64]:
    import numpy as np

    return _one(float(np.abs(np.diff(_pitches(tune))).mean()))


def pitch_classes(tune: Tune) -> NDArray[np.float64]:
    import numpy as np

    counts = np.bincount(_pitches(tune).astype(int) % 12, minlength=12).astype(np.float64)
    return _shares(counts)


def pitch_class_steps(tune: Tune) -> NDArray[np.float64]:
    import numpy as np

    classes = _pitches(tune).astype(int) % 12
    counts = np.bincount(classes[:-1] * 12 + classes[1:], minlength=144).astype(np.float64)
    return _shares(counts)


def notes_a_bar(tune: Tune) -> NDArray[np.float64]:
    return _one(len(tune.sounding) / max(1, len(tune.bars())))


def pitches_a_bar(tune: Tune) -> NDArray[np.float64]:
    """Different pitches in a bar, on average."""
    bars = tune.bars()
    seen: dict[int, set[int]] = {}
    place = 0
    for note in tune.sounding:
        while place + 1 < len(bars) and bars[place + 1].start <= note.start:
            place += 1
        seen.setdefault(place, set()).add(note.pitch or 0)
    return _one(sum(len(each) for each in seen.values()) / max(1, len(bars)))


def mean_onset_distance(tune: Tune) -> NDArray[np.float64]:
    """Quarter notes from the start of one note to the next, on average."""
    notes = tune.sounding
    return _one(float(notes[-1].start - notes[0].start) / (len(notes) - 1))


def length_class(note: Note) -> int:
    """Which of LENGTH_CLASSES a note's length is nearest to, by ratio."""
    exact = _CLASS_OF.get(note.duration)
    if exact is not None:
        return exact
    return min(range(12), key=lambda place: abs(math.log(note.duration / LENGTH_CLASSES[place])))


_CLASS_OF = {length: place for place, length in enumerate(LENGTH_CLASSES)}


def note_lengths(tune: Tune) -> NDArray[np.float64]:
    """Shares of the twelve lengths among the notes, then among the rests: 24 numbers."""
    import numpy as np

    classes = [length_class(note) + (12 if note.is_rest else 0) for note in tune.notes]
    counts = np.bincount(classes, minlength=24).astype(np.float64)
    return _shares(counts)


def note_length_steps(tune: Tune) -> NDArray[np.float64]:
    import numpy as np

    classes = np.array([length_class(note) for note in tune.sounding])
    counts = np.bincount(classes[:-1] * 12 + classes[1:], minlength=144).astype(np.float64)
    return _shares(counts)


FEATURES = (
    Feature("pitch count", "how many different pitches a tune has", pitch_count),
    Feature("pitch range", "how far apart its lowest and highest note are", pitch_range),
    Feature("mean interval", "how large its steps are", mean_interval),
    Feature("pitch classes", "which scale degrees it uses", pitch_classes),
    Feature("pitch class steps", "which scale degree follows which", pitch_class_steps),
    Feature("notes a bar", "how many notes a bar has", notes_a_bar),
    Feature("pitches a bar", "how many different pitches a bar has", pitches_a_bar),
    Feature("onset distance", "how fast the notes follow each other", mean_onset_distance),
    Feature("note lengths", "which note lengths and rests it uses", note_lengths),
    Feature("note length steps", "which note length follows which", note_length_steps),
)
"""What tunes are compared by. Notes are counted per bar, because the two sets may hold tunes of different
lengths.
"""


# Distances and densities
# ------------------------------------------------------------------------------------------------------------


def within_distances(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Euclidean distances of all pairs of rows of [n, d]: n (n - 1) / 2 numbers."""
    import numpy as np

    return np.concatenate(
        [
            np.linalg.norm(features[place + 1 :] - features[place], axis=1)
            for place in range(len(features) - 1)
        ]
    )


def between_distances(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Euclidean distances of every row of [n, d] to every row of [m, d]: n m numbers."""
    import numpy as np

    return np.concatenate([np.linalg.norm(other - row, axis=1) for row in one])


GRID = 512
"""Points at which two densities are compared."""


def compare_distances(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float]:
    """The overlap 0..1 of two samples, and the Kullback-Leibler divergence of `one` from `other` in nats.

    Both densities are estimated with Gaussian kernels on a common grid. The bandwidths are Scott's, n^(-1/5)
    standard deviations, and the grid reaches four bandwidths beyond both samples.
    """
    import numpy as np

    widths = [max(float(sample.std()) * len(sample) ** -0.2, 1e-9) for sample in (one, other)]
    scale = max(float(np.abs(np.concatenate([one, other])).max()), 1e-9)
    # Where all distances are the same, a kernel without width would fall between the points of the grid.
    span = max(one.max(), other.max()) - min(one.min(), other.min()) + 8 * max(widths)
    widths = [max(width, span / GRID, scale * 1e-6) for width in widths]
    low = min(one.min(), other.min()) - 4 * max(widths)
    high = max(one.max(), other.max()) + 4 * max(widths)
    grid = np.linspace(low, high, GRID)
    return overlap_and_divergence(density(one, widths[0], grid), density(other, widths[1], grid), grid)


def density(sample: NDArray[np.float64], width: float, grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """The kernel density of a sample at the points of a grid. width: the kernels' standard deviation.

    The sample is first put into bins an eighth of the width apart, each value shared between its two
    neighbours. This changes the result by less than 0.2 % of its peak and makes large samples cheap.
    """
    import numpy as np

    step = width / 8
    low = float(sample.min()) - step
    bins = int((float(sample.max()) - low) / step) + 3
    if bins > 4096:
        step = (float(sample.max()) - low) / 4090
        bins = 4096
    place = (sample - low) / step
    left = place.astype(np.int64)
    share = place - left
    weights = np.bincount(left, 1 - share, bins) + np.bincount(left + 1, share, bins)
    centres = low + step * np.arange(bins)
    used = weights > 0
    kernel = np.exp(-0.5 * ((grid[:, None] - centres[used][None, :]) / width) ** 2)
    result: NDArray[np.float64] = kernel @ weights[used] / (len(sample) * width * math.sqrt(2 * math.pi))
    return result


def overlap_and_divergence(
    p: NDArray[np.float64], q: NDArray[np.float64], grid: NDArray[np.float64]
) -> tuple[float, float]:
    """Of two densities on one grid: the area under both, and the integral of p log(p / q).

    Both are scaled to area 1. q counts as at least 1e-12 of its peak, so that the divergence stays finite.
    """
    import numpy as np

    p, q = p / np.trapezoid(p, grid), q / np.trapezoid(q, grid)
    overlap = float(np.trapezoid(np.minimum(p, q), grid))
    floor = np.maximum(q, q.max() * 1e-12)
    ratio = np.log(np.maximum(p, 1e-300) / floor)
    return overlap, float(np.trapezoid(np.where(p > 0, p * ratio, 0.0), grid))
