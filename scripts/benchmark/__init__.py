"""The benchmark behind ``scripts/bench``: a map.

* ``app``        the command line: chooses scenarios, runs them, prints and writes the report
* ``workshop``   the scratch folder: the C programs and the peers' virtual environments are made here
* ``machine``    what this machine is: cores, descriptors, versions
* ``processes``  starting servers pinned to a core, waiting for their ready line, stopping them by pid
* ``load``       one run of the load generator, and what it measured
* ``plants``     the plant files the scenarios need
* ``ours``       starting this project with a plant
* ``bars``       what must be reached, and the rows that say whether it was
* ``comparing``  paired runs: the same load on each server in turn, ratios round by round
* ``peers``      scenario: ours against libmodbus, pymodbus, pyModbusTCP and uModbus
* ``mixes``      scenario: other requests against FC 3 × 10
* ``transports`` scenario: UDP, RTU over TCP and TLS against TCP
* ``secured``    one client over TLS, and the same without
* ``crowds``     scenarios: a thousand devices on a thousand ports; fifteen thousand listeners
* ``million``    scenarios: a million devices, at rest and ticking
* ``scenarios``  the table of all scenarios
* ``report``     tables for the terminal and for ``docs/benchmarks.md``

The load generator is ``load.c`` with its headers (``options.h``, ``targets.h``, ``connections.h``,
``frames.h``, ``rtu.h``, ``histogram.h``, ``process.h``, ``report.h``); ``libmodbus_server.c`` and the scripts
in ``servers/`` are what it is compared with.
"""
