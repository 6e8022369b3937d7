"""Writes what is generated about `.orch-gates.yaml`: the tables of its reference and its JSON Schema."""

from __future__ import annotations

from pathlib import Path

from orch_gates.config import schema
from orch_gates.config.listing import spelled
from orch_gates.config.pipeline import known_gates
from orch_gates.config.table import BY_KEY, SETTINGS
from orch_gates.engine.stages import DEFAULT
from scripts.generated import renewed, table

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "configuration.md"
SCHEMA = ROOT / "state" / "schema" / "config.json"


def page(text: str) -> str:
    """The page with every generated table renewed; the rest as it is."""
    tables = {"settings": _settings(), "machine": _machine(), "stages": _stages(), "gates": _gates()}
    return renewed(text, tables, PAGE)


def _settings() -> str:
    rows = (
        (f"`{key}`", setting.kind.value if not setting.choices else ", ".join(f"`{word}`" for word in setting.choices))
        + (f"`{spelled(setting.default)}`" if setting.default not in ("", ()) else "(none)", setting.help)
        + (f"`{setting.variable}`" + (", which adds to it" if setting.additive else ""),)
        for key, setting in BY_KEY.items()
    )
    return table(("key", "value", "default", "what it does", "variable that overrides it"), rows)


def _machine() -> str:
    rows = ((f"`{setting.variable}`", setting.help) for setting in SETTINGS if setting.key is None)
    return table(("variable", "what it does"), rows)


def _stages() -> str:
    rows = (
        (f"`{stage.name}`", stage.role, ", ".join(f"`{gate.name}`" for gate in stage.gates) or "(none)")
        + ("a person's approval" if stage.human else "its gates",)
        for stage in DEFAULT.stages
    )
    return table(("stage", "role", "gates", "left by"), rows)


def _gates() -> str:
    rows = ((f"`{gate.name}`", f"`{gate.on_fail}`", f"`{gate.on_absent}`") for gate in known_gates().values())
    return table(("gate", "on_fail", "on_absent"), rows)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
    SCHEMA.parent.mkdir(parents=True, exist_ok=True)
    SCHEMA.write_text(schema.text(), "utf-8")
