"""Files that are broken, enormous or malicious each give one sentence, in bounded memory and time, and the
next file is read.
"""

from __future__ import annotations

import contextlib
import io
import random
import struct
import time
import zipfile
from collections.abc import Callable

import pytest

from studio.errors import StudioError, Unreadable
from studio.music.reading.midi import read_midi
from studio.music.reading.readers import Readers
from studio.music.scores.tunes import Tune
from studio.music.writing.midi import write_midi
from studio.music.writing.musicxml import write_musicxml

WHOLE = Tune.of([(60, 1), (62, 1), (64, 1), (65, 1)] * 4, title="Whole")


def _midi(body: bytes, form: int = 1, tracks: int = 1, division: int = 480, size: int | None = None) -> bytes:
    head = b"MThd" + struct.pack(">IHHH", 6, form, tracks, division)
    return head + b"MTrk" + struct.pack(">I", len(body) if size is None else size) + body


NOTE = b"\x00\x90\x3c\x40\x83\x60\x80\x3c\x00"
END = b"\x00\xff\x2f\x00"


def _zip(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _xml(inside: str, before: str = "") -> bytes:
    parts = '<part-list><score-part id="P1"><part-name>a</part-name></score-part></part-list>'
    score = f'<score-partwise>{parts}<part id="P1">{inside}</part></score-partwise>'
    return f'<?xml version="1.0"?>{before}{score}'.encode()


LAUGHS = (
    "<!DOCTYPE l ["
    + '<!ENTITY a "ha">'
    + "".join(
        f'<!ENTITY {after} "{f"&{name};" * 10}">' for name, after in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]>"
)

UNREADABLE: dict[str, Callable[[], bytes]] = {
    # MIDI
    "midi: nothing after the header": lambda: b"MThd\0\0\0\6\0\1\0\1\1\xe0",
    "midi: half a header": lambda: b"MThd\0\0\0\6\0",
    "midi: header too short": lambda: b"MThd\0\0\0\2\0\1\0\1\1\xe0MTrk\0\0\0\4" + END,
    "midi: division 0": lambda: _midi(NOTE + END, division=0),
    "midi: film frames nobody knows": lambda: _midi(NOTE + END, division=0xF728),
    "midi: type 2 without notes": lambda: _midi(END, form=2),
    "midi: type 9": lambda: _midi(NOTE + END, form=9),
    "midi: no notes": lambda: _midi(END),
    "midi: only drums": lambda: _midi(NOTE.replace(b"\x90", b"\x99").replace(b"\x80\x3c", b"\x89\x3c") + END),
    "midi: cut before the first note": lambda: _midi(NOTE[:3], size=1_000_000),
    "midi: time of five bytes": lambda: _midi(b"\xff\xff\xff\xff\x7f\x90\x3c\x40" + END),
    "midi: data byte too large": lambda: _midi(b"\x00\x90\xf3\x40" + END),
    "midi: running status from nowhere": lambda: _midi(b"\x00\x3c\x40" + END),
    "midi: undefined status": lambda: _midi(b"\x00\xf4\x40" + END),
    "midi: meta event past the end": lambda: _midi(b"\x00\xff\x03\x7fabc"),
    "midi: notes of no length": lambda: _midi(b"\x00\x90\x3c\x40\x00\x80\x3c\x00" + END),
    "midi: one note of a year": lambda: _midi(
        b"\x00\x90\x3c\x40" + b"\xff\xff\xff\x7f\xb0\x00\x00" * 60 + b"\x00\x80\x3c\x00" + END
    ),
    "midi: a million events": lambda: _midi(NOTE * 500_000 + END),
    "midi: 37 bytes that claim 65,535 tracks": lambda: _midi(
        b"\x00\xff\x51\x03\x00\x00\x01" + END, tracks=65535
    ),
    # zips
    "mxl: a bomb": lambda: _zip({"score.xml": b"<score-partwise>" + b" " * 60_000_000}),
    "mxl: a bomb as container": lambda: _zip(
        {"META-INF/container.xml": b" " * 5_000_000, "a.xml": write_musicxml(WHOLE)}
    ),
    "mxl: cut short": lambda: _zip({"score.xml": write_musicxml(WHOLE)})[:-40],
    "mxl: damaged inside": lambda: _damaged(_zip({"score.xml": write_musicxml(WHOLE)})),
    "mxl: no score inside": lambda: _zip({"readme.txt": b"hello"}),
    "mxl: thousands of files": lambda: _zip({f"{number}.xml": b"" for number in range(2000)}),
    "mxl: a zip in the zip": lambda: _zip({"score.xml": _zip({"score.xml": write_musicxml(WHOLE)})}),
    "mxl: empty zip": lambda: b"PK\x03\x04",
    # XML
    "xml: a billion laughs": lambda: _xml("&i;", LAUGHS),
    "xml: an outside entity": lambda: _xml("&x;", '<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
    "xml: a parameter entity": lambda: _xml(
        "", '<!DOCTYPE s [<!ENTITY % x SYSTEM "http://127.0.0.1/x">%x;]>'
    ),
    "xml: cut short": lambda: write_musicxml(WHOLE)[:1500],
    "xml: not MusicXML": lambda: b'<?xml version="1.0"?><html><body/></html>',
    "xml: no notes": lambda: _xml('<measure number="1"/>'),
    "xml: no parts": lambda: b'<?xml version="1.0"?><score-partwise></score-partwise>',
    "xml: a part nobody announced": lambda: _xml("").replace(b'<part id="P1">', b'<part id="P9">'),
    "xml: deeper than a well": lambda: _xml("<measure>" * 5000 + "</measure>" * 5000),
    "xml: more elements than an opera": lambda: _xml("<measure>" + "<note/>" * 600_000 + "</measure>"),
    "xml: words for numbers": lambda: _xml(
        "<measure><attributes><divisions>many</divisions></attributes><note><pitch><step>C</step><octave>four</octave></pitch>"
        "<duration>long</duration></note></measure>"
    ),
    "xml: a pitch nobody knows": lambda: _xml(
        "<measure><note><pitch><step>H</step><octave>4</octave></pitch><duration>1</duration></note></measure>"
    ),
    "xml: only drums": lambda: _xml(
        "<measure><attributes><divisions>1</divisions></attributes><note><unpitched><display-step>C</display-step>"
        "<display-octave>5</display-octave></unpitched><duration>4</duration><type>whole</type></note></measure>"
    ),
    "xml: bytes of no encoding": lambda: b'<?xml version="1.0" encoding="klingon"?><score-partwise/>',
    # ABC and kern
    "abc: no key": lambda: b"X:1\nT:a\nM:4/4\nABC|\n",
    "abc: no notes": lambda: b"X:1\nK:C\nz4|z4|\n",
    "abc: a note of a million bars": lambda: b"X:1\nK:C\nC999999|\n",
    "abc: a million notes": lambda: b"X:1\nK:C\n" + b"C" * 1_000_000,
    "abc: thousands of empty tunes": lambda: b"X:1\nK:C\n\n" * 25_000,
    "kern: nothing in it": lambda: b"**kern\n*-\n",
    "kern: nonsense": lambda: b"**kern\n4qq\n7zz~~\n=1\n\x00\x01\n*-\n",
    # anything
    "empty": lambda: b"",
    "nothing but zeros": lambda: b"\0" * 100_000,
    "noise": lambda: random.Random(1).randbytes(10_000),
    "a picture": lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
    "seventeen megabytes": lambda: _midi(b"\0" * 17_000_000),
}


def _damaged(archive: bytes) -> bytes:
    middle = len(archive) // 2
    return (
        archive[:middle]
        + bytes(255 - byte for byte in archive[middle : middle + 60])
        + archive[middle + 60 :]
    )


def test_there_are_enough_of_them() -> None:
    assert len(UNREADABLE) >= 40


@pytest.mark.parametrize("what", UNREADABLE)
def test_each_gives_one_sentence_in_bounded_time(what: str, readers: Readers) -> None:
    content = UNREADABLE[what]()
    began = time.process_time()
    with pytest.raises(Unreadable) as raised:
        readers.read(content, "yours.file")
    # Processor time of this process alone, so other work on the machine does not count; reading sound files
    # takes milliseconds.
    assert time.process_time() - began < 10
    said = str(raised.value)
    assert said.endswith(".")
    assert "\n" not in said
    assert "Traceback" not in said
    assert len(said) < 400
    assert "yours.file" in said


def test_after_all_of_them_the_same_reader_still_reads(readers: Readers) -> None:
    assert readers.read(write_musicxml(WHOLE), "whole.musicxml").tunes[0].notes == WHOLE.notes


def test_files_that_are_merely_odd_are_read(readers: Readers) -> None:
    unended = read_midi(_midi(b"\x00\x90\x3c\x40\x83\x60\xb0\x00\x00" + END), "unended.mid")
    assert [(note.pitch, note.duration) for note in unended.tunes[0].notes] == [(60, 1)]
    for cut in (_midi(NOTE + END, size=0xFFFFFFFF), _midi(NOTE + b"\x00\x90\x3c"), _midi(NOTE + b"\x83")):
        assert [note.pitch for note in read_midi(cut, "cut.mid").tunes[0].notes] == [60]
    odd_key = read_midi(
        _midi(b"\x00\xff\x59\x02\x63\x05\x00\xff\x58\x04\x07\x63\x18\x08" + NOTE + END), "odd.mid"
    )
    assert len(odd_key.tunes[0].notes) == 1
    harmony = "<harmony><root><root-step>C</root-step></root><kind>ridiculous</kind></harmony>"
    whole = "<note><pitch><step>C</step><octave>4</octave></pitch><duration>4</duration></note>"
    content = _xml(f"<measure><attributes><divisions>1</divisions></attributes>{harmony}{whole}</measure>")
    assert [note.pitch for note in readers.read(content, "odd.xml").tunes[0].sounding] == [60]


def test_a_midi_file_of_37_bytes_takes_little_memory() -> None:
    import tracemalloc

    tracemalloc.start()
    read_midi(_midi(b"\x00\x90\x3c\x40\xff\xff\x7f\x80\x3c\x00" + END, division=0x7FFF), "small.mid")
    with pytest.raises(Unreadable):
        read_midi(_midi(b"\x00\x90\x3c\x40\xff\xff\xff\x7f\x80\x3c\x00" + END, division=1), "long.mid")
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("seed", range(3))
def test_files_with_flipped_bytes_never_raise_anything_else(seed: int, readers: Readers) -> None:
    rng = random.Random(seed)
    for whole in (write_midi(WHOLE), WHOLE_ABC, write_musicxml(WHOLE)):
        for _ in range(60 if whole is not WHOLE_ABC and whole[:4] == b"MThd" else 12):
            spoiled = bytearray(whole)
            for _ in range(rng.randint(1, 6)):
                spoiled[rng.randrange(len(spoiled))] = rng.randrange(256)
            with contextlib.suppress(StudioError):
                assert readers.read(bytes(spoiled[: rng.randint(10, len(spoiled))]), "spoiled").tunes


WHOLE_ABC = b'X:1\nT:a\nM:6/8\nL:1/8\nK:Ador\n|:"Am"(3ABc d>e [ce]2 {fg}a-|a3 z3|1 b3:|2 ^c3|]\n'
