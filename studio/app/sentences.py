"""What visitors are told when something cannot be done: without the folders of this computer."""

from __future__ import annotations

import re
from pathlib import Path

from studio.errors import StudioError
from studio.works.home import home

_PATH = re.compile(r"(?<![\w/:.~-])(?:~|[A-Za-z]:)?(?:[/\\][^\s/\\:;,'\"()]+){2,}")
_PLACE = re.compile(r"\b(?!https?:)[a-z][a-z0-9+]*://[^\s,;'\")]+")


def said(error: StudioError | str) -> str:
    """The sentence of an error as a visitor may read it.

    The same errors reach whoever types commands, who needs the whole path. A visitor may be anybody, and a
    path says who works here: of a path its last name is left, and of a database's address that there is one.
    """
    sentence = str(error)
    for folder in (str(home()), str(Path.home())):
        if len(folder) > 1:  # in some containers a person's home is /
            sentence = sentence.replace(f"{folder}/", "").replace(folder, "the studio's folder")
    sentence = _PLACE.sub("its address", sentence)
    return _PATH.sub(lambda found: re.split(r"[/\\]", found[0])[-1], sentence)
