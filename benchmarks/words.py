"""Words beside print: how songs split and place their syllables, and how the studio does.

    python -m benchmarks.words FOLDER                  lead sheets with words by syllable (OpenEWLD)

Prints the share of words that are split as printed, and of those with several syllables; the share that any
fixed way to split each word could reach at most, since print does not agree with itself; how often the
printed words and the studio's, laid from the bare text, begin on the same notes; and how often stress and
beats disagree in both.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from studio.errors import StudioError
from studio.music.reading.readers import Readers
from studio.music.scores.tunes import Tune
from studio.music.words.laying import lay
from studio.music.words.splitting import split_word
from studio.music.words.stresses import lines_of


def printed_words(tune: Tune) -> Iterator[list[str]]:
    """The words of each verse, by syllable."""
    for verse in {word.verse for word in tune.words}:
        word: list[str] = []
        for syllable in tune.words:
            if syllable.verse != verse:
                continue
            if syllable.syllabic in ("single", "begin") and word:
                yield word
                word = []
            word.append(syllable.text)
        if word:
            yield word


def text_of(tune: Tune) -> str:
    """The first verse as bare text, a line for each phrase of the tune."""
    ends = [line[-1].start for line in lines_of(tune, tune.sounding)]
    found = ""
    for word in tune.words:
        if word.verse != 1:
            continue
        if ends and word.start > ends[0] and word.syllabic in ("single", "begin"):
            found += "\n"
            ends = [end for end in ends if end >= word.start]
        found += word.text + (" " if word.syllabic in ("single", "end") else "")
    return found


def main(folder: Path) -> None:
    files = sorted(path for path in folder.iterdir() if path.suffix in (".mxl", ".musicxml", ".abc"))
    with Readers(1) as readers:
        tunes = [tune for path in files for tune in readers.read(path.read_bytes(), path.name).tunes]
    tunes = [tune for tune in tunes if tune.words]
    splitting(tunes)
    laying(tunes)


def splitting(tunes: list[Tune]) -> None:
    same = all_words = several = several_same = 0
    ways: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for tune in tunes:
        for word in printed_words(tune):
            if any(" " in part or "‿" in part for part in word):
                continue
            want = tuple(part.lower().replace("-", "") for part in word)
            got = tuple(part.lower() for part in split_word("".join(word).replace("-", "")).parts)
            bare = tuple(re.sub(r"[^\w']", "", part) for part in want)
            ways["".join(bare)][bare] += 1
            all_words, same = all_words + 1, same + (got == want)
            several, several_same = several + (len(want) > 1), several_same + (len(want) > 1 and got == want)
    most = sum(max(counts.values()) for counts in ways.values())
    print(f"{len(tunes)} songs, {all_words} words, {several} of several syllables")
    print(f"split as printed: {same / all_words:.1%}; of several syllables {several_same / several:.1%}")
    print(f"at most, since print splits a word now so, now so: {most / all_words:.1%}")


def laying(tunes: list[Tune]) -> None:
    there = same = refused = 0
    for tune in tunes:
        try:
            laid = lay(text_of(tune), tune)
        except StudioError:
            refused += 1
            continue
        printed = {word.start for word in tune.words if word.verse == 1}
        there += len(printed)
        same += len(printed & {word.start for word in laid.words})
    print(f"on the printed notes: {same / there:.1%} of {there}; {refused} with more syllables than notes")
    faults = checked = 0
    for tune in tunes:
        hyphens = "".join(
            word.text + (" " if word.syllabic in ("single", "end") else "-")
            for word in tune.words
            if word.verse == 1
        )
        try:
            laid = lay(hyphens, tune)
        except StudioError:
            continue
        faults, checked = faults + len(laid.stresses), checked + laid.checked
    print(f"stress against the beat in the songs themselves: {faults / checked:.1%} of {checked} words")


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("folder", type=Path, help="lead sheets with words by syllable")
    main(asked.parse_args().folder)
