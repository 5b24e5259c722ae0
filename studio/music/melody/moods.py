"""The moods: named settings for melodies, one row each. A mood only fills in what was not said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studio.errors import UnknownName


@dataclass(frozen=True)
class Mood:
    """A row. name: what users type. sentence: what it does. values: fields of a melody's recipe."""

    name: str
    sentence: str
    values: Mapping[str, Any]


MOODS = {
    mood.name: mood
    for mood in (
        Mood("calm", "Slow, with few notes.", {"tempo": 76, "density": "1:6"}),
        Mood("lively", "Fast, with many notes.", {"tempo": 138, "density": "3:12"}),
        Mood("dreamy", "Slow, and only the notes of the key.", {"tempo": 66, "scale": "key"}),
        Mood("folk", "At a walking pace, on five notes.", {"tempo": 104, "scale": "pentatonic"}),
        Mood("bright", "Quick, and never low.", {"tempo": 120, "range": "D4:D6"}),
    )
}


def with_mood(settings: Mapping[str, Any], table: Mapping[str, Mood] = MOODS) -> dict[str, Any]:
    """The settings without their "mood", completed by its values. What was given itself stays.

    Raises `UnknownName` for a mood that there is not.
    """
    given = dict(settings)
    name = given.pop("mood", None)
    if not name:
        return given
    if name not in table:
        raise UnknownName("mood", str(name), table)
    return {**table[name].values, **given}
