"""What a request for a song says by itself, checked without its style. See also `possible`."""

from __future__ import annotations

from collections.abc import Sequence

from studio.errors import AskedFor, Contradiction, Refused, WayOut
from studio.music.bands.band import band_by_name, band_names
from studio.music.scores.chords import parse_chord
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.songs.plan import SheetPlan
from studio.music.songs.recipes import HELD, SongRecipe, in_time, read_row
from studio.music.songs.sheet import plan_of
from studio.music.sound.fonts import named_font

ANY_KEY = Key.parse("C")
"""A plan needs a key, and whether the bars can be divided does not depend on it."""


def check_request(recipe: SongRecipe) -> None:
    """Check what a request says by itself: its form against its bars, its chords against its meter, its band
    against its meter. Raises `Contradiction` or `Refused`.
    """
    if recipe.sound:
        named_font(recipe.sound)
    if recipe.source("melody") is not None:
        return
    keyless = recipe if recipe.key else recipe.model_copy(update={"section_keys": ()})
    plan = plan_of(keyless, Key.parse(recipe.key) if recipe.key else ANY_KEY)
    row = read_row(recipe.chords)
    if len(row) > plan.bars:
        raise Contradiction(
            f"{len(row)} bars of chords were given for a song of {plan.bars} bars; ask for {len(row)} bars, "
            f"or leave {len(row) - plan.bars} of them out.",
            [AskedFor("chords", recipe.chords, "the chords"), AskedFor("bars", recipe.bars, "the bars")],
            _shorter(recipe, plan.bars),
        )
    _check_returns(recipe, plan)
    if not recipe.meter:
        return
    meter = Meter.parse(recipe.meter)
    for number, words in enumerate(row, 1):
        if words is not None:
            try:
                in_time(words, meter)
            except Refused as error:
                raise Contradiction(
                    f"Bar {number} of the chords is too full: {str(error)[0].lower()}{str(error)[1:]}",
                    [AskedFor("chords", recipe.chords, f"the chords of bar {number}")],
                ) from None
    if recipe.band:
        check_band(recipe, meter)


def _check_returns(recipe: SongRecipe, plan: SheetPlan) -> None:
    """Bars that the form makes equal must not be given different chords."""
    row = read_row(recipe.chords)
    for bar, copies in plan.returns.items():
        given = [place for place in (bar, *copies) if place < len(row) and row[place] is not None]
        if any(HELD in (row[place] or ()) for place in given):
            continue  # which of them are the same depends on the meter
        other = next((place for place in given if _meant(row[place]) != _meant(row[given[0]])), None)
        if other is not None:
            raise Contradiction(
                f"Bars {given[0] + 1} and {other + 1} are the same bar in the form {plan.letters}, but "
                "different chords were given for them; give the same, or choose another form.",
                [
                    AskedFor("chords", recipe.chords, f"the chords of bar {other + 1}"),
                    AskedFor("form", recipe.form, f"the form {recipe.form}"),
                ],
                [WayOut("Take a form of one section", "form", "A")],
            )


def _meant(words: Sequence[str] | None) -> list[object]:
    """The chords of a bar, however they are spelled."""
    return [parse_chord(word) for word in words or ()]


def _shorter(recipe: SongRecipe, bars: int) -> list[WayOut]:
    kept = "|".join(recipe.chords.strip().strip("|").split("|")[:bars]).strip()
    return [WayOut(f"Keep the first {bars} bars of the chords", "chords", kept)]


def check_band(recipe: SongRecipe, meter: Meter) -> None:
    """Raises `Contradiction` for a meter that the band does not play, with bands that do."""
    band = band_by_name(recipe.band)
    try:
        band.check_meter(meter)
    except Refused as error:
        others = [name for name in band_names() if meter in band_by_name(name).meters]
        ways = [WayOut(f"Play it in {other}", "meter", str(other)) for other in band.meters[:2]]
        ways += [WayOut(f"Take the band {band_by_name(name).title}", "band", name) for name in others[:3]]
        asked = [AskedFor("band", recipe.band, f"the band {recipe.band}")]
        asked += [AskedFor("meter", recipe.meter, f"the meter {meter}")] if recipe.meter else []
        raise Contradiction(str(error), asked, [*ways, WayOut("Leave the band out", "band", "")]) from None
