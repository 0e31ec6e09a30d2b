"""Draws two pictures of the documentation: the retry schedule, and the rotation of a secret.

python docs/_ext/timelines.py   # writes them into docs/_static/
"""

from datetime import timedelta
from html import escape
from pathlib import Path

STATIC = Path(__file__).parents[1] / "_static"

#: The pause before each attempt, in seconds: https://docs.svix.com/retries
PAUSES = (0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 10 * 3600)
JITTER = 0.2  # JITTER_DELTA in server/svix-server/src/worker.rs of github.com/svix/svix-webhooks

# A panel of its own color: its texts are readable whatever the page behind it looks like
WIDTH, PANEL, LINE, TEXT, FAINT = 440, "#f4f6fb", "#7a8294", "#1c2333", "#3c4559"
BLUE, GREEN, RED = "#3b6fd4", "#2f8f4e", "#b3574a"


def main() -> None:
    (STATIC / "retries.svg").write_text(retries(), "utf-8")
    (STATIC / "rotation.svg").write_text(rotation(), "utf-8")


def retries() -> str:
    """Each attempt as a row: when it comes, and how far the random variation can move it."""
    left, right, top, row = 150, WIDTH - 20, 46, 30
    bottom = top + row * len(PAUSES)

    def x(seconds: float) -> float:
        return left + (right - left) * seconds / (34 * 3600)

    parts = [text(16, 26, "attempt", bold=True), text(left, 26, "hours after the first attempt", bold=True)]
    for hour in range(0, 34, 6):
        parts += [
            line(x(hour * 3600), top, x(hour * 3600), bottom, "#d5dae6"),
            text(x(hour * 3600) - 4 * len(str(hour)), bottom + 18, hour),
        ]
    for number, elapsed in enumerate(elapsed_times(), start=1):
        y = top + row * (number - 0.5)
        low, high = x(elapsed * (1 - JITTER)), x(elapsed * (1 + JITTER))
        parts += [
            text(16, y + 5, str(number)),
            text(36, y + 5, spelled(elapsed), color=FAINT),
            bar(low, y - 5, high - low, 10, "#b9cbf0"),
            f'<circle cx="{x(elapsed):.1f}" cy="{y:.1f}" r="5" fill="{BLUE}"/>',
        ]
    description = "Eight attempts: the first four within about 36 minutes, the last one between 22 and 33 hours later."
    return svg(bottom + 32, "The retry schedule", description, parts)


def rotation() -> str:
    """The steps from top to bottom, and next to each what the two endpoints get as a response."""
    stages = [
        ("", "old", "2xx", ""),
        ("1  Add an endpoint", "old", "2xx", "400"),
        ("2  Deploy both secrets", "new, old", "2xx", "2xx"),
        ("4  Delete the old endpoint", "new, old", "", "2xx"),
        ("5  Remove the old secret", "new", "", "2xx"),
    ]
    columns = (16, 212, 330)
    parts = [text(columns[0], 26, "secrets of your app", bold=True)]
    parts += [text(columns[1], 26, "old endpoint", bold=True), text(columns[2], 26, "new endpoint", bold=True)]
    y = 40
    for step, secrets, *responses in stages:
        if step:
            parts += [line(16, y + 11, WIDTH - 16, y + 11, LINE, dashed=True), bar(14, y, 8.2 * len(step), 22, PANEL)]
            parts.append(text(16, y + 16, step, color=BLUE, bold=True))
            y += 28
        parts.append(text(columns[0], y + 24, secrets))
        for column, status in zip(columns[1:], responses, strict=True):
            if status:
                good = status == "2xx"
                parts.append(bar(column, y + 4, 84, 32, "#dff1e3" if good else "#fbe3df", GREEN if good else RED))
                parts.append(text(column + 12, y + 25, status if good else f"{status}, retry", color=TEXT))
        y += 44
    description = (
        "Only between steps 1 and 2 are deliveries rejected, those of the new endpoint. Clerk retries them, and the "
        "old endpoint delivers the same messages."
    )
    return svg(y + 8, "The rotation of a secret", description, parts)


def elapsed_times() -> list[int]:
    """The time from the first attempt to each attempt, in seconds."""
    return [sum(PAUSES[: number + 1]) for number in range(len(PAUSES))]


def spelled(seconds: int) -> str:
    """As in "2 h 35 min 5 s", without the parts that are zero."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{value} {unit}" for value, unit in ((hours, "h"), (minutes, "min"), (seconds, "s")) if value]
    return " ".join(parts) or "0 s"


def longest() -> timedelta:
    """The time to the last attempt if every pause is as long as it can be."""
    return timedelta(seconds=elapsed_times()[-1] * (1 + JITTER))


def svg(height: float, title: str, description: str, parts: list[str]) -> str:
    """The complete picture."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" role="img" '
            'aria-labelledby="t d" font-family="system-ui, sans-serif" font-size="13">',
            f'<title id="t">{escape(title)}</title>',
            f'<desc id="d">{escape(description)}</desc>',
            f'<rect width="{WIDTH}" height="{height:g}" rx="8" fill="{PANEL}"/>',
            *parts,
            "</svg>\n",
        ]
    )


def text(x: float, y: float, content: object, *, color: str = TEXT, bold: bool = False) -> str:
    """A line of text that begins at x."""
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}"{weight}>{escape(str(content))}</text>'


def line(x1: float, y1: float, x2: float, y2: float, color: str, *, dashed: bool = False) -> str:
    """A straight line."""
    dashes = ' stroke-dasharray="3 3"' if dashed else ""
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{color}" fill="none"{dashes}/>'


def bar(x: float, y: float, width: float, height: float, fill: str, stroke: str = "none") -> str:
    """A rectangle with round corners."""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:g}"'
    return f'<rect {place} rx="4" fill="{fill}" stroke="{stroke}"/>'


if __name__ == "__main__":
    main()
