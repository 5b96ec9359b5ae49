"""Whose credentials do not count is refused by ours and by an Eclipse connector alike.

Its own words are "Unauthorized" to whoever it refuses; the reason stands in its log alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.protocols.dcp.credentials import FRAMEWORK, MEMBERSHIP
from deploy.demo.authority import Authority
from deploy.demo.company import Company, DataSpace
from deploy.demo.processes import wait_until
from deploy.demo.withdrawal import ListKind
from tests.conformance.edc.eclipse import EdcRefusedError, Json
from tests.conformance.edc.reading import registry_of, search
from tests.conformance.edc.terms import TERMS
from tests.conformance.edc_dcp import plant
from tests.conformance.edc_dcp.conftest import neighbourhood
from tests.conformance.edc_dcp.member import Program
from tests.conformance.edc_dcp.neighbours import SEEN, Neighbours

pytestmark = pytest.mark.conformance

DAYS = 30
NOTICED_SECONDS = 30.0
CARELESS = "tests.conformance.edc_dcp.careless"


@dataclass(frozen=True)
class Scene:
    """Both, what ours offered while all was well, and another authority that neither trusts."""

    both: Neighbours
    registry: Json
    stranger: Authority

    @property
    def holders(self) -> Sequence[Company]:
        """Whose credentials prove either of them."""
        return self.both.ours, self.both.theirs.wallet

    def hand_out(
        self,
        authority: Authority,
        *,
        revocable: bool = False,
        lacking: tuple[Company, str] | None = None,
    ) -> None:
        """Give both all three credentials in the place of theirs, but one of one if so said.

        A wallet notices within 5 s, when it is asked; that is waited for.
        """
        before = [len(_loads(holder)) for holder in self.holders]
        for holder in self.holders:
            folder = holder.folder / "credentials"
            authority.issue_to(folder, holder.did, holder.bpnl, DAYS, revocable=revocable)
        if lacking is not None:
            (lacking[0].folder / "credentials" / f"{lacking[1]}.jwt").unlink()

        def have_noticed() -> bool:
            self.what_we_say()
            self.what_it_logs()
            now = [len(_loads(holder)) for holder in self.holders]
            return all(after > old for after, old in zip(now, before, strict=True))

        wait_until(have_noticed, "the wallets' notice", NOTICED_SECONDS)

    def trusted(
        self,
        listing: ListKind = ListKind.STATUS_LIST_2021,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Authority:
        """Return the authority that both trust, with another list or at another time."""
        known = self.both.space
        return Authority(known.folder / "authority", known.authority.did, clock, listing)

    def what_we_say(self) -> str:
        """Return why ours refuses the other its catalog, empty if it does not."""
        try:
            seen = self.both.consumer.catalog()
        except EdcRefusedError as refused:
            return str(refused)
        return "" if seen else "nothing to be seen"

    def what_it_logs(self) -> str:
        """Return what the other logs while it answers ours, empty if that is the catalog."""
        before = self._log.stat().st_size
        status, _ = self.both.asked_by_us()
        told = self._log.read_bytes()[before:].decode(errors="replace")
        return "" if status == 200 else f"{status} {told}"

    def wait_until(self, we_say: str, it_logs: str) -> None:
        """Wait until both say so; empty if they believe each other."""

        def is_so() -> bool:
            told = ((we_say, self.what_we_say()), (it_logs, self.what_it_logs()))
            return all(wanted in said if wanted else not said for wanted, said in told)

        wait_until(is_so, f"{we_say!r}, {it_logs!r}", NOTICED_SECONDS)

    @property
    def _log(self) -> Path:
        return self.both.theirs.edc.log

    def run_by(self, module: str) -> None:
        """Start both of our programs anew, from another main."""
        for holder in self.holders:
            python, option, _, *words = holder.process.argv
            holder.process.argv = (python, option, module, *words)
            holder.restart()


@dataclass(frozen=True)
class Fall:
    """How credentials cease to count, what we say to that, and what the other logs."""

    happens: Callable[[Scene], None]
    we_say: str
    it_logs: str


def _withdrawn_from(listing: ListKind) -> Callable[[Scene], None]:
    def happens(scene: Scene) -> None:
        authority = scene.trusted(listing)
        scene.hand_out(authority, revocable=True)
        scene.wait_until("", "")
        for holder in scene.holders:
            authority.register.withdraw(holder.did, MEMBERSHIP)

    return happens


def _expired(scene: Scene) -> None:
    scene.hand_out(scene.trusted())
    scene.run_by(CARELESS)
    scene.wait_until("", "")
    past = datetime.now(UTC) - timedelta(days=DAYS, minutes=10)
    scene.hand_out(scene.trusted(clock=lambda: past))


def _untrusted(scene: Scene) -> None:
    scene.hand_out(scene.stranger)


FALLS = {
    "withdrawn in a StatusList2021": Fall(
        _withdrawn_from(ListKind.STATUS_LIST_2021), "credential_withdrawn", "'revocation'"
    ),
    "withdrawn in a Bitstring status list": Fall(
        _withdrawn_from(ListKind.BITSTRING), "credential_withdrawn", "'revocation'"
    ),
    "issued by somebody": Fall(_untrusted, "issuer_not_trusted", "not supported for issuer"),
    "expired": Fall(_expired, "expired", "Credential expired"),
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, built: Program) -> Iterator[Scene]:
    """Return both, who have settled nothing yet."""
    folder = tmp_path_factory.mktemp("standing")
    with ExitStack() as stack:
        stranger = stack.enter_context(DataSpace.open(folder / "stranger")).authority
        both = stack.enter_context(neighbourhood(folder, built))
        both.theirs.publisher.allow([plant.REGISTRY_ASSET, plant.SUBMODEL_ASSET], TERMS)
        yield Scene(both, registry_of(both.consumer.catalog()), stranger)


@pytest.fixture(scope="module", params=FALLS.values(), ids=list(FALLS))
def fall(request: pytest.FixtureRequest, scene: Scene) -> Fall:
    """Let the credentials of both cease to count."""
    fall: Fall = request.param
    fall.happens(scene)
    scene.wait_until(fall.we_say, fall.it_logs)
    return fall


def test_it_is_told_why_and_gets_no_agreement(scene: Scene, fall: Fall) -> None:
    assert fall.we_say in scene.what_we_say()

    negotiation = scene.both.consumer.negotiate(scene.registry)
    scene.both.consumer.agreed(negotiation, "TERMINATED")

    assert (0, 0) == scene.both.agreements()


def test_we_are_refused_and_get_no_agreement(scene: Scene, fall: Fall) -> None:
    assert fall.it_logs in scene.what_it_logs()

    (tombstone,) = scene.both.collect()["tombstones"]

    assert "401" in tombstone["reason"]
    assert (0, 0) == scene.both.agreements()


def test_it_sees_nothing_without_membership(scene: Scene) -> None:
    scene.hand_out(scene.trusted(), lacking=(scene.both.theirs.wallet, MEMBERSHIP))
    scene.wait_until("nothing to be seen", "")

    assert "we do not offer you" in _why_ended(scene)
    assert (0, 0) == scene.both.agreements()


def test_it_gets_no_agreement_without_having_signed_the_framework(scene: Scene) -> None:
    scene.hand_out(scene.trusted(), lacking=(scene.both.theirs.wallet, FRAMEWORK))
    scene.wait_until("", "")

    assert "FrameworkAgreement" in _why_ended(scene)
    assert (0, 0) == scene.both.agreements()


@pytest.mark.parametrize("kind", [MEMBERSHIP, FRAMEWORK])
def test_we_get_no_agreement_without_what_it_asks_for(scene: Scene, kind: str) -> None:
    scene.hand_out(scene.trusted(), lacking=(scene.both.ours, kind))
    scene.wait_until("", "Number of requested credentials does not match")

    (tombstone,) = scene.both.collect()["tombstones"]

    assert "401" in tombstone["reason"]
    assert (0, 0) == scene.both.agreements()


def test_once_members_again_both_exchange(scene: Scene) -> None:
    scene.hand_out(scene.trusted())
    scene.wait_until("", "")

    scene.both.consumer.opened(scene.registry)
    report = scene.both.collect()

    assert [] == report["tombstones"]


def test_what_was_agreed_opens_nothing_once_membership_is_withdrawn(scene: Scene) -> None:
    authority, consumer = scene.trusted(), scene.both.consumer
    scene.hand_out(authority, revocable=True)
    scene.wait_until("", "")
    contract = consumer.agreed(consumer.negotiate(scene.registry))["contractAgreementId"]
    transfer = consumer.transfer(contract)
    consumer.transferred(transfer)
    address = consumer.address_of(transfer)
    assert 200 == search(address, SEEN)[0]

    authority.register.withdraw(scene.both.theirs.wallet.did, MEMBERSHIP)

    wait_until(lambda: search(address, SEEN)[0] in {401, 403}, "the end of reading")
    consumer.transferred(consumer.transfer(contract), "TERMINATED")


def _why_ended(scene: Scene) -> str:
    """Let it ask for our registry in vain; return why, as ours tells its operator."""
    asking = scene.both.consumer
    ended = asking.agreed(asking.negotiate(scene.registry), "TERMINATED")
    # It keeps no reason of a partner; what ours keeps is what it was told.
    return str(scene.both.told(ended["correlationId"])["line"]["reason"])


def _loads(holder: Company) -> list[str]:
    """Return the lines of a wallet's log that tell that it has read its credentials."""
    lines = (holder.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if '"event":"credentials.loaded"' in line]
