"""What a composed work knows about itself: data that survive JSON, and sentences for people, also for works
made by older versions.
"""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import pytest

from studio.music.melody.compose import compose
from studio.music.melody.facts import chance_in_words, copied_of, facts_in_words
from studio.music.melody.origins import NoteOrigin, origin_colours, origins_of
from studio.music.melody.recipes import ComposeRecipe
from studio.music.reading.readers import read_tunes
from studio.music.scores.tunes import Tune
from studio.process import finish
from studio.works.recipe import Source
from studio.works.work import Made
from tests.app.tunes import jigs

FILES = list(jigs().values())
SOURCES = tuple(
    Source(sha256=f"{number:064x}", role="tune", name=f"{number}.abc") for number in range(len(FILES))
)


def materials(source: Source) -> bytes:
    return FILES[int(source.sha256, 16)]


@pytest.fixture(scope="module")
def made() -> Made:
    recipe = ComposeRecipe(
        style="jigs", sources=SOURCES, bars=8, form="AB", max_copy=12, seed=4, format="abc", title="Facts"
    )
    return finish(compose(recipe, materials))


@pytest.fixture(scope="module")
def facts(made: Made) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json.dumps(made.facts, allow_nan=False))
    return read


def test_the_facts_are_data_and_agree_with_the_file(made: Made, facts: dict[str, Any]) -> None:
    written = read_tunes(made.content, "a.abc").tunes[0]
    assert (facts["bars"], facts["meter"]) == (8, "6/8")
    assert facts["notes"] == len(written.sounding)
    assert 0 < facts["chance"] < 1
    assert math.log(facts["chance"]) == pytest.approx(facts["log_chance"])
    assert facts["form"]["bars"] == 8
    assert facts["form"]["parts"] == [[1, "A"], [5, "B"]]
    assert len(facts["form"]["letters"].split()) == 8
    assert facts["copying"]["limit"] == 12

    tune = Tune.from_json(json.dumps(facts["tune"]))
    assert [(note.pitch, note.start, note.duration) for note in tune.notes] == [
        (note.pitch, note.start, note.duration) for note in written.notes
    ]
    assert (tune.title, tune.meter, tune.tempo) == ("Facts", written.meter, written.tempo)


def test_the_longest_shared_run_is_where_the_facts_say(facts: dict[str, Any]) -> None:
    def steps(pitches: list[int]) -> list[int]:
        return [after - before for before, after in pairwise(pitches)]

    own = [pitch for pitch, _ in facts["tune"]["notes"] if pitch is not None]
    start, end = copied_of(facts)
    assert end - start == facts["copying"]["notes"] > 1
    songs = [
        steps([note.pitch for note in tune.sounding if note.pitch is not None])
        for content in FILES
        for tune in read_tunes(content).tunes
    ]
    run = steps(own[start:end])
    assert any(song[at : at + len(run)] == run for song in songs for at in range(len(song)))
    assert dict(facts_in_words(facts))["copying"].endswith(
        f"the longest has {end - start}, from bar {facts['copying']['bar']}, as in bar "
        f"{facts['copying']['song_bar']} of {facts['copying']['title']}"
    )


def test_every_fact_that_is_no_list_of_notes_is_told_in_words(facts: dict[str, Any]) -> None:
    words = dict(facts_in_words(facts))
    assert set(words) == set(facts) - {"log_chance", "origins", "tune"}
    assert all(isinstance(sentence, str) and "{" not in sentence for sentence in words.values())
    assert words["bars"] == "8"
    assert words["range"] == " to ".join(facts["range"])
    assert words["form"].startswith("part A from bar 1; part B from bar 5")


def test_origins_come_back_from_data_and_from_the_text_of_older_works(facts: dict[str, Any]) -> None:
    origins = origins_of(facts)
    assert len(origins) == facts["notes"]
    assert origins_of({"origins": json.dumps(facts["origins"])}) == origins
    assert all(each.songs and 1 <= each.bar <= 8 for each in origins)
    assert origins_of({}) == origins_of({"origins": "[[1,2"}) == origins_of({"origins": 5}) == ()
    some = [NoteOrigin(number, 1, order, (), 0, 0) for number, order in enumerate((-1, 0, 1, 4, 9))]
    colours = origin_colours(some)
    assert colours[0] == colours[1] != colours[2] != colours[3] == colours[4]


def test_a_work_of_version_0_2_1_is_told_as_it_told_itself() -> None:
    old = {
        "style": "Northumbrian (public domain)",
        "meter": "4/4",
        "bars": "16",
        "range": "D4 to A5",
        "learnt from": "44 tunes that can stand in 4/4",
        "chance": "1 in 29 million free walks",
        "copying": "at most 8 notes in a row compared by intervals; the longest has 7",
        "copied": "12+7",
        "form": "bars 5-6 are 1-2",
        "remarks": "Bar 3 does not close as the form has it.",
        "origins": '[[1,2,[["A song",3]],0.5,0.25,null]]',
    }
    assert dict(facts_in_words(old)) == {
        name: value for name, value in old.items() if name not in ("copied", "origins")
    }
    assert copied_of(old) == (12, 19)
    assert origins_of(old) == (NoteOrigin(0, 1, 2, (("A song", 3),), 0.5, 0.25, None),)


@pytest.mark.parametrize(
    ("log_chance", "says"),
    [
        (0.0, "100% of melodies"),
        (math.log(0.8), "80% of melodies"),
        (math.log(1 / 300), "1 melody in 300 "),
        (-math.log(19.4e9), "1 melody in 19.4 billion"),
        (-1000.0, "1 melody in 10^434 "),
    ],
)
def test_chances_read_well(log_chance: float, says: str) -> None:
    assert says in chance_in_words(log_chance)
