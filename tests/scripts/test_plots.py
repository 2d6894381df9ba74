"""The pictures of the shipped profiles: one of each, of points that exist, and drawn as they are."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from plotting.days import LOOKS, record  # noqa: E402
from plotting.drawing import svg, ticks  # noqa: E402
from plotting.pictures import PICTURES, Event, Panel, Picture  # noqa: E402

from simulator.profiles.loader import ProfileLibrary  # noqa: E402

LIBRARY = ProfileLibrary()
WITH_POINTS = [name for name in LIBRARY.names() if LIBRARY.get(name).points]


def test_every_profile_has_a_picture_in_its_documentation() -> None:
    text = (ROOT / "docs" / "reference" / "library.md").read_text()
    assert sorted(PICTURES) == WITH_POINTS
    assert [name for name in PICTURES if f"(../images/{name}.svg)" not in text] == []


@pytest.mark.parametrize("name", WITH_POINTS)
def test_a_picture_shows_the_points_it_is_made_of(name: str) -> None:
    points = LIBRARY.get(name).points
    picture = PICTURES[name]
    assert {point for panel in picture.panels for point in panel.points} <= points.keys()
    assert {point for event in picture.events for point in event.writes} <= points.keys()
    root = ET.parse(ROOT / "docs" / "images" / f"{name}.svg").getroot()
    curves = [each for each in root if each.tag.endswith("polyline")]
    assert len(curves) == sum(len(panel.points) for panel in picture.panels)
    assert {len(curve.attrib["points"].split()) for curve in curves} == {LOOKS + 1}


def test_what_happens_is_seen_when_it_happens() -> None:
    panel = Panel("Hz", ("output_frequency",), 0, 50)
    events = (Event(0.05, "stop", {"stop": True}), Event(0.1, "start", {"stop": None}))
    times, curves = record("vfd", Picture("a stop & a start", (panel,), events[:1], hours=0.2, step=1))
    frequency = curves["output_frequency"]
    assert (times[0], times[-1]) == (0, 0.2)
    assert (frequency[times < 0.05] == 40).all()
    assert (frequency[times > 0.06] == 0).all()
    drawn = svg(Picture("a stop & a start", (panel,), events), times, curves)
    root = ET.fromstring(drawn)
    texts = ["".join(each.itertext()) for each in root.iter() if each.tag.endswith("text")]
    assert {"a stop & a start", "Hz", "output frequency", "stop", "start", "00:00"} <= set(texts)


def test_counters_are_shown_since_the_start() -> None:
    times, values = np.linspace(0, 1, 3), {"energy": np.array([1000.0, 1010.0, 1020.0])}
    picture = Picture("x", (Panel("kWh", ("energy",), 0, 20, since_start=True),))
    rising = ET.fromstring(svg(picture, times, values))
    (curve,) = (each for each in rising if each.tag.endswith("polyline"))
    heights = [float(dot.split(",")[1]) for dot in curve.attrib["points"].split()]
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2])
    frozen = ET.fromstring(svg(replace(picture, panels=(Panel("kWh", ("energy",)),)), times, values))
    assert "1 000" in [each.text for each in frozen.iter()]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 100, [0, 25, 50, 75, 100]),
        (0, 24, [0, 10, 20]),
        (-0.3, 0.3, [-0.2, 0, 0.2]),
        (226.8, 232.4, [228, 230, 232]),
        (5, 5, [5]),
    ],
)
def test_axes_have_round_numbers(low: float, high: float, expected: list[float]) -> None:
    found = ticks(low, high)
    assert found == pytest.approx(expected)
    assert "-0" not in [f"{tick:g}" for tick in found]


def test_the_command_says_what_it_can_draw() -> None:
    script = [sys.executable, str(ROOT / "scripts" / "plots")]
    wrong = subprocess.run([*script, "meter"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "there is no picture of meter, expected battery-bms, energy-meter" in wrong.stderr
