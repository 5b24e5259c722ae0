"""What the visitor does in the lesson on derivative works."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from studio.errors import Refused
from studio.lessons.derivative_works.model import DREAM_SIDE, PARTS, USES, DerivativeWorksState
from studio.lessons.derivative_works.own_network import (
    MOST_OWN,
    OWN_SIDE,
    advance_own,
    begin_own,
    network_file,
    with_dream,
)
from studio.lessons.derivative_works.three_uses import advance_three, begin_three
from studio.lessons.kit.lesson import Action
from studio.lessons.kit.scene import Audio, File, Visit

if TYPE_CHECKING:
    from studio.works.work import Work


def begin(settings: Mapping[str, Any]) -> DerivativeWorksState:
    """The chosen part, before its first step."""
    works, found = newest_works()
    return _with_part(DerivativeWorksState(dict(settings), found, works))


def _with_part(state: DerivativeWorksState) -> DerivativeWorksState:
    """The state, with what the chosen part needs."""
    part = state.settings["part"]
    if part == PARTS[0] and state.three is None:
        return replace(state, three=begin_three(int(state.settings["seed"])))
    if part == PARTS[1] and state.own is None:
        return replace(state, own=begin_own(state))
    return state


def newest_works() -> tuple[int, dict[str, Work]]:
    """How many works the gallery has, and the newest of each use that has a loss curve. Looking does not
    create a gallery.
    """
    from studio.errors import StudioError
    from studio.works.gallery import Gallery
    from studio.works.home import home

    if not os.environ.get("STUDIO_DATABASE") and not (home() / "gallery.sqlite").is_file():
        return 0, {}
    try:
        with Gallery.open() as gallery:
            found = {}
            for use, kinds in USES.items():
                works = [
                    work
                    for kind in kinds
                    for work in gallery.find(kind=kind, limit=12)
                    if len(work.losses) > 1
                ]
                if works:
                    found[use] = max(works, key=lambda work: work.made_at)
            return gallery.count(), found
    except StudioError:
        return 0, {}


def act(state: DerivativeWorksState, action: Action) -> DerivativeWorksState:
    """Run, hear, train, dream, bring pictures, keep."""
    state = replace(state, sounds=(), files=(), visit=None)
    match action.name:
        case "set":
            return _set(state, action.knob, action.value)
        case "reset":
            works, found = newest_works()
            fresh = DerivativeWorksState(
                state.settings, found, works, pictures=state.pictures, ground=state.ground
            )
            return _with_part(fresh)
        case "learn" | "ground":
            return _add_picture(state, action)
        case "hear":
            return _hear(state)
        case "save":
            return _save(state)
        case "travel":
            return _open_dream_tab(state)
        case "again":
            return _dream_again(state)
    part = state.settings["part"]
    if part == PARTS[2]:
        return (
            replace(state, playing=False, said="Nothing runs here: choose what the sources allow.")
            if action.name == "play"
            else state
        )
    match action.name:
        case "play" if state.playing:
            return replace(state, playing=False)
        case "play" | "advance" | "step":
            going = action.name == "play" or (state.playing and action.name == "advance")
            if action.name == "advance" and not state.playing:
                return state
            state = replace(state, playing=going, said="", mood="plain")
            return advance_three(state) if part == PARTS[0] else advance_own(state)
    return state


def _set(state: DerivativeWorksState, knob: str, value: Any) -> DerivativeWorksState:
    state = replace(state, settings=state.settings | {knob: value}, said="", mood="plain")
    if knob == "part":
        return _with_part(replace(state, playing=False))
    if knob == "seed":
        return _with_part(replace(state, three=None, own=None, playing=False))
    if knob in ("learn_from", "speckle"):
        return _with_part(replace(state, own=None, playing=False))
    if knob in ("layer", "digit", "on") and state.own is not None:
        return replace(
            state, own=replace(state.own, dream=None), playing=state.playing and state.own.fitting is not None
        )
    return state


def _hear(state: DerivativeWorksState) -> DerivativeWorksState:
    state = replace(_with_part(replace(state, settings=state.settings | {"part": PARTS[0]})), playing=False)
    assert state.three is not None
    sounds = tuple(
        Audio(pitch, 0.32, 0.4, after=0.28 * number) for number, pitch in enumerate(state.three.notes)
    )
    return replace(
        state,
        sounds=sounds,
        said=f"What the network writes after {state.three.done} steps of learning two tunes.",
    )


def _dream_again(state: DerivativeWorksState) -> DerivativeWorksState:
    state = _with_part(replace(state, settings=state.settings | {"part": PARTS[1]}, said="", mood="plain"))
    assert state.own is not None
    if state.own.fitting is not None:
        # An untrained network is worth a look too: the loop is the same, only nothing is known yet.
        said = "It dreams with what it has learnt so far. Press Play to go on training."
        return replace(_own_dream_step(state), playing=False, said=said)
    return replace(state, own=with_dream(state, state.own), playing=True)


def _own_dream_step(state: DerivativeWorksState) -> DerivativeWorksState:
    own = state.own
    assert own is not None
    own = with_dream(state, own)
    assert own.dream is not None
    own.dream.go_on(min(24, own.dream.steps))
    return replace(state, own=own)


def _add_picture(state: DerivativeWorksState, action: Action) -> DerivativeWorksState:
    from studio.images.pictures import fit_within, read_picture, resize

    pixels = read_picture(action.content, action.text or "The picture").pixels
    side = 128 if action.name == "learn" else DREAM_SIDE
    height, width = fit_within(pixels.shape[0], pixels.shape[1], side)
    if min(height, width) < OWN_SIDE * 2:
        raise Refused(f"{action.text or 'The picture'} is too narrow to cut pieces from; choose a wider one.")
    small = resize(pixels, height, width)
    if action.name == "ground":
        settings = state.settings | {"on": "my picture", "part": PARTS[1]}
        state = _with_part(
            replace(
                state, settings=settings, ground=small, said="It will dream on this picture.", mood="plain"
            )
        )
        assert state.own is not None
        return replace(state, own=replace(state.own, dream=None))
    if len(state.pictures) >= MOST_OWN:
        raise Refused(f"It learns from up to {MOST_OWN} pictures; reload the page to choose others.")
    settings = state.settings | {"learn_from": "my pictures", "part": PARTS[1]}
    state = replace(state, settings=settings, pictures=(*state.pictures, small), own=None, playing=False)
    count = len(state.pictures)
    said = (
        f"{count} picture{'s' if count > 1 else ''} of yours. It learns which one a small piece is "
        "from. Add more, or press Play."
    )
    return _with_part(replace(state, said=said, mood="plain"))


def _save(state: DerivativeWorksState) -> DerivativeWorksState:
    from studio.images.pictures import write_png

    own = state.own
    if own is None or not own.losses:
        return replace(state, said=NOTHING_YET, mood="bad")
    files = [network_file(state, own)]
    if own.dream is not None:
        files.append(File("dream.png", write_png(own.dream.pixels()), "image/png"))
    return replace(
        state,
        files=tuple(files),
        said="Kept: the network with its card" + (", and its dream." if own.dream else "."),
        mood="good",
    )


def _open_dream_tab(state: DerivativeWorksState) -> DerivativeWorksState:
    """Go to the Dream tab with the network as it is now."""
    own = state.own
    if own is None or not own.losses:
        return replace(state, said=NOTHING_YET, mood="bad")
    layer = str(state.settings["layer"])
    term = (
        f"classes:{min(int(state.settings['digit']), len(own.seen.classes) - 1)}"
        if layer == "classes"
        else layer
    )
    visit = Visit("Dream", TAB_SETTINGS, network_file(state, own), (term,))
    said = "The Dream tab has your network: choose a photo there and press Dream."
    return replace(state, playing=False, visit=visit, said=said, mood="good")


NOTHING_YET = "There is no network of yours yet: choose the part 'my network dreams' and press Play."

TAB_SETTINGS = {
    "preset": None,
    "size": 512,
    "octaves": 5,
    "steps": 16,
    "step_size": 0.01,
    "hold": 0.05,
    "colour": 0.4,
    "jitter": 8,
}
"""What suits a network that was trained on small pictures."""
