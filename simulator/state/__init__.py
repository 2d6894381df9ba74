"""What has been written outlives the program.

* ``records``      the file: lines of JSON with a version and a checksum
* ``differences``  what a fleet has that it would not have by itself
* ``restoring``    puts records back where their devices and points are now
* ``locks``        a file belongs to one plant at a time
* ``keeping``      reads it at the start, writes it every so often and at the end
"""
