"""Payloads as RDF: the tree between both, and the forms in which RDF is written."""
