"""Published networks: what ``analyse`` finds is what papers state and what an oracle counts."""

import pytest
from gallery import FAMILIES, NETWORKS
from reaching_positions import positions_of, written_out

from labkit.receptive_field.analysis import analyse

pytestmark = pytest.mark.usefixtures("undrawn_weights")

#: Phases beyond these are not looked at one by one.
MOST_PHASES = 32

networks = pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)


def analysed(network):
    """Return the model, the sizes of its input and what ``analyse`` says of its output."""
    model = network.build()
    known = model.inputs[0].shape[1:-1]
    given = network.input_size
    sizes = given if isinstance(given, tuple) else (given,) * len(known)
    gates = "whole image" if network.gates else "ignore"
    return model, sizes, analyse(model, sizes, squeeze_excitation=gates)


@networks
def test_analyse_finds_the_number_and_the_oracle_counts_it(network):
    model, sizes, result = analysed(network)
    assert result.final.size == network.size
    assert result.final.effective_stride == network.stride
    script = written_out(model, sizes)
    widest = [0] * len(sizes)
    for unit in units_in_the_middle(result.final):
        gates = "whole image" if network.gates else "ignore"
        counted = positions_of(script, unit=unit, squeeze_excitation=gates)
        ends = [(positions[0], positions[-1]) for positions in counted]
        axes = zip(result.final.axes, unit, strict=True)
        assert ends == [axis.input_range(place) for axis, place in axes]
        widest = [max(w, last - first + 1) for w, (first, last) in zip(widest, ends, strict=True)]
    assert tuple(widest) == as_tuple(network.size, len(sizes))


def units_in_the_middle(final):
    """List neighbours along the diagonal, one for each phase in which fields may differ."""
    phases = max(len(axis.sizes_by_phase) for axis in final.axes)
    middle = [axis.output_size // 2 for axis in final.axes]
    return [tuple(m + step for m in middle) for step in range(min(phases, MOST_PHASES))]


def as_tuple(value, count):
    return value if isinstance(value, tuple) else (value,) * count


@networks
def test_the_number_is_the_published_one_or_it_is_said_why_not(network):
    same = network.published is None or network.as_published == network.published
    assert same or network.why
    assert network.source.startswith("https://") and 1990 < network.year < 2030


@pytest.mark.parametrize(
    "network", [n for n in NETWORKS if n.output_sizes], ids=lambda network: network.name
)
def test_the_output_is_as_large_as_the_paper_says(network):
    size, made = network.output_sizes
    final = analyse(network.build(), size).final
    assert final.output_size == made


def test_the_gallery_holds_what_it_should():
    names = [network.name for network in NETWORKS]
    assert len(set(names)) == len(names) >= 40
    assert sum(network.published is not None for network in NETWORKS) >= 25
    assert all(FAMILIES.values())
