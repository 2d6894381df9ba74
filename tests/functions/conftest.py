"""A device in memory, asked one PDU at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from simulator.device import Device, DeviceKind
from simulator.functions.standard import function_table
from simulator.functions.table import answer

Ask = Callable[..., str]


@pytest.fixture
def ask() -> Ask:
    """``ask(request, holding_registers=…)``: the hex of the response of a device with these blocks."""

    def ask(
        request: str, *, without: Iterable[int] = (), device: Device | None = None, **blocks: object
    ) -> str:
        asked = device or Device(DeviceKind(function_table(without)), **blocks)  # type: ignore[arg-type]
        return answer(asked, bytes.fromhex(request)).hex(" ").upper()

    return ask
