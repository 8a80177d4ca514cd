"""Read a student's text in the notation of Python into formulas, without running it."""

import ast
import re
import warnings
from collections.abc import Callable

from labkit.receptive_field.checker.formula import Node
from labkit.receptive_field.checker.python_expressions import ExpressionReader
from labkit.receptive_field.checker.tokens import Cleaned
from labkit.receptive_field.checker.translation import translated_program
from labkit.receptive_field.checker.wording import refused

_PYTHON = re.compile(
    r"\b(?:def|lambda|len|range|enumerate|zip|reversed|import|while)\b|\bfor\b.*\bin\b"
    r"|[A-Za-z]\[[^\]]*:[^\]]*\]|\b(?:sum|prod)\s*\(\s*[A-Za-z_]+\s*\)",
    re.DOTALL,
)


def is_python(text: str) -> bool:
    """Tell whether a text is written in Python rather than in the notation of mathematics."""
    return bool(_PYTHON.search(text))


def read_python(text: Cleaned, one_layer: bool, counts_from: int) -> tuple[Node, ...]:
    """Read the sides of an equation, or a single formula, from Python that is never run.

    Args:
        text: an expression, an assignment, a ``lambda``, or a ``def`` with a ``return``.
        one_layer: whether it speaks of one layer, in a recurrence.
        counts_from: the number of the first layer in it, 0 or 1.

    Returns:
        The sides; layers are counted from 1 in them, and letters are the text's own.

    Raises:
        UnreadableError: with the reason and the place.
    """
    source, places = _in_ascii(text)
    statement = _parsed(source, places)
    offset = _offsets(source, places)
    if counts_from and not one_layer and _counts_by_itself(statement):
        raise refused("program", places[0])
    reader = ExpressionReader(one_layer, counts_from, offsets=offset)
    match statement:
        case ast.Expr(ast.Lambda(_, body)) | ast.Expr(body) | ast.Return(body):
            return (reader.node(body),)
        case ast.FunctionDef(body=[ast.Return(ast.expr() as body)]):
            return (reader.node(body),)
        case ast.Assign([ast.Name()], ast.Lambda(_, body)):
            return (reader.node(body),)
        case ast.Assign(targets, body):
            return tuple(map(reader.node, (*targets, body)))
        case ast.FunctionDef():
            return (translated_program(statement, one_layer, offset),)
    raise refused("program", places[0])


def _counts_by_itself(statement: ast.stmt) -> bool:
    """Tell whether lists count from 0 whatever is meant: in programs, in parts, in enumerate."""
    own = ast.Lambda | ast.FunctionDef | ast.Slice
    return any(
        isinstance(node, own) or (isinstance(node, ast.Name) and node.id == "enumerate")
        for node in ast.walk(statement)
    )


def _parsed(source: str, places: tuple[int, ...]) -> ast.stmt:
    """Parse one statement; as if typed at a prompt, because Python looks for files otherwise."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (statement,) = ast.parse(f"{source}\n\n", mode="single").body
    except SyntaxError as error:
        if "multiple statements" in error.msg:
            raise refused("program", places[0]) from None
        at = _offset_of(source, error.lineno or 1, (error.offset or 1) - 1)
        raise refused("python", places[min(at, len(places) - 1)], reason=error.msg) from None
    except (ValueError, MemoryError, RecursionError):
        raise refused("program", places[0]) from None
    return statement


def _in_ascii(text: Cleaned) -> tuple[str, tuple[int, ...]]:
    """Write powers as Python does, and drop what stands around a program."""
    characters, places = [], []
    for character, place in zip(text.text, text.places, strict=False):
        plain = {"^": "**", "∏": "prod", "Σ": "sum"}.get(character, character)
        characters += plain
        places += [place] * len(plain)
    source = "".join(characters)
    blank = len(source) - len(source.lstrip())
    return source.strip().rstrip(".;"), (*places[blank:], text.places[-1])


def _offset_of(source: str, line: int, column: int) -> int:
    return sum(len(text) for text in source.splitlines(keepends=True)[: line - 1]) + column


def _offsets(source: str, places: tuple[int, ...]) -> Callable[[ast.AST], int | None]:
    """Return a function from a node to its place in the student's text."""

    def offset(tree: ast.AST) -> int | None:
        if not hasattr(tree, "lineno"):
            return None
        line = source.splitlines()[tree.lineno - 1]
        column = len(line.encode()[: tree.col_offset].decode(errors="ignore"))
        return places[min(_offset_of(source, tree.lineno, column), len(places) - 1)]

    return offset
