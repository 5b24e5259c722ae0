"""The works on show, which come with the studio, beside a person's own.

    works = WithShow(gallery)
    works.get(id)       # of the gallery, or one on show

They are read from the files in gallery/ and never put into the person's gallery.
"""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from studio.errors import Missing, StudioError, UnknownName
from studio.making.exhibition import EXHIBITS, facts_file, ingredients_of
from studio.making.kinds import KINDS, read_recipe
from studio.works.metadata import extract
from studio.works.naming import work_id
from studio.works.shipped import shipped
from studio.works.work import Work

if TYPE_CHECKING:
    from studio.making.exhibition import Exhibit
    from studio.works.gallery import Gallery
    from studio.works.ingredient import Ingredient
    from studio.works.recipe import Recipe, Source

THUMBNAIL_SIDE = 512
"""Pixels of the longer side of a thumbnail."""


class OnShow:
    """The works on show, each read from its file when it is first asked for. Where this installation lacks
    their folder, there are none. Safe to use from many threads.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._read: dict[str, Work | None] = {}
        self._exhibits: dict[str, Exhibit] = {}
        self._sources: dict[str, Ingredient] = {}
        self._unopened = list(EXHIBITS)
        self._thumbnail = lru_cache(maxsize=len(EXHIBITS))(self._small)

    def works(self, kind: str | None = None) -> list[Work]:
        """All of them, or those of a kind, as they are listed in `EXHIBITS`."""
        found = [self._work(exhibit) for exhibit in EXHIBITS if kind in (None, exhibit.kind)]
        return [work for work in found if work is not None]

    def first(self, kind: str) -> Work | None:
        """The first work of a kind; no other file is read."""
        of_kind = (self._work(exhibit) for exhibit in EXHIBITS if exhibit.kind == kind)
        return next((work for work in of_kind if work is not None), None)

    def holds(self, id: str) -> bool:
        """Whether it is on show; only whole ids count."""
        return any(work.id == id for work in self.works())

    def get(self, id: str) -> Work:
        """The work with that id. Raises `UnknownName`."""
        works = {work.id: work for work in self.works()}
        if id not in works:
            raise UnknownName("work", id, works)
        return works[id]

    def path(self, work: Work) -> Path:
        """Its file. Raises `Missing`."""
        return shipped("gallery") / self._exhibits[work.id].file

    def recording(self, work: Work) -> Path | None:
        """A song as its band plays it: an MP3 that lies beside the lead sheet, where there is one."""
        path = self.path(work).with_suffix(".mp3")
        return path if work.kind == "song" and path.is_file() else None

    def thumbnail(self, work: Work) -> bytes:
        """Its small picture: JPEG bytes. Raises `Missing`."""
        return self._thumbnail(work.id)

    def source(self, sha256: str) -> Ingredient | None:
        """What a work on show was made from, by its content."""
        with self._lock:
            while sha256 not in self._sources and self._unopened:
                for ingredient in ingredients_of(self._unopened.pop(0)):
                    self._sources[hashlib.sha256(ingredient.content).hexdigest()] = ingredient
            return self._sources.get(sha256)

    def kin(self, work: Work, *, older: bool) -> list[Work]:
        """The works on show that it was made from, or that were made from it."""
        sources = {source.sha256 for source in read_recipe(work.recipe_json).sources}
        if older:
            return [each for each in self.works() if each.sha256 in sources]
        return [
            each
            for each in self.works()
            if work.sha256 in {source.sha256 for source in read_recipe(each.recipe_json).sources}
        ]

    def _work(self, exhibit: Exhibit) -> Work | None:
        """None where its file is not here, or cannot be read."""
        with self._lock:
            if exhibit.file not in self._read:
                try:
                    work = _as_work(exhibit)
                    self._read[exhibit.file], self._exhibits[work.id] = work, exhibit
                except (StudioError, OSError, ValueError):
                    self._read[exhibit.file] = None
            return self._read[exhibit.file]

    def _small(self, id: str) -> bytes:
        from studio.images.pictures import read_picture, write_jpeg
        from studio.music.scores.tunes import Tune
        from studio.music.writing.piano_roll import thumbnail

        work = self.get(id)
        if "tune" in work.facts:
            return thumbnail(Tune.from_plain(work.facts["tune"]))
        return write_jpeg(read_picture(self.path(work).read_bytes()).pixels, longest_side=THUMBNAIL_SIDE)


class WithShow:
    """A gallery to read from, with the works on show beside its own (see `ReadsWorks`)."""

    def __init__(self, gallery: Gallery, on_show: OnShow | None = None) -> None:
        self.gallery = gallery
        self.on_show = on_show or OnShow()

    @property
    def home(self) -> Path:
        return self.gallery.home

    def get(self, id: str) -> Work:
        try:
            return self.gallery.get(id)
        except UnknownName:
            if self.on_show.holds(id):
                return self.on_show.get(id)
            raise

    def in_trash(self, id: str) -> Work:
        """A work that was removed and can be brought back. Raises `UnknownName`."""
        removed = {work.id: work for work in self.gallery.trash()}
        if id not in removed:
            raise UnknownName("removed work", id, removed)
        return removed[id]

    def read(self, work: Work) -> bytes:
        return self.on_show.path(work).read_bytes() if work.on_show else self.gallery.read(work)

    def thumbnail(self, work: Work) -> bytes:
        return self.on_show.thumbnail(work) if work.on_show else self.gallery.thumbnail(work)

    def local_path(self, work: Work) -> Path:
        return self.on_show.path(work) if work.on_show else self.gallery.local_path(work)

    def recording(self, work: Work) -> Path | None:
        """A recording that came with a work on show, see `OnShow.recording`."""
        return self.on_show.recording(work) if work.on_show else None

    def read_source(self, source: Source) -> bytes:
        try:
            return self.gallery.read_source(source)
        except Missing:
            shown = self.on_show.source(source.sha256)
            if shown is None:
                raise
            return shown.content

    def parents(self, work: Work) -> list[Work]:
        shown = self.on_show.kin(work, older=True) if work.on_show else []
        return _once([*self.gallery.parents(work), *shown])

    def children(self, work: Work) -> list[Work]:
        shown = self.on_show.kin(work, older=False) if work.on_show else []
        return _once([*self.gallery.children(work), *shown])

    def keep_sources(self, recipe: Recipe) -> None:
        """Put what a recipe is made from into the gallery, where a work on show was made from it, so that it
        can be made again. Raises `Refused` where the gallery cannot be written to.
        """
        for source in recipe.sources:
            shown = self.on_show.source(source.sha256)
            if shown is not None:
                self.gallery.keep_ingredient(shown)


def _as_work(exhibit: Exhibit) -> Work:
    path = shipped("gallery") / exhibit.file
    content = path.read_bytes()
    recipe = read_recipe(extract(content) or "")
    sha256 = hashlib.sha256(content).hexdigest()
    form = KINDS[recipe.kind].format_table().by_suffix(path)
    known: dict[str, Any] = {}
    if form.media_type.startswith("image/"):
        with Image.open(path) as picture:
            known = {"facts": {"size": list(picture.size)}}
    elif facts_file(exhibit).is_file():
        known = json.loads(facts_file(exhibit).read_text("utf-8"))
    return Work(
        id=work_id(recipe.fingerprint, sha256),
        kind=recipe.kind,
        title=exhibit.title or Path(exhibit.file).stem.replace("-", " ").capitalize(),
        words=recipe.in_words(),
        recipe_json=recipe.to_json(),
        fingerprint=recipe.fingerprint,
        sha256=sha256,
        media_type=form.media_type,
        suffix=form.suffix,
        made_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        losses=tuple(known.get("losses", ())),
        facts=dict(known.get("facts", {})),
        parents=(),
        on_show=True,
    )


def _once(works: list[Work]) -> list[Work]:
    return list({work.id: work for work in works}.values())
