"""Hands on a running plant: every operation once, and its faces.

==============  =======================================================================================
``verbs``       the table of operations: names, routes, parameters; standard library only, for clients
``operations``  which function carries each of them out
``context``     ``Control``: the plant, and what its operators share
``results``     the shapes of answers
``devices``     list, search and show devices
``points``      read, write, hold and release points, one or thousands
``tables``      registers and bits as they stand on the wire
``course``      virtual time, outages, faults, scenarios, signals
``records``     the journal, expectations, counters
``refusals``    why an operation is not carried out, as HTTP says it
``requests``    from a request to the arguments of an operation, checked
``openapi``     the description of the API
``guards``      who may ask: token, Host, Origin, rate
``web``         the API as a Twisted site
``service``     the site of a plant: listening, the runtime file
``runtime``     the file by which clients on this machine find a plant; standard library only
==============  =======================================================================================

The one rule: an operation is written once; HTTP routes, ``modsim ctl`` and ``simulator.remote`` come from the
table of verbs.
"""
