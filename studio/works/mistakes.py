"""What is wrong with the fields of a recipe, in one sentence that says how to fix it."""

from __future__ import annotations

import difflib

from pydantic import BaseModel, ValidationError

_REMEDIES = {
    "missing": "fill it in",
    "string_pattern_mismatch": "it must be 64 digits from 0 to 9 and a to f",
    "tuple_type": "it must be a list",
    "string_type": "it must be text",
    "bool_parsing": "it must be true or false",
    "bool_type": "it must be true or false",
    "finite_number": "it must be a number",
    "float_parsing": "it must be a number",
    "float_type": "it must be a number",
    "int_parsing": "it must be a whole number",
    "int_type": "it must be a whole number",
    "int_from_float": "it must be a whole number",
    "int_parsing_size": "it must be a whole number",
}
"""What to do about a mistake, by pydantic's name for it, where its own words are meant for programmers."""

_TOO_LONG = {"string_too_long": "characters", "too_long": "entries"}


def sentence(kind: type[BaseModel], error: ValidationError) -> str:
    """The first mistake in the fields of a recipe of this kind: which field, its value, what it may be."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(place[:80], kind.model_fields, n=1)
        remedy = f"did you mean '{near[0]}'?" if near else "leave it out."
        return f"'{_shortened(place)}' is not a setting of a {_kind_name(kind)}; {remedy}"
    said = _shortened(first["msg"].removeprefix("Value error, "), LONGEST)
    if not place or (first["type"] == "value_error" and (said[:1].isupper() or said.startswith("'"))):
        return said  # the words name what is meant
    if first["type"] in _TOO_LONG:
        unit = _TOO_LONG[first["type"]]
        shown, most = _shortened(place.replace("_", " ")), first["ctx"]["max_length"]
        return f"{shown} is too long; give at most {most:,} {unit}."
    remedy = _remedy(first["type"], said, _limits(kind, str(first["loc"][0])))
    place = _named(first["loc"])
    if first["type"] == "missing":
        return f"{place} is missing; {remedy}."
    if first["type"] == "value_error" and isinstance(first["input"], list | tuple) and first["input"]:
        return f"{place}: {said.rstrip('.')}."  # the words name the entry that is meant
    try:
        given = _shortened(repr(first["input"]))
    except ValueError:  # Python will not write out an integer of thousands of digits
        given = "too long"
    if first["type"] == "value_error" and str(first["input"]) in said:
        return f"{place}: {said.rstrip('.')}."
    return f"{place} is {given}; {remedy.rstrip('.')}."


def _named(place: tuple[int | str, ...]) -> str:
    """A field, or an entry of a list, as a sentence calls it."""
    if len(place) == 2 and isinstance(place[1], int):
        return _shortened(f"entry {place[1] + 1} of {str(place[0]).replace('_', ' ')}")
    return _shortened(".".join(map(str, place)).replace("_", " "))


def _remedy(mistake: str, said: str, limits: str) -> str:
    remedy = _REMEDIES.get(mistake)
    if remedy is None:
        remedy = (said[:1].lower() + said[1:]).replace("input should be", "it must be")
        remedy = remedy.replace("less than or equal to", "at most").replace(
            "greater than or equal to", "at least"
        )
    if limits and "number" in remedy:
        return f"{remedy}, {limits}"
    if limits and mistake in ("greater_than_equal", "less_than_equal"):
        return f"it must be {limits}"
    return remedy


def _limits(kind: type[BaseModel], name: str) -> str:
    field = kind.model_fields.get(name)
    marks = field.metadata if field else ()
    return " and ".join(
        f"{word} {getattr(mark, bound)}"
        for word, bound in (("at least", "ge"), ("at most", "le"))
        for mark in marks
        if hasattr(mark, bound)
    )


def _kind_name(kind: type[BaseModel]) -> str:
    default = kind.model_fields["kind"].default if "kind" in kind.model_fields else None
    return default if isinstance(default, str) else "recipe"


LONGEST = 400
"""Characters of a sentence that a check of a recipe may say; it may quote what was given."""


def _shortened(text: str, longest: int = 80) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}…"
