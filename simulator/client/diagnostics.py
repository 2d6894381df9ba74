"""The verbs of function 08, one for each sub-function (V1.1b3 §6.8; Modbus Plus statistics: PI-MBUS-300).

Devices have it on serial lines; over a network most do not.  Counters are 0 to 65535.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator.client.asks import ask
from simulator.client.plans import Plan, verb
from simulator.client.requests import Addressed


def _ask(
    unit: int, sub_function: int, data: Sequence[int] = (0,), *, answered: bool = True
) -> Plan[list[int]]:
    from simulator.protocol.diagnostics import Diagnostic, DiagnosticsRequest

    request = DiagnosticsRequest(Diagnostic(sub_function), tuple(data))
    answer = yield ask(request, unit, answered=answered)
    return [] if answer is None else list(answer.data)


def _count(unit: int, sub_function: int) -> Plan[int]:
    return (yield from _ask(unit, sub_function))[0]


class DiagnosticVerbs(Addressed):
    """08: the sub-functions by their names in the specification."""

    @verb
    def return_query_data(self, data: Sequence[int] = (0,), *, unit: int | None = None) -> Plan[list[int]]:
        """08/00: 1 to 125 words, which come back; a line test."""
        return (yield from _ask(self._unit(unit), 0, data))

    @verb
    def restart_communications(self, *, clear_log: bool = False, unit: int | None = None) -> Plan[None]:
        """08/01: restart the port; ends listen-only mode, out of which no answer comes."""
        yield from _ask(self._unit(unit), 1, (0xFF00 if clear_log else 0,))

    @verb
    def return_diagnostic_register(self, *, unit: int | None = None) -> Plan[int]:
        """08/02: the 16 bits of the diagnostic register, which the maker of the device defines."""
        return (yield from _count(self._unit(unit), 2))

    @verb
    def change_ascii_input_delimiter(self, character: str, *, unit: int | None = None) -> Plan[None]:
        """08/03: the character that ends a frame in ASCII, in place of the line feed."""
        code = ord(character)
        if code > 0xFF:
            raise ValueError(f"character is {character!r}, expected one of a single byte")
        yield from _ask(self._unit(unit), 3, (code << 8,))

    @verb
    def force_listen_only_mode(self, *, unit: int | None = None) -> Plan[None]:
        """08/04: the device hears, but neither acts nor answers, this included, until it is restarted."""
        yield from _ask(self._unit(unit), 4, answered=False)

    @verb
    def clear_counters(self, *, unit: int | None = None) -> Plan[None]:
        """08/10: all counters and the diagnostic register become 0."""
        yield from _ask(self._unit(unit), 10)

    @verb
    def return_bus_message_count(self, *, unit: int | None = None) -> Plan[int]:
        """08/11: messages the device has seen on the line."""
        return (yield from _count(self._unit(unit), 11))

    @verb
    def return_bus_communication_error_count(self, *, unit: int | None = None) -> Plan[int]:
        """08/12: messages with a wrong checksum, and the like."""
        return (yield from _count(self._unit(unit), 12))

    @verb
    def return_bus_exception_error_count(self, *, unit: int | None = None) -> Plan[int]:
        """08/13: exception responses the device has sent."""
        return (yield from _count(self._unit(unit), 13))

    @verb
    def return_server_message_count(self, *, unit: int | None = None) -> Plan[int]:
        """08/14: messages to the device, broadcasts included."""
        return (yield from _count(self._unit(unit), 14))

    @verb
    def return_server_no_response_count(self, *, unit: int | None = None) -> Plan[int]:
        """08/15: messages to the device that it did not answer."""
        return (yield from _count(self._unit(unit), 15))

    @verb
    def return_server_nak_count(self, *, unit: int | None = None) -> Plan[int]:
        """08/16: negative acknowledgements, exception 7."""
        return (yield from _count(self._unit(unit), 16))

    @verb
    def return_server_busy_count(self, *, unit: int | None = None) -> Plan[int]:
        """08/17: times the device was busy, exception 6."""
        return (yield from _count(self._unit(unit), 17))

    @verb
    def return_bus_character_overrun_count(self, *, unit: int | None = None) -> Plan[int]:
        """08/18: messages lost because characters came too fast."""
        return (yield from _count(self._unit(unit), 18))

    @verb
    def clear_overrun_counter(self, *, unit: int | None = None) -> Plan[None]:
        """08/20: the overrun counter becomes 0."""
        yield from _ask(self._unit(unit), 20)

    @verb
    def get_modbus_plus_statistics(self, *, unit: int | None = None) -> Plan[list[int]]:
        """08/21, operation 3: the 54 words of Modbus Plus statistics."""
        return (yield from _ask(self._unit(unit), 21, (3,)))[1:]

    @verb
    def clear_modbus_plus_statistics(self, *, unit: int | None = None) -> Plan[None]:
        """08/21, operation 4: the Modbus Plus statistics become 0."""
        yield from _ask(self._unit(unit), 21, (4,))
