"""Modbus without I/O: bytes in, messages out.

==============  =======================================================================
codes           tables, function codes and limits, each with its clause
contract        what a message is, how it is refused, how its length is told
messages        every message by its function code; opens a PDU, tells its length
bits            01 02 05 15
registers       03 04 06 16 22 23
status          07 11 12 17
diagnostics     08 with its sub-functions
files           20 21
fifo            24
identification  43/14, and the objects of device identification
checksums       CRC and LRC
crc             the CRC in Python; ``_crc16`` is the same, compiled
frames          what a framer hands over, and the contract every framer keeps
mbap            the frame of Modbus TCP
stream          what the framings of serial lines have in common over a stream
rtu             RTU over a stream: the length comes from the bytes
ascii           ASCII
binary          PyModbus' binary framing
line            a serial line: RTU by its silences, the others with their time limit
==============  =======================================================================
"""
