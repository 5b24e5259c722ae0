"""The photos that painters practise on. They come with the studio, so that every painter it ships can be
trained again by anybody.

Light on purpose: nothing here loads torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.errors import Missing

FOLDER = Path(__file__).with_name("photos")

SIDE = 512
"""Longer side of the photos, in pixels."""

BY = "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"
ZERO = "CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/"
FREE = "public domain"
LOMIRI = "Lomiri wallpapers, https://gitlab.com/ubports/development/core/lomiri-wallpapers"
SCIKIT = "scikit-image's sample pictures, https://scikit-image.org"
PALAPELI = "Palapeli's puzzles, https://apps.kde.org/palapeli"


@dataclass(frozen=True)
class PracticePhoto:
    """A photo to practise on. name: of its file, without .jpg."""

    name: str
    author: str
    source: str
    licence: str

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.jpg"


PHOTOS = (
    PracticePhoto("autumn", "Aitzol Berasategi", LOMIRI, BY),
    PracticePhoto("bowl", 'Trevor "Freespace"', LOMIRI, BY),
    PracticePhoto("bridge", "Derek Jensen", PALAPELI, FREE),
    PracticePhoto("brook", "Aitzol Berasategi", LOMIRI, BY),
    PracticePhoto("brushes", 'Trevor "Freespace"', LOMIRI, BY),
    PracticePhoto("cat", "Stéfan van der Walt", SCIKIT, ZERO),
    PracticePhoto("cup", "Rachel Michetti", SCIKIT, ZERO),
    PracticePhoto("dandelions", "Clemens Engelhardt", LOMIRI, ZERO),
    PracticePhoto("dogs", "Aitzol Berasategi", LOMIRI, BY),
    PracticePhoto("fruits", "US Department of Agriculture", PALAPELI, FREE),
    PracticePhoto(
        "hopper", "James S. Davis, US Navy", "Matplotlib's sample data, https://matplotlib.org", FREE
    ),
    PracticePhoto("bee", "John Severns", PALAPELI, FREE),
    PracticePhoto("mountains", "Aitzol Berasategi", LOMIRI, BY),
    PracticePhoto("rocket", "SpaceX", SCIKIT, ZERO),
    PracticePhoto("sunset", "Aitzol Berasategi", LOMIRI, BY),
    PracticePhoto("wine", "Jakub Mede", LOMIRI, BY),
)


def practice_files(folder: Path | None = None) -> list[Path]:
    """The files to practise on: those that come with the studio, or the pictures in a folder of one's own.

    Raises `Missing` for a folder that is not there or holds no picture.
    """
    if folder is None:
        absent = next((photo.path for photo in PHOTOS if not photo.path.is_file()), None)
        if absent is not None:
            raise Missing(f"The practice photo {absent.name} is missing: install the studio again.")
        return [photo.path for photo in PHOTOS]
    if not folder.is_dir():
        raise Missing(f"There is no folder {folder}: name a folder of photos.")
    suffixes = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"}
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes)
    if not found:
        raise Missing(f"The folder {folder} holds no photo: put some into it, as JPEG or PNG.")
    return found
