"""What a partner's credentials attested when access was granted, and whether it still counts.

The proof itself is made once per message, at the partner's own credential service. Reads
come without one, so they are decided on what was attested then, and on asking anew, several
times a minute, whether that still counts.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import orjson

from connector.errors import PartnerError, TransientError
from connector.identifiers import Bpnl, Did
from connector.partner.model import Caller, Standing, VerifiedCredential

STANDING_SECONDS = 60.0
PARTNERS_MAX = 10_000
# A status list may be as old as a sixth of the time when it is looked at, looks are a third
# apart, and their answer is believed for two thirds: together less than the whole.
LOOKS_PER_TERM = 3
LISTS_PER_TERM = 6
_BELIEVED_SHARE = 2 / 3

_NEVER = datetime.max.replace(tzinfo=UTC)
_CREDENTIALS = msgspec.json.Decoder(tuple[VerifiedCredential, ...])


class AccessLostError(PartnerError):
    """What access was granted on holds no more: the transfer has to end."""


@dataclass(frozen=True, slots=True)
class Attested:
    """What a partner's credentials attested, as it is stored: ``credentials`` is JSON."""

    did: Did
    bpnl: Bpnl
    credentials: bytes = field(repr=False)

    def caller(self) -> Caller:
        """Return the caller that was proven then; its proof ends with the first credential."""
        try:
            held = _CREDENTIALS.decode(self.credentials)
        except msgspec.MsgspecError as trouble:
            # What cannot be read proves nothing; the transfer of nobody else may suffer by it.
            raise AccessLostError(
                "transfer:standing_lost", partner=self.bpnl, reason=str(trouble)
            ) from trouble
        until = min((one.expires_at for one in held), default=_NEVER)
        return Caller(self.did, self.bpnl, held, until)


def attested(caller: Caller) -> Attested:
    """Return what a caller's credentials attest, in the form in which it is stored."""
    return Attested(caller.did, caller.bpnl, orjson.dumps(caller.credentials))


class Vigil:
    """Remembers when it was last found that what a partner's credentials attested counts.

    ``term_seconds`` is the longest time that reads go on after it has ceased to. Without a
    ``standing`` to ask, what was attested counts until it expires.
    """

    def __init__(
        self,
        standing: Standing | None,
        clock: Callable[[], datetime],
        term_seconds: float = STANDING_SECONDS,
    ) -> None:
        self._standing = standing
        self._clock = clock
        self._believed = timedelta(seconds=term_seconds * _BELIEVED_SHARE)
        self._found: OrderedDict[Attested, datetime] = OrderedDict()

    def is_known(self, who: Attested, now: datetime) -> bool:
        """Return whether it was found lately that this still counts."""
        found = self._found.get(who)
        return found is not None and now - found < self._believed

    async def look(self, who: Attested) -> None:
        """Ask anew whether what was attested counts.

        Raises `PartnerError` saying why it does not, and `TransientError` when nobody can
        tell at this moment: then the last answer is believed for its time, and no longer.
        """
        now, caller = self._clock(), who.caller()
        if self._standing is not None:
            try:
                await self._standing.check(caller)
            except PartnerError:
                self._found.pop(who, None)
                raise
        self._found[who] = now
        self._found.move_to_end(who)
        while len(self._found) > PARTNERS_MAX:
            self._found.popitem(last=False)

    async def ensure(self, who: Attested) -> None:
        """Return when what was attested counts, as far as it was found out lately or is now.

        Raises as `confirm`.
        """
        if not self.is_known(who, self._clock()):
            await self.confirm(who)

    async def confirm(self, who: Attested) -> None:
        """Return when what was attested counts now.

        Raises `AccessLostError` when it does not, `TransientError` when nobody can tell.
        """
        try:
            await self.look(who)
        except PartnerError as lost:
            raise AccessLostError(
                "transfer:standing_lost", partner=who.bpnl, reason=lost.text().what
            ) from lost
        except TransientError as untold:
            raise TransientError(
                "transfer:standing_untold", partner=who.bpnl, reason=untold.text().what
            ) from untold
