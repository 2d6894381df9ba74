"""The quick way accepts what the messages accept, and refuses what they refuse, in their words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.client import asks
from simulator.client.fitting import misfit
from simulator.protocol import bits, registers
from simulator.protocol.contract import MessageError
from simulator.protocol.messages import decode_response

ADDRESSES = st.integers(-3, 65540)
QUICK: dict[str, tuple[Any, Any]] = {
    "read_coils": (
        lambda address, quantity: asks.read_bits(1, address, quantity, 1),
        bits.ReadCoilsRequest,
    ),
    "read_discrete_inputs": (
        lambda address, quantity: asks.read_bits(2, address, quantity, 1),
        bits.ReadDiscreteInputsRequest,
    ),
    "read_holding_registers": (
        lambda address, quantity: asks.read_registers(3, address, quantity, 1),
        registers.ReadHoldingRegistersRequest,
    ),
    "read_input_registers": (
        lambda address, quantity: asks.read_registers(4, address, quantity, 1),
        registers.ReadInputRegistersRequest,
    ),
    "write_single_register": (
        lambda address, value: asks.write_register(address, value, 1),
        registers.WriteSingleRegisterRequest,
    ),
    "write_single_coil": (
        lambda address, value: asks.write_coil(address, value, 1),
        bits.WriteSingleCoilRequest,
    ),
    "write_multiple_registers": (
        lambda address, count: asks.write_registers(address, [7] * max(0, count % 130), 1),
        lambda address, count: registers.WriteMultipleRegistersRequest(address, (7,) * max(0, count % 130)),
    ),
}


@pytest.mark.parametrize("name", QUICK)
@given(ADDRESSES, st.integers(-3, 70000) | st.integers(-1, 130) | st.booleans() | st.floats() | st.none())
def test_requests_are_those_of_the_messages(name: str, address: int, value: Any) -> None:
    quick, message = QUICK[name]
    if name == "write_multiple_registers" and type(value) is not int:
        return
    try:
        expected = message(address, value).encode()
    except MessageError as error:
        told = str(error)
        with pytest.raises(ValueError) as caught:
            quick(address, value)
        assert str(caught.value) == told
        assert not isinstance(caught.value, MessageError)
        return
    if isinstance(value, bool) and name.startswith("read"):
        return  # a message takes True for a quantity of 1; the quick way does not
    assert quick(address, value).pdu == expected


@pytest.mark.parametrize("name", QUICK)
@given(st.data())
def test_answers_are_those_of_the_messages(name: str, data: st.DataObject) -> None:
    quick, message = QUICK[name]
    address, value = data.draw(st.integers(0, 100)), data.draw(st.integers(0, 1) | st.integers(1, 20))
    if name == "write_single_coil":
        value &= 1
    value = max(value, 1) if not name.startswith("write_single") else value
    ask, request = quick(address, value), message(address, value)
    head = bytes((ask.function,))
    pdu = data.draw(
        st.builds(lambda tail: head + tail, st.binary(max_size=45))
        | st.sampled_from([ask.pdu, ask.pdu[:5]])
        | st.integers(0, 20).map(lambda count: head + bytes((2 * count,)) + bytes(2 * count))
        | st.integers(0, 20).map(lambda count: head + bytes((count,)) + b"\xa5" * count)
    )
    try:
        answer = decode_response(pdu)
        wrong = misfit(request, answer)
        if wrong:
            raise MessageError(wrong)
    except MessageError as error:
        told = str(error)
        with pytest.raises(MessageError) as caught:
            ask.opener(ask, pdu)
        assert str(caught.value) == told
        return
    got = ask.opener(ask, pdu)
    if name.startswith("write"):
        assert got is None
    elif ask.function <= 2:
        assert got == list(answer.bits[:value])  # type: ignore[union-attr]
    else:
        assert got == list(answer.registers)  # type: ignore[union-attr]


def test_a_pdu_of_ones_own() -> None:
    assert asks.ask_pdu(b"\x41\x01", 1).opener(asks.ask_pdu(b"\x41", 1), b"\x41\x05") == b"\x41\x05"
    for wrong in (b"", b"\x00", b"\x80", bytes(254)):
        with pytest.raises(
            ValueError, match=r"^PDU is .*, expected a function code 1 to 127 and up to 252 bytes$"
        ):
            asks.ask_pdu(wrong, 1)
