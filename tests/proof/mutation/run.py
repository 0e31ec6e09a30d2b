"""Check that a test fails for every mutant of the code that verifies, decodes and handles once.

    python tests/proof/mutation/run.py                       # all of it: about twenty minutes on one core
    python tests/proof/mutation/run.py --only _signature.py  # one module; --only can be repeated: the short form

Each mutant is a module with one change (see mutants.py). It is killed if a test fails or does not end. survivors.txt
lists the mutants that no test should detect, with the reasons. It is an error if another mutant survives, or if a
listed one is killed or no longer exists; the diff is printed.

mutmut 3.8.1 changes nothing outside functions, cosmic-ray 8.7.0 no strings. The script runs in a temporary copy, with a
forked process per mutant. It needs fork, and Python 3.11 or newer for the texts in survivors.txt.
"""

import argparse
import gc
import importlib
import io
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from contextlib import redirect_stdout, suppress
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from mutants import mutants

Key = tuple[str, str, str]  # module, place, diff

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PACKAGE = Path("src/clerk_webhook_verify")
#: The test files of each module; survivors are also run against all of WIDER.
MODULES = {
    "_secret.py": ["secret", "secrecy"],
    "_headers.py": ["headers", "timestamp", "signature", "receiver", "deliveries", "adapters"],
    "_timestamp.py": ["timestamp", "signature", "headers"],
    "_signature.py": ["signature", "secret"],
    "_webhook.py": ["webhook", "timestamp", "signature", "headers", "secret", "secrecy"],
    "_payload.py": ["payload", "signature"],
    "errors.py": ["errors", "timestamp", "headers"],
    "events/_base.py": ["events", "registry", "delivery", "webhook", "catalog"],
    "events/_data.py": ["events", "registry", "payload", "secrecy"],
    "idempotency/__init__.py": ["idempotency"],
    "idempotency/_store.py": ["idempotency"],
    "allowlist.py": ["allowlist"],
}
WIDER = [
    *("secret", "headers", "timestamp", "signature", "webhook", "delivery", "errors", "secrecy", "catalog"),
    *("receiver", "deliveries", "adapters", "imports", "allowlist", "payload", "events", "registry", "idempotency"),
]
WHAT_THE_TESTS_IMPORT = ["django.conf", "django.http", "httpx", "starlette.testclient", "werkzeug.test", "fastapi"]
#: Tests that need a server or take seconds.
LEFT_OUT = ["valkey", "redis", "postgres", "any_value_in_any_field", "hundred_thousand", "any_json_object_as_data"]
OPTIONS = [
    *("-x", "-q", "-p", "no:cacheprovider", "-p", "xdist.plugin", "-p", "_hypothesis_pytestplugin"),
    "--hypothesis-profile=mutation",
    *("-m", "not slow", "-k", " and ".join(f"not {name}" for name in LEFT_OUT)),
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--only", action="append", choices=MODULES, metavar="MODULE", help="as in " + ", ".join(MODULES)
    )
    modules = parser.parse_args().only or list(MODULES)
    if sys.version_info < (3, 11):
        parser.error("Python 3.10 writes some lines otherwise than survivors.txt has them")
    every_listed = read_listed(HERE / "survivors.txt")
    print(f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC, Python {platform.python_version()}, "
          f"clerk-webhook-verify {version('clerk-webhook-verify')}, pytest {pytest.__version__}")  # fmt: skip
    wrong, total = 0, Counter()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "build", "dist", "__pycache__"))
        prepare(copy)
        run_unchanged(copy, WIDER)
        for module in modules:
            listed = {key for key in every_listed if key[0] == module}
            counts, survivors = run_module(copy, module, listed)
            total += counts
            print(table_row(module, counts), flush=True)
            wrong += len(survivors - listed)
            for stale in listed - survivors:
                wrong += 1
                print("\nin survivors.txt, but it does not survive:\n{}: {}\n{}\n".format(*stale), flush=True)
    print(table_row("all", total))
    print(f"{wrong} to look at" if wrong else "every survivor has its reason")
    return 1 if wrong else 0


def table_row(module: str, counts: Counter) -> str:
    names = ("mutants", "killed", "timeout", "survived")
    return f"{module:<24}" + "".join(f"{counts[name]:>7} {name}" for name in names) + f"{counts['seconds']:>7} s"


def read_listed(path: Path) -> set[Key]:
    """Read the paragraphs: a reason ("== ...") applies to the mutants after it, each with its place and diff."""
    listed: set[Key] = set()
    reason = ""
    for paragraph in path.read_text("utf-8").strip().split("\n\n"):
        head, _, diff = paragraph.partition("\n")
        if head.startswith("=="):
            reason = head.strip("= ")
        elif not head.startswith("#"):
            module, _, place = head.partition(": ")
            if not reason or module not in MODULES:
                raise SystemExit(f"survivors.txt: no reason, or no such module:\n{paragraph}")
            listed.add((module, place, diff))
    return listed


def prepare(copy: Path) -> None:
    """Import the modules that all runs share before they fork, but not the package."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs
        for name in WHAT_THE_TESTS_IMPORT:
            importlib.import_module(name)
    os.environ.update(CI="true", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTHONDONTWRITEBYTECODE="1")
    settings.register_profile(
        "mutation",
        max_examples=20,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    empty = copy.parent / "test_empty.py"
    empty.write_text("from hypothesis import given, strategies\n\n@given(strategies.none())\ndef test(n): ...\n")
    with redirect_stdout(io.StringIO()):
        pytest.main([*OPTIONS, f"--rootdir={copy.parent}", str(empty)])  # fills the caches of pytest and Hypothesis
    gc.collect()
    gc.freeze()  # do not collect all these objects again in each child


def run_unchanged(copy: Path, tests: list[str]) -> None:
    if run_tests(copy, tests, 300, write_bytecode=True) != "survived":
        output = (copy.parent / "output").read_text("utf-8", "replace")
        raise SystemExit(f"{output}\nthese tests fail on the package as it is")


def run_module(copy: Path, module: str, listed: set[Key]) -> tuple[Counter, set[Key]]:
    started = time.monotonic()
    file = copy / PACKAGE / module
    source = file.read_text("utf-8")
    run_unchanged(copy, MODULES[module])
    seconds = 20 + 4 * int(time.monotonic() - started)
    counts, survivors = Counter(), set()
    for number, mutant in enumerate(mutants(source), 1):
        key = (module, mutant.place, mutant.diff)
        file.write_text(mutant.text, "utf-8")
        os.utime(file, (number, number))  # so that no other bytecode is used for it
        verdict = run_tests(copy, MODULES[module], seconds)
        if verdict == "survived" and key not in listed:
            verdict = run_tests(copy, WIDER, 120)
            if verdict == "survived":
                print("\nsurvived, and no reason is written down:\n{}: {}\n{}\n".format(*key), flush=True)
        counts.update(["mutants", verdict])
        if verdict == "survived":
            survivors.add(key)
    file.write_text(source, "utf-8")
    counts["seconds"] = round(time.monotonic() - started)
    return counts, survivors


def run_tests(copy: Path, names: list[str], seconds: int, write_bytecode: bool = False) -> str:
    child = os.fork()
    if not child:
        code = 1
        try:
            os.setsid()
            signal.alarm(seconds)
            os.chdir(copy)
            sys.path.insert(0, str(copy / "src"))
            os.environ["PYTHONPATH"] = str(copy / "src")
            sys.dont_write_bytecode = not write_bytecode
            output = os.open(copy.parent / "output", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            for stream in (0, 1, 2):
                os.dup2(output, stream)
            files = [str(next(Path("tests").glob(f"*/test_{name}.py"))) for name in names]
            code = pytest.main([*OPTIONS, f"--basetemp={copy.parent / 'temporary'}", *files])
        finally:
            os._exit(int(code))
    _, status = os.waitpid(child, 0)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # its remaining processes
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
        return "timeout"
    return "killed" if status else "survived"


if __name__ == "__main__":
    sys.exit(main())
