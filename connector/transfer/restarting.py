"""Whether an exchange that the partner ended is worth beginning anew, judged by its words."""

from __future__ import annotations

import re
from typing import Any

from connector.agreement.model import EndedBy, Process

# What connectors say of themselves when they stumble: EDC, for one, ends a share of its
# processes by races between its own threads.
_STUMBLE = re.compile(
    r"failed to send|cannot be processed|cannot process|conflict|\b409\b|\b5\d\d\b|\blease"
    r"|time[d]?[ -]?out|\bretr(y|ies)\b|internal (server )?error|unexpected|connection refused"
    r"|unreachable|connection reset|illegal state|move_illegal",
    re.IGNORECASE,
)
_DECISION = re.compile(
    r"polic(y|ies)|constraint|permission|prohibition|credential|membership|not (allowed|accepted"
    r"|acceptable|authorized|authorised|fulfilled|eligible)|reject|declin|denied|forbidden"
    r"|unauthorized|expired|revoked|terms of",
    re.IGNORECASE,
)


def is_worth_beginning_anew(ended: Process[Any]) -> bool:
    """Return whether the partner ended it, and gave no reason or none that is a decision.

    What we have ended ourselves is never begun anew: the reason is ours, and still there.
    """
    if ended.ended_by is not EndedBy.PARTNER:
        return False
    reason = ended.reason.strip()
    return not reason or bool(_STUMBLE.search(reason) and not _DECISION.search(reason))
