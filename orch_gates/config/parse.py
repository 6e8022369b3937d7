"""The text of `.orch-gates.yaml` as values; whatever it does not understand is an error, never ignored."""

from __future__ import annotations

from orch_gates.config import environments as declared_environments
from orch_gates.config import pipeline
from orch_gates.config import roles as declared_roles
from orch_gates.config.file import PATH, Config
from orch_gates.config.problems import Problems, located, spelled
from orch_gates.config.table import BY_KEY
from orch_gates.documents import yaml_read
from orch_gates.documents.yaml_read import Path, Placed, Value
from orch_gates.errors import ConfigError, MalformedYaml
from orch_gates.variables.resolve import FileValue, accepted, mismatch
from orch_gates.variables.setting import Setting

MAX_BYTES = 256 * 1024
SECTIONS = frozenset(key.partition(".")[0] for key in BY_KEY if "." in key)
_OTHERS = {*pipeline.KEYS, pipeline.PRESET, declared_roles.KEY, declared_environments.KEY}
TOP = frozenset({key.partition(".")[0] for key in BY_KEY} | _OTHERS)


def parse(raw: bytes, *, name: str = PATH, revision: str = "") -> Config:
    """Read a configuration file called `name`, which stands in the commit `revision`; CRLF ends a line as well.

    Raises:
        ConfigError: anything in it is wrong; each problem starts with `name:line:column`.
    """
    if len(raw) > MAX_BYTES:
        raise ConfigError([f"{name}:1:1: the file has more than {MAX_BYTES} bytes"])
    # Of a checkout on Windows, or committed from one; a carriage return elsewhere stays refused.
    text = raw.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    if all(not line.strip() or line.lstrip().startswith("#") for line in text.split("\n")):
        return Config(revision, present=True)
    try:
        placed = yaml_read.parse_placed(text)
    except MalformedYaml as error:
        raise ConfigError([f"{name}:{error.line}:{error.column}: {error.problem}"]) from error
    problems = Problems(name, placed)
    at = f"@{revision[:10]}" if revision else ""
    given = _given(placed, problems, name, at)
    declared = pipeline.declared(placed, problems, name, at)
    queue = pipeline.preset(placed, problems, name, at)
    roles = declared_roles.roles(placed, problems)
    environments = declared_environments.environments(placed, problems)
    problems.refuse()
    return Config(revision, True, given, declared, queue, roles, environments)


def _given(placed: Placed, problems: Problems, name: str, at: str) -> dict[str, FileValue]:
    found: dict[str, FileValue] = {}
    for path, setting, value in _settings(placed, problems):
        taken = accepted(setting, value)
        if taken is None:
            problems.add(path, f"{spelled(value)} is {mismatch(setting)}")
        else:
            found[setting.variable] = FileValue(taken, located(name, placed.values[path]) + at)
    return found


def _settings(placed: Placed, problems: Problems) -> list[tuple[Path, Setting, Value]]:
    found: list[tuple[Path, Setting, Value]] = []
    for key, value in placed.mapping.items():
        if key in BY_KEY:
            found.append(((key,), BY_KEY[key], value))
        elif key in SECTIONS and isinstance(value, dict):
            found += _section(key, value, problems)
        elif key in SECTIONS:
            problems.add((key,), f"{spelled(value)} is not a mapping of settings")
        elif key not in TOP:
            problems.unknown_key((key,), TOP)
    return found


def _section(section: str, values: dict[str, Value], problems: Problems) -> list[tuple[Path, Setting, Value]]:
    known = {key.partition(".")[2] for key in BY_KEY if key.startswith(f"{section}.")}
    for key in values.keys() - known:
        problems.unknown_key((section, key), known)
    return [((section, key), BY_KEY[f"{section}.{key}"], values[key]) for key in values if key in known]
