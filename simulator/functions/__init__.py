"""What each function code does to a device.

==============  =======================================================================
table           the decorator ``@function``, the table of all codes, ``answer``: one PDU in, one out
later           ``Later``, for answers that come later
standard        all of the following, registered
bits            01 02 05 15
registers       03 04 06 16 22 23
status          07 11 12 17
diagnostics     08, and what is left to do in listen-only mode
files           20 21
fifo            24
identification  43/14
custom          ``@custom_function``: codes of your own, with their messages
==============  =======================================================================
"""
