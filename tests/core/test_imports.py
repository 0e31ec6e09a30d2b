"""Do imports point one way, stay inside the package or the standard library, and load no more than is met?"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import clerk_webhook_verify

ROOT = Path(clerk_webhook_verify.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

#: Each may import what stands further up, and nothing that stands below.
FLOORS = [
    ["errors"],
    ["idempotency", "allowlist"],
    ["_secret", "_headers", "_timestamp", "_signature", "_body", "_payload", "_record"],
    ["events"],
    ["_delivery"],
    ["_webhook", "_samples", "_probes"],
    ["testing", "_door", "diagnose"],
    ["flask", "starlette", "django", "aws_lambda"],
    ["fastapi"],
    ["__init__", "pytest_plugin"],
    ["cli"],
    ["__main__"],
]


#: What a room may import from outside, besides the standard library.
MAY_IMPORT = {
    "pytest_plugin": {"pytest"},
    "flask": {"flask", "werkzeug"},
    "starlette": {"starlette", "anyio"},
    "fastapi": {"fastapi"},
    "django": {"django"},
}


def runtime_imports(file: Path):
    """The modules that *file* imports when it runs: what stands under TYPE_CHECKING is for type checkers alone."""
    tree = ast.parse(file.read_text("utf-8"))
    skipped = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and getattr(branch.test, "id", "") == "TYPE_CHECKING"
        for statement in branch.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.level, node.module or alias.name) for alias in node.names)


def room_of(file: Path) -> str:
    relative = file.relative_to(ROOT)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(ROOT)) for file in FILES])
def test_imports_point_one_way(file):
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    own = room_of(file)
    assert own in floor, "a new room: say on which floor it stands"
    for level, module in runtime_imports(file):
        top = module.split(".")[0]
        if level == 0:
            allowed = {"__future__", *sys.stdlib_module_names, *MAY_IMPORT.get(own, ())}
            assert top in allowed, f"{module} is neither ours nor the standard library's"
            assert top != "clerk_webhook_verify", "relative imports only: the folder may have another name"
        elif level == len(file.relative_to(ROOT).parts):
            same_floor = floor[top] == floor[own] and top != own and own != "__init__"
            assert floor[top] < floor[own] or (same_floor and (own, top) in {("_headers", "_timestamp")}), (
                f"{own} imports {top}"
            )


def modules_after(code: str) -> set[str]:
    """What is loaded after *code* in a fresh interpreter that imports nothing by itself."""
    source = f"import sys; sys.path.insert(0, {str(ROOT.parent)!r})\n{code}\nprint(*sys.modules)"
    return set(
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", source], capture_output=True, text=True, check=True
        ).stdout.split()
    )


VERIFY = """
from clerk_webhook_verify import Webhook
webhook = Webhook("whsec_" + "A" * 32)
def receive(body): return webhook.verify(webhook.signed_headers(body), body)
"""


def test_what_is_not_met_is_not_imported():
    loaded = modules_after(VERIFY)
    assert not loaded & {"typing", "base64", "argparse", "logging", "datetime", "http", "asyncio", "importlib.metadata"}
    assert not any(
        "._" in name and ".events." in name and name.split(".")[-1] not in {"_catalog", "_decoder"} for name in loaded
    )


def test_the_test_kit_loads_no_family_by_itself():
    loaded = modules_after("import clerk_webhook_verify.testing")
    assert not {name.rpartition(".")[2] for name in loaded if ".events._" in name} - {"_catalog", "_decoder"}


def test_a_family_is_imported_when_its_first_event_arrives():
    def families(code: str) -> set[str]:
        loaded = {name.rpartition(".")[2] for name in modules_after(VERIFY + code) if ".events._" in name}
        return loaded - {"_catalog", "_decoder"}

    assert families("""receive(b'{"type":"x","data":{"user":{}}}')""") == set()
    assert families("""receive(b'{"type":"user.created","data":{}}')""") == {"_user"}
    assert families("""receive(b'{"type":"user.deleted","data":{}}')""") == {"_user", "_deleted_object"}
    assert families("""receive(b'{"type":"session.ended","data":{}}')""") == {"_session"}
    assert families("""receive(b'{"type":"session.ended","data":{"user":{}}}')""") == {"_session", "_user"}
