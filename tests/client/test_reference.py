"""The reference of the clients leaves nothing out."""

from __future__ import annotations

import typing
from pathlib import Path

from simulator import errors, payload
from simulator.client.adu import Adus
from simulator.client.options import Options
from simulator.client.verbs import names

TEXT = (Path(__file__).resolve().parent.parent.parent / "docs" / "reference" / "client.md").read_text()


def test_every_option_verb_error_and_fault_is_in_the_reference() -> None:
    assert [name for name in Options._fields if f"| `{name}` |" not in TEXT] == []
    assert [name for name in names() if f"`{name}(" not in TEXT] == []
    assert [fault for fault in typing.get_args(errors.Fault) if f"| `{fault}` |" not in TEXT] == []
    kinds = (errors.ModbusException, errors.ProtocolError, *errors.NetworkError.__subclasses__())
    assert [kind.__name__ for kind in kinds if f"| `{kind.__name__}` |" not in TEXT] == []


def test_every_default_is_the_one_in_the_reference() -> None:
    for name in (
        "timeout",
        "retries",
        "reconnect",
        "reconnect_delay",
        "reconnect_delay_max",
        "unit",
        "in_flight",
    ):
        assert f"| `{name}` | {Options._field_defaults[name]:g} |" in TEXT


def test_every_method_of_payloads_is_in_the_reference() -> None:
    for kind in (payload.PayloadBuilder, payload.PayloadDecoder):
        public = [name for name in vars(kind) if not name.startswith("_")]
        assert [name for name in public if f"{name}(" not in TEXT and f"`{name}`" not in TEXT] == []
    assert [name for name in payload.__all__ if f"`{name}" not in TEXT] == []
    assert f"`{Adus.__name__}(framing)`" in TEXT
