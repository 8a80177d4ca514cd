"""A counter-example as a drawing for the page: who reads whom, and both widths under it."""

from collections.abc import Iterator, Sequence
from html import escape

from labkit.receptive_field.checker.verdict import CounterExample
from labkit.receptive_field.checker.wording import said
from labkit.receptive_field.layers import Layer

_MOST_LAYERS = 6
_MOST_POSITIONS = 40
_STEP, _ROW, _RADIUS, _MARGIN, _LABEL = 26, 54, 7, 12, 96


def drawing(example: CounterExample) -> str:
    """Draw the network of a counter-example: its units, what they read, and the two widths.

    Args:
        example: a counter-example, such as :class:`Verdict` has.

    Returns:
        An SVG element with its description; empty where the network is too large to draw.

    Example:
        >>> from labkit.receptive_field import check_recurrence
        >>> drawing(check_recurrence("s*r + k").counter_example)[:41]
        '<svg class="counter-example" role="img" a'
    """
    widths = [(name, width) for name, width in _widths(example) if width]
    widest = max(width for _, width in widths)
    if len(example.layers) > _MOST_LAYERS or widest > _MOST_POSITIONS:
        return ""
    rows = _rows(example.layers, dict(example.values).get("r", 1))
    bottom = len(example.layers) * _ROW + 2 * _MARGIN
    size = (widest * _STEP + _LABEL, bottom + 22 * len(widths) + _MARGIN)
    bars = "".join(_bar(*bar, bottom + 22 * row) for row, bar in enumerate(widths, start=1))
    label = escape(said("drawn", example=example))
    return (
        f'<svg class="counter-example" role="img" aria-label="{label}" '
        f'viewBox="0 0 {size[0]} {size[1]}" width="{size[0]}" height="{size[1]}" '
        f'font-size="13" fill="none" stroke="currentColor">'
        f"{''.join(_lines(example.layers, rows))}{''.join(_units(rows))}{bars}</svg>"
    )


def _widths(example: CounterExample) -> Iterator[tuple[str, int]]:
    """Yield each width that can be drawn, with its name: the true one, and the answer's."""
    yield said("the truth"), example.truth
    yours = example.yours
    if isinstance(yours, int) and 0 < yours <= _MOST_POSITIONS:
        yield said("yours"), yours


def _rows(layers: Sequence[Layer], units: int) -> list[dict[int, tuple[float, bool]]]:
    """Return for the input and each layer its units: where they stand, and whether they count."""
    read = [set(range(units))]
    for layer in reversed(layers):
        read.append({place for unit in read[-1] for place in _taps(layer, unit)})
    rows, step, start = [], 1, 0.0
    for counted, layer in zip(reversed(read), [*layers, None], strict=True):
        rows.append({j: (start + step * j, j in counted) for j in range(max(counted) + 1)})
        if layer:
            start += step * layer.dilation * (layer.kernel - 1) / 2
            step *= layer.stride
    return rows


def _taps(layer: Layer, unit: int) -> Iterator[int]:
    return (layer.stride * unit + layer.dilation * tap for tap in range(layer.kernel))


def _place(rows: list[dict[int, tuple[float, bool]]], row: int, unit: int) -> tuple[float, float]:
    """Return where a unit is drawn; the input is the lowest row."""
    return _x(rows[row][unit][0]), (len(rows) - 1 - row) * _ROW + _MARGIN


def _x(position: float) -> float:
    return position * _STEP + _MARGIN


def _lines(layers: Sequence[Layer], rows: list[dict[int, tuple[float, bool]]]) -> Iterator[str]:
    """Draw a line from each unit that counts to each that it reads."""
    for row, layer in enumerate(layers, start=1):
        for unit in (unit for unit, (_, counted) in rows[row].items() if counted):
            for tap in _taps(layer, unit):
                (x, y), (to_x, to_y) = _place(rows, row, unit), _place(rows, row - 1, tap)
                yield f'<path d="M{x:g} {y:g}L{to_x:g} {to_y:g}" stroke-opacity="0.4"/>'


def _units(rows: list[dict[int, tuple[float, bool]]]) -> Iterator[str]:
    """Draw each unit, filled where it counts."""
    for row, units in enumerate(rows):
        colour = "#d55e00" if row == len(rows) - 1 else "#0072b2"
        for unit, (_, counted) in units.items():
            x, y = _place(rows, row, unit)
            look = f'fill="{colour}" stroke="{colour}"' if counted else 'stroke="#808080"'
            yield f'<circle cx="{x:g}" cy="{y:g}" r="{_RADIUS}" {look}/>'


def _bar(name: str, width: int, y: float) -> str:
    """Draw a width under the input, from the first position on."""
    left, right = _x(0) - _RADIUS, _x(width - 1) + _RADIUS
    return (
        f'<path d="M{left:g} {y - 4:g}v8M{left:g} {y:g}H{right:g}m0 -4v8"/>'
        f'<text x="{right + 6:g}" y="{y + 4:g}" fill="currentColor" stroke="none">'
        f"{name}: {width}</text>"
    )
