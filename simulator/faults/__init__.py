"""Faults: rules that make devices late, silent or wrong, and what they do to an exchange.

================  =================================================================================
``words``         the names rules use: functions, exceptions, transports; what a kind needs of a listener
``fields``        how each value of a rule is read
``files``         ``faults`` as files write them: the models of ``when`` and ``then``
``conditions``    ``when`` of a request: function, addresses, quantity, point, client, transport
``rule``          a rule, its counters, and its memory of each device
``chance``        the random numbers of a rule, and how late ``delay`` and ``jitter`` make an answer
``replies``       wrong PDUs: another exception, function or quantity, an answer of earlier
``corruption``    wrong values in a right PDU: stuck, drift, spike, nan
``wire``          wrong bytes: checksums, pieces, garbage
``course``        what becomes of one exchange when several rules apply
================  =================================================================================

All of it is pure; waiting, closing and writing is the business of ``simulator.server.faulty``.
"""
