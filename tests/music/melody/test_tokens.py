"""Melodies as a network reads them: the same in every key, told apart by what came before, and split so that
no tune is in two parts.
"""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from walks import walking_tune, walking_tunes

from studio.errors import Refused, Unreadable
from studio.music.melody.tokens import BARS_BACK, Layout, Readings, Token, melodies, parted
from studio.music.scores.bars import Repeat
from studio.music.scores.tunes import Tune
from studio.music.styles.style import Style


def test_a_melody_is_the_same_in_every_key_and_its_repeats_are_played_out() -> None:
    tune = walking_tune(5, "C")
    four = replace(tune, repeats=(Repeat(Fraction(4), Fraction(8)),))
    keys = {key: melodies(Style.of([walking_tune(5, key)], key))[0] for key in ("C", "G", "F#")}
    assert len({melody.tokens for melody in keys.values()}) == 1
    written = keys["C"]
    assert [(60 + token.pitch, token.length) for token in written.tokens] == [
        (note.pitch, note.duration) for note in tune.notes
    ]
    assert not written.again.any()
    assert written.starts.tolist() == [int(note.start * 24) for note in tune.notes] + [32 * 24]

    (played,) = melodies(Style.of([four], "repeated"))
    second = [Token(note.pitch - 60, note.duration) for note in tune.notes if 4 <= note.start < 8]
    until = [note.start for note in tune.notes].index(Fraction(8))
    assert played.tokens == written.tokens[:until] + tuple(second) + written.tokens[until:]
    assert np.flatnonzero(played.again).tolist() == list(range(until, until + len(second))), (
        "what is played again is known as such"
    )


def test_a_note_held_over_a_bar_line_is_carried_and_tunes_that_cannot_be_read_are_left_out() -> None:
    held = Tune.of([(60, 3), (64, 2), (62, 3)], key="C")
    odd = Tune.of([(60, Fraction(1, 5)), (62, Fraction(19, 5))], key="C")
    (melody,) = melodies(Style.of([odd, held], "held"))
    assert [str(token) for token in melody.tokens] == ["0 3", "4 1", "4 1 ~", "2 3"]
    with pytest.raises(Refused, match="no tune to learn from"):
        melodies(Style.of([odd], "odd"))


def test_tokens_and_layouts_are_read_back_as_they_were_written() -> None:
    layout = Layout.of(melodies(walking_tunes(6)))
    assert Layout.read(layout.names).tokens == layout.tokens
    assert len(set(layout.names)) == len(layout.tokens) + 1
    for broken in (
        ("end",),
        ("0 1", "0 1", "end"),
        ("0 1", "2 1"),
        ("0 0", "end"),
        ("0 1/0", "end"),
        ("x 1", "end"),
        ("0 1 ?", "end"),
    ):
        with pytest.raises(Unreadable):
            Layout.read(broken)


def test_what_is_known_at_each_moment_is_what_a_reader_of_the_score_would_say() -> None:
    found = melodies(walking_tunes(9))
    layout = Layout.of(found)
    alone = {(rows.tobytes()) for melody in found for rows in [layout.read_melody(melody)[0]]}
    assert len(alone) == len(found), "tunes are told apart"
    for melody in found[:3]:
        rows, targets = layout.read_melody(melody)
        assert [layout.names[target] for target in targets] == [*map(str, melody.tokens), "end"]
        for moment, start in enumerate(melody.starts.tolist()):
            known = set(rows[moment].tolist())
            assert len(known) == layout.columns, "one place for each thing that is known"
            before = melody.tokens[moment - 1] if moment else None
            pitch, length = int(layout.offsets[0]), int(layout.offsets[1])
            assert (
                pitch + (layout.pitches.index(before.pitch) if before else len(layout.pitches) + 1) in known
            )
            assert length + (layout.lengths.index(before.length) if before else len(layout.lengths)) in known
            assert int(layout.offsets[5]) + start % 24 in known
            assert int(layout.offsets[8]) + start // 96 % 8 in known
            for back, bars in enumerate(BARS_BACK):
                there = [
                    token
                    for token, at in zip(melody.tokens, melody.starts.tolist(), strict=False)
                    if at == start - 96 * bars
                ]
                column = int(layout.offsets[10 + 2 * back])
                assert (
                    column + (layout.pitches.index(there[0].pitch) if there else len(layout.pitches) + 1)
                    in known
                )


def test_batches_hold_every_melody_once_and_mask_what_is_padding() -> None:
    found = melodies(walking_tunes(11))
    read = Readings.of(Layout.of(found), found)
    met = []
    for batch in read.batches(4):
        assert batch.places == int(batch.mask.sum())
        for inputs, targets, mask in zip(batch.inputs, batch.targets, batch.mask, strict=True):
            length = int(mask.sum())
            assert mask[:length].all()
            assert not inputs[length:].any()
            met.append(
                (
                    tuple(targets[:length].tolist()),
                    tuple(map(tuple, inputs[:length].nonzero()[:, 1].reshape(length, -1).tolist())),
                )
            )
    expected = [
        (tuple(targets.tolist()), tuple(map(tuple, np.sort(rows).tolist())))
        for rows, targets in zip(read.rows, read.targets, strict=True)
    ]
    assert sorted(met) == sorted(expected)
    assert read.batch_count(4) == 3


def test_settings_of_one_tune_never_stand_in_two_parts() -> None:
    generator = random.Random(4)
    tunes = [walking_tune(seed, "C", bars=12) for seed in range(20)]
    tunes += [tune.transposed(generator.choice((2, 5, 7))) for tune in tunes[:8]]
    found = melodies(Style.of(tunes, "settings"))
    for seed in range(6):
        parts = parted(found, seed=seed)
        where = {
            melody.number: name
            for name in ("learnt", "chosen_by", "tested")
            for melody in getattr(parts, name)
        }
        assert len(where) == 28
        assert all(where[number] == where[20 + number] for number in range(8))
        assert len(parts.tested) in (2, 3)
        assert len(parts.chosen_by) in (2, 3)
    with pytest.raises(Refused, match="bring more"):
        parted(found[:2])
