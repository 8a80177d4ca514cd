import random
from dataclasses import replace

import pytest
import sympy
from sympy import Eq, Indexed, Integer, Symbol

from labkit.receptive_field.derivation import Derivation, ProofError, derivation
from labkit.receptive_field.derivation.notation import (
    CLOSED_FORM,
    L,
    P,
    d,
    j,
    k,
    l,
    m,
    p,
    s,
)
from labkit.receptive_field.derivation.one_layer import _width
from labkit.receptive_field.derivation.typesetting import latex

STEPS = derivation()
#: What no finite number of cases can prove: the guess, and the definition of a product.
CHECKED = {"The pattern", "The one lemma"}
by_title = pytest.mark.parametrize("step", STEPS, ids=lambda step: step.title)


def places(expression, path=()):
    """Yield the path of every number, symbol and indexed letter, but not of bound variables."""
    if isinstance(expression, Integer | Symbol | Indexed | sympy.Rational):
        yield path
    if isinstance(expression, sympy.Sum | sympy.Product):
        yield from places(expression.args[0], (*path, 0))
        for end in (1, 2):
            yield from places(expression.args[1][end], (*path, 1, end))
    elif isinstance(expression, Indexed):
        for place, index in enumerate(expression.args[1:], start=1):
            yield from places(index, (*path, place))
    elif not isinstance(expression, sympy.Derivative | sympy.Limit):
        for place, argument in enumerate(expression.args):
            yield from places(argument, (*path, place))


def changed(expression, path):
    """Add one to what stands at the path."""
    if not path:
        return expression + 1
    arguments = list(expression.args)
    arguments[path[0]] = changed(arguments[path[0]], path[1:])
    return expression.func(*arguments)


def equation_with(left, right):
    return Eq(left, right, evaluate=False)


def spoilt(equation):
    """Yield every equation in which one number, symbol or index is larger by one."""
    for side in (0, 1):
        for path in places(equation.args[side]):
            sides = list(equation.args)
            sides[side] = changed(sides[side], path)
            yield equation_with(*sides)


@by_title
def test_every_step_holds(step):
    assert step.verify() is step


@by_title
def test_every_step_breaks_where_any_part_of_its_equation_changes(step):
    attempts = [wrong for wrong in spoilt(step.equation) if wrong != step.equation]
    assert attempts
    for wrong in attempts:
        with pytest.raises(ProofError, match=step.title):
            replace(step, equation=wrong).verify()


@by_title
def test_every_step_breaks_where_a_side_changes_as_a_whole(step):
    left, right = step.equation.args
    for wrong in [
        equation_with(left, -right - 1),
        equation_with(left, 2 * right + 1),
        equation_with(left, Symbol("q")),
        equation_with(left, left),
        equation_with(right, right),
        equation_with(0, 0),
        equation_with(Symbol("q"), right),
        sympy.true,
        sympy.false,
        right,
    ]:
        with pytest.raises(ProofError, match=step.title):
            replace(step, equation=wrong).verify()


def test_the_wrong_dilation_formula_of_the_original_lab_is_refused():
    step = next(step for step in STEPS if step.title == "The closed form with dilation")
    own_stride_too = step.equation.replace(
        lambda part: isinstance(part, sympy.Product),
        lambda part: sympy.Product(part.function, (*part.limits[0][:2], l)),
    )
    assert own_stride_too != step.equation
    with pytest.raises(ProofError, match="closed form with dilation"):
        replace(step, equation=own_stride_too).verify()


@pytest.mark.parametrize("slack", ["before", "after", "earlier", "later", "dilation"])
def test_the_hull_is_refused_where_a_distance_could_be_negative(slack):
    anything = Symbol("anything", integer=True)
    with pytest.raises(ProofError, match=r"is not the (first|last) position read"):
        _width(Integer(0), **{slack: anything})


def test_the_argument_is_complete_and_in_order():
    titles = [step.title for step in STEPS]
    milestones = [
        "A kernel of width one", "A kernel of any width", "The recurrence", "Where it starts",
        "Three layers, unrolled", "The one lemma", "Proof by telescoping: the sum",
        "Proof by induction: the end", "Dilation widens the kernel",
        "The closed form with dilation", "Where a field begins",
        "Effective stride and effective padding", "The centre", "All layers alike",
        "All layers alike, stride one", "The last stride adds nothing",
    ]  # fmt: skip
    assert [titles.index(title) for title in milestones] == sorted(map(titles.index, milestones))
    assert len(set(titles)) == len(titles)
    assert isinstance(STEPS, Derivation) and STEPS.verify() is STEPS


def test_two_proofs_end_in_the_same_closed_form():
    ends = [step.equation.rhs for step in STEPS if step.title.endswith(("the sum", "the end"))]
    assert ends == [CLOSED_FORM, CLOSED_FORM]


def read_by(unit, chain):
    """Walk back from a unit of the last layer, position by position, to all that it reads."""
    places = {unit}
    for k_l, s_l, d_l, p_l in reversed(chain):
        places = {s_l * place - p_l + d_l * tap for place in places for tap in range(k_l)}
    return places


@pytest.mark.parametrize("seed", range(20))
def test_positions_are_those_of_a_walk_back_from_any_unit(seed):
    dice = random.Random(seed)
    depth, unit = dice.randint(1, 4), dice.randint(-3, 9)
    chain = [
        (dice.randint(1, 4), dice.randint(1, 3), dice.randint(1, 3), dice.randint(0, 3))
        for _ in range(depth)
    ]
    values = {j: unit, P[L]: sympy.prod(s_l for _, s_l, _, _ in chain)}
    numbers = {
        letter[place]: layer[which]
        for place, layer in enumerate(chain, start=1)
        for which, letter in enumerate((k, s, d, p))
    }

    def computed(title):
        return STEPS[title].equation.rhs.subs(values).subs(L, depth).doit().subs(numbers)

    places = read_by(unit, chain)
    assert computed("Effective stride and effective padding") == min(places)
    assert computed("The centre") == sympy.Rational(min(places) + max(places), 2)


@by_title
def test_a_step_shows_its_equation_and_earns_its_mark(step):
    shown = step._repr_markdown_()
    assert step.sentence in shown and f"$$\n{step.latex}\n$$" in shown
    assert step.latex in step._repr_latex_()
    mark = "≈ checked up to 8" if step.title in CHECKED else "✓ proved"
    assert shown.endswith(f"\n\n*{mark}*\n") and "✗" not in shown


@by_title
def test_only_what_is_marked_as_checked_would_pass_if_it_failed_from_nine_on(step):
    """An extra term that vanishes at 1 to 8 is seen by a proof, and not by trying."""
    for letter in sorted({l, L, m} & step.equation.free_symbols, key=str):
        vanishing = sympy.prod(letter - number for number in range(1, 9))
        wrong = replace(
            step, equation=equation_with(step.equation.lhs, step.equation.rhs + vanishing)
        )
        if step.title in CHECKED:
            assert wrong.verify() is wrong
        else:
            with pytest.raises(ProofError, match=step.title):
                wrong.verify()


def test_a_broken_step_shows_no_mark_but_the_reason():
    broken = replace(STEPS[2], equation=Eq(STEPS[2].equation.lhs, 7))
    assert "✓" not in broken._repr_markdown_()
    assert "✗ not verified: The recurrence: " in broken._repr_markdown_()


def test_the_whole_derivation_shows_every_step():
    shown = STEPS._repr_markdown_()
    assert shown.count("✓ proved") == len(STEPS) - len(CHECKED)
    assert shown.count("≈ checked up to 8") == len(CHECKED)
    assert str(STEPS).splitlines()[2].startswith("3. The recurrence: Eq(")


def test_a_broken_step_breaks_the_whole():
    broken = Derivation([*STEPS[:3], replace(STEPS[3], equation=Eq(STEPS[3].equation.lhs, 2))])
    with pytest.raises(ProofError, match="Where it starts"):
        broken.verify()


def test_latex_is_in_the_order_of_the_blackboard():
    assert latex(1 + sympy.Sum(k[l] - 1, (l, 1, L))).startswith(r"1 + \sum_{l=1}^{L}")
    assert latex((k[l] - 1) * s[l]) == r"{s}_{l} \left({k}_{l} - 1\right)"


def test_steps_are_found_by_title_and_number():
    titles = [step.title for step in STEPS]
    assert STEPS[2] is STEPS["The recurrence"] and STEPS[-1] is STEPS[len(STEPS) - 1]
    part = STEPS["Where it starts":"The pattern"]
    assert isinstance(part, Derivation)
    first = titles.index("Where it starts")
    assert tuple(part) == tuple(STEPS[first : titles.index("The pattern") + 1])
    with pytest.raises(KeyError, match="did you mean 'The recurrence'"):
        STEPS["The recurence"]
