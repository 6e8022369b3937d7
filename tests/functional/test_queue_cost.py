"""What a run of the queue costs in git processes and reads of the state: counted, not timed."""

from __future__ import annotations

from pathlib import Path

from tests import merge_rig, queue_rig
from tests.functional.test_merge_cost import Counting
from tests.queue_rig import QueueRig

_MOST = 110
_MOST_READS = 34
# The forge of a bare repository keeps a merge and two comments there as well.
_MOST_STATE_PUSHES = 8 + 3


def test_a_run_that_lands_one_and_begins_the_next(tmp_path: Path) -> None:
    """What was found out for one turn is kept for the next, and each turn looks at the state as few times as it can."""
    made = merge_rig.template(tmp_path / "made", fence="none", config=queue_rig.CONFIG)
    rig = merge_rig.opened(made, tmp_path / "project", QueueRig)
    first, second, third = (rig.asked(name, {f"values/{name}": name}) for name in ("one", "two", "three"))
    assert rig.run()[1] == {first.number: "landed", second.number: "works"}
    rig.ci(rig.works(second))
    before = rig.commits()
    counting = Counting(tmp_path)
    assert rig.run(PATH=f"{counting.folder}:/usr/bin:/bin")[1] == {second.number: "landed", third.number: "works"}
    started = counting.started()
    reads = [line for line in started if "for-each-ref" in line and "refs/heads/orch-state" in line]
    assert rig.commits() - before <= _MOST_STATE_PUSHES
    assert len(reads) <= _MOST_READS, started
    assert len([line for line in started if " config --list " in line]) == 1, started
    assert len(started) <= _MOST, started
