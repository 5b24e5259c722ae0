"""Performances as MIDI, read by mido, pretty_midi and the studio itself."""

from __future__ import annotations

import io
from fractions import Fraction

import mido
import numpy as np
import pretty_midi
import pytest

from studio.music.bands.arranging import arrange
from studio.music.bands.performing import perform
from studio.music.reading.readers import read_tunes
from studio.music.scores.performance import Performance
from studio.music.scores.sections import sections_of
from studio.music.scores.tunes import Tune
from studio.music.scores.words import Syllable
from studio.music.writing.midi import write_midi
from studio.music.writing.midi_performance import level_controller

PITCHES = (67, 65, 64, 62, 60, 62, 64, 65) * 2
TUNE = Tune.of(
    [(pitch, 1) for pitch in PITCHES],
    key="C",
    chords=[(0, "C"), (4, "F"), (8, "G7"), (12, "C")],
    title="Going down",
    tempo=110.0,
    words=tuple(Syllable(Fraction(place), text) for place, text in enumerate(("Go", "ing", "down", "now"))),
)


@pytest.fixture(scope="module")
def performance() -> Performance:
    rng = np.random.default_rng(5)
    score = arrange(TUNE, sections_of([("Verse", 2), ("Chorus", 2)]), "singer", rng)
    return perform(score, "singer", np.random.default_rng(5))


@pytest.fixture(scope="module")
def content(performance: Performance) -> bytes:
    return write_midi(performance)


def test_another_reader_hears_what_was_performed(performance: Performance, content: bytes) -> None:
    heard = pretty_midi.PrettyMIDI(io.BytesIO(content))
    assert [each.name for each in heard.instruments] == ["Voice", "Guitar"]
    for track, part in zip(heard.instruments, performance.parts, strict=True):
        found = sorted((note.start, note.pitch, note.velocity) for note in track.notes)
        meant = sorted((note.start - performance.lead_in, note.pitch, note.velocity) for note in part.notes)
        assert len(found) == len(meant)
        for (start, _, _), (played, _, _) in zip(found, meant, strict=True):
            assert start == pytest.approx(max(0.0, played), abs=0.002)
        assert sorted(each[1:] for each in found) == sorted(each[1:] for each in meant)
    assert len({note.velocity for note in heard.instruments[0].notes}) > 3


def test_it_carries_the_mixer_words_chords_sections_and_tempi(
    performance: Performance, content: bytes
) -> None:
    file = mido.MidiFile(file=io.BytesIO(content))
    first, voice = file.tracks[0], file.tracks[1]
    assert [m.text for m in first if m.type == "cue_marker"] == ["Intro", "Verse", "Chorus", "Ending"]
    assert [m.text for m in first if m.type == "marker"] == [c.symbol for c in performance.score.chords]
    tempi = [mido.tempo2bpm(m.tempo) for m in first if m.type == "set_tempo"]
    assert tempi[0] == pytest.approx(110, abs=0.01)
    assert tempi[-1] == pytest.approx(110 * 0.75, abs=0.01)
    part = performance.parts[0]
    mixer = {m.control: m.value for m in voice if m.type == "control_change"}
    assert mixer == {7: 100, 10: 64, 91: round(127 * part.reverb)}
    assert [m.text.strip() for m in voice if m.type == "lyrics"] == ["Go", "ing", "down", "now"]
    now, at = 0, {}
    for message in voice:
        now += message.time
        if message.type == "lyrics":
            at[now] = message.text
        elif message.type == "note_on":
            at.pop(now, None)  # every syllable begins with a note
    assert not at


def test_levels_go_down_by_the_square() -> None:
    assert level_controller(0) == 100
    assert level_controller(-12) == round(100 * 10 ** (-12 / 40))
    assert level_controller(30) == 127


def test_the_studio_reads_the_tune_back_from_its_performance(content: bytes) -> None:
    reading = read_tunes(content, "song.mid").tunes[0]
    assert tuple(note.pitch for note in reading.sounding) == PITCHES
    assert [note.start - reading.sounding[0].start for note in reading.sounding] == list(range(16))
    assert " ".join(chord.symbol for chord in reading.chords).endswith("C F G7 C")
    assert [word.text for word in reading.words] == ["Go", "ing", "down", "now"]
