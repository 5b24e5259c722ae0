"""What a work was made on: the versions and the machine, which a recipe records."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from studio.version import __version__
from studio.works.recipe import Setting


def setting(device: str, *packages: str, **more: str) -> Setting:
    """The versions of the studio, Python and the named packages, and the device with the processor's name.

    device: cpu, cuda or mps, or a longer name. more: what else may change a last digit, such as threads="2".
    """
    versions = (
        {"studio": __version__, "python": platform.python_version()}
        | {package: _version(package) for package in packages}
        | more
    )
    return Setting(versions=versions, device=f"{device} ({processor()})" if device == "cpu" else device)


def processor() -> str:
    """The processor's full name, or its family where the system does not say more."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
