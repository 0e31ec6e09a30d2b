"""Draw the output of ``diagnose`` as a picture for the README.

PYTHONPATH=tests python docs/_ext/terminal_svg.py   # writes docs/_static/diagnose.svg
"""

import os
import re
import tempfile
from html import escape
from pathlib import Path

from helpers import transcripts

PICTURE = Path(__file__).parents[1] / "_static" / "diagnose.svg"
COMMAND = "clerk-webhook-verify diagnose dumped-again.ndjson --secret-file secret.txt --at 1760000000"
LINE, CHARACTER, MARGIN = 20, 8.4, 18  # pixels
COLORS = {"rejected:": "#ff7b72", "evidence:": "#7ee787", "fix:": "#79c0ff", "ruled out:": "#8b949e"}


def output() -> list[str]:
    """Return the command and what it prints, without the exit code."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            transcripts.write_files(Path(folder))
            return transcripts.replayed(f"$ {COMMAND}\n").splitlines()[:-1]
        finally:
            os.chdir(before)


def draw(lines: list[str]) -> str:
    """Return the SVG of a terminal with these lines."""
    width = round(max(map(len, lines)) * CHARACTER + 2 * MARGIN)
    height = len(lines) * LINE + 2 * MARGIN
    text = "\n".join(
        f'<text x="{MARGIN}" y="{MARGIN + number * LINE + 15}">{_colored(line)}</text>'
        for number, line in enumerate(lines)
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>diagnose names the cause, the evidence and the fix</title>
<style>text {{ font: 14px ui-monospace, "DejaVu Sans Mono", Menlo, monospace; fill: #e6edf3; white-space: pre }}</style>
<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>
{text}
</svg>
"""


def _colored(line: str) -> str:
    label = re.match(r" *([a-z ]+:)", line)
    if label is None or label[1] not in COLORS:
        return escape(line)
    return f'<tspan fill="{COLORS[label[1]]}">{escape(label[0])}</tspan>{escape(line[label.end() :])}'


if __name__ == "__main__":
    PICTURE.write_text(draw(output()), encoding="utf-8")
