"""A song as its band plays it, and as it is written: what is kept of an earlier band, the mix, one part.

    played = play(tune, sections, recipe, kept)     # PlayedSong: a full score, and the seeds it was drawn by
    file_of(tune, sections, recipe, kept)           # bytes in the recipe's format

A part that is kept is the earlier one, note for note, and is humanised as it was. A section that is kept
takes what every player played there; at its beginning notes of the new bars end, and beyond its end its own
notes sound on until the player has something new.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.errors import Refused, UnknownName
from studio.music.bands.arranging import arrangement, part_seeds
from studio.music.bands.band import Band, band_by_name
from studio.music.bands.exports import extract_of
from studio.music.bands.performing import perform
from studio.music.bands.plan import ARRANGING_RULES, EARLIER_ARRANGING
from studio.music.scores.notes import Note
from studio.music.scores.performance import Performance
from studio.music.scores.scores import Part, Score
from studio.music.scores.sections import Section
from studio.music.scores.tunes import Tune
from studio.music.songs.keeping import KeptBand, part_named
from studio.music.songs.recipes import MixedPart, SongRecipe, read_part_seed
from studio.music.songs.rules import drawing_rules, since
from studio.music.sound.fonts import chosen_name, recorded_name
from studio.music.sound.mixing import Strip, mixed
from studio.music.sound.rendering import program_of
from studio.music.writing.formats import by_name
from studio.music.writing.notation import with_earlier_clefs

if TYPE_CHECKING:
    from studio.music.writing.engraving import Lines


@dataclass(frozen=True)
class PlayedSong:
    """What a band plays. shift: quarter notes before the tune. seeds: of each part and the plan. feels: of
    how each part is humanised. kept: names of the parts that are an earlier song's. remarks: what was changed
    so that instruments can play it.
    """

    band: Band
    score: Score
    shift: Fraction
    seeds: Mapping[str, int]
    feels: Mapping[str, int]
    kept: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def performance(self, recipe: SongRecipe) -> Performance:
        """As it sounds, with the recipe's mix and without what it does not write."""
        rng = np.random.default_rng(recipe.seed)
        rng.integers(2**31)  # the parts' seeds were drawn with this one
        whole = mixed(perform(self.score, self.band, rng, feels=self.feels), strips_of(recipe, self.score))
        rules = mixing_rules(recipe)
        whole = replace(whole, evened=rules != EARLIER_MIXING, lifted=rules not in UNLIFTED)
        if recipe.write in ("", "score"):
            return whole
        name = self.band.leader.name if recipe.write == "lead" else recipe.write
        names = [part.name for part in whole.parts]
        if name not in names:
            raise UnknownName("part", name, ["lead", "score", *names])
        return replace(
            whole, parts=tuple(part for part in whole.parts if part.name == name), evened=False, lifted=False
        )


def play(
    tune: Tune, sections: Sequence[Section], recipe: SongRecipe, kept: KeptBand | None = None
) -> PlayedSong:
    """What the recipe's band plays. Raises what `bands.arrangement` raises, and `UnknownName` or `Refused`
    for a part that cannot be kept or asked for.
    """
    rules = arranging_rules(recipe)
    band = band_by_name(recipe.band, rules)
    rng = np.random.default_rng(recipe.seed)
    seeds = part_seeds(band, rng)
    feel = int(rng.integers(2**31))
    feels = dict.fromkeys((player.name for player in band.player), feel)
    asked = {part_named(name, seeds): seed for name, seed in map(read_part_seed, recipe.part_seeds)}
    if kept is not None:
        feels |= {name: kept.record.feels.get(name, feel) for name in kept.parts}
        seeds |= {name: seed for name, seed in kept.record.seeds.items() if name in (*kept.parts, "plan")}
    seeds |= asked
    found = arrangement(tune, sections, band, np.random.default_rng(recipe.seed), seeds=seeds, rules=rules)
    score = found.score
    intro = score.sections[0] if score.sections and score.sections[0].name == "Intro" else None
    shift = intro.bars * tune.meter.bar_length - tune.pickup if intro else Fraction(0)
    names: tuple[str, ...] = ()
    if kept is not None:
        names = tuple(name for name in kept.parts if name not in asked)
        parts = tuple(_with_kept(part, kept, names, shift, band, score.end) for part in score.parts)
        score = replace(score, parts=parts)
    return PlayedSong(band, score, shift, seeds, feels, names, found.remarks)


def _with_kept(
    part: Part, kept: KeptBand, names: Sequence[str], shift: Fraction, band: Band, end: Fraction
) -> Part:
    """A part with what is kept of the earlier one."""
    record = kept.record
    earlier = record.parts.get(part.name)
    if part.name in names:
        if earlier is None or record.length != end:
            raise Refused(
                f"{part.name} can only be kept in a song as long as the earlier one; keep its form and bars, "
                "or ask for this part again."
            )
        return replace(part, notes=earlier)
    if earlier is None or part.name == band.leader.name:  # the tune is in its bars already
        return part
    if kept.joined:
        return replace(part, notes=_with_spans(part.notes, earlier, kept, shift, end))
    notes = list(part.notes)
    for here, there, length in kept.spans:
        begin, stop = here + shift, here + shift + length
        outside = [note for note in notes if not begin <= note.start < stop]
        moved = [
            replace(note, start=note.start - there - record.shift + begin)
            for note in earlier
            if there <= note.start - record.shift < there + length
        ]
        notes = [_ending_at(note, begin) for note in outside] + moved
    notes.sort(key=lambda note: (note.start, note.pitch or 0))
    return replace(part, notes=tuple(notes))


def _with_spans(
    notes: Sequence[Note], earlier: Sequence[Note], kept: KeptBand, shift: Fraction, end: Fraction
) -> tuple[Note, ...]:
    """New notes with those of the kept spans. A new note ends where a span begins. A note of a span is as
    long as it was, unless another note begins beyond the span before it ends, or the song does.
    """
    spans = [(here + shift, here + shift + length) for here, _, length in kept.spans]
    found = []
    for note in notes:
        if not any(begin <= note.start < stop for begin, stop in spans):
            found.append(_ending_at(note, min((b for b, _ in spans if b > note.start), default=end)))
    moved: list[tuple[Note, Fraction]] = []
    for (begin, stop), (_, there, length) in zip(spans, kept.spans, strict=True):
        moved += [
            (replace(note, start=note.start - there - kept.record.shift + begin), stop)
            for note in earlier
            if there <= note.start - kept.record.shift < there + length
        ]
    starts = sorted({note.start for note in (*found, *(note for note, _ in moved))})
    for note, stop in moved:
        after = bisect_left(starts, stop)
        found.append(_ending_at(note, starts[after] if after < len(starts) else end))
    return tuple(sorted(found, key=lambda note: (note.start, note.pitch or 0)))


def _ending_at(note: Note, place: Fraction) -> Note:
    """The note, which ends there at the latest if it begins before."""
    return replace(note, duration=place - note.start) if note.start < place < note.end else note


def strips_of(recipe: SongRecipe, score: Score) -> dict[str, Strip]:
    """The mixer as the recipe sets it. With a solo, everything else is silent. Raises `UnknownName`."""
    names = [part.name for part in score.parts]
    asked = {part_named(each.name, names): each for each in map(MixedPart.read, recipe.mix)}
    alone = {name for name, each in asked.items() if each.solo}
    found = {}
    for name in names:
        each = asked.get(name, MixedPart(name))
        silent = each.mute or (bool(alone) and name not in alone)
        if name in asked or silent:
            found[name] = Strip(each.level, each.pan, mute=silent)
    return found


def arranging_rules(recipe: SongRecipe) -> str:
    """The rules by which a song is arranged: today's, or those its work was made by."""
    if recipe.setting is None:
        return ARRANGING_RULES
    return recipe.setting.versions.get("arranging", EARLIER_ARRANGING)


MIXING_RULES, EARLIER_MIXING = "3", "1"
"""How a song is mixed. 1: as in 0.6.0. 2: sections are as loud beside each other as they are meant
(`sound.faders.evened`). 3: a part that would hardly be heard in a section is turned up there
(`sound.faders.lifted`), and stems are as loud as in the recording. A work says by which it was made.
"""

UNLIFTED = ("1", "2")
"""The rules by which no part is turned up."""


def mixing_rules(recipe: SongRecipe) -> str:
    """The rules by which a song is mixed."""
    return MIXING_RULES if recipe.setting is None else recipe.setting.versions.get("mixing", EARLIER_MIXING)


def sound_of(recipe: SongRecipe) -> str:
    """The SoundFont of a recording: the one its work was made with, else the one that it names, else the one
    in use. Raises what `named_font` raises.
    """
    made_with = recipe.setting.versions.get("sound") if recipe.setting else None
    return made_with or recorded_name(recipe.sound or chosen_name())


def check_parts(recipe: SongRecipe) -> None:
    """Raises `Refused` for parts of a lead sheet, which has none."""
    if not recipe.band and (recipe.write not in ("", "lead", "score") or recipe.mix or recipe.part_seeds):
        raise Refused("A lead sheet has no parts to choose from; name a band that plays it.", setting="band")


def file_of(
    tune: Tune,
    sections: Sequence[Section],
    recipe: SongRecipe,
    kept: KeptBand | None = None,
    played: PlayedSong | None = None,
) -> bytes:
    """The song as a file of the recipe's format, without the recipe inside: the lead sheet alone, or as the
    band plays it. played: what `play` gives, where that is known.
    """
    form = by_name(recipe.format)
    if not recipe.band:
        check_parts(recipe)
        program = program_of(recipe.instrument) if "program" in form.options else 0
        return form.to_bytes(tune, program=program, **engraved(recipe, sections))
    played = played or play(tune, sections, recipe, kept)
    if form.performs:
        return form.to_bytes(played.performance(recipe), sound=sound_of(recipe))
    if recipe.write == "lead":
        return form.to_bytes(tune, **engraved(recipe, sections))
    strips_of(recipe, played.score)  # so that a wrong name is refused in a score too
    written = extract_of(played.score, played.band, recipe.write or "score")
    if engraving_rules(recipe) in UNMARKED:
        written = replace(written, tempo_changes=())
    # A voice that is alone in an ABC file had no clef.
    if engraving_rules(recipe) in BEFORE_CLEFS and (len(written.parts) > 1 or recipe.format != "abc"):
        written = with_earlier_clefs(written)
    return form.to_bytes(written, **engraved(recipe, written.sections))


ENGRAVING_RULES = "11"
LINES_BY_RULES: dict[str, Lines] = {
    "3": "full",
    "4": "named",
    "5": "even",
    "6": "slurred",
    "7": "printed",
    "8": "apart",
    "9": "heard",
    "10": "heard",
    ENGRAVING_RULES: "clear",
}
"""How a song is engraved. 3: its score has a whole tempo, chord names as musicians write them, and the
letters of its sections. 4: syllables have room, and lines are about equally full. 5: notes have room too. 6:
the tempo stands above the chord names, and notes on one syllable are under a slur. 7: a syllable
that is held inside its word has hyphens after it. 8: a space is between two chord names. 9: notes outside
the key have the names that composers give them (`spelling.spell_line`), and files keep the names of sections
and changes of tempo. 10: parts have the clefs of their instruments, and not those of their mean pitch
(`scores.clefs`). 11: ABC has each change of tempo at its place, and the letter of the first section
stands above its pick-up. A work says by which it was made.
"""


UNMARKED = ("", "3", "4", "5", "6", "7", "8")
"""The rules by which files keep neither sections nor tempi, and notes are named by the key alone."""

BEFORE_CLEFS = (*UNMARKED, "9")
"""Those by which clefs are chosen by the mean pitch."""

BEFORE_PLACES = (*BEFORE_CLEFS, "10")
"""Those by which ABC has changes of tempo at the beginning of bars."""


def engraving_rules(recipe: SongRecipe) -> str:
    """The rules by which a song is engraved: today's, or those its work was made by; "" for earlier ones."""
    if recipe.setting is None:
        return ENGRAVING_RULES
    found = recipe.setting.versions.get("engraving", "")
    return found if found in LINES_BY_RULES else ""


def engraved(recipe: SongRecipe, sections: Sequence[Section]) -> dict[str, Any]:
    """How a song is engraved, as options of its format."""
    rules = engraving_rules(recipe)
    letters = {section.first_bar: section.name for section in sections} if rules else None
    slurs = since(drawing_rules(recipe), "7")
    return {
        "whole_tempo": bool(rules),
        "names": bool(rules),
        "letters": letters,
        "lines": LINES_BY_RULES.get(rules, "full"),
        "slurs": slurs,
        "heard": rules not in UNMARKED,
        "marks": {} if rules in UNMARKED else letters,
        "tempi_by_bar": rules in BEFORE_PLACES,
        "hyphens": rules not in ("", "3", "4", "5", "6"),
    }
