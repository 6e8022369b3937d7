"""How `orch-gates config show` tells of environments: by the keys of the file, with every default in its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from orch_gates.documents.escape import visible
from orch_gates.engine.watch_plan import EnvironmentPlan, ProbePlan, SourcePlan, WatchPlan

HEADING = ("ENVIRONMENT", "KEY", "VALUE")


def fields(plan: EnvironmentPlan) -> dict[str, object]:
    """One environment, for programs; None for what is not there."""
    return {
        "name": plan.name,
        "url": plan.url or None,
        "deploy_timeout_s": plan.deploy_timeout or None,
        "rollback": plan.rollback or None,
        "watch": _watch(plan.watch) if plan.watch is not None else None,
    }


def rows(plans: Iterable[EnvironmentPlan]) -> Iterator[tuple[str, str, str]]:
    """A row for each key of each environment, for people."""
    for plan in plans:
        for key, value in _flat(fields(plan), ""):
            if key != "name":
                yield plan.name, key, value


def _watch(watch: WatchPlan) -> dict[str, object]:
    rules = watch.rules
    return {
        "window_s": rules.window,
        "every_s": rules.every,
        "failures": rules.failures,
        "min_requests": rules.min_requests,
        "max_ratio": float(rules.max_ratio),
        "warmup_s": rules.warmup,
        "control": watch.control or None,
        "probes": [_probe(one) for one in watch.probes],
        "sources": [_source(one) for one in watch.sources],
    }


def _probe(probe: ProbePlan) -> dict[str, object]:
    return {
        "url": probe.url,
        "status": list(probe.statuses) or None,
        "body": probe.body or None,
        "latency_s": probe.latency or None,
        "timeout_s": probe.timeout,
        "follow": probe.anywhere,
    }


def _source(source: SourcePlan) -> dict[str, object]:
    where = "path" if source.place.startswith("/") else "url"
    asked = {"total": source.total, "errors": source.errors} if source.total else {}
    return {"kind": source.kind.value, "name": source.name, where: source.place, **asked}


def _flat(value: object, key: str) -> Iterator[tuple[str, str]]:
    match value:
        case Mapping():
            for name, item in value.items():
                yield from _flat(item, f"{key}.{name}" if key else str(name))
        case [Mapping(), *_] as items:
            for number, item in enumerate(items):
                yield from _flat(item, f"{key}[{number}]")
        case None | []:
            yield key, "-"
        case list():
            yield key, ", ".join(str(item) for item in value)
        case bool():
            yield key, str(value).lower()
        case _:
            yield key, visible(str(value))
