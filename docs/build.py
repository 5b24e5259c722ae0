"""Writes the pages of this folder from the studio's own tables, recipes and docstrings.

    python docs/build.py            write them
    python docs/build.py --check    say which are stale, and end with status 1 if any is

A test does the same as --check. Nothing on a generated page is written by hand.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from studio import api
from studio.cli import commands
from studio.images.networks.backbones import BACKBONES
from studio.images.paintings.catalogue import PAINTINGS
from studio.images.presets import PRESETS
from studio.lessons.kit import course
from studio.making.kinds import KINDS, Kind
from studio.music.bands import band as band_file_says
from studio.music.bands.arranging import PLAYS
from studio.music.bands.band import DRUMS, Gesture, bands
from studio.music.harmony.named import CHORD_STYLES
from studio.music.melody.constraints import CONSTRAINTS
from studio.music.songs.named import MELODIES, SONG_STYLES, SongStyle
from studio.music.styles.table import STYLES
from studio.works.recipe import Control

FOLDER = Path(__file__).parent
GENERATED = "<!-- Written by docs/build.py. Do not edit: change the table or docstring it comes from. -->"


def pages() -> dict[str, str]:
    """File name -> text of every generated page."""
    found = {f"{kind.name}.md": kind_page(kind) for kind in KINDS.values()}
    found |= {
        "commands.md": commands_page(),
        "presets.md": presets_page(),
        "paintings.md": paintings_page(),
        "networks.md": networks_page(),
        "styles.md": styles_page(),
        "bands.md": bands_page(),
        "constraints.md": constraints_page(),
        "formats.md": formats_page(),
        "endpoints.md": endpoints_page(),
        "lessons.md": lessons_page(),
        "python.md": python_page(),
    }
    found["README.md"] = index_page(found)
    return {name: f"{GENERATED}\n\n{text.strip()}\n" for name, text in found.items()}


def table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A Markdown table."""
    names = list(head)
    lines = [f"| {' | '.join(names)} |", f"| {' | '.join('---' for _ in names)} |"]
    lines += [f"| {' | '.join(_cell(each) for each in row)} |" for row in rows]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def index_page(found: dict[str, str]) -> str:
    titles = {name: text.strip().splitlines()[0].removeprefix("# ") for name, text in found.items()}
    titles["catalogue.md"] = "Catalogue: every look and painting on five photos"
    titles["safety.md"] = "What is safe, and what is not"
    listed = "\n".join(f"- [{title}]({name})" for name, title in titles.items())
    return f"""# The studio's reference

How to start, with examples: [the project's README](../README.md).
A tour in Python: [studio.ipynb](studio.ipynb).

{listed}
"""


# --- Kinds of work


def kind_page(kind: Kind) -> str:
    """Everything about one kind of work."""
    formats = ", ".join(f"`{each.suffix}`" for each in kind.format_table().values())
    return f"""# {kind.plural}: `studio {kind.name}`

{kind.summary} {kind.details}

```text
{usage(commands.get_command(context(), kind.name))}
```

It is written as {formats}. In Python it is `studio.{kind.name}()`, over HTTP the endpoint `/{kind.name}`.

## Files that go in

{table(("role", "what it is for", "needed", "several"), _roles(kind))}

## Settings

{table(("setting", "option", "default", "range or choices", "what it does"), _settings(kind))}
"""


def _roles(kind: Kind) -> Iterable[tuple[str, str, str, str]]:
    for role in kind.roles:
        said = role.help
        if role.stands_for:
            said += f" They take the place of `{role.stands_for}`."
        if role.bundled:
            said += f" Bundled ones go by name: {', '.join(role.bundled_table())}."
        yield f"`{role.name}`", said, "yes" if role.needed else "", "yes" if role.several else ""


def _settings(kind: Kind) -> Iterable[tuple[str, ...]]:
    for control in kind.controls(with_format=True):
        option = kind.spelled.get(control.name, control.option)
        if control.name == "format":
            option = "the suffix of `-o`"
        elif control.name in {role.weights for role in kind.roles}:
            option = "`FILE*WEIGHT`"
        elif control.many:
            option = f"`{option.removesuffix('s')}`, more than once"
        else:
            option = f"`{option}`"
        of_its_look = control.name in kind.recipe_class().OF_ITS_LOOK
        default = "the look's" if of_its_look else _default(control)
        yield f"`{control.name}`", option, default, _range(control), control.help


def _default(control: Control) -> str:
    value = ", ".join(map(str, control.default)) if control.many else control.default
    return "" if value in (None, "") else f"{value} {control.unit}".strip()


def _range(control: Control) -> str:
    if control.choices:
        return ", ".join(filter(None, control.choices))
    if control.most:
        return f"at most {control.most:,} entries" + (
            f" of {control.longest:,} characters" if control.longest else ""
        )
    if control.longest:
        return f"at most {control.longest:,} characters"
    if control.minimum is None or control.maximum is None:
        return ""
    return f"{control.minimum:.10g} to {control.maximum:.10g} {control.unit}".strip()


# --- Commands


def context() -> click.Context:
    return click.Context(commands, info_name="studio", terminal_width=100, max_content_width=100)


def usage(command: click.Command | None, parent: click.Context | None = None) -> str:
    """One line: how the command is called."""
    assert command is not None
    inside = click.Context(command, info_name=command.name, parent=parent or context(), terminal_width=200)
    return command.get_usage(inside).removeprefix("Usage: ")


def commands_page() -> str:
    """Every command with its options."""
    parts = [
        "# Commands",
        commands.help or "",
        "Exit status: 0 made, 2 the request cannot be met (one line says why), 130 interrupted.",
    ]
    here = context()
    for name in commands.list_commands(here):
        command = commands.get_command(here, name)
        assert command is not None
        parts += _command(command, here, 2)
    return "\n\n".join(parts)


def _command(command: click.Command, parent: click.Context, level: int) -> list[str]:
    inside = click.Context(command, info_name=command.name, parent=parent, terminal_width=200)
    said = inspect.cleandoc(command.help or "").replace("\b\n", "")
    parts = [f"{'#' * level} {inside.command_path}", f"```text\n{usage(command, parent)}\n```", said]
    rows = [each.get_help_record(inside) for each in command.params]
    options = [record for record in rows if record]
    if options:
        parts.append(table(("option", "what it does"), ((f"`{name}`", text) for name, text in options)))
    if isinstance(command, click.Group):
        for name in command.list_commands(inside):
            found = command.get_command(inside, name)
            assert found is not None
            parts += _command(found, inside, level + 1)
    return parts


# --- Tables


def presets_page() -> str:
    rows = ((f"`{each.name}`", each.sentence, _values(each.values)) for each in PRESETS.values())
    return f"# Looks for dreams\n\n{table(('preset', 'what it looks like', 'what it sets'), rows)}"


def _values(values: Any) -> str:
    return ", ".join(f"{name} {_plain(value)}" for name, value in dict(values).items())


def _plain(value: Any) -> str:
    return " + ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def paintings_page() -> str:
    rows = ((f"`{each.name}`", each.title, each.sentence) for each in PAINTINGS.values())
    head = ("name", "title", "the rule it was painted by")
    return f"# Paintings that come with the studio\n\nAll are CC0.\n\n{table(head, rows)}"


def networks_page() -> str:
    rows = (
        (f"`{each.name}`", len(each.layers), ", ".join(layer.name for layer in each.layers))
        for each in BACKBONES.values()
    )
    return f"# Networks that can look\n\n{table(('backbone', 'layers', 'their names'), rows)}"


def styles_page() -> str:
    rows = (
        (f"`{each.name}`", each.title, each.tunes or "", each.sentence, each.source, each.licence)
        for each in STYLES.values()
    )
    head = ("style", "title", "tunes", "what it is", "source", "licence")
    songs = (
        (f"`{each.name}`", each.title, f"`{each.melody}`", f"`{each.chords}`", each.shown, _licences_of(each))
        for each in SONG_STYLES.values()
    )
    song_head = ("style", "title", "melodies of", "chords of", "what it is", "licence")
    return f"""# Musical styles

{table(head, rows)}

## Styles of songs

Songs (`studio song`, the *Songs* tab) take melodies from one style and chords from the same or another. They
come as counts, which hold no song, but for the melodies of styles in the table above.

{table(song_head, songs)}"""


def _licences_of(style: SongStyle) -> str:
    melodies = MELODIES[style.melody].licence if style.counted else STYLES[style.melody].licence
    return " ".join(dict.fromkeys((melodies, CHORD_STYLES[style.chords].licence)))


def bands_page() -> str:
    rows = (
        (
            f"`{band.name}`",
            band.title,
            ", ".join(map(str, band.meters)) or "any",
            ", ".join(player.name for player in band.player),
            band.swings,
            band.about,
        )
        for band in bands()
    )
    head = ("band", "title", "meters", "parts, from the top of the score", "swing", "what it is")
    notation = inspect.cleandoc(Gesture.__doc__ or "")
    says = (band_file_says.__doc__ or "").partition("so:")[2].partition("A line divides")[0]
    example = inspect.cleandoc(says)
    ways = (
        (f"`{name}`", " ".join((inspect.getdoc(way) or "").partition(".")[0].split()))
        for name, way in PLAYS.items()
    )
    return f"""# Bands

{table(head, rows)}

A band is one TOML file, such as those in `studio/music/bands/library`. `studio bands add duo.toml` keeps one
of your own: `--band duo` plays it, and the Songs tab offers it when the studio is opened next. The patterns
are the studio's own. What stands in a file:

```toml
{example}
```

A line divides its bars evenly into as many steps as it has words, and several lines in a list are variants,
of which the first is the usual one. {notation}

A line of drums has a letter a step: `x`, `X` (an accent), `o` (a ghost note) and `.` (a rest), for any of
{", ".join(f"`{drum}`" for drum in DRUMS)}.

What `plays` may be:

{table(("plays", "what that is"), ways)}
"""


def constraints_page() -> str:
    help_of = {control.name: control for control in KINDS["compose"].controls()}
    rows = (
        (
            f"`{row.field}`",
            help_of[row.field].help,
            "exactly" if row.exact else "as a preference",
            "each entry" if row.each else "",
        )
        for row in CONSTRAINTS
        if row.field in help_of
    )
    head = ("setting", "what it asks for", "holds", "may be left out one by one")
    said = (
        "Exact constraints hold in every melody. A learnt form gives way where it contradicts one of them; "
        "a form in letters does not."
    )
    return f"# Constraints on melodies\n\n{said}\n\n{table(head, rows)}"


READ_AGAIN = """\
`studio read` keeps all parts of a file, with their words, chord symbols, sections, keys, meters, repeats
and changes of tempo.

- Clefs, and where they change, are kept from MusicXML, ABC and Humdrum, and written as MusicXML and ABC.
  MIDI has no clefs.
- ABC has a change of tempo where it happens, in a field such as `[Q:1/4=96]`; a note that is held over it
  is cut in two that are tied. A change between all note values stands a little earlier, and a remark
  (`[r:]`) says how much, so that the studio reads it to the tick.
- Control changes, pitch bends and the pressure on all keys are kept from MIDI and written as MIDI. The
  other formats have only the level and the pan with which a part begins. Sound made of a score follows its
  tempi, the velocities of its notes and its pitch bends: two semitones each way, or as far as registered
  parameter 0 says. It does not follow the other controllers."""


def formats_page() -> str:
    parts = ["# File formats"]
    for kind in KINDS.values():
        rows = (
            (
                f"`{each.name}`",
                f"`{each.suffix}`",
                each.label,
                each.media_type,
                each.description,
                "yes" if each.reads_back else "",
            )
            for each in kind.format_table().values()
        )
        head = ("name", "suffix", "label", "media type", "what for", "read back")
        parts += [f"## {kind.plural}", table(head, rows)]
    parts += ["## Music that is read and written again", READ_AGAIN]
    return "\n\n".join(parts)


def endpoints_page() -> str:
    from studio.app import endpoints as served

    parts = [
        "# Endpoints",
        "Every action of the page, for `gradio_client` and plain HTTP. "
        "Works and jobs are named by their ids; files go by upload and download.",
    ]
    actions: list[Any] = [served.making_endpoint(kind, None) for kind in KINDS.values()]  # type: ignore[arg-type]
    for group in (
        served.melody_endpoints,
        served.job_endpoints,
        served.table_endpoints,
        served.gallery_endpoints,
    ):
        actions += [action for action, _ in group(None)]  # type: ignore[arg-type]
    for action in actions:
        names = ", ".join(inspect.signature(action).parameters)
        parts += [
            f"## /{action.__name__}",
            f"`{action.__name__}({names})`",
            inspect.cleandoc(action.__doc__ or ""),
        ]
    parts += [
        "## /file",
        "A work's own file, by its id.",
        "## /export",
        "A melody in another format, by its id and the format's name.",
    ]
    return "\n\n".join(parts)


def lessons_page() -> str:
    rows = []
    for number, name in enumerate(course.COURSE, start=1):
        lesson = course.lesson(name)
        printed = "yes" if lesson.table else ""
        rows.append((number, f"`{name}`", lesson.title, lesson.question, printed))
    head = ("no.", "name", "title", "question", "prints in a terminal")
    return f"# Lessons\n\n{table(head, rows)}"


# --- Python


def python_page() -> str:
    parts = ["# In Python", inspect.cleandoc(api.__doc__ or "")]
    for name in KINDS:
        function = api.making_function(name)
        parts += [f"## studio.{name}{_signature(function)}", f"```text\n{function.__doc__}\n```"]
    for look in (api.segments, api.channels):
        parts += [f"## studio.{look.__name__}{_signature(look)}", inspect.cleandoc(look.__doc__ or "")]
    for thing in (api.PhotoRegion, api.ChannelMotif):
        parts.append(f"## {thing.__name__}\n\n{inspect.cleandoc(thing.__doc__ or '')}")
    for thing in (api.gallery, api.GalleryView, api.MadeWork, api.PictureWork, api.TuneWork):
        parts.append(f"## {thing.__name__}\n\n{inspect.cleandoc(thing.__doc__ or '')}")
        if inspect.isclass(thing):
            parts.append(table(("attribute or method", "what it is"), _members(thing)))
    return "\n\n".join(parts)


def _signature(function: Any) -> str:
    names = [
        f"*{each.name}" if each.kind is each.VAR_POSITIONAL else each.name
        for each in inspect.signature(function).parameters.values()
        if each.kind is not each.KEYWORD_ONLY
    ]
    return f"({', '.join([*names, '…'])})"


def _members(thing: type) -> Iterable[tuple[str, str]]:
    for name, member in vars(thing).items():
        if not name.startswith("_") and member.__doc__:
            shown = name if isinstance(member, property) else f"{name}{inspect.signature(member)}"
            yield f"`{shown.replace('self, ', '').replace('self', '')}`", inspect.cleandoc(member.__doc__)


def stale() -> list[str]:
    """The pages that are not as their sources say, missing ones and left-over ones too."""
    wanted = pages()
    wrong = [
        name
        for name, text in wanted.items()
        if not (FOLDER / name).exists() or (FOLDER / name).read_text("utf-8") != text
    ]
    generated = (path for path in FOLDER.glob("*.md") if path.read_text("utf-8").startswith(GENERATED))
    return wrong + [path.name for path in generated if path.name not in wanted]


def main() -> None:
    if "--check" in sys.argv[1:]:
        wrong = stale()
        print(
            "\n".join(f"{name} is stale: run python docs/build.py" for name in wrong)
            or "Every page is up to date."
        )
        sys.exit(bool(wrong))
    for name, text in pages().items():
        (FOLDER / name).write_text(text, "utf-8")
        print(f"wrote docs/{name}")


if __name__ == "__main__":
    main()
