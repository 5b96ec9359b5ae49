"""Remembers which tokens were used, so that none is accepted twice, also after a restart."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from connector.errors import PartnerError, TransientError
from connector.identifiers import Did
from connector.protocols.dcp.used_files import Used, UsedFiles

# One partner of the address book, and all of them.
TOKENS_PER_PARTNER_MAX = 100_000
TOKENS_MAX = 400_000
# Anybody with a DID document can sign tokens: strangers share little, and take no partner's room.
TOKENS_PER_STRANGER_MAX = 1_000
TOKENS_OF_STRANGERS_MAX = 50_000

_STRANGERS = b"strangers"
_PARTNERS = b"partners"


def nobody(_: Did) -> bool:
    """Know nobody: for a receiver without an address book."""
    return False


class SeenTokens:
    """The identifiers of tokens that were accepted and have not expired yet.

    When a sender has used up its share, its further tokens are refused for the moment:
    forgetting an old one would let it in again. With a ``folder`` the memory is as lasting as
    the machine's files. ``is_partner`` tells who is in the address book.
    """

    def __init__(
        self, folder: Path | None = None, is_partner: Callable[[Did], bool] = nobody
    ) -> None:
        """Read what was used before; raises `SetupError` when the folder cannot be used."""
        self._is_partner = is_partner
        self._files = UsedFiles(folder) if folder else None
        self._seen: set[bytes] = set()
        self._by_expiry: list[Used] = []
        self._counts: Counter[bytes] = Counter()
        for used in self._files.read() if self._files else ():
            self._remember(used)

    def use(self, issuer: Did, jti: str, *, expires: float, now: float) -> None:
        """Note one use; dates are seconds since 1970.

        Raises `PartnerError` when the token was used before, and `TransientError` when the
        issuer has more tokens under way than we remember, or a use cannot be written down.
        """
        self._forget_expired(now)
        # Digests of fixed size, so that a sender cannot choose how much memory it takes.
        mark = _digest(f"{issuer}\n{jti}")
        if mark in self._seen:
            raise PartnerError("connector.protocols.dcp:token_used_before", who=issuer, jti=jti)
        used = Used(expires, mark, _digest(issuer), self._is_partner(issuer))
        if self._is_full_for(used):
            raise TransientError("connector.protocols.dcp:too_many_tokens", who=issuer)
        self._remember(used)
        if self._files:
            self._files.write(used)

    def close(self) -> None:
        """Let go of the files."""
        if self._files:
            self._files.close()

    def _is_full_for(self, used: Used) -> bool:
        if used.by_partner:
            own, together = TOKENS_PER_PARTNER_MAX, TOKENS_MAX
        else:
            own, together = TOKENS_PER_STRANGER_MAX, TOKENS_OF_STRANGERS_MAX
        return self._counts[used.issuer] >= own or self._counts[_group(used)] >= together

    def _remember(self, used: Used) -> None:
        if used.mark in self._seen:
            return
        self._seen.add(used.mark)
        self._counts[used.issuer] += 1
        self._counts[_group(used)] += 1
        heapq.heappush(self._by_expiry, used)

    def _forget_expired(self, now: float) -> None:
        while self._by_expiry and self._by_expiry[0].expires < now:
            used = heapq.heappop(self._by_expiry)
            self._seen.discard(used.mark)
            for counted in (used.issuer, _group(used)):
                self._counts[counted] -= 1
                if not self._counts[counted]:
                    del self._counts[counted]
        if self._files:
            self._files.remove_before(now)


def _group(used: Used) -> bytes:
    return _PARTNERS if used.by_partner else _STRANGERS


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
