"""Composes a melody: the process behind `studio compose` and the Compose tab.

    for progress in compose(recipe, materials):
        show(progress.stage)

The work is the file (score, sound or picture) with its recipe inside. Its facts (`facts`) say how likely it
was, what form it has, what it shares with the style, and where each note comes from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from studio.errors import AskedFor, Contradiction, Refused, WayOut
from studio.music.melody.facts import facts_of
from studio.music.melody.predictions import MelodyCosts, costs_of, note_learnt, own_bytes
from studio.music.melody.recipes import MAKES_NO_DIFFERENCE, ComposeRecipe, naming_rules
from studio.music.melody.takes import Player, PreparedRequest, Stage, Take, by_chain, consider, draw
from studio.music.reading.budget import Reading
from studio.music.reading.pieces import READING_RULES
from studio.music.reading.readers import read_tunes
from studio.music.scores.tunes import Tune
from studio.music.sound.rendering import program_of
from studio.music.styles.originality import Comparison
from studio.music.styles.sources import style_of
from studio.music.styles.style import Style
from studio.music.writing.formats import by_name
from studio.music.writing.piano_roll import piano_roll, thumbnail
from studio.process import finish, mapped
from studio.works.finishing import Result, finish_work
from studio.works.recipe import ModelIdentity, Source
from studio.works.setting import setting
from studio.works.work import Made, Making, Materials, Progress

if TYPE_CHECKING:
    import numpy as np

    from studio.music.chains.sampling import Solution
    from studio.music.melody.idiom import Idiom

T = TypeVar("T")

READING, CONSIDERING, DRAWING, WRITING = 40, 70, 90, 100
"""How far each part of the making goes, of 100."""


def compose(recipe: ComposeRecipe, materials: Materials) -> Making:
    """Compose the melody a recipe asks for, yielding between steps.

    Raises `Contradiction` for settings that cannot hold together (with the fewest that conflict), `Refused`
    for one that makes no sense, `UnknownName` for a style or instrument, `Unreadable` for a source without a
    tune, `Missing` for one that is not available. The same recipe gives the same notes.
    """
    return mapped(_composing(recipe, materials), StepCosts(*marks_of(recipe)).counted)


def _composing(recipe: ComposeRecipe, materials: Materials) -> Making:
    program_of(recipe.instrument)  # an unknown instrument is refused before the work, not when it is played
    _check_temperature(recipe)
    player, model = _player(recipe)
    request = yield from prepared(recipe, materials)
    take = yield from as_stages(_taken(request, recipe, player, model), CONSIDERING, DRAWING)
    yield Progress(
        DRAWING,
        WRITING,
        "writing it down",
        preview=lambda: piano_roll(take.tune, width=768, height=288, form="JPEG"),
    )
    return _made(recipe, request, take, model)


Marks = Sequence[tuple[int, float]]
"""(progress, how much of a work is done by what it costs, 0..1) at some moments, from beginning to end."""


def marks_of(recipe: ComposeRecipe) -> tuple[Marks, Marks]:
    """How much is done by what it costs (see `StepCosts`): usually, and where a style has to be read."""
    costs = costs_of(recipe, own_bytes(recipe))
    usual = costs if costs.tunes_given else replace(costs, reading=0.0)
    return _marks(usual), _marks(replace(costs, reading=max(costs.reading, 1.0)))


def _marks(costs: MelodyCosts) -> Marks:
    return marks_at(
        (READING, costs.reading),
        (CONSIDERING, costs.learning),
        (DRAWING, costs.drawing),
        (WRITING, costs.writing),
    )


def marks_at(*parts: tuple[int, float]) -> Marks:
    """The marks of a work. parts: the progress at the end of each of its parts, and the seconds it costs."""
    whole = sum(cost for _, cost in parts)
    found, so_far = [(0, 0.0)], 0.0
    for mark, cost in parts:
        so_far += cost
        found.append((mark, min(1.0, so_far / whole)))
    return found


class StepCosts:
    """Tells of each step how much of the work is done by what it costs.

    usual, reading: marks, and those of a work that has to read files first. The first steps show which they
    are. A work whose first step is beyond the second mark finds its style learnt: then only what comes after
    it counts.
    """

    def __init__(self, usual: Marks, reading: Marks) -> None:
        self._marks, self._reading = usual, reading
        self._from: float | None = None

    def counted(self, step: Progress) -> Progress:
        if 0 < step.done < self._marks[1][0]:
            self._marks = self._reading
        share = next(
            one + (other - one) * (step.done - start) / (end - start)
            for (start, one), (end, other) in pairwise(self._marks)
            if step.done <= end
        )
        if self._from is None:
            self._from = share if self._marks[2][0] <= step.done < self._marks[-1][0] else 0.0
        return replace(step, share=max(0.0, share - self._from) / (1 - self._from))


def prepared(recipe: ComposeRecipe, materials: Materials) -> Generator[Progress, None, PreparedRequest]:
    """What the takes of a recipe share.

    The latest requests are kept in memory, so that another take of the same request needs only a moment. So
    are those that contradict themselves: finding out which settings conflict is the slowest part of all, and
    the answer is the same for every seed.
    """
    kept = _kept_requests()
    key = reading_rules(recipe) + recipe.model_copy(update=MAKES_NO_DIFFERENCE).to_json()
    if key not in kept:
        try:
            request: PreparedRequest | Contradiction = yield from _prepare(recipe, materials)
        except Contradiction as error:
            request = error.with_traceback(None)  # which would keep the whole search in memory
        while len(kept) >= KEPT_REQUESTS:
            del kept[next(iter(kept))]
        kept[key] = request
    else:
        yield Progress(CONSIDERING, WRITING, "composing")
        request = kept[key]
    if isinstance(request, Contradiction):
        # A new one each time: an exception collects a traceback wherever it passes.
        raise Contradiction(str(request), request.conflict, request.ways_out)
    return request


ENGRAVING_RULES = "2"
"""Since these rules a score shows its tempo as a whole number."""


def rounds_tempo(recipe: ComposeRecipe) -> bool:
    """Whether the engraved tempo is a whole number: not in a work that was engraved before it was."""
    return recipe.setting is None or "engraving" in recipe.setting.versions


def reading_rules(recipe: ComposeRecipe) -> str:
    """The rules by which a recipe's files are read: today's, or those its work was made by."""
    return READING_RULES if recipe.setting is None else recipe.setting.versions.get("reading", "1")


def _prepare(recipe: ComposeRecipe, materials: Materials) -> Generator[Progress, None, PreparedRequest]:
    rules = reading_rules(recipe)
    style = yield from as_part(style_of(recipe.sources, materials, recipe.style, rules), 0, READING)
    comparison = _compared(style.sha256, tuple(style.ids), style)
    take, theme = (
        given_tune(source, materials, rules) if source else None
        for source in (recipe.source("take"), recipe.source("theme"))
    )
    usual = limit = recipe.max_copy or comparison.max_copy
    while True:
        considering = consider(recipe, style, take=take, theme=theme, max_copy=limit)
        try:
            outlook = yield from as_stages(considering, READING, CONSIDERING, expected=4)
            note_learnt(style.sha256, recipe)
            break
        except Contradiction as error:
            longer = _longer_limit(recipe, error)
            if longer is None:
                raise
            limit = longer
    if limit > usual:
        said = f"With so few tunes, every melody shares more than {usual} notes in a row with one of them; "
        outlook = replace(outlook, remarks=(*outlook.remarks, f"{said}up to {limit} were allowed."))
    return PreparedRequest(style, comparison, outlook)


def _longer_limit(recipe: ComposeRecipe, error: Contradiction) -> int | None:
    """The next copy limit to try, where nobody asked for the one that fails; otherwise None.

    A style of one or two tunes leaves no melody under the limit that suits a large one.
    """
    if recipe.max_copy is not None or {each.field for each in error.conflict} != {"max_copy"}:
        return None
    return next((int(way.value) for way in error.ways_out if way.field == "max_copy"), None)


KEPT_REQUESTS, KEPT_TAKES = 2, 16


@lru_cache(maxsize=1)
def _kept_requests() -> dict[str, PreparedRequest | Contradiction]:
    return {}


@lru_cache(maxsize=2)
def _compared(_sha256: str, _ids: tuple[str, ...], style: Style) -> Comparison:
    return Comparison(style, style.entry.title)


def take_of(recipe: ComposeRecipe, materials: Materials) -> Take:
    """The take of a recipe, without a file: its tune, its form, and where each note comes from."""
    player, model = _player(recipe)
    request = finish(prepared(recipe, materials))
    return finish(_taken(request, recipe, player, model))


def _taken(
    request: PreparedRequest,
    recipe: ComposeRecipe,
    player: Callable[[Idiom], Player],
    model: ModelIdentity | None,
) -> Generator[str, None, Take]:
    named = recipe.title or recipe.called()  # by the rules of its time
    key = json.dumps((recipe.seed, named, recipe.composer, recipe.temperature, model and model.sha256))
    if key not in request.takes:
        drawn = yield from draw(
            replace(request.outlook, recipe=recipe), recipe.seed, player(request.outlook.idiom)
        )
        while len(request.takes) >= KEPT_TAKES:
            request.takes.pop(next(iter(request.takes)), None)
        request.takes[key] = drawn
        return drawn
    return request.takes[key]


def _check_temperature(recipe: ComposeRecipe) -> None:
    """Raises `Contradiction` for a temperature that makes no difference; earlier works named one in vain."""
    if recipe.setting is not None or recipe.composer == "lstm" or recipe.temperature == 1:
        return
    raise Contradiction(
        f"A temperature of {recipe.temperature:g} makes a difference to the network alone, and this melody "
        "is drawn by the Markov chain; let the network compose, or leave the temperature out.",
        [AskedFor("temperature", recipe.temperature, f"a temperature of {recipe.temperature:g}")],
        [
            WayOut("Let the network compose", "composer", "lstm"),
            WayOut("Leave the temperature at 1", "temperature", 1.0),
        ],
    )


def _player(recipe: ComposeRecipe) -> tuple[Callable[[Idiom], Player], ModelIdentity | None]:
    """Who chooses the notes, as a function of the idiom; and which network that is, where it is one. Raises
    `Missing` where the network has not been trained.
    """
    if recipe.composer == "markov":
        return lambda _: by_chain, None
    from studio.music.melody.lstm import PARTICLES, lstm_melodies, model_of

    model = model_of(recipe.style)

    def player(idiom: Idiom) -> Player:
        def by_network(solution: Solution, count: int, random: np.random.Generator) -> list[list[int]]:
            # Draws that are only compared with each other need not be as fine as one that stays.
            particles = PARTICLES if count == 1 else PARTICLES // 2
            drawn = lstm_melodies(
                model,
                idiom,
                solution,
                count,
                seed=random,
                temperature=recipe.temperature,
                particles=particles,
            )
            return [list(each.symbols) for each in drawn]

        return by_network

    return player, ModelIdentity(name=f"lstm {model.card.name}", sha256=model.card.sha256)


def _made(recipe: ComposeRecipe, request: PreparedRequest, take: Take, model: ModelIdentity | None) -> Made:
    packages = ("numpy", "scipy", "music21", "pretty_midi", "verovio", *(("torch",) if model else ()))
    # Works of the first rules did not record them.
    rules = {} if reading_rules(recipe) == "1" else {"reading": reading_rules(recipe)}
    if naming := naming_rules(recipe):
        rules["naming"] = naming
    if rounds_tempo(recipe):
        rules["engraving"] = ENGRAVING_RULES
    result = Result(
        content=file_of(take.tune, recipe),
        suffix=by_name(recipe.format).suffix,
        media_type=by_name(recipe.format).media_type,
        thumbnail=thumbnail(take.tune),
        facts=facts_of(recipe, request, take),
    )
    return finish_work(recipe, result, model=model, setting=setting("cpu", *packages, **rules))


def file_of(tune: Tune, recipe: ComposeRecipe) -> bytes:
    """The tune as a file of the recipe's format, without the recipe inside."""
    form = by_name(recipe.format)
    # Only sound has an instrument. The recipe of a score may name one that is unknown here.
    program = program_of(recipe.instrument) if "program" in form.options else 0
    return form.to_bytes(tune, program=program, whole_tempo=rounds_tempo(recipe))


def given_tune(source: Source, materials: Materials, rules: str) -> Tune:
    """The tune in a given file; see `given_reading`."""
    return given_reading(source, materials, rules).tunes[0]


def given_reading(source: Source, materials: Materials, rules: str) -> Reading:
    """What is read in a given file. rules: those of reading. Raises `Refused` for a sound or a picture."""
    content = materials(source)
    if content[:4] == b"RIFF" or b"<svg" in content[:2000]:
        raise Refused(f"The {source.role} is a sound or a picture; give it as .mid, .musicxml or .abc.")
    return read_tunes(content, source.name or f"The {source.role}", rules=rules)


def as_stages(
    work: Generator[str, None, T], start: int, stop: int, expected: int = 3
) -> Generator[Progress, None, T]:
    """Stages as progress between two marks. expected: about how many there will be; since nobody knows, none
    takes more than a third of what is left.
    """
    done, usual = float(start), (stop - start) / expected

    def progress(stage: str) -> Progress:
        nonlocal done
        if isinstance(stage, Stage):  # who yields it knows
            done = max(done, start + (stop - start) * stage.part)
            return Progress(int(done), WRITING, str(stage))
        reached = int(done)
        done += min(usual, (stop - done) / 3)
        return Progress(reached, WRITING, stage)

    return mapped(work, progress)


def as_part(work: Generator[Progress, None, T], start: int, stop: int) -> Generator[Progress, None, T]:
    """A process's own progress as a part of the whole, between two marks."""
    return mapped(
        work,
        lambda step: Progress(start + (stop - start) * step.done // max(1, step.total), WRITING, step.stage),
    )
