"""The plan of a song before a note is drawn: its sections, which of them return, their keys, and what part
each bar plays.

    plan = SheetPlan.of("AABA", 32, key)
    plan.sections                    # (Part(letter "A", first 0, bars 8, …), …)
    plan.returns                     # bar -> later bars that are equal to it
    plan.kinds                       # the kind of each bar, as `harmony.idiom.kinds_of` counts them

Forms are letters, one a section of equal length, or a name of `FORMS`. A prime (A') is the same section with
another ending: its last quarter is new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from studio.errors import AskedFor, Contradiction, Refused, WayOut
from studio.music.harmony.idiom import CONTRAST, LAST, SECTION, THEME
from studio.music.melody.recipes import MOST_BARS, counted, read_parts
from studio.music.scores.keys import Key
from studio.music.songs.rules import BEFORE_DEGREES, EARLIER_FORMS, FORM_RULES


@dataclass(frozen=True)
class SongForm:
    """A form by name. letters: its sections. bars: how many it usually has. sentence: for people. anchors:
    for every section, bar (from 0) -> semitones above the tonic of the chord that is in force as it begins.
    sevenths: its major chords are dominant sevenths. degrees: for each bar, semitones above the tonic of the
    chords that may sound in it.
    """

    name: str
    letters: str
    bars: int
    sentence: str
    anchors: tuple[tuple[int, int], ...] = ()
    sevenths: bool = False
    degrees: tuple[tuple[int, ...], ...] = ()

    @property
    def parts(self) -> int:
        return len(read_parts(self.letters))


FORMS = {
    form.name: form
    for form in (
        SongForm("standard", "AABA", 32, "Theme twice, a bridge, the theme: the American song."),
        SongForm("show", "ABAC", 32, "Two halves that begin alike and end differently."),
        SongForm("verse-chorus", "ABABCB", 48, "Verse and chorus twice, a bridge, the chorus."),
        SongForm(
            "blues",
            "A",
            12,
            "Twelve bars: four of I, two of IV, two of I, V, V or IV, and home in bar 11.",
            ((0, 0), (4, 5), (6, 0), (8, 7), (10, 0)),
            sevenths=True,
            degrees=((0,), (0, 5), (0,), (0,), (5,), (5,), (0,), (0, 9), (7,), (5, 7), (0,), (0, 5, 7)),
        ),
        SongForm("hymn", "ABCD", 16, "Four lines of four bars, each with its own close."),
        SongForm("through", "A", 16, "One section."),
    )
}
"""Forms that have a name."""


def _unfit(form: str, bars: int, sentence: str, near: Sequence[int]) -> Contradiction:
    """A form and a number of bars that do not go together. near: numbers that would."""
    asked = [AskedFor("form", form, f"the form {form}"), AskedFor("bars", bars, counted(bars, "bar"))]
    return Contradiction(
        sentence, asked, [WayOut(f"Make the song {counted(each, 'bar')}", "bars", each) for each in near]
    )


@dataclass(frozen=True)
class SheetPart:
    """A section of a song. letter: "A" or "A'". first: its first bar, from 0. bars: how many. key: its
    own.
    """

    letter: str
    first: int
    bars: int
    key: Key


@dataclass(frozen=True)
class SheetPlan:
    """The sections of a song in the order they are played, all of them in bars of one meter."""

    sections: tuple[SheetPart, ...]
    key: Key
    anchors: tuple[tuple[int, int], ...] = ()
    sevenths: bool = False
    rules: str = FORM_RULES
    degrees: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def of(
        cls,
        form: str,
        bars: int | None,
        key: Key,
        keys: Mapping[str, Key] | None = None,
        rules: str = FORM_RULES,
    ) -> SheetPlan:
        """form: letters or a name of `FORMS`. bars: None for as many as the form usually has. keys: letter ->
        the key of its sections, where it is not `key`. rules: see `rules.FORM_RULES`.

        Raises `Refused` where the bars cannot be divided, or a letter does not occur.
        """
        named = FORMS.get(form)
        letters = read_parts(named.letters if named else form)
        total = bars or (named.bars if named else SECTION * len(letters))
        if total > MOST_BARS:
            fits = MOST_BARS // len(letters)
            raise _unfit(
                form,
                total,
                f"The song would have {total} bars, and the longest has {MOST_BARS}: ask for fewer sections, "
                "bars or chords.",
                [min(fits, SECTION) * len(letters)] if fits else [],
            )
        size, over = divmod(total, len(letters))
        if named and named.anchors and size % named.bars:
            raise _unfit(
                form,
                total,
                f"The form {form} has {counted(named.bars, 'bar')}, not {total}; make it {named.bars} bars.",
                [named.bars],
            )
        if over or not size:
            near = [len(letters) * each for each in (size, size + 1) if each]
            raise _unfit(
                form,
                total,
                f"{counted(total, 'bar')} cannot be divided into the {len(letters)} equally long sections of "
                f"{form}; make it {' or '.join(map(str, near))} bars.",
                near,
            )
        for letter in keys or {}:
            if letter not in {each.rstrip("'") for each in letters}:
                raise Refused(f"The form {form} has no section {letter}; name one that it has.")
        sections = tuple(
            SheetPart(each, n * size, size, (keys or {}).get(each.rstrip("'"), key))
            for n, each in enumerate(letters)
        )
        if named is None:
            return cls(sections, key, rules=rules)
        degrees = () if rules in BEFORE_DEGREES else named.degrees
        return cls(sections, key, named.anchors, named.sevenths, rules, degrees)

    def with_keys(self, keys: Mapping[str, Key]) -> SheetPlan:
        """The same with sections in other keys. keys: by their letters."""
        sections = (replace(part, key=keys.get(part.letter.rstrip("'"), part.key)) for part in self.sections)
        return replace(self, sections=tuple(sections))

    @property
    def bars(self) -> int:
        return sum(section.bars for section in self.sections)

    @property
    def letters(self) -> str:
        return "".join(section.letter for section in self.sections)

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """The key of each bar."""
        return tuple(section.key for section in self.sections for _ in range(section.bars))

    @cached_property
    def returns(self) -> dict[int, list[int]]:
        """Bar (from 0) -> the later bars that are equal to it."""
        found: dict[int, list[int]] = {}
        first: dict[str, int] = {}
        origin: dict[int, int] = {}  # of a bar that returns: the first one that is equal to it
        for section in self.sections:
            plain = section.letter.rstrip("'")
            known = first.get(section.letter, first.get(plain))
            if known is not None:
                same = section.bars if section.letter in first else section.bars - max(1, section.bars // 4)
                for bar in range(same):
                    root = known + bar
                    if self.rules != EARLIER_FORMS:
                        root = origin.setdefault(section.first + bar, origin.get(root, root))
                    found.setdefault(root, []).append(section.first + bar)
            first.setdefault(section.letter, section.first)
            first.setdefault(plain, section.first)
        return {bar: copies for bar, copies in sorted(found.items()) if not self._is_copy(bar, found)}

    def _is_copy(self, bar: int, found: Mapping[int, Sequence[int]]) -> bool:
        return any(bar in copies for copies in found.values())

    @cached_property
    def kinds(self) -> list[int]:
        """The kind of each bar. The last bars of the song, and of whatever section ends it, are those of a
        last section; a section that is not like the first is a contrast.
        """
        last = self.sections[-1]
        found: list[int] = []
        for section in self.sections:
            part = THEME if section.letter[0] == self.sections[0].letter[0] else CONTRAST
            for bar in range(section.bars):
                left = section.bars - bar
                place = SECTION - left if left <= SECTION // 2 else bar % (SECTION // 2)
                ends = section.letter == last.letter and left <= SECTION // 2
                found.append((LAST if ends else part) * SECTION + place)
        return found

    def to_data(self) -> list[dict[str, object]]:
        """As JSON values: letter, first bar from 1, bars, key."""
        return [
            {"letter": each.letter, "first": each.first + 1, "bars": each.bars, "key": each.key.short()}
            for each in self.sections
        ]
