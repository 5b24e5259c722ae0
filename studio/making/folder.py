"""A folder of photos, all made with one look: a batch with a line for every photo, whose works are written
into another folder as they come.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.errors import Refused, StudioError
from studio.making.batch import BatchEvent, run_batch
from studio.making.exporting import export
from studio.works.formats import Format

if TYPE_CHECKING:
    from studio.making.kinds import Kind
    from studio.works.gallery import Gallery

SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".tif", ".tiff", ".psd", ".psb"),
    *(".bmp", ".gif", ".ico", ".tga", ".jp2", ".j2k", ".ppm", ".pgm", ".pbm"),
)
"""Files of a folder that are taken for photos."""


@dataclass(frozen=True)
class FolderRequest:
    """What is asked for. settings: of every work. files: by role, what goes into every work beside its photo.
    credit: due to every photo. form: of the files written. force: files that exist are replaced.
    """

    kind: Kind
    photos: Path
    output: Path
    form: Format
    settings: Mapping[str, Any]
    files: Mapping[str, list[str]] = field(default_factory=dict)
    credit: Mapping[str, str] = field(default_factory=dict)
    force: bool = False


@dataclass(frozen=True)
class FolderEvent:
    """What happened to one photo. what: made, there (the gallery had the work), skipped (its file exists), or
    failed. path: of the file written, or that exists.
    """

    what: str
    photo: str
    sentence: str
    path: str = ""
    work_id: str | None = None


def make_folder(asked: FolderRequest, gallery: Gallery, workers: int = 1) -> Iterator[FolderEvent]:
    """Make all of them, with an event for every photo. What is finished stays when the caller stops asking.

    Raises `Refused` for a folder without photos, and what `run_batch` raises.
    """
    outputs = _outputs(asked)
    lines: list[tuple[Path, Path]] = []
    for photo, path in outputs.items():
        if path.exists() and not asked.force:
            yield FolderEvent("skipped", photo.name, f"{path} is there already.", str(path))
        else:
            lines.append((photo, path))
    recipes = "\n".join(_line(asked, photo) for photo, _ in lines)
    for event in run_batch(recipes, gallery, workers=workers) if lines else ():
        if event.what not in ("lost", "summary"):
            yield _written(event, *lines[event.line - 1], asked, gallery)


def _written(
    event: BatchEvent, photo: Path, path: Path, asked: FolderRequest, gallery: Gallery
) -> FolderEvent:
    if event.work_id is None:
        return FolderEvent("failed", photo.name, event.told)
    try:
        export(gallery.get(event.work_id), gallery, path, force=asked.force)
    except StudioError as error:
        return FolderEvent("failed", photo.name, str(error), work_id=event.work_id)
    return FolderEvent(event.what, photo.name, event.told, str(path), event.work_id)


def _outputs(asked: FolderRequest) -> dict[Path, Path]:
    """Where the work of each photo goes: the photo's name, with its old suffix where two photos share one."""
    photos = sorted(
        each
        for each in asked.photos.iterdir()
        if each.is_file() and each.suffix.lower() in SUFFIXES and not each.name.startswith(".")
    )
    if not photos:
        raise Refused(f"There is no photo in {asked.photos}; name a folder with JPEG, PNG or other pictures.")
    stems = Counter(photo.stem.lower() for photo in photos)
    names = {photo: photo.stem if stems[photo.stem.lower()] == 1 else photo.name for photo in photos}
    return {photo: asked.output / f"{name}{asked.form.suffix}" for photo, name in names.items()}


def _line(asked: FolderRequest, photo: Path) -> str:
    first = asked.kind.roles[0].name
    credit = {name: text for name, text in asked.credit.items() if text}
    fields: dict[str, Any] = {"kind": asked.kind.name, first: {"path": str(photo.absolute())} | credit}
    for role, files in asked.files.items():
        if files:
            fields[role] = files
    if "format" in asked.kind.recipe_class().model_fields:
        fields["format"] = asked.form.name
    return json.dumps(fields | dict(asked.settings))
