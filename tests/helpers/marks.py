"""Why a test cannot run on some platform."""

import os

import pytest

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="only POSIX forks; gunicorn and its like need it")
needs_posix = pytest.mark.skipif(os.name != "posix", reason="signals, pipes and file modes differ on Windows")
