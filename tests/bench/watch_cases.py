"""What a watch costs the runner, and what it asks of production (issue 16)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tests import watch_rig
from tests.bench import measure
from tests.bench.row import Row, milliseconds
from tests.bench.tools import PROGRAM

# As many samples as by default, in a window that a bench can wait for.
_SAMPLES, _EVERY_S, _DEFAULT_EVERY_S = 30, 2, 30


def watch(work: Path) -> Iterator[Row]:
    """A healthy watch of as many samples as the default one; its processor time is set against the default's window."""
    with watch_rig.production() as served:
        made = watch_rig.template(work, served.url, _SAMPLES * _EVERY_S, _EVERY_S)
        rig = watch_rig.copy(made, work / "project", served)
        rig.deploy("exit 0")
        before = served.asked
        env = {name: value for name, value in {**os.environ, **rig.env}.items() if value is not None}
        argv = [str(PROGRAM), "watch", "--task", "T-1", "--repo", str(rig.work.path)]
        spent, asked = measure.processor(argv, env), served.asked - before
        seen = len(rig.over()["samples"])
    window = _SAMPLES * _DEFAULT_EVERY_S
    share = spent / window
    what = f"a watch of {_SAMPLES} samples: processor time with that of git, as a share of {window} s"
    yield Row(what, "", milliseconds(spent), f"{share:.2%}", "under 1 %", share < 0.01)
    yield Row("its requests to production, next to its samples", str(seen), str(asked), "", "no more", asked <= seen)
