"""What works on this computer, what is missing, and how to get it: for `studio doctor`."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from studio.errors import StudioError
from studio.process import finish
from studio.version import __version__

if TYPE_CHECKING:
    from studio.works.gallery import Gallery

PACKAGES = (
    "torch",
    "torchvision",
    "numpy",
    "pillow",
    "gradio",
    "distributed",
    "sqlalchemy",
    "music21",
    "verovio",
)


GAINS = {"vgg19": "With it the studio paints by that network's best published recipe."}
"""What a network is worth having for."""


@dataclass(frozen=True)
class Finding:
    """One thing that was checked. `detail` says what was found, or what is missing and how to get it."""

    what: str
    ready: bool
    detail: str


def examine() -> list[Finding]:
    """Check everything the studio may need. Nothing is downloaded."""
    return [*_versions(), _device(), *_networks(), _sound(), *_storage()]


def _versions() -> Iterator[Finding]:
    yield Finding(
        "studio",
        True,
        f"{__version__} on Python {platform.python_version()}, {platform.system()} {platform.machine()}",
    )
    for package in PACKAGES:
        try:
            yield Finding(package, True, version(package))
        except PackageNotFoundError:
            yield Finding(package, False, f"not installed: pip install {package}")


def _device() -> Finding:
    import torch

    if torch.cuda.is_available():
        return Finding("device", True, f"cuda: {torch.cuda.get_device_name()}")
    if torch.backends.mps.is_available():
        return Finding("device", True, "mps: Apple's graphics processor")
    return Finding("device", True, f"cpu: {torch.get_num_threads()} threads")


def _networks() -> Iterator[Finding]:
    from studio.images.networks.backbones import readiness

    for network in readiness():
        gain = f" {GAINS[network.name]}" if network.name in GAINS else ""
        yield Finding(f"network {network.name}", network.ready, f"{network.detail}{gain}")


def _sound() -> Finding:
    """What songs are played with, and whether a better font could be fetched."""
    from studio.music.sound.fonts import font_states

    states = font_states()
    chosen = next((state for state in states if state.chosen), states[-1])
    better = next((state for state in states if not state.ready), None)
    said = f"songs are played with {chosen.title}, {chosen.detail}"
    if chosen.ready and better and better is not chosen:
        said += f"; {better.title} sounds better: studio sound add"
    return Finding("sound", chosen.ready, said)


def _gallery(gallery: Gallery, place: Path) -> Finding:
    """Whether every file is there and whole."""
    from studio.works.care import check

    report = finish(check(gallery))
    said = f"{report.works} works in {place} ({gallery.engine.dialect.name})"
    if report.sound:
        return Finding("gallery", True, said)
    flaws = [flaw.sentence for flaw in report.flaws]
    if report.lost_and_found:
        flaws.append(f"{report.lost_and_found} files in lost and found")
    if report.orphans:
        flaws.append(f"{report.orphans} files that belong to no work")
    first = flaws[0].rstrip(".")
    return Finding(
        "gallery", not report.flaws, f"{said}: {first} ({len(flaws)} in all): studio gallery repair"
    )


def _storage() -> Iterator[Finding]:
    from studio.works.gallery import Gallery
    from studio.works.home import home

    place = home()
    try:
        with Gallery.open() as gallery:
            yield _gallery(gallery, place)
        free = shutil.disk_usage(place).free / 2**30
        yield Finding(
            "disk",
            free > 1,
            f"{free:.1f} GiB free"
            + ("" if free > 1 else ": make room, or move the gallery with STUDIO_HOME"),
        )
    except StudioError as error:
        yield Finding("gallery", False, str(error))
