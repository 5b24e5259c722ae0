"""Composing through the named endpoints, as a script would: own tunes as the style, bars kept, exports, and
wishes that conflict.
"""

from __future__ import annotations

import io
import json
import re
import urllib.error
import urllib.request
import wave
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from music21 import converter

from studio.music.melody.recipes import ComposeRecipe
from studio.music.reading.readers import read_tunes
from studio.music.scores.pitches import parse_pitch
from studio.music.scores.tunes import Tune
from studio.music.writing.formats import names
from studio.works.metadata import extract
from studio.works.recipe import controls
from tests.app.conftest import Open
from tests.app.tunes import jigs, zipped_jigs

gradio_client = pytest.importorskip("gradio_client")
pytestmark = pytest.mark.xdist_group("app")

WISHES: dict[str, Any] = {"bars": 8, "meter": "6/8", "key": "G", "max_copy": 12, "form": "free"}


@pytest.fixture(scope="module")
def client(studio: Open, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    made = gradio_client.Client(
        studio.address,
        download_files=str(tmp_path_factory.mktemp("downloads")),
        verbose=False,
        ssl_verify=False,  # or it reads all certificates for each request
    )
    yield made
    made.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    folder = tmp_path_factory.mktemp("jigs")
    for name, content in jigs().items():
        (folder / name).write_bytes(content)
    return [gradio_client.handle_file(path) for path in sorted(folder.iterdir())]


@pytest.fixture(scope="module")
def melody(client: Any, files: list[Any]) -> dict[str, Any]:
    """A melody after tunes of one's own, with everything that is told of it."""
    asked = client.predict(
        tune=files,
        title="Jigs of mine",
        author="M. Muster",
        licence="CC0",
        seed=3,
        end="G",
        **WISHES,
        api_name="/compose",
    )
    return made(client, asked)


def ended(client: Any, asked: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = list(client.submit(asked["id"], api_name="/follow"))[-1]
    return told


def made(client: Any, asked: dict[str, Any]) -> dict[str, Any]:
    told = ended(client, asked)
    assert told["state"] == "made", told
    found: dict[str, Any] = client.predict(told["work_id"], api_name="/work")
    return found


def tune_of(client: Any, work: dict[str, Any]) -> Tune:
    content = Path(client.predict(work["id"], api_name="/file")).read_bytes()
    return read_tunes(content, "take.musicxml").tunes[0]


def bar(tune: Tune, number: int) -> list[tuple[int | None, Any]]:
    return [(note.pitch, note.duration) for note in tune.in_bar(number)]


def test_compose_has_every_parameter_of_the_recipe(client: Any) -> None:
    endpoints = client.view_api(print_info=False, return_format="dict")["named_endpoints"]
    names = {each["parameter_name"] for each in endpoints["/compose"]["parameters"]}
    own = {
        f"work_{control.name}" if control.name == "title" else control.name
        for control in controls(ComposeRecipe)
    }
    assert own <= names
    assert {"tune", "take", "theme", "title", "author", "licence"} <= names


def test_a_melody_after_own_tunes_keeps_its_wishes_and_its_credit(
    client: Any, melody: dict[str, Any]
) -> None:
    read = converter.parse(Path(client.predict(melody["id"], api_name="/file")))
    measures = read.parts[0].getElementsByClass("Measure")
    assert len(measures) == 8
    assert {measure.duration.quarterLength for measure in measures} == {3.0}
    assert read.flatten().notes[-1].name == "G"
    sources = [source for source in melody["recipe"]["sources"] if source["role"] == "tune"]
    assert len(sources) == len(jigs())
    assert {(source["title"], source["author"], source["licence"]) for source in sources} == {
        ("Jigs of mine", "M. Muster", "CC0")
    }
    assert "origins" not in melody["facts"]


def test_the_notes_say_when_they_sound_and_where_they_come_from(client: Any, melody: dict[str, Any]) -> None:
    told = client.predict(melody["id"], api_name="/notes")
    tune = tune_of(client, melody)
    second = 60 / tune.tempo
    assert [note["pitch"] for note in told["notes"]] == [note.pitch for note in tune.sounding]
    assert [note["at"] for note in told["notes"]] == pytest.approx(
        [float(note.start) * second for note in tune.sounding]
    )
    assert len(told["bars"]) == 8
    titles = {name for note in told["notes"] for name, _ in note["songs"]}
    assert titles
    assert titles <= {"The Kettle", "The Window", "The Loom", "The Ladder", "The Lantern"}
    # What stands in each bar of the score is every note, in order, and more only where one is tied on.
    written = [number for bar_of_score in told["written"] for _, number in bar_of_score if number is not None]
    assert sorted(set(written)) == list(range(len(told["notes"])))
    assert written == sorted(written)


def test_the_longest_run_that_is_copied_is_told_note_by_note(client: Any, melody: dict[str, Any]) -> None:
    places = {
        letter: pitch for pitch, letter in zip((0, 2, 4, 6, 7, 9, 11), "CDEFGAB", strict=True)
    }  # F is sharp in G
    own = [note["pitch"] for note in client.predict(melody["id"], api_name="/notes")["notes"]]
    first, end = client.predict(melody["id"], api_name="/notes")["copied"]

    def steps(pitches: list[int]) -> list[int]:
        return [after - before for before, after in pairwise(pitches)]

    songs = []
    for content in jigs().values():
        letters = re.findall("[A-Ga-g]", content.decode().split("K:G\n")[1])
        songs.append(steps([places[letter.upper()] + 12 * letter.islower() for letter in letters]))

    def stands(run: list[int]) -> bool:
        return any(song[at : at + len(run)] == run for song in songs for at in range(len(song)))

    assert 1 < end - first <= 12
    assert stands(steps(own[first:end]))
    assert not any(stands(steps(own[at : at + end - first + 1])) for at in range(len(own) - (end - first)))
    assert f"the longest has {end - first}, from bar" in melody["facts"]["copying"]


def test_kept_bars_stay_and_the_others_are_new(client: Any, melody: dict[str, Any]) -> None:
    asked = client.predict(melody["id"], [3, 4], 99, api_name="/compose_again")
    other = made(client, asked)
    before, after = tune_of(client, melody), tune_of(client, other)
    assert [bar(after, number) for number in (3, 4)] == [bar(before, number) for number in (3, 4)]
    assert [bar(after, number) for number in (1, 2, 5, 6, 7)] != [
        bar(before, number) for number in (1, 2, 5, 6, 7)
    ]
    assert other["recipe"]["keep"] == ["3", "4"]
    assert [parent["id"] for parent in other["parents"]] == [melody["id"]]
    assert {source["licence"] for source in other["recipe"]["sources"] if source["role"] == "tune"} == {"CC0"}


def test_an_archive_of_tunes_is_a_style_as_well(client: Any, melody: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "jigs.zip"
    path.write_bytes(zipped_jigs())
    asked = client.predict(
        tune=[gradio_client.handle_file(path)], seed=3, end="G", **WISHES, api_name="/compose"
    )
    work = made(client, asked)
    assert tune_of(client, work).sounding == tune_of(client, melody).sounding


@pytest.mark.parametrize("form", names())
def test_every_format_is_exported_with_the_recipe_inside(
    client: Any, melody: dict[str, Any], form: str
) -> None:
    path = Path(client.predict(melody["id"], form, api_name="/export"))
    assert path.suffix == f".{form}"
    assert melody["id"][:4] in path.name
    content = path.read_bytes()
    recipe = json.loads(extract(content) or "{}")
    assert (recipe["kind"], recipe["format"], recipe["seed"]) == ("compose", form, 3)
    if form in ("mid", "mxl", "abc"):
        exported = read_tunes(content, path.name).tunes[0]
        notes = [(note.pitch, note.start) for note in exported.sounding]
        assert notes == [(note.pitch, note.start) for note in tune_of(client, melody).sounding]
    elif form == "wav":
        with wave.open(io.BytesIO(content)) as sound:
            seconds = sound.getnframes() / sound.getframerate()
        assert seconds >= client.predict(melody["id"], api_name="/notes")["seconds"]


def test_the_page_is_told_what_a_melody_can_be_saved_as(melody: dict[str, Any]) -> None:
    assert [each["name"] for each in melody["exports"]] == list(names())
    labels = [each["label"] for each in melody["exports"]]
    assert labels == ["MIDI", "MusicXML", "Compressed MusicXML", "ABC", "Sound", "FLAC", "MP3", "Score"]


def test_a_melody_kept_as_sound_has_its_notes_too(client: Any, files: list[Any]) -> None:
    asked = client.predict(tune=files, seed=3, format="wav", **WISHES, api_name="/compose")
    work = made(client, asked)
    assert work["media_type"] == "audio/wav"
    told = client.predict(work["id"], api_name="/notes")
    exported = Path(client.predict(work["id"], "musicxml", api_name="/export")).read_bytes()
    tune = read_tunes(exported, "sound.musicxml").tunes[0]
    assert [note["pitch"] for note in told["notes"]] == [note.pitch for note in tune.sounding]


def test_notes_that_another_instrument_does_not_have_are_told(
    client: Any, studio: Open, melody: dict[str, Any]
) -> None:
    pitches = [note["pitch"] for note in client.predict(melody["id"], api_name="/notes")["notes"]]
    lowest = 74  # of a piccolo

    def told(instrument: str) -> str:
        address = f"{studio.address}/works/{melody['id']}/reach?instrument={instrument}"
        return str(json.load(urllib.request.urlopen(address, timeout=30))["told"])

    missing = sum(pitch < lowest for pitch in pitches)
    assert told("Piccolo").startswith(f"{missing} of {len(pitches)} notes are")
    assert "of Piccolo" in told("Piccolo")
    assert told("Acoustic%20Grand%20Piano") == ""


def test_an_unknown_format_is_answered_in_a_sentence(
    client: Any, studio: Open, melody: dict[str, Any]
) -> None:
    with pytest.raises(Exception, match="There is no format 'mp4'"):
        client.predict(melody["id"], "mp4", api_name="/export")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{studio.address}/works/{melody['id']}/as/mp4", timeout=30)
    assert refused.value.code == 404
    assert b"There is no format 'mp4'" in refused.value.read()


def test_wishes_that_conflict_say_which_to_leave_out_and_it_helps(client: Any, files: list[Any]) -> None:
    wishes = WISHES | {"pins": ["2:1=C2", "3:1=G4"]}
    asked = client.predict(tune=files, seed=1, **wishes, api_name="/compose")
    told = ended(client, asked)
    assert told["state"] == "failed"
    assert "Traceback" not in told["message"]
    (way,) = client.predict(asked["id"], api_name="/ways_out")
    assert way == {"label": "Leave out the pin 2:1=C2", "field": "pins", "value": ["3:1=G4"]}
    work = made(
        client,
        client.predict(tune=files, seed=1, **{**wishes, way["field"]: way["value"]}, api_name="/compose"),
    )
    assert bar(tune_of(client, work), 3)[0][0] == parse_pitch("G4")


def test_styles_are_listed_with_source_and_licence(client: Any) -> None:
    styles = {each["name"]: each for each in client.predict(api_name="/styles")}
    assert styles["northumbrian"]["tunes"] == 129
    assert all(each["sentence"] and each["source"] and each["licence"] for each in styles.values())
    assert styles["openewld"]["to_fetch"]
    assert not styles["ryans-mammoth"]["to_fetch"]


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"PK\3\4 and then nothing", "broken.zip", "damaged"),
        (b"no music at all", "plain.abc", "plain.abc"),
        (b"", "empty.mid", "empty.mid"),
    ],
)
def test_what_is_no_tune_is_refused_in_a_sentence(
    client: Any, tmp_path: Path, content: bytes, name: str, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    try:
        told = ended(
            client, client.predict(tune=[gradio_client.handle_file(path)], **WISHES, api_name="/compose")
        )
        message, state = told["message"], told["state"]
    except Exception as error:  # gradio_client raises the sentence as an error of its own
        message, state = str(error), "failed"
    assert state == "failed"
    assert said in message
    assert "Traceback" not in message


def test_an_archive_without_scores_is_refused(client: Any, tmp_path: Path) -> None:
    path = tmp_path / "letters.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("letter.txt", "Dear all")
    with pytest.raises(Exception, match=r"There is no score in letters\.zip"):
        client.predict(tune=[gradio_client.handle_file(path)], **WISHES, api_name="/compose")


def test_a_score_is_served_for_a_melody_and_nothing_else(studio: Open, melody: dict[str, Any]) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{studio.address}/works/nothing/score.svg", timeout=30)
    assert refused.value.code == 404
    with urllib.request.urlopen(
        f"{studio.address}/works/{melody['id']}/score.svg?page=narrow", timeout=60
    ) as answer:
        assert answer.headers["Content-Type"].startswith("image/svg+xml")
        assert answer.read().count(b'class="measure"') == 8
