"""Register maps: CSV, JSON and XML files in, profiles, decoders and values out, and the other way round.

::

    from simulator.maps import Decoder, load, read, save, write

    values = Decoder("meter.csv").decode(client.read_holding_registers(0, 20), address=0)
    server = ModbusServer(profile=read("meter.csv"))
    save(server.plant, "values.json")

==============  =======================================================================================
``reading``     ``load`` and ``read``: a map as a checked profile, or as the mapping that a profile file holds
``decoder``     ``Decoder``: registers, bits or bytes -> values by name
``entries``     points as rows of a map
``writing``     rows as CSV, JSON or XML
``saving``      ``save``: the values of a plant as rows; ``write``: the points of a profile
``yaml_text``   ``profile_text``: a profile as the text of a profile file
==============  =======================================================================================

What files may look like is the business of ``simulator.profiles.maps``.  The names below are the public ones.
"""

from __future__ import annotations

from simulator.maps.decoder import Decoder
from simulator.maps.reading import load, read
from simulator.maps.saving import save, saving, write
from simulator.maps.yaml_text import profile_text

__all__ = ["Decoder", "load", "profile_text", "read", "save", "saving", "write"]
