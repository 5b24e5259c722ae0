"""Apples and oranges, by rules: a rule that somebody wrote, and everything they did not think of."""

from __future__ import annotations

import ast
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from studio.errors import Refused
from studio.lessons.kit.lesson import Action, Check, Choice, Lesson, Push, Slide, Upload, Write
from studio.lessons.kit.scene import Bars, Figure, Mark, PictureView, Points, Scene, Table, Words
from studio.lessons.shared.fruit import (
    COLOURS,
    SWATCHES,
    Fruit,
    colour_names,
    count_colours,
    draw_fruit,
    read_fruit,
)
from studio.lessons.shared.pictures import png_url

FIRST_RULE = "orange > green"
ACROSS, DOWN = 4, 3

BASKETS: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "as expected": (("apple", {}), ("orange", {})),
    "red apples": (("apple", {"skin": "red"}), ("apple", {"skin": "red"}), ("orange", {})),
    "green oranges": (("apple", {}), ("orange", {"skin": "green"})),
    "in the shade": (("apple", {"shade": True}), ("orange", {"shade": True})),
    "on an orange cloth": (("apple", {"cloth": "orange"}), ("orange", {"cloth": "orange"})),
    "black and white": (("apple", {"grey": True}), ("orange", {"grey": True})),
    "all of it": (
        ("apple", {}),
        ("orange", {}),
        ("apple", {"skin": "red"}),
        ("orange", {"skin": "green"}),
        ("apple", {"skin": "yellow"}),
        ("orange", {"shade": True}),
        ("apple", {"cloth": "orange"}),
        ("orange", {"cloth": "green"}),
        ("apple", {"grey": True}),
        ("orange", {"grey": True}),
    ),
}


@dataclass(frozen=True)
class RulesState:
    """fruit: the basket, with the visitor's own pictures at its end.
    tried: for each basket met, its name, how many the rule got right, and of how many.
    """

    settings: dict[str, Any]
    fruit: tuple[Fruit, ...]
    own: tuple[Fruit, ...] = ()
    chosen: int = 0
    tried: tuple[tuple[str, int, int], ...] = ()
    said: str = ""
    mood: str = "plain"

    @property
    def shown(self) -> tuple[Fruit, ...]:
        return (*self.fruit[: ACROSS * DOWN - len(self.own)], *self.own)


def begin(settings: Mapping[str, Any]) -> RulesState:
    """A basket, and the rule applied to it. Raises `Refused` for a rule that cannot be read."""
    read_rule(str(settings["rule"]))
    return _tried(RulesState(dict(settings), _basket(str(settings["basket"]), int(settings["seed"]))))


def _basket(name: str, seed: int) -> tuple[Fruit, ...]:
    rng = np.random.default_rng(seed)
    kinds = BASKETS[name]
    return tuple(
        draw_fruit(kinds[i % len(kinds)][0], rng, **kinds[i % len(kinds)][1])
        for i in rng.permutation(ACROSS * DOWN)
    )


# The rule: a comparison of colour counts, and nothing more

_ARITHMETIC = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
NAMES = (*COLOURS, "all")
LONGEST_RULE = 300


def read_rule(text: str) -> ast.expr:
    """The rule as a syntax tree. Where it is true, the fruit is called an orange.

    It may hold colour words (the number of pixels of that colour), `all` (all pixels), numbers, + - *
    /, comparisons, and, or, not. Raises `Refused` for anything else.
    """
    if len(text) > LONGEST_RULE:
        raise Refused(
            f"The rule is longer than {LONGEST_RULE} characters; write a shorter one, such as {FIRST_RULE}."
        )
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Refused(
            f"The rule cannot be read; write it like {FIRST_RULE}, or orange > 200 and red < 50."
        ) from None
    _allowed(tree)
    if not isinstance(tree, (ast.Compare, ast.BoolOp, ast.UnaryOp)) or (
        isinstance(tree, ast.UnaryOp) and not isinstance(tree.op, ast.Not)
    ):
        raise Refused(f"A rule answers yes or no, so it needs a comparison, such as {FIRST_RULE}.")
    return tree


def _allowed(tree: ast.AST) -> None:
    match tree:
        case ast.Name(id=name):
            if name not in NAMES:
                raise Refused(f"A rule cannot count '{name}'; it can count {', '.join(COLOURS)}, and all.")
        case ast.Constant(value=value):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e9:
                raise Refused("A rule can use colour words and numbers, nothing else.")
        case ast.BinOp(op=op) if type(op) not in _ARITHMETIC:
            raise Refused("A rule can add, subtract, multiply and divide, nothing else.")
        case ast.Compare(ops=ops) if any(type(op) not in _COMPARISONS for op in ops):
            raise Refused("A rule compares with >, <, >=, <=, == and !=.")
        case ast.UnaryOp(op=op) if not isinstance(op, (ast.Not, ast.USub)):
            raise Refused("A rule can use not and minus before a word, nothing else.")
        case ast.BinOp() | ast.Compare() | ast.BoolOp() | ast.UnaryOp():
            pass
        case ast.operator() | ast.cmpop() | ast.boolop() | ast.unaryop() | ast.expr_context():
            return
        case _:
            raise Refused(f"The rule contains something that is not allowed; write it like {FIRST_RULE}.")
    for child in ast.iter_child_nodes(tree):
        _allowed(child)


def is_orange(rule: ast.expr, counts: Mapping[str, int]) -> bool:
    """Whether the rule calls a picture with these counts of pixels an orange. Division by zero gives 0."""
    return bool(_value(rule, {**counts, "all": sum(counts.values())}))


def _value(tree: ast.expr, counts: Mapping[str, int]) -> float:
    match tree:
        case ast.Name(id=name):
            return counts[name]
        case ast.Constant(value=value):
            return float(value)  # type: ignore[arg-type]
        case ast.BinOp(left=left, op=op, right=right):
            first, second = _value(left, counts), _value(right, counts)
            if isinstance(op, ast.Div) and second == 0:
                return 0.0
            return float(_ARITHMETIC[type(op)](first, second))
        case ast.Compare(left=left, ops=ops, comparators=others):
            values = [_value(each, counts) for each in (left, *others)]
            return all(
                _COMPARISONS[type(op)](a, b) for op, a, b in zip(ops, values, values[1:], strict=False)
            )
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_value(part, counts) for part in parts)
        case ast.BoolOp(values=parts):
            return any(_value(part, counts) for part in parts)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, counts)
        case ast.UnaryOp(operand=operand):
            return -_value(operand, counts)
    raise AssertionError(tree)


# What the visitor does


def act(state: RulesState, action: Action) -> RulesState:
    """Change the rule or the basket, look closer at a picture, or bring one."""
    if action.name == "set":
        settings = state.settings | {action.knob: action.value}
        if action.knob == "rule":
            read_rule(str(action.value))
            return _tried(replace(state, settings=settings, tried=()))
        fruit = _basket(str(settings["basket"]), int(settings["seed"]))
        return _tried(replace(state, settings=settings, fruit=fruit, chosen=0))
    if action.name == "next":
        names = list(BASKETS)
        at = names[(names.index(str(state.settings["basket"])) + 1) % len(names)]
        return act(state, Action("set", knob="basket", value=at))
    if action.name == "click":
        column, row = int(action.x), int(action.y)
        index = (DOWN - 1 - row) * ACROSS + column
        return replace(state, chosen=index) if 0 <= index < len(state.shown) else state
    if action.name == "own":
        own = (*state.own, read_fruit(action.content, action.text))[-ACROSS:]
        now = replace(state, own=own)
        orange = is_orange(read_rule(str(state.settings["rule"])), count_colours(own[-1].pixels))
        return replace(
            now,
            chosen=len(now.shown) - 1,
            said=f"By your rule, {own[-1].about} is an {'orange' if orange else 'apple'}.",
            mood="plain",
        )
    if action.name == "reset":
        return begin(state.settings | {"rule": FIRST_RULE, "basket": "as expected"})
    return state


def _answers(state: RulesState) -> list[bool]:
    rule = read_rule(str(state.settings["rule"]))
    return [is_orange(rule, count_colours(each.pixels)) for each in state.shown]


def _tried(state: RulesState) -> RulesState:
    answers = _answers(state)
    known = [(fruit, answer) for fruit, answer in zip(state.shown, answers, strict=True) if fruit.kind]
    right = sum((fruit.kind == "orange") == answer for fruit, answer in known)
    basket = str(state.settings["basket"])
    tried = (*(each for each in state.tried if each[0] != basket), (basket, right, len(known)))
    wrong = next((fruit for fruit, answer in known if (fruit.kind == "orange") != answer), None)
    if wrong is None:
        said = (
            f"All {right} right. Now try the next basket."
            if basket != "all of it"
            else f"All {right} right, with this one rule. Now try another seed."
        )
    else:
        taken = "apple" if wrong.kind == "orange" else "orange"
        said = (
            f"{right} of {len(known)} right. A {wrong.about} is taken for an {taken}: the rule did "
            "not allow for that."
        )
    return replace(state, tried=tried, said=said, mood="good" if wrong is None else "bad")


def draw(state: RulesState) -> Scene:
    """The basket with the rule's answers, a closer look at one picture, and the rule's record."""
    answers = _answers(state)
    right = sum(
        (fruit.kind == "orange") == answer
        for fruit, answer in zip(state.shown, answers, strict=True)
        if fruit.kind
    )
    rows = tuple((name, f"{good} of {of}") for name, good, of in state.tried)
    return Scene(
        figures=(_basket_figure(state, answers), _closer_figure(state), _counts_figure(state)),
        tables=(Table("The rule's record", ("basket", "right"), rows),),
        numbers={
            "right": f"{right} of {sum(bool(fruit.kind) for fruit in state.shown)}",
            "rule": f"orange if {state.settings['rule']}",
        },
        says=state.said,
        mood=state.mood,
        columns=(1, 1.15),
        values={"rule": state.settings["rule"], "basket": state.settings["basket"]},
    )


def _basket_figure(state: RulesState, answers: list[bool]) -> Figure:
    marks: list[Mark] = []
    said = []
    for i, (fruit, orange) in enumerate(zip(state.shown, answers, strict=True)):
        x, y = i % ACROSS, DOWN - 1 - i // ACROSS
        marks.append(
            PictureView(png_url(fruit.pixels), (x + 0.07, x + 0.93, y + 0.2, y + 0.98), text=fruit.about)
        )
        word = "orange" if orange else "apple"
        fits = not fruit.kind or (fruit.kind == "orange") == orange
        marks.append(
            Words(
                (x + 0.5,),
                (y + 0.1,),
                (word if fits else f"✗ {word}",),
                colour="ink" if fits else "bad",
                size=13.5,
            )
        )
        said.append(f"{fruit.about}: {word}{'' if fits else ', wrong'}")
    x, y = state.chosen % ACROSS, DOWN - 1 - state.chosen // ACROSS
    marks.append(Points((x + 0.88,), (y + 0.92,), colour="accent", size=6))
    return Figure(
        "basket",
        "What the rule says",
        (0, ACROSS),
        (0, DOWN),
        tuple(marks),
        "; ".join(said) + ".",
        aspect=1.25,
        axes=False,
        clicks="Click a picture to count its pixels.",
    )


def _closer_figure(state: RulesState) -> Figure:
    fruit = state.shown[state.chosen]
    palette = np.array(
        [[int(SWATCHES[name][i : i + 2], 16) for i in (1, 3, 5)] for name in COLOURS], np.uint8
    )
    marks = (
        PictureView(png_url(fruit.pixels), (0, 0.98, 0, 1), text=fruit.about, pixelated=True),
        PictureView(
            png_url(palette[colour_names(fruit.pixels)]),
            (1.02, 2, 0, 1),
            text="the same picture, each pixel in its colour word",
            pixelated=True,
        ),
    )
    return Figure(
        "closer",
        "What you see, and what the rule sees",
        (0, 2),
        (0, 1),
        marks,
        f"A {fruit.about}, and its pixels as colour words.",
        aspect=2,
        axes=False,
    )


def _counts_figure(state: RulesState) -> Figure:
    counts = count_colours(state.shown[state.chosen].pixels)
    top = max(counts.values())
    marks = (
        Bars(
            range(len(COLOURS)),
            list(counts.values()),
            colour=[SWATCHES[name] for name in COLOURS],
            width=0.7,
            label=COLOURS,
        ),
    )
    # Eight words under eight bars need the room of two columns.
    text = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return Figure(
        "counts",
        "Pixels by colour word",
        (-0.6, len(COLOURS) - 0.4),
        (0, top * 1.05),
        marks,
        text + ".",
        aspect=2.9,
        wide=True,
    )


def table(settings: Mapping[str, Any]) -> Iterator[Table | str]:
    """The rule's record on every basket."""
    state = begin(settings)
    for basket in BASKETS:
        state = act(state, Action("set", knob="basket", value=basket))
    yield Table(
        f"It is an orange if {settings['rule']}",
        ("basket", "right"),
        tuple((name, f"{right} of {of}") for name, right, of in state.tried),
    )
    missed = [name for name, right, of in state.tried if right < of]
    yield (
        f"It gets fruit wrong in {len(missed)} of {len(state.tried)} baskets. Try another rule with "
        "--set 'rule=…'."
    )


LESSON: Lesson[RulesState] = Lesson(
    name="rules",
    title="Apples and oranges, by rules",
    minutes=5,
    question="Can you write a rule that tells an apple from an orange?",
    first=(
        "This rule counts pixels and gets them all right. Press Next basket and see what the rule missed."
    ),
    notice=(
        "The rule sees counts of pixels, not fruit.",
        "Each basket breaks the rule in a new way, and each repair makes it longer.",
        "Fixing the rule for one basket can make it worse on another.",
        "The rule did not find out what matters. Somebody had to know, and think of everything.",
    ),
    checks=(
        Check(
            "What will happen with black-and-white photos, whatever you compare?",
            ("It takes longer", "Counting colours cannot tell them apart", "They are all oranges"),
            1,
            (
                "There is no colour left to count. The difference is in the shape and the skin, and "
                "this rule has no words for those."
            ),
        ),
        Check(
            "What will happen if the oranges lie on an orange cloth?",
            (
                "The cloth is counted too",
                "Nothing: the cloth is not fruit",
                "The rule becomes more certain, and right",
            ),
            0,
            "The rule cannot tell fruit from cloth. It counts every pixel.",
        ),
    ),
    formula=(
        "orange, if    (number of orange pixels) > (number of green pixels)\n"
        "apple, otherwise\n\n"
        "Words you can use: red orange yellow green blue black grey white, all\n"
        "and between them: + − * /   > < >= <=   and, or, not"
    ),
    code="""\
def is_orange(pixels):
    orange = green = 0
    for r, g, b in pixels:
        if r > 200 and 90 < g < 190 and b < 90:
            orange += 1
        elif g > r and g > b:
            green += 1
    return orange > green

print(is_orange([(250, 140, 30)] * 50 + [(240, 240, 240)] * 30))
print(is_orange([(120, 180, 60)] * 50 + [(240, 240, 240)] * 30))""",
    tab="Dream",
    use=(
        "Nobody could write down a rule for “a dog's face”. The network that dreams of dogs was "
        "given no rules: it was shown a million pictures."
    ),
    knobs=(
        Push("next", "Next basket", "fruit that looks different", key="n", main=True),
        Push("reset", "Start again", "", key="r"),
        Write(
            "rule",
            "It is an orange if",
            FIRST_RULE,
            (
                "A colour word stands for the number of its pixels: orange > green, or orange > 300 and "
                "red < 50."
            ),
            lines=3,
        ),
        Choice("basket", "Basket", tuple(BASKETS), "as expected"),
        Upload("own", "A picture of your own", "image/*", "It stays on this computer."),
        Slide("seed", "Seed", 0, 99, 1, 0, "A different number gives different fruit of the same kinds."),
    ),
    begin=begin,
    act=act,
    draw=draw,
    table=table,
)
