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
        "Start jobs automatically; with false, none is started.",
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
        "Seconds that its gate's evidence may take to arrive after a job ended well.",
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
        "Seconds between two sweeps of the schedule; a sweep that comes later is late.",
        key="sweep.every_s",
        most=MOST_SECONDS,
    )
    timeout: int = setting(
        "ORCH_SWEEP_TIMEOUT_S", 240, "Most seconds of one sweep.", key="sweep.timeout_s", most=MOST_SECONDS
    )
    most: int = setting(
        "ORCH_SWEEP_MAX_TASKS",
        100,
        "Most tasks whose gates one sweep evaluates; the next sweep goes on.",
        key="sweep.max_tasks",
    )
    reaper_enabled: bool = setting(
        "ORCH_REAPER_ENABLED",
        True,
        "Let a sweep end dead jobs and deploys (the reaper); with false, it ends none.",
        key="reaper.enabled",
    )
    dead_ticks: int = setting(
        "ORCH_REAPER_DEAD_TICKS",
        2,
        "In how many sweeps in a row a job has to be found dead before it is ended (REAP-1).",
        key="reaper.dead_ticks",
    )
    max_running: int = setting(
        "ORCH_REAPER_MAX_RUNNING_S",
        21_600,
        "Seconds after which a job that still runs is ended (REAP-1).",
        key="reaper.max_running_s",
        most=MOST_SECONDS,
    )
    reconciler_enabled: bool = setting(
        "ORCH_RECONCILER_ENABLED",
        True,
        "Let a sweep move stuck tasks (the reconciler); with false, it moves none.",
        key="reconciler.enabled",
    )
    grace: int = setting(
        "ORCH_RECONCILER_GRACE_S",
        120,
        "Seconds for which a sweep leaves a task alone after it changed (REC-1).",
        key="reconciler.grace_s",
        least=0,
        most=MOST_SECONDS,
    )


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What a dispatch hands over to the `job run` that it starts (JOB-1)."""

    task: str = setting("ORCH_TASK", "", "The task that a job works for; a dispatch sets it.")
    role: str = setting("ORCH_ROLE", "", "The role whose work a job does; a dispatch sets it.")
    attempt: str = setting(
        "ORCH_ATTEMPT", "", "The attempt that was dispatched; a dispatch sets it, and a second start does nothing."
    )
