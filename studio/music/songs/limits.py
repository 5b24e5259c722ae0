"""What a style cannot sing whatever the rest of a request is: told before anything is searched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.errors import AskedFor, Contradiction, Refused, WayOut
from studio.music.bands.band import band_by_name
from studio.music.chains.markov import Mask
from studio.music.chains.trellis import Trellis
from studio.music.melody.recipes import MOST_BARS, read_range
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


class WordsDoNotFit(Contradiction):
    """Words that no melody of the style carries in the bars of their section.

    what: the beginning of the sentence, which the changes that would help complete. few: the words have too
    few syllables; otherwise too many. least: syllables that they need at least, 0 where that is not known.
    """

    def __init__(
        self,
        what: str,
        conflict: Iterable[AskedFor],
        ways: Sequence[WayOut],
        *,
        few: bool = False,
        least: int = 0,
    ) -> None:
        self.what, self.few, self.least = what, few, least
        advice = ["write more of them" if few else "leave some of them out"]
        advice += [way.label[0].lower() + way.label[1:] for way in ways]
        listed = advice[0] if len(advice) == 1 else f"{', '.join(advice[:-1])}, or {advice[-1]}"
        super().__init__(f"{what}; {listed}.", conflict, ways)

    def with_ways(self, ways: Sequence[WayOut]) -> WordsDoNotFit:
        """The same with other changes that would help."""
        return WordsDoNotFit(self.what, self.conflict, ways, few=self.few, least=self.least)

    def __reduce__(self) -> tuple[type[Contradiction], tuple[Any, ...]]:
        return Contradiction, (str(self), self.conflict, self.ways_out)


FITTED = WayOut("Make the words fit", "fit", True)
LATER = WayOut("Lay the words under the melody later", "words_first", False)


def _check_room(words: SongWords, letter: str, bars: int, plan: SheetPlan, sung: SungIdiom) -> None:
    lines = words.lines.get(letter.rstrip("'"), ())
    asked = sum(line.notes for line in lines)
    room = bars * sung.bar // int(sung.ticks[sung.struck].min())
    if asked <= room:
        return
    raise WordsDoNotFit(
        f"The words of section {letter} ({lines[0].text[:40]} …) have {asked} syllables, but its {bars} bars "
        f"have room for {room} notes at most, {asked - room} too few",
        [AskedFor("words", "", f"{asked} syllables"), AskedFor("bars", plan.bars, f"{plan.bars} bars")],
        [*_more_bars(plan, ceil(asked / room)), FITTED],
    )


def _more_bars(plan: SheetPlan, times: int) -> list[WayOut]:
    needed = plan.bars * times
    return [WayOut(f"Make the song {needed} bars", "bars", needed)] if needed <= MOST_BARS else []


def notes_between(trellis: Trellis, bars: int, struck: Mask) -> tuple[int, int]:
    """The fewest and the most notes that a melody of so many bars can have, whatever else is asked: the
    shortest and the longest way through the trellis, bar by bar, where a step counts that strikes a note.
    Both are -1 where there is no way.
    """
    source = np.repeat(np.arange(trellis.states), np.diff(trellis.first))
    further, onto = np.divmod(trellis.hop[0].astype(np.int64), trellis.width)
    counts = struck[trellis.symbol].astype(np.int64)
    shape = bars + trellis.reach + 1, trellis.width
    most = np.full(shape, -1, dtype=np.int64)
    least = np.full(shape, NO_WAY, dtype=np.int64)
    most[0, trellis.start] = least[0, trellis.start] = 0
    for bar in range(bars):
        for low, high in pairwise(trellis.edges):
            steps = slice(int(trellis.first[low]), int(trellis.first[high]))
            before = most[bar, source[steps]]
            good = (before >= 0) & (onto[steps] < trellis.states)
            there = bar + further[steps][good], onto[steps][good]
            np.maximum.at(most, there, (before + counts[steps])[good])
            np.minimum.at(least, there, (least[bar, source[steps]] + counts[steps])[good])
    ends = slice(0, int(trellis.edges[1]))
    found = int(most[bars, ends].max())
    return (int(least[bars, ends].min()) if found >= 0 else -1), found


NO_WAY = 10**9


def syllables_beyond(
    words: SongWords, part: SheetPart, plan: SheetPlan, title: str, notes: tuple[int, int]
) -> WordsDoNotFit | None:
    """What is said of words that no melody carries, if they have more syllables than its notes, or fewer.
    notes: the fewest and the most that a melody of the section can have.
    """
    lines = words.lines.get(part.letter.rstrip("'"), ())
    asked, (least, most) = sum(line.notes for line in lines), notes
    if most < 1 or not asked or least <= asked <= most:
        return None
    told = f"The words of section {part.letter} ({lines[0].text[:40]} …) have {asked} "
    told += f"{'syllable' if asked == 1 else 'syllables'}, but melodies of {title} have at "
    where = f"in {part.bars} bars"
    conflict = [
        AskedFor("words_first", part.letter, f"the words of section {part.letter}"),
        AskedFor("bars", plan.bars, f"{plan.bars} bars"),
    ]
    if asked < least:
        return WordsDoNotFit(f"{told}least {least} notes {where}", conflict, [LATER], few=True, least=least)
    return WordsDoNotFit(
        f"{told}most {most} notes {where}, {asked - most} too few",
        conflict,
        [*_more_bars(plan, ceil(asked / most)), FITTED, LATER],
    )


def frame_of(recipe: SongRecipe, styles: SongStyles) -> tuple[Meter, Key, str]:
    """The meter and key of a song, and what is said of them, or "": as asked, or else the commonest ones of
    its melodies that its other styles and its band have too. Raises `Refused` where its melodies have no such
    meter.
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
    if usual is None:
        known = ", ".join(styles.melody.counts("meter"))
        raise Refused(
            f"{styles.melody.entry.title} has no melodies in {meters[0]}; it has some in {known}: choose one "
            "of these, or another style."
        )
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
