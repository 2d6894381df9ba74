"""Points move after what they read; circles are told."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.generators.base import Generator
from simulator.generators.ordering import CycleError, arranged, components
from simulator.generators.registry import make


def generators(**specs: Any) -> dict[str, Generator]:
    """By name: a formula, or the whole mapping."""
    return {
        name: make({"type": "formula", "formula": spec} if isinstance(spec, str) else spec)
        for name, spec in specs.items()
    }


def lag(of: str, **more: Any) -> dict[str, Any]:
    return {"type": "lag", "of": of, "time_constant": "5s", **more}


def test_inputs_first_otherwise_as_in_the_file() -> None:
    found = generators(d="c + b", a="1 + t", c="b * static", b="a + 1", e="signal.x")
    assert arranged(found) == ["a", "b", "c", "d", "e"]


def test_what_remembers_moves_after_its_inputs_where_that_is_possible() -> None:
    found = generators(slow=lag("fast"), energy={"type": "integrate", "of": "fast * slow"}, fast="t")
    assert arranged(found) == ["fast", "slow", "energy"]


@pytest.mark.parametrize(
    ("specs", "path"),
    [
        ({"a": "b", "b": "a"}, "a -> b -> a"),
        ({"a": "a + 1"}, "a -> a"),
        ({"x": "a", "a": "b + 1", "b": "2 * c", "c": "sin(a)"}, "a -> b -> c -> a"),
        ({"a": {"type": "follow", "of": "b"}, "b": "a"}, "a -> b -> a"),
    ],
)
def test_a_circle_is_told_with_its_path(specs: dict[str, Any], path: str) -> None:
    with pytest.raises(CycleError) as refused:
        arranged(generators(**specs))
    assert str(refused.value) == f"points wait for each other, got {path}, expected an end"


def test_what_remembers_may_close_a_circle() -> None:
    thermal = generators(
        heater={"type": "pid", "of": "temperature", "setpoint": "setpoint"},
        power="heater * 10",
        temperature=lag("20 + power / 50"),
    )
    assert arranged(thermal) == ["temperature", "heater", "power"]  # it takes the power of the tick before
    assert arranged(generators(level={"type": "integrate", "of": "inflow - level / 10"})) == ["level"]
    delayed = generators(a="b + 1", b={"type": "follow", "of": "a", "delay": "1s"})
    assert arranged(delayed) == ["b", "a"]


def test_components_are_what_depends_on_each_other() -> None:
    fast = {"type": "formula", "formula": "t", "interval": "100ms"}
    found = generators(alone="t", slow=lag("quick", interval="2s"), quick=fast, other=lag("alone"), last="t")
    assert components(found) == [(1.0, ["alone", "other"]), (0.1, ["quick", "slow"]), (1.0, ["last"])]


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.booleans()), max_size=30))
def test_any_order_is_one_in_which_formulas_find_their_inputs(edges: list[tuple[int, int, bool]]) -> None:
    kinds = {place: any(soft for point, _, soft in edges if point == place) for place in range(12)}
    reads: dict[int, list[int]] = {place: [] for place in range(12)}
    for point, other, _ in edges:
        if other != point or kinds[point]:
            reads[point].append(other)
    formulas = {place: " + ".join(["t", *(f"p{other}" for other in reads[place])]) for place in range(12)}
    specs = {f"p{place}": lag(formulas[place]) if kinds[place] else formulas[place] for place in range(12)}
    found = generators(**specs)
    try:
        order = arranged(found)
    except CycleError as error:
        path = [int(name[1:]) for name in error.path]
        assert path[0] == path[-1]
        assert all(other in reads[point] and not kinds[point] for point, other in pairwise(path))
        return
    assert sorted(order) == sorted(found)
    for place in range(12):
        if not kinds[place]:
            assert all(order.index(f"p{other}") < order.index(f"p{place}") for other in reads[place])
    assert arranged(found) == order
    together = components(found)
    assert sorted(name for _, names in together for name in names) == sorted(found)
    homes = {name: place for place, (_, names) in enumerate(together) for name in names}
    assert all(homes[f"p{a}"] == homes[f"p{b}"] for a in reads for b in reads[a])


def test_points_on_the_same_registers_move_together() -> None:
    found = generators(
        word=lag("t", interval="1s"), bit={"type": "toggle", "interval": "300ms"}, reader="status", other="1"
    )
    meeting = {"word": ["bit"], "bit": ["word"], "status": ["bit", "word"]}
    assert components(found, meeting) == [(0.3, ["word", "bit", "reader"]), (1.0, ["other"])]


def test_registers_that_are_written_after_they_are_read_are_no_circle() -> None:
    found = generators(bit="status > 3", reader="status")
    meeting = {"status": ["bit"]}
    assert components(found, meeting) == [(1.0, ["bit", "reader"])]
