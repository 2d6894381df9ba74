"""Clients: ask any Modbus server, in a blocking program, with Twisted or with asyncio.

==============  =======================================================================================
``blocking``    ``Client``: every verb returns its value
``aio``         ``AsyncClient``: every verb returns an ``asyncio.Future``; for Tornado, too
``tx``          ``TwistedClient``: every verb returns a ``Deferred``
``tx_wires``    its ways to a server
``pool``        ``ClientPool``: several connections, every verb returns a ``concurrent.futures.Future``
``adu``         requests as bytes and answers from bytes, without any connection
``verbs``       all verbs: of ``requests`` (function codes), ``diagnostics`` (08) and ``typed`` (values)
``devices``     a device with names for its values, from a profile
``plans``       how a verb is written once for all of these
``asks``        one request of a verb, and how its answer is opened
``session``     one conversation, without I/O: transaction ids, matching, what went wrong
``fitting``     does an answer fit its request?
``suspects``    what was heard in place of an answer
``target``      the URL of a server
``options``     timeouts, retries, reconnecting, certificates
``trying``      when a request is worth another try
``base``        what every client is made of
``links``       the blocking ways to a server
``forks``       what a child process does with its copies of clients
``driver``      requests by events: what Twisted and asyncio share
``tls``         TLS contexts, and TLS without sockets
==============  =======================================================================================

The names below are the public ones; those that need asyncio or Twisted are imported when first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from simulator.client.blocking import Client

if TYPE_CHECKING:
    from simulator.client.aio import AsyncClient
    from simulator.client.devices import profile
    from simulator.client.pool import ClientPool
    from simulator.client.tx import TwistedClient

__all__ = ["AsyncClient", "Client", "ClientPool", "TwistedClient", "profile"]

_LATER = {"AsyncClient": "aio", "ClientPool": "pool", "TwistedClient": "tx", "profile": "devices"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
