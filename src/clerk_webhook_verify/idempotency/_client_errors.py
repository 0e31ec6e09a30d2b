"""Find the exception classes of client libraries without importing them."""

from __future__ import annotations

import sys


def loaded_exceptions(*names: str) -> tuple[type[Exception], ...]:
    """Return the named exception classes whose modules are loaded. Call it in the ``except`` clause.

    An import would fail if a library is not installed: RedisStore accepts clients of redis and of valkey. The library
    that raised an error is loaded.

    Args:
        *names: Full names, such as ``psycopg.Error``.
    """
    found = []
    for name in names:
        module_name, _, class_name = name.rpartition(".")
        module = sys.modules.get(module_name)
        if hasattr(module, class_name):  # missing in old versions of redis
            found.append(getattr(module, class_name))
    return tuple(found)
