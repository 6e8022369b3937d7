"""Every setting and the pipeline, each with its value and where that came from (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from orch_gates.config.file import Config, effective
from orch_gates.config.table import SETTINGS
from orch_gates.engine.stages import Pipeline
from orch_gates.settings import Settings
from orch_gates.variables.resolve import Resolved, ValueOrigin
from orch_gates.variables.setting import Setting, Value

DEFAULT = Resolved("", ValueOrigin.DEFAULT)
# Who uses ssh is `git` everywhere; any other user may be a token.
_CREDENTIAL = re.compile(r"(?<=//)(?!git@[^@]*\Z).*@", re.S)


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A setting with its value, of which nothing secret is left, and its origin."""

    setting: Setting
    value: Value
    origin: Resolved


@dataclass(frozen=True, slots=True)
class Listing:
    """All that counts, with the origin of the stages by name, of `rework`, and of the merge queue where it is on."""

    rows: tuple[SettingRow, ...]
    pipeline: Pipeline
    stages: Mapping[str, Resolved]
    rework: Resolved
    queue: Resolved | None


def listing(settings: Settings, config: Config) -> Listing:
    """What counts for a repository with this configuration.

    Raises:
        SettingsError: a variable that nothing has read yet holds an unusable value.
    """
    pipeline = effective(config, settings)
    declared = config.declared
    return Listing(
        tuple(_row(setting, settings) for setting in SETTINGS),
        pipeline,
        {
            stage.name: _origin(declared.stages[number] if declared else "")
            for number, stage in enumerate(pipeline.stages)
        },
        _origin(declared.rework if declared else ""),
        _origin(config.queue) if config.queue else None,
    )


def _row(setting: Setting, settings: Settings) -> SettingRow:
    found = settings.resolved(setting)
    return SettingRow(setting, _shown(setting, found.value, settings), found)


def _shown(setting: Setting, value: Value, settings: Settings) -> Value:
    """A value without what is secret, also where it stands in the wrong place."""
    if value == setting.default:
        return value
    if setting.secret:
        return "(set)"
    # Somebody may have given the token itself.
    if setting.variable == "ORCH_FORGE_TOKEN_ENV" and not settings.forge.token:
        return "(names no variable that is set)"
    return _CREDENTIAL.sub("(not shown)@", value) if isinstance(value, str) else value


def _origin(place: str) -> Resolved:
    return Resolved("", ValueOrigin.FILE, place) if place else DEFAULT


def spelled(value: Value) -> str:
    """A value as a person writes it into a variable."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else str(value)


def origin_text(origin: Resolved) -> str:
    """An origin in words."""
    match origin.source:
        case ValueOrigin.ENVIRONMENT:
            return f"environment variable {origin.place}"
        case ValueOrigin.FILE:
            return origin.place
        case ValueOrigin.DEFAULT:
            return "default"
        case _:
            assert_never(origin.source)
