"""Why a test does not run, on some platform or by default."""

import os

import pytest

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="only POSIX forks; gunicorn and its like need it")
needs_posix = pytest.mark.skipif(os.name != "posix", reason="signals, pipes and file modes differ on Windows")


def slow(*values: object) -> list[object]:
    """Mark the redundant parameters as slow."""
    return [
        pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.slow) for value in values
    ]
