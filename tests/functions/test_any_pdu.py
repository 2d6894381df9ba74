"""Whatever bytes follow the code of a rarer function, a device that has them all answers by the book."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.blocks.memory import sequential_registers
from simulator.device import Device, DeviceKind, ServerId
from simulator.fifos import FifoStore, PushedQueue
from simulator.files import FileStore
from simulator.functions.standard import function_table
from simulator.functions.table import answer
from simulator.protocol.contract import ExceptionResponse
from simulator.protocol.messages import decode_response

RARE = (7, 8, 11, 12, 17, 20, 21, 24, 43)
WORD = st.sampled_from([0, 1, 2, 3, 4, 6, 9, 10, 11, 21, 0x64, 0xFF00, 0xFFFF, 0x0600]).map(
    lambda word: word.to_bytes(2, "big")
)
GROUP = st.tuples(st.sampled_from([b"\6", b"\6", b"\5"]), WORD, WORD, WORD).map(b"".join)
COUNTED = st.lists(GROUP, max_size=40).map(b"".join).map(lambda body: bytes((len(body) & 0xFF,)) + body)
PDU = st.builds(
    lambda code, rest: (bytes((code,)) + rest)[:253],
    st.sampled_from(RARE),
    st.one_of(st.binary(max_size=252), st.lists(WORD, max_size=8).map(b"".join), COUNTED),
)


def device() -> Device:
    kind = DeviceKind(
        function_table(),
        identity=lambda row: {0: b"a" * 200, 1: b"b" * 200, 0x80: b"c"},
        server_id=lambda row: ServerId(b"\x11"),
        exception_status=lambda device: 0x6D,
        files=FileStore({1: bytes(20), 4: bytes(20_000)}),
        fifos=FifoStore({1: PushedQueue(b"\0\1", 31), 2: PushedQueue(bytes(80), 40)}),
    )
    return Device(kind, holding_registers=sequential_registers(0, [0] * 10))


@settings(max_examples=300, deadline=None)
@given(st.lists(PDU, min_size=1, max_size=8))
def test_every_answer_is_a_response_or_a_refusal_the_specification_names(pdus):
    asked = device()
    for place, pdu in enumerate(pdus, 1):
        was_silent = asked.state.listen_only
        response = answer(asked, pdu)
        if was_silent or asked.state.listen_only:
            assert response == b""
        else:
            told = decode_response(response)
            if isinstance(told, ExceptionResponse):
                assert told.function == pdu[0]
                assert told.code in (1, 2, 3)
            else:
                assert told.function == pdu[0]
                assert told.encode() == response
        assert asked.kind.requests[0] == place
        assert len(asked.state.log()) <= 64
        assert 0 <= asked.state.events <= asked.state.messages <= place
