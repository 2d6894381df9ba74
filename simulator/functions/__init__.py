"""What each function code does to a device.

==============  =======================================================================
table           the decorator ``@function``, the table of all codes, ``answer``: one PDU in, one out
standard        all of the following, registered
bits            01 02 05 15
registers       03 04 06 16 22 23
identification  43/14
==============  =======================================================================
"""
