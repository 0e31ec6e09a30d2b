"""The hint in error messages about a misspelled name."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return the hint to append to an error message, or an empty string if no name is similar.

    >>> did_you_mean("user.craeted", ["user.created", "user.deleted", "sms.created"])
    ': did you mean user.created, user.deleted or sms.created?'
    """
    *others, last = get_close_matches(name, list(names), n=3) or [""]
    if not last:
        return ""
    return f": did you mean {', '.join(others)} or {last}?" if others else f": did you mean {last}?"
