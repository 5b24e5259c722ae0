"""From a lead sheet to a full score: what every player of a band plays.

Each part is drawn with a seed of its own, from the plan alone and not from the other parts. So a part can be
asked for again while all others stay note for note as they are; only the players of one choir are voiced
together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from zlib import crc32

import numpy as np

from studio.music.bands.band import DRUMS, LAST, Band, BandPlayer, Hit, band_by_name
from studio.music.bands.lines import Eighth, SungNote, counter_line, second_voice
from studio.music.bands.plan import (
    ARRANGING_RULES,
    BEFORE_ENDING_TOGETHER,
    BEFORE_KEYS,
    ChordSpan,
    PlannedBar,
    SongPlan,
    plan_song,
)
from studio.music.bands.strokes import played_hits, stand_of, strokes_of
from studio.music.bands.voicing import Voices, voiced
from studio.music.scores.keys import pitch_name
from studio.music.scores.notes import Note
from studio.music.scores.scores import Part, Score, TempoAt
from studio.music.scores.sections import Section, check_sections
from studio.music.scores.tunes import Tune
from studio.music.sound.rendering import accompaniment


@dataclass(frozen=True)
class Arrangement:
    """A full score. remarks: what was changed so that instruments can play it, one sentence each."""

    score: Score
    remarks: tuple[str, ...] = ()


def arrange(
    sheet: Tune,
    sections: Sequence[Section],
    band: Band | str,
    rng: np.random.Generator,
    *,
    seeds: Mapping[str, int] | None = None,
) -> Score:
    """What every part of the band plays under a lead sheet, with an intro and an ending.

    sheet: melody, chords and words; its repeats are played out. sections: of the sheet so played out, one
    after the other, or none. band: one, or its name. seeds: part -> a seed instead of the one that
    `part_seeds` draws, so that it is played otherwise; "plan" stands for the grooves, fills and breaks of
    all. Raises `Refused` for a meter that the band does not play, a sheet without chords, sections that do
    not fit; `Unreadable` for a chord symbol.
    """
    return arrangement(sheet, sections, band, rng, seeds=seeds).score


def part_seeds(band: Band | str, rng: np.random.Generator) -> dict[str, int]:
    """The seed of each part, and of the plan. Keep these to play some parts again as they were."""
    band = band_by_name(band) if isinstance(band, str) else band
    start = int(rng.integers(2**31))
    return {name: crc32(f"{start}:{name}".encode()) for name in ("plan", *(p.name for p in band.player))}


def arrangement(
    sheet: Tune,
    sections: Sequence[Section],
    band: Band | str,
    rng: np.random.Generator,
    *,
    seeds: Mapping[str, int] | None = None,
    rules: str = ARRANGING_RULES,
) -> Arrangement:
    """The same as `arrange`, with remarks. rules: see `ARRANGING_RULES`."""
    band = band_by_name(band) if isinstance(band, str) else band
    drawn = {**part_seeds(band, rng), **(seeds or {})}
    if not band.pattern:
        return _plain(sheet, sections, band)
    plan = plan_song(sheet, sections, band, np.random.default_rng(drawn["plan"]), rules)
    plan, remarks = _in_range(plan, band.leader)
    played: list[Sequence[Note]] = []
    for player in band.player:
        rng = np.random.default_rng(_seed(drawn, band, player))
        played.append(PLAYS[player.plays](plan, player, rng))
    if plan.rules not in BEFORE_ENDING_TOGETHER:
        played = ended_together(plan, played)
    parts = [_part(plan, player, notes) for player, notes in zip(band.player, played, strict=True)]
    score = Score(
        tuple(parts),
        plan.grid,
        plan.keys,
        plan.chords,
        (),
        sheet.title,
        sheet.composer,
        sheet.tempo,
        plan.end,
        plan.sections,
        _slowing(plan, sheet.tempo),
    )
    return Arrangement(score, tuple(remarks))


def ended_together(plan: SongPlan, played: Sequence[Sequence[Note]]) -> list[Sequence[Note]]:
    """The notes of each player without those of counter-lines that begin after the last stroke of the others:
    a march ends with its stinger, and not with a trombone that answers it.
    """
    if plan.bars[-1].role != "ending":
        return list(played)
    plays = [player.plays for player in plan.band.player]
    others = (n for how, notes in zip(plays, played, strict=True) if how not in FREE for n in notes)
    latest = max((note.start for note in others), default=plan.end)
    return [
        [note for note in notes if how != "counter" or note.start <= latest]
        for how, notes in zip(plays, played, strict=True)
    ]


FREE = ("counter", "drums")
"""What is played that does not say where a song ends."""


def _seed(drawn: Mapping[str, int], band: Band, player: BandPlayer) -> int:
    """A choir is voiced with the seed of its first player."""
    if player.choir:
        player = next(each for each in band.player if each.choir == player.choir)
    return drawn[player.name]


def _part(plan: SongPlan, player: BandPlayer, notes: Sequence[Note]) -> Part:
    words = plan.words if player.plays == "tune" else ()
    placed = sorted(notes, key=lambda note: (note.start, note.pitch or 0))
    return Part(tuple(placed), player.name, player.program, player.drums, player.velocity, words)


def _plain(sheet: Tune, sections: Sequence[Section], band: Band) -> Arrangement:
    """The tune over held chords: what a rendered tune sounds like."""
    tune = sheet.unfolded()
    bars = tune.bars()
    check_sections(sections, bars[-1].number if bars else 0)
    first, chords = band.player[0], band.player[-1]
    score = replace(tune.score(name=first.name, program=first.program), sections=tuple(sections))
    if tune.chords:
        held = replace(accompaniment(tune), name=chords.name, program=chords.program)
        score = replace(score, parts=(*score.parts, held))
    return Arrangement(score)


def _slowing(plan: SongPlan, tempo: float) -> tuple[TempoAt, ...]:
    """The song slows down, beat by beat, in the last bar of the tune and stays slow to the end."""
    slows = plan.band.slows
    bars = [each.bar for each in plan.bars if each.role != "ending"]
    if slows >= 1 or not plan.band.ending:
        return ()
    last = bars[-1]
    beat = last.meter.beat
    steps = max(1, int(last.length / beat))
    return tuple(
        TempoAt(last.start + number * beat, tempo * (1 - (1 - slows) * (number + 1) / steps))
        for number in range(steps)
    )


# What players do
# ------------------------------------------------------------------------------------------------------------


def sections_of(plan: SongPlan, player: BandPlayer) -> list[PlannedBar]:
    """The bars in which a player plays. Where the song has too few sections for it, or none of its kinds,
    that is the last section, and of a song of one section the second half.
    """
    if plan.rules in BEFORE_KEYS:
        return _earlier_sections_of(plan, player)
    last = max(bar.section for bar in plan.bars)
    inside = [bar for bar in plan.bars if bar.section]
    since = min(player.since, last)
    late = [bar for bar in inside if bar.section == last]
    late = late[len(late) // 2 :] if last == 1 else late
    whole = [] if player.since > last == 1 else inside
    of_kind = [
        bar for bar in whole if bar.section >= since and (not player.sections or bar.kind in player.sections)
    ]
    chosen = {bar.bar.number for bar in of_kind}
    if not chosen or LAST in player.sections:
        chosen |= {bar.bar.number for bar in late}
    outer = {
        bar.bar.number
        for bar in plan.bars
        if not bar.section
        and (not player.sections or bar.kind in player.sections)
        and (player.since == 1 or bar.role == "ending")
    }
    return [bar for bar in plan.bars if bar.bar.number in chosen | outer]


def _earlier_sections_of(plan: SongPlan, player: BandPlayer) -> list[PlannedBar]:
    return [
        bar
        for bar in plan.bars
        if (not player.sections or bar.kind in player.sections)
        and (
            bar.section >= player.since or (bar.section == 0 and (player.since == 1 or bar.role == "ending"))
        )
    ]


def _tune(plan: SongPlan, player: BandPlayer, rng: np.random.Generator) -> list[Note]:
    """The tune, and what the intro and ending give its player to do."""
    notes = []
    for note in plan.tune:
        bar = plan.bar_at(note.start)
        accent = 5 if note.start == bar.bar.start else 0
        velocity = _velocity(player.velocity + plan.loudness(bar) + accent)
        notes.append(replace(note, velocity=velocity))
    outer = [bar for bar in plan.bars if bar.role in ("intro", "ending")]
    extra = [
        note
        for note in strokes_of(plan, player, outer, rng, roles=("intro", "ending"))
        if note.end <= plan.tune[0].start or note.start >= plan.tune[-1].end
    ]
    return [*notes, *extra]


def _in_range(plan: SongPlan, player: BandPlayer) -> tuple[SongPlan, list[str]]:
    """The plan with the tune in the octave that fits its player best, and what was changed."""

    def outside(pitch: int) -> bool:
        return not player.low <= pitch <= player.high

    pitches = [note.pitch for note in plan.tune if note.pitch is not None]
    shift = min(
        (0, -12, 12, -24, 24, -36, 36),
        key=lambda shift: (sum(outside(pitch + shift) for pitch in pitches), abs(shift)),
    )
    notes, moved = [], 0
    for note in plan.tune:
        assert note.pitch is not None
        pitch = note.pitch + shift
        if outside(pitch):
            pitch += 12 * math.ceil((player.low - pitch) / 12) if pitch < player.low else 0
            pitch -= 12 * math.ceil((pitch - player.high) / 12) if pitch > player.high else 0
            moved += 1
        notes.append(replace(note, pitch=min(127, max(0, pitch)), alter=None))
    remarks = []
    if shift:
        count = {12: "an octave", 24: "two octaves", 36: "three octaves"}[abs(shift)]
        way = "up" if shift > 0 else "down"
        remarks.append(
            f"The tune is moved {count} {way} into the range of {player.name} "
            f"({pitch_name(player.low)} to {pitch_name(player.high)})."
        )
    if moved:
        notes_are = "note of the tune lies" if moved == 1 else "notes of the tune lie"
        remarks.append(
            f"{moved} {notes_are} outside the range of {player.name} "
            f"({pitch_name(player.low)} to {pitch_name(player.high)}) and is played in another octave."
            if moved == 1
            else f"{moved} {notes_are} outside the range of {player.name} "
            f"({pitch_name(player.low)} to {pitch_name(player.high)}) and are played in another octave."
        )
    return replace(plan, tune=tuple(notes)), remarks


def _pattern(plan: SongPlan, player: BandPlayer, rng: np.random.Generator) -> list[Note]:
    """Its lines of the patterns: bass, chords, broken chords, a walking bass."""
    return strokes_of(plan, player, sections_of(plan, player), rng)


def _drums(plan: SongPlan, player: BandPlayer, rng: np.random.Generator) -> list[Note]:
    """The drums of the patterns: each has a line of its own, and all turn to a variant together."""
    notes = []
    for bar in sections_of(plan, player):
        turn = rng.random()
        for drum, hits in played_hits_of_drums(plan, bar, turn):
            for hit in hits:
                velocity = _velocity(player.velocity + plan.loudness(bar) + hit.token.accent)
                notes.append(Note(DRUMS[drum], hit.place, hit.length, velocity=velocity))
    return notes


def played_hits_of_drums(plan: SongPlan, bar: PlannedBar, turn: float) -> list[tuple[str, list[Hit]]]:
    """(drum, its strokes in a bar); a fill replaces only the drums that it names together."""
    special = [
        each for each in plan.band.of_role(bar.role, bar.bar.meter) if bar.role != "main" and each.drums
    ]
    pattern = special[int(turn * len(special))] if special else bar.groove
    index = bar.index if pattern is bar.groove else bar.place % pattern.bars
    found = []
    for drum in pattern.drums:
        variants = pattern.drum_variants(drum)
        found.append((drum, played_hits(variants, pattern, index, bar, turn)))
    return found


def _harmony(plan: SongPlan, player: BandPlayer, rng: np.random.Generator) -> list[Note]:
    """A second voice under the tune, note against note; a second such player stays below the first."""
    inside = [note for note in _inside_of(plan, player) if plan.span_at(note.start)]
    below = 4 * sum(
        1 for each in plan.band.player[: plan.band.player.index(player)] if each.plays == "harmony"
    )
    sung = []
    for note in inside:
        span = plan.span_at(note.start)
        assert span
        assert span.chord
        assert note.pitch is not None
        sung.append(
            SungNote(
                note.pitch,
                span.chord.pitch_classes,
                plan.key_at(note.start).scale,
                note.duration >= 1 or note.start.denominator == 1,
            )
        )
    pitches = second_voice(sung, player.low, player.high, rng, below=below)
    return [
        Note(
            pitch,
            note.start,
            note.duration,
            velocity=_velocity(player.velocity + plan.loudness(plan.bar_at(note.start))),
        )
        for note, pitch in zip(inside, pitches, strict=True)
        if pitch is not None
    ]


def _inside_of(plan: SongPlan, player: BandPlayer) -> list[Note]:
    """The notes of the tune that begin in the bars in which a player plays."""
    bars = {bar.bar.number for bar in sections_of(plan, player)}
    return [note for note in plan.tune if plan.bar_at(note.start).bar.number in bars]


def _double(plan: SongPlan, player: BandPlayer, _rng: np.random.Generator) -> list[Note]:
    """The tune again, in the octave that the player's range has for it."""
    inside = _inside_of(plan, player)
    pitches = [note.pitch for note in inside if note.pitch is not None]

    def outside(shift: int) -> int:
        return sum(not player.low <= pitch + shift <= player.high for pitch in pitches)

    shift = min((12, 0, 24, -12, 36, -24), key=lambda step: (outside(step), abs(step)))
    return [
        replace(
            note,
            pitch=note.pitch + shift,
            velocity=_velocity(player.velocity + plan.loudness(plan.bar_at(note.start))),
        )
        for note in inside
        if note.pitch is not None and player.low <= note.pitch + shift <= player.high
    ]


def _answer(plan: SongPlan, player: BandPlayer, rng: np.random.Generator) -> list[Note]:
    """Whole chords, held softly; and where the tune rests or holds, an echo of the rhythm of its last two
    notes.
    """
    bars = {bar.bar.number for bar in sections_of(plan, player)}
    spans = [span for span in plan.spans if span.chord]
    voices = Voices(((player.low, player.high),) * player.voices, span=12)
    rows = voiced([stand_of(plan, span) for span in spans], voices, rng)
    found: list[Note] = []
    for span, row in zip(spans, rows, strict=True):
        bar = plan.bar_at(span.start)
        if bar.bar.number not in bars or bar.role not in ("main", "fill"):
            continue
        velocity = _velocity(player.velocity - 12 + plan.loudness(bar))
        held, echo = [(span.start, min(span.end, bar.bar.end + bar.bar.length) - span.start)], []
        gap = _gap(plan, span)
        if gap and rng.random() < 0.8:
            held = [(span.start, gap - span.start)] if gap > span.start else []
            echo = _echo(plan, gap, span.end)
        for place, length in held:
            found += [Note(pitch, place, length, velocity=velocity) for pitch in row]
        for place, length in echo:
            found += [Note(pitch, place, length, velocity=_velocity(velocity + 14)) for pitch in row]
    return found


def _gap(plan: SongPlan, span: ChordSpan) -> Fraction | None:
    """Where the tune, under a chord, has rested or held for a beat and still does for two."""
    beat = plan.bar_at(span.start).bar.meter.beat
    place = span.start
    while place + 2 * beat <= span.end:
        note = plan.tune_at(place)
        begins = [each for each in plan.tune_within(place, place + 2 * beat) if each.start >= place]
        if not begins and (note is None or place - note.start >= beat):
            return place
        place += beat
    return None


def _echo(plan: SongPlan, gap: Fraction, end: Fraction) -> list[tuple[Fraction, Fraction]]:
    """(place, length) of the last two notes before the gap, moved into it."""
    before = [note for note in plan.tune if note.start < gap][-2:]
    if len(before) < 2:
        return []
    step = min(before[1].start - before[0].start, (end - gap) / 2)
    return [(gap, step), (gap + step, min(before[1].duration, end - gap - step))]


EIGHTH = Fraction(1, 2)


def _counter(plan: SongPlan, player: BandPlayer, rng: np.random.Generator) -> list[Note]:
    """A counter-line in each stretch of bars in which the player plays and chords sound."""
    notes: list[Note] = []
    stretch: list[PlannedBar] = []
    for bar in [*sections_of(plan, player), None]:
        if bar and (not stretch or stretch[-1].bar.end == bar.bar.start):
            stretch.append(bar)
            continue
        if stretch:
            notes += _counter_in(plan, player, stretch, rng)
        stretch = [bar] if bar else []
    return notes


def _counter_in(
    plan: SongPlan, player: BandPlayer, bars: Sequence[PlannedBar], rng: np.random.Generator
) -> list[Note]:
    start = bars[0].bar.start
    eighths = int((bars[-1].bar.end - start) / EIGHTH)
    begins = {note.start for note in plan.tune}
    moments = []
    for number in range(eighths):
        place = start + number * EIGHTH
        span = plan.span_at(place)
        bar = plan.bar_at(place)
        near = bar.bar.meter.bar_length / 4
        busy = sum(1 for note in plan.tune_within(place - near, place + near) if note.start >= place - near)
        note = plan.tune_at(place)
        moments.append(
            Eighth(
                span.chord.pitch_classes if span and span.chord else (),
                plan.key_at(place).scale,
                (place - bar.bar.start) % bar.bar.meter.beat == 0,
                any(place <= at < place + EIGHTH for at in begins),
                min(4, busy),
                note.pitch if note and note.pitch is not None else -1,
                max(1, int((span.end - place) / EIGHTH)) if span else 1,
                _onward(plan, span, place),
            )
        )
    found = []
    for at, length, pitch in counter_line(moments, player.low, player.high, rng):
        place = start + at * EIGHTH
        if plan.span_at(place) is None:
            continue
        bar = plan.bar_at(place)
        velocity = _velocity(player.velocity + plan.loudness(bar))
        found.append(Note(pitch, place, length * EIGHTH, velocity=velocity))
    return found


def _onward(plan: SongPlan, span: ChordSpan | None, place: Fraction) -> tuple[tuple[int, ...], int]:
    after = plan.span_after(span) if span else None
    if after is None or after.chord is None:
        return (), 0
    return after.chord.pitch_classes, int((after.end - place) / EIGHTH)


def _velocity(value: float) -> int:
    return int(min(127, max(1, round(value))))


PLAYS: dict[str, Callable[[SongPlan, BandPlayer, np.random.Generator], list[Note]]] = {
    "tune": _tune,
    "pattern": _pattern,
    "drums": _drums,
    "double": _double,
    "harmony": _harmony,
    "counter": _counter,
    "answer": _answer,
}
"""What a player can do, as its file calls it: the tune; lines of patterns; drums of patterns; the tune again
in another octave; a second voice under the tune; a counter-line; held chords with echoes of the tune."""
