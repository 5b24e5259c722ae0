"""Moods fill in what was not said, on the command line as on the page, and styles can meet them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from studio.cli import commands
from studio.errors import UnknownName
from studio.music.melody.constraints import recipe_class
from studio.music.melody.moods import MOODS, with_mood
from studio.works.recipe import check


def test_what_was_said_stays_and_the_mood_itself_is_no_setting() -> None:
    assert with_mood({"mood": "calm", "tempo": 100}) == {**MOODS["calm"].values, "tempo": 100}
    assert with_mood({"bars": 8}) == {"bars": 8}
    with pytest.raises(UnknownName, match="calm"):
        with_mood({"mood": "clam"})


@pytest.mark.parametrize("mood", MOODS)
def test_every_mood_is_made_of_settings_a_melody_takes(mood: str) -> None:
    found = check(recipe_class(), with_mood({"mood": mood}))
    assert MOODS[mood].values.keys() <= found.model_fields_set


def test_a_mood_on_the_command_line_is_heard_in_the_tune(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "home"))
    tune = tmp_path / "calm.abc"
    asked = ["compose", "-o", str(tune), "--style", "american-fife", "--bars", "8", "--mood", "calm", "-q"]
    done = CliRunner().invoke(commands, asked)
    assert done.exit_code == 0, done.output
    assert "Q:1/4=76" in tune.read_text("utf-8")
