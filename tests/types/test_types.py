"""mypy and pyright accept users' code, and report the lines marked as wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

USERS_CODE = Path(__file__).with_name("users_code")
FILES = sorted(USERS_CODE.glob("*.py"))


def errors_of_mypy() -> set[tuple[str, int]]:
    command = [sys.executable, "-m", "mypy", "--strict", "--output=json", "--no-incremental", "--config-file=", *FILES]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=USERS_CODE)
    assert done.returncode in {0, 1}, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {(Path(each["file"]).name, each["line"]) for each in found if each["severity"] == "error"}


def errors_of_pyright() -> set[tuple[str, int]]:
    command = [
        sys.executable,
        "-m",
        "basedpyright",
        "--outputjson",
        "--project",
        str(USERS_CODE),
        "--pythonpath",
        sys.executable,
        *FILES,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=USERS_CODE)
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == len(FILES)
    return {
        (Path(each["file"]).name, each["range"]["start"]["line"] + 1)
        for each in report["generalDiagnostics"]
        if each["severity"] == "error"
    }


@pytest.mark.slow
@pytest.mark.parametrize("errors", [errors_of_mypy, errors_of_pyright], ids=["mypy", "pyright"])
def test_type_checker_reports_exactly_the_marked_lines(errors):
    wrong = {
        (file.name, number)
        for file in FILES
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if line.endswith("# wrong")
    }
    assert wrong
    assert errors() == wrong


def test_users_code_that_type_checks_also_runs(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(USERS_CODE))
    import user_flask
    import user_script
    import user_test

    user_test.test_a_signed_delivery_is_accepted()
    user_test.test_a_forged_delivery_is_rejected()
    delivery = user_flask.webhook.verify_signature(
        user_flask.webhook.signed_headers(user_test.BODY, message_id="msg_1"), user_test.BODY
    )
    user_script.main([delivery.to_json(), "{}"])
    assert capsys.readouterr() == (
        "msg_1 user_1\n",
        "line 2: not a stored delivery: message_id is not a message id; read only what Delivery.to_json() wrote\n",
    )
