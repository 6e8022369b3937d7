"""Leases as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orch_gates.documents.escape import visible
from orch_gates.merge.ledger import LeasePage
from orch_gates.report import machine


def line(page: LeasePage) -> str:
    """One lease in one line."""
    lease, attempt = page.lease, page.attempt
    parts = [f"{lease.target}: free ({lease.reason})"]
    if lease.holder:
        phase = f", {attempt.phase}: {attempt.reason}" if attempt is not None and attempt.id == lease.attempt else ""
        parts = [f"{lease.target}: {lease.holder}, generation {lease.generation}{phase}"]
        if lease.held:
            parts.append(
                f"held until a person decides: `orch-gates task resume {lease.holder}`, "
                "or `orch-gates lease release --reason TEXT`"
            )
        else:
            parts.append(f"until {lease.expires}")
        if lease.claim is not None:
            parts.append(f"{lease.claim.runner} works on the attempt until {lease.claim.until}")
    if lease.break_glass is not None and not lease.break_glass.acknowledged:
        glass = lease.break_glass
        parts.append(
            f"break-glass override by {glass.by} for a push on {glass.tip[:10]}, until {glass.expires}: {glass.reason}"
        )
    return visible(" · ".join(parts))


def as_text(pages: Sequence[LeasePage]) -> str:
    """All of them, one a line."""
    return "".join(f"{line(page)}\n" for page in pages) or "no lease was ever granted\n"


def as_json(pages: Sequence[LeasePage]) -> str:
    """All of them, each with its attempt."""
    return machine.document("lease-show", {"leases": [_fields(page) for page in pages]})


def _fields(page: LeasePage) -> dict[str, Any]:
    recorded = {key: value for key, value in page.lease.fields().items() if key != "schema"}
    return {**recorded, "attempt_of_holder": page.attempt.fields() if page.attempt is not None else None}
