"""Decentralized Claims Protocol 1.0: who we are, who calls us, and by whose word.

``key_file``, ``keys`` and ``jwt`` sign and verify; ``did`` and ``resolver`` say whose key it is;
``tokens`` prove one message, ``wallet`` presents our credentials, ``verifier`` checks those
of a caller, and ``identity`` puts them together behind the port of ``connector.partner``.
"""
