"""The wire languages that partners speak; the rooms never import them.

``http`` lies below the protocols and is shared by them; the protocols do not know each
other.
"""
