"""Engraves scores as SVG pictures, with verovio."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import ceil
from typing import Any, Literal

from studio.errors import Refused
from studio.music.scores.scores import Score
from studio.music.scores.tunes import Tune
from studio.music.writing.musicxml import write_musicxml

MOST_BARS_ON_PAGE = 2000

Lines = Literal["full", "named", "even", "slurred", "printed", "apart", "heard", "clear", "shown"]
"""Where lines are broken. full: as many bars as there is room for, as in 0.8.0 and before. Otherwise words
have the room they need, and lines are about equally full (`line_breaks`): a bar is as wide as its chord names
and words need (named, as in 0.9.0, where notes were pressed together in bars of few words), or as all in it
needs (even). slurred: as even, and the tempo stands above the chord names and not between them and the staff,
and notes that are sung on one syllable are under a slur (0.11.0 to 0.14.0). printed: as printed music has it,
a syllable that is held inside its word has hyphens after it, too (0.15.0). apart: as printed, and there is
a space between two chord names (0.16.0). heard: as apart, and notes outside the key have the names that
composers give them (`spelling.spell_line`).
clear: as heard, and the letter of a section that has a pick-up stands above that, as the letters of others
stand at the beginning of their lines, and not between the tempo and the first chord name; and where a key has
the signature of the one before, as E flat after C minor, it is not printed again.
shown: as clear, for a screen: lines are fuller, and only those are divided in which chord names or
syllables touch.
"""

CLEAR = ("clear", "shown")
HEARD = ("heard", *CLEAR)
APART = ("apart", *HEARD)
PRINTED = ("printed", *APART)
SLURRED = ("slurred", *PRINTED)


def engrave(
    music: Tune | Score,
    colours: Mapping[int, str] | None = None,
    *,
    width: int = 1000,
    staff: int = 40,
    whole_tempo: bool = False,
    names: bool = False,
    letters: Mapping[int, str] | None = None,
    lines: Lines = "full",
) -> bytes:
    """The engraved score as one SVG picture, as tall as it needs to be.

    width: of the page in pixels (200..4000). staff: its size in per cent of verovio's own (10..100). colours:
    as in `write_musicxml`. whole_tempo: the tempo reads 125 and not 125.333. names: chord names are those
    that musicians write (D7sus4), which pictures of 0.5.0 and before have not. letters: bar number -> what is
    boxed above its beginning, such as the letter of a section; the line before it is double. lines: where
    they are broken, see `Lines`.
    Raises `Refused` for music too long for one picture (more than 2,000 bars).
    """
    if not 200 <= width <= 4000 or not 10 <= staff <= 100:
        raise Refused(
            "A page is 200 to 4000 pixels wide and its staves 10 to 100 per cent of their usual size."
        )
    bars = len(music.bars())
    if bars > MOST_BARS_ON_PAGE:
        raise Refused(f"{bars} bars are too many for one picture; engrave a passage of it.")
    toolkit = _toolkit(width, staff)
    if isinstance(music, Score):
        music = replace(music, tempo_changes=())  # they are heard, not printed
    slurs, hyphens, heard = lines in SLURRED, lines in PRINTED, lines in HEARD
    written = write_musicxml(
        music, colours, engraved=names, slurs=slurs, hyphens=hyphens, heard=heard, marks={}
    ).decode()
    if whole_tempo:
        written = _with_whole_tempo(written)
    if lines in CLEAR:
        written = _without_equal_signatures(written)
    written = _lettered(written, letters or {}, over_pickup=lines in CLEAR)
    if lines != "full":
        if lines != "named":
            written = _with_short_names(written)
        return _evenly(toolkit, written, width * 100 / staff, music, letters or {}, lines).encode()
    svg = _page(toolkit, written)
    fitting = svg.partition('class="system"')[2].partition('class="system"')[0].count('class="measure"')
    sung = _is_sung(music)
    if names:
        fitting = max(line.count('class="measure"') for line in svg.split('class="system"')[1:])
        sections = sorted(letters or {})
        line = _line(bars, fitting, sections) or fitting
        starts = _starts(bars, min(line, 4) if sung else line, sections)
        return _roomy(toolkit, written, starts, sung)[0].encode()
    line = _line(bars, fitting, ())
    if bars > fitting and line:
        # Phrases are usually four bars long: lines that begin with a phrase show the form.
        toolkit.setOptions({"breaks": "encoded", "minLastJustification": 0.6 if bars % line else 0.0})
        svg = _page(toolkit, _in_lines_of(line, written))
    for size in (4, 3, 2, 1):
        # Verovio does not always leave chord names and words the room they need; shorter lines do.
        if size >= (line or fitting) or not (names_collide(svg) or (sung and size == 4)):
            continue
        toolkit.setOptions({"breaks": "encoded", "minLastJustification": 0.6 if bars % size else 0.0})
        svg = _page(toolkit, _in_lines_of(size, written))
    return svg.encode()


def _is_sung(music: Tune | Score) -> bool:
    return bool(music.words if isinstance(music, Tune) else any(part.words for part in music.parts))


def _evenly(
    toolkit: Any,
    written: str,
    wide: float,
    music: Tune | Score,
    letters: Mapping[int, str],
    lines: Lines,
) -> str:
    """The page in lines as `line_breaks` chooses them. wide: of the page in verovio's units."""
    if lines == "shown":
        written, starts = _spaced(toolkit, written, wide, music, letters, lines)
        toolkit.setOptions({"pageWidth": round(wide)})
        return _roomy(toolkit, written, starts, _is_sung(music), gap=TOUCHING, lines=lines)[0]
    written, starts = _in_even_lines(toolkit, written, wide, music, letters, lines)
    toolkit.setOptions({"breaks": "encoded", "pageWidth": round(wide)})
    ends = [*starts[1:], len(music.bars()) + 1]
    lengths = [end - start for start, end in zip(starts, ends, strict=True)]
    toolkit.setOptions({"minLastJustification": 0.6 if lengths[-1] < max(lengths) else 0.0})
    return _page(toolkit, written, lines)


def _in_even_lines(
    toolkit: Any,
    written: str,
    wide: float,
    music: Tune | Score,
    letters: Mapping[int, str],
    lines: Lines = "heard",
) -> tuple[str, list[int]]:
    """MusicXML whose syllables have room and whose lines are settled, and the bars that these begin with."""
    written, starts = _spaced(toolkit, written, wide, music, letters, lines)
    return _in_lines_from(starts[1:], written), starts


def _spaced(
    toolkit: Any,
    written: str,
    wide: float,
    music: Tune | Score,
    letters: Mapping[int, str],
    lines: Lines,
) -> tuple[str, list[int]]:
    """The same before its lines are broken."""
    sung = _is_sung(music)
    if sung:
        written = _TEXT.sub(lambda found: f"{found[1]}{found[2]}{ROOM * _room(found[2])}</text>", written)
        first, end, rest = written.partition("</measure>")
        pickup = (number := _MEASURE.search(first)) and number[1] == "0"
        if pickup and lines not in SLURRED:  # the tempo stands above a pick-up
            before, text, after = first.rpartition("</text></lyric>")
            written = before + ROOM * TEMPO * bool(text) + text + after + end + rest
    toolkit.setOptions({"breaks": "none", "pageWidth": 100_000})
    numbers = list(map(int, _MEASURE.findall(written.partition("</part>")[0])))
    one_line = _page(toolkit, written, lines)
    widths, needs, front = natural_widths(one_line, numbers, named=lines == "named")
    if lines != "named" and sung:
        widths = [width * max(1 / PRESSED_WORDS, need) for width, need in zip(widths, needs, strict=True)]
        needs = [1.0] * len(widths)
    elif lines != "named":
        widths = [width / PRESSED for width in widths]
        needs = [need * PRESSED for need in needs]
    for each in (widths, needs):
        _as_wide_as_alike(each, letters)
    most = 4 if sung or max(widths) * 8 > wide else 8
    room = (wide - front - MARGINS) * (FULLER if lines == "shown" else 1.0)
    return written, line_breaks(widths, room, sorted(letters), most, needs)


def _with_short_names(written: str) -> str:
    """MusicXML in which D7sus4 is not called Dsus4(add7)."""
    return written.replace('<kind text="sus4(add7)">', '<kind text="7sus4">')


def _as_wide_as_alike(widths: list[float], letters: Mapping[int, str]) -> None:
    """Make sections of one letter and length equally wide, so that their lines are broken alike."""
    edges = [*sorted(letters), len(widths) + 1]
    alike: dict[tuple[str, int], list[int]] = {}
    for first, after in pairwise(edges):
        alike.setdefault((letters[first].rstrip("'"), after - first), []).append(first)
    for (_, bars), firsts in alike.items():
        for bar in range(bars):
            places = [first - 1 + bar for first in firsts]
            widest = max(widths[place] for place in places)
            for place in places:
                widths[place] = widest


_TEXT = re.compile(r"(<lyric.*?<text>)([^<]*)</text>", re.S)

ROOM = "\N{NO-BREAK SPACE}"
"""What stands behind a syllable so that the next one keeps away: verovio measures Times, and letters of the
font that stands for it are up to a third wider.
"""

TEMPO = 5
"""So many of these keep the first chord name away from a tempo above a pick-up."""

PRESSED, PRESSED_WORDS = 1.12, 1.25
"""By what factor notes may be pressed together, and those with words, whose room is that of the words."""

FULLER = 1.08
"""How much more than there is room for is put on a line of a screen, before it is seen whether it touches."""

MARGINS = 100.0
"""Left and right of the lines, in verovio's units."""


def _room(text: str) -> int:
    return 1 + len(text) // 3


def natural_widths(
    svg: str, numbers: Sequence[int], *, named: bool = False
) -> tuple[list[float], list[float], float]:
    """How wide each full bar of an engraved page of one line is as it stands, in verovio's units, without the
    signs at the beginning; by what factor its line has to grow so that no chord names or syllables in it
    overlap, below 1 where it may shrink; and how wide these signs are. numbers: of the bars; a pick-up is
    part of bar 1. named: as `Lines` says, bars are as wide as their chord names and words need, and no line
    has to grow.
    """
    found, needs = [0.0] * max(1, *numbers), [0.0] * max(1, *numbers)
    measures, front = svg.split('class="measure"')[1:], 0.0
    placed = [_names_in(measure, GAP) | _words_in(measure) for measure in measures]
    for measure, number, rows, later in zip(measures, numbers, placed, [*placed[1:], {}], strict=False):
        line = _STAFF_LINE.search(measure)
        assert line is not None
        left, right = float(line[1]), float(line[2])
        if not front:
            notes = [float(place) for place in _NOTE.findall(measure)]
            front = max(1.0, min(notes, default=left) - left - BEFORE)
            left += front
        need = [_parted(row, right, later.get(which, ())) for which, row in rows.items()]
        place = max(1, number) - 1
        found[place] += (right - left) * (max(need, default=1.0) if named else 1.0) / UNIT
        needs[place] = max([needs[place], *(need if not named else ())])
    return found, needs, front / UNIT


UNIT = 10.0
"""Units of a picture for one of the page's width."""

BEFORE = 200.0
"""Between the signs of a line and its first note."""

_STAFF_LINE = re.compile(r'<path d="M(-?\d+) -?\d+ L(-?\d+) ')
_NOTE = re.compile(r'class="(?:note|rest|mRest)">.*?translate\((-?\d+),', re.S)


def _parted(row: Sequence[tuple[float, float]], right: float, later: Sequence[tuple[float, float]]) -> float:
    """By what factor a bar has to grow so that nothing in it overlaps. row: (place, width) of what stands
    there; later: in the next bar. right: where the bar ends; behind the last of a line there is a margin.
    """
    places = sorted(row)
    limit = min((place for place, _ in later), default=right + 2 * BEFORE)
    afters = [*(place for place, _ in places[1:]), limit]
    pairs = zip(places, afters, strict=True)
    return max((width / max(1.0, after - place) for (place, width), after in pairs), default=1.0)


def line_breaks(
    widths: Sequence[float],
    room: float,
    sections: Sequence[int],
    most: int,
    needs: Sequence[float] | None = None,
) -> list[int]:
    """The bars with which lines begin, so that no line is wider than there is room for, all are about equally
    full, and most have four bars or two. Each section begins a line.

    widths: of the bars, from bar 1. sections: bars with which they begin. most: bars of a line. needs: by
    what factor a line has to grow that holds this bar, since all bars of a line grow alike; None for 1. The
    least costly of all ways is found bar by bar (Knuth and Plass, "Breaking paragraphs into lines", 1981).
    """
    bars = len(widths)
    grown = needs or [1.0] * bars

    def full(start: int, end: int) -> float:
        return sum(widths[start - 1 : end - 1]) * max(1.0, *grown[start - 1 : end - 1]) / room

    edges = [1, *(number for number in sections if 1 < number <= bars), bars + 1]
    found: list[int] = []
    for first, after in pairwise(sorted(set(edges))):
        best: dict[int, tuple[float, list[int]]] = {first: (0.0, [])}
        for end in range(first + 1, after + 1):
            ways = [
                (best[start][0] + _cost(full(start, end), end - start, most), start)
                for start in range(max(first, end - most), end)
            ]
            cost, start = min(ways)
            best[end] = cost, [*best[start][1], start]
        found += best[after][1]
    return found


PACKED = 0.97
"""How full a line may be: in one that is pressed together, hyphens have no room."""

SIZES = {1: 1.5, 2: 0.1, 3: 0.6, 4: 0.0, 5: 0.6, 6: 0.3, 7: 0.6, 8: 0.0}
"""What a line of so many bars costs: phrases are two bars long or four."""


def _cost(full: float, bars: int, most: int) -> float:
    """What a line costs that is so full."""
    if full > PACKED and bars > 1:
        return 100.0 * full
    return 0.3 + SIZES.get(bars, 0.6) * (most > 2) + max(0.0, 1 - full) ** 2


MOST_HALVED = 5
"""Pages that are engraved at most until no line is crowded: 16, 8, 4, 2 bars and one."""


def _roomy(
    toolkit: Any,
    written: str,
    starts: Sequence[int],
    sung: bool,
    *,
    gap: float | None = None,
    lines: Lines = "full",
) -> tuple[str, list[int]]:
    """The page in lines that begin with these bars, each of which is halved if its chord names or words have
    too little room; and the bars that its lines begin with then. gap: between chord names, `GAP` for None.
    """
    begins, last = list(starts), max((int(number) for number in _MEASURE.findall(written)), default=1)
    svg = ""
    for more in reversed(range(MOST_HALVED)):
        ends = [*begins[1:], last + 1]
        lengths = [end - start for start, end in zip(begins, ends, strict=True)]
        short = 0.6 if lengths[-1] < max(lengths) else 0.0
        toolkit.setOptions({"breaks": "encoded", "minLastJustification": short})
        svg = _page(toolkit, _in_lines_from(begins[1:], written), lines)
        crowded = _overlapping(_names_in(svg, GAP if gap is None else gap)) | (
            _overlapping(_words_in(svg)) if sung else set()
        )
        halves = [
            (start + end) // 2
            for number, (start, end) in enumerate(zip(begins, ends, strict=True), 1)
            if number in crowded and end - start > 1
        ]
        if not halves or not more:
            break
        begins = sorted({*begins, *halves})
    return svg, begins


def _starts(bars: int, size: int, sections: Sequence[int]) -> list[int]:
    """The bars with which lines of at most `size` bars begin: each section begins one, and has lines as equal
    as can be.
    """
    edges = [1, *(number for number in sections if 1 < number <= bars), bars + 1]
    found: list[int] = []
    for first, after in pairwise(edges):
        lines = ceil((after - first) / max(1, size))
        found += range(first, after, ceil((after - first) / lines))
    return found


def _line(bars: int, fitting: int, sections: Sequence[int]) -> int:
    """How many bars a line should have, 0 for as many as fit. fitting: bars that fit on a line.
    sections: the bars with which they begin; a line that ends where they do is better than a longer one.
    """
    sizes = [size for size in (16, 8, 4) if size <= fitting * 8 // 7 and size < bars]
    starts = [number - 1 for number in sections] + [bars]
    whole = [size for size in sizes if all(start % size == 0 for start in starts)] if sections else []
    return next(iter([*whole, *sizes]), 0)


_NAME = re.compile(r'class="harm">\s*<text x="(-?\d+)" y="(-?\d+)".*?</text>', re.S)
_PIECE = re.compile(r'<tspan([^<>]*)font-size="(\d+)px">([^<]*)</tspan>')

LETTER, SIGN = 0.5, 0.27
"""About how wide a letter and an accidental are, in parts of their font's size."""


GAP = 0.2
"""The room that a chord name should have before the next one, in parts of its font's size."""

TOUCHING = 0.16
"""The least of it on a screen."""

_SYLLABLE = re.compile(r'class="syl">\s*<text x="(-?\d+)" y="(-?\d+)"(.*?)</text>', re.S)

SPACE = 0.15
"""The room between two syllables, in parts of their font's size."""

WIDE, NARROW = "mwMW", "iljtfI.,'!:;()/"


def names_collide(svg: str, gap: float = 0.0) -> bool:
    """Whether two chord names of a system overlap in an engraved page. gap: the room they should have between
    them, in parts of the font's size; 0 judges as 0.5.0 did, which took all letters for equally wide.
    """
    return bool(_overlapping(_names_in(svg, gap)))


def words_collide(svg: str) -> bool:
    """Whether two syllables of a line of words touch in an engraved page."""
    return bool(_overlapping(_words_in(svg)))


Rows = dict[tuple[int, int], list[tuple[float, float]]]
"""(number of a system, from 1; height on the page) -> (place, width) of what stands there."""


def _names_in(svg: str, gap: float) -> Rows:
    rows: Rows = {}
    for number, system in enumerate(svg.split('class="system"')):
        for name in _NAME.finditer(system):
            pieces = [(float(size), font, text.rstrip(ROOM)) for font, size, text in _PIECE.findall(name[0])]
            if gap:
                width = gap * max((size for size, _, _ in pieces), default=0.0)
                width += sum(
                    size * (SIGN * len(text) if "Leipzig" in font else sum(map(_width, text)))
                    for size, font, text in pieces
                )
            else:
                width = sum(
                    size * (SIGN if "Leipzig" in font else LETTER) * max(1, len(text))
                    for size, font, text in pieces
                )
            rows.setdefault((number, int(name[2])), []).append((float(name[1]), width))
    return rows


def _words_in(svg: str) -> Rows:
    rows: Rows = {}
    for number, system in enumerate(svg.split('class="system"')):
        for syllable in _SYLLABLE.finditer(system):
            pieces = [(float(size), text.rstrip(ROOM)) for _, size, text in _PIECE.findall(syllable[3])]
            width = sum(size * (SPACE + sum(map(_width, text))) for size, text in pieces)
            rows.setdefault((number, int(syllable[2])), []).append((float(syllable[1]), width))
    return rows


def _overlapping(rows: Rows) -> set[int]:
    """The systems in which two of these overlap."""
    return {
        number
        for (number, _), row in rows.items()
        if any(place + width > after for (place, width), (after, _) in pairwise(sorted(row)))
    }


def _width(letter: str) -> float:
    """About how wide a letter is, in parts of its font's size: in DejaVu Serif, which is wider than Times and
    takes its place where there is none.
    """
    if letter in WIDE:
        return 0.95
    if letter in NARROW:
        return 0.36
    return 0.68 if letter.isupper() or letter.isdecimal() else 0.6


def _without_equal_signatures(written: str) -> str:
    """MusicXML without the keys that have as many sharps or flats as the one before in their part."""
    parts = []
    for part in re.split(r"(?=<part id)", written):
        last = ""

        def kept(found: re.Match[str]) -> str:
            nonlocal last
            before, last = last, found[1]
            return "" if before == last else found[0]

        parts.append(re.sub(r"<key>\s*<fifths>(-?\d+)</fifths>.*?</key>", kept, part, flags=re.DOTALL))
    return "".join(parts)


def _with_whole_tempo(written: str) -> str:
    """MusicXML whose tempo reads 125 and not 125.333."""
    return re.sub(r"(?<=<per-minute>)[\d.]+(?=</per-minute>)", _rounded, written)


def _rounded(number: re.Match[str]) -> str:
    return str(int(float(number[0]) + 0.5))


PAGE = (2100, 2970)
"""A4, in tenths of a millimetre, as verovio counts."""


def _lettered(written: str, letters: Mapping[int, str], *, over_pickup: bool) -> str:
    """MusicXML with rehearsal marks in its first part, and double bar lines before them. over_pickup: that of
    bar 1 stands above its pick-up, without a bar line.
    """
    first_bar = _MEASURE.search(written)
    if over_pickup and 1 in letters and first_bar and first_bar[1] == "0":
        letters = {0 if number == 1 else number: letter for number, letter in letters.items()}
    for number in letters:
        line = '<barline location="right"><bar-style>light-light</bar-style></barline>'
        pattern = (
            rf'(<measure number="{number - 1}"[^>]*>(?:(?!<barline location="right"|</measure>).)*)</measure>'
        )
        written = re.sub(pattern, rf"\1{line}</measure>", written, flags=re.DOTALL)
    first, end, rest = written.partition("</part>")
    for number, letter in letters.items():
        mark = f"<direction-type><rehearsal>{letter}</rehearsal></direction-type>"
        pattern = rf'(<measure number="{number}"[^>]*>.*?)(?=<harmony|<note|<direction|<backup|</measure>)'
        said = rf'\1<direction placement="above">{mark}</direction>'
        first = re.sub(pattern, said, first, count=1, flags=re.DOTALL)
    return first + end + rest


def engrave_pages(music: Tune | Score, *, letters: Mapping[int, str] | None = None) -> list[bytes]:
    """The engraved score as pages of A4, each one SVG picture of 794 x 1123 pixels. One part is large, in
    lines of four bars; of many parts the staves are small, so that two systems fit on a page. letters: as in
    `engrave`. Raises `Refused` as `engrave` does.
    """
    if len(music.bars()) > MOST_BARS_ON_PAGE:
        raise Refused(f"{len(music.bars())} bars are too many to print at once; engrave a passage of them.")
    parts = len(music.parts) if isinstance(music, Score) else 1
    staff = (36 if _is_sung(music) else 42) if parts == 1 else 36 if parts < 4 else 24
    toolkit = _toolkit(794, staff)
    wide, high = (round(side * 0.378 * 100 / staff) for side in PAGE)
    margins = dict.fromkeys(("pageMarginTop", "pageMarginBottom", "pageMarginLeft", "pageMarginRight"), 100)
    written = _with_whole_tempo(
        write_musicxml(music, engraved=True, slurs=True, heard=True, marks={}).decode()
    )
    written = _lettered(written, letters or {}, over_pickup=True)
    toolkit.setOptions(margins)
    # Systems of many staves leave much of a page empty, unless they are spread over it.
    toolkit.setOptions({"justifyVertically": parts > 1})
    if len(music.bars()) > 4:
        room = wide - 2 * margins["pageMarginLeft"]
        written, _ = _in_even_lines(toolkit, written, room, music, letters or {})
        # The lines are settled, and pages are broken where they are full.
        toolkit.setOptions({"breaks": "line"})
    else:
        toolkit.setOptions({"breaks": "auto"})
    toolkit.setOptions({"pageWidth": wide, "pageHeight": high, "adjustPageHeight": False, "svgViewBox": True})
    _load(toolkit, written, "heard")
    return [toolkit.renderToSVG(number).encode() for number in range(1, toolkit.getPageCount() + 1)]


def _toolkit(width: int, staff: int) -> Any:
    from importlib.resources import files

    import verovio

    # Verovio sets the path of its fonts when it is imported, but for that thread only.
    verovio.setDefaultResourcePath(str(files("verovio") / "data"))
    # Its warnings would go to the terminal, such as that a score of one line has no line breaks.
    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    toolkit.setOptions(
        {
            "pageWidth": round(width * 100 / staff),
            "pageHeight": 60000,
            "adjustPageHeight": True,
            "scale": staff,
            "breaks": "auto",
            "header": "auto",
            "footer": "none",
            "svgViewBox": False,
            "xmlIdSeed": 1,
            "justifyVertically": False,
            "minLastJustification": 0.6,
            "spacingSystem": 8,
        }
    )
    return toolkit


def _page(toolkit: Any, written: str, lines: Lines = "full") -> str:
    _load(toolkit, written, lines)
    page: str = toolkit.renderToSVG(1)
    return page


def _load(toolkit: Any, written: str, lines: Lines) -> None:
    """Have MusicXML engraved. Verovio puts a tempo between the staff and the chord names, and only what marks
    a passage above both, so from slurred lines on the tempo becomes such a mark. Raises `Refused`.
    """
    loaded = toolkit.loadData(written)
    if loaded and lines in SLURRED:
        marked = _TEMPO_MARK.sub(r"<reh \1>\2</reh>", toolkit.getMEI())
        if lines in APART:
            marked = _HARM.sub(lambda name: name[0] + ROOM * _room(_TAG.sub("", name[1])), marked)
        loaded = toolkit.loadData(marked)
    if not loaded:
        raise Refused(
            "The score could not be engraved; write it as .musicxml and open it in a notation program."
        )
    toolkit.redoLayout()


_TEMPO_MARK = re.compile(r'<tempo [^>]*?(place="above" staff="1" tstamp="[\d.]+")[^>]*>(.*?)</tempo>', re.S)
"""A tempo in MEI, as Verovio writes it."""

_HARM, _TAG = re.compile(r"<harm [^>]*>(.*?)(?=</harm>)", re.S), re.compile(r"<[^>]*>|\s")
"""A chord name in MEI, and what in it is not printed."""


def _in_lines_of(bars: int, written: str) -> str:
    """MusicXML with a new line before every so many full bars. A pick-up has number 0 and stays on the first
    line.
    """
    last = max((int(number) for number in _MEASURE.findall(written)), default=1)
    return _in_lines_from(range(1 + bars, last + 1, bars), written)


_MEASURE = re.compile(r'<measure [^>]*?number="(\d+)"[^>]*>')


def _in_lines_from(starts: Iterable[int], written: str) -> str:
    """MusicXML with a new line before each of these bars."""
    new = frozenset(starts)
    return _MEASURE.sub(
        lambda measure: measure[0] + ('<print new-system="yes"/>' if int(measure[1]) in new else ""), written
    )
