"""What clients are expected to ask, compared with the journal.

============  =====================================================================================
``wanted``    ``Expectation``: from a mapping, and back to words
``matching``  which requests it means
``checking``  ``check``: whether they came as expected, and what came instead
============  =====================================================================================
"""
