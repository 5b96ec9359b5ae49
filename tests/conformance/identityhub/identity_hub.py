"""An IdentityHub as a program of its own: the wallet of a partner, driven as its operator would.

It hosts the partner's DID document, signs in its name (STS), asks issuers for credentials,
stores them and presents them. We speak to its identity API and its STS, and to nothing else.
"""

from __future__ import annotations

import base64
import json
import secrets
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from connector.identifiers import Did, did_web
from deploy.demo.processes import HOST, Process, free_port, wait_until
from tests.conformance import java
from tests.conformance.edc.eclipse import fetch

READY_SECONDS = 180.0
ISSUED_SECONDS = 30.0
SUPER_USER = "super-user"
HERE = Path(__file__).parent
FOLDER = java.BUILD / "identityhub"

Json = dict[str, Any]


class HubRefusedError(Exception):
    """IdentityHub did not do what it was asked."""


def _contexts() -> Mapping[str, int]:
    names = ("default", "identity", "credentials", "sts", "did", "version")
    return {name: free_port() for name in names}


@dataclass
class IdentityHub:
    """One IdentityHub with memory stores; a new one knows nobody but its first user."""

    folder: Path
    log: Path
    ports: Mapping[str, int] = field(default_factory=_contexts)
    key: str = field(default_factory=lambda: f"{_encoded(SUPER_USER)}.{secrets.token_hex(32)}")

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.folder / "hub.properties"
        lines = (f"{key}={value}\n" for key, value in self._settings().items())
        settings.write_text("".join(lines), encoding="ascii")
        jars = java.jars_of(HERE / "pom.xml", FOLDER)
        classes = java.extension_of(HERE / "SuperUser.java", jars, FOLDER)
        main = "org.eclipse.edc.boot.system.runtime.BaseRuntime"
        argv = ("nice", "-n", "5", "java", "-Xmx384m", f"-Dedc.fs.config={settings}")
        self.process = Process(
            argv=(*argv, "-cp", f"{classes}:{jars}/*", main),
            log=self.log,
            pid_file=self.folder / "hub.pid",
            mark=str(settings),
            folder=java.REPOSITORY,
        )

    def start(self) -> None:
        """Start it and wait until it says that it is up."""
        self.process.start()
        wait_until(self._ready_or_dead, "IdentityHub ready", READY_SECONDS)
        assert self.process.is_alive(), self.process.last_words()

    def stop(self) -> None:
        """End it."""
        self.process.stop()

    def participant(self, name: str, *, services: Mapping[str, str] | None = None) -> Participant:
        """Take in a company: its key is made, its DID document published, its STS account opened.

        ``services`` are further endpoints of its DID document by type.
        """
        did = did_web(f"http://{HOST}:{self.ports['did']}/{name}")
        endpoints = {"CredentialService": self.credential_service(name)}
        told = self.ask(
            "/participants",
            {
                "participantContextId": name,
                "did": did,
                "active": True,
                "roles": [],
                "serviceEndpoints": [
                    {"id": f"{did}#{kind}", "type": kind, "serviceEndpoint": url}
                    for kind, url in {**endpoints, **(services or {})}.items()
                ],
                "keys": [
                    {
                        "keyId": f"{did}#key-1",
                        "privateKeyAlias": f"{name}-key-1",
                        "keyGeneratorParams": {"algorithm": "EC", "curve": "secp256r1"},
                    }
                ],
            },
        )
        return Participant(self, name, did, told["clientId"], told["clientSecret"])

    def ask(self, path: str, body: Json | None = None) -> Any:
        """POST a body to the identity API, or GET; raises `HubRefusedError`."""
        url = f"http://{HOST}:{self.ports['identity']}/api/identity/v1alpha{path}"
        sent = None if body is None else json.dumps(body).encode()
        headers = {"X-Api-Key": self.key, "Content-Type": "application/json"}
        status, answer = fetch(url, headers, sent)
        if status >= 400:
            raise HubRefusedError(f"{path}: {status} {answer!r}")
        return json.loads(answer) if answer else None

    def credential_service(self, name: str) -> str:
        """Return where the credentials of a company are asked for, and delivered."""
        own = f"http://{HOST}:{self.ports['credentials']}/api/credentials"
        return f"{own}/v1/participants/{_encoded(name)}"

    def token_url(self) -> str:
        """Return where its secure token service is."""
        return f"http://{HOST}:{self.ports['sts']}/api/sts/token"

    def _settings(self) -> dict[str, str]:
        listening = {f"web.http.{name}.port": str(port) for name, port in self.ports.items()}
        paths = {"did": "/", "default": "/api"}
        listening |= {f"web.http.{one}.path": paths.get(one, f"/api/{one}") for one in self.ports}
        # The default context has no name of its own in this version.
        listening |= {"web.http.port": listening.pop("web.http.default.port")}
        listening |= {"web.http.path": listening.pop("web.http.default.path")}
        return {
            **listening,
            "edc.participant.id": "hub",
            "edc.hostname": HOST,
            "edc.iam.did.web.use.https": "false",
            "edc.iam.accesstoken.jti.validation": "true",
            "edc.iam.credential.revocation.cache.validity": "0",
            "eslabon.tests.superuser.key": self.key,
        }

    def _ready_or_dead(self) -> bool:
        if not self.process.is_alive():
            return True
        try:
            url = f"http://{HOST}:{self.ports['default']}/api/check/startup"
            return fetch(url, {})[0] == 200
        except OSError:
            return False


@dataclass(frozen=True)
class Participant:
    """A company whose wallet lies in an IdentityHub, and what opens the STS to its programs."""

    hub: IdentityHub
    name: str
    did: Did
    client_id: str
    client_secret: str = field(repr=False)

    def request(self, issuer: Did, number: str, kinds: tuple[str, ...]) -> None:
        """Have it ask an issuer for credentials, under a number of its own (``holderPid``)."""
        wanted = [{"format": "VC1_0_JWT", "type": kind, "id": kind} for kind in kinds]
        asked = {"issuerDid": issuer, "holderPid": number, "credentials": wanted}
        self.hub.ask(f"/participants/{_encoded(self.name)}/credentials/request", asked)

    def requested(self, number: str) -> Json:
        """Return how a request stands."""
        found: Json = self.hub.ask(
            f"/participants/{_encoded(self.name)}/credentials/request/{number}"
        )
        return found

    def credentials(self) -> list[Json]:
        """Return what it holds."""
        found: list[Json] = self.hub.ask(f"/participants/{_encoded(self.name)}/credentials")
        return found

    def credential_service(self) -> str:
        """Return where its credentials are asked for."""
        return self.hub.credential_service(self.name)

    def token(self, audience: Did, scopes: str = "", token: str = "") -> str:
        """Return a token in its name, as its connector gets one."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "audience": audience,
        }
        form |= {"bearer_access_scope": scopes} if scopes else {}
        form |= {"token": token} if token else {}
        body = urllib.parse.urlencode(form).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, answer = fetch(self.hub.token_url(), headers, body)
        if status >= 400:
            raise HubRefusedError(f"token: {status} {answer!r}")
        return str(json.loads(answer)["access_token"])


def issued(who: Participant, issuer: Did, kinds: tuple[str, ...]) -> str:
    """Let a wallet ask an issuer for credentials; return how the request ended."""
    number = str(uuid4())
    who.request(issuer, number, kinds)

    def is_over() -> bool:
        return who.requested(number)["status"] in {"ISSUED", "ERROR"}

    wait_until(is_over, "the issuance", ISSUED_SECONDS)
    return str(who.requested(number)["status"])


def _encoded(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()
