"""The files the page shows, each named by what it belongs to: the gallery's works, their sources, the
presets' pictures.

Nothing here takes a path. Every address goes through the gallery, so that only what it holds can be read.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, Response

from studio.app.gradio_patches import has_logged_in, mounted_app
from studio.app.intake import VIEW_SIDE, common, download_name, view
from studio.errors import StudioError
from studio.images.pictures import read_picture
from studio.works.gallery import Gallery
from studio.works.recipe import Recipe
from studio.works.work import Work

LARGE_SIDE = 1800
"""Longest side, in pixels, of a finished work as the page shows it; its file is a click away."""

GUARDED = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}
KEPT = {"Cache-Control": "private, max-age=86400"} | GUARDED


def routes(
    gallery: Gallery, recipe_of_job: Callable[[str], Recipe], allowed: Callable[..., Any]
) -> APIRouter:
    """The addresses of the gallery's files. `allowed` is asked before each; it raises when the visitor has
    not logged in.
    """
    router = APIRouter(dependencies=[Depends(allowed)])

    def found(id: str) -> Work:
        try:
            return gallery.get(id)
        except StudioError as error:
            raise HTTPException(404, str(error)) from None

    def told(show: Callable[[], bytes]) -> Response:
        try:
            return Response(show(), media_type="image/jpeg", headers=KEPT)
        except StudioError as error:
            raise HTTPException(404, str(error)) from None

    @lru_cache(maxsize=48)
    def large(id: str) -> bytes:
        work = gallery.get(id)
        if not work.media_type.startswith("image/"):
            return gallery.thumbnail(work)
        try:
            return view(read_picture(gallery.read(work)), LARGE_SIDE, quality=92)
        except StudioError:
            # Larger than the studio opens as a photo: the thumbnail stands for it, and the file is a click
            # away.
            return gallery.thumbnail(work)

    @lru_cache(maxsize=48)
    def source_of(id: str, place: int) -> bytes:
        return _source_view(common(gallery.get(id).recipe_json), place, gallery)

    @router.get("/works/{id}/file")
    def file(id: str, download: bool = False) -> FileResponse:
        work = found(id)
        try:
            path = gallery.local_path(work)
        except StudioError as error:
            raise HTTPException(404, str(error)) from None
        how = "attachment" if download else "inline"
        return FileResponse(
            path,
            media_type=work.media_type,
            filename=download_name(work),
            content_disposition_type=how,
            headers=GUARDED,
        )

    @router.get("/works/{id}/thumb")
    def thumb(id: str) -> Response:
        work = found(id)
        return told(lambda: gallery.thumbnail(work))

    @router.get("/works/{id}/view")
    def work_large(id: str) -> Response:
        work = found(id)
        return told(lambda: large(work.id))

    @router.get("/works/{id}/sources/{place}")
    def source(id: str, place: int) -> Response:
        work = found(id)
        return told(lambda: source_of(work.id, place))

    @router.get("/jobs/{id}/photo")
    def job_photo(id: str) -> Response:
        return told(lambda: _source_view(recipe_of_job(id), 0, gallery))

    @router.get("/presets/{name}")
    def preset(name: str) -> Response:
        from studio.images.presets import PRESETS

        if name not in PRESETS or not PRESETS[name].thumbnail.is_file():
            raise HTTPException(404, f"There is no picture of a preset '{name}'.")
        return FileResponse(PRESETS[name].thumbnail, headers=KEPT)

    @router.get("/paintings/{name}")
    def painting(name: str) -> Response:
        from studio.images.paintings.catalogue import PAINTINGS

        if name not in PAINTINGS or not PAINTINGS[name].thumbnail.is_file():
            raise HTTPException(404, f"The studio has no painting '{name}'.")
        return FileResponse(PAINTINGS[name].thumbnail, headers=KEPT)

    return router


def anybody() -> None:
    """The guard of a studio without a password."""


def logged_in(web: FastAPI) -> Callable[[Request], None]:
    """The guard of a studio with one: only who logged in on Gradio's page passes."""

    def allowed(request: Request) -> None:
        # Gradio is mounted behind the routes that ask, so it is found only now.
        if not has_logged_in(mounted_app(web), request.cookies):
            raise HTTPException(401, "Log in first.")

    return allowed


def open_routes() -> APIRouter:
    """What anybody may have, logged in or not, and what nobody may: the sign of the studio, and other
    servers' files.
    """
    router = APIRouter()

    @router.get("/openapi.json", include_in_schema=False)
    def nothing() -> Response:
        """Gradio would list its routes, to whoever has not logged in as well."""
        raise HTTPException(404)

    @router.get("/gradio_api/file=http{rest:path}", include_in_schema=False)
    def elsewhere() -> Response:
        """Gradio would fetch files of other servers on behalf of a visitor; this studio asks nobody for
        anything.
        """
        raise HTTPException(403, "Only files of this studio are served.")

    @router.get("/favicon.ico", include_in_schema=False)
    def sign() -> Response:
        return Response(
            files("studio.app").joinpath("sign.svg").read_bytes(), media_type="image/svg+xml", headers=KEPT
        )

    return router


def _source_view(recipe: Recipe, place: int, gallery: Gallery) -> bytes:
    from studio.errors import Missing

    if not 0 <= place < len(recipe.sources):
        raise Missing(f"There is no source {place} of this work.")
    source = recipe.sources[place]
    return view(read_picture(gallery.read_source(source), source.name or "The source"), VIEW_SIDE)
