"""Twisted meets Modbus here, and only here.

==============  =======================================================================
hub             all listeners and connections of a process
pool            a nested epoll: many sockets behind one descriptor of the reactor
lanes           the compiled turn, where there is one: whom it may serve
_turn           the compiled turn: answers the plain requests of all sockets that are ready; ``compiled/*.c``
endpoints       from the plan of a listener to what listens: a table of transports
connection      the transport of one connection: write at once, bounded buffers
port            a listening socket of the hub
tls             Modbus/TCP Security: contexts, what the connections of a TLS listener share
tls_connection  a connection of the hub that speaks TLS
faulty          exchanges that rules act on; ``faulty_outbox`` holds late answers and sends in pieces
faulty_rules    the rules of a running plant; ``faulty_places``, ``faulty_listener``: where they act, and how
authorization   what a client's role allows, in front of every function
datagram        a datagram socket of the hub; ``datagram_framers`` cut what it receives
line            a serial line of the hub
serial, pty     where a line comes from: a serial port, a pseudo-terminal
factory         ``ModbusServerFactory``: one a listener; who may connect, which device answers
quirky_factory  the same for listeners whose devices have quirks of the connection or a gateway
admission       who holds a connection to which address, and who may have another one
quirky          connections with quirks: late answers, one request at a time, an end after so many
gateway         many clients in front of one serial line
offline         devices that go offline and come back: listeners, connections, silence
absences        the books of that: what holds which device off
protocol        ``ModbusServerProtocol``: bytes in, one write out
exchange        the way of a request, for every transport: frames, device, function, response
stations        which device stands behind a unit id and a local address
==============  =======================================================================
"""
