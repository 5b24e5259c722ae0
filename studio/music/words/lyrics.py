"""Reads typed words: stanzas, lines, and syllables.

    lyrics = read_lyrics('''[Verse]
    Soft is the eve-ning, th' e-ter-nal light __
    Slow-ly is ~ fad-ing''')
    [syllable.text for syllable in lyrics.stanzas[0].lines[0].syllables]

An empty line begins another stanza, and so does a name in brackets: [A], [Verse], [Chorus], [2]. Within a
line the signs are those of ABC (section 5.1): `-` cuts a word, `_` holds the syllable before it for one more
note, `~` joins what stands at its sides on one note, `*` leaves a note without words. A word without a vowel
(th') is sung on the note of the word after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from studio.errors import Refused
from studio.music.words.splitting import ENGLISH, check_language, split_word

LONGEST_WORDS = 12_000
"""Characters of the words of a song."""

MOST_SYLLABLES = 3_000

MARKS = '.,;:!?()[]"“”„‚‘…-–—'
"""What may stand around a word."""

UNDERTIE = "‿"

_ENGLISH = "a an the and or but nor of to in on at by for from with as than if"
_GERMAN = (
    "der die das den dem des ein und oder denn doch zu zum zur in im ins an am ans auf aus bei beim mit nach "
    "von vom für um durch vor dass daß als wie wenn ob es ich du er sie wir ihr man ist"
)
LIGHT_WORDS = {
    ENGLISH: frozenset(_ENGLISH.split()),
    "de": frozenset(_GERMAN.split()),
}
"""Of each language the words of one syllable that are hardly ever stressed: articles, prepositions,
conjunctions, and where no dictionary knows stresses also pronouns.
"""


@dataclass(frozen=True, slots=True)
class SungSyllable:
    """What is sung on one note, or held over several.

    text: as it is printed, empty for a note without words. syllabic: as in `scores.words.Syllable`. stress:
    0, 1 (the main one of its word), 2; -1 where it is not known. word: the whole word. more: how many notes
    more it is held, as the writer says. known: a dictionary has its word. light: it is one of `LIGHT_WORDS`.
    """

    text: str
    syllabic: str = "single"
    stress: int = -1
    word: str = ""
    more: int = 0
    known: bool = True
    light: bool = False

    @property
    def notes(self) -> int:
        return 1 + self.more


@dataclass(frozen=True)
class LyricLine:
    """A line of words."""

    syllables: tuple[SungSyllable, ...]
    text: str

    @property
    def notes(self) -> int:
        """How many notes it is sung on at least."""
        return sum(each.notes for each in self.syllables)


@dataclass(frozen=True)
class Stanza:
    """Lines that belong together. name: what stood in brackets above them, or empty."""

    lines: tuple[LyricLine, ...]
    name: str = ""

    @property
    def syllables(self) -> tuple[SungSyllable, ...]:
        return tuple(each for line in self.lines for each in line.syllables)

    @property
    def notes(self) -> int:
        return sum(line.notes for line in self.lines)


@dataclass(frozen=True)
class Lyrics:
    """The words of a song. language: by its code."""

    stanzas: tuple[Stanza, ...]
    language: str = ENGLISH

    @property
    def unknown(self) -> tuple[str, ...]:
        """The words that no dictionary has, each once; those of another language than English are not
        looked up.
        """
        if self.language != ENGLISH:
            return ()
        words = (
            each.word.strip(MARKS)
            for stanza in self.stanzas
            for each in stanza.syllables
            if not each.known and each.syllabic in ("single", "begin")
        )
        return tuple(dict.fromkeys(words))


def read_lyrics(text: str, language: str = ENGLISH, *, light: bool = True) -> Lyrics:
    """The words of a text. light: words that are hardly ever stressed are marked so, as by drawing rules
    before 12 they are not. Raises `Refused` for a text without words or one that is too long, and
    `UnknownName` for a language that cannot be split.
    """
    code = check_language(language)
    if len(text) > LONGEST_WORDS:
        raise Refused(
            f"The words have {len(text):,} characters, but a song takes at most {LONGEST_WORDS:,}; "
            "shorten them."
        )
    stanzas = tuple(_stanzas(text, code))
    count = sum(len(stanza.syllables) for stanza in stanzas)
    if not count:
        raise Refused("There are no words in the text; write at least one line of them.")
    if count > MOST_SYLLABLES:
        raise Refused(
            f"The words have {count:,} syllables, but a song takes at most {MOST_SYLLABLES:,}; shorten them."
        )
    words = LIGHT_WORDS.get(code, frozenset()) if light else frozenset()
    return Lyrics(tuple(_lightened(stanza, words) for stanza in stanzas), code)


def _lightened(stanza: Stanza, words: frozenset[str]) -> Stanza:
    """The same stanza with these of its words marked as light, but none that ends a line or stands before a
    comma: "come on, come in" has two stresses there.
    """

    def marked(line: LyricLine) -> LyricLine:
        within = [
            replace(each, light=each.syllabic == "single" and each.word.lower().lstrip(MARKS) in words)
            for each in line.syllables[:-1]
        ]
        return replace(line, syllables=(*within, *line.syllables[-1:]))

    return replace(stanza, lines=tuple(map(marked, stanza.lines)))


def _stanzas(text: str, language: str) -> Iterator[Stanza]:
    name, lines = "", list[LyricLine]()
    for written in [*text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), ""]:
        label = re.fullmatch(r"\s*\[([^\[\]]*)\]\s*", written)
        if label or not written.strip():
            if lines:
                yield Stanza(tuple(lines), name)
                name, lines = "", []
            if label:
                name = " ".join(label[1].split())
            continue
        line = _line(written, language)
        if line.syllables:
            lines.append(line)


_HELD = re.compile("[_—–]*_[_]*$")
_VOWEL = re.compile("[aeiouyAEIOUYà-öø-ÿÀ-ÖØ-ßĀ-ſа-яА-Яα-ωΑ-Ω0-9&]")


def _line(written: str, language: str) -> LyricLine:
    """One line: its words, one after the other."""
    found: list[SungSyllable] = []
    waiting = ""  # what is sung on the note of the next word
    spaced = re.sub(r"\s*~\s*", "~", re.sub("([—–])(?=[^\\W_])", r"\1 ", written))
    for token in spaced.replace("_", " _ ").split():
        if token == "_":
            if found:
                found[-1] = replace(found[-1], more=found[-1].more + 1)
        elif token == "*":
            found.append(SungSyllable(""))
        elif not any(letter.isalnum() or letter == "&" for letter in token):
            if found:
                found[-1] = replace(found[-1], text=f"{found[-1].text} {token}")
            else:
                waiting += f"{token} "
        elif language == ENGLISH and not _VOWEL.search(token) and token[-1] in "'’":
            waiting += f"{token} "
        else:
            found += _word(token, waiting, language)
            waiting = ""
    if waiting and found:
        found[-1] = replace(found[-1], text=f"{found[-1].text} {waiting.strip()}")
    return LyricLine(tuple(found), " ".join(written.split()))


def _word(token: str, before: str, language: str) -> list[SungSyllable]:
    """The syllables of a token: a word, or several that `~` joins where they meet."""
    found: list[SungSyllable] = []
    for word in filter(None, token.split("~")):
        new = _syllables(word, language)
        if found:
            last = found.pop()
            begins = last.syllabic in ("single", "begin")
            ends = new[0].syllabic == "single"
            syllabic = ("single" if ends else "begin") if begins else ("end" if ends else "middle")
            new[0] = replace(
                new[0],
                text=last.text + UNDERTIE + new[0].text,
                syllabic=syllabic,
                stress=max(last.stress, new[0].stress),
                word=f"{last.word} {new[0].word}",
            )
        found += new
    found[0] = replace(found[0], text=before + found[0].text)
    return found


def _syllables(word: str, language: str) -> list[SungSyllable]:
    split = split_word(word, language)
    last = len(split.parts) - 1
    places = ["single"] if not last else ["begin", *["middle"] * (last - 1), "end"]
    return [
        SungSyllable(part, place, stress, word, known=split.known)
        for part, place, stress in zip(split.parts, places, split.stresses, strict=True)
    ]
