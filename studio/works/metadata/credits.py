"""How a file says in words what the work is, and who made its sources."""

from __future__ import annotations

from studio.works.recipe import Recipe, Source


def credit(source: Source) -> str:
    """A source as credits name it: 'China' by A. Photographer (CC BY 2.0)."""
    said = (
        f"'{source.title or source.name}'" if source.title or source.name else f"a file {source.sha256[:8]}…"
    )
    said += f" by {source.author}" if source.author else ""
    return said + (f" ({source.licence})" if source.licence else "")


def title(recipe: Recipe) -> str:
    """Such as "China, a dream"."""
    first = next((source.title or source.name for source in recipe.sources), "")
    return f"{first}, a {recipe.kind}" if first else recipe.kind.capitalize()


def rights(recipe: Recipe) -> str:
    """Such as "Made from 'China' by A. Photographer (CC BY 2.0)."."""
    return f"Made from {'; '.join(credit(source) for source in recipe.sources)}."
