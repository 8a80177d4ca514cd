"""The picture that stands for a page where no script runs."""

import io

import matplotlib.pyplot as plt

from labkit.figure_style import VERMILION, WIDTH, figure_style

#: Maps shown, in rows of as many.
_MAPS, _COLUMNS = 16, 8


def draw_still(data, picture, answers):
    """Draw one dog with the field of one unit, and the first maps of that unit's layer.

    Args:
        data: the networks as :func:`labkit.dog_breeds.inside.look_inside` describes them.
        picture: uint8 ``(height, width, 3)``.
        answers: dict from the networks' names to the values behind each layer, for all pictures,
            this one first.

    Returns:
        The bytes of a WebP.
    """
    network = data["networks"][-1]
    number = _shown_layer(network["layers"])
    layer, values = network["layers"][number], answers[network["name"]][number][0]
    shown = min(_MAPS, values.shape[-1])
    with figure_style():
        figure = plt.figure(figsize=(WIDTH, 2.6))
        left, right = figure.subfigures(1, 2, width_ratios=(1, 2))
        _draw_dog(left.subplots(), picture, layer, values.shape)
        panels = right.subplots(-(-_MAPS // _COLUMNS), _COLUMNS).flat
        for n, axes in enumerate(panels):
            axes.axis("off")
            if n < shown:
                axes.imshow(values[..., n], cmap="gray")
        right.suptitle(f"{layer['name']}, {network['name']}", fontsize=12)
        return as_webp(figure)


def as_webp(figure):
    """Write a figure as WebP, and close it.

    Args:
        figure: a ``matplotlib.figure.Figure``.

    Returns:
        The bytes.
    """
    file = io.BytesIO()
    with figure_style():
        figure.savefig(file, format="webp", dpi=100, pil_kwargs={"quality": 60})
    plt.close(figure)
    return file.getvalue()


def _shown_layer(layers):
    """Choose the middle one of the layers that still have maps with a field."""
    spatial = [n for n, layer in enumerate(layers) if len(layer["shape"]) == 3]
    return spatial[len(spatial) // 2]


def _draw_dog(axes, picture, layer, shape):
    axes.imshow(picture)
    axes.axis("off")
    field = layer["field"]
    if field is None:
        return
    corner = [field["stride"] * (side // 2) - field["padding"] - 0.5 for side in shape[1::-1]]
    box = plt.Rectangle(corner, field["size"], field["size"], fill=False, ec=VERMILION, lw=3)
    axes.add_patch(box)
