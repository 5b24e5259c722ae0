"""What is in a score, what the studio kept of it, and whether it said so of the rest.

    python -m benchmarks.dropped [FILE or FOLDER ...] [--only NAME ...] [--part 1/1] [--show 5]

Notes that begin, chord symbols, syllables, D.C. and the like are counted in the file itself, by patterns that
share nothing with the readers: elements of MusicXML, letters of ABC, tokens of kern. What the readers keep,
in all parts, and the numbers in their remarks are taken from that: what remains was dropped without a word.
Less than nothing was read twice, such as a note whose tie begins nowhere. Without files, the collections are
those of `benchmarks.round_trips`.
"""

from __future__ import annotations

import argparse
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.round_trips import BUDGET, collections, read
from studio.errors import Unreadable
from studio.music.reading.budget import Reading
from studio.music.reading.musicxml import xml_of
from studio.music.reading.pieces import pieces

Counts = Counter[str]

TOLD = {
    "notes": (
        "Notes that stand twice",
        "Notes outside the range",
        "Notes whose pitch is none",
        "Notes of no length",
        "Notes without a length",
        "Notes on a note",
    ),
    "chords": (
        "Chord symbols that could not be read",
        "Chord symbols of another part",
        "Chord symbols that another part",
        "Chord symbols after the last note",
        "Equal chord symbols",
        "Chord symbols at one place",
        "Texts above the notes",
        "Chords left out",
    ),
    "syllables": ("Syllables",),
    "jumps": ("Jumps that stand twice",),
}
"""What is counted -> how the remarks begin that say how much of it is not in the tune."""


def in_musicxml(content: bytes, name: str) -> Counts:
    """By elements. A tie that ends, a grace note and a cue note begin no note."""
    found = Counts()
    root = ElementTree.fromstring(xml_of(content, name, BUDGET))
    for note in root.iter("note"):
        sounds = note.find("pitch") is not None or note.find("unpitched") is not None
        ends = [*note.iterfind("tie"), *note.iterfind("notations/tied")]
        tied = any(each.get("type") == "stop" for each in ends)
        if sounds and not tied and note.find("grace") is None and note.find("cue") is None:
            found["notes"] += 1
        for lyric in note.iterfind("lyric"):
            found["syllables"] += any((text.text or "").strip() for text in lyric.iterfind("text"))
    part = next((each for each in root.iterfind("part") if each.find(".//sound") is not None), root)
    names = ("dacapo", "dalsegno", "fine", "tocoda", "coda", "segno")
    found["jumps"] += sum(bool(sound.get(name)) for sound in part.iter("sound") for name in names)
    for harmony in root.iter("harmony"):
        found["chords"] += sum(each.tag in ("root", "function", "numeral") for each in harmony)
    return found


def in_abc(text: str) -> Counts:
    """By letters, voice by voice."""
    found = Counts()
    text = re.sub(r"(?<!\\)%.*", "", re.sub(r"^%.*\n", "", text, flags=re.M))
    _, _, body = text.partition("\nK:")
    music = dict[str, str]()
    voice = ""
    for line in body.split("\n")[1:]:
        if not line.strip():
            break  # a blank line ends the tune
        if re.match(r"w:", line):
            words = re.sub(r"\\-", "", line[2:]).replace("~", "")
            found["syllables"] += len([each for each in re.split(r"[\s\-|]+", words) if each.strip("*_")])
            continue
        switch = re.match(r"(?:\[V:\s*|V:\s*)([^\s\]]+)[^\]]*\]?", line)
        if switch:
            voice, line = switch[1], line[switch.end() :]
        elif re.match(r"[A-Za-z+]:", line):
            continue
        music[voice] = music.get(voice, "") + line + "\n"
    for line in music.values():
        for ending, quoted in re.findall(r'(\[?)"([^"\n]*)"', line):
            if ending:
                continue
            texts = [each.strip() for each in re.split(r";|\\n", quoted)]
            found["jumps"] += sum(_is_jump(each) for each in texts)
            texts = [each for each in texts if not _is_jump(each)]
            found["chords"] += sum(bool(each) and each[0] not in "^_<>@" for each in texts)
        found["notes"] += _heads(line)
    return found


def _is_jump(text: str) -> bool:
    return (
        re.match(
            r"[\^_<>@ ]*(D\.? ?[CS](\.|$| )|Da Capo|Dal Segno|<?(Fine|Segno|Coda|To Coda)>?$)", text, re.I
        )
        is not None
    )


def _heads(line: str) -> int:
    line = re.sub(r'"[^"\n]*"|\{[^}]*\}|![^!\n]{1,30}!|\[[A-Za-z]:[^\]\n]*\]|\+[a-z.()<>]+\+', "", line)
    heads, tied = 0, set[str]()
    signs = r"\[([^][|\n]*)\][\d/]*(\.?-)?|[_^=]*([A-Ga-g][,']*)[\d/]*(\s*[<>]*\.?-)?|[zxZX]"
    for sign in re.finditer(signs, line):
        inside = re.findall(r"([A-Ga-g][,']*)[\d/]*(-?)", sign[1] or "")
        struck = {letter: bool(tie or sign[2]) for letter, tie in inside}
        if sign[3]:
            struck = {sign[3]: bool(sign[4])}
        heads += sum(letter not in tied for letter in struck)
        tied = {letter for letter, tie in struck.items() if tie}
    return heads


def in_kern(text: str) -> Counts:
    """By tokens. [ begins a tie, _ and ] go on with it; q marks a grace note."""
    found = Counts()
    columns: list[str] = []
    for line in text.splitlines():
        tokens = line.split("\t")
        if line.startswith("**"):
            columns = tokens
        if line[:1] in "!*=":
            continue
        for column, token in zip(columns, tokens, strict=False):
            if column == "**kern":
                found["notes"] += sum(
                    bool(re.search("[A-Ga-g]", note)) and not re.search(r"[\]_qQr]", note)
                    for note in token.split(" ")
                )
    return found


def kept(reading: Reading) -> Counts:
    """What there is in the tune and its parts."""
    found = Counts()
    for tune, parts in zip(reading.tunes, reading.parts, strict=True):
        found["notes"] += sum(len(part.notes) for part in parts)
        found["syllables"] += sum(len(part.words) for part in parts)
        found["chords"] += len(tune.chords)
        found["jumps"] += len(tune.jumps)
    return found


def told(reading: Reading) -> Counts:
    """What the remarks say was left out or put together. Of syllables: from the melody."""
    found = Counts()
    for remark in reading.remarks:
        for what, beginnings in TOLD.items():
            number = re.search(r"[:(] ?(\d+)", remark)
            if remark.startswith(beginnings) and number:
                found[what] += int(number[1])
    return found


def counted(path: Path) -> Iterator[tuple[str, Counts, Reading]]:
    """Each tune of a file: its name, what it holds, and what was read."""
    content = path.read_bytes()
    found = pieces(content, path.name, BUDGET)
    for piece, reading in zip(found, read(content, path.name), strict=True):
        if piece.form == "abc":
            yield piece.name, in_abc(piece.text), reading
        elif piece.form == "humdrum":
            yield piece.name, in_kern(piece.text), reading
        else:
            yield piece.name, in_musicxml(content, path.name), reading


def main() -> None:
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dropped")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--only", nargs="*", help="names of collections")
    parser.add_argument("--part", default="1/1", help="which of how many pieces of each collection")
    parser.add_argument("--show", type=int, default=5)
    given = parser.parse_args()
    found = collections() if not given.files else {}
    for path in given.files:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        found[path.name] = [each for each in inside if each.is_file()]
    part, parts = map(int, given.part.split("/"))
    for name, files in found.items():
        if given.only and name not in given.only:
            continue
        there, remains, tunes, shown = Counts(), Counts(), 0, []
        for path in files[part - 1 :: parts]:
            try:
                for label, counts, reading in counted(path):
                    tunes += 1
                    there.update(counts)
                    have, said = kept(reading), told(reading)
                    for what in counts:
                        left = counts[what] - have[what]
                        left = max(0, left - said[what]) if left > 0 else left
                        remains[f"{what} {'dropped' if left > 0 else 'more'}"] += abs(left)
                        if left:
                            shown.append(
                                f"{label}: {what}: {counts[what]} there, {have[what]} kept, {said[what]} told"
                            )
            except Unreadable as error:
                shown.append(f"{path.name} could not be read: {error}")
        held = ", ".join(f"{count:,} {what}" for what, count in there.items())
        rest = ", ".join(f"{count} {what}" for what, count in sorted(remains.items()) if count) or "nothing"
        print(f"{name:<12} {tunes:>5} tunes: {held}; without a word: {rest}", flush=True)
        for each in shown[: given.show]:
            print(f"    {each}")


if __name__ == "__main__":
    main()
