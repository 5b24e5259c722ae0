"""The information fields of ABC (standard 2.1, section 3): keys with clefs, meters, lengths, tempos, text."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from html import unescape

from studio.errors import Refused
from studio.music.scores.clefs import Clef
from studio.music.scores.keys import MODES, Key
from studio.music.scores.meters import Meter


@dataclass(frozen=True)
class KeyField:
    """What a K: field says, or the clef of a V: field.

    key: None where none is named. signs: letter -> alteration; None where the signature stays as it is.
    guessed: the key is the nearest one to a signature that is written out. shift: semitones from what is
    written to what sounds, by the clef (treble-8), octave= and transpose=; None where nothing is said of it.
    transposed: the part of it that is transpose=. clef: that it names.
    """

    key: Key | None = None
    signs: dict[str, int] | None = None
    guessed: bool = False
    shift: int | None = None
    transposed: int = 0
    clef: Clef | None = None


_PARAMETER = re.compile(
    r"""(?:^|\s)(clef|middle|m|transpose|t|octave|stafflines|staffscale|style|shift|score|sound|instrument|cue
        |map|name|nm|subname|sname|snm|stems?|gstem|gchords?|dyn|lyrics|volume|merge|up|down|space|cl)
        \s*=\s*("[^"]*"|\S+)""",
    re.X | re.I,
)
_CLEF = re.compile(
    r"""(?:^|\s)(?:treble|bass|alto|tenor|baritone|soprano|mezzo(?:-?soprano)?|perc(?:ussion)?)[1-5]?
        ([+\-^_]?(?:8|15)(?:va|vb)?)?(?=\s|$)
      | (?:^|\s)([+-](?:8|15)(?:va|vb)?)(?=\s|$)""",
    re.X | re.I,
)
_ACCIDENTAL = re.compile(r"(\^\^|\^|__|_|=)\s*([A-Ga-g])")


@lru_cache(maxsize=512)
def read_key(value: str) -> KeyField:
    """A K: field: tonic, mode, accidentals of its own ("D dor ^c", "Bb^f", "D exp _b _e ^f"), clef and
    octave.

    By sections 3.1.14 and 4.6; spaces may be left out, and capitals do not matter in a mode.
    """
    parameters = {name.lower(): text.strip('"') for name, text in _PARAMETER.findall(value)}
    text = _PARAMETER.sub(" ", value)
    clefs = [found[1] or found[2] or "" for found in _CLEF.finditer(text)]
    shift, transposed = _shift(parameters, clefs)
    named = " ".join(_CLEF.sub(" ", text).split())
    clef = _clef_in(parameters.get("clef", parameters.get("cl", "")) or text)
    if not named and (parameters or clefs):
        return KeyField(shift=shift, transposed=transposed, clef=clef)  # a clef alone leaves the key
    key, signs, guessed = _signature(named)
    return KeyField(key, signs, guessed, shift, transposed, clef)


_CLEF_NAMES = {
    "treble": ("G", 2),
    "bass": ("F", 4),
    "alto": ("C", 3),
    "tenor": ("C", 4),
    "baritone": ("F", 3),
    "soprano": ("C", 1),
    "mezzo": ("C", 2),
}
_CLEF_NAMED = re.compile(
    rf"(?:^|\s)({'|'.join(_CLEF_NAMES)})[a-z-]*?([1-5]?)(?:([+\-^_])(8|15)(?:v[ab])?)?(?=\s|$)", re.I
)


def _clef_in(text: str) -> Clef | None:
    """The clef that is named there, with the octave that its 8 or 15 prints, whether or not it is played."""
    found = _CLEF_NAMED.search(text)
    if not found:
        return None
    sign, line = _CLEF_NAMES[found[1].lower()]
    octaves = {None: 0, "8": 1, "15": 2}[found[4]] * (-1 if found[3] in ("-", "_") else 1)
    return Clef.found(sign, int(found[2]) if found[2] else line, octaves)


def _shift(parameters: dict[str, str], clefs: list[str]) -> tuple[int | None, int]:
    """Semitones from what is written to what sounds, and the part of it that is transpose=."""
    clefs = [
        *clefs,
        *re.findall(r"[+\-^_]?(?:8|15)(?:va|vb)?$", parameters.get("clef", parameters.get("cl", ""))),
    ]
    given = [int(text) for text in (parameters.get("octave", ""),) if re.fullmatch(r"[+-]?\d", text)]
    octaves = sum(given)
    for sign in clefs:
        # ^8 and _8 are printed but not played (section 4.6).
        size = 2 if "15" in sign else 1 if "8" in sign else 0
        octaves += {"+": size, "-": -size}.get(sign[:1], 0)
    semitones = parameters.get("transpose", parameters.get("t", ""))
    transposed = int(semitones) if re.fullmatch(r"[+-]?\d{1,2}", semitones) else 0
    said = bool(given or clefs or transposed or {"clef", "cl", "transpose", "octave"} & set(parameters))
    return (12 * octaves + transposed if said else None), transposed


def _signature(named: str) -> tuple[Key | None, dict[str, int] | None, bool]:
    """(key, signature, guessed) of a key without its clef."""
    if re.fullmatch(r"hp", named, re.I):
        key = Key.parse("A mixolydian")  # the scale of the Highland bagpipe
        return key, dict(key.signature), False
    own = {letter.upper(): sign.count("^") - sign.count("_") for sign, letter in _ACCIDENTAL.findall(named)}
    words = _ACCIDENTAL.sub(" ", named)
    found = re.match(r"\s*([A-Ha-h])(?:(#|♯)|(b|♭|s(?=$|[\s,])))?\s*([A-Za-z]*)", words)
    if not found or words.lower().startswith("none"):
        return None, dict.fromkeys("CDEFGAB", 0) | own, False
    letter = found[1].upper()
    tonic = ("B" if letter == "H" else letter) + ("#" if found[2] else "b" if found[3] else "")
    mode = found[4].lower()
    if mode.startswith("exp"):
        signs = dict.fromkeys("CDEFGAB", 0) | own
        key = min(
            (Key.parse(f"{tonic} {each}") for each in MODES),
            key=lambda key: sum(key.signature[name] != signs[name] for name in signs),
        )
        return key, signs, key.signature != signs
    try:
        key = Key.parse(f"{tonic} {mode}")
    except Refused:
        if len(mode) > 1 and not words[found.end(1) :][:1].isspace():
            return (
                None,
                dict.fromkeys("CDEFGAB", 0) | own,
                False,
            )  # a word that happens to begin with a letter
        key = Key.parse(tonic)
    return key, dict(key.signature) | own, False


def read_meter(value: str) -> Meter | None:
    """An M: field; None for "none" and for what is no meter."""
    added = re.fullmatch(r"\(?(\d+(?:\s*\+\s*\d+)+)\)?/(\d+)", value)
    if added:
        value = f"{sum(int(part) for part in added[1].split('+'))}/{added[2]}"
    try:
        return Meter.parse(value)
    except Refused:
        return None


def read_unit(value: str) -> Fraction | None:
    """An L: field, in quarter notes."""
    found = re.fullmatch(r"(\d{1,3})/(\d{1,3})", value)
    if found and int(found[1]) and int(found[2]):
        return Fraction(4 * int(found[1]), int(found[2]))
    return Fraction(4) if value == "1" else None


def usual_unit(meter: Meter | None) -> Fraction:
    """The unit length of a tune without L:, in quarter notes (section 3.1.7)."""
    short = meter is not None and Fraction(meter.numerator, meter.denominator) < Fraction(3, 4)
    return Fraction(1, 4) if short else Fraction(1, 2)


def read_tempo(value: str, unit: Fraction) -> float | None:
    """A Q: field, in quarter notes a minute (section 3.1.8); None where it has no number.

    The beat may be several lengths ("1/4 3/8 1/4 3/8=40"). By the outdated syntax of section 10, "120" and
    "C=120" count unit lengths, and "C3=40" threes of them.
    """
    text = re.sub(r'"[^"]*"', " ", value)
    found = re.fullmatch(r"\s*((?:\d+/\d+\s*)+)=\s*(\d+(?:\.\d+)?).*", text)
    if found:
        lengths = [(int(top), int(bottom)) for top, bottom in re.findall(r"(\d+)/(\d+)", found[1])]
        beat = sum((Fraction(4 * top, bottom) for top, bottom in lengths if bottom), Fraction(0))
        number = found[2]
    else:
        outdated = re.fullmatch(r"\s*(?:C(\d*)(?:/(\d+))?\s*=)?\s*(\d+(?:\.\d+)?).*", text)
        if not outdated:
            return None
        times = Fraction(int(outdated[1] or 1), int(outdated[2] or 1) or 1)
        beat, number = unit * times, outdated[3]
    tempo = float(number) * float(beat)
    return tempo if 10 <= tempo <= 1000 else None


# Text
# ------------------------------------------------------------------------------------------------------------

_MARKS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307",
    '"': "\u0308", "H": "\u030b", "v": "\u030c", "c": "\u0327", ";": "\u0328", ",": "\u0327",
}  # fmt: skip
"""Sign in a mnemonic -> combining mark."""

_LETTERS = {
    "AA": "Å", "aa": "å", "AE": "Æ", "ae": "æ", "OE": "Œ", "oe": "œ", "ss": "ß", "/O": "Ø", "/o": "ø",
    "DH": "Ð", "dh": "ð", "TH": "Þ", "th": "þ", "/L": "Ł", "/l": "ł", "/D": "Đ", "/d": "đ",
}  # fmt: skip


def read_text(text: str) -> str:
    r"""A text string (section 8.2) with its mnemonics (\'e), entities (&eacute;) and code points (\u00e9)
    as letters.
    """
    if "\\" in text:
        text = re.sub(r"\\(\\|%|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|..?)", _escaped, text)
    return re.sub(r"(?<!\\)&(?:[A-Za-z]{2,8}|#\d{1,6});", lambda found: unescape(found[0]), text).replace(
        "\\&", "&"
    )


def _escaped(found: re.Match[str]) -> str:
    code = found[1]
    if len(code) in (5, 9):
        number = int(code[1:], 16)
        return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
    if code[0] in "\\%":
        return code
    if code in _LETTERS:
        return _LETTERS[code]
    if len(code) == 2 and code[0] in _MARKS:
        letter = unicodedata.normalize("NFC", code[1] + _MARKS[code[0]])
        if len(letter) == 1:
            return letter
    return code if code[0] in "'\"^~`" else "\\" + code
