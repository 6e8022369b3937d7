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


def test_the_guard_reads_new_objects_and_documents_with_what_it_has() -> None:
    """A step is judged on the server while its writer waits; packs and odd YAML are what pygit2 and PyYAML are for."""
    assert loaded("orch_gates.hooks.state_guard, orch_gates.document_kinds") <= {"pydantic", "socket"}


def test_why_loads_no_gate_forge_or_pack_reader() -> None:
    """It is asked again and again, also by people who wait for it."""
    names = (
        "cli.task.why workspace document_kinds tasks.book state.branch.git_store engine.why engine.board report.tasks"
    )
    assert loaded(", ".join(f"orch_gates.{name}" for name in names.split())) <= {"pydantic", "socket"}


def test_the_gates_are_listed_for_nothing() -> None:
    """Help, settings and configuration are derived from the registry; reading a report is dear, naming it is not."""
    assert loaded("orch_gates.gates.registry") == set()
