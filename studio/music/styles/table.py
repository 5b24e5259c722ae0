"""The table of styles: every set of tunes that comes with the studio or can be fetched once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from studio.errors import Missing


@dataclass(frozen=True)
class Download:
    """A public data set on the internet.

    url: of a zip archive, with {commit} where the version goes. commit: the version that is fetched, checked
    against the one the archive itself states; what is known of its music is in `known`. inside: regular
    expression that matches the names of the tunes in the archive. size: of the download in bytes, roughly.
    """

    url: str
    commit: str
    inside: str
    size: int


@dataclass(frozen=True)
class StyleEntry:
    """A style's row in the table.

    name: what users type. title, sentence, source, licence: for people, in the catalogue; all but the
    sentence also go into the sources of a work. tunes: how many the style has, 0 where nobody counted.
    files: globs in music21's corpus. leave_out: regular expression for names of files there that are
    something else. pace: usual speed of such tunes in notes a minute, for styles whose files state no tempo
    (0: they do). forms: meter -> what such a tune is called, "" for any other meter. sha256: of
    what is read from the files that the studio was made with ("" where nobody wrote it down); only then is
    the number of tunes known before they are read.
    """

    name: str
    title: str
    sentence: str
    source: str
    licence: str
    tunes: int = 0
    files: tuple[str, ...] = ()
    leave_out: str = ""
    download: Download | None = None
    pace: int = 0
    sha256: str = ""
    forms: Mapping[str, str] = field(default_factory=dict)

    def form_of(self, meter: str) -> str:
        """What a tune of this style in that meter is called, such as "Reel"."""
        return self.forms.get(meter) or self.forms.get("") or "Tune"


_ABC_VOLUNTEERS = (
    "Tunes in the public domain; transcriptions by volunteers, given to music21's corpus with their "
    "permission."
)


_DANCES = {"": "Reel", "6/8": "Jig", "9/8": "Slip Jig", "3/4": "Waltz", "12/8": "Slide", "3/8": "Waltz"}
_AIRS = {"": "Air", "6/8": "Jig", "9/8": "Slip Jig"}


STYLES = {
    entry.name: entry
    for entry in (
        StyleEntry(
            "ryans-mammoth",
            "Ryan's Mammoth Collection",
            "Reels, jigs, hornpipes and clogs of American fiddlers, printed in Boston in 1883.",
            "music21 corpus, ryansMammoth; transcribed by a group of volunteers led by John Chambers",
            _ABC_VOLUNTEERS,
            1059,
            ("ryansMammoth/*.abc",),
            pace=340,
            forms=_DANCES,
            sha256="2a8a6fa716f6c0359f08b40e7a0846ba96867e5a014266b45da1110cbcf2d2a0",
        ),
        StyleEntry(
            "oneill",
            "O'Neill's Music of Ireland",
            "Irish airs, jigs, reels and hornpipes collected by Francis O'Neill in Chicago, first printed "
            "in 1903.",
            "music21 corpus, oneills1850; transcribed by a group of volunteers",
            _ABC_VOLUNTEERS,
            2009,
            ("oneills1850/*.abc",),
            pace=340,
            forms=_DANCES,
            sha256="33cd90b69264cc5930761df2b1279ffefd0acdfd5f63eb9fa71ebb9793306118",
        ),
        StyleEntry(
            "aird",
            "Aird's Airs",
            "Scottish, English, Irish and foreign airs for fife, violin or flute, printed in Glasgow from "
            "1778 on.",
            "music21 corpus, airdsAirs; transcribed by Jack Campin",
            "Tunes in the public domain; transcription (c) Jack Campin 2009, in music21's corpus with his "
            "permission.",
            1180,
            ("airdsAirs/*.abc",),
            forms=_AIRS,
            sha256="111cf804692116cbd434511542d84c56d0719a388e22fe417ee4deb579097883",
        ),
        StyleEntry(
            "bach-chorales",
            "Bach chorales (soprano)",
            "The melodies of chorales set by Johann Sebastian Bach, with a fermata at the end of each line.",
            "music21 corpus, bach",
            "Music in the public domain; encodings in music21's corpus with their encoders' permission.",
            409,
            ("bach/bwv*.mxl", "bach/bwv*.xml"),
            r"bwv(846|988|1080|1006|1007)",
            pace=72,
            forms={"": "Chorale"},
            sha256="b0b1f82841c8d9886685cd8a89fd5b534dc5fc804dede8fcdf6c4429b2b9e18d",
        ),
        StyleEntry(
            "palestrina",
            "Palestrina masses (cantus)",
            "The top voice of mass movements by Giovanni Pierluigi da Palestrina, the model of vocal "
            "counterpoint since 1600.",
            "music21 corpus, palestrina; encoded by John Miller",
            "Music in the public domain; encoding (c) John Miller 2000, all rights to derived electronic "
            "formats reserved: not for sale.",
            1318,
            ("palestrina/*.krn",),
            pace=72,
            forms={"": "Cantus"},
        ),
        StyleEntry(
            "essen",
            "Essen folksong collection",
            "Folk songs, most from Germany and its neighbours and some from China, collected by Helmut "
            "Schaffrath from 1982 on.",
            "music21 corpus, essenFolksong; encodings by Seymour Shlien",
            "Legal status unclear (many hands encoded it); permission was given for non-commercial use "
            "with music21.",
            8514,
            ("essenFolksong/*.abc",),
            forms={"": "Folk Song"},
        ),
        StyleEntry(
            "northumbrian",
            "Northumbrian Minstrelsy",
            "Songs and small-pipe tunes of Northumberland, printed by Bruce and Stokoe in 1882.",
            "music21 corpus, miscFolk; transcribed by Jack Campin",
            "Tunes in the public domain; transcription by Jack Campin, in music21's corpus with his "
            "permission.",
            129,
            ("miscFolk/northumbrian*.abc",),
            forms=_AIRS,
            sha256="a5deb1d6a8da85484d96c03e9687d5f1694c44225ad878372c89f4e59b92b717",
        ),
        StyleEntry(
            "american-fife",
            "American fife tunes",
            "Marches and camp calls for the fife, from colonial times to the Civil War.",
            "music21 corpus, miscFolk; edited by Jack Campin",
            "Tunes in the public domain; edition by Jack Campin, in music21's corpus with his permission.",
            56,
            ("miscFolk/americanfife*.abc",),
            forms={"": "March", "6/8": "Quickstep", "3/4": "Waltz"},
            sha256="d4a8a0db542a04c8b5b8a229ea9ce57674341e57ba485671870c66af8f36eaef",
        ),
        StyleEntry(
            "monteverdi",
            "Monteverdi madrigals (canto)",
            "The top voice of five-part madrigals by Claudio Monteverdi, books three to five.",
            "music21 corpus, monteverdi",
            "Music in the public domain; encodings in music21's corpus with their encoders' permission.",
            49,
            ("monteverdi/*.mxl",),
            forms={"": "Madrigal"},
            sha256="3307d3b8aa7c839cf669337286f54efd0318ae85071d417f15f42ec9e4fff5e8",
        ),
        StyleEntry(
            "trecento",
            "Trecento songs (top voice)",
            "The top voice of Italian songs of the fourteenth century, by Landini, Ciconia and others.",
            "music21 corpus, trecento",
            "Music in the public domain; encodings by the music21 project, in its corpus.",
            103,
            ("trecento/*.xml", "trecento/*.mxl"),
            forms={"": "Ballata"},
        ),
        StyleEntry(
            "openewld",
            "OpenEWLD songbook",
            "Lead sheets, melody with chords, of jazz and popular standards that its editors found to be "
            "in the public domain.",
            "github.com/00sapo/OpenEWLD, Federico Simonetti",
            "Songs its editors hold to be in the public domain; their years have not been checked again: "
            "check before you publish.",
            0,
            download=Download(
                "https://codeload.github.com/00sapo/OpenEWLD/zip/{commit}",
                "9bbb6d292c96c9ab2dee64b7ff5cdba60612b7a0",
                r".*/dataset/.*\.mxl",
                30_000_000,
            ),
            forms={"": "Song", "3/4": "Waltz"},
        ),
        StyleEntry(
            "hymnal",
            "Open Hymnal",
            "Hymns in four voices with their words, gathered by the Open Hymnal Project; the melodies are "
            "the sopranos.",
            "github.com/mzealey/openhymnal, after the Open Hymnal Project (openhymnal.org)",
            "Most of the hymns are marked as public domain; each file says what it is: check before you "
            "publish.",
            0,
            download=Download(
                "https://codeload.github.com/mzealey/openhymnal/zip/{commit}",
                "d35811b2d5c9b0bbc5887d60a2936454815416e8",
                r".*/Complete/.*\.abc",
                80_000_000,
            ),
        ),
        StyleEntry(
            "nottingham",
            "Nottingham folk tunes",
            "British and American folk tunes with chord symbols, gathered by Eric Foxley.",
            "github.com/jukedeck/nottingham-dataset, after Eric Foxley's and Seymour Shlien's collection",
            "Tunes traditional; the collection states no licence: ask before you pass it on.",
            0,
            download=Download(
                "https://codeload.github.com/jukedeck/nottingham-dataset/zip/{commit}",
                "bcb2afc67d291acdd689ed0c22ab2a8a480f38a6",
                r".*/ABC_cleaned/.*\.abc",
                20_000_000,
            ),
            forms={"": "Reel", "6/8": "Jig", "3/4": "Waltz", "9/8": "Slip Jig"},
        ),
    )
}
"""The styles that come with the studio or can be fetched, in the order they are shown."""


def own_entry(name: str, sentence: str = "", licence: str = "", source: str = "") -> StyleEntry:
    """The row of a style of your own."""
    return StyleEntry(
        name,
        name,
        sentence or "A style of your own.",
        source or "your own files",
        licence or "As its files say; you brought them.",
    )


def music21_corpus() -> Path:
    """The folder of the tunes that come with music21. Raises `Missing`."""
    from importlib.util import find_spec

    found = find_spec("music21")
    if found is None or not found.submodule_search_locations:
        raise Missing("music21, which holds the tunes, is not installed; install the studio again.")
    return Path(next(iter(found.submodule_search_locations))) / "corpus"


def corpus_files(entry: StyleEntry) -> list[Path]:
    """The files of a style that comes with music21, sorted. Raises `Missing`."""
    root = music21_corpus()
    found = sorted(path for pattern in entry.files for path in root.glob(pattern))
    if entry.leave_out:
        found = [path for path in found if not re.match(entry.leave_out, path.name)]
    if not found:
        raise Missing(
            f"music21 is installed without its corpus, so {entry.title} is missing; "
            "reinstall music21 from its wheel."
        )
    return found
