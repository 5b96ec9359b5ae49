"""Asks a partner how it sees a process that we have with it (GET, in the partner's role)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connector.agreement.model import Negotiation, Process
from connector.partner.model import Identity
from connector.protocols.dsp.discovery import Whereabouts
from connector.protocols.dsp.messages import in_path
from connector.protocols.dsp.reading import state_from_answer
from connector.protocols.http import GuardedClient

ANSWER_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class StateInquiry:
    """Asks for states; for an operator who looks, never of the connector's own accord."""

    client: GuardedClient
    identity: Identity
    whereabouts: Whereabouts

    async def state(self, process: Process[Any]) -> str:
        """Return the state as the partner sees it, empty where its answer names none.

        Raises `PartnerError` where the partner refuses or does not know the process, and
        `TransientError` where it is not reached.
        """
        kind = "negotiations" if isinstance(process, Negotiation) else "transfers"
        url = f"{process.url.rstrip('/')}/{kind}/{in_path(process.peer_pid)}"
        client = self.client.reaching(await self.whereabouts.vouched_hosts(process.partner))
        headers = {
            "Authorization": await self.identity.authorization_for(process.partner),
            "Accept": "application/json",
        }
        answer = await client.get(url, headers=headers, limit_bytes=ANSWER_BYTES_MAX)
        return state_from_answer(answer.body)
