"""The recipe inside the file: other programs' readers still read the file as before, and hostile files are
only ever `Unreadable`.
"""

from __future__ import annotations

import io
import json
import re
import struct
import time
import wave
import zipfile
import zlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import mido
import numpy as np
import pytest
import soundfile
from PIL import Image

from studio.errors import Refused, Unreadable
from studio.images.recipes import DreamRecipe
from studio.making.kinds import read_recipe
from studio.works.metadata import CARRIERS, embed, extract, is_cut_off
from studio.works.metadata.carrier import KEYWORD, LARGEST_RECIPE
from studio.works.metadata.credits import credit, title
from studio.works.recipe import Recipe, Setting, Source

SOURCE = Source(
    sha256="ab" * 32,
    role="photo",
    name="china.jpg",
    title="Çhina <&> “寺”",
    author="Zoë & Söhne",
    licence="CC BY 2.0",
)
RECIPE = DreamRecipe(
    sources=(SOURCE,), seed=11, setting=Setting(device="cpu ☕", versions={"studio": "0.1.0"})
)
OTHER = DreamRecipe(sources=(SOURCE,), seed=12)


def picture(size: tuple[int, int] = (40, 30)) -> bytes:
    written = io.BytesIO()
    pixels = np.random.default_rng(3).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    Image.fromarray(pixels).save(written, "PNG")
    return written.getvalue()


def tune() -> bytes:
    written = io.BytesIO()
    file = mido.MidiFile(ticks_per_beat=96)
    for channel in range(2):
        track = mido.MidiTrack([mido.MetaMessage("track_name", name="fiddle", time=0)])
        for pitch in (62, 66, 69, 74):
            track += [
                mido.Message("note_on", note=pitch, channel=channel, time=3),
                mido.Message("note_off", note=pitch, time=93),
            ]
        file.tracks.append(track)
    file.tracks[0].insert(0, mido.MetaMessage("set_tempo", tempo=400_000, time=7))
    file.save(file=written)
    return written.getvalue()


def sound(frames: int = 101) -> bytes:
    """101 frames of 8-bit mono: an odd number of bytes, which RIFF pads."""
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setparams((1, 1, 8000, 0, "NONE", ""))
        file.writeframes(bytes(range(frames)))
    return written.getvalue()


SVG = b"""<?xml version="1.0" encoding="UTF-8"?>
<!-- <svg> in a comment --><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">
<desc>a > b</desc><path d="M0 0h9"/></svg>
"""
SCORE = b"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">
<score-partwise version="4.0"><movement-title>Reel</movement-title><!-- <part-list> -->
<part-list><score-part id="P1"><part-name>Fiddle</part-name></score-part></part-list>
<part id="P1"><measure number="1"><attributes><divisions>1</divisions>
<time><beats>2</beats><beat-type>4</beat-type></time></attributes>
<note><pitch><step>D</step><octave>4</octave></pitch><duration>1</duration><type>quarter</type></note>
<note><pitch><step>A</step><octave>4</octave></pitch><duration>1</duration><type>quarter</type></note></measure></part></score-partwise>
"""
TUNE_IN_ABC = b"%abc-2.1\n\nX:1\nT:Reel\nM:2/4\nL:1/4\nK:D\nDA|dA|]\n"


def mxl(score: bytes = SCORE) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(
            "META-INF/container.xml",
            '<container><rootfiles><rootfile full-path="reel.musicxml"/></rootfiles></container>',
        )
        packed.writestr("reel.musicxml", score)
    return written.getvalue()


def as_file(file_format: str, **options: object) -> bytes:
    written = io.BytesIO()
    found = Image.open(io.BytesIO(picture()))
    (found.convert("RGB") if file_format == "JPEG" else found).save(written, file_format, **options)
    return written.getvalue()


def coded(kind: str) -> bytes:
    """A third of a second of two tones, as FLAC or MP3."""
    written = io.BytesIO()
    time = np.arange(8000) / 24000
    samples = np.stack([np.sin(2 * np.pi * 440 * time), np.sin(2 * np.pi * 660 * time)], axis=1) / 4
    soundfile.write(written, samples, 24000, format=kind)
    return written.getvalue()


FILES = {
    ".png": picture(),
    ".jpg": as_file("JPEG"),
    ".webp": as_file("WEBP", lossless=True),
    ".tiff": as_file("TIFF"),
    ".mid": tune(),
    ".wav": sound(),
    ".flac": coded("FLAC"),
    ".mp3": coded("MP3"),
    ".svg": SVG,
    ".musicxml": SCORE,
    ".mxl": mxl(),
    ".abc": TUNE_IN_ABC,
}


# In and out


def test_every_carrier_is_tested_here() -> None:
    assert {carrier.suffixes[0] for carrier in CARRIERS} == set(FILES)


@pytest.mark.parametrize("suffix", FILES)
def test_round_trip_to_the_letter(suffix: str) -> None:
    carried = embed(FILES[suffix], suffix, RECIPE)
    assert extract(FILES[suffix]) is None
    assert extract(carried) == RECIPE.to_json()
    assert read_recipe(extract(carried) or "") == RECIPE


@pytest.mark.parametrize("suffix", FILES)
def test_again_changes_nothing_and_another_recipe_takes_its_place(suffix: str) -> None:
    carried = embed(FILES[suffix], suffix, RECIPE)
    again = embed(carried, suffix, RECIPE)
    replaced = embed(carried, suffix, OTHER)
    if suffix == ".mxl":  # the zip is written again; only what is in it counts
        carried, again, replaced = (
            zipfile.ZipFile(io.BytesIO(file)).read("reel.musicxml") for file in (carried, again, replaced)
        )
    assert again == carried
    assert replaced.count(b'"seed":12') + replaced.count(b"&quot;seed&quot;:12") == 1
    assert b'"seed":11' not in replaced
    assert extract(replaced) == OTHER.to_json()


def test_a_format_without_room_is_refused_with_those_that_have_it() -> None:
    with pytest.raises(Refused, match=r"A \.gif cannot carry its recipe; choose one of \.png"):
        embed(b"GIF89a", ".gif", RECIPE)
    with pytest.raises(Unreadable, match="not a PNG file"):
        embed(b"GIF89a", ".png", RECIPE)


# Other readers still read the files


def test_png_keeps_every_pixel_byte_and_checksums_hold() -> None:
    before, after = FILES[".png"], embed(FILES[".png"], ".png", RECIPE)
    first, second = Image.open(io.BytesIO(before)), Image.open(io.BytesIO(after))
    second.verify()  # Pillow checks every chunk's CRC
    second = Image.open(io.BytesIO(after))
    assert np.array_equal(np.asarray(first), np.asarray(second))
    assert second.text[KEYWORD] == RECIPE.to_json()
    chunks = [(kind, data) for kind, data in chunks_of(after) if kind != b"iTXt"]
    assert chunks == list(chunks_of(before))  # the compressed pixels are the very same bytes
    kinds = [kind for kind, _ in chunks_of(after)]
    assert max(at for at, kind in enumerate(kinds) if kind == b"iTXt") < kinds.index(b"IDAT")


def chunks_of(content: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        found.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        assert (
            zlib.crc32(content[at + 4 : at + 8 + length])
            == struct.unpack_from(">I", content, at + 8 + length)[0]
        )
        at += 12 + length
    return found


@pytest.mark.parametrize("suffix", [".flac", ".mp3"])
def test_coded_sound_keeps_every_sample_and_players_show_the_title(suffix: str) -> None:
    before, after = FILES[suffix], embed(embed(FILES[suffix], suffix, OTHER), suffix, RECIPE)
    first, _ = soundfile.read(io.BytesIO(before))
    with soundfile.SoundFile(io.BytesIO(after)) as file:
        assert np.allclose(file.read(), first, atol=1e-6)
        assert file.title == title(RECIPE)
    # A tag that another program wrote stays.
    assert b"Somebody" in embed(tagged_by_others(suffix), suffix, RECIPE)


def tagged_by_others(suffix: str) -> bytes:
    with soundfile.SoundFile(io.BytesIO(FILES[suffix])) as file:
        samples, rate = file.read(), file.samplerate
    written = io.BytesIO()
    with soundfile.SoundFile(written, "w", rate, 2, format=suffix[1:].upper()) as file:
        file.artist = "Somebody"
        file.write(samples)
    return written.getvalue()


def test_midi_keeps_every_note_and_its_time() -> None:
    before = mido.MidiFile(file=io.BytesIO(FILES[".mid"]))
    after = mido.MidiFile(file=io.BytesIO(embed(embed(FILES[".mid"], ".mid", OTHER), ".mid", RECIPE)))
    text = after.tracks[0].pop(0)
    assert text.type == "text"
    assert text.text.encode("latin-1").decode() == f"{KEYWORD} {RECIPE.to_json()}"
    assert before.tracks == after.tracks
    import pretty_midi

    heard = pretty_midi.PrettyMIDI(io.BytesIO(embed(FILES[".mid"], ".mid", RECIPE)))
    assert [note.pitch for note in heard.instruments[0].notes] == [62, 66, 69, 74]


def test_midi_recipe_that_a_sequencer_moved_is_found_and_taken_out_without_a_shift() -> None:
    file = mido.MidiFile(file=io.BytesIO(embed(FILES[".mid"], ".mid", RECIPE)))
    text = file.tracks[0].pop(0)
    file.tracks[0].insert(3, text.copy(time=5))
    moved = io.BytesIO()
    file.save(file=moved)
    assert extract(moved.getvalue()) == RECIPE.to_json()
    replaced = mido.MidiFile(file=io.BytesIO(embed(moved.getvalue(), ".mid", OTHER)))
    assert sum(message.time for message in replaced.tracks[0]) == sum(
        message.time for message in file.tracks[0]
    )
    assert sum(message.type == "text" for message in replaced.tracks[0]) == 1


def test_wav_keeps_every_sample_and_odd_chunks_are_padded() -> None:
    carried = embed(FILES[".wav"], ".wav", RECIPE)
    with wave.open(io.BytesIO(carried)) as file:
        assert file.getnframes() == 101
        assert file.readframes(101) == bytes(range(101))
    assert struct.unpack_from("<I", carried, 4)[0] == len(carried) - 8
    at, kinds = 12, []
    while at < len(carried):
        kind, length = struct.unpack_from("<4sI", carried, at)
        kinds.append(kind)
        at += 8 + length + length % 2
    assert at == len(carried)
    assert kinds == [b"fmt ", b"data", b"LIST", b"dwsr"]
    assert RECIPE.in_words().encode() in carried


def test_svg_is_the_same_drawing_with_metadata() -> None:
    carried = embed(SVG, ".svg", RECIPE)
    drawn = ElementTree.fromstring(carried)
    found = drawn.find(f".//{{http://www.w3.org/2000/svg}}metadata[@id='{KEYWORD}']")
    assert found is not None
    assert found.text == RECIPE.to_json()
    assert carried.startswith(SVG[: SVG.index(b"</svg>")])
    assert extract(embed(b"<svg/>", ".svg", RECIPE)) == RECIPE.to_json()


def test_musicxml_keeps_every_note(tmp_path: Path) -> None:
    from music21 import converter

    for suffix in (".musicxml", ".mxl"):
        file = tmp_path / f"reel{suffix}"
        file.write_bytes(embed(FILES[suffix], suffix, RECIPE))
        score = converter.parse(file)
        assert [str(note.pitch) for note in score.flatten().notes] == ["D4", "A4"]
        assert score.metadata.movementName == "Reel"


@pytest.mark.parametrize(
    "identification",
    [
        b"<identification/>",
        b"<identification><creator type='composer'>Anon</creator></identification>",
        b"<identification><encoding/><miscellaneous/></identification>",
        b"<identification><miscellaneous><miscellaneous-field name='x'>y</miscellaneous-field>"
        b"</miscellaneous></identification>",
    ],
)
def test_musicxml_with_an_identification_of_its_own_keeps_it(identification: bytes) -> None:
    score = SCORE.replace(b"</movement-title>", b"</movement-title>" + identification)
    carried = embed(score, ".musicxml", RECIPE)
    assert extract(carried) == RECIPE.to_json()
    root = ElementTree.fromstring(carried)
    children = [child.tag for child in root]
    assert children == ["movement-title", "identification", "part-list", "part"]
    inside = [element.tag for element in root.find("identification") or ()]
    assert inside == sorted(inside, key=["creator", "encoding", "miscellaneous"].index)
    names = [each.get("name") for each in root.iter("miscellaneous-field")]
    assert names.count(KEYWORD) == 1
    assert (b"'x'" in identification) == ("x" in names)


def test_abc_keeps_its_tune() -> None:
    from music21 import converter

    carried = embed(TUNE_IN_ABC, ".abc", RECIPE)
    before, after = (
        converter.parse(text.decode(), format="abc").flatten().notes for text in (TUNE_IN_ABC, carried)
    )
    assert (
        [note.nameWithOctave for note in after]
        == [note.nameWithOctave for note in before]
        == ["D4", "A4", "D5", "A4"]
    )
    assert carried.startswith(b"%abc-2.1\n")
    windows = embed(TUNE_IN_ABC.replace(b"\n", b"\r\n"), ".abc", RECIPE)
    assert extract(windows) == RECIPE.to_json()
    assert windows.count(b"\n") == windows.count(b"\r\n")


# What an archive or a photo program reads


def xmp_of(recipe: Recipe) -> ElementTree.Element:
    packet = Image.open(io.BytesIO(embed(FILES[".png"], ".png", recipe))).info["xmp"]
    return ElementTree.fromstring(packet if isinstance(packet, bytes) else packet.encode())


def test_xmp_says_what_it_is_and_whom_it_is_owed_to() -> None:
    said = xmp_of(RECIPE)
    names = {"dc": "http://purl.org/dc/elements/1.1/", "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#"}
    iptc = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
    assert [each.text for each in said.iter(iptc)] == [
        "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
    ]
    assert said.find(".//dc:description/rdf:Alt/rdf:li", names).text == RECIPE.in_words()  # type: ignore[union-attr]
    assert said.find(".//dc:source", names).text == "'Çhina <&> “寺”' by Zoë & Söhne (CC BY 2.0)"  # type: ignore[union-attr]
    assert [each.text for each in said.findall(".//dc:contributor/rdf:Bag/rdf:li", names)] == ["Zoë & Söhne"]
    assert "CC BY 2.0" in said.find(".//dc:rights/rdf:Alt/rdf:li", names).text  # type: ignore[union-attr, operator]
    from_nothing = xmp_of(DreamRecipe())
    assert [str(each.text).rpartition("/")[2] for each in from_nothing.iter(iptc)] == [
        "trainedAlgorithmicMedia"
    ]
    assert from_nothing.find(".//dc:source", names) is None


def test_a_foreign_xmp_packet_is_replaced_and_stays_the_only_one() -> None:
    from PIL.PngImagePlugin import PngInfo

    info, written = PngInfo(), io.BytesIO()
    info.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta xmlns:x='adobe:ns:meta/'>GPS 48 31 17</x:xmpmeta>")
    Image.open(io.BytesIO(FILES[".png"])).save(written, "PNG", pnginfo=info)
    carried = embed(written.getvalue(), ".png", RECIPE)
    assert b"GPS 48" not in carried
    assert carried.count(b"XML:com.adobe.xmp") == 1


def test_credits_say_what_is_known() -> None:
    assert credit(Source(sha256="cd" * 32, role="photo", name="a.jpg")) == "'a.jpg'"
    assert (
        credit(Source(sha256="cd" * 32, role="photo", author="B", licence="CC0"))
        == "a file cdcdcdcd… by B (CC0)"
    )


def test_titles_with_signs_that_no_xml_can_hold() -> None:
    odd = DreamRecipe(sources=(SOURCE.model_copy(update={"title": "a\x00b\x0b]]>\ufffe\U0001f600<script>"}),))
    for suffix, content in FILES.items():
        carried = embed(content, suffix, odd)
        assert json.loads(extract(carried) or "") == json.loads(odd.to_json()), suffix
    ElementTree.fromstring(embed(SVG, ".svg", odd))
    assert xmp_of(odd) is not None


# Files that other programs or hands changed


def png_with(*chunks: tuple[bytes, bytes]) -> bytes:
    packed = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return FILES[".png"][:33] + packed + FILES[".png"][33:]


def test_a_recipe_that_another_program_packed_is_found() -> None:
    text, key = DreamRecipe().to_json(), KEYWORD.encode()
    assert extract(png_with((b"tEXt", key + b"\0" + text.encode()))) == text
    assert extract(png_with((b"zTXt", key + b"\0\0" + zlib.compress(text.encode())))) == text
    assert extract(png_with((b"iTXt", key + b"\0\1\0en\0Rezept\0" + zlib.compress(text.encode())))) == text


def test_several_recipes_the_first_one_counts_and_embedding_leaves_one() -> None:
    key = KEYWORD.encode()
    twice = png_with((b"tEXt", key + b'\0{"seed":1}'), (b"tEXt", key + b'\0{"seed":2}'))
    assert extract(twice) == '{"seed":1}'
    assert embed(twice, ".png", RECIPE).count(key) == 1


@pytest.mark.parametrize(
    "content",
    [
        png_with((b"iTXt", KEYWORD.encode() + b"\0\0\0\0\0\xff\xfe\xfd")),
        embed(FILES[".png"], ".png", RECIPE).replace(b'"seed":11', b'"seed":99'),
        png_with((b"zTXt", KEYWORD.encode() + b"\0\0" + zlib.compress(bytes(90_000_000)))),
        png_with((b"tEXt", KEYWORD.encode() + b"\0" + b" " * (LARGEST_RECIPE + 1))),
        TUNE_IN_ABC + b"%%studio-recipe \xff\xfe\n",
    ],
    ids=["not UTF-8", "edited without its checksum", "a bomb", "too long", "ABC that is not UTF-8"],
)
def test_a_damaged_recipe_is_said_to_be_so(content: bytes) -> None:
    with pytest.raises(Unreadable, match=r"^The recipe inside the file is .+; take the original file\.$"):
        extract(content)


def test_a_recipe_edited_by_hand_gets_one_sentence() -> None:
    carried = embed(SVG, ".svg", RECIPE.model_copy(update={"octaves": 5}))
    edited = carried.replace(b'"octaves":5', b'"octaves":500')
    with pytest.raises(
        Unreadable, match=r"changed by hand.*octaves is 500; it must be at least 1 and at most 12\.$"
    ):
        read_recipe(extract(edited) or "")


@pytest.mark.parametrize("suffix", FILES)
def test_cut_or_changed_files_never_raise_anything_else(suffix: str) -> None:
    carried, random = embed(FILES[suffix], suffix, RECIPE), np.random.default_rng(5)
    for cut in range(0, len(carried), max(1, len(carried) // 150)):
        _only_unreadable(carried[:cut], suffix)
    for _ in range(250):
        changed = bytearray(carried)
        for place in random.integers(0, len(changed), 3):
            changed[place] = int(random.integers(0, 256))
        _only_unreadable(bytes(changed), suffix)


def _only_unreadable(content: bytes, suffix: str) -> None:
    try:
        found = extract(content)
    except Unreadable:
        found = None
    assert found is None or isinstance(found, str)
    try:
        assert isinstance(embed(content, suffix, RECIPE), bytes)
    except Unreadable as unreadable:
        said = str(unreadable)
    else:
        said = "fine; it is."
    assert re.search(r", so no recipe can be put into it; .+\.$|^fine", said), said


def test_what_cannot_take_a_recipe_is_said_to_be_broken() -> None:
    broken = {
        ".png": FILES[".png"][:-30],
        ".mid": FILES[".mid"][:-9],
        ".wav": FILES[".wav"][:-20],
        ".flac": FILES[".flac"][:60],
        ".mp3": embed(FILES[".mp3"], ".mp3", RECIPE)[:60],
        ".svg": SVG[:-9],
        ".musicxml": SCORE[:-9],
        ".mxl": FILES[".mxl"][:-9],
        ".abc": b"%abc-2.1\nno tune in here\n",
    }
    for suffix, content in broken.items():
        with pytest.raises(Unreadable, match=r"is broken|is cut off"):
            embed(content, suffix, RECIPE)


def test_a_small_mxl_that_unpacks_to_hundreds_of_megabytes(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.mxl"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(
            "META-INF/container.xml",
            '<container><rootfiles><rootfile full-path="a.xml"/></rootfiles></container>',
        )
        with packed.open("a.xml", "w", force_zip64=True) as file:
            for _ in range(60):
                file.write(b" " * 1_000_000)
    assert bomb.stat().st_size < 100_000
    assert extract(bomb.read_bytes()) is None
    with pytest.raises(Unreadable):
        embed(bomb.read_bytes(), ".mxl", RECIPE)


def test_entities_that_multiply_are_refused() -> None:
    laughs = (
        b'<!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
        b'<svg><metadata id="studio-recipe">&b;</metadata></svg>'
    )
    assert extract(laughs) is None
    assert extract(b"<?xml version='1.0'?>" + laughs) is None
    emptied = b'<svg><metadata id="studio-recipe"/><g/></svg>'
    assert extract(embed(emptied, ".svg", RECIPE)) == RECIPE.to_json()
    deep = b"<svg>" + b"<g>" * 100_000
    assert extract(deep) is None


def test_whitespace_and_comments_without_end_cost_nothing() -> None:
    for content in (
        b" " * 3_000_000,
        b"<!-- " * 600_000,
        b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\xff\xff\xff" + b"\0\xf8" * 500_000,
    ):
        assert extract(content) is None


@pytest.mark.parametrize("suffix", [suffix for suffix in FILES if suffix != ".abc"])
def test_a_file_that_is_cut_off_is_known_by_its_missing_end(suffix: str) -> None:
    whole = embed(FILES[suffix], suffix, RECIPE)
    assert not is_cut_off(whole)
    assert not is_cut_off(FILES[suffix])
    for length in (len(whole) - 9, len(whole) * 3 // 4, len(whole) // 2):
        assert is_cut_off(whole[:length]), length
        if suffix != ".mxl":  # a zip without its end is no zip
            with pytest.raises(Unreadable, match="is cut off, so no recipe"):
                embed(whole[:length], suffix, RECIPE)


def nested_names(elements: int) -> bytes:
    """A drawing whose elements lie within a hundred others, each with a long name."""
    return b"<svg>" + b"".join(b"<" + b"a" * 50_000 + b">" for _ in range(100)) + b"<a/>" * elements


def sound_without_an_end(megabytes: int) -> bytes:
    """A FLAC with forty beginnings of its last frame, and no frame."""
    described = struct.pack(">HH6x", 4096, 4096) + b"\x0a\xc4\x42\xf0" + struct.pack(">I16x", 4096)
    block = b"\x80" + len(described).to_bytes(3, "big") + described
    return b"fLaC" + block + b"\xff\xf8\0\0\0" * 40 + b"\1" * (megabytes << 20)


@pytest.mark.parametrize(
    ("look", "content", "found"),
    [
        pytest.param(extract, nested_names(10_000), None, id="long names"),
        pytest.param(is_cut_off, sound_without_an_end(20), True, id="a long tail"),
        pytest.param(is_cut_off, sound_without_an_end(2), True, id="many beginnings"),
    ],
)
def test_a_file_that_asks_for_hours_is_not_read_to_its_end(look: Any, content: bytes, found: Any) -> None:
    """They took half a minute or four, and longer by their size."""
    began = time.process_time()
    assert look(content) is found
    assert time.process_time() - began < 3
