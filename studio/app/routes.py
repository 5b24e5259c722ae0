"""The files the page shows, each named by what it belongs to: the gallery's works, their sources, the
presets' pictures.

Nothing here takes a path. Every address goes through the gallery, so that only what it holds can be read.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import FileResponse, Response, StreamingResponse

from studio.app.intake import VIEW_SIDE, common, download_name, view
from studio.app.sentences import said
from studio.errors import Missing, Refused, StudioError, UnknownName
from studio.images.channels.atlas import LAYERS as ATLAS_LAYERS
from studio.images.channels.atlas import sheet_path
from studio.images.instant.learnt import learnt_paintings
from studio.images.paintings.catalogue import PAINTINGS
from studio.images.pictures import read_picture, write_jpeg
from studio.images.presets import PRESETS
from studio.making.exhibition import sample
from studio.making.on_show import WithShow
from studio.making.zipping import MOST_AT_ONCE, zip_of
from studio.works.reads import ReadsWorks
from studio.works.recipe import Recipe
from studio.works.work import Work

LARGE_SIDE = 1800
"""Longest side, in pixels, of a finished work as the page shows it; its file is a click away."""

MOST_KEPT = 48
"""Pictures that are kept as they were last shown."""

SMALL_SIDE = 320
"""Longest side, in pixels, of a photo to try."""

GUARDED = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}
KEPT = {"Cache-Control": "private, max-age=86400"} | GUARDED


def routes(
    gallery: WithShow, recipe_of_job: Callable[[str], Recipe], allowed: Callable[..., Any]
) -> APIRouter:
    """The addresses of the gallery's files. `allowed` is asked before each; it raises when the visitor has
    not logged in.
    """
    router = APIRouter(dependencies=[Depends(allowed)])
    views = Views(gallery)

    @router.get("/works/{id}/file")
    def file(id: str, download: bool = False) -> FileResponse:
        with not_found():
            work = gallery.get(id)
            path = gallery.local_path(work)
        return FileResponse(
            path,
            media_type=work.media_type,
            filename=download_name(work),
            content_disposition_type="attachment" if download else "inline",
            headers=GUARDED,
        )

    @router.get("/works/{id}/thumb")
    def thumb(id: str) -> Response:
        """Also of a work that was just removed: a page that shows it still may ask for it only now."""

        def small() -> bytes:
            try:
                return gallery.thumbnail(gallery.get(id))
            except UnknownName as unknown:
                try:
                    return gallery.thumbnail(gallery.in_trash(id))
                except UnknownName:
                    raise unknown from None

        return picture(small)

    @router.get("/works/{id}/view")
    def work_large(id: str) -> Response:
        return picture(lambda: views.large(gallery.get(id)))

    @router.get("/sheets/{ids}")
    def sheet(ids: str) -> Response:
        return picture(lambda: views.sheet(ids.split(".")))

    @router.get("/trash/{id}/thumb")
    def removed(id: str) -> Response:
        return picture(lambda: gallery.thumbnail(gallery.in_trash(id)))

    @router.get("/works.zip")
    def zipped(ids: str) -> StreamingResponse:
        with not_found():
            works = [gallery.get(id) for id in ids.split(",")[: MOST_AT_ONCE + 1]]
            parts = zip_of(works, gallery)
        named = {"Content-Disposition": f'attachment; filename="{len(works)}-works.zip"'}
        return StreamingResponse(parts, media_type="application/zip", headers=named | GUARDED)

    @router.get("/works/{id}/sources/{place}")
    def source(id: str, place: int) -> Response:
        return picture(lambda: views.source(gallery.get(id), place))

    @router.get("/jobs/{id}/photo")
    def job_photo(id: str) -> Response:
        return picture(lambda: views.source_of(recipe_of_job(id), 0))

    _add_pictures_of_the_studio(router, views)
    return router


def _add_pictures_of_the_studio(router: APIRouter, views: Views) -> None:
    """The addresses of pictures that belong to no work."""

    @router.get("/presets/{name}")
    def preset(name: str) -> Response:
        return thumbnail_of(PRESETS, name, "There is no picture of a preset '{}'.")

    @router.get("/channels/{layer}")
    def channels(layer: str) -> Response:
        path = sheet_path(layer)
        if layer not in ATLAS_LAYERS or not path.is_file():
            raise HTTPException(404, f"There are no pictures of the channels of '{layer}'.")
        return FileResponse(path, headers=KEPT)

    @router.get("/samples/{name}")
    def sample_small(name: str) -> Response:
        return picture(lambda: views.sample(name))

    @router.get("/paintings/{name}")
    def painting(name: str) -> Response:
        return thumbnail_of(PAINTINGS, name, "There is no painting '{}' in the studio.")

    @router.get("/learnt/{name}")
    def learnt(name: str) -> Response:
        return thumbnail_of(learnt_paintings(), name, "No painter here has learnt a painting '{}'.")


class Views:
    """Pictures of a gallery's works and of their sources, as the page shows them: JPEG bytes.

    The latest are kept. Each raises a `StudioError` where there is nothing to show.
    """

    def __init__(self, gallery: ReadsWorks) -> None:
        self.gallery = gallery
        self.sample = lru_cache(maxsize=16)(self._sample)
        self._latest: OrderedDict[tuple[str, int | None], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def large(self, work: Work) -> bytes:
        """A finished work."""
        return self._kept((work.id, None), lambda: self._large(work))

    def sheet(self, ids: Sequence[str]) -> bytes:
        """Several pictures on one sheet, by their ids, each with its seed under it."""
        from studio.images.sheets import MOST, contact_sheet

        if len(ids) > MOST:
            raise Refused(f"A sheet has room for {MOST} pictures, but {len(ids)} were named.")
        works = [self.gallery.get(id) for id in ids]
        pictures = [read_picture(self.gallery.thumbnail(work)).pixels for work in works]
        captions = [f"seed {common(work.recipe_json).seed}" for work in works]
        return write_jpeg(contact_sheet(pictures, captions), quality=90)

    def source(self, work: Work, place: int) -> bytes:
        """A source of a work; place: which one, from 0."""
        return self._kept((work.id, place), lambda: self.source_of(common(work.recipe_json), place))

    def source_of(self, recipe: Recipe, place: int) -> bytes:
        """A source of a recipe; place: which one, from 0."""
        if not 0 <= place < len(recipe.sources):
            raise Missing(f"There is no source {place} of this work.")
        source = recipe.sources[place]
        picture = read_picture(self.gallery.read_source(source), source.name or "The source")
        return view(picture, VIEW_SIDE)

    def _large(self, work: Work) -> bytes:
        if not work.media_type.startswith("image/"):
            return self.gallery.thumbnail(work)
        try:
            return view(read_picture(self.gallery.read(work)), LARGE_SIDE, quality=92)
        except StudioError:
            # Larger than the studio opens as a photo: the thumbnail is shown, and the file is a click away.
            return self.gallery.thumbnail(work)

    def _kept(self, key: tuple[str, int | None], show: Callable[[], bytes]) -> bytes:
        with self._lock:
            kept = self._latest.get(key)
        if kept is None:
            kept = show()
        with self._lock:
            self._latest[key] = kept
            self._latest.move_to_end(key)
            while len(self._latest) > MOST_KEPT:
                self._latest.popitem(last=False)
        return kept

    def _sample(self, name: str) -> bytes:
        return view(read_picture(sample(name).content), SMALL_SIDE)


@contextmanager
def not_found() -> Iterator[None]:
    """What the studio cannot find or read is answered with its sentence, as status 404."""
    try:
        yield
    except StudioError as error:
        raise HTTPException(404, said(error)) from None


def picture(show: Callable[[], bytes]) -> Response:
    """The answer with a JPEG, or with the sentence why there is none."""
    with not_found():
        return Response(show(), media_type="image/jpeg", headers=KEPT)


def thumbnail_of(table: Mapping[str, Any], name: str, sentence: str) -> Response:
    """The thumbnail of an entry of a table; `sentence`, with the name in its {}, where there is none."""
    if name not in table or not table[name].thumbnail.is_file():
        raise HTTPException(404, sentence.format(name))
    return FileResponse(table[name].thumbnail, headers=KEPT)


async def anybody() -> None:
    """The guard of a studio without a password."""


def open_routes() -> APIRouter:
    """What anybody may have, logged in or not: the sign of the studio."""
    router = APIRouter()

    @router.get("/favicon.ico", include_in_schema=False)
    def sign() -> Response:
        return Response(
            files("studio.app").joinpath("sign.svg").read_bytes(), media_type="image/svg+xml", headers=KEPT
        )

    return router
