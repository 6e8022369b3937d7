"""`environments` of the configuration file: how deploys are made, watched and rolled back there (WCH-1..3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from orch_gates.config.pipeline import SLUG
from orch_gates.config.problems import Problems, spelled
from orch_gates.documents.yaml_read import Path, Placed, Value

if TYPE_CHECKING:
    from orch_gates.engine.watch_plan import EnvironmentPlan, ProbePlan, SourcePlan, WatchPlan

KEY = "environments"
ENVIRONMENT_KEYS = ("url", "deploy_timeout_s", "rollback", "watch")
PROBE_KEYS = ("url", "status", "body", "latency_s", "timeout_s", "follow")
SOURCE_KEYS = {
    "access-log": ("kind", "name", "path"),
    "metrics": ("kind", "name", "url", "total", "errors"),
    "prometheus": ("kind", "name", "url", "total", "errors"),
}
DECIMAL = re.compile(r"(?!0*(\.0*)?$)[0-9]{1,5}(\.[0-9]{1,6})?")
RATIO = re.compile(r"0(\.[0-9]{1,6})?|1(\.0{1,6})?")
URL = re.compile(r"https?://[!-~]+")
MOST_PROBES, MOST_SOURCES, MOST_SAMPLES = 10, 5, 400
# What a watch records has to fit into one document, each probe with its name and the reason of its failure.
_ROOM, _SAMPLE_TAKES, _READING_TAKES = 180_000, 90, 150


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within bounds."""

    least: int
    most: int
    default: int = 0


WATCH_NUMBERS = {
    "window_s": Whole(1, 86_400, 900),
    "every_s": Whole(1, 3600, 30),
    "failures": Whole(1, 100, 3),
    "min_requests": Whole(1, 1_000_000, 100),
    "warmup_s": Whole(0, 3600, 0),
}
WATCH_KEYS = (*WATCH_NUMBERS, "max_ratio", "probes", "control", "sources")
TIMEOUT = Whole(1, 86_400)
STATUS = Whole(100, 599)
DEFAULT_RATIO = "0.05"


def environments(placed: Placed, problems: Problems) -> Mapping[str, EnvironmentPlan]:
    """The environments that the file describes."""
    if KEY not in placed.mapping:
        return {}
    value = placed.mapping[KEY]
    if not isinstance(value, dict):
        problems.add((KEY,), f"{spelled(value)} is not a mapping of environments")
        return {}
    found = {name: _Reading(problems).environment(name, item, (KEY, name)) for name, item in value.items()}
    return {name: one for name, one in found.items() if one is not None}


@dataclass(frozen=True, slots=True)
class _Reading:
    problems: Problems

    def environment(self, name: str, item: Value, path: Path) -> EnvironmentPlan | None:
        from orch_gates.engine.watch_plan import EnvironmentPlan

        if not SLUG.fullmatch(name):
            self.problems.add(path, f"{spelled(name)} must be 1 to 40 small letters, digits and `-`, a letter first")
            return None
        fields = self._mapping(item, path, ENVIRONMENT_KEYS)
        watch = self._watch(fields["watch"], (*path, "watch")) if "watch" in fields else None
        return EnvironmentPlan(
            name,
            self._whole(fields, "deploy_timeout_s", TIMEOUT, path),
            self._text(fields, "rollback", path, _is_command, "a command for sh, as text"),
            watch,
            self._text(fields, "url", path, _is_url, _URL_SPELLED),
        )

    def _watch(self, item: Value, path: Path) -> WatchPlan:
        from orch_gates.engine.watch_assessment import WatchRules
        from orch_gates.engine.watch_plan import WatchPlan

        fields = self._mapping(item, path, WATCH_KEYS)
        numbers = {key: self._whole(fields, key, bounds, path) for key, bounds in WATCH_NUMBERS.items()}
        ratio = self._decimal(fields, "max_ratio", path, RATIO, "a share from 0 to 1, like 0.05") or DEFAULT_RATIO
        probes = self._list(fields, "probes", path, MOST_PROBES, self._probe)
        sources = self._list(fields, "sources", path, MOST_SOURCES, self._source)
        rules = WatchRules(
            window=numbers["window_s"],
            every=numbers["every_s"],
            failures=numbers["failures"],
            min_requests=numbers["min_requests"],
            max_ratio=Fraction(ratio),
            warmup=numbers["warmup_s"],
        )
        if isinstance(item, dict):
            self._check(rules.due, rules.warmup < rules.window, probes, sources, path)
        control = self._text(fields, "control", path, _is_url, _URL_SPELLED)
        return WatchPlan(rules, tuple(probes), control, tuple(sources))

    def _check(self, due: int, ends: bool, probes: list[ProbePlan], sources: list[SourcePlan], path: Path) -> None:
        """What no key for itself can tell."""
        from orch_gates.engine.watch_assessment import OWN

        if not probes and not sources:
            self.problems.add(path, "watches nothing; name at least one of: probes, sources")
        if not ends:
            what = "nothing is watched, as the warm-up is as long as the window; shorten it"
            self.problems.add((*path, "warmup_s"), what)
        names = [one.url.partition("?")[0] for one in probes] + [one.name for one in sources]
        if len(set(names)) < len(names):
            self.problems.add(path, "two probes or sources have the same name, or the same URL (without its query)")
        if OWN in {one.name for one in sources}:
            why = f"the name {OWN} is reserved for the counts of the probes; use another one"
            self.problems.add((*path, "sources"), why)
        takes = due * (_SAMPLE_TAKES + sum(len(name) + _READING_TAKES for name in names))
        if due > MOST_SAMPLES or takes > _ROOM:
            self.problems.add(path, f"{due} samples are more than can be recorded; raise every_s")

    def _probe(self, item: Value, path: Path) -> ProbePlan:
        from orch_gates.engine.watch_plan import ProbePlan

        fields = self._mapping(item, path, PROBE_KEYS, "url")
        return ProbePlan(
            self._text(fields, "url", path, _is_url, _URL_SPELLED),
            self._statuses(fields, path),
            self._text(fields, "body", path, _is_pattern, "a regular expression"),
            float(self._decimal(fields, "latency_s", path, DECIMAL, "a number of seconds") or 0),
            float(self._decimal(fields, "timeout_s", path, DECIMAL, "a number of seconds") or 10),
            self._flag(fields, "follow", path),
        )

    def _source(self, item: Value, path: Path) -> SourcePlan:
        from orch_gates.engine.watch_plan import SourceKind, SourcePlan

        kind = item.get("kind") if isinstance(item, dict) else None
        if not isinstance(kind, str) or kind not in SOURCE_KEYS:
            at = (*path, "kind") if isinstance(item, dict) and "kind" in item else path
            self.problems.add(at, f"needs one of these kinds: {', '.join(SOURCE_KEYS)}")
            return SourcePlan("", SourceKind.ACCESS_LOG, "")
        keys = SOURCE_KEYS[kind]
        fields = self._mapping(item, path, keys, *(key for key in keys if key not in {"kind", "name"}))
        place = self._text(fields, "path", path, _is_path, "an absolute path") if kind == "access-log" else ""
        place = place or self._text(fields, "url", path, _is_url, _URL_SPELLED)
        fits, spelling = (_is_selector, _SELECTOR_SPELLED) if kind == "metrics" else (_is_query, _QUERY_SPELLED)
        total, errors = (self._text(fields, key, path, fits, spelling) for key in ("total", "errors"))
        name = self._text(fields, "name", path, _is_name, "a name of at most 60 characters")
        return SourcePlan(name or f"{kind} {place}"[:120], SourceKind(kind), place, total, errors)

    def _mapping(self, item: Value, path: Path, known: tuple[str, ...], *needed: str) -> dict[str, Value]:
        if not isinstance(item, dict):
            self.problems.add(path, f"{spelled(item)} must be a mapping; known keys are: {', '.join(known)}")
            return {}
        for key in item.keys() - set(known):
            self.problems.unknown_key((*path, key), known)
        for key in needed:
            if key not in item:
                self.problems.add(path, f"needs {key}")
        return {key: value for key, value in item.items() if key in known}

    def _list(
        self, fields: Mapping[str, Value], key: str, path: Path, most: int, read: Callable[[Value, Path], Any]
    ) -> list[Any]:
        value = fields.get(key, [])
        if not isinstance(value, list) or len(value) > most:
            self.problems.add((*path, key), f"{spelled(value)} is not a list of at most {most}")
            return []
        return [read(item, (*path, key, number)) for number, item in enumerate(value)]

    def _whole(self, fields: Mapping[str, Value], key: str, bounds: Whole, path: Path) -> int:
        if key not in fields:
            return bounds.default
        value = fields[key]
        if isinstance(value, int) and not isinstance(value, bool) and bounds.least <= value <= bounds.most:
            return value
        self.problems.add((*path, key), f"{spelled(value)} is not a whole number from {bounds.least} to {bounds.most}")
        return bounds.default

    def _decimal(
        self, fields: Mapping[str, Value], key: str, path: Path, pattern: re.Pattern[str], spelling: str
    ) -> str:
        if key not in fields:
            return ""
        value = fields[key]
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if isinstance(text, str) and pattern.fullmatch(text):
            return text
        self.problems.add((*path, key), f"{spelled(value)} is not {spelling}")
        return ""

    def _text(
        self, fields: Mapping[str, Value], key: str, path: Path, fits: Callable[[str], bool], spelling: str
    ) -> str:
        if key not in fields:
            return ""
        value = fields[key]
        if isinstance(value, str) and fits(value):
            return value
        self.problems.add((*path, key), f"{spelled(value)} is not {spelling}")
        return ""

    def _flag(self, fields: Mapping[str, Value], key: str, path: Path) -> bool:
        value = fields.get(key, False)
        if not isinstance(value, bool):
            self.problems.add((*path, key), f"{spelled(value)} is not true or false")
        return value is True

    def _statuses(self, fields: Mapping[str, Value], path: Path) -> tuple[int, ...]:
        if "status" not in fields:
            return ()
        value = fields["status"]
        found = list(_statuses(value))
        if found and None not in found:
            return tuple(one for one in found if one is not None)
        self.problems.add((*path, "status"), f"{spelled(value)} is not a status like 200, nor a list of them")
        return ()


_URL_SPELLED = "a url with http:// or https://, without a user or password"
_SELECTOR_SPELLED = 'a counter with labels, like http_requests_total{code=~"5.."}'
_QUERY_SPELLED = "a query with $window as its range, like sum(increase(http_requests_total[$window]))"


def _statuses(value: Value) -> Iterator[int | None]:
    for one in value if isinstance(value, list) else [value]:
        fits = isinstance(one, int) and not isinstance(one, bool) and STATUS.least <= one <= STATUS.most
        yield one if fits and isinstance(one, int) else None


def _is_command(text: str) -> bool:
    return bool(text.strip()) and "\0" not in text


def _is_url(text: str) -> bool:
    # A password in a committed file is anybody's.
    if not URL.fullmatch(text) or len(text) > 300:
        return False
    try:
        found = urlsplit(text)
        return bool(found.hostname) and "@" not in found.netloc and found.port != 0
    except ValueError:
        return False


def _is_path(text: str) -> bool:
    return text.startswith("/") and "\0" not in text and len(text) <= 300


def _is_name(text: str) -> bool:
    return bool(text.strip()) and text.isprintable() and len(text) <= 60


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return bool(text) and len(text) <= 300


def _is_selector(text: str) -> bool:
    # One home for the spelling: who reads the counters reads this too.
    from orch_gates.engine.counters import selector

    try:
        selector(text)
    except ValueError:
        return False
    return len(text) <= 300


def _is_query(text: str) -> bool:
    return "$window" in text and len(text) <= 1000
