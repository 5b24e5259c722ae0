"""The command that prints lessons."""

from __future__ import annotations

import click

from studio.errors import Refused


@click.command()
@click.argument("name", required=False)
@click.option(
    "--set", "assignments", multiple=True, metavar="CONTROL=VALUE", help="Set one of the lesson's controls."
)
def lesson(name: str | None, assignments: tuple[str, ...]) -> None:
    """Print a lesson with its numbers, step by step. Without a NAME (or number), list the course."""
    from studio.lessons.kit import course
    from studio.lessons.kit.scene import Table, table_in_words

    if name is None:
        for number, each in enumerate(course.COURSE, start=1):
            found = course.lesson(each)
            click.echo(f"{number:>3}  {each:<20} {found.minutes:>2} min  {found.question}")
        return
    shown = course.lesson(name)
    if shown.table is None:
        raise Refused(
            f"The lesson '{name}' has no numbers to print; see it in the Lessons tab of studio app."
        )
    settings = shown.settings(dict(_assignment(text) for text in assignments))
    click.echo(f"{shown.title}. {shown.question}\n")
    for part in shown.table(settings):
        click.echo((table_in_words(part) if isinstance(part, Table) else part) + "\n")
    click.echo(shown.formula)


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Refused(f"'{text}' sets nothing; write CONTROL=VALUE, such as rate=0.1.")
    return name.strip(), value.strip()
