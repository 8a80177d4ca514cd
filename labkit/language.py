"""The language in which labkit speaks to readers: its words stand in catalogues.

A catalogue is a file ``labkit/languages/CODE.json``. It has a section of named phrases for each
part of labkit that speaks, in Python or as a page's script. A phrase may have gaps, such as
``{network}``. A pair of phrases is for the number 1 and for all others; the number fills ``{n}``.
English is whole, and what another catalogue lacks is said in English.
"""

import json
import re
from functools import cache
from importlib.resources import files

from labkit.words import require_one_of

ENGLISH = "en"
_GAP = re.compile(r"{(\w+)}")
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
    codes = {name.removesuffix(".json") for name in names if name.endswith(".json")}
    return ENGLISH, *sorted(codes - {ENGLISH})


def use_language(code):
    """Choose the language of what is shown from now on.

    Args:
        code: one of :func:`languages`.

    Raises:
        ValueError: there is no such catalogue.

    Example:
        >>> use_language("de")
        >>> phrase("questions", "right")
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


def phrase(section, name, /, **gaps):
    """Say something in the language in use.

    Args:
        section: the part of labkit that speaks, a section of the catalogues.
        name: the phrase's name there.
        gaps: what fills each gap, by its name; braces without a filling stay. Where ``n`` is given,
            it is a whole number, written with its thousands apart.

    Returns:
        One str.

    Raises:
        KeyError: English has no such phrase.

    Example:
        >>> phrase("questions", "count", right=2, all=3)
        '2 of 3 right'
        >>> phrase("checker", "up to", n=1), phrase("checker", "up to", n=2)
        (' of up to 1 layer', ' of up to 2 layers')
    """
    text = phrases(section)[name]
    if isinstance(text, list):
        text = text[gaps["n"] != 1]
    if "n" in gaps:
        gaps["n"] = exact(gaps["n"])
    return _GAP.sub(lambda gap: str(gaps.get(gap[1], gap[0])), text)


def exact(number):
    """Write a whole number with its thousands apart, as the language in use does it.

    Example:
        >>> exact(10222)
        '10,222'
    """
    return f"{number:,}".replace(",", phrases("language")["thousands"])


def listed(parts):
    """Join parts of a sentence with commas and the last one with *and*.

    Args:
        parts: sequence of str, at least one.

    Returns:
        One str.

    Example:
        >>> listed(["k", "s", "d"])
        'k, s and d'
    """
    *others, last = parts
    return phrase("language", "and", others=", ".join(others), last=last) if others else last


def phrases(*sections):
    """Return the phrases of some sections in the language in use, in English where it lacks them.

    Args:
        sections: names of sections; a later one's phrase takes the place of one of the same name.

    Returns:
        A dict from names to phrases, each a str or a pair of them.

    Example:
        >>> phrases("questions")["right"], phrases("breeds")
        ('Right.', {})
    """
    return _phrases(language(), sections)


@cache
def _phrases(code, sections):
    english, own = catalogue(ENGLISH), catalogue(code)
    return {
        name: text
        for section in sections
        for name, text in (english.get(section, {}) | own.get(section, {})).items()
    }


@cache
def catalogue(code):
    """Read a language's catalogue.

    Args:
        code: one of :func:`languages`.

    Returns:
        A dict of the sections, each a dict from names to phrases.

    Example:
        >>> catalogue("de")["language"]["decimal"]
        ','
    """
    file = files("labkit").joinpath("languages", f"{code}.json")
    return json.loads(file.read_text(encoding="utf-8"))
