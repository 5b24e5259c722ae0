"""The styles of songs that come with the studio, by name. Light on purpose: the command line lists them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Melodies:
    """Melodies that come with the studio as counts. source, licence: for the credits of a work."""

    name: str
    title: str
    sentence: str
    source: str
    licence: str


MELODIES = {
    each.name: each
    for each in (
        Melodies(
            "songbook-manner",
            "Songbook manner",
            "How the melodies of American songs of 1873 to 1928 and traditional ones go on.",
            "Counts from 104 lead sheets of OpenEWLD (Federico Simonetti), first performed up to 1928 or "
            "traditional",
            "Counts of songs in the public domain (in the United States); OpenEWLD: MIT.",
        ),
        Melodies(
            "hymn",
            "Hymns",
            "How the melodies of hymns go on.",
            "Counts from 218 hymns of the Open Hymnal Project, marked as public domain there",
            "Counts of hymns in the public domain.",
        ),
    )
}
"""Melodies that come with the studio, by name."""


@dataclass(frozen=True)
class SongStyle:
    """A style of songs. melody: of `MELODIES`, or a style of `styles.table.STYLES`. chords: of
    `harmony.named.CHORD_STYLES`. sentence: what came from where. It is part of a counted style's source, and
    so of each song's recipe: it stays as it is. card: what is shown instead; empty for the sentence.
    """

    name: str
    title: str
    sentence: str
    melody: str
    chords: str
    card: str = ""

    @property
    def shown(self) -> str:
        """What is said of it."""
        return self.card or self.sentence

    @property
    def counted(self) -> bool:
        return self.melody in MELODIES


INFERRED = "inferred"
"""What a recipe calls chords that are inferred from the melodies of a style."""


SONG_STYLES = {
    each.name: each
    for each in (
        SongStyle(
            "songbook-manner",
            "Songbook manner",
            "Melodies and chords of American songs of 1873 to 1928 and traditional ones, as counts.",
            "songbook-manner",
            "songbook-manner",
            "Learnt from American songs of 1873 to 1928 and traditional ones. Statistics of their melodies "
            "and chords come with the studio, the songs do not.",
        ),
        SongStyle(
            "sixties-pop",
            "Sixties pop",
            "Chords and harmonic rhythm from chart songs of 1958 to 1969, melody habits from American songs "
            "up to 1928, band patterns by the studio's makers.",
            "songbook-manner",
            "sixties-pop",
            "Chords, and how often they change, from chart songs of 1958 to 1969. Melodies as in American "
            "songs up to 1928. The band's patterns were written for the studio.",
        ),
        SongStyle(
            "hymn",
            "Hymn",
            "Melodies of hymns of the Open Hymnal as counts, chords as their four voices sound them.",
            "hymn",
            "hymn",
            "Learnt from hymns of the Open Hymnal. The chords are those that their four voices sound.",
        ),
        SongStyle(
            "chorale",
            "Chorale",
            "Chorale melodies that Bach set. The chords are those that his four voices sound.",
            "bach-chorales",
            "chorale",
        ),
        SongStyle(
            "fiddle",
            "Fiddle tunes",
            "Tunes of Ryan's Mammoth Collection. Nobody wrote chords down for them, so theirs are inferred "
            "from what hymns and songs do.",
            "ryans-mammoth",
            "fiddle",
        ),
    )
}
"""Styles of songs, by name."""
