"""The desk: what a visitor can ask for, in plain values, whether through the page or through a named
endpoint.

Nothing here knows Gradio's components. Answers are plain JSON; whatever cannot be met is a `StudioError` with
one sentence.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from studio.app.intake import Credit, Shown, data_url, download_name, own_files, own_tunes, receive, show
from studio.app.views import work_page, work_view
from studio.errors import Refused, UnknownName, Unreadable, ways_out_of
from studio.images.networks.backbones import is_safetensors
from studio.images.networks.described import is_pickle, read_weights_file
from studio.images.pictures import read_picture
from studio.making.asking import ask
from studio.making.jobs import Jobs
from studio.making.kinds import KINDS, read_recipe
from studio.making.remaking import compare
from studio.music.melody.recipes import ComposeRecipe
from studio.music.melody.renditions import Renditions
from studio.works.gallery import Gallery
from studio.works.ingredient import Ingredient
from studio.works.recipe import Recipe, check
from studio.works.work import Made, Work

if TYPE_CHECKING:
    from studio.music.scores.tunes import Tune
    from studio.works.ledger import JobState

PICTURES = frozenset({"photo", "guide", "mask", "style"})
"""Roles whose ingredients are pictures: they are read before the order is taken, so that a broken one is told
at once.
"""

MOST_TAKES = 8
"""Melodies that may be asked for at once."""

PAGE = 48
"""Works on one page of the wall."""


class Desk:
    """Takes orders and tells how they stand. Safe to use from many threads, as the gallery and the jobs are."""

    def __init__(self, gallery: Gallery, jobs: Jobs) -> None:
        self.gallery, self.jobs = gallery, jobs
        self.music = Renditions(gallery)
        self._reading = threading.Lock()

    # --- Pictures
    # ---------------------------------------------------------------------------------------------------

    def look(self, offered: Any, role: str) -> Shown:
        """An offered picture as the page shows it, after it was read as the making would read it."""
        return show(receive(offered, role, self.gallery, self.recipe_of_job))

    def know(self, offered: Any) -> dict[str, Any]:
        """A network's file as the page tells of it: name, sentence, whether it is a network of one's `own`,
        layers as [label, name].

        pickle: it is only read with its sha256 given; `sha256` is that where the file came with a work, and
        was read before.
        """
        file = receive(offered, "weights", self.gallery, self.recipe_of_job)
        _, network = read_weights_file(file.content, file.name or "The file")
        if network is None:
            said = "Weights that do not say of which network: choose it under Fine settings."
            told = {"name": file.name, "sentence": said, "own": False, "layers": []}
            if is_safetensors(file.content):
                return told
            if not is_pickle(file.content):
                raise Refused(
                    f"{file.name} is no network the studio can read; bring a lesson's .zip, a .safetensors or a .pth file."
                )
            said += " A pickle may hold anything; only weights are read from this one, and only if it is the file whose sha256 you give."
            known = {} if "file" in offered else {"sha256": hashlib.sha256(file.content).hexdigest()}
            return told | {"sentence": said, "pickle": True} | known
        layers = [[f"{layer.name} · {layer.shows}", layer.name] for layer in network.layers]
        said = f"{network.what or 'A network of your own.'} {len(layers)} layers stand under Fine settings."
        return {"name": network.name, "sentence": said, "own": True, "layers": layers}

    # --- Jobs
    # --------------------------------------------------------------------------------------------------------

    def order(self, kind: str, wishes: Mapping[str, Any], pictures: Mapping[str, Any], credit: Credit) -> str:
        """Ask for a work and give the job's id. `pictures` by role, one or a list; the credit belongs to the
        first role's.
        """
        roles = KINDS[kind].roles
        if not pictures.get(roles[0]):
            raise Refused("Choose a photo first: drop one on the page, or click “Choose a photo”.")
        ingredients = [
            receive(offered, role, self.gallery, self.recipe_of_job, credit if role == roles[0] else None)
            for role in roles
            if pictures.get(role)
            for offered in (pictures[role] if isinstance(pictures[role], list) else [pictures[role]])
        ]
        for ingredient in ingredients:
            if ingredient.role in PICTURES:
                read_picture(ingredient.content, ingredient.name or "The picture")
        return self.jobs.submit(ask(kind, wishes, ingredients, self.gallery))

    def compose(
        self,
        wishes: Mapping[str, Any],
        tunes: Iterable[Any] = (),
        credit: Credit | None = None,
        *,
        count: int = 1,
        others: Mapping[str, Any] | None = None,
    ) -> list[str]:
        """Ask for melodies, `count` of them with seeds counted on from the wished one; gives their jobs' ids.

        tunes: files of one's own that are the style, as the page offers files; the credit is theirs. others:
        by role, such as a theme. A style called `of:ID` is that of the work or job with this id.
        """
        wishes = dict(wishes)
        of = (
            str(wishes.get("style", "")).removeprefix("of:")
            if str(wishes.get("style", "")).startswith("of:")
            else ""
        )
        ingredients = own_tunes(tunes, credit or Credit())
        if ingredients:
            wishes["style"] = (credit and credit.title.strip()[:100]) or "Tunes of my own"
        elif of:
            earlier = self.composed(of)
            wishes["style"] = earlier.style
            for source in earlier.sources:
                if source.role in ("tune", "style"):
                    label = (source.name, source.title, source.author, source.licence)
                    ingredients.append(Ingredient(source.role, self.gallery.read_source(source), *label))
        for role, offered in (others or {}).items():
            ingredients.append(receive(offered, role, self.gallery, self.recipe_of_job))
        recipe = ask("compose", wishes, ingredients, self.gallery)
        return self._takes(recipe, recipe.seed, count)

    def read_style(self, name: str) -> Iterator[dict[str, Any]]:
        """Read a style of the catalogue, which takes a while the first time. Yields {"done", "total",
        "stage"}; raises `UnknownName`.
        """
        from studio.music.styles.opening import open_style
        from studio.music.styles.own import catalogue

        names = [entry.name for entry in catalogue()]
        if name not in names:
            raise UnknownName("style", name, names)
        with self._reading:
            for progress in open_style(name):
                yield {"done": progress.done, "total": progress.total, "stage": progress.stage}

    def hear_tunes(self, tunes: Iterable[Any]) -> dict[str, Any]:
        """What there is in files of one's own: {"tunes": how many, "meters": of each how many, "sentence",
        "unread": [sentence]}.
        """
        from studio.music.reading.pieces import pieces
        from studio.music.reading.readers import Readers

        heard: list[Tune] = []
        unread: list[str] = []
        with Readers(1) as readers:
            for name, content in own_files(tunes):
                try:
                    for piece, reading in readers.read_pieces(pieces(content, name)):
                        if isinstance(reading, Unreadable):
                            unread.append(f"{piece.name}: {reading}")
                        else:
                            heard += reading.tunes
                except Unreadable as error:
                    unread.append(str(error))
        meters = dict(Counter(str(tune.meter) for tune in heard).most_common())
        notes = sum(len(tune.sounding) for tune in heard)
        sentence = f"{len(heard)} tune{'s' * (len(heard) != 1)}, {notes:,} notes: " + ", ".join(
            f"{n} in {meter}" for meter, n in meters.items()
        )
        return {
            "tunes": len(heard),
            "meters": meters,
            "sentence": f"{sentence}." if heard else "No tune was found.",
            "unread": unread,
        }

    def styles(self) -> list[dict[str, Any]]:
        """The styles at hand: name, title, sentence, source, licence, tunes (0: unknown), and whether it is
        to_fetch.
        """
        from studio.music.styles.own import catalogue

        told = ("name", "title", "sentence", "source", "licence", "tunes")
        return [
            {name: getattr(entry, name) for name in told} | {"to_fetch": entry.download is not None}
            for entry in catalogue()
        ]

    def compose_around(
        self,
        id: str,
        bars: Iterable[int],
        seed: int,
        *,
        count: int = 1,
        wishes: Mapping[str, Any] | None = None,
        others: Mapping[str, Any] | None = None,
    ) -> list[str]:
        """Ask for a melody of the gallery again with other notes, but for these bars (from 1); gives the
        jobs' ids.

        Style, bars, meter, key and credit are those of the melody, which becomes a source itself; so are the
        other wishes and the theme, unless they are given: `wishes`, and `others` by role. Raises `Refused`
        when it is no melody.
        """
        work = self.gallery.get(id)
        recipe = self.composed(work.id)
        kept = [
            source
            for source in recipe.sources
            if source.role != "take" and (others is None or source.role != "theme")
        ]
        for role, offered in (others or {}).items():
            given = receive(offered, role, self.gallery, self.recipe_of_job)
            label = {
                "name": given.name,
                "title": given.title,
                "author": given.author,
                "licence": given.licence,
            }
            kept.append(self.gallery.keep_source(given.content, role=role, **label))
        places = tuple(str(bar) for bar in sorted(set(bars)))
        fields = recipe.model_dump(exclude={"sources", "setting", "model"}) | {
            "title": "",
            "keep": places,
            "seed": seed,
        }
        if wishes is not None:
            settled = {
                name: fields[name] for name in ("style", "bars", "meter", "key", "keep", "seed", "kind")
            }
            fields = {**wishes, **settled}
        if places:
            content, name = self.gallery.read(work), download_name(work)
            kept.append(
                self.gallery.keep_source(
                    content, role="take", name=name, title=work.title, author="", licence=""
                )
            )
        return self._takes(check(ComposeRecipe, fields | {"sources": kept}), seed, count)

    def composed(self, id: str) -> ComposeRecipe:
        """The recipe of a melody, by the id of its work or job. Raises `Refused` when it is something else."""
        try:
            recipe = read_recipe(self.gallery.get(id).recipe_json)
        except UnknownName:
            recipe = self.recipe_of_job(id)
        if not isinstance(recipe, ComposeRecipe):
            raise Refused("That is no melody; choose one from the gallery.")
        return recipe

    def ways_out(self, id: str) -> list[dict[str, Any]]:
        """What would help a job that failed because its settings conflict: each a field of the recipe with its
        new value.
        """
        return ways_out_of(self.jobs.latest(id).problem)

    def _takes(self, recipe: Recipe, seed: int, count: int) -> list[str]:
        if not 1 <= count <= MOST_TAKES:
            raise Refused(f"{count} takes cannot be asked for at once; ask for 1 to {MOST_TAKES}.")
        largest = 2**31 - 1
        return [
            self.jobs.submit(recipe.model_copy(update={"seed": (seed + number) % (largest + 1)}))
            for number in range(count)
        ]

    def job(self, id: str) -> dict[str, Any]:
        """How a job stands."""
        return self._told(self.jobs.latest(id))

    def follow(self, id: str) -> Iterator[dict[str, Any]]:
        """How a job stands, now and whenever that changes, until it has ended."""
        for state in self.jobs.follow(id):
            yield self._told(state)

    def cancel(self, id: str) -> bool:
        """Stop a job before its next step. False where it had ended."""
        return self.jobs.cancel(id)

    def again(self, id: str) -> str:
        """Ask once more for a job that did not end well; gives the new job's id."""
        return self.jobs.again(id)

    def recipe_of_job(self, id: str) -> Recipe:
        """What a job was asked to make."""
        return read_recipe(self.jobs.latest(id).recipe_json)

    # --- Works
    # --------------------------------------------------------------------------------------------------------

    def works(
        self, text: str = "", kind: str | None = None, after: str | None = None, limit: int = PAGE
    ) -> dict[str, Any]:
        """A page of the wall, newest first, and how many works fit in all. `after` is the id of the last work
        of the page before.
        """
        following = self.gallery.get(after) if after else None
        found = self.gallery.find(text=text, kind=kind, limit=max(1, min(limit, 500)), after=following)
        return {
            "works": [work_view(work).model_dump() for work in found],
            "total": self.gallery.count(text=text, kind=kind),
        }

    def kinds_here(self) -> list[str]:
        """The kinds of which the gallery has works."""
        return [name for name in KINDS if self.gallery.count(kind=name)]

    def work(self, id: str) -> dict[str, Any]:
        """Everything about one work: recipe, sources, parents, children."""
        return work_page(self.gallery.get(id), self.gallery).model_dump()

    def remove(self, id: str) -> str:
        """Remove a work for good; gives its whole id."""
        work = self.gallery.get(id)
        self.gallery.remove(work.id)
        return work.id

    def remake(self, id: str) -> Iterator[dict[str, Any]]:
        """Make a work again from its recipe, in the queue like any other, and say whether it came out
        identical.

        Yields {"state", "done", "total", "stage", "sentence"}; the last has "identical" too. What differs is
        kept beside it.
        """
        work = self.gallery.get(id)
        asked = read_recipe(work.recipe_json).model_copy(update={"model": None})
        job = self.jobs.submit(asked, anew=True)
        for state in self.jobs.follow(job):
            told: dict[str, Any] = {
                "state": state.state,
                "done": state.done,
                "total": state.total,
                "stage": state.stage,
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
                    "sentence": state.message or "It was stopped before it was made again.",
                    "identical": False,
                }

    # --- What the page needs to find things again
    # ---------------------------------------------------------------------

    def settings(self, recipe_json: str) -> dict[str, Any]:
        """A recipe's parameters by name, as the controls take them."""
        return read_recipe(recipe_json).model_dump(exclude=set(Recipe.model_fields) - {"seed"})

    def _compared(self, work: Work, remade: Work) -> dict[str, Any]:
        if remade.id == work.id:
            return {"sentence": "Identical, to the byte.", "identical": True, "work_id": work.id}
        content, thumbnail = self.gallery.read(remade), self.gallery.thumbnail(remade)
        made = Made(read_recipe(remade.recipe_json), content, remade.suffix, remade.media_type, thumbnail)
        verdict = compare(self.gallery.read(work), read_recipe(work.recipe_json), made)
        if verdict.identical:
            # The same work in a file that tells of other versions: nobody asked for a second one on the wall.
            self.gallery.remove(remade.id)
            return {"sentence": verdict.sentence, "identical": True, "work_id": work.id}
        return {
            "sentence": f"{verdict.sentence} It hangs beside the first.",
            "identical": False,
            "work_id": remade.id,
        }

    def _told(self, state: JobState) -> dict[str, Any]:
        told: dict[str, Any] = {
            "id": state.id,
            "state": state.state,
            "done": state.done,
            "total": state.total,
            "stage": state.stage,
            "loss": state.loss,
            "seconds_left": state.seconds_left,
            "position": state.position,
            "message": state.message,
            "work_id": state.work_id,
            "preview": data_url(state.preview) if state.preview else None,
        }
        if state.state == "made" and state.work_id:
            told["work"] = work_view(self.gallery.get(state.work_id)).model_dump()
            told["was_there"] = state.started_at is None
        return told


def offers(recipe_json: str, **origin: str) -> dict[str, Any]:
    """The sources of a recipe as the page offers pictures: {role: {"work" or "job": id, "role": role}}; for
    paintings a list of them.
    """
    roles = [source["role"] for source in json.loads(recipe_json).get("sources", ())]
    offered: dict[str, Any] = {role: origin | {"role": role} for role in roles}
    if "style" in roles:
        offered["style"] = [
            origin | {"role": "style", "place": place} for place in range(roles.count("style"))
        ]
    return offered
