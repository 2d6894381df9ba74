"""Register maps: CSV, JSON and XML files, as vendors and other tools write them, read as profiles.

============  =====================================================================================
``document``  ``read_map``: a file in, a ``MapDocument`` out, which a profile is made of like a YAML file
``cells``     what the three formats have in common: rows of cells that know their line and column
``csv_rows``  rows of a CSV file: delimiter, lines above the header, quotes
``json_rows`` rows of a JSON file, whatever its nesting
``json_text`` JSON with the place of every value
``xml_rows``  rows of an XML file; document types and entities are refused
``fields``    what columns, keys and attributes are called
``words``     what stands in cells: tables, data types, byte orders, access, numbers, labels
``types``     names of data types as others write them
``orders``    byte orders as others write them
``addresses`` references, addresses on the wire, and how to tell which a file has
``values``    starting values
``rows``      a row to a point
============  =====================================================================================

Nothing here knows devices, and what a point must be is judged where profiles are: this package says only
what the cells mean, and where each stands.
"""
