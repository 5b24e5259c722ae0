"""The studio as a page in the browser: `build` puts the tabs together, `application` serves it with files.

The web server answers at once; makings run in the jobs' worker process, so that only an opened lesson loads
torch here. All that can be read from outside are Gradio's own files, what visitors upload, and the works of
the gallery by their ids.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from studio.app import gradio_patches

if TYPE_CHECKING:
    import gradio as gr

    from studio.app.desk import Desk
    from studio.app.guard.access import Access
    from studio.app.guard.guard import Guard
    from studio.app.room import Tab

TITLE = "Derivative Works Studio"

LARGEST_UPLOAD = 64 * 2**20
"""Bytes of the largest file a visitor may send."""

LARGEST_REQUEST = 4 * LARGEST_UPLOAD
"""Bytes of all files that a visitor may send at once."""

MOST_WAITING = 64
"""Requests that may wait at the web server; works that may wait to be made are counted by the jobs."""

FORGOTTEN_AFTER = 6 * 3600
"""Seconds until an uploaded file is removed from the server's temporary folder. The gallery keeps its own
copies.
"""


def tabs() -> tuple[Tab, ...]:
    """The tabs, from left to right: a new one is a line here. A tab may use what those before it offer."""
    from studio.app.picture_tabs import pictures_style
    from studio.app.room import Tab
    from studio.app.tabs.compose import compose_tab
    from studio.app.tabs.dream import dream_tab
    from studio.app.tabs.gallery import gallery_tab
    from studio.app.tabs.lessons import lessons_style, lessons_tab
    from studio.app.tabs.songs import songs_style, songs_tab
    from studio.app.tabs.style import style_tab

    return (
        Tab("dream", "Dream", dream_tab, pictures_style),
        Tab("style", "Paint", style_tab),
        Tab("compose", "Compose", compose_tab),
        Tab("songs", "Songs", songs_tab, songs_style),
        Tab("lessons", "Lessons", lessons_tab, lessons_style),
        Tab("gallery", "Gallery", gallery_tab),
    )


def build(desk: Desk, *, log_out: bool = False) -> gr.Blocks:
    """The page, with every tab and every named endpoint. log_out: show a button that logs the visitor out."""
    import gradio as gr

    from studio.app.endpoints import endpoints
    from studio.app.modules import calling
    from studio.app.room import Room
    from studio.app.tray import tray

    page = gr.Blocks(
        title=TITLE, analytics_enabled=False, fill_width=True, delete_cache=(600, FORGOTTEN_AFTER)
    )
    with page:
        # First, so that the names are theirs: Gradio numbers the page's own handlers that are called alike.
        endpoints(desk)
        gr.HTML(masthead(log_out=log_out), apply_default_css=False, elem_classes="masthead", js_on_load=None)
        tray(desk)
        with gr.Tabs(elem_classes="rooms") as rooms:
            labels = {tab.id: tab.label for tab in tabs()}
            room = Room(desk, page, rooms, LARGEST_UPLOAD, labels=labels)
            for tab in tabs():
                with gr.Tab(tab.label, id=tab.id) as opened:
                    room.offers[tab.id] = tab.build(room)
                told = calling("gradio_page", "tabOpened", tab.id)
                opened.select(None, None, None, js=told, api_visibility="private")
    page.queue(max_size=MOST_WAITING, default_concurrency_limit=8)
    gradio_patches.poll_less_often(page)
    gradio_patches.count_nothing(page)
    gradio_patches.lose_no_message(page)
    gradio_patches.draw_only_what_is_seen(page)
    gradio_patches.show_no_progress(page)
    gradio_patches.name_fields(page)
    return page


def application(desk: Desk, access: Access | None = None) -> Guard:
    """The web application: the page and the gallery's files, behind a guard that knows who may have them.

    access: who may; by default everybody on this computer.
    """
    import gradio as gr
    from fastapi import FastAPI

    from studio.app.guard.access import Access
    from studio.app.guard.answers import script_hashes
    from studio.app.guard.door import Door
    from studio.app.guard.guard import Guard
    from studio.app.modules import module_routes, preloads
    from studio.app.music_routes import music_routes
    from studio.app.routes import anybody, open_routes, routes
    from studio.app.song_routes import song_routes
    from studio.app.theme import style_sheet, theme
    from studio.works.log import note_refusal

    access = access or Access()
    web = FastAPI(title=TITLE, docs_url=None, redoc_url=None, openapi_url=None)
    with gradio_patches.without_servers():
        page = build(desk, log_out=access.login is not None)
    door = None
    if access.login is not None:
        note = partial(note_refusal, place=desk.gallery.home)
        door = Door(access, access.login, style_sheet("door"), note)
        web.include_router(door.routes())
    allowed = door.required if door else anybody
    web.include_router(routes(desk.library, desk.recipe_of_job, allowed))
    web.include_router(music_routes(desk.music, allowed))
    web.include_router(song_routes(desk.music, allowed))
    web.include_router(module_routes(allowed))
    web.include_router(open_routes())
    top = head() + preloads()
    with gradio_patches.signatures_read_once():
        gr.mount_gradio_app(
            web,
            page,
            "/",
            server_name=access.host,
            server_port=access.port,
            footer_links=[],
            run_history=False,
            allowed_paths=[],
            show_error=False,
            max_file_size=LARGEST_UPLOAD,
            theme=theme(),
            css="\n".join([style_sheet(), *(tab.style() for tab in tabs())]),
            head=top,
        )
    gradio_patches.serving(page, web)
    gradio_patches.refuse_downloads()
    gradio_patches.load_no_plots()
    gradio_patches.say_mistakes_in_a_sentence(desk.gallery.home)
    gradio_patches.check_named_files(page)
    return Guard(
        web,
        access,
        door.knows if door else None,
        LARGEST_REQUEST,
        script_hashes(top),
        desk.gallery.home,
        first_scripts(),
    )


def first_scripts() -> str:
    """The scripts that run before Gradio's, as HTML."""
    from studio.app.modules import address

    # A module, and so after the page has come; but Gradio's is one too, and they run in their order.
    fills = f'<script type="module" src="{address("fills")}"></script>'
    return f"<script>{gradio_patches.STOP_CLOCK}</script>{fills}"


def masthead(*, log_out: bool) -> str:
    """The top of the page. Logging out is a form, since following a link must not change anything."""
    button = '<form method="post" action="logout" class="log-out"><button>Log out</button></form>'
    return f"""
<a class="skip" href="#">Skip to the content</a>
<header><span class="sign" aria-hidden="true"></span><h1>Derivative Works <em>Studio</em></h1></header>
<button type="button" class="theme-toggle" aria-label="Light or dark">◐</button>
{button if log_out else ""}
"""


def head() -> str:
    """What the page's head has beside Gradio's own. The page opens on what its address names, such as a tab
    (#gallery), a lesson (#lesson=cafeteria&rate=0.1) or a work (?work=ID). Back and Forward follow it.
    """
    from studio.app.modules import imported
    from studio.app.theme import palettes

    labels = json.dumps({tab.id: tab.label for tab in tabs()})
    begin = f"{imported('address')}.then(({{begin}}) => begin({labels}), () => {{}})"
    # Before anything is drawn, so that nobody sees the other theme for a moment.
    chosen = (
        "try { const theme = localStorage.getItem('studio-theme'); "
        "if (theme) document.documentElement.dataset.theme = theme; } catch {}"
    )
    light = f"{imported('theme')}.then(({{begin}}) => begin(), () => {{}})"
    skip = f"{imported('skip')}.then(({{begin}}) => begin({labels}), () => {{}})"
    return f"""
<meta name="color-scheme" content="dark light">
<meta name="theme-color" content="#121214">
<style>{palettes()}</style>
<meta name="description" content="Making art from art with neural networks, and understanding how.">
<link rel="icon" type="image/svg+xml" href="favicon.ico">
<script>{chosen}</script>
<script>{gradio_patches.LEAVE_QUIETLY}</script>
<script>{begin}; {light}; {skip};</script>
"""
