"""Curves one below the other over the time of day, as SVG of a few kilobytes.

One rule: nothing is fetched and nothing is needed to show it; the picture brings its own background, so that
it is readable on dark pages, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from plotting.pictures import Event, Panel, Picture

WIDTH, HEIGHT, GAP = 820, 92, 22  # of a panel, and between two
LEFT, RIGHT, TOP, BOTTOM = 62, 26, 72, 30
WIDTH_OF_LETTER = 6.2  # about; enough to keep labels apart
EM_SPACE = "&#8195;"
COLOURS = ("#0072b2", "#d55e00", "#009e73")  # Okabe and Ito 2008: told apart by everybody
STYLE = (
    "text{font:11px system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;fill:#444}"
    ".title{font-size:15px;font-weight:600;fill:#111}.legend{font-weight:600}.event{fill:#8a6d00}"
    ".grid{stroke:#e6e6e6}.frame{stroke:#bbb;fill:none}.mark{stroke:#c9a227;stroke-dasharray:3 3}"
    "polyline{fill:none;stroke-width:1.4;stroke-linejoin:round}"
)


def svg(picture: Picture, times: np.ndarray, curves: Mapping[str, np.ndarray]) -> str:
    """The text of an SVG file."""
    height = TOP + len(picture.panels) * (HEIGHT + GAP) - GAP + BOTTOM
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{escape(picture.title)}</title><style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#fff"/>',
        _text(LEFT, 24, picture.title, kind="title"),
    ]
    for place, panel in enumerate(picture.panels):
        top = TOP + place * (HEIGHT + GAP)
        parts += _panel(panel, top, times, curves)
    parts += _events(picture.events, times, height - BOTTOM)
    for hour in ticks(times[0], times[-1], 12):
        parts.append(_text(_x(hour, times), height - BOTTOM + 17, _clock(hour), anchor="middle"))
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, top: float, times: np.ndarray, curves: Mapping[str, np.ndarray]) -> list[str]:
    shown = [curves[name] - curves[name][0] * panel.since_start for name in panel.points]
    low, high = _range(panel, shown)

    def y(values: np.ndarray | float) -> np.ndarray:
        return top + HEIGHT * (1 - (np.asarray(values) - low) / (high - low))

    parts = []
    for hour in ticks(times[0], times[-1], 12):
        parts.append(_line(_x(hour, times), top, _x(hour, times), top + HEIGHT, "grid"))
    for tick in ticks(low, high):
        parts.append(_line(LEFT, float(y(tick)), WIDTH - RIGHT, float(y(tick)), "grid"))
        parts.append(_text(LEFT - 7, float(y(tick)) + 4, f"{tick:,g}".replace(",", " "), anchor="end"))
    parts.append(
        f'<rect class="frame" x="{LEFT}" y="{top}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT}"/>'
    )
    for values, colour in zip(shown, COLOURS, strict=False):
        dots = " ".join(
            f"{a:.1f},{b:.1f}" for a, b in zip(_x(times, times), y(np.clip(values, low, high)), strict=True)
        )
        parts.append(f'<polyline points="{dots}" stroke="{colour}"/>')
    return [*parts, *_legend(panel, top)]


def _legend(panel: Panel, top: float) -> list[str]:
    spans = []
    for name, colour in zip(panel.points, COLOURS, strict=False):
        label = name.replace("_", " ") + (" since the start" if panel.since_start else "")
        spans.append(f'<tspan fill="{colour}">{escape(label)}</tspan>')
    place = f'x="{WIDTH - RIGHT}" y="{top - 5}" text-anchor="end"'
    return [f'<text class="legend" {place}>{EM_SPACE.join(spans)}</text>', _text(LEFT, top - 5, panel.unit)]


def _events(events: Sequence[Event], times: np.ndarray, bottom: float) -> list[str]:
    parts, taken = [], [0.0, 0.0]  # two rows of labels, and how far each is written
    for event in events:
        x = float(_x(event.hour, times))
        row = 0 if x >= taken[0] else 1
        parts.append(_line(x, TOP - 18 - 13 * row, x, bottom, "mark"))
        if event.text:
            parts.append(_text(x + 3, TOP - 20 - 13 * row, event.text, kind="event"))
            taken[row] = x + 10 + WIDTH_OF_LETTER * len(event.text)
    return parts


def _range(panel: Panel, shown: Sequence[np.ndarray]) -> tuple[float, float]:
    low, high = min(float(each.min()) for each in shown), max(float(each.max()) for each in shown)
    room = 0.06 * (high - low) or 1.0
    low = low - room if panel.low is None else panel.low
    return low, max(high + room, low + 1e-6) if panel.high is None else panel.high


def _x(hours: np.ndarray | float, times: np.ndarray) -> np.ndarray | float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (hours - times[0]) / (times[-1] - times[0])


def _clock(hour: float) -> str:
    return f"{int(hour):02}:{round(hour % 1 * 60):02}"


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "") -> str:
    marked = f' class="{kind}"' if kind else ""
    return f'<text{marked} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def ticks(low: float, high: float, most: int = 4) -> Sequence[float]:
    """Round numbers from ``low`` to ``high`` for an axis."""
    span = (high - low) or 1.0
    size = 10 ** np.floor(np.log10(span / most))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10, 20) if span / (size * factor) <= most)
    first = np.ceil(low / step - 1e-9)
    return [
        float(round(step * each, 10)) + 0.0 for each in np.arange(first, np.floor(high / step + 1e-9) + 1)
    ]
