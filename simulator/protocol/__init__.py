"""Modbus without I/O: bytes in, messages out.

==============  =======================================================================
codes           tables, function codes and limits, each with its clause
frames          what a framer hands over, and the contract every framer keeps
mbap            the frame of Modbus TCP
registers       the request and response bytes of the register functions
bits            the request and response bytes of the bit functions
identification  the objects of device identification and how a response carries them
==============  =======================================================================
"""
