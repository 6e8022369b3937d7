"""The hook and the CLI load what they use, and nothing else."""

import subprocess
import sys

HEAVY = {"pydantic", "yaml", "requests", "pygit2", "rich", "pip_audit", "asyncio", "http", "ssl", "socket"}


def loaded(module: str) -> set[str]:
    """The dear modules that come with a module of ours."""
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return HEAVY.intersection(done.stdout.split())


def test_the_command_line_starts_light() -> None:
    """`orch-gates --version` and every hook pay for this import."""
    assert loaded("orch_gates.cli.main") == set()


def test_the_gates_are_listed_for_nothing() -> None:
    """Help, settings and configuration are derived from the registry; reading a report is dear, naming it is not."""
    assert loaded("orch_gates.gates.registry") == set()
