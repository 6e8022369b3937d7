"""The program: `orch-gates`, and the same as `python -m orch_gates`."""

import gc
import resource
import sys

from orch_gates.cli import boundary

_SCANNING = (["gate", "security"], ["hook", "pre-receive"], ["hook", "pre-push"], ["hook", "pre-commit"])


# What one check holds at once; what git and the process that scans may hold is theirs.
_MEMORY_BYTES = 400_000_000
# Imports leave no cycles, and with Python's default of 700 looking for some takes a tenth of a short command.
_COLLECT_EVERY = 50_000


def main() -> None:
    """Run the command; one that scans first starts the engine, whose rules take longer to load than all the rest."""
    gc.set_threshold(_COLLECT_EVERY)
    boundary.open_streams()
    # What is dumped would be content, in a file inside the repository (SEC-12).
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.argv[1:3] in _SCANNING:
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        if most == resource.RLIM_INFINITY or most > _MEMORY_BYTES:
            resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_BYTES, most))
        from orch_gates.scanners import early

        early.start()
    elif sys.argv[1:3] == ["job", "run"]:
        from orch_gates.scanners import early

        # The command may run for hours, and only what it wrote is looked at.
        early.start(early.SHORTLY_S)
    from orch_gates.cli.main import main as run

    try:
        run()
    finally:
        # Or the interpreter walks all objects once more before it ends.
        gc.freeze()


if __name__ == "__main__":
    main()
