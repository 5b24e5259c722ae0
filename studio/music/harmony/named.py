"""The chords that come with the studio, by name. Light on purpose: the command line lists them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ChordStyle:
    """Chords that come with the studio as counts. source, licence: for the credits of a work. plain: its
    songs end on triads. simple: what accompanies its tunes are triads and sevenths, each for half a bar at
    least, whatever those do from whom its chords are inferred.
    """

    name: str
    title: str
    sentence: str
    source: str
    licence: str
    plain: bool = False
    simple: bool = False


CHORD_STYLES = {
    style.name: style
    for style in (
        ChordStyle(
            "songbook-manner",
            "Songbook manner",
            "Chords of American songs of 1873 to 1928 and traditional ones, and how melodies lie over them.",
            "Counts from 104 lead sheets of OpenEWLD (Federico Simonetti), first performed up to 1928 or "
            "traditional",
            "Counts of songs in the public domain (in the United States); OpenEWLD: MIT.",
        ),
        ChordStyle(
            "sixties-pop",
            "Sixties pop",
            "Chords and harmonic rhythm of chart songs of 1958 to 1969.",
            "Counts from the McGill Billboard annotations (Burgoyne, Wild and Fujinaga, ISMIR 2011)",
            "CC0 for the annotations; counts only.",
        ),
        ChordStyle(
            "hymn",
            "Hymn",
            "Chords of hymns, as their four voices sound them.",
            "Counts from 218 hymns of the Open Hymnal Project, marked as public domain there",
            "Counts of hymns in the public domain.",
            plain=True,
        ),
        ChordStyle(
            "chorale",
            "Chorale",
            "Chords of chorales by Johann Sebastian Bach, as their four voices sound them.",
            "Counts from the chorales in music21's corpus",
            "Counts of music in the public domain; encodings with their encoders' permission.",
            plain=True,
        ),
        ChordStyle(
            "fiddle",
            "Fiddle tunes, inferred",
            "Chords that were inferred for the tunes of Ryan's Mammoth Collection, by what hymns and songs "
            "teach. Nobody wrote them down.",
            "Counts from harmonisations by the studio of tunes in music21's corpus, ryansMammoth",
            "Counts of inferred chords; the tunes are in the public domain.",
            plain=True,
            simple=True,
        ),
    )
}
"""Chords that come with the studio, by name."""
