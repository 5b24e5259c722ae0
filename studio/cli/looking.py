"""The commands that show something: a recipe, what there is to choose from, this installation, the page."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from studio.cli.options import FILE, open_gallery
from studio.errors import Refused
from studio.works.incoming import read_file


@click.command()
@click.argument("file", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print the recipe as JSON.")
def show(file: Path, as_json: bool) -> None:
    """Show the recipe inside FILE: what it was made from, and how. If a picture has lost its recipe, the
    gallery is searched for works that look like it.
    """
    from studio.making.kinds import read_recipe
    from studio.works.metadata import extract, is_cut_off
    from studio.works.recipe import controls

    content = read_file(file)
    text = extract(content)
    if text is None:
        _show_look(content, file, as_json=as_json)
        return
    if is_cut_off(content):
        click.echo(
            f"studio: {file} is cut off: its end is missing. Its recipe is whole: studio remake {file} "
            f"-o NEW{file.suffix} makes the work again.",
            err=True,
        )
    if as_json:
        click.echo(text)
        return
    recipe = read_recipe(text)
    click.echo(recipe.in_words())
    for source in recipe.sources:
        credit = ", ".join(part for part in (source.title, source.author, source.licence) if part)
        click.echo(f"{source.role:>12}  {source.name}  {source.sha256[:16]}  {credit}".rstrip())
    if recipe.model:
        click.echo(f"{'model':>12}  {recipe.model.name}  {recipe.model.sha256[:16]}")
    for control in controls(type(recipe)):
        value = getattr(recipe, control.name)
        click.echo(f"{control.name:>12}  {', '.join(map(str, value)) if isinstance(value, tuple) else value}")
    if recipe.setting:
        versions = ", ".join(f"{name} {version}" for name, version in recipe.setting.versions.items())
        click.echo(f"{'made with':>12}  {versions}")


def _show_look(content: bytes, file: Path, *, as_json: bool) -> None:
    """Says which work a picture without a recipe looks like, and how sure that is."""
    from studio.images.envelopes import FORMATS
    from studio.making.recognising import by_look, not_compared

    if not any(known.signature.match(content) for known in FORMATS):
        raise Refused(
            f"{file} has no recipe inside: the studio did not make it, or another program removed the recipe."
        )
    with open_gallery() as gallery:
        found = by_look(content, str(file), gallery)
    if found.photo_of:
        raise Refused(found.sentence)
    if found.work is None and found.unseen:
        raise Refused(
            f"{file} has no recipe inside, and no work that was compared looks like it; "
            + not_compared(found.unseen)
        )
    if found.work is None:
        raise Refused(
            f"{file} has no recipe inside, and no work of the gallery looks like it: the studio did not make "
            "it, or another program removed the recipe." + (f" {found.hint}" if found.hint else "")
        )
    if as_json:
        sighting = {
            "work": found.work.id,
            "title": found.work.title,
            "sure": found.sure,
            "of": found.of,
            "likeness": found.likeness,
            "rival": found.rival.id if found.rival else None,
        }
        click.echo(json.dumps({"found": sighting, "recipe": json.loads(found.work.recipe_json)}))
        return
    click.echo(found.sentence)
    click.echo(found.work.words)


@click.command()
@click.option("--backbone", default="efficientnet_lite0", show_default=True, help="The network, by name.")
@click.option(
    "--weights",
    type=FILE,
    help="A network of your own instead, such as a lesson's .zip.",
)
def layers(backbone: str, weights: Path | None) -> None:
    """List the layers of a network, and what each tends to show when it dreams."""
    from studio.images.networks.backbones import layers as layers_of
    from studio.images.networks.described import check_is_weights, read_weights_file

    own = None
    if weights:
        content, own = read_weights_file(read_file(weights), weights.name)
        check_is_weights(content, weights.name)
    for layer in own.layers if own else layers_of(backbone):
        click.echo(f"{layer.name:<18} {layer.channels:>5} channels  {layer.shows}")


@click.command()
def presets() -> None:
    """List the named looks for dreams."""
    from studio.images.presets import PRESETS

    for preset in PRESETS.values():
        click.echo(f"{preset.name:<14} {preset.sentence}")


@click.command()
def paintings() -> None:
    """List the paintings whose style a photo can take on: the studio's own, and those your painters learn."""
    from studio.images.instant.learnt import learnt_paintings
    from studio.images.paintings.catalogue import PAINTINGS

    for painting in PAINTINGS.values():
        click.echo(f"{painting.name:<14} {painting.title}. {painting.sentence}")
    for name, learnt in learnt_paintings().items():
        said = "A painter is learning it." if learnt.underway else "A painter has learnt it."
        click.echo(f"{name:<14} {learnt.title or learnt.file}. {said}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def doctor(as_json: bool) -> None:
    """Check this installation: versions, device, networks, storage. The exit status is 1 if the gallery is
    damaged.
    """
    from studio.doctor import examine

    findings = examine()
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            click.echo(f"{'ok     ' if finding.ready else 'missing'}  {finding.what:<22} {finding.detail}")
    if any(finding.what == "gallery" and not finding.ready for finding in findings):
        sys.exit(1)


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=7860,
    show_default=True,
    help="The port to listen on; 0 takes a free one.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="0.0.0.0 lets other computers in; set STUDIO_PASSWORD first.",
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Another name this studio is opened by, such as studio.example.org. May be given several times.",
)
@click.option(
    "--proxy",
    "proxies",
    multiple=True,
    metavar="ADDRESS",
    help="The address of a reverse proxy in front, whose X-Forwarded headers are believed; set "
    "STUDIO_PASSWORD first.",
)
@click.option(
    "--embed-in",
    multiple=True,
    metavar="ORIGIN",
    help="A site whose pages may show the studio in a frame, such as https://course.example.org.",
)
@click.option(
    "--no-password",
    is_flag=True,
    help="With --host or --proxy: let other computers in without a password.",
)
@click.option(
    "--open/--no-open",
    "open_browser",
    default=False,
    help="Open the page in your browser. With --host it also says that no password is needed.",
)
def app(open_browser: bool, no_password: bool, **rules: Any) -> None:
    """Open the studio in the browser.

    Without --host, only this computer can reach it. docs/safety.md says who is kept out, and how.
    """
    from studio.app.guard.access import Access
    from studio.app.serving import serve, take_login

    access = Access(**rules, login=take_login())
    serve(access, no_password=no_password, open_browser=open_browser)
