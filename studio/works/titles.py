"""What a work is called, when nobody said.

A kind of work may say so itself. If not, a work is called after its first source and its look, as in
"tubingen, creatures". Where the source has only a name that a camera or a download gave it (IMG_2034), the
picture's own colours serve: "Creatures in amber and slate".
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

from studio.works.naming import clean
from studio.works.recipe import Recipe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST_TITLE = 200

_BY_MACHINES = re.compile(
    r"img|dscn?|dscf|pxl|mvimg|vid|gopr|dji|cimg|sam|hpim|kic|fxt|scan|images?|photos?|pictures?|pics?|foto|bild"
    r"|screenshot|screen|shot|bildschirmfoto|whatsapp|signal|telegram|downloads?|unnamed|untitled|clipboard"
    r"|blob|file|temp|tmp|attachment|facebook|received|snapchat|inshot|result|output|out|kopie|copy|edited"
    r"|final|new|the",
    re.IGNORECASE,
)
"""Words in the names of files that say nothing about what is seen."""

COLOURS = {
    "ink": (22, 22, 28),
    "charcoal": (58, 58, 62),
    "slate": (98, 108, 122),
    "silver": (170, 174, 178),
    "pearl": (226, 224, 220),
    "ivory": (240, 232, 208),
    "sand": (208, 186, 146),
    "umber": (94, 66, 46),
    "copper": (178, 106, 66),
    "rust": (156, 66, 34),
    "amber": (222, 150, 46),
    "gold": (208, 176, 62),
    "lemon": (236, 222, 92),
    "olive": (116, 116, 52),
    "moss": (76, 98, 52),
    "leaf green": (92, 150, 68),
    "emerald": (34, 132, 88),
    "mint": (152, 212, 178),
    "teal": (38, 118, 124),
    "turquoise": (76, 186, 190),
    "sky blue": (136, 184, 224),
    "cobalt": (46, 88, 176),
    "indigo": (52, 48, 116),
    "lavender": (168, 156, 210),
    "violet": (118, 70, 160),
    "plum": (104, 44, 84),
    "rose": (220, 132, 150),
    "coral": (234, 122, 98),
    "crimson": (170, 34, 48),
    "peach": (240, 190, 158),
}
"""Names of colours, each with its red, green and blue, 0 to 255."""

_FILE_IN_BRACKETS = re.compile(r"(?<=\S) *\([^()]*\.[a-z0-9]{2,5}\)$", re.IGNORECASE)
"""The name of a file at the end of a title, as in "China (scikit-learn's china.jpg)"."""

GREYS = ("ink", "charcoal", "slate", "silver", "pearl")


def title_of(recipe: Recipe, thumbnail: bytes = b"") -> str:
    """What a work is called. thumbnail: its small picture, where it is one."""
    if called := recipe.called():
        return clean(called, LONGEST_TITLE)
    look = recipe.manner().replace("_", " ")
    first = recipe.sources[0] if recipe.sources else None
    subject = _FILE_IN_BRACKETS.sub("", first.title) if first else ""
    if first and not subject and says_something(Path(first.name).stem):
        subject = " ".join(Path(first.name).stem.replace("_", " ").split())
    if subject:
        return clean(f"{subject}, {look}", LONGEST_TITLE)
    if colours := colours_of(thumbnail):
        said = look[:1].upper() + look[1:]
        return clean(f"{said}{',' * look.startswith('after ')} in {' and '.join(colours)}", LONGEST_TITLE)
    made_from = Path(first.name).stem if first else ""
    return clean(f"{made_from}, {look}" if made_from else f"{look}, seed {recipe.seed}", LONGEST_TITLE)


def says_something(stem: str) -> bool:
    """Whether a file's name, without its suffix, was given by a person: it has a word of three letters that
    cameras, phones and browsers do not use.
    """
    if re.fullmatch(r"[0-9a-fA-F-]{12,}", stem):  # a hash, a UUID
        return False
    words = re.findall(r"[^\W\d_]+", stem)
    if len(re.findall(r"\d", stem)) > sum(map(len, words)):
        return False
    return any(len(word) >= 3 and not _BY_MACHINES.fullmatch(word) for word in words)


def colours_of(thumbnail: bytes) -> list[str]:
    """The names of at most two colours that a picture is known by, the more striking first; none where it
    cannot be read. A colour counts by its area, and a strong one for more than a grey.
    """
    if not thumbnail:
        return []
    import numpy as np
    from PIL import Image

    try:
        with Image.open(io.BytesIO(thumbnail)) as opened:
            small = opened.convert("RGB").resize((32, 32), Image.Resampling.BOX)
    except Exception:  # Pillow raises whatever a broken picture leads to
        return []
    pixels = _lab(np.asarray(small, dtype=float).reshape(-1, 3))
    known = _lab(np.array(list(COLOURS.values()), dtype=float))
    nearest = np.linalg.norm(pixels[:, None] - known[None], axis=2).argmin(axis=1)
    chroma = np.linalg.norm(pixels[:, 1:], axis=1)
    weights = np.bincount(nearest, weights=0.25 + chroma / 60, minlength=len(known))
    names = list(COLOURS)
    order = [names[place] for place in np.argsort(-weights, kind="stable") if weights[place] > 0]
    return order[:1] + [name for name in order[1:] if not (order[0] in GREYS and name in GREYS)][:1]


def _lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB, 0 to 255, as CIE L*a*b* (D65), where distances are about what the eye sees (CIE 15:2004)."""
    import numpy as np

    share = rgb / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])
    root = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
