"""Twisted meets Modbus here, and only here.

==============  =======================================================================
hub             all listeners and connections of a process
pool            a nested epoll: many sockets behind one descriptor of the reactor
lanes           the compiled turn, where there is one: whom it may serve
_turn           the compiled turn: answers the plain requests of all connections that are ready
endpoints       from the plan of a listener to what listens: a table of transports
connection      the transport of one connection: write at once, bounded buffers
port            a listening socket of the hub
datagram        a datagram socket of the hub
line            a serial line of the hub
serial, pty     where a line comes from: a serial port, a pseudo-terminal
factory         ``ModbusServerFactory``: one a listener; who may connect, which device answers
protocol        ``ModbusServerProtocol``: bytes in, one write out
exchange        the way of a request, for every transport: frames, device, function, response
stations        which device stands behind a unit id and a local address
==============  =======================================================================
"""
