"""What a request for a song says by itself, checked without its style. See also `possible`."""

from __future__ import annotations

from studio.errors import AskedFor, Contradiction, Refused, WayOut
from studio.music.bands.band import band_by_name, band_names
from studio.music.melody.recipes import read_parts
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.songs.plan import FORMS, SheetPlan
from studio.music.songs.playing import check_parts
from studio.music.songs.recipes import SongRecipe, in_time
from studio.music.songs.rows import ANY_KEY, LaidRow, first_clash
from studio.music.songs.rules import drawing_rules, since
from studio.music.songs.sheet import plan_of
from studio.music.sound.fonts import named_font


def check_request(recipe: SongRecipe) -> None:
    """Check what a request says by itself: its form against its bars, its chords against its meter, its band
    against its meter. Raises `Contradiction` or `Refused`.
    """
    if recipe.sound:
        named_font(recipe.sound)
    _check_composer(recipe)
    check_parts(recipe)
    if recipe.source("melody") is not None:
        return
    keyless = recipe if recipe.key else recipe.model_copy(update={"section_keys": ()})
    laid = LaidRow.of(recipe)
    row = laid.row
    _check_divided(recipe, laid)
    plan = plan_of(keyless, Key.parse(recipe.key) if recipe.key else ANY_KEY)
    if len(row) > plan.bars:
        raise Contradiction(
            f"{len(row)} bars of chords were given for a song of {plan.bars} bars; make it {len(row)} bars, "
            f"or leave {len(row) - plan.bars} of them out.",
            [AskedFor("chords", recipe.chords, "the chords"), AskedFor("bars", recipe.bars, "the bars")],
            _shorter(recipe, plan.bars),
        )
    _check_returns(recipe, plan, laid)
    if not recipe.meter:
        return
    meter = Meter.parse(recipe.meter)
    for number, words in enumerate(row, 1):
        if words is not None:
            try:
                in_time(list(words), meter)
            except Refused as error:
                raise Contradiction(
                    f"Bar {number} of the chords is too full: {str(error)[0].lower()}{str(error)[1:]}",
                    [AskedFor("chords", recipe.chords, f"the chords of bar {number}")],
                ) from None
    if recipe.band:
        check_band(recipe, meter)


def _check_composer(recipe: SongRecipe) -> None:
    """Songs are drawn by chains alone; by rules before 12 the network was passed over."""
    if since(drawing_rules(recipe), "12") and (recipe.composer != "markov" or recipe.temperature != 1):
        field = "composer" if recipe.composer != "markov" else "temperature"
        what = "The network" if field == "composer" else f"A temperature of {recipe.temperature:g}"
        does = "composes melodies" if field == "composer" else "is for the network, which composes melodies"
        raise Contradiction(
            f"{what} {does}, and songs are drawn by the Markov chain; leave it out, or compose a melody with "
            "the network and give that as the melody.",
            [AskedFor(field, getattr(recipe, field), what)],
            [WayOut("Leave it out", field, SongRecipe.model_fields[field].default)],
        )


def _check_divided(recipe: SongRecipe, laid: LaidRow) -> None:
    """Chords that are a whole song must go into the form's sections."""
    letters = [] if recipe.form in FORMS or recipe.bars else read_parts(recipe.form)
    size, over = divmod(len(laid.row), max(1, len(letters)))
    if not laid.row or not over or laid.bars != len(laid.row):
        return
    near = [len(letters) * each for each in (size, size + 1) if each]
    raise Contradiction(
        f"{len(laid.row)} bars of chords cannot be divided into the {len(letters)} equally long sections of "
        f"{recipe.form}; write {' or '.join(map(str, near))} bars, or choose another form.",
        [
            AskedFor("chords", recipe.chords, "the chords"),
            AskedFor("form", recipe.form, f"the form {recipe.form}"),
        ],
        [ONE_SECTION, *_shorter(recipe, near[0])],
    )


ONE_SECTION = WayOut("Take a form of one section", "form", "A")


def _check_returns(recipe: SongRecipe, plan: SheetPlan, laid: LaidRow) -> None:
    """Bars that the form makes equal must not be given different chords."""
    clash = first_clash(laid.row, laid.at, plan, recipe.meter)
    if clash is not None:
        first, other = clash
        raise Contradiction(
            f"Bars {first + 1} and {other + 1} are the same bar in the form {plan.letters}, but "
            "different chords were given for them; give the same, or choose another form.",
            [
                AskedFor("chords", recipe.chords, f"the chords of bar {other + 1}"),
                AskedFor("form", recipe.form, f"the form {recipe.form}"),
            ],
            [ONE_SECTION],
        )


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
        ways = [WayOut(f"Play the song in {other}", "meter", str(other)) for other in band.meters[:2]]
        ways += [WayOut(f"Take the band {band_by_name(name).title}", "band", name) for name in others[:3]]
        asked = [AskedFor("band", recipe.band, f"the band {recipe.band}")]
        asked += [AskedFor("meter", recipe.meter, f"the meter {meter}")] if recipe.meter else []
        raise Contradiction(str(error), asked, [*ways, WayOut("Leave the band out", "band", "")]) from None
