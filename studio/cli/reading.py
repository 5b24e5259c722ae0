"""The command that shows what the studio hears in a score, and converts it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studio.cli.options import FILE, TextOrFile, check_output
from studio.errors import Refused, StudioError
from studio.works.incoming import read_file

if TYPE_CHECKING:
    from studio.music.reading.budget import Reading
    from studio.music.scores.scores import Score
    from studio.music.scores.tunes import Tune


@click.command()
@click.argument("files", nargs=-1, required=True, type=FILE, metavar="FILE...")
@click.option("--played", is_flag=True, help="Play repeats, D.C. and D.S. out.")
@click.option(
    "-o",
    "--output",
    type=FILE,
    help="Write the tune here; the suffix is the format, such as .musicxml. Several tunes are numbered.",
)
@click.option("--force", is_flag=True, help="Replace the output file if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Print what was heard as JSON.")
def read(files: tuple[Path, ...], played: bool, output: Path | None, force: bool, as_json: bool) -> None:
    """Show what the studio hears in each FILE (MIDI, MusicXML, ABC, Humdrum): tunes, bars, notes, chord
    symbols, words, and what was left out, moved or guessed. With -o, convert it.

    A bar is a line: its number, [chords], and notes with their length in quarter notes where that is not 1
    (D5:3/2). ~ is tied to the note before. Of several files, those that cannot be read are named at the end.
    """
    from studio.music.reading.describing import heard_as_plain, heard_in, heard_in_words, not_carried
    from studio.music.reading.readers import Readers
    from studio.music.writing.formats import by_suffix

    if output:
        by_suffix(output)
    readings: list[tuple[str, Reading]] = []
    failed: list[StudioError] = []
    with Readers() as readers:
        for file in files:
            try:
                readings.append((file.name, readers.read(read_file(file), file.name, parts=True)))
            except StudioError as error:
                failed.append(error)
    if failed and (output or not readings):
        raise failed[0]
    heard = heard_in(readings, played=played)
    music = heard.whole()
    written = _write(music, output, force=force) if output else []
    if as_json:
        told = heard_as_plain(heard)
        if output:
            told["written"] = written
            of_melody = set(heard.remarks) - set(heard.remarks_on_whole())
            told["remarks"] = [each for each in told["remarks"] if each not in of_melody]
            told["remarks"] += not_carried(music, output)
        told["remarks"] += map(str, failed)
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        for line in written or heard_in_words(heard):
            click.echo(line)
    if output and not as_json:
        for remark in (*heard.remarks_on_whole(), *not_carried(music, output)):
            click.echo(remark, err=True)
    for each in failed[:-1]:
        click.echo(f"studio: {each}", err=True)
    if failed:
        raise failed[-1]


def _write(tunes: Sequence[Tune | Score], output: Path, *, force: bool) -> list[str]:
    """Write every tune, several as NAME-1, NAME-2 …; either all are written or, where one is refused, none.

    Returns the paths.
    """
    from studio.music.writing.formats import by_suffix
    from studio.works.output import write_file

    if len(tunes) > MOST_WRITTEN:
        raise Refused(
            f"These are {len(tunes)} tunes, but at most {MOST_WRITTEN} are written at once; "
            "split the file into smaller ones."
        )
    numbered = [output.with_stem(f"{output.stem}-{number}") for number in range(1, len(tunes) + 1)]
    paths = numbered if len(tunes) > 1 else [output]
    for path in paths:
        check_output(path, force=force)
    contents = [by_suffix(output).to_bytes(tune, letters=_over_bars(tune)) for tune in tunes]
    return [
        str(write_file(content, path, force=force)) for content, path in zip(contents, paths, strict=True)
    ]


def _over_bars(music: Tune | Score) -> dict[int, str]:
    """The names of its sections, as an engraved score has them over its bars. Only scores have some."""
    named: dict[int, str] = getattr(music, "names_over_bars", {})
    return named


@click.command("words")
@click.argument("file", type=FILE, metavar="FILE")
@click.argument("text", type=TextOrFile(), required=False, metavar="[WORDS]")
@click.option("-o", "--output", type=FILE, help="Write the tune with its words here, such as .musicxml.")
@click.option("--language", default="en", show_default=True, help="The language of the words.")
@click.option("--divide-notes", "--fit", is_flag=True, help="Divide long notes where there are too few.")
@click.option("--force", is_flag=True, help="Replace the output file if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def words_of_tune(file: Path, text: str | None, output: Path | None, **given: Any) -> None:
    """Lay WORDS (a text, or a text file) under the tune of FILE, and list where a stressed syllable falls on
    a weaker note than its neighbour.

    Without WORDS, show what words for the tune would have to be: for each of its lines the syllables, DUM
    where a note is felt strongly and da where it is not.
    """
    from studio.music.reading.describing import tune_in_words
    from studio.music.reading.readers import read_tunes
    from studio.music.scores.words import plain_words
    from studio.music.words.laying import lay
    from studio.music.words.stresses import patterns
    from studio.music.writing.formats import by_suffix

    if output:
        by_suffix(output)
        check_output(output, force=given["force"])
    tune = read_tunes(read_file(file), file.name).tunes[0]
    if text is None:
        lines = patterns(tune)
        if given["as_json"]:
            plain = [asdict(line) | {"feet": line.feet} for line in lines]
            click.echo(json.dumps({"lines": plain}, ensure_ascii=False))
            return
        for line in lines:
            click.echo(line.in_words())
        return
    laid = lay(text, tune, given["language"], divide=given["divide_notes"])
    written = _write([laid.tune], output, force=given["force"]) if output else []
    if given["as_json"]:
        found = {
            "words": plain_words(laid.words),
            "checked": laid.checked,
            "stresses": [asdict(fault) for fault in laid.stresses],
            "remarks": list(laid.remarks),
            "written": written,
        }
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for shown in written or tune_in_words(laid.tune).bars:
        click.echo(shown)
    click.echo(f"Stress against the beat: {len(laid.stresses)} of {laid.checked} words.", err=True)
    for told in (*(fault.in_words() for fault in laid.stresses), *laid.remarks):
        click.echo(told, err=True)


MOST_WRITTEN = 500
"""As many tunes are converted at once, so that a mistake does not fill a folder."""
