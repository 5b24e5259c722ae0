"""Guesses the encoding of short texts in files that do not state it, such as the titles of MIDI files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Guess:
    """An encoding for a text. codec: Python's name of it. name: as people know it. sure: whether it need not
    be told, because nothing else makes sense or the letters are the same in all that do.
    """

    codec: str
    name: str
    sure: bool = False

    @property
    def remark(self) -> str:
        return f"The titles and names are not in UTF-8; they were read as {self.name}."


_UTF8 = Guess("utf-8-sig", "UTF-8", True)
_UTF16 = Guess("utf-16", "UTF-16", True)
_WESTERN = Guess("cp1252", "Latin-1", True)
_LATIN_1 = Guess("latin-1", "Latin-1", True)


def guess_encoding(texts: Sequence[bytes]) -> Guess:
    """The encoding that all these texts of one file are most likely in.

    UTF-16 where a byte order mark says so, UTF-8 where that decodes them; else Shift-JIS, GBK, EUC-KR,
    EUC-JP, Big5 or Windows-1251 where nearly all letters would be common ones of its language, the code page
    850 of DOS where Latin-1 would have signs inside words, else Latin-1.
    """
    if any(text[:2] in (b"\xff\xfe", b"\xfe\xff") for text in texts):
        return _UTF16
    whole = b"\n".join(texts)
    if _decodes(whole, "utf-8"):
        return _UTF8
    for guess, is_likely in _CANDIDATES:
        if _decodes(whole, guess.codec) and is_likely(whole.decode(guess.codec)):
            return guess
    return _WESTERN if _decodes(whole, "cp1252") else _LATIN_1


def decode(text: bytes, guess: Guess, *, line_ends: bool = False) -> str:
    """A text in an encoding, with spaces for control characters. Bytes that do not decode are replaced.
    line_ends: they stay, as newlines.
    """
    if guess is _UTF16 and text[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        guess = _UTF8 if _decodes(text, "utf-8") else _WESTERN
    decoded = text.decode(guess.codec, "replace")
    if line_ends:
        return "\n".join(re.sub(_CONTROL, " ", line) for line in re.split(r"[\r\n]+", decoded))
    return re.sub(_CONTROL, " ", decoded)


_CONTROL = r"[\x00-\x1f\x7f-\x9f]+"


def in_its_encoding(text: str) -> tuple[str, list[str]]:
    """An ABC tune as it was meant whose titles and words hold control characters, as a text of DOS or in
    Shift-JIS does that was taken for Latin-1, and what to say about it. Other tunes as they are.
    """
    if not _CONTROLS.search(text):
        return text, []
    lines = text.split("\n")
    meant = {
        number: line.encode("latin-1")
        for number, line in enumerate(lines)
        if not line.isascii() and re.match("[A-Za-z]:", line) and max(line) <= "\xff"
    }
    guess = guess_encoding(list(meant.values()))
    for number, line in meant.items():
        lines[number] = decode(line, guess)
    return "\n".join(lines), [] if guess.sure else [guess.remark]


_CONTROLS = re.compile("[\x80-\x9f]")


def _decodes(text: bytes, codec: str) -> bool:
    try:
        text.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _mostly(common: Callable[[str], bool], text: str, share: float = 0.8) -> bool:
    """Whether that share of all letters outside ASCII are common ones, and there are enough of them: two
    accented letters of a French word would be one rare character in an encoding of two bytes.
    """
    foreign = _foreign(text)
    plain = sum(sign.isascii() and sign.isalpha() for sign in text)
    if not foreign or (len(foreign) < 3 and 2 * len(foreign) < plain):
        return False
    return sum(map(common, foreign)) >= share * len(foreign)


def _foreign(text: str) -> list[str]:
    return [sign for sign in text if ord(sign) > 0x7F and not _is_punctuation(sign)]


def _is_punctuation(sign: str) -> bool:
    return "\u2000" <= sign <= "\u206f" or "\u3000" <= sign <= "\u303f" or "\uff00" <= sign <= "\uff5e"


def _is_kana(sign: str) -> bool:
    return "\u3041" <= sign <= "\u30fe"


def _in_rows(sign: str, codec: str, first: int, last: int) -> bool:
    """Whether the first of the two bytes of a character lies between two values, both included."""
    packed = sign.encode(codec, "ignore")
    return len(packed) == 2 and first <= packed[0] <= last


# The first levels of JIS X 0208, GB 2312 and Big5 hold the common characters.


def _is_shift_jis(text: str) -> bool:
    return _mostly(lambda sign: _is_kana(sign) or _in_rows(sign, "shift_jis", 0x88, 0x98), text)


def _is_euc_jp(text: str) -> bool:
    """The same bytes would be kana in GBK too: no Chinese title has them."""
    some_kana = any(map(_is_kana, text))
    return some_kana and _mostly(lambda sign: _is_kana(sign) or _in_rows(sign, "euc_jp", 0xB0, 0xCF), text)


def _is_euc_kr(text: str) -> bool:
    """The same bytes are common Chinese characters too, but rarely five in a row."""
    return len(_foreign(text)) >= 5 and _mostly(lambda sign: "\uac00" <= sign <= "\ud7a3", text, 1.0)


def _is_gbk(text: str) -> bool:
    return _mostly(lambda sign: _in_rows(sign, "gb2312", 0xB0, 0xD7), text, 0.6)


def _is_big5(text: str) -> bool:
    return _mostly(lambda sign: _in_rows(sign, "big5", 0xA4, 0xC6), text)


def _is_russian(text: str) -> bool:
    """Words of Cyrillic letters alone, with capitals as words have them."""
    words = re.findall(r"[^\W\d_]+", text)
    foreign = [word for word in words if not word.isascii()]
    letters = sum(map(len, foreign))
    likely = [
        word
        for word in foreign
        if re.fullmatch("[А-Яа-яЁё]+", word) and (word.isupper() or word[1:].islower() or len(word) == 1)
    ]
    return letters >= 4 and sum(map(len, likely)) == letters


def _is_of_dos(text: str) -> bool:
    """Words of small letters with accents that Latin-1 has as signs, one of them inside a word at least."""
    words = [word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii()]
    plain = all(word.isupper() or word[1:].islower() or len(word) == 1 for word in words)
    inside = any(re.search("(?<=[a-zA-Z])[üäöéâçêëèïîìñ](?=[a-z])", word) for word in words)
    return plain and inside and set(_foreign(text)) <= set("üäöéâàåçêëèïîìñôòûùæÄÅÉÖÜÑßáíóú")


_CANDIDATES: tuple[tuple[Guess, Callable[[str], bool]], ...] = (
    (Guess("shift_jis", "Shift-JIS"), _is_shift_jis),
    (Guess("euc_jp", "EUC-JP"), _is_euc_jp),
    (Guess("euc_kr", "EUC-KR"), _is_euc_kr),
    (Guess("gbk", "GBK"), _is_gbk),
    (Guess("big5", "Big5"), _is_big5),
    (Guess("cp1251", "Windows-1251"), _is_russian),
    (Guess("cp850", "code page 850 (DOS)"), _is_of_dos),
)
"""The encodings to try, in order, and what tells that a decoded text makes sense."""
