"""Print the receptive fields of a network: ``python -m labkit.receptive_field VGG16``."""

import argparse
import importlib
import json
import os
import re
import shutil
import sys
import zipfile
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from labkit.tables import print_as_utf8
from labkit.words import did_you_mean, listed

_EXAMPLES = """examples:
  python -m labkit.receptive_field VGG16
  python -m labkit.receptive_field MobileNet --input-size 160 192
  python -m labkit.receptive_field MobileNet --changes
  python -m labkit.receptive_field VGG16 --layer block3_conv1 block3_pool
  python -m labkit.receptive_field VGG16 --csv > fields.csv
  python -m labkit.receptive_field ConvNeXtTiny --ignore normalization
  python -m labkit.receptive_field my_model.keras --plot fields.png
  python -m labkit.receptive_field my_model.keras --import my_layers
"""
#: Arguments of ``analyse`` and the options of this command that stand for them.
_OPTIONS = {
    "input_size": "--input-size",
    "input_name": "--input-name",
    "input_axes": "--input-axes",
    "of": "--of",
    "on": "--on",
}
#: What a message says to those who call ``analyse``, and what it says here.
_SAID_HERE = {
    "analyse(model, rules={name: rule})": "in Python, analyse(model, rules={name: rule})",
    "Say what its unit j reads along an axis, here": "Say in a module, and name it with --import, "
    "what its unit j reads along an axis, here",
}


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
        print(f"receptive_field: {_in_options(str(problem))}", file=sys.stderr)
        return 2
    return 0


def _in_options(message):
    """Name the command's options where a message names arguments of ``analyse``."""

    def option(found):
        name, value = _OPTIONS[found["name"]], found["value"]
        if value is None:
            return name
        is_tuple = value.startswith("(")
        return f"{name} {re.sub(r'[(),]', '', value) if is_tuple else value}"

    # The short words, of and on, are arguments where a value stands behind them.
    words = "|".join(name for name in _OPTIONS if "_" in name)
    value = r"""(?:=(?P<value>\([^)]*\)|'[^']*'|"[^"]*"|\d+))"""
    for phrase, here in _SAID_HERE.items():
        message = message.replace(phrase, here)
    names = rf"""{words}|o[fn](?==['"])"""
    return re.sub(rf"\b(?P<name>{names})\b{value}?", option, message)


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m labkit.receptive_field",
        description="Print the receptive field, effective stride, effective padding, centre and\n"
        "multiply-adds of every layer of a network. Nothing is trained or downloaded.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "model",
        help="a name of keras.applications, or a path to a .keras, .h5 or .json file",
    )
    parser.add_argument(
        "--input-size",
        type=int,
        nargs="+",
        metavar="N",
        help="positions along each spatial axis, one number for all (default: the network's "
        "own, or 224)",
    )
    parser.add_argument(
        "--input-name", metavar="NAME", help="which input to trace to, if the model has several"
    )
    parser.add_argument(
        "--input-axes",
        type=int,
        nargs="+",
        metavar="N",
        help="which dimensions of the input are spatial, batch = 0",
    )
    parser.add_argument("--of", metavar="NAME", help="analyse the layers up to this one alone")
    parser.add_argument(
        "--on", metavar="NAME", help="count units of this layer instead of input positions"
    )
    _add_rules(parser)
    _add_forms(parser)
    return parser


def _add_rules(parser):
    """Add the options that say what layers read."""
    parser.add_argument(
        "--ignore",
        action="extend",
        nargs="+",
        default=[],
        metavar="WHAT",
        help="leave out layers, so that each unit reads its own position alone: names of layers "
        "or of their classes, or attention, normalization, squeeze_excitation",
    )
    parser.add_argument(
        "--ignore-gates",
        action="append_const",
        dest="ignore",
        const="squeeze_excitation",
        help="leave squeeze-and-excitation out instead of counting it as the whole image",
    )
    parser.add_argument(
        "--import",
        nargs="+",
        default=[],
        dest="modules",
        metavar="MODULE",
        help="run Python modules of your own first: a saved model may use their layers, and the "
        "rules count that they give with register_rule",
    )


def _add_forms(parser):
    """Add the options that say what is shown, and how."""
    parser.add_argument(
        "--layer",
        nargs="+",
        metavar="NAME",
        help="show one layer, or those from a first to a last one",
    )
    parser.add_argument(
        "--changes", action="store_true", help="show layers that change nothing with the one before"
    )
    parser.add_argument(
        "--csv", action="store_true", help="print comma-separated values instead of a table"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--plot",
        "--figure",
        metavar="FILE",
        type=Path,
        help="also draw the field per layer",
    )


def _run(options):
    _check_form(options)
    if options.plot:
        _check_figure(options.plot)
    # Before Keras is imported: TensorFlow's log lines are no part of the answer.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    from labkit.receptive_field.analysis import analyse

    modules = [_imported(name) for name in options.modules]
    model, size = _model(options.model, options.input_size, modules)
    with _sentences():
        analysis = analyse(
            model,
            size,
            input_name=options.input_name,
            input_axes=options.input_axes and tuple(options.input_axes),
            ignore=options.ignore,
            of=options.of,
            on=options.on,
        )
        text = _written(analysis, options)
    try:
        # First: whoever reads what is printed may stop listening.
        if options.plot:
            _draw(analysis, options.plot)
    finally:
        print(text)
    if options.plot:
        # What is printed may be read by a program.
        said = sys.stderr if options.csv or options.json else sys.stdout
        print(f"\nwritten: {options.plot}", file=said)


def _check_form(options):
    """Refuse options that contradict each other."""
    if options.csv and options.json:
        raise ValueError("--csv and --json both say what to print: give one of them.")
    if (options.csv or options.json) and (options.layer or options.changes):
        raise ValueError(
            "--csv and --json print every layer: leave --layer and --changes out, or print a table."
        )
    if options.layer and len(options.layer) > 2:
        raise ValueError(
            f"--layer {' '.join(options.layer)} names {len(options.layer)} layers: give one, or "
            "the first and the last of those to show."
        )


def _written(analysis, options):
    """Write what was found as the options want it."""
    if options.csv:
        return analysis.to_csv().rstrip()
    if options.json:
        return analysis.to_json().rstrip()
    width = _width_of_the_terminal()
    table = analysis.table(*(options.layer or ()), changes=options.changes, width=width)
    return str(replace(table, notes=tuple(map(_in_options, table.notes))))


@contextmanager
def _sentences():
    """Turn the name of a layer that is not there into a request that cannot be met."""
    try:
        yield
    except KeyError as problem:
        raise ValueError(problem.args[0]) from None


def _width_of_the_terminal():
    """Return how many characters fit a line, ``None`` where no terminal shows them."""
    return max(shutil.get_terminal_size().columns, 40) if sys.stdout.isatty() else None


def _imported(name):
    """Run a module that the user names, and no other."""
    try:
        return importlib.import_module(name.removesuffix(".py"))
    except Exception as problem:
        said = " ".join(f"{type(problem).__name__}: {problem}".split())
        raise ValueError(f"--import {name}: the module cannot be run ({said}).") from problem


def _model(name, size, modules):
    """Return the network, and the size of input to analyse it at."""
    import keras

    path = Path(name)
    is_path = path.is_file() or bool({"/", os.sep, "."}.intersection(name))
    if is_path or (path.is_dir() and not hasattr(keras.applications, name)):
        return _load(path, modules), size and (size[0] if len(size) == 1 else tuple(size))
    return _build(name, size)


def _load(path, modules):
    import keras

    if path.is_dir():
        raise ValueError(f"{str(path)!r} is a folder: {_SAVE}.")
    if not path.is_file():
        raise ValueError(f"there is no file {str(path)!r}.")
    own = {
        name: value for module in modules for name, value in vars(module).items() if callable(value)
    }
    try:
        _import_layers_of_labkit(_config(path) or "")
        if path.suffix == ".json":
            model = keras.models.model_from_json(_config(path), own)
        else:
            model = keras.saving.load_model(path, custom_objects=own, compile=False)
    except Exception as problem:
        why = _why_not(path, problem, own)
        raise ValueError(f"Keras cannot load {str(path)!r}: {why}") from problem
    if not isinstance(model, keras.Model):
        raise ValueError(f"{str(path)!r} holds a {type(model).__name__} and no model: {_SAVE}.")
    return model


#: What Keras makes a file of that it can load.
_SAVE = "save the whole model to a file, model.save('my_model.keras')"


def _why_not(path, problem, known):
    """Say what to do where a model holds code of one's own, else what Keras says."""
    config = _config(path)
    if config is None:
        return f"it is damaged, or is no file of Keras: {_SAVE}."
    if config == "{}":
        return f"it holds no layers: {_SAVE}."
    layers, functions = (
        [name for name in names if name not in known] for names in _own_names(config)
    )
    if not layers and not functions:
        return (str(problem).strip() or "no reason given").splitlines()[0]
    if functions == [_LAMBDA]:
        return (
            "it holds a Python lambda, which Keras runs only for those who trust the file: call "
            "keras.config.enable_unsafe_deserialization() in a module, and name it, --import "
            "MODULE."
        )
    kinds = listed([*["layers"] * bool(layers), *["functions"] * bool(functions)])
    names = ", ".join([*layers, *functions])
    said = f"it holds {kinds} of your own, {names}: name the module that defines them, "
    said += "--import MODULE."
    if layers:
        said += (
            " What a layer reads that cannot be told from its call, "
            f"register_rule({layers[0]}, rule) says in that module."
        )
    return said


def _config(path):
    """Return what a saved model says of its layers, as JSON; ``None`` if it cannot be read."""
    try:
        config = _stored_config(path)
        json.loads(config)
    # Libraries say in many ways that a file is damaged.
    except Exception:
        return None
    return config


def _stored_config(path):
    import h5py

    if path.suffix == ".json":
        return path.read_text(encoding="utf-8")
    if h5py.is_hdf5(path):
        with h5py.File(path) as archive:
            return archive.attrs.get("model_config", "{}")
    with zipfile.ZipFile(path) as archive:
        return archive.read("config.json").decode()


#: What Keras calls a function that it saves as code.
_LAMBDA = "__lambda__"


def _own_names(config):
    """List the classes that a saved model names and Keras does not have, and the functions."""
    import keras

    places = (keras, keras.layers, keras.initializers, keras.regularizers, keras.constraints)
    classes, functions = {}, {}

    def note(entry):
        name, module = entry.get("class_name"), entry.get("module") or ""
        if name == "function":
            functions[str(entry.get("config")).split(">")[-1]] = True
        elif name == _LAMBDA:
            functions[name] = True
        # Older files do not say where a class comes from.
        elif name and not module.startswith(("keras", "builtins")):
            known = name == "Functional" or any(hasattr(place, name) for place in places)
            if "module" in entry or not known:
                classes[name] = True
        return entry

    json.loads(config, object_hook=note)
    return list(classes), list(functions)


def _import_layers_of_labkit(config):
    """Import what a saved model names of labkit: importing registers its layers with Keras."""
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
    # The last one would need LaTeX.
    known = FigureCanvasBase.get_supported_filetypes().keys() - {"pgf"}
    if path.suffix[1:].lower() not in known:
        raise ValueError(
            f"{path.name!r} has no ending of a picture: use one of {', '.join(sorted(known))}."
        )


def _draw(analysis, path):
    from labkit.receptive_field.analysis_table import write_whole
    from labkit.receptive_field.figures import plot_field_per_layer

    figure = plot_field_per_layer(analysis)
    kind = path.suffix[1:].lower()
    write_whole(path, lambda partial: figure.savefig(partial, format=kind, dpi=150))


if __name__ == "__main__":
    print_as_utf8()
    sys.exit(main())
