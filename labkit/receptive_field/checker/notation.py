"""Which letters, names, signs and LaTeX commands the checker reads, and as what: a table."""

import json
from collections.abc import Mapping
from importlib.resources import files

NOTATION = json.loads(files(__package__).joinpath("notation.json").read_text(encoding="utf-8"))


def by_spelling(section: str) -> Mapping[str, str]:
    """Return what each spelling in a section of the table is read as.

    Args:
        section: one whose entries have all spellings of one meaning, with spaces between them.

    Example:
        >>> by_spelling("kinds of tokens")["≤"]
        '<='
    """
    return {each: to for to, spellings in NOTATION[section].items() for each in spellings.split()}
