"""Where devices are: every device of a plant is found at its URL and unit id, whatever the ports became."""

from __future__ import annotations

import pytest

from simulator.config.loader import parse_plant
from simulator.errors import PointError
from simulator.testing import InMemoryPlant
from simulator.testing.places import find
from simulator.testing.sources import find_source, free_in_data, with_free_ports

ENDPOINTS = [
    ("tcp://127.0.0.1:5020", "1-6"),
    ("tcp://127.0.0.1:5020-5025", "any"),
    ("tcp://127.0.0.1:5020-5021", "1-3"),
    ("tcp://127.0.0.1:0", "1-2"),
    ("tcp://127.0.0.1:0", "any"),
    ("tcp://10.0.0.1-10.0.0.6:502", "any"),
    ("tcp://10.0.0.1-10.0.0.3:502-503", "9"),
    ("tcp://0.0.0.0:502", "1-6"),
    ("tcp://[::1]:502", "1-6"),
    ("rtu:/dev/ttyUSB0", "1-6"),
]


@pytest.mark.parametrize(("endpoint", "units"), ENDPOINTS)
def test_every_device_answers_at_its_place(endpoint: str, units: str) -> None:
    text = f'devices: [{{name: "d-{{i}}", profile: generic, count: 6, endpoint: "{endpoint}", unit_id: {units}}}]'
    with InMemoryPlant.from_yaml(text) as plant:
        for number, name in enumerate(plant.names):
            plant.client(name).write_single_register(0, number + 1)
        assert [plant.device(name).client.read_holding_registers(0, 1) for name in plant.names] == [
            [1], [2], [3], [4], [5], [6]
        ]  # fmt: skip
        assert len({(plant.url(name), plant.unit(name)) for name in plant.names}) == 6


def test_freed_ports_do_not_move_devices() -> None:
    text = 'devices: [{name: "d-{i}", profile: generic, count: 3, endpoint: "tcp://127.0.0.1:5020-5022"}]'
    source = find_source(text)
    assert [plan.port for plan in with_free_ports(source.config).listeners] == [0, 0, 0]
    freed = free_in_data(source.config, source.data)
    assert freed["devices"][0]["endpoint"] == "tcp://127.0.0.1:0"
    assert source.data["devices"][0]["endpoint"] == "tcp://127.0.0.1:5020-5022"
    assert find(source.config, "d-2").listener == 2
    assert find(source.config, "d-2").url("tcp://127.0.0.1:40000") == "tcp://127.0.0.1:40000"


def test_an_unknown_device_is_told_with_a_hint() -> None:
    config = parse_plant('devices: [{name: pump, profile: generic, endpoint: "tcp://127.0.0.1:0"}]')
    with pytest.raises(
        PointError, match="unknown device 'pmup', expected the name of one; did you mean 'pump'"
    ):
        find(config, "pmup")
