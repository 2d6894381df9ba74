"""The command line: one small file a verb.

* ``app``         ``main``: find the verb, parse its arguments, turn what it raises into an exit code
* ``verbs``       the table of verbs; a new verb is one file and one line here
* ``exits``       exit codes, and which exception ends in which
* ``texts``       the help that teaches: the front page, examples, exit codes
* ``arguments``   arguments that several verbs share
* ``environment`` options from environment variables, for verbs that serve
* ``plant_files`` the plant file that is named, or what comes on standard input
* ``streams``     writing to stdout and stderr so that a full disk or a closed pipe stops nothing
* ``logs``        observers of the log: text for people, JSON lines for programs
* ``progress``    the progress bar of a long start
* ``process``     what only a running program needs: reactor, signals, descriptor limit, age
* ``service``     a program that serves: status and log file on signals, notices to systemd, an end in time
* ``systemd``     those notices
* ``status``      how a plant is doing, in numbers
* ``ready``       the ready line and the ready file
* ``columns``     rows of text in columns
* ``run``         verb: start a plant and serve it
* ``serve``       verb: one device with every address, without a file
* ``serving``     one life of a plant: open, announce, serve, stop; what ``run`` and ``serve`` do
* ``ctl``         verb: operate a running plant; ``control_texts`` is what it prints
* ``check``       verb: validate a plant file, then preflight it on this machine
* ``reports``     how ``check`` reports: text, JSON, annotations
* ``preflight``   what ``check`` looks at: descriptors, memory, ports, addresses
* ``addresses``   which addresses are local to this machine, and how others become so
* ``sockets``     what holds a port, from ``/proc``
* ``explain``     verb: a point from its name down to the frame that reads it
* ``explain_device``  the verb without a point: everything about a device
* ``profiles``    verb: list the profiles, show one
* ``importing``   verb ``import``: a register map becomes a profile
* ``exporting``   verb ``export``: the values of a device as a register map
* ``scrape``      verb: a live device becomes a profile
* ``schema``      verb: JSON Schema of the plant file and the profile
* ``init``        verb: write a commented plant file to start from
* ``certs``       verb: certificates to test Modbus/TCP Security with
* ``asking``      what the verbs that ask a device share: the connection, errors in words
* ``tracing``     ``--trace``: the bytes of a conversation
* ``places``      places in a device as people write them, and what stands there
* ``read``, ``write``, ``watch``        verbs: values of any device
* ``identify``, ``diagnose``, ``scan``  verbs: what a device is, how it is doing, what it has
* ``health``      verb: does a running plant answer?
* ``scanning``    how ``scan`` finds unit ids and address ranges
* ``repl``        verb: an interactive client
* ``console``     its commands; ``results`` as text; ``prompt`` is its terminal
* ``forward``     verb: a listener in front of another device
* ``load``        verb: a swarm of pollers
* ``decode``      verb: bytes and captures in words
* ``frames``      verb: an example of every message
* ``frame_texts`` how both print frames
* ``completion``  verb: scripts for bash, zsh and fish
* ``shells``      what such a script looks like in each shell
"""
