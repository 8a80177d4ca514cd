"""Tables: aligned text for a terminal, accessible HTML for a notebook, CSV for a file."""

import io
import re
import sys
from html import escape

#: How a cell begins that holds a number.
_NUMBER = re.compile(r"[-−+±≥≤<>]?\d")
#: Notebooks set cells to the right, as numbers want it.
_WORDS = ' style="text-align: left"'


def as_text(headings, rows, words=1, gap=2, rule=False, width=None):
    """Write a table as aligned text.

    Args:
        headings: Sequence of str, one a column.
        rows: Sequence of sequences of str, as long as the headings.
        words: How many columns at the left hold words; the others hold numbers, set to the right.
        gap: Blanks between columns.
        rule: Whether a line is drawn below the headings.
        width: Most characters in a line. What does not fit stands in further tables below, each
            with the first column again, whose words break where they are too long; ``None``: any.

    Returns:
        Lines of text, without blanks at their ends.

    Example:
        >>> print(as_text(["layer", "size"], [["conv", "3"], ["pool", "12"]]))
        layer  size
        conv      3
        pool     12
        >>> print(as_text(["layer", "size", "stride"], [["pooling_1", "12", "2"]], width=12))
        layer   size
        poolin    12
        g_1
        <BLANKLINE>
        layer  stride
        pooli       2
        ng_1
    """
    lines = [headings, *rows]
    widths = _widths(lines)
    if width is None or sum(widths) + gap * (len(widths) - 1) <= width:
        return _one_text(lines, words, gap, rule)
    parts = _parts(lines, widths, gap, width)
    return "\n\n".join(_one_text(part, 1, gap, rule) for part in parts)


def _widths(lines):
    return [max(map(len, column)) for column in zip(*lines, strict=True)]


def _one_text(lines, words, gap, rule):
    widths = _widths(lines)
    ruled = [["─" * width for width in widths]] if rule else []
    return "\n".join(_line(row, widths, words, gap) for row in [lines[0], *ruled, *lines[1:]])


def _parts(lines, widths, gap, width):
    """Share the columns out among tables that fit, each with the first column."""
    most = min(widths[0], width // 2)
    parts, room = [[]], width - most
    for column in range(1, len(widths)):
        if parts[-1] and gap + widths[column] > room:
            parts.append([])
            room = width - most
        parts[-1].append(column)
        room -= gap + widths[column]
    for columns in parts:
        left = width - sum(gap + widths[column] for column in columns)
        first = max(min(most, left), len(lines[0][0]))
        yield [row for line in lines for row in _broken(line, columns, first)]


def _broken(line, columns, most):
    """Write the chosen cells behind the first one, which takes as many lines as it needs."""
    name = line[0]
    pieces = [name[at : at + most] for at in range(0, len(name), most)] or [""]
    yield [pieces[0], *(line[column] for column in columns)]
    for piece in pieces[1:]:
        yield [piece, *([""] * len(columns))]


def _line(cells, widths, words, gap):
    cells = [
        cell.ljust(width) if column < words else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return (" " * gap).join(cells).rstrip()


def as_html(headings, rows, caption=""):
    """Write a table as HTML in which every cell has a row's and a column's heading.

    Columns without a number are set to the left.

    Args:
        headings: Sequence of str, one a column.
        rows: Sequence of sequences of str, as long as the headings; the first names its row.
        caption: What the table shows, or "".

    Returns:
        One ``<table>``, its text escaped.

    Example:
        >>> print(as_html(["layer", "size"], [["conv", "3"]], "Fields"))
        <table>
        <caption>Fields</caption>
        <thead><tr><th scope="col" style="text-align: left">layer</th>...</tr></thead>
        <tbody>
        <tr><th scope="row" style="text-align: left">conv</th><td>3</td></tr>
        </tbody>
        </table>
    """
    above = [f"<caption>{escape(caption)}</caption>"] if caption else []
    rows = [list(row) for row in rows]
    looks = [_look([row[column] for row in rows]) for column in range(len(headings))]
    cells = zip(looks, headings, strict=True)
    head = "".join(f'<th scope="col"{look}>{escape(heading)}</th>' for look, heading in cells)
    return "\n".join(
        [
            "<table>",
            *above,
            f"<thead><tr>{head}</tr></thead>",
            "<tbody>",
            *(_html_row(row, looks) for row in rows),
            "</tbody>",
            "</table>",
        ]
    )


def _look(cells):
    """Return what sets a column of words to the left; one with a number stays as it is."""
    return "" if any(map(_NUMBER.match, cells)) else _WORDS


def _html_row(cells, looks):
    first, *others = map(escape, cells)
    columns = zip(looks[1:], others, strict=True)
    others = "".join(f"<td{look}>{cell}</td>" for look, cell in columns)
    return f'<tr><th scope="row"{looks[0]}>{first}</th>{others}</tr>'


def as_csv(rows):
    """Write rows as the text of a CSV file, with a line feed alone at the end of each.

    Args:
        rows: Iterable of sequences, the headings first.

    Returns:
        One str.

    Example:
        >>> as_csv([("id", "breed"), ("7f", "pug, grey")])
        'id,breed\\n7f,"pug, grey"\\n'
    """
    # Python in a page has no such module, and reads this file all the same.
    import csv

    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def print_as_utf8():
    """Let what is printed be UTF-8, whatever the locale: tables and formulas have ─ and ≥.

    Windows would write a redirected command's output in a code page without them, and stop
    there. A notebook's stream takes all letters and stays.

    Example:
        >>> print_as_utf8()
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
