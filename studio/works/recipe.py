"""A recipe describes one work completely: what it was made from, how, and with what.

The same recipe gives the same work on the same machine and versions. Ranges, defaults and help of every
parameter stand in the recipe's fields and nowhere else: `controls()` reads them back for the command line,
the sliders and the docs.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    field_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_after_validator_function

from studio.errors import Refused, Unreadable

SCHEMA_VERSION = 1

_CONTROL_SIGNS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Frozen(BaseModel):
    """What a recipe consists of: unknown fields are refused and nothing changes after it was checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


MOST_CREDIT = 500
"""Characters of a source's title, author or licence."""


class Source(Frozen):
    """A file a work was made from, known by its content. `role` says what for: photo, guide, mask, style,
    tune …
    """

    sha256: Sha256
    role: str
    name: str = Field("", description="file name without its folder", max_length=255)
    title: str = Field("", max_length=MOST_CREDIT)
    author: str = Field("", max_length=MOST_CREDIT)
    licence: str = Field("", max_length=MOST_CREDIT)

    @field_validator("name", "title", "author", "licence")
    @classmethod
    def _one_line(cls, text: str) -> str:
        """Labels come from strangers' files and end up in terminals and pages, so line ends and control signs
        become spaces.
        """
        return _CONTROL_SIGNS.sub(" ", text).strip()

    @field_validator("name")
    @classmethod
    def _without_its_folder(cls, name: str) -> str:
        """Folders tell who somebody is (C:\\Users\\Anna), and the recipe leaves the house with the work."""
        return re.split(r"[/\\]", name)[-1]


class ModelIdentity(Frozen):
    """Which trained network took part: the name it goes by here and the sha256 of its weights file."""

    name: str
    sha256: Sha256


class Setting(Frozen):
    """The machinery of one making. It may change a last digit, so it is recorded, but it is not part of what
    was asked for.
    """

    versions: dict[str, str] = Field(default_factory=dict, description="studio, python, torch … -> version")
    device: str = Field("", description="cpu, cuda or mps, with the processor's name")


class Recipe(Frozen):
    """What every kind of work has in common; each kind adds its own parameters in a subclass with its own
    `kind`.
    """

    schema_version: Literal[1] = 1
    kind: str
    sources: tuple[Source, ...] = ()
    seed: int = Field(0, ge=0, le=2**31 - 1, description="The dice: the same number gives the same work.")
    model: ModelIdentity | None = None
    setting: Setting | None = None

    def source(self, role: str) -> Source | None:
        """The source with that role, or None."""
        return next((source for source in self.sources if source.role == role), None)

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces, so equal recipes are equal texts. `parse_json` gives the
        same recipe back.
        """
        fields = self.model_dump(mode="json")
        # An empty parameter is a wish ("the photo's own size") and stays; only what is not known yet is left
        # out.
        for later in ("model", "setting"):
            if fields[later] is None:
                del fields[later]
        return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def fingerprint(self) -> str:
        """sha256 (hex) of everything that was asked for: the recipe without the machine it ran on, and
        without how sources are labelled.
        """
        asked = self.model_dump(mode="json", exclude={"setting", "model"})
        asked["sources"] = [[source.role, source.sha256] for source in self.sources]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    def called(self) -> str:
        """What the work is called, where its kind knows better than its sources; otherwise empty."""
        return ""

    def in_words(self) -> str:
        """The recipe as an artist would tell it. Kinds say it better; this is the plain form."""
        made_from = ", ".join(source.title or source.name or source.sha256[:8] for source in self.sources)
        return f"{self.kind.capitalize()}{f' from {made_from}' if made_from else ''}, seed {self.seed}."


R = TypeVar("R", bound=Recipe)


def check(kind: type[R], fields: dict[str, Any]) -> R:
    """Build a recipe from loose values, saying in one sentence what is wrong with them.

    Raises `Refused` naming the first field at fault, its value and what it may be.
    """
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise Refused(_in_a_sentence(kind, error)) from None


def parse_json(kind: type[Recipe], text: str | bytes) -> Recipe:
    """Read a recipe back from `to_json`'s text. Raises `Unreadable` for what is no recipe or was edited into
    nonsense.
    """
    try:
        fields = json.loads(text)
        if not isinstance(fields, dict):
            raise ValueError
    except (ValueError, RecursionError):
        raise Unreadable("The recipe is not valid JSON; restore it from the original file.") from None
    version = fields.get("schema_version")
    if isinstance(version, int | float) and version > SCHEMA_VERSION:
        raise Unreadable(
            f"A newer studio wrote this recipe (schema {version}; this one reads {SCHEMA_VERSION}): update the studio."
        )
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise Unreadable(
            f"The recipe was changed by hand and no longer holds: {_in_a_sentence(kind, error)}"
        ) from None


_MENDS = {
    "missing": "fill it in",
    "string_pattern_mismatch": "it must be 64 digits from 0 to 9 and a to f",
    "string_too_long": "make it shorter",
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
"""How what pydantic finds wrong is mended, where its own words are a programmer's."""


def _in_a_sentence(kind: type[BaseModel], error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(place[:80], kind.model_fields, n=1)
        mend = f"did you mean '{near[0]}'?" if near else "leave it out."
        return f"'{_shortened(place)}' is not a setting of a {_kind_name(kind)}; {mend}"
    said = first["msg"].removeprefix("Value error, ")
    if not place:
        return said
    mend = _MENDS.get(first["type"]) or (said[:1].lower() + said[1:]).replace("input should be", "it must be")
    limits = _limits(kind, str(first["loc"][0]))
    if limits and "number" in mend:
        mend += f", {limits}"
    elif limits and first["type"] in ("greater_than_equal", "less_than_equal"):
        mend = f"it must be {limits}"
    place = _shortened(place.replace("_", " "))
    if first["type"] == "missing":
        return f"{place} is missing; {mend}."
    if first["type"] == "value_error" and isinstance(first["input"], list | tuple) and first["input"]:
        return f"{place}: {said.rstrip('.')}."  # it names the one that is meant
    try:
        given = _shortened(repr(first["input"]))
    except ValueError:  # Python will not write out an integer of thousands of digits.
        given = "too long"
    return f"{place} is {given}; {mend.rstrip('.')}."


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


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}…"


@dataclass(frozen=True)
class OneOf:
    """For fields that take a name from a table that may grow: `format: Annotated[str, OneOf(names)]`.

    names: gives the names there are. It is asked whenever a value is checked or the controls are listed.
    """

    names: Callable[[], Iterable[str]]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(schema) | {"enum": list(self.names())}

    def _checked(self, name: str) -> str:
        names = [f"'{each}'" for each in self.names()]
        if f"'{name}'" not in names:
            expected = " or ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
            raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})
        return name


class Fold(StrEnum):
    """Where a control stands in the app: in sight, or folded away until asked for."""

    IN_SIGHT = "in sight"
    FOLDED = "folded"


@dataclass(frozen=True)
class Control:
    """One parameter of a recipe as the command line and the app need it."""

    name: str
    type: type
    default: Any
    help: str
    minimum: float | None
    maximum: float | None
    step: float | None
    unit: str
    choices: tuple[str, ...]
    fold: Fold
    many: bool

    HIDDEN: ClassVar[frozenset[str]] = frozenset({"schema_version", "kind", "sources", "model", "setting"})

    @property
    def option(self) -> str:
        """The command line's spelling: --octave-scale."""
        return "--" + self.name.replace("_", "-")


def parameter(
    default: Any,
    description: str,
    *,
    ge: float | None = None,
    le: float | None = None,
    step: float | None = None,
    unit: str = "",
    in_sight: bool = False,
    **more: Any,
) -> Any:
    """A recipe's field with what the app's slider and the command line's help need: range, step, unit, one
    sentence.
    """
    fold = Fold.IN_SIGHT if in_sight else Fold.FOLDED
    return Field(
        default,
        description=description,
        ge=ge,
        le=le,
        json_schema_extra={"step": step, "unit": unit, "fold": fold.value},
        **more,
    )


def controls(kind: type[Recipe]) -> list[Control]:
    """Every parameter of this kind of recipe that a person may set, in the order of the fields."""
    found = []
    for name, field in kind.model_fields.items():
        if name in Control.HIDDEN:
            continue
        annotation, many = field.annotation, False
        if get_origin(annotation) is Union or "UnionType" in type(annotation).__name__:
            annotation = next(part for part in get_args(annotation) if part is not type(None))
        if get_origin(annotation) in (tuple, list):
            annotation, many = get_args(annotation)[0], True
        choices = (
            tuple(str(choice) for choice in get_args(annotation)) if get_origin(annotation) is Literal else ()
        )
        table = next((mark for mark in field.metadata if isinstance(mark, OneOf)), None)
        choices = tuple(table.names()) if table else choices
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        found.append(
            Control(
                name=name,
                type=str if choices else annotation if isinstance(annotation, type) else str,
                default=field.default,
                help=field.description or "",
                minimum=next((float(str(mark.ge)) for mark in field.metadata if isinstance(mark, Ge)), None),
                maximum=next((float(str(mark.le)) for mark in field.metadata if isinstance(mark, Le)), None),
                step=extra.get("step"),  # type: ignore[arg-type]
                unit=str(extra.get("unit", "")),
                choices=choices,
                fold=Fold(str(extra.get("fold", Fold.FOLDED.value))),
                many=many,
            )
        )
    return found
