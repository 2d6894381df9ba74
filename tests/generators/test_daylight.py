"""The sun: dark nights, a noon between sunrise and sunset, the same on every day."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.generators.registry import make
from simulator.generators.rows import Group, GroupRows
from simulator.generators.times import parse_time

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC).timestamp()


def day(count: int = 1, /, epoch: float = MIDNIGHT, hours: int = 24, **spec: Any) -> np.ndarray:
    """(minutes, devices) of days that begin at midnight."""
    sampler = make({"type": "daylight", **spec}).bind(GroupRows([Group("a", count)], epoch=epoch), "x")
    return np.array(
        [
            np.array(np.broadcast_to(sampler.sample(minute, minute * 60.0, 0, count), count))
            for minute in range(60 * hours)
        ]
    )


def test_a_bell_with_its_top_half_way() -> None:
    curve = day(max=1000, sunrise="06:00", sunset="20:00")[:, 0]
    assert (curve[: 6 * 60 + 1] == 0).all()
    assert (curve[20 * 60 :] == 0).all()
    assert curve.argmax() == 13 * 60
    assert curve.max() == pytest.approx(1000)
    assert (np.diff(curve[6 * 60 + 5 : 13 * 60]) > 0).all()
    np.testing.assert_allclose(curve[6 * 60 : 13 * 60], curve[20 * 60 : 13 * 60 : -1], atol=1e-6)


def test_less_light_than_a_sine_when_the_sun_is_low() -> None:
    curve = day(max=1, sunrise="06:00", sunset="18:00")[:, 0]
    assert curve[7 * 60] < 0.9 * np.sin(np.pi / 12)
    assert 0.45 < curve[8 * 60] < 0.5


def test_the_night_is_dark_and_the_day_noisy() -> None:
    curve = day(2, max=1000, noise=15)
    night = np.r_[0 : 6 * 60, 18 * 60 : 24 * 60]
    assert (curve[night] == 0).all()
    assert (curve >= 0).all()
    noon = curve[11 * 60 : 13 * 60]
    assert 10 < np.ptp(noon - day(2, max=1000)[11 * 60 : 13 * 60]) <= 30
    assert (noon[:, 0] != noon[:, 1]).all()


def test_clouds_take_their_part_and_pass() -> None:
    clear, cloudy = day(3, max=1000), day(3, max=1000, clouds=0.7)
    at_day = np.r_[7 * 60 : 17 * 60]
    left = cloudy[at_day] / clear[at_day]
    assert 0.3 <= left.min() < 0.4
    assert left.max() == 1
    assert 0.2 < (left == 1).mean() < 0.5
    assert np.abs(np.diff(left, axis=0)).max() < 0.3  # no jumps
    assert np.abs(np.corrcoef(left.T)[np.triu_indices(3, 1)]).max() < 0.4  # every device has its own
    assert (cloudy[: 6 * 60] == 0).all()
    np.testing.assert_array_equal(day(3, max=1000, clouds=0.7), cloudy)


def test_every_day_is_the_same() -> None:
    curve = day(max=1000, hours=72)[:, 0].reshape(3, -1)
    np.testing.assert_allclose(curve[1:], curve[:2], atol=1e-9)


def test_clocks_of_the_devices_may_be_ahead_of_utc() -> None:
    assert day(max=1, utc_offset="+02:00")[:, 0].argmax() == 10 * 60
    assert day(max=1, utc_offset="-05:30")[:, 0].argmax() == 17 * 60 + 30


def test_virtual_time_begins_at_noon_unless_told_otherwise() -> None:
    sampler = make({"type": "daylight", "max": 700}).bind(GroupRows([Group("a", 1)]), "x")
    assert sampler.sample(0, 0.0, 0, 1) == pytest.approx(700)


def test_devices_may_have_panels_of_their_own() -> None:
    assert day(3, max="{n}")[12 * 60].tolist() == pytest.approx([1, 2, 3])


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({}, "max"),
        ({"sunrise": "18:00"}, "sunset is not after sunrise, expected a time of day after 18:00"),
        ({"sunset": "6 am"}, "sunset is '6 am', expected a time of day"),
        ({"sunset": 21600}, "sunset is 21600, expected a time of day"),
        ({"sunset": "24:01"}, "sunset is '24:01', expected a time of day"),
        ({"clouds": 1.5}, "clouds is 1.5, expected 0 to 1"),
        ({"utc_offset": "2h"}, "utc_offset is '2h', expected a text such as"),
    ],
)
def test_what_is_refused(spec: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make({"type": "daylight", **({"max": 1} if spec else {}), **spec})


@given(st.integers(0, 86400))
def test_times_of_day_are_read_as_written(second: int) -> None:
    text = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    assert parse_time(text) == second
    if second % 60 == 0:
        assert parse_time(text[:5]) == second
