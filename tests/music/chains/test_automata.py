"""Automata and viewpoints against looking through the text for the word."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from plain_chain import contains, intervals, longest_shared_run

from studio.errors import Refused
from studio.music.chains import automata
from studio.music.chains.automata import (
    SILENT,
    Listener,
    copy_limit,
    differences,
    each,
    forbidding,
    from_table,
    requiring,
)


def texts(letters, longest):
    for length in range(longest + 1):
        yield from itertools.product(range(letters), repeat=length)


@pytest.mark.parametrize("as_table", [True, False])
@pytest.mark.parametrize("longest", [0, 1, 2, 3])
def test_the_copy_limit_says_no_exactly_to_longer_shared_runs(longest, as_table, monkeypatch):
    if not as_table:  # large automata are searched instead of tabulated: the same answers
        monkeypatch.setattr(automata, "LARGEST_TABLE", 0)
    random = np.random.default_rng(longest)
    for _ in range(4):
        corpus = [random.integers(0, 3, random.integers(0, 9)).tolist() for _ in range(3)]
        limit = copy_limit(corpus, longest, 3)
        said = {text: limit.accepts(text) for text in texts(3, 5)}
        assert said == {text: longest_shared_run(text, corpus) <= longest for text in said}
        assert True in said.values()
        assert limit.accepts_each([np.array(text, dtype=np.int32) for text in said]).tolist() == list(
            said.values()
        )


def test_the_copy_limit_keeps_no_more_states_than_there_are_beginnings_of_forbidden_runs():
    random = np.random.default_rng(0)
    corpus = [random.integers(0, 6, 200).tolist() for _ in range(5)]
    limit = copy_limit(corpus, 4, 6)
    beginnings = {
        tuple(tune[at : at + size]) for tune in corpus for at in range(len(tune) - 4) for size in range(5)
    }
    assert limit.states == len(beginnings)


def test_an_empty_corpus_limits_nothing():
    assert copy_limit([], 3, 4).accepts([0, 1, 2, 3] * 5)
    assert copy_limit([[0, 1, 2]], 3, 4).accepts([0, 1, 2, 0, 1, 2])


def test_forbidden_and_required_words_are_found_wherever_they_stand():
    random = np.random.default_rng(2)
    for _ in range(12):
        words = [
            tuple(random.integers(0, 3, random.integers(1, 4)).tolist()) for _ in range(random.integers(1, 4))
        ]
        needs = requiring(words, 3)
        assert all(needs.accepts(text) == any(contains(text, word) for word in words) for text in texts(3, 6))
        never = forbidding(words, 3)
        assert all(never.accepts(text) != any(contains(text, word) for word in words) for text in texts(3, 6))


def test_states_that_do_alike_become_one():
    # "An even number of 1s", written with six states.
    table = [[state, (state + 1) % 6] for state in range(6)]
    even = from_table(table, [state % 2 == 0 for state in range(6)])
    assert even.states == 2
    assert all(even.accepts(text) == (sum(text) % 2 == 0) for text in texts(2, 6))


PITCH = np.array([60, 60, 62, 62, 64, 64, 67, 67, SILENT, SILENT])


def test_differences_pass_over_silence():
    view = differences(PITCH)
    random = np.random.default_rng(4)
    tunes = [random.integers(0, len(PITCH), random.integers(0, 20)).tolist() for _ in range(30)]
    heard = view.letters_of(tunes)
    meaning = {}
    for tune, letters in zip(tunes, heard, strict=True):
        expected = intervals([None if PITCH[s] == SILENT else int(PITCH[s]) for s in tune])
        assert len(letters) == len(expected)
        for letter, interval in zip(letters.tolist(), expected, strict=True):
            assert meaning.setdefault(letter, interval) == interval
    assert len(set(meaning.values())) == len(meaning) == view.letters == 11
    assert sorted(meaning, key=lambda letter: meaning[letter]) == list(range(11))


def test_each_symbol_may_be_heard_as_its_class_or_not_at_all():
    view = each([0, 1, SILENT, 1])
    assert [letters.tolist() for letters in view.letters_of([[0, 1, 2, 3, 2], [2], []])] == [
        [0, 1, 1],
        [],
        [],
    ]
    assert each([0, 0], letters=5).letters == 5


def test_a_listener_goes_step_by_step_where_its_letters_lead():
    view = differences(PITCH)
    random = np.random.default_rng(9)
    corpus = [random.integers(0, len(PITCH), 15).tolist() for _ in range(4)]
    limit = copy_limit(view.letters_of(corpus), 2, view.letters)
    listener = Listener(view, limit)
    for _ in range(50):
        tune = random.integers(0, len(PITCH), 12).tolist()
        state = np.array([listener.start])
        for symbol in tune:
            if state[0] != automata.DEAD:
                state = listener.step(*listener.split(state), np.array([symbol]))
        assert (state[0] != automata.DEAD) == limit.accepts(view.letters_of([tune])[0])


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: copy_limit([[0]], -1, 2), "copy limit is -1"),
        (lambda: copy_limit([[5]], 1, 2), "outside 0 to 1"),
        (lambda: forbidding([()], 2), "empty"),
        (lambda: requiring([(0, 7)], 2), "letter 7"),
        (lambda: requiring([], 2), "accepts nothing"),
        (lambda: Listener(each([0, 1, 2]), forbidding([(0,)], 2)), "letters"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(ask, says):
    with pytest.raises(Refused, match=says):
        ask()
