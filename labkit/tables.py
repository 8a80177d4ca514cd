"""Tables: aligned text for a terminal, accessible HTML for a notebook."""

from html import escape


def as_text(headings, rows, words=1, gap=2, rule=False):
    """Write a table as aligned text.

    Args:
        headings: Sequence of str, one a column.
        rows: Sequence of sequences of str, as long as the headings.
        words: How many columns at the left hold words; the others hold numbers, set to the right.
        gap: Blanks between columns.
        rule: Whether a line is drawn below the headings.

    Returns:
        Lines of text, without blanks at their ends.

    Example:
        >>> print(as_text(["layer", "size"], [["conv", "3"], ["pool", "12"]]))
        layer  size
        conv      3
        pool     12
    """
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    ruled = [["─" * width for width in widths]] if rule else []
    return "\n".join(_line(row, widths, words, gap) for row in [headings, *ruled, *rows])


def _line(cells, widths, words, gap):
    cells = [
        cell.ljust(width) if column < words else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return (" " * gap).join(cells).rstrip()


def as_html(headings, rows, caption=""):
    """Write a table as HTML in which every cell has a row's and a column's heading.

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
        <thead><tr><th scope="col">layer</th><th scope="col">size</th></tr></thead>
        <tbody>
        <tr><th scope="row">conv</th><td>3</td></tr>
        </tbody>
        </table>
    """
    above = [f"<caption>{escape(caption)}</caption>"] if caption else []
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    return "\n".join(
        [
            "<table>",
            *above,
            f"<thead><tr>{head}</tr></thead>",
            "<tbody>",
            *map(_html_row, rows),
            "</tbody>",
            "</table>",
        ]
    )


def _html_row(cells):
    first, *others = map(escape, cells)
    return f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{c}</td>" for c in others) + "</tr>"
