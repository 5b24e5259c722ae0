"""Repairs a gallery, from the lost and found and from what its files say about themselves."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from studio.errors import StudioError, Unreadable
from studio.process import mapped
from studio.works import adding, looking, recovery
from studio.works.care.checking import GalleryReport, check, fingerprint_of, recipe_fields, uses_of_work
from studio.works.gallery import Gallery
from studio.works.metadata import CARRIERS, extract
from studio.works.naming import (
    clean,
    lost_file,
    search_text,
    source_file,
    thumbnail_file,
    work_file,
    work_id,
)
from studio.works.recipe import Recipe, Source, parse_json
from studio.works.recovery import Recovered
from studio.works.storage import Storage
from studio.works.tables import HERE, SourceRow, UseRow, WorkRow
from studio.works.titles import title_of
from studio.works.work import Progress

ReadRecipe = Callable[[str], Recipe]
"""Reads a recipe of any kind from its JSON, as `studio.making.kinds.read_recipe` does."""


@dataclass
class Repaired:
    """What a repair did, and what is left (see `report`).

    recovered: what dead processes had left. works_taken_back, sources_taken_back: from the lost and found.
    files_restored: from copies the gallery had. thumbnails_drawn: those that were gone. rows_mended: of works
    whose recipe or sources were wrong in the database.
    """

    recovered: Recovered
    works_taken_back: int = 0
    sources_taken_back: int = 0
    files_restored: int = 0
    thumbnails_drawn: int = 0
    rows_mended: int = 0
    report: GalleryReport | None = None


def common_recipe(text: str) -> Recipe:
    """A recipe of any kind with the fields that all kinds have. Raises `Unreadable`."""
    fields = recipe_fields(text)
    if fields is None:
        raise Unreadable("The recipe is not valid; restore it from the original file.")
    common = {name: value for name, value in fields.items() if name in Recipe.model_fields}
    return parse_json(Recipe, json.dumps(common))


def repair(gallery: Gallery, read_recipe: ReadRecipe = common_recipe) -> Generator[Progress, None, Repaired]:
    """Put everything in order that can be, then check the gallery. Nothing that a person may want is deleted.

    read_recipe: gives the recipe of a work that is taken back, for its title and words. Recipes it cannot
    read are described plainly. Raises `Refused` when the gallery cannot be written to.
    """
    storage = gallery.storage
    done = Repaired(gallery.recover())
    lost = [name for name in recovery.lost_names(storage) if name["folder"] == "works"]
    with storage.reading() as session:
        works = session.scalars(select(WorkRow.id).where(WorkRow.state == HERE)).all()
    half = max(1, len(lost) + len(works))  # the check at the end is the other half
    for number, name in enumerate(lost, 1):
        _take_back_work(storage, name, read_recipe, done)
        yield Progress(number, 2 * half, f"lost work {number} of {len(lost)}")
    for number, id in enumerate(works, 1):
        _mend_work(storage, id, done)
        yield Progress(len(lost) + number, 2 * half, f"work {number} of {len(works)}")
    _mend_sources(storage, done)
    looking.fill_in(storage)
    done.report = yield from mapped(
        check(gallery),
        lambda step: Progress(half + half * step.done // step.total, 2 * half, step.stage),
    )
    return done


# Works in the lost and found


def _take_back_work(storage: Storage, name: re.Match[str], read_recipe: ReadRecipe, done: Repaired) -> None:
    """Restore the row of a lost work from the recipe inside it. A damaged one, or one without, stays."""
    content = storage.read(lost_file(name[0]))
    if content is None or hashlib.sha256(content).hexdigest() != name["sha256"]:
        return
    try:
        text = extract(content)
    except Unreadable:
        return
    fields = recipe_fields(text) if text is not None else None
    if text is None or fields is None:
        return
    try:
        recipe = read_recipe(text)
    except StudioError:
        recipe = common_recipe(text)
    row = _row(recipe, text, fingerprint_of(fields), name, storage.store.modified(lost_file(name[0])))
    thumbnail = thumbnail_file(row.sha256)
    picture = storage.read(lost_file(thumbnail)) or storage.read(thumbnail)
    if picture is None:
        picture = draw_thumbnail(content, row.media_type)
    with storage.keeping() as session:
        storage.store.write(thumbnail, picture)
        storage.store.move(lost_file(name[0]), name[0])
        storage.store.delete(lost_file(thumbnail))
        if session.get(WorkRow, row.id) is None:
            session.add(row)
            session.flush()
            session.add_all(adding.uses_of(row.id, recipe))
    done.works_taken_back += 1
    for source in recipe.sources:
        done.sources_taken_back += _take_back_source(storage, source)


def _row(
    recipe: Recipe, text: str, fingerprint: str, name: re.Match[str], made_at: datetime | None
) -> WorkRow:
    title, words = title_of(recipe), clean(recipe.caption(), 10_000)
    suffix = name["suffix"] or ""
    types = {suffix: carrier.media_type for carrier in CARRIERS for suffix in carrier.suffixes}
    return WorkRow(
        id=work_id(fingerprint, name["sha256"]),
        state=HERE,
        kind=recipe.kind,
        title=title,
        words=words,
        search_text=search_text(recipe, title, f"{words} {recipe.in_words()}"),
        recipe_json=text,
        fingerprint=fingerprint,
        sha256=name["sha256"],
        media_type=types.get(suffix, "application/octet-stream"),
        suffix=suffix,
        made_at=made_at or datetime.now(UTC),
        losses=[],
        facts={},
        keeper="",
    )


# Works and sources that have a row


def _mend_work(storage: Storage, id: str, done: Repaired) -> None:
    with storage.reading() as session:
        row = session.get(WorkRow, id)
    if row is None or row.state != HERE:
        return
    file, thumbnail = work_file(row.sha256, row.suffix), thumbnail_file(row.sha256)
    if not storage.intact(file, row.sha256):
        copy = _copy_of(storage, row.sha256)
        if copy is None:
            return
        storage.store.write(file, copy)
        done.files_restored += 1
    content = storage.store.read(file)
    if not storage.store.size(thumbnail):
        storage.store.write(thumbnail, draw_thumbnail(content, row.media_type))
        done.thumbnails_drawn += 1
    with storage.keeping() as session:
        done.rows_mended += _mend_row(session, id, content)


def _mend_row(session: Session, id: str, content: bytes) -> bool:
    """Make the row agree with the recipe in its file."""
    row = session.get(WorkRow, id)
    if row is None:
        return False
    try:
        inside = extract(content)
    except Unreadable:
        inside = None
    before = row.recipe_json, row.fingerprint
    if inside is not None and recipe_fields(inside) is not None:
        row.recipe_json = inside
        if work_id(row.fingerprint, row.sha256) != id:
            row.fingerprint = fingerprint_of(recipe_fields(inside) or {})
    fields = recipe_fields(row.recipe_json) or {}
    named = {(source["sha256"], source["role"]) for source in fields.get("sources", [])}
    uses = uses_of_work(session, id)
    if fields and named != uses:
        session.execute(delete(UseRow).where(UseRow.work_id == id))
        session.add_all(UseRow(work_id=id, sha256=sha256, role=role) for sha256, role in named)
    return before != (row.recipe_json, row.fingerprint) or bool(fields and named != uses)


def _mend_sources(storage: Storage, done: Repaired) -> None:
    """Bring back sources that works use, from the lost and found, or from the work that is the source."""
    with storage.reading() as session:
        recipes = session.scalars(select(WorkRow.recipe_json).where(WorkRow.state == HERE)).all()
        kept = session.scalars(select(SourceRow.sha256)).all()
    named: dict[str, Source] = {}
    for text in recipes:
        try:
            named |= {source.sha256: source for source in common_recipe(text).sources}
        except Unreadable:
            continue
    for source in named.values():
        done.sources_taken_back += _take_back_source(storage, source)
    for sha256 in kept:
        if not storage.intact(source_file(sha256), sha256):
            copy = _copy_of(storage, sha256)
            if copy is not None:
                storage.store.write(source_file(sha256), copy)
                done.files_restored += 1


def _take_back_source(storage: Storage, source: Source) -> bool:
    """Restore the row of a source that a work names, if its bytes can be found."""
    with storage.reading() as session:
        if session.get(SourceRow, source.sha256) is not None:
            return False
    content = _copy_of(storage, source.sha256)
    if content is None:
        return False
    labels = source.model_dump(include={"name", "title", "author", "licence"})
    with storage.keeping() as session:
        if session.get(SourceRow, source.sha256) is None:
            storage.store.write(source_file(source.sha256), content)
            row = SourceRow(sha256=source.sha256, size=len(content), kept_at=datetime.now(UTC), **labels)
            row.state, row.keeper = HERE, ""
            session.add(row)
    storage.store.delete(lost_file(source_file(source.sha256)))
    return True


def _copy_of(storage: Storage, sha256: str) -> bytes | None:
    """Bytes with this hash: among the sources, the works, the lost and found or what was fetched before."""
    with storage.reading() as session:
        suffixes = session.scalars(select(WorkRow.suffix).where(WorkRow.sha256 == sha256)).all()
    names = [source_file(sha256), *(work_file(sha256, suffix) for suffix in suffixes)]
    for name in [*names, *map(lost_file, names)]:
        content = storage.read(name)
        if content is not None and hashlib.sha256(content).hexdigest() == sha256:
            return content
    for name in names:
        try:
            content = storage.cache.read(name)
        except FileNotFoundError:
            continue
        if hashlib.sha256(content).hexdigest() == sha256:
            return content
    return None


def draw_thumbnail(content: bytes, media_type: str) -> bytes:
    """A new thumbnail for a work that lost its own: JPEG, longest side at most 512 px; grey for music."""
    from PIL import Image

    picture = Image.new("RGB", (512, 288), (224, 224, 224))
    if media_type in ("image/png", "image/jpeg", "image/webp", "image/tiff"):
        try:
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP", "TIFF")) as opened:
                picture = opened.convert("RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            pass  # it is damaged or too large: grey has to do
    picture.thumbnail((512, 512))
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=85)
    return written.getvalue()
