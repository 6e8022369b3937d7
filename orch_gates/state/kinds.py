"""Every kind of document on the state branch, one row each (ST-1): layout, reading, rules, schema and templates.

The local forge brings rows of its own; the program joins them in `document_kinds.py` and hands the tuple on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Generic, TypeVar

from orch_gates.engine import legality, merge_legality
from orch_gates.engine.legality import Violation
from orch_gates.model.attempt import Attempt
from orch_gates.model.document import Document
from orch_gates.model.job import Job
from orch_gates.model.lease import Lease
from orch_gates.model.markers import Markers
from orch_gates.model.proven import Proven
from orch_gates.model.queue import Queue
from orch_gates.model.report import Report
from orch_gates.model.root import Root
from orch_gates.model.sweep import Memory
from orch_gates.model.task import Task
from orch_gates.state import layout
from orch_gates.state.paths import Key, Keys, Misplaced, PathPattern

D = TypeVar("D", bound=Document)

_ARCHIVED = re.compile(rf"{layout.ARCHIVE}/(?P<year>[0-9]{{4}})/(?P<rest>.*)", re.DOTALL)
_AT = "2026-01-31T12:00:00Z"
_HEAD = "0123456789abcdef0123456789abcdef01234567"


class Body(Enum):
    """What the text below the frontmatter is: a log only grows (ST-1)."""

    LOG = auto()
    FREE = auto()


@dataclass(frozen=True, slots=True)
class Example:
    """A legal document for `state/templates/`, without its schema."""

    fields: Mapping[str, Any]
    body: str = ""
    keys: Mapping[str, Key] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DocumentKind(Generic[D]):
    """One kind of document.

    `keys` maps a key in the path to the field that has to equal it. `alone` is what a document must be
    whatever it was before, `change` what is wrong with one that was made (None before) or changed.
    No edit by hand changes a field that is `ours`, or makes a document that is `ours_alone`. Kinds with `one_number`
    share their numbers with the kind of that name. At `older` documents of before are still read.
    """

    model: type[D]
    path: PathPattern
    example: Example
    keys: Mapping[str, str] = field(default_factory=dict)
    alone: Callable[[D], tuple[Violation, ...]] = lambda _: ()
    change: Callable[[D | None, D, Root], tuple[Violation, ...]] = lambda _before, _after, _root: ()
    ours: tuple[str, ...] = ()
    ours_alone: bool = False
    body: Body = Body.FREE
    one_number: str = ""
    older: PathPattern | None = None

    @property
    def name(self) -> str:
        """What its schema calls it: `orch.<name>/<version>`."""
        return self.model.KIND

    def at(self, **keys: Key) -> str:
        """The path of the document with these keys."""
        return self.path.path(**keys)

    def expected(self, keys: Keys) -> Mapping[str, Key]:
        """The fields, with their values, that a path with these keys stands for."""
        return {name: keys[key] for key, name in self.keys.items() if key in keys}

    def match(self, path: str) -> Keys | Misplaced | None:
        """The keys in a path of this kind; see `PathPattern.match`."""
        found = self.path.match(path)
        return self.older.match(path) if found is None and self.older is not None else found


@dataclass(frozen=True, slots=True)
class FreeText:
    """Text for people, under no rule but its place."""

    path: PathPattern

    def match(self, path: str) -> Keys | Misplaced | None:
        """The keys in a path of this page; see `PathPattern.match`."""
        return self.path.match(path)


@dataclass(frozen=True, slots=True)
class Location:
    """What belongs at a path, the keys in it, and the year of the archive that it is in; 0 for the hot tree."""

    kind: DocumentKind[Any] | FreeText
    keys: Keys
    year: int = 0

    @property
    def task(self) -> str:
        """The task that it belongs to; empty for what belongs to none."""
        found = self.keys.get("task", "")
        return str(found)


@dataclass(frozen=True, slots=True)
class UnknownPath:
    """No document lives here; `why` says what is wrong with the path."""

    why: str


PAGES = (FreeText(PathPattern(layout.README)),)

ROOT = DocumentKind(
    model=Root,
    path=PathPattern(layout.ROOT),
    alone=legality.root_alone,
    example=Example(
        {
            "generation": 1,
            "created": _AT,
            "stages": ["analysis", "development", "review"],
            "rework": "development",
        },
        "\n# State branch\n\n[README](README.md) explains what is here.\n",
    ),
)
TASK = DocumentKind(
    model=Task,
    path=layout.TASK_PATH,
    keys={"task": "id"},
    alone=legality.task_alone,
    change=legality.task_change,
    ours=("effects", "sent_back"),
    body=Body.LOG,
    example=Example(
        {
            "id": "T-1",
            "title": "Greet the user",
            "stage": "development",
            "state": "active",
            "branch": "task/T-1",
            "head": "",
            "reason": "approved by alice",
            "cause": "alice",
            "created": _AT,
            "created_by": "alice",
            "since": _AT,
            "updated": _AT,
            "available_at": None,
            "developer_retries": 0,
            "defers": 0,
            "feedback": None,
        },
        f"\n# T-1\n\n- {_AT} new: Greet the user\n",
    ),
)
JOB = DocumentKind(
    model=Job,
    path=layout.JOB_PATH,
    keys={"task": "task", "attempt": "attempt"},
    alone=legality.job_alone,
    change=lambda before, after, _: legality.job_change(before, after),
    ours=("process", "run", "dispatch"),
    body=Body.LOG,
    example=Example(
        {
            "task": "T-1",
            "stage": "development",
            "role": "developer",
            "attempt": "0123456789abcdef",
            "number": 1,
            "status": "running",
            "reason": "",
            "by": "alice",
            "head": "",
            "created": _AT,
            "started": _AT,
            "ended": None,
            "exit_code": None,
            "runner": "alice on build-1",
            "process": {
                "host": "build-1 5f0c2f7e-8a41-4c5e pid:[1]",
                "pid": 4711,
                "started": "81230",
            },
            "run": None,
            "dispatch": None,
        },
        f"\n- {_AT} started\n",
    ),
)
REPORT = DocumentKind(
    model=Report,
    path=layout.REPORT_PATH,
    older=layout.OLD_REPORT_PATH,
    keys={"head": "head"},
    example=Example(
        {"gate": "tests-passed", "tests_status": "PASSED", "head": _HEAD, "reason": "214 tests", "created": _AT},
        "\n# tests-passed: PASSED\n\n214 tests\n",
        keys={"task": "T-1", "report": "12-test-report"},
    ),
)
LEASE = DocumentKind(
    model=Lease,
    path=layout.LEASE_PATH,
    keys={"branch": "target"},
    alone=merge_legality.lease_alone,
    change=lambda before, after, _: merge_legality.lease_change(before, after),
    ours=("generation", "attempt", "claim"),
    example=Example(
        {
            "target": "main",
            "generation": 3,
            "holder": "T-1",
            "granted": _AT,
            "expires": "2026-01-31T12:10:00Z",
            "reason": "granted",
            "attempt": "0123456789abcdef",
            "renewed": _AT,
        },
        f"\n- {_AT} granted to T-1\n",
    ),
)
ATTEMPT = DocumentKind(
    model=Attempt,
    path=layout.ATTEMPT_PATH,
    keys={"task": "task"},
    alone=merge_legality.attempt_alone,
    change=lambda before, after, _: merge_legality.attempt_change(before, after),
    ours=tuple(name for name in Attempt.model_fields if name != "schema_"),
    ours_alone=True,
    example=Example(
        {
            "id": "0123456789abcdef",
            "task": "T-1",
            "branch": "task/T-1",
            "target": "main",
            "generation": 3,
            "phase": "acquired",
            "closing": False,
            "outcome": None,
            "reason": "granted",
            "next_step": "",
            "head": _HEAD,
            "earlier": [],
            "base": "",
            "commit": "",
            "tree": "",
            "how": "",
            "depends": "",
            "proven": "",
            "runs": 0,
            "moved": False,
            "rounds": 1,
            "pull": 0,
            "merge": "",
            "proof": "",
            "findings": [],
            "started": _AT,
            "updated": _AT,
        },
        f"\n- {_AT} acquired\n",
    ),
)
PROVEN = DocumentKind(
    model=Proven,
    path=layout.PROVEN_PATH,
    keys={"branch": "target"},
    ours=("trees",),
    ours_alone=True,
    example=Example(
        {
            "target": "main",
            "trees": [
                {
                    "digest": "ab" * 32,
                    "tree": _HEAD,
                    "task": "T-1",
                    "tested": _AT,
                    "expires": "2026-02-07T12:00:00Z",
                }
            ],
        }
    ),
)
MARKERS = DocumentKind(
    model=Markers,
    path=layout.MARKERS_PATH,
    keys={"branch": "target"},
    example=Example(
        {
            "target": "main",
            "markers": [
                {
                    "path": "src/login.py",
                    "pattern": "def reset_password",
                    "reason": "people reset their password themselves",
                    "added": _AT,
                    "by": "ann",
                }
            ],
        }
    ),
)
QUEUE = DocumentKind(
    model=Queue,
    path=layout.QUEUE_PATH,
    keys={"branch": "target"},
    example=Example(
        {
            "target": "main",
            "freeze": {"reason": "release day", "by": "ann", "at": _AT, "until": "2026-02-01T08:00:00Z"},
        },
        f"\n- {_AT} frozen by ann until 2026-02-01T08:00:00Z: release day\n",
    ),
)
SWEEP = DocumentKind(
    model=Memory,
    path=PathPattern(layout.SWEEP),
    change=lambda _before, _after, _root: (Violation("", "is kept in refs/orch/sweep, never on this branch"),),
    example=Example(
        {
            "ticks": [{"started": _AT, "ended": "2026-01-31T12:00:04Z", "by": "a-bot", "generation": 214}],
            "cursor": "T-7",
            "counters": {
                "ticks": 1201,
                "reaped": 3,
                "reclaimed": 1,
                "unblocked": 8,
                "dispatched": 97,
                "escalated": 1,
                "lost-races": 0,
            },
            "streaks": [{"attempt": "0123456789abcdef", "ticks": 1, "last": _AT}],
            "alerts": [
                {
                    "key": "marker main src/login.py",
                    "since": _AT,
                    "line": "main has lost `def reset_password` in src/login.py",
                }
            ],
        }
    ),
)
CORE: tuple[DocumentKind[Any], ...] = (ROOT, TASK, ATTEMPT, JOB, REPORT, LEASE, PROVEN, MARKERS, QUEUE, SWEEP)


class Kinds:
    """The kinds that a program knows, found by path or by name, and the pages beside them."""

    def __init__(self, rows: Sequence[DocumentKind[Any]], pages: Sequence[FreeText] = PAGES) -> None:
        self.rows = tuple(rows)
        self._pages = tuple(pages)
        self.by_name: Mapping[str, DocumentKind[Any]] = {kind.name: kind for kind in self.rows}

    def locate(self, path: str) -> Location | UnknownPath:
        """What belongs at a path; total, for any text."""
        if (archived := _ARCHIVED.fullmatch(path)) is None:
            return self._located(path)
        inner = self._located(f"{layout.TASKS}/{archived['rest']}")
        return Location(inner.kind, inner.keys, int(archived["year"])) if isinstance(inner, Location) else inner

    def _located(self, path: str) -> Location | UnknownPath:
        beside = []
        rows: tuple[DocumentKind[Any] | FreeText, ...] = (*self.rows, *self._pages)
        for row in rows:
            match row.match(path):
                case None:
                    if row.path.top == path.partition("/")[0]:
                        beside.append(str(row.path))
                case Misplaced(why=why):
                    return UnknownPath(why)
                case keys:
                    return Location(row, keys)
        return UnknownPath("no document belongs here" + (f"; there are: {', '.join(beside)}" if beside else ""))
