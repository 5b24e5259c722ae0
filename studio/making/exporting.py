"""A work's file in another format, with the recipe inside that makes it in that format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.errors import Refused, StudioError, UnknownName
from studio.making.kinds import KINDS, Kind, found_at, read_recipe
from studio.works.formats import ALIKE
from studio.works.output import exists_already, write_file
from studio.works.recipe import check

if TYPE_CHECKING:
    from studio.works.formats import Format
    from studio.works.gallery import Gallery
    from studio.works.reads import ReadsWorks
    from studio.works.work import Work


def formats_of(work: Work) -> tuple[Format, ...]:
    """The formats a work can be had in; none where its kind cannot be written again."""
    kind = KINDS.get(work.kind)
    if kind is None or not kind.exports:
        return ()
    return tuple(found_at(kind.exports)(work))


def format_of(work: Work, name: str) -> Format:
    """The format of that name, for a work that can be had in it. Raises `UnknownName` or `Refused`."""
    found = {form.name: form for form in formats_of(work)}
    if name in found:
        return found[name]
    kind = KINDS.get(work.kind)
    if kind is not None and found and name in kind.format_table():
        raise Refused(_kept_as(work))
    raise UnknownName("format", name, found)


def in_format(
    work: Work, gallery: ReadsWorks, form: Format, performed: Mapping[str, Any] | None = None
) -> bytes:
    """The bytes of the work in that format. Its own file where it has that format already.

    performed: fields of the recipe that say how it sounds, such as its tempo, with other values; the work is
    not made again. Raises `Refused` for a field that its kind cannot change so, and for a value out of range.
    """
    kind: Kind = KINDS[work.kind]
    changes = {name: value for name, value in (performed or {}).items() if value}
    if work.suffix == form.suffix and not changes:
        return gallery.read(work)
    recipe = read_recipe(work.recipe_json)
    if changes:
        if not changes.keys() <= set(kind.performed):
            raise Refused(
                f"A {kind.label.lower()} cannot be written with another {next(iter(changes))}; leave it out."
            )
        check(type(recipe), changes)
        recipe = recipe.model_copy(update=changes)
    if "format" in type(recipe).model_fields:
        recipe = recipe.model_copy(update={"format": form.name})
    content: bytes = found_at(kind.renders)(work, gallery, recipe, form)
    return content


def export(
    work: Work,
    gallery: Gallery,
    path: Path,
    *,
    force: bool = False,
    performed: Mapping[str, Any] | None = None,
) -> Path:
    """Write the work's file, in the format of the path's suffix; see `Gallery.export`. performed: as for
    `in_format`.

    Raises `Refused` for a suffix it cannot be had in.
    """
    suffix = ALIKE.get(path.suffix.lower(), path.suffix.lower())
    form = next((form for form in formats_of(work) if form.suffix == suffix), None)
    if path.is_dir() or form is None or (form.suffix == work.suffix and not any((performed or {}).values())):
        if not path.is_dir() and form is None and formats_of(work) and _is_of_its_kind(work, suffix):
            raise Refused(_kept_as(work))
        return gallery.export(work, path, force=force)
    if path.exists() and not force:
        raise exists_already(path)
    return write_file(in_format(work, gallery, form, performed), path, force=force)


def _is_of_its_kind(work: Work, suffix: str) -> bool:
    try:
        KINDS[work.kind].format_table().by_suffix(suffix)
    except StudioError:
        return False
    return True


def _kept_as(work: Work) -> str:
    return (
        f"The work is kept as a {work.suffix} file, which leaves part of it out: export it as that, or make "
        "it again in the other format."
    )
