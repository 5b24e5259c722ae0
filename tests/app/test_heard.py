"""A file that is dropped on the Compose tab is told as `studio read` tells it."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from studio.app.heard import heard_as_html
from studio.cli import commands
from studio.music.melody.requests import MOST_SHOWN, describe_files
from studio.music.reading.assembling import TEMPO_CHANGES
from tests.app.tunes import jigs

SONG = b"""X:1
T:A <b>bold</b> song
C:Trad.
M:3/4
L:1/4
Q:1/4=90
K:G
D|"G"G2-"D7"G|1{c}BA3/2z/2:|2G3|]
"""


def test_everything_heard_is_shown_as_text() -> None:
    shown = heard_as_html(describe_files([("song.abc", SONG), ("no.abc", b"")]))
    assert "1 tune, 5 notes: 1 in 3/4." in shown
    assert "A &lt;b&gt;bold&lt;/b&gt; song" in shown
    assert "<span>Trad.</span>" in shown
    for fact in ("3/4, G major, 90 quarter notes a minute", "3 bars", "2 chord symbols", "a pick-up of 1"):
        assert fact in shown
    assert "    1  [G] [D7+2] G4:3\n    2  [1. B4 A4:3/2 rest:1/2 :|" in shown
    assert "<li>song.abc: Grace notes left out: 1.</li>" in shown
    assert '<p class="bad">no.abc is empty' in shown


def test_many_tunes_are_counted() -> None:
    found = describe_files((f"{number}-{name}", jig) for number in range(11) for name, jig in jigs().items())
    assert found["tunes"] == 55
    shown = heard_as_html(found)
    assert shown.count("<pre>") == MOST_SHOWN
    assert "… and 5 more." in shown


CASES = sorted(
    path
    for folder in ("music/reading", "data/midi")
    for path in (Path(__file__).parents[1] / folder).glob("**/[akcmx][0-9]*.*")
)


def test_files_are_told_on_the_page_as_by_the_command() -> None:
    assert len(CASES) > 35
    by_command = CliRunner().invoke(commands, ["read", *map(str, CASES)]).stdout
    for first in range(0, len(CASES), MOST_SHOWN - 1):  # one of them holds two tunes
        files = CASES[first : first + MOST_SHOWN - 1]
        found = describe_files([(path.name, path.read_bytes()) for path in files])
        assert (len(found["heard"]), found["unread"]) == (found["tunes"], [])
        for tune in found["heard"]:
            assert all(line in by_command for line in (tune["title"], *tune["facts"], *tune["bars"]))
        told = [remark for remark in found["remarks"] if not remark.endswith(TEMPO_CHANGES)]  # of melodies
        assert all(remark in by_command for remark in told)
