"""Builds what songs learn from: chords and melodies of styles as counts, without any song.

    python models/build_songs.py songbook-manner FOLDER     lead sheets (OpenEWLD)
    python models/build_songs.py sixties-pop FOLDER         McGill Billboard annotations, a text file each
    python models/build_songs.py hymn FOLDER                the Open Hymnal's ABC files, four voices each
                                                            (--melodies: the melodies alone)
    python models/build_songs.py chorale                    Bach's chorales in music21's corpus
    python models/build_songs.py fiddle                     Ryan's Mammoth Collection, its chords inferred
    python models/build_songs.py habits SONGBOOK HYMNS BILLBOARD     keys of bridges, upbeats, ends, of all
    python models/build_songs.py loops SONGBOOK HYMNS BILLBOARD      then: loops, and the reach of melodies
    python models/build_songs.py leans      then: what melodies lean to that are drawn from these counts

Writes models/NAME.chords (NAME-2.chords where songs of 0.4.0 were drawn from NAME.chords, see
build_chords.py), models/NAME-2.melodies for styles whose melodies are counted (songs up to 0.8.0 were drawn
from NAME.melodies, in which bridges are in the key of the signature), and a card beside each.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import build_chords
import numpy as np

from studio.errors import StudioError
from studio.music.chains.markov import count
from studio.music.harmony.counts import pack_counts
from studio.music.harmony.fit import FitCounts
from studio.music.harmony.harmonise import Harmonisation
from studio.music.harmony.idiom import ChordLine, HarmonyIdiom, is_minor, learn_harmony
from studio.music.harmony.named import CHORD_STYLES
from studio.music.harmony.symbols import Harmony
from studio.music.melody.idiom import learn
from studio.music.reading.readers import Readers
from studio.music.scores.chords import ChordAt
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.scores.scores import Part
from studio.music.scores.tunes import Tune
from studio.music.songs.counted import counted_style, pack_melodies
from studio.music.songs.habits import FILE, learn_habits
from studio.music.songs.loops import pattern_of
from studio.music.songs.named import MELODIES, SONG_STYLES
from studio.music.songs.natural import MarkSearch, leaning, marks_of, wanted_of
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.sheet import SongStyles, draw_sheet, prepare
from studio.music.songs.sung import SungIdiom
from studio.music.styles.opening import ready_style
from studio.music.styles.style import Style
from studio.music.styles.table import STYLES, corpus_files
from studio.process import finish

HERE = Path(__file__).parent

LONGEST = 3
"""Events back that are counted: enough for a style's turns, and half the runs copied of four."""

METERS = ("4/4", "3/4", "2/4", "6/8")
VOICES_METERS = ("4/4", "3/4")
MELODY_METERS = ("4/4", "3/4", "6/8")

FEWEST = 8
"""Songs in a meter and mode that are worth counting."""

FEWEST_MELODIES = 5
"""The same of melodies, which have more notes than chords."""

TUNES = 60
"""Tunes in each meter whose chords are inferred."""

SHAPES = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "dim": (0, 3, 6),
    "m7b5": (0, 3, 6, 10),
    "maj7": (0, 4, 7, 11),
}


# Chords that four voices sound
# ------------------------------------------------------------------------------------------------------------


def chords_of_voices(tune: Tune, parts: Sequence[Part]) -> Tune:
    """The tune with the chord that its voices sound on each beat; a chord that stays is written once."""
    beat = tune.meter.beat
    notes = [note for part in parts for note in part.notes if note.pitch is not None]
    found: list[ChordAt] = []
    here = tune.pickup % beat - beat if tune.pickup % beat else Fraction(0)
    while here < tune.end:
        inside = [
            (int(note.pitch or 0), float(min(note.end, here + beat) - max(note.start, here)))
            for note in notes
            if note.start < here + beat and note.end > here
        ]
        chord = _heard(inside)
        if chord is not None:
            symbol = chord.symbol(Key.parse("C"))
            if not found or found[-1].symbol != symbol:
                found.append(ChordAt(max(Fraction(0), here), symbol))
        here += beat
    return replace(tune, chords=tuple(found))


def _heard(inside: Sequence[tuple[int, float]]) -> Harmony | None:
    """The chord whose tones sound longest and others least; None where fewer than three pitch classes do."""
    sounds = np.zeros(12)
    for pitch, held in inside:
        sounds[pitch % 12] += held
    if np.count_nonzero(sounds) < 3:
        return None
    sounds /= sounds.max()
    bass = min(pitch for pitch, _ in inside) % 12

    def fits(root: int, shape: tuple[int, ...]) -> float:
        tones = [(root + tone) % 12 for tone in shape]
        missing = sum(sounds[tone] < 0.2 for tone in tones)
        strange = sounds.sum() - sounds[tones].sum()
        return float(sounds[tones].sum() - strange - 0.5 * missing - 0.3 * len(tones) + 0.3 * (root == bass))

    root, suffix = max(
        ((r, s) for r in range(12) for s in SHAPES), key=lambda each: fits(each[0], SHAPES[each[1]])
    )
    tones = [(root + tone) % 12 for tone in SHAPES[suffix]]
    return Harmony(root, suffix, (bass - root) % 12 if bass in tones else 0)


def four_voices(files: Iterable[tuple[str, bytes]]) -> Iterator[Tune]:
    with Readers(2) as readers:
        for name, content in files:
            try:
                reading = readers.read(content, name, parts=True)
            except StudioError:
                continue
            for tune, parts in zip(reading.tunes, reading.parts, strict=False):
                if len(parts) >= 3 and len(tune.grid.meters) == 1:
                    yield chords_of_voices(tune, parts)


# Idioms
# ------------------------------------------------------------------------------------------------------------


def shorter(idiom: HarmonyIdiom) -> HarmonyIdiom:
    """The same, counted `LONGEST` events back."""
    idiom.__dict__["tree"] = count(idiom.sequences, alphabet=idiom.alphabet, longest=LONGEST)
    return idiom


def harmonies(style: Style, meters: Sequence[str] = METERS, fewest: int = FEWEST) -> list[HarmonyIdiom]:
    found = []
    for meter in meters:
        for mode in ("major", "minor"):
            try:
                idiom = learn_harmony(style, Meter.parse(meter), mode)
            except StudioError:
                continue
            if len(idiom.lines) >= fewest:
                found.append(shorter(idiom))
    return found


def melodies(style: Style) -> list[SungIdiom]:
    """Each section in the key that is heard in it, moved to its song's own."""
    heard = {line.number: line.tonics for idiom in harmonies(style, fewest=1) for line in idiom.lines}
    found = []
    for meter in MELODY_METERS:
        for key in ("C", "Cm"):
            try:
                base = learn(style, Meter.parse(meter), Key.parse(key), longest=LONGEST)
            except StudioError:
                continue
            mode = Key.parse(key).mode
            own = [line for line in base.lines if style.modes[line.number] == mode]
            if len(own) == len(base.lines) >= FEWEST_MELODIES:
                found.append(SungIdiom(base, tonics=heard))
    return found


def songbook(folder: Path) -> Style:
    with tempfile.TemporaryDirectory() as kept:
        for path in folder.glob("*.mxl"):
            if path.name not in build_chords.NOT_FREE:
                shutil.copy(path, kept)
        return ready_style(Path(kept))


def billboard(folder: Path) -> list[HarmonyIdiom]:
    """Each different passage of a song counts once: a loop that goes round twenty times is no habit of the
    style.
    """
    lines = []
    for number, path in enumerate(sorted(folder.glob("*.txt"))):
        line = build_chords._line(_once(path.read_text("utf-8")), number)
        if line is not None:
            lines.append(_without_loops(line))
    title, meter = CHORD_STYLES["sixties-pop"].title, Meter.parse("4/4")
    minor = [line for line in lines if build_chords._is_minor(line)]
    major = [line for line in lines if not build_chords._is_minor(line)]
    return [
        shorter(HarmonyIdiom(title, meter, mode, own)) for mode, own in (("major", major), ("minor", minor))
    ]


def _once(text: str) -> str:
    """An annotation in which every row of bars is there once, and goes round at most twice."""
    kept, known = [], set()
    for row in text.splitlines():
        if "|" in row:
            body = row[row.index("|") : row.rindex("|")]
            if body in known:
                continue
            known.add(body)
            more = row[row.rindex("|") :]
            times = build_chords.re.search(r"\bx(\d+)", more)
            if times and int(times[1]) > 2:
                row = row[: row.rindex("|")] + more.replace(times[0], "x2")
        kept.append(row)
    return "\n".join(kept)


def _without_loops(line: ChordLine) -> ChordLine:
    """The line without bars that go on repeating the bar, two or four before, beyond the second time."""
    bars: list[list[object]] = [[] for _ in range(line.length)]
    for event, bar in zip(line.events, line.bars, strict=True):
        bars[bar].append((event.harmony, event.ticks, event.place))
    dropped: set[int] = set()
    for size in (1, 2, 4):
        for start in range(2 * size, line.length - size + 1):
            here = bars[start : start + size]
            if here == bars[start - size : start] == bars[start - 2 * size : start - size]:
                dropped |= set(range(start, start + size))
    keep = [bar for bar in range(line.length) if bar not in dropped]
    place = {bar: number for number, bar in enumerate(keep)}
    both = [(e, place[b]) for e, b in zip(line.events, line.bars, strict=True) if b in place]
    return replace(
        line,
        events=tuple(event for event, _ in both),
        bars=tuple(bar for _, bar in both),
        tonics=tuple(line.tonics[bar] for bar in keep),
    )


def inferred(name: str) -> Style:
    """Tunes of a style with chords by the studio's own harmoniser, which hymns and songs have taught."""
    from studio.music.harmony.counts import shipped_chords, shipped_fit

    style = ready_style(name)
    fit = (shipped_fit("hymn") + shipped_fit("songbook-manner")).fit()
    done: dict[tuple[str, str], int] = {}
    found: list[Tune] = []
    for number, (meter, mode) in enumerate(zip(style.meters, style.modes, strict=True)):
        plain = "minor" if is_minor(mode) else "major"
        if done.get((meter, plain), 0) >= TUNES:
            continue
        for taught in ("hymn", "songbook-manner"):
            try:
                idiom = shipped_chords(taught, Meter.parse(meter), plain)
                asked = Harmonisation.of(style[number], idiom, fit)
                (row,) = asked.draw(1, np.random.default_rng(number), daring=0.2)
            except StudioError:
                continue
            found.append(asked.tune_with(row))
            done[meter, plain] = done.get((meter, plain), 0) + 1
            break
    print(done)
    return Style.of(found, name)


# Written
# ------------------------------------------------------------------------------------------------------------


def write(file: str, content: bytes, row: object, name: str, songs: int, figures: dict[str, int]) -> None:
    (HERE / file).write_bytes(content)
    card = {
        "name": name,
        "what": f"{row.sentence} Counts only: no song can be read from them.",  # type: ignore[attr-defined]
        "data": [{"name": row.title, "source": row.source, "licence": row.licence}],  # type: ignore[attr-defined]
        "licence": "MIT, as the studio; what it was counted in is under the licence named there",
        "command": f"python models/build_songs.py {name} FOLDER",
        "figures": {"songs": songs, **figures},
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    (HERE / f"{file}.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    print(f"{file}: {songs} songs, {len(content):,} bytes", figures)


def write_chords(
    file: str, name: str, idioms: Sequence[HarmonyIdiom], fit: FitCounts | None, songs: int
) -> None:
    figures = {f"{each.meter} {each.mode}: events": sum(map(len, each.sequences)) for each in idioms}
    write(file, pack_counts(idioms, fit), CHORD_STYLES[name], name, songs, figures)


def write_melodies(name: str, style: Style) -> None:
    idioms = melodies(style)
    figures = {f"{each.meter} {each.key.mode}: events": sum(map(len, each.sequences)) for each in idioms}
    write(f"{name}-2.melodies", pack_melodies(style, idioms), MELODIES[name], name, len(style), figures)


def write_habits(songbook_files: Path, hymns: Path, charts: Path) -> None:
    """models/song-habits.json: what `songs.habits` counts, of every style that is counts."""
    book = songbook(songbook_files)
    files = [(path.name, path.read_bytes()) for path in sorted(hymns.glob("*.abc"))]
    sung = Style.of(list(four_voices(files)), "Hymn")
    found = {
        name: learn_habits(tunes, [line for idiom in idioms for line in idiom.lines])
        for name, tunes, idioms in (
            ("songbook-manner", book, harmonies(book, fewest=3)),
            ("hymn", sung, harmonies(sung, VOICES_METERS)),
            ("sixties-pop", (), billboard(charts)),
        )
    }
    rows = [CHORD_STYLES[name] for name in found]
    card = {
        "name": "song-habits",
        "what": "In which keys bridges are, and how songs lead into their first bar and end. Counts only.",
        "data": [{"name": row.title, "source": row.source, "licence": row.licence} for row in rows],
        "licence": "MIT, as the studio; what it was counted in is under the licence named there",
        "command": "python models/build_songs.py habits SONGBOOK HYMNS BILLBOARD",
        "styles": {name: habits.to_data() for name, habits in found.items()},
    }
    (HERE / FILE).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n")
    for name, habits in found.items():
        print(name, habits.songs, habits.begun, dict(habits.section_keys))


def write_loops(songbook_files: Path, hymns: Path, charts: Path) -> None:
    """Adds to models/song-habits.json which bars go round in chart songs, and how far melodies reach."""
    path = HERE / FILE
    card = json.loads(path.read_text())
    card["what"] = (
        "In which keys bridges are, how songs lead into their first bar and end, which bars of chords go "
        "round, and how far melodies reach. Counts only."
    )
    files = [(each.name, each.read_bytes()) for each in sorted(hymns.glob("*.abc"))]
    sung = Style.of(list(four_voices(files)), "Hymn")
    for name, style in (("songbook-manner", songbook(songbook_files)), ("hymn", sung)):
        spans: dict[str, list[list[int]]] = {}
        for idiom in melodies(style):
            lines = [[event.pitch for event in song.events if event.pitch >= 0] for song in idiom.songs]
            reach = sorted([min(line), max(line)] for line in lines if line)
            spans[f"{idiom.meter} {idiom.key.mode}"] = reach
        card["styles"][name]["spans"] = spans
    card["styles"]["sixties-pop"] |= loops_of(charts)
    path.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n")


def loops_of(charts: Path) -> dict[str, object]:
    """What `songs.loops` needs, of chart songs: the patterns of their sections of 4, 8 and 16 bars, each
    different one once a song, and the different triads of their first two and three different sections.
    """
    patterns: dict[int, Counter[tuple[int, ...]]] = {4: Counter(), 8: Counter(), 16: Counter()}
    kinds: dict[str, list[list[int]]] = {"4/4 major": [], "4/4 minor": []}
    for path in sorted(charts.glob("*.txt")):
        text = path.read_text("utf-8")
        line = build_chords._line(text, 0)
        if line is None:
            continue
        sections = _sections_of(text)
        for length, counts in patterns.items():
            found = {pattern_of(bars[:length]) for bars in sections if len(bars) >= length}
            counts.update(found)
        mode = "minor" if build_chords._is_minor(line) else "major"
        tonic = build_chords.pitch_class_of(build_chords.re.search(r"# tonic: (\S+)", text)[1])
        for many in (2, 3):
            bars = [bar for section in sections[:many] for bar in section]
            names = {name for bar in bars for name in bar if name not in (".", "&pause", "*")}
            triads = {each.triad for name in names if (each := Harmony.of(name, tonic)) is not None}
            if len(sections) >= many:
                kinds[f"4/4 {mode}"].append([len(bars), len(triads)])
    rows = {
        str(bars): [[often, list(pattern)] for pattern, often in sorted(counts.items())]
        for bars, counts in patterns.items()
    }
    return {"loops": rows, "kinds": {name: sorted(each) for name, each in kinds.items()}}


def _sections_of(text: str) -> list[list[tuple[str, ...]]]:
    """The different verses, choruses and bridges of an annotation, each as its bars: the first of each
    kind.
    """
    found: dict[str, list[tuple[str, ...]]] = {}
    known: set[str] = set()
    at = ""
    for row in text.splitlines():
        named = build_chords.re.search(r"\t[A-Z]'*, ([a-z-]+)", row)
        if named:
            at = "" if named[1] in known or named[1] not in SUNG else named[1]
            known.add(named[1])
        elif build_chords.re.search(r"\t(\w+), \|", row):
            at = ""  # an interlude or an ending without a letter
        if at:
            found.setdefault(at, []).extend(tuple(bar) for bar in build_chords._bars(row))
    return [bars for bars in found.values() if bars]


SUNG = ("verse", "chorus", "bridge", "pre-chorus", "refrain")
"""Sections of chart songs whose chords songs are drawn with."""


WORDS = """The morning comes across the hill
and nobody is waiting still
The river carries every day
a little of the light away
"""
"""Words of four lines, by the studio's makers, for songs that are drawn to find how they lean."""

LEANS = (
    ("songbook-manner", "4/4", "C"),
    ("songbook-manner", "3/4", "C"),
    ("sixties-pop", "4/4", "C"),
    ("hymn", "4/4", "C"),
)
"""Styles of songs, meters and keys for which it is found; minor keys lean as major ones do. What is written
down is uncertain, since songs differ: it is rounded and checked with benchmarks/likeness.py before it ships.
"""

CHOSEN_LEANS = {
    "songbook-manner 4/4 major": (0.34, -0.05, 0.29, 0.2, 0.1, 0.15, -0.35),
    "songbook-manner 3/4 major": (0.75, -0.1, 0.65, 0.5, 0.3, 0.3, -0.45),
    "sixties-pop 4/4 major": (0.34, -0.05, 0.29, 0.2, 0.1, 0.15, -0.35),
    "songbook-manner 4/4 major by rules 6": (0.45, -0.05, 0.6, 0.2, 0.1, 0.2, -0.3),
    "songbook-manner 3/4 major by rules 6": (1.0, -0.1, 1.0, 0.5, 0.3, 0.3, -0.5),
    "sixties-pop 4/4 major by rules 6": (0.7, -0.25, 0.55, 0.2, 0.0, 0.15, -0.3),
    "songbook-manner 4/4 major by rules 9": (0.28, -0.2, 0.38, 0.6, 0.0, 0.2, -0.3),
    "songbook-manner 3/4 major by rules 9": (1.1, -0.3, 1.0, 1.2, 0.0, 0.3, -0.45),
    "sixties-pop 4/4 major by rules 9": (0.35, -0.2, 0.35, 0.4, 0.0, 0.05, -0.35),
    "songbook-manner 4/4 major with words": (0.0, 0.0, 0.0, 0.0, 0.0, 0.05, -0.45),
}
"""Chosen by hand, near what was found: so few songs a round leave what is found uncertain. Songs drawn with
these came nearest to the style's own in benchmarks/likeness.py (notes off the beat, repeated notes, leaps,
long notes). For `leans` to search for one again, take its line out.
"""

ROUNDS, SONGS = 6, 8


def leans_of(name: str, meter: str, key: str, words: str) -> tuple[float, ...]:
    """What `songs.natural` weighs: songs are drawn, and weights corrected, until they have as many notes of
    each mark as the style's own.
    """
    fields = {"style": name, "meter": meter, "key": key, "form": "AABA", "bars": 32, "words": words}
    recipe = SongRecipe.model_validate(fields)
    styles = SongStyles.of(recipe, counted_style(SONG_STYLES[name].melody))
    desk = finish(prepare(recipe, styles))
    search = MarkSearch(wanted_of(desk.sung, desk.forms))
    if not words:
        search.logs = np.array([0.4, 0.0, 0.3, 0.0, 0.0, 0.3, 0.0])  # near what was found before, for speed
    marks = marks_of(desk.sung)
    for _ in range(ROUNDS):
        rhythm = leaning(desk.sung, search.logs, leaves_alone=bool(words))
        now = replace(desk, rhythm=rhythm, views={}, wishes={}, own={})
        got, bars = np.zeros(len(marks)), 0
        for seed in range(SONGS):
            try:
                sheet = finish(draw_sheet(now, seed))
            except StudioError:
                continue
            for take in sheet.takes.values():
                got += marks[:, list(take.symbols)].sum(axis=1)
                bars += 8
        print(*(np.round(each, 2) for each in (got / max(1, bars), search.wanted, search.logs)), flush=True)
        if not bars:
            break
        search.hear(got / bars)
    return tuple(round(float(log), 3) for log in search.found)


def write_leans() -> None:
    """Adds what songs of counts lean to, to models/song-habits.json."""
    path = HERE / FILE
    card = json.loads(path.read_text())
    for words in ("", WORDS):
        for name, meter, key in LEANS[: 1 if words else None]:
            mode = Key.parse(key).mode
            named = f"{SONG_STYLES[name].chords} {meter} {mode}{' with words' if words else ''}"
            leans = card["styles"][SONG_STYLES[name].melody].setdefault("leans", {})
            leans[named] = list(CHOSEN_LEANS.get(named) or leans_of(name, meter, key, words))
            for rules in ("6", "9"):
                if (now := CHOSEN_LEANS.get(f"{named} by rules {rules}")) is not None:
                    leans[f"{named} by rules {rules}"] = list(now)
            print(named, leans[named], flush=True)
            path.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n")


def main() -> None:
    name = sys.argv[1]
    if name == "leans":
        write_leans()
        return
    if name == "loops":
        write_loops(*map(Path, sys.argv[2:5]))
        return
    if name == "habits":
        write_habits(*map(Path, sys.argv[2:5]))
        return
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path()
    melodies_alone = "--melodies" in sys.argv
    if name == "songbook-manner":
        style = songbook(folder)
        if not melodies_alone:
            write_chords(
                f"{name}-2.chords", name, harmonies(style, fewest=3), FitCounts.of(style), len(style)
            )
        write_melodies(name, style)
    elif name == "sixties-pop":
        idioms = billboard(folder)
        write_chords(f"{name}-2.chords", name, idioms, None, sum(len(each.lines) for each in idioms))
    elif name == "hymn":
        files = [(path.name, path.read_bytes()) for path in sorted(folder.glob("*.abc"))]
        style = Style.of(list(four_voices(files)), "Hymn")
        if not melodies_alone:
            found = harmonies(style, VOICES_METERS)
            write_chords(f"{name}.chords", name, found, FitCounts.of(style), len(style))
        write_melodies(name, style)
    elif name == "chorale":
        files = [(path.name, path.read_bytes()) for path in corpus_files(STYLES["bach-chorales"])]
        style = Style.of(list(four_voices(files)), "Chorale")
        write_chords(f"{name}.chords", name, harmonies(style, VOICES_METERS), FitCounts.of(style), len(style))
    elif name == "fiddle":
        style = inferred("ryans-mammoth")
        write_chords(f"{name}.chords", name, harmonies(style), FitCounts.of(style), len(style))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
