"""What a lead sheet shares with a style of songs: its melody, and its chords.

    copied = finish(copied_in("songbook-manner"))       # a style as counts, of tunes, or a file or folder
    copied.known_runs(tune), copied.chords(tune)      # the first of counts alone

Of a style that comes as counts only hashes of runs are known (`counted`, `harmony.counts`): whether a run of
one of a few lengths is in a song, and neither in which nor how much longer it goes on there. A style of tunes
is compared by `styles.originality`, and its chords by `HarmonyIdiom.longest_run`.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from studio.errors import Contradiction, Refused
from studio.music.harmony.counts import LIMITS as CHORD_LIMITS
from studio.music.harmony.counts import CountedIdiom, shipped_chords
from studio.music.harmony.idiom import HarmonyIdiom, chord_line, is_minor, learn_harmony
from studio.music.scores.tunes import Tune
from studio.music.songs.counted import LIMITS, CountedStyle, melody_style
from studio.music.songs.named import SONG_STYLES, SongStyle
from studio.music.styles.opening import open_style
from studio.music.styles.style import Style
from studio.music.styles.table import STYLES
from studio.works.work import Progress


@dataclass(frozen=True)
class KnownRuns:
    """What hashes tell of a melody. style: its title. shares: run length in notes -> share 0..1 of the
    melody's runs of that length that a song has, by their intervals; lengths beyond the melody's own are left
    out. bar: of the first run of the greatest length that is known, 0 where none is.
    """

    style: str
    shares: dict[int, float]
    bar: int

    @property
    def most_shared(self) -> int:
        """The greatest length of which a run is known; 0 for none."""
        return max((notes for notes, share in self.shares.items() if share), default=0)

    @property
    def sentences(self) -> tuple[str, ...]:
        lengths = [limit + 1 for limit in LIMITS]
        longer = next((each for each in lengths if each > self.most_shared), None)
        if self.most_shared:
            beyond = f", and fewer than {longer}" if longer else ""
            found = (
                f"The longest run of intervals it shares with {self.style} has at least {self.most_shared} "
                f"notes{beyond} (from bar {self.bar})."
            )
        else:
            found = f"It shares no run of {lengths[0]} notes or more with {self.style}, by intervals."
        *most, last = map(str, lengths)
        return (
            found,
            f"{self.style} comes as counts, which tell runs of {', '.join(most)} and {last} notes, and no "
            "titles; for those and for the closest tune, compare with a style of tunes or a folder of yours.",
        )

    def to_plain(self) -> dict[str, object]:
        """As JSON values."""
        return {
            "style": self.style,
            "sentences": list(self.sentences),
            "longest": {"interval": {"notes": self.most_shared, "from_bar": self.bar, "at_least": True}},
            "shares": {"interval": {str(n): {"melody": round(s, 4)} for n, s in self.shares.items()}},
        }


@dataclass(frozen=True)
class CopiedChords:
    """The longest row of chords that a lead sheet shares with a song of a style: the same steps from root to
    root, families and lengths. style: its title. chords: how many, 0 for none. title: of the song, "" where
    that is not known. below: how many it has not, where only some lengths are known; else 0.
    """

    style: str
    chords: int
    title: str = ""
    below: int = 0

    @property
    def sentence(self) -> str:
        if self.below and not self.chords:
            return f"It shares no row of {self.below} chords or more with {self.style}."
        if not self.chords:
            return f"It shares no row of chords with {self.style}."
        if not self.title:
            beyond = f", and fewer than {self.below}" if self.below else ""
            return (
                f"The longest row of chords it shares with {self.style} has at least {self.chords} "
                f"chords{beyond}."
            )
        return f"The longest row of chords it shares has {self.chords} chords ({self.title})."

    def to_plain(self) -> dict[str, object]:
        """As JSON values."""
        return {
            "sentence": self.sentence,
            "chords": self.chords,
            "song": self.title,
            "at_least": not self.title and self.chords > 0,
        }


@dataclass(frozen=True)
class CopiedIn:
    """A style prepared for comparing lead sheets with it. named: where it is one of `SONG_STYLES`."""

    style: Style
    named: SongStyle | None = None

    def known_runs(self, melody: Tune) -> KnownRuns:
        """Of a style of counts. Raises `Refused` for a melody of fewer than two notes."""
        assert isinstance(self.style, CountedStyle)
        if len(melody.sounding) < 2:
            raise Refused("A melody of fewer than two notes has no run to compare; write a longer one.")
        pitches = [note.pitch or 0 for note in melody.sounding]
        shares, first = {}, 0
        for limit in LIMITS:
            known = self.style.knows_runs([b - a for a, b in pairwise(pitches)], limit)
            if known:
                shares[limit + 1] = sum(known) / len(known)
            if any(known):
                first = melody.bar_at(melody.sounding[known.index(True)].start).number
        return KnownRuns(self.style.entry.title, shares, first)

    def chords(self, tune: Tune) -> CopiedChords | None:
        """None for a tune, or a style, without chords in its meter and mode."""
        meter, mode = tune.meter, tune.key.mode
        line = chord_line(tune, 0, Fraction(1), meter)
        if line is None:
            return None
        idiom: HarmonyIdiom
        try:
            if self.named is not None:
                idiom = shipped_chords(self.named.chords, meter, "minor" if is_minor(mode) else "major")
            else:
                idiom = learn_harmony(self.style, meter, mode)
        except Contradiction:
            return None
        idiom = idiom.with_events([line.events])
        row = [idiom.number[event] for event in line.events]
        if not isinstance(idiom, CountedIdiom):
            chords, _, song = idiom.longest_run(row)
            found = (chords, idiom.lines[song].title) if song >= 0 else (0, "")
            return CopiedChords(idiom.title, *found)
        reached = [limit for limit in CHORD_LIMITS if not idiom.keeps(row, limit)]
        longer = [limit for limit in CHORD_LIMITS if limit not in reached]
        return CopiedChords(idiom.title, max(reached, default=-1) + 1, below=longer[0] + 1 if longer else 0)


def copied_in(name: str | Path) -> Generator[Progress, None, CopiedIn]:
    """A style by name: of songs, of tunes, your own, or a file or folder. Raises what `open_style` raises."""
    named = SONG_STYLES.get(str(name)) if name not in STYLES and not isinstance(name, Path) else None
    if named is not None:
        return CopiedIn((yield from melody_style(named.name)), named)
    return CopiedIn((yield from open_style(name)))
