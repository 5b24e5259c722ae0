"""What a lead sheet shares with a style, of which there may be hashes alone."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

import pytest
from click.testing import CliRunner

from studio.cli import commands
from studio.music.reading.readers import read_tunes
from studio.music.songs.copied import CopiedIn, copied_in
from studio.music.writing.musicxml import write_musicxml
from studio.process import finish
from tests.music.lead_sheets import songs

# One of the songs that songbook-manner was counted from.
FONTAINE = """X:1
T:A La Claire Fontaine
M:4/4
L:1/8
K:F
"F"F2 FA A"C7"G"F"AF | F2 FA A"C7"G "F"A2 | A2 A"C7"G "F"FAcA | c2 cA FA "C7"G2 |
"F"F2 FA AG/2F/2 AF | "F"A2 AG/2F/2 A"C7"G "F"F2 | "F"F2 "Dm"FA "Bbmaj7"AGAF | "F"F2 FA "Bbmaj7"AG A2 |
"""


def test_hashes_know_a_song_that_was_counted_in_any_key_and_no_other() -> None:
    style = finish(copied_in("songbook-manner"))
    tune = read_tunes(FONTAINE.encode(), "f.abc").tunes[0]
    for each in (tune, tune.transposed(3)):
        runs = style.known_runs(each)
        assert (runs.most_shared, runs.bar, set(runs.shares.values())) == (25, 1, {1.0})
    assert "at least 25 notes (from bar 1)" in runs.sentences[0]
    chords = style.chords(tune)
    assert chords is not None
    assert (chords.chords, chords.below) == (13, 19)
    strange = read_tunes(b"X:1\nK:C\nCGDAEBFc_DA_EB^FcGd|", "s.abc").tunes[0]
    assert style.known_runs(strange).most_shared == 0
    assert "no run of 9 notes or more" in style.known_runs(strange).sentences[0]
    assert style.chords(strange) is None
    others = finish(copied_in("sixties-pop")).chords(tune)
    assert others is not None
    assert "no row of 13 chords" in others.sentence


def test_chords_are_compared_with_a_style_of_lead_sheets(tmp_path: Path) -> None:
    sheets = songs(4)
    for number, sheet in enumerate(sheets):
        (tmp_path / f"{number}.musicxml").write_bytes(write_musicxml(sheet))
    found: CopiedIn = finish(copied_in(tmp_path))
    chords = found.chords(sheets[0])
    assert chords is not None
    changes = [symbol for symbol, _ in groupby(chord.symbol for chord in sheets[0].unfolded().chords)]
    assert (chords.chords, chords.title) == (len(changes), sheets[0].title)


@pytest.mark.parametrize("style", ["songbook-manner", "hymn"])
def test_the_command_takes_styles_of_counts(style: str, tmp_path: Path) -> None:
    (tmp_path / "f.abc").write_text(FONTAINE)
    found = CliRunner().invoke(commands, ["originality", str(tmp_path / "f.abc"), "--style", style, "--json"])
    told = json.loads(found.output)
    assert found.exit_code == 0
    assert (told["longest"]["interval"]["notes"] > 20) is (style == "songbook-manner")
    assert ("Songbook" in told["chords"]["sentence"]) is (style == "songbook-manner")
