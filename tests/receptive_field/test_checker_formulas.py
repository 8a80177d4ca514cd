"""Answers as people publish them, and what each deserves."""

import json
import time
from pathlib import Path

import pytest

from labkit.language import phrases
from labkit.receptive_field.checker import check_closed_form, check_recurrence

CASES = json.loads(Path(__file__).with_name("checker_formulas.json").read_text())
CHECKS = {"recurrence": check_recurrence, "closed_form": check_closed_form}

# Words of the cure that the message has to say, or of the mistake that it has to name.
SAYS = {
    "R21": ["one formula only", "d*(k-1)+1 for k'"],
    "R28": ["without words"],
    "R30": ["forward", "asked is r_{l−1} from r_l"],
    "C06": ["say which layers it runs over"],
    "C10": ["k already has a meaning here, the kernel", "such as l"],
    "C13": ["dots", "write them as Σ and ∏"],
    "C18": ["numpy", "give a Python function instead"],
    "C25": ["j_{l − 1}", "write the product of the strides before layer l out"],
    "C26": ["one formula only", "write what it defines out", "the product"],
    "C28": ["Mathematica's brackets", "write Sum(…, (l, 1, L))"],
    "C30": ["numbered from the input here", "numbered from the output it would be right"],
    "C33": ["this is a recurrence", "asked is the closed form"],
    "C35": ["write the bounds as l=1 to L"],
    "C46": ["say which layers it runs over"],
    "E01": ["forward", "asked is r_{l−1} from r_l"],
    "E11": ["rubbish stands on one side of the equals sign"],
    "E14": ["asked is the other direction"],
    "W01": ["must stop before l", "a layer's stride", "does not widen its own field"],
    "W03": ["The unit itself is missing, + 1"],
    "W08": ["Kernels do not multiply"],
    "W10": ["Strides of different layers multiply"],
    "W18": ["d(k − 1), not d k − 1"],
    "W21": ["Padding does not change the width"],
    "W23": ["size of the output"],
    "W25": ["size of the output"],
    "W26": ["forward direction", "the stride multiplies r − 1"],
    "W31": ["Padding does not change the width"],
    "W36": ["d(k − 1) + 1 wide, not d k"],
}
STATUSES = {
    "proved": {"proved"},
    "wrong": {"wrong"},
    "wrong_or_refused": {"wrong", "unreadable"},
    "not_proved": {"wrong", "unreadable"},
    # Two of these can be read, which is better: one is right and one is a named mistake.
    "names_cure": {"unreadable"},
}
READ_INSTEAD = {"C43": "proved", "C30": "wrong"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_each_answer_gets_what_it_deserves(case):
    start = time.process_time()
    verdict = CHECKS[case["kind"]](case["answer"])
    assert time.process_time() - start < 1
    expected = STATUSES[case["expect"]] | {READ_INSTEAD.get(case["id"], "unreadable")}
    if case["expect"] in ("proved", "wrong") or case["id"] in READ_INSTEAD:
        expected = {READ_INSTEAD.get(case["id"], case["expect"])}
    assert verdict.status in expected, verdict
    for words in SAYS.get(case["id"], ()):
        assert words in verdict.message


def test_every_case_with_a_cure_or_a_mistake_is_held_to_it():
    told = {case["id"] for case in CASES if "cure" in case or "mistake" in case}
    assert told == set(SAYS) | {"C43"}


def test_refusals_are_one_sentence_each():
    for sentence in phrases("checker: refusals").values():
        assert ". " not in sentence and not sentence.endswith(".")
