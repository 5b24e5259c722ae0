"""Makes a work again from the recipe inside its file, and says whether the result is the same."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from studio.errors import Missing, Refused, StudioError
from studio.making.kinds import kind_of, make, read_recipe
from studio.works.gallery import Gallery
from studio.works.metadata import embed, extract, is_cut_off
from studio.works.recipe import Recipe, Source
from studio.works.shipped import shipped
from studio.works.work import Made, Progress

SAME = (
    "Versions, device and network are the same as then: another processor made it, or its recipe or content "
    "was changed since."
)


@dataclass(frozen=True)
class Remade:
    """A work made again.

    identical: to the byte, or in everything but what the file says about its making. sentence: says which of
    these, or how much it differs and what changed since (versions, device, network).
    """

    identical: bool
    sentence: str
    made: Made


def remake(
    content: bytes, gallery: Gallery, extra_sources: Iterable[bytes] = ()
) -> Generator[Progress, None, Remade]:
    """Make the work in this file again. Nothing is kept in the gallery.

    extra_sources: sources that the gallery does not have, in any order; they are recognised by content.
    Raises `Refused` for a file without a recipe and for sources that changed, `Missing` for sources that
    cannot be found, `Unreadable` for a damaged file or recipe, and whatever making the work raises.
    """
    text = extract(content)
    if text is None:
        raise Refused(
            "This file has no recipe inside: the studio did not make it, or another program removed it."
        )
    recipe = read_recipe(text)
    sources = _sources(recipe, gallery, extra_sources)
    # The setting stays in the recipe, so that a dream is made with as many threads as before.
    asked = recipe.model_copy(update={"model": None})
    made = yield from make(asked, lambda source: sources[source.sha256])
    return compare(content, recipe, made)


def compare(content: bytes, recipe: Recipe, made: Made) -> Remade:
    """Compare a work made again with the file `content`, which was made by `recipe`.

    Raises `Unreadable` where one of them is damaged.
    """
    if made.content == content:
        return Remade(True, "Identical, to the byte.", made)
    if is_cut_off(content):
        return Remade(False, "The file is cut off: its end is missing. What was made now is whole.", made)
    changes = _changes(recipe, made.recipe)
    since = f"Changed since then: {'; '.join(changes)}." if changes else SAME
    if _without_story(content, made) == _without_story(made.content, made):
        return Remade(True, f"Identical, but for what the file says about its making. {since}", made)
    identical, difference = _compare(content, made)
    return Remade(identical, f"{difference} {since}", made)


def _sources(recipe: Recipe, gallery: Gallery, extra: Iterable[bytes]) -> dict[str, bytes]:
    """Every source of a recipe by its hash."""
    given = {hashlib.sha256(content).hexdigest(): content for content in extra}
    found: dict[str, bytes] = {}
    lacking: list[Source] = []
    for source in recipe.sources:
        try:
            found[source.sha256] = (
                given[source.sha256] if source.sha256 in given else gallery.read_source(source)
            )
        except Missing:
            lacking.append(source)
    if lacking:
        # The works on show, the bundled paintings and everything they were made from come with the studio.
        contents = (*shown_sources(), *_supplied(recipe))
        on_show = {hashlib.sha256(content).hexdigest(): content for content in contents}
        found |= {source.sha256: on_show[source.sha256] for source in lacking if source.sha256 in on_show}
        lacking = [source for source in lacking if source.sha256 not in found]
    if not lacking:
        return found
    names = " and ".join(
        f"the {source.role} {source.title or source.name or ''}".rstrip() + f" ({source.sha256[:12]})"
        for source in lacking
    )
    if given.keys() - found.keys():
        raise Refused(
            f"None of the files given is {names}: the content changed since the work was made; give the file "
            "as it was then."
        )
    raise Missing(f"This gallery does not have {names}; give the file.", setting="source")


def _supplied(recipe: Recipe) -> list[bytes]:
    """What the kind of work supplies where nobody gives it, such as a style that comes with the studio."""
    with suppress(StudioError):
        return [each.content for each in kind_of(recipe.kind).default_ingredients(recipe.model_dump(), ())]
    return []


def _changes(then: Recipe, now: Recipe) -> list[str]:
    """How the versions, device and network of a recipe differ from today's, such as "torch 2.9 -> 2.14"."""
    changes = []
    if then.model and now.model and then.model != now.model:
        changes.append(
            f"network {then.model.name} {then.model.sha256[:8]} -> {now.model.name} {now.model.sha256[:8]}"
        )
    if then.setting is None or now.setting is None:
        return changes
    for name in sorted(then.setting.versions.keys() | now.setting.versions.keys()):
        before, after = then.setting.versions.get(name, "none"), now.setting.versions.get(name, "none")
        if before != after and not (name == "band" and before == "none"):  # not recorded before 0.5
            changes.append(f"{name} {before} -> {after}")
    if then.setting.device != now.setting.device:
        changes.append(f"device {then.setting.device or 'unknown'} -> {now.setting.device or 'unknown'}")
    return changes


def _without_story(content: bytes, made: Made) -> bytes:
    """The file with a recipe that does not say what it was made on, so that only the works are compared."""
    bare = made.recipe.model_copy(update={"setting": None, "model": None})
    return embed(content, made.suffix, bare)


def _compare(content: bytes, made: Made) -> tuple[bool, str]:
    if made.media_type.startswith("image/"):
        return _compare_pictures(content, made.content)
    if len(content) != len(made.content):
        return False, f"Not identical: {len(made.content):,} bytes instead of {len(content):,}."
    differing = int(
        np.count_nonzero(np.frombuffer(content, np.uint8) != np.frombuffer(made.content, np.uint8))
    )
    return False, f"Not identical: {differing:,} of {len(content):,} bytes differ."


def _compare_pictures(then: bytes, now: bytes) -> tuple[bool, str]:
    from studio.images.pictures import read_picture

    before = read_picture(then, "The work's file", whole=True)
    after = read_picture(now, "The work made again", whole=True)
    if before.pixels.shape != after.pixels.shape or (before.alpha is None) != (after.alpha is None):
        sizes = [f"{picture.pixels.shape[1]} x {picture.pixels.shape[0]}" for picture in (before, after)]
        return False, f"Not identical: a picture of {sizes[1]} px instead of {sizes[0]} px."
    pairs = [(before.pixels, after.pixels)]
    if before.alpha is not None and after.alpha is not None:
        pairs.append((before.alpha[..., None], after.alpha[..., None]))
    apart = np.concatenate([np.abs(a.astype(np.int16) - b.astype(np.int16)) for a, b in pairs], axis=2)
    if not apart.any():
        return True, "Identical, pixel for pixel; only the file around them differs."
    share, largest, mean = float(apart.any(axis=2).mean()), int(apart.max()), float(apart.mean())
    return (
        False,
        f"Not identical: {share:.1%} of the pixels differ, by at most {largest} of 255 levels and {mean:.3f} "
        "on average.",
    )


def shown_sources() -> Iterator[bytes]:
    """The pictures and painters that come with the studio: works made from them can be made again
    anywhere.
    """
    from studio.images.paintings.catalogue import PAINTINGS

    folder = shipped("gallery")
    paintings = (painting.path for painting in PAINTINGS.values() if painting.path.is_file())
    painters = sorted(shipped("models").glob("painter-*.safetensors"))
    for path in (
        *sorted((folder / "sources").glob("*.*")),
        *sorted(folder.glob("*.png")),
        *paintings,
        *painters,
    ):
        yield path.read_bytes()
