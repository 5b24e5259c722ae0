"""The drums of General MIDI: their names, and where they stand on a staff with the percussion clef."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Drum:
    """A drum. pitch: its note in General MIDI. step, octave: the line or space it is written on, as in a
    treble clef. head: of the note, in the terms of MusicXML.
    """

    pitch: int
    name: str
    step: str
    octave: int
    head: str = "normal"


DRUM_STAFF = {
    each.pitch: each
    for each in (
        Drum(35, "Bass drum 2", "E", 4),
        Drum(36, "Bass drum", "F", 4),
        Drum(37, "Side stick", "C", 5, "x"),
        Drum(38, "Snare drum", "C", 5),
        Drum(39, "Hand clap", "E", 5, "slash"),
        Drum(40, "Snare drum 2", "C", 5),
        Drum(41, "Low floor tom", "G", 4),
        Drum(42, "Hi-hat", "G", 5, "x"),
        Drum(43, "High floor tom", "A", 4),
        Drum(44, "Hi-hat by foot", "D", 4, "x"),
        Drum(45, "Low tom", "B", 4),
        Drum(46, "Open hi-hat", "G", 5, "circle-x"),
        Drum(47, "Mid tom", "D", 5),
        Drum(48, "Mid tom 2", "D", 5),
        Drum(49, "Crash cymbal", "A", 5, "x"),
        Drum(50, "High tom", "E", 5),
        Drum(51, "Ride cymbal", "F", 5, "x"),
        Drum(53, "Ride bell", "F", 5, "diamond"),
        Drum(54, "Tambourine", "B", 5, "triangle"),
        Drum(55, "Splash cymbal", "B", 5, "x"),
        Drum(56, "Cowbell", "E", 5, "triangle"),
        Drum(57, "Crash cymbal 2", "B", 5, "x"),
        Drum(60, "High bongo", "E", 5, "x"),
        Drum(61, "Low bongo", "D", 5, "x"),
        Drum(70, "Shaker", "A", 5, "slash"),
        Drum(75, "Claves", "D", 5, "triangle"),
        Drum(81, "Triangle", "B", 5, "diamond"),
    )
}
"""Pitch -> drum, laid out as is usual (Weinberg, "Guidelines for drumset notation", Percussive Notes 32(3),
1994).
"""


def drum_of(pitch: int) -> Drum:
    """The drum of a note in General MIDI; one that the table lacks stands on the middle line."""
    return DRUM_STAFF.get(pitch) or Drum(pitch, f"Drum {pitch}", "B", 4, "x")
