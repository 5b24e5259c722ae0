"""The desk: everything a visitor can ask for, in plain values, through the page or through an endpoint.

Nothing here knows Gradio's components. Answers are plain JSON. What cannot be met is a `StudioError` with one
sentence.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import count as count_up
from itertools import islice
from typing import TYPE_CHECKING, Any

from studio.app import learning
from studio.app.intake import (
    Credit,
    Shown,
    common,
    data_url,
    download_name,
    own_files,
    own_tunes,
    receive,
    show,
)
from studio.app.melody_check import drafted
from studio.app.sentences import said
from studio.app.views import work_page, work_view
from studio.errors import Refused, StudioError, UnknownName, ways_out_of
from studio.images.checks import check_guides
from studio.images.networks.backbones import is_safetensors
from studio.images.networks.described import is_pickle, read_weights_file
from studio.images.pictures import read_picture
from studio.making.asking import ask, check_credit
from studio.making.checking import Checking
from studio.making.jobs import Jobs
from studio.making.kinds import KINDS, Role, kind_of, read_recipe
from studio.making.on_show import WithShow
from studio.making.recognising import recognise
from studio.making.remaking import compare
from studio.making.resuming import resume
from studio.making.zipping import MOST_AT_ONCE
from studio.music.melody import requests
from studio.music.melody.recipes import ComposeRecipe
from studio.music.songs.renditions import SongRenditions
from studio.works.finding import Search
from studio.works.gallery import Gallery
from studio.works.ingredient import Ingredient
from studio.works.recipe import Recipe, check
from studio.works.trash import gone_at
from studio.works.work import Made, SourceSize, Work

if TYPE_CHECKING:
    from studio.making.queueing import QueueEntry
    from studio.works.ledger import JobState

MOST_TAKES = 8
"""How many works of one request, with different seeds, may be asked for at once."""

MOST_VARIATIONS = 9
"""How many new pictures may be asked for at once."""

MOST_UNSEEN = 50
"""Jobs that a page may ask after at once."""

MOST_CHANNELS = 48
"""Channels that the explorer shows at once."""

BY_PHOTO = "clear the field and press “Strongest for this photo”"

PAGE = 48
"""Works on one page of the gallery."""

LARGEST_SEED = 2**31 - 1

AS_BEFORE = "of:"
"""Begins the name of the style of an earlier work or job, which its id follows."""


class Desk:
    """Takes requests and tells how they stand. Safe to use from many threads."""

    def __init__(self, gallery: Gallery, jobs: Jobs) -> None:
        self.gallery, self.jobs = gallery, jobs
        self.library = WithShow(gallery)
        self.music = SongRenditions(self.library, self.library.recording)
        self._checking = Checking()
        self._reading = threading.Lock()

    # --- Files that come in

    def look(self, offered: Any, role: str) -> Shown:
        """An offered picture as the page shows it, read as the making would read it. Raises `Refused` for a
        guide of one colour.
        """
        found = self.receive(offered, role)
        check_guides([found])
        return show(found)

    def parts(self, offered: Any) -> list[dict[str, Any]]:
        """The parts of a photo that the studio tells apart: place, share, and a small picture of it."""
        photo = self.receive(offered, "photo")
        from studio.images.parts import parts_shown  # loads torch, which what is no picture does not need

        found = parts_shown(read_picture(photo.content, photo.name or "The photo").pixels)
        return [{"place": each.place, "share": each.share, "view": data_url(each.jpeg)} for each in found]

    def channels(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Channels of the usual network: those whose words fit a "text", or those that a "picture" excites
        most, with both of those whose words fit; of one "layer" or of all.

        {"channels": [{"term", "layer", "words", "place"}], "told": how many there are, in a sentence}.
        """
        from studio.images.channels.atlas import Atlas

        atlas = Atlas.read()
        layers = (str(request["layer"]),) if request.get("layer") else ()
        text = str(request.get("text") or "").strip()[:80]
        found = atlas.find(text, layers)
        told = _how_many(len(found)) if found else atlas.none_found(text, layers, photo=BY_PHOTO)
        if request.get("picture") and (found or not text):
            from studio.images.channels.strongest import strongest_among, strongest_of_all

            photo = self.receive(request["picture"], "photo")
            pixels, most = read_picture(photo.content, photo.name or "The photo").pixels, MOST_CHANNELS // 2
            if text:
                found = strongest_among(pixels, found, most, atlas)
                told = f"Those with “{text}” that this photo excites most, the strongest first."
            else:
                found = strongest_of_all(pixels, layers, most, atlas)
                told = "What this photo excites more than others do, the strongest first."
        fields = ("term", "layer", "words", "place")
        shown = [{name: getattr(each, name) for name in fields} for each in found[:MOST_CHANNELS]]
        return {"channels": shown, "told": told}

    def know(self, offered: Any) -> dict[str, Any]:
        """What the page says of a network's file.

        {"name", "sentence", "own": whether it describes its network, "layers": [[label, name]]}; for a pickle
        also {"pickle": True}, which is only read with its sha256 given, and "sha256" where the file came with
        a work and was read before.
        """
        file = self.receive(offered, "weights")
        _, network = read_weights_file(file.content, file.name or "The file")
        if network is not None:
            layers = [[f"{layer.name} · {layer.shows}", layer.name] for layer in network.layers]
            said = network.what or "A network of your own."
            said += f" Choose among its {len(layers)} layers under Fine settings."
            return {"name": network.name, "sentence": said, "own": True, "layers": layers}
        said = "These weights do not say which network they are for. Choose it under Fine settings."
        told = {"name": file.name, "sentence": said, "own": False, "layers": []}
        if is_safetensors(file.content):
            return told
        if not is_pickle(file.content):
            raise Refused(
                f"{file.name} is not a network the studio can read; bring a lesson's .zip, a .safetensors or "
                "a .pth file."
            )
        said += (
            " A pickle can contain anything. Only weights are read from this one, and only if its sha256 is "
            "the one you give."
        )
        known = {} if "file" in offered else {"sha256": hashlib.sha256(file.content).hexdigest()}
        return told | {"sentence": said, "pickle": True} | known

    def receive(self, offered: Any, role: str, credit: Credit | None = None) -> Ingredient:
        """An offered file as an ingredient; see `intake.receive`."""
        return receive(offered, role, self.library, self.recipe_of_job, credit)

    # --- Asking for works

    def order(
        self,
        kind: str,
        settings: Mapping[str, Any],
        offered: Mapping[str, Any],
        credit: Credit,
        *,
        owner: str = "",
    ) -> str:
        """Ask for a work; returns the job's id. Arguments as in `orders`."""
        return self.orders(kind, settings, offered, credit, owner=owner)[0]

    def orders(
        self,
        kind: str,
        settings: Mapping[str, Any],
        offered: Mapping[str, Any],
        credit: Credit,
        *,
        count: int = 1,
        owner: str = "",
    ) -> list[str]:
        """Ask for `count` works, with seeds counted on from the one in `settings`; returns the jobs' ids.

        offered: by role, one file or a list, as the page offers files. The credit is due to the first role's.
        owner: the visitor who asks, see `visitor_of`.
        """
        return self._takes(self._recipe(kind, settings, offered, credit), count, owner)

    def variations(
        self,
        kind: str,
        settings: Mapping[str, Any],
        offered: Mapping[str, Any],
        credit: Credit,
        *,
        count: int,
        owner: str = "",
    ) -> list[str]:
        """Ask for `count` works as `orders` does, none of which the gallery has: seeds of works that it has
        are left out.
        """
        if not 1 <= count <= MOST_VARIATIONS:
            raise Refused(f"Ask for 1 to {MOST_VARIATIONS} variations at once, not {count}.")
        recipe = self._recipe(kind, settings, offered, credit)
        there, made = self.gallery.made_by, self.jobs.ledger.underway
        new = (take for take in _with_next_seeds(recipe) if there(take) is None and made(take) is None)
        return [self.jobs.submit(take, owner=owner) for take in islice(new, count)]

    def _recipe(
        self, kind: str, settings: Mapping[str, Any], offered: Mapping[str, Any], credit: Credit
    ) -> Recipe:
        row = kind_of(kind)
        check_credit(asdict(credit))
        given = dict(settings)
        ingredients: list[Ingredient] = []
        for role in row.roles:
            files = _listed(offered.get(role.name) or [])
            due = credit if role == row.roles[0] else None
            if role.stands_for and files:
                ingredients += own_tunes(files, credit)
                given[role.stands_for] = credit.title.strip()[:100] or requests.OWN_TUNES
            else:
                ingredients += [self._ingredient(each, role, due) for each in files]
            if role.needed and not files and role == row.roles[0]:
                raise Refused(
                    f"Choose a {role.name} first: drop one on the page, or click “Choose a {role.name}”."
                )
        return ask(kind, given, ingredients, self.gallery)

    def _ingredient(self, offered: Any, role: Role, credit: Credit | None) -> Ingredient:
        found = self.receive(offered, role.name, credit)
        if role.media == "picture":
            # Read at once, so that a broken picture is refused now and not in the queue.
            read_picture(found.content, found.name or "The picture")
        return found

    def _takes(self, recipe: Recipe, count: int, owner: str) -> list[str]:
        if not 1 <= count <= MOST_TAKES:
            raise Refused(f"Ask for 1 to {MOST_TAKES} takes at once, not {count}.")
        takes = list(islice(_with_next_seeds(recipe), count))
        return [self.jobs.submit(take, owner=owner) for take in takes]

    def asked(
        self,
        kind: str,
        settings: Mapping[str, Any],
        ingredients: Iterable[Ingredient],
        *,
        count: int = 1,
        owner: str = "",
    ) -> list[str]:
        """The same from ingredients, whatever they were offered as."""
        return self._takes(ask(kind, settings, ingredients, self.gallery), count, owner)

    # --- Melodies

    def compose(
        self,
        settings: Mapping[str, Any],
        tunes: Iterable[Any] = (),
        credit: Credit | None = None,
        *,
        count: int = 1,
        others: Mapping[str, Any] | None = None,
        owner: str = "",
    ) -> list[str]:
        """Ask for melodies, as `orders` does. A style called `of:ID` is that of the work or job with this id.

        tunes: files of the visitor's own that are the style; the credit is due to them. others: files by
        role, such as a theme.
        """
        name = str(settings.get("style", ""))
        offered: dict[str, Any] = {**(others or {}), "tune": list(tunes)}
        if offered["tune"] or not name.startswith(AS_BEFORE):
            return self.orders(requests.KIND, settings, offered, credit or Credit(), count=count, owner=owner)
        earlier = self.composed(name.removeprefix(AS_BEFORE))
        ingredients = [
            Ingredient(
                each.role, self.library.read_source(each), each.name, each.title, each.author, each.licence
            )
            for each in earlier.sources
            if each.role in requests.STYLE_ROLES
        ]
        ingredients += [self.receive(each, role) for role, each in (others or {}).items()]
        fields = {**settings, "style": earlier.style}
        return self._takes(ask(requests.KIND, fields, ingredients, self.gallery), count, owner)

    def compose_around(
        self,
        id: str,
        bars: Iterable[int],
        seed: int,
        *,
        count: int = 1,
        settings: Mapping[str, Any] | None = None,
        others: Mapping[str, Any] | None = None,
        owner: str = "",
    ) -> list[str]:
        """Keep these bars (numbered from 1) of a melody in the gallery and ask for the others again; returns
        the jobs' ids.

        The melody becomes a source. Its other settings and its theme stay, unless `settings` and `others`
        (files by role) give new ones. Raises `Refused` where it is not a melody.
        """
        work = self.library.get(id)
        recipe = self.composed(work.id)
        self.library.keep_sources(recipe)
        dropped = {"take"} if others is None else {"take", "theme"}
        sources = [source for source in recipe.sources if source.role not in dropped]
        taken = [self.receive(offered, role) for role, offered in (others or {}).items()]
        fields = requests.fields_around(recipe, bars, seed, settings)
        if fields["keep"]:
            content, name = self.library.read(work), download_name(work)
            taken.append(Ingredient("take", content, name, work.title))
        sources += [self.gallery.keep_ingredient(each) for each in taken]
        return self._takes(check(type(recipe), fields | {"sources": sources}), count, owner)

    def composed(self, id: str) -> ComposeRecipe:
        """The recipe of a melody, by the id of its work or job. Raises `Refused` for anything else."""
        try:
            recipe = read_recipe(self.library.get(id).recipe_json)
        except UnknownName:
            recipe = self.recipe_of_job(id)
        return requests.melody_recipe(recipe)

    def read_style(self, name: str) -> Iterator[dict[str, Any]]:
        """Read a style, which takes a while the first time. Yields {"done", "total", "stage"}."""
        with self._reading:
            for progress in requests.read_style(name):
                yield {"done": progress.done, "total": progress.total, "stage": progress.stage}

    def check_melody(
        self,
        settings: Mapping[str, Any],
        owner: str = "",
        tunes: Iterable[Any] = (),
        around: tuple[str, Sequence[int]] | None = None,
    ) -> dict[str, Any]:
        """Whether these settings can hold together, see `Checking.check`, which gives up what the same owner
        asked before. Waits for the answer. The arguments are those of `drafted`; tunes are uploads.
        """
        draft = drafted(self, settings, own_files(tunes), around)
        return self.check_draft(draft.recipe(), draft.held, owner)

    def check_draft(self, recipe: Recipe, held: Mapping[str, bytes], owner: str = "") -> dict[str, Any]:
        """Whether a work of this recipe is possible; see `Checking.check`. held: sources by their sha256 that
        are not in the gallery.
        """
        kept = self.library.read_source
        return self._checking.check(
            recipe,
            lambda source: held[source.sha256] if source.sha256 in held else kept(source),
            owner,
        )

    def hear_tunes(self, tunes: Iterable[Any]) -> dict[str, Any]:
        """What is in a visitor's own files; see `requests.describe_files`."""
        return requests.describe_files(own_files(tunes))

    def styles(self) -> list[dict[str, Any]]:
        """The styles; see `requests.styles_here`."""
        return requests.styles_here()

    # --- Jobs

    def ways_out(self, id: str) -> list[dict[str, Any]]:
        """What a job that failed because its settings contradict each other could change.

        A list of {"label", "field" of the recipe, its new "value"}; empty for any other job.
        """
        state = self.jobs.latest(id)
        return ways_out_of(state.problem) if state.state == "failed" else []

    def job(self, id: str) -> dict[str, Any]:
        """How a job stands."""
        return self._told(self.jobs.latest(id))

    def follow(self, id: str) -> Iterator[dict[str, Any]]:
        """How a job stands, now and whenever that changes, until it has ended."""
        for state in self.jobs.follow(id):
            yield self._told(state)

    def cancel(self, id: str, owner: str | None = None) -> bool:
        """Stop a job before its next step. False where it had ended.

        owner: the visitor who asks; raises `Refused` for a job of another's. None may stop any. A training is
        stopped, and can be resumed.
        """
        if self.jobs.trainings.get(id) is not None:
            return self.jobs.trainings.stop(id, owner=owner)
        return self.jobs.cancel(id, owner=owner)

    def end(self, id: str, owner: str | None = None) -> bool:
        """Let a running job end with what there is of it; see `Jobs.end`. owner: as for `cancel`."""
        return self.jobs.end(id, owner=owner)

    def resume(self, id: str, *, steps: int | None = None, owner: str = "") -> str:
        """Go on with a work, or deepen it; returns the job's id. Raises `Refused` where it cannot go on."""
        work = self.library.get(id)
        self.library.keep_sources(common(work.recipe_json))
        recipe = resume(
            work.recipe_json,
            self.library.read(work),
            self.gallery,
            steps=steps,
            name=download_name(work),
            title=work.title,
        )
        return self.jobs.submit(recipe, owner=owner)

    def move_up(self, id: str, owner: str) -> bool:
        """Let a waiting job change places with the one of the same visitor before it. Raises `Refused` for a
        job of another's.
        """
        return self.jobs.move_up(id, owner=owner)

    def queue(self, owner: str, unseen: Iterable[str] = (), *, previews: bool = False) -> dict[str, Any]:
        """The queue as one visitor sees it.

        unseen: ids of jobs whose end the visitor has not seen. previews: with what is to be seen of each.
        Returns {"queue": what runs and waits, "ended": those of `unseen` that have ended, as `job` tells
        them, "gone": those of `unseen` that nobody knows any more}.
        """
        entries = self.jobs.queue(owner)
        trainings = {each.id: each for each in self.jobs.trainings.all()}
        taught = [each for each in trainings.values() if not each.ended]
        underway = {entry.id for entry in entries} | {each.id for each in taught}
        ended, gone = [], []
        for id in dict.fromkeys(list(unseen)[:MOST_UNSEEN]):
            if id in underway:
                continue
            if id in trainings:
                ended.append(learning.ended(trainings[id]))
                continue
            try:
                state = self.jobs.latest(id)
                if state.ended:
                    ended.append(self._told(state))
            except StudioError:  # dropped from the ledger, or its work from the gallery
                gone.append(id)
        return {
            "queue": [self._queued(entry, previews=previews) for entry in entries]
            + [learning.queued(each, owner, previews=previews) for each in taught],
            "ended": ended,
            "gone": gone,
        }

    def _queued(self, entry: QueueEntry, *, previews: bool) -> dict[str, Any]:
        told = {
            name: getattr(entry, name)
            for name in ("id", "state", "kind", "label", "title", "position", "mine", "done", "total")
        }
        times = ("seconds_left", "most_left", "seconds_until")
        told |= {name: getattr(entry, name) for name in (*times, "can_move_up")}
        is_picture = entry.kind in KINDS and any(role.media == "picture" for role in KINDS[entry.kind].roles)
        photo = f"jobs/{entry.id}/photo" if entry.source and is_picture else ""
        seen = data_url(entry.preview) if entry.preview and previews else photo
        return told | {
            "stage": said(entry.stage),
            "medium": "picture" if is_picture else "melody",
            "picture": seen,
        }

    def expected(
        self,
        kind: str,
        settings: Mapping[str, Any],
        sizes: Sequence[SourceSize] = (),
        *,
        count: int = 1,
    ) -> dict[str, Any]:
        """What a request will take on this computer: {"seconds", "bytes"}, each None where nothing is known.

        sizes: of the files that go into it. count: how many works of it; those after the first share what
        comes before their steps. Raises what `ask` raises for settings that cannot be.
        """
        row = kind_of(kind)
        fields, _ = row.prepare(settings, [])
        recipe = check(row.recipe_class(), fields)
        told = self.jobs.predict(recipe, tuple(sizes))
        another = self.jobs.predict(recipe, tuple(sizes), again=True)
        if told is None or another is None:
            return {"seconds": None, "bytes": None}
        return {"seconds": told.seconds + (max(1, count) - 1) * another.seconds, "bytes": told.bytes}

    def get_ready(self, kind: str, name: str) -> None:
        """Somebody chose `name`, such as a style of melodies: it is prepared before anything else."""
        self.jobs.get_ready(kind, name)

    def again(self, id: str) -> str:
        """Ask once more for a job that did not end well; returns the new job's id."""
        return self.jobs.again(id)

    def recipe_of_job(self, id: str) -> Recipe:
        """What a job was asked to make."""
        return read_recipe(self.jobs.latest(id).recipe_json)

    # --- Works

    def works(
        self, text: str = "", kind: str | None = None, after: str | None = None, limit: int = PAGE
    ) -> dict[str, Any]:
        """A page of the wall, newest first, and how many works fit in all. `after` is the id of the last work
        of the page before.
        """
        return self.search(Search(text, kind), after, limit=limit)

    def search(
        self, search: Search, after: str | None = None, *, order: str = "newest", limit: int = PAGE
    ) -> dict[str, Any]:
        """As `works`, also by stars and times, in one of the orders of `finding.ORDERS`."""
        following = self.gallery.get(after) if after else None
        found = self.gallery.search(search, limit=max(1, min(limit, 500)), after=following, order=order)
        return {
            "works": [work_view(work).model_dump() for work in found],
            "total": self.gallery.count_found(search),
        }

    def star(self, ids: Iterable[str], *, starred: bool) -> list[str]:
        """Give works a star, or take it away; returns their whole ids."""
        return [work.id for work in self.gallery.star(*_some(ids), starred=starred)]

    def discard(self, ids: Iterable[str]) -> dict[str, Any]:
        """Put works into the trash: {"removed": their whole ids, "gone_at": when they are gone for good}."""
        removed = self.gallery.discard(*_some(ids))
        gone = gone_at(removed[0])
        return {"removed": [work.id for work in removed], "gone_at": gone.isoformat() if gone else None}

    def bring_back(self, ids: Iterable[str]) -> list[str]:
        """Bring works back from the trash; returns their whole ids."""
        return [work.id for work in self.gallery.bring_back(*_some(ids))]

    def delete_for_good(self, ids: Iterable[str]) -> int:
        """Delete works that are in the trash; returns how many."""
        return self.gallery.empty_trash(*_some(ids))

    def trash(self) -> dict[str, Any]:
        """The works in the trash, as `works` gives them."""
        removed = self.gallery.trash()
        return {"works": [work_view(work).model_dump() for work in removed], "total": len(removed)}

    def on_show(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The works that came with the studio, or those of a kind."""
        return [work_view(work).model_dump() for work in self.library.on_show.works(kind)]

    def kinds_here(self) -> list[str]:
        """The kinds the gallery has works of."""
        return [name for name in KINDS if self.gallery.count(kind=name)]

    def work(self, id: str) -> dict[str, Any]:
        """Everything about one work: recipe, sources, parents, children."""
        return work_page(self.library.get(id), self.library).model_dump()

    def recognise(self, offered: Any) -> dict[str, Any]:
        """Which work an offered file is: by its bytes, its recipe, or how it looks.

        {"sentence", "work_id" or None, "sure": "certainly", "almost certainly", "probably" or "", "of": what
        that is said of, "likeness", "rival_id": another work that it looks like nearly as much, or None}
        """
        file = self.receive(offered, "photo")
        found = recognise(file.content, file.name or "The file", self.gallery)
        return {
            "sentence": found.sentence,
            "work_id": found.work.id if found.work else None,
            "sure": found.sure,
            "of": found.of,
            "likeness": found.likeness,
            "rival_id": found.rival.id if found.rival else None,
        }

    def remove(self, id: str) -> str:
        """Remove a work for good; returns its whole id."""
        work = self.gallery.get(id)
        self.gallery.remove(work.id)
        return work.id

    def remake(self, id: str, owner: str = "") -> Iterator[dict[str, Any]]:
        """Make a work again from its recipe, in the queue like any other, and say whether it is identical.

        Yields {"state", "done", "total", "stage", "sentence"}; the last has "identical" too. A result that
        differs is kept beside the first.
        """
        work = self.library.get(id)
        asked = read_recipe(work.recipe_json).model_copy(update={"model": None})
        self.library.keep_sources(asked)
        job = self.jobs.submit(asked, force=True, owner=owner)
        for state in self.jobs.follow(job):
            told: dict[str, Any] = {
                "state": state.state,
                "done": state.done,
                "total": state.total,
                "stage": said(state.stage),
            }
            if state.state == "waiting":
                yield told | {"sentence": "Waiting to be made again …"}
            elif state.state == "running":
                share = f"{state.done} of {state.total} steps" if state.total else "getting ready"
                yield told | {"sentence": f"Making it again … {share}"}
            elif state.state == "made" and state.work_id:
                remade = self.gallery.get(state.work_id)
                yield told | self._compared(work, remade)
            else:
                yield told | {
                    "sentence": said(state.message) or "It was stopped before it was finished.",
                    "identical": False,
                }

    def _compared(self, work: Work, remade: Work) -> dict[str, Any]:
        if remade.id == work.id:
            return {"sentence": "Identical, to the byte.", "identical": True, "work_id": work.id}
        content, thumbnail = self.gallery.read(remade), self.gallery.thumbnail(remade)
        made = Made(read_recipe(remade.recipe_json), content, remade.suffix, remade.media_type, thumbnail)
        verdict = compare(self.library.read(work), read_recipe(work.recipe_json), made)
        if verdict.identical:
            # The same work in a file that names other versions: nobody asked for a second one.
            self.gallery.remove(remade.id)
            return {"sentence": verdict.sentence, "identical": True, "work_id": work.id}
        return {
            "sentence": f"{verdict.sentence} It is kept beside the first.",
            "identical": False,
            "work_id": remade.id,
        }

    def _told(self, state: JobState) -> dict[str, Any]:
        told: dict[str, Any] = {
            "id": state.id,
            "state": state.state,
            "done": state.done,
            "total": state.total,
            "stage": said(state.stage),
            "loss": state.loss,
            "seconds_left": state.seconds_left,
            "most_left": state.most_left,
            "position": state.position,
            "message": said(state.message),
            "work_id": state.work_id,
            "preview": data_url(state.preview) if state.preview else None,
        }
        if state.state == "made" and state.work_id:
            work = self.gallery.get(state.work_id)
            self.music.begin_sound(work)
            told["work"] = work_view(work).model_dump()
            told["seed"] = common(work.recipe_json).seed
            told["was_there"] = state.started_at is None
        if state.state == "failed":
            told["ways_out"] = ways_out_of(state.problem)
            told["conflict"] = list(state.problem.get("conflict", ()))
        return told


def _some(ids: Iterable[str]) -> list[str]:
    """The ids of at least one work, and not too many. Raises `Refused`."""
    if isinstance(ids, str) or not isinstance(ids, Iterable):
        raise Refused("Choose works by a list of their ids.")
    listed = [str(id)[:64] for _, id in zip(range(MOST_AT_ONCE + 1), ids, strict=False)]
    if not 1 <= len(listed) <= MOST_AT_ONCE:
        raise Refused(f"Choose 1 to {MOST_AT_ONCE} works.")
    return listed


def _with_next_seeds(recipe: Recipe) -> Iterator[Recipe]:
    """The recipe, and then the same with each of the next seeds."""
    for number in count_up():
        yield recipe.model_copy(update={"seed": (recipe.seed + number) % (LARGEST_SEED + 1)})


def _how_many(count: int) -> str:
    """How many channels were found, and what to do if they are too many to show."""
    if count > MOST_CHANNELS:
        return f"{count:,} channels; here are {MOST_CHANNELS}. A word or a layer finds fewer."
    return f"{count} channel{'s' * (count != 1)}."


def _listed(files: Any) -> list[Any]:
    return list(files) if isinstance(files, list | tuple) else [files]
