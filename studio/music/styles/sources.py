"""How a style is kept with the works that learnt from it: as a source of the recipe, with credit and licence.

For a style of the table the source is a manifest: a few lines of JSON with its name, its licence and the hash
of everything in it. Its tunes are on every computer that has the studio. For your own tunes the sources are
the files themselves; many files, or a style you added under a name, are packed into one.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Generator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from studio.errors import Missing, Refused, Unreadable
from studio.music.reading.pieces import READING_RULES, SUFFIXES, by_rules, pieces
from studio.music.reading.readers import Readers
from studio.music.scores.tunes import Tune
from studio.music.styles.opening import fingerprint_of, open_style, ready_style
from studio.music.styles.own import own_styles
from studio.music.styles.style import Style
from studio.music.styles.table import STYLES, StyleEntry, own_entry
from studio.works.ingredient import Ingredient
from studio.works.recipe import Source
from studio.works.work import Materials, Progress

MOST_FILES = 40
"""Up to this many files of your own are kept one by one; more are packed."""

LARGEST_PACK = 200_000_000
"""The largest pack that is opened, unpacked, in bytes."""

_PACKED, _MANIFEST = "studio tunes 1", "studio style 1"


def style_ingredient(style: Style) -> Ingredient:
    """A style as a source: its manifest, or its tunes where it is your own."""
    entry = style.entry
    own = entry.name not in STYLES
    content = pack(style, entry) if own else manifest(style)
    name = f"{entry.name}.{'tunes' if own else 'style'}"
    return Ingredient("style", content, name, entry.title, entry.source, entry.licence)


def ingredient_of_style(name: str) -> Ingredient:
    """A style by its name as a source. A style of the table is not read for it where its row knows what is
    read from these very files, so that whoever asks for a melody need not wait for that.

    Raises what `open_style` raises.
    """
    entry = STYLES.get(name)
    if entry is None or not entry.sha256 or fingerprint_of(entry) != entry.sha256:
        return style_ingredient(ready_style(name))
    content = _manifest(entry, entry.tunes, entry.sha256)
    return Ingredient("style", content, f"{name}.style", entry.title, entry.source, entry.licence)


def is_path(style: str) -> bool:
    """Whether this is the path of a file or folder rather than the name of a style."""
    return (
        bool(style)
        and style not in STYLES
        and style not in own_styles()
        and (Path(style).exists() or "/" in style or "." in style)
    )


def own_ingredients(path: Path) -> list[Ingredient]:
    """A file or folder of your own as sources.

    Raises `Missing`, `Refused` (a folder without scores) and `Unreadable`.
    """
    if not path.exists():
        raise Missing(f"There is no file or folder {path}; give a style's name or the path of your tunes.")
    files = (
        [path]
        if path.is_file()
        else sorted(each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES and each.is_file())
    )
    if 0 < len(files) <= MOST_FILES:
        try:
            return [Ingredient("tune", each.read_bytes(), each.name) for each in files]
        except OSError:
            raise Missing(f"{path} cannot be read; check that you may open it.") from None
    style = ready_style(path)
    return [
        Ingredient(
            "style",
            pack(style, own_entry(path.stem)),
            f"{path.stem}.tunes",
            path.stem,
            "",
            style.entry.licence,
        )
    ]


def manifest(style: Style) -> bytes:
    """A few lines of JSON that identify a style of the table, so that it can be recognised elsewhere."""
    return _manifest(style.entry, len(style), style.sha256)


def _manifest(entry: StyleEntry, tunes: int, sha256: str) -> bytes:
    fields = {
        "what": _MANIFEST,
        "name": entry.name,
        "title": entry.title,
        "source": entry.source,
        "licence": entry.licence,
        "tunes": tunes,
        "sha256": sha256,
    }
    return (json.dumps(fields, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def pack(tunes: Sequence[Tune], entry: StyleEntry) -> bytes:
    """Tunes in one compressed file of JSON lines, the first of which says what they are.

    The same tunes give the same bytes.
    """
    head = json.dumps(
        {
            "what": _PACKED,
            "name": entry.name,
            "title": entry.title,
            "source": entry.source,
            "licence": entry.licence,
        }
    )
    if isinstance(tunes, Style):
        lines = [tunes.json(place) for place in range(len(tunes))]
    else:
        lines = [tune.to_json() for tune in tunes]
    content = gzip.compress("\n".join([head, *lines]).encode(), mtime=0)
    if isinstance(tunes, Style):
        _keep_packed(content, tunes, entry, hashlib.sha256("".join(lines).encode()).hexdigest())
    return content


def _keep_packed(content: bytes, tunes: Style, entry: StyleEntry, sha256: str) -> None:
    """Keep what unpacking this would give, for the work that is made from it next."""
    kept = _packed_last()
    kept.clear()
    kept[hashlib.sha256(content).hexdigest()] = tunes.known_as(entry, sha256)


@lru_cache(maxsize=1)
def _packed_last() -> dict[str, Style]:
    """The style that was packed last, by the hash of its pack."""
    return {}


def style_of(
    sources: Sequence[Source], materials: Materials, name: str, rules: str = READING_RULES
) -> Generator[Progress, None, Style]:
    """The style that a recipe's sources hold; without sources, the style of that name.

    rules: by which files are read. Yields progress while it reads. Raises `Refused` where a style of the
    table is not the same as when the work was made, `Unreadable` for sources that hold no tunes, and whatever
    `materials` and `open_style` raise.
    """
    kept = [source for source in sources if source.role == "style"]
    own = [source for source in sources if source.role == "tune"]
    if own:
        return (yield from _read([(source.name or "tune", materials(source)) for source in own], name, rules))
    if not kept:
        return (yield from open_style(name))
    content = materials(kept[0])
    if content[:2] == b"\x1f\x8b":
        return _unpacked(content, name)
    try:
        fields = json.loads(content)
        if fields["what"] != _MANIFEST:
            raise ValueError
        wanted, sha256 = str(fields["name"]), str(fields["sha256"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unreadable(
            "The style's source is neither a manifest nor packed tunes; give the style again."
        ) from None
    if wanted not in STYLES:
        raise Unreadable(
            f"The style's source names '{wanted[:40]}', which this studio does not have; update the studio."
        )
    style = yield from open_style(wanted)
    if style.sha256 != sha256:
        raise Refused(
            f"{style.entry.title} is not the same here as when this was made ({style.sha256[:12]} instead of "
            f"{sha256[:12]}); install the versions that the recipe names."
        )
    return style


def _read(files: Sequence[tuple[str, bytes]], name: str, rules: str) -> Generator[Progress, None, Style]:
    tunes: list[Tune] = []
    first = ""
    with Readers(1) as readers:
        for done, (label, content) in enumerate(files, 1):
            try:
                found = [by_rules(piece, rules) for piece in pieces(content, label)]
                for piece, reading in readers.read_pieces(found):
                    if isinstance(reading, Unreadable):
                        first = first or f"{piece.name}: {reading}"
                    else:
                        tunes += reading.tunes
            except Unreadable as error:
                first = first or str(error)
            yield Progress(done, len(files), f"reading {label}")
    if not tunes:
        raise Unreadable(first or "There is no tune in these files.")
    digest = hashlib.sha256(b"".join(hashlib.sha256(content).digest() for _, content in files)).hexdigest()
    style = Style.of(tunes, name)
    style.sha256 = digest
    return style


def _unpacked(content: bytes, name: str) -> Style:
    known = _packed_last().get(hashlib.sha256(content).hexdigest())
    if known is not None:
        return known.known_as(_packed_entry(vars(known.entry), name, len(known)), known.sha256)
    try:
        with gzip.open(io.BytesIO(content)) as packed:
            text = packed.read(LARGEST_PACK + 1)
        head, *lines = text.decode().split("\n")
        fields = json.loads(head)
        if len(text) > LARGEST_PACK or fields["what"] != _PACKED:
            raise ValueError
        entry = _packed_entry(fields, name, len(lines))
    except (OSError, EOFError, ValueError, KeyError, TypeError, RecursionError):
        raise Unreadable("The packed tunes of this style are damaged; give the style again.") from None
    return Style.of([Tune.from_json(line) for line in lines], entry.name, entry)


def _packed_entry(fields: Mapping[str, Any], name: str, tunes: int) -> StyleEntry:
    own, title, source, licence = (str(fields[each]) for each in ("name", "title", "source", "licence"))
    return StyleEntry(own, title, name, source, licence, tunes)
