"""Identifiers of the field, parsed once at the edge and trusted by type ever after.

They are ``str`` subclasses, so that they travel through JSON and SQL as what they are. A
wrong one raises `DataError`; none is ever tidied silently.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple, Self
from urllib.parse import quote, urlsplit

from connector.errors import DataError

_SEMANTIC_ID = re.compile(r"urn:(samm|bamm):([A-Za-z0-9_.\-]+):(\d+\.\d+\.\d+)#([A-Za-z_]\w*)")


class _Pattern(str):
    """A string that matches one pattern in full; subclasses say which."""

    __slots__ = ()
    pattern: re.Pattern[str]
    code: str

    @classmethod
    def parse(cls, text: object) -> Self:
        """Return the identifier, or raise `DataError` naming the text as it came."""
        if not isinstance(text, str) or not cls.pattern.fullmatch(text):
            raise DataError(cls.code, value=text)
        return cls(text)


class Bpnl(_Pattern):
    """Business partner number of a legal entity (CX-0010, 2.1)."""

    __slots__ = ()
    pattern = re.compile(r"BPNL[0-9A-Z]{12}")
    code = "connector:bpnl_malformed"


class Did(_Pattern):
    """Decentralized identifier; the data space uses ``did:web`` (CX-0049)."""

    __slots__ = ()
    pattern = re.compile(r"did:[a-z0-9]+:[A-Za-z0-9.\-_:%]+")
    code = "connector:did_malformed"


def did_web(public_url: str) -> Did:
    """Return the ``did:web`` whose document lies at this public URL (did:web method, 3.2)."""
    parts = urlsplit(public_url)
    segments = [one for one in [parts.path.strip("/").replace("/", ":")] if one]
    return Did.parse(":".join(["did:web", quote(parts.netloc), *segments]))


class GlobalAssetId(_Pattern):
    """The Catena-X unique id of an asset: a UUID, bare or as URN (CX-0002)."""

    __slots__ = ()
    pattern = re.compile(
        r"(urn:uuid:)?[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    )
    code = "connector:global_asset_id_malformed"


class SemanticId(_Pattern):
    """URN of an aspect model with version: ``urn:samm:<namespace>:<version>#<Aspect>``."""

    __slots__ = ()
    pattern = _SEMANTIC_ID
    code = "connector:semantic_id_malformed"

    @property
    def namespace(self) -> str:
        """The model's namespace, such as ``io.catenax.serial_part``."""
        return self.split(":", 2)[2].rsplit(":", 1)[0]

    @property
    def version(self) -> str:
        """The model's version, such as ``3.0.0``."""
        return self.rsplit("#", 1)[0].rsplit(":", 1)[1]

    @property
    def aspect_name(self) -> str:
        """The aspect's local name, such as ``SerialPart``."""
        return self.rsplit("#", 1)[1]


class TwinType(StrEnum):
    """What kind of thing a twin stands for: its ``digitalTwinType`` (CX-0126, CX-0127)."""

    PART_TYPE = "PartType"
    PART_INSTANCE = "PartInstance"

    # Part of the key of every twin: as text it is hashed without a call into Python.
    __hash__ = str.__hash__


class IdentityKey(NamedTuple):
    """The keys that name one asset at its manufacturer (CX-0126 2.1.1, CX-0127 2.0.2).

    ``instance_name`` is ``partInstanceId``, ``batchId`` or ``jisNumber``, and ``instance``
    its value; both are empty for a part type.
    """

    twin_type: TwinType
    manufacturer_id: str
    manufacturer_part_id: str
    instance_name: str = ""
    instance: str = ""
