"""Eslabón: a long-running connector from a supplier's own data to a partner data space.

The rooms lie on the data's way, and a door leads from each to the next:

    record -> aspect -> twin -> offer -> agreement -> transfer -> collection -> record

``record`` holds what a source said, ``aspect`` the same fact in a shared semantic model,
``twin`` the part that the fact is about, ``offer`` what a partner may ask for and under
which policy, ``agreement`` what two parties settled, ``transfer`` the data changing hands,
and ``collection`` the walk of the one who asks. What is collected enters by the front door
again. ``daemon`` wires all of it; ``cli`` is how people reach it.
"""
