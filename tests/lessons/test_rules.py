"""Rules against Python's own reading of them, colour words against known colours, and the baskets that
break the first rule.
"""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from studio.errors import Refused, StudioError
from studio.lessons.kit.lesson import Action
from studio.lessons.rules import BASKETS, FIRST_RULE, LESSON, is_orange, read_rule
from studio.lessons.shared.fruit import COLOURS, colour_names, count_colours, draw_fruit


def test_colour_words_name_the_colours_people_name() -> None:
    known = {
        "red": (200, 30, 30),
        "orange": (250, 140, 30),
        "yellow": (240, 220, 60),
        "green": (90, 160, 50),
        "blue": (60, 90, 200),
        "black": (10, 10, 12),
        "grey": (128, 128, 128),
        "white": (250, 250, 250),
    }
    named = colour_names(np.array([list(known.values())], np.uint8))[0]
    assert [COLOURS[i] for i in named] == list(known)


SOUND = (
    FIRST_RULE,
    "orange > 300 and red < 50",
    "not (green >= orange) or black == 0",
    "orange / all > 0.2 - red * 2 / all",
    "50 < red < 90",
)


@pytest.mark.parametrize("rule", SOUND)
def test_a_rule_means_what_python_says_it_means(rule: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        counts = {
            name: int(count) for name, count in zip(COLOURS, rng.integers(0, 400, len(COLOURS)), strict=True)
        }
        assert is_orange(read_rule(rule), counts) == bool(
            eval(rule, {"__builtins__": {}}, {**counts, "all": sum(counts.values())})
        )


UNSOUND = (
    "",
    "orange",
    "orange >",
    "purple > green",
    "__import__('os').system('x') > 1",
    "orange > 'a'",
    "(lambda: 1)() > 0",
    "orange ** 9 > 1",
    "x" * 400,
    "orange > green if red else 1",
    "[1][0] > 0",
    "orange > True",
    "-orange",
    "orange @ green > 1",
    "9e99 > orange",
    "(" * 120 + ")" * 120,
)


@pytest.mark.parametrize("rule", UNSOUND)
def test_what_is_no_rule_is_refused_in_a_sentence(rule: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_rule(rule)
    assert str(refusal.value).endswith(".")


def test_nothing_divided_by_nothing_is_nothing() -> None:
    assert not is_orange(read_rule("orange / green > 1"), dict.fromkeys(COLOURS, 0))


def test_the_first_rule_holds_as_expected_and_every_other_basket_breaks_it() -> None:
    state = LESSON.begin(LESSON.settings())
    assert state.tried[-1][1] == state.tried[-1][2]
    for basket in list(BASKETS)[1:]:
        state = LESSON.act(state, Action("set", knob="basket", value=basket))
        name, right, of = state.tried[-1]
        assert name == basket
        assert right < of, f"{basket} does not break the rule"
        assert state.mood == "bad"


def test_a_better_rule_gets_the_red_apples() -> None:
    state = LESSON.begin(LESSON.settings({"rule": "orange > green and orange > red", "basket": "red apples"}))
    assert state.tried[-1][1] == state.tried[-1][2]


def test_counts_add_up_to_the_picture() -> None:
    fruit = draw_fruit("apple", np.random.default_rng(1))
    assert sum(count_colours(fruit.pixels).values()) == fruit.pixels.shape[0] * fruit.pixels.shape[1]


def test_a_picture_of_the_visitors_own_is_judged() -> None:
    file = io.BytesIO()
    Image.new("RGB", (80, 60), (250, 140, 30)).save(file, "PNG")
    state = LESSON.act(
        LESSON.begin(LESSON.settings()), Action("own", text="mine.png", content=file.getvalue())
    )
    assert "mine.png is an orange" in LESSON.draw(state).says
    with pytest.raises(StudioError):
        LESSON.act(state, Action("own", text="no.png", content=b"nothing"))


def test_clicking_a_picture_counts_its_pixels() -> None:
    state = LESSON.act(LESSON.begin(LESSON.settings()), Action("click", figure="basket", x=1.5, y=2.5))
    assert state.chosen == 1
