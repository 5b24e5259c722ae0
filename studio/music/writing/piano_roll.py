"""A piano roll: a picture of the notes, time to the right and pitch upwards."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from studio.errors import Refused
from studio.music.scores.keys import pitch_name
from studio.music.scores.notes import Note
from studio.music.scores.scores import Score
from studio.music.scores.tunes import Tune

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

INK, CHORD_INK, PAPER, BLACK_KEY = "#2b2d42", "#8a4b08", "#fbfaf7", "#f1eee7"
OCTAVE_LINE, BAR_LINE = "#c9c4b8", "#b9b3a5"
PARTS = ("#3a6ea5", "#b5651d", "#4b7f52", "#7a4e8a", "#9a3b3b", "#5c6b73")
"""The colour of each part's notes."""

BLACK_KEYS = (1, 3, 6, 8, 10)
"""Their pitch classes."""


def piano_roll(
    music: Tune | Score,
    *,
    width: int = 1000,
    height: int = 360,
    colours: Mapping[int, str] | None = None,
    form: str = "PNG",
) -> bytes:
    """The picture, with bars counted, every C named, and chord symbols on top.

    width, height: pixels, 64..8000; below a width of 300 there is no text. colours: number of a sounding
    note of the first part -> "#rrggbb". form: "PNG" or "JPEG".
    """
    from PIL import Image, ImageDraw

    if not (64 <= width <= 8000 and 64 <= height <= 8000):
        raise Refused("A piano roll is 64 to 8000 pixels wide and high.")
    score = music.score() if isinstance(music, Tune) else music
    picture = Image.new("RGB", (width, height), PAPER)
    roll = _Roll(score, ImageDraw.Draw(picture), width, height)
    roll.draw_keys()
    roll.draw_bars()
    if roll.labelled:
        roll.draw_chords()
    roll.draw_notes(colours or {})
    packed = io.BytesIO()
    picture.save(packed, form, **({"quality": 88} if form == "JPEG" else {}))
    return packed.getvalue()


def thumbnail(music: Tune | Score) -> bytes:
    """The piano roll as a gallery shows it: JPEG, 512 x 320 pixels."""
    return piano_roll(music, width=512, height=320, form="JPEG")


class _Roll:
    """Draws one score. left, top, bottom: the margins, in pixels. across: pixels a quarter note. row: pixels
    a semitone.
    """

    def __init__(self, score: Score, draw: ImageDraw, width: int, height: int) -> None:
        from PIL import ImageFont

        self.score, self.draw, self.width, self.height = score, draw, width, height
        self.font = ImageFont.load_default(11)
        self.labelled = width >= 300
        self.left, self.top, self.bottom = (34, 18, 16) if self.labelled else (0, 0, 0)
        self.low, self.high = _range(score)
        self.row = (height - self.top - self.bottom) / (self.high - self.low + 1)
        self.across = (width - self.left - 2) / max(float(score.end), 1.0)

    def x(self, place: Fraction) -> float:
        return self.left + float(place) * self.across

    def y(self, pitch: int) -> float:
        return self.top + (self.high - pitch) * self.row

    def draw_keys(self) -> None:
        """Shade the black keys' rows and draw a line below every C."""
        for pitch in range(self.low, self.high + 1):
            top, bottom = self.y(pitch), self.y(pitch) + self.row
            if pitch % 12 in BLACK_KEYS:
                self.draw.rectangle((self.left, top, self.width, bottom), fill=BLACK_KEY)
            if pitch % 12 == 0 and self.labelled:
                self.draw.line((self.left, bottom, self.width, bottom), fill=OCTAVE_LINE)
                middle = top + self.row / 2 - 6
                self.draw.text((4, middle), pitch_name(pitch), fill=INK, font=self.font)

    def draw_bars(self) -> None:
        """Draw the bar lines, and as many bar numbers as there is room for."""
        bars, floor = self.score.bars(), self.height - self.bottom
        every = max(1, math.ceil(len(bars) * 26 / max(1, self.width - self.left)))
        for bar in bars:
            x = self.x(bar.start)
            self.draw.line((x, self.top, x, floor), fill=BAR_LINE)
            if self.labelled and bar.number and (bar.number - 1) % every == 0:
                self.draw.text((x + 3, floor + 2), str(bar.number), fill=INK, font=self.font)

    def draw_chords(self) -> None:
        """Write the chord symbols, leaving out those that would overlap the one before."""
        free = 0.0
        for chord in self.score.chords:
            x = self.x(chord.start)
            if x >= free:
                self.draw.text((x + 2, 3), chord.symbol, fill=CHORD_INK, font=self.font)
                free = x + self.draw.textlength(chord.symbol, font=self.font) + 5

    def draw_notes(self, colours: Mapping[int, str]) -> None:
        """Draw the notes, the first part on top. colours: of notes of the first part, by number."""
        for number, part in reversed(list(enumerate(self.score.parts))):
            usual = PARTS[number % len(PARTS)]
            for index, note in enumerate(part.notes):
                if note.pitch is not None:
                    own = colours.get(index) if number == 0 else None
                    radius = min(3, self.row / 3)
                    self.draw.rounded_rectangle(self._box(note, note.pitch), radius, fill=own or usual)

    def _box(self, note: Note, pitch: int) -> tuple[float, float, float, float]:
        left, top = self.x(note.start), self.y(pitch)
        right = max(self.x(note.end) - 1.5, left + 1.5)
        return left + 0.5, top + 0.5, right, top + max(self.row - 0.5, 1.5)


def _range(score: Score) -> tuple[int, int]:
    """The lowest and highest pitch to show: those of the music with two to spare, at least 15 in all."""
    sounding = [note.pitch for part in score.parts for note in part.notes if note.pitch is not None]
    low, high = (min(sounding) - 2, max(sounding) + 2) if sounding else (60, 72)
    lacking = 14 - (high - low)
    return (low - lacking // 2, high + (lacking + 1) // 2) if lacking > 0 else (low, high)
