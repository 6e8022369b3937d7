"""What is configured about an environment: how long a deploy may take, how it is watched, how it is rolled back."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from orch_gates.engine.watch_assessment import WatchRules


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """A target that is probed, and what it has to answer; `anywhere`: a redirect to another host is followed."""

    url: str
    statuses: tuple[int, ...] = ()
    body: str = ""
    latency: float = 0.0
    timeout: float = 10.0
    anywhere: bool = False


class SourceKind(StrEnum):
    """What counts production's requests."""

    ACCESS_LOG = "access-log"
    METRICS = "metrics"
    PROMETHEUS = "prometheus"


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """A source of counts: a log has a path, the others a url, and what they count as requests and as errors."""

    name: str
    kind: SourceKind
    place: str
    total: str = ""
    errors: str = ""


@dataclass(frozen=True, slots=True)
class WatchPlan:
    """How a deploy is watched."""

    rules: WatchRules = field(default_factory=WatchRules)
    probes: tuple[ProbePlan, ...] = ()
    control: str = ""
    sources: tuple[SourcePlan, ...] = ()


@dataclass(frozen=True, slots=True)
class EnvironmentPlan:
    """One environment; without a `watch` no deploy to it is watched, without `rollback` none is rolled back.

    `deploy_timeout` is in seconds, 0 where nothing is said about it. `url` is where its users go, empty where nobody
    says.
    """

    name: str
    deploy_timeout: int = 0
    rollback: str = ""
    watch: WatchPlan | None = None
    url: str = ""
