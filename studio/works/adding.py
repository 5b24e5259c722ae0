"""How a work arrives: its row is committed, then its files are written, then the row says it is here."""

from __future__ import annotations

import contextlib
import hashlib
import math
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from studio.errors import Missing, Refused, StudioError
from studio.works import removing, sources
from studio.works.database import Busy
from studio.works.finding import as_works, here
from studio.works.keeper import Keeper
from studio.works.looking import look_hash
from studio.works.naming import (
    SUFFIX,
    as_json,
    clean,
    lost_file,
    search_text,
    thumbnail_file,
    work_file,
    work_id,
)
from studio.works.recipe import Recipe
from studio.works.storage import ATTEMPTS, PATIENCE, Storage
from studio.works.tables import ARRIVING, HERE, LEAVING, TRASH, SourceRow, UseRow, WorkRow
from studio.works.titles import title_of
from studio.works.work import Made, Work


def add(storage: Storage, made: Made) -> Work:
    """See `Gallery.add`."""
    row = row_of(made)
    try:
        _keep_works_used_as_sources(storage, made.recipe)
        return _add(storage, row, made)
    except (Busy, Missing) as error:
        raise _put_aside(storage, row, made, error) from error


def _add(storage: Storage, row: WorkRow, made: Made) -> Work:
    for _ in range(ATTEMPTS):
        with storage.keeping(PATIENCE) as session:
            was_here = _announce(session, row, made.recipe)
        try:
            _write_files(storage, row, made)
        except BaseException:
            if not was_here:
                with contextlib.suppress(Exception), storage.keeping() as session:
                    _withdraw(storage, session, row.id)
            raise
        with storage.keeping(PATIENCE) as session:
            settled = _settle(storage, session, row.id, len(made.content))
            if settled is not None:
                return as_works(session, [settled])[0]
    raise storage.unsettled()


def row_of(made: Made) -> WorkRow:
    """The row of a work that arrives. Raises `Refused` for a suffix or a name that no work can have."""
    if not SUFFIX.fullmatch(made.suffix):
        raise Refused(
            f"A work cannot have the file suffix '{made.suffix}': "
            "it is a dot and up to 15 small letters or digits."
        )
    recipe = made.recipe
    roles = (("source's role", source.role) for source in recipe.sources)
    for what, value in (("kind", recipe.kind), *roles):
        if len(value) > 32:
            raise Refused(f"The {what} '{value[:40]}…' is longer than 32 letters: give it a shorter name.")
    sha256, title = hashlib.sha256(made.content).hexdigest(), title_of(recipe, _picture(made))
    fingerprint = recipe.fingerprint
    words = clean(recipe.caption(), 10_000)
    return WorkRow(
        id=work_id(fingerprint, sha256),
        state=ARRIVING,
        kind=recipe.kind,
        title=title,
        words=words,
        search_text=search_text(recipe, title, f"{words} {recipe.in_words()}"),
        recipe_json=recipe.to_json(),
        fingerprint=fingerprint,
        sha256=sha256,
        media_type=made.media_type[:100],
        suffix=made.suffix,
        made_at=datetime.now(UTC),
        losses=[float(loss) if math.isfinite(loss) else None for loss in made.losses],  # JSON has no infinity
        facts=as_json(made.facts),
        keeper="",
        look=look_hash(made.thumbnail, made.media_type),
        starred=False,
    )


def _picture(made: Made) -> bytes:
    """The work's small picture, where it shows the work itself: music has a drawing of its notes."""
    return made.thumbnail if made.media_type.startswith("image/") else b""


def show(session: Session, row: WorkRow, made_at: datetime | None = None) -> None:
    """From now on the work is here."""
    row.state, row.keeper, row.made_at = HERE, "", made_at or datetime.now(UTC)
    sources.settle_claims(session, row.id)


def uses_of(id: str, recipe: Recipe) -> list[UseRow]:
    """The rows that say which sources the work `id` used."""
    return [
        UseRow(work_id=id, sha256=sha256, role=role)
        for sha256, role in {(source.sha256, source.role) for source in recipe.sources}
    ]


def _announce(session: Session, new: WorkRow, recipe: Recipe) -> bool:
    """Add the row before the files, so that no file is there without a row that names it.

    True where the work is here already.
    """
    row = session.get(WorkRow, new.id)
    if row is not None and row.state == HERE:
        return True
    if row is not None and row.state == TRASH:  # who makes it again wants it back
        row.state, row.removed_at, row.made_at = HERE, None, datetime.now(UTC)
        return True
    if row is not None:
        # A dead process left it, or a living one adds or removes it right now: this one completes it.
        session.delete(row)
        session.flush()
    session.add(_copy(new, made_at=datetime.now(UTC), keeper=str(Keeper.this())))
    session.flush()
    session.add_all(uses_of(new.id, recipe))
    return False


def _write_files(storage: Storage, row: WorkRow, made: Made) -> None:
    """The thumbnail first: once the work's own file is there, nothing is missing."""
    file, thumbnail = work_file(row.sha256, row.suffix), thumbnail_file(row.sha256)
    if storage.store.size(thumbnail) is None:
        storage.store.write(thumbnail, made.thumbnail)
    if not storage.intact(file, row.sha256):
        storage.store.write(file, made.content)


def _settle(storage: Storage, session: Session, id: str, size: int) -> WorkRow | None:
    """Mark the work as here if its row and files are still there. Returns its row, or None if they are not.

    Another process that added the same work may have failed, or been told to remove it, in the meantime.
    """
    row = session.get(WorkRow, id)
    if row is None or row.state == LEAVING:
        return None
    if row.state == TRASH:  # removed by somebody else since it was announced
        row.state, row.removed_at = HERE, None
    if storage.store.size(work_file(row.sha256, row.suffix)) != size:
        return None
    if storage.store.size(thumbnail_file(row.sha256)) is None:
        return None
    if row.state == ARRIVING:
        show(session, row)
    return row


def _withdraw(storage: Storage, session: Session, id: str) -> None:
    row = session.get(WorkRow, id)
    if row is not None and row.state == ARRIVING and row.keeper == str(Keeper.this()):
        removing.clear(storage, session, row)


def _keep_works_used_as_sources(storage: Storage, recipe: Recipe) -> None:
    """A work made from a work keeps a copy of it, so that it can be remade after its parent was removed."""
    for source in recipe.sources:
        with storage.reading() as session:
            if session.get(SourceRow, source.sha256) is not None:
                continue
            parent = session.scalars(here().where(WorkRow.sha256 == source.sha256).limit(1)).first()
        content = storage.read(work_file(parent.sha256, parent.suffix)) if parent else None
        if content is not None and hashlib.sha256(content).hexdigest() == source.sha256:
            sources.keep(storage, content, sources.labelled(**source.model_dump()), PATIENCE)


def _put_aside(storage: Storage, row: WorkRow, made: Made, error: StudioError) -> StudioError:
    """The database does not answer: keep the work's files in the lost and found, and say so.

    Gives the error to raise: the first one, where not even that can be done.
    """
    try:
        storage.store.write(lost_file(work_file(row.sha256, row.suffix)), made.content)
        storage.store.write(lost_file(thumbnail_file(row.sha256)), made.thumbnail)
    except StudioError:
        return error
    return type(error)(
        f"{str(error).rstrip('.')}; the work itself is safe in the lost and found of {storage.store}, "
        "and studio gallery repair takes it into the gallery."
    )


def _copy(row: WorkRow, **changes: object) -> WorkRow:
    values = {column.key: getattr(row, column.key) for column in WorkRow.__table__.columns}
    return WorkRow(**(values | changes))
