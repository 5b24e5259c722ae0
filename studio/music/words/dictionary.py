"""How many syllables an English word has, and which are stressed: the CMU Pronouncing Dictionary.

    sounds_of("heaven")       # (Sounds(stresses=(1, 0), checked=(True, False)),)
    sounds_of("lovin'")       # as loving, since it is not there itself
    sounds_of("qwertz")       # () where nothing is known

The file models/english-words.xz holds what is needed of the dictionary (its card says how it was built and
under which licence); it is read when a word is first looked up, in about a tenth of a second.
"""

from __future__ import annotations

import lzma
import re
from dataclasses import dataclass
from functools import lru_cache

from studio.works.shipped import shipped

CODES = "012abc"
"""A letter of the file for each syllable: its stress, a to c where the vowel is checked."""


@dataclass(frozen=True, slots=True)
class Sounds:
    """How a word is said. stresses: for each syllable 0, 1 (the main one) or 2; -1 where it is not known.
    checked: whether its vowel is short and holds the consonant after it (nev-er, but o-ver).
    """

    stresses: tuple[int, ...]
    checked: tuple[bool, ...]

    @classmethod
    def of_code(cls, code: str) -> Sounds:
        numbers = [CODES.index(letter) for letter in code]
        return cls(tuple(number % 3 for number in numbers), tuple(number > 2 for number in numbers))

    def then(self, other: Sounds) -> Sounds:
        """This and another, one after the other."""
        return Sounds(self.stresses + other.stresses, self.checked + other.checked)

    @property
    def count(self) -> int:
        return len(self.stresses)


WEAK = Sounds((0,), (False,))
"""A syllable without stress."""


@lru_cache(maxsize=1)
def _words() -> dict[str, str]:
    text = lzma.decompress((shipped("models") / "english-words.xz").read_bytes()).decode("utf-8")
    return dict(line.split(" ", 1) for line in text.splitlines())


@lru_cache(maxsize=4096)
def sounds_of(word: str) -> tuple[Sounds, ...]:
    """The ways to say a word, in lower case with straight apostrophes, the usual one first; none where
    neither it nor what it is formed from is known.
    """
    found = _words().get(word)
    if found is not None:
        return tuple(Sounds.of_code(code) for code in found.split())
    return _formed(word)


def is_listed(word: str) -> bool:
    """Whether the dictionary itself has the word."""
    return word in _words()


_SIBILANT = re.compile(r"(s|x|z|ch|sh|ce|ge|se|ze)$")

_ENDINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ings", ("ing",)),
    ("in'", ("ing",)),
)
"""Endings that are said as others are: (as it is written, as the dictionary may have it)."""


def _formed(word: str) -> tuple[Sounds, ...]:
    """A word that is not in the dictionary, from one that is."""
    if "'" in word and sounds_of(word.replace("'", "")) and not word.startswith("'"):
        plain = word.replace("'", "")
        if plain.endswith("s"):
            return sounds_of(plain)
    for ending, others in _ENDINGS:
        if word.endswith(ending):
            for other in others:
                known = sounds_of(word.removesuffix(ending) + other)
                if known:
                    return known
    for ending in ("'ll", "'ve", "'re", "'d", "'"):
        if word.endswith(ending) and word.removesuffix(ending) in _words():
            return sounds_of(word.removesuffix(ending))
    for ending in ("eth", "est", "est'", "edst"):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            stem = _stem(word.removesuffix(ending))
            if stem:
                return tuple(each.then(WEAK) for each in stem)
    return _inflected(word)


def _inflected(word: str) -> tuple[Sounds, ...]:
    """With the ending of a plural, a past or a comparison, or with a prefix or two words in one."""
    for ending in ("ing", "er", "ers", "ed", "y", "ly", "ness", "less", "ful", "'s", "s", "es", "en"):
        if not word.endswith(ending) or len(word) < len(ending) + 3:
            continue
        body = word.removesuffix(ending)
        stem = sounds_of(body) or (_stem(body) if ending in ("ing", "er", "ers", "ed", "y", "es") else ())
        if not stem:
            continue
        silent = (ending == "ed" and not body.endswith(("t", "d"))) or (
            ending in ("'s", "s", "es") and not _SIBILANT.search(body)
        )
        return stem if silent else tuple(each.then(WEAK) for each in stem)
    for prefix in ("un", "re", "a", "be", "en", "fore", "out", "over"):
        if word.startswith(prefix) and len(word) > len(prefix) + 3:
            rest, first = _words().get(word.removeprefix(prefix)), _words().get(prefix)
            if rest and first:
                weak = Sounds((0,) * len(first.split()[0]), (False,) * len(first.split()[0]))
                return tuple(weak.then(Sounds.of_code(code)) for code in rest.split())
    return _compound(word)


def _stem(body: str) -> tuple[Sounds, ...]:
    """The word that an ending was added to: danc(e), stopp -> stop, merri -> merry."""
    for stem in (body, body + "e", body[:-1] if body[-1:] == body[-2:-1] else "", re.sub("i$", "y", body)):
        if stem and stem in _words():
            return sounds_of(stem)
    return ()


def _compound(word: str) -> tuple[Sounds, ...]:
    """Two words in one: cradlesong. Each of them has four letters or more."""
    for cut in range(len(word) - 4, 3, -1):
        first, second = _words().get(word[:cut]), _words().get(word[cut:])
        if first and second:
            return (Sounds.of_code(first.split()[0]).then(Sounds.of_code(second.split()[0])),)
    return ()
