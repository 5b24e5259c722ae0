"""The commands about what songs are played with: SoundFonts and bands."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from studio.cli.options import watch
from studio.errors import Unreadable


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_context
def sound(context: click.Context, as_json: bool) -> None:
    """List the SoundFonts that songs can be played with; the one in use has a star."""
    if context.invoked_subcommand is not None:
        return
    from studio.music.sound.fonts import font_states

    for state in font_states():
        if as_json:
            click.echo(json.dumps(asdict(state), ensure_ascii=False))
            continue
        click.echo(f"{'*' if state.chosen else ' '} {state.name:<18} {state.title}: {state.detail}")
        click.echo(f"{'':<21}{state.licence}")


@sound.command("add")
@click.argument("name", default="musescore-general")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def sound_add(name: str, quiet: bool) -> None:
    """Fetch a SoundFont by NAME, once, and play songs with it from then on; it is checked by its hash. Or
    give an .sf2 or .sf3 file of your own: a copy is kept under the name of the file.
    """
    from studio.music.sound.fonts import add_font, add_own_font, is_font_file

    if is_font_file(name):
        click.echo(add_own_font(Path(name)))
        return
    click.echo(str(watch(add_font(name), quiet=quiet)))


@sound.command("use")
@click.argument("name")
def sound_use(name: str) -> None:
    """Play songs with the SoundFont NAME from now on."""
    from studio.music.sound.fonts import choose_font

    choose_font(name)
    click.echo(f"Songs are played with {name}.")


@sound.command("remove")
@click.argument("name")
def sound_remove(name: str) -> None:
    """Delete a SoundFont that was fetched or added."""
    from studio.music.sound.fonts import remove_font

    remove_font(name)
    click.echo(f"Removed {name}.")


@click.group("bands", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_context
def list_bands(context: click.Context, as_json: bool) -> None:
    """List the bands that songs can be arranged for, with their meters and parts; add one of your own."""
    if context.invoked_subcommand:
        return
    from studio.music.bands.band import band_by_name, band_names

    for name in band_names():
        try:
            band = band_by_name(name)
        except Unreadable as error:
            click.echo(f"{name:<10} {error}", err=True)
            continue
        meters, parts = [str(meter) for meter in band.meters], [player.name for player in band.player]
        if as_json:
            answer = {"name": band.name, "title": band.title, "about": band.about}
            click.echo(json.dumps(answer | {"meters": meters, "parts": parts}, ensure_ascii=False))
            continue
        click.echo(f"{band.name:<10} {band.title} ({', '.join(meters) or 'any meter'})")
        click.echo(f"{'':<10} {', '.join(parts)}")


@list_bands.command("add")
@click.argument("file", type=click.Path(path_type=Path))
def bands_add(file: Path) -> None:
    """Add a band of your own: FILE is a TOML file, written as docs/bands.md says. A copy is kept."""
    from studio.music.bands.own import add_band

    band = add_band(file)
    click.echo(f"Added {band.title}; songs are played by it with --band {band.name}.")


@list_bands.command("remove")
@click.argument("name")
def bands_remove(name: str) -> None:
    """Remove a band of your own."""
    from studio.music.bands.own import remove_band

    remove_band(name)
    click.echo(f"Removed {name}.")
