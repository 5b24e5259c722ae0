"""The formats a melody or score can be saved in. A new format is a new row in `FORMATS`.

    path.write_bytes(by_suffix(path).to_bytes(tune, program=40))

Options: `program`, the General MIDI instrument (0..127) that plays a tune; `colours`, number of a sounding
note -> "#rrggbb"; `whole_tempo`, whether an engraved tempo is rounded; `names`, whether engraved chord names
are those that musicians write; `letters`, the names of sections by the bars they begin with; `lines`, where
its lines are broken, and what else is printed; `slurs`, whether notes that are sung on one syllable are under
a slur; `hyphens`, whether a syllable that is held inside its word has hyphens after it; `marks`, the names of
sections by the bars they begin with, as a file keeps them. A format takes those
it can use and ignores the others.
"""

from __future__ import annotations

from pathlib import Path

from studio.works.formats import Format, FormatTable

FORMATS = FormatTable(
    (
        Format(
            "mid",
            ".mid",
            "audio/midi",
            "MIDI",
            "studio.music.writing.midi:write_midi",
            "For sequencers, samplers and most music programs. Repeats are played out.",
            options=frozenset({"program", "marks"}),
            reads_back=True,
            performs=True,
        ),
        Format(
            "musicxml",
            ".musicxml",
            "application/vnd.recordare.musicxml+xml",
            "MusicXML",
            "studio.music.writing.musicxml:write_musicxml",
            "For notation programs such as MuseScore, Dorico and Sibelius.",
            options=frozenset({"colours", "slurs", "hyphens", "heard", "marks"}),
            reads_back=True,
        ),
        Format(
            "mxl",
            ".mxl",
            "application/vnd.recordare.musicxml",
            "Compressed MusicXML",
            "studio.music.writing.musicxml:write_mxl",
            "MusicXML in a small file, as notation programs exchange it.",
            options=frozenset({"colours", "slurs", "hyphens", "heard", "marks"}),
            reads_back=True,
        ),
        Format(
            "abc",
            ".abc",
            "text/vnd.abc",
            "ABC",
            "studio.music.writing.abc:write_abc",
            "Plain text, as folk musicians share tunes.",
            options=frozenset({"hyphens", "heard", "marks", "tempi_by_bar"}),
            reads_back=True,
        ),
        Format(
            "wav",
            ".wav",
            "audio/wav",
            "Sound",
            "studio.music.sound.encoding:write_wav",
            "The sound, 16 bit stereo at 44.1 kHz.",
            options=frozenset({"program", "sound"}),
            performs=True,
        ),
        Format(
            "flac",
            ".flac",
            "audio/flac",
            "FLAC",
            "studio.music.sound.encoding:write_flac",
            "The same sound in half the space, without loss.",
            options=frozenset({"program", "sound"}),
            performs=True,
        ),
        Format(
            "mp3",
            ".mp3",
            "audio/mpeg",
            "MP3",
            "studio.music.sound.encoding:write_mp3",
            "The sound in a small file that plays everywhere, about 130 kb/s.",
            options=frozenset({"program", "sound"}),
            performs=True,
        ),
        Format(
            "svg",
            ".svg",
            "image/svg+xml",
            "Score",
            "studio.music.writing.engraving:engrave",
            "The engraved score as a picture.",
            options=frozenset({"colours", "whole_tempo", "names", "letters", "lines"}),
        ),
    )
)


def names() -> tuple[str, ...]:
    """("mid", "musicxml" …), as recipes and endpoints call them."""
    return FORMATS.names()


def suffixes() -> tuple[str, ...]:
    """(".mid", ".musicxml" …), as files end."""
    return FORMATS.suffixes()


def by_name(name: str) -> Format:
    """Raises `UnknownName`."""
    return FORMATS.by_name(name)


def by_suffix(path: str | Path) -> Format:
    """The format of a file with that name or suffix; capitals do not matter. Raises `Refused`."""
    return FORMATS.by_suffix(path)
