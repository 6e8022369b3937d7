"""The settings of what moves by itself: jobs and the sweep; declared as in `groups.py`."""

from __future__ import annotations

from dataclasses import dataclass

from orch_gates.variables.setting import MOST_SECONDS, setting


@dataclass(frozen=True, slots=True)
class JobSettings:
    """How much work runs at once, and how often it is tried (JOB-1)."""

    dispatch_enabled: bool = setting(
        "ORCH_DISPATCH_ENABLED",
        True,
        "Kill switch of dispatching: off, no job is started.",
        key="jobs.dispatch_enabled",
    )
    max_concurrency: int = setting(
        "ORCH_JOBS_MAX_CONCURRENCY", 4, "Most jobs of the repository at once.", key="jobs.max_concurrency"
    )
    max_attempts: int = setting(
        "ORCH_JOBS_MAX_ATTEMPTS",
        3,
        "How often the work of a stage may die or leave its gate red before a person is asked.",
        key="jobs.max_attempts",
    )
    evidence: int = setting(
        "ORCH_JOBS_EVIDENCE_S",
        1800,
        "Seconds after a job that ended well in which its gate's evidence has to be there.",
        key="jobs.evidence_s",
        least=0,
        most=MOST_SECONDS,
    )


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """The scheduled tick: what it reaps, reconciles and measures (SWP-1)."""

    every: int = setting(
        "ORCH_SWEEP_EVERY_S",
        600,
        "How often the schedule runs a sweep, in seconds; later ones are late.",
        key="sweep.every_s",
        most=MOST_SECONDS,
    )
    timeout: int = setting(
        "ORCH_SWEEP_TIMEOUT_S", 240, "Most seconds of one tick.", key="sweep.timeout_s", most=MOST_SECONDS
    )
    most: int = setting(
        "ORCH_SWEEP_MAX_TASKS",
        100,
        "Most tasks whose gates one tick asks; the next tick goes on.",
        key="sweep.max_tasks",
    )
    reaper_enabled: bool = setting(
        "ORCH_REAPER_ENABLED",
        True,
        "Kill switch of the reaper: off, no job or deploy is ended by a sweep.",
        key="reaper.enabled",
    )
    dead_ticks: int = setting(
        "ORCH_REAPER_DEAD_TICKS",
        2,
        "In how many ticks in a row a job has to be seen dead before it is ended (REAP-1).",
        key="reaper.dead_ticks",
    )
    max_running: int = setting(
        "ORCH_REAPER_MAX_RUNNING_S",
        21_600,
        "Seconds after which a job is ended that still runs (REAP-1).",
        key="reaper.max_running_s",
        most=MOST_SECONDS,
    )
    reconciler_enabled: bool = setting(
        "ORCH_RECONCILER_ENABLED",
        True,
        "Kill switch of the reconciler: off, no stuck task is moved by a sweep.",
        key="reconciler.enabled",
    )
    grace: int = setting(
        "ORCH_RECONCILER_GRACE_S",
        120,
        "Seconds for which a task is left alone after it changed, before a sweep asks its gates (REC-1).",
        key="reconciler.grace_s",
        least=0,
        most=MOST_SECONDS,
    )


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What a dispatch hands over to the `job run` that it starts (JOB-1)."""

    task: str = setting("ORCH_TASK", "", "The task that a job works for, as a dispatch hands it over.")
    role: str = setting("ORCH_ROLE", "", "The role whose work it does, as a dispatch hands it over.")
    attempt: str = setting("ORCH_ATTEMPT", "", "The attempt that was dispatched; another one of it runs nothing.")
