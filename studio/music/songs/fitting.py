"""Words that no melody carries in their bars as they are, and what would do.

    ways = list(ways_for_words(recipe, error))     # one change each, the likeliest first; none is tried here
    other = with_way(recipe, ways[0])

Words with too few syllables are sung again, or get fewer bars; words with too many become verses, which share
a melody, or get more bars. `song.with_fitting_words` tries which of these has a melody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from studio.errors import Contradiction, Refused, WayOut
from studio.music.melody.recipes import MOST_BARS, read_parts
from studio.music.scores.keys import Key
from studio.music.songs.limits import FITTED, LATER, WordsDoNotFit
from studio.music.songs.plan import FORMS
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.sheet import plan_of
from studio.music.words.lyrics import LONGEST_WORDS, read_lyrics

MOST_AGAIN = 6
"""How often words are sung again in a section at most."""

VERSES = (4, 2, 8, 1)
"""Lines of a verse that many lines are divided into, the usual first."""

MOST_VERSES = 8
"""Verses that one stanza is divided into at most: nobody sings a melody seventy-five times."""

OF_WORDS = ("words", "words_first")


def is_about_words(recipe: SongRecipe, error: Contradiction) -> bool:
    """Whether a refusal says that the words have no melody, whatever else is asked."""
    fields = {each.field for each in error.conflict}
    words_alone = bool(fields & set(OF_WORDS)) and fields <= {*OF_WORDS, "bars"}
    return bool(recipe.words) and recipe.words_first and words_alone


def with_room(recipe: SongRecipe, error: Contradiction) -> SongRecipe | None:
    """The same request with twice the bars, where words that are laid under a melody, and are to be made to
    fit, have more syllables than notes; None for anything else, or where there cannot be more.
    """
    under = recipe.words and recipe.fit and not recipe.words_first
    if not under or "words" not in {each.field for each in error.conflict}:
        return None
    bars = 2 * _bars(recipe)
    return with_way(recipe, WayOut("", "bars", bars)) if bars <= MOST_BARS else None


def ways_for_words(recipe: SongRecipe, error: Contradiction) -> Iterator[WayOut]:
    """Changes that may give the words a melody, each of which has to be tried. Where it is not known whether
    there are too few syllables or too many, both are offered.
    """
    known = error if isinstance(error, WordsDoNotFit) else None
    if known is None or known.few:
        yield from _sung_again(recipe, known.least if known else 0)
        yield from _bars_offered(recipe, (1 / 2, 1 / 4))
    if known is None or not known.few:
        asked = next((way.value for way in error.ways_out if way.field == "bars"), None)
        bars = [asked / _bars(recipe)] if asked else []
        more = list(_bars_offered(recipe, [*bars, *(2 * each for each in bars)] or [2]))
        verses = list(_as_verses(recipe))
        yield from [*verses, *more] if _lines(recipe) > VERSES[0] * 2 else [*more, *verses]


def offered(error: Contradiction, ways: Sequence[WayOut]) -> Contradiction:
    """The refusal with changes that were tried and do, and with what else helps."""
    few = not isinstance(error, WordsDoNotFit) or error.few
    found = [*ways, FITTED, *([LATER] if few else [])]
    if isinstance(error, WordsDoNotFit):
        return error.with_ways(found)
    what = str(error).removesuffix(".").split(";")[0]
    return WordsDoNotFit(what, error.conflict, found, few=True)


def laid_later(recipe: SongRecipe) -> SongRecipe:
    """The same request with its words laid under a melody that is drawn without them; many lines as verses,
    which share its notes.
    """
    verses = next(_as_verses(recipe), None) if _lines(recipe) > 2 * VERSES[0] else None
    return with_way(with_way(recipe, verses) if verses else recipe, LATER)


def with_way(recipe: SongRecipe, way: WayOut) -> SongRecipe:
    """The same request with this change."""
    return recipe.model_copy(update={way.field: way.value})


def fitted_in_words(asked: SongRecipe, made: SongRecipe) -> list[str]:
    """What is said of a song whose words were made to fit."""
    found = []
    if made.words_first != asked.words_first:
        found.append("No melody of the style carries these words by itself, so they are laid under one.")
    if made.bars != asked.bars:
        few, many = _bars(made), _bars(asked)
        why = "every syllable has a note" if few > many else "every note has a syllable"
        found.append(f"The song has {few} bars instead of {many}, so that {why}.")
    if made.words != asked.words:
        before, after = (_Words.read(each.words) for each in (asked, made))
        if len(after.blocks) > len(before.blocks):
            found.append(f"The words are sung as {len(after.blocks)} verses, which share a melody.")
        else:
            times = max(len(b) // len(a) for (_, a), (_, b) in zip(before.blocks, after.blocks, strict=True))
            found.append(f"The words are sung {_times(times)}, so that every note has a syllable.")
    return found


def _bars(recipe: SongRecipe) -> int:
    """How many bars it asks for; a key makes no difference."""
    return plan_of(recipe.model_copy(update={"section_keys": ()}), Key.parse("C")).bars


def _bars_offered(recipe: SongRecipe, times: Sequence[float]) -> Iterator[WayOut]:
    """The song in so many times its bars, where its form can be divided so."""
    if recipe.chords:
        return
    named = FORMS.get(recipe.form)
    parts = len(read_parts(named.letters if named else recipe.form))
    unit = parts * (named.bars if named and named.anchors else 1)
    for each in dict.fromkeys(round(_bars(recipe) * share / unit) * unit for share in times):
        if 0 < each <= MOST_BARS and each != _bars(recipe):
            yield WayOut(f"Make the song {each} bars", "bars", each)


@dataclass(frozen=True)
class _Words:
    """A text as it is written: blocks of lines, each with the line in brackets above it, or ""."""

    blocks: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def read(cls, text: str) -> _Words:
        blocks: list[tuple[str, tuple[str, ...]]] = []
        name, lines = "", list[str]()
        for written in [*text.splitlines(), ""]:
            label = bool(re.fullmatch(r"\s*\[[^\[\]]*\]\s*", written))
            if label or not written.strip():
                blocks += [(name, tuple(lines))] if lines else []
                name, lines = (written.strip() if label else "" if lines else name), []
                continue
            lines.append(written.strip())
        return cls(tuple(blocks))

    @property
    def text(self) -> str:
        return "\n\n".join("\n".join([*([name] if name else []), *lines]) for name, lines in self.blocks)


def _lines(recipe: SongRecipe) -> int:
    """Lines of the longest stanza."""
    return max((len(lines) for _, lines in _Words.read(recipe.words).blocks), default=0)


def _sung_again(recipe: SongRecipe, least: int) -> Iterator[WayOut]:
    """The words of every stanza that has too few syllables, several times. least: syllables it needs; 0 for
    once more, then twice.
    """
    words = _Words.read(recipe.words)
    for more in (0, 1, 2):
        blocks, most = [], 1
        for name, lines in words.blocks:
            times = more + max(1, ceil(least / _syllables(recipe, lines)) if least else 2)
            times = times if times > 1 + more else 1
            most = max(most, times)
            blocks.append((name, lines * times))
        again = _Words(tuple(blocks)).text
        if 1 < most <= MOST_AGAIN and len(again) <= LONGEST_WORDS:
            yield WayOut(f"Sing the words {_times(most)}", "words", again)


def _syllables(recipe: SongRecipe, lines: Sequence[str]) -> int:
    try:
        found = read_lyrics("\n".join(lines), recipe.language)
    except Refused:  # signs without a word
        return 1
    return max(1, sum(stanza.notes for stanza in found.stanzas))


def _as_verses(recipe: SongRecipe) -> Iterator[WayOut]:
    """Long stanzas divided into verses of a few lines, which share a melody."""
    words = _Words.read(recipe.words)
    for size in VERSES:
        blocks = [
            (name, lines[first : first + size])
            for name, lines in words.blocks
            for first in range(0, len(lines), size)
        ]
        text = _Words(tuple(blocks)).text
        if any(len(lines) > size * MOST_VERSES for _, lines in words.blocks):
            continue
        if len(blocks) > len(words.blocks) and len(text) <= LONGEST_WORDS:
            of = "one line" if size == 1 else f"{size} lines"
            yield WayOut(f"Sing the words as verses of {of}", "words", text)


def _times(number: int) -> str:
    return "twice" if number == 2 else f"{number} times"
