"""An idiom that was learnt before, read back from the disk: tunes, copy limit, trellis and forms.

    idiom = learn_or_recall(style, meter, key, longest=4)      # as `learn`, and the same to the last bit
    forms = forms_of(idiom)                                    # as `learn_forms`

What is kept is plain arrays (see `styles.kept`). Whatever does not fit together is learnt again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from studio.music.chains.automata import Automaton, Listener
from studio.music.chains.markov import freeze
from studio.music.chains.minimal import minimal
from studio.music.chains.numbering import numbered
from studio.music.chains.trellis import SearchBudget, Trellis, Walk, unfold
from studio.music.melody.form import Close, FormPlan, Forms, How, Return, learn_forms
from studio.music.melody.idiom import Event, Idiom, KnownEvents, LearntTune, learn, shift_to
from studio.music.scores.events import REST
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.styles.kept import (
    WORTH_KEEPING,
    Arrays,
    KeptArrays,
    demand,
    joined,
    parted,
    recalled,
    within,
)
from studio.music.styles.runs import RunKind
from studio.music.styles.style import Style

LARGE_TRELLIS = 10_000
"""States from which on a trellis takes longer to unfold than to read back."""


def learn_or_recall(style: Style, meter: Meter, key: Key, *, longest: int = 4) -> Idiom:
    """`learn`, or what it gave the last time. The idiom keeps and finds its larger parts as well."""
    if style.notes < WORTH_KEEPING:
        return learn(style, meter, key, longest=longest)
    name = (style.content, str(meter), key.fifths, key.mode, longest)
    family = (style.content, str(meter), key.mode, *(() if _moves(style) else (key.tonic,)))
    idiom = recalled(
        KeptArrays.of("idiom", *family),
        lambda arrays: _idiom_from(arrays, style, meter, key, longest),
        lambda: learn(style, meter, key, longest=longest),
        _idiom_arrays,
    )
    idiom.store = IdiomStore(name, family)
    return idiom


def _moves(style: Style) -> bool:
    """Whether all tunes of a style can be moved to any key, so that what is learnt in one holds in all: no
    note becomes too high or too low.
    """
    pitches = style.columns.pitches[style.columns.pitches >= 0]
    return not len(pitches) or (int(pitches.min()) >= FARTHEST and int(pitches.max()) <= 127 - FARTHEST)


FARTHEST = 6
"""Semitones that a tune is moved at most."""


@lru_cache(maxsize=2)
def latest_idiom(style: Style, meter: Meter, key: Key, longest: int) -> Idiom:
    """`learn_or_recall`, the latest ones kept in memory: other wishes often leave style and key as they
    are.
    """
    return learn_or_recall(style, meter, key, longest=longest)


@lru_cache(maxsize=2)
def latest_forms(idiom: Idiom) -> Forms:
    """`forms_of`, the latest ones kept in memory."""
    return forms_of(idiom)


def forms_of(idiom: Idiom) -> Forms:
    """`learn_forms`, or what it gave the last time."""
    if not isinstance(idiom.store, IdiomStore):
        return learn_forms(idiom)
    return recalled(
        KeptArrays.of("forms", *idiom.store.family),
        lambda arrays: _forms_from(arrays, idiom),
        lambda: learn_forms(idiom),
        _forms_arrays,
    )


@dataclass(frozen=True)
class IdiomStore:
    """Where an idiom keeps what takes long to work out. name: what the idiom depends on. family: what its
    tunes and forms depend on, which are the same in all keys of a mode, but for the pitches.
    """

    name: tuple[object, ...]
    family: tuple[object, ...]

    def marked(self, what: str) -> IdiomStore:
        """The store of another idiom of the same tunes."""
        return IdiomStore((*self.name, what), (*self.family, what))

    def copies(
        self, kind: RunKind, notes: int, rises: tuple[int, ...], work_out: Callable[[], Automaton]
    ) -> Automaton:
        """The automaton of a copy limit. rises: the letters of `RunKind.INTERVAL`. In keys in which they are
        the same, so is the automaton: tunes that are moved keep their steps.
        """
        depends_on = (*self.family, rises) if kind is RunKind.INTERVAL else self.name
        return recalled(
            KeptArrays.of("copies", *depends_on, kind.value, notes),
            _automaton_from,
            work_out,
            lambda each: {
                "letters": np.array([each.letters, each.start]),
                "keys": each.keys,
                "targets": each.targets,
                "fallback": each.fallback,
                "accepting": each.accepting,
            },
        )

    def trellis(
        self,
        walk: Walk,
        listener: Listener,
        limit: tuple[int, RunKind, int],
        budget: SearchBudget,
    ) -> Trellis:
        """The trellis of a walk under a copy limit alone. limit: the walk's lowest order, and the limit."""
        lowest, kind, notes = limit
        return recalled(
            KeptArrays.of("trellis", *self.name, lowest, kind.value, notes),
            lambda arrays: _trellis_from(arrays, walk, listener, budget),
            lambda: minimal(unfold(walk, (listener,), budget=budget)),
            _trellis_arrays,
        )


# The idiom
# ------------------------------------------------------------------------------------------------------------


def _idiom_arrays(idiom: Idiom) -> Arrays:
    lines = idiom.lines
    events = [(each.pitch, each.ticks, each.place, each.carries) for each in idiom.events]
    return {
        "about": np.array([idiom.left_out, idiom.kindred, idiom.unit, idiom.key.tonic]),
        "events": np.array(events, dtype=np.int32).reshape(-1, 4),
        "number": np.array([line.number for line in lines]),
        **joined("symbols", idiom.sequences),
        **joined("bars", (line.bars for line in lines)),
        **joined("written", (line.written for line in lines)),
        **joined("sections", (line.sections for line in lines)),
        **joined("phrases", (line.phrase_ends for line in lines), 2),
    }


def _idiom_from(arrays: Arrays, style: Style, meter: Meter, key: Key, longest: int) -> Idiom:
    left_out, kindred, unit, tonic = arrays["about"].tolist()
    numbers = arrays["number"].tolist()
    demand(
        numbers
        and unit > 0
        and within(arrays["symbols"], 0, len(arrays["events"]))
        and within(arrays["number"], 0, len(style))
    )
    own = [style.tonics[each] for each in numbers]
    events, arrays = _moved(arrays, [shift_to(key.tonic, each) - shift_to(tonic, each) for each in own])
    symbols, bars, written, sections, phrases = (
        parted(arrays, name) for name in ("symbols", "bars", "written", "sections", "phrases")
    )
    titles, ids = style.titles, style.ids
    lines = [
        LearntTune(
            number,
            titles[number] or ids[number],
            tuple(map(events.__getitem__, played)),
            tuple(in_bars),
            tuple(as_written),
            tuple(parts),
            tuple((bar, place) for bar, place in ends),
        )
        for number, played, in_bars, as_written, parts, ends in zip(
            numbers, symbols, bars, written, sections, phrases, strict=True
        )
    ]
    demand(all(len(line.events) == len(line.bars) and line.events for line in lines))
    known = KnownEvents(unit, events, symbols)
    return Idiom(style, meter, key, lines, longest=longest, left_out=left_out, kindred=kindred, known=known)


def _moved(arrays: Arrays, steps: Sequence[int]) -> tuple[list[Event], Arrays]:
    """The events of an idiom whose lines are moved by so many semitones each, in the order in which they
    come, and its arrays with their numbers.
    """
    events = arrays["events"].astype(np.int64)
    ends = arrays["symbols ends"]
    demand(len(ends) == len(steps) and events.shape[1:] == (4,))
    played = events[arrays["symbols"]]
    played[:, 0] += np.where(played[:, 0] >= 0, np.repeat(steps, np.diff(ends, prepend=0)), 0)
    demand(within(played[:, 0], REST, 128) and within(events[:, 1:3], 0, 1 << 16))
    codes = ((played[:, 0] - REST) << 40) + (played[:, 1] << 24) + (played[:, 2] << 8) + played[:, 3]
    _, first, which = numbered(codes)
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    different = [
        Event(pitch, ticks, place, bool(carries))
        for pitch, ticks, place, carries in played[first[order]].tolist()
    ]
    return different, {**arrays, "symbols": rank[which]}


# The forms
# ------------------------------------------------------------------------------------------------------------


def _forms_arrays(forms: Forms) -> Arrays:
    plans = sorted((plan for some in forms.plans.values() for plan in some), key=lambda plan: plan.like)
    returns = ([(each.bar, each.of, int(each.how), each.steps) for each in plan.returns] for plan in plans)
    closes = ([(each.bar, each.place, each.ticks, each.degree) for each in plan.closes] for plan in plans)
    parts = ([(bar, ord(letter)) for bar, letter in plan.parts] for plan in plans)
    return {
        "about": np.array([(plan.bars, plan.like) for plan in plans]).reshape(-1, 2),
        "shapes": np.array([len(forms.shapes)]),
        **joined("returns", returns, 4),
        **joined("closes", closes, 4),
        **joined("parts", parts, 2),
    }


def _forms_from(arrays: Arrays, idiom: Idiom) -> Forms:
    returns, closes, parts = (parted(arrays, name) for name in ("returns", "closes", "parts"))
    plans = [
        FormPlan(
            bars,
            tuple(Return(bar, of, How(how), steps) for bar, of, how, steps in back),
            tuple(Close(*close) for close in ends),
            tuple((bar, chr(letter)) for bar, letter in begins),
            like,
        )
        for (bars, like), back, ends, begins in zip(
            arrays["about"].tolist(), returns, closes, parts, strict=True
        )
    ]
    forms = Forms(idiom, plans)
    shapes = len(forms.shapes)
    demand(arrays["shapes"].tolist() == [shapes] and all(0 <= plan.like < shapes for plan in plans))
    demand(all(forms.shapes[plan.like].length == plan.bars for plan in plans))
    return forms


# The copy limit and the trellis
# ------------------------------------------------------------------------------------------------------------


def _automaton_from(arrays: Arrays) -> Automaton:
    letters, start = arrays["letters"].tolist()
    automaton = Automaton(
        letters, arrays["keys"], arrays["targets"], arrays["fallback"], arrays["accepting"], start
    )
    states = automaton.states
    demand(
        len(automaton.keys) == len(automaton.targets)
        and len(automaton.accepting) == states
        and 0 <= start < states
        and within(automaton.keys, 0, states * letters)
        and within(automaton.targets, -1, states)
        and within(automaton.fallback, -1, states)
        and bool((np.diff(automaton.keys) > 0).all())
        # A fallback is shorter than what falls back, so whoever follows them comes to an end.
        and bool((automaton.fallback < np.arange(states)).all())
    )
    return automaton


_TRELLIS = ("layer", "context", "accepting", "first", "symbol", "probability", "hop")


def _trellis_arrays(trellis: Trellis) -> Arrays:
    if trellis.states < LARGE_TRELLIS or trellis.pattern is not None:
        return {}
    return {"start": np.array([trellis.start]), **{name: getattr(trellis, name) for name in _TRELLIS}}


def _trellis_from(arrays: Arrays, walk: Walk, listener: Listener, budget: SearchBudget) -> Trellis:
    (start,) = arrays["start"].tolist()
    layer, context, accepting, first, symbol, probability, hop = (arrays[name] for name in _TRELLIS)
    trellis = Trellis(
        walk=walk,
        listeners=(listener,),
        layer=layer,
        context=context,
        accepting=accepting,
        first=first,
        symbol=symbol,
        probability=probability,
        hop=hop,
        pattern=None,
        start=start,
    )
    states, steps = trellis.states, trellis.steps
    demand(
        0 <= start < states <= budget.states
        and steps <= budget.steps
        and len(trellis.layer) == walk.period + 1
        and trellis.layer[0] == 0
        and trellis.layer[-1] == states
        and len(trellis.first) == states + 1
        and trellis.first[0] == 0
        and trellis.first[-1] == steps
        and len(trellis.accepting) == states
        and len(trellis.probability) == steps
        and trellis.hop.shape == (1, steps)
        and within(trellis.context, 0, walk.chain.contexts)
        and within(trellis.symbol, 0, walk.chain.tree.alphabet)
        and within(trellis.hop, 0, (walk.period + 2) * trellis.width)
        and bool((np.diff(trellis.first) >= 0).all())
        and bool((np.diff(trellis.layer) >= 0).all())
    )
    freeze(trellis)
    return trellis
