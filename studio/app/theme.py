"""How the studio looks: a dark room with warm light, so that the pictures are the brightest thing in it; or
paper in daylight, for projectors and bright rooms.

Two palettes, one theme, one style sheet. The page follows the system until somebody chooses (`js/theme.js`).
Nothing is fetched: the fonts are those the reader's system has.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradio.themes import Base
    from gradio.themes.utils.colors import Color


@dataclass(frozen=True)
class Palette:
    """Colours by what they are for. Every pair of text and ground keeps the contrast of WCAG 2.2 AA (a test
    measures them).
    """

    ground: str = "#121214"
    raised: str = "#1a1a1d"
    well: str = "#0c0c0e"
    hover: str = "#25252a"
    line: str = "#34343b"
    edge: str = "#74747f"  # borders of what can be operated: 3:1 against the grounds
    text: str = "#f1eee7"
    quiet: str = "#b0aca3"
    accent: str = "#f0b36a"
    accent_bright: str = "#f8c88e"
    on_accent: str = "#241704"
    good: str = "#93cfa8"
    bad: str = "#f59a8b"
    bad_ground: str = "#33191a"
    over: str = "#17130d"  # where a file that is dragged may be dropped


DAYLIGHT = Palette(
    ground="#f6f4ef",
    raised="#ffffff",
    well="#fdfcf9",
    hover="#ece8df",
    line="#d6d1c6",
    edge="#7b766c",
    text="#1d1b18",
    quiet="#57534b",
    accent="#8f4e00",
    accent_bright="#753f00",
    on_accent="#ffffff",
    good="#1b6539",
    bad="#a8231b",
    bad_ground="#fdeae6",
    over="#fbefdd",
)
"""The colours of the light theme, by the same rules."""


SANS = (
    "ui-sans-serif",
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Roboto",
    "Noto Sans",
    "Helvetica Neue",
    "Arial",
    "sans-serif",
)
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "Liberation Mono", "monospace")

SHAPES = {
    "body_text_size": "*text_md",
    "block_padding": "0px",
    "block_radius": "10px",
    "container_radius": "10px",
    "input_radius": "8px",
    "button_large_radius": "10px",
    "button_small_radius": "8px",
    "checkbox_border_radius": "5px",
    "layout_gap": "20px",
    "form_gap_width": "20px",
    "block_title_text_weight": "600",
    "block_label_text_weight": "600",
    "block_title_text_size": "*text_md",
    "block_info_text_size": "*text_sm",
}
"""Sizes, weights and corners, by Gradio's names."""


def palette(*, light: bool = False) -> Palette:
    """The studio's colours, those of the dark theme or of the light one."""
    return DAYLIGHT if light else Palette()


def named() -> Palette:
    """Each colour as the style sheet's custom property of its name, which says what it is now."""
    names = asdict(palette())
    return Palette(**{colour: f"var(--{colour.replace('_', '-')})" for colour in names})


def theme() -> Base:
    """The palette as a Gradio theme, whose day and night are the same: the custom properties change."""
    from gradio.themes import Base

    p = named()
    hues = {name: _hue(colours) for name, colours in (("warm", _warm(p)), ("grey", _grey(p)))}
    made = Base(
        primary_hue=hues["warm"],
        secondary_hue=hues["grey"],
        neutral_hue=hues["grey"],
        font=SANS,
        font_mono=MONO,
    )
    day = _page_colours(p) | _block_colours(p) | _input_colours(p) | _button_colours(p)
    # A colour without its night counterpart falls back to Gradio's own night colours, so each is given twice.
    night = {f"{name}_dark": value for name, value in day.items() if hasattr(made, f"{name}_dark")}
    return made.set(**day, **night, **SHAPES)


def _page_colours(p: Palette) -> dict[str, str]:
    """The page and what is written on it."""
    return {
        "body_background_fill": p.ground,
        "body_text_color": p.text,
        "body_text_color_subdued": p.quiet,
        "background_fill_primary": p.ground,
        "background_fill_secondary": p.raised,
        "border_color_primary": p.line,
        "border_color_accent": p.accent,
        "border_color_accent_subdued": p.line,
        "color_accent_soft": p.hover,
        "link_text_color": p.accent,
        "link_text_color_hover": p.accent_bright,
        "link_text_color_visited": p.accent,
        "link_text_color_active": p.accent_bright,
        "accordion_text_color": p.text,
        "table_text_color": p.text,
        "table_even_background_fill": p.well,
        "table_odd_background_fill": p.well,
        "table_row_focus": p.hover,
        "table_border_color": p.line,
        "slider_color": p.accent,
        "loader_color": p.accent,
        "stat_background_fill": p.hover,
        "code_background_fill": p.well,
        "error_background_fill": p.bad_ground,
        "error_border_color": p.bad,
        "error_text_color": p.bad,
        "error_icon_color": p.bad,
        "shadow_drop": "none",
        "shadow_drop_lg": "0 12px 40px rgb(0 0 0 / .5)",
        "shadow_inset": "none",
        "shadow_spread": "0",
    }


def _block_colours(p: Palette) -> dict[str, str]:
    """Blocks and their labels, which have no ground of their own."""
    return {
        "block_background_fill": "transparent",
        "block_border_color": "transparent",
        "block_border_width": "0px",
        "block_info_text_color": p.quiet,
        "block_label_background_fill": "transparent",
        "block_label_border_color": "transparent",
        "block_label_border_width": "0px",
        "block_label_text_color": p.text,
        "block_title_text_color": p.text,
        "block_title_background_fill": "transparent",
        "block_title_border_width": "0px",
        "block_shadow": "none",
        "panel_background_fill": "transparent",
        "panel_border_width": "0px",
    }


def _input_colours(p: Palette) -> dict[str, str]:
    """What is typed into or ticked."""
    return {
        "input_background_fill": p.well,
        "input_background_fill_focus": p.well,
        "input_background_fill_hover": p.well,
        "input_border_color": p.edge,
        "input_border_color_focus": p.accent,
        "input_border_color_hover": p.quiet,
        "input_border_width": "1px",
        "input_placeholder_color": p.quiet,
        "input_shadow": "none",
        "input_shadow_focus": "none",
        "checkbox_background_color": p.well,
        "checkbox_background_color_focus": p.well,
        "checkbox_background_color_hover": p.hover,
        "checkbox_background_color_selected": p.accent,
        "checkbox_border_color": p.edge,
        "checkbox_border_color_focus": p.accent,
        "checkbox_border_color_hover": p.quiet,
        "checkbox_border_color_selected": p.accent,
        "checkbox_label_background_fill": "transparent",
        "checkbox_label_background_fill_hover": "transparent",
        "checkbox_label_background_fill_selected": "transparent",
        "checkbox_label_text_color": p.text,
        "checkbox_label_text_color_selected": p.text,
        "checkbox_label_border_width": "0px",
    }


def _button_colours(p: Palette) -> dict[str, str]:
    """Buttons."""
    return {
        "button_border_width": "1px",
        "button_primary_background_fill": p.accent,
        "button_primary_background_fill_hover": p.accent_bright,
        "button_primary_border_color": p.accent,
        "button_primary_border_color_hover": p.accent_bright,
        "button_primary_text_color": p.on_accent,
        "button_primary_text_color_hover": p.on_accent,
        "button_secondary_background_fill": p.hover,
        "button_secondary_background_fill_hover": p.line,
        "button_secondary_border_color": p.line,
        "button_secondary_border_color_hover": p.edge,
        "button_secondary_text_color": p.text,
        "button_secondary_text_color_hover": p.text,
        "button_cancel_background_fill": p.hover,
        "button_cancel_background_fill_hover": p.line,
        "button_cancel_border_color": p.line,
        "button_cancel_border_color_hover": p.bad,
        "button_cancel_text_color": p.bad,
        "button_cancel_text_color_hover": p.bad,
    }


def _grey(p: Palette) -> tuple[str, ...]:
    """Eleven greys, from light to dark."""
    return (
        p.text,
        p.text,
        p.line,
        p.quiet,
        p.edge,
        p.edge,
        p.line,
        p.hover,
        p.raised,
        p.ground,
        p.well,
    )


def _warm(p: Palette) -> tuple[str, ...]:
    """Eleven shades of the accent, from light to dark."""
    return (
        p.hover,
        p.hover,
        p.accent_bright,
        p.accent_bright,
        p.accent,
        p.accent,
        p.accent,
        p.accent,
        p.on_accent,
        p.on_accent,
        p.on_accent,
    )


def _hue(colours: tuple[str, ...]) -> Color:
    from gradio.themes.utils.colors import Color

    return Color(*colours)


def style_sheet(name: str = "style") -> str:
    """A style sheet of the studio, the palettes included."""
    return f"{palettes()}\n" + files("studio.app").joinpath(f"{name}.css").read_text("utf-8")


def palettes() -> str:
    """The colours as custom properties (--ground, --accent …). The page's `data-theme` says which theme was
    chosen; without it the system's counts.

    Gradio's prefixes spoil these rules in a style sheet that it is given, so the page's head has them too.
    """
    dark, light = _properties(light=False), _properties(light=True)
    return "\n".join(
        (
            f":root {{ {dark} }}",
            f'@media (prefers-color-scheme: light) {{ :root:not([data-theme="dark"]) {{ {light} }} }}',
            f':root[data-theme="light"] {{ {light} }}',
        )
    )


INKS = {
    "one": ("#f2a03d", "#b25f00"),
    "two": ("#6db3e8", "#1f6aa8"),
    "three": ("#8fc79a", "#2c7340"),
    "four": ("#d58ac4", "#9c3a88"),
    "five": ("#e6d36a", "#7d6900"),
    "six": ("#9a93e0", "#574cba"),
    "accent": ("#fff3dc", "#5c3200"),
}
"""What a lesson's drawing means by a colour: in the dark and in the light theme."""


def _properties(*, light: bool) -> str:
    colours = asdict(palette(light=light)) | {f"ink-{name}": both[light] for name, both in INKS.items()}
    named = " ".join(f"--{name.replace('_', '-')}: {value};" for name, value in colours.items())
    roll = "none" if light else "invert(1) hue-rotate(180deg)"  # drawn on paper; in the dark its notes glow
    return f"color-scheme: {'light' if light else 'dark'}; --roll-filter: {roll}; {named}"
