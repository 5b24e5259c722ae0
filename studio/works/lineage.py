"""Where a work comes from and what came of it: its parents and children, and theirs.

for each in lineage(gallery, work).kin:
    print(each.generation, each.work.title, each.parents)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from studio.works.reads import ReadsWorks
from studio.works.work import Work

GENERATIONS, MOST = 2, 24
"""Generations in each direction, and works in all, that a tree shows."""


@dataclass(frozen=True)
class Relative:
    """A work in a family tree. generation: 0 for the work itself, -1 for its parents, 1 for its children.
    parents: ids of those of its parents that are in the tree.
    """

    work: Work
    generation: int
    parents: tuple[str, ...]


@dataclass(frozen=True)
class Lineage:
    """A family tree: the oldest generation first. left_out: works of these generations beyond the most."""

    kin: tuple[Relative, ...]
    left_out: int = 0


def lineage(works: ReadsWorks, work: Work, generations: int = GENERATIONS, most: int = MOST) -> Lineage:
    """The family of a work. A work that is both, such as one dreamt on from a dream and its photo, is in the
    tree once, in the generation where it was found first. Raises what the gallery raises.
    """
    found: dict[str, tuple[Work, int]] = {work.id: (work, 0)}
    edges: set[tuple[str, str]] = set()
    left_out = _walk(work, works.parents, -1, generations, most, found, edges)
    left_out += _walk(work, works.children, 1, generations, most, found, edges)
    kin = [
        Relative(each, generation, tuple(old for old, young in sorted(edges) if young == each.id))
        for each, generation in found.values()
    ]
    kin.sort(key=lambda each: (each.generation, each.work.made_at, each.work.id))
    return Lineage(tuple(kin), left_out)


def _walk(
    start: Work,
    next_to: Callable[[Work], list[Work]],
    step: int,
    generations: int,
    most: int,
    found: dict[str, tuple[Work, int]],
    edges: set[tuple[str, str]],
) -> int:
    """Go from generation to generation in one direction. Returns how many works there was no room for."""
    left_out: set[str] = set()
    edge = [start]
    for distance in range(1, generations + 1):
        beyond: list[Work] = []
        for each in edge:
            for relative in next_to(each):
                if relative.id not in found:
                    if len(found) >= most:
                        left_out.add(relative.id)
                        continue
                    found[relative.id] = (relative, step * distance)
                    beyond.append(relative)
                edges.add((relative.id, each.id) if step < 0 else (each.id, relative.id))
        edge = beyond
    return len(left_out)
