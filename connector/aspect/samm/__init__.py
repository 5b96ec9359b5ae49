"""Reading SAMM: from Turtle files in a folder tree to an `AspectModel`.

``vocabulary`` makes BAMM 1.0 and 2.0 and SAMM 2.0 to 2.3 one language, ``turtle`` reads one
file, ``folders`` finds the element that a URN names, ``literals`` turns RDF literals into
JSON values, and ``reader`` with ``characteristics`` builds the model.
"""
