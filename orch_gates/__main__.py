"""`python -m orch_gates` is the same program as `orch-gates`."""

from orch_gates.cli.main import main

if __name__ == "__main__":
    main()
