"""Values by the time of day and the day of the week."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from simulator.generators.base import Sampler
from simulator.generators.registry import make
from simulator.generators.rows import Group, GroupRows

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HEATING = {"06:00": 21, "22:00": 17}
OFFICE = {"mon-fri 06:00": 21, "sat,sun 08:00": 20, "22:00": 17}


def sampler(values: dict[Any, Any], /, **keys: Any) -> Sampler:
    rows = GroupRows([Group("a", 3)], epoch=MONDAY.timestamp())
    return make({"type": "schedule", "values": values, **keys}).bind(rows, "x")


def at(day: int, time: str, values: dict[Any, Any], /, **keys: Any) -> list[float]:
    """The values of three devices on a day of March 2026, whose second is a Monday."""
    hour, minute, second = map(int, time.split(":"))
    t = (datetime(2026, 3, day, hour, minute, second, tzinfo=UTC) - MONDAY).total_seconds()
    return np.broadcast_to(sampler(values, **keys).sample(0, t, 0, 3), 3).tolist()


@pytest.mark.parametrize(
    ("day", "time", "values", "expected"),
    [
        (2, "00:00:00", HEATING, 17),  # of yesterday
        (2, "05:59:59", HEATING, 17),
        (2, "06:00:00", HEATING, 21),
        (2, "21:59:59", HEATING, 21),
        (2, "22:00:00", HEATING, 17),
        (3, "06:00:00", HEATING, 21),
        (30, "06:00:00", HEATING, 21),
        (6, "07:00:00", OFFICE, 21),  # Friday
        (7, "07:00:00", OFFICE, 17),  # Saturday
        (7, "08:00:00", OFFICE, 20),
        (8, "08:00:00", OFFICE, 20),
        (8, "23:00:00", OFFICE, 17),
        (9, "05:59:59", OFFICE, 17),
        (9, "06:00:00", OFFICE, 21),  # the next Monday
        (4, "00:00:00", {"wed 09:00": 5}, 5),  # of the Wednesday before
        (2, "12:00:00", {"fri-mon 12:00": 1, "tue-thu 12:00": 2}, 1),
        (3, "12:00:00", {"fri-mon 12:00": 1, "tue-thu 12:00": 2}, 2),
        (3, "00:00:00", {"24:00": 3, "12:00": 4}, 3),
        (2, "06:00:30", {"06:00:30": 1, "6:00:31": 2}, 1),
    ],
)
def test_the_last_moment_counts(day: int, time: str, values: dict[Any, Any], expected: float) -> None:
    assert at(day, time, values) == [expected] * 3


def test_a_straight_line_to_the_next_moment() -> None:
    values = {"06:00": 20, "18:00": 8}
    assert at(2, "06:00:00", values, interpolate=True) == [20] * 3
    assert at(2, "12:00:00", values, interpolate=True) == pytest.approx([14] * 3)
    assert at(2, "18:00:00", values, interpolate=True) == [8] * 3
    assert at(3, "00:00:00", values, interpolate=True) == pytest.approx([14] * 3)  # over midnight
    assert at(8, "23:00:00", values, interpolate=True) == pytest.approx([13] * 3)  # over the week's end


def test_devices_may_have_values_of_their_own() -> None:
    values = {"06:00": 20, "18:00": "{n}"}
    assert at(2, "18:00:00", values) == [1, 2, 3]
    assert at(2, "12:00:00", values, interpolate=True) == pytest.approx([10.5, 11, 11.5])


def test_one_number_while_all_devices_have_the_same() -> None:
    schedule = sampler({"06:00": 20, "18:00": "{n}"})
    assert isinstance(schedule.sample(0, 7 * 3600.0, 0, 3), float)


def test_clocks_of_the_devices_may_be_ahead_of_utc() -> None:
    assert at(2, "05:00:00", HEATING, utc_offset="+01:00") == [21] * 3
    assert at(2, "06:00:00", HEATING, utc_offset="-01:00") == [17] * 3


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({}, "values is an empty mapping, expected a mapping such as"),
        ([], "values is an empty list, expected a mapping such as"),
        ({6: 1}, "values, 6: time is 6, expected a time of day such as"),
        ({"6": 1}, "values, '6': time is '6', expected a time of day"),
        ({"24:30": 1}, "values, '24:30': time is '24:30', expected a time of day"),
        ({"monday 06:00": 1}, "day is 'monday', expected mon, tue, wed"),
        ({"06:00": "warm"}, "values, '06:00': value is 'warm', expected a number"),
        ({"06:00": 1, "6:00": 1}, "values has '6:00' twice, expected one value for each moment"),
        ({"06:00": 1, "wed 06:00": 1}, "values has 'wed 06:00' twice"),
    ],
)
def test_what_is_refused(values: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make({"type": "schedule", "values": values})
