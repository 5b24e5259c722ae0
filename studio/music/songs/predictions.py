"""What a song takes, told from its recipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from studio.music.melody.predictions import seconds_to_read, seconds_to_read_own
from studio.music.melody.recipes import MAKES_NO_DIFFERENCE, read_parts
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.songs.named import SONG_STYLES
from studio.music.songs.plan import FORMS, SongForm
from studio.music.songs.recipes import SongRecipe, read_section_key
from studio.music.songs.unread import needs_melodies
from studio.music.styles.table import STYLES
from studio.works.work import Prediction, SourceSize

MIB = 2**20

SOUNDS = ("wav", "flac", "mp3")

USUAL_BARS = 32
"""Of a song whose form does not say how many it has."""


@dataclass(frozen=True)
class SongCosts:
    """Seconds that the parts of a song take on an ordinary computer.

    reading: a style that was never read in this home, and tunes of one's own. learning: from the style; the
    next song with these settings finds it there. chords, melody, writing: of every song.
    """

    reading: float
    learning: float
    chords: float
    melody: float
    writing: float

    @property
    def seconds(self) -> float:
        return self.reading + self.learning + self.chords + self.melody + self.writing


def predict_song(recipe: SongRecipe, sources: Sequence[SourceSize]) -> Prediction:
    """Reading and learning the style, then chords and melody, then writing it down, with a band its parts.

    Memory: 300 MiB, 8 MiB a bar, and two hundred times the bytes of tunes of one's own. Measured, in seconds
    of the processor, AABA of 32 bars: hymn 0.5; with a band of three as MusicXML 0.8, as WAV 4;
    ryans-mammoth, whose chains are learnt from a thousand tunes, 5.1 and then 1.2; with words that are made
    to fit 8.3 to 12.8 and then 2.4 to 3.9.
    """
    own = sum(source.bytes for source in sources if source.role == "tune")
    costs = costs_of(recipe, own)
    once = 0.0 if own else costs.reading
    before = BEFORE + costs.learning + costs.reading - once
    played = f"{' band' * bool(recipe.band)}{' sound' * (recipe.format in SOUNDS)}"
    played += " words" * _words_lead(recipe)
    return Prediction(
        BEFORE + costs.seconds,
        (300 + 8 * _bars(recipe)) * MIB + 200 * own,
        before,
        f"songs {'counts' if _is_counted(recipe) else 'tunes'}{played}",
        once,
        in_common(recipe).to_json(),
        even=False,
    )


BEFORE = 0.1
"""Seconds beside the parts of a song, such as for keeping it."""


def costs_of(recipe: SongRecipe, own: int = 0) -> SongCosts:
    """What its parts take. own: bytes of tunes of one's own.

    A style that comes as counts takes little. The melody is drawn section by section, those of one letter
    once; that of words or of many sections several times, since sections have to go on from each other.
    """
    bars = _bars(recipe)
    different = sum(each * count for each, count in _sections(recipe).items())
    counted = _is_counted(recipe)
    if recipe.source("melody") is not None:
        different = 0  # it is there, and gets chords
    given = recipe.source("style") is not None or own > 0
    read = given or not needs_melodies(recipe)
    reading = seconds_to_read_own(recipe, own) + (0.0 if read else seconds_to_read(_melody_style(recipe)))
    sound = recipe.format in SOUNDS
    a_bar = (0.11 if sound else 0.012) if recipe.band else (0.01 if sound else 0.001)
    a_bar += 0.045 * (recipe.format == "mp3" and bool(recipe.band))
    words = _words_lead(recipe)
    costs = COSTS[counted, words]
    learning = costs.learning + costs.a_tune * _tunes_learnt(recipe)
    if words and recipe.fit and not counted:
        learning += FITTING
    a_bar_sung = costs.a_bar * (1.0 if words else EASY.get(_melody_style(recipe), 1.0))
    sections = {bars: count for bars, count in _sections(recipe).items() if different}
    melody = sum(count * a_bar_sung * bars * (1 if words else bars / 8) for bars, count in sections.items())
    if _in_both_modes(recipe) and different:
        learning, melody = learning + BOTH_MODES, 1.5 * melody
    return SongCosts(
        reading=reading,
        learning=learning,
        chords=costs.chords + costs.chords_a_bar * different,
        melody=melody * (1.0 if words else _joining(recipe)),
        writing=0.05 + a_bar * bars,
    )


@dataclass(frozen=True)
class DrawingCosts:
    """Seconds. learning: from the style, and `a_tune` for each of its tunes in the meter and mode. chords: of
    any song, and `chords_a_bar` for each bar that does not return. a_bar: of the melody of a section of eight
    bars; of twice as many it is twice that, for every bar that is settled weighs all ways through it anew.
    """

    learning: float
    a_tune: float
    chords: float
    chords_a_bar: float
    a_bar: float


COSTS = {
    (True, False): DrawingCosts(0.25, 0.0, 0.08, 0.007, 0.022),
    (True, True): DrawingCosts(0.5, 0.0, 0.4, 0.0, 0.07),
    (False, False): DrawingCosts(0.3, 0.005, 0.1, 0.013, 0.06),
    (False, True): DrawingCosts(1.2, 0.0045, 0.8, 0.0, 0.11),
}
"""By whether the style is counts, and whether words lead the melody."""

EASY = {"hymn": 0.5, "bach-chorales": 0.25}
"""How much of that the melodies of these styles take: their notes are long, and there are few ways."""

BOTH_MODES = 1.8
"""Seconds more that learning takes where sections are in the other mode."""

FITTING = 3.4
"""Seconds more that learning takes where words are made to fit: often they do not fit as they are, and what
is asked for instead is learnt too.
"""


def _words_lead(recipe: SongRecipe) -> bool:
    return bool(recipe.words) and recipe.words_first and recipe.source("melody") is None


def _joining(recipe: SongRecipe) -> float:
    """How many times longer the different sections of a song take since they have to go on from each other:
    of three or more, more forms are tried.
    """
    form = FORMS.get(recipe.form)
    different = len(set(read_parts(form.letters if form else recipe.form)))
    return 1.0 if different <= 2 or not _is_looped(form) else 1.3


def _is_looped(form: SongForm | None) -> bool:
    """Whether sections come back beside others, so that each has several neighbours."""
    return form is None or len(set(form.letters)) < len(form.letters)


def in_common(recipe: SongRecipe) -> SongRecipe:
    """The recipe without that in which songs may differ that share what was learnt for them."""
    alike: dict[str, object] = {
        **MAKES_NO_DIFFERENCE,
        "mix": (),
        "write": "",
        "part_seeds": (),
        "divide_notes": False,
    }
    if not recipe.keep_parts:  # which players keep theirs depends on the band
        alike["band"] = ""
    return recipe.model_copy(update=alike)


def is_light(recipe: SongRecipe) -> bool:
    """Whether it waits for no heavy work: notes are drawn in a moment, a band's sound takes longer."""
    return recipe.format not in SOUNDS


def _melody_style(recipe: SongRecipe) -> str:
    named = SONG_STYLES.get(recipe.style)
    return named.melody if named is not None else recipe.style


def _is_counted(recipe: SongRecipe) -> bool:
    """Whether its melodies come from counts, and not from tunes."""
    named = SONG_STYLES.get(recipe.melody_from or recipe.style)
    return named is not None and named.counted and not any(each.role == "tune" for each in recipe.sources)


def _bars(recipe: SongRecipe) -> int:
    form = FORMS.get(recipe.form)
    return recipe.bars or (form.bars if form else USUAL_BARS)


def _sections(recipe: SongRecipe) -> dict[int, int]:
    """Bars of a section -> how many different ones of that length are drawn: those of one letter are the
    same.
    """
    form = FORMS.get(recipe.form)
    parts = read_parts(form.letters if form else recipe.form)
    return {max(1, _bars(recipe) // max(1, len(parts))): len(set(parts))}


def _in_both_modes(recipe: SongRecipe) -> bool:
    """Whether sections are known to be in the other mode."""
    keys = [key for _, key in map(read_section_key, recipe.section_keys)]
    return bool(recipe.key) and any(_mode(key) != _mode(Key.parse(recipe.key or "")) for key in keys)


def _mode(key: Key) -> str:
    return key.major_or_minor.mode


MOST_LEARNT, SHARE = 600, 0.5
"""Tunes of a large style that are learnt from at most, and the part of a style's tunes that is in the meter
and mode of a song, where that is not known.
"""


def _tunes_learnt(recipe: SongRecipe) -> float:
    """About how many tunes of its style are in the meter and mode of a song."""
    from studio.music.styles.opening import about_tunes

    entry = STYLES.get(_melody_style(recipe))
    if entry is None:
        return 100.0
    known = about_tunes(entry.name)
    if known is None:
        return min(MOST_LEARNT, SHARE * entry.tunes)
    length = Meter.parse(recipe.meter).bar_length if recipe.meter else None
    mode = _mode(Key.parse(recipe.key)) if recipe.key else None
    kinds: Counter[tuple[Meter, str]] = Counter()
    for (meter, its), count in known.items():
        kinds[Meter.parse(meter), Key(0, its).major_or_minor.mode] += count
    usual = max(kinds, key=lambda each: kinds[each])
    length, mode = length or usual[0].bar_length, mode or usual[1]
    compound = Meter.parse(recipe.meter).compound if recipe.meter else usual[0].compound
    alike = (
        count
        for (meter, its), count in kinds.items()
        if its == mode and meter.compound == compound and length / meter.bar_length in (1, 2, Fraction(1, 2))
    )
    return min(MOST_LEARNT, sum(alike))
