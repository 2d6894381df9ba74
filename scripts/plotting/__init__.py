"""How the pictures of the shipped profiles are made.

=========  ==========================================================================
pictures   what is shown of each profile, and what happens meanwhile
days       a virtual day of one device, looked at again and again
drawing    curves one below the other, as SVG
app        the command line
=========  ==========================================================================
"""
