"""What a song keeps of an earlier one is the same note for note, as other libraries read the files."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import music21
import pytest

import studio as library
from studio.errors import Contradiction, Missing, StudioError
from studio.music.bands.band import band_by_name
from studio.music.scores.keys import Key, KeyAt, pitch_name
from studio.music.scores.notes import Note
from studio.music.scores.scores import Part
from studio.music.scores.tunes import Tune
from studio.music.songs.earlier import style_of_earlier
from studio.music.songs.facts import facts_in_words
from studio.music.songs.keeping import Kept, KeptBar
from studio.music.songs.kept_wishes import avoided_in
from studio.music.songs.playing import _with_kept
from studio.music.songs.recipes import MixedPart, SongRecipe, read_keep_section
from studio.music.songs.record import SongRecord
from studio.music.songs.rules import since
from studio.music.songs.sheet import SongStyles, draw_sheet, plan_of, prepare
from studio.music.songs.song import _as_it_was
from studio.music.styles.opening import ready_style
from studio.music.writing.musicxml import write_musicxml
from studio.process import finish
from studio.works.recipe import Setting
from tests.music.lead_sheets import songs

ASKED = {"form": "AABA", "bars": 32, "key": "F", "meter": "4/4", "max_copy": 12, "band": "trio"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    there = tmp_path_factory.mktemp("sheets")
    for number, tune in enumerate(songs(12)):
        (there / f"{number}.musicxml").write_bytes(write_musicxml(tune))
    return there


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def first(folder: Path) -> Any:
    return library.song(style=folder, **ASKED, seed=5, progress=False)


def rows(work: Any) -> dict[str, list[tuple[float, tuple[int, ...], float]]]:
    """Part -> (place, pitches, length) of all its notes, as music21 reads the full score."""
    score = music21.converter.parseData(work.content.decode(), format="musicxml")
    found = {}
    for part in score.parts:
        sounding = part.stripTies().flatten().notes
        found[part.partName] = [
            (float(each.offset), tuple(pitch.midi for pitch in each.pitches), float(each.quarterLength))
            for each in sounding
            if not isinstance(each, music21.harmony.ChordSymbol)
        ]
    return found


def chords(work: Any) -> list[tuple[float, str]]:
    score = music21.converter.parseData(work.content.decode(), format="musicxml")
    symbols = score.parts[0].recurse().getElementsByClass(music21.harmony.ChordSymbol)
    return [(float(each.getOffsetInHierarchy(score.parts[0])), each.figure) for each in symbols]


def lead(work: Any) -> list[tuple[Any, ...]]:
    return [(note.pitch, note.start, note.duration) for note in work.tune.notes]


def bars(work: Any, first: int, last: int) -> list[tuple[Any, ...]]:
    return [row for row in lead(work) if 4 * (first - 1) <= row[1] < 4 * last]


def again(folder: Path | None, earlier: Any, **more: Any) -> Any:
    style = {} if folder is None else {"style": folder}
    return library.song(**style, earlier=earlier, progress=False, **{"seed": 6, **more})


@pytest.fixture(scope="module")
def second(first: Any, folder: Path) -> Any:
    """One section and the bass are kept, everything else is asked again."""
    return again(folder, first, keep_sections="A2", keep_parts="bass")


def test_a_section_and_the_bass_are_kept_note_for_note(first: Any, second: Any) -> None:
    before, now = rows(first), rows(second)
    assert now["Bass"] == before["Bass"]
    assert chords(second) == chords(first)
    for begin in (1, 9, 25):
        assert bars(second, begin, begin + 7) == bars(first, begin, begin + 7)
    assert bars(second, 17, 24) != bars(first, 17, 24)
    intro = 4 * 4
    for name in now:  # the band's playing in the kept sections stays too
        for start, end in ((intro + 36, intro + 60), (intro + 100, intro + 124)):
            assert [r for r in now[name] if start <= r[0] < end] == [
                r for r in before[name] if start <= r[0] < end
            ], name


def test_the_earlier_song_is_a_parent(first: Any, second: Any) -> None:
    assert [parent.id for parent in second.parents] == [first.id]


def test_it_is_made_again_identically(second: Any) -> None:
    from studio.making.remaking import remake
    from studio.process import finish
    from studio.works.gallery import Gallery

    with Gallery.open() as gallery:
        remade = finish(remake(second.content, gallery))
    assert remade.identical, remade.sentence


def test_chords_stay_while_the_melody_is_new_and_the_other_way_round(first: Any, folder: Path) -> None:
    melody = again(folder, first, keep_parts="chords")
    assert melody.chords == first.chords
    assert lead(melody) != lead(first)
    harmony = again(folder, first, keep_parts="tune", keep_chords="1-4")
    assert lead(harmony) == lead(first)
    assert harmony.chords != first.chords
    assert harmony.chords.split(" | ")[:4] == first.chords.split(" | ")[:4]


def test_only_one_part_of_the_band_is_asked_again(first: Any) -> None:
    """And the style of one's own is that of the earlier song."""
    others = [name for name in rows(first) if name != "Left hand"]
    work = again(None, first, keep_parts=["tune", "chords", *others])
    assert [each.sha256 for each in work.recipe.sources if each.role == "tune"] == [
        each.sha256 for each in first.recipe.sources if each.role == "tune"
    ]
    before, now = rows(first), rows(work)
    assert lead(work) == lead(first)
    for name in others:
        assert now[name] == before[name], name
    assert now["Left hand"] != before["Left hand"]


def test_a_style_of_ones_own_that_is_gone_is_to_be_named_again(first: Any) -> None:
    class Empty:
        def read_source(self, source: Any) -> bytes:
            raise Missing(f"The gallery does not have {source.name}.")

    with pytest.raises(
        Missing, match=r"made after 0\.musicxml, which this gallery does not have: name its style"
    ):
        style_of_earlier(first.recipe, Empty())  # type: ignore[arg-type]


def test_bars_and_notes_are_kept(first: Any, folder: Path) -> None:
    work = again(folder, first, band="", keep="2-3", keep_notes=[place_of(first, 20)])
    for begin in (2, 10, 26):
        assert bars(work, begin, begin + 1) == bars(first, begin, begin + 1)
    assert bars(work, 1, 1) != bars(first, 1, 1) or bars(work, 4, 8) != bars(first, 4, 8)
    note = next(row for row in bars(first, 20, 20) if row[0] is not None)
    assert note in bars(work, 20, 20)


@pytest.mark.parametrize(("earlier", "bar"), [(2, 3), (4, 4)])
def test_notes_at_the_edges_of_kept_bars_are_not_tied_to_others(earlier: int, bar: int) -> None:
    """Where a bar line is between two notes of the earlier song, it is between two notes again. By rules 11 a
    kept note became the end of the one before it, or was held on.
    """
    asked = {
        "style": "songbook-manner",
        "form": "A",
        "bars": 8,
        "meter": "4/4",
        "key": "F",
        "progress": False,
    }
    first = library.song(seed=earlier, **asked)
    for seed in (1, 3):
        work = library.song(seed=seed, earlier=[first], keep=f"{bar}-{bar}", **asked)
        for start in (4 * bar - 4, 4 * bar):
            assert not any(note.start < start < note.end for note in first.tune.sounding)
            assert not any(note.start < start < note.end for note in work.tune.sounding)
        inside = [[n for n in w.tune.sounding if 4 * bar - 4 <= n.start < 4 * bar] for w in (first, work)]
        assert inside[0] == inside[1]


def place_of(work: Any, bar: int) -> str:
    """Where the first note of a bar begins."""
    start = next(row[1] for row in bars(work, bar, bar) if row[0] is not None)
    beat = start - 4 * (bar - 1) + 1
    return f"{bar}:{beat}" if beat.denominator == 1 else f"{bar}:{float(beat)}"


def test_a_form_is_built_of_sections_of_two_songs(first: Any, second: Any, folder: Path) -> None:
    work = library.song(
        style=folder,
        earlier=[first, second],
        keep_sections=["A=1:B", "B=2:A", "C=2:B"],
        form="ABAC",
        band="",
        seed=1,
        progress=False,
    )
    sounding = [(row[0], row[1] % 32, row[2]) for row in lead(work)]

    def section(of: Any, number: int) -> list[tuple[Any, ...]]:
        return [(row[0], row[1] % 32, row[2]) for row in bars(of, 8 * number + 1, 8 * number + 8)]

    expected = [section(first, 2), section(second, 0), section(first, 2), section(second, 2)]
    assert sounding == [row for each in expected for row in each]


def test_a_section_is_varied(first: Any, folder: Path) -> None:
    work = again(folder, first, form="AA'BA", keep_sections=["A", "B"], band="")
    assert bars(work, 1, 8) == bars(first, 1, 8)
    assert bars(work, 17, 32) == bars(first, 17, 32)
    assert bars(work, 9, 14) == bars(first, 9, 14)
    others = [again(folder, first, form="AA'BA", keep_sections=["A", "B"], band="", seed=7), work]
    assert any(bars(each, 15, 16) != bars(first, 15, 16) for each in others)


def test_a_song_says_where_what_it_keeps_comes_from(first: Any, second: Any) -> None:
    (kept,) = second.facts["kept"]
    assert kept["title"] == first.title
    assert kept["melody"] == ["1-16", "25-32"]
    assert kept["parts"] == ["Bass"]
    assert len(second.facts["origins"]) == len(second.tune.sounding)
    named = {part["name"]: part for part in second.facts["band"]["parts"]}
    assert named["Bass"]["kept"]
    assert not named["Left hand"]["kept"]
    assert named["Bass"]["tones"]["root"] > 0.2


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"keep_parts": "Tuba"}, "Tuba"),
        ({"keep_parts": "bass", "band": "waltz", "meter": "3/4"}, "trio"),
        ({"keep_sections": "C"}, "no section C in this song"),
        ({"keep_sections": "A9"}, "no section A9"),
        ({"keep_sections": "A=2:A"}, "1 was given"),
        ({"keep_sections": "A", "bars": 16}, "8 bars"),
        ({"keep": "30-40"}, "32 bars"),
        ({"keep_notes": "1:1.37"}, "No note"),
        ({"keep_sections": "A", "meter": "3/4"}, "is in 4/4"),
        ({"keep_sections": "A", "pins": "1:1=C2"}, "bar 1 is not as the pin 1:1=C2 says"),
        ({"keep_sections": "A", "range": "C7:C8"}, "outside of the range C7:C8"),
        ({"keep_sections": "A", "end": "C2"}, "not on C2"),
        ({"keep_sections": "A", "chords": "C#dim | Bm7 | C | C"}, "C#dim is written for that bar"),
        ({"keep_sections": "A", "chord_changes": "7:8"}, "7 to 8 chords a bar are asked for"),
        ({"keep_parts": ["tune", "chords"], "chord_changes": "7:8"}, "7 to 8 chords a bar are asked for"),
        ({"keep_sections": "A", "scale": "C C#"}, "is not in the scale 'C C#'"),
        ({"keep_sections": "B", "density": "30:31"}, "not 30 to 31 notes a bar"),
        ({"keep_sections": "A", "density": "0:0"}, "not 0 to 0 notes a bar"),
        ({"keep_sections": "B", "rhythm": "18=1/4 15/4"}, "bar 18 is not in the rhythm '18=1/4 15/4'"),
        ({"keep_parts": "tune", "motifs": "+1 +11"}, "A and B are kept, and have the motif +1 +11 nowhere"),
        ({"keep_sections": "A", "cadences": "8=2"}, "bar 8 does not close on degree 2, G"),
        ({"keep_sections": "A", "contour": ["1:C2", "9:C2"], "contour_limit": 1}, "off the contour"),
        ({"keep_sections": "A", "key": "C"}, "is in F major, but the song is asked for in C major"),
        ({"keep_sections": "B", "section_keys": "B=Bb"}, "but section B is asked for in Bb major"),
        ({"keep": ["1-2", "2=9"]}, "Bars 2 and 9 of the earlier song are both kept as bar 2"),
        ({"keep_sections": ["A=A", "A=B"]}, "Two sections are kept as section A"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_a_sentence(
    first: Any, folder: Path, more: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(StudioError) as refused:
        again(folder, first, **more)
    assert sentence in str(refused.value)
    assert str(refused.value).count(". ") == 0


def test_a_kept_section_that_is_as_asked_is_kept(first: Any, folder: Path) -> None:
    begins, *_, ends = first.tune.sounding
    assert begins.start.denominator == 1
    pinned = f"1:{begins.start + 1}={pitch_name(begins.pitch)}*{begins.duration}"
    last = pitch_name(ends.pitch)
    asked = again(folder, first, keep_sections="A", pins=pinned, end=last, range="A2:C7", band="")
    assert bars(asked, 1, 8) == bars(first, 1, 8)


def kept_by(first: Any, rules: str = "", **asked: Any) -> tuple[SongRecipe, Kept]:
    """The request, and what it keeps of a song in AABA of 32 bars in F."""
    setting = Setting(versions={"drawing": rules}, device="cpu") if rules else None
    recipe = SongRecipe(form="AABA", bars=32, key="F", setting=setting, **asked)
    record = SongRecord(first.title, first.tune, (("A", 1, 8), ("A", 9, 8), ("B", 17, 8), ("A", 25, 8)))
    kept = Kept.of(recipe, plan_of(recipe, Key.parse("F")), [record])
    assert kept is not None
    return recipe, kept


def test_what_is_to_be_avoided_is_not_kept(first: Any) -> None:
    """Nor does it come from a section that is kept to one that is drawn."""
    pitches = [note.pitch for note in first.tune.sounding if note.start < 64]
    word = " ".join(map(pitch_name, pitches[2:5]))
    with pytest.raises(Contradiction, match=f"has {word}, which is to be avoided") as refused:
        kept_by(first, keep_sections=("A",), avoid=(word,))
    assert [way.field for way in refused.value.ways_out] == ["avoid"]
    next_one = next(note.pitch for note in first.tune.sounding if note.start >= 64)
    over = next(
        run for at in range(20) if (run := [*pitches[-1 - at :], next_one]) and not within(run, pitches)
    )
    recipe, kept = kept_by(first, keep_sections=("A",), avoid=(" ".join(map(pitch_name, over)),))
    assert avoided_in(recipe, kept, first.tune)
    other = recipe.model_copy(update={"avoid": (f"{word} C9",)})
    assert not avoided_in(other, kept, first.tune)


def within(run: list[Any], line: list[Any]) -> bool:
    return any(line[at : at + len(run)] == run for at in range(len(line)))


def held(rules: str, *rows: tuple[int, int, int], new: tuple[tuple[int, int, int], ...]) -> list[Any]:
    """(pitch, start, length) of an accompaniment of three bars of 4/4 of which bars 1 and 2 are kept."""
    names = {"piano": tuple(Note(pitch, Fraction(at), Fraction(length)) for pitch, at, length in rows)}
    beats = [(60, Fraction(4))] * 3
    record = SongRecord("Earlier", Tune.of(beats, chords=[(0, "C")]), band="trio", parts=names)
    bars = {number: KeptBar(0, number + 1) for number in (0, 1)}
    plan: Any = SimpleNamespace(bars=3, sections=())
    kept = Kept((record,), plan, bars, bars, (), record.tune, (), "trio", since(rules, "12")).of_band()
    part = Part(tuple(Note(pitch, Fraction(at), Fraction(length)) for pitch, at, length in new), "piano")
    assert kept is not None
    played = _with_kept(part, kept, (), Fraction(0), band_by_name("trio"), Fraction(12))
    return [(note.pitch, int(note.start), int(note.duration)) for note in played.notes]


def test_a_kept_note_is_as_long_as_it_was_over_bar_lines() -> None:
    before = ((50, 0, 2), (52, 3, 3), (53, 7, 4), (55, 11, 1))
    assert held("12", *before, new=((70, 0, 4), (71, 11, 1))) == [*before[:3], (71, 11, 1)]
    # Beyond what is kept it ends where something new begins, and at the end of the song.
    assert held("12", *before, new=((71, 9, 3),))[2:] == [(53, 7, 2), (71, 9, 3)]
    assert held("12", (53, 7, 9), new=()) == [(53, 7, 5)]
    assert held("11", *before, new=((71, 11, 1),))[1] == (52, 3, 1)


def test_single_notes_that_are_kept_are_said() -> None:
    record = SongRecord("Earlier", Tune.of([(60, Fraction(4))] * 3, chords=[(0, "C")]))
    plan: Any = SimpleNamespace(bars=3, sections=())
    kept = Kept((record,), plan, {}, {}, ("1:1=C4*4", "3:1=C4*4"), record.tune, (), "").to_data()
    assert "the notes at 1:1, 3:1 of Earlier" in str(facts_in_words({"kept": kept}))


def test_works_of_earlier_rules_pass_over_what_they_passed_over(first: Any) -> None:
    asked = {"keep_sections": ("A",), "scale": "whole-tone"}
    kept_by(first, rules="11", **asked)
    with pytest.raises(Contradiction, match="scale 'whole-tone'"):
        kept_by(first, rules="12", **asked)


def test_a_section_that_is_kept_keeps_its_key(first: Any, folder: Path, tmp_path: Path) -> None:
    """As music21 reads the signatures."""
    moved = replace(first.tune, keys=(KeyAt(Fraction(0), Key.parse("F")), *changes("Bb", 64, "F", 96)))
    there = tmp_path / "earlier.musicxml"
    there.write_bytes(write_musicxml(moved))
    work = library.song(style=folder, earlier=there, form="AABA", bars=32, keep="17-24", progress=False)
    score = music21.converter.parseData(work.content.decode(), format="musicxml")
    signatures = score.recurse().getElementsByClass(music21.key.KeySignature)
    assert [(each.measureNumber, each.sharps) for each in signatures] == [(1, -1), (17, -2), (25, -1)]
    assert bars(work, 17, 24) == bars(first, 17, 24)


def changes(*told: Any) -> list[KeyAt]:
    return [KeyAt(Fraction(place), Key.parse(key)) for key, place in zip(told[::2], told[1::2], strict=True)]


def test_nothing_is_kept_without_an_earlier_song(folder: Path) -> None:
    with pytest.raises(StudioError, match="no earlier song"):
        library.song(style=folder, keep_sections="A", progress=False)


def test_entries_are_read() -> None:
    there, song, origin = read_keep_section("C=2:A'1")
    assert (there.letter, there.number, song, origin.letter, origin.number) == ("C", 0, 2, "A'", 1)
    assert MixedPart.read("Bass=-3,pan 0.4") == MixedPart("Bass", -3, 0.4)
    assert MixedPart.read("Answers=mute") == MixedPart("Answers", mute=True)


def test_a_mix_and_one_part_alone(first: Any, folder: Path) -> None:
    """Levels and pans are controllers in MIDI; what is muted is not there, and one part is alone."""
    import mido

    everything = ["tune", "chords", "Bass", "Left hand", "Drums"]
    more = {"keep_parts": everything, "format": "mid"}
    whole = again(folder, first, **more)
    mixed = again(folder, first, **more, mix=["Bass=-20,pan -0.5", "Left hand=mute"])
    alone = again(folder, first, **more, write="Bass")

    def tracks(work: Any) -> dict[str, Any]:
        return {track.name: track for track in mido.MidiFile(file=io.BytesIO(work.content)).tracks[1:]}

    def controls(track: Any) -> dict[int, int]:
        return {each.control: each.value for each in track if each.type == "control_change"}

    assert set(tracks(mixed)) == set(tracks(whole)) - {"Left hand"}
    assert list(tracks(alone)) == ["Bass"]
    before, now = controls(tracks(whole)["Bass"]), controls(tracks(mixed)["Bass"])
    assert now[7] < before[7]
    assert now[10] < 64

    def notes(work: Any) -> list[tuple[int, int, int]]:
        track = tracks(work)["Bass"]
        return [(each.note, each.velocity, each.time) for each in track if each.type == "note_on"]

    assert notes(mixed) == notes(whole) == notes(alone)


def test_a_song_that_keeps_every_note_has_a_title_of_its_own(folder: Path, first: Any) -> None:
    """In its file as in the gallery; before, its file had the title of the song it keeps."""
    everything = {"keep_parts": ["tune", "chords"], "seed": 1234, "format": "musicxml"}
    whole = again(folder, first, **everything)
    (title,) = re.findall("<work-title>([^<]*)", whole.content.decode())
    assert title == whole.recipe.called() != first.tune.title
    kept: Any = SimpleNamespace(records=[SongRecord("Earlier", first.tune)], to_data=dict)
    for rules, own in (("2", False), ("3", True)):
        recipe = SongRecipe(seed=1234, setting=Setting(versions={"naming": rules}, device="cpu"))
        tune, _, _ = _as_it_was(recipe, kept)
        assert tune.title == (recipe.called() if own else first.tune.title)


def test_what_was_asked_of_the_version_before_is_the_same_song(folder: Path) -> None:
    """The digest of notes and chords is what 0.4.0 gave."""
    import hashlib

    asked = {"form": "AA'BA", "bars": 32, "key": "F", "meter": "4/4", "max_copy": 12}
    then = SongRecipe(**asked, setting=Setting(versions={"studio": "0.4.0"}, device="cpu"))
    style = ready_style(folder)
    tune = finish(draw_sheet(finish(prepare(then, SongStyles.of(then, style))), 5)).tune
    said = repr(tune.notes + tune.chords).encode()
    assert hashlib.sha256(said).hexdigest().startswith("ee685591ec")


def test_every_chord_says_how_long_a_row_of_the_style_it_ends(first: Any) -> None:
    """By brute force: the chords of all songs of the style, moved to one key, with their lengths."""
    copying = first.facts["chord copying"]
    origins = copying["origins"]
    assert len(origins) == len(set_apart(first.tune.chords))
    assert max(chords for _, chords, _ in origins) == copying["chords"]
    assert all(title for _, chords, title in origins if chords > 1)
    low, middle, high = copying["own songs"]
    assert 1 < low <= middle <= high


def set_apart(chords: Any) -> list[Any]:
    """Without a symbol that is written again although the chord goes on."""
    return [each for place, each in enumerate(chords) if not place or each.symbol != chords[place - 1].symbol]
