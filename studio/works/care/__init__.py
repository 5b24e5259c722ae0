"""Caring for a gallery: `check` it, `repair` it, `backup` it and `restore` it.

Each is a generator that yields `Progress` and returns what was found or done; `studio.process.finish` runs
one to its end. `open_setting_aside` opens a gallery whose database is damaged.
"""

from __future__ import annotations

from studio.works.care.backups import Backup, backup
from studio.works.care.checking import GalleryFlaw, GalleryReport, check
from studio.works.care.damage import SetAside, open_setting_aside
from studio.works.care.repairing import Repaired, repair
from studio.works.care.restoring import Restored, restore

__all__ = [
    "Backup",
    "GalleryFlaw",
    "GalleryReport",
    "Repaired",
    "Restored",
    "SetAside",
    "backup",
    "check",
    "open_setting_aside",
    "repair",
    "restore",
]
