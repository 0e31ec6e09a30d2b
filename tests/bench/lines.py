"""Lines through measured points: fitted, as a table, as a plot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

Figures = dict[str, list[float]]  # by series, one a point

LIBRARY, PEERS, LIMIT = ("#0072b2", "#56b4e9", "#003a5d"), ("#d55e00", "#009e73"), "#555555"  # for color-blind readers
STYLE = {"svg.fonttype": "none", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False}


@dataclass
class Line:
    fixed: float
    slope: float
    bend: float  #: The largest relative distance of a point from the line.
    r2: float


def fitted(xs: Sequence[int], ys: list[float]) -> Line:
    """By least squares of the relative error, so that small figures count as much as large ones."""
    weights = [1 / y**2 for y in ys]
    total = sum(weights)
    x_mean = sum(w * x for w, x in zip(weights, xs, strict=True)) / total
    y_mean = sum(w * y for w, y in zip(weights, ys, strict=True)) / total
    spread = sum(w * (x - x_mean) ** 2 for w, x in zip(weights, xs, strict=True))
    slope = sum(w * (x - x_mean) * (y - y_mean) for w, x, y in zip(weights, xs, ys, strict=True)) / spread
    fixed = y_mean - slope * x_mean
    off = [fixed + slope * x - y for x, y in zip(xs, ys, strict=True)]
    plain = sum(ys) / len(ys)
    r2 = 1 - sum(each**2 for each in off) / sum((y - plain) ** 2 for y in ys)
    return Line(fixed, slope, max(abs(each) / y for each, y in zip(off, ys, strict=True)), r2)


def is_library(name: str) -> bool:
    return name.startswith("this library")


def is_limit(name: str) -> bool:
    return "alone" in name


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["--:"] * len(head), *rows))


def draw(file: Path, axes_named: tuple[str, str], xs: Sequence[int], figures: Figures, scale: str = "linear") -> None:
    """Write an SVG; the same figures result in the same bytes."""
    import matplotlib as mpl
    from matplotlib import pyplot, ticker

    mpl.use("svg")
    with mpl.rc_context({**STYLE, "svg.hashsalt": file.name}):
        figure, axes = pyplot.subplots(figsize=(7.2, 4), layout="constrained")
        library, peers = iter(LIBRARY), iter(PEERS)
        for name, ys in figures.items():
            if is_library(name):
                style = {"color": next(library), "marker": "o"}
            elif is_limit(name):
                style = {"color": LIMIT, "linestyle": "--"}
            else:
                style = {"color": next(peers), "marker": "s", "linewidth": 1}
            axes.plot(xs, ys, label=name, markersize=4, **style)
        axes.set(xlabel=axes_named[0], ylabel=axes_named[1], xscale=scale, yscale=scale)
        if scale == "linear":
            axes.set_ylim(bottom=0)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,g}"))
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.legend(frameon=False)
        figure.savefig(file, metadata={"Date": None})
        pyplot.close(figure)
