"""A plant with real sockets in this process: the reactor turns in a thread, the test goes on beside it.

The one rule: the thread is the one that embedded servers use; there is no other.
"""

from __future__ import annotations

from collections.abc import Callable
from time import sleep
from typing import TYPE_CHECKING, Any, Self

from simulator.client.blocking import Client
from simulator.embed import threads
from simulator.testing.handle import PlantHandle
from simulator.testing.sources import plant_of, with_free_ports

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from simulator.config.plant import PlantConfig
    from simulator.plant import Plant
    from simulator.testing.places import Found
    from simulator.testing.sources import Source


BREATH_S = 0.02


class RunningPlant(PlantHandle):
    """``with RunningPlant.of(text) as plant: my_driver.connect(plant.url("meter-0001"))``.

    With ``free_ports`` the kernel picks every port, but where one port serves many addresses.  With
    ``journal`` every device is recorded from the beginning.  Raises
    :class:`~simulator.errors.BindError` when an endpoint cannot be opened.
    """

    def __init__(self, config: PlantConfig, *, free_ports: bool = True, journal: bool = True) -> None:
        super().__init__(config)
        self._is_open = True
        threads.ensure_running()
        wanted = with_free_ports(config) if free_ports else config
        self._plant: Plant = threads.run(_opened, wanted, journal)

    @classmethod
    def of(
        cls, source: Source | None = None, *, free_ports: bool = True, journal: bool = True, **keys: Any
    ) -> Self:
        """The plant of anything that :func:`~simulator.testing.sources.find_source` takes."""
        return cls(plant_of(source, **keys), free_ports=free_ports, journal=journal)

    @property
    def plant(self) -> Plant:
        """The plant itself; its thread is that of the reactor."""
        return self._plant

    @property
    def endpoints(self) -> list[str]:
        """What is listened on, with the ports the kernel picked."""
        return self._plant.endpoints

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function in the thread of the reactor and wait for what it returns."""
        return threads.run(function, *arguments)

    def close(self) -> None:
        """Stop the plant; a second time does nothing."""
        self.close_clients()
        if self._is_open:
            self._is_open = False
            threads.run(self._plant.stopService)

    def _breathe(self) -> bool:
        sleep(BREATH_S)
        return True

    def _client(self, found: Found, options: dict[str, Any]) -> Client:
        return Client(found.url(self.endpoints[found.listener]), **options)


def _opened(config: PlantConfig, journal: bool) -> Deferred[Plant]:
    """In the thread of the reactor: a plant that answers."""
    from simulator.plant import Plant

    plant = Plant(config, threads.the_reactor())
    if journal:
        plant.recorder.record()

    def start(_: object) -> Plant:
        plant.startService()
        return plant

    return plant.open().addCallback(start)
