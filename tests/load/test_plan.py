"""The plan of a swarm: what it takes, what it refuses, and the requests it makes of it."""

from __future__ import annotations

import dataclasses

import pytest

from simulator.load.plan import Part, Plan, Target, parse_mix
from simulator.load.shots import FIXED, MOST, shots
from simulator.protocol.messages import decode_request

TARGET = Target("127.0.0.1", 5020, "tcp", "mbap", False)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("3x10", (Part(3, 10, 1),)),
        ("3x10=9,16x2=1", (Part(3, 10, 9), Part(16, 2, 1))),
        ("fc3x125, read_coils x8", (Part(3, 125, 1), Part(1, 8, 1))),
        ("6,43/14=2", (Part(6, 1, 1), Part(43, 1, 2))),
    ],
)
def test_mixes(text, parts):
    assert parse_mix(text) == parts


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("3x126", "quantity of function 3 is 126, expected 1 to 125"),
        ("20x1", "function is 20, expected one of 1, 2, 3"),
        ("read_holding_registrs", "unknown function 'read_holding_registrs', did you mean 'read_holding_registers'?"),
        ("3=0", "weight is 0, expected 1 to 1000000"),
        ("!", "request is '!', expected a function, quantity and weight such as 3x10=9"),
    ],
)  # fmt: skip
def test_mixes_that_are_none(text, fact):
    with pytest.raises(ValueError) as caught:
        parse_mix(text)
    assert str(caught.value).startswith(fact)


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"clients": 0}, "clients is 0, expected 1 to 1000000"),
        ({"depth": 1025}, "depth is 1025, expected 1 to 1024"),
        ({"rate": 0.0}, "rate is 0, expected more than 0"),
        ({"duration_s": 0.0}, "duration or timeout is 0s"),
        ({"addresses": ((0, 4),)}, "read holding registers x 10 does not fit into 5 addresses"),
        (
            {"targets": (dataclasses.replace(TARGET, framing="rtu"),), "depth": 2},
            "depth is 2, expected 1 for rtu+tcp://127.0.0.1:5020, which has no transaction ids",
        ),
    ],
)
def test_plans_that_are_none(change, fact):
    with pytest.raises(ValueError) as caught:
        Plan(**{"targets": (TARGET,), **change})
    assert str(caught.value).startswith(fact)


@pytest.mark.parametrize("function", sorted({*MOST, *FIXED}))
@pytest.mark.parametrize("order", ["random", "sequential"])
def test_every_request_is_legal_and_within_the_addresses_and_units(function, order):
    quantity = min(MOST.get(function, 1), 40)
    plan = Plan(
        (TARGET,),
        mix=(Part(function, quantity),),
        addresses=((10, 59), (100, 139)),
        units=((3, 5),),
        order=order,
    )
    for shot in shots(plan, 200):
        request = decode_request(shot.pdu)
        assert request.function == function
        assert shot.unit in (3, 4, 5)
        first = getattr(request, "address", getattr(request, "read_address", None))
        if first is not None:
            assert first >= 10 and first + quantity <= 140 and not 60 - quantity < first < 100


def test_weights_and_seed_decide_the_mix():
    plan = Plan((TARGET,), mix=parse_mix("3x10=9,16x2=1"))
    ring = shots(plan)
    share = sum(shot.pdu[0] == 16 for shot in ring) / len(ring)
    assert 0.08 < share < 0.12
    assert shots(plan) == ring
    assert shots(dataclasses.replace(plan, seed=2)) != ring
