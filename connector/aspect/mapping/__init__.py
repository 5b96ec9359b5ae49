"""The mapping language: one YAML file per feed says how its rows become a payload.

A mapping is read (``tree``, ``parsing``) into a frozen ``definition`` with all its mistakes
found at once, checked against the aspect model (``checking``), and compiled for the header of
a source (``compiling``) into plain functions that cost a few microseconds per record. What a
cell may be turned into lies in ``numbers``, ``units``, ``dates`` and ``words``. The language
is closed: no word of it runs code.
"""
