"""The addresses of a melody's renditions: its score, its notes in numbers, its sound; samples of the styles;
and the file of any work in other formats.

`studio.music.melody.renditions` makes them. An address names a work, a format or a style, never a path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import FileResponse, Response

from studio.app.intake import download_name
from studio.app.routes import KEPT
from studio.app.sentences import said
from studio.errors import StudioError
from studio.making.exporting import format_of, in_format
from studio.music.melody.renditions import Renditions
from studio.music.writing.formats import FORMATS as SCORES
from studio.music.writing.formats import by_name
from studio.works.formats import Format
from studio.works.work import Work


def music_routes(music: Renditions, allowed: Callable[..., Any]) -> APIRouter:
    """The routes. allowed: a dependency that raises when the visitor has not logged in."""
    router = APIRouter(dependencies=[Depends(allowed)])
    gallery = music.gallery

    def served(path: Path, media_type: str, name: str | None = None) -> FileResponse:
        how = "attachment" if name else "inline"
        return FileResponse(
            path, media_type=media_type, filename=name, content_disposition_type=how, headers=KEPT
        )

    @router.get("/works/{id}/score.svg")
    def score(id: str, page: Literal["wide", "narrow"] = "wide", origins: bool = False) -> FileResponse:
        with _or_404():
            return served(music.score(gallery.get(id), page, origins=origins), by_name("svg").media_type)

    @router.get("/works/{id}/as/{form}")
    def as_format(
        id: str,
        form: str,
        download: bool = False,
        tempo: int | None = None,
        instrument: Annotated[str, Query(max_length=80)] = "",
    ) -> Response:
        with _or_404():
            work = gallery.get(id)
            format = format_of(work, form)
            name = export_name(work, format) if download else None
            if SCORES.get(format.name) is format:
                path = music.file(work, format, tempo=tempo, instrument=instrument)
                return served(path, format.media_type, name)
            disposition = {"Content-Disposition": f'attachment; filename="{name}"'} if name else {}
            content = in_format(work, gallery, format)
            return Response(content, media_type=format.media_type, headers=KEPT | disposition)

    @router.get("/works/{id}/music")
    def timing(id: str) -> dict[str, Any]:
        with _or_404():
            return music.timing(gallery.get(id))

    @router.get("/works/{id}/reach")
    def reach(id: str, instrument: Annotated[str, Query(max_length=80)]) -> dict[str, str]:
        with _or_404():
            return {"told": music.beyond(gallery.get(id), instrument)}

    @router.get("/styles/{name}/sample.wav")
    def sample(name: str) -> FileResponse:
        with _or_404():
            return served(music.sample(name), by_name("wav").media_type)

    return router


def export_name(work: Work, form: Format) -> str:
    """What its file in another format is called."""
    return Path(download_name(work)).with_suffix(form.suffix).name


@contextmanager
def _or_404() -> Iterator[None]:
    """What cannot be had is answered with status 404 and the sentence that says why."""
    try:
        yield
    except StudioError as error:
        raise HTTPException(404, said(error)) from None
