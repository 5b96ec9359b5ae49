"""The tables of eslabon.toml that say how much of something there may be, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

Seconds = Annotated[float, Meta(gt=0, le=86_400 * 30)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsSection:
    """How much is allowed at once; the defaults suit a plant."""

    partner_request_seconds_max: Annotated[
        Seconds, Meta(description="wait for a partner's answer")
    ] = 15.0
    access_grant_seconds: Annotated[
        Seconds, Meta(description="how long one access token opens data")
    ] = 300.0
    standing_seconds: Annotated[
        Seconds,
        Meta(
            description="longest time that reads go on after a partner's credentials have "
            "ceased to count, or nobody can tell whether they do; asked three times as often"
        ),
    ] = 60.0
    message_delivery_seconds_max: Annotated[
        Seconds, Meta(description="how long a message to a partner is sent again until it arrives")
    ] = 86_400.0
    negotiation_step_seconds_max: Annotated[
        Seconds, Meta(description="wait for a partner's next message in a negotiation")
    ] = 3600.0
    transfer_step_seconds_max: Annotated[
        Seconds, Meta(description="wait for the start of a transfer")
    ] = 3600.0
    transfer_started_seconds_max: Annotated[
        Seconds, Meta(description="how long a transfer stays open, its token renewed or not")
    ] = 86_400.0 * 30
    transfer_suspended_seconds_max: Annotated[
        Seconds, Meta(description="how long a transfer stays suspended")
    ] = 86_400.0 * 7
    ended_process_kept_seconds: Annotated[
        Seconds, Meta(description="how long the messages of an ended process are kept")
    ] = 86_400.0 * 30
    exchange_restarts_max: Annotated[
        int,
        Meta(
            description="how often an exchange is begun anew that the partner broke", ge=0, le=10
        ),
    ] = 2
    partner_negotiations_max: Annotated[
        int, Meta(description="negotiations that one partner may have open", ge=1, le=100_000)
    ] = 1000
    partner_transfers_max: Annotated[
        int, Meta(description="transfers that one partner may have open", ge=1, le=100_000)
    ] = 10_000
    partner_requests_per_second: Annotated[
        float, Meta(description="requests that one partner may make per second", gt=0)
    ] = 1_000.0
    partner_requests_burst: Annotated[
        int, Meta(description="requests that one partner may make at once", ge=1)
    ] = 2_000
    public_requests_max: Annotated[
        int, Meta(description="requests that the partners' side works on at once", ge=1)
    ] = 500
    public_connections_max: Annotated[
        int, Meta(description="connections to the partners' side", ge=1)
    ] = 2_000
    host_connections_max: Annotated[
        int,
        Meta(description="connections from one address; `public.trusted_proxy` is exempt", ge=1),
    ] = 256
    request_head_seconds_max: Annotated[
        Seconds, Meta(description="time to send the head of a request")
    ] = 10.0
    request_body_seconds_max: Annotated[
        Seconds, Meta(description="time to send the body of a request")
    ] = 30.0
    answer_stall_seconds_max: Annotated[
        Seconds, Meta(description="time in which the reader of an answer takes nothing of it")
    ] = 30.0
    collection_parts_max: Annotated[
        int, Meta(description="parts in one walk of a bill of materials", ge=1)
    ] = 100_000
    collection_depth_max: Annotated[
        int, Meta(description="levels in one walk of a bill of materials", ge=1, le=1000)
    ] = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSection:
    """How often the record of who read what is signed; whichever comes first."""

    head_rows_max: Annotated[
        int, Meta(description="rows without a signed head above them", ge=1, le=1_000_000)
    ] = 10_000
    head_seconds_max: Annotated[
        Seconds, Meta(description="how long a row stays without a signed head above it")
    ] = 60.0
