"""Text by the course's authors: inline HTML, checked so that no slip breaks the page around it."""

import re
from html.parser import HTMLParser

#: Elements without behaviour that may stand inside a line.
INLINE = frozenset({"b", "code", "em", "i", "kbd", "q", "strong", "sub", "sup", "var"})

#: A "<" that opens no element, and a "&" that begins no character reference.
_BARE = re.compile(r"<(?![a-zA-Z/])|&(?![a-zA-Z]+;|#\d+;)")


def checked_inline(what: str, text: str) -> str:
    """Return the text, or say why it is not inline HTML.

    Args:
        what: what the text is, for the message: "a question".
        text: inline HTML: words, character references and the elements in ``INLINE``, each closed
            and without attributes.

    Returns:
        The text as it is.

    Raises:
        TypeError: it is not text.
        ValueError: it is empty, or not inline HTML.

    Example:
        >>> checked_inline("a question", "How large is <i>r</i><sub>0</sub>?")
        'How large is <i>r</i><sub>0</sub>?'
        >>> checked_inline("a question", "Is r < k?")
        Traceback (most recent call last):
        ...
        ValueError: 'Is r < k?' is not inline HTML: write &lt; for "<" and &amp; for "&".
    """
    if not isinstance(text, str):
        raise TypeError(f"{text!r} is not text, as {what} is.")
    if not text.strip():
        raise ValueError(f"The text of {what} is empty.")
    if _BARE.search(text):
        raise ValueError(f'{text!r} is not inline HTML: write &lt; for "<" and &amp; for "&".')
    _Elements(text).check()
    return text


class _Elements(HTMLParser):
    """Follow the elements of a text, and refuse what is not inline or not closed."""

    def __init__(self, text):
        super().__init__()
        self.text, self.open = text, []

    def check(self):
        """Read the whole text."""
        self.feed(self.text)
        self.close()
        if self.open:
            raise ValueError(f"<{self.open[-1]}> is not closed in {self.text!r}.")

    def handle_starttag(self, tag, attrs):
        """Note an element that opens."""
        if tag not in INLINE or attrs:
            names = ", ".join(sorted(INLINE))
            raise ValueError(f"<{tag}> in {self.text!r} is not one of {names} without attributes.")
        self.open.append(tag)

    def handle_endtag(self, tag):
        """Close the innermost element."""
        if not self.open or self.open.pop() != tag:
            raise ValueError(f"</{tag}> in {self.text!r} closes nothing.")
