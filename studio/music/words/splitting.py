"""Splits words into the syllables that are sung.

    split_word("memory")                  # SplitWord(("mem", "o", "ry"), stresses (1, 0, 0))
    split_word("a-round")                 # the writer's own hyphens come first
    split_word("Stille", "de")            # in other languages by pyphen's points, without stress

In English the count and the stress come from the pronouncing dictionary (`dictionary`), for words it does not
have from the spelling. Where to cut is chosen among all ways to cut the word into that many pieces, each with
a vowel: pyphen's points first (Liang's hyphenation, "Word Hy-phen-a-tion by Com-put-er", 1983), then the
habits of printed music: a short stressed vowel holds the consonant after it (nev-er), another does not
(o-ver), two consonants are parted (win-dow), those of one sound are not (moth-er, re-ply).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from studio.errors import UnknownName
from studio.music.words.dictionary import Sounds, is_listed, sounds_of

if TYPE_CHECKING:
    from pyphen import Pyphen

ENGLISH = "en"

HYPHENS = re.compile("[-\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{SOFT HYPHEN}]+")

LONGEST_WORD = 60
"""Letters of a word that is cut; a longer one stays whole."""


@dataclass(frozen=True, slots=True)
class SplitWord:
    """A word in syllables. parts: as they are printed, with the marks around the word. stresses: for each 0,
    1 (the main one) or 2; -1 where it is not known. known: a dictionary says how many syllables it has.
    """

    parts: tuple[str, ...]
    stresses: tuple[int, ...]
    known: bool = True


def languages() -> tuple[str, ...]:
    """The languages whose words can be split, as pyphen names them."""
    from pyphen import LANGUAGES

    return (ENGLISH, *sorted({name.split("_")[0] for name in LANGUAGES} - {ENGLISH}))


def check_language(language: str) -> str:
    """The language by its code, such as "de"; raises `UnknownName` for one that cannot be split."""
    code = re.split("[-_]", language.strip().lower())[0] or ENGLISH
    if code not in languages():
        raise UnknownName("language", language, languages())
    return code


def split_word(word: str, language: str = ENGLISH) -> SplitWord:
    """The syllables of one word, which may have marks around it. Hyphens in it are where the writer cuts."""
    written = [part for part in HYPHENS.split(word) if part]
    if len(written) < 2:
        return _split(_bare(word), language)
    if language == ENGLISH:
        whole = sounds_of(_spoken("".join(written)))
        counted = next((each for each in whole if each.count == len(written)), None)
        if counted is not None:
            return SplitWord(tuple(written), counted.stresses)
    pieces = [_split(part, language) for part in written]
    compound = all(piece.known and len(piece.parts[0]) for piece in pieces) and any(
        len(piece.parts) > 1 for piece in pieces
    )
    if compound and not (language == ENGLISH and is_listed(_spoken("".join(written)))):
        return SplitWord(
            tuple(part for piece in pieces for part in piece.parts),
            tuple(stress for piece in pieces for stress in piece.stresses),
        )
    return SplitWord(tuple(written), (-1,) * len(written), False)


def variants(word: str, language: str = ENGLISH) -> tuple[SplitWord, ...]:
    """All ways to split a word, the usual one first: ev-ery and ev-er-y."""
    first = split_word(word, language)
    if language != ENGLISH or HYPHENS.search(word):
        return (first,)
    before, body, after = _marks(word)
    found = {len(first.parts): first}
    for sounds in sounds_of(_spoken(body)):
        if sounds.count not in found:
            found[sounds.count] = _cut(before, body, after, sounds, known=True)
    return tuple(found.values())


def _bare(word: str) -> str:
    return HYPHENS.sub("", word)


@lru_cache(maxsize=4096)
def _split(word: str, language: str) -> SplitWord:
    before, body, after = _marks(word)
    if not body or len(body) > LONGEST_WORD:
        return SplitWord((word,), (-1,), False)
    if language != ENGLISH:
        return _by_points(before, body, after, language)
    ways = sounds_of(_spoken(body))
    if ways:
        return _cut(before, body, after, _as_sung(body, ways), known=True)
    count = _vowel_groups(_spoken(body))
    return _cut(before, body, after, Sounds((-1,) * count, (False,) * count), known=False)


def _marks(word: str) -> tuple[str, str, str]:
    """The marks before a word, the word, and the marks after it. Apostrophes belong to the word."""
    letters = [place for place, letter in enumerate(word) if letter.isalpha()]
    if not letters:
        return word, "", ""
    first, last = letters[0], letters[-1] + 1
    if word[last : last + 1] in ("'", "’"):
        last += 1
    return word[:first], word[first:last], word[last:]


def _spoken(body: str) -> str:
    return body.lower().replace("’", "'")


def _by_points(before: str, body: str, after: str, language: str) -> SplitWord:
    points = _hyphenator(language).positions(body)
    edges = [0, *points, len(body)]
    parts = [body[one:other] for one, other in pairwise(edges)]
    return _with_marks(before, parts, after, (-1,) * len(parts), known=False)


@lru_cache(maxsize=8)
def _hyphenator(language: str) -> Pyphen:
    from pyphen import LANGUAGES, Pyphen

    usual = {"en": "en_US", "pt": "pt_PT", "de": "de_DE", "sr": "sr_Latn"}.get(language, language)
    name = usual if usual in LANGUAGES else next(n for n in sorted(LANGUAGES) if n.split("_")[0] == language)
    # Hyphenation leaves single letters at the edges of a word alone; in a song they are syllables.
    return Pyphen(lang=name, left=1, right=1)


def _with_marks(
    before: str, parts: list[str], after: str, stresses: tuple[int, ...], *, known: bool
) -> SplitWord:
    parts[0] = before + parts[0]
    parts[-1] += after
    return SplitWord(tuple(parts), stresses, known)


# English
# ------------------------------------------------------------------------------------------------------------

_VOWELS = "aeiouyáàâäéèêëíìîïóòôöúùûü"
_GROUPS = re.compile(f"[{_VOWELS}]+(?:'[{_VOWELS}]+)?")
"""Vowel letters that sound together: an apostrophe between them stands for a consonant that is not sung."""

_SUNG_SHORT = frozenset({"every", "everything", "everyone", "everybody", "everywhere", "evening"})
"""Words that songs sing with a syllable less than they are most carefully said."""

_ONE_WITH_R = re.compile("(ire|our|oir|yre|iar)(s|d|ed|'s)?$")
"""A vowel and an r that songs sing on one note: fire, hour."""


def _as_sung(body: str, ways: tuple[Sounds, ...]) -> Sounds:
    """The way that songs usually sing: fire in one, every in two."""
    if _spoken(body) in _SUNG_SHORT or _ONE_WITH_R.search(_spoken(body)):
        return min(ways, key=lambda way: way.count)
    return ways[0]


def _vowel_groups(word: str) -> int:
    """How many syllables a word seems to have as it is spelled."""
    word = re.sub("^y(?=[aeiou])", "", word).replace("qu", "q")
    groups = list(_GROUPS.finditer(word))
    count = len(groups)
    if count > 1 and re.search("[^aeiouy']e$", word) and not re.search("[^aeiouy]le$", word):
        count -= 1  # a silent e
    if count > 1 and re.search("[^aeiouytd']ed$|[^aeiouysxz'c]es$", word) and not word.endswith("les"):
        count -= 1
    return max(1, count)


_TOGETHER = ("th", "ch", "sh", "ph", "wh", "ck", "gh", "qu", "tch", "dg")
"""Letters of one sound, which are not parted."""

_ONSETS_LETTERS = (
    "bl br ch chr cl cr dr dw fl fr gl gr gn kl kn kr ph phr pl pr ps qu sc sch scr sh shr sk sl sm sn sp "
    "spl spr squ st str sw th thr tr tw wh wr"
)
_ONSETS = frozenset(_ONSETS_LETTERS.split())
"""Consonants that an English word can begin with."""

_PAIRS_LETTERS = "ai au aw ay ea ee ei eu ew ey ie oa oe oi oo ou ow oy ue ui"
_PAIRS = frozenset(_PAIRS_LETTERS.split())
"""Two vowel letters that are usually one sound."""

NEVER = 1e9


def _cut(before: str, body: str, after: str, sounds: Sounds, *, known: bool) -> SplitWord:
    parts = _pieces(body, sounds)
    if len(parts) != sounds.count:
        stresses = sounds.stresses[:1] if len(parts) == 1 else (-1,) * len(parts)
        return _with_marks(before, parts, after, stresses, known=known)
    return _with_marks(before, parts, after, sounds.stresses, known=known)


def _pieces(body: str, sounds: Sounds) -> list[str]:
    """The best way to cut a word into as many pieces as it has syllables; fewer where there is none."""
    word = _spoken(body)
    if word in _PRINTED and len(_PRINTED[word]) == sounds.count - 1:
        return [body[one:other] for one, other in pairwise([0, *_PRINTED[word], len(body)])]
    points = frozenset(_hyphenator(ENGLISH).positions(word))
    holds = [stress != 0 and checked for stress, checked in zip(sounds.stresses, sounds.checked, strict=True)]
    for count in range(sounds.count, 1, -1):
        held = holds if count == sounds.count else [False] * count
        # best[end]: (cost, cuts) of the best way to cut the letters before `end` into so many pieces
        best: dict[int, tuple[float, tuple[int, ...]]] = {
            end: (_piece_cost(word, 0, end), ()) for end in range(1, len(word))
        }
        for number in range(1, count):
            best = {
                end: min(
                    (
                        cost
                        + _cut_cost(word, cut, points, held=held[number - 1])
                        + _piece_cost(word, cut, end),
                        (*cuts, cut),
                    )
                    for cut, (cost, cuts) in best.items()
                    if cut < end
                )
                for end in range(number + 1, len(word) + 1)
            }
        cost, cuts = best.get(len(word), (NEVER, ()))
        if cost < NEVER:
            edges = [0, *cuts, len(body)]
            return [body[one:other] for one, other in pairwise(edges)]
    return [body]


_ENDS = re.compile("(?:ings?|in'|ed|ness|less|ful|ly|ment|some|ward|ship|hood|e'er|ever)$")
"""Endings that are cut off the word they are added to: sing-ing, love-ly."""

_ENDS_AFTER_LONG = re.compile("(?:ers?|est|y|ish|eth)$")
"""And those that are cut off where the word before them ends in a sound that stays whole: might-y, dream-er,
but win-ter.
"""

_STAYS_WHOLE = re.compile("(?:ght|ch|sh|ck|ss|ll|[aeiou][aeiouw][^aeiouy]|rm|mb|(?:lo|you|stro|si|bri)ng)$")

_DOUBLED = re.compile("([bdgmnprt])\\1$")
"""A consonant that was doubled for the ending, and is parted: stop-ping."""

LEAST_HALVES = (3, 8)
"""Letters of each half of a compound, and of both, at least."""

_PRINTED = {"maybe": (3,), "evening": (3,), "alleluia": (2, 4, 6), "sunshine": (3,)}
"""Words that the rules below would cut elsewhere than printed music does."""


@lru_cache(maxsize=4096)
def _joints(word: str) -> frozenset[int]:
    """Where a word was put together of two, or of one and an ending."""
    for ending in (_ENDS, _ENDS_AFTER_LONG):
        match = ending.search(word)
        if not match or match.start() < 3:
            continue
        body = word[: match.start()]
        if _DOUBLED.search(body) or (match.group() in ("y", "ly") and re.search("([ls])\\1$|^...$", body)):
            continue
        if ending is _ENDS_AFTER_LONG and not _STAYS_WHOLE.search(body):
            continue
        if is_listed(body) or (is_listed(body + "e") and not re.search("[^aeiouy][lr]$", body)):
            return frozenset({match.start()})
    least, both = LEAST_HALVES
    if len(word) < both:
        return frozenset()
    halves = [
        cut for cut in range(least, len(word) - least) if is_listed(word[:cut]) and is_listed(word[cut:])
    ]
    # A word that hyphenation parts elsewhere only looks like two words: re-mem-ber.
    points = _hyphenator(ENGLISH).positions(word)
    if points:
        return frozenset(cut for cut in halves if cut in points)
    return frozenset([cut for cut in halves if not _parts_a_sound(word, cut)] or halves)


def _parts_a_sound(word: str, cut: int) -> bool:
    return any(
        word[cut - shift : cut - shift + len(each)] == each
        for each in _TOGETHER
        for shift in range(1, len(each))
    )


def _piece_cost(word: str, start: int, end: int) -> float:
    """How unlikely it is that these letters are one syllable."""
    piece, last = word[start:end], end == len(word)
    groups = list(_GROUPS.finditer(piece.replace("qu", "qv")))
    if not groups:
        return 1.0 if last and piece in ("n't", "m", "'d") else NEVER
    cost, extra = 0.0, len(groups) - 1
    if extra and re.search("[^aeiouy]e$", piece):
        extra -= 1
        cost += 0.0 if last else 1.0
    elif extra and last and re.search("[^aeiouy]e[sd]$", piece):
        extra -= 1
        cost += 0.5
    cost += 4.0 * extra
    if start and last and re.fullmatch("[^aeiouy]*e", piece):
        cost += 0.0 if re.fullmatch("[^aeiouy]le", piece) else 5.0
    if len(groups) == 1 and len(groups[0][0]) > 1 and groups[0][0][:2] not in _PAIRS:
        cost += 0.5 * (len(groups[0][0]) - 1)
    return cost


def _cut_cost(word: str, cut: int, points: frozenset[int], *, held: bool) -> float:
    """How unlikely it is that a word is cut before the letter `cut`. held: the vowel before it is short and
    stressed, and holds the consonant after it.
    """
    if cut in _joints(word):
        return -1.0
    left, right = word[cut - 1], word[cut]
    opens = _opening(word[cut:])
    if "'" in (left, right):
        inside = right == "'" and left in _VOWELS and word[cut + 1 : cut + 2] in _VOWELS
        return 8.0 if inside else 1.0 if right == "'" else 2.0
    cost = 0.0 if cut in points else 2.5
    if "'" in word[cut + 1 : cut + 1 + len(opens) + 1]:
        cost += 2.0
    if _parts_a_sound(word, cut):
        cost += 5.0
    if left in _VOWELS and right in _VOWELS:
        return cost + (2.0 if left + right in _PAIRS else 0.0)
    return cost + _cluster_cost(word[:cut], opens, held=held)


def _opening(piece: str) -> str:
    """The consonants that a piece begins with."""
    match = re.match(f"[^{_VOWELS}']*", piece)
    return match.group() if match else ""


def _cluster_cost(before: str, opens: str, *, held: bool) -> float:
    """How consonants between two vowels are shared."""
    closes = before[len(before.rstrip("bcdfghjklmnpqrstvwxz")) :]
    one_sound = len(opens) < 2 or opens in ("th", "ch", "sh", "ph", "wh", "qu")
    if not one_sound and opens not in _ONSETS:
        return 4.0
    if closes and not opens:  # VC-V
        return 0.0 if held else 1.5
    if opens and not closes:  # V-CV
        return (1.5 if held else 0.0) + (0.5 if not one_sound and held else 0.0)
    return 0.5 if closes[-1:] + opens in _ONSETS and not held else 0.0
