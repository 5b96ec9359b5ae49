"""A company for demos and journeys: its folder, keys, credentials, and its connector running.

with DataSpace.open(folder) as space:
    supplier = space.company("puebla", "BPNL00000000PUE1")
    oem = space.company("oem", "BPNL00000000OEM1")
    supplier.configure(partners=[oem], feeds=[...], offers=[Offer("parts", ("oem",))])
    oem.configure(partners=[supplier])
    supplier.start(); oem.start()
    oem.ask("collect", "--partner", "puebla", "--part", "partInstanceId=PI26000001")
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from connector.identifiers import Bpnl, Did, did_web
from connector.protocols.dcp.key_file import generate_key_file
from deploy.demo.authority import Authority
from deploy.demo.configuration import POLICY, Feed, Offer, Tables, toml_of
from deploy.demo.processes import (
    HOST,
    DidNotHappenError,
    Process,
    free_port,
    listens,
    wait_until,
)

DAYS = 365
READY_SECONDS = 30.0
COMMAND_SECONDS = 300.0
REPOSITORY = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-m", "connector")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command answered: its exit code, and what it wrote."""

    code: int
    out: str
    err: str


class Acquaintance(Protocol):
    """What an address book says of a partner."""

    @property
    def name(self) -> str:
        """What its partner calls it."""
        ...

    @property
    def bpnl(self) -> Bpnl:
        """Its business partner number."""
        ...

    @property
    def did(self) -> Did:
        """Its identifier."""
        ...


class Company:
    """One company with a connector of its own, in a folder of its own."""

    def __init__(
        self, name: str, bpnl: str, folder: Path, authority: Authority, *, issued: bool = True
    ) -> None:
        """Choose its ports and make its keys; it runs after `configure` and `start`.

        One to which nothing was ``issued`` is a member that has to ask for its credentials.
        """
        self.name = name
        self.bpnl = Bpnl.parse(bpnl)
        self.folder = folder.absolute()
        self.port, self.operator_port = free_port(), free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.did = did_web(self.url)
        self.config = self.folder / "eslabon.toml"
        self._trusted = authority.did
        self.process = Process(
            (*PROGRAM, "run", "--json", "--config", str(self.config)),
            log=self.folder / "log.jsonl",
            pid_file=self.folder / "run.pid",
            mark=str(self.config),
            folder=self.folder,
        )
        _make_secrets(self.folder)
        if issued:
            authority.issue_to(self.folder / "credentials", self.did, self.bpnl, DAYS)
        else:
            authority.register.admit(self.did, self.bpnl)

    def configure(
        self,
        *,
        partners: Iterable[Acquaintance] = (),
        feeds: Iterable[Feed] = (),
        offers: Iterable[Offer] = (),
        further: Mapping[str, Tables] | None = None,
        unlisted: Iterable[Acquaintance] = (),
    ) -> None:
        """Write eslabon.toml; ``further`` are tables of it, such as ``{"limits": {...}}``.

        What one of our tables says besides stays; of lists, it takes the place.
        Partners that are ``unlisted`` are named without DID: a directory has to tell it.
        """
        document: dict[str, Tables] = {
            **self._standing(),
            "policy": {POLICY: {"purposes": ["cx.core.industrycore:1"]}},
            "feed": [feed.table() for feed in feeds],
            "partner": [
                *({"name": p.name, "bpnl": p.bpnl, "did": p.did} for p in partners),
                *({"name": p.name, "bpnl": p.bpnl} for p in unlisted),
            ],
            "offer": [offer.table() for offer in offers],
        }
        self.config.write_text(toml_of(_over(document, further or {})), encoding="utf-8")

    def start(self) -> None:
        """Start its connector and wait until it is ready."""
        self.process.start()
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait for /health/ready; raises `DidNotHappenError` with the log's end."""
        try:
            wait_until(self._ready_or_dead, f"{self.name} ready", READY_SECONDS)
        except DidNotHappenError as error:
            raise DidNotHappenError(f"{error}\n{self.process.last_words()}") from None
        if not self.process.is_alive():
            raise DidNotHappenError(f"{self.name} ended:\n{self.process.last_words()}")

    def wait_up(self) -> None:
        """Wait until its operator is answered, be it ready or not."""
        wait_until(lambda: listens(self.operator_port), self.name, READY_SECONDS)

    def stop(self) -> int:
        """End its connector by SIGTERM and return the exit code."""
        return self.process.stop()

    def kill(self) -> int:
        """End its connector by SIGKILL."""
        return self.process.kill()

    def restart(self) -> None:
        """Stop cleanly if it runs, and start."""
        self.stop()
        self.start()

    def run_command(self, *words: str) -> Answer:
        """Run ``eslabon WORDS`` with its configuration, whether its connector runs or not."""
        asked = subprocess.run(
            (*PROGRAM, *words, "--config", str(self.config)),
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_SECONDS,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )
        return Answer(asked.returncode, asked.stdout, asked.stderr)

    def show_command(self, *words: str) -> int:
        """Run a command in the terminal of this program, and return its exit code."""
        asked = subprocess.run((*PROGRAM, *words, "--config", str(self.config)), check=False)
        return asked.returncode

    def ask(self, *words: str, codes: Sequence[int] = (0, 1)) -> dict[str, object]:
        """Run a command with ``--json`` and return its answer.

        Raises `DidNotHappenError` for an exit code that is not among ``codes``.
        """
        answer = self.run_command(*words, "--json")
        if answer.code not in codes:
            said = answer.out + answer.err
            raise DidNotHappenError(f"{self.name}: {' '.join(words)}: {answer.code}\n{said}")
        parsed: dict[str, object] = json.loads(answer.out)
        return parsed

    def operate(self, path: str, body: object = None) -> tuple[int, dict[str, object]]:
        """Ask its operator's side without a command: GET, or POST where there is a body."""
        token = (self.folder / "data" / "operator.token").read_text(encoding="ascii")
        request = urllib.request.Request(
            f"http://{HOST}:{self.operator_port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def counts(self) -> dict[str, int]:
        """Return the figures of its running connector."""
        counts = self.operate("/api/status")[1]["counts"]
        assert isinstance(counts, dict)  # noqa: S101 - for the type checker
        return counts

    def _ready_or_dead(self) -> bool:
        if not self.process.is_alive():
            return True
        try:
            return self.operate("/health/ready")[0] == 200  # noqa: PLR2004 - HTTP
        except OSError:
            return False

    def _standing(self) -> dict[str, Tables]:
        return {
            "connector": {"name": self.name, "bpnl": self.bpnl, "data": "data"},
            "public": {"url": self.url, "bind": HOST, "port": self.port},
            "operator": {"port": self.operator_port, "token_file": "data/operator.token"},
            "identity": {
                "key_file": "keys/connector.pem",
                "credentials": "credentials",
                "trusted_issuers": [self._trusted],
            },
            "twin": {"secret_file": "keys/twin.secret"},
            # All companies of a demo live on this machine and speak plain http.
            "development": {"allow_http": True, "allow_private_networks": True},
        }


@dataclass
class DataSpace:
    """The authority, served by a process of its own, and the companies that it knows."""

    folder: Path
    authority: Authority
    process: Process
    companies: list[Company] = field(default_factory=list)

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[DataSpace]:
        """Start an authority; at the end stop it and every company that runs."""
        with ExitStack() as stack:
            space = cls.begin(folder)
            stack.callback(space.close)
            yield space

    @classmethod
    def begin(cls, folder: Path) -> DataSpace:
        """Start an authority and leave it running until `close`."""
        port = free_port()
        home = folder.absolute() / "authority"
        authority = Authority(home, Did.parse(did_web(f"http://{HOST}:{port}")))
        words = ("--folder", str(home), "--host", HOST, "--port", str(port), "serve")
        argv = (sys.executable, "-m", "deploy.demo.authority", *words)
        process = Process(
            argv, home / "log.txt", home / "run.pid", mark=str(home), folder=REPOSITORY
        )
        process.start()
        wait_until(lambda: listens(port), "the authority")
        return cls(folder.absolute(), authority, process)

    def company(self, name: str, bpnl: str) -> Company:
        """Return a new company with keys and credentials, not yet configured."""
        return self._taken_in(Company(name, bpnl, self.folder / name, self.authority))

    def newcomer(self, name: str, bpnl: str) -> Company:
        """Return a new company that was admitted and has no credentials: it may ask for them."""
        folder = self.folder / name
        return self._taken_in(Company(name, bpnl, folder, self.authority, issued=False))

    def _taken_in(self, company: Company) -> Company:
        self.companies.append(company)
        return company

    def admit(self, folder: Path, did: Did, bpnl: Bpnl) -> None:
        """Make keys and credentials for a member that is no company of ours."""
        _make_secrets(folder)
        self.authority.issue_to(folder / "credentials", did, bpnl, DAYS)

    def close(self) -> None:
        """Stop every company, then the authority."""
        for company in self.companies:
            company.stop()
        self.process.stop()


def _over(usual: Mapping[str, Tables], further: Mapping[str, Tables]) -> dict[str, Tables]:
    merged = dict(usual)
    for name, told in further.items():
        known = merged.get(name, {})
        if isinstance(known, Mapping) and isinstance(told, Mapping):
            merged[name] = {**known, **told}
        else:
            merged[name] = told
    return merged


def _make_secrets(folder: Path) -> None:
    """Make what ``eslabon init`` makes: the key, the twin secret, the operator's token."""
    for name in ("data", "keys", "credentials"):
        (folder / name).mkdir(mode=0o700, parents=True)
    generate_key_file(folder / "keys" / "connector.pem")
    for name in ("keys/twin.secret", "data/operator.token"):
        file = folder / name
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(32), encoding="ascii")
