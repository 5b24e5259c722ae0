"""The commands about musical styles: listing, adding, comparing, and training a network on one."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from studio.cli.options import FILE, show_trained, watch
from studio.works.incoming import read_file

if TYPE_CHECKING:
    from studio.music.songs.copied import KnownRuns
    from studio.music.styles.originality import Originality


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_context
def styles(context: click.Context, as_json: bool) -> None:
    """List the musical styles, with size, source and licence."""
    if context.invoked_subcommand is not None:
        return
    from studio.music.styles.own import catalogue

    fields = ("name", "title", "sentence", "source", "licence", "tunes")
    for entry in catalogue():
        if as_json:
            answer = {field: getattr(entry, field) for field in fields} | {
                "fetched_on_demand": entry.download is not None
            }
            click.echo(json.dumps(answer, ensure_ascii=False))
            continue
        size = f"{entry.tunes:,} tunes" if entry.tunes else ""
        fetched = f"to fetch: studio styles add {entry.name}" if entry.download else ""
        click.echo(
            f"{entry.name:<16} {entry.title}{', ' + size if size else ''}{f' ({fetched})' if fetched else ''}"
        )
        click.echo(f"{'':<16} {entry.sentence}")
        click.echo(f"{'':<16} {entry.source}. {entry.licence}")
    if not as_json:
        _echo_song_styles()


def _echo_song_styles() -> None:
    """The styles of songs, with what their melodies and chords come from."""
    from studio.music.harmony.named import CHORD_STYLES
    from studio.music.songs.named import MELODIES, SONG_STYLES

    click.echo("\nFor studio song alone, with chords, ready offline:")
    for style in SONG_STYLES.values():
        click.echo(f"{style.name:<16} {style.title}")
        click.echo(f"{'':<16} {style.sentence}")
        said = {
            row.source: row.licence for row in (MELODIES.get(style.melody), CHORD_STYLES[style.chords]) if row
        }
        for source, licence in said.items():
            click.echo(f"{'':<16} {source}. {licence}")


@styles.command("add")
@click.argument("name")
@click.argument("path", required=False, type=FILE)
@click.option("--sentence", default="", help="Describe the style in a sentence.")
@click.option("--licence", default="", help="The licence of its tunes.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def styles_add(name: str, path: Path | None, sentence: str, licence: str, quiet: bool) -> None:
    """Read the tunes at PATH and keep them as the style NAME. Without PATH, fetch the public collection of
    that name.
    """
    from studio.music.styles.adding import add_style

    style = watch(add_style(name, path, sentence=sentence, licence=licence), quiet=quiet)
    click.echo(f"{name}: {len(style):,} tunes, {style.notes:,} notes.")
    if style.unread and not quiet:
        first = style.unread[0]
        click.echo(f"{len(style.unread)} could not be read, such as {first.name}: {first.reason}", err=True)


@styles.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def styles_show(name: str, as_json: bool) -> None:
    """Show one style: its meters and modes, how much its tunes share, and which files could not be read."""
    from studio.music.styles.opening import open_style
    from studio.music.styles.report import portrait

    answer = portrait(watch(open_style(name), quiet=as_json))
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    for what, value in answer.items():
        lines = value if isinstance(value, list) else [value]
        for number, line in enumerate(lines):
            click.echo(f"{'' if number else what:>14}  {line}")


@styles.command("report")
@click.argument("name")
@click.argument("tunes", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print one number, the closeness.")
def styles_report(name: str, tunes: Path, as_json: bool, quiet: bool) -> None:
    """Measure how close the tunes at TUNES (a file, a folder or another style) are to the style NAME.

    For comparison, the table also shows the style's own tunes, one half against the other, and the same
    tunes with their notes shuffled. The features and the measure follow Yang and Lerch (2020): the overlap
    is 1 where distances within the style and distances to the tunes have the same distribution.
    """
    from studio.music.styles.opening import open_style
    from studio.music.styles.report import place

    style = watch(open_style(name), quiet=quiet or as_json)
    others = watch(open_style(tunes if tunes.exists() else str(tunes)), quiet=quiet or as_json)
    placed = place(others, style)
    if as_json:
        click.echo(json.dumps(asdict(placed)))
        return
    if quiet:
        click.echo(f"{placed.tunes.closeness:.3f}")
        return
    title, own_title = others.entry.title, style.entry.title
    click.echo(
        f"{len(others):,} tunes of {title} beside {len(style):,} of {own_title}. {placed.tunes.sentence}\n"
    )
    click.echo(
        f"{'':<20} {'overlap':>8} {'divergence':>11} {'variety':>8}   {'own tunes':>9} {'shuffled':>9}"
    )
    for each, own, shuffled in zip(
        placed.tunes.features, placed.own.features, placed.shuffled.features, strict=True
    ):
        row = f"{each.name:<20} {each.overlap:>8.2f} {each.divergence:>11.2f} {each.variety:>8.2f}"
        click.echo(f"{row}   {own.overlap:>9.2f} {shuffled.overlap:>9.2f}")
    closeness = f"{'closeness':<20} {placed.tunes.closeness:>8.2f} {'':>20}"
    click.echo(f"{closeness}   {placed.own.closeness:>9.2f} {placed.shuffled.closeness:>9.2f}")


@styles.command("remove")
@click.argument("name")
def styles_remove(name: str) -> None:
    """Remove a style of your own. Its files stay where they are."""
    from studio.music.styles.own import remove_style

    remove_style(name)
    click.echo(f"Removed {name}.")


@click.command()
@click.argument("file", type=FILE)
@click.option(
    "--style",
    "name",
    required=True,
    help="The style to compare with: one of studio styles, or a file or folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print only the length of the longest shared run.")
def originality(file: Path, name: str, as_json: bool, quiet: bool) -> None:
    """Show what the melody in FILE shares with the tunes of a style: the longest run, how much of the melody
    is shared, and the closest tune. Of chords, where both have some, the longest row.

    Styles of songs that come as counts (songbook-manner, sixties-pop, hymn) tell runs of some lengths alone.
    """
    from studio.music.reading.readers import read_tunes
    from studio.music.songs.copied import copied_in
    from studio.music.songs.counted import CountedStyle
    from studio.music.styles.originality import Comparison

    melody = read_tunes(read_file(file), file.name).tunes[0]
    found = watch(copied_in(Path(name) if Path(name).exists() else name), quiet=quiet or as_json)
    style = found.style
    report: Originality | KnownRuns
    if counted := isinstance(style, CountedStyle):
        report = found.known_runs(melody)
    else:
        report = Comparison(style, style.entry.title).report(melody)
    if quiet:
        click.echo(str(report.most_shared))
        return
    chords = found.chords(melody)
    if as_json:
        told = report.to_plain()
        click.echo(json.dumps(told | ({"chords": chords.to_plain()} if chords else {}), ensure_ascii=False))
        return
    beside = style.entry.title if counted else f"{len(style):,} tunes of {style.entry.title}"
    click.echo(f"{melody.title or file.name}, {len(melody.sounding)} notes, beside {beside}.")
    for sentence in report.sentences:
        click.echo(sentence)
    if chords:
        click.echo(chords.sentence)
    _show_shares(report)


def _show_shares(report: Originality | KnownRuns) -> None:
    """How much of a melody is shared with a style, and the closest tune beside it."""
    from studio.music.songs.copied import KnownRuns
    from studio.music.styles.runs import RunKind

    if isinstance(report, KnownRuns):
        return
    shares, own = report.shares[RunKind.INTERVAL], report.baselines[RunKind.INTERVAL].shares
    click.echo(
        "\nRuns of intervals also found in the style:  "
        + "  ".join(f"{notes:>4}" for notes in shares)
        + "  notes"
    )
    click.echo(f"{'of this melody':>42}  " + "  ".join(f"{share:>4.0%}" for share in shares.values()))
    click.echo(
        f"{'of its own tunes, in others':>42}  "
        + "  ".join(f"{own.get(notes, 0.0):>4.0%}" for notes in shares)
    )
    if report.nearest:
        click.echo(f"\nBeside {report.nearest.title} (= marks equal pitch and length):")
        for bar, mine, theirs in report.nearest.side_by_side():
            click.echo(f"{bar:>4}  {mine}\n{'':>4}  {theirs}")


@click.command()
@click.argument("name")
@click.option("--resume", is_flag=True, help="Continue an interrupted training.")
@click.option(
    "-o",
    "--into",
    type=FILE,
    help="The folder to keep it in. By default, the models folder of your studio.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Seed of the split, the starting weights and the order.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1, 1000),
    default=60,
    show_default=True,
    help="Most passes through the tunes.",
)
@click.option(
    "--hidden",
    type=click.IntRange(8, 1024),
    default=192,
    show_default=True,
    help="Size of the network's memory.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the model's card as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print the path only; no progress.")
def train(
    name: str,
    resume: bool,
    into: Path | None,
    seed: int,
    epochs: int,
    hidden: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train a network on the melodies of the style NAME, for `studio compose --model lstm`.

    NAME is one of `studio styles`, or a file or folder of your own tunes. Every epoch is saved, so --resume
    continues an interrupted training. At the end, the error on tunes it has never seen is printed beside the
    Markov chains' error on the same tunes.
    """
    from studio.music.melody.training import train as training

    trained = watch(
        training(name, into=into, resume=resume, seed=seed, epochs=epochs, hidden=hidden), quiet=quiet
    )
    show_trained(trained.card, trained.where, as_json=as_json, quiet=quiet)
