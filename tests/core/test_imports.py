"""Imports point one way, stay inside the package or the standard library, and form no cycle."""

import ast
import importlib
import inspect
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from typing import get_type_hints

import pytest

import clerk_webhook_verify
from clerk_webhook_verify.events import AnyEvent, Delivery

ROOT = Path(clerk_webhook_verify.__file__).parent
FILES = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sorted(ROOT.rglob("*.py"))}

#: Each part may import the parts above it, and itself.
LAYERS = [
    {"errors", "allowlist", "_callables", "_frames", "_threads"},
    {"_secret", "_signature", "_timestamp"},
    {"_headers", "_payload"},
    {"events"},
    {"_webhook", "routing"},
    {"_handler", "_receiver"},
    {"idempotency"},
    {"testing", "diagnose"},
    {"flask", "starlette", "django", "aws_lambda"},
    {"fastapi"},
    {"__init__"},
    {"cli"},
    {"__main__"},
]

#: The third-party packages that a part may import.
FOREIGN = {
    "flask": {"flask", "werkzeug"},
    "starlette": {"starlette", "anyio"},
    "fastapi": {"fastapi"},
    "django.__init__": {"django"},
    "django.apps": {"django"},
    "django.checks": {"django"},
    "testing.pytest_plugin": {"pytest"},
    "events._data": {"typing_extensions"},  # for type checkers only
}

#: For type checkers only: Delivery.parse() returns a union of classes that refer to Delivery.
EXCEPTION = ("events._base", "events.__init__")


def imports(name: str) -> list[tuple[str, bool]]:
    """The modules that a module imports, for type checkers too: its own by their name in FILES, and whether it is."""
    package = name.split(".")[:-1]
    found = []
    for node in ast.walk(ast.parse(FILES[name].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, False) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.append((node.module, False))
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] + (node.module.split(".") if node.module else [])
            for alias in node.names:
                candidates = [[*base, alias.name], [*base, alias.name, "__init__"], base, [*base, "__init__"]]
                found.append((next(".".join(each) for each in candidates if ".".join(each) in FILES), True))
    return found


def layer(name: str) -> int:
    return next(number for number, parts in enumerate(LAYERS) if name.split(".")[0] in parts)


@pytest.mark.parametrize("name", FILES)
def test_imports_of_the_package_point_one_way_in(name):
    for imported, is_internal in imports(name):
        same_part = imported.split(".")[0] == name.split(".")[0]
        assert not is_internal or same_part or layer(imported) < layer(name), f"{name} imports {imported}"


@pytest.mark.parametrize("name", FILES)
def test_only_the_standard_library_and_a_framework_is_imported_in(name):
    allowed = {"__future__", *sys.stdlib_module_names, *FOREIGN.get(name, ())}
    outside = {imported.split(".")[0] for imported, is_internal in imports(name) if not is_internal}
    assert outside <= allowed, "no runtime dependency, and relative imports only: the folder may have another name"


def test_no_imports_form_a_cycle_but_for_the_one_exception():
    graph = {name: {imported for imported, is_internal in imports(name) if is_internal} for name in FILES}
    assert EXCEPTION[1] in graph[EXCEPTION[0]], "the exception is used"
    graph[EXCEPTION[0]].discard(EXCEPTION[1])
    assert len(list(TopologicalSorter(graph).static_order())) == len(FILES)


def test_type_checking_is_used_for_the_two_exceptions_only():
    users = {name for name, path in FILES.items() if "TYPE_CHECKING" in path.read_text("utf-8")}
    code = {name for name in users if any("if TYPE_CHECKING" in line for line in FILES[name].read_text().splitlines())}
    assert code == {"events._data", EXCEPTION[0]}


def test_the_exception_resolves_at_run_time():
    assert get_type_hints(Delivery.parse)["return"] == AnyEvent


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith("__main__")])
def test_every_module_has_a_docstring(name):
    if sys.flags.optimize < 2:
        assert inspect.getdoc(importlib.import_module(f"clerk_webhook_verify.{name}".removesuffix(".__init__")))
