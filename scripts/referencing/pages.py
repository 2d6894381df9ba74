"""Which names are public, and on which page each stands.

A page has a title, the module its first words are those of, and names, ``*`` for all classes of a module.
One rule: what stands here is what programs may count on, and nothing else is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Page(NamedTuple):
    """One page: ``names`` of objects; ``only`` these members of one that has others for those within."""

    title: str
    module: str
    names: tuple[str, ...]
    more: tuple[tuple[str, str], ...] = ()  # text and link
    only: Mapping[str, tuple[str, ...]] = {}


PAGES: dict[str, Page] = {
    "client": Page(
        "Clients",
        "simulator.client",
        (
            "simulator.client.Client",
            "simulator.client.AsyncClient",
            "simulator.client.TwistedClient",
            "simulator.client.ClientPool",
            "simulator.client.verbs.Verbs",
            "simulator.client.profile",
            "simulator.client.devices.Device",
            "simulator.client.adu.Adus",
            "simulator.client.adu.RequestAdu",
            "simulator.client.options.Options",
        ),
        more=(
            ("options, errors and verbs in tables", "../client.md"),
            ("a how-to", "../../how-to/poll-a-device.md"),
        ),
    ),
    "embed": Page(
        "Embedded servers",
        "simulator.embed",
        (
            "simulator.embed.ModbusServer",
            "simulator.embed.Unit",
            "simulator.embed.access.Tables",
            "simulator.embed.registering.Registering",
            "simulator.embed.Area",
            "simulator.embed.Provider",
            "simulator.embed.Remote",
            "simulator.embed.Request",
            "simulator.embed.Change",
            "simulator.embed.identities.Identity",
            "simulator.embed.in_thread",
        ),
    ),
    "testing": Page(
        "Plants in tests",
        "simulator.testing",
        (
            "simulator.testing.PlantHandle",
            "simulator.testing.InMemoryPlant",
            "simulator.testing.RunningPlant",
            "simulator.testing.PlantProcess",
            "simulator.testing.Unmet",
        ),
        more=(("a how-to", "../../how-to/tests-and-ci.md"),),
    ),
    "maps": Page(
        "Register maps in programs",
        "simulator.maps",
        (
            "simulator.maps.load",
            "simulator.maps.read",
            "simulator.maps.Decoder",
            "simulator.maps.save",
            "simulator.maps.saving",
            "simulator.maps.write",
            "simulator.maps.profile_text",
        ),
        more=(
            ("what maps may look like", "../register-maps.md"),
            ("a how-to", "../../how-to/use-a-register-map.md"),
        ),
    ),
    "payload": Page(
        "Payloads",
        "simulator.payload",
        (
            "simulator.payload.PayloadBuilder",
            "simulator.payload.PayloadDecoder",
            "simulator.payload.crc16",
            "simulator.payload.with_crc",
            "simulator.payload.lrc",
            "simulator.payload.pack_bits",
            "simulator.payload.unpack_bits",
            "simulator.payload.pack_words",
            "simulator.payload.unpack_words",
        ),
    ),
    "plant": Page(
        "Plants",
        "simulator.plant",
        (
            "simulator.config.loader.load_plant",
            "simulator.config.loader.parse_plant",
            "simulator.plant.Plant",
            "simulator.values.Values",
            "simulator.virtual_time.VirtualClock",
            "simulator.origins.Origin",
        ),
        more=(("the plant file", "../plant-file.md"),),
        only={
            "Values": ("read", "read_all", "write", "check", "release", "on_write"),
            "VirtualClock": (
                "seconds",
                "callLater",
                "paused",
                "pause",
                "resume",
                "step",
                "advance",
                "scale",
                "lost_s",
            ),
        },
    ),
    "profiles": Page(
        "Profiles, points and data types",
        "simulator.profiles.profile",
        (
            "simulator.profiles.loader.ProfileLibrary",
            "simulator.profiles.profile.Profile",
            "simulator.points.Point",
            "simulator.datatypes.data_type",
            "simulator.datatypes.DataType",
            "simulator.datatypes.ByteOrder",
        ),
        more=(("the profile file", "../profile.md"),),
    ),
    "scripts": Page(
        "What a script is given",
        "simulator.scripting.handle",
        ("simulator.scripting.handle.ScriptPlant", "simulator.scripting.handle.ScriptDevice"),
        more=(("scripts of a plant", "../scripts.md"),),
    ),
    "extending": Page(
        "Generators and functions of your own",
        "simulator.generators.base",
        (
            "simulator.generators.registry.generator",
            "simulator.generators.base.Generator",
            "simulator.generators.base.Sampler",
            "simulator.generators.base.OfTime",
            "simulator.generators.base.Fleetwide",
            "simulator.functions.table.function",
            "simulator.functions.custom.custom_function",
        ),
        more=(("the generators there are", "../generators.md"),),
    ),
    "errors": Page("Errors", "simulator.errors", ("simulator.errors.*",)),
}
