"""A gate is declared once (ENG-2, GATE-1): one more in the tuple is found wherever gates are listed, and judged."""

from __future__ import annotations

from dataclasses import dataclass

from click.testing import CliRunner

from orch_gates.cli.gate import commands as gate_cli
from orch_gates.config import schema
from orch_gates.config.pipeline import known_gates
from orch_gates.config.table import SETTINGS, settings_of
from orch_gates.engine.stages import EdgeGate
from orch_gates.gates.evaluate import evaluate
from orch_gates.gates.gate import Ports, Subject
from orch_gates.gates.policy import Policy, policy_table
from orch_gates.gates.recorded import ReportContract, recorded
from orch_gates.gates.registry import GATES
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.settings import load
from orch_gates.variables.setting import setting
from scripts import gates_reference
from tests.reports import HEAD, passed

RECORD = ReportContract("tea-made", "30-tea-report.md", "tea_status", {"HOT": Outcome.PASS, "COLD": Outcome.FAIL})


@dataclass(frozen=True, slots=True)
class TeaSettings:
    """One setting, declared where a gate declares its own."""

    sugar: int = setting("ORCH_TEA_SUGAR", 2, "Lumps of sugar.", key="tea_made.sugar")


TEA = recorded(
    RECORD,
    "The tea is hot.",
    Policy("tea-made", Outcome.HOLD, "HOLD until somebody tastes it"),
    settings=(TeaSettings,),
)
WITH_TEA = (*GATES, TEA)


def test_it_has_a_command_with_its_help() -> None:
    group = gate_cli.group(WITH_TEA)
    assert "The tea is hot." in CliRunner().invoke(group, ["--help"]).output
    told = CliRunner().invoke(group, ["tea-made", "--help"]).output
    assert "The tea is hot." in told
    assert "orch/tea-made" in told


def test_it_is_in_the_policy_table() -> None:
    assert TEA.policy in policy_table(WITH_TEA)
    lines = CliRunner().invoke(gate_cli.group(WITH_TEA), ["--list"]).output.splitlines()
    assert any(line.split() == ["tea-made", "HOLD", "until", "somebody", "tastes", "it"] for line in lines)


def test_an_edge_may_have_it() -> None:
    """The configuration file may name it, and editors know that it may."""
    assert known_gates(WITH_TEA)["tea-made"] == EdgeGate("tea-made")
    assert "tea-made" in schema.schema(WITH_TEA)["$defs"]["gate"]["anyOf"][0]["enum"]


def test_it_is_in_the_reference() -> None:
    """With what it means, what it reads, and its words."""
    page = gates_reference.page(gates_reference.PAGE.read_text("utf-8"), WITH_TEA)
    assert "| `tea-made` | The tea is hot. |" in page
    assert "| `tea-made` | `30-tea-report.md` | `tea_status` | `HOT` = PASS, `COLD` = FAIL |" in page


def test_it_has_a_kill_switch_a_scope_and_settings_of_its_own() -> None:
    """GATE-3: in the table of settings that the configuration file, its schema and the pages are made from."""
    variables = {setting.variable for setting in settings_of(WITH_TEA)} - {setting.variable for setting in SETTINGS}
    assert variables == {"ORCH_TEA_MADE_ENABLED", "ORCH_TEA_MADE_REPOS", "ORCH_TEA_SUGAR"}
    assert (
        load({"ORCH_TEA_MADE_ENABLED": "off"}).scope("tea-made").excludes("") == "switched off by ORCH_TEA_MADE_ENABLED"
    )
    ports = Ports(load({"ORCH_TEA_MADE_ENABLED": "off"}), lambda _: passed(RECORD), lambda: None)
    answer = evaluate("tea-made", Subject(HEAD), ports, WITH_TEA)
    assert isinstance(answer, Verdict)
    assert answer.outcome is Outcome.SKIP


def test_an_unknown_gate_is_known_nowhere() -> None:
    """Without the entry there is nothing that could be judged."""
    answer = evaluate("tea-made", Subject(HEAD), Ports(load({}), lambda _: passed(RECORD), lambda: None))
    assert isinstance(answer, Verdict)
    assert answer.outcome is Outcome.ERROR
