"""The exception classes of the client libraries that the stores use but never import."""

from __future__ import annotations

import sys


def loaded_exceptions(*names: str) -> tuple[type[Exception], ...]:
    """Return the named exception classes, leaving out those of modules that are not loaded.

    An import would fail where a library is not installed: RedisStore accepts a client of redis or of valkey, and most
    users have one of the two. The library that raised an error is loaded, so call this in the ``except`` clause.

    Args:
        *names: Full names, such as ``psycopg.Error``.
    """
    found = []
    for name in names:
        module_name, _, class_name = name.rpartition(".")
        module = sys.modules.get(module_name)
        if hasattr(module, class_name):  # old versions of redis lack some
            found.append(getattr(module, class_name))
    return tuple(found)
