"""Phone numbers as they are dialled, however they were written."""

from unicodedata import normalize

_DIGITS = "0123456789"
_HOME = ("+86", "0086")
"""How a number of this country begins when it is written for abroad."""


def dialled(written: str) -> str:
    """The digits of a number, those of this country without its code; nothing of what has no digits."""
    signs = "".join(sign for sign in normalize("NFKC", written) if sign in f"+{_DIGITS}")
    for code in _HOME:
        signs = signs.removeprefix(code)
    return signs.replace("+", "")
