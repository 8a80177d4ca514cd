"""Wrong answers made out of right ones: none is proved, and none that is equal is called wrong."""

import ast
import random

import mutants
import pytest
from mutants import Mutant, changed, faults, function_of, value

from labkit.receptive_field.checker import answers

SEED = 2024
ANSWERS = 2_000


@pytest.fixture(scope="module")
def drawn():
    return list(mutants.mutants(SEED, ANSWERS, 2))


def test_no_wrong_answer_is_proved_and_no_equal_one_is_called_wrong(drawn):
    assert [(mutant.text, fault) for mutant in drawn for fault in faults(mutant)] == []


def test_answers_of_every_kind_are_drawn(drawn):
    assert len({mutant.text for mutant in drawn}) > 0.9 * ANSWERS
    kinds = {(callable(m.answer), m.one_layer, m.equal) for m in drawn}
    assert len(kinds) == 8
    assert 10 < sum(mutant.equal for mutant in drawn) < ANSWERS / 10


def test_answers_depend_on_the_seed_only(drawn):
    again = [mutant.text for mutant in mutants.mutants(SEED, 50, 2)]
    assert again == [mutant.text for mutant in drawn[:50]]
    assert again != [mutant.text for mutant in mutants.mutants(SEED + 1, 50, 2)]


@pytest.mark.parametrize("template", [
    *mutants.RECURRENCES, *mutants.CLOSED_FORMS, *mutants.FUNCTIONS_OF_A_LAYER,
])  # fmt: skip
def test_a_change_changes_one_place(template):
    tree = ast.parse(template)
    assert ast.unparse(changed(tree, random.Random(1))) != ast.unparse(tree)
    assert ast.unparse(tree) == ast.unparse(ast.parse(template))


def test_the_evaluator_counts_layers_from_1_and_refuses_others():
    def of(text, **names):
        return value(ast.parse(text, mode="eval").body, names)

    assert of("Sum(k[l]*Product(s[i], (i, 1, l - 1)), (l, 1, L))", k=(3, 5), s=(2, 7), L=2) == 13
    assert of("-7//2 + 7 % 4") == -1
    with pytest.raises(IndexError):
        of("k[0]", k=(1,))
    with pytest.raises(ZeroDivisionError):
        of("1/(2 - 2)")


@pytest.mark.parametrize("one_layer", [True, False])
def test_a_prover_that_believes_everything_is_seen(monkeypatch, one_layer):
    monkeypatch.setattr(answers, "proves_recurrence", lambda *given: True)
    monkeypatch.setattr(answers, "proves_closed_form", lambda *given: True)
    function = function_of(f"def f({'r, ' * one_layer}k, s):\n    return 7")
    for answer in ("7", function):
        assert faults(Mutant("7", answer, one_layer, False)) == ["proved"]


def test_a_right_answer_that_is_called_wrong_is_seen():
    (fault,) = faults(Mutant("7", "7", True, True))
    assert fault.startswith("called ✗ wrong")
