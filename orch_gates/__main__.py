"""The program: `orch-gates`, and the same as `python -m orch_gates`."""

import sys

from orch_gates.cli import boundary

_SCANNING = (["gate", "security"], ["hook", "pre-receive"], ["hook", "pre-push"], ["hook", "pre-commit"])


def main() -> None:
    """Run the command; one that scans first starts the engine, whose rules take longer to load than all the rest."""
    boundary.open_streams()
    if sys.argv[1:3] in _SCANNING:
        from orch_gates.scanners import early

        early.start()
    from orch_gates.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
