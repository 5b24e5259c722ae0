"""Makes a song: the process behind `studio song`.

    for progress in song(recipe, materials):
        show(progress.stage)

The work is the file (lead sheet, full score or sound) with its recipe inside. Its facts (`songs.facts`) hold
the lead sheet itself, its sections, and what was copied, learnt and given way.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from studio.errors import Contradiction, Refused, WayOut
from studio.music.bands.band import band_hash
from studio.music.harmony.counts import chords_file
from studio.music.melody.compose import (
    Marks,
    StepCosts,
    as_part,
    as_stages,
    given_tune,
    marks_at,
    reading_rules,
)
from studio.music.melody.predictions import own_bytes
from studio.music.melody.recipes import counted, naming_rules
from studio.music.melody.takes import Stage
from studio.music.scores.keys import Key
from studio.music.scores.sections import Section
from studio.music.scores.tunes import Tune
from studio.music.songs.checking import check_request
from studio.music.songs.counted import counted_style, melody_style
from studio.music.songs.facts import facts_of_band, facts_of_harmonisation, facts_of_sheet
from studio.music.songs.fitting import (
    fitted_in_words,
    is_about_words,
    laid_later,
    offered,
    ways_for_words,
    with_room,
    with_way,
)
from studio.music.songs.harmonising import harmonisation_of, melody_of, rows_of
from studio.music.songs.inferring import TEACHERS
from studio.music.songs.keeping import Kept, as_kept
from studio.music.songs.limits import WordsDoNotFit, with_playable_meter
from studio.music.songs.named import INFERRED, SONG_STYLES
from studio.music.songs.playing import (
    arranging_rules,
    engraving_rules,
    file_of,
    mixing_rules,
    play,
    sound_of,
)
from studio.music.songs.predictions import SongCosts, costs_of, in_common
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.record import RECORD, SongRecord
from studio.music.songs.rows import LaidRow
from studio.music.songs.rules import (
    EARLIER_FORMS,
    EARLIER_RULES,
    KEY_RULES,
    by_key_rules,
    chord_names,
    drawing_rules,
    form_rules,
    since,
)
from studio.music.songs.sheet import (
    GivenTunes,
    Sheet,
    SheetDesk,
    SongStyles,
    considered,
    draw_sheet,
    has_a_melody,
    plan_of,
    prepare,
    sings,
    with_habits,
)
from studio.music.songs.sung_words import with_words
from studio.music.songs.unread import unread_style
from studio.music.songs.unused import unused_in_song, unused_where_kept, unused_with_melody
from studio.music.sound.ranges import beyond_range
from studio.music.sound.rendering import program_of
from studio.music.styles.sources import style_of
from studio.music.styles.style import Style
from studio.music.writing.formats import by_name
from studio.music.writing.piano_roll import piano_roll, thumbnail
from studio.process import mapped
from studio.works.finishing import Result, finish_work
from studio.works.recipe import ModelIdentity
from studio.works.setting import setting
from studio.works.titles import LONGEST_TITLE
from studio.works.work import Making, Materials, Progress

T = TypeVar("T")

READING, CONSIDERING, SINGING, DRAWING, WRITING = 20, 40, 50, 90, 100
"""How far each part of the making goes, of 100: from `SINGING` on there are chords, and a melody is drawn."""


def marks_of(recipe: SongRecipe) -> tuple[Marks, Marks]:
    """How much is done by what it costs (see `StepCosts`): usually, and where a style has to be read."""
    own = own_bytes(recipe)
    costs = costs_of(recipe, own)
    usual = costs if own else replace(costs, reading=0.0)
    return _marks(usual), _marks(replace(costs, reading=max(costs.reading, 1.0)))


def _marks(costs: SongCosts) -> Marks:
    return marks_at(
        (READING, costs.reading),
        (CONSIDERING, costs.learning),
        (SINGING, costs.chords),
        (DRAWING, costs.melody),
        (WRITING, costs.writing),
    )


AGAIN, AGAIN_BEFORE = 1.0, 1.5
"""How many times a section is drawn, as a rule, and by the rules before 7."""

OPEN = 0.1
"""The part of the drawing that is left for sections which are drawn more often."""

FORMS_TRIED = (
    (0.0, 0.0),
    (0.15, 0.15),
    (0.55, 0.65),
    (0.749, 0.95),
    (0.75, 0.35),
    (0.79, 0.45),
    (0.87, 0.8),
    (0.919, 0.97),
    (0.92, 0.6),
    (0.936, 0.65),
    (0.98, 0.9),
    (0.981, 0.65),
    (1.0, 1.0),
)
"""(part of a drawing of `takes`, how much of a section is done there): what is left is what it takes as a
rule from there on. About every second form is kept in full, and the later one gives way, the more was done.
"""

KEPT_WAYS = 16
"""Requests of which it is kept what makes their words fit."""

KEPT = 2
"""Requests that are kept in memory, so that another take of the same needs only a moment."""


def song(recipe: SongRecipe, materials: Materials) -> Making:
    """Make the song a recipe asks for, yielding between steps.

    Raises what `melody.compose.compose` raises, and `Refused` for a band that cannot play it. The same recipe
    gives the same song.
    """
    return mapped(_making(recipe, materials), StepCosts(*marks_of(recipe)).counted)


def _length_told(recipe: SongRecipe, facts: Mapping[str, Any]) -> Iterator[str]:
    """What is said where a melody has another number of bars than was asked for."""
    bars: int = facts["bars"]
    if recipe.bars not in (None, bars):
        yield f"The song is as long as its melody, {counted(bars, 'bar')}; {recipe.bars} were asked for."


def _making(recipe: SongRecipe, materials: Materials) -> Making:
    program_of(recipe.instrument)
    check_request(recipe)
    given = recipe.source("melody")
    if given is None and recipe.harmonisations > 1:
        raise Refused(
            "Several harmonisations were asked for, but no melody was given; ask for several songs, or give "
            "a melody.",
            setting="melody",
        )
    records = records_of(recipe, materials)
    recipe = as_kept(recipe, records) if given is None else recipe
    kept = settled_by(recipe, records)
    style = None if kept is not None else (yield from as_part(style_asked(recipe, materials), 0, READING))
    if style is None:
        assert kept is not None
        tune, sections, facts = _as_it_was(recipe, kept)
        tune, facts = with_words(recipe, tune, sections, facts)
    elif given is not None:
        melody, remarks = melody_of(recipe, given, materials)
        recipe = _titled_as(recipe, melody)
        tune, sections, facts = yield from _harmonised(recipe, style, melody)
        styles = SongStyles.of(recipe, style)
        remarks += styles.from_another_meter(melody.meter, melody.key.mode)
        remarks += [*styles.borrowed(recipe), *_length_told(recipe, facts)]
        remarks += unused_with_melody(recipe, len(melody.bars()))
        if remarks:
            facts["remarks"] = remarks
        if offers := offers_of(recipe, style):
            facts["offers"] = offers
        tune, facts = with_words(recipe, tune, sections, facts)
    else:
        tune, sections, facts, kept, recipe = yield from _drawn(recipe, style, materials, records)
    yield Progress(
        DRAWING,
        WRITING,
        "writing it down",
        preview=lambda: piano_roll(tune, width=768, height=288, form="JPEG"),
    )
    band = kept.of_band() if kept is not None else None
    played = play(tune, sections, recipe, band) if recipe.band else None
    if played is not None:
        facts["band"] = facts_of_band(played, style)
    facts |= _told_of_instrument(recipe, tune, facts)
    result = Result(
        content=file_of(tune, sections, recipe, band, played),
        suffix=by_name(recipe.format).suffix,
        media_type=by_name(recipe.format).media_type,
        thumbnail=thumbnail(tune),
        facts=facts,
    )
    packages = ("numpy", "scipy", "music21", "pretty_midi", "verovio")
    rules = {} if reading_rules(recipe) == "1" else {"reading": reading_rules(recipe)}
    rules["drawing"] = drawing_rules(recipe)
    if naming := naming_rules(recipe):
        rules["naming"] = naming
    if form_rules(recipe) != EARLIER_FORMS:
        rules["form"] = form_rules(recipe)
    if given is not None and by_key_rules(recipe):
        rules["melody"] = KEY_RULES
    if engraving_rules(recipe):
        rules["engraving"] = engraving_rules(recipe)
    if recipe.band:
        rules["arranging"], rules["mixing"] = arranging_rules(recipe), mixing_rules(recipe)
        rules = {name: rule for name, rule in rules.items() if rule != "1" or name in ("drawing", "naming")}
        rules["sound"] = sound_of(recipe)
        rules["band"] = f"{recipe.band} {band_hash(recipe.band, arranging_rules(recipe))}"
    model = chords_model(recipe, style) if style else None
    return finish_work(recipe, result, model=model, setting=setting("cpu", *packages, **rules))


def _told_of_instrument(recipe: SongRecipe, tune: Tune, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The remarks with what there is to say of the instrument that plays a lead sheet."""
    played = not recipe.band and "program" in by_name(recipe.format).options
    told = beyond_range(tune, recipe.instrument) if played else ""
    return {"remarks": [*facts.get("remarks", ()), told]} if told else {}


def _titled_as(recipe: SongRecipe, melody: Tune) -> SongRecipe:
    """The request with the title of the melody that gets chords, unless it has one, or was made before."""
    if recipe.title or recipe.setting is not None:
        return recipe
    return recipe.model_copy(update={"title": melody.title[:LONGEST_TITLE]})


def chords_model(recipe: SongRecipe, style: Style) -> ModelIdentity | None:
    """Which chords that come with the studio took part."""
    name = SongStyles.of(recipe, style).chords
    if not name:
        return None
    name = TEACHERS[0] if name == INFERRED else name
    path = chords_file(name, earlier=drawing_rules(recipe) == EARLIER_RULES)
    return ModelIdentity(name=f"chords {name}", sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def _drawn(
    recipe: SongRecipe, style: Style, materials: Materials, records: Sequence[SongRecord]
) -> Generator[Progress, None, tuple[Tune, tuple[Section, ...], dict[str, Any], Kept | None, SongRecipe]]:
    """A song with its words and its recipe, which asks for other bars or words where words that are to be
    made to fit need them.
    """
    asked = recipe
    while True:
        try:
            tune, sections, facts, kept = yield from _as_asked(recipe, style, materials, records)
            if recipe.fit:
                tune, facts = with_words(recipe, tune, sections, facts)
            break
        except Contradiction as error:
            recipe = yield from with_fitting_words(recipe, error, style, materials, records)
    if not recipe.fit:
        tune, facts = with_words(recipe, tune, sections, facts)
    if said := fitted_in_words(asked, recipe):
        facts["words"] = {**facts["words"], "fitted": " ".join(said)}
    return tune, sections, facts, kept, recipe


def with_fitting_words(
    recipe: SongRecipe,
    error: Contradiction,
    style: Style,
    materials: Materials,
    records: Sequence[SongRecord] = (),
) -> Generator[Progress, None, SongRecipe]:
    """The request with the first change that gives its words a melody, where they are to be made to fit.
    Raises the error, with the changes that would do, where they are not; and as it is where it says
    something else.
    """
    if (longer := with_room(recipe, error)) is not None:
        return longer
    if not is_about_words(recipe, error):
        raise error
    kept, asked = _kept_ways(), f"{_named(recipe, style)} {error}"
    if asked not in kept:
        while len(kept) >= KEPT_WAYS:
            del kept[next(iter(kept))]
        kept[asked] = yield from _ways_that_do(recipe, error, style, materials, records)
    found = kept[asked]
    if recipe.fit:
        return with_way(recipe, found[0]) if found else laid_later(recipe)
    raise offered(error, found) from None


def _ways_that_do(
    recipe: SongRecipe,
    error: Contradiction,
    style: Style,
    materials: Materials,
    records: Sequence[SongRecord],
) -> Generator[Progress, None, list[WayOut]]:
    """Changes that give the words a melody, of each setting the first; the first of all where words are to be
    made to fit.
    """
    found: dict[str, WayOut] = {}
    ways = list(ways_for_words(recipe, error))
    for number, way in enumerate(ways):
        if way.field in found:
            continue
        done = CONSIDERING + (SINGING - CONSIDERING) * number // len(ways)
        told = Progress(done, WRITING, f"trying to {way.label[0].lower()}{way.label[1:]}")
        yield told
        trying = _sings(with_way(recipe, way), style, materials, records)
        if (yield from mapped(trying, lambda _, told=told: told)):  # type: ignore[misc]
            found[way.field] = way
            if recipe.fit:
                break
    return list(found.values())


@lru_cache(maxsize=1)
def _kept_ways() -> dict[str, list[WayOut]]:
    """What was found for the latest requests whose words do not fit: it is the same for every take."""
    return {}


def _sings(
    recipe: SongRecipe, style: Style, materials: Materials, records: Sequence[SongRecord]
) -> Generator[Progress, None, bool]:
    """Whether the sections of a request have melodies over chords that were found for them. First it is
    looked whether they have any at all, which is quick.
    """
    recipe = with_playable_meter(recipe, style)
    try:
        styles = yield from _styles(recipe, style)
        work = considered(recipe, styles, _given(recipe, materials, records))
        desk = yield from as_stages(work, READING, CONSIDERING, expected=4)
        if not all(has_a_melody(desk, part) for part in desk.drawn):
            return False
        desk = with_habits(desk, styles)
        _keep(_named(recipe, style), SongRequest(desk))
        return sings(desk, np.random.default_rng(0))
    except Refused:
        return False


def _as_asked(
    recipe: SongRecipe, style: Style, materials: Materials, records: Sequence[SongRecord]
) -> Generator[Progress, None, tuple[Tune, tuple[Section, ...], dict[str, Any], Kept | None]]:
    request = yield from prepared(recipe, style, materials, records)
    desk = replace(request.desk, recipe=recipe)
    key = f"{recipe.seed} {recipe.called()}"
    if key not in request.sheets:
        draws = AGAIN if since(desk.rules, "7") else AGAIN_BEFORE
        sheet = yield from _as_it_is_drawn(draw_sheet(desk, recipe.seed), draws * max(1, len(desk.drawn)))
        while len(request.sheets) >= 16:
            del request.sheets[next(iter(request.sheets))]
        request.sheets[key] = sheet
    sheet = request.sheets[key]
    desk = desk.of_plan(sheet.plan)
    kept = desk.given.kept
    facts = facts_of_sheet(desk, sheet)
    if told := unused_in_song(recipe, request.desk):
        facts["remarks"] = [*facts.get("remarks", ()), *told]
    if offers := offers_of(recipe, style):
        facts["offers"] = offers
    return (
        sheet.tune,
        sheet.sections,
        facts,
        replace(kept, band=recipe.band) if kept is not None else None,
    )


def offers_of(recipe: SongRecipe, style: Style) -> list[dict[str, Any]]:
    """Settings worth trying, as a page offers them: chords inferred for a style that has none of its own, and
    a few chords played again to fill a section.
    """
    found = []
    if len(style) and SongStyles.of(recipe, style).borrowed(recipe) and not recipe.chords_from:
        found.append(WayOut("Infer chords from the style's melodies", "chords_from", INFERRED))
    if recipe.source("melody") is None and (more := LaidRow.of(recipe).offer) is not None:
        found.append(more)
    return [asdict(each) for each in found]


def _as_it_is_drawn(drawing: Generator[str, None, T], expected: float) -> Generator[Progress, None, T]:
    """Its stages as progress: first the chords, and then about so many draws of a section."""
    chords, drawn, part, latest = float(CONSIDERING), -1, 1.0, 1.0

    def progress(stage: str) -> Progress:
        nonlocal chords, drawn, part, latest
        if isinstance(stage, Stage):
            drawn += stage.part <= latest  # another section
            latest = stage.part
            part = float(np.interp(latest, *np.transpose(FORMS_TRIED)))
        elif "chords" in stage and drawn < 0:
            reached, chords = chords, (chords + SINGING) / 2
            return Progress(int(reached), WRITING, stage)
        return Progress(reached_by(drawn + part), WRITING, str(stage))

    def reached_by(sections_drawn: float) -> int:
        share = sections_drawn / expected
        if share > 1 - OPEN:  # nobody knows how many come once more
            share = 1 - OPEN * math.exp((1 - OPEN - share) / OPEN)
        return int(SINGING + (DRAWING - SINGING) * share)

    return mapped(drawing, progress)


def _as_it_was(recipe: SongRecipe, kept: Kept) -> tuple[Tune, tuple[Section, ...], dict[str, object]]:
    """The lead sheet of the earlier song, all of which is kept; only its band is asked again."""
    record = kept.records[0]
    own = recipe.called() if naming_rules(recipe) >= "3" else record.tune.title
    tune = replace(record.tune, title=recipe.title or own)
    if recipe.tempo:
        tune = replace(tune, tempo=float(recipe.tempo))
    sections = tuple(Section(letter, first, bars) for letter, first, bars in record.sections)
    facts: dict[str, object] = {**record.facts, "kept": kept.to_data(), "tune": tune.to_plain()}
    if told := unused_where_kept(recipe):
        facts["remarks"] = list(dict.fromkeys([*record.facts.get("remarks", ()), *told]))
    return tune, sections, facts


def records_of(recipe: SongRecipe, materials: Materials) -> tuple[SongRecord, ...]:
    """The records of the earlier songs, in order. Raises `Unreadable` for a damaged one, `Refused` where
    something is kept and there is none, or a melody is given instead.
    """
    if recipe.keeps_more and recipe.source("melody") is not None and since(drawing_rules(recipe), "12"):
        raise Refused(
            "A melody was given, so nothing of an earlier song can be kept; leave the melody out, or keep "
            "nothing.",
            setting="melody",
        )
    found = tuple(SongRecord.from_json(materials(each)) for each in recipe.sources if each.role == RECORD)
    if recipe.keeps_more and not found:
        raise Refused(
            "There is no earlier song to keep anything of; name one, by its file or its number in the "
            "gallery.",
            setting="earlier",
        )
    return found


def settled_by(recipe: SongRecipe, records: Sequence[SongRecord]) -> Kept | None:
    """What is kept, where melody and chords are kept whole, so that nothing has to be drawn; else None."""
    if not records or not recipe.keeps_more or recipe.source("melody") is not None or recipe.chords:
        return None
    key = Key.parse(recipe.key) if recipe.key else records[0].tune.key
    kept = Kept.of(recipe, plan_of(recipe, key), records)
    return kept if kept is not None and kept.everything else None


def _harmonised(
    recipe: SongRecipe, style: Style, tune: Tune
) -> Generator[Progress, None, tuple[Tune, tuple[Section, ...], dict[str, object]]]:
    yield Progress(READING, WRITING, "listening to the melody")
    asked = harmonisation_of(recipe, style, tune)
    yield Progress(CONSIDERING, WRITING, "drawing chords")
    rows = rows_of(asked, recipe)
    row = rows[recipe.harmonisation - 1]
    found = replace(
        asked.tune_with(row, names=chord_names(drawing_rules(recipe))), title=recipe.title or tune.title
    )
    if recipe.tempo:
        found = replace(found, tempo=float(recipe.tempo))
    facts = facts_of_harmonisation(asked, style, found, row)
    if len(rows) > 1:
        apart = [asked.apart(row, other) for other in rows if other is not row]
        facts["harmonisation"] = {
            "number": recipe.harmonisation,
            "of": len(rows),
            "apart": [round(min(apart), 3), round(max(apart), 3)],
        }
    return found, (), facts


@dataclass(frozen=True, eq=False)
class SongRequest:
    """What all takes of a request share, and the latest ones by seed and title."""

    desk: SheetDesk
    sheets: dict[str, Sheet] = field(default_factory=dict)


def prepared(
    recipe: SongRecipe, style: Style, materials: Materials, records: Sequence[SongRecord] = ()
) -> Generator[Progress, None, SongRequest]:
    """What the takes of a recipe share; the latest requests are kept in memory, also those that contradict
    themselves.
    """
    recipe = with_playable_meter(recipe, style)
    kept, key = _kept_requests(), _named(recipe, style)
    if key not in kept:
        try:
            given = _given(recipe, materials, records)
            styles = yield from _styles(recipe, style)
            work = prepare(recipe, styles, given)
            desk = yield from as_stages(work, READING, CONSIDERING, expected=4)
            request: SongRequest | Contradiction = SongRequest(desk)
        except Contradiction as error:
            request = error.with_traceback(None)
        _keep(key, request)
    else:
        yield Progress(CONSIDERING, WRITING, "as in the previous take")
        request = kept[key]
    if isinstance(request, Contradiction):
        if isinstance(request, WordsDoNotFit):
            raise request.with_ways(request.ways_out)
        raise Contradiction(str(request), request.conflict, request.ways_out)
    return request


def _named(recipe: SongRecipe, style: Style) -> str:
    """What requests have in common that share what was prepared for them."""
    rules = reading_rules(recipe) + drawing_rules(recipe) + form_rules(recipe)
    return style.sha256 + rules + in_common(recipe).to_json()


def _given(recipe: SongRecipe, materials: Materials, records: Sequence[SongRecord]) -> GivenTunes:
    take, theme = (
        given_tune(source, materials, reading_rules(recipe)) if source else None
        for source in (recipe.source("take"), recipe.source("theme"))
    )
    return GivenTunes(take, theme, tuple(records))


def _keep(key: str, request: SongRequest | Contradiction) -> None:
    kept = _kept_requests()
    while len(kept) >= KEPT:
        del kept[next(iter(kept))]
    kept[key] = request


@lru_cache(maxsize=1)
def _kept_requests() -> dict[str, SongRequest | Contradiction]:
    return {}


@lru_cache(maxsize=1)
def _kept_styles() -> dict[str, Style]:
    """The style read last: its tunes, once built, serve the next take."""
    return {}


def style_asked(recipe: SongRecipe, materials: Materials) -> Generator[Progress, None, Style]:
    """The style a recipe names, or that of its own lead sheets."""
    kept = _kept_styles()
    key = " ".join(each.sha256 for each in recipe.sources if each.role in ("style", "tune")) or recipe.style
    key += f"{reading_rules(recipe)} {drawing_rules(recipe)}"
    if key not in kept:
        named = SONG_STYLES.get(recipe.style)
        own = any(each.role == "tune" for each in recipe.sources)
        if (unread := unread_style(recipe, materials)) is not None:
            return unread
        if named is not None and named.counted and not own:
            style: Style = counted_style(named.melody, drawing_rules(recipe))
        else:
            name = recipe.style if named is None else named.melody
            style = yield from style_of(recipe.sources, materials, name, reading_rules(recipe))
        kept.clear()
        kept[key] = style
    return kept[key]


def _styles(recipe: SongRecipe, style: Style) -> Generator[Progress, None, SongStyles]:
    """Everything the song is made from: the style, and others for its melody and rhythm where asked."""
    melody = rhythm = None
    if recipe.melody_from:
        melody = yield from as_part(melody_style(recipe.melody_from, drawing_rules(recipe)), READING, READING)
    if recipe.rhythm_from:
        rhythm = yield from as_part(melody_style(recipe.rhythm_from, drawing_rules(recipe)), READING, READING)
    return SongStyles.of(recipe, style, melody, rhythm)
