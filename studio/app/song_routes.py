"""The addresses of a song's renditions: its form and band, each part alone, its stems, and pages to print."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse, HTMLResponse

from studio.app.intake import download_name
from studio.app.routes import KEPT, not_found
from studio.music.songs.renditions import SongRenditions
from studio.music.writing.formats import by_name
from studio.works.work import Work

PRINTED = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; frame-ancestors 'none'"
)
"""The policy of a page to print: nothing is loaded and nothing runs. Scores bring their font for notes and
accidentals with them.
"""


def song_routes(songs: SongRenditions, allowed: Callable[..., Any]) -> APIRouter:
    """The routes. allowed: a dependency that raises when the visitor has not logged in."""
    router = APIRouter(dependencies=[Depends(allowed)])
    gallery = songs.gallery

    @router.get("/works/{id}/song")
    def in_parts(id: str) -> dict[str, Any]:
        with not_found():
            return songs.in_parts(gallery.get(id))

    @router.get("/works/{id}/stems.zip")
    def all_stems(id: str) -> FileResponse:
        with not_found():
            work = gallery.get(id)
            name = part_name(work, "stems", ".zip")
            return FileResponse(
                songs.stems_zip(work), media_type="application/zip", filename=name, headers=KEPT
            )

    @router.get("/works/{id}/stems/{part}")
    def stem(id: str, part: str) -> FileResponse:
        with not_found():
            return FileResponse(
                songs.stem(gallery.get(id), part), media_type=by_name("flac").media_type, headers=KEPT
            )

    @router.get("/works/{id}/parts/{part}/as/{form}")
    def extract(id: str, part: str, form: str, download: bool = False) -> FileResponse:
        with not_found():
            work, format = gallery.get(id), by_name(form)
            return FileResponse(
                songs.extract(work, part, format),
                media_type=format.media_type,
                filename=part_name(work, part, format.suffix) if download else None,
                content_disposition_type="attachment" if download else "inline",
                headers=KEPT,
            )

    @router.get("/works/{id}/print/{part}")
    def printed(id: str, part: str) -> HTMLResponse:
        with not_found():
            work = gallery.get(id)
            pages = songs.pages(work, part)
        return HTMLResponse(page_of(work.title, pages), headers=KEPT | {"Content-Security-Policy": PRINTED})

    return router


def part_name(work: Work, part: str, suffix: str) -> str:
    """What the file of one part is called."""
    plain = "-".join("".join(letter if letter.isalnum() else " " for letter in part.lower()).split())
    return f"{Path(download_name(work)).stem}-{plain}{suffix}"


def page_of(title: str, pages: list[bytes]) -> str:
    """Pages of A4 as HTML: one under the other on a screen, one a sheet on paper."""
    sheets = "".join(f"<section>{page.decode()}</section>" for page in pages)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
@page {{ size: A4; margin: 0 }}
body {{ margin: 0; background: #777; font: 16px/1.5 sans-serif }}
p {{ margin: 0; padding: .75rem 1rem; background: #222; color: #fff }}
section {{ width: min(794px, 100%); margin: 1rem auto; background: #fff; box-shadow: 0 2px 12px #0006 }}
section > svg {{ display: block; width: 100%; height: auto }}
@media print {{ p {{ display: none }} body {{ background: none }}
section {{ width: 100%; margin: 0; box-shadow: none; break-after: page }} }}
</style></head>
<body><p>Print this page with your browser (Ctrl+P, or Share on a phone).</p>{sheets}</body></html>"""
