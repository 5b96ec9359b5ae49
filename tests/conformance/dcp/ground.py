"""What both sides of the kit's tests agree on: addresses, names, secrets, settings."""

from __future__ import annotations

from pathlib import Path

from connector.identifiers import Did, did_web
from connector.protocols.dcp.key_file import generate_key_file
from deploy.demo.configuration import Tables, toml_of

HOST = "127.0.0.1"
TRIGGER = "/trigger"
HOLDER_PID = "agreed-with-the-issuer"
CLIENT = "kit"
SECRET = "0123456789abcdef0123456789abcdef"
MEMBERSHIP = "MembershipCredential"
SENSITIVE = "SensitiveDataCredential"


def kit_did(kit_port: int, role: str) -> Did:
    """Return the DID under which the kit plays a role, such as ``issuer``."""
    return did_web(f"http://{HOST}:{kit_port}/{role}")


def write_settings(folder: Path, ports: tuple[int, int], kit_port: int) -> Path:
    """Write the configuration of the connector under test; ``ports`` are public and operator's."""
    public, operator = ports
    for name in ("operator.token", "twin.secret", "sts.secret"):
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(SECRET, encoding="ascii")
    generate_key_file(folder / "key.pem")
    (folder / "credentials").mkdir()
    document: dict[str, Tables] = {
        "connector": {"name": "under-test", "bpnl": "BPNL00000000PUE1", "data": "data"},
        "public": {"url": f"http://{HOST}:{public}", "bind": HOST, "port": public},
        "operator": {"port": operator, "token_file": "operator.token"},
        "identity": {
            "key_file": "key.pem",
            "credentials": "credentials",
            "trusted_issuers": [kit_did(kit_port, "issuer")],
            "presentation_reuse_seconds": 0,
            "holder_pids": [HOLDER_PID],
            "sts_client_id": CLIENT,
            "sts_secret_file": "sts.secret",
        },
        "twin": {"secret_file": "twin.secret"},
        "development": {"allow_http": True, "allow_private_networks": True},
    }
    file = folder / "eslabon.toml"
    file.write_text(toml_of(document), encoding="utf-8")
    return file
