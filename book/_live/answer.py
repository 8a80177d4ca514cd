"""What Python does with an answer in the page: run the cell with it, and write what that shows."""

import ast
import io
import linecache
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from html import escape
from itertools import count
from types import FunctionType
from typing import Any

from labkit.language import phrase, use_language
from labkit.receptive_field.checker.drawing import drawing
from labkit.receptive_field.explorer import explorer, notation

_numbers = count(1)


class AnswerError(Exception):
    """Say in one sentence why an answer cannot be run."""


def shown(
    source: str, name: str, kind: str, answer: str, address: str, language: str = "en"
) -> str:
    """Run a cell with an answer in its blank.

    Args:
        source: the code of the cell without its blank, after the imports that it needs.
        name: the variable or function that is the blank.
        kind: ``"formula"``, ``"number"`` or ``"function"``: how the answer is written.
        answer: what the reader typed.
        address: the address of the explorer's page.
        language: the code of the page's language, in which labkit speaks from then on.

    Returns:
        HTML: what the cell prints and shows, with a drawing of each counter-example.
    """
    use_language(language)
    try:
        values = _run(source, name, _READINGS[kind](answer))
    except AnswerError as error:
        return f"<p>{escape(str(error))}</p>"
    except ModuleNotFoundError as error:
        return f"<p>{escape(phrase('live', 'missing', name=error.name))}</p>"
    return "\n".join(part for value in values for part in _parts(value, address))


def _formula(answer: str) -> str:
    return answer


def _number(answer: str) -> int | float:
    """Read a number; a comma may divide thousands or stand for the point."""
    plain = answer.translate({ord(c): None for c in "'’_ \u00a0\u202f"}).replace("−", "-")
    whole, *groups = plain.split(",")
    thousands = groups and whole.lstrip("+-").isdigit() and all(len(g) == 3 for g in groups)
    plain = plain.replace(",", "" if thousands else ".")
    try:
        number = float(plain)
        return int(number) if number == int(number) else number
    except (ValueError, OverflowError):
        raise AnswerError(phrase("questions", "unreadable")) from None


def _function(answer: str) -> FunctionType:
    """Define the functions of an answer and return the last one, with its source to be read."""
    file = f"<your answer {next(_numbers)}>"
    linecache.cache[file] = (len(answer), None, answer.splitlines(keepends=True), file)
    space: dict[str, Any] = {"__name__": "__main__"}
    try:
        exec(compile(answer, file, "exec"), space)
    except SyntaxError as error:
        unread = phrase("live", "unread", line=error.lineno, reason=error.msg)
        raise AnswerError(unread) from None
    except ModuleNotFoundError:
        raise
    except (Exception, SystemExit) as error:
        stops = phrase("live", "stops", error=f"{type(error).__name__}: {error}")
        raise AnswerError(stops) from None
    functions = [value for value in space.values() if isinstance(value, FunctionType)]
    if not functions:
        raise AnswerError(phrase("live", "no_function"))
    return functions[-1]


_READINGS = {"formula": _formula, "number": _number, "function": _function}


def _run(source: str, name: str, answer: Any) -> list[Any]:
    """Return what a cell prints, as text, and what it shows, as it is."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    values: list[Any] = []
    space = {"__name__": "__main__", name: answer, "display": values.append}
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(tree, "<cell>", "exec"), space)
        if last:
            values.append(eval(compile(ast.Expression(last.value), "<cell>", "eval"), space))
    return [text for text in [printed.getvalue().strip()] if text] + [
        value for value in values if value is not None
    ]


def _parts(value: Any, address: str) -> Iterator[str]:
    if isinstance(value, str):
        yield f"<p>{escape(value)}</p>"
        return
    shows_itself = getattr(value, "_repr_html_", None)
    yield shows_itself() if shows_itself else f"<pre>{escape(repr(value))}</pre>"
    example = getattr(value, "counter_example", None)
    if example is not None:
        yield drawing(example)
        with suppress(ValueError):  # Networks beyond the explorer's limits.
            network = notation(explorer(example.layers).layers)
            link = f"{address}#network={network}"
            yield f'<p><a href="{link}">{escape(phrase("live", "explore"))}</a></p>'
