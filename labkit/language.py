"""The language in which labkit speaks to readers: English, or one that has a catalogue.

A catalogue is a file ``labkit/languages/CODE.json`` with the code of its language. It maps English
words to the words of that language: ``words`` of the questions, names of ``breeds``. What it lacks
stays English.
"""

import json
from functools import cache
from importlib.resources import files

from labkit.words import require_one_of

ENGLISH = "en"
_chosen = [ENGLISH]


def languages():
    """List the languages that there are.

    Returns:
        Tuple of codes, such as ``"de"``; English first.

    Example:
        >>> languages()
        ('en', 'de')
    """
    names = (file.name for file in files("labkit").joinpath("languages").iterdir())
    return ENGLISH, *sorted(name.removesuffix(".json") for name in names if name.endswith(".json"))


def use_language(code):
    """Choose the language of what is shown from now on.

    Args:
        code: one of :func:`languages`.

    Raises:
        ValueError: there is no such catalogue.

    Example:
        >>> use_language("de")
        >>> translated("words", "Right.")
        'Richtig.'
        >>> use_language("en")
    """
    require_one_of("language", code, languages())
    _chosen[0] = code


def language():
    """Return the code of the language in use.

    Example:
        >>> language()
        'en'
    """
    return _chosen[0]


def translated(section, text):
    """Translate a text, or leave it as it is where the catalogue does not have it.

    Args:
        section: ``"words"`` or ``"breeds"``.
        text: the English words.

    Returns:
        One str.

    Example:
        >>> translated("words", "Right.")
        'Right.'
    """
    return text if language() == ENGLISH else catalogue(language())[section].get(text, text)


@cache
def catalogue(code):
    """Read a language's catalogue.

    Args:
        code: one of :func:`languages`, but not English.

    Returns:
        A dict of the sections, each a dict from English to the language.

    Example:
        >>> sorted(catalogue("de"))
        ['breeds', 'words']
    """
    file = files("labkit").joinpath("languages", f"{code}.json")
    return json.loads(file.read_text(encoding="utf-8"))
