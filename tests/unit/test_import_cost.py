"""The hook and the CLI load what they use, and nothing else."""

import subprocess
import sys

HEAVY = {"pydantic", "yaml", "requests", "pygit2", "rich", "pip_audit", "asyncio", "http", "ssl", "socket"}


def test_the_command_line_starts_light() -> None:
    """`orch-gates --version` and every hook pay for this import."""
    code = "import sys, orch_gates.cli.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert HEAVY.intersection(loaded.split()) == set()
