"""A recipe describes one work completely: what it was made from, how, and with what.

The same recipe gives the same work on the same machine and versions. The range, default and help of every
parameter are written in the recipe's fields and nowhere else. `controls()` reads them back for the command
line, the page and the documentation.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_after_validator_function

from studio.errors import Refused, Unreadable
from studio.works.mistakes import sentence

SCHEMA_VERSION = 1

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Frozen(BaseModel):
    """A part of a recipe: unknown fields are refused, and nothing changes after it was checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _true_is_no_number(cls, fields: Any) -> Any:
        """Python takes true for 1."""
        for name, value in fields.items() if isinstance(fields, dict) else ():
            values = value if isinstance(value, list | tuple) else (value,)
            field = cls.model_fields.get(name)
            if field is None or not any(isinstance(each, bool) for each in values):
                continue
            types = _types_in(field.annotation)
            if bool not in types and types & {int, float}:
                said = str(next(each for each in values if isinstance(each, bool))).lower()
                raise ValueError(f"{name.replace('_', ' ')} is {said}; it must be a number.")
        return fields


MOST_CREDIT = 500
"""Characters of a source's title, author or licence."""

LONGEST_NAME = 100
"""Characters of a name from one of our tables, such as a preset's."""

MOST_SOURCES = 10_000
"""Sources of one work: somebody's whole collection of tunes."""


class Source(Frozen):
    """A file that a work was made from, known by its content.

    role: what it is for: photo, guide, mask, style, tune …
    """

    sha256: Sha256
    role: str = Field(max_length=LONGEST_NAME)
    name: str = Field("", description="file name without its folder", max_length=255)
    title: str = Field("", max_length=MOST_CREDIT)
    author: str = Field("", max_length=MOST_CREDIT)
    licence: str = Field("", max_length=MOST_CREDIT)

    @field_validator("name", "title", "author", "licence")
    @classmethod
    def _one_line(cls, text: str) -> str:
        """Labels come from strangers' files and are shown in terminals and pages, so line ends and control
        characters become spaces.
        """
        return _CONTROL_CHARACTERS.sub(" ", text).strip()

    @field_validator("name")
    @classmethod
    def _without_its_folder(cls, name: str) -> str:
        """Folders say who somebody is (C:\\Users\\Anna), and the recipe goes wherever the work goes."""
        return re.split(r"[/\\]", name)[-1]


class ModelIdentity(Frozen):
    """Which trained network took part: the name it goes by here and the sha256 of its weights file."""

    name: str = Field(max_length=MOST_CREDIT)
    sha256: Sha256


class Setting(Frozen):
    """What a work was made on. It may change a last digit, so it is recorded, but nobody asked for it."""

    versions: dict[str, str] = Field(default_factory=dict, description="studio, python, torch … -> version")
    device: str = Field("", description="cpu, cuda or mps, with the processor's name")


class Recipe(Frozen):
    """What every kind of work has in common. Each kind adds its parameters in a subclass with its own `kind`.

    seed: of the random numbers. model: the trained network that took part, and setting: the versions and the
    machine; both are known only once the work is made.
    """

    schema_version: Literal[1] = 1
    kind: str = Field(max_length=LONGEST_NAME)
    sources: Annotated[tuple[Source, ...], Field(max_length=MOST_SOURCES)] = ()
    seed: int = Field(0, ge=0, le=2**31 - 1, description="The same number gives the same result.")
    model: ModelIdentity | None = None
    setting: Setting | None = None

    LATER: ClassVar[frozenset[str]] = frozenset()
    """Fields that a later release added. At their default they are left out of the JSON and the fingerprint,
    so that works made before keep theirs.
    """

    OF_ITS_LOOK: ClassVar[tuple[str, ...]] = ()
    """Fields that a ready-made look sets, unless they are given."""

    LAST_IN_CALLS: ClassVar[tuple[str, ...]] = ()
    """Fields that came after version 0.8.0, in the order in which they came. Endpoints take them after all
    others, so that values that are sent by their place keep their meaning.
    """

    def source(self, role: str) -> Source | None:
        """The source with that role, or None."""
        return next((source for source in self.sources if source.role == role), None)

    def to_json(self) -> str:
        """Canonical JSON: sorted keys and no spaces, so equal recipes are equal texts.

        `parse_json` gives the same recipe back.
        """
        fields = self.model_dump(mode="json")
        # An empty parameter means something (the photo's own size). Only what is not known yet is left out.
        for later in ("model", "setting"):
            if fields[later] is None:
                del fields[later]
        self._leave_out_later(fields)
        return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def _leave_out_later(self, fields: dict[str, Any]) -> None:
        for name in self.LATER:
            if getattr(self, name) == type(self).model_fields[name].default:
                del fields[name]

    @property
    def fingerprint(self) -> str:
        """sha256 (hex) of everything that was asked for.

        It leaves out the machine and the network's weights, and the labels of the sources.
        """
        asked = self.model_dump(mode="json", exclude={"setting", "model"})
        asked["sources"] = [[source.role, source.sha256] for source in self.sources]
        self._leave_out_later(asked)
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    @property
    def credits(self) -> tuple[tuple[str, str, str, str], ...]:
        """Role, title, author and licence of each source."""
        return tuple((each.role, each.title, each.author, each.licence) for each in self.sources)

    def is_credited_as(self, recipe_json: str) -> bool:
        """Whether a work of that recipe, which has the same fingerprint, gives all the credit that this one
        asks for. A label that is empty here asks for nothing.
        """
        try:
            named = json.loads(recipe_json).get("sources", [])
            return len(named) == len(self.sources) and all(
                getattr(source, label) in ("", there.get(label, ""))
                for source, there in zip(self.sources, named, strict=True)
                for label in ("title", "author", "licence")
            )
        except (ValueError, AttributeError, RecursionError):
            return False

    def called(self) -> str:
        """The work's title, where its kind has a better one than the sources give; otherwise empty."""
        return ""

    def in_words(self) -> str:
        """The recipe in a sentence, as an artist would put it. Kinds of work replace this plain form.

        It is written into files: another sentence makes other files of the same recipe.
        """
        made_from = ", ".join(source.title or source.name or source.sha256[:8] for source in self.sources)
        return f"{self.kind.capitalize()}{f' from {made_from}' if made_from else ''}, seed {self.seed}."

    def caption(self) -> str:
        """The recipe in a sentence for people who look at the work, without names of machinery.

        `in_words` goes into the work's file, so that its bytes depend on it; this one is only shown.
        """
        return self.in_words()

    def manner(self) -> str:
        """What was done, as a title ends: "creatures", or "after Night wind"."""
        return str(getattr(self, "preset", None) or self.kind)


R = TypeVar("R", bound=Recipe)


def check(kind: type[R], fields: dict[str, Any]) -> R:
    """Build a recipe from loose values.

    Raises `Refused`, whose sentence names the first field that is wrong, its value and what it may be.
    """
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]["loc"]
        raise Refused(sentence(kind, error), setting=str(wrong[0]) if wrong else "") from None


def parse_json(kind: type[Recipe], text: str | bytes) -> Recipe:
    """Read a recipe back from the text of `to_json`. Raises `Unreadable` as `from_fields` does."""
    try:
        return from_fields(kind, json.loads(text))
    except (ValueError, RecursionError):
        raise Unreadable("The recipe is not valid JSON; restore it from the original file.") from None


def from_fields(kind: type[Recipe], fields: Any) -> Recipe:
    """A recipe from the decoded JSON of `to_json`.

    Raises `Unreadable` for what is not a recipe, was edited into nonsense, or comes from a newer studio.
    """
    if not isinstance(fields, dict):
        raise Unreadable("The recipe is not valid JSON; restore it from the original file.")
    version = fields.get("schema_version")
    if isinstance(version, int | float) and version > SCHEMA_VERSION:
        raise Unreadable(
            f"A newer studio wrote this recipe (schema {version}; this one reads {SCHEMA_VERSION}): "
            "update the studio."
        )
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise Unreadable(
            f"The recipe was changed by hand and is no longer valid: {sentence(kind, error)}"
        ) from None


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
    """Where the page shows a control: in sight, or folded away until somebody opens it."""

    IN_SIGHT = "in sight"
    FOLDED = "folded"


@dataclass(frozen=True)
class Control:
    """One parameter of a recipe, as the command line and the page need it.

    type: of one value, str where there are choices. many: it takes a list of them, at most `most` where that
    is not None. minimum, maximum, step, unit: of a number. longest: characters of a text, or of each text of
    a list; None where there is no text, or one of the choices.
    """

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
    longest: int | None = None
    most: int | None = None

    HIDDEN: ClassVar[frozenset[str]] = frozenset(
        {"schema_version", "kind", "sources", "model", "setting", "begin_at", "more", "pieces"}
    )

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
    """A field of a recipe with what the page's slider and the command line's help need.

    ge, le: its range. A text or a list has a bound too (max_length, among `more`); a test checks that.
    step, unit: of the slider. in_sight: the page shows it without unfolding.
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
    return [_control(name, field) for name, field in kind.model_fields.items() if name not in Control.HIDDEN]


def _control(name: str, field: FieldInfo) -> Control:
    annotation, many = _type_of_one(field.annotation)
    inner = _marks_of_one(field.annotation)
    length = next((mark.max_length for mark in field.metadata if isinstance(mark, MaxLen)), None)
    table = next((mark for mark in field.metadata if isinstance(mark, OneOf)), None)
    choices: tuple[str, ...] = ()
    if table is not None:
        choices = tuple(table.names())
    elif get_origin(annotation) is Literal:
        choices = tuple(str(choice) for choice in get_args(annotation))
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    return Control(
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
        longest=next((mark.max_length for mark in inner if isinstance(mark, MaxLen)), None)
        if many
        else length,
        most=length if many else None,
    )


def _types_in(annotation: Any) -> set[Any]:
    """The plain types that an annotation is composed of."""
    inner = get_args(annotation)
    return set().union(*map(_types_in, inner)) if inner else {annotation}


def _marks_of_one(annotation: Any) -> tuple[Any, ...]:
    """What is said of each value of a list: `tuple[Annotated[str, Field(max_length=20)], ...]`."""
    first = next(iter(get_args(annotation)), None)
    if get_origin(annotation) not in (tuple, list) or get_origin(first) is not Annotated:
        return ()
    marks = get_args(first)[1:]
    return tuple(
        inner for mark in marks for inner in (mark.metadata if isinstance(mark, FieldInfo) else (mark,))
    )


def _type_of_one(annotation: Any) -> tuple[Any, bool]:
    """The type of one value of a field that may be optional or a list, and whether it is a list."""
    if get_origin(annotation) is Union or "UnionType" in type(annotation).__name__:
        annotation = next(part for part in get_args(annotation) if part is not type(None))
    if get_origin(annotation) in (tuple, list):
        first = get_args(annotation)[0]
        return (get_args(first)[0] if get_origin(first) is Annotated else first), True
    return annotation, False
