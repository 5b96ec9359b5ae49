"""An Eclipse connector as a program of its own, driven by its management API (version 3)."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connector.identifiers import Did
from deploy.demo.processes import Process, free_port, wait_until
from tests.conformance import java
from tests.conformance.edc.ground import EDC, HOST

# EDC ends about one process in fifty by a race of its own threads.
ATTEMPTS = 3
READY_SECONDS = 180.0
ANSWER_SECONDS = 60.0
PROBE_SECONDS = 2.0
NEVER_MS = "3600000"
STEP_SECONDS = 20.0
LOOK_SECONDS = 0.03
REASON = "changed by the test"
KEY = "0123456789abcdef"
PROTOCOL = "dataspace-protocol-http:2025-1"
CONTEXT = {
    "@vocab": "https://w3id.org/edc/v0.0.1/ns/",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
}
# The part of the protocol's context that says what an offer is outside of a message.
POLICY_CONTEXT = "https://w3id.org/dspace/2025/1/odrl-profile.jsonld"

Json = dict[str, Any]


class EdcRefusedError(Exception):
    """The management API did not do what it was asked."""


class EndedOtherwiseError(Exception):
    """A negotiation or transfer ended in another state than the expected one."""


def _contexts() -> Mapping[str, int]:
    names = ("default", "management", "control", "protocol", "version", "public")
    return {name: free_port() for name in names}


MOCK_IDENTITY = {"edc.participant.id": EDC.did}
COMMAND = ("nice", "-n", "5", "java", "-Xmx512m")


@dataclass
class Edc:
    """One connector; ``wait_ms`` is how long its state machines rest between two looks.

    ``frozen`` names one of them that never looks, such as ``transfer``.
    ``identity`` are its settings about who it is, ``classes`` a folder with ours beside ``jars``.
    """

    folder: Path
    jars: Path
    log: Path
    wait_ms: int = 50
    identity: Mapping[str, str] = field(default_factory=lambda: MOCK_IDENTITY)
    classes: Path | None = None
    command: Sequence[str] = COMMAND
    arguments: Sequence[str] = ()
    ports: Mapping[str, int] = field(default_factory=_contexts)
    frozen: str = ""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.folder / "edc.properties"
        main = "org.eclipse.edc.boot.system.runtime.BaseRuntime"
        places = f"{self.jars}/*" + (f":{self.classes}" if self.classes else "")
        self.process = Process(
            argv=(
                *self.command,
                f"-Dedc.fs.config={settings}",
                "-cp",
                places,
                main,
                *self.arguments,
            ),
            log=self.log,
            pid_file=self.folder / "edc.pid",
            mark=str(settings),
            folder=java.REPOSITORY,
        )

    @property
    def protocol_root(self) -> str:
        """Where its version document lies, below ``.well-known``."""
        return f"http://{HOST}:{self.ports['protocol']}/api/dsp"

    @property
    def public_url(self) -> str:
        """Where its data plane hands out data."""
        return f"http://{HOST}:{self.ports['public']}/public"

    def start(self) -> None:
        """Start it and wait until it says that it is up."""
        settings = self.folder / "edc.properties"
        settings.write_text(_properties(self._settings()), encoding="ascii")
        self.process.start()
        wait_until(self._ready_or_dead, "EDC ready", READY_SECONDS)
        assert self.process.is_alive(), self.process.last_words()

    def stop(self) -> None:
        """End it."""
        self.process.stop()

    def ask(self, path: str, body: Json | None = None) -> Any:
        """POST a body with the usual context, or GET; raises `EdcRefusedError`."""
        url = f"http://{HOST}:{self.ports['management']}/management/v3{path}"
        sent = None if body is None else json.dumps({"@context": CONTEXT} | body).encode()
        headers = {"X-Api-Key": KEY, "Content-Type": "application/json"}
        status, answer = fetch(url, headers, sent)
        if status >= 400:
            raise EdcRefusedError(f"{path}: {status} {answer!r}")
        return json.loads(answer) if answer else None

    def change(self, transfer: str, how: str) -> None:
        """Terminate, suspend or resume a transfer, in either role."""
        kind = {"@type": f"{how.capitalize()}Transfer", "reason": REASON}
        self.ask(f"/transferprocesses/{transfer}/{how}", kind)

    def end_negotiation(self, negotiation: str) -> None:
        """Terminate a negotiation, in either role."""
        told = {"@type": "TerminateNegotiation", "@id": negotiation, "reason": REASON}
        self.ask(f"/contractnegotiations/{negotiation}/terminate", told)

    def restart(self, frozen: str = "") -> None:
        """Cut its power and start it again: it has forgotten everything.

        Asked to stop, it sometimes waits for its own state machines for ever.
        """
        self.frozen = frozen
        self.process.kill()
        self.start()

    def _settings(self) -> dict[str, str]:
        private, public = _key_pair()
        rest = str(self.wait_ms)
        paths = {"default": "/api", "protocol": "/api/dsp"}
        listening = {f"web.http.{name}.port": str(port) for name, port in self.ports.items()}
        listening |= {f"web.http.{one}.path": paths.get(one, f"/{one}") for one in self.ports}
        # The default context has no name of its own in this version.
        listening |= {"web.http.port": listening.pop("web.http.default.port")}
        listening |= {"web.http.path": listening.pop("web.http.default.path")}
        machines = ("negotiation.consumer", "negotiation.provider", "transfer", "dataplane")
        rests = dict.fromkeys(machines, rest)
        if self.frozen:
            rests[self.frozen] = NEVER_MS
        waits = {f"edc.{one}.state-machine.iteration-wait-millis": r for one, r in rests.items()}
        return {
            **listening,
            **waits,
            "edc.data.plane.selector.state-machine.iteration-wait-millis": rest,
            **self.identity,
            "edc.component.id": EDC.name,
            "edc.hostname": HOST,
            "edc.dsp.callback.address": self.protocol_root,
            "edc.dataplane.api.public.baseurl": self.public_url,
            "web.http.management.auth.type": "tokenbased",
            "web.http.management.auth.key": KEY,
            # It knows no constraint of Catena-X, and would not let one be written.
            "edc.policy.validation.enabled": "false",
            "edc.transfer.proxy.token.signer.privatekey.alias": "private-key",
            "edc.transfer.proxy.token.verifier.publickey.alias": "public-key",
            "private-key": private,
            "edc.iam.publickeys.one.id": "public-key",
            "edc.iam.publickeys.one.value": public,
        }

    def _ready_or_dead(self) -> bool:
        if not self.process.is_alive():
            return True
        try:
            url = f"http://{HOST}:{self.ports['default']}/api/check/startup"
            # What it takes in while it starts, it may never answer.
            return fetch(url, {}, seconds=PROBE_SECONDS)[0] == 200
        except OSError:
            return False


@dataclass(frozen=True)
class Publisher:
    """An Eclipse connector as a provider: assets, policies, and who is offered what."""

    edc: Edc

    def offer(self, assets: Sequence[str], backend: str, constraints: list[Json]) -> None:
        """Offer what lies at an address, under constraints that must hold together."""
        address = {"type": "HttpData", "baseUrl": backend, "proxyPath": "true"}
        for asset in assets:
            self.put(asset, {"name": asset}, address)
        self.allow(assets, constraints)

    def put(self, asset: str, properties: Json, address: Json) -> None:
        """Make an asset, which nobody is offered yet."""
        self.edc.ask("/assets", {"@id": asset, "properties": properties, "dataAddress": address})

    def allow(
        self, assets: Sequence[str], constraints: list[Json], access: Sequence[Json] = ()
    ) -> None:
        """Offer assets under constraints that must hold together, to those whom others let see.

        Without constraints of ``access`` everybody sees them.
        """
        name = uuid4().hex
        for use, asked in (("access", access), ("usage", constraints)):
            policy = {
                "@type": "odrl:Set",
                "odrl:permission": [_permission(asked)] if asked else [],
            }
            self.edc.ask("/policydefinitions", {"@id": f"{use}-{name}", "policy": policy})
        selector = {
            "@type": "Criterion",
            "operandLeft": CONTEXT["@vocab"] + "id",
            "operator": "in",
            "operandRight": list(assets),
        }
        definition = {
            "@id": name,
            "accessPolicyId": f"access-{name}",
            "contractPolicyId": f"usage-{name}",
            "assetsSelector": [selector],
        }
        self.edc.ask("/contractdefinitions", definition)

    def transfer(self, pid: str, state: str) -> Json:
        """Wait until a transfer is in a state."""
        return reached(lambda: self.edc.ask(f"/transferprocesses/{pid}"), state)


def _permission(constraints: Sequence[Json]) -> Json:
    together = {"@type": "odrl:LogicalConstraint", "odrl:and": list(constraints)}
    return {"odrl:action": {"@id": "odrl:use"}, "odrl:constraint": together}


@dataclass(frozen=True)
class Consumer:
    """An Eclipse connector as a consumer of one provider, asked every so often how it stands."""

    edc: Edc
    provider: Did
    address: str
    look_seconds: float = LOOK_SECONDS

    def catalog(self, **query: object) -> list[Json]:
        """Return the datasets of the provider's catalog, as EDC passes them on: as they came."""
        asked = {**self._who(), "counterPartyId": self.provider}
        if query:
            asked["querySpec"] = {"@type": "QuerySpec", **query}
        found = self.edc.ask("/catalog/request", asked)
        return listed(found.get("dataset", []))

    def negotiate(self, dataset: Json, policy: Json | None = None) -> str:
        """Begin to negotiate about a dataset, by default as it is offered; return the id."""
        offer = policy or listed(dataset["hasPolicy"])[0]
        framed = {
            "@context": [POLICY_CONTEXT],
            **offer,
            "assigner": self.provider,
            "target": dataset["@id"],
        }
        began = self.edc.ask("/contractnegotiations", {**self._who(), "policy": framed})
        return str(began["@id"])

    def agreed(self, negotiation: str, state: str = "FINALIZED") -> Json:
        """Wait until a negotiation is in a state; return it."""
        return self._reached(f"/contractnegotiations/{negotiation}", state)

    def transfer(self, contract: str) -> str:
        """Begin to ask for access under a contract; return the id."""
        asked = {
            **self._who(),
            "contractId": contract,
            "transferType": "HttpData-PULL",
            "dataDestination": {"type": "HttpProxy"},
        }
        return str(self.edc.ask("/transferprocesses", asked)["@id"])

    def transferred(self, transfer: str, state: str = "STARTED") -> Json:
        """Wait until a transfer is in a state; return it."""
        return self._reached(f"/transferprocesses/{transfer}", state)

    def address_of(self, transfer: str) -> Json:
        """Return the data address of a transfer: it is stored a moment after the start."""
        found: list[Json] = []

        def is_there() -> bool:
            try:
                found.append(self.edc.ask(f"/edrs/{transfer}/dataaddress"))
            except EdcRefusedError:
                return False
            return True

        wait_until(is_there, "the data address", STEP_SECONDS, self.look_seconds)
        return found[0]

    def opened(self, dataset: Json) -> tuple[str, Json]:
        """Do as `opened_once`, and anew where EDC ends it by a race of its own."""
        for _ in range(ATTEMPTS - 1):
            with suppress(EndedOtherwiseError):
                return self.opened_once(dataset)
        return self.opened_once(dataset)

    def opened_once(self, dataset: Json) -> tuple[str, Json]:
        """Negotiate, transfer, and return the transfer's id with its data address."""
        agreement = self.agreed(self.negotiate(dataset))["contractAgreementId"]
        transfer = self.transfer(agreement)
        self.transferred(transfer)
        return transfer, self.address_of(transfer)

    def _who(self) -> Json:
        return {"counterPartyAddress": self.address, "protocol": PROTOCOL}

    def _reached(self, path: str, state: str) -> Json:
        return reached(lambda: self.edc.ask(path), state, self.look_seconds)


_BEFORE = {"DEPROVISIONING": "TERMINATED", "DEPROVISIONED": "TERMINATED"}


def reached(
    look: Callable[[], Json],
    state: str,
    look_seconds: float = LOOK_SECONDS,
    seconds: float = STEP_SECONDS,
) -> Json:
    """Look until a process is in a state; raises `EndedOtherwiseError` naming the last one."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        # A moment after it has terminated a transfer, EDC calls it deprovisioned.
        if state in (found["state"], _BEFORE.get(found["state"])):
            return found
        if found["state"] == "TERMINATED" or time.monotonic() > end:
            raise EndedOtherwiseError(f"{found['state']}: {found.get('errorDetail')}")
        time.sleep(look_seconds)


def fetch(
    url: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
    seconds: float = ANSWER_SECONDS,
) -> tuple[int, bytes]:
    """Send one request, POST where there is a body, and return status and body."""
    request = urllib.request.Request(url, data=body, headers=dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def listed(value: object) -> list[Any]:
    """Return a list as it is, and anything else as a list of one: EDC writes either."""
    return value if isinstance(value, list) else [value]


def _key_pair() -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def _properties(settings: Mapping[str, str]) -> str:
    lines = (f"{key}={value.strip()}" for key, value in settings.items())
    return "".join(line.replace("\n", "\\n") + "\n" for line in lines)
