"""Policies out of a file: of an offer, a catalog, an agreement, a message or a definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from connector.errors import DataError, PartnerError
from connector.offer.odrl import KINDS
from connector.protocols.dsp.reading import policy_of
from connector.protocols.jsonld import compacted, parsed

FILE_BYTES_MAX = 16 * 1024 * 1024
# What policies lie in: a catalog's datasets, their offers, a message's offer or agreement, and
# the definition by which an Eclipse connector is told a policy.
_HOLDERS = ("dataset", "hasPolicy", "offer", "agreement", "policy", "catalog")


@dataclass(frozen=True, slots=True, eq=False)
class Offered:
    """One policy, and the id under which it is offered, empty where it has none."""

    id: str
    policy: Mapping[str, object] = field(repr=False)


def read_policies(file: Path) -> list[Offered]:
    """Return the policies in a JSON file, at least one.

    Raises `DataError` where it cannot be read or holds none.
    """
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            raise DataError("cli:payload_too_large", file=file, bytes_max=FILE_BYTES_MAX)
        found = list(_found(compacted(parsed(file.read_bytes()))))
    except OSError as error:
        raise DataError("cli:payload_unreadable", file=file, reason=error) from error
    except PartnerError as error:
        reason = error.text().what
        raise DataError("cli:payload_unreadable", file=file, reason=reason) from error
    if not found:
        raise DataError("cli:no_policy", file=file)
    return found


def _found(node: Mapping[str, object]) -> Iterator[Offered]:
    if any(kind in node for kind in KINDS):
        yield Offered(str(node.get("@id", "")), policy_of(node))
        return
    for holder in _HOLDERS:
        held = node.get(holder, [])
        for one in held if isinstance(held, list) else [held]:
            if isinstance(one, Mapping):
                yield from _found(one)
