"""Chord symbols of MusicXML: what each `<harmony>` means, and where it belongs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from xml.etree.ElementTree import Element

from studio.errors import Unreadable
from studio.music.scores.chords import CHORD_KINDS, ChordKind, parse_chord
from studio.music.scores.pitches import name_on_fifths, place_on_fifths


@dataclass
class FoundHarmony:
    """A chord symbol in its measure. symbol: as it can be parsed, or as it is printed where it cannot.

    place: in quarter notes from the beginning of the measure. above: the length of the note it stands above.
    """

    symbol: str
    place: Fraction = Fraction(0)
    above: Fraction = Fraction(0)


def harmony_of(element: Element, fifths: int) -> list[FoundHarmony]:
    """The symbols of a `<harmony>`: usually one. fifths: the transposition, on the circle of fifths."""
    groups: list[list[Element]] = []
    for child in element:
        if child.tag in ("root", "numeral", "function"):
            groups.append([])
        if groups:
            groups[-1].append(child)
    return [FoundHarmony(_symbol(group, fifths)) for group in groups]


_KINDS = {kind.musicxml: kind for kind in CHORD_KINDS if kind.musicxml != "other"}
_BASS_FIFTHS = {3: -3, 4: 4, 5: -1, 6: -6, 7: 1, 8: 8, 9: 3, 10: -2, 11: 5}
"""Semitones above a root -> the same interval on the circle of fifths."""


def _symbol(group: Sequence[Element], fifths: int) -> str:
    inside = {child.tag: child for child in group}
    kind = inside.get("kind")
    name = (kind.text or "").strip() if kind is not None else "major"
    printed = " ".join((kind.get("text") or "").split()) if kind is not None else ""
    if name == "none":
        return "N.C."
    root = _name_of(inside.get("root"), "root", fifths)
    if not root:
        return _degree_name(group[0], printed)
    known = _KINDS.get(name)
    bass = _name_of(inside.get("bass"), "bass", fifths) or _inverted(root, known, inside.get("inversion"))
    slash = f"/{bass}" if bass and bass != root else ""
    if known is None:
        # A kind of its own ("other"): what is printed may still be a symbol we know.
        return f"{root}{printed or f' {name[:30]}'}{slash}"
    degrees = _held([child for child in group if child.tag == "degree"])
    spelled = root + known.spellings[0] + (f"({','.join(degrees)})" if degrees else "") + slash
    if degrees and not _known(spelled) and printed and _known(root + printed + slash):
        return root + printed + slash
    return spelled


def _known(symbol: str) -> bool:
    try:
        parse_chord(symbol)
    except Unreadable:
        return False
    return True


def _name_of(element: Element | None, role: str, fifths: int) -> str:
    """The note name of a root or bass, moved by some fifths; empty where there is none."""
    if element is None:
        return ""
    letter = (element.findtext(f"{role}-step") or "").strip()
    alter = re.fullmatch(r"(-?[12])(\.0*)?", (element.findtext(f"{role}-alter") or "").strip())
    if not re.fullmatch("[A-G]", letter):
        return ""
    place = place_on_fifths(letter) + (7 * int(alter[1]) if alter else 0) + fifths
    return name_on_fifths(place if -15 <= place <= 19 else place - 12 if place > 0 else place + 12)


def _inverted(root: str, kind: ChordKind | None, inversion: Element | None) -> str:
    """The bass of an inverted chord: the third for the first inversion, and so on."""
    number = (inversion.text or "").strip() if inversion is not None else ""
    if kind is None or not re.fullmatch("[1-6]", number) or int(number) >= len(kind.tones):
        return ""
    step = _BASS_FIFTHS.get(kind.tones[int(number)] % 12)
    return name_on_fifths(place_on_fifths(root) + step) if step is not None else ""


def _degree_name(element: Element, printed: str) -> str:
    """A chord that is named by its degree in the key, as a reader would call it."""
    if element.tag == "numeral":
        number = (element.findtext("numeral-root") or "").strip()
        return printed or {str(n + 1): numeral for n, numeral in enumerate(_NUMERALS)}.get(number, "?")
    return (element.text or "").strip()[:40] or printed or "?"


_NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII")


def _held(degrees: Sequence[Element]) -> list[str]:
    """The names of degrees. A second or fourth that is added where the third is taken away, while neither is
    printed, is a suspension, as the studio writes it.
    """
    found = [_degree(each) for each in degrees]
    hidden = {name for name, each in zip(found, degrees, strict=True) if each.get("print-object") == "no"}
    for added, held in (("add4", "sus4"), ("add2", "sus2")):
        if {added, "no3"} <= hidden:
            return [held if name == added else name for name in found if name != "no3"]
    return found


def _degree(element: Element) -> str:
    number = (element.findtext("degree-value") or "").strip()[:3]
    alter = (element.findtext("degree-alter") or "").strip()
    if (element.findtext("degree-type") or "").strip() == "subtract":
        return f"no{number}"
    return {"1": "#", "-1": "b"}.get(alter, "add") + number
