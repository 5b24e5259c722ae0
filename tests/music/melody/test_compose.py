"""A melody made on the command line, read back by other libraries: what was asked for holds, and no more is
copied than allowed.
"""

from __future__ import annotations

import json
import re
import wave
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from studio.errors import Contradiction
from studio.music.melody import compose
from studio.music.melody.recipes import ComposeRecipe
from studio.music.melody.takes import consider
from studio.music.reading.readers import read_tunes
from studio.music.scores.tunes import Tune
from studio.music.styles.opening import ready_style
from studio.music.styles.style import Style
from studio.music.styles.table import music21_corpus
from studio.music.writing.formats import names
from studio.process import finish
from tests.conftest import Studio

pytestmark = pytest.mark.xdist_group("styles")  # on one core: what one of them has prepared, the others use


@pytest.fixture
def read_before(home: Path, pytestconfig: pytest.Config) -> None:
    """What was read of the bundled styles is kept between runs of the tests, as a person's studio keeps it;
    works are not.
    """
    home.mkdir(exist_ok=True)
    (home / "styles").symlink_to(pytestconfig.cache.mkdir("styles"), target_is_directory=True)


# The command of the README, as other libraries read what it writes
# ---------------------------------------------------------------------

ASKED = [
    "--style",
    "ryans-mammoth",
    "--bars",
    "16",
    "--meter",
    "4/4",
    "--key",
    "D",
    "--end",
    "D",
    "--max-copy",
    "8",
    "--seed",
    "3",
]


@pytest.mark.usefixtures("read_before")
def test_sixteen_bars_that_end_on_d_with_no_run_of_nine_notes_copied(studio: Studio, tmp_path: Path) -> None:
    for suffix in names():
        status, out, complaint = studio("compose", "-o", f"tune.{suffix}", *ASKED, "--quiet")
        assert (status, out.strip(), complaint) == (0, f"tune.{suffix}", "")

    notes, meter = _by_mido(tmp_path / "tune.mid")
    assert meter == {(0, 4, 4)}
    assert all(before.end <= after.start for before, after in pairwise(notes)), "one voice"
    assert notes[0].start >= 0
    assert notes[-1].end == 16 * 4, "the last note sounds to the end of the sixteenth bar"
    assert notes[-1].pitch % 12 == 2
    assert all(note.start // 4 == (note.end - Fraction(1, 96)) // 4 for note in notes), "none over a bar line"

    style = ready_style("ryans-mammoth")
    runs = {
        tuple(steps[at : at + 8])
        for tune in style
        for pitches in (_pitches(tune, 0, tune.end), _played(tune))
        for steps in [[after - before for before, after in pairwise(pitches)]]
        for at in range(len(steps))
    }
    own = [after.pitch - before.pitch for before, after in pairwise(notes)]
    assert not [at for at in range(len(own) - 7) if tuple(own[at : at + 8]) in runs], (
        "nine notes are eight steps"
    )
    short = {run[:3] for run in runs}
    assert all(tuple(own[at : at + 3]) in short for at in range(len(own) - 2)), (
        "shorter ones the check does find"
    )

    pitches = [note.pitch for note in notes]
    for suffix in ("musicxml", "mxl", "abc"):
        measures, found = _by_music21(tmp_path / f"tune.{suffix}")
        assert found == pitches
        assert measures == [4] * 16
    with wave.open(str(tmp_path / "tune.wav")) as sound:
        seconds = sound.getnframes() / sound.getframerate()
    tempo = read_tunes((tmp_path / "tune.abc").read_bytes()).tunes[0].tempo
    assert 64 * 60 / tempo - 0.5 < seconds < 64 * 60 / tempo + 8
    assert (tmp_path / "tune.svg").read_text().count('class="note"') >= len(notes)

    # Made again from nothing but the file: no take and no style is left in memory.
    compose._kept_requests.cache_clear()
    for suffix in names():
        status, out, _ = studio("remake", f"tune.{suffix}")
        assert status == 0
        assert "Identical, to the byte" in out, suffix


class _Note:
    def __init__(self, pitch: int, start: Fraction, end: Fraction) -> None:
        self.pitch, self.start, self.end = pitch, start, end


def _by_mido(path: Path) -> tuple[list[_Note], set[tuple[int, int, int]]]:
    """Notes in quarter notes from the beginning, and (tick, numerator, denominator) of meters."""
    import mido

    file = mido.MidiFile(path)
    notes, meters, sounding = [], set(), {}
    for track in file.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "time_signature":
                meters.add((now, message.numerator, message.denominator))
            elif message.type == "note_on" and message.velocity:
                sounding[message.note] = now
            elif message.type in ("note_on", "note_off"):
                start = sounding.pop(message.note)
                notes.append(
                    _Note(
                        message.note, Fraction(start, file.ticks_per_beat), Fraction(now, file.ticks_per_beat)
                    )
                )
    assert not sounding
    return sorted(notes, key=lambda note: note.start), meters


def _by_music21(path: Path) -> tuple[list[float], list[int]]:
    """Quarter notes in each measure, and pitches, tied notes once."""
    from music21 import converter

    part = converter.parse(path, forceSource=True).parts[0]
    measures = [
        float(sum(note.quarterLength for note in measure.notesAndRests))
        for measure in part.getElementsByClass("Measure")
    ]
    return measures, [note.pitch.midi for note in part.stripTies().recurse().notes]


def _pitches(tune: Tune, start: Fraction | int, end: Fraction) -> list[int]:
    """Of the notes that begin in [start, end)."""
    low, high = float(start), float(end)
    return [
        note.pitch for note in tune.sounding if low <= float(note.start) < high and note.pitch is not None
    ]


def _played(tune: Tune) -> list[int]:
    """The pitches as a player plays them: repeated parts again, first endings only the first time."""
    played, here = [], Fraction(0)
    for again in tune.repeats:
        played += _pitches(tune, here, again.end)
        for time in range(2, again.times + 1):
            leaves_out = again.ending if time == again.times and again.ending is not None else again.end
            played += _pitches(tune, again.start, leaves_out)
        here = again.end
    return played + _pitches(tune, here, tune.end)


# A small style of one's own
# ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reels() -> Style:
    paths = [
        path for path in sorted((music21_corpus() / "ryansMammoth").glob("*.abc")) if "Reel" in path.name
    ]
    tunes = [tune for path in paths[::9] for tune in read_tunes(path.read_bytes(), path.name).tunes]
    return Style.of([tune for tune in tunes if str(tune.meter) == "2/4"][:16], "reels")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, reels: Style) -> Path:
    from studio.music.writing.abc import write_abc

    place = tmp_path_factory.mktemp("own") / "reels"
    place.mkdir()
    for number, tune in enumerate(reels):
        (place / f"{number}.abc").write_bytes(write_abc(tune))
    return place


SMALL = ("--bars", "4", "--form", "free", "--max-copy", "12")


def test_what_is_said_and_what_is_left_behind(studio: Studio, folder: Path, tmp_path: Path) -> None:
    status, out, _ = studio(
        "compose", "-o", "a.abc", "--style", folder, *SMALL, "--count", "2", "--seed", "5", "--json"
    )
    assert status == 0
    one, two = (json.loads(line) for line in out.splitlines())
    assert (one["path"], two["path"]) == ("a-1.abc", "a-2.abc")
    assert (one["recipe"]["seed"], two["recipe"]["seed"]) == (5, 6)
    assert (tmp_path / "a-1.abc").read_text() != (tmp_path / "a-2.abc").read_text()
    assert one["facts"]["bars"] == 4
    assert len(one["recipe"]["sources"]) == len(list(folder.iterdir())), "one's own tunes are its sources"

    before = (tmp_path / "a-2.abc").read_bytes()
    status, out, complaint = studio("compose", "-o", "a-2.abc", "--style", folder, *SMALL, "--seed", "9")
    assert (status, out) == (2, "")
    assert complaint.count("\n") == 1
    assert "exists already" in complaint
    assert (tmp_path / "a-2.abc").read_bytes() == before
    status, _, told = studio(
        "compose", "-o", "a-2.abc", "--style", folder, *SMALL, "--seed", "9", "--force", "--title", "Another"
    )
    assert status == 0
    assert "without the constraints" in told
    assert "T:Another" in (tmp_path / "a-2.abc").read_text()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--style", "ryans-mamoth"), "did you mean"),
        (("--style", "sixties-pop"), "make a song in it with studio song --style sixties-pop"),
        (("--meter", "five"), "meter"),
        (("--key", "H"), "key"),
        (("--bars", "0"), "bars"),
        (("--pin", "9:1=D4"), "bar 9"),
        (("--pin", "soon"), "is not a pin"),
        (("--range", "G5:C4"), "begins above its end"),
        (("--form", "AAB"), "into the 3 equally long parts"),
        (("--keep", "1-2"), "no take"),
        (("--instrument", "Kazoo orchestra"), "instrument"),
        (("--model", "lstm"), "studio train"),
        (("--start", "D4", "--pin", "1:1=rest"), "; leave "),
    ],
)
def test_what_cannot_be_had_is_one_line_and_leaves_nothing(
    studio: Studio, folder: Path, tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    status, out, complaint = studio("compose", "-o", "tune.mid", "--style", folder, *SMALL, *options)
    assert (status, out) == (2, ""), complaint
    assert says in complaint
    assert complaint.count("\n") == 1
    assert "Traceback" not in complaint
    assert not list(tmp_path.iterdir())


def test_originality_and_style_are_told(studio: Studio, reels: Style, folder: Path) -> None:
    status, out, _ = studio("originality", folder / "0.abc", "--style", folder, "--json")
    assert status == 0
    report = json.loads(out)
    longest = report["longest"]["interval"]
    assert longest["notes"] == len(reels[0].sounding), "it is one of them"
    assert report["nearest"]["agreement"] == 1
    assert all(set(row["song"].split()) == {"="} for row in report["nearest"]["side_by_side"])
    status, out, _ = studio("originality", folder / "0.abc", "--style", folder)
    assert status == 0
    assert f"has {longest['notes']} notes" in out
    assert studio("originality", folder / "0.abc", "--style", folder, "-q")[1].strip() == str(
        longest["notes"]
    )

    assert studio("styles", "add", "reels", folder, "-q")[0] == 0
    status, out, _ = studio("styles", "show", "reels", "--json")
    assert (status, json.loads(out)["tunes"]) == (0, len(reels))
    status, out, _ = studio("styles", "report", "reels", folder, "--json")
    placed = json.loads(out)
    assert status == 0
    assert placed["tunes"]["closeness"] > placed["shuffled"]["closeness"]
    status, _, complaint = studio("styles", "report", "reels", folder / "0.abc")
    assert status == 2
    assert "Three tunes" in complaint


# Settings that contradict each other
# ------------------------------------------------------------------------------------------------------

CONTRADICTIONS: list[tuple[dict[str, object], set[str]]] = [
    ({"end": "E", "cadences": ("8=1",)}, {"end", "cadences"}),
    ({"scale": "D E F# A B", "end": "G"}, {"scale", "end"}),
    ({"avoid": ("D4",), "end": "D4"}, {"avoid", "end"}),
    ({"scale": "pentatonic", "pins": ("2:1=G4",)}, {"scale", "pins"}),
    ({"scale": "D E F# A B", "motifs": ("G4 A4",)}, {"scale", "motifs"}),
    ({"start": "D5", "pins": ("1:1=note*3",)}, {"pins"}),
    ({"range": "D4:E4"}, {"range"}),
    ({"contour": ("1:D6", "8:D6"), "contour_limit": 0}, {"contour_limit"}),
    ({"density": "1:1"}, {"density"}),
    ({"motifs": ("+1 +1 +1 +1 +1 +1 +1",)}, {"motifs"}),
]


@pytest.mark.parametrize(("settings", "conflict"), CONTRADICTIONS)
def test_the_fewest_settings_that_conflict_are_named_and_without_one_the_rest_is_possible(
    settings: dict[str, object], conflict: set[str], reels: Style
) -> None:
    asked = {"bars": 8, "meter": "2/4", "key": "D", "max_copy": 12} | settings
    with pytest.raises(Contradiction) as caught:
        finish(consider(ComposeRecipe(**asked), reels))  # type: ignore[arg-type]
    assert {each.field for each in caught.value.conflict} == conflict
    for field in conflict:
        fewer = {name: value for name, value in asked.items() if name != field}
        assert finish(consider(ComposeRecipe(**fewer), reels)).log_chance < 0  # type: ignore[arg-type]


# Several takes
# ------------------------------------------------------------------------------------------------------------


def test_titles_and_takes_of_one_request_are_told_apart(studio: Studio, folder: Path, tmp_path: Path) -> None:
    for name, title in (("a", "First"), ("b", "Second")):
        studio("compose", "-o", f"{name}.abc", "--style", folder, *SMALL, "--title", title, "-q")
    one, two = ((tmp_path / f"{name}.abc").read_text() for name in "ab")
    assert "T:First" in one
    assert "T:Second" in two
    music = [re.sub(r"(?m)^(T:|%).*\n", "", text) for text in (one, two)]
    assert music[0] == music[1]


def test_a_temperature_that_makes_no_difference_is_refused() -> None:
    with pytest.raises(Contradiction, match="makes a difference to the network alone") as refused:
        finish(compose.compose(ComposeRecipe(temperature=1.5), lambda _: b""))
    ways = {(way.field, way.value) for way in refused.value.ways_out}
    assert ways == {("composer", "lstm"), ("temperature", 1.0)}
