"""Recordings: what is played when, and what is told about files that cannot be played."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.generators import recordings
from simulator.generators.registry import make
from simulator.generators.rows import Group, GroupRows

UNEVEN = "time,power\n0,10\n2,14\n3,2\n7,6\n"  # the last row lasts four seconds: 11 in all
EVEN = "10\n20\n40\n"


def play(folder: Path, text: str, seconds: list[float], device: int = 0, /, **keys: Any) -> list[float]:
    """What a device of four gives at these seconds."""
    (folder / "m.csv").write_text(text)
    generator = make({"type": "csv", "file": "m.csv", "column": 1, **keys}, {}, str(folder))
    sampler = generator.bind(GroupRows([Group("a", 4)]), "x")
    return [
        float(np.broadcast_to(sampler.sample(tick, t, 0, 4), 4)[device]) for tick, t in enumerate(seconds)
    ]


TIMED = {"column": "power", "time_column": "time"}
LINE = {"interpolate": True}


@pytest.mark.parametrize(
    ("text", "keys", "seconds", "expected"),
    [
        (EVEN, {}, [0, 0.5, 1, 2, 2.9, 3, 4], [10, 10, 20, 40, 40, 10, 20]),
        (EVEN, {"interval": "10s"}, [0, 10, 20, 30], [10, 20, 40, 10]),
        (EVEN, {"row_interval": "10s"}, [0, 9, 10, 25, 30], [10, 10, 20, 40, 10]),
        (EVEN, {"interval": "100ms"}, [0.1 * k for k in range(7)], [10, 20, 40, 10, 20, 40, 10]),
        (EVEN, {"loop": False}, [0, 2, 3, 1e9], [10, 40, 40, 40]),
        (EVEN, {**LINE}, [0, 0.5, 1, 1.5, 2, 2.5, 3], [10, 15, 20, 30, 40, 25, 10]),
        (EVEN, {**LINE, "loop": False}, [1.5, 2, 2.5, 50], [30, 40, 40, 40]),
        (EVEN, {"speed": 2}, [0, 0.5, 1, 1.5, 2], [10, 20, 40, 10, 20]),
        (EVEN, {"speed": 0.5}, [0, 1, 2, 4], [10, 10, 20, 40]),
        (EVEN, {"time_shift": "2s"}, [0, 1, 2], [40, 10, 20]),
        (UNEVEN, TIMED, [0, 1.9, 2, 3, 6.9, 7, 10.9, 11, 13], [10, 10, 14, 2, 2, 6, 6, 10, 14]),
        (UNEVEN, {**TIMED, "loop": False}, [7, 11, 1e9], [6, 6, 6]),
        (UNEVEN, {**TIMED, **LINE}, [1, 2, 2.5, 5, 9, 11], [12, 14, 8, 4, 8, 10]),
        (UNEVEN, {**TIMED, **LINE, "loop": False}, [5, 7, 9, 11], [4, 6, 6, 6]),
        (UNEVEN, {**TIMED, "speed": 10, "time_shift": "1s"}, [0, 0.1, 0.2, 1], [10, 14, 2, 10]),
        ("5\n", {}, [0, 1, 99], [5, 5, 5]),
        ("time,power\n3,5\n", {**TIMED, **LINE}, [0, 1, 99], [5, 5, 5]),
    ],
)
def test_what_is_played(
    tmp_path: Path, text: str, keys: dict[str, Any], seconds: list[float], expected: list[float]
) -> None:
    assert play(tmp_path, text, seconds, **keys) == pytest.approx(expected)


@pytest.mark.parametrize(
    "times",
    [
        ["2026-01-01T06:00:00Z", "2026-01-01T06:00:02Z", "2026-01-01T06:00:03Z"],
        ["2026-01-01 06:00:00", "2026-01-01 06:00:02", "2026-01-01 06:00:03"],
        ["2026-01-01T06:00:00+02:00", "2026-01-01T04:00:02Z", "2026-01-01T06:00:03+02:00"],
        ["20260101T060000.5", "20260101T060002.5", "20260101T060003.5"],
        ["1767247200", "1767247202.0", "1767247203"],
        ["-3", "-1", "0"],
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_stamps_and_delimiters(tmp_path: Path, times: list[str], delimiter: str) -> None:
    rows = [["when", "what"], *([stamp, str(10 * k)] for k, stamp in enumerate(times))]
    text = "\r\n".join(delimiter.join(row) for row in rows) + "\r\n\r\n"
    keys = {"column": "what", "time_column": "when"}
    assert play(tmp_path, text, [0, 1, 2, 2.5, 3, 4], **keys) == [0, 0, 10, 10, 20, 0]


def test_quotes_spaces_and_a_mark_of_the_byte_order(tmp_path: Path) -> None:
    text = '\ufeff"power, active" , b\n" 1.5",2\n2e1,3\n'
    assert play(tmp_path, text, [0, 1], column="power, active") == [1.5, 20]


def test_devices_are_apart(tmp_path: Path) -> None:
    assert play(tmp_path, EVEN, [0, 1], 2, time_shift="{i}s") == [40, 10]
    assert play(tmp_path, EVEN, [0, 1], 1, speed="{n}") == [10, 40]


@given(
    gaps=st.lists(st.floats(0.25, 50), min_size=1, max_size=20),
    seconds=st.lists(st.floats(0, 2000), max_size=20),
)
def test_a_line_through_the_rows(
    gaps: list[float], seconds: list[float], tmp_path_factory: pytest.TempPathFactory
) -> None:
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    values = np.sin(times) * 7
    rows = "".join(
        f"{when!r},{value!r}\n" for when, value in zip(times.tolist(), values.tolist(), strict=True)
    )
    keys = {"column": 2, "time_column": 1, "interpolate": True}
    folder = tmp_path_factory.getbasetemp()
    played = play(folder, rows, seconds, **keys, loop=False)
    np.testing.assert_allclose(played, np.interp(seconds, times, values), atol=1e-6)
    ends, around = np.append(times, times[-1] + gaps[-1]), np.append(values, values[0])
    played = play(folder, rows, seconds, **keys)
    np.testing.assert_allclose(played, np.interp(np.mod(seconds, ends[-1]), ends, around), atol=1e-3)


@pytest.mark.parametrize(
    ("text", "keys", "complaint"),
    [
        ("", {}, "m.csv: file is empty, expected rows of numbers"),
        ("\n\n", {}, "m.csv: file is empty, expected rows of numbers"),
        ("power\n", {}, "m.csv: file has no rows, expected at least one"),
        (
            UNEVEN,
            {"column": "powr"},
            "m.csv:1: unknown column 'powr', expected time or power; did you mean 'power'?",
        ),
        (UNEVEN, {**TIMED, "time_column": "t"}, "m.csv:1: unknown time_column 't', expected time or power"),
        (UNEVEN, {"column": 3}, "column is 3, expected 1 to 2: the columns of"),
        (UNEVEN, {"column": 0}, "column is 0, expected 1 to 2: the columns of"),
        (EVEN, {"column": "power"}, "column is 'power', expected a number: "),
        ("p\n1\n\nn/a\n", {}, "m.csv:4: p is 'n/a', expected a number"),
        ("1\n\n2\nnan\n", {}, "m.csv:4: column 1 is 'nan', expected a number"),
        ("p,q\n1,2\n3,\n", {"column": "q"}, "m.csv:3: q is '', expected a number"),
        ('p,q\n1,"a\nb"\nx,2\n', {}, "m.csv:4: p is 'x', expected a number"),
        ("p,q\n1,2\n3\n", {"column": "q"}, "m.csv:3: row has 1 cells, expected 2 or more"),
        ("time,power\n0,1\n2,1\n2,1\n", TIMED, "m.csv:4: time is '2', expected a time after '2'"),
        ("time,power\n0,1\n2,1\n1,1\n", TIMED, "m.csv:4: time is '1', expected a time after '2'"),
        ("time,power\n0,1\nnoon,1\n", TIMED, "m.csv:3: time is 'noon', expected seconds"),
        (
            "time,power\nnoon,1\n",
            TIMED,
            "m.csv:2: time is 'noon', expected seconds or an ISO 8601 time such as 2026-01-01T06:00:00Z",
        ),
        (
            "time,power\n2026-01-01,1\n7,2\n",
            TIMED,
            "m.csv:3: time is '7', expected an ISO 8601 time such as 2026-01-01T06:00:00Z",
        ),
        (UNEVEN, {**TIMED, "row_interval": "1s"}, "row_interval is given beside time_column, expected one"),
        (UNEVEN, {**TIMED, "speed": 0}, "speed is 0, expected more than 0"),
        (UNEVEN, {**TIMED, "time_shift": 5}, "time_shift is 5, expected a number and a unit"),
        ("\x00\xff\n", {}, "m.csv"),
    ],
)
def test_what_is_told_about_a_file(tmp_path: Path, text: str, keys: dict[str, Any], complaint: str) -> None:
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(ValueError, match="Value error") as caught:
        make({"type": "csv", "file": "m.csv", "column": 1, **keys}, {}, str(tmp_path))
    assert complaint in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "monday.csv").write_text(EVEN)
    with pytest.raises(
        ValueError, match=r"cannot be read \(no such file or directory\), expected a CSV file"
    ) as caught:
        make({"type": "csv", "file": "mondy.csv", "column": 1}, {}, str(tmp_path))
    assert "did you mean 'monday.csv'?" in str(caught.value)
    with pytest.raises(ValueError, match="file '/dev/zero' is a pipe or device, expected a CSV file"):
        make({"type": "csv", "file": "/dev/zero", "column": 1})
    with pytest.raises(ValueError, match=r"cannot be read \(is a directory\)"):
        make({"type": "csv", "file": ".", "column": 1}, {}, str(tmp_path))
    (tmp_path / "latin.csv").write_bytes(b"\xb0C\n1\n")
    with pytest.raises(ValueError, match="file is no text in UTF-8, expected a CSV file"):
        make({"type": "csv", "file": "latin.csv", "column": 1}, {}, str(tmp_path))


def test_a_file_is_read_once_for_as_long_as_it_is_played(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(UNEVEN)
    first = recordings.recording(f"{tmp_path}/m.csv", "power")
    assert recordings.recording(f"{tmp_path}/../{tmp_path.name}/m.csv", "power") is first
    assert recordings.recording(f"{tmp_path}/m.csv", "time") is not first
    (tmp_path / "m.csv").write_text(UNEVEN + "8,8\n")
    assert len(recordings.recording(f"{tmp_path}/m.csv", "power").values) == 5
    kept = len(recordings._KEPT)
    del first
    gc.collect()
    assert len(recordings._KEPT) < kept


def test_a_million_rows(tmp_path: Path) -> None:
    with (tmp_path / "m.csv").open("w") as file:
        file.write("time,power\n")
        file.writelines(f"{second},{second % 977}.5\n" for second in range(1_000_000))
    generator = make({"type": "csv", "file": "m.csv", **TIMED, "time_shift": "{i}s"}, {}, str(tmp_path))
    sampler = generator.bind(GroupRows([Group("a", 10_000)]), "x")
    assert sampler.sample(0, 999_995.0, 0, 10_000)[:7].tolist() == [  # type: ignore[index]
        *(second % 977 + 0.5 for second in range(999_995, 1_000_000)),
        0.5,
        1.5,
    ]
