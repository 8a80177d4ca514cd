"""An analysis as a file: comma-separated values, JSON, a data frame."""

import csv
import io
import json

from labkit.files import in_a_sentence, replacing


def as_csv(analysis):
    """Write the rows of an :class:`~labkit.receptive_field.analysis_result.Analysis` as CSV."""
    rows = analysis.rows()
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_json(analysis):
    """Write the model's name, sizes, outputs and rows as JSON."""
    content = {
        "model": analysis.model_name,
        "input_size": dict(zip(analysis.axis_names, analysis.input_size, strict=True)),
        "outputs": analysis.outputs,
        "operations": analysis.operations,
        "layers": analysis.rows(),
    }
    return json.dumps(content, indent=2) + "\n"


def as_dataframe(analysis):
    """Return the rows as a ``pandas.DataFrame``."""
    try:
        import pandas
    except ImportError as problem:
        raise ImportError(
            "A data frame needs pandas: pip install pandas, or take analysis.rows()."
        ) from problem
    return pandas.DataFrame(analysis.rows())


def written(text, path):
    """Write a text to a file whole; return it where there is no path."""
    if path is None:
        return text
    return write_whole(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def write_whole(path, write):
    """Let ``write``, a function of a path, write a file that is there when it is whole.

    Raises:
        OSError: if it cannot be written; one that was there stays as it was.
    """
    try:
        with replacing(path) as partial:
            write(partial)
    except OSError as error:
        problem = f"{str(path)!r} cannot be written"
        raise in_a_sentence(error, problem, "choose a folder that may be written to") from error
