"""What the connector under test does in each test of the kit, as a table.

A slash waits for the next message of the kit; what stands between two slashes is sent in
that order, each after a moment. A script of a consumer begins when the kit triggers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from connector.agreement.states import NegotiationMessage
from connector.transfer.states import TransferMessage

Steps = tuple[tuple[StrEnum, ...], ...]

PROVIDER_NEGOTIATIONS = {
    "CN_01_01": "offer",
    "CN_01_02": "offer / terminate",
    "CN_01_03": "offer / agree / finalize",
    "CN_01_04": "agree / finalize",
    "CN_02_01": "terminate",
    "CN_02_02": "",
    "CN_02_03": "agree",
    "CN_02_04": "offer",
    "CN_02_05": "offer terminate",
    "CN_02_06": "offer / terminate",
    "CN_02_07": "agree / terminate",
    "CN_03_01": "agree / finalize",
    "CN_03_02": "offer",
    "CN_03_03": "offer",
    "CN_03_04": "offer",
}
CONSUMER_NEGOTIATIONS = {
    "CN_C_01_01": "request / accept / verify",
    "CN_C_01_02": "request / request",
    "CN_C_01_03": "request / terminate",
    "CN_C_01_04": "request / verify",
    "CN_C_02_01": "request",
    "CN_C_02_02": "request terminate",
    "CN_C_02_03": "request / terminate",
    "CN_C_02_04": "request",
    "CN_C_02_05": "request / accept",
    "CN_C_02_06": "request / verify",
    "CN_C_03_01": "request",
    "CN_C_03_02": "request",
    "CN_C_03_03": "request",
    "CN_C_03_04": "request / accept",
    "CN_C_03_05": "request / accept",
    "CN_C_03_06": "request / accept",
}
PROVIDER_TRANSFERS = {
    "TP_01_01": "start terminate",
    "TP_01_02": "start complete",
    "TP_01_03": "start suspend terminate",
    "TP_01_04": "start suspend start complete",
    "TP_01_05": "terminate",
    "TP_02_01": "start",
    "TP_02_02": "start",
    "TP_02_03": "start",
    "TP_02_05": "",
    "TP_03_01": "",
    "TP_03_02": "",
    "TP_03_03": "start",
    "TP_03_04": "start",
    "TP_03_05": "start",
    "TP_03_06": "start",
}
CONSUMER_TRANSFERS = {
    "TP_C_01_01": "request",
    "TP_C_01_02": "request",
    "TP_C_01_03": "request",
    "TP_C_01_04": "request",
    "TP_C_01_05": "request",
    "TP_C_02_01": "request / terminate",
    "TP_C_02_02": "request / complete",
    "TP_C_02_03": "request / suspend terminate",
    "TP_C_02_05": "request terminate",
    "TP_C_03_01": "request",
    "TP_C_03_02": "request",
    "TP_C_03_03": "request",
    "TP_C_03_04": "request",
    "TP_C_03_05": "request",
    "TP_C_03_06": "request",
}

_NEGOTIATION_WORDS: Mapping[str, StrEnum] = {
    "request": NegotiationMessage.REQUEST,
    "offer": NegotiationMessage.OFFER,
    "accept": NegotiationMessage.ACCEPTANCE,
    "agree": NegotiationMessage.AGREEMENT,
    "verify": NegotiationMessage.VERIFICATION,
    "finalize": NegotiationMessage.FINALIZATION,
    "terminate": NegotiationMessage.TERMINATION,
}
_TRANSFER_WORDS: Mapping[str, StrEnum] = {
    "request": TransferMessage.REQUEST,
    "start": TransferMessage.START,
    "suspend": TransferMessage.SUSPENSION,
    "complete": TransferMessage.COMPLETION,
    "terminate": TransferMessage.TERMINATION,
}


def negotiation_scripts() -> dict[str, Steps]:
    """Return the messages to send in each test about negotiation."""
    texts = PROVIDER_NEGOTIATIONS | CONSUMER_NEGOTIATIONS
    return {test: _steps(text, _NEGOTIATION_WORDS) for test, text in texts.items()}


def transfer_scripts() -> dict[str, Steps]:
    """Return the messages to send in each test about transfer."""
    texts = PROVIDER_TRANSFERS | CONSUMER_TRANSFERS
    return {test: _steps(text, _TRANSFER_WORDS) for test, text in texts.items()}


def _steps(text: str, words: Mapping[str, StrEnum]) -> Steps:
    return tuple(tuple(words[word] for word in step.split()) for step in text.split("/"))
