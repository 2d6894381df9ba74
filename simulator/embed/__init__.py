"""A Modbus server inside your own program.

::

    from simulator.embed import ModbusServer

    server = ModbusServer("127.0.0.1", 0)
    server.start()
    server.set_coil(1, True)
    server.stop()

==============  =======================================================================================
``server``      ``ModbusServer``: its arguments and its devices
``life``        start and stop, where it listens, work in its thread
``units``       ``Unit``: one device; what can be registered there
``access``      setters and getters of the four tables, typed
``areas``       ``Area``: which addresses of a table exist; a plant from arguments
``requests``    ``Request`` and ``Change``, as functions of yours are given them
``overrides``   who answers a request: your functions, an engine, the device itself
``blocks``      tables behind routes and providers, tables that are watched
``providers``   ``Provider``: the base class of data of your own
``remotes``     ``Remote``: a device whose data is another device
``repeating``   work that is done again and again
``identities``  identification objects, edited while the server runs
``awaiting``    coroutines, Deferreds and futures of your functions
``threads``     the reactor of the process, and how other threads reach it
``logs``        the server's log in the standard ``logging``
==============  =======================================================================================

The names below are the public ones.
"""

from __future__ import annotations

from simulator.embed.areas import Area
from simulator.embed.awaiting import in_thread
from simulator.embed.providers import Provider
from simulator.embed.remotes import Remote
from simulator.embed.requests import Change, Request
from simulator.embed.server import ModbusServer
from simulator.embed.units import Unit

__all__ = ["Area", "Change", "ModbusServer", "Provider", "Remote", "Request", "Unit", "in_thread"]
