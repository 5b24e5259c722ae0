"""Styles read and learnt before anyone asks for a melody, so that the first one comes as fast as the next."""

from __future__ import annotations

from contextlib import suppress

from studio.errors import Refused
from studio.music.melody.recipes import ComposeRecipe
from studio.music.styles.table import STYLES

MOST_TUNES = 2500
"""A larger style takes a laptop minutes to read, so it is read only when somebody chooses it."""


def names() -> list[str]:
    """The styles to prepare before anyone asks: first the one a melody has where nobody chooses."""
    usual = str(ComposeRecipe.model_fields["style"].default)
    small = [name for name, entry in STYLES.items() if entry.tunes <= MOST_TUNES and not entry.download]
    return [usual, *(name for name in small if name != usual)]


def prepare(name: str, *, kindly: bool = False) -> None:
    """Read a style, and learn what a melody in its usual meter and key needs. Quick where that was done.

    kindly: this process gives way to others, so nobody waits for what it reads. Raises `UnknownName`,
    `Missing` and `Unreadable`, as opening a style does.
    """
    from studio.music.melody.predictions import note_learnt
    from studio.music.melody.takes import consider
    from studio.music.styles.opening import ready_style
    from studio.music.styles.originality import Comparison
    from studio.process import finish

    style = ready_style(name, kindly=kindly)
    comparison = Comparison(style, style.entry.title)
    with suppress(Refused):  # a style whose usual meter asks for too much can still be used in others
        recipe = ComposeRecipe(style=name, seed=0)
        finish(consider(recipe, style, max_copy=comparison.max_copy))
        note_learnt(style.sha256, recipe)
    comparison.get_ready()


def load() -> None:
    """Import what a melody needs beside the code of its making, which imports it when it is first used."""
    import studio.music.writing.midi
    import studio.music.writing.musicxml  # noqa: F401
    from studio.music.chains.products import loops

    loops()
