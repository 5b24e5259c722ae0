"""Chord symbols of lead sheets: read, written, transposed and turned into pitch classes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from studio.errors import Unreadable
from studio.music.scores.keys import Key
from studio.music.scores.pitches import MAJOR_SCALE, name_on_fifths, pitch_class_of, place_on_fifths


@dataclass(frozen=True, slots=True)
class ChordAt:
    """A chord symbol ("Am7", "F#dim", "C/E", "N.C.") from `start` on, until the next one."""

    start: Fraction
    symbol: str


@dataclass(frozen=True, slots=True)
class Chord:
    """What a chord symbol means.

    root, bass: note names ("F#", "Bb"); bass is empty where it is the root. degrees: what is added or altered
    ("b9", "add9", "sus4").
    """

    root: str
    kind: ChordKind
    degrees: tuple[str, ...] = ()
    bass: str = ""

    @property
    def root_class(self) -> int:
        """The pitch class 0..11 of the root."""
        return pitch_class_of(self.root)

    @property
    def bass_class(self) -> int:
        return pitch_class_of(self.bass or self.root)

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """Its pitch classes: the bass first, then the others from the root up."""
        tones = list(self.kind.tones)
        for degree in self.degrees:
            word, number = re.fullmatch(r"(add|no|sus|[#b])?(\d+)", degree).groups()  # type: ignore[union-attr]
            step = MAJOR_SCALE[(int(number) - 1) % 7] + 12 * ((int(number) - 1) // 7)
            third = [tone for tone in tones if tone % 12 in (3, 4)]
            if word == "no":
                tones = [tone for tone in tones if tone % 12 not in (step % 12, (step - 1) % 12)]
            elif word == "sus":
                tones = [step if tone in third else tone for tone in tones]
            elif word in ("#", "b"):
                # What is altered replaces the plain tone: 13b9 has no natural ninth.
                tones = [tone for tone in tones if tone % 12 != step % 12]
                tones.append(step + _alteration(word, number))
            else:
                tones.append(step - 1 if number == "7" else step)
        classes = dict.fromkeys([self.bass_class, *((self.root_class + tone) % 12 for tone in tones)])
        return tuple(classes)

    def __str__(self) -> str:
        degrees = f"({','.join(self.degrees)})" if self.degrees else ""
        bass = f"/{self.bass}" if self.bass else ""
        return self.root + self.kind.spellings[0] + degrees + bass


@dataclass(frozen=True)
class ChordKind:
    """A kind of chord.

    spellings: how it is written after the root; the studio writes the first. musicxml: MusicXML's name for
    it. tones: semitones above the root.
    """

    spellings: tuple[str, ...]
    musicxml: str
    tones: tuple[int, ...]


def _alteration(sign: str, number: str) -> int:
    """Semitones from a plain degree to the altered one. A plain seventh is major: b7 is a semitone below, and
    #7 says that it is plain ("Cdim(#7)").
    """
    return 0 if (sign, number) == ("#", "7") else 1 if sign == "#" else -1


CHORD_KINDS = (
    ChordKind(("", "maj", "M", "major"), "major", (0, 4, 7)),
    ChordKind(("m", "min", "-", "mi", "minor"), "minor", (0, 3, 7)),
    ChordKind(("7", "dom7"), "dominant", (0, 4, 7, 10)),
    ChordKind(("maj7", "M7", "ma7", "Δ", "Δ7", "j7"), "major-seventh", (0, 4, 7, 11)),
    ChordKind(("m7", "min7", "-7", "mi7"), "minor-seventh", (0, 3, 7, 10)),
    ChordKind(("dim", "o", "°"), "diminished", (0, 3, 6)),
    ChordKind(("dim7", "o7", "°7"), "diminished-seventh", (0, 3, 6, 9)),
    ChordKind(("m7b5", "ø", "ø7", "-7b5", "min7b5", "h7"), "half-diminished", (0, 3, 6, 10)),
    ChordKind(("aug", "+", "#5"), "augmented", (0, 4, 8)),
    ChordKind(("7#5", "aug7", "+7", "7+"), "augmented-seventh", (0, 4, 8, 10)),
    ChordKind(("6", "maj6", "M6"), "major-sixth", (0, 4, 7, 9)),
    ChordKind(("m6", "min6", "-6"), "minor-sixth", (0, 3, 7, 9)),
    ChordKind(("mmaj7", "mM7", "m(maj7)", "minmaj7", "-maj7"), "major-minor", (0, 3, 7, 11)),
    ChordKind(("9", "dom9"), "dominant-ninth", (0, 4, 7, 10, 14)),
    ChordKind(("maj9", "M9"), "major-ninth", (0, 4, 7, 11, 14)),
    ChordKind(("m9", "min9", "-9"), "minor-ninth", (0, 3, 7, 10, 14)),
    ChordKind(("11",), "dominant-11th", (0, 4, 7, 10, 14, 17)),
    ChordKind(("maj11",), "major-11th", (0, 4, 7, 11, 14, 17)),
    ChordKind(("m11", "min11"), "minor-11th", (0, 3, 7, 10, 14, 17)),
    ChordKind(("13",), "dominant-13th", (0, 4, 7, 10, 14, 21)),
    ChordKind(("maj13",), "major-13th", (0, 4, 7, 11, 14, 21)),
    ChordKind(("m13", "min13"), "minor-13th", (0, 3, 7, 10, 14, 21)),
    ChordKind(("sus4", "sus"), "suspended-fourth", (0, 5, 7)),
    ChordKind(("sus2",), "suspended-second", (0, 2, 7)),
    ChordKind(("5", "power"), "power", (0, 7)),
    ChordKind(("7alt", "alt"), "other", (0, 4, 10, 13, 15, 18, 20)),
)
"""Every kind of chord that symbols are read as and written from."""

_SPELLINGS: dict[str, tuple[ChordKind, tuple[str, ...]]] = {
    spelling: (kind, ()) for kind in CHORD_KINDS for spelling in kind.spellings
}
"""What is written after a root -> the kind of chord and its degrees."""

_SPELLINGS |= {
    spelling: (_SPELLINGS[kind][0], degrees)
    for spelling, kind, degrees in (
        ("-5", "", ("b5",)),
        ("+5", "aug", ()),
        ("aug9", "9", ("#5",)),
        ("augmaj7", "maj7", ("#5",)),
        ("mmaj9", "mmaj7", ("add9",)),
        ("sus9", "9", ("sus4",)),
        ("4sus", "sus4", ()),
        ("2sus", "sus2", ()),
    )
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one sheet spells its chords, where the same letters mean different things in different countries.

    german: B is B flat (H is always B). latin: Do is C, not D diminished. lower_is_minor: "a" is A minor.
    d_is_dim: "Gd" is G diminished and "Fa" F augmented, as in the Nottingham collection.
    """

    german: bool = False
    latin: bool = False
    lower_is_minor: bool = False
    d_is_dim: bool = False


PLAIN = Dialect()


def dialect_of(symbols: Iterable[str]) -> Dialect:
    """The dialect of a sheet, judged by all of its chord symbols."""
    texts = [_cleaned(symbol) for symbol in symbols]
    latin = any(re.match(r"(sol|r[eé]|mi|la|si)(?!o$)", text, re.I) for text in texts)
    lower = [text for text in texts if re.match(r"[a-h]", text)]
    upper = any(re.match(r"[A-H]", text) for text in texts)
    return Dialect(
        german=any(re.match(r"H(?!al)", text) for text in texts),
        latin=latin,
        # Where capitals are used too and small letters never say "m", they mean minor.
        lower_is_minor=upper and bool(lower) and not any(re.match(r"[a-h][#b]?m", text) for text in lower),
        d_is_dim=not latin and any(re.fullmatch(r"[A-G][#b]?[da]7?(/.*)?", text) for text in texts),
    )


_NO_CHORD = {"n.c.", "nc", "n.c", "n", "none", "nochord", "tacet"}


@lru_cache(maxsize=4096)
def parse_chord(symbol: str, dialect: Dialect = PLAIN) -> Chord | None:
    """The chord a symbol means, or None for "N.C." (no chord). Raises `Unreadable`.

    Understands the kinds of CHORD_KINDS in the spellings of lead sheets (C^7, CMa7, C-7b5, C7/4, C6/9,
    Cm/maj7), additions with or without parentheses ("7(b9)", "m7add11", "7b9#11", "7-9"), a bass after a
    slash, roots by letter, by German name (H, Fis, Es) or by syllable (Sol7), small letters ("am"),
    brackets around a chord, and Harte's "C:min7/b3".
    """
    text = _cleaned(symbol)
    if text.lower() in _NO_CHORD or not text:
        return None
    if len(text) <= 40:
        for root, rest, small in _roots(text, dialect):
            found = _rest_of_chord(root, rest, dialect, small=small)
            if found:
                return found
    raise Unreadable(
        f"{symbol[:40]!r} is not a chord symbol the studio knows; write it like Am7, F#dim, G7(b9) or C/E."
    )


_SIGNS = str.maketrans(
    {"♯": "#", "♭": "b", "−": "-", "–": "-", "º": "°", "∆": "Δ", "△": "Δ", "Ø": "ø", "∅": "ø"}
)


def _cleaned(symbol: str) -> str:
    """A symbol in plain signs, without blanks and without brackets around the whole of it."""
    text = re.sub(r"\s+", "", symbol.translate(_SIGNS))
    if text[:1] in ("(", "["):
        text = text[1:]
        if text.count(")") > text.count("(") or text.endswith("]"):
            text = text[:-1]
    elif text.endswith(")") and "(" not in text:
        text = text[:-1]  # a bracket that was opened at an earlier chord
    return text


_SYLLABLES = {
    "do": "C",
    "ut": "C",
    "re": "D",
    "ré": "D",
    "mi": "E",
    "fa": "F",
    "sol": "G",
    "la": "A",
    "si": "B",
}


def _roots(text: str, dialect: Dialect) -> Iterator[tuple[str, str, bool]]:
    """The ways to cut a symbol into a root and the rest, the most likely first.

    Gives (root, rest, whether the root is a small letter).
    """
    by_syllable = re.match(r"(Do|Ut|R[eé]|Mi|Fa|Sol|La|Si)([#b]?)(?!o$)", text, re.I)
    syllable = (
        (_SYLLABLES[by_syllable[1].lower()] + by_syllable[2], text[by_syllable.end() :], False)
        if by_syllable and (text[0].isupper() or dialect.latin)
        else None
    )
    if syllable and dialect.latin:
        yield syllable
    # One accidental belongs to the root and a second one to what follows (Eb#5), unless only a double
    # accidental makes sense (Bbb).
    for signs in ("[#b]?", "##|bb"):
        letter = re.match(rf"([A-H])({signs})", text)
        if letter:
            root, rest = _german(letter[1] + letter[2], dialect), text[letter.end() :]
            yield root, rest, False
    german = re.match(r"([A-H])(is|es|s(?!us))", text)
    if german and (german[2] != "s" or german[1] in "AE"):
        yield german[1].replace("H", "B") + ("#" if german[2] == "is" else "b"), text[german.end() :], False
    if syllable and not dialect.latin:
        yield syllable
    small = re.match(r"([a-h])([#b]?)", text)
    if small:
        yield _german(small[1].upper() + small[2], dialect), text[small.end() :], True


def _german(name: str, dialect: Dialect) -> str:
    """A note name with H as B, and B as B flat where the sheet is German."""
    if name[0] == "H":
        return "B" + name[1:]
    return "Bb" if name == "B" and dialect.german else name


def _rest_of_chord(root: str, rest: str, dialect: Dialect, *, small: bool) -> Chord | None:
    """The chord on a root by what follows it: kind, degrees and bass; None where that is no chord."""
    if rest.startswith(":"):
        # Harte's notation (ISMIR 2005): its bass is a degree, and a number in brackets is added.
        rest, _, degree = re.sub(r"\((?=\d)", "(add", rest[1:]).partition("/")
        found = _kind_and_degrees(rest, dialect)
        return Chord(root, *found, _degree_above(root, degree)) if found else None
    before, slash, last = rest.rpartition("/")
    bass = _bass(last, dialect) if slash else ""
    suffix = before if bass else rest
    found = None
    if small and dialect.lower_is_minor:
        found = _kind_and_degrees("m" + suffix, dialect)
    found = found or _kind_and_degrees(suffix, dialect)
    return Chord(root, *found, bass) if found else None


def _bass(text: str, dialect: Dialect) -> str:
    """The name of a bass note, small or capital; "f+" is F sharp. Empty where it is none."""
    letter = re.fullmatch(r"([A-Ha-h])(##|bb|[#b+]?)", text)
    if letter:
        return _german(letter[1].upper() + letter[2].replace("+", "#"), dialect)
    german = re.fullmatch(r"([A-Ha-h])(is|es|s)", text)
    if german and (german[2] != "s" or german[1] in "AEae"):
        return german[1].upper().replace("H", "B") + ("#" if german[2] == "is" else "b")
    syllable = re.fullmatch(r"(do|ut|r[eé]|mi|fa|sol|la|si)([#b]?)", text, re.I)
    return _SYLLABLES[syllable[1].lower()] + syllable[2] if syllable else ""


def _degree_above(root: str, degree: str) -> str:
    """The note name of a degree such as "b3" above a root; empty for none."""
    match = re.fullmatch(r"([#b]*)([2-7]|9|11|13)", degree)
    if not match:
        return ""
    fifths = (0, 2, 4, -1, 1, 3, 5)[(int(match[2]) - 1) % 7] + 7 * (match[1].count("#") - match[1].count("b"))
    return name_on_fifths(place_on_fifths(root) + fifths)


_DEGREE = r"(?:no[35]|(?:add|sus|[#b])?(?:11|13|2|4|5|6|7|9))"

_USUAL = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"Maj|MAJ|major|M[aA](?=\d)|ma(?=\d)", "maj"),
        (r"Min|minor|min|Mi(?=\d|$)|mi(?=\d|$|b|maj)", "m"),
        (r"M(?=\d)", "maj"),
        (r"(?<!\d)7M", "maj7"),
        (r"[Δ^](?=\d)", "maj"),
        (r"[Δ^]", "maj7"),
        (r"Dim", "dim"),
        (r"Aug", "aug"),
        (r"Sus", "sus"),
        (r"Add", "add"),
        (r"Alt", "alt"),
        (r"omit", "no"),
        (r"^dom", ""),
        (r"^(?:ø|hdim|h(?=\d))(\d*)", r"m\1b5"),
        (r"^mb5$", "m7b5"),
        (r"^[°o]", "dim"),
        (r"^-(?!5)", "m"),
        (r"^\+(?!5)", "aug"),
        (r"6/?9", "6add9"),
        (r"(?<=[79])/4", "sus4"),
        (r"^/9$", "add9"),
        (r"/(?=\d|maj)", ""),
        (r"[(),]", ""),
        (r"(?<=[\dm])\+(?=5|9|11|13)", "#"),
        (r"(?<=[\dm])-(?=5|9|11|13)", "b"),
        (r"add(?=[#b])", ""),
        (r"sus(?![249])", "sus4"),
        (r"^(dim|aug|m)7?(?:add)?maj7$", r"\1maj7"),
        (r"^dimmaj7$", "dim#7"),
    )
)
"""How the same thing is spelled in other places -> how the table spells it; applied in this order."""


def _kind_and_degrees(suffix: str, dialect: Dialect = PLAIN) -> tuple[ChordKind, tuple[str, ...]] | None:
    """What follows a root, taken as the longest possible kind and then degrees; None where it is neither."""
    if suffix in _SPELLINGS:
        return _SPELLINGS[suffix]
    if dialect.d_is_dim and suffix in ("d", "d7", "a", "a7"):
        return _SPELLINGS[suffix.replace("d", "dim").replace("a", "aug")]
    plain = suffix
    if plain == "mb5":
        return _SPELLINGS["dim"]
    for pattern, replacement in _USUAL:
        plain = pattern.sub(replacement, plain)
    for cut in range(len(plain), -1, -1):
        known = _SPELLINGS.get(plain[:cut])
        if known and re.fullmatch(f"{_DEGREE}*", plain[cut:]):
            return known[0], (*known[1], *re.findall(_DEGREE, plain[cut:]))
    return None


def transpose_symbol(symbol: str, semitones: int) -> str:
    """A chord symbol transposed by some semitones. Text that is no chord symbol stays as it is."""
    try:
        chord = parse_chord(symbol)
    except Unreadable:
        return symbol
    if chord is None:
        return symbol
    minor = chord.kind.tones[1:2] == (3,)
    root = Key.of_tonic((chord.root_class + semitones) % 12, "minor" if minor else "major").tonic_name
    bass = (
        name_on_fifths(place_on_fifths(chord.bass) + place_on_fifths(root) - place_on_fifths(chord.root))
        if chord.bass
        else ""
    )
    return str(replace(chord, root=root, bass=bass))
