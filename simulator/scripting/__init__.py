"""Scripts of a plant: Python that reads, writes, waits and reacts while the plant runs.

==========  =================================================================
handle      ``ScriptPlant`` and ``ScriptDevice``: what a script does its work with
running     ``Scripts``: start them, stop them, survive them
==========  =================================================================

Which scripts there are, and whether they can be loaded, is found by ``simulator.config.scripts``.
"""
