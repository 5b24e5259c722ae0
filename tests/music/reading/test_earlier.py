"""Files that works of 0.2.1 were made after are still read as 0.2.1 read them; new files are read right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from studio.cli import commands
from studio.music.reading.readers import read_tunes

OLD = Path(__file__).parent / "works_of_0_2_1"

THREE_ENDINGS = b"X:1\nT:Three endings\nM:4/4\nL:1/4\nK:D\n|:DEFG|1 A4:|2 B4:|3 c4|]\n"


def _scale_at_gate_80() -> bytes:
    """Eight quarter notes up a scale, each held for 80 of its 100 ticks."""
    track = b"".join(
        bytes([20 * bool(number), 0x90, pitch, 80, 80, 0x80, pitch, 0])
        for number, pitch in enumerate((60, 62, 64, 65, 67, 69, 71, 72))
    )
    track += b"\x00\xff\x2f\x00"
    head = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x64"
    return head + b"MTrk" + len(track).to_bytes(4, "big") + track


@pytest.mark.parametrize(("rules", "played"), [("1", 12), ("2", 15)])
def test_three_endings(rules: str, played: int) -> None:
    """0.2.1 knew two endings: it played the section twice."""
    tune = read_tunes(THREE_ENDINGS, "t.abc", rules=rules).tunes[0]
    assert len(tune.unfolded().notes) == played


@pytest.mark.parametrize(("rules", "lengths"), [("1", ["4/5", "1/5"]), ("2", ["1"])])
def test_a_scale_that_is_not_played_legato(rules: str, lengths: list[str]) -> None:
    """0.2.1 wrote the gap after every note as a rest."""
    tune = read_tunes(_scale_at_gate_80(), "scale.mid", rules=rules).tunes[0]
    assert sorted({str(note.duration) for note in tune.notes}, reverse=True) == lengths


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("source", ["endings.abc", "gate75.mid", "cues.musicxml"])
def test_works_of_0_2_1_after_a_file_are_made_again(source: str) -> None:
    """OLD/out-*.abc are melodies that 0.2.1 made after these files, each of which it read in its own way:
    two of three endings, a rest after every note, cue notes as melody.
    """
    content = (OLD / source).read_bytes()
    assert read_tunes(content, source).tunes != read_tunes(content, source, rules="1").tunes
    work = OLD / f"out-{Path(source).stem}.abc"
    told = CliRunner().invoke(
        commands, ["remake", str(work), "--source", str(OLD / source), "--json", "--quiet"]
    )
    assert json.loads(told.output)["identical"] is True
