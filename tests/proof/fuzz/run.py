"""Fuzz every target under coverage guidance.

    python tests/proof/fuzz/run.py --executions 20_000_000
    python tests/proof/fuzz/run.py --seconds 3             the short form: 3 seconds per target
    python tests/proof/fuzz/run.py --target headers --keep

It needs atheris (``pip install atheris``: libFuzzer for Python). Each target runs in its own process, starts with the
corpus and works in a temporary folder. Only ``--keep`` changes the corpus: libFuzzer merges it with the new inputs, to
the fewest that reach every edge. The first finding of a target ends it, and is printed as Python bytes.
"""

import argparse
import importlib.util
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

MEMORY_EVERY = 500  # executions
COUNTED = re.compile(r"#(\d+)\s+\w+.*?cov: (\d+) ft: (\d+) corp: (\d+)/")


def fuzz(name: str, options: list[str]) -> None:
    """Fuzz one target in this process, with only the package instrumented."""
    import atheris

    with atheris.instrument_imports(include=["clerk_webhook_verify"]):
        from proof.fuzz.targets import TARGETS, check_memory, check_time

    target, executions = TARGETS[name], 0

    def check(data: bytes) -> None:
        nonlocal executions
        executions += 1
        check_time(target, data, target.seconds)
        if executions % MEMORY_EVERY == 0:
            check_memory(target, data)

    command = shlex.join([sys.executable, __file__, "--child", name])  # with which libFuzzer's merge starts itself
    atheris.Setup([command, f"-max_len={target.max_len}", *options], check)
    atheris.Fuzz()


def child(name: str, *options: str) -> str:
    """Return the output of one libFuzzer run, with its exit code if it failed."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", name, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    output = done.stdout.decode("utf-8", "replace")
    return output if done.returncode == 0 else f"{output}\nexit code {done.returncode}"


def run(name: str, budget: str, scratch: Path) -> dict[str, Any]:
    """Fuzz one target until its budget is spent or it has a finding."""
    grown = scratch / name
    shutil.copytree(CORPUS / name, grown)
    start = time.monotonic()
    output = child(
        *(name, str(grown), budget, f"-dict={HERE / 'dictionary.txt'}", f"-artifact_prefix={scratch}/{name}-"),
        *("-rss_limit_mb=512", "-timeout=10", "-len_control=20"),
    )
    seconds = time.monotonic() - start
    counted = COUNTED.findall(output) or [("0", "0", "0", "0")]
    executions = int(re.findall(r"^#(\d+)", output, re.MULTILINE)[-1]) if counted[-1][0] != "0" else 0
    findings = [file.read_bytes() for file in scratch.glob(f"{name}-*")]
    failed = "exit code" in output.rpartition("\n")[2]  # also without a finding, if something else is wrong
    print(
        f"{name:<12} {executions:>12,} {seconds:>8.0f} {executions / seconds:>10,.0f} "
        f"{counted[-1][1]:>6} {counted[-1][2]:>9} {counted[-1][3]:>7} {len(findings) or failed:>9}",
        flush=True,
    )
    if failed:
        print(*(line for line in output.splitlines() if not line.startswith(("#", "INFO", "WARN"))), sep="\n")
        print(*(f"{name}: {finding!r}" for finding in findings), sep="\n", flush=True)
    return {"executions": executions, "failed": failed, "seconds": seconds}


def keep(name: str, scratch: Path) -> None:
    """Replace the corpus by the fewest inputs that reach every edge that the old and the new inputs reach."""
    merged = scratch / f"{name}.merged"
    merged.mkdir()
    child(name, "-merge=1", "-use_counters=0", str(merged), str(CORPUS / name), str(scratch / name))
    shutil.rmtree(CORPUS / name)
    shutil.copytree(merged, CORPUS / name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--executions", type=int, default=20_000_000, help="in total (default: 20_000_000)")
    parser.add_argument("--seconds", type=int, help="per target, instead of --executions")
    parser.add_argument("--target", action="append", choices=TARGETS, help="only this one; may be repeated")
    parser.add_argument("--keep", action="store_true", help="merge the new inputs into the corpus")
    args = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("atheris is missing: pip install atheris (test_fuzz.py does not need it)", file=sys.stderr)
        return 2
    names = args.target or list(TARGETS)
    shares = sum(TARGETS[name].share for name in names)
    print(f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, atheris {version('atheris')}, ", end="")
    print(f"clerk-webhook-verify {version('clerk-webhook-verify')}")
    print(f"{'target':<12} {'executions':>12} {'seconds':>8} {'per second':>10} {'edges':>6} {'features':>9} ", end="")
    print(f"{'corpus':>7} {'findings':>9}", flush=True)
    done = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            runs = f"-runs={args.executions * TARGETS[name].share // shares}"
            budget = f"-max_total_time={args.seconds}" if args.seconds else runs
            done.append(run(name, budget, Path(folder)))
            if args.keep:
                keep(name, Path(folder))
    total, findings = sum(each["executions"] for each in done), sum(each["failed"] for each in done)
    seconds = sum(each["seconds"] for each in done)
    print(f"{'total':<12} {total:>12,} {seconds:>8.0f} {total / seconds:>10,.0f} {'':>24} {findings:>9}")
    return 1 if findings else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        fuzz(sys.argv[2], sys.argv[3:])
    from proof.fuzz.targets import CORPUS, TARGETS

    sys.exit(main())
