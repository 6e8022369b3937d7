"""`stages` and `rework` of the configuration file as a pipeline of the engine (ENG-1, ENG-2)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from orch_gates.config.problems import Problems, located, spelled, suggestion
from orch_gates.documents.yaml_read import Path, Placed, Value
from orch_gates.gates.gate import Gate
from orch_gates.gates.registry import GATES

if TYPE_CHECKING:
    from orch_gates.engine.stages import EdgeGate, Pipeline, Stage

KEYS = ("stages", "rework")
PRESET = "pipeline"
STAGE_KEYS = ("name", "role", "human", "gates")
GATE_KEYS = ("name", "on_fail", "on_absent")
SLUG = re.compile(r"[a-z][a-z0-9-]{0,39}")
USUAL_REWORK = "development"


def preset(placed: Placed, problems: Problems, name: str, at: str) -> str:
    """Where the file turns the merge queue on; empty where it does not."""
    if PRESET not in placed.mapping:
        return ""
    from orch_gates.model.task import MERGE_QUEUE

    if (value := placed.mapping[PRESET]) != MERGE_QUEUE:
        problems.add((PRESET,), f"unknown pipeline {spelled(value)}; known is: {MERGE_QUEUE}")
    return located(name, placed.values[(PRESET,)]) + at


@dataclass(frozen=True, slots=True)
class Declared:
    """A pipeline that a file declares, with the place of each stage and of `rework`; empty for a default."""

    pipeline: Pipeline
    stages: tuple[str, ...]
    rework: str


def known_gates(gates: Iterable[Gate[Any]] = GATES) -> Mapping[str, EdgeGate]:
    """The gates that an edge may have, each with what it does when nothing else is said."""
    from orch_gates.engine.stages import DEFAULT, EdgeGate

    usual = {gate.name: gate for stage in DEFAULT.stages for gate in stage.gates}
    return {gate.name: usual.get(gate.name, EdgeGate(gate.name)) for gate in gates}


def declared(placed: Placed, problems: Problems, name: str, at: str) -> Declared | None:
    """The pipeline that the file declares; None where it declares none, or nothing usable."""
    if not any(key in placed.mapping for key in KEYS):
        return None
    # Loaded here: the engine's words bring pydantic, which a hook need not pay for without stages.
    from orch_gates.engine.stages import DEFAULT, Pipeline

    own = "stages" in placed.mapping
    stages = _stages(placed.mapping["stages"], problems) if own else DEFAULT.stages
    rework = _rework(placed.mapping, stages, problems)
    if not stages or rework is None:
        return None
    for path, gate in _leaps(stages, rework):
        why = f"gate {gate.name} sends tasks back to '{rework}', which comes later"
        problems.add(path if own else ("rework",), f"{why}; set on_fail: stay and on_absent: stay" if own else why)

    def place(path: Path) -> str:
        return located(name, placed.values[path]) + at

    return Declared(
        Pipeline(stages, rework),
        tuple(place(("stages", number)) if own else "" for number in range(len(stages))),
        place(("rework",)) if "rework" in placed.mapping else "",
    )


def _stages(value: Value, problems: Problems) -> tuple[Stage, ...]:
    """The stages that are usable; empty where the list itself is not."""
    if not isinstance(value, list) or not value:
        empty = "the list is empty; name at least one stage"
        problems.add(("stages",), empty if value == [] else f"{spelled(value)} is not a list of stages")
        return ()
    found: list[Stage] = []
    for number, item in enumerate(value):
        stage = _stage(item, ("stages", number), problems)
        if stage is not None and stage.name in {other.name for other in found}:
            problems.add(("stages", number, "name"), f"there is another stage '{stage.name}'; rename one of them")
        elif stage is not None:
            found.append(stage)
    return tuple(found) if len(found) == len(value) else ()


def _stage(item: Value, path: Path, problems: Problems) -> Stage | None:
    from orch_gates.engine.stages import Stage
    from orch_gates.model.task import DONE_STAGE

    if not isinstance(item, dict):
        problems.add(path, f"{spelled(item)} is not a mapping with name and role")
        return None
    for key in item.keys() - set(STAGE_KEYS):
        problems.unknown_key((*path, key), STAGE_KEYS)
    name, role = (_slug(item, key, path, problems) for key in ("name", "role"))
    if name == DONE_STAGE:
        problems.add((*path, "name"), f"'{DONE_STAGE}' is where a task ends, not a stage of its own")
        name = None
    human = item.get("human", False)
    if not isinstance(human, bool):
        problems.add((*path, "human"), f"{spelled(human)} is neither true nor false")
    gates = _gates(item.get("gates", []), (*path, "gates"), problems)
    if name is None or role is None or gates is None or not isinstance(human, bool):
        return None
    return Stage(name, role, gates, human)


def _slug(item: Mapping[str, Value], key: str, path: Path, problems: Problems) -> str | None:
    if key not in item:
        problems.add(path, f"a stage needs a {key}")
        return None
    value = item[key]
    if isinstance(value, str) and SLUG.fullmatch(value):
        return value
    problems.add((*path, key), f"{spelled(value)} must be 1 to 40 small letters, digits and `-`, a letter first")
    return None


def _gates(value: Value, path: Path, problems: Problems) -> tuple[EdgeGate, ...] | None:
    if not isinstance(value, list):
        problems.add(path, f"{spelled(value)} is not a list of gates")
        return None
    found: list[EdgeGate] = []
    for number, item in enumerate(value):
        gate = _gate(item, (*path, number), problems)
        if gate is not None and gate.name in {other.name for other in found}:
            problems.add((*path, number), f"gate '{gate.name}' is on this edge already")
        elif gate is not None:
            found.append(gate)
    return tuple(found) if len(found) == len(value) else None


def _gate(item: Value, path: Path, problems: Problems) -> EdgeGate | None:
    """A gate by its name alone, or as a mapping that changes what it does to a task."""
    from orch_gates.engine.stages import OnRed

    known = known_gates()
    options = item if isinstance(item, dict) else {"name": item}
    at_name = (*path, "name") if isinstance(item, dict) else path
    for key in options.keys() - set(GATE_KEYS):
        problems.unknown_key((*path, key), GATE_KEYS)
    name = options.get("name")
    if not isinstance(name, str) or name not in known:
        if "name" not in options:
            problems.add(path, "a gate needs a name")
        elif isinstance(name, str):
            problems.add(at_name, f"unknown gate {suggestion(name, known)}")
        else:
            problems.add(at_name, f"{spelled(name)} is not the name of a gate")
        return None
    reactions = {key: options[key] for key in ("on_fail", "on_absent") if key in options}
    choices = [reaction.value for reaction in OnRed]
    wrong = {key: value for key, value in reactions.items() if value not in choices}
    for key, value in wrong.items():
        problems.add((*path, key), f"{spelled(value)} is not one of: {', '.join(choices)}")
    if wrong:
        return None
    return replace(known[name], **{key: OnRed(str(value)) for key, value in reactions.items()})


def _rework(mapping: Mapping[str, Value], stages: tuple[Stage, ...], problems: Problems) -> str | None:
    names = [stage.name for stage in stages]
    rework = mapping.get("rework", USUAL_REWORK)
    if not names or (isinstance(rework, str) and rework in names):
        return str(rework)
    if "rework" not in mapping:
        problems.add(("stages",), f"no stage is named '{USUAL_REWORK}', so `rework` must name the one to go back to")
    elif isinstance(rework, str):
        problems.add(("rework",), f"unknown stage {suggestion(rework, names)}")
    else:
        problems.add(("rework",), f"{spelled(rework)} is not the name of a stage")
    return None


def _leaps(stages: tuple[Stage, ...], rework: str) -> Iterator[tuple[Path, EdgeGate]]:
    """Gates before the rework stage that would send a task forward past the gates in between."""
    from orch_gates.engine.stages import OnRed

    before = itertools.takewhile(lambda stage: stage.name != rework, stages)
    for at, stage in enumerate(before):
        for number, gate in enumerate(stage.gates):
            if OnRed.ROLLBACK in {gate.on_fail, gate.on_absent}:
                yield ("stages", at, "gates", number), gate
