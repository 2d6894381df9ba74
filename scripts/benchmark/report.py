"""The findings as text: one table of what must be reached, and the tables behind it.

The same lines serve the terminal and ``docs/benchmarks.md``; they are Markdown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .bars import Bar, Outcome, Row, Table

HEAD = """\
# Benchmarks

Written by `scripts/bench`; run it to renew this page.

"""

METHOD = """\
## How it is measured

* The load generator is a C program with prebuilt frames and one epoll. It judges every answer:
  transaction id, order, protocol id, length, unit id, function, byte count and data. A wrong answer
  never counts as a request, and it fails the row.
* CPU per request is the CPU time of the server process (its CPU clock, to the nanosecond, all
  threads) over the answers of the same stretch. Server and load share one core, so that waking a
  sleeping core is charged to nobody; there requests/s and latency include the load generator's own
  work. One table has the load on the other core.
* Each load is put on every server in turn, round after round. A ratio is made within a round; the
  table shows the median of the ratios and the lowest and highest.
* Every plant is a YAML file with generators that tick. Registers are filled, so that their memory
  counts. Start-up is the time from the start of the process to its ready line, after one start that
  is not counted and leaves the bytecode behind. Memory is the resident memory of the process; socket
  buffers of the kernel are not part of it.
"""


def bars_table(rows: Iterable[Row]) -> Table:
    table = Table(
        "What must be reached", ["what", "median", "min–max", "bar", "stretch", "verdict", "complaint"]
    )
    for row in rows:
        limits = [_limit(limit, row.bar) for limit in (row.bar.limit, row.bar.stretch)]
        numbers = [_number(row.median, row.bar), _spread(row)]
        table.lines.append([row.bar.what, *numbers, *limits, row.verdict, row.complaint or "–"])
    return table


def markdown(outcomes: Sequence[Outcome], machine: Sequence[str]) -> str:
    rows = [row for outcome in outcomes for row in outcome.rows]
    parts = [HEAD, _lines(bars_table(rows)), "## Machine\n\n" + "".join(f"* {line}\n" for line in machine)]
    remarks = [remark for outcome in outcomes for remark in outcome.remarks]
    if remarks:
        parts.append("## Remarks\n\n" + "".join(f"* {remark}\n" for remark in remarks))
    parts += [_lines(table) for outcome in outcomes for table in outcome.tables]
    return "\n".join([*parts, METHOD])


def text(outcome: Outcome) -> str:
    """What one scenario found, for the terminal."""
    tables = [bars_table(outcome.rows), *outcome.tables]
    remarks = "".join(f"Remark: {remark}\n" for remark in outcome.remarks)
    return "\n".join(_aligned(table) for table in tables) + remarks


def _lines(table: Table) -> str:
    lines = [table.header, ["---"] * len(table.header), *table.lines]
    body = "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines)
    return f"## {table.title}\n\n{body}\n"


def _aligned(table: Table) -> str:
    columns = list(zip(table.header, *table.lines, strict=True))
    widths = [max(map(len, column)) for column in columns]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (table.header, *table.lines)
    ]
    return "\n".join([table.title, "-" * len(table.title), *lines, ""])


def _number(value: float | None, bar: Bar) -> str:
    if value is None:
        return "–"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}{' ' + bar.unit if bar.unit else ''}"


def _spread(row: Row) -> str:
    if not row.values:
        return "–"
    return f"{_number(min(row.values), Bar('', None))}–{_number(max(row.values), Bar('', None))}"


def _limit(value: float | None, bar: Bar) -> str:
    return "–" if value is None else f"≤ {value:g}{' ' + bar.unit if bar.unit else ''}"
