"""Melodies of a style as counts: what the chain, the forms and the copy limit need, without any song.

    style = counted_style("songbook-manner")            # a style without tunes
    sung = style.sung(Meter.parse("4/4"), Key.parse("F"))
    pack_melodies(…)                                     # bytes for the folder "models"

What is passed on: how often each event followed each context of up to three, how often events are played in
each kind of bar, which bars return in the songs and where phrases close, what sections are like, and hashes
of runs of intervals. A run can be looked up there, but none can be read. So the copy limit is kept by
rejection: draws with a run that a song has are drawn again, which leaves the distribution among the others as
it is.
"""

from __future__ import annotations

import copy
import hashlib
import io
import json
import zipfile
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.errors import Missing, Refused, UnknownName
from studio.music.chains.automata import Listener, each, from_table
from studio.music.chains.markov import ContextTree, Floats, freeze
from studio.music.chains.sampling import Solution
from studio.music.harmony.character import Character
from studio.music.harmony.counts import TREE, chords_file, read_counts
from studio.music.harmony.idiom import is_minor
from studio.music.harmony.named import CHORD_STYLES
from studio.music.melody.form import Close, FormPlan, Forms, How, Return
from studio.music.melody.idiom import PER_QUARTER
from studio.music.melody.learnt import IdiomStore, latest_idiom
from studio.music.melody.takes import Player, by_chain
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.songs.character import MelodyCharacter
from studio.music.songs.named import MELODIES, SONG_STYLES
from studio.music.songs.rules import since
from studio.music.songs.sung import SungEvent, SungIdiom
from studio.music.styles.columns import columns_of
from studio.music.styles.opening import open_style
from studio.music.styles.runs import RunKind
from studio.music.styles.style import Style
from studio.music.styles.table import StyleEntry
from studio.works.ingredient import Ingredient
from studio.works.shipped import shipped
from studio.works.work import Progress

LIMITS = (8, 12, 16, 20, 24)
"""Copy limits in notes for which hashes are kept. Another limit is kept by the next smaller one."""

LONGEST_PLAN = 16
"""Bars of a plan that is kept: what a section of a song needs."""

BATCHES = 4
"""How many times as many melodies are drawn, at most, until enough of them keep the copy limit."""

KEPT_IDIOMS = 2
"""What was learnt for the latest requests is kept."""

KNOWN_RUNS = 100_000
"""Runs of which it is kept whether a song has them."""

FIGURES = ("alone", "beside")


class CountedStyle(Style):
    """A style of which only counts are known. It has no tunes."""

    def __init__(self, entry: StyleEntry, sha256: str, folders: dict[str, dict[str, Any]]) -> None:
        columns, about = columns_of(())
        super().__init__(entry, sha256, columns, about, (), {})
        self.folders = folders

    def __bool__(self) -> bool:
        """It has no tunes, and is a style all the same."""
        return True

    @cached_property
    def meters(self) -> list[str]:
        return [meter for meter, _, _ in self._songs]

    @cached_property
    def tonics(self) -> list[int]:
        return [tonic for _, tonic, _ in self._songs]

    @cached_property
    def modes(self) -> list[str]:
        return [mode for _, _, mode in self._songs]

    @property
    def _songs(self) -> list[tuple[str, int, str]]:
        """Meter, tonic and mode of each song that was counted, in no order of theirs."""
        return [(str(a), int(b), str(c)) for a, b, c in self.folders["songs"]["songs"]]

    def sung(self, meter: Meter, key: Key) -> CountedSung:
        """Raises `Refused` for a meter or mode without counts."""
        mode = "minor" if is_minor(key.mode) else "major"
        place = self._counted(meter, mode)
        if place is None:
            known = ", ".join(sorted(each.replace("-", "/") for each in self.folders if each != "songs"))
            raise Refused(
                f"{self.entry.title} has no melodies in {meter} and {mode}; it has {known}: choose one of "
                "these, or melodies from another style."
            )
        return CountedSung(self, meter, key, self.folders[place])

    def knows_runs(self, rises: Sequence[int], limit: int) -> list[bool]:
        """For each run of `limit` (one of `LIMITS`) of these intervals in semitones, whether a song has it,
        in whatever meter and mode.
        """
        known = self._known_runs(limit)
        return [_hash(rises[at : at + limit]) in known for at in range(max(0, len(rises) - limit + 1))]

    def _known_runs(self, limit: int) -> frozenset[int]:
        counted = (counts for folder, counts in self.folders.items() if folder != "songs")
        return frozenset(each for counts in counted for each in counts[f"runs {limit}"].tolist())

    def sings(self, meter: Meter, mode: str) -> bool:
        """Whether it has melodies in a meter and mode."""
        return self._counted(meter, "minor" if is_minor(mode) else "major") is not None

    def _counted(self, meter: Meter, mode: str) -> str | None:
        place = _place(meter, mode)
        if place not in self.folders and meter.bar_length == 4:  # 2/2 is counted as 4/4
            place = _place(Meter.parse("4/4"), mode)
        return place if place in self.folders else None


class CountedSung(SungIdiom):
    """The melodies of a `CountedStyle` in a meter and key."""

    keeps_copies = False

    def __init__(self, style: CountedStyle, meter: Meter, key: Key, counts: dict[str, Any]) -> None:
        self.style, self.meter, self.key, self.counts = style, meter, key, counts
        self.longest, self.left_out, self.kindred = len(counts["level"]) - 2, 0, 0
        self.unheard = 0
        self.lines = self.songs = ()
        self.sequences = []
        self.variants, self.store = True, None
        self.unit = int(counts["unit"][0])
        self.tick = Fraction(self.unit, PER_QUARTER)
        self.bar = int(meter.bar_length / self.tick)
        shift = (key.tonic + 5) % 12 - 5
        self.events = tuple(
            SungEvent(pitch + shift if pitch >= 0 else pitch, ticks, place, bool(carries), leaves)
            for pitch, ticks, place, carries, leaves in counts["events"].tolist()
        )
        self.number = {event: number for number, event in enumerate(self.events)}
        self.pitch, self.ticks, self.place, self.leaves = (
            np.array([getattr(event, name) for event in self.events], dtype=np.int64)
            for name in ("pitch", "ticks", "place", "leaves")
        )
        self.carries = np.array([event.carries for event in self.events], dtype=bool)
        self._chains, self._walks, self._copies, self._trellises = {}, {}, {}, {}

    @property
    def song_count(self) -> int:
        return int(self.counts["count"][0])

    @property
    def whole(self) -> SungIdiom:
        return self

    @cached_property
    def range(self) -> tuple[int, int]:
        low, high = self.counts["range"].tolist()
        return int(low), int(high)

    @cached_property
    def tree(self) -> ContextTree:
        tree = ContextTree(
            alphabet=self.alphabet,
            longest=self.longest,
            starts=True,
            ends=True,
            symbols=np.empty(0, np.int32),
            begins=np.zeros(1, np.int64),
            number=np.empty(0, np.int64),
            context_at=np.empty((self.longest + 1, 0), np.int32),
            **{name: self.counts[name] for name in TREE},
        )
        freeze(tree)
        return tree

    @cached_property
    def character(self) -> MelodyCharacter:
        return MelodyCharacter(
            *(Character(self.counts[f"{name} mean"], self.counts[f"{name} spread"]) for name in FIGURES)
        )

    @property
    def usual_tempo(self) -> float:
        return float(self.counts["tempo"][0])

    def forms(self) -> Forms:
        return CountedForms(self)

    def copies(self, kind: RunKind, notes: int) -> Listener:
        """Listens to nothing: `player` keeps the limit. Raises `Refused` for what the hashes do not know."""
        if kind is not RunKind.INTERVAL or notes < LIMITS[0]:
            raise Refused(
                f"{self.style.entry.title} knows copies by intervals alone, from {LIMITS[0]} notes on; "
                f"compare by interval and allow {LIMITS[0]} notes or more."
            )
        if (kind, notes) not in self._copies:
            silent = each(np.zeros(self.alphabet, dtype=int), letters=1)
            self._copies[kind, notes] = Listener(silent, from_table([[0]], [True]))
        return self._copies[kind, notes]

    def keeps(self, symbols: Sequence[int], notes: int) -> bool:
        """Whether a melody has at most `notes` notes in a row as in a song."""
        return self.keeps_line([self.events[s].pitch for s in symbols if self.struck[s]], notes)

    def keeps_line(self, pitches: Sequence[int], notes: int) -> bool:
        limit = max((each for each in LIMITS if each <= notes), default=LIMITS[0])
        known, runs = self._known, self._hashes[limit]
        rises = [b - a for a, b in pairwise(pitches)]
        for at in range(len(rises) - limit + 1):
            run = tuple(rises[at : at + limit])
            if run not in known:
                if len(known) >= KNOWN_RUNS:
                    known.clear()
                known[run] = _hash(run) in runs
            if known[run]:
                return False
        return True

    @cached_property
    def _known(self) -> dict[tuple[int, ...], bool]:
        """Whether a song has a run of rises, once it was asked."""
        return {}

    @cached_property
    def _hashes(self) -> dict[int, frozenset[int]]:
        return {limit: frozenset(self.counts[f"runs {limit}"].tolist()) for limit in LIMITS}

    def player(self, notes: int) -> Player:
        """Draws that keep the copy limit; where none does, others: the whole song is looked at again."""

        def play(solution: Solution, count: int, random: np.random.Generator) -> list[list[int]]:
            kept: list[list[int]] = []
            for _ in range(BATCHES):
                kept += [row for row in by_chain(solution, max(count, 8), random) if self.keeps(row, notes)]
                if len(kept) >= count:
                    return kept[:count]
            return kept or by_chain(solution, count, random)

        return play


class CountedForms(Forms):
    """The forms of songs of which only counts are known."""

    def __init__(self, idiom: CountedSung) -> None:
        self.counts = idiom.counts
        super().__init__(idiom, [_plan_from(row) for row in self.counts["plans"]])
        self.shapes = []

    @cached_property
    def period(self) -> int:
        return int(self.counts["period"][0])

    def own(self, like: int) -> Floats:
        first, last = self.counts["shape"][like : like + 2]
        found = np.zeros(self.idiom.alphabet)
        found[self.counts["shape symbol"][first:last]] = self.counts["shape count"][first:last]
        return found

    @cached_property
    def _counts(self) -> Floats:
        found: Floats = self.counts["often"].astype(np.float64)
        return found

    @cached_property
    def _odds(self) -> Floats:
        found: Floats = self.counts["odds"].astype(np.float64)
        return found


def _place(meter: Meter, mode: str) -> str:
    return f"{str(meter).replace('/', '-')} {mode}"


def _hashed(pitches: Sequence[int], notes: int) -> Iterator[int]:
    """Hashes of all runs of `notes` intervals, that is of one note more than the limit allows."""
    rises = [b - a for a, b in pairwise(pitches)]
    for at in range(len(rises) - notes + 1):
        yield _hash(rises[at : at + notes])


def _hash(run: Sequence[int]) -> int:
    return int.from_bytes(hashlib.sha256(",".join(map(str, run)).encode()).digest()[:4], "big")


# Written and read
# ------------------------------------------------------------------------------------------------------------


def pack_melodies(style: Style, idioms: Iterable[SungIdiom]) -> bytes:
    """The counts of these idioms, each in C or C minor, as one file. The same counts give the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:

        def put(name: str, content: bytes) -> None:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)

        songs = sorted(zip(style.meters, style.tonics, style.modes, strict=True))
        put("songs/songs.json", json.dumps(songs, separators=(",", ":")).encode())
        for sung in idioms:
            place = _place(sung.meter, "minor" if sung.key.mode == "minor" else "major")
            for name, array in _arrays(sung).items():
                buffer = io.BytesIO()
                np.save(buffer, array, allow_pickle=False)
                put(f"{place}/{name}.npy", buffer.getvalue())
            plans = json.dumps(_plans(sung.forms()), separators=(",", ":"))
            put(f"{place}/plans.json", plans.encode())
    return packed.getvalue()


def _arrays(sung: SungIdiom) -> dict[str, NDArray[Any]]:
    forms = sung.forms()
    found: dict[str, NDArray[Any]] = {name: getattr(sung.tree, name) for name in TREE}
    found["events"] = np.stack([sung.pitch, sung.ticks, sung.place, sung.carries, sung.leaves], axis=1)
    found["unit"], found["count"] = np.array([sung.unit]), np.array([sung.song_count])
    found["range"], found["tempo"] = np.array(sung.range), np.array([sung.usual_tempo])
    found["period"], found["odds"] = np.array([forms.period]), forms._odds.astype(np.float16)
    found["often"] = forms._counts.astype(np.float32)
    edges, symbols, counts = [0], [], []
    for like in range(len(forms.shapes)):
        own = forms.own(like)
        symbols.append(np.flatnonzero(own))
        counts.append(own[symbols[-1]])
        edges.append(edges[-1] + len(symbols[-1]))
    found["shape"] = np.array(edges)
    found["shape symbol"] = np.concatenate(symbols).astype(np.int32)
    found["shape count"] = np.concatenate(counts).astype(np.float32)
    for name in FIGURES:
        character: Character = getattr(sung.character, name)
        if character.mean is not None and character.covariance is not None:
            found[f"{name} mean"], found[f"{name} spread"] = character.mean, character.covariance
    lines = [[e.pitch for e in song.events if e.pitch >= 0 and not e.carries] for song in sung.songs]
    lines += [line[:, 0].tolist() for line in sung._written]
    for limit in LIMITS:
        runs = sorted({each for line in lines for each in _hashed(line, limit)})
        found[f"runs {limit}"] = np.array(runs, dtype=np.uint32)
    return found


def _plans(forms: Forms) -> list[list[Any]]:
    """Every plan as [bars, like, returns, closes], cut to `LONGEST_PLAN` bars."""
    return [
        [
            plan.bars,
            plan.like,
            [[r.bar, r.of, int(r.how), r.steps] for r in plan.returns if r.bar < LONGEST_PLAN],
            [[c.bar, c.place, c.ticks, c.degree] for c in plan.closes if c.bar < LONGEST_PLAN],
        ]
        for plans in forms.plans.values()
        for plan in plans
    ]


def _plan_from(row: list[Any]) -> FormPlan:
    bars, like, returns, closes = row
    return FormPlan(
        min(bars, LONGEST_PLAN),
        tuple(Return(bar, of, How(how), steps) for bar, of, how, steps in returns),
        tuple(Close(*each) for each in closes),
        like=like,
    )


def melodies_file(name: str, rules: str = "") -> Path:
    """The file of a melody style. rules: by which songs are drawn (`rules.BROUGHT`); empty for today's.
    Raises `UnknownName` and `Missing`.
    """
    if name not in MELODIES:
        raise UnknownName("melody style", name, MELODIES)
    earlier = rules and not since(rules, "6")
    path = shipped("models") / f"{name}-2.melodies"
    if earlier or not path.exists():
        path = shipped("models") / f"{name}.melodies"
    if not path.exists():
        raise Missing(f"This installation lacks the melodies of {name}; install the studio again.")
    return path


def counted_style(name: str, rules: str = "") -> CountedStyle:
    """The melodies that come with the studio as counts, by name. rules: see `melodies_file`, whose errors it
    raises, and `Unreadable`.
    """
    path = melodies_file(name, rules)
    return _read(name, path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read(name: str, path: Path, _changed: int) -> CountedStyle:
    content = path.read_bytes()
    folders = read_counts(path, content, "melodies")
    row = MELODIES[name]
    entry = StyleEntry(name, row.title, row.sentence, row.source, row.licence)
    return CountedStyle(entry, hashlib.sha256(content).hexdigest(), folders)


def counted_ingredient(name: str, rules: str = "") -> Ingredient:
    """A style of songs whose melodies are counts as a source: what came from where, under which licence.
    rules: see `melodies_file`.
    """
    named = SONG_STYLES[name]
    melodies, chords = MELODIES[named.melody], CHORD_STYLES[named.chords]
    fields = {
        "what": COUNTED,
        "name": name,
        "title": named.title,
        "sentence": named.sentence,
        "melodies": {"sha256": counted_style(named.melody, rules).sha256, "source": melodies.source},
        "chords": {
            "sha256": hashlib.sha256(chords_file(named.chords).read_bytes()).hexdigest(),
            "source": chords.source,
        },
    }
    content = (json.dumps(fields, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
    sources = list(dict.fromkeys([melodies.source, chords.source]))
    licences = list(dict.fromkeys([melodies.licence, chords.licence]))
    return Ingredient("style", content, f"{name}.style", named.title, "; ".join(sources), " ".join(licences))


COUNTED = "studio counts 1"
"""What the source of such a style says it is."""


def melody_style(name: str, rules: str = "") -> Generator[Progress, None, Style]:
    """The melodies of a style by name: counts that come with the studio, or any style of tunes. Yields
    progress; raises what `styles.opening.open_style` raises. rules: see `melodies_file`.
    """
    named = SONG_STYLES.get(name)
    if named is not None and named.counted:
        return counted_style(named.melody, rules)
    return (yield from open_style(named.melody if named is not None else name))


def sung_of(
    style: Style,
    meter: Meter,
    key: Key,
    order: int,
    *,
    variants: bool = True,
    most: int | None = None,
    tonics: Mapping[int, Sequence[int]] | None = None,
) -> SungIdiom:
    """The melodies of a style in a meter and key, from its tunes or its counts. most: events to learn from;
    of a larger style songs are left out, evenly over it. tonics: see `SungIdiom`.
    """
    if isinstance(style, CountedStyle):
        return style.sung(meter, key)
    kept = _sung_last()
    heard = tuple(sorted((number, tuple(row)) for number, row in (tonics or {}).items()))
    asked = style, meter, key, order, variants, most, heard
    if asked not in kept:
        while len(kept) >= KEPT_IDIOMS:
            del kept[next(iter(kept))]
        kept[asked] = _learnt(style, meter, key, order, variants=variants, most=most, tonics=tonics)
    return kept[asked]


@lru_cache(maxsize=1)
def _sung_last() -> dict[tuple[Any, ...], SungIdiom]:
    """What was learnt last: requests that differ in their words or bars share it, and its search."""
    return {}


def _learnt(
    style: Style,
    meter: Meter,
    key: Key,
    order: int,
    *,
    variants: bool,
    most: int | None,
    tonics: Mapping[int, Sequence[int]] | None,
) -> SungIdiom:
    base = latest_idiom(style, meter, key, order)
    events = sum(len(line.events) for line in base.lines)
    unheard = 0
    if most is not None and events > most:
        step = -(-events // most)
        kept = base.lines[::step]
        base, unheard = copy.copy(base), len(base.lines) - len(kept)
        base.lines = kept
    sung = SungIdiom(base, variants=variants, unheard=unheard, tonics=tonics)
    if not unheard and isinstance(base.store, IdiomStore):
        # How a note is left tells bars apart, so the forms are not those of the melodies alone.
        sung.forms_store = base.store.marked("sung")
    return sung
