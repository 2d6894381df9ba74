"""Twisted meets Modbus here, and only here.

==============  =======================================================================
hub             one descriptor in the reactor for all listeners and connections
connection      the transport of one connection: write at once, bounded buffers
port            a listening socket of the hub
factory         ``ModbusServerFactory``: one a listener; who may connect, which device answers
protocol        ``ModbusServerProtocol``: bytes in, one write out
stations        which device stands behind a unit id and a local address
==============  =======================================================================
"""
