"""The pictures of the retry schedule and of a rotation, and the table next to the first one."""

import importlib.util
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def timelines():
    spec = importlib.util.spec_from_file_location("timelines", DOCS / "_ext" / "timelines.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["retries", "rotation"])
def test_the_picture_is_what_the_script_draws(timelines, name):
    drawn = getattr(timelines, name)()
    assert (DOCS / "_static" / f"{name}.svg").read_text("utf-8") == drawn, "run python docs/_ext/timelines.py"
    ElementTree.fromstring(drawn)


def test_the_table_has_the_schedule_of_the_picture(timelines):
    page = (DOCS / "retries.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d) \| (.*?) ?\| (.+) \|$", page, re.MULTILINE)
    times = zip(timelines.PAUSES, timelines.elapsed_times(), strict=True)
    expected = [
        (str(number), timelines.spelled(pause) if pause else "", timelines.spelled(elapsed))
        for number, (pause, elapsed) in enumerate(times, start=1)
    ]
    assert rows == expected


def test_the_pages_that_name_the_latest_attempt_agree_with_the_schedule(timelines):
    assert int(timelines.longest().total_seconds()) // 3600 == 33
    for page in ("retries.md", "rotate-secret.md"):
        assert "33 hours" in (DOCS / page).read_text("utf-8")
