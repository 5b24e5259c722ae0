"""Every action through its named endpoint, as a script would use it, and what no request may reach."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from studio.app.endpoints import parameters_of
from studio.images.recipes import DreamRecipe
from studio.making.kinds import KINDS
from studio.works.gallery import Gallery
from studio.works.metadata import extract
from studio.works.recipe import controls
from tests.app.conftest import Open
from tests.app.photos import SMALL, picture

gradio_client = pytest.importorskip("gradio_client")
pytestmark = pytest.mark.xdist_group("app")


@pytest.fixture(scope="module")
def client(studio: Open, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    made = gradio_client.Client(
        studio.address,
        download_files=str(tmp_path_factory.mktemp("downloads")),
        verbose=False,
        ssl_verify=False,  # or it reads all certificates for each request
    )
    yield made
    made.close()


@pytest.fixture(scope="module")
def work(client: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A dream made through the endpoints, with everything that is told of it."""
    photo = tmp_path_factory.mktemp("photo") / "Hügel am Meer.jpg"
    photo.write_bytes(picture())
    asked = client.predict(
        photo=gradio_client.handle_file(photo),
        title="Hügel",
        author="M. Muster",
        licence="CC0",
        seed=7,
        **SMALL,
        api_name="/dream",
    )
    assert asked["state"] in ("waiting", "running", "made")
    told = list(client.submit(asked["id"], api_name="/follow"))
    assert told[-1]["state"] == "made", told[-1]
    found: dict[str, Any] = client.predict(told[-1]["work_id"], api_name="/work")
    return found


def get(address: str, path: str) -> tuple[int, bytes, Any]:
    """Status, body and headers of a raw request whose path is sent exactly as it stands."""
    host = urllib.parse.urlsplit(address)
    connection = http.client.HTTPConnection(host.hostname or "", host.port or 80, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def test_the_endpoint_has_every_parameter_of_the_recipe(client: Any) -> None:
    endpoints = client.view_api(print_info=False, return_format="dict")["named_endpoints"]
    names = {each["parameter_name"] for each in endpoints["/dream"]["parameters"]}
    assert {control.name for control in controls(DreamRecipe)} <= names
    assert {"photo", "guide", "mask", "title", "author", "licence"} <= names
    actions = {
        "dream",
        "job",
        "follow",
        "cancel",
        "again",
        "presets",
        "works",
        "work",
        "file",
        "remake",
        "remove",
    }
    assert actions <= {name.strip("/") for name in endpoints}


def test_values_that_are_sent_by_their_place_keep_their_meaning() -> None:
    """What came after version 0.8.0 stands at the end (see `Recipe.LAST_IN_CALLS`)."""
    known = json.loads(Path(__file__).with_name("places_of_0_8_0.json").read_text())
    for name, places in known.items():
        assert [each.name for each in parameters_of(KINDS[name])][: len(places)] == places


def test_only_what_is_meant_for_others_is_published(client: Any) -> None:
    endpoints = client.view_api(print_info=False, return_format="dict")["named_endpoints"]
    ours = {
        "dream",
        "job",
        "follow",
        "cancel",
        "again",
        "presets",
        "works",
        "work",
        "file",
        "remake",
        "remove",
        "lesson",
    }
    ours |= {
        "style",
        "layers",
        "paintings",
        "compose",
        "compose_again",
        "ways_out",
        "styles",
        "notes",
        "export",
        "recognise",
        "song",
        "song_again",
        "song_parts",
    }
    assert {name.strip("/") for name in endpoints} <= ours


def test_a_dream_keeps_what_it_was_made_from(work: dict[str, Any]) -> None:
    recipe = work["recipe"]
    assert recipe["seed"] == 7
    assert recipe["size"] == 96
    (source,) = work["sources"]
    assert (source["name"], source["title"], source["author"], source["licence"]) == (
        "Hügel am Meer.jpg",
        "Hügel",
        "M. Muster",
        "CC0",
    )
    assert source["sha256"] == hashlib.sha256(picture()).hexdigest()
    assert len(work["losses"]) > 0


def test_a_photo_is_painted_after_the_studios_own_paintings(client: Any, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(picture())
    assert {"name", "title", "sentence"} == set(client.predict(api_name="/paintings")[0])
    photo = gradio_client.handle_file(tmp_path / "photo.jpg")
    asked = client.predict(photo=photo, own=["woodcut"], size=96, steps=2, api_name="/style")
    told = list(client.submit(asked["id"], api_name="/follow"))[-1]
    assert told["state"] == "made", told
    sources = client.predict(told["work_id"], api_name="/work")["sources"]
    assert [source["title"] for source in sources if source["role"] == "style"] == ["Woodcut"]
    with pytest.raises(gradio_client.exceptions.AppError, match="There is no painting 'none'"):
        client.predict(photo=photo, own=["none"], api_name="/style")


def test_weights_that_are_a_pickle_come_with_their_number(client: Any, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(picture())
    torch.save({"weight": torch.ones(2)}, tmp_path / "bare.pth")
    photo, weights = (gradio_client.handle_file(tmp_path / name) for name in ("photo.jpg", "bare.pth"))
    asked = {"photo": photo, "weights": weights, "backbone": "squeezenet1_1", "api_name": "/dream"}
    with pytest.raises(gradio_client.exceptions.AppError, match="does not match the sha256"):
        client.predict(**asked, weights_sha256="0" * 64)
    number = hashlib.sha256((tmp_path / "bare.pth").read_bytes()).hexdigest()
    assert client.predict(**asked, weights_sha256=number)["state"] in (
        "waiting",
        "running",
        "failed",
    )  # it is a job's to read
    assert {"name", "channels", "shows"} == set(client.predict("vgg16", api_name="/layers")[0])


def test_nothing_is_fetched_for_a_visitor(client: Any, studio: Open) -> None:
    """A file named by an address elsewhere, as no client of Gradio's would name it: it is not even asked for
    whether it may be.
    """
    named = {"path": "http://studio.invalid/x.jpg", "meta": {"_type": "gradio.FileData"}}
    parameters = client.view_api(print_info=False, return_format="dict")["named_endpoints"]["/dream"][
        "parameters"
    ]
    body = json.dumps({"data": [named] + [None] * (len(parameters) - 1)}).encode()
    call = f"{studio.address}/gradio_api/call/dream"
    event = json.loads(
        urllib.request.urlopen(
            urllib.request.Request(call, body, {"Content-Type": "application/json"}), timeout=30
        ).read()
    )
    with urllib.request.urlopen(f"{call}/{event['event_id']}", timeout=30) as told:
        assert "Only files of this studio can be named" in told.read().decode()


def test_no_path_of_this_machine_is_told(work: dict[str, Any], studio: Open) -> None:
    assert str(studio.home) not in json.dumps(work)
    assert '"path"' not in json.dumps(work)


def test_the_file_is_the_works_own_with_its_recipe_inside(
    client: Any, work: dict[str, Any], studio: Open
) -> None:
    path = Path(client.predict(work["id"], api_name="/file"))
    content = path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == work["sha256"]
    text = extract(content)
    assert text is not None
    assert json.loads(text)["seed"] == 7
    assert path.name == work["name"] == f"hugel-creatures-{work['id'][:4]}.png"
    status, served, headers = get(studio.address, f"/works/{work['id']}/file?download=true")
    assert (status, served) == (200, content)
    assert headers["Content-Type"] == "image/png"
    assert f'attachment; filename="{work["name"]}"' in headers["Content-Disposition"]
    assert Image.open(io.BytesIO(served)).size == (96, 72)


@pytest.mark.parametrize("what", ["thumb", "view", "sources/0"])
def test_pictures_of_a_work_are_served(what: str, work: dict[str, Any], studio: Open) -> None:
    status, body, headers = get(studio.address, f"/works/{work['id']}/{what}")
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    assert headers["X-Content-Type-Options"] == "nosniff"
    with Image.open(io.BytesIO(body)) as opened:
        assert opened.width > opened.height


def test_every_preset_has_its_picture(client: Any, studio: Open) -> None:
    presets = client.predict(api_name="/presets")
    assert len(presets) >= 8
    for preset in presets:
        status, body, _ = get(studio.address, f"/presets/{preset['name']}")
        assert status == 200
        assert min(Image.open(io.BytesIO(body)).size) >= 60
        assert preset["sentence"].endswith(".")


def test_the_gallery_is_searched(client: Any, work: dict[str, Any]) -> None:
    assert work["id"] in [
        each["id"] for each in client.predict(text="muster", kind="dream", api_name="/works")["works"]
    ]
    assert client.predict(text="nothing has this name", api_name="/works") == {"works": [], "total": 0}


def test_a_remake_is_identical_and_hangs_only_once(client: Any, work: dict[str, Any]) -> None:
    before = client.predict(api_name="/works")["total"]
    told = list(client.submit(work["id"][:6], api_name="/remake"))
    assert told[-1]["identical"] is True, told[-1]
    assert told[-1]["sentence"].startswith("Identical")
    assert client.predict(api_name="/works")["total"] == before


def test_a_work_becomes_the_source_of_another_and_is_removed(
    client: Any, work: dict[str, Any], studio: Open
) -> None:
    file = gradio_client.handle_file(client.predict(work["id"], api_name="/file"))
    asked = client.predict(photo=file, **SMALL, api_name="/dream")
    child = list(client.submit(asked["id"], api_name="/follow"))[-1]["work"]
    assert [each["id"] for each in client.predict(child["id"], api_name="/work")["parents"]] == [work["id"]]
    assert child["id"] in [each["id"] for each in client.predict(work["id"], api_name="/work")["children"]]
    addresses = [f"/works/{child['id']}/{what}" for what in ("thumb", "file")]
    with Gallery.open(studio.home) as gallery:
        gallery.discard(child["id"])
        # A page that shows it still may ask for its small picture only now.
        assert [get(studio.address, each)[0] for each in addresses] == [200, 404]
        gallery.bring_back(child["id"])
    assert client.predict(child["id"], api_name="/remove") == child["id"]
    assert [get(studio.address, each)[0] for each in addresses] == [404, 404]
    with pytest.raises(gradio_client.exceptions.AppError, match="no work"):
        client.predict(child["id"], api_name="/work")


def test_a_job_is_cancelled_and_asked_for_again(client: Any, studio: Open, tmp_path: Path) -> None:
    photo = tmp_path / "p.jpg"
    photo.write_bytes(picture(seed=9))
    with studio.holding("dream"):
        asked = client.predict(photo=gradio_client.handle_file(photo), **SMALL, api_name="/dream")
        assert client.predict(asked["id"], api_name="/cancel")["state"] == "cancelled"
        again = client.predict(asked["id"], api_name="/again")
        assert again["state"] in ("waiting", "running")
        assert again["id"] != asked["id"]
        assert client.predict(again["id"], api_name="/cancel")["state"] == "cancelled"
        assert [told["state"] for told in client.submit(again["id"], api_name="/follow")] == ["cancelled"]


@pytest.mark.parametrize(
    ("content", "wishes", "sentence"),
    [
        (b"no picture at all", {}, "not a picture"),
        (b"", {}, "empty"),
        (picture()[:3000], {}, "."),
        (picture(), {"steps": 100_000}, "200"),
        (picture(), {"preset": "creaturs"}, "creatures"),
        (picture(), {"layers": ["!!"]}, "not a layer"),
        (picture(), {"size": "big"}, "size"),
    ],
)
def test_what_cannot_be_met_is_told_in_one_sentence(
    content: bytes, wishes: dict[str, Any], sentence: str, client: Any, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(content)
    with pytest.raises(gradio_client.exceptions.AppError) as told:
        client.predict(photo=gradio_client.handle_file(photo), **(SMALL | wishes), api_name="/dream")
    assert sentence in str(told.value)
    assert "Traceback" not in str(told.value)
    assert client.predict(api_name="/presets")


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=../../../../etc/passwd",
        "/gradio_api/file=%2Fetc%2Fpasswd",
        "/gradio_api/file={home}/gallery.sqlite",
        "/gradio_api/file=gallery.sqlite",
        "/gradio_api/file=http://127.0.0.1:1/x",
        "/gradio_api/file=https://example.org/x.png",
        "/gradio_api/file=file:///etc/passwd",
        "/works/../../../../etc/passwd",
        "/works/..%2F..%2Fgallery.sqlite/file",
        "/works/{work}/../../gallery.sqlite",
        "/works/{work}/sources/9",
        "/works/{work}/sources/-1",
        "/works/nosuch/file",
        "/presets/..%2Fpresets",
        "/presets/../recipes.py",
        "/jobs/../x/photo",
        "/static/../../../../etc/passwd",
        "/assets/..%2F..%2F..%2Fetc%2Fpasswd",
    ],
)
def test_nothing_else_of_the_disk_is_reached(path: str, studio: Open, work: dict[str, Any]) -> None:
    status, body, _ = get(studio.address, path.format(home=studio.home, work=work["id"]))
    assert status >= 400
    assert b"root:" not in body
    assert b"SQLite" not in body


@pytest.mark.parametrize(
    "described",
    [{"meta": {"_type": "gradio.FileData"}}, {}, {"meta": {"_type": "gradio.FileData"}, "is_stream": True}],
)
def test_a_request_cannot_name_a_file_that_was_not_uploaded(described: dict[str, Any], studio: Open) -> None:
    secret = studio.home / "secret.png"
    secret.write_bytes(picture(form="PNG"))
    url = f"{studio.address}/gradio_api/call/dream"
    event = json.loads(post(url, {"data": [{"path": str(secret)} | described]}))["event_id"]
    with urllib.request.urlopen(f"{url}/{event}", timeout=60) as answer:
        assert "event: error" in answer.read().decode()


def test_the_pages_own_questions_cannot_either(studio: Open) -> None:
    secret = studio.home / "secret.png"
    secret.write_bytes(picture(form="PNG"))
    with urllib.request.urlopen(f"{studio.address}/config", timeout=60) as answer:
        components = json.loads(answer.read())["components"]
    asking = [each["id"] for each in components if "look" in each["props"].get("server_fns", [])]
    assert asking
    for id in asking:
        file = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
        question = {
            "session_hash": "x",
            "component_id": id,
            "fn_name": "look",
            "data": {"role": "photo", "picture": {"file": file}},
        }
        told = json.loads(post(f"{studio.address}/gradio_api/component_server", question))
        assert told["trouble"] == "That file was not uploaded here; choose it again."


def test_a_request_sent_as_another_ends_is_answered_in_the_same_stream(studio: Open) -> None:
    """A page opens no other stream as long as it takes this one to be open."""
    with urllib.request.urlopen(f"{studio.address}/config", timeout=60) as answer:
        functions = json.loads(answer.read())["dependencies"]
    (number,) = [each["id"] for each in functions if each["api_name"] == "paintings"]
    browser, program = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}, dict[str, str]()

    def ask(session: str, headers: dict[str, str]) -> str:
        asked = {"data": [], "fn_index": number, "session_hash": session}
        told = json.loads(post(f"{studio.address}/gradio_api/queue/join", asked, headers))
        return str(told["event_id"])

    def messages(session: str) -> Iterator[dict[str, Any]]:
        url = f"{studio.address}/gradio_api/queue/data?session_hash={session}"
        with urllib.request.urlopen(url, timeout=60) as stream:
            for line in stream:
                if line.startswith(b"data: "):
                    yield json.loads(line.removeprefix(b"data: "))

    def ended(stream: Iterator[dict[str, Any]], event: str) -> bool:
        return any(told["msg"] == "process_completed" and told["event_id"] == event for told in stream)

    first = ask("a page", browser)
    stream = messages("a+page")
    assert ended(stream, first)
    assert ended(stream, ask("a page", browser))

    first = ask("a program", program)
    told = list(messages("a+program"))  # which ends, so that the program does
    assert first in [each.get("event_id") for each in told if each["msg"] == "process_completed"]


def post(url: str, body: Any, headers: dict[str, str] | None = None) -> bytes:
    headers = {"Content-Type": "application/json"} | (headers or {})
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        content: bytes = answer.read()
    return content
