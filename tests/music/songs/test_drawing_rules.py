"""What today's rules of drawing add, and that works made by earlier ones are made again as they were."""

from __future__ import annotations

import numpy as np

from studio.music.chains.sampling import Requirement, solve
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.songs.counted import sung_of
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.sheet import DRAWING_RULES, RULES_OF_05, SheetDesk, SongStyles, prepare
from studio.process import finish
from studio.works.setting import setting
from tests.music.lead_sheets import style

STYLE = style(16)


def desk_of(rules: str) -> SheetDesk:
    recipe = SongRecipe(form="AABA", bars=32, key="F", meter="4/4", max_copy=8)
    made = recipe.model_copy(update={"setting": setting("cpu", drawing=rules)})
    return finish(prepare(made, SongStyles.of(made, STYLE)))


def off_the_beat(desk: SheetDesk) -> float:
    """The share of notes off the beat in sections under the copy limit, by the places of the notes."""
    bars, sung = 8, desk.sung
    weights = [] if desk.rhythm is None else [np.tile(desk.rhythm, (bars, 1))]
    asked = [Requirement("rhythm", weight=weight) for weight in weights]
    rows = solve(desk.trellis, bars * sung.bar, asked).sample(300, 1)
    tunes = [sung.tune([int(symbol) for symbol in row if symbol >= 0]) for row in rows]
    return float(np.mean([note.start.denominator > 1 for tune in tunes for note in tune.sounding]))


def test_notes_off_the_beat_are_as_many_as_in_the_style_though_copies_are_forbidden() -> None:
    human = np.mean([note.start.denominator > 1 for tune in STYLE for note in tune.sounding])
    earlier, now = desk_of(RULES_OF_05), desk_of(DRAWING_RULES)
    assert earlier.rhythm is None  # songs of 0.5.0 are drawn as they were
    before, after = abs(off_the_beat(earlier) - human), abs(off_the_beat(now) - human)
    assert after < max(0.03, before / 2)


def test_words_in_a_large_style_lead_melodies_learnt_from_a_part_of_it() -> None:
    key, meter = Key.parse("C"), Meter.parse("4/4")
    whole = sung_of(STYLE, meter, key, 4)
    part = sung_of(STYLE, meter, key, 4, most=sum(len(line.events) for line in whole.songs) // 3)
    assert whole.unheard == 0
    assert part.unheard > 0
    assert part.song_count + part.unheard == whole.song_count
    assert len(part.sequences) < len(whole.sequences)
    # Copies are still those of every song of the style.
    line = [note.pitch for note in STYLE[1].sounding if note.pitch is not None]
    assert not part.keeps_line(line, 8)
