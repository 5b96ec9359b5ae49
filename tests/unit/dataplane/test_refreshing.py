"""The address where tokens are renewed, and all who come there without a right to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from structlog.testing import capture_logs

from connector.errors import PartnerError, TransientError
from connector.partner.model import Caller, Partner, Renewal
from connector.partner.rates import Rates, Share
from connector.protocols.dataplane.refreshing import FORM_BYTES_MAX, RefreshPlane
from connector.transfer.access import check_access
from connector.transfer.model import TransferRequest
from connector.transfer.refresh_desk import RefreshDesk
from connector.transfer.standing import Vigil
from connector.transfer.states import TransferMessage
from connector.transfer.tally import Tally
from tests.builders.doors import CALLBACK, Doors, letter
from tests.doubles.asgi import Reply, call
from tests.doubles.party import OEM, STRANGER, caller
from tests.unit.transfer.test_verdicts import GONE, UNTOLD, PlayedStanding

FORM = "application/x-www-form-urlencoded"


class PlayedRenewals:
    """Believes whoever names a partner and a token; with ``shown`` also its credentials."""

    def __init__(self) -> None:
        self.shown: Caller | None = None
        self.trouble: Exception | None = None

    async def renewal(self, authorization: str | None) -> Renewal:
        if self.trouble is not None:
            raise self.trouble
        did, _, token = (authorization or "").partition(" about ")
        if not token:
            raise PartnerError("connector.protocols.dcp:signature_wrong", who=did or "?", kid="k")
        who = next(one for one in (OEM, STRANGER) if one.did == did)
        return Renewal(who.did, token, self.shown)

    async def renewal_authorization(self, *_: object) -> str:
        raise NotImplementedError


@dataclass
class Place:
    """A supplier whose transfers can be renewed, without a network around it."""

    doors: Doors
    standing: PlayedStanding
    renewals: PlayedRenewals
    tally: Tally

    def __post_init__(self) -> None:
        vigil = Vigil(self.standing, lambda: self.doors.now)
        desk = RefreshDesk(self.doors.delivery, self.doors.shelf, vigil, 300)
        rates = Rates(Share(1.0, 30), self.seconds)
        plane = RefreshPlane(desk, self.renewals, rates, self.tally)
        self.app = Starlette(routes=plane.routes())

    def seconds(self) -> float:
        return self.doors.now.timestamp()

    def opened(self, consumer_pid: str = "urn:t1", agreement: str = "") -> Tokens:
        request = TransferRequest(
            consumer_pid=consumer_pid,
            agreement_id=agreement or self.doors.finalized(),
            format="HttpData-PULL",
            callback_address=CALLBACK,
        )
        begun = self.doors.delivery.receive_request(letter(request), request)
        address = self.doors.messages()[-1][1]["address"]
        self.doors.deliver()
        return Tokens(begun.pid, address["token"], address["refresh"]["token"])

    async def ask(self, tokens: Tokens, who: Partner = OEM, **changed: str) -> Reply:
        form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh} | changed
        return await self.post(urlencode(form).encode(), f"{who.did} about {tokens.access}")

    async def post(self, body: bytes, proof: str, path: str = "/refresh/token") -> Reply:
        headers = {"Authorization": proof, "Content-Type": FORM}
        return await call(self.app, "POST", path, headers=headers, body=body)

    def opens(self, token: str) -> bool:
        try:
            check_access(self.doors.db, token, self.doors.now)
        except PartnerError:
            return False
        return True


@dataclass(frozen=True)
class Tokens:
    pid: str
    access: str
    refresh: str

    def after(self, reply: Reply) -> Tokens:
        assert 200 == reply.status, reply.body
        return replace(
            self, access=reply.json["access_token"], refresh=reply.json["refresh_token"]
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(Doors(tmp_path), PlayedStanding(), PlayedRenewals(), Tally())


async def test_a_refresh_brings_new_tokens_and_the_old_refresh_token_is_dead(
    place: Place,
) -> None:
    first = place.opened()
    reply = await place.ask(first)
    second = first.after(reply)
    third = second.after(await place.ask(second))
    dead = await place.ask(first)

    assert ("bearer", 300) == (reply.json["token_type"], reply.json["expires_in"])
    assert "no-store" == reply.headers["cache-control"]
    assert 6 == len(
        {*(first.access, second.access, third.access)}
        | {first.refresh, second.refresh, third.refresh}
    )
    assert (403, "invalid_grant") == (dead.status, dead.json["error"])
    assert place.opens(third.access)


async def test_reads_on_their_way_with_the_old_token_are_not_cut_off_but_older_ones_are(
    place: Place,
) -> None:
    first = place.opened()
    second = first.after(await place.ask(first))
    assert place.opens(first.access)
    third = second.after(await place.ask(second))

    assert [False, True, True] == [place.opens(one.access) for one in (first, second, third)]


@pytest.mark.parametrize("proves", [True, False])
async def test_a_renewed_token_is_bound_to_its_holder_as_the_first_one_was(
    place: Place, proves: bool
) -> None:
    first = place.opened()
    place.doors.db.execute("UPDATE transfer SET holder_bound = ?", (proves,))
    second = first.after(await place.ask(first))

    access = check_access(place.doors.db, second.access, place.doors.now)
    assert (proves, first.pid, OEM.bpnl) == (
        access.holder_bound,
        access.transfer_pid,
        access.partner_bpnl,
    )


async def test_the_store_holds_none_of_the_tokens(place: Place) -> None:
    first = place.opened()
    second = first.after(await place.ask(first))
    dump = "\n".join(place.doors.db._connection.iterdump())

    for one in (first, second):
        assert one.access not in dump
        assert one.refresh not in dump


async def test_the_form_may_stand_in_the_address_as_tractus_x_sends_it(place: Place) -> None:
    tokens = place.opened()
    query = urlencode({"grant_type": "refresh_token", "refresh_token": tokens.refresh})
    reply = await place.post(b"", f"{OEM.did} about {tokens.access}", f"/refresh/token?{query}")

    assert 200 == reply.status


async def test_an_answer_that_got_lost_is_given_again_for_a_minute(place: Place) -> None:
    first = place.opened()
    second = first.after(await place.ask(first))
    place.doors.later(59)
    again = await place.ask(first)
    place.doors.later(2)
    late = await place.ask(first)

    assert second == first.after(again)
    assert 241 == again.json["expires_in"]
    assert 403 == late.status
    assert {
        ("provider", "renewed"): 1,
        ("provider", "repeated"): 1,
        ("provider", "refused"): 1,
    } == place.tally.counts()


async def test_once_the_new_refresh_token_was_used_the_old_answer_is_not_given_again(
    place: Place,
) -> None:
    first = place.opened()
    second = first.after(await place.ask(first))
    await place.ask(second)

    assert 403 == (await place.ask(first)).status


async def test_an_expired_access_token_is_renewed_for_a_day_and_no_longer(place: Place) -> None:
    first = place.opened()
    place.doors.later(300 + 86_300)
    second = first.after(await place.ask(first))
    place.doors.later(300 + 86_401)

    assert 403 == (await place.ask(second)).status


def _end(message: TransferMessage) -> Callable[[Place, Tokens], Any]:
    return lambda place, tokens: place.doors.delivery.act(tokens.pid, message)


HOSTILE = {
    "suspended": _end(TransferMessage.SUSPENSION),
    "completed": _end(TransferMessage.COMPLETION),
    "terminated": _end(TransferMessage.TERMINATION),
    "agreement retired": lambda place, _: place.doors.db.execute(
        "UPDATE agreement SET retired_at = 1"
    ),
    "standing gone": lambda place, _: setattr(place.standing, "trouble", GONE),
    "offer gone": lambda place, _: setattr(place.doors.shelf, "rules", ()),
    "membership gone": lambda place, _: place.doors.db.execute(
        "UPDATE standing SET credentials = '[]'"
    ),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
async def test_what_ends_access_ends_its_renewal(
    place: Place, change: Callable[[Place, Tokens], Any]
) -> None:
    tokens = place.opened()
    change(place, tokens)
    with capture_logs() as lines:
        reply = await place.ask(tokens)

    assert (403, "invalid_grant") == (reply.status, reply.json["error"])
    assert not place.opens(tokens.access)
    refusals = [(x["partner"], x["status"]) for x in lines if x["event"] == "refresh.refused"]
    assert [(OEM.bpnl if refusals[0][0] == OEM.bpnl else OEM.did, 403)] == refusals


@pytest.mark.parametrize("name", ["standing gone", "offer gone", "membership gone"])
async def test_a_partner_who_lost_its_standing_is_told_with_the_reason(
    place: Place, name: str
) -> None:
    tokens = place.opened()
    HOSTILE[name](place, tokens)
    await place.ask(tokens)
    [(kind, body)] = place.doors.messages()

    assert TransferMessage.TERMINATION == kind
    assert body["reasons"]


async def test_the_newest_credentials_decide_and_are_kept(place: Place) -> None:
    tokens = place.opened()
    place.doors.db.execute("UPDATE standing SET credentials = '[]'")
    place.renewals.shown = caller(OEM)
    reply = await place.ask(tokens)

    assert 200 == reply.status
    place.renewals.shown = None
    assert 200 == (await place.ask(tokens.after(reply))).status


async def test_when_nobody_can_tell_the_partner_comes_again_and_nothing_is_spent(
    place: Place,
) -> None:
    tokens = place.opened()
    place.standing.trouble = UNTOLD
    later = await place.ask(tokens)
    place.standing.trouble = None

    assert (503, "temporarily_unavailable") == (later.status, later.json["error"])
    assert 200 == (await place.ask(tokens)).status


async def test_another_partners_refresh_token_opens_nothing_and_harms_nobody(
    place: Place,
) -> None:
    tokens = place.opened()
    stolen = await place.ask(tokens, STRANGER)

    assert (403, "invalid_grant") == (stolen.status, stolen.json["error"])
    assert 200 == (await place.ask(tokens)).status


async def test_a_partner_whose_number_is_another_now_gets_nothing(place: Place) -> None:
    tokens = place.opened()
    place.renewals.shown = replace(caller(OEM), bpnl=STRANGER.bpnl)

    assert 403 == (await place.ask(tokens)).status


async def test_tokens_of_two_transfers_do_not_go_together(place: Place) -> None:
    agreement = place.doors.finalized()
    one, other = place.opened("urn:t1", agreement), place.opened("urn:t2", agreement)
    mixed = await place.ask(replace(one, access=other.access))

    assert 403 == mixed.status
    assert 200 == (await place.ask(one)).status
    assert 200 == (await place.ask(other)).status


async def test_after_a_rotation_the_old_refresh_token_needs_the_old_access_token(
    place: Place,
) -> None:
    first = place.opened()
    second = first.after(await place.ask(first))

    assert 403 == (await place.ask(replace(first, access=second.access))).status
    assert 403 == (await place.ask(replace(second, access=first.access))).status


async def test_a_made_up_refresh_token_is_refused_with_one_line_that_names_whom(
    place: Place,
) -> None:
    tokens = replace(place.opened(), refresh="made-up")
    with capture_logs() as lines:
        reply = await place.ask(tokens)

    assert 403 == reply.status
    assert [("refresh.refused", OEM.did)] == [(x["event"], x["partner"]) for x in lines]


@pytest.mark.parametrize("proof", ["", "Bearer x", OEM.did])
async def test_without_a_proof_of_who_asks_the_answer_is_401(place: Place, proof: str) -> None:
    tokens = place.opened()
    body = urlencode({"grant_type": "refresh_token", "refresh_token": tokens.refresh}).encode()
    with capture_logs() as lines:
        reply = await place.post(body, proof)

    assert (401, "invalid_client") == (reply.status, reply.json["error"])
    assert ["refresh.refused"] == [x["event"] for x in lines]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid_request"),
        (b"grant_type=refresh_token", 400, "invalid_request"),
        (b"grant_type=refresh_token&refresh_token=", 400, "invalid_request"),
        (b"refresh_token=abc", 400, "unsupported_grant_type"),
        (b"grant_type=password&refresh_token=abc", 400, "unsupported_grant_type"),
        (b"grant_type=refresh_token&refresh_token=" + b"a" * 5000, 400, "invalid_request"),
        (b"\xff\xfe", 400, "invalid_request"),
        (b"&".join(b"a=1" for _ in range(100)), 400, "invalid_request"),
        (b"a" * (FORM_BYTES_MAX + 1), 413, "invalid_request"),
        (b"a" * 10_000_000, 413, "invalid_request"),
    ],
)
async def test_a_malformed_form_is_refused_before_anything_is_asked(
    place: Place, body: bytes, status: int, code: str
) -> None:
    tokens = place.opened()
    reply = await place.post(body, f"{OEM.did} about {tokens.access}")

    assert (status, code) == (reply.status, reply.json["error"])
    assert place.opens(tokens.access)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_post_renews(place: Place, method: str) -> None:
    assert 405 == (await call(place.app, method, "/refresh/token")).status


async def test_trouble_of_the_sender_is_told_as_trouble(place: Place) -> None:
    place.renewals.trouble = TransientError("protocols:unreachable", url="x", reason="y")
    reply = await place.ask(place.opened())

    assert 503 == reply.status


async def test_a_partner_that_asks_all_the_time_is_slowed_and_loses_nothing(place: Place) -> None:
    tokens = place.opened()
    for _ in range(30):
        tokens = tokens.after(await place.ask(tokens))
    slowed = await place.ask(tokens)
    place.doors.later(2)

    assert (429, "1") == (slowed.status, slowed.headers["retry-after"])
    assert 200 == (await place.ask(tokens)).status
