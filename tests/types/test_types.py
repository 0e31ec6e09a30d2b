"""Do mypy and pyright see what a user's editor should see, and refuse what is marked as wrong?"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

USERS_CODE = Path(__file__).with_name("users_code")
FILES = sorted(USERS_CODE.glob("*.py"))


def refused_by_mypy() -> set[tuple[str, int]]:
    command = [sys.executable, "-m", "mypy", "--strict", "--output=json", "--no-incremental", "--config-file=", *FILES]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=USERS_CODE)
    assert done.returncode in {0, 1}, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {(Path(each["file"]).name, each["line"]) for each in found if each["severity"] == "error"}


def refused_by_pyright() -> set[tuple[str, int]]:
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
@pytest.mark.parametrize("refused", [refused_by_mypy, refused_by_pyright], ids=["mypy", "pyright"])
def test_a_checker_refuses_what_is_wrong_and_nothing_else(refused):
    wrong = {
        (file.name, number)
        for file in FILES
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if line.endswith("# wrong")
    }
    assert wrong
    assert refused() == wrong


def test_the_strangers_code_works(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(USERS_CODE))
    import stranger_flask
    import stranger_script
    import stranger_test

    stranger_test.test_a_signed_delivery_is_taken()
    stranger_test.test_a_forged_one_is_refused()
    delivery = stranger_flask.webhook.verify_signature(
        stranger_flask.webhook.signed_headers(stranger_test.BODY, message_id="msg_1"), stranger_test.BODY
    )
    stranger_script.main([delivery.to_json(), "{}"])
    assert capsys.readouterr() == (
        "msg_1 user_1\n",
        "line 2: not a stored delivery: message_id is not a message id; read only what Delivery.to_json() wrote\n",
    )
