"""The tables of eslabon.toml as frozen values: their keys, types, limits and defaults.

The JSON Schema for editors and the reference page are generated from here, so a description
is written for the operator. Paths are relative to the configuration file until it is loaded.
Every required key bears an example: `connector.settings.shape` needs one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from connector.identifiers import Bpnl, Did, SemanticId
from connector.offer.vocabulary import GOVERNANCE
from connector.record.model import ROWS_MAX
from connector.settings.limits import LedgerSection, LimitsSection, Seconds
from connector.settings.terms import Access, Obligation, Permission, Prohibition

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"
INDUSTRY_CORE = "cx.core.industrycore:1"
REGISTRY_PURPOSE = "cx.core.digitalTwinRegistry:1"

Name = Annotated[str, Meta(pattern=NAME_PATTERN, examples=["puebla"])]
Port = Annotated[int, Meta(ge=1, le=65535, examples=[8181])]
DirectoryUrl = Annotated[
    str,
    Meta(
        pattern=r"^https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?(/[A-Za-z0-9._\-]+)*/?$",
        examples=["https://bdrs.example.com/api/directory"],
    ),
]
Url = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s/]+(/\S*)?$",
        examples=["https://edc.example.com/api/dsp/.well-known/dspace-version"],
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorSection:
    """Who this connector is, and where it keeps what it knows."""

    name: Annotated[Name, Meta(description="short name of this connector, for logs and pages")]
    bpnl: Annotated[
        Bpnl,
        Meta(
            description="business partner number of the legal entity that runs it",
        ),
    ]
    data: Annotated[Path, Meta(description="folder of the store")] = field(
        default_factory=lambda: Path("data")
    )
    language: Annotated[
        Literal["en", "es"] | None,
        Meta(description="language of its messages; else that of the environment"),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicSection:
    """The side that partners see."""

    url: Annotated[
        str,
        Meta(
            description="address under which partners reach this side, without a slash at the end",
            pattern=r"^https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?(/[A-Za-z0-9._\-]+)*$",
            examples=["https://connector.example.com"],
        ),
    ]
    bind: Annotated[str, Meta(description="address to listen on")] = "0.0.0.0"  # noqa: S104 - it is for partners
    port: Annotated[Port, Meta(description="port to listen on")] = 8181
    tls_certificate: Annotated[
        Path | None, Meta(description="certificate chain, PEM; with `tls_key`")
    ] = None
    tls_key: Annotated[Path | None, Meta(description="its private key, PEM")] = None
    trusted_proxy: Annotated[
        str | None, Meta(description="address of the proxy that ends TLS in front of this side")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSection:
    """The side for those who run it; always on 127.0.0.1."""

    port: Annotated[Port, Meta(description="port to listen on")] = 8182
    token_file: Annotated[Path, Meta(description="file with the token that opens this side")] = (
        field(default_factory=lambda: Path("data/operator.token"))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentitySection:
    """How it proves who it is, and whose proofs it believes."""

    key_file: Annotated[
        Path | None,
        Meta(
            description="private key that signs, in PEM: EC P-256, secp256k1 or Ed25519; "
            "or else `key_env`",
            examples=["keys/connector.pem"],
        ),
    ] = None
    key_env: Annotated[
        str | None,
        Meta(
            description="name of the environment variable with that key, instead of a file",
            examples=["ESLABON_KEY"],
        ),
    ] = None
    further_key_files: Annotated[
        tuple[Path, ...],
        Meta(
            description="keys that its DID document shows and that do not sign: "
            "the next one, and for a day the former one",
            examples=[["keys/next.pem"]],
        ),
    ] = ()
    credentials: Annotated[
        Path,
        Meta(
            description="folder with its own credentials, one signed token per .jwt file",
            examples=["credentials"],
        ),
    ]
    did: Annotated[
        Did | None,
        Meta(description="its DID; else did:web of `public.url`"),
    ] = None
    trusted_issuers: Annotated[
        tuple[Did, ...],
        Meta(description="DIDs of the authorities whose credentials are believed"),
    ] = ()
    presentation_reuse_seconds: Annotated[
        int, Meta(description="how long a partner's checked proof is believed", ge=0, le=60)
    ] = 60
    holder_pids: Annotated[
        tuple[str, ...],
        Meta(
            description="numbers under which trusted issuers may deliver credentials unasked; "
            "what `eslabon credentials request` asks for needs none",
            examples=[["plant-2026"]],
        ),
    ] = ()
    sts_client_id: Annotated[
        str | None,
        Meta(
            description="name of the one program that may get tokens in its name at `/dcp/token`",
            examples=["edc"],
        ),
    ] = None
    sts_secret_file: Annotated[
        Path | None,
        Meta(
            description="file with that program's secret, 16 characters or more",
            examples=["keys/sts.secret"],
        ),
    ] = None
    services: Annotated[
        Mapping[str, Url],
        Meta(
            description="services that its DID document names besides its own, by type; as "
            "`DataService` the version document of another connector, whose wallet this is",
            max_length=20,
        ),
    ] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinSection:
    """How ids of twins are made."""

    secret_file: Annotated[
        Path,
        Meta(
            description="secret of this installation; ids are derived from it: keep it for ever",
            examples=["keys/twin.secret"],
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class DevelopmentSection:
    """Switches for trying things out; each is warned about at every start."""

    allow_http: Annotated[bool, Meta(description="speak plain http with partners")] = False
    allow_private_networks: Annotated[
        bool, Meta(description="call addresses of private networks and of this machine")
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsSection:
    """Aspect models beyond those that come with the program."""

    folders: Annotated[
        tuple[Path, ...],
        Meta(
            description="folders with further models, SAMM in Turtle; "
            "where none is named, `models` beside this file"
        ),
    ] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSection:
    """One kind of record from one source."""

    name: Annotated[Name, Meta(description="its name in logs, pages and commands")]
    adapter: Annotated[
        str, Meta(description="kind of source", examples=["delimited_file"], min_length=1)
    ]
    mapping: Annotated[
        Path,
        Meta(
            description="file that says how a record becomes an aspect",
            examples=["mappings/parts.yaml"],
        ),
    ]
    profile: Annotated[
        Literal["official", "strict"],
        Meta(
            description="how payloads are judged: as the published schemas do, or as the models "
            "mean, also where those schemas are silent"
        ),
    ] = "official"
    rows_max: Annotated[int, Meta(description="rows of the largest file taken", ge=1)] = ROWS_MAX
    poll_seconds: Annotated[Seconds, Meta(description="how often to look for more")] = 5.0
    source: Annotated[
        Mapping[str, object],
        Meta(description="where it comes from: the adapter's own fields"),
    ] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerSection:
    """One company that we know."""

    name: Annotated[Name, Meta(description="what we call it here")]
    bpnl: Annotated[Bpnl, Meta(description="its business partner number")]
    did: Annotated[
        Did | None,
        Meta(description="DID of its connector; without one `discovery.bdrs_url` tells it"),
    ] = None
    groups: Annotated[
        tuple[Name, ...],
        Meta(
            description="groups that it is in, for policies and offers to name",
            examples=[["gold"]],
        ),
    ] = ()
    hosts: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[A-Za-z0-9.\-]+$")], ...],
        Meta(
            description="hosts, without port, at which its data may lie "
            "beyond those of its DID document",
            examples=[["data.supplier.example"]],
        ),
    ] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoverySection:
    """Where partners are looked up that `[[partner]]` names by their BPNL alone."""

    bdrs_url: Annotated[
        DirectoryUrl | None,
        Meta(description="directory of the data space (BDRS), the address before /bpn-directory"),
    ] = None
    bdrs_kept_seconds: Annotated[
        Seconds, Meta(description="how old its listing may become before it is read anew")
    ] = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySection:
    """Terms under which data is offered."""

    framework_agreement: Annotated[
        str, Meta(description="agreement that a partner must have signed, with its version")
    ] = GOVERNANCE
    purposes: Annotated[
        tuple[str, ...],
        Meta(
            description="purposes of the Catena-X profile that a partner may use data for",
            examples=[[INDUSTRY_CORE]],
        ),
    ] = (INDUSTRY_CORE,)
    individual_purposes: Annotated[
        tuple[str, ...],
        Meta(description="purposes that you and the partner agreed yourselves"),
    ] = ()
    membership: Annotated[
        bool,
        Meta(
            description="say in the contract that membership in the data space is asked for; "
            "it is asked for in any case"
        ),
    ] = True
    until: Annotated[
        date | None,
        Meta(description="last day (UTC) on which data is given out, and may be used"),
    ] = None
    permission: Annotated[
        Permission, Meta(description="further constraints under which use is permitted")
    ] = field(default_factory=Permission)
    prohibition: Annotated[Prohibition, Meta(description="what a partner may not do")] = field(
        default_factory=Prohibition
    )
    obligation: Annotated[
        Obligation, Meta(description="what you owe: until when data is provided")
    ] = field(default_factory=Obligation)
    access: Annotated[
        Access,
        Meta(
            description="who of the partners that an offer names may see it at all; "
            "never sent to anybody"
        ),
    ] = field(default_factory=Access)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferSection:
    """What is offered to whom; where several fit, the first one counts."""

    name: Annotated[Name, Meta(description="its name")]
    partners: Annotated[
        tuple[str, ...],
        Meta(description="names of the partners who see it", examples=[["oem"]]),
    ] = ()
    partner_groups: Annotated[
        tuple[str, ...],
        Meta(description="groups of partners who see it", examples=[["gold"]]),
    ] = ()
    policy: Annotated[str, Meta(description="name of the policy", examples=["industry-core"])]
    aspects: Annotated[
        tuple[SemanticId, ...], Meta(description="URNs of the models offered; empty: all")
    ] = ()
    parts: Annotated[
        tuple[str, ...],
        Meta(description="patterns of manufacturerPartId with * and ?; empty: all"),
    ] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumeSection:
    """Which terms of others are accepted without asking."""

    purposes: Annotated[
        tuple[str, ...],
        Meta(
            description="purposes for which we use data, those of the profile and those that "
            "we agreed with a partner; an offer has to allow one of them"
        ),
    ] = (INDUSTRY_CORE, REGISTRY_PURPOSE)
    framework_agreements: Annotated[
        tuple[str, ...], Meta(description="framework agreements that we have signed")
    ] = (GOVERNANCE,)
    operands: Annotated[
        tuple[str, ...],
        Meta(description="further left operands whose duties we meet, whatever their value"),
    ] = ()
    values: Annotated[
        Mapping[str, tuple[str, ...]],
        Meta(description="left operands of which only these values are accepted"),
    ] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationFile:
    """Everything that eslabon.toml may say."""

    connector: ConnectorSection
    public: PublicSection
    operator: OperatorSection = field(default_factory=OperatorSection)
    identity: IdentitySection
    twin: TwinSection
    development: DevelopmentSection = field(default_factory=DevelopmentSection)
    models: ModelsSection = field(default_factory=ModelsSection)
    feed: tuple[FeedSection, ...] = ()
    partner: tuple[PartnerSection, ...] = ()
    discovery: DiscoverySection = field(default_factory=DiscoverySection)
    policy: Mapping[str, PolicySection] = field(default_factory=dict)
    offer: tuple[OfferSection, ...] = ()
    consume: ConsumeSection = field(default_factory=ConsumeSection)
    limits: LimitsSection = field(default_factory=LimitsSection)
    ledger: LedgerSection = field(default_factory=LedgerSection)
