"""Words first: the melody that was drawn, counted and weighed note by note by an independent route."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import music21
import numpy as np
import pytest

import studio as library
from studio.errors import AskedFor, Contradiction
from studio.music.chains.sampling import Requirement, solve
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.scores.sections import sections_of
from studio.music.scores.tunes import Tune
from studio.music.songs.counted import counted_style
from studio.music.songs.facts import facts_in_words
from studio.music.songs.fitting import ways_for_words
from studio.music.songs.line_rhythm import LineRhythms, lead_of
from studio.music.songs.plan import SheetPlan
from studio.music.songs.playing import engraved
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.record import SongRecord
from studio.music.songs.sheet import GivenTunes, Sheet, SheetDesk, SongStyles, draw_sheet, prepare
from studio.music.songs.sung_words import SongWords, upbeats, with_words
from studio.music.styles.style import Style
from studio.music.words.lyrics import read_lyrics
from studio.music.writing.abc import write_abc
from studio.music.writing.midi import write_midi
from studio.music.writing.musicxml import write_musicxml
from studio.process import finish
from studio.works.setting import Setting, setting
from tests.conftest import Studio

LINES = (
    "Over the hills we go",
    "Softly the rivers flow",
    "Down where the petals fall",
    "Carry me home to all",
)
WORDS = "\n".join(LINES)
SYLLABLES = [6, 6, 6, 6]


def song_like(seed: int) -> Tune:
    """Sixteen bars of quarters, eighths and halves by steps, in every rhythm there is room for."""
    random = np.random.default_rng(seed)
    rhythms = ("1 1 1 1", "2 1 1", "1 1 2", "1 1/2 1/2 2", "1/2 1/2 1 2", "3 1", "4", "1 1 1 1/2 1/2", "2 2")
    scale = [60, 62, 64, 65, 67, 69, 71, 72, 74]
    step, notes = 4, list[tuple[int, Fraction]]()
    for _ in range(15):
        for length in str(random.choice(rhythms)).split():
            notes.append((scale[step], Fraction(length)))
            step = int(np.clip(step + random.choice([-2, -1, -1, 1, 1, 2]), 0, 8))
    notes.append((60, Fraction(4)))
    chords = [(4 * bar, ("C", "F", "G7", "C")[bar % 4]) for bar in range(16)]
    return Tune.of(notes, key="C", chords=chords, title=f"Steps {seed}", id=str(seed))


@pytest.fixture(scope="module")
def style() -> Style:
    return Style.of([song_like(seed) for seed in range(12)], "steps")


def desk_of(style: Style, **settings: object) -> SheetDesk:
    fields = {"bars": 8, "form": "A", "key": "C", "meter": "4/4", "max_copy": 12, "words": WORDS, **settings}
    return finish(prepare(SongRecipe(**fields), SongStyles(style)))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def desk(style: Style) -> SheetDesk:
    return desk_of(style, dissonance="free")


@pytest.fixture(scope="module")
def sheets(desk: SheetDesk) -> list[Sheet]:
    return [finish(draw_sheet(desk, seed)) for seed in (1, 2)]


def sung(desk: SheetDesk, sheet: Sheet, seed: int = 0) -> Tune:
    recipe = desk.recipe.model_copy(update={"seed": seed})
    return with_words(recipe, sheet.tune, sheet.sections, {})[0]


def held_by(words: SongWords, seed: int) -> list[tuple[str, int]]:
    """The syllables of section A that are held by a seed, with how many notes more each has."""
    lines = words.with_seed(seed).held["A"]
    return [(each.text, each.more) for line in lines for each in line.syllables if each.more]


def test_some_syllables_are_held_over_another_note(desk: SheetDesk) -> None:
    words = desk.words
    assert words is not None
    seeds = [seed for seed in range(40) if held_by(words, seed)][:2]
    for seed in seeds:
        held = held_by(words, seed)
        tune = sung(desk, finish(draw_sheet(desk, seed)), seed)
        more = sum(notes for _, notes in held)
        assert len(tune.sounding) == sum(SYLLABLES) + more
        assert [word.text for word in tune.words if word.extends] == [text for text, _ in held]
        score = music21.converter.parseData(write_musicxml(tune, slurs=True).decode(), format="musicxml")
        notes = [note for note in score.flatten().notes if isinstance(note, music21.note.Note)]
        struck = [note for note in notes if note.tie is None or note.tie.type == "start"]
        silent = [number for number, note in enumerate(struck) if not note.lyrics]
        assert len(silent) == more
        begins = [note.getOffsetInHierarchy(score) for note in struck]
        slurs = [
            [each.getOffsetInHierarchy(score) for each in (slur.getFirst(), slur.getLast())]
            for slur in score.recurse().getElementsByClass("Slur")
        ]
        inside = [number for number in silent if any(a < begins[number] <= b for a, b in slurs)]
        assert inside == silent
        assert len(slurs) == len(held)
        for number in silent:
            assert struck[number].pitch != struck[number - 1].pitch or number - 1 in silent
            assert (
                struck[number].offset == struck[number - 1].offset + struck[number - 1].duration.quarterLength
            )
        assert (
            sum(line.count("_") for line in write_abc(tune).decode().split("\n") if line[:2] == "w:") == more
        )
        assert write_midi(tune).count(b"\xff\x05") == sum(SYLLABLES)


def test_about_three_notes_of_a_hundred_are_held_and_none_by_earlier_rules(desk: SheetDesk) -> None:
    words = desk.words
    assert words is not None
    more = [sum(notes for _, notes in held_by(words, seed)) for seed in range(400)]
    assert 0.025 < np.mean(more) / (np.mean(more) + sum(SYLLABLES)) < 0.045
    plan = SheetPlan.of("A", 8, Key.parse("C"))
    before = SongWords.leading(desk.recipe, plan, rules="6")
    assert before is not None
    assert before.with_seed(1).held == {}


def test_syllables_of_a_kept_section_stay_held_whatever_the_seed(desk: SheetDesk) -> None:
    words = desk.words
    assert words is not None
    seed, other = [seed for seed in range(60) if held_by(words, seed)][:2]
    sheet = finish(draw_sheet(desk, seed))
    tune = sung(desk, sheet, seed)
    again = replace(sheet, tune=tune)  # as `Kept.words` gives them back
    assert sung(desk, again, other).words == tune.words


def test_every_line_has_as_many_notes_as_syllables_in_its_own_bars(
    desk: SheetDesk, sheets: list[Sheet]
) -> None:
    for sheet in sheets:
        score = music21.converter.parseData(
            write_musicxml(sung(desk, sheet)).decode(), format="musicxml"
        ).parts[0]
        found = {}
        for bar in score.getElementsByClass("Measure"):
            for note in bar.notes:
                if isinstance(note, music21.note.Note) and note.lyrics:
                    found.setdefault((bar.number - 1) // 2, []).append(note.lyrics[0].text)
        assert [len(found[line]) for line in range(4)] == SYLLABLES
        printed = ["".join(found[line]).lower() for line in range(4)]
        assert printed == [re.sub("[^a-z]", "", line.lower()) for line in LINES]


def test_lines_end_on_long_notes_and_stress_is_on_beats(desk: SheetDesk, sheets: list[Sheet]) -> None:
    for sheet in sheets:
        assert not [remark for remark in sheet.remarks if "only lean" in remark]
        tune = sung(desk, sheet)
        at = {note.start: note for note in tune.sounding}
        for word in tune.words:
            if word.text in ("go", "flow", "fall", "all"):
                assert at[word.start].duration >= 1
            if word.text in ("O", "Soft", "riv", "pet", "Car"):
                assert word.start.denominator == 1  # a beat
            if word.text in ("ver", "ly", "ers", "als", "ry"):
                assert word.start % 2 != 0  # neither the first nor the third beat


def test_the_same_words_again_give_the_same_song(style: Style, sheets: list[Sheet]) -> None:
    again = desk_of(style, dissonance="free")
    assert finish(draw_sheet(again, 1)).tune == sheets[0].tune


def test_a_line_breathes_at_its_end_and_behind_a_comma_only() -> None:
    """By released rules it breathed anywhere between its words."""
    songs = [song_like(seed) for seed in range(12)]
    silent = [[replace(n, pitch=None if n.start % 8 in (2, 7) else n.pitch) for n in s.notes] for s in songs]
    rests = [replace(song, notes=tuple(notes)) for song, notes in zip(songs, silent, strict=True)]
    words = "Gone my love, gone to sea\nLong the days come to me"
    recipe = SongRecipe(bars=4, form="A", key="C", meter="4/4", max_copy=12, words=words, dissonance="free")
    style = Style.of(rests, "rests")
    rested: dict[str, set[str]] = {"9": set(), "10": set()}
    for rules, found in rested.items():
        made = recipe.model_copy(update={"setting": setting("cpu", drawing=rules)})
        desk = finish(prepare(made, SongStyles(style)))
        clock, _ = desk.clocks_of(desk.plan.sections[0])[0]
        rows = solve(desk.trellis, 4 * desk.sung.bar, [Requirement("words", clock=clock)]).sample(100, 1)
        for row in rows:
            tune = desk.sung.tune([int(symbol) for symbol in row if symbol >= 0])
            pairs = zip(words.split(), pairwise(tune.sounding), strict=False)
            found |= {word for word, (one, other) in pairs if other.start > one.end}
    assert rested["10"] == {"love,", "sea"}
    assert len(rested["9"]) > 3


def test_articles_and_the_like_are_not_sung_on_first_beats(style: Style) -> None:
    """By released rules every eighth of them was."""
    words = "Go to the sea and the sand\nLong for the day and the night"
    recipe = SongRecipe(bars=4, form="A", key="C", meter="4/4", max_copy=12, words=words, dissonance="free")
    share = {}
    for rules in ("11", "12"):
        made = recipe.model_copy(update={"setting": setting("cpu", drawing=rules)})
        desk = finish(prepare(made, SongStyles(style)))
        clock, _ = desk.clocks_of(desk.plan.sections[0])[0]
        rows = solve(desk.trellis, 4 * desk.sung.bar, [Requirement("words", clock=clock)]).sample(100, 1)
        starts = np.array(
            [
                [float(note.start) for note in desk.sung.tune([int(s) for s in row if s >= 0]).sounding]
                for row in rows
            ]
        )
        light = [word in ("to", "the", "and", "for") for word in words.split()]
        share[rules] = float(np.mean(starts[:, light] % 4 == 0))
    assert share["12"] == 0 < share["11"]


MANY = "every wonderful memory over the beautiful sea of tomorrow and happiness"


def test_words_with_more_syllables_than_there_is_room_for_are_named_with_a_way_out(style: Style) -> None:
    many = "\n".join([MANY] * 4)
    with pytest.raises(Contradiction, match=r"The words of section A .* have 92 syllables") as caught:
        finish(draw_sheet(desk_of(style, words=many, dissonance="free"), 1))
    assert ("bars", 16) in {(way.field, way.value) for way in caught.value.ways_out}


def test_words_are_sung_by_a_seed_whose_rhythm_the_style_does_not_have() -> None:
    recipe = SongRecipe(words="Come away, come away with me", form="A", bars=8, meter="4/4", key="C", seed=3)
    styles = SongStyles.of(recipe, counted_style("songbook-manner"))
    sheet = finish(draw_sheet(finish(prepare(recipe, styles)), recipe.seed))  # too improbable by rules 11
    tune, facts = with_words(recipe, sheet.tune, sheet.sections, {})
    assert len(tune.words) == 8
    assert facts["words"]["stresses"] == []


def test_words_that_no_melody_carries_may_come_after_it(
    style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 56 syllables: eight bars have room for 64 notes, but no bar of the style has more than five.
    words = "\n".join([" ".join(MANY.split()[:6])] * 4)
    desk = desk_of(style, words=words, dissonance="free")
    # That is known without the search of all ways to sing them, which takes long.
    for search in ("clocks", "loosest_clock"):
        monkeypatch.setattr(SongWords, search, None)
    with pytest.raises(Contradiction, match=r"56 syllables, .* at most \d+ notes in 8 bars") as caught:
        finish(draw_sheet(desk, 1))
    assert {("bars", 16), ("fit", True)} <= {(way.field, way.value) for way in caught.value.ways_out}
    assert ("words_first", False) in {(way.field, way.value) for way in caught.value.ways_out}


def test_words_too_short_for_their_section_are_offered_what_carries_them(
    studio: Studio, tmp_path: Path
) -> None:
    # Quarter notes only, four in every bar: eight syllables in eight bars have no melody.
    folder = tmp_path / "walks"
    folder.mkdir()
    scale = [60, 62, 64, 65, 67, 65, 64, 62]
    for number in range(6):
        pitches = [(scale[(step + number) % 8], 1) for step in range(60)]
        chords = [(4 * bar, ("C", "F", "G7", "C")[bar % 4]) for bar in range(16)]
        tune = Tune.of([*pitches, (60, 4)], key="C", chords=chords, title=f"Walk {number}")
        (folder / f"{number}.musicxml").write_bytes(write_musicxml(tune))
    asked = ["--style", folder, "--form", "A", "--bars", "8", "--dissonance", "free", "--max-copy", "40"]
    asked += ["--meter", "4/4", "--words", "Over the hills\nunder the sky"]
    status, out, said = studio("song", "-o", "song.musicxml", *asked, "--json")
    assert status == 2
    assert "have 8 syllables" in said
    assert "notes in 8 bars" in said
    assert "--fit or --no-words-first" in said
    ways = {way["field"]: way["value"] for way in json.loads(out)["ways_out"]}
    assert {"fit", "words_first", "bars"} <= set(ways)
    for number, more in enumerate((["--bars", str(ways["bars"])], ["--fit"], ["--no-words-first"])):
        status, out, said = studio("song", "-o", f"{number}.musicxml", *asked, *more, "--json")
        assert status == 0, said
        notes = music21.converter.parse(f"{number}.musicxml").flatten().notes
        printed = "".join(lyric.text for note in notes for lyric in note.lyrics).lower()
        assert printed.startswith("overthehillsunderthesky")
        facts = json.loads(out)["facts"]
        fitted = "The words are sung 4 times, so that every note has a syllable."
        assert facts["words"].get("fitted") == (fitted if more == ["--fit"] else None)
        assert dict(facts_in_words(facts))["words"].startswith(fitted) == (more == ["--fit"])


def test_many_lines_for_one_section_become_verses() -> None:
    recipe = SongRecipe(words="[A]\n" + "\n".join(["Over the hills we go"] * 9), form="A", bars=8)
    error = Contradiction("", [AskedFor("words", "", "")], [])
    ways = [way for way in ways_for_words(recipe, error) if "verses" in way.label]
    stanzas = read_lyrics(ways[0].value).stanzas
    assert [len(stanza.lines) for stanza in stanzas] == [4, 4, 1]
    assert all(stanza.name == "A" for stanza in stanzas)


def test_stanzas_of_one_section_share_a_melody_that_carries_the_longer_lines() -> None:
    plan = SheetPlan.of("AABA", 32, Key.parse("C"))
    words = "[A]\nOver the sea\nhome\n\n[A]\nAway\nI am coming home\n\n[B]\nla la"
    found = SongWords.leading(SongRecipe(words=words), plan, rules="5")
    assert found is not None
    assert [line.notes for line in found.lines["A"]] == [4, 5]
    assert [line.notes for line in found.lines["B"]] == [2]


def test_a_stanza_goes_through_all_of_a_hymn() -> None:
    """Its four lines are its four sections, and the next stanza is another verse; by released rules the first
    section had to carry all of a stanza, as sections of eight bars do.
    """
    hymn = "One for the road\nTwo by the sea\nThree in a row\nFour under me"
    recipe = SongRecipe(words=f"{hymn}\n\n{hymn.lower()}", form="hymn")

    def lines(bars: int, rules: str) -> dict[str, list[str]]:
        found = SongWords.leading(recipe, SheetPlan.of("hymn", bars, Key.parse("C")), rules=rules)
        assert found is not None
        return {letter: [line.text for line in sung] for letter, sung in found.lines.items()}

    assert lines(16, "10") == dict(zip("ABCD", ([line] for line in hymn.split("\n")), strict=True))
    assert len(lines(16, "9")["A"]) == len(lines(32, "10")["A"]) == 4


def test_unstressed_beginnings_are_upbeats() -> None:
    (stanza,) = read_lyrics("The rivers run\nOver the sea\nAlone").stanzas
    assert [upbeats(line) for line in stanza.lines] == [1, 0, 1]


def test_works_engraved_by_earlier_rules_keep_their_extenders() -> None:
    for rules, hyphens in (
        ("6", False),
        ("7", True),
        ("8", True),
        ("9", True),
        ("10", True),
        ("11", True),
        ("", False),
    ):
        versions = {"engraving": rules} if rules else {}
        asked = engraved(
            SongRecipe(setting=Setting(versions=versions, device="cpu")), sections_of([("A", 8)])
        )
        assert asked["hyphens"] == hyphens == (asked["lines"] in ("printed", "apart", "heard", "clear")), (
            rules
        )
        assert asked["heard"] == (rules in ("9", "10", "11"))  # and notes their names
        assert asked["marks"] == (
            {1: "A"} if rules in ("9", "10", "11") else {}
        )  # and files no names of sections


LEADING = (
    "[A]\nI was walking in the morning\nWhere the river meets the sea\n\n[B]\nOver the hills\nSoftly and low"
)


@pytest.fixture(scope="module")
def led(style: Style) -> tuple[SheetDesk, Sheet]:
    desk = desk_of(style, form="ABA", bars=12, words=LEADING, dissonance="free")
    return desk, finish(draw_sheet(desk, 1))


def test_words_that_begin_unstressed_begin_before_the_bar(led: tuple[SheetDesk, Sheet]) -> None:
    """Read by another library: "I was" in the pick-up and again before the last section, which is else the
    same to the note; "Over" on the first beat of the bridge.
    """
    written = write_musicxml(sung(*led)).decode()
    bars = music21.converter.parseData(written, format="musicxml").parts[0].getElementsByClass("Measure")
    said = [[note.lyrics[0].text for note in bar.notes if getattr(note, "lyrics", None)] for bar in bars]
    assert bars[0].paddingLeft > 0
    assert said[0] == ["I", "was"]
    assert said[1][0] == "walk"
    assert said[8][-2:] == ["I", "was"]  # the last bar of the bridge
    assert said[5][:2] == ["O", "ver"]
    heard = [
        [(n.offset, n.pitch.midi) for n in bar.notes if isinstance(n, music21.note.Note)] for bar in bars
    ]
    assert heard[1:5] == heard[9:13]


def test_an_upbeat_in_a_section_without_words_is_told(style: Style) -> None:
    """ "I was", which leads to the last section, is sung in the last bar of the bridge."""
    fields = {"form": "ABA", "bars": 12, "dissonance": "free"}
    desk = desk_of(style, words=LEADING.partition("\n\n")[0], **fields)
    sheet = finish(draw_sheet(desk, 1))
    tune, facts = with_words(desk.recipe.model_copy(update={"seed": 1}), sheet.tune, sheet.sections, {})
    bars = [bar for bar in tune.bars() if 5 <= bar.number <= 8]
    sung = [word.text for word in tune.words if bars[0].start <= word.start < bars[-1].end]
    assert sung == ["I", "was"]
    said = "No words are sung in the section B, but for the upbeat at its end; it is for instruments alone"
    assert facts["words"]["remarks"][0].startswith(said)
    (offer,) = facts["offers"]  # which gives it words
    assert offer["field"] == "words"
    again = desk.recipe.model_copy(update={"words": offer["value"]})
    there = SongWords.leading(again, desk.plan, rules="10")
    assert there is not None
    assert [line.text for line in there.lyrics.stanzas[-1].lines] == LEADING.split("\n")[1:3]
    assert set(there.lines) == {"A", "B"}


def test_a_kept_section_leads_on_only_to_what_it_led_to(style: Style, led: tuple[SheetDesk, Sheet]) -> None:
    """The bridge is kept and ends the new song: "I was", which led from it to the last section, is not."""
    sections = tuple((each.name, each.first_bar, each.bars) for each in led[1].sections)
    record = SongRecord("Earlier", sung(*led), sections)
    fields = {"bars": 12, "form": "AAB", "key": "C", "meter": "4/4", "max_copy": 12, "words": LEADING}
    recipe = SongRecipe(**fields, keep_sections=("B",), dissonance="free")  # type: ignore[arg-type]
    desk = finish(prepare(recipe, SongStyles(style), GivenTunes(records=(record,))))
    sheet = finish(draw_sheet(desk, 2))
    before, now = record.tune, sung(desk, sheet)

    def bar(tune: Tune, number: int) -> list[tuple[int | None, Fraction]]:
        found = next(each for each in tune.bars() if each.number == number)
        return [(n.pitch, n.start - found.start) for n in tune.notes if found.start <= n.start < found.end]

    assert [bar(now, number) for number in (9, 10, 11)] == [bar(before, number) for number in (5, 6, 7)]
    assert bar(now, 12) == bar(before, 8)[:-2]
    assert now.notes[-1].end == now.end
    words = " ".join(word.text for word in now.words)
    assert words.count("I was walk ing") == 2
    assert words.endswith("low")


def test_notes_before_a_section_lie_in_range_and_scale_and_copy_nothing(led: tuple[SheetDesk, Sheet]) -> None:
    desk, sheet = led
    low, high = desk.sung.range
    notes = [sheet.tune.sounding[place] for place in sheet.led]
    assert len(notes) == 4
    assert all(low <= (note.pitch or 0) <= high for note in notes)
    assert all((note.pitch or 0) % 12 in sheet.tune.key.scale for note in notes)
    assert desk.sung.keeps_line([note.pitch or 0 for note in sheet.tune.sounding], 12)
    assert not [note for note in sheet.tune.notes if note.duration <= 0]


def test_lines_that_scan_alike_have_one_rhythm_and_end_on_the_longest_note() -> None:
    lines = read_lyrics("Over the hills we go\nSoftly the rivers flow").stanzas[0].lines
    pace, random = LineRhythms(Meter.parse("4/4"), Fraction(1, 2)), np.random.default_rng(4)
    one, other = (
        pace.places(line.syllables, 16 * number, 16 * number + 16, random)
        for number, line in enumerate(lines)
    )
    assert [place + 16 for place in one] == list(other)
    steps = [b - a for a, b in pairwise([*one, 16])]
    assert steps[-1] == max(steps)
    assert all(
        place % 2 == 0
        for place, syllable in zip(one, lines[0].syllables, strict=True)
        if syllable.stress == 1
    )


@pytest.mark.parametrize(
    ("line", "before"),
    [
        ("Oh, the moon is high", 2),
        ("I was walking", 2),
        ("Tomorrow I will go", 1),
        ("Rain on the window", 0),
        ("But when I came", 1),
        ("of the", 0),
    ],
)
def test_how_many_syllables_lead_to_the_first_strong_one(line: str, before: int) -> None:
    assert lead_of(read_lyrics(line).stanzas[0].lines[0]) == before


def test_a_german_article_leads_to_the_bar_line_by_todays_rules() -> None:
    line = "Der Mond ist aufgegangen"
    leads = [lead_of(read_lyrics(line, "de", light=light).stanzas[0].lines[0]) for light in (True, False)]
    assert leads == [1, 0]


def test_verses_that_begin_in_another_way_share_their_sections_notes() -> None:
    plan = SheetPlan.of("AABA", 32, Key.parse("C"))
    words = "[A]\nI was walking home\n\n[A]\nRain was falling\n\n[A]\nThe night is long\n\n[B]\nla la"
    found = SongWords.leading(SongRecipe(words=words), plan, rules="6")
    assert found is not None
    assert found.leads == (2, 0, 0, 1)
    assert [line.notes for line in found.lines["A"]] == [4]
    assert SongWords.leading(SongRecipe(words=words), plan, rules="5").leads == (0, 0, 0, 0)  # type: ignore[union-attr]


def test_words_lead_from_a_section_without_words_too(style: Style) -> None:
    """By rules 7 they found no room there but by chance, and the song was drawn again and again."""
    words = "[A]\nI was walking in the morning\nWhere the river meets the sea"
    asked = {"form": "ABA", "bars": 12, "words": words, "dissonance": "free"}
    desk = desk_of(style, **asked)
    part = next(part for part in desk.plan.sections if part.letter == "B")
    assert desk.words is not None
    assert desk.words.lead_beats(2) == 2
    for seed in range(4):
        sheet = finish(draw_sheet(desk, seed))
        free = 8 * desk.sung.meter.bar_length - 2  # of the song without the notes before its first bar
        own = [note.start - sheet.tune.pickup for note in sheet.tune.sounding]
        lead = [start for number, start in enumerate(own) if number in sheet.led and start > 0]
        assert lead
        assert [start for start in own if free <= start < free + 2] == lead
    earlier = setting("cpu", drawing="7")
    before = SongRecipe(key="C", meter="4/4", max_copy=12, setting=earlier, **asked)  # type: ignore[arg-type]
    old = finish(prepare(before, SongStyles(style, rules="7")))
    view = old.sections(old.chords.rows(1, np.random.default_rng(0)).rows[0])[1]
    assert view.part.letter == part.letter
    assert not [each for each in view.usual if "lead on" in each.name], "songs of rules 7 are as they were"


def test_words_laid_under_a_melody_that_is_there_already() -> None:
    recipe = SongRecipe(words="one two three four", words_first=False, divide_notes=True)
    tune = Tune.of([(60, 2), (62, 1), (64, 1)])
    found, facts = with_words(recipe, tune, (), {"origins": [[1]], "bars": 1})
    assert [word.text for word in found.words] == ["one", "two", "three", "four"]
    assert facts["words"]["syllables"] == 4
    assert "origins" not in facts
    with pytest.raises(Contradiction, match="1 syllable more"):
        with_words(recipe.model_copy(update={"divide_notes": False}), tune, (), {})


def test_recipes_of_before_keep_their_fingerprint() -> None:
    plain = SongRecipe(seed=3)
    assert not {"words", "language", "words_first", "divide_notes"} & set(json.loads(plain.to_json()))
    assert plain.fingerprint != SongRecipe(seed=3, words="la").fingerprint


def test_words_on_the_command_line_in_python_and_made_again(studio: Studio, tmp_path: Path) -> None:
    folder = tmp_path / "style"
    folder.mkdir()
    for seed in range(8):
        (folder / f"{seed}.musicxml").write_bytes(write_musicxml(song_like(seed)))
    words = tmp_path / "lyrics.txt"
    words.write_text("Home we are going\n", "utf-8")
    melody = tmp_path / "tune.musicxml"
    melody.write_bytes(write_musicxml(Tune.of([(60 + n % 3, 1) for n in range(6)] + [(60, 2)])))
    out = tmp_path / "song.musicxml"
    asked = ("song", "-o", out, "--style", folder, "--melody", melody, "--words", words)
    assert studio(*asked)[0] == 0
    text = out.read_text("utf-8")
    assert all(f"<text>{part}</text>" in text for part in ("Home", "we", "are", "go", "ing"))
    assert studio("remake", out)[1].strip() == "Identical, to the byte."
    _, shown, _ = studio("read", out)
    assert "go-" in shown
    _, pattern, _ = studio("words", out)
    assert "DUM da" in pattern
    assert "7 syllables" in pattern
    status, _, told = studio("words", melody, "Away we go", "-o", tmp_path / "laid.mid")
    assert (status, "Stress against the beat: 1 of 1 words." in told) == (0, True)
    assert b"\xff\x05" in (tmp_path / "laid.mid").read_bytes()  # lyric events
    status, _, told = studio(*asked[:3], "--force", *asked[3:-1], " ".join(["too"] * 40))
    assert (status, "33 syllables more than its 7 notes" in told) == (2, True)
    assert told.endswith("long notes are divided (--fit).\n")
    work = library.song(melody=melody, style=str(folder), words=words, progress=False)
    assert [word.text for word in work.tune.words] == ["Home", "we", "are", "go", "ing"]  # type: ignore[attr-defined]
    assert work.pattern  # type: ignore[attr-defined]
