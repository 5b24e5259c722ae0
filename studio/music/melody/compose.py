"""Composes a melody: the process behind `studio compose` and the Compose tab.

    for progress in compose(recipe, materials):
        show(progress.stage)

The work is the file (score, sound or picture) with its recipe inside; its facts say how likely it was, what
form it has, what it shares with the style, and where each note comes from.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from studio.errors import Contradiction, Refused
from studio.music.melody.recipes import ComposeRecipe
from studio.music.melody.takes import NoteOrigin, Outlook, Player, Take, by_chain, consider, draw
from studio.music.reading.readers import read_tunes
from studio.music.scores.keys import pitch_name
from studio.music.scores.tunes import Tune
from studio.music.sound.rendering import program_of
from studio.music.styles.originality import Comparison
from studio.music.styles.runs import RunKind
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

    Raises `Refused` for wishes that cannot be met (with the fewest that conflict), `UnknownName` for a style
    or instrument, `Unreadable` for a source that holds no tune, `Missing` for one that is not at hand. The
    same recipe gives the same notes.
    """
    if "program" in by_name(recipe.format).options:
        program_of(recipe.instrument)  # says at once that there is none
    player, model = _player(recipe)
    request = yield from prepared(recipe, materials)
    take = yield from _steps(_taken(request, recipe, player, model), CONSIDERING, DRAWING)
    yield Progress(
        DRAWING,
        WRITING,
        "writing it down",
        preview=lambda: piano_roll(take.tune, width=768, height=288, form="JPEG"),
    )
    return _made(recipe, request, take, model)


@dataclass(frozen=True, eq=False)
class PreparedRequest:
    """What all takes of a request share: its style, and all that does not depend on who chooses the notes or
    on the seed.

    takes: the latest ones by their seed and title, since one take may be written in several formats.
    """

    style: Style
    comparison: Comparison
    outlook: Outlook
    takes: dict[str, Take] = field(default_factory=dict)


MAKES_NO_DIFFERENCE = {
    "seed": 0,
    "setting": None,
    "model": None,
    "format": "mid",
    "title": "",
    "composer": "markov",
    "temperature": 1.0,
}
"""Fields of a recipe in which takes of one request may differ, with a value for all."""


def prepared(recipe: ComposeRecipe, materials: Materials) -> Generator[Progress, None, PreparedRequest]:
    """What the takes of a recipe share.

    The latest requests are kept in memory, so that another take of the same request needs only a moment. So are
    those that contradict themselves: finding out which settings conflict is the slowest part of all, and the
    answer is the same for every seed.
    """
    kept = _kept_requests()
    key = recipe.model_copy(update=MAKES_NO_DIFFERENCE).to_json()
    if key not in kept:
        try:
            request: PreparedRequest | Contradiction = yield from _prepare(recipe, materials)
        except Contradiction as error:
            request = error.with_traceback(None)  # which would keep the whole search in memory
        while len(kept) >= KEPT_REQUESTS:
            del kept[next(iter(kept))]
        kept[key] = request
    else:
        yield Progress(CONSIDERING, WRITING, "as in the take before")
        request = kept[key]
    if isinstance(request, Contradiction):
        # A new one each time: an exception collects a traceback wherever it passes.
        raise Contradiction(str(request), request.conflict, request.ways_out)
    return request


def _prepare(recipe: ComposeRecipe, materials: Materials) -> Generator[Progress, None, PreparedRequest]:
    style = yield from _scaled(style_of(recipe.sources, materials, recipe.style), 0, READING)
    comparison = _compared(style.sha256, tuple(style.ids), style)
    take, theme = (
        _tune_of(source, materials) if source else None
        for source in (recipe.source("take"), recipe.source("theme"))
    )
    limit = recipe.max_copy or comparison.max_copy
    considering = consider(recipe, style, take=take, theme=theme, max_copy=limit)
    outlook = yield from _steps(considering, READING, CONSIDERING)
    return PreparedRequest(style, comparison, outlook)


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
    key = json.dumps((recipe.seed, recipe.title, recipe.composer, recipe.temperature, model and model.sha256))
    if key not in request.takes:
        drawn = yield from draw(
            replace(request.outlook, recipe=recipe), recipe.seed, player(request.outlook.idiom)
        )
        while len(request.takes) >= KEPT_TAKES:
            request.takes.pop(next(iter(request.takes)), None)
        request.takes[key] = drawn
        return drawn
    return request.takes[key]


def _player(recipe: ComposeRecipe) -> tuple[Callable[[Idiom], Player], ModelIdentity | None]:
    """Who chooses the notes, once the idiom is known; and which network that is, where it is one. Raises
    `Missing` for none.
    """
    if recipe.composer == "markov":
        return lambda _: by_chain, None
    from studio.music.melody.lstm import PARTICLES, lstm_melodies, model_of

    model = model_of(recipe.style)

    def player(idiom: Idiom) -> Player:
        def by_network(solution: Solution, count: int, random: np.random.Generator) -> list[list[int]]:
            # What is only tried for a form need not be drawn as finely as what stays.
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


def origins_of(facts: Mapping[str, str]) -> tuple[NoteOrigin, ...]:
    """Where each note of a work comes from, read back from its facts. Empty where they do not tell."""
    try:
        rows = json.loads(facts.get("origins", "[]"))
        return tuple(
            NoteOrigin(
                number,
                int(bar),
                int(order),
                tuple((str(title), int(at)) for title, at in songs),
                before,
                after,
                returns,
            )
            for number, (bar, order, songs, before, after, returns) in enumerate(rows)
        )
    except (ValueError, TypeError):
        return ()


ORIGIN_COLOURS = ("#8c8c8c", "#2a9d8f", "#3a6ea5", "#7a4e8a", "#c8553d")
"""By how long a memory knew a note, from none to four notes and more."""


def origin_colours(origins: Sequence[NoteOrigin]) -> dict[int, str]:
    """Number of a note -> a colour that tells how long the memory was that knew it, for `engrave` and
    `piano_roll`.
    """
    return {each.note: ORIGIN_COLOURS[max(0, min(each.order, len(ORIGIN_COLOURS) - 1))] for each in origins}


def chance_in_words(log_chance: float) -> str:
    """ "1 in 29 million free walks": how likely a free walk is to meet all the wishes."""
    if log_chance > math.log(0.5):
        return f"{math.exp(log_chance):.0%} of free walks"
    if log_chance < math.log(1e-15):
        return f"1 in 10^{-log_chance / math.log(10):.0f} free walks"
    return f"1 in {_in_words(math.exp(-log_chance))} free walks"


def _in_words(number: float) -> str:
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if number >= size:
            return f"{number / size:.3g} {word}" if number < 1000 * size else f"{number / size:,.0f} {word}"
    return f"{number:,.0f}"


def _made(recipe: ComposeRecipe, request: PreparedRequest, take: Take, model: ModelIdentity | None) -> Made:
    packages = ("numpy", "scipy", "music21", "pretty_midi", "verovio", *(("torch",) if model else ()))
    result = Result(
        content=file_of(take.tune, recipe),
        suffix=by_name(recipe.format).suffix,
        media_type=by_name(recipe.format).media_type,
        thumbnail=thumbnail(take.tune),
        facts=facts_of(recipe, request, take),
    )
    return finish_work(recipe, result, model=model, setting=setting("cpu", *packages))


def file_of(tune: Tune, recipe: ComposeRecipe) -> bytes:
    """The tune as a file of the recipe's format, without the recipe inside."""
    form = by_name(recipe.format)
    # Only what plays has an instrument; the recipe of a score may name one that is unknown here.
    program = program_of(recipe.instrument) if "program" in form.options else 0
    return form.to_bytes(tune, program=program)


def facts_of(recipe: ComposeRecipe, request: PreparedRequest, take: Take) -> dict[str, str]:
    """What is worth telling of a take."""
    outlook, idiom, tune = request.outlook, request.outlook.idiom, take.tune
    pitches = [note.pitch for note in tune.sounding if note.pitch is not None]
    kind = {"interval": RunKind.INTERVAL, "pitch": RunKind.PITCH, "rhythm": RunKind.RHYTHM}[recipe.copy_by]
    run = request.comparison.longest_run(tune, kind)
    what = {"interval": "intervals", "pitch": "pitches", "rhythm": "intervals and note lengths"}[
        recipe.copy_by
    ]
    facts = {
        "style": f"{request.style.entry.title} ({request.style.entry.licence})",
        "meter": str(idiom.meter),
        "key": str(idiom.key),
        "bars": str(recipe.bars),
        "notes": str(len(pitches)),
        "range": f"{pitch_name(min(pitches), idiom.key)} to {pitch_name(max(pitches), idiom.key)}"
        if pitches
        else "none",
        "learnt from": _learnt_from(outlook),
        "chance": chance_in_words(outlook.log_chance),
        "copying": f"at most {outlook.context.max_copy} notes in a row compared by {what}; the longest has {run.notes}"
        + (f", from bar {run.bar}, as in bar {run.song_bar} of {run.title}" if run.notes else ""),
        "copied": f"{run.start}+{run.notes}",
    }
    if take.plan is not None:
        facts["form"] = take.plan.in_words()
    remarks = [*outlook.remarks, *take.relaxed]
    if remarks:
        facts["remarks"] = " ".join(remarks)
    rows = [
        [o.bar, o.order, [list(song) for song in o.songs[:2]], _short(o.before), _short(o.after), o.returns]
        for o in take.origins
    ]
    facts["origins"] = json.dumps(rows, separators=(",", ":"), ensure_ascii=False)
    return facts


def _short(probability: float) -> float:
    return float(f"{probability:.3g}")


def _learnt_from(outlook: Outlook) -> str:
    idiom = outlook.idiom
    said = f"{len(idiom.lines)} tunes that can stand in {idiom.meter}"
    if idiom.kindred:
        said += f", {idiom.kindred} of them in other note values"
    return said + (
        f"; {idiom.left_out} left out for uneven bars or notes between the ticks" if idiom.left_out else ""
    )


def _tune_of(source: Source, materials: Materials) -> Tune:
    content = materials(source)
    if content[:4] == b"RIFF" or b"<svg" in content[:2000]:
        raise Refused(f"The {source.role} is a sound or a picture; give it as .mid, .musicxml or .abc.")
    return read_tunes(content, source.name or f"The {source.role}").tunes[0]


def _steps(work: Generator[str, None, T], start: int, stop: int) -> Generator[Progress, None, T]:
    """Stages as progress between two marks: each takes a third of what is left, since nobody knows how many
    there will be.
    """
    done = float(start)

    def progress(stage: str) -> Progress:
        nonlocal done
        reached = int(done)
        done += (stop - done) / 3
        return Progress(reached, WRITING, stage)

    return mapped(work, progress)


def _scaled(work: Generator[Progress, None, T], start: int, stop: int) -> Generator[Progress, None, T]:
    return mapped(
        work,
        lambda step: Progress(start + (stop - start) * step.done // max(1, step.total), WRITING, step.stage),
    )
