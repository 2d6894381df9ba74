"""YAML text in, plain data with places out; the ground under plant files and profiles.

=============  ================================================================================
``yaml``       read a file: data, duplicate keys, strict booleans, ``${NAME}``, line and column
``slow_yaml``  the parser under ``yaml`` where PyYAML has no libyaml
``problems``   what is wrong with a file, worded as fact, got, expected, with near misses
``wording``    the words of messages: near misses, lists of what is legal, values as shown
``modules``    Python modules beside a file that names them
``models``     the base of every model a file is checked against
``networks``   networks of clients, and which addresses are in them
``durations``  ``250ms``, ``2s``, ``5m``, ``1h``, ``1d``
``ranges``     ``1-3,5-7,10``
``templates``  ``meter-{n:04}``
=============  ================================================================================
"""
