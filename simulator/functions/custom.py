"""Function codes of your own: one class for the request, one for the response, one function in between.

::

    @dataclass(frozen=True, slots=True)
    class ReadClockRequest(Request):
        function = 65
        layout = Struct(">B")              # the fields in order, behind the function code
        zone: int

    @dataclass(frozen=True, slots=True)
    class ReadClockResponse(Response):
        function = 65
        layout = Struct(">BL")
        zone: int
        seconds: int

    @custom_function(ReadClockRequest, ReadClockResponse)
    def read_clock(device, request):
        return ReadClockResponse(request.zone, 1_700_000_000)

From then on servers answer the code, clients and the parser understand it, and RTU over a stream knows
how long its messages are.  The behaviour need not check lengths, catch anything or build an exception
response: bytes that do not fit the request answer 03, and it may raise any
:class:`~simulator.errors.ModbusException`.  Returning None means silence.  Messages without a fixed
layout write ``encode`` and ``decode`` themselves, and a ``length`` where their bytes tell it (``length =
Counted(1)``); raise ``MessageError`` or ValueError for what does not fit.

Codes 65 to 72 and 100 to 110 are meant for this (V1.1b3 §5); others are allowed.  A code that has an owner is
refused unless ``replace`` is true.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from simulator.functions.table import function
from simulator.protocol import messages
from simulator.protocol.contract import Request, Response

if TYPE_CHECKING:
    from simulator.device import Device

USER_DEFINED = (*range(65, 73), *range(100, 111))  # V1.1b3 §5

AnyRequest = TypeVar("AnyRequest", bound=Request)
AnyResponse = TypeVar("AnyResponse", bound=Response)
Behaviour = Callable[["Device", AnyRequest], "AnyResponse | None"]


def custom_function(
    request: type[AnyRequest], response: type[AnyResponse], *, replace: bool = False
) -> Callable[[Behaviour[AnyRequest, AnyResponse]], Behaviour[AnyRequest, AnyResponse]]:
    """Register two messages and the behaviour between them, under the function code both have.

    ::

        @custom_function(ReadClockRequest, ReadClockResponse)
        def read_clock(device, request):
            return ReadClockResponse(request.zone, 1_700_000_000)

    Messages are frozen dataclasses of ``Request`` and ``Response`` with a ``function`` and a ``layout``; the
    head of :mod:`simulator.functions.custom` shows a whole example.  Servers answer the code, clients and
    ``modsim decode`` understand it.  Raises ValueError, naming the owner, when the code is taken.
    """

    def register(behaviour: Behaviour[AnyRequest, AnyResponse]) -> Behaviour[AnyRequest, AnyResponse]:
        messages.check_pair(request, response, replace=replace)

        def answer(device: Device, pdu: bytes) -> bytes:
            answered = behaviour(device, messages.opened(request, pdu))
            return b"" if answered is None else answered.encode()

        answer.__module__ = behaviour.__module__
        answer.__qualname__ = behaviour.__qualname__
        answer.__doc__ = behaviour.__doc__
        function(request.function, replace=replace)(answer)
        messages.register(request, response, replace=replace)
        return behaviour

    return register
