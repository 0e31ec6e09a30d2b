"""Every test that the security page names exists."""

import ast
import functools
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "security.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(test_\w+\.py(?:::\w+)+)`", PAGE)))


@functools.cache
def names_in(file: Path) -> set[str]:
    """Return all tests of a file, as pytest names them without their parameters."""
    names = set()
    for node in ast.parse(file.read_text("utf-8")).body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{file.name}::{node.name}::" if isinstance(node, ast.ClassDef) else f"{file.name}::"
        names |= {prefix + each.name for each in inside if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
    return names


@pytest.mark.parametrize("name", NAMED)
def test_the_named_test_exists(name):
    file, _, test = name.partition("::")
    assert test.rpartition("::")[2].startswith("test_")
    assert name in names_in(next(TESTS.glob(f"**/{file}")))


def test_every_threat_names_a_test():
    threats = PAGE.split("## Threats")[1].split("```python")[0].split("\n- **")[1:]
    assert len(threats) > 15
    for threat in threats:
        assert "Shown by `test_" in " ".join(threat.split()), threat.partition("**")[0]
