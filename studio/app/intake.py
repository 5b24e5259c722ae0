"""How files come in: as somebody's uploads, or as something the gallery has. A visitor never names a path of
this computer.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from studio.app.gradio_patches import upload_folder
from studio.errors import Missing, Refused, UnknownName, Unreadable
from studio.images.instant.learnt import learnt_paintings, titled_as_learnt
from studio.images.paintings.catalogue import painting
from studio.images.pictures import Picture, read_picture, write_jpeg
from studio.making.exhibition import sample
from studio.works.ingredient import Ingredient
from studio.works.reads import ReadsWorks
from studio.works.recipe import Recipe
from studio.works.work import Work

VIEW_SIDE = 1280
"""Longest side, in pixels, of a picture as the page shows it before it was worked on; masks are painted at
this size too.
"""


LARGEST_ARCHIVE = 200 * 2**20
"""Bytes that an archive of tunes may unpack to."""

MOST_SCORES = 5000
"""Scores in an archive."""


class Offer(BaseModel):
    """A picture offered by the page: an uploaded `file` (as Gradio describes it), or a `work`, or by `role` a
    source of a work or job, or a `study`, one of the studio's own paintings, by its name, or a `learnt` one
    of the visitors', or a `sample`, one of its photos to try.

    place: which of the sources of that role, from 0.
    """

    model_config = ConfigDict(extra="ignore")

    file: dict[str, Any] | None = None
    work: str | None = None
    job: str | None = None
    study: str | None = None
    learnt: str | None = None
    sample: str | None = None
    role: str | None = None
    place: int = 0


@dataclass(frozen=True)
class Credit:
    """Whom a source is due to. What is left empty is taken over from the gallery, where the source comes from
    there.
    """

    title: str = ""
    author: str = ""
    licence: str = ""


class Shown(BaseModel):
    """A picture as the page shows it: a JPEG as data URL, the size of the original in pixels, notes from
    reading it.
    """

    view: str
    width: int
    height: int
    name: str
    title: str = ""
    author: str = ""
    licence: str = ""
    notes: tuple[str, ...] = ()


def receive(
    offered: Any,
    role: str,
    gallery: ReadsWorks,
    recipe_of_job: Callable[[str], Recipe],
    credit: Credit | None = None,
) -> Ingredient:
    """The bytes and credit of an offered picture. Raises `Refused`, `Missing` or `UnknownName` with one
    sentence.
    """
    try:
        offer = Offer.model_validate(offered)
    except ValidationError:
        raise Refused("That is not a picture the page can offer; choose it again.") from None
    if offer.work is not None:
        work = gallery.get(offer.work)
        if offer.role:
            found = _from_recipe(common(work.recipe_json), offer, role, gallery)
        else:
            found = _from_work(work, role, gallery)
    elif offer.job is not None and offer.role:
        found = _from_recipe(recipe_of_job(offer.job), offer, role, gallery)
    elif offer.study is not None:
        found = painting(offer.study).ingredient()
    elif offer.learnt is not None:
        paintings = learnt_paintings()
        if offer.learnt not in paintings:
            raise UnknownName("painting", offer.learnt, paintings)
        found = paintings[offer.learnt].ingredient()
    elif offer.sample is not None:
        found = sample(offer.sample)
    elif offer.file is not None:
        path, name = uploaded(offer.file)
        found = Ingredient(role, _read(path, name), name)
        if role == "style":
            found = titled_as_learnt(found)
    else:
        raise Refused("Choose a picture first.")
    credit = credit or Credit()
    return Ingredient(
        role,
        found.content,
        found.name,
        credit.title or found.title,
        credit.author or found.author,
        credit.licence or found.licence,
    )


def own_tunes(offered: Iterable[Any], credit: Credit) -> list[Ingredient]:
    """Uploaded scores that are to be a style: as they are, or packed into one where they are many. Archives
    (.zip) are opened.

    Raises `Refused` for what is no upload or too much, `Unreadable` for a damaged archive or where there is
    no tune.
    """
    from studio.music.styles.sources import own_ingredients

    # By name, so that the same tunes are the same style in whatever order they come.
    files = sorted(own_files(offered))
    if not files:
        return []
    named = credit.title or "Tunes of my own"
    with tempfile.TemporaryDirectory(prefix="studio-tunes-") as folder:
        style = Path(folder) / (_spoken(named)[:60] or "own")  # the style is called what its folder is
        # Under numbers of ours, so that two of a name stay two and no name leads out of the folder.
        for number, (name, content) in enumerate(files):
            apart = style / f"{number:05d}"
            apart.mkdir(parents=True)
            (apart / (_plain(Path(name).stem)[:60] or "tune")).with_suffix(
                Path(name).suffix.lower()
            ).write_bytes(content)
        found = own_ingredients(style)
    return [
        Ingredient(
            each.role,
            each.content,
            each.name if each.role == "tune" else "own.tunes",
            named,
            credit.author,
            credit.licence,
        )
        for each in found
    ]


def own_files(offered: Iterable[Any]) -> list[tuple[str, bytes]]:
    """(name, bytes) of uploaded scores, those in archives too. Raises as `own_tunes` does."""
    files: list[tuple[str, bytes]] = []
    for each in offered:
        path, name = uploaded(each.get("file") if isinstance(each, dict) and "file" in each else each)
        content = _read(path, name)
        files += unzipped(content, name) if name.lower().endswith(".zip") else [(name, content)]
    return files


def unzipped(content: bytes, name: str) -> list[tuple[str, bytes]]:
    """The scores in an archive. Raises `Unreadable` for a damaged one, `Refused` when it holds none or too
    much.
    """
    from studio.music.reading.pieces import SUFFIXES

    found: list[tuple[str, bytes]] = []
    left = LARGEST_ARCHIVE
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                inside = Path(entry.filename)
                hidden = any(part.startswith((".", "__MACOSX")) for part in inside.parts)
                if entry.is_dir() or hidden or inside.suffix.lower() not in SUFFIXES:
                    continue
                # What an archive says of its sizes may be a lie: only so much is read.
                with archive.open(entry) as packed:
                    score = packed.read(left + 1)
                left -= len(score)
                if left < 0 or len(found) >= MOST_SCORES:
                    raise Refused(
                        f"{name} unpacks to more than {LARGEST_ARCHIVE >> 20} MB or {MOST_SCORES:,} scores; "
                        "split it in two."
                    )
                found.append((inside.name, score))
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError, zlib.error):
        raise Unreadable(f"{name} is damaged or locked; pack the tunes again, without a password.") from None
    if not found:
        raise Refused(f"There is no score in {name}; pack MIDI, MusicXML, ABC or Humdrum files.")
    return found


def show(ingredient: Ingredient) -> Shown:
    """Decode a picture and make its view. Raises `Unreadable` with one sentence when it is none."""
    picture = read_picture(ingredient.content, ingredient.name or "The picture")
    height, width = picture.pixels.shape[:2]
    return Shown(
        view=data_url(view(picture, VIEW_SIDE)),
        width=width,
        height=height,
        name=ingredient.name,
        title=ingredient.title,
        author=ingredient.author,
        licence=ingredient.licence,
        notes=picture.notes,
    )


def view(picture: Picture, longest_side: int, quality: int = 88) -> bytes:
    """A JPEG to look at, longest side at most `longest_side` px; what is transparent lies on the page's dark
    ground.
    """
    import numpy as np

    pixels = picture.pixels
    if picture.alpha is not None:
        opacity = picture.alpha[..., None].astype(np.float32) / 255
        pixels = (pixels * opacity + 18 * (1 - opacity)).astype(np.uint8)
    return write_jpeg(pixels, longest_side=longest_side, quality=quality)


def data_url(jpeg: bytes) -> str:
    """JPEG bytes as a URL that needs no request and leaves no file."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def uploaded(file: Any) -> tuple[Path, str]:
    """(path, name) of a file that was uploaded to this server, and of no other file of this computer.

    Gradio checks uploaded files only where it recognises them, so whatever describes itself otherwise is
    refused here.
    """
    meta = file.get("meta") if isinstance(file, dict) else None
    described = isinstance(meta, dict) and meta.get("_type") == "gradio.FileData"
    if not described or not isinstance(file.get("path"), str):
        raise Refused("That is not an uploaded picture; choose it again.")
    path = Path(file["path"]).resolve()
    if not path.is_relative_to(upload_folder()):
        raise Refused("That file was not uploaded here; choose it again.")
    if not path.is_file():
        raise Missing("The uploaded picture is no longer here; choose it again.")
    name = file.get("orig_name")
    return path, Path(str(name) if name else path.name).name[:255]


def as_uploaded(path: str) -> dict[str, Any]:
    """A file that a component of Gradio's took, described as the page's own widgets describe theirs;
    `uploaded` checks that it was uploaded.
    """
    name = str(path).replace("\\", "/").rsplit("/", 1)[-1]
    return {"path": str(path), "orig_name": name, "meta": {"_type": "gradio.FileData"}}


def laid_out(content: bytes, name: str) -> str:
    """A source's bytes as a file beside the uploads, where Gradio's own components can show and offer it
    again; gives its path.
    """
    safe = _plain(Path(name).stem) or "file"
    path = upload_folder() / hashlib.sha256(content).hexdigest() / f"{safe}{Path(name).suffix.lower()}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path)


def download_name(work: Work) -> str:
    """A name a person would give the file, made of the work's title: tubingen-creatures-7f3a.png."""
    return "-".join(part for part in (_plain(work.title)[:64].strip("-"), work.id[:4]) if part) + work.suffix


def sources_of(recipe: Recipe, **origin: str) -> dict[str, list[dict[str, Any]]]:
    """The sources of a recipe as the page offers files: role -> an `Offer` for each source of that role.

    origin: the `work` or the `job` that the recipe belongs to, by its id.
    """
    offered: dict[str, list[dict[str, Any]]] = {}
    for source in recipe.sources:
        there = offered.setdefault(source.role, [])
        there.append({**origin, "role": source.role, "place": len(there)})
    return offered


def common(recipe_json: str) -> Recipe:
    """What recipes of all kinds have in common, even of a kind this studio does not know."""
    fields = json.loads(recipe_json)
    return Recipe.model_validate(
        {name: fields[name] for name in ("kind", "sources", "seed") if name in fields}
    )


def _spoken(text: str) -> str:
    """A title as the name of a folder: letters, digits and spaces."""
    return " ".join("".join(letter if letter.isalnum() or letter in "-'" else " " for letter in text).split())


def _plain(text: str) -> str:
    import unicodedata

    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "-".join("".join(letter if letter.isalnum() else " " for letter in ascii_only).split())


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Missing(f"{name} cannot be read any more ({error.strerror}); choose it again.") from None


def _from_work(work: Work, role: str, gallery: ReadsWorks) -> Ingredient:
    return Ingredient(role, gallery.read(work), download_name(work), title=work.title)


def _from_recipe(recipe: Recipe, offer: Offer, role: str, gallery: ReadsWorks) -> Ingredient:
    sources = [source for source in recipe.sources if source.role == offer.role]
    if not 0 <= offer.place < len(sources):
        raise Refused(f"That work was made without a {offer.role}.")
    source = sources[offer.place]
    return Ingredient(
        role, gallery.read_source(source), source.name, source.title, source.author, source.licence
    )
