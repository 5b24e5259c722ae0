"""Every dissonance on a beat resolves by step: read by another library, on many songs, and what it costs.

    python -m benchmarks.dissonance [STYLE ...] [--songs 25]

Each song is drawn twice, with the rule ("resolved") and without it ("free"), written as MusicXML and read by
music21. A note meets a chord where the later of the two begins; where that is on a beat and the note is no
tone of the chord, the next note has to follow at once, one or two semitones away. Tied notes are one. Tones
are those that music21 gives the chord symbol's kind and degrees. The last line is the time of all songs with
the rule over that without it, drawn in turn.
"""

from __future__ import annotations

import argparse
import time

import music21
import numpy as np

from studio.errors import StudioError
from studio.music.songs.counted import counted_style
from studio.music.songs.named import SONG_STYLES
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.sheet import SheetDesk, SongStyles, draw_sheet, prepare
from studio.music.styles.opening import ready_style
from studio.music.writing.musicxml import write_musicxml
from studio.process import finish


def dissonances(content: bytes) -> list[bool]:
    """For every note that is no tone of its chord on a beat: whether it is left by step."""
    score = music21.converter.parse(content, format="musicxml").stripTies()
    notes = [
        (float(note.getOffsetInHierarchy(score)), float(note.quarterLength), note)
        for note in score.recurse().notesAndRests
        if not isinstance(note, music21.harmony.Harmony)
    ]
    symbols = [
        (float(each.getOffsetInHierarchy(score)), {pitch.pitchClass for pitch in each.pitches})
        for each in score.recurse().getElementsByClass(music21.harmony.ChordSymbol)
    ]
    found = []
    for number, (start, length, note) in enumerate(notes):
        if note.isRest:
            continue
        for place, (begins, tones) in enumerate(symbols):
            ends = symbols[place + 1][0] if place + 1 < len(symbols) else np.inf
            meets = max(start, begins)
            if meets >= min(start + length, ends) or meets % 1 or note.pitch.pitchClass in tones:
                continue
            after = notes[number + 1][2] if number + 1 < len(notes) else None
            step = (
                after is not None and not after.isRest and 1 <= abs(after.pitch.midi - note.pitch.midi) <= 2
            )
            found.append(bool(step))
            break
    return found


def desk_of(style_name: str, dissonance: str) -> SheetDesk:
    named = SONG_STYLES.get(style_name)
    if named is not None:
        style = counted_style(named.melody) if named.counted else ready_style(named.melody)
    else:
        style = ready_style(style_name)
    asked = {"form": "AABA", "bars": 32, "meter": "4/4", "dissonance": dissonance}
    recipe = SongRecipe(style=style_name if named is not None else "own", **asked)  # type: ignore[arg-type]
    return finish(prepare(recipe, SongStyles.of(recipe, style)))


def table(name: str, songs: int) -> None:
    spent = {"resolved": 0.0, "free": 0.0}
    met = {way: [0, 0] for way in spent}
    desks = {way: desk_of(name, way) for way in spent}
    for desk in desks.values():
        finish(draw_sheet(desk, 0))
    for seed in range(1, songs + 1):
        for way, desk in desks.items():
            begin = time.perf_counter()
            try:
                tune = finish(draw_sheet(desk, seed)).tune
            except StudioError as error:
                print(f"{name}, seed {seed}, {way}: {error}")
                continue
            spent[way] += time.perf_counter() - begin
            found = dissonances(write_musicxml(tune))
            met[way][0] += len(found)
            met[way][1] += found.count(False)
    for way, (count, left) in met.items():
        share = f"{left / count:.1%}" if count else "-"
        said = f"{songs} songs  {count:5} dissonances on a beat  {left:4} not resolved ({share})"
        print(f"{name:26} {way:9} {said}")
    print(f"{name:26} time with the rule / without: {spent['resolved'] / spent['free']:.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("styles", nargs="*", default=["songbook-manner", "sixties-pop", "hymn"])
    parser.add_argument("--songs", type=int, default=25)
    given = parser.parse_args()
    for name in given.styles:
        table(name, given.songs)


if __name__ == "__main__":
    main()
