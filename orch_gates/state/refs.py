"""The refs beside the state branch, and names that git takes for one of them; cheap, as every hook run asks."""

from __future__ import annotations

WITNESS = "refs/orch/witness"
LOST = "refs/orch/lost"
MOST_LOST = 100
SWEEP = "refs/orch/sweep"
# Bytes: the frontmatter of a document, in the longest characters.
MOST_REMEMBERED = 1024 * 1024

_OURS = "refs/orch/"
# The local forge marks its merges there; they are no part of the state.
_MERGED = "refs/orch/merged/"
# Where git looks for a short name (gitrevisions).
_LOOKED_UP = ("{}", "refs/{}", "refs/tags/{}", "refs/heads/{}", "refs/remotes/{}", "refs/remotes/{}/HEAD")


def is_state(ref: str, branch: str) -> bool:
    """Whether a ref is of the state, or could be taken for one or stand in its way (ST-4, ST-8)."""
    ours = ref.startswith(_OURS) and not ref.startswith(_MERGED)
    return ours or ref == f"refs/heads/{branch}" or shadows(ref, branch)


def shadows(ref: str, branch: str) -> bool:
    """Whether git could take a ref for the state branch, its witness or its memory, or cannot keep both of them."""
    for state in (f"refs/heads/{branch}", WITNESS, SWEEP):
        names = {state, state.removeprefix("refs/"), state.removeprefix("refs/heads/")}
        taken_for = {place.format(name) for place in _LOOKED_UP for name in names} - {state}
        if ref in taken_for or ref.startswith(f"{state}/") or state.startswith(f"{ref}/"):
            return True
    return False
