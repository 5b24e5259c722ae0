"""The formats that `benchmarks.fuzz` alters: for each, valid files to begin with, and what reads them."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

PHOTO = {
    "sha256": "0" * 64,
    "role": "photo",
    "name": "photo.jpg",
    "title": "Harbour",
    "author": "Ada",
    "licence": "CC0",
}

TUNE = b"""X:1
T:A round
M:4/4
L:1/8
Q:1/4=120
K:D
|: "D" D2 FA d2 (3ABc | !segno!{g}e2 [ce]2 A4 !fine!| d>B A<F ~E2 z2 |1 D8 :|2 D4-D4 "^D.S. al Fine"|]
w: La la la la
"""

KERN = (
    b"**kern\t**kern\n*>[A,B,A]\t*>[A,B,A]\n*>A\t*>A\n*clefG2\t*clefG2\n*M4/4\t*M4/4\n*k[f#c#]\t*k[]\n=1\t=1\n"
    b"4d\t4a\n8f#L\t4r\n8aJ\t.\n2dd\t2b;\n*>B\t*>B\n=2\t=2\n1d\t1a\n==\t==\n*-\t*-\n"
)


@dataclass(frozen=True)
class InputFormat:
    """A format.

    seeds: valid files, which may use the given folder. read: reads one and returns in a few words what it
    was. modules: what to load once, before the children are forked. seeds_may_be_refused: not every
    seed can be met, as a request may ask for something that is not there.
    """

    name: str
    seeds: Callable[[Path], list[bytes]]
    read: Callable[[bytes, Path], str]
    modules: tuple[str, ...]
    seeds_may_be_refused: bool = False

    def load(self) -> None:
        for module in self.modules:
            import_module(module)
        if "torch" in self.modules:
            import_module("torch").set_num_threads(1)


# --- Recipes, and files with recipes inside


def recipe_seeds(_: Path) -> list[bytes]:
    from studio.images.recipes import DreamRecipe, StyleRecipe
    from studio.making.kinds import KINDS

    compose = KINDS["compose"].recipe_class()
    style: Any = [PHOTO, PHOTO | {"role": "style"}, PHOTO | {"role": "style", "sha256": "1" * 64}]
    recipes: list[Any] = [
        DreamRecipe(sources=(PHOTO,)),  # type: ignore[arg-type]
        DreamRecipe(sources=(PHOTO,), layers=["blocks.4:102", "blocks.2*0.3"], size=320, steps=5),  # type: ignore[arg-type]
        StyleRecipe(sources=style, style_weights=[1, 2]),  # type: ignore[arg-type]
        compose(style="ryans-mammoth"),
        compose(style="bach-chorales", bars=4, key="D", end="D", pins=["1:1=D5"], range="G3:E5", seed=3),
    ]
    return [recipe.to_json().encode() for recipe in recipes]


def read_recipe_json(content: bytes, _: Path) -> str:
    from studio.making.kinds import KINDS, read_recipe

    recipe = read_recipe(content)
    recipe.in_words()
    assert read_recipe(recipe.to_json()).fingerprint == recipe.fingerprint
    predicts = getattr(KINDS[recipe.kind], "prediction", None)
    if predicts is not None:
        predicts(recipe, {})
    return recipe.kind


def carrier_seeds(_: Path) -> list[bytes]:
    import numpy as np

    from studio.images.pictures import write_png
    from studio.music.reading.readers import read_tunes
    from studio.music.writing.formats import FORMATS as SCORE_FORMATS
    from studio.works.metadata import CARRIERS, embed
    from studio.works.recipe import Recipe

    recipe = Recipe(kind="dream", sources=(PHOTO,), seed=7)  # type: ignore[arg-type]
    (tune,) = read_tunes(TUNE).tunes
    picture = write_png(np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3))
    written = [(picture, ".png"), *((_picture_as(name), f".{name}") for name in ("jpg", "webp", "tiff"))]
    forms = [SCORE_FORMATS[name] for name in SCORE_FORMATS.names() if name != "wav"]
    written += [(form.to_bytes(tune), form.suffix) for form in forms]
    written += [(_short_wav(), ".wav")]
    assert len(written) == len(CARRIERS)
    return [embed(content, suffix, recipe) for content, suffix in written]


def _picture_as(name: str) -> bytes:
    from PIL import Image

    written = io.BytesIO()
    known = {"jpg": "JPEG", "webp": "WEBP", "tiff": "TIFF"}[name]
    Image.linear_gradient("L").resize((16, 16)).convert("RGB").save(written, known)
    return written.getvalue()


def _short_wav() -> bytes:
    import wave

    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(44100)
        sound.writeframes(bytes(400))
    return file.getvalue()


def read_carrier(content: bytes, _: Path) -> str:
    from studio.making.kinds import read_recipe
    from studio.works.metadata import CARRIERS, embed, extract
    from studio.works.recipe import Recipe

    text = extract(content)
    kind = next((carrier for carrier in CARRIERS if carrier.signature.match(content)), None)
    if kind is not None:
        embed(content, kind.suffixes[0], Recipe(kind="dream"))
    return f"{kind and kind.name} {read_recipe(text).kind if text else 'without a recipe'}"


# --- Galleries and backups


def gallery_seeds(folder: Path) -> list[bytes]:
    """A small home, as a zip of its files."""
    from studio.process import finish
    from studio.works.care import backup
    from studio.works.gallery import Gallery

    child = os.fork()  # SQLite's connections must not be shared with the children that come later
    if child == 0:
        with Gallery.open(folder / "seed") as gallery:
            _fill(gallery)
            finish(backup(gallery, folder / "seed.zip"))
        os._exit(0)
    os.waitpid(child, 0)
    return [pack(folder / "seed")]


def pack(home: Path) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for each in sorted(home.rglob("*")):
            if each.is_file():
                archive.write(each, each.relative_to(home).as_posix())
    return file.getvalue()


def _fill(gallery: Any) -> None:
    import numpy as np

    from studio.images.pictures import write_png
    from studio.works.ledger import Ledger
    from studio.works.metadata import embed
    from studio.works.recipe import Recipe
    from studio.works.work import Made

    rng = np.random.default_rng(0)
    source = gallery.keep_source(b"photo " * 40, role="photo", name="photo.jpg")
    for number in range(3):
        recipe = Recipe(kind="dream", sources=(source,), seed=number)
        picture = embed(write_png(rng.integers(0, 255, (8, 8, 3), np.uint8)), ".png", recipe)
        gallery.add(Made(recipe, picture, ".png", "image/png", b"small", (1.0, 0.5), {"size": "8 x 8"}))
    ledger = Ledger(gallery.engine)
    ledger.ask(Recipe(kind="dream", sources=(source,), seed=9))


def read_gallery(content: bytes, folder: Path) -> str:
    from studio.process import finish
    from studio.works.care import repair
    from studio.works.gallery import Gallery
    from studio.works.ledger import Ledger

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for each in archive.infolist():
                if ".." not in each.filename and not each.filename.startswith("/") and each.file_size < 2**24:
                    archive.extract(each, folder / "home")
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError):
        return "no zip"  # of this benchmark's own making, so nothing of the studio's was read
    with Gallery.open(folder / "home") as gallery:
        works = gallery.find(limit=10)
        for work in works:
            gallery.children(work)
            gallery.parents(work)
        Ledger(gallery.engine).recent()
        report = finish(repair(gallery)).report
        assert report is not None
        return f"{len(works)} works, {sorted({flaw.what for flaw in report.flaws})}, {report.orphans > 0}"


def backup_seeds(folder: Path) -> list[bytes]:
    gallery_seeds(folder)
    return [(folder / "seed.zip").read_bytes()]


def read_backup(content: bytes, folder: Path) -> str:
    from studio.process import finish
    from studio.works.care import check, restore
    from studio.works.gallery import Gallery

    (folder / "backup.zip").write_bytes(content)
    beside = set(folder.rglob("*"))
    restored = finish(restore(folder / "backup.zip", folder / "home"))
    assert all(path in beside or path.is_relative_to(folder / "home") for path in folder.rglob("*"))
    with Gallery.open(folder / "home") as gallery:
        flaws = finish(check(gallery)).flaws
    return f"{restored.works} works, {sorted({flaw.what for flaw in flaws})}"


# --- Weights


def weights_seeds(folder: Path) -> list[bytes]:
    import torch

    from studio.learning.checkpoints import Card, save
    from studio.learning.networks import Convolutional

    network = Convolutional(shape=(1, 8, 8), channels=(2, 3), classes=3, hidden=4).build()
    card = Card(
        name="digits", what="Tells digits.", data=(), command="studio train digits", classes=("a", "b", "c")
    )
    save(network, card, folder / "digits")
    content = (folder / "digits.safetensors").read_bytes()
    lesson, pickled = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(lesson, "w") as archive:
        archive.writestr("digits.safetensors", content)
        archive.writestr("digits.json", (folder / "digits.json").read_bytes())
    torch.save(network.state_dict(), pickled)
    return [content, lesson.getvalue(), pickled.getvalue()]


def read_weights(content: bytes, _: Path) -> str:
    import hashlib

    from studio.images.networks.backbones import is_safetensors
    from studio.images.networks.described import is_pickle, read_weights_file
    from studio.images.networks.opening import OwnWeights, read_own_weights
    from studio.images.networks.trained_here import open_trained

    weights, described = read_weights_file(content, "The file")
    if described is not None:
        prepared, name = open_trained(weights, (described.layers[0].name,))
        assert prepared is not None
        return f"network {name}"
    if is_safetensors(weights) or is_pickle(weights):
        own = OwnWeights(weights, hashlib.sha256(weights).hexdigest())
        return f"{len(read_own_weights(own))} tensors"
    return "no weights"


# --- Endpoints


def endpoint_seeds(folder: Path) -> list[bytes]:
    gallery_seeds(folder)
    seeds: list[dict[str, Any]] = [
        {
            "endpoint": "dream",
            "given": {"preset": "weave", "size": 320, "seed": 1, "layers": ["blocks.4"], "photo": OFFERED},
        },
        {
            "endpoint": "style",
            "given": {"photo": OFFERED, "own": ["glass"], "style_weights": [1.0], "size": 128},
        },
        {
            "endpoint": "compose",
            "given": {"style": "ryans-mammoth", "bars": 4, "key": "D", "pins": ["1:1=D5"], "seed": 2},
        },
        {"endpoint": "works", "given": {"text": "dream", "kind": "", "after": "", "limit": 5}},
        {"endpoint": "layers", "given": {"backbone": "vgg16"}},
        *({"endpoint": name, "given": {"work": "{work}"}} for name in ("work", "notes", "remove")),
        *({"endpoint": name, "given": {"job": "{job}"}} for name in ("job", "cancel", "again", "ways_out")),
        {"endpoint": "compose_again", "given": {"work": "{work}", "bars": [1, 2], "seed": 3}},
    ]
    return [json.dumps(seed).encode() for seed in seeds]


OFFERED: dict[str, Any] = {"path": "{photo}", "orig_name": "photo.png", "meta": {"_type": "gradio.FileData"}}


def read_endpoint(content: bytes, folder: Path) -> str:
    """Asks an endpoint as Gradio would, with the JSON of a request."""
    import gradio as gr

    from studio.app import endpoints
    from studio.app.desk import Desk
    from studio.errors import Refused, Unreadable
    from studio.making.kinds import KINDS
    from studio.works.gallery import Gallery

    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    (folder / "photo.png").write_bytes(carrier_picture())
    shutil.copytree(Path(os.environ["STUDIO_HOME"]) / "seed", folder / "home")
    with Gallery.open(folder / "home") as gallery:
        desk = Desk(gallery, _queue(gallery))
        text = content.decode("utf-8", "replace")
        text = text.replace("{photo}", str(folder / "photo.png")).replace("{job}", desk.jobs.waiting()[0].id)
        text = text.replace("{work}", gallery.find(limit=1)[0].id)
        try:
            asked = json.loads(text)
        except (ValueError, RecursionError):
            raise Unreadable("Not JSON.") from None
        actions = [endpoints.making_endpoint(kind, desk) for kind in KINDS.values()]
        for several in (
            endpoints.melody_endpoints,
            endpoints.job_endpoints,
            endpoints.table_endpoints,
            endpoints.gallery_endpoints,
        ):
            actions += [action for action, _ in several(desk)]
        known = {action.__name__: action for action in actions}
        if (
            not isinstance(asked, dict)
            or not isinstance(asked.get("given"), dict)
            or str(asked.get("endpoint")) not in known
        ):
            raise Refused("No endpoint of ours.")
        try:
            return _answer(known[asked["endpoint"]], asked["given"])
        except gr.Error as error:
            raise Refused(str(error.message)) from None


def _answer(action: Callable[..., Any], given: dict[str, Any]) -> str:
    import inspect

    from studio.app import endpoints
    from studio.errors import Refused

    values = []
    for parameter in inspect.signature(action).parameters.values():
        if parameter.name in given:
            values.append(given[parameter.name])
        elif parameter.default is not inspect.Parameter.empty:
            values.append(parameter.default)
        else:
            raise Refused("Gradio refuses a request that lacks a value.")
    answer = endpoints._in_a_sentence(action)(*values)
    json.dumps(answer)
    return action.__name__


def _queue(gallery: Any) -> Any:
    """Jobs that nobody makes."""
    from studio.making.jobs import Jobs

    class Queue(Jobs):
        def _serve(self) -> None:
            pass

    return Queue(gallery)


# --- Scores and pictures


def score_seeds(_: Path) -> list[bytes]:
    from studio.music.reading.readers import read_tunes
    from studio.music.writing.formats import FORMATS as SCORE_FORMATS

    (tune,) = read_tunes(TUNE).tunes
    written = (SCORE_FORMATS[name].to_bytes(tune) for name in ("mid", "abc"))
    return [TUNE, TUNE * 2, *written, *_real_scores(".mid", ".abc")]


def notation_seeds(_: Path) -> list[bytes]:
    from studio.music.reading.readers import read_tunes
    from studio.music.writing.formats import FORMATS as SCORE_FORMATS

    (tune,) = read_tunes(TUNE).tunes
    written = (SCORE_FORMATS[name].to_bytes(tune) for name in ("musicxml", "mxl"))
    return [KERN, *written, *_real_scores(".musicxml", ".mxl")]


SCORE_KINDS = {
    "midi": (".mid", score_seeds, ()),
    "abc": (".abc", score_seeds, ()),
    "musicxml": (".musicxml", notation_seeds, ()),
    "mxl": (".mxl", notation_seeds, ()),
    "kern": (".krn", notation_seeds, ("music21",)),
}
"""Formats of scores: their suffix, where their seeds are found, and what reading them loads."""

_BEGINS = {".mid": b"MThd", ".mxl": b"PK", ".musicxml": b"<", ".krn": b"**kern"}


def _seeds_with(suffix: str, seeds: Callable[[Path], list[bytes]], folder: Path) -> list[bytes]:
    """Those of the seeds that are of one format, by how they begin."""
    own = _BEGINS.get(suffix)
    others = tuple(begins for begins in _BEGINS.values() if begins != own)
    found = (content for content in seeds(folder) if not content.startswith(others))
    return [content for content in found if own is None or content.lstrip().startswith(own)]


def _real_scores(*suffixes: str) -> list[bytes]:
    """Files of other programs: the small ones of the tests, and some of the songbook and the hymns where
    these are beside the checkout.
    """
    from benchmarks.reading import SONGBOOK

    tests = Path(__file__).resolve().parents[1] / "tests"
    folders = [tests / "music" / "reading", tests / "data"]
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in suffixes]
    for folder in (SONGBOOK, SONGBOOK.parent / "hymns") if SONGBOOK.name else ():
        files += [path for path in sorted(folder.iterdir())[::20] if path.suffix in suffixes]
    return [path.read_bytes() for path in files]


def read_score(content: bytes, _: Path) -> str:
    """Reads every piece as a reading process does, which turns what music21 makes of a broken file into a
    sentence."""
    from studio.errors import Unreadable
    from studio.music.reading.budget import ReadingBudget
    from studio.music.reading.child import _answer as answer_of
    from studio.music.reading.child import read_piece
    from studio.music.reading.pieces import pieces

    budget = ReadingBudget(seconds=10)
    for piece in pieces(content, "The file", budget)[:50]:
        if piece.form in ("midi", "abc"):
            reading = read_piece(replace(piece, parts=True), budget)
            assert all(tune.unfolded().to_json() for tune in reading.tunes)
            assert len(reading.parts) == len(reading.tunes)
        else:
            told, _body = answer_of(replace(piece, parts=True), budget)
            if "unreadable" in told:
                raise Unreadable(told["unreadable"])
    return "tunes"


def carrier_picture() -> bytes:
    import numpy as np

    from studio.images.pictures import write_png

    return write_png(np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3))


def picture_seeds(_: Path) -> list[bytes]:
    return [seed for name in PICTURE_KINDS for seed in _seeds_of(name)]


PICTURE_KINDS: dict[str, tuple[tuple[str, str], ...]] = {
    "jpeg": (("JPEG", "RGB"), ("JPEG", "CMYK"), ("JPEG", "L")),
    "png": (("PNG", "RGBA"), ("PNG", "I;16"), ("PNG", "P")),
    "webp": (("WEBP", "RGBA"), ("WEBP", "RGB")),
    "avif": (("AVIF", "RGB"), ("AVIF", "RGBA")),
    "heic": (),
    "jpeg2000": (("JPEG2000", "RGB"), ("JPEG2000", "L")),
    "ppm": (("PPM", "RGB"), ("PPM", "L")),
    "tiff": (("TIFF", "RGB"), ("TIFF", "CMYK"), ("TIFF", "LAB"), ("TIFF", "F")),
    "psd": (),
    "gif": (("GIF", "P"),),
    "bmp": (("BMP", "RGB"), ("BMP", "P")),
    "ico": (("ICO", "RGBA"),),
    "tga": (("TGA", "RGBA"), ("TGA", "P"), ("TGA", "L")),
}
"""Formats of pictures, and the (Pillow format, mode) of the seeds that Pillow can write."""

PICTURES_OF_TESTS = Path(__file__).parents[1] / "tests" / "data" / "pictures"


def _seeds_from(name: str, _: Path) -> list[bytes]:
    return _seeds_of(name)


def _seeds_of(name: str) -> list[bytes]:
    import numpy as np
    from PIL import Image

    if name == "heic":
        files = ("plain", "alpha", "deep", "profile", "several", "turned6")
        return [(PICTURES_OF_TESTS / f"{file}.heic").read_bytes() for file in files]
    if name == "psd":
        return [_psd(mode, depth) for mode, depth in ((3, 8), (3, 16), (1, 8), (4, 8), (9, 8), (2, 8))]
    pixels = Image.fromarray(np.random.default_rng(0).integers(0, 255, (24, 20, 4), np.uint8), "RGBA")
    seeds = [carrier_picture()] if name == "png" else []
    for form, mode in PICTURE_KINDS[name]:
        image = Image.new("I;16", (20, 24), 700) if mode == "I;16" else pixels
        if mode not in ("RGBA", "I;16"):
            image = Image.new(mode, (20, 24)) if mode == "LAB" else pixels.convert("RGB").convert(mode)
        file = io.BytesIO()
        image.save(file, form, **({"sizes": [(16, 16), (20, 20)]} if form == "ICO" else {}))
        seeds.append(file.getvalue())
    return seeds


def _psd(mode: int, depth: int) -> bytes:
    """A Photoshop file with transparency, packed where it has 8 bits."""
    channels = {3: 3, 4: 4, 9: 3}.get(mode, 1) + (mode in (3, 1))
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, channels, 24, 20, depth, mode)
    palette = bytes(range(256)) * 3 if mode == 2 else b""
    resource = (
        b"8BIM" + struct.pack(">HHI", 1005, 0, 16) + struct.pack(">IHHIHH", 300 << 16, 1, 1, 300 << 16, 1, 1)
    )
    layers = struct.pack(">IhxxI", 4, -1, 0)
    row = bytes(range(20)) * (depth // 8)
    rows = 24 * channels
    if depth == 8:
        packed = bytes([19]) + row
        pixels = b"\0\1" + struct.pack(">H", len(packed)) * rows + packed * rows
    else:
        pixels = b"\0\0" + row * rows
    parts = [struct.pack(">I", len(palette)), palette, struct.pack(">I", len(resource)), resource]
    return b"".join([head, *parts, struct.pack(">I", len(layers)), layers, pixels])


def read_picture_file(content: bytes, _: Path) -> str:
    from studio.images.pictures import read_picture

    picture = read_picture(content)
    return " ".join(note.split(" ")[0] for note in picture.notes) or "picture"


WORKS = (
    "studio.making.kinds",
    "studio.images.recipes",
    "studio.music.melody.constraints",
    "studio.works.metadata",
    "studio.images.pictures",
)
GALLERY = (
    *WORKS,
    "studio.works.gallery",
    "studio.works.care",
    "studio.works.ledger",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "alembic.command",
    "alembic.config",
)
SCORES = ("studio.music.reading.child", "studio.music.reading.readers", "studio.music.writing.formats")
WEIGHTS = (
    "torch",
    "studio.learning.checkpoints",
    "studio.images.networks.opening",
    "studio.images.networks.trained_here",
)
PAGE = (
    *GALLERY,
    "gradio",
    "studio.app.endpoints",
    "studio.app.desk",
    "studio.making.jobs",
    "studio.music.melody.compose",
)
PICTURES = (
    "studio.images.pictures",
    "PIL.TiffImagePlugin",
    "PIL.WebPImagePlugin",
    "PIL.GifImagePlugin",
    "pi_heif",
)

FORMATS: dict[str, InputFormat] = {
    form.name: form
    for form in (
        InputFormat("recipes", recipe_seeds, read_recipe_json, WORKS),
        InputFormat("carriers", carrier_seeds, read_carrier, (*WORKS, *SCORES)),
        InputFormat("gallery", gallery_seeds, read_gallery, GALLERY),
        InputFormat("backups", backup_seeds, read_backup, GALLERY),
        InputFormat("weights", weights_seeds, read_weights, WEIGHTS),
        InputFormat("endpoints", endpoint_seeds, read_endpoint, PAGE, seeds_may_be_refused=True),
        InputFormat("scores", score_seeds, read_score, SCORES),
        InputFormat("notation", notation_seeds, read_score, ("music21", *SCORES)),
        InputFormat("pictures", picture_seeds, read_picture_file, PICTURES),
        *(
            InputFormat(f"scores-{name}", partial(_seeds_with, suffix, seeds), read_score, (*loads, *SCORES))
            for name, (suffix, seeds, loads) in SCORE_KINDS.items()
        ),
        *(
            InputFormat(f"pictures-{name}", partial(_seeds_from, name), read_picture_file, PICTURES)
            for name in PICTURE_KINDS
        ),
    )
}
"""By name. The order is that of `python -m benchmarks.fuzz`, which leaves out single formats."""
