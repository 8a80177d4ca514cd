"""Print the receptive fields of a network: ``python -m labkit.receptive_field VGG16``."""

import argparse
import importlib
import os
import re
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

from labkit.files import in_a_sentence, replacing
from labkit.words import did_you_mean

_EXAMPLES = """examples:
  python -m labkit.receptive_field VGG16
  python -m labkit.receptive_field MobileNet --input-size 160 192
  python -m labkit.receptive_field my_model.keras --figure fields.png
"""


def main(arguments=None):
    """Run the command.

    Args:
        arguments: list of words after the command's name; default: those of the process.

    Returns:
        The exit code: 0, or 2 if the request cannot be met.
    """
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except BrokenPipeError:
        # The reader, such as head, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError) as problem:
        print(f"receptive_field: {problem}", file=sys.stderr)
        return 2
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m labkit.receptive_field",
        description="Print the receptive field, effective stride, effective padding and centre "
        "of every layer of a network. Nothing is trained or downloaded.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="a name of keras.applications, or a path to a .keras file")
    parser.add_argument(
        "--input-size",
        type=int,
        nargs="+",
        metavar="N",
        help="positions along each spatial axis, one number for all (default: the network's "
        "own, or 224)",
    )
    parser.add_argument(
        "--ignore-gates",
        action="store_true",
        help="leave squeeze-and-excitation out instead of counting it as the whole image",
    )
    parser.add_argument("--figure", metavar="FILE", type=Path, help="also draw the field per layer")
    return parser


def _run(options):
    if options.figure:
        _check_figure(options.figure)
    # Before Keras is imported: TensorFlow's log lines are no part of the answer.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    from labkit.receptive_field.analysis import analyse

    model, size = _model(options.model, options.input_size)
    gates = "ignore" if options.ignore_gates else "whole image"
    analysis = analyse(model, size, squeeze_excitation=gates)
    print(analysis)
    if options.figure:
        _draw(analysis, options.figure)


def _model(name, size):
    """Return the network, and the size of input to analyse it at."""
    path = Path(name)
    if path.suffix in (".keras", ".h5") or path.is_file():
        return _load(path), size and (size[0] if len(size) == 1 else tuple(size))
    return _build(name, size)


def _load(path):
    import keras

    if not path.is_file():
        raise ValueError(f"there is no file {str(path)!r}.")
    try:
        _import_layers_of_labkit(path)
        return keras.saving.load_model(path, compile=False)
    except Exception as problem:
        reason = (str(problem).strip() or "no reason given").splitlines()[0]
        raise ValueError(
            f"Keras cannot load {str(path)!r}: {reason} If it holds layers of your own, call "
            "labkit.receptive_field.analyse(model) from Python instead."
        ) from problem


def _import_layers_of_labkit(path):
    """Import what a saved model names of labkit: importing registers its layers with Keras."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        names = {"config.json"} & set(archive.namelist())
        config = "".join(archive.read(name).decode(errors="replace") for name in names)
    for module in sorted(set(re.findall(r'"module": "(labkit\.[\w.]+)"', config))):
        with suppress(ImportError):
            importlib.import_module(module)


def _build(name, size):
    """Build a network of keras.applications without weights and without its head."""
    import keras

    builders = {
        known: value
        for known, value in vars(keras.applications).items()
        if known[0].isupper() and callable(value)
    }
    if name not in builders:
        hint = did_you_mean(name, builders) or f"; there are {', '.join(builders)}"
        raise ValueError(f"keras.applications has no network {name!r}{hint}.")
    given = size or [331 if name == "NASNetLarge" else 224]
    if len(given) > 2 or min(given) < 1:
        raise ValueError(
            f"--input-size {' '.join(map(str, given))} does not fit {name}: give one or two "
            "positive numbers."
        )
    size = (given[0], given[-1])
    try:
        model = builders[name](weights=None, include_top=False, input_shape=(*size, 3))
    except ValueError as problem:
        raise ValueError(f"{name} cannot be built for input {size}: {problem}") from problem
    return model, None


def _check_figure(path):
    """Refuse before the work what would fail after it."""
    import matplotlib
    from matplotlib.backend_bases import FigureCanvasBase

    matplotlib.use("Agg")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {str(path.parent)!r} to write {path.name!r} into.")
    known = FigureCanvasBase.get_supported_filetypes()
    if path.suffix[1:].lower() not in known:
        raise ValueError(
            f"{path.name!r} has no ending of a picture: use one of {', '.join(known)}."
        )


def _draw(analysis, path):
    from labkit.receptive_field.figures import plot_field_per_layer

    figure = plot_field_per_layer(analysis)
    try:
        with replacing(path) as partial:
            figure.savefig(partial, format=path.suffix[1:].lower(), dpi=150)
    except OSError as error:
        problem = f"{str(path)!r} cannot be written"
        raise in_a_sentence(error, problem, "choose a folder that may be written to") from error
    print(f"\nwritten: {path}")


if __name__ == "__main__":
    sys.exit(main())
