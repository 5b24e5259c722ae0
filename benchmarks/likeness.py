"""How like a style's own songs drawn songs are, in what a listener notices first: where songs and sections
end, leaps, note lengths, repeated notes, and when chords change.

    python -m benchmarks.likeness STYLE [--own FOLDER] [--rules 3 4] [--songs 24] [--worded] [NAME=VALUE ...]

STYLE is a style of songs by name or a folder of lead sheets. --own: the songs that a style of counts was
counted in. NAME=VALUE are settings of the recipe, such as meter=3/4 form=AABA melody_from=fiddle. --worded:
the songs are drawn to the words of benchmarks/texts.py, in turn. The first row is the style's own songs, each
of the others songs drawn by one of the rules. Sections are eight bars. Shares are of notes, unless it says
otherwise:

    tonic, last      of the songs that end on the tonic, and the median length of the last note in bars
    short end        of the songs whose last note is shorter than half a bar
    upbeat end       of the songs whose last note begins on no strong beat
    section          of the sections whose last note is shorter than half a bar
    leaps, ninths    steps over four semitones, and over twelve; seam: mean step between sections
    repeated, long   notes on the pitch before, and the share of the time in notes of half a bar or more
    recited          notes on the same pitch as the two before; turn: those that go back where they came from
    step             mean step in semitones; leapt: leaps that are followed by another in the same direction
    notes, off beat  notes a bar, and the share of them off the beat
    chord tones      notes that begin on a tone of their chord; beat: of those on beats; strange: on a note
    that
                     neither chord nor key has
    held             of the notes that are sung, those on the syllable of the note before
    span             semitones from the lowest to the highest note of a song
    rhymes, returns  of the bars from the third of a section on: those with the rhythm of the bar two or four
                     before, and those whose chords are those of that bar
    triads           different triads of a song
    changes          where chords change, as shares by beat

Beside sixties-pop, --own may be the folder of chart annotations that its chords were counted in (McGill
Billboard): their chords alone are shown.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.texts import TEXTS
from studio.errors import StudioError
from studio.music.harmony.idiom import chord_changes
from studio.music.harmony.symbols import Harmony
from studio.music.scores.chords import parse_chord
from studio.music.scores.tunes import Tune
from studio.music.songs.counted import counted_style
from studio.music.songs.named import SONG_STYLES
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.rules import DRAWING_RULES
from studio.music.songs.sheet import SongStyles, draw_sheet, prepare
from studio.music.songs.song import _styles
from studio.music.songs.sung_words import with_words
from studio.music.styles.opening import ready_style
from studio.music.styles.style import Style
from studio.process import finish
from studio.works.setting import setting

SECTION = 8


@dataclass
class Heard:
    """What was counted in songs: a list of numbers under each name."""

    numbers: dict[str, list[float]] = field(default_factory=dict)
    changes: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, values: Iterable[float]) -> None:
        self.numbers.setdefault(name, []).extend(values)

    def listen(self, tune: Tune) -> None:
        bars = [bar for bar in tune.bars() if bar.number > 0]
        notes = [note for note in tune.sounding if note.pitch is not None]
        if len(bars) < SECTION or len(notes) < SECTION:
            return
        bar, beat, tonic = tune.meter.bar_length, tune.meter.beat, tune.keys[-1].key.tonic
        strong = [tune.bar_at(note.start) for note in notes]
        places = [note.start - at.start for note, at in zip(notes, strong, strict=True)]
        last = notes[-1]
        self.add("tonic", [((last.pitch or 0) - tonic) % 12 == 0])
        self.add("last", [float(last.duration / bar)])
        self.add("short end", [last.duration * 2 < bar])
        self.add("upbeat end", [places[-1] not in (0, bar / 2 if not tune.meter.numerator % 2 else 0)])
        rises = [(b.pitch or 0) - (a.pitch or 0) for a, b in pairwise(notes)]
        edges = [each.start for each in bars[SECTION::SECTION]]
        seams = [n for n, (a, b) in enumerate(pairwise(notes)) if any(a.start < e <= b.start for e in edges)]
        self.add("section", [notes[n].duration * 2 < bar for n in seams])
        self.add("leaps", [abs(rise) > 4 for rise in rises])
        self.add("ninths", [abs(rise) > 12 for rise in rises])
        self.add("seam", [abs(rises[n]) for n in seams])
        self.add("repeated", [rise == 0 for rise in rises])
        self.add("recited", [one == other == 0 for one, other in pairwise(rises)])
        self.add("turn", [one == -other != 0 for one, other in pairwise(rises)])
        self.add("step", [abs(rise) for rise in rises])
        self.add("leapt", [abs(a) > 4 and abs(b) > 4 and a * b > 0 for a, b in pairwise(rises)])
        held = sum(float(note.duration) for note in notes if note.duration * 2 >= bar)
        self.add("long", [held / float(sum(note.duration for note in notes))])
        self.add("notes", [len(notes) / len(bars)])
        self.add("off beat", [(place / beat).denominator > 1 for place in places])
        for note, place in zip(notes, places, strict=True):
            symbol = tune.chord_at(note.start)
            chord = parse_chord(symbol) if symbol else None
            if chord is not None:
                good = (note.pitch or 0) % 12 in chord.pitch_classes
                self.add("chord tones", [good])
                key = next(each.key for each in reversed(tune.keys) if each.start <= note.start)
                self.add("strange", [not good and (note.pitch or 0) % 12 not in key.scale])
                if (place / beat).denominator == 1:
                    self.add("beat", [good])
        pitches = [note.pitch or 0 for note in notes]
        self.add("span", [max(pitches) - min(pitches)])
        if tune.words:
            begun = {word.start for word in tune.words if word.verse == 1}
            sung = [note for note in notes if note.start >= min(begun, default=0)]
            self.add("held", [note.start not in begun for note in sung])
        self.listen_to_bars(tune)
        for one, other in pairwise(tune.chords):
            if one.symbol != other.symbol:
                at = (other.start - tune.bar_at(other.start).start) / beat
                self.changes[str(1 + int(at)) if at.denominator == 1 else "off"] += 1

    def listen_to_bars(self, tune: Tune) -> None:
        """What comes back, bar by bar; sections are eight bars."""
        bars = [bar for bar in tune.bars() if bar.number > 0]
        rhythms = [
            [(n.start - bar.start, n.duration) for n in tune.sounding if bar.start <= n.start < bar.end]
            for bar in bars
        ]
        self.add("rhymes", _coming_back(rhythms))
        self.listen_to_chords(chords_by_bar(tune), tune.keys[0].key.tonic)

    def listen_to_chords(self, bars: Sequence[Sequence[tuple[Fraction, Harmony]]], tonic: int) -> None:
        if any(bars):
            self.add("returns", _coming_back(bars))
            self.add("triads", [len({chord.moved(-tonic).triad for bar in bars for _, chord in bar})])

    def row(self, name: str) -> str:
        told = {key: float(np.mean(values)) for key, values in self.numbers.items()}
        if "last" in told:
            told["last"] = float(np.median(self.numbers["last"]))
        total = max(1, sum(self.changes.values()))
        beats = " ".join(f"{key}:{count / total:.2f}" for key, count in sorted(self.changes.items()))
        figures = "  ".join(f"{key} {value:.3f}" for key, value in told.items())
        return f"{name:14} {figures}  changes {beats}"


def _coming_back(bars: Sequence[object]) -> list[float]:
    found = []
    for number in range(len(bars)):
        place = number % SECTION
        if place > 1 and bars[number]:
            earlier = [bars[number - back] for back in (2, 4) if back <= place]
            found.append(float(bars[number] in earlier))
    return found


def chords_by_bar(tune: Tune) -> list[list[tuple[Fraction, Harmony]]]:
    """The chords of each full bar: where in it they begin, and what they are."""
    changes = chord_changes(tune)
    found = []
    for bar in tune.bars():
        if bar.number > 0:
            inside = [(place - bar.start, chord) for place, chord in changes if bar.start < place < bar.end]
            before = [chord for place, chord in changes if place <= bar.start]
            found.append(([(Fraction(0), before[-1])] if before else []) + inside)
    return found


def charted(folder: Path) -> Iterable[list[list[tuple[Fraction, Harmony]]]]:
    """The first two different sections of each chart song in 4/4, eight bars of each, with chords above its
    tonic.
    """
    sys.path.insert(0, str(Path(__file__).parent.parent / "models"))
    import build_chords
    import build_songs

    for path in sorted(folder.glob("*.txt")):
        text = path.read_text("utf-8")
        tonic = re.search(r"# tonic: (\S+)", text)
        sections = [each for each in build_songs._sections_of(text) if len(each) >= SECTION][:2]
        if tonic is None or len(sections) < 2 or build_chords._line(text, 0) is None:
            continue
        bars = []
        for words in [bar for section in sections for bar in section[:SECTION]]:
            inside = [
                (Fraction(4 * n, len(words)), chord)
                for n, word in enumerate(words)
                if (chord := Harmony.of(word, build_chords.pitch_class_of(tonic[1]))) is not None
            ]
            bars.append(inside)
        yield bars


def drawn(name: str, asked: dict[str, str], rules: str, songs: int) -> Iterable[Tune]:
    """Songs in a style by some rules, of seeds 0, 1, 2 …; those that are refused are left out."""
    named = SONG_STYLES.get(name)
    lists = {key for key, field in SongRecipe.model_fields.items() if isinstance(field.default, tuple)}
    given = {key: tuple(value.split(",")) if key in lists else value for key, value in asked.items()}
    fields = {"style": name, **given}
    recipe = SongRecipe.model_validate(fields)
    recipe = recipe.model_copy(update={"setting": setting("cpu", drawing=rules, form="2")})
    style = (
        counted_style(named.melody, rules)
        if named and named.counted
        else ready_style(named.melody if named else name)
    )
    styles: SongStyles = finish(_styles(recipe, style))
    desk = finish(prepare(recipe, styles))
    for seed in range(songs):
        try:
            sheet = finish(draw_sheet(desk, seed))
            own = recipe.model_copy(update={"seed": seed})
            yield with_words(own, sheet.tune, sheet.sections, {})[0] if recipe.words else sheet.tune
        except StudioError as error:
            print(f"  seed {seed}: {error}")


def drawn_to_words(name: str, asked: dict[str, str], rules: str, songs: int) -> Iterable[Tune]:
    """The same to each of `TEXTS` in turn."""
    for number, (form, words) in enumerate(TEXTS):
        own = {"form": form, "bars": str(8 * len(form)), "words": words, **asked}
        yield from drawn(name, own, rules, songs // len(TEXTS) + (number < songs % len(TEXTS)))


def own_songs(style: Style, meter: str) -> list[Tune]:
    """The style's songs in a meter, repeats played out."""
    found = []
    for number, its in enumerate(style.meters):
        if not meter or its == meter or {its, meter} == {"2/2", "4/4"}:
            found.append(style[number].unfolded())
    return found


def show(name: str, tunes: Iterable[Tune]) -> None:
    heard, count = Heard(), 0
    for tune in tunes:
        heard.listen(tune)
        count += 1
    print(heard.row(f"{name} ({count})"), flush=True)


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0], allow_abbrev=False)
    parser.add_argument("style")
    parser.add_argument("--own", default="")
    parser.add_argument("--rules", nargs="*", default=[DRAWING_RULES])
    parser.add_argument("--songs", type=int, default=24)
    parser.add_argument("--worded", action="store_true")
    parser.add_argument("settings", nargs="*")
    told = parser.parse_intermixed_args(given)
    asked = dict(text.split("=", 1) for text in told.settings)
    asked.setdefault("meter", "4/4")
    own = told.own or ("" if told.style in SONG_STYLES else told.style)
    if own and told.style == "sixties-pop" and any(Path(own).glob("*.txt")):
        heard, count = Heard(), 0
        for bars in charted(Path(own)):
            heard.listen_to_chords(bars, 0)
            count += 1
        print(heard.row(f"charts ({count})"), flush=True)
    elif own:
        show("its own songs", own_songs(ready_style(own), asked["meter"]))
    for rules in told.rules:
        draw = drawn_to_words if told.worded else drawn
        show(f"rules {rules}", draw(told.style, asked, rules, told.songs))


if __name__ == "__main__":
    main()
