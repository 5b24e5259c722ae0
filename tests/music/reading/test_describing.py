"""What the studio hears in a score is shown as a musician would check it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from studio.cli import commands
from studio.errors import Missing, Refused, Unreadable
from studio.music.reading.describing import heard_as_plain, heard_in, heard_in_words
from studio.music.reading.readers import read_tunes
from studio.music.writing.formats import by_name

SONG = 'X:1\nT:Two bars\nC:Trad.\nM:3/4\nL:1/4\nQ:1/4=90\nK:G\nD|"G"G2-"D7"G|1{c}BA3/2z/2:|2G3|]\n'


def _read(*arguments: str | Path) -> Result:
    return CliRunner().invoke(commands, ["read", *map(str, arguments)])


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "song.abc"
    path.write_text(SONG)
    return path


def test_a_score_in_words() -> None:
    lines = list(heard_in_words(heard_in([("song.abc", read_tunes(SONG.encode(), "song.abc"))])))
    assert lines == [
        "Two bars",
        "  Trad.",
        "  3/4, G major, 90 quarter notes a minute, 3 bars, 5 notes, 2 chord symbols, a pick-up of 1",
        "    0  |: D4",
        "    1  [G] [D7+2] G4:3",
        "    2  [1. B4 A4:3/2 rest:1/2 :|",
        "    3  [2. G4:3",
        "",
        "  - Grace notes left out: 1.",
    ]


def test_a_score_as_json(song: Path) -> None:
    told = json.loads(_read(song, "--json").output)
    assert told == heard_as_plain(heard_in([("song.abc", read_tunes(SONG.encode(), "song.abc"))]))
    (tune,) = told["tunes"]
    assert {key: tune[key] for key in ("title", "meter", "key", "tempo", "pickup", "bars")} == {
        "title": "Two bars",
        "meter": "3/4",
        "key": "G major",
        "tempo": 90,
        "pickup": "1",
        "bars": 3,
    }
    assert tune["notes"][4] == {"start": "13/2", "duration": "1/2", "pitch": None}
    assert tune["chords"] == [{"start": "1", "symbol": "G"}, {"start": "3", "symbol": "D7"}]
    assert told["remarks"] == ["Grace notes left out: 1."]
    played = json.loads(_read(song, "--json", "--played").output)["tunes"][0]
    assert [note["pitch"] for note in played["notes"]] == [62, 67, 71, 69, None, 62, 67, 67]


def test_syllables_are_told_with_their_notes(song: Path) -> None:
    xml = song.with_suffix(".musicxml")
    assert _read(song, "-o", xml).stdout.strip() == str(xml)
    lyric = "<lyric><syllabic>{}</syllabic><text>{}</text></lyric></note>"
    first, second, rest = xml.read_text().split("</note>", 2)
    xml.write_text(first + lyric.format("begin", "Glo") + second + lyric.format("end", "ria") + rest)
    told = json.loads(_read(xml, "--json").output)["tunes"][0]
    assert told["notes"][0] == {"start": "0", "duration": "1", "pitch": 62, "word": "Glo"}
    assert "       1. Glo-" in _read(xml).output.splitlines()


@pytest.mark.parametrize("suffix", [".mid", ".musicxml", ".mxl", ".abc", ".svg"])
def test_a_score_is_converted(suffix: str, song: Path) -> None:
    path = song.with_name("out" + suffix)
    assert _read(song, "--played", "-o", path).exit_code == 0
    if suffix != ".svg":
        (tune,) = read_tunes(path.read_bytes(), path.name).tunes
        assert [note.pitch for note in tune.sounding] == [62, 67, 71, 69, 62, 67, 67]
    with pytest.raises(Refused, match="exists already"):
        raise _read(song, "-o", path).exception or AssertionError


def test_several_tunes_are_numbered_and_remarks_name_their_file(song: Path) -> None:
    other = song.with_name("other.abc")
    other.write_text(SONG.replace("Two bars", "Another"))
    out = song.with_name("out.abc")
    assert _read(song, other, "-o", out).exit_code == 0
    assert [path.name for path in sorted(song.parent.glob("out*"))] == ["out-1.abc", "out-2.abc"]
    assert "T:Another" in song.with_name("out-2.abc").read_text()
    remarks = json.loads(_read(song, other, "--json").output)["remarks"]
    assert remarks == ["song.abc: Grace notes left out: 1.", "other.abc: Grace notes left out: 1."]


def test_what_cannot_be_read_or_written_is_refused(song: Path) -> None:
    for arguments, kind in (((song.with_name("no.abc"),), Missing), ((song, "-o", "x.foo"), Refused)):
        assert isinstance(_read(*arguments).exception, kind)


def test_one_bad_file_does_not_hide_the_others(song: Path) -> None:
    bad, out = song.with_name("bad.abc"), song.with_name("all.abc")
    bad.write_text("no score")
    shown = _read(bad, song, "no.abc")
    assert isinstance(shown.exception, Missing)
    assert shown.stdout.startswith("Two bars")
    assert shown.stderr.startswith("studio: bad.abc is not a MIDI, MusicXML, ABC or Humdrum file")
    told = json.loads(_read(song, bad, "--json").stdout)
    assert (len(told["tunes"]), "bad.abc is not" in told["remarks"][-1]) == (1, True)
    assert isinstance(_read(bad, song, "-o", out).exception, Unreadable)
    assert not out.exists()


TWO_VOICES = (
    "X:1\nT:Two\nM:4/4\nL:1/4\nK:C\nV:1 name=Soprano\n[CE]DEF|{a}G4|]\nV:2 name=Bass\nC,2G,,2|C,4|]\n"
)


def test_a_conversion_does_not_say_that_chords_and_parts_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "two.abc"
    path.write_text(TWO_VOICES)
    of_melody = [
        "The melody was taken from 'Soprano', one of 2 parts.",
        "Chords reduced to their top note: 1.",
    ]
    grace = "Grace notes left out: 1."
    shown = json.loads(_read(path, "--json").output)
    assert sorted(shown["remarks"]) == sorted([*of_melody, grace])
    written = tmp_path / "two.musicxml"
    converted = _read(path, "-o", written)
    assert converted.stderr.splitlines() == [grace, "All 2 parts were written."]
    again = json.loads(_read(path, "-o", written, "--force", "--json").output)
    assert again["remarks"] == [grace, "All 2 parts were written."]
    parts = json.loads(_read(written, "--json").output)["tunes"][0]["parts"]
    assert [note["pitch"] for note in parts[0]["notes"] if note["start"] == "0"] == [60, 64]


def _bars(abc: str) -> list[str]:
    lines = heard_in_words(heard_in([("x.abc", read_tunes(abc.encode(), "x.abc"))]))
    return [line.strip() for line in lines if line[:5].strip().isdigit()]


def test_signs_inside_a_bar_are_listed_where_they_stand() -> None:
    bars = _bars("X:1\nM:3/4\nL:1/4\nK:C\nG|:c d e|c d:|:f|c d e|c z:|z|c3|]\n")
    assert bars == [
        "0  G4",
        "1  |: C5 D5 E5",
        "2  C5 D5 :| |: F5",
        "3  C5 D5 E5",
        "4  C5 rest :| rest",
        "5  C5:3",
    ]


def test_modes_that_midi_does_not_know_are_said(tmp_path: Path) -> None:
    (tmp_path / "e.abc").write_text("X:1\nM:4/4\nL:1/4\nK:Edor\nEGBc|[K:Emin]E4|[K:Gmix]G4|]\n")
    told = _read(tmp_path / "e.abc", "-o", tmp_path / "e.mid").output
    assert "MIDI has no modes but major and minor; E dorian is written as B minor." in told
    assert "G mixolydian is written as C major." in told
    assert "E minor is" not in told
    (back,) = read_tunes((tmp_path / "e.mid").read_bytes(), "e.mid").tunes
    assert [str(change.key) for change in back.keys] == ["B minor", "E minor", "C major"]


def test_advice_on_lengths_that_a_format_cannot_hold_works() -> None:
    def refused(music: str, format: str) -> str:
        (tune,) = read_tunes(f"X:1\nM:2/4\nL:1/4\nK:C\n{music}|]\n".encode(), "x.abc").tunes
        with pytest.raises(Refused) as caught:
            by_name(format).to_bytes(tune)
        return str(caught.value)

    both = "c/512 c7/512 c c11/13 c/7 c/11 c/17"
    for format in ("mid", "musicxml", "abc"):
        assert "write ." not in refused(both, format)
    assert "or write .mid" in refused("c/512 c7/512", "musicxml")
    by_name("mid").to_bytes(read_tunes(b"X:1\nL:1/4\nK:C\nc/512 c7/512|]\n", "x.abc").tunes[0])
    tuplets = " ".join(f"({number}:2:{number}" + "c/" * number for number in (7, 9, 11, 13, 17))
    assert "write .musicxml" in refused(tuplets, "mid")
