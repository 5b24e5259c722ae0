"""Names of notes and their accidentals: the third of E is G#, and a sharp holds until the end of its bar."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby

from studio.errors import Unreadable
from studio.music.scores.chords import Chord, parse_chord
from studio.music.scores.keys import Key, spell
from studio.music.scores.pitches import natural_pitch
from studio.music.scores.scores import Part, Score
from studio.music.writing.written import Measure

Name = tuple[str, int, int]
"""(letter, alteration in semitones, octave): F#5 is ("F", 1, 5)."""

LETTERS = "CDEFGAB"

SIGNS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
"""Alteration -> MusicXML's name of its sign."""


# Names
# ------------------------------------------------------------------------------------------------------------


def spell_line(
    pitches: Sequence[int], key: Key, chords: Sequence[Chord | None] = (), *, heard: bool = False
) -> list[Name]:
    """The name of every pitch of a line. heard: see `_as_heard`.

    A tone outside the scale that leads a semitone up to the next note is raised (D# to E), one that leads
    down is lowered (Eb to D), except where the key has its own custom (`spell`): the raised fourth, the
    lowered seventh, and the raised sixth and seventh of minor. Others are spelled as tones of the chord that
    sounds (chords: one for each pitch, or none at all), so that the third of E is G#.
    """
    scale = set(key.scale)
    spelled = []
    for place, pitch in enumerate(pitches):
        name = None
        if pitch % 12 not in scale:
            following = pitches[place + 1] if place + 1 < len(pitches) else None
            if heard:
                before = pitches[place - 1] if place else None
                name = _as_heard(pitch, before, following, key, chords[place] if chords else None)
            elif following is not None and following % 12 in scale and abs(following - pitch) == 1:
                name = _as_leading_tone(pitch, following, key)
            elif chords and (chord := chords[place]):
                name = _as_chord_tone(pitch, chord)
        spelled.append(name or spell(pitch, key))
    return spelled


def _as_heard(
    pitch: int, before: int | None, following: int | None, key: Key, chord: Chord | None
) -> Name | None:
    """The name of a tone outside the scale as composers write it; None for that of the key.

    A neighbour below the tone it returns to is raised, and so is what passes up between two tones of the
    scale; what passes down is lowered, unless it is a tone of its chord, which keeps its name: C# over A7,
    on its way down to C too. Of 596 such tones in the songbook of the project's data, 547 are named as there,
    and 514 by the other rules of `spell_line`.
    """
    up, down = (
        following is not None and following - pitch == step and following % 12 in key.scale
        for step in (1, -1)
    )
    tone = _as_chord_tone(pitch, chord, wide=True) if chord is not None else None
    name = None
    if following is not None and (up or (down and tone is None)):
        own = before == following if up else False
        passing = before is not None and before % 12 in key.scale and following - pitch == pitch - before
        name = _beside(pitch, following, key) if own or passing else _as_leading_tone(pitch, following, key)
    name = name or tone
    # B# and Cb, E# and Fb are names of keys that have them, or of tones that a chord has.
    plain = natural_name(pitch) if name is not None and name != tone and abs(key.fifths) < 5 else None
    return plain or name


def natural_name(pitch: int) -> Name | None:
    """A white key by its plain name; None for a black one."""
    letter = next((each for each in LETTERS if natural_pitch(each, 4) % 12 == pitch % 12), None)
    return None if letter is None else (letter, 0, pitch // 12 - 1)


def _as_leading_tone(pitch: int, target: int, key: Key) -> Name | None:
    """Named after the letter next to its target's; None where the key has its own custom."""
    upwards = target > pitch
    degree = (pitch - key.tonic) % 12
    raised = degree == 6 or (key.mode == "minor" and degree in (9, 11))
    if degree == 10 or (raised and not upwards):
        return None
    return _beside(pitch, target, key)


def _beside(pitch: int, target: int, key: Key) -> Name | None:
    """Named after the letter below that of a target that is higher, or above that of a lower one."""
    letter, _, octave = spell(target, key)
    index = LETTERS.index(letter) + (-1 if target > pitch else 1)
    name, octave = LETTERS[index % 7], octave + index // 7
    alter = pitch - natural_pitch(name, octave)
    return (name, alter, octave) if abs(alter) <= 1 else None


_CHORD_STEPS = {0: 0, 3: 2, 4: 2, 6: 4, 7: 4, 8: 4, 9: 6, 10: 6, 11: 6}
"""Semitones above the root -> letters above the root."""


def _as_chord_tone(pitch: int, chord: Chord, *, wide: bool = False) -> Name | None:
    """wide: the ninth and the sixth are named as tones of a chord that does not have them, too."""
    above = (pitch - chord.root_class) % 12
    tones = {tone % 12 for tone in chord.kind.tones}
    steps = _CHORD_STEPS.get(above) if above in tones else None
    if wide and above in (2, 9):
        steps = 1 if above == 2 else 6 if {3, 6} <= tones else 5
    if steps is None:
        return None
    letter = LETTERS[(LETTERS.index(chord.root[0]) + steps) % 7]
    alter = (pitch - natural_pitch(letter, 4) + 6) % 12 - 6
    return (letter, alter, (pitch - alter) // 12 - 1) if abs(alter) <= 1 else None


# Accidentals
# ------------------------------------------------------------------------------------------------------------


def spell_measures(measures: Sequence[Measure], score: Score, part: Part, *, heard: bool = False) -> None:
    """Name every note of a part, as the file it came from does where that is known, and put accidentals where
    they are needed. heard: see `_as_heard`.
    """
    names: dict[tuple[int, int, int, int], Name] = {}
    for voice in range(max((len(measure.voices) for measure in measures), default=0)):
        for tone, name in _named(list(_tones_of(voice, measures)), score, heard=heard):
            written = measures[tone.measure].voices[voice][tone.item]
            known = part.notes[written.indices[tone.rank]].spelled
            names[tone.measure, voice, tone.item, tone.rank] = known or name
    held: dict[tuple[int, int], Name] = {}
    for place, measure in enumerate(measures):
        _put_accidentals(place, measure, names, held)


@dataclass(frozen=True)
class _Tone:
    """A written pitch. measure, item: where its chord is in its voice. rank: 0 is its lowest note."""

    measure: int
    item: int
    rank: int
    pitch: int
    start: Fraction
    key: Key


def _tones_of(voice: int, measures: Sequence[Measure]) -> Iterator[_Tone]:
    for place, measure in enumerate(measures):
        if voice < len(measure.voices):
            for item, written in enumerate(measure.voices[voice]):
                for rank, pitch in enumerate(written.pitches):
                    yield _Tone(place, item, rank, pitch, written.start, measure.key)


def _named(tones: Sequence[_Tone], score: Score, *, heard: bool) -> Iterator[tuple[_Tone, Name]]:
    """The line of lowest notes is named as a line, what is above them by the key."""
    for key, run in groupby(tones, key=lambda tone: tone.key):
        together = list(run)
        line = [tone for tone in together if tone.rank == 0]
        chords = [_chord_at(score, tone.start) for tone in line]
        names = spell_line([tone.pitch for tone in line], key, chords, heard=heard)
        yield from zip(line, names, strict=True)
        yield from ((tone, spell(tone.pitch, key)) for tone in together if tone.rank)


def _chord_at(score: Score, place: Fraction) -> Chord | None:
    found = bisect_right(score.chords, place, key=lambda chord: chord.start)
    try:
        return parse_chord(score.chords[found - 1].symbol) if found else None
    except Unreadable:
        return None


def _put_accidentals(
    place: int,
    measure: Measure,
    names: dict[tuple[int, int, int, int], Name],
    held: dict[tuple[int, int], Name],
) -> None:
    """A sign holds to the end of its bar, and a tied note needs none.

    held: (voice, pitch) -> its name when it was last written; a tied note keeps it. It is brought up to date.
    """
    signs = measure.key.signature
    in_force = {(letter, octave): signs[letter] for letter in LETTERS for octave in range(-2, 11)}
    order = sorted(
        (written.start, voice, item)
        for voice, line in enumerate(measure.voices)
        for item, written in enumerate(line)
    )
    for _, voice, item in order:
        written = measure.voices[voice][item]
        spelled, accidentals = [], []
        for rank, pitch in enumerate(written.pitches):
            tied = (written.tie_in or pitch in written.held) and (voice, pitch) in held
            name = held[voice, pitch] if tied else names[place, voice, item, rank]
            letter, alter, octave = name
            if tied or in_force[letter, octave] == alter:
                accidentals.append("")
            else:
                accidentals.append(SIGNS[alter])
                in_force[letter, octave] = alter
            held[voice, pitch] = name
            spelled.append(name)
        measure.voices[voice][item] = replace(written, spelled=tuple(spelled), accidentals=tuple(accidentals))
