"""Frames in words: any bytes of Modbus, taken apart field by field with the clause behind each.

=============  ==========================================================================
names          what functions, sub-functions, exceptions and objects are called, and where
fields         a field of a frame, and the walk over bytes that makes fields
walkers        what stands in the PDU of each function code, byte by byte
pdus           PDUs in words, and what is wrong with them
adus           what the framings put around a PDU: cutting and explaining it
guessing       which framing, which direction, where a frame ends
hexadecimal    bytes as people write them: spaces, 0x, colons, ASCII frames
captures       packets of pcap and pcapng files
conversations  Modbus in captured packets: TCP streams put together, requests paired
catalogue      an example of every message, for every framing
=============  ==========================================================================
"""
