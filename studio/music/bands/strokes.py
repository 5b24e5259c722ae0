"""Lines of patterns become notes: degrees, chords and walking basses over the chords of the song."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from studio.music.bands.band import BandPlayer, Hit, Pattern
from studio.music.bands.lines import Stride, walking
from studio.music.bands.plan import BEFORE_KEYS, ChordSpan, PlannedBar, SongPlan
from studio.music.bands.voicing import ABSENT, Stand, Voices, voiced
from studio.music.scores.chords import Chord
from studio.music.scores.notes import Note


@dataclass(frozen=True)
class Stroke:
    """A hit at its place in the song, under one chord."""

    place: Fraction
    length: Fraction
    bodies: tuple[str, ...]
    velocity: int
    span: ChordSpan
    strong: bool
    staccato: bool = False


def strokes_of(
    plan: SongPlan,
    player: BandPlayer,
    bars: Sequence[PlannedBar],
    rng: np.random.Generator,
    *,
    roles: Sequence[str] = (),
) -> list[Note]:
    """The notes of a player who plays by patterns in these bars.

    roles: only what patterns of these roles say, and not the groove.
    """
    # Players of a choir have one seed, and their voicings are drawn first, so that they are the same for all.
    chords = _Voicings(plan, player, rng) if player.choir else None
    strokes: list[Stroke] = []
    for bar in bars:
        for hit in _line(plan, player, bar, rng, roles):
            strokes += _under_chords(plan, player, bar, hit)
    strokes.sort(key=lambda stroke: stroke.place)
    walked = _walked(plan, player, [each for each in strokes if "w" in each.bodies], rng)
    if chords is None and any(_of_chord(each) for each in strokes):
        chords = _Voicings(plan, player, rng)
    notes: list[Note] = []
    if player.plays == "tune":  # where the tune itself lies
        pitches_of_tune = [note.pitch for note in plan.tune if note.pitch is not None]
        low, high = min(pitches_of_tune), max(pitches_of_tune)
        high = min(player.high, max(high, low + 12))
        player = player.model_copy(update={"bass_range": f"{min(low, high - 11)}:{high}"})
    root = (player.bass_low * 2 + player.bass_high) // 3
    for number, stroke in enumerate(strokes):
        pitches: set[int] = set()
        onto = strokes[number + 1] if number + 1 < len(strokes) else None
        for body in stroke.bodies:
            if body == "w":
                pitches.add(walked[stroke.place])
            elif body[0] in "ctv":
                assert chords
                pitches |= set(chords.take(stroke.span, body))
            elif body == "x":
                continue
            else:
                root = _root(plan, player, stroke, root)
                pitches.add(_degree(plan, player, stroke, onto, body, root))
        notes += [
            Note(pitch, stroke.place, stroke.length, velocity=stroke.velocity, staccato=stroke.staccato)
            for pitch in sorted(pitches)
        ]
    return _without_overlaps(notes)


def _of_chord(stroke: Stroke) -> bool:
    return any(body[0] in "ctv" for body in stroke.bodies)


# Which line, and where
# ------------------------------------------------------------------------------------------------------------


def _line(
    plan: SongPlan, player: BandPlayer, bar: PlannedBar, rng: np.random.Generator, roles: Sequence[str]
) -> list[Hit]:
    """What a player's line says for a bar: of a pattern for its role, else of the groove."""
    turn = float(rng.random())
    special = [
        each
        for each in plan.band.of_role(bar.role, bar.bar.meter)
        if bar.role != "main" and player.name in each.lines
    ]
    if roles and not special:
        return []
    pattern = special[int(turn * len(special))] if special else bar.groove
    index = bar.index if pattern is bar.groove else bar.place % pattern.bars
    return played_hits(pattern.variants(player.name), pattern, index, bar, turn)


def played_hits(
    variants: Sequence[Sequence[Hit]], pattern: Pattern, index: int, bar: PlannedBar, turn: float
) -> list[Hit]:
    """The strokes of bar `index` of a pattern, at their places in the song. The usual line is played in most
    odd bars and half of the even ones, a variant otherwise.
    """
    if not variants:
        return []
    usual = 0.8 if bar.place % 2 == 0 else 0.45
    if len(variants) == 1 or turn < usual:
        line = variants[0]
    else:
        line = variants[1 + min(int((turn - usual) / (1 - usual) * (len(variants) - 1)), len(variants) - 2)]
    length = pattern.meters[0].bar_length
    begin = index * length
    found = []
    for hit in line:
        if begin <= hit.place < begin + min(length, bar.bar.length):
            place = bar.bar.start + hit.place - begin
            found.append(Hit(place, min(hit.length, bar.bar.end - place), hit.token))
    return found


def _under_chords(plan: SongPlan, player: BandPlayer, bar: PlannedBar, hit: Hit) -> list[Stroke]:
    """A hit as one stroke for each chord that sounds meanwhile: what is held is struck again with a
    change."""
    strokes: list[Stroke] = []
    place, end = hit.place, hit.place + hit.length
    while place < end:
        span = plan.span_at(place)
        if span is None:
            later = [each.start for each in plan.spans if place < each.start < end and each.chord]
            if not later:
                break
            place = later[0]
            continue
        until = min(end, span.end)
        bodies = hit.token.bodies
        if place > hit.place or (place == span.start and bodies in (("5",), ("5_",), ("3",))):
            # A chord that begins here is met with its bass.
            bodies = tuple("1" if body[0] in "23456789<>" else body for body in bodies)
        beat = bar.bar.meter.beat
        within = (place - bar.bar.start) / beat
        strong = within.denominator == 1 and within % 2 == 0
        accent = 5 if within == 0 else 2 if within.denominator == 1 else 0
        velocity = player.velocity + plan.loudness(bar) + hit.token.accent + accent
        strokes.append(
            Stroke(
                place,
                until - place,
                bodies,
                min(127, max(1, velocity)),
                span,
                strong,
                hit.token.staccato,
            )
        )
        place = until
    return strokes


def _without_overlaps(notes: Sequence[Note]) -> list[Note]:
    """A note of the same pitch that is struck again ends before it."""
    later: dict[int, Fraction] = {}
    found: list[Note] = []
    for note in sorted(notes, key=lambda note: note.start, reverse=True):
        assert note.pitch is not None
        end = min(note.end, later.get(note.pitch, note.end))
        if end > note.start:
            found.append(replace(note, duration=end - note.start))
            later[note.pitch] = note.start
    return found[::-1]


# Degrees and walking
# ------------------------------------------------------------------------------------------------------------


def _root(plan: SongPlan, player: BandPlayer, stroke: Stroke, before: int) -> int:
    """Where the chord's bass is played: near the one before and the middle of the range, and, where the tune
    moves with it from an octave to an octave or a fifth to a fifth, the other way.
    """
    chord = stroke.span.chord
    assert chord
    low, high = player.bass_low, player.bass_high
    centre = low + 0.4 * (high - low)
    first = low + (chord.bass_class - low) % 12
    options = list(range(first, high + 1, 12)) or [first]
    if before % 12 == chord.bass_class and low <= before <= high:
        return before
    was, now = plan.tune_before(stroke.span.start), plan.tune_at(stroke.span.start)

    def cost(pitch: int) -> float:
        found = 0.35 * abs(pitch - before) + 0.25 * abs(pitch - centre)
        if was and now and was.pitch is not None and now.pitch is not None and was.pitch != now.pitch:
            gaps = (was.pitch - before) % 12, (now.pitch - pitch) % 12
            same_way = (now.pitch > was.pitch) == (pitch > before)
            found += 9 if gaps[0] == gaps[1] and gaps[0] in (0, 7) and same_way else 0
        return found

    return min(options, key=cost)


def _third(chord: Chord) -> int:
    found = [(each - chord.root_class) % 12 for each in chord.pitch_classes]
    return next((each for each in (4, 3, 5, 2) if each in found), 7)


def _fifth(chord: Chord) -> int:
    found = [(each - chord.root_class) % 12 for each in chord.pitch_classes]
    return next((each for each in (7, 6, 8) if each in found), 7)


def _seventh(chord: Chord) -> int:
    found = [(each - chord.root_class) % 12 for each in chord.pitch_classes]
    return next((each for each in (10, 11, 9) if each in found), 12)


def _between(plan: SongPlan, stroke: Stroke, usual: int, other: int) -> int:
    """Semitones from the root to a degree between the tones of a chord, which has two sizes: the one that the
    chord has, else the one of the key; the usual one where that says nothing, and by earlier rules.
    """
    chord = stroke.span.chord
    assert chord
    if plan.rules in BEFORE_KEYS:
        return usual
    for known in (chord.pitch_classes, plan.key_at(stroke.place).scale):
        for steps in (usual, other):
            if (chord.root_class + steps) % 12 in known:
                return steps
    return usual


def _degree(
    plan: SongPlan, player: BandPlayer, stroke: Stroke, onto: Stroke | None, body: str, root: int
) -> int:
    """The pitch of a degree within the player's range."""
    chord = stroke.span.chord
    assert chord
    low, high = player.bass_low, player.bass_high
    if body in "<>":
        target = onto.span.chord if onto and onto.span is not stroke.span else None
        if target is None:
            return _inside(root + _fifth(chord), low, high)
        goal = low + (target.bass_class - low) % 12
        goal += 12 * max(0, round((root - goal) / 12))
        scale = plan.key_at(stroke.place).scale
        above = next(step for step in (2, 1) if step == 1 or (goal + step) % 12 in scale)
        return _inside(goal - 1 if body == "<" else goal + above, low, high)
    octave = 12 * (body.count("+") - body.count("_"))
    steps = {
        "1": 0,
        "2": _between(plan, stroke, 2, 1),
        "3": _third(chord),
        "4": _between(plan, stroke, 5, 6),
        "5": _fifth(chord),
        "6": _between(plan, stroke, 9, 8),
        "7": _seventh(chord),
        "8": 12,
        "9": 12 + _between(plan, stroke, 2, 1),
    }[body[0]]
    base = root if body[0] == "1" else root + (chord.root_class - chord.bass_class + 6) % 12 - 6
    return _inside(base + steps + octave, low, high)


def _inside(pitch: int, low: int, high: int) -> int:
    """The pitch, by octaves within the range."""
    if pitch > high:
        pitch -= 12 * math.ceil((pitch - high) / 12)
    if pitch < low:
        pitch += 12 * math.ceil((low - pitch) / 12)
    return pitch


def _walked(
    plan: SongPlan, player: BandPlayer, strokes: Sequence[Stroke], rng: np.random.Generator
) -> dict[Fraction, int]:
    """Place -> pitch of a walking bass."""
    if not strokes:
        return {}
    strides = []
    for number, stroke in enumerate(strokes):
        chord = stroke.span.chord
        assert chord
        after = strokes[number + 1] if number + 1 < len(strokes) else None
        changes = after is not None and after.span is not stroke.span and after.span.chord is not None
        before = strokes[number - 1] if number else None
        note = plan.tune_at(stroke.place)
        begins = note is not None and note.start == stroke.place and note.pitch is not None
        strides.append(
            Stride(
                chord.pitch_classes,
                plan.key_at(stroke.place).scale,
                chord.bass_class,
                after.span.chord.bass_class if changes and after and after.span.chord else None,
                before is None or before.span is not stroke.span,
                stroke.strong,
                note.pitch if begins and note and note.pitch is not None else -1,
            )
        )
    pitches = walking(strides, player.bass_low, player.bass_high, rng)
    return {stroke.place: pitch for stroke, pitch in zip(strokes, pitches, strict=True)}


# Chords
# ------------------------------------------------------------------------------------------------------------


class _Voicings:
    """The voicing of every chord of the song for a player, or for the choir that it belongs to."""

    def __init__(self, plan: SongPlan, player: BandPlayer, rng: np.random.Generator) -> None:
        spans = [span for span in plan.spans if span.chord]
        choir = [each for each in plan.band.player if player.choir and each.choir == player.choir]
        if choir:
            voices = Voices(tuple((each.low, each.high) for each in reversed(choir)), bass=True, span=28)
            self._mine: int | None = len(choir) - 1 - choir.index(player)
        else:
            span = {"close": 14, "open": 24, "rootless": 14}[player.shape]
            voices = Voices(
                ((player.low, player.high),) * player.voices, span=span, rootless=player.shape == "rootless"
            )
            self._mine = None
        rows = voiced([stand_of(plan, span) for span in spans], voices, rng)
        self._rows = {span.start: row for span, row in zip(spans, rows, strict=True)}

    def take(self, span: ChordSpan, body: str) -> tuple[int, ...]:
        """The pitches that a token asks for."""
        row = self._rows[span.start]
        if self._mine is not None:
            return (row[self._mine],)
        if body[0] == "v":
            number = int(body[1]) - 1
            return (row[number] if number < len(row) else row[number % len(row)] + 12,)
        return row[1:] if body[0] == "t" and len(row) > 1 else row


def stand_of(plan: SongPlan, span: ChordSpan) -> Stand:
    """A chord with the tune over it."""
    assert span.chord
    before, at = plan.tune_before(span.start), plan.tune_at(span.start)
    pitches = [note.pitch for note in plan.tune_within(span.start, span.end) if note.pitch is not None]
    return Stand(
        span.chord,
        before.pitch if before and before.pitch is not None else ABSENT,
        at.pitch if at and at.pitch is not None else ABSENT,
        min(pitches, default=128),
        () if plan.rules in BEFORE_KEYS else plan.key_at(span.start).scale,
    )
