"""A process that asks the local forge for one thing, so that several can race and one can be killed.

It opens a pull request of a branch (`open BRANCH`), or merges one (`merge NUMBER HEAD`), and prints the answer.
"""

from __future__ import annotations

import os
from pathlib import Path

from orch_gates import settings
from orch_gates.forge.local.connect import connect
from orch_gates.forge.port.pulls import BaseMoved, Draft, MergeOutcome, MergeRequest
from tests import workers
from tests.stores import open_store
from tests.zygote import Child


def asker(directory: Path, who: str, *asked: str | int) -> Child:
    """Start one."""
    return workers.start("forge_asker", directory, {}, who, *asked)


def main(directory: str, who: str, what: str, *asked: str) -> None:
    """Ask, and say what came of it; a merge is asked for again while the target moves."""
    # A hook of the repository can tell who pushes, and kill it.
    loaded = settings.load({**os.environ, "ASKER": str(os.getpid())})
    store = open_store(loaded, Path(directory))
    pulls = connect(Path(directory), store, who, loaded.inherited_env, 60).pulls
    if what == "open":
        print(pulls.open(Draft(asked[0], "main", f"Land {asked[0]}")).number)
        return
    number, head = int(asked[0]), asked[1]

    def merge() -> MergeOutcome:
        return pulls.merge(number, MergeRequest(head, pulls.get(number).base or head, "main", f"Land it (#{number})"))

    outcome = merge()
    while isinstance(outcome, BaseMoved):
        outcome = merge()
    print(type(outcome).__name__)
