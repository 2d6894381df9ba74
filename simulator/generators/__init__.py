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
formula_text    the language of formulas: a text -> a checked tree
formula_steps   a tree -> steps for many rows or one
formulas        ``compile_formula``, ``Formula``, ``Evaluator``
sources         where formulas read: columns, numbers, signals
quantities      fields of a generator that may be formulas
process         formula, follow, lag, integrate
control         pid
ordering        in which order points that read each other move
times           times of a day and a week
daylight        daylight: the sun over a day
schedule        schedule: values by the time of day
recordings      measurements in CSV files, read once
recorded        csv: plays a recording
scripted        script: what a Python function of the user returns
==============  ================================================================================
"""
