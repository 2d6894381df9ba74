"""Where values live, in the order of the wire.

==============  =======================================================================
base            the contract every block keeps, and ``AddressMap``: which addresses exist
memory          register and bit blocks over a buffer; sequential and sparse ones
zero_filled     a block over another one, without holes
fleet           one table of many devices: a row a device, a column an address
arrays          a data type for many devices at once: raw numbers to wire bytes
columns         one point of many devices, written in one call
==============  =======================================================================
"""
