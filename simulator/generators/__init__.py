"""How values move: numbers out, (virtual) time in; no clock, no device, no socket.

==============  ================================================================================
base            the contract: ``Generator`` binds to ``Rows`` and gives a ``Sampler``
numbers         the fields of a generator: numbers and durations that may differ by device
rows            what a generator may know about the devices it serves
scratch         memory that ticks use again
registry        ``@generator("sine")``, ``make({"type": "sine", …})``, the JSON Schema
randomness      counter-based random numbers: by seed, device, point and tick
waves           sine, triangle, square, sawtooth
series          constant, ramp, step, toggle
counting        increment, decrement, counter
chance          random, normal, random_walk
==============  ================================================================================
"""
