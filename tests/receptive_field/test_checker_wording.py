import ast
from pathlib import Path

from labkit.language import phrases
from labkit.receptive_field.checker import check, networks, wording

SOURCES = {
    path.name: ast.parse(path.read_text(encoding="utf-8"))
    for path in Path(wording.__file__).parent.glob("*.py")
    if path.name != "wording.py"
}
# Errors whose text a student may see; CannotProveError never leaves the checker.
SHOWN = {"UnreadableError", "UndefinedError", "TooCostlyError", "StoppedError"}


def _calls(names):
    for source in SOURCES.values():
        for node in ast.walk(source):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in names:
                    yield node


def _literals(nodes):
    for node in nodes:
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield part.value


def _unsaid(nodes):
    """Leave out what is looked up in the catalogue, by the names of phrases."""
    return [node for node in nodes if getattr(getattr(node, "func", 0), "id", "") != "said"]


def test_no_sentence_stands_elsewhere():
    first = [call for call in _calls(SHOWN) if list(_literals(_unsaid(call.args[:1])))]
    second = [c for c in _calls({"Verdict", "_said"}) if list(_literals(_unsaid(c.args[1:2])))]
    assert not [call.lineno for call in [*first, *second]]


def test_every_refusal_has_its_sentence_and_every_sentence_is_said():
    said = set(_literals(SOURCES.values()))
    refusals, parts = phrases("checker: refusals"), phrases("checker: parts")
    for kind in _literals(call.args[0] for call in _calls({"refused"})):
        assert kind in refusals, kind
    for kind in _literals(call.args[1] for call in _calls({"refusal"})):
        assert kind in parts, kind
    # A mark that does not fit, such as a dot, names its sentence itself.
    assert {*refusals, *parts} <= said | {"dots", "∈", "'", "."}


def test_every_condition_has_its_phrase_and_its_hint():
    named = {condition.name for condition in networks.CONDITIONS}
    assert named == set(phrases("checker: conditions"))
    assert {condition.hint for condition in networks.CONDITIONS} <= {"", *check._TERMS}
