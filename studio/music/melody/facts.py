"""What is worth knowing about a composed melody: as data in the work, as sentences where it is shown.

    facts = facts_of(recipe, request, take)            # JSON values; they go into the work
    facts_in_words(work.facts)                         # [("meter", "4/4"), ("form", "bars 5-6 are 1-2"), …]
    copied_of(work.facts)                              # read back, for the page

The facts of a work:

    style                {"title", "licence"} of the style
    meter, key           "4/4", "D major"
    bars, notes          how many
    range                [lowest, highest] note by name, empty where nothing sounds
    learnt from          {"tunes", "meter", "other_note_values", "skipped"}
    chance, log_chance   the chance, 0 to 1, that a melody made without the constraints satisfies them all (0
                         where it is too small for a float), and its natural logarithm
    copying              {"limit", "by", "notes"}: the copy limit, what is compared, and the longest
                         run shared with a tune of the style; where there is one also {"start", "bar",
                         "title", "song_bar"}, start counting the melody's notes from 0, bars from 1
    form                 {"bars", "letters", "parts", "returns", "closes"}, see `FormPlan.to_data`
    remarks              sentences: what gave way
    origins              for each note [bar, order, [[title, bar], …], before, after, returns], see
                         `origins.NoteOrigin`
    tune                 the melody itself, as `Tune.to_plain` gives it

Works made before version 0.3 hold sentences in place of data. They are shown as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from studio.music.melody.origins import origin_rows
from studio.music.sound.ranges import beyond_range
from studio.music.writing.formats import by_name

if TYPE_CHECKING:
    from studio.music.melody.recipes import ComposeRecipe
    from studio.music.melody.takes import Outlook, PreparedRequest, Take


def facts_of(recipe: ComposeRecipe, request: PreparedRequest, take: Take) -> dict[str, Any]:
    """The facts of a take, as JSON values."""
    outlook, tune = request.outlook, take.tune
    facts: dict[str, Any] = {
        "style": {"title": request.style.entry.title, "licence": request.style.entry.licence},
        "meter": str(outlook.idiom.meter),
        "key": str(outlook.idiom.key),
        "bars": recipe.bars,
        "notes": len(tune.sounding),
        "range": _range_of(take, outlook),
        "learnt from": _learnt_from(outlook),
        "chance": math.exp(outlook.log_chance),
        "log_chance": outlook.log_chance,
        "copying": _copying(recipe, request, take),
    }
    if take.plan is not None:
        facts["form"] = take.plan.to_data()
    told = beyond_range(tune, recipe.instrument) if "program" in by_name(recipe.format).options else ""
    if remarks := [*outlook.remarks, *take.relaxed, *([told] if told else [])]:
        facts["remarks"] = remarks
    facts["origins"] = origin_rows(take.origins)
    facts["tune"] = tune.to_plain()
    return facts


def _range_of(take: Take, outlook: Outlook) -> list[str]:
    from studio.music.scores.keys import pitch_name

    pitches = [note.pitch for note in take.tune.sounding if note.pitch is not None]
    return [pitch_name(pitch, outlook.idiom.key) for pitch in (min(pitches), max(pitches))] if pitches else []


def _learnt_from(outlook: Outlook) -> dict[str, Any]:
    idiom = outlook.idiom
    return {
        "tunes": len(idiom.lines),
        "meter": str(idiom.meter),
        "other_note_values": idiom.kindred,
        "skipped": idiom.left_out,
    }


def _copying(recipe: ComposeRecipe, request: PreparedRequest, take: Take) -> dict[str, Any]:
    from studio.music.melody.compiling import KINDS_OF_COPY

    run = request.comparison.longest_run(take.tune, KINDS_OF_COPY[recipe.copy_by])
    facts: dict[str, Any] = {
        "limit": request.outlook.context.max_copy,
        "by": recipe.copy_by,
        "notes": run.notes,
    }
    if run.notes:
        facts |= {"start": run.start, "bar": run.bar, "title": run.title, "song_bar": run.song_bar}
    return facts


# Read back
# ------------------------------------------------------------------------------------------------------------


def copied_of(facts: Mapping[str, Any]) -> tuple[int, int]:
    """(first, end) of the notes in the longest run that is shared with the style, counted from 0; (0, 0) for
    none.
    """
    run = facts.get("copying")
    if isinstance(run, Mapping):
        first, notes = int(run.get("start", 0)), int(run.get("notes", 0))
    else:  # before version 0.3
        first, notes = (int(part) for part in str(facts.get("copied", "0+0")).split("+"))
    return first, first + notes


# In words
# ------------------------------------------------------------------------------------------------------------


def facts_in_words(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(label, sentence) for every fact that is shown as text. Sentences of older works stay as they are."""
    # The logarithm, because the chance itself may round to 0.
    shown = {**facts, "chance": facts.get("log_chance", facts.get("chance"))}
    return [
        (label, value if isinstance(value, str) else in_words(value))
        for label, in_words in IN_WORDS.items()
        if (value := shown.get(label)) not in (None, [], "")
    ]


def _learnt_from_in_words(fact: Mapping[str, Any]) -> str:
    said = f"{fact['tunes']} tunes that fit {fact['meter']}"
    if fact["other_note_values"]:
        said += f", {fact['other_note_values']} of them with doubled or halved note values"
    return said + (
        f"; {fact['skipped']} skipped (irregular bars, or rhythms finer than the grid)"
        if fact["skipped"]
        else ""
    )


COMPARED = {"interval": "intervals", "pitch": "pitches", "rhythm": "intervals and note lengths"}


def _copying_in_words(fact: Mapping[str, Any]) -> str:
    said = f"at most {fact['limit']} notes in a row, compared by {COMPARED[fact['by']]}; "
    if "notes" not in fact:
        return f"{said}checked by fingerprints, because this style comes without its tunes"
    if not fact["notes"]:
        return f"{said}none is shared with a tune of the style"
    place = f"from bar {fact['bar']}, as in bar {fact['song_bar']} of {fact['title']}"
    own = fact.get("own songs")
    usual = f"; tunes of the style share {own[0]} to {own[2]} with each other, mostly {own[1]}" if own else ""
    return f"{said}the longest has {fact['notes']}, {place}{usual}"


def _form_in_words(fact: Mapping[str, Any]) -> str:
    from studio.music.melody.form import FormPlan

    return FormPlan.from_data(fact).in_words()


def chance_in_words(log_chance: float) -> str:
    """How likely it is that a melody made without the constraints satisfies them all."""
    if log_chance > math.log(0.5):
        return f"without the constraints, {math.exp(log_chance):.0%} of melodies would satisfy them"
    if log_chance < math.log(1e-15):
        number = f"10^{-log_chance / math.log(10):.0f}"
    else:
        number = _in_words(math.exp(-log_chance))
    return f"without the constraints, about 1 melody in {number} would satisfy them"


def _in_words(number: float) -> str:
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if number >= size:
            return f"{number / size:.3g} {word}" if number < 1000 * size else f"{number / size:,.0f} {word}"
    return f"{number:,.0f}"


IN_WORDS: dict[str, Callable[[Any], str]] = {
    "style": lambda style: f"{style['title']} ({style['licence']})",
    "meter": str,
    "key": str,
    "bars": str,
    "notes": str,
    "range": " to ".join,
    "learnt from": _learnt_from_in_words,
    "form": _form_in_words,
    "chance": chance_in_words,
    "copying": _copying_in_words,
    "remarks": " ".join,
}
"""Fact -> how it is said, in the order in which they are shown. The facts left out are too long to show."""
