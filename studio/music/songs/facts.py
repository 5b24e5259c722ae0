"""What is worth knowing about a song: as data in the work, as sentences where it is shown.

The facts of a song are those of a melody (`melody.facts`), but for its form, and besides:

    sections     [{"letter", "first", "bars", "key"}], first counting bars from 1
    chords       {"row": "C | Am7 D7 | …", "chords": how many, "bits": mean surprise of a chord, "style bits":
                 [lowest, median, highest tenth of the style's songs]}
    chord copying {"limit", "chords", "title"}: the longest row of chords shared with a song of the style, or
                 for a style of counts the least limit that it keeps, as far as counts can tell;
                 for a style with songs also "own songs": [fewest, median, most] that these share with each
                 other, and "origins": of each chord [bar, chords in a row that end with it, title]
    kept         of each earlier song {"title", "melody": bars, "chords": bars, "parts"}: what is kept of it;
                 of the first also "notes": the places of single notes, where some are
    band         {"name", "title", "plan", "parts", "remarks"}, see `facts_of_band`
    offers       settings worth trying: [{"label", "field" of the recipe, "value"}]
    words        what `sung_words.with_words` says of the words, where there are any; where they were made to
                 fit, "fitted": what was changed for that, in a sentence
    singing      natural logarithm of the mass of melodies over these chords, see `songs.sheet`

Facts of a melody that was harmonised have no sections, copying or origins. One of several harmonisations has
"harmonisation": {"number", "of", "apart": [least, most] share of the time over which it differs from the
others}.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from studio.music.melody.facts import facts_in_words as melody_in_words
from studio.music.songs.recipes import FINEST_CHORDS, HELD, in_time

if TYPE_CHECKING:
    from studio.music.harmony.harmonise import Harmonisation
    from studio.music.harmony.idiom import HarmonyIdiom
    from studio.music.melody.origins import NoteOrigin
    from studio.music.scores.bars import Bar
    from studio.music.scores.chords import ChordAt
    from studio.music.scores.scores import Part, Score
    from studio.music.scores.tunes import Tune
    from studio.music.songs.keeping import Kept
    from studio.music.songs.plan import SheetPart
    from studio.music.songs.playing import PlayedSong
    from studio.music.songs.sheet import Sheet, SheetDesk
    from studio.music.styles.originality import Comparison
    from studio.music.styles.style import Style


def facts_of_sheet(desk: SheetDesk, sheet: Sheet) -> dict[str, Any]:
    """The facts of a lead sheet, as JSON values."""
    from studio.music.melody.compiling import KINDS_OF_COPY
    from studio.music.styles.originality import Comparison

    sung = desk.sung
    melody = sung.style
    copying: dict[str, Any] = {
        "limit": desk.compiled.context.max_copy,
        "by": desk.recipe.copy_by,
        "notes": 0,
    }
    if not len(melody):  # counts: hashes say that the limit is kept, and of no song
        del copying["notes"]
    else:
        kind = KINDS_OF_COPY[desk.recipe.copy_by]
        comparison = Comparison(melody, melody.entry.title)
        run = comparison.longest_run(sheet.tune, kind)
        copying["notes"] = run.notes
        copying["own songs"] = _spread(comparison.baseline(kind).runs)
    if copying.get("notes"):
        copying |= {"start": run.start, "bar": run.bar, "title": run.title, "song_bar": run.song_bar}
    facts = _common(melody, sheet.tune) | {
        "bars": sheet.plan.bars,
        "learnt from": {
            "tunes": sung.song_count,
            "meter": str(sung.meter),
            "other_note_values": sung.kindred,
            "skipped": sung.left_out,
        },
        "chance": math.exp(min(0.0, sheet.log_z)),
        "log_chance": min(0.0, sheet.log_z),
        "singing": sheet.log_z,
        "copying": copying,
        "sections": sheet.plan.to_data(),
        "chords": _chords(desk.chords.idiom, sheet.tune, sheet.row) | {"from": desk.chords_title},
        "chord copying": _chord_copying(desk, sheet),
    }
    if sheet.remarks:
        facts["remarks"] = list(sheet.remarks)
    if desk.given.kept is not None:
        facts["kept"] = desk.given.kept.to_data()
    facts["origins"] = _with_leads(_origins(sheet, desk.given.kept), sheet)
    facts["tune"] = sheet.tune.to_plain()
    return facts


def _with_leads(origins: list[list[Any]], sheet: Sheet) -> list[list[Any]]:
    """The origins with those of the notes that lead into the song or its sections, which have none."""
    found = list(origins)
    bars = [sheet.tune.bar_at(note.start).number for note in sheet.tune.sounding]
    for place in (*range(sheet.pickup), *sheet.led):
        found.insert(place, [bars[place], 0, [], 1.0, 1.0, None])
    return found


def facts_of_harmonisation(
    asked: Harmonisation, style: Style, tune: Tune, row: Sequence[int]
) -> dict[str, Any]:
    """The facts of a melody with new chords, as JSON values."""
    return _common(style, tune) | {
        "bars": len(asked.bars),
        "chords": _chords(asked.idiom, tune, row),
        "tune": tune.to_plain(),
    }


def facts_of_band(played: PlayedSong, style: Style | None = None) -> dict[str, Any]:
    """The band as JSON values: its name, and of each part how it is made, how many notes it has, its seed,
    whether it is an earlier song's, and what its pitches are over the chords that sound (`_tones`). style: of
    lines that are drawn, where one of its melodies shares most intervals in a row with them (`_shared_line`).
    """
    from studio.music.styles.originality import Comparison

    comparison = Comparison(style, style.entry.title) if style is not None and len(style) else None
    parts = []
    for part in played.score.parts:
        player = next((each for each in played.band.player if each.name == part.name), None)
        parts.append(
            {
                "name": part.name,
                "plays": player.plays if player else "pattern",
                "notes": len(part.notes),
                "seed": played.seeds.get(part.name),
                "kept": part.name in played.kept,
                "level": player.level if player else 0.0,
                "pan": player.pan if player else 0.0,
            }
        )
        if not part.percussion:
            parts[-1]["tones"] = _tones(part, played.score)
        if comparison is not None and player is not None and _is_drawn_line(part, player.plays):
            parts[-1]["shared"] = _shared_line(part, played.score, comparison)
    return {
        "name": played.band.name,
        "title": played.band.title,
        "plan": played.seeds.get("plan"),
        "parts": parts,
        "remarks": list(played.remarks),
    }


def _is_drawn_line(part: Part, plays: str) -> bool:
    """Whether a part is a line of its own, such as a bass or a counter-line: no tune, no chords."""
    starts = [note.start for note in part.notes]
    alone = len(set(starts)) == len(starts)
    return plays not in ("tune", "double", "drums") and not part.percussion and len(starts) > 1 and alone


def _shared_line(part: Part, score: Score, comparison: Comparison) -> dict[str, Any]:
    """Where a line comes nearest to a melody of the style: the longest run of intervals that both have, and
    what the style's own songs share with each other.
    """
    from fractions import Fraction

    from studio.music.scores.tunes import Tune

    notes: list[tuple[int | None, Fraction]] = []
    here = Fraction(0)
    for note in part.notes:
        if note.pitch is None or note.start < here:
            continue
        notes += [(None, note.start - here)] if note.start > here else []
        notes.append((note.pitch, note.duration))
        here = note.end
    line = replace(Tune.of(notes), grid=score.grid)
    run = comparison.longest_run(line)
    found: dict[str, Any] = {"notes": run.notes, "own songs": _spread(comparison.baseline().runs)}
    return found | ({"bar": run.bar, "title": run.title, "song_bar": run.song_bar} if run.notes else {})


def _spread(runs: Sequence[int]) -> list[int]:
    """The least, the median and the most."""
    ordered = sorted(runs)
    return [ordered[0], ordered[len(ordered) // 2], ordered[-1]] if ordered else []


def _tones(part: Part, score: Score) -> dict[str, float]:
    """What the notes of a part are, as shares of all: the root, third, fifth or another tone of the chord
    that sounds as they begin, or none of its tones.
    """
    from bisect import bisect_right

    from studio.music.scores.chords import parse_chord

    counts = dict.fromkeys(("root", "third", "fifth", "other chord tone", "no chord tone"), 0)
    starts = [chord.start for chord in score.chords]
    for note in part.notes:
        at = bisect_right(starts, note.start) - 1
        chord = parse_chord(score.chords[at].symbol) if at >= 0 else None
        if chord is None or note.pitch is None:
            continue
        above = (note.pitch - chord.root_class) % 12
        if note.pitch % 12 not in chord.pitch_classes:
            name = "no chord tone"
        else:
            name = {0: "root", 3: "third", 4: "third", 7: "fifth"}.get(above, "other chord tone")
        counts[name] += 1
    total = sum(counts.values())
    return {name: round(count / total, 3) for name, count in counts.items() if count} if total else {}


def _common(style: Style, tune: Tune) -> dict[str, Any]:
    from studio.music.scores.keys import pitch_name

    pitches = [note.pitch for note in tune.sounding if note.pitch is not None]
    return {
        "style": {"title": style.entry.title, "licence": style.entry.licence},
        "meter": str(tune.meter),
        "key": str(tune.key),
        "notes": len(pitches),
        "range": [pitch_name(pitch, tune.key) for pitch in (min(pitches), max(pitches))] if pitches else [],
    }


def _chords(idiom: HarmonyIdiom, tune: Tune, row: Sequence[int]) -> dict[str, Any]:
    return {
        "row": row_in_words(tune),
        "chords": len(tune.chords),
        "bits": round(idiom.bits(row), 3),
        "style bits": [round(idiom.bits_at(daring), 3) for daring in (0.0, 0.5, 1.0)],
    }


def row_in_words(tune: Tune) -> str:
    """The chords bar by bar, as they are written for `--chords`: % where a bar begins no chord, a dot for a
    beat more where a bar is not shared equally, or for a part of one where chords change within beats.
    """
    bars: list[str] = []
    for bar in tune.bars():
        if bar.number < 1:
            continue
        inside = [chord for chord in tune.chords if bar.start <= chord.start < bar.end]
        beats = max(1, int(bar.length / bar.meter.beat))
        times = next((n for n in range(1, FINEST_CHORDS) if _on_slots(inside, bar, n)), FINEST_CHORDS)
        slot = bar.meter.beat / times
        words: list[str] = []
        for number in range(beats * times):
            place = bar.start + number * slot
            new = [c.symbol for c in inside if place <= c.start < place + slot]
            held = tune.chord_at(bar.start)
            now = new[-1] if new else (held or "?") if not number else HELD
            words.append(now.replace("sus4(add7)", "7sus4"))
        plain = [word for word in words if word != HELD]
        if not inside and bars:
            bars.append("%" if _begins_with(bars[-1], plain[0]) else plain[0])
            continue
        same = times == 1 and in_time(plain, bar.meter) == in_time(words, bar.meter)
        bars.append(" ".join(plain if same else words))
    return " | ".join(bars)


def _on_slots(chords: Sequence[ChordAt], bar: Bar, times: int) -> bool:
    """Whether all chords of a bar begin where its beats, divided by so many, do."""
    return all((chord.start - bar.start) % (bar.meter.beat / times) == 0 for chord in chords)


def _begins_with(bar: str, chord: str) -> bool:
    """Whether that bar is this chord alone, so that % repeats it."""
    return bar in ("%", chord)


def _chord_copying(desk: SheetDesk, sheet: Sheet) -> dict[str, Any]:
    from studio.music.songs.chord_origins import chord_origins, shared_by_songs

    chords, _, line = sheet.run
    idiom = desk.chords.idiom
    fact: dict[str, Any] = {
        "limit": sheet.chord_limit,
        "chords": chords,
        "title": idiom.lines[line].title if line >= 0 else desk.chords_title,
    }
    if idiom.lines:
        if not desk.shared:
            desk.shared.extend(shared_by_songs(idiom))
        fact["own songs"] = [desk.shared[0], desk.shared[len(desk.shared) // 2], desk.shared[-1]]
        fact["origins"] = [[each.bar, each.chords, each.title] for each in chord_origins(idiom, sheet.row)]
    return fact


def _origins(sheet: Sheet, kept: Kept | None) -> list[list[Any]]:
    """Where each note comes from, section by section; a section that returns repeats its first bars. A
    section that is kept has the origins it had.
    """
    found: list[list[Any]] = []
    first: dict[str, int] = {}
    for section in sheet.plan.sections:
        again = section.letter in first
        start = first.setdefault(section.letter, section.first)
        if kept is not None and section.letter in kept.whole:
            found += _kept_origins(kept, section)
            continue
        for origin in sheet.takes[section.letter].origins:
            found.append(_row(origin, section.first, start, again=again))
    return found


def _kept_origins(kept: Kept, section: SheetPart) -> list[list[Any]]:
    """Those of a section's notes in the earlier song; a song without origins is itself the origin."""
    length = kept.tune.meter.bar_length
    found = []
    notes = [note for note in kept.section_tune(section) if note.pitch is not None]
    for number, note in enumerate(notes):
        bar = int(note.start // length) + 1
        record, there = kept.origin(section, number)
        rows = record.facts.get("origins", ())
        if there < len(rows):
            found.append([bar, *rows[there][1:5], None])
        else:
            found.append([bar, 0, [[record.title, kept.melody[bar - 1].bar]], 1.0, 1.0, None])
    return found


def _row(origin: NoteOrigin, first: int, start: int, *, again: bool) -> list[Any]:
    returns = origin.bar + start if again else origin.returns and origin.returns + first
    songs = [list(song) for song in origin.songs[:2]]
    return [
        origin.bar + first,
        origin.order,
        songs,
        float(f"{origin.before:.3g}"),
        float(f"{origin.after:.3g}"),
        returns,
    ]


MOST_FAULTS = 8
"""Misplaced stresses that a sentence lists; the facts have all of them."""


# In words
# ------------------------------------------------------------------------------------------------------------


def facts_in_words(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(label, sentence) for every fact that is shown as text."""
    said = melody_in_words(
        {name: fact for name, fact in facts.items() if name not in ("chance", "log_chance")}
    )
    chords_from = facts.get("chords", {}).get("from")
    if chords_from and chords_from != facts["style"]["title"]:
        layers = f"melody after {facts['style']['title']}, chords after {chords_from}"
        said[0] = ("style", f"{layers} ({facts['style']['licence']})")
    for label, in_words in (
        ("sections", _sections_in_words),
        ("chords", _chords_in_words),
        ("harmonisation", _harmonisation_in_words),
        ("chord copying", _copying_in_words),
        ("words", _words_in_words),
        ("kept", _kept_in_words),
        ("band", _band_in_words),
    ):
        if label in facts:
            said.append((label, in_words(facts[label])))
    return said


def _sections_in_words(sections: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{each['letter']} from bar {each['first']} in {each['key']}" for each in sections)


def _harmonisation_in_words(fact: Mapping[str, Any]) -> str:
    least, most = fact["apart"]
    share = f"{least:.0%}" if least == most else f"{least:.0%} to {most:.0%}"
    return f"{fact['number']} of {fact['of']}; other chords than the others over {share} of the time"


def _kept_in_words(kept: Sequence[Mapping[str, Any]]) -> str:
    said = []
    for each in kept:
        melody, chords = (", ".join(each[what]) for what in ("melody", "chords"))
        parts = [f"bars {melody}"] if melody else []
        parts += [f"the chords of bars {chords}"] if chords and chords != melody else []
        notes = each.get("notes", ())
        parts += [f"the note{'s' if len(notes) > 1 else ''} at {', '.join(notes)}"] if notes else []
        parts += list(each["parts"])
        if parts:
            said.append(f"{' and '.join(parts)} of {each['title']}")
    return "; ".join(said)


def _band_in_words(band: Mapping[str, Any]) -> str:
    """The band, and of each part what its pitches are over the chords."""
    said = []
    for part in band["parts"]:
        tones = part.get("tones") or {}
        shares = ", ".join(f"{name} {share:.0%}" for name, share in tones.items() if share >= 0.1)
        kept = ", kept" if part["kept"] else ""
        near = part.get("shared") or {}
        like = (
            f"; {near['notes']} notes in a row from bar {near['bar']} are as in {near['title']}"
            if near.get("notes")
            else ""
        )
        said.append(f"{part['name']} ({MADE[part['plays']]}{kept}{': ' + shares if shares else ''}{like})")
    remarks = " ".join(band["remarks"])
    return f"{band['title']}: {'; '.join(said)}.{' ' + remarks if remarks else ''}"


MADE = {
    "tune": "the tune",
    "pattern": "from the band's patterns",
    "drums": "from the band's patterns",
    "double": "the tune again",
    "harmony": "drawn below the tune",
    "counter": "drawn against the tune",
    "answer": "where the tune rests",
}
"""What a player plays -> how its part came about, in words."""


def _chords_in_words(chords: Mapping[str, Any]) -> str:
    low, middle, high = chords["style bits"]
    return (
        f"{chords['row']}; {chords['bits']:.1f} bits a chord, where songs of the style have {low:.1f} to "
        f"{high:.1f}, the median {middle:.1f}" + (f"; after {chords['from']}" if "from" in chords else "")
    )


def _words_in_words(fact: Mapping[str, Any]) -> str:
    verses = f" in {fact['verses']} verses" if fact["verses"] > 1 else ""
    said = f"{fact['syllables']} syllables{verses}"
    if fact["checked"]:
        faults = fact["stresses"]
        said += f"; stress against the beat in {len(faults)} of {fact['checked']} words that were checked"
        places = [f"{each['text']} in {each['word']}, bar {each['bar']}" for each in faults[:MOST_FAULTS]]
        more = len(faults) - len(places)
        said += f" ({', '.join(places)}{f' and {more} more' if more else ''})" if places else ""
    fitted = [fact["fitted"]] if "fitted" in fact else []
    return " ".join([*fitted, f"{said}.", *fact["remarks"]])


def _copying_in_words(fact: Mapping[str, Any]) -> str:
    limit = f"at most {fact['limit']} chords in a row"
    if not fact["title"]:
        return limit
    if "own songs" not in fact and fact["chords"] <= fact["limit"]:
        known = f"as in a song of {fact['title']}; its counts cannot tell shorter copies"
        return f"{limit}, with their lengths, {known}"
    return (
        f"{limit} with their lengths; the longest has {fact['chords']}, as in {fact['title']}"
        f"{_shared_in_words(fact.get('own songs'))}"
    )


def _shared_in_words(own: Sequence[int] | None) -> str:
    if not own:
        return ""
    return f"; songs of the style share {own[0]} to {own[2]} with each other, the median {own[1]}"
