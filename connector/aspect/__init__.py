"""The room where a record becomes an aspect: models, mappings, derivation, the quarantine.

A fact that a source stated in its own words is restated here in a shared semantic model.
The models come as SAMM Turtle: ``semantics`` holds what a model says, ``samm`` reads it,
``schema`` turns it into JSON Schema, ``validation`` judges payloads by it and ``library``
hands out whole models by their semantic id.
"""
