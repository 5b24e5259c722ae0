"""What the licences of the sources allow for a work made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Whose work is it?


@dataclass(frozen=True)
class Licence:
    """What a licence says of adaptations, in short. share, sell: whether they may be. credit, alike: what
    they must bring along.
    """

    name: str
    share: bool
    sell: bool
    credit: bool
    alike: bool
    sentence: str


LICENCES = {
    licence.name: licence
    for licence in (
        Licence("my own work", True, True, False, False, "Yours: you decide."),
        Licence(
            "public domain",
            True,
            True,
            False,
            False,
            "Free for all. Naming the author is good manners, in some countries a duty.",
        ),
        Licence(
            "CC0",
            True,
            True,
            False,
            False,
            "Its maker gave up all rights as far as the law lets them. Credit is good manners.",
        ),
        Licence(
            "CC BY",
            True,
            True,
            True,
            False,
            "Name title, author, source and licence, and say that you changed it.",
        ),
        Licence(
            "CC BY-SA",
            True,
            True,
            True,
            True,
            "As CC BY, and what you make of it is passed on under CC BY-SA.",
        ),
        Licence(
            "CC BY-NC", True, False, True, False, "As CC BY, but not for commercial advantage or payment."
        ),
        Licence(
            "CC BY-ND",
            False,
            False,
            True,
            False,
            "May be passed on unchanged. What you make of it stays with you, unless you are allowed.",
        ),
        Licence(
            "all rights reserved",
            False,
            False,
            True,
            False,
            "Ask. Without permission, what you make of it stays with you.",
        ),
    )
}
"""After the deeds of Creative Commons 4.0, creativecommons.org/licenses."""


@dataclass(frozen=True)
class Verdict:
    """What a work made from several sources may be. licence: under which it can be passed on; why: a
    sentence.
    """

    share: bool
    sell: bool
    credit: bool
    licence: str
    why: str


def verdict(sources: Sequence[Licence]) -> Verdict:
    """What the sources' licences leave for a work that adapts all of them.

    After Creative Commons' chart of what may be remixed (FAQ, "Can I combine material under different
    Creative Commons licenses?").
    """
    closed = [source for source in sources if not source.share]
    alike = any(source.alike for source in sources)
    not_sold = [source for source in sources if source.share and not source.sell]
    credit = any(source.credit for source in sources)
    if closed:
        return Verdict(
            False,
            False,
            credit,
            "none, without permission",
            f"'{closed[0].name}' does not let adaptations be passed on.",
        )
    if alike and not_sold:
        why = (
            "One source wants the result to be CC BY-SA, which allows sale; the other forbids it. Both "
            "cannot be kept in one work."
        )
        return Verdict(False, False, credit, "none, without permission", why)
    if alike:
        return Verdict(True, True, credit, "CC BY-SA", "Share alike: the result carries the same licence.")
    if not_sold:
        return Verdict(
            True,
            False,
            credit,
            "CC BY-NC or CC BY-NC-SA",
            "Passed on freely, with credit, but not for commercial advantage.",
        )
    if credit:
        return Verdict(
            True,
            True,
            True,
            "one that keeps the credit, such as CC BY",
            "With the credit, you may even sell it.",
        )
    return Verdict(
        True,
        True,
        False,
        "any you like, CC0 too",
        "Nothing is asked of you. Say all the same what it is made from.",
    )


def credit_line(settings: Mapping[str, Any]) -> str:
    """The credit for the photo, as it would stand under the work."""
    licence = str(settings["first"])
    title, author = (
        str(settings["title"]).strip() or "untitled",
        str(settings["author"]).strip() or "an unknown author",
    )
    if licence == "my own work":
        return f"From my own picture “{title}”."
    if licence == "all rights reserved":
        return f"After “{title}” by {author}, with permission (once you have it); changed."
    return (
        f"After “{title}” by {author}, "
        f"{licence}{', with a link to the licence' if licence.startswith('CC') else ''}; changed."
    )
