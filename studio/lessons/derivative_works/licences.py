"""What the licences of the sources allow for a work made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Licence:
    """What a licence says about adaptations, in short.

    share, sell: whether they may be shared and sold.
    credit: whether the source must be credited.
    alike: whether they must carry the same licence.
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
            "Free for everyone. Crediting the author is good manners, and in some countries a duty.",
        ),
        Licence(
            "CC0",
            True,
            True,
            False,
            False,
            "Its maker has given up all rights as far as the law allows. Credit is good manners.",
        ),
        Licence(
            "CC BY",
            True,
            True,
            True,
            False,
            "Name the title, author, source and licence, and say that you changed it.",
        ),
        Licence(
            "CC BY-SA",
            True,
            True,
            True,
            True,
            "As CC BY, and what you make of it must be shared under CC BY-SA.",
        ),
        Licence("CC BY-NC", True, False, True, False, "As CC BY, but not for commercial use."),
        Licence(
            "CC BY-ND",
            False,
            False,
            True,
            False,
            "May be shared unchanged. What you make of it must stay private, unless you get permission.",
        ),
        Licence(
            "all rights reserved",
            False,
            False,
            True,
            False,
            "Ask. Without permission, what you make of it must stay private.",
        ),
    )
}
"""After the deeds of Creative Commons 4.0, creativecommons.org/licenses."""


@dataclass(frozen=True)
class Verdict:
    """What may be done with a work made from several sources.

    licence: the one it can be shared under.
    why: a sentence.
    """

    share: bool
    sell: bool
    credit: bool
    licence: str
    why: str


def verdict(sources: Sequence[Licence]) -> Verdict:
    """What the sources' licences allow for a work that adapts all of them.

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
            f"'{closed[0].name}' does not allow adaptations to be shared.",
        )
    if alike and not_sold:
        why = (
            "One source requires CC BY-SA, which allows sale; the other forbids sale. Both cannot be "
            "kept in one work."
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
            "May be shared with credit, but not for commercial use.",
        )
    if credit:
        return Verdict(
            True,
            True,
            True,
            "one that keeps the credit, such as CC BY",
            "With credit, you may even sell it.",
        )
    return Verdict(
        True,
        True,
        False,
        "any you like, CC0 too",
        "Nothing is required of you. Say what it is made from anyway.",
    )


def credit_line(settings: Mapping[str, Any]) -> str:
    """The credit for the photo, as it would appear under the work."""
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
