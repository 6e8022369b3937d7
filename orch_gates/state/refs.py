"""The refs beside the state branch; cheap to import, as every hook run asks for them."""

from __future__ import annotations

WITNESS = "refs/orch/witness"
LOST = "refs/orch/lost"


def is_state(ref: str, branch: str) -> bool:
    """Whether a ref is the state branch, its witness, or something that a restore has set aside (ST-4)."""
    return ref in {f"refs/heads/{branch}", WITNESS} or ref.startswith(f"{LOST}/")
