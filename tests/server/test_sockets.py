"""The sockets themselves: what is set on them, what is said when they cannot be opened."""

from __future__ import annotations

import errno
import os
import socket

import pytest
from twisted.internet.interfaces import IListeningPort, ITCPTransport
from twisted.internet.testing import MemoryReactorClock
from zope.interface.verify import verifyObject

from simulator.errors import BindError
from simulator.server.factory import ModbusServerFactory
from simulator.server.hub import Hub


@pytest.fixture
def hub():
    hub = Hub(MemoryReactorClock())
    yield hub
    hub.close()


@pytest.fixture
def listen(hub):
    """Open a listener of a factory without devices."""

    def listen(host: str = "127.0.0.1", port: int = 0):
        return hub.listen(host, port, ModbusServerFactory({}))

    return listen


@pytest.fixture
def accept(hub, listen):
    """A client, and the server's side of its connection."""
    clients = []

    def accept(host: str = "127.0.0.1"):
        port = listen(host)
        clients.append(socket.create_connection((host, port.getHost().port), timeout=30))
        hub.ports.doRead()
        (connection,) = hub.connections
        return clients[-1], connection

    yield accept
    for client in clients:
        client.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_accepted_connections_have_no_delay_and_keep_alive(accept, host):
    """TCP V1.0b §4.2: small frames go at once, and peers that vanish are noticed."""
    _, connection = accept(host)
    assert connection.getTcpNoDelay()
    assert connection.getTcpKeepAlive()
    with socket.socket(fileno=os.dup(connection.fd)) as accepted:
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        connection.setTcpNoDelay(False)
        connection.setTcpKeepAlive(False)
        assert not accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert not accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_connection_knows_both_its_ends(accept, host):
    client, connection = accept(host)
    assert (connection.getPeer().host, connection.getPeer().port) == client.getsockname()[:2]
    assert (connection.getHost().host, connection.getHost().port) == client.getpeername()[:2]


def test_ports_and_connections_are_twisteds(accept, listen):
    _, connection = accept()
    assert verifyObject(ITCPTransport, connection)
    assert verifyObject(IListeningPort, listen())


def test_a_port_that_the_kernel_picks_is_told(listen):
    ports = [listen() for _ in range(3)]
    numbers = {port.getHost().port for port in ports}
    assert len(numbers) == 3
    assert 0 not in numbers
    assert ports[0].endpoint == f"tcp://127.0.0.1:{ports[0].getHost().port}"
    six = listen("::1")
    assert six.endpoint == f"tcp://[::1]:{six.getHost().port}"


def test_a_taken_port_is_told_and_its_socket_released(hub, listen):
    taken = listen().getHost().port
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(BindError, match=f"tcp://127.0.0.1:{taken}: Address already in use") as caught:
        listen(port=taken)
    assert caught.value.errno == errno.EADDRINUSE
    assert caught.value.endpoint == f"tcp://127.0.0.1:{taken}"
    assert len(os.listdir("/proc/self/fd")) == before
    assert len(hub.ports) == 1


def test_an_address_that_is_not_local_is_told(listen):
    with pytest.raises(BindError, match=r"tcp://192\.0\.2\.1:0: Cannot assign") as caught:
        listen("192.0.2.1")
    assert caught.value.errno == errno.EADDRNOTAVAIL


def test_a_port_can_be_listened_on_again_right_after_it_was_served(hub, listen, accept):
    """Connections in TIME_WAIT do not keep a plant from starting again."""
    client, connection = accept()
    port = connection.getHost().port
    for listening in hub.ports:
        listening.stopListening()
    connection.loseConnection()  # the server closes first: TIME_WAIT is on its side
    assert client.recv(1) == b""
    client.close()
    assert listen(port=port).getHost().port == port


def test_ipv6_everywhere_leaves_ipv4_to_others(listen):
    port = listen("::").getHost().port
    assert listen("0.0.0.0", port).getHost().port == port
