"""What a style cannot sing whatever the rest of a request is: told before anything is searched."""

from __future__ import annotations

from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from studio.errors import AskedFor, Contradiction, WayOut
from studio.music.bands.band import band_by_name
from studio.music.chains.markov import Mask
from studio.music.chains.trellis import Trellis
from studio.music.melody.recipes import read_range
from studio.music.melody.takes import usual_keys
from studio.music.scores.keys import Key, pitch_name
from studio.music.scores.meters import Meter
from studio.music.songs.plan import SheetPart, SheetPlan
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.sung import SungIdiom
from studio.music.songs.sung_words import SongWords
from studio.music.styles.style import Style

if TYPE_CHECKING:
    from studio.music.songs.sheet import SongStyles


def check_singable(recipe: SongRecipe, plan: SheetPlan, sung: SungIdiom, words: SongWords | None) -> None:
    """Raises `Contradiction` for a range without a note of the style, and for words with more syllables than
    notes have room.
    """
    if recipe.range:
        _check_range(recipe, sung)
    if words is not None:
        for part in plan.sections:
            _check_room(words, part.letter, part.bars, plan, sung)


def _check_range(recipe: SongRecipe, sung: SungIdiom) -> None:
    assert recipe.range is not None
    lowest, highest = read_range(recipe.range)
    pitches = sorted({int(pitch) for pitch in sung.pitch if pitch >= 0})
    if any(lowest <= pitch <= highest for pitch in pitches):
        return
    first, last = (pitch_name(pitch, sung.key) for pitch in (pitches[0], pitches[-1]))
    raise Contradiction(
        f"No note of {sung.style.entry.title} lies in the range {recipe.range}; in {sung.key} it is sung "
        f"from {first} to {last}, so choose a range that reaches there.",
        [AskedFor("range", recipe.range, f"the range {recipe.range}")],
        [WayOut("Leave the range to the style", "range", None)],
    )


def _check_room(words: SongWords, letter: str, bars: int, plan: SheetPlan, sung: SungIdiom) -> None:
    lines = words.lines.get(letter.rstrip("'"), ())
    asked = sum(line.notes for line in lines)
    room = bars * sung.bar // int(sung.ticks[sung.struck].min())
    if asked <= room:
        return
    needed = plan.bars * ceil(asked / room)
    raise Contradiction(
        f"The words of section {letter} ({lines[0].text[:40]} …) have {asked} syllables, but its {bars} bars "
        f"have room for {room} notes at most, {asked - room} too few; leave some of them out, make it "
        f"{needed} bars, or let the words be fitted.",
        [AskedFor("words", "", f"{asked} syllables"), AskedFor("bars", plan.bars, f"{plan.bars} bars")],
        [WayOut(f"Make it {needed} bars", "bars", needed), WayOut("Make the words fit", "fit", True)],
    )


def most_notes(trellis: Trellis, bars: int, struck: Mask) -> int:
    """The most notes that a melody of so many bars can have, whatever else is asked: the longest way through
    the trellis, bar by bar, where a step counts that strikes a note.
    """
    source = np.repeat(np.arange(trellis.states), np.diff(trellis.first))
    further, onto = np.divmod(trellis.hop[0].astype(np.int64), trellis.width)
    counts = struck[trellis.symbol].astype(np.int64)
    best = np.full((bars + trellis.reach + 1, trellis.width), -1, dtype=np.int64)
    best[0, trellis.start] = 0
    for bar in range(bars):
        for low, high in pairwise(trellis.edges):
            steps = slice(int(trellis.first[low]), int(trellis.first[high]))
            before = best[bar, source[steps]]
            good = (before >= 0) & (onto[steps] < trellis.states)
            np.maximum.at(
                best, (bar + further[steps][good], onto[steps][good]), (before + counts[steps])[good]
            )
    return int(best[bars, : trellis.edges[1]].max())


def too_many_syllables(
    words: SongWords, part: SheetPart, plan: SheetPlan, title: str, room: int
) -> Contradiction | None:
    """What is said of words that no melody carries, if they have more syllables than its notes. room: notes
    that a melody of the section can have at most.
    """
    lines = words.lines.get(part.letter.rstrip("'"), ())
    asked = sum(line.notes for line in lines)
    if asked <= room or room < 1:
        return None
    needed = plan.bars * ceil(asked / room)
    return Contradiction(
        f"The words of section {part.letter} ({lines[0].text[:40]} …) have {asked} syllables, but melodies "
        f"of {title} have at most {room} notes in {part.bars} bars, {asked - room} too few; leave some of "
        f"them out, make it {needed} bars, or let the words be fitted.",
        [
            AskedFor("words_first", part.letter, f"the words of section {part.letter}"),
            AskedFor("bars", plan.bars, f"{plan.bars} bars"),
        ],
        [
            WayOut(f"Make it {needed} bars", "bars", needed),
            WayOut("Make the words fit", "fit", True),
            WayOut("Lay the words under it later", "words_first", False),
        ],
    )


def frame_of(recipe: SongRecipe, styles: SongStyles) -> tuple[Meter, Key, str]:
    """The meter and key of a song, and what is said of them, or "": as asked, or else the commonest ones of
    its melodies that its other styles and its band have too.
    """
    asked = [Meter.parse(recipe.meter)] if recipe.meter else []
    meters = asked or list(map(Meter.parse, styles.melody.counts("meter")))
    played = band_by_name(recipe.band).meters if recipe.band and not asked else ()
    usual: tuple[Meter, Key] | None = None
    for meter in meters:
        for key in [Key.parse(recipe.key)] if recipe.key else usual_keys(styles.melody, meter):
            usual = usual or (meter, key)
            if not styles.know(meter, key.mode) or (played and meter not in played):
                continue
            if (meter, key) == usual:
                return meter, key, ""
            other = [str(each) for each, own in zip((meter, key), usual, strict=True) if each != own]
            whose = "all its styles and its band" if recipe.band else "all its styles"
            return meter, key, f"The song is in {' and '.join(other)}, which {whose} have."
    assert usual is not None
    return *usual, ""


def with_playable_meter(recipe: SongRecipe, style: Style) -> SongRecipe:
    """A request that names a band and no meter takes the commonest meter of the style that the band plays, if
    it does not play the commonest of all. Where other styles take part, `frame_of` decides.
    """
    if recipe.meter or not recipe.band or recipe.melody_from or recipe.rhythm_from or recipe.chords_from:
        return recipe
    played = band_by_name(recipe.band).meters
    meters = list(style.counts("meter"))
    if not played or not meters or Meter.parse(meters[0]) in played:
        return recipe
    other = next((each for each in meters if Meter.parse(each) in played), None)
    return recipe.model_copy(update={"meter": other}) if other else recipe
