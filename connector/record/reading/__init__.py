"""What adapters of one family need alike: a drop folder, a file's fingerprint, JSON cells.

An adapter may stand on this beside the intake port; an adapter that reads neither files nor
JSON has no use for it.
"""
