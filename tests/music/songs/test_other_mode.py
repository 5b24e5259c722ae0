"""Songs with sections in the other mode: a bridge in the relative or parallel key."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from itertools import pairwise

import numpy as np
import pytest

from studio.errors import Contradiction
from studio.music.chains.sampling import solve
from studio.music.harmony.counts import shipped_chords
from studio.music.harmony.keyed import KeyedIdiom
from studio.music.harmony.symbols import Harmony
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.scores.notes import Note
from studio.music.scores.tunes import Tune
from studio.music.songs.counted import counted_style
from studio.music.songs.keeping import Kept
from studio.music.songs.plan import SheetPlan
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.record import SongRecord
from studio.music.songs.sheet import GivenTunes, SheetDesk, SongStyles, draw_sheet, prepare
from studio.process import finish
from studio.works.setting import setting

STYLE = "songbook-manner"


@cache
def desk_of(key: str, bridge: str, **more: object) -> SheetDesk:
    asked = {"style": STYLE, "form": "AABA", "bars": 16, "meter": "4/4", "key": key}
    recipe = SongRecipe(**asked | {"section_keys": (f"B={bridge}",)} | more)  # type: ignore[arg-type]
    return finish(prepare(recipe, SongStyles.of(recipe, counted_style(STYLE)), GivenTunes()))


@pytest.mark.parametrize(("key", "bridge"), [("Cm", "Eb"), ("C", "Cm")])
def test_a_bridge_in_the_other_mode_is_sung_and_harmonised_in_it(key: str, bridge: str) -> None:
    desk = desk_of(key, bridge)
    home, there = Key.parse(key), Key.parse(bridge)
    known = {
        mode: {event.harmony for event in shipped_chords(STYLE, Meter.parse("4/4"), mode).events}
        for mode in ("major", "minor")
    }
    tune = finish(draw_sheet(desk, 1)).tune
    assert [(each.start, each.key) for each in tune.keys] == [(0, home), (32, there), (48, home)]
    for chord in tune.chords:
        its = there if 32 <= chord.start < 48 else home
        harmony = Harmony.of(chord.symbol, its.tonic)
        assert any(harmony == each or chord.symbol == each.symbol(its) for each in known[its.mode])
    bars = {chord.start // 4 for chord in tune.chords if 32 <= chord.start < 48}
    assert bars
    roots = {Harmony.of(c.symbol, there.tonic).root for c in tune.chords if 32 <= c.start < 48}  # type: ignore[union-attr]
    assert 0 in roots
    # The melody lies over the chords: most of what is held for long is a tone of its chord.
    held = [n for n in tune.sounding if 32 <= n.start < 48 and n.duration >= 1]
    tones = [{(h.root + t + there.tonic) % 12 for t in h.tones} for n in held if (h := at(tune, n, there))]
    assert np.mean([(n.pitch or 0) % 12 in own for n, own in zip(held, tones, strict=True)]) > 0.6
    # The first section comes back to the note, and the bridge is the other mode's.
    assert of_bars(tune, 0, 4) == of_bars(tune, 4, 8) == of_bars(tune, 12, 16)
    scale = {*there.scale, *([(there.tonic + 11) % 12] if there.mode == "minor" else [])}
    assert np.mean([pitch % 12 in scale for _, pitch in of_bars(tune, 8, 12)]) > 0.7


def at(tune: Tune, note: Note, key: Key) -> Harmony | None:
    """The chord under a note."""
    return Harmony.of(tune.chord_at(note.start) or "", key.tonic)


def of_bars(tune: Tune, first: int, end: int) -> list[tuple[object, int]]:
    return [(n.start - 4 * first, n.pitch or 0) for n in tune.sounding if 4 * first <= n.start < 4 * end]


def test_copies_of_songs_of_either_mode_are_kept_out_across_the_seams() -> None:
    runs: set[int] = set()
    folders = counted_style(STYLE).folders
    for folder in ("4-4 major", "4-4 minor"):
        runs |= set(folders[folder]["runs 8"].tolist())
    tune = finish(draw_sheet(desk_of("Cm", "Eb"), 2)).tune
    pitches = [note.pitch for note in tune.sounding if note.pitch is not None]
    rises = [str(b - a) for a, b in pairwise(pitches)]
    heard = (",".join(rises[at : at + 8]).encode() for at in range(len(rises) - 7))
    assert not {int.from_bytes(sha256(run).digest()[:4], "big") for run in heard} & runs


def test_a_section_goes_on_from_the_last_chord_as_its_own_key_calls_it() -> None:
    """From every chord of the one to the chords of the other: probabilities of the steps that are allowed in
    a bar add up to one, and what follows most often is what follows that chord in songs of that mode.
    """
    modes = {minor: shipped_chords(STYLE, Meter.parse("4/4"), mode) for minor, mode in MODES.items()}
    keys = [*[Key.parse("Cm")] * 2, *[Key.parse("Eb")] * 2]
    idiom = KeyedIdiom.of(modes, keys)
    assert isinstance(idiom, KeyedIdiom)
    chain, major = idiom.chain(0), modes[False].chain(0)
    fifth = next(  # the dominant of C minor, in the last half of a bar
        number
        for number, event in enumerate(idiom.events)
        if event.voice == 0 and (event.harmony, event.place, event.ticks) == (Harmony(7, "7"), 4, 4)
    )
    contexts = np.flatnonzero(idiom.newest == fifth)
    for context in contexts:
        spread = chain.distribution(int(context))[:-1]
        by_key = [spread[idiom.voice == voice].sum() for voice in (0, 1)]
        assert by_key[0] + chain.ending[context] == pytest.approx(1)
        assert by_key[1] == pytest.approx(1)
    # III7 in E flat: its own chain says what begins the next bar.
    here = spread[idiom.voice == 1]
    ends = [
        n for n, e in enumerate(modes[False].events) if (e.harmony, e.place + e.ticks) == (Harmony(4, "7"), 8)
    ]
    theirs = sum(major.distribution(1 + number)[:-1] for number in ends)
    begins = (modes[False].place == 0) & np.array(
        [not e.carries or e.harmony == Harmony(4, "7") for e in modes[False].events]
    )
    assert here == pytest.approx(theirs * begins / (theirs * begins).sum())
    # Rows stay in their keys, and keys of one mode need no such chain.
    rows = solve(idiom.trellis(idiom.walk(1)), 32, [idiom.playable(32)]).sample(20, 1)  # type: ignore[list-item]
    for row in rows:
        ticks = np.cumsum([0, *idiom.ticks[row[row >= 0]]])[:-1]
        assert (idiom.voice[row[row >= 0]] == (ticks >= 16)).all()
    assert KeyedIdiom.of(modes, [Key.parse("C"), Key.parse("D")]) is modes[False]


MODES = {False: "major", True: "minor"}


def test_given_chords_and_learnt_keys_go_with_it() -> None:
    row = "Cm | ? | ? | G7 | ? | ? | ? | ? | Eb | ? | Cm7 F7 | Bb7"
    desk = desk_of("Cm", "Eb", chords=row, modulation="learnt", daring=0.7)
    tune = finish(draw_sheet(desk, 3)).tune
    written = {int(chord.start): chord.symbol for chord in tune.chords}
    assert [written[at] for at in (0, 12, 32, 40, 42, 44)] == ["Cm", "G7", "Eb", "Cm7", "F7", "Bb7"]


def test_a_conflict_in_such_a_section_is_told_as_elsewhere() -> None:
    desk = desk_of("C", "Am", form="AB", bars=4, chords="? | ? | Bm7b5 | ?", chord_changes="2:3")
    with pytest.raises(Contradiction, match="bar 3"):
        finish(draw_sheet(desk, 1))


def test_a_style_without_songs_of_that_mode_says_so() -> None:
    recipe = SongRecipe(style="hymn", form="AABA", bars=16, meter="4/4", key="D", section_keys=("B=Bm",))
    with pytest.raises(Contradiction, match="Hymns has no songs in 4/4 and minor, and section B") as told:
        finish(prepare(recipe, SongStyles.of(recipe, counted_style("hymn"))))
    offered = {(way.field, str(way.value)) for way in told.value.ways_out}
    assert offered >= {("section_keys", "[]"), ("style", "songbook-manner"), ("style", "fiddle")}
    assert ("style", "hymn") not in offered


def test_a_bridge_that_is_kept_stays_in_its_mode() -> None:
    """Unless the song was made by earlier rules, which had none."""
    desk = desk_of("Cm", "Eb")
    sheet = finish(draw_sheet(desk, 1))
    facts = {"sections": sheet.plan.to_data()}
    sections = tuple((each.letter, each.first + 1, each.bars) for each in sheet.plan.sections)
    record = SongRecord("", sheet.tune, sections, facts=facts)
    recipe = SongRecipe(style=STYLE, form="AABA", bars=16, key="Cm", keep_sections=("B",))
    plan = SheetPlan.of("AABA", 16, Key.parse("Cm"))
    found = Kept.of(recipe, plan, [record])
    assert found is not None
    assert found.plan.sections[2].key == Key.parse("Eb")
    earlier = recipe.model_copy(update={"setting": setting("cpu", drawing="13", form="4")})
    before = Kept.of(earlier, plan, [record])
    assert before is not None
    assert before.plan.sections[2].key == Key.parse("Cm")
