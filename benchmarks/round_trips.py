"""Read, write, read again: whether every score says the same in each of our formats.

    python -m benchmarks.round_trips [FILE or FOLDER ...] [--only NAME ...] [--every 1] [--part 1/1]
        [--show 3] [--remarks 0]

Without files: the songbook and the hymns beside the checkout, and music21's own collections. Every score is
read with all of its parts and written in each format; what is read from that must have the same notes, chord
symbols, words, repeats, jumps, sections, tempi and parts, spelled alike. MIDI has no repeat signs and holds
one verse: there the music is compared as it is played, with its first verse, and the other verses are counted
as not carried. A large collection can be swept in pieces: --part 2/8 takes the second eighth of its files,
--every 10 each tenth tune.
"""

from __future__ import annotations

import argparse
import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from studio.errors import Refused, Unreadable
from studio.music.reading.budget import Reading, ReadingBudget
from studio.music.reading.child import read_piece
from studio.music.reading.describing import heard_in
from studio.music.reading.pieces import SUFFIXES, pieces
from studio.music.scores.scores import Score
from studio.music.scores.tunes import Tune, unfolded_score
from studio.music.scores.words import Syllable
from studio.music.writing.formats import by_name

BUDGET = ReadingBudget()
NAMES = ("musicxml", "mxl", "abc", "mid")

Facts = dict[str, Any]


def read(content: bytes, name: str) -> Iterator[Reading]:
    """Every tune of a file, with its parts. Raises `Unreadable` where there is none."""
    found = pieces(content, name, BUDGET)
    for piece in found:
        try:
            yield read_piece(replace(piece, parts=True), BUDGET)
        except Unreadable:
            if len(found) == 1:
                raise


def facts(tune: Tune, score: Score, *, played: bool) -> Facts:
    """What must stay the same. played: as MIDI has it, with repeats played out and one verse."""
    if played:
        tune, score = tune.unfolded(), unfolded_score(score)
    words = [word for word in tune.words if not played or word.verse == 1]
    return {
        "notes": [(note.pitch, note.start, note.duration) for note in tune.sounding],
        "spelling": [] if played else [note.alter for note in tune.sounding],
        "chords": [(chord.start, chord.symbol) for chord in tune.chords],
        "words": [(word.start, word.verse, word.text) for word in words],
        "hyphens": [(word.start, word.verse, word.syllabic) for word in words],
        "extenders": [] if played else _extenders(words),
        "repeats": [] if played else list(tune.repeats),
        "jumps": [] if played else [replace(mark, label="") for mark in tune.jumps],
        "bars": [(bar.start, bar.length, str(bar.meter)) for bar in tune.bars()],
        "keys": [(each.start, each.key.fifths) for each in tune.keys],
        "text": list(tune.text),
        "sections": list(score.sections),
        "tempi": [(each.start, round(each.tempo, 2)) for each in score.tempo_changes],
        "clefs": [] if played else [part.clef_changes for part in score.parts],
        "title": " ".join(tune.title.split()) or "Untitled",  # an ABC tune has a title
        "spelling of parts": [
            note.alter for part in score.parts if not (played or part.percussion) for note in part.notes
        ],
        "parts": Counter(
            (number, note.pitch, note.start, note.duration)
            for number, part in enumerate(score.parts)
            for note in part.notes
        ),
        "words of parts": [
            (number, word.start, word.verse, word.syllabic)
            for number, part in enumerate(score.parts)
            for word in part.words
            if not played or word.verse == 1
        ],
    }


def _extenders(words: Sequence[Syllable]) -> list[tuple[Fraction, int, bool]]:
    """Of the last syllables of their words; a file has hyphens after others, held or not."""
    return [(word.start, word.verse, word.extends and not word.goes_on) for word in words]


@dataclass
class Tally:
    """How a collection fared in one format. differing: what differed -> how often. shown: examples."""

    tunes: int = 0
    same: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    differing: Counter[str] = field(default_factory=Counter)
    shown: list[str] = field(default_factory=list)
    verses: int = 0


def compare(reading: Reading, format: str, tally: Tally) -> None:
    """Write one tune in a format, read it and compare."""
    heard = heard_in([("", reading)])
    music, tune, score = heard.whole()[0], heard.tunes[0], heard.scores[0]
    row, played = by_name(format), format == "mid"
    tally.tunes += 1
    try:
        content = row.to_bytes(music)
        (again,) = read(content, tune.id + row.suffix)
    except (Refused, Unreadable) as error:
        tally.refused[str(error)] += 1
        return
    if played:
        tally.verses += sum(word.verse > 1 for word in tune.words)
    if not score.parts:
        score = tune.score()
    before = facts(tune, score, played=played)
    after = facts(again.tunes[0], again.tunes[0].in_parts(again.parts[0], again.marks[0]), played=played)
    # What no file spells (read from MIDI) may be spelled in any way.
    for names in ("spelling", "spelling of parts"):
        if len(before[names]) == len(after[names]):
            pairs = zip(before[names], after[names], strict=True)
            after[names] = [None if was is None else now for was, now in pairs]
    # A voice that ends early has rests up to the end of the others, once it was written beside them.
    if len(score.parts) > 1:
        ends = len(before["bars"]) - 1
        before["bars"], after["bars"] = before["bars"][:ends], after["bars"][:ends]
    differing = [what for what in before if before[what] != after[what]]
    tally.differing.update(differing)
    tally.same += not differing
    for what in differing:
        tally.shown.append(f"{tune.id or tune.title}: {what}: {_first_difference(before[what], after[what])}")


def _first_difference(before: Any, after: Any) -> str:
    if isinstance(before, Counter):
        before, after = sorted((before - after).items())[:2], sorted((after - before).items())[:2]
    elif isinstance(before, list):
        place = next((n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), None)
        if place is None:
            place = min(len(before), len(after))
            return f"{len(before)} became {len(after)}: {_short((before[place:] or after[place:])[:1])}"
        before, after = before[place], after[place]
    return f"{_short(before)} became {_short(after)}"


def _short(value: Any) -> str:
    return re.sub(r"Fraction\((-?\d+), (\d+)\)", r"\1/\2", str(value)).replace("/1,", ",")[:160]


def collections() -> dict[str, list[Path]]:
    """The collections there are, by name."""
    from benchmarks.reading import SONGBOOK
    from studio.music.styles.table import music21_corpus

    corpus = music21_corpus()
    hymns = SONGBOOK.parent / "hymns" if SONGBOOK.name else Path()
    found = {
        "songbook": sorted(SONGBOOK.glob("*.mxl")) if SONGBOOK.name else [],
        "hymns": sorted(hymns.glob("*.abc")) if hymns.name else [],
        "Ryan's": sorted((corpus / "ryansMammoth").glob("*.abc")),
        "O'Neill": sorted((corpus / "oneills1850").glob("*.abc")),
        "Aird": sorted((corpus / "airdsAirs").glob("*.abc")),
        "Bach": sorted((corpus / "bach").glob("*.mxl")),
        "trecento": sorted((corpus / "trecento").glob("*.xml")),
        "Essen": sorted((corpus / "essenFolksong").glob("*.abc")),
        "Palestrina": sorted((corpus / "palestrina").glob("*.krn")),
    }
    own = ("ryansMammoth", "oneills1850", "airdsAirs", "trecento", "essenFolksong", "palestrina")
    found["others"] = [
        file
        for file in sorted(corpus.rglob("*"))
        if file.suffix in SUFFIXES and file.parent.name not in own and file not in found["Bach"]
    ]
    return {name: files for name, files in found.items() if files}


def sweep(
    files: list[Path], formats: list[str], every: int
) -> tuple[dict[str, Tally], Counter[str], Counter[str]]:
    """The tallies of some files, by format, the reasons for those that could not be read, and what was said
    about the others, without its numbers and names.
    """
    tallies, unread, remarks = {name: Tally() for name in formats}, Counter[str](), Counter[str]()
    number = 0
    for path in files:
        try:
            for reading in read(path.read_bytes(), path.name):
                number += 1
                if number % every == 0:
                    remarks.update({re.sub(r"'.*'|\"[^\"]*\"|\d+", "…", each) for each in reading.remarks})
                    for name in formats:
                        compare(reading, name, tallies[name])
        except Unreadable as error:
            unread[str(error)] += 1
        except Exception as error:  # a fault of ours, or of music21 where it reads kern
            unread[f"{path.name}: {type(error).__name__}: {error}"[:300]] += 1
    return tallies, unread, remarks


def main(arguments: list[str]) -> None:
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.round_trips")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--only", nargs="*", help="names of collections")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--part", default="1/1", help="which of how many pieces of each collection")
    parser.add_argument("--show", type=int, default=3)
    parser.add_argument("--remarks", type=int, default=0, help="how many kinds of remarks to print")
    parser.add_argument("--formats", nargs="*", default=list(NAMES), choices=NAMES)
    given = parser.parse_args(arguments)
    found = collections() if not given.files else {}
    for path in given.files:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        found[path.name] = [each for each in inside if each.is_file()]
    for what, files in found.items():
        if given.only and what not in given.only:
            continue
        part, parts = map(int, given.part.split("/"))
        tallies, unread, remarks = sweep(files[part - 1 :: parts], given.formats, given.every)
        for name, tally in tallies.items():
            differing = ", ".join(f"{count} {each}" for each, count in tally.differing.most_common())
            carried = f"; verses not carried: {tally.verses} syllables" if tally.verses else ""
            print(f"{what:<12} {name:<9} {tally.same:>5} of {tally.tunes:>5} the same  {differing}{carried}")
            for each in tally.shown[: given.show]:
                print(f"    {each}")
            for reason, count in tally.refused.most_common(given.show):
                print(f"    refused {count}: {reason}")
        for reason, count in unread.most_common(given.show):
            print(f"    not read {count}: {reason}")
        for remark, count in remarks.most_common(given.remarks):
            print(f"    said {count}: {remark}")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
