"""The command line. It reads options, passes them on, and prints the result.

Exit status: 0 made, 2 the request cannot be met (one line on standard error), 130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from typing import Any, NoReturn

import click

from studio.cli.channels import channels
from studio.cli.gallery import gallery
from studio.cli.lessons import lesson
from studio.cli.looking import app, doctor, layers, paintings, presets, show
from studio.cli.making import batch, making_command, remake
from studio.cli.reading import read, words_of_tune
from studio.cli.resuming import resume_command
from studio.cli.segments import segments
from studio.cli.sound import list_bands, sound
from studio.cli.styles import originality, styles
from studio.cli.training import train
from studio.errors import StudioError, error_data, ways_out_of
from studio.making.kinds import KINDS
from studio.making.waiting import wait_politely
from studio.version import __version__

OPTIONS = {
    ("fit", True): "--fit",
    ("divide_notes", True): "--fit",
    ("words_first", False): "--no-words-first",
    ("chords_from", "inferred"): "--chords-from inferred",
}
"""Ways out that are an option of a command: its sentence names the option, which no other place knows."""

SETTINGS = {
    "contour": "--contour 1:D4 --contour 9:A5",
    "earlier": "--earlier",
    "force": "--force",
    "melody": "--melody",
    "resume": "without --resume",
    "source": "--source",
}
"""The same of the settings that an error names (`StudioError.setting`)."""


def main() -> NoReturn:
    """Run a command and exit with its status. An error is printed as one line."""
    wait_politely()
    if not sys.warnoptions and not os.environ.get("STUDIO_DEBUG"):
        warnings.simplefilter("ignore")  # what libraries warn of is nothing that a user can act on
    try:
        commands.main(prog_name="studio", standalone_mode=False)
    except (KeyboardInterrupt, click.Abort):
        _complain("interrupted; nothing half-written was left.")
        _leave(130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
        _leave(0)
    except click.ClickException as error:
        _refuse(error.format_message())
    except StudioError as error:
        _refuse(with_options(error), error)
    except BrokenPipeError:
        # The reader of our output has gone (`studio gallery list | head`): there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _leave(0)
    except Exception:
        if os.environ.get("STUDIO_DEBUG"):
            raise
        from studio.works.log import write_log

        _complain(f"something went wrong in the studio itself; the details are in {write_log()}.")
        _leave(1)
    _leave(0)


def with_options(error: StudioError) -> str:
    """The sentence of an error, with the options that resolve it behind, such as (--fit)."""
    ways = ways_out_of(error_data(error))
    options = [OPTIONS[way["field"], way["value"]] for way in ways if _is_named(way)]
    options += [SETTINGS[error.setting]] if error.setting in SETTINGS else []
    if not options:
        return str(error)
    return f"{str(error).removesuffix('.')} ({' or '.join(dict.fromkeys(options))})."


def _is_named(way: dict[str, Any]) -> bool:
    return isinstance(way["value"], bool | str) and (way["field"], way["value"]) in OPTIONS


def _refuse(sentence: str, error: StudioError | None = None) -> NoReturn:
    """One line for people. A program that asked for JSON also gets the refusal as data."""
    if "--json" in sys.argv[1:]:
        click.echo(json.dumps({"error": sentence} | (error_data(error) if error else {}), ensure_ascii=False))
    _complain(sentence)
    _leave(2)


def _complain(sentence: str) -> None:
    click.echo("studio: " + " ".join(sentence.split()), err=True)


def _leave(status: int) -> NoReturn:
    sys.stdout.flush()
    sys.exit(status)


class Commands(click.Group):
    """The commands written out here, and one making command for every kind of work."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *KINDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in KINDS:
            return making_command(KINDS[cmd_name])
        return super().get_command(ctx, cmd_name)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, "-V", "--version", prog_name="studio", message="%(prog)s %(version)s")
def commands() -> None:
    """Derivative Works Studio: make art from art with neural networks, and understand how."""


for _command in (
    app,
    batch,
    channels,
    doctor,
    gallery,
    layers,
    lesson,
    list_bands,
    originality,
    paintings,
    presets,
    read,
    words_of_tune,
    remake,
    resume_command,
    segments,
    show,
    sound,
    styles,
    train,
):
    commands.add_command(_command)
