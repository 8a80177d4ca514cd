"""Run the lab's training without a notebook: ``python -m labkit.dog_breeds.run --out FOLDER``."""

import argparse
import ast
import sys

import labkit
from labkit.dog_breeds.run import Plan, read_record, run
from labkit.dog_breeds.run.facts import command_line, without_folders
from labkit.dog_breeds.run.records import STAGES
from labkit.tables import as_text, print_as_utf8

_EXAMPLES = """examples:
  python -m labkit.dog_breeds.run --out results/drawn
  python -m labkit.dog_breeds.run --data dogs.zip --setting photographs --out results/vgg16
  python -m labkit.dog_breeds.run --data dogs.zip --setting photographs --out results/mobilenet \\
      --stages head fine_tuning --set base=mobilenet --set "base_options={'alpha': 0.75}" \\
      --set weights=mobilenet_0.75_224_notop.weights.h5
  python -m labkit.dog_breeds.run --data dogs.zip --setting photographs --out results/plain \\
      --stages head --set base=mobilenet --set "augmentation={}" --cached-features --seeds 1 2 3
"""

_SWITCHES = {
    "--cached-features": "compute the frozen base's features once; for pictures without "
    "augmentation",
    "--unfrozen": "train base and head together from the start, to see why one freezes",
    "--keep": "put the trained networks beside the record, as .keras files",
}


def main(arguments=None):
    """Run the command.

    Args:
        arguments: list of words after the command's name; default: those of the process.

    Returns:
        The exit code: 0, or 2 if the request cannot be met.

    Example:
        >>> main(["--out", "."])
        2
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(words)
    command = f"python -m labkit.dog_breeds.run {command_line(map(without_folders, words))}"
    try:
        settings = _settings_of(options)
        plan = Plan(
            tuple(options.stages),
            tuple(options.seeds or [settings.seed]),
            options.preprocessing,
            options.cached_features,
            options.unfrozen,
        )
        data = settings.source if options.data is None else options.data
        before = None if options.compare is None else read_record(options.compare)
        record = run(data, settings, options.out, plan, command, keep=options.keep)
    except (ValueError, OSError, MemoryError, ImportError) as problem:
        print(f"run: {problem}", file=sys.stderr)
        return 2
    print(summary(record, before))
    print(f"Recorded in {options.out}.")
    return 0


def summary(record, before=None):
    """Write what a run reached as a table, beside an earlier run if there is one.

    Args:
        record: a :class:`labkit.dog_breeds.run.Record`.
        before: another to compare with, or ``None``.

    Returns:
        Lines of text: accuracies of the finished networks, and minutes.
    """
    columns = ["stage", "seed", "training", "validation", "top 5", "minutes"]
    if before is not None:
        columns.append("before")
        earlier = {(s["stage"], s["seed"]): _accuracies(s)[1] for s in before.facts["stages"]}
    rows = []
    for s in record.facts["stages"]:
        minutes = f"{s['seconds'] / 60:.1f}"
        rows.append([s["stage"], str(s["seed"]), *_accuracies(s), minutes])
        if before is not None:
            rows[-1].append(earlier.get((s["stage"], s["seed"]), "–"))
    return as_text(columns, rows)


def _accuracies(stage):
    names = ("training_accuracy", "validation_accuracy", "validation_top5_accuracy")
    return [f"{stage[name]:.3f}" for name in names]


def _settings_of(options):
    """Return the lab's settings with the changes that the command line asks for."""
    changes = dict(map(_parse_change, options.set))
    if options.directory is not None:
        changes["directory"] = options.directory
    if options.sorted is not None:
        changes["sorted_directory"] = options.sorted
    return labkit.load_settings(options.setting).replace(**changes)


def _parse_change(text):
    """Turn ``NAME=VALUE`` into a pair; the value is a Python literal or else text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set {text} has no '=': write --set NAME=VALUE, e.g. batch_size=16.")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m labkit.dog_breeds.run",
        description="Run the training of lab 1 and record what came out and what it cost. A run "
        "that was interrupted goes on when it is called again.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", required=True, help="folder to write the record into; a new one")
    parser.add_argument(
        "--data", help="archive, folder or source of the pictures, as fetch takes it"
    )
    parser.add_argument(
        "--setting", help="drawn or photographs (default: LABKIT_SETTINGS, or drawn)"
    )
    parser.add_argument("--stages", nargs="+", default=STAGES, metavar="STAGE", choices=STAGES)
    parser.add_argument("--seeds", nargs="+", type=int, metavar="N", help="one repetition for each")
    parser.add_argument("--preprocessing", default="own", choices=("own", "none"))
    parser.add_argument("--directory", help="folder that receives the pictures")
    parser.add_argument(
        "--sorted",
        metavar="FOLDER",
        help="folder that receives them sorted, where their own is read-only",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change one of the settings; may be repeated",
    )
    for switch, meaning in _SWITCHES.items():
        parser.add_argument(switch, action="store_true", help=meaning)
    parser.add_argument("--compare", metavar="RECORD", help="an earlier record to print beside")
    return parser


if __name__ == "__main__":
    print_as_utf8()
    sys.exit(main())
