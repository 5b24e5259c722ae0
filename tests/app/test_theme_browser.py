"""Light or dark in a real Chromium: as the system has it until somebody chooses."""

from __future__ import annotations

from typing import Any

import pytest

from studio.app.theme import palette
from tests.app.conftest import Chromium, Open
from tests.app.test_browser import opened

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("page")]


def has_ground(page: Any, *, light: bool) -> None:
    """Wait until the page has the ground of this theme, and Gradio's own marks say so too."""
    colour = palette(light=light).ground
    ground = "rgb({}, {}, {})".format(*(int(colour[at : at + 2], 16) for at in (1, 3, 5)))
    page.wait_for_function(
        """([ground, light]) => getComputedStyle(document.body).backgroundColor === ground
          && document.body.classList.contains('dark') !== light""",
        arg=[ground, light],
    )


def test_the_theme_follows_the_system_until_one_is_chosen_which_is_remembered(
    chromium: Chromium, studio: Open
) -> None:
    with opened(chromium, studio) as page:
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            has_ground(page, light=scheme == "light")
        page.click(".theme-toggle")
        has_ground(page, light=False)
        page.reload()
        has_ground(page, light=False)
        page.click(".theme-toggle")
        has_ground(page, light=True)
        page.emulate_media(color_scheme="dark")
        has_ground(page, light=False)  # what the system said was chosen: it is followed again
        page.emulate_media(color_scheme="no-preference")
