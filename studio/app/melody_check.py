"""A melody as a visitor would ask for it, to be looked at before anybody does: nothing of it is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from studio.app.intake import download_name
from studio.making.kinds import kind_of
from studio.music.melody import requests
from studio.works.recipe import Recipe, Source, check

if TYPE_CHECKING:
    from studio.making.on_show import WithShow
    from studio.music.melody.recipes import ComposeRecipe


class Earlier(Protocol):
    """Knows works that were made or asked for before."""

    library: WithShow

    def composed(self, id: str) -> ComposeRecipe:
        """The recipe of a melody, or of the job that makes one, by its id."""


@dataclass
class Draft:
    """What would go into a melody, or a work of another kind. held: the content of what the gallery does not
    have, by its sha256.
    """

    fields: dict[str, Any]
    kind: str = requests.KIND
    sources: list[Source] = field(default_factory=list)
    held: dict[str, bytes] = field(default_factory=dict)

    def add(self, role: str, name: str, content: bytes) -> None:
        """One more file."""
        sha256 = hashlib.sha256(content).hexdigest()
        source = Source(sha256=sha256, role=role, name=name[:255], title="", author="", licence="")
        self.sources.append(source)
        self.held[source.sha256] = content

    def recipe(self) -> Recipe:
        """Its recipe. Raises `Refused` for settings that make no sense."""
        return check(kind_of(self.kind).recipe_class(), self.fields | {"sources": self.sources})


def drafted(
    there: Earlier,
    settings: Mapping[str, Any],
    tunes: Iterable[tuple[str, bytes]] = (),
    around: tuple[str, Sequence[int]] | None = None,
) -> Draft:
    """The draft of a melody.

    A style called `of:ID` is that of the work or job with this id. tunes: (name, content) of the visitor's
    own files that are the style. around: a melody of the gallery and the bars of it, from 1, that are to be
    kept, as `Desk.compose_around` keeps them. Raises `Refused`, or `UnknownName` where there is no such work.
    """
    fields, _ = kind_of(requests.KIND).prepare(settings, [])
    draft = Draft(dict(fields))
    name = str(settings.get("style", ""))
    lender = around[0] if around else name.removeprefix("of:") if name.startswith("of:") else None
    if lender is None:
        for name, content in tunes:
            draft.add("tune", name, content)
        return draft
    earlier = there.composed(lender)
    draft.fields["style"] = earlier.style
    draft.sources += [each for each in earlier.sources if each.role in requests.STYLE_ROLES]
    if around:
        draft.fields = requests.fields_around(earlier, around[1], 0, fields)
        work = there.library.get(around[0])
        draft.add("take", download_name(work), there.library.read(work))
    return draft
