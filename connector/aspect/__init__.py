"""The room where a record becomes an aspect: models, mappings, derivation, the quarantine.

A fact that a source stated in its own words is restated here in a shared semantic model.
The models come as SAMM Turtle: ``semantics`` holds what a model says, ``samm`` reads it and
``schema`` turns it into JSON Schema. ``validation`` judges payloads by that schema;
``explanation``, ``wording`` and ``patterns`` say what is wrong with one. ``library`` hands
out whole models by their semantic id, and ``compiled`` keeps them on disk.
"""
