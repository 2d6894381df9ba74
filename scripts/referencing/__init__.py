"""How the reference of the programming interface is made: docs/reference/api, from docstrings.

==========  ==========================================================================
pages       which names are public, and on which page each stands
entries     a class, a function or an exception as a section
signatures  how they are called, as one reads it
prose       docstrings as Markdown, with links from name to name
app         the command line
==========  ==========================================================================
"""
