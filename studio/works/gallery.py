"""The gallery: works with their recipes and sources. A work is there whole or not at all, whatever crashes.

The row of a work is committed as "arriving" before its files are written, and as "here" once they are whole.
It is "leaving" while they are removed. Files are removed only inside a "keep" transaction (there is only one
at a time), and only when no row names them. A row becomes "here" only in such a transaction too, after a
look at its files. So nobody ever waits for a dead process, and several may add, remove and open at once. The
next process that opens the gallery finishes or clears what a dead one left.

How it is done is in `adding`, `removing`, `sources`, `finding` and `recovery`; `care` checks and repairs.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from sqlalchemy import select

from studio.errors import Missing, Refused, StudioError, Unreadable
from studio.works import adding, finding, looking, recovery, removing, sources, trash
from studio.works.finding import Search
from studio.works.formats import ALIKE
from studio.works.home import home as home_of_this_person
from studio.works.ingredient import Ingredient
from studio.works.looking import Sighting
from studio.works.naming import file_name, thumbnail_file, work_file
from studio.works.output import write_file
from studio.works.recipe import Recipe, Source
from studio.works.recovery import Recovered
from studio.works.storage import Storage
from studio.works.store import LocalStore
from studio.works.tables import WorkRow
from studio.works.work import Made, Work

if TYPE_CHECKING:
    from PIL import Image


class Gallery:
    """Works in a database and a store of files.

    Safe to share between threads, and other processes may have the same gallery open:
    `Gallery.open(gallery.home, database=gallery.database, files=gallery.files)`.

    read_only: it is on a disk that cannot be written to. Works can be looked at, read and exported.
    """

    home: Path
    database: str
    files: str

    def __init__(self, storage: Storage) -> None:
        """Use `open`."""
        self.storage, self.engine, self.read_only = storage, storage.engine, storage.read_only

    @classmethod
    def open(
        cls, home: Path | None = None, *, database: str | None = None, files: str | None = None
    ) -> Gallery:
        """Open the gallery, and put in order what dead processes left. The first time, it is created.

        home: the studio's folder, by default `home()`.
        database: SQLAlchemy URL, by default what STUDIO_DATABASE names, else a SQLite file in the home.
        files: a folder or fsspec URL, by default what STUDIO_FILES names, else the folder "files" in the
        home.
        Raises `Refused` for a newer studio's gallery or files of another gallery, `Unreadable` for a damaged
        database, `Missing` when the database or the files cannot be reached.
        """
        folder, address, files = place_of(home, database, files)
        own = address == own_database(folder)
        gallery = cls(Storage.open(folder, None if own else address, files))
        gallery.home, gallery.database, gallery.files = folder, address, files
        try:
            gallery.storage.check_identity()
            if not gallery.read_only:
                with contextlib.suppress(StudioError):  # what cannot be put in order now can be later
                    recovery.recover(gallery.storage, thoroughly=False)
        except BaseException:
            gallery.close()
            raise
        return gallery

    def close(self) -> None:
        """Close the database's connections."""
        self.storage.close()

    def __enter__(self) -> Gallery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Sources

    def keep_source(
        self,
        content: bytes,
        *,
        role: str,
        name: str = "",
        title: str = "",
        author: str = "",
        licence: str = "",
    ) -> Source:
        """Keep a file that works will be made from. The same content is kept only once.

        role: what it is for (photo, guide, style …). It stays as long as a work uses it, an unfinished job
        names it, or the work it was kept for may still come. Raises `Refused` when the disk is full or cannot
        be written to.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        source = sources.labelled(sha256, role, name, title, author, licence)
        return sources.keep(self.storage, content, source)

    def keep_ingredient(self, ingredient: Ingredient) -> Source:
        """Keep a file that goes into a work, with the credit it is due. Raises as `keep_source` does."""
        return self.keep_source(
            ingredient.content,
            role=ingredient.role,
            name=ingredient.name,
            title=ingredient.title,
            author=ingredient.author,
            licence=ingredient.licence,
        )

    def release_sources(self, kept: Iterable[Source]) -> None:
        """Give up sources that this process kept for a work that will not come; others that need them keep
        them.
        """
        sources.release(self.storage, {source.sha256 for source in kept})

    def read_source(self, source: Source) -> bytes:
        """The bytes of a source.

        Raises `Missing` when the gallery does not have it, `Refused` when its bytes are not what was kept.
        """
        return sources.read(self.storage, source)

    # Works

    def add(self, made: Made) -> Work:
        """Keep a finished work. When this returns it is whole and survives a power cut.

        The same work again (same recipe, same file) gives the one that is there. A database that is locked is
        waited for; if it stays locked, or its server does not answer, the work's files go to the lost and
        found, from where `care.repair` takes them. Raises `Refused` or `Missing` in that case, and `Refused`
        when the disk is full or cannot be written to; then nothing is kept.
        """
        return adding.add(self.storage, made)

    def get(self, id: str) -> Work:
        """The work with that id. Its first letters are enough, if no other id begins with them.

        Raises `UnknownName` where there is none, `Refused` where there are several.
        """
        with self.storage.reading() as session:
            return finding.as_works(session, [finding.named(session, id)])[0]

    def with_fingerprint(self, fingerprint: str) -> Work | None:
        """The newest work of a recipe, or None."""
        works = finding.few(self.storage, select(WorkRow).where(WorkRow.fingerprint == fingerprint))
        return works[0] if works else None

    def made_by(self, recipe: Recipe, fingerprint: str = "") -> Work | None:
        """The newest work of a recipe that gives the credit it asks for, or None. fingerprint: the recipe's,
        where it is known.
        """
        wanted = select(WorkRow).where(WorkRow.fingerprint == (fingerprint or recipe.fingerprint))
        works = finding.few(self.storage, wanted)
        return next((work for work in works if recipe.is_credited_as(work.recipe_json)), None)

    def with_sha256(self, sha256: str) -> Work | None:
        """The newest work whose file has this hash, or None."""
        works = finding.few(self.storage, select(WorkRow).where(WorkRow.sha256 == sha256))
        return works[0] if works else None

    def find_by_look(self, picture: Image.Image) -> Sighting | None:
        """The work that a picture most probably is a copy of, by how both look; None where none is near."""
        return looking.find_by_look(self.storage, picture)

    def unseen(self) -> int:
        """How many works `find_by_look` cannot find yet: older ones, whose look is kept at later searches."""
        return looking.unseen(self.storage)

    def find(
        self,
        *,
        text: str = "",
        kind: str | None = None,
        starred: bool = False,
        order: str = "newest",
        limit: int = 60,
        after: Work | None = None,
    ) -> list[Work]:
        """Works, newest first.

        text: words that must all occur in the title, the recipe in words, or the sources' names, titles and
        authors; case and accents do not matter. starred: only works with a star. order: one of
        `finding.ORDERS`. after: the last work of the page before. Raises `UnknownName` for another order.
        """
        return self.search(Search(text, kind, starred), limit=limit, after=after, order=order)

    def count(self, *, text: str = "", kind: str | None = None, starred: bool = False) -> int:
        """How many works `find` would give without a limit."""
        return self.count_found(Search(text, kind, starred))

    def search(
        self, search: Search, *, limit: int = 60, after: Work | None = None, order: str = "newest"
    ) -> list[Work]:
        """As `find`, also by when works were made."""
        return finding.find(self.storage, search, limit, after, order)

    def count_found(self, search: Search) -> int:
        """How many works `search` would give without a limit."""
        return finding.count(self.storage, search)

    def star(self, *ids: str, starred: bool = True) -> list[Work]:
        """Give works a star, or take it away. Their recipes and ids stay as they are.

        Raises `UnknownName` where there is no such work; then nothing was changed.
        """
        return finding.star(self.storage, ids, starred)

    def parents(self, work: Work) -> list[Work]:
        """The works this one was made from, newest first."""
        return finding.parents(self.storage, work)

    def children(self, work: Work) -> list[Work]:
        """The works made from this one, newest first."""
        return finding.children(self.storage, work)

    def read(self, work: Work) -> bytes:
        """The work's file. Raises `Missing` when it is gone, `Unreadable` when it was changed on the disk."""
        content = self.storage.read(work_file(work.sha256, work.suffix))
        if content is None:
            raise self._gone(work)
        if hashlib.sha256(content).hexdigest() != work.sha256:
            raise Unreadable(
                f"The file of the work '{work.title}' ({work.id}) was changed on the disk: "
                "remake it from its recipe."
            )
        return content

    def thumbnail(self, work: Work) -> bytes:
        """The work's small picture: JPEG bytes. Raises `Missing`."""
        content = self.storage.read(thumbnail_file(work.sha256))
        if content is None:
            raise self._gone(work)
        return content

    def local_path(self, work: Work) -> Path:
        """The work's file on this machine, to be read only. From a store elsewhere it is fetched first.

        Raises as `read`.
        """
        name = work_file(work.sha256, work.suffix)
        store, cache = self.storage.store, self.storage.cache
        if isinstance(store, LocalStore):
            path = store.folder / name
            if not path.is_file():
                raise self._gone(work)
        else:
            path = cache.folder / name
            if not path.is_file():
                cache.write(name, self.read(work))
        return path

    def export(self, work: Work, path: Path, *, force: bool = False) -> Path:
        """Write the work's file to `path`, whole or not at all. In a folder, its name is its title and id.

        force: replace a file. Returns the path written. Raises `Refused` when the file exists, or its suffix
        says another format.
        """
        path = Path(path)
        if path.is_dir():
            path = path / f"{file_name(work.title)}-{work.id[:8]}{work.suffix}"
        asked = path.suffix.lower()
        if ALIKE.get(asked, asked) != ALIKE.get(work.suffix, work.suffix):
            named = path.with_suffix(work.suffix).name
            raise Refused(f"The work is a {work.suffix} file: name it {named} instead of {path.name}.")
        return write_file(self.read(work), path, force=force)

    def remove(self, id: str) -> None:
        """Remove a work and its files for good, and the sources that nothing else needs.

        Works made from it stay, with their own copy of it. Raises `UnknownName` where there is no such work,
        `Refused` when the files cannot be removed; then it is still there.
        """
        removing.remove(self.storage, id)

    def discard(self, *ids: str) -> list[Work]:
        """Remove works so that they can be brought back for a day (`trash.KEPT_FOR`): all of them or none.

        Until then they are in no list and no backup, but their files and sources stay. Returns them. Raises
        `UnknownName` where there is no such work.
        """
        return trash.discard(self.storage, ids)

    def trash(self) -> list[Work]:
        """The works that can be brought back, latest removed first; `trash.gone_at` says until when."""
        return trash.works(self.storage)

    def bring_back(self, *ids: str) -> list[Work]:
        """Put removed works back where they were, all of them or none. Returns them.

        Raises `Refused` where one is gone for good.
        """
        return trash.bring_back(self.storage, ids)

    def empty_trash(self, *ids: str) -> int:
        """Delete what is in the trash for good, or only these works. Returns how many there were.

        Raises `Refused` when files cannot be removed; then those works are still in the trash.
        """
        return trash.empty(self.storage, ids or None)

    def empty_what_is_due(self) -> int:
        """Delete for good what has been in the trash for long enough. Returns how many works that were."""
        return 0 if self.read_only else trash.empty_what_is_due(self.storage)

    def recover(self) -> Recovered:
        """Finish or clear what dead processes left, and put aside files that no work and no source names."""
        return recovery.recover(self.storage, thoroughly=True)

    def lost_and_found(self) -> int:
        """How many files wait in the lost and found for `care.repair`."""
        return len(recovery.lost_names(self.storage))

    def _gone(self, work: Work) -> StudioError:
        return Missing(
            f"The file of the work '{work.title}' ({work.id}) is gone from {self.storage.store}: "
            "put it back, or remake it."
        )


def place_of(home: Path | None, database: str | None, files: str | None) -> tuple[Path, str, str]:
    """The home, the database's URL and the files that `Gallery.open` means by these."""
    folder = Path(home).expanduser().absolute() if home is not None else home_of_this_person()
    address = database or os.environ.get("STUDIO_DATABASE") or own_database(folder)
    return folder, address, files or os.environ.get("STUDIO_FILES") or str(folder / "files")


def own_database(home: Path) -> str:
    """The URL of the database that a home has by default."""
    return f"sqlite:///{home / 'gallery.sqlite'}"
