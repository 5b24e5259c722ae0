"""The figures of the lesson on derivative works, part by part."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.lessons.cafeteria.model import FOODS, TRUE_PRICES
from studio.lessons.derivative_works.licences import LICENCES, Licence, Verdict, credit_line, verdict
from studio.lessons.derivative_works.model import (
    GROUPS,
    OWN_LAYER_NAMES,
    PARTS,
    STEPS,
    DerivativeWorksState,
    OwnNetwork,
    ThreeUses,
)
from studio.lessons.derivative_works.own_network import ground_of
from studio.lessons.derivative_works.three_uses import PITCHES, WRITTEN_NOTES
from studio.lessons.kit.curves import curve_in_words, loss_curve
from studio.lessons.kit.scene import (
    Arrow,
    Bars,
    Figure,
    Line,
    Mark,
    PictureView,
    Points,
    Scene,
    Table,
    Words,
    written,
)

if TYPE_CHECKING:
    from studio.images.pictures import Pixels
    from studio.works.work import Work


def draw(state: DerivativeWorksState) -> Scene:
    """The chosen part."""
    if state.settings["part"] == PARTS[0]:
        scene = _draw_three(state)
    elif state.settings["part"] == PARTS[1]:
        scene = _draw_own(state)
    else:
        scene = _draw_rights(state)
    kept = {name: state.settings[name] for name in ("part", "learn_from", "on")}
    return replace(
        scene,
        says=state.said or scene.says,
        mood=state.mood if state.said else scene.mood,
        playing=state.playing,
        values=kept,
        away=_away(str(state.settings["part"])),
        sounds=state.sounds,
        files=state.files,
        visit=state.visit,
    )


def _away(part: str) -> tuple[str, ...]:
    """The controls that have no use in this part."""
    groups = tuple(group for of, group in zip(PARTS[1:], GROUPS, strict=True) if of != part)
    pushes = {PARTS[0]: (), PARTS[1]: ("hear",), PARTS[2]: ("play", "step", "hear")}[part]
    return groups + pushes


THIRD = 1.42


def _draw_three(state: DerivativeWorksState) -> Scene:
    three = state.three
    assert three is not None
    dream = three.dream
    curves = (
        _curve("prices_loss", "Prices: error falls", three.price_losses, 62.0, "½ Σ (t − y)²"),
        _curve("melody_loss", "Melody: error falls", three.melody_losses, 2.6, "error per note (nats)"),
        _curve(
            "dream_rise",
            "Dream: answer rises",
            dream.losses,
            max(0.1, *dream.losses, 0.1) * 1.08,
            "mean square",
        ),
    )
    where = (
        "Press Play: three descents, step by step." if not three.done else f"Step {three.done} of {STEPS}."
    )
    return Scene(
        figures=(
            _price_bars(three),
            _notes_figure(three),
            _loop_dream(three),
            *curves,
            _gallery_figure(state.found),
        ),
        numbers={
            "step": f"{three.done} of {STEPS}",
            "error of the prices": written(three.price_losses[-1], 3) if three.done else "–",
            "error of the melody": written(three.melody_losses[-1], 3) if three.done else "–",
            "dream": written(dream.losses[-1], 3) if dream.losses else "–",
            WORKS: str(state.works),
        },
        says=f"{where} {_gallery_in_words(state.works, state.found)}",
        columns=(1, 1, 1),
    )


WORKS = "works in the gallery"
"""The number that says how many."""


def with_gallery(scene: Mapping[str, Any], works: int, found: Mapping[str, Work]) -> dict[str, Any]:
    """The first scene, as `Scene.to_dict` told it at some time, with the gallery as it is now."""
    (figure,) = Scene((_gallery_figure(found),)).to_dict()["figures"]
    begins = scene["says"].partition("step by step.")
    return {
        **scene,
        "figures": [each if each["name"] != figure["name"] else figure for each in scene["figures"]],
        "numbers": {**scene["numbers"], WORKS: str(works)},
        "says": f"{''.join(begins[:2])} {_gallery_in_words(works, found)}",
    }


def _gallery_in_words(works: int, found: Mapping[str, Work]) -> str:
    hung = ", ".join(f"{use}: {work.title}" for use, work in found.items())
    if hung:
        return f"Below are real works from this gallery, the newest of each kind: {hung}."
    if works:
        said = f"The gallery has {works} works, but none with a curve to show"
        return f"{said}; make a dream, and it appears below."
    return (
        "The gallery is empty: nothing has been made here yet. These three are small ones, run live instead."
    )


def _price_bars(three: ThreeUses) -> Figure:
    prices = [float(price) for price in three.prices]
    marks: list[Mark] = [
        Bars((0, 1, 2), prices, colour="one", width=0.5, label=("protein", "carb.", "salad"))
    ]
    marks += [
        Line((i - 0.36, i + 0.36), (true, true), colour="two", width=3) for i, true in enumerate(TRUE_PRICES)
    ]
    text = (
        ", ".join(f"{food} {price:.3f}" for food, price in zip(FOODS, prices, strict=True))
        + " dollars; the true prices are 1.5, 0.5 and 1.0."
    )
    return Figure("prices", "Three prices change", (-0.6, 2.6), (0, 2), tuple(marks), text, aspect=THIRD)


def _notes_figure(three: ThreeUses) -> Figure:
    notes = three.notes
    low, high = PITCHES[0] - 1.5, PITCHES[-1] + 1.5
    marks: tuple[Mark, ...] = (
        Line(
            [x for i in range(len(notes)) for x in (i, i + 0.85)],
            [pitch for pitch in notes for _ in range(2)],
            colour="faint",
            width=1,
        ),
        *(Line((i, i + 0.85), (pitch, pitch), colour="one", width=6) for i, pitch in enumerate(notes)),
    )
    text = "Notes as MIDI numbers: " + " ".join(map(str, notes)) + "."
    title = "Weights change: a tune"
    return Figure("melody", title, (-0.5, WRITTEN_NOTES + 0.5), (low, high), marks, text, aspect=THIRD)


def _loop_dream(three: ThreeUses) -> Figure:
    from studio.lessons.shared.pictures import jpeg_url

    pixels = three.dream.pixels()
    extent = _centred(pixels, THIRD)
    marks = (
        PictureView(
            jpeg_url(pixels), extent, text=f"A photo after {len(three.dream.losses)} steps of dreaming"
        ),
    )
    text = f"A photo of a pagoda after {len(three.dream.losses)} steps towards what one layer sees."
    return Figure("dream", "Pixels change", (0, 1), (0, 1), marks, text, aspect=THIRD, axes=False)


def _centred(pixels: Pixels, aspect: float) -> tuple[float, float, float, float]:
    """Where a picture lies in a figure of that aspect from 0 to 1, whole and undistorted."""
    own = pixels.shape[1] / pixels.shape[0]
    if own < aspect:
        edge = (1 - own / aspect) / 2
        return (edge, 1 - edge, 0.0, 1.0)
    edge = (1 - aspect / own) / 2
    return (0.0, 1.0, edge, 1 - edge)


def _curve(name: str, title: str, losses: Sequence[float], top: float, label: str) -> Figure:
    top = max(top, max(losses, default=0.0) * 1.05)
    marks, text = loss_curve(losses), curve_in_words(losses, 3)
    return Figure(name, title, (0, STEPS), (0, top), marks, text, x_label="step", y_label=label, aspect=THIRD)


def _gallery_figure(found: Mapping[str, Work]) -> Figure:
    """The curves of real works, each stretched from its first step to its last and from its lowest value
    to its highest.
    """
    title = "From this gallery: the curves of real works, each on its own scale"
    if not found:
        words = "No work with a curve in the gallery yet"
        marks: tuple[Mark, ...] = (Words([0.5], [0.5], [words], colour="faint"),)
        return Figure("gallery", title, (0, 1), (0, 1), marks, f"{words}.", aspect=4.2, axes=False, wide=True)
    drawn: list[Mark] = []
    sentences = []
    for number, (use, work) in enumerate(found.items()):
        losses = [loss for loss in work.losses if math.isfinite(loss)]
        low, high = min(losses), max(losses)
        heights = [(loss - low) / max(high - low, 1e-12) for loss in losses]
        colour = ("one", "two", "three")[number]
        drawn.append(Line(np.linspace(0, 1, len(losses)), heights, colour=colour, width=1.8))
        drawn.append(
            Words(
                [0.01 + number / 3],
                [1.13],
                [use],  # the title is in the sentence above, and there is no room for it on a phone
                colour=colour,
                size=12,
                anchor="start",
            )
        )
        way = "rises" if losses[-1] > losses[0] else "falls"
        sentences.append(
            f"{use}, “{work.title}”: {way} from {written(losses[0], 3)} to {written(losses[-1], 3)} "
            f"in {len(losses)} steps"
        )
    return Figure(
        "gallery",
        title,
        (0, 1),
        (0, 1.25),
        tuple(drawn),
        ". ".join(sentences) + ".",
        x_label="from the first step to the last",
        aspect=4.2,
        wide=True,
    )


def _draw_own(state: DerivativeWorksState) -> Scene:
    own = state.own
    assert own is not None
    epoch = len(own.right)
    if own.fitting is not None:
        kind = (
            "1,797 handwritten digits"
            if state.settings["learn_from"] == "digits"
            else "pieces of your pictures"
        )
        says = (
            f"Press Play: the network learns to tell {kind} apart. Then it dreams."
            if not own.losses
            else f"Learning, epoch {epoch + 1}."
        )
    elif own.dream is None:
        says = "It has learnt. Press Play, and it dreams with these weights."
    else:
        says = (
            f"Step {len(own.dream.losses)} of {own.dream.steps}: the same loop, but now the pixels "
            "change, and the answer rises."
        )
    return Scene(
        figures=(_own_examples(own), _own_dream(state, own), _own_learning(own), _own_rise(own)),
        numbers={
            "training": f"{epoch} of {own.epochs} epochs",
            "accuracy on new examples": f"{own.right[-1]:.1%}" if own.right else "–",
            "its weights": own.weights,
            "the dream was made with": own.dreamt_with if own.dream is not None else "–",
        },
        says=says,
        columns=(2, 3),
    )


def _own_examples(own: OwnNetwork) -> Figure:
    from studio.lessons.shared.pictures import png_url

    across, down = 10, 5
    inputs, targets = own.seen.inputs, own.seen.targets
    classes = len(own.seen.classes)
    side = inputs.shape[-1]
    sheet = np.full((down * (side + 1) - 1, across * (side + 1) - 1, 3), 26, np.uint8)
    for column in range(across):
        those = np.flatnonzero(targets.numpy() == column % classes)
        for row in range(down):
            place = those[(row + column // classes * down) % len(those)]
            piece = np.broadcast_to(
                (inputs[place].numpy().transpose(1, 2, 0) * 255).astype(np.uint8), (side, side, 3)
            )
            sheet[
                row * (side + 1) : row * (side + 1) + side, column * (side + 1) : column * (side + 1) + side
            ] = piece
    aspect = 2.05
    marks = (
        PictureView(
            png_url(sheet), _centred(sheet, aspect), pixelated=True, text="Some of what it learns from"
        ),
    )
    title = f"It learns from {len(own.seen):,} pictures"
    text = (
        f"{len(own.seen)} pictures of {side} by {side} px in {classes} classes: "
        f"{', '.join(own.seen.classes)}. "
        f"{len(own.held_out)} more are kept back to test it."
    )
    return Figure("examples", title, (0, 1), (0, 1), marks, text, aspect=aspect, axes=False)


def _own_learning(own: OwnNetwork) -> Figure:
    steps = max(1, own.epochs * math.ceil(len(own.seen) * 2 / 64))
    marks: list[Mark] = [Line(range(1, len(own.losses) + 1), own.losses, colour="accent", fill=True)]
    top = max(2.6, max(own.losses, default=0.0) * 1.05)
    text = (
        f"Loss from {written(own.losses[0], 3)} to {written(own.losses[-1], 3)}."
        if own.losses
        else "It has not learnt yet."
    )
    right = max(steps, len(own.losses))
    return Figure(
        "learning",
        "Learning: loss falls",
        (0, right),
        (0, top),
        tuple(marks),
        text,
        x_label="step (weights)",
        aspect=1.75,
    )


def _own_dream(state: DerivativeWorksState, own: OwnNetwork) -> Figure:
    from studio.lessons.shared.pictures import jpeg_url

    pixels = ground_of(state) if own.dream is None else own.dream.pixels()
    aspect = 1.5
    marks = (PictureView(jpeg_url(pixels, 92), _centred(pixels, aspect), text="What the network dreams"),)
    done = 0 if own.dream is None else len(own.dream.losses)
    layer = str(state.settings["layer"])
    what = OWN_LAYER_NAMES[layer]
    if layer == "classes":
        what = (
            f"“{own.seen.classes[min(int(state.settings['digit']), len(own.seen.classes) - 1)]}” everywhere"
        )
    text = f"A picture after {done} steps towards {what}, as this network knows it."
    return Figure(
        "dream", f"What it dreams of: {what}", (0, 1), (0, 1), marks, text, aspect=aspect, axes=False
    )


def _own_rise(own: OwnNetwork) -> Figure:
    losses = [] if own.dream is None else own.dream.losses
    steps = 72 if own.dream is None else own.dream.steps
    low, high = min(losses, default=0.0), max(losses, default=1.0)
    room = max(high - low, 0.1) * 0.08
    marks: tuple[Mark, ...] = (Line(range(1, len(losses) + 1), losses, colour="two"),)
    text = curve_in_words(losses, 3, empty="It has not dreamt yet.")
    return Figure(
        "rise",
        "Dreaming: the answer rises",
        (0, steps),
        (low - room, high + room),
        marks,
        text,
        x_label="step (pixels)",
        aspect=2.6,
    )


def _draw_rights(state: DerivativeWorksState) -> Scene:
    first, second = LICENCES[str(state.settings["first"])], LICENCES[str(state.settings["second"])]
    said = verdict((first, second))
    yes = {True: "yes", False: "no"}
    rows = tuple(
        (
            f"{role}: {licence.name}",
            yes[licence.share],
            yes[licence.sell],
            yes[licence.credit],
            licence.name if licence.alike else "free",
        )
        for role, licence in (("photo", first), ("style or guide", second))
    )
    rows = (*rows, ("what you make of both", yes[said.share], yes[said.sell], yes[said.credit], said.licence))
    columns = ("source", "adapt and share", "sell", "credit needed", "licence of the result")
    tables = [Table("In short; the licence's own text decides", columns, rows, 2), _sources_table(state)]
    return Scene(
        figures=(_flow_figure(first, second, said),),
        tables=tuple(table for table in tables if table is not None),
        numbers={
            "may be shared": yes[said.share],
            "may be sold": yes[said.sell],
            "credit": "needed" if said.credit else "good manners",
            "under": said.licence,
        },
        says=f"{said.why} This is a map for artists, not legal advice: laws differ from country to country.",
        mood="plain" if said.share else "bad",
    )


def _flow_figure(first: Licence, second: Licence, said: Verdict) -> Figure:
    colour = "good" if said.share and said.sell else "accent" if said.share else "bad"
    answer = "keep it, or ask" if not said.share else "pass it on" + ("" if said.sell else ", not for sale")
    marks: tuple[Mark, ...] = (
        Words([0.17], [0.93], ["photo"], colour="faint", size=11.5),
        Words([0.17], [0.83], [first.name], size=14),
        Words([0.17], [0.33], ["style or guide"], colour="faint", size=11.5),
        Words([0.17], [0.23], [second.name], size=14),
        Words([0.64], [0.95], ["network, learnt from photos"], colour="faint", size=11.5),
        Arrow((0.22, 0.75), (0.58, 0.61), colour="one"),
        Arrow((0.26, 0.42), (0.58, 0.53), colour="one"),
        Arrow((0.64, 0.88), (0.64, 0.68), colour="faint"),
        Points([0.64], [0.57], colour=colour, size=12),
        Words([0.64], [0.41], ["your work"], colour="faint", size=11.5),
        Words([0.64], [0.29], [answer], colour=colour, size=14),
        Words([0.64], [0.17], [said.licence], colour="faint", size=11),
    )
    text = (
        f"From a photo ({first.name}) and a style or guide picture ({second.name}): {answer}. "
        f"Licence: {said.licence}. {said.why} The network learnt from many photos; whether that "
        "makes their makers part of your work is being argued in courts."
    )
    return Figure(
        "rights",
        "From the sources to your work",
        (0, 1),
        (0, 1),
        marks,
        text,
        aspect=2.3,
        axes=False,
        wide=True,
    )


def _sources_table(state: DerivativeWorksState) -> Table | None:
    """The sources of the newest work in the gallery, as its recipe names them, and the credit line for
    the choice above.
    """
    import json

    rows = [("for your choice", credit_line(state.settings), "")]
    work = max(state.found.values(), key=lambda each: each.made_at, default=None)
    if work is not None:
        for source in json.loads(work.recipe_json).get("sources", [])[:8]:
            named = source.get("title") or source.get("name") or "untitled"
            author = source.get("author") or "author not named"
            rows.append(
                (
                    f"in “{work.title[:30]}”: {source.get('role', '')}",
                    f"“{named}” by {author}",
                    source.get("licence") or "no licence noted",
                )
            )
    return Table("Credit, as it would appear under the work", ("for", "credit", "licence"), tuple(rows))
