"""Kinds of device: profile files in, checked ``Profile`` objects out.

===============  ===============================================================================
``profile``      what a resolved profile is: tables, points, identity, parameters
``loader``       ``ProfileLibrary``: profiles by name, resolved as a whole or refused with all problems
``sources``      where profiles are found: inline, folders, the shipped ``library/*.yaml``
``schema``       the keys of a profile file; its JSON Schema
``validating``   a file's data checked against them, wrong keys left out
``merging``      ``extends`` and overrides: one profile's data laid over another's
``layers``       merged data that still knows the file and line of each value
``overrides``    what a group of the plant file changes
``maps``         register maps in CSV, JSON and XML, read as profiles
``unsupported``  what the format knows and this version refuses, as one table
``addresses``    address bases and Modicon references to protocol addresses
``resolving``    points of the file to ``Point`` objects
``generated``    their generators
``layouts``      the four tables: which addresses exist
``overlaps``     points on each other or outside their table
``identity``     identification objects and parameters
``status``       exception status and server id
``reactions``    ``on_write`` of points; its keys in ``reaction_files``, the results in ``reaction_kinds``
``records``      files and FIFO queues
``faults``       rules that belong to each device of a kind
``quirks``       the keys of ``quirks``, and what a bundle and the keys beside it come to
===============  ===============================================================================
"""
