"""What the outside world has fixed, as data: aspect models and other published forms.

``index.toml`` names every file with its id, source, licence and sha256. The aspect models
under ``samm/<namespace>/<version>/`` are written here from facts (URNs, names, order, types,
constraints); their descriptions are our own words.
"""
