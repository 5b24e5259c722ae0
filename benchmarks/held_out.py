"""How well each style of songs predicts songs that it has not seen: bits a chord and bits a note, smaller is
better.

    python -m benchmarks.held_out [NAME[=FOLDER] ...]

NAME is a style of songs that comes with the studio, with the folder of the songs it was counted in where it
has one (see models/build_songs.py): songbook-manner=FOLDER, sixties-pop=FOLDER, hymn=FOLDER, chorale,
fiddle. A folder alone is a style of your own lead sheets. The melodies of sixties-pop are those of
songbook-manner, so its bits a note need that folder too: sixties-pop=FOLDER songbook-manner=FOLDER. Chords
are held out in eight folds: a chord is its root in the local key, its kind, its bass, its length and
whether it is carried over the bar line. A note is its pitch, length and whether it is carried, and the end
of the tune counts as one; a tenth of the melodies is held out, with settings of one melody on the same
side. Chords of Fiddle tunes are inferred, so theirs say how regular the studio's own harmoniser is. Beside
each stands order 0, which knows only how common each chord or note is at its place in the bar.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harmony import held_out_bits
from studio.music.harmony.idiom import ORDER, HarmonyIdiom
from studio.music.melody.surprise import chain_losses
from studio.music.melody.tokens import melodies, parted
from studio.music.songs.named import SONG_STYLES
from studio.music.styles.opening import ready_style
from studio.music.styles.style import Style

sys.path.insert(0, str(Path(__file__).parent.parent / "models"))
import build_songs

FEWEST = 8
"""Songs in a meter and mode that are worth dividing."""


def learnt_from(
    name: str, folder: Path | None, book: Path | None = None
) -> tuple[Sequence[HarmonyIdiom], Style | None]:
    """The chords of a style in its meters and modes, and the style whose melodies it has; None where they
    are those of songbook-manner and its folder is not given. book: that folder.
    """
    if name not in SONG_STYLES:
        style = ready_style(folder or name)
    elif name == "sixties-pop":
        melodies_of = build_songs.songbook(book) if book is not None else None
        return build_songs.billboard(_needed(name, folder)), melodies_of
    elif name == "songbook-manner":
        style = build_songs.songbook(_needed(name, folder))
    elif name == "hymn":
        paths = sorted(_needed(name, folder).glob("*.abc"))
        style = Style.of(list(build_songs.four_voices((p.name, p.read_bytes()) for p in paths)), "Hymn")
    elif name == "chorale":
        entry = build_songs.STYLES["bach-chorales"]
        files = [(path.name, path.read_bytes()) for path in build_songs.corpus_files(entry)]
        style = Style.of(list(build_songs.four_voices(files)), "Chorale")
    else:
        return build_songs.harmonies(build_songs.inferred("ryans-mammoth")), ready_style("ryans-mammoth")
    return build_songs.harmonies(style, fewest=FEWEST), style


def _needed(name: str, folder: Path | None) -> Path:
    if folder is None:
        sys.exit(f"{name} needs the folder of its songs: {name}=FOLDER.")
    return folder


def show(name: str, folder: Path | None, book: Path | None) -> None:
    idioms, style = learnt_from(name, folder, book)
    print(f"\n{folder or name}")
    told: set[tuple[int, ...]] = set()
    for idiom in idioms:
        numbers = tuple(line.number for line in idiom.lines)  # those of 2/4 may be those of 4/4
        if len(idiom.lines) < FEWEST or numbers in told:
            continue
        told.add(numbers)
        plain, whole = held_out_bits(idiom, 0), held_out_bits(idiom, ORDER)
        said = f"{idiom.meter} {idiom.mode}, {len(idiom.lines)} songs"
        print(f"  bits a chord  {said:30} {whole:6.2f}   order 0 {plain:6.2f}", flush=True)
    if style is None:
        print("  bits a note   its melodies are those of songbook-manner: give songbook-manner=FOLDER, too")
        return
    parts = parted(melodies(style), seed=0)
    found = chain_losses(parts.learnt, parts.chosen_by, parts.tested, ["order 0", "orders 0 to 4"])
    alone, mixed = (each.every_note for each in found)
    said = f"{len(parts.tested)} songs, {mixed.notes} notes"
    said += " of songbook-manner" if name == "sixties-pop" else ""
    usual, bits, error = alone.nats / math.log(2), mixed.nats / math.log(2), mixed.error / math.log(2)
    print(f"  bits a note   {said:30} {bits:6.2f}   order 0 {usual:6.2f}   (error {error:.2f})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("styles", nargs="*", default=["chorale", "fiddle"])
    asked = []
    for text in parser.parse_args().styles:
        name, _, folder = text.partition("=")
        if Path(name).is_dir():
            name, folder = Path(name).name, name
        asked.append((name, Path(folder) if folder else None))
    book = dict(asked).get("songbook-manner")
    for name, folder in asked:
        show(name, folder, book)


if __name__ == "__main__":
    main()
