"""A recipe describes one work completely: what it was made from, how, and with what.

The same recipe gives the same work on the same machine and versions. Ranges, defaults and help of every parameter
stand in the recipe's fields and nowhere else: `controls()` reads them back for the command line, the sliders and the docs.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from studio.errors import Refused, Unreadable

SCHEMA_VERSION = 1

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Frozen(BaseModel):
    """What a recipe consists of: unknown fields are refused and nothing changes after it was checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(Frozen):
    """A file a work was made from, known by its content. `role` says what for: photo, guide, mask, style, tune …"""

    sha256: Sha256
    role: str
    name: str = Field("", description="file name without its folder", max_length=255)
    title: str = Field("", max_length=500)
    author: str = Field("", max_length=500)
    licence: str = Field("", max_length=500)


class ModelIdentity(Frozen):
    """Which trained network took part: the name it goes by here and the sha256 of its weights file."""

    name: str
    sha256: Sha256


class Setting(Frozen):
    """The machinery of one making. It may change a last digit, so it is recorded, but it is not part of what was asked for."""

    versions: dict[str, str] = Field(default_factory=dict, description="studio, python, torch … -> version")
    device: str = Field("", description="cpu, cuda or mps, with the processor's name")


class Recipe(Frozen):
    """What every kind of work has in common; each kind adds its own parameters in a subclass with its own `kind`."""

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
        """Canonical JSON: sorted keys, no spaces, so equal recipes are equal texts."""
        return json.dumps(self.model_dump(mode="json", exclude_none=True), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def fingerprint(self) -> str:
        """sha256 (hex) of everything that was asked for: the recipe without the machine it ran on, and without how sources are labelled."""
        asked = self.model_dump(mode="json", exclude_none=True, exclude={"setting", "model"})
        asked["sources"] = [[source.role, source.sha256] for source in self.sources]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    def in_words(self) -> str:
        """The recipe as an artist would tell it. Kinds say it better; this is the plain form."""
        made_from = ", ".join(source.title or source.name or source.sha256[:8] for source in self.sources)
        return f"{self.kind} from {made_from or 'nothing'}, seed {self.seed}."


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
    """Read a recipe back from `to_json`'s text. Raises `Unreadable` for what is no recipe or was edited into nonsense."""
    try:
        fields = json.loads(text)
        if not isinstance(fields, dict):
            raise ValueError
    except ValueError:
        raise Unreadable("The recipe is not valid JSON; restore it from the original file.") from None
    version = fields.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise Unreadable(f"A newer studio wrote this recipe (schema {version}; this one reads {SCHEMA_VERSION}): update the studio.")
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise Unreadable(f"The recipe was changed by hand and no longer holds: {_in_a_sentence(kind, error)}") from None


def _in_a_sentence(kind: type[BaseModel], error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{place} is not a setting of a {kind.model_fields['kind'].default or 'recipe'}."
    said = first["msg"].removeprefix("Value error, ")
    field = kind.model_fields.get(place)
    limits = [
        f"{word} {getattr(mark, bound)}"
        for mark in (field.metadata if field else ())
        for word, bound in (("at least", "ge"), ("at most", "le"))
        if hasattr(mark, bound)
    ]
    mend = f"it must be {' and '.join(limits)}" if limits else said[:1].lower() + said[1:]
    if not place:
        return said
    return f"{place.replace('_', ' ')} is {first['input']!r}; {mend.rstrip('.')}."


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
    """A recipe's field with what the app's slider and the command line's help need: range, step, unit, one sentence."""
    fold = Fold.IN_SIGHT if in_sight else Fold.FOLDED
    return Field(default, description=description, ge=ge, le=le, json_schema_extra={"step": step, "unit": unit, "fold": fold.value}, **more)


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
        choices = tuple(str(choice) for choice in get_args(annotation)) if get_origin(annotation) is Literal else ()
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
