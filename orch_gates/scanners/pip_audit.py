"""pip-audit, which knows the known vulnerabilities of Python packages (SEC-7)."""

from __future__ import annotations

import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from orch_gates import clock, process
from orch_gates.errors import ProcessError
from orch_gates.scanners.pins.pin import Pin, normalised

# A feed that does not know this one is not working, whatever it answers (scanners.md §2).
CONTROL = Pin("jinja2", "2.10")

# PIP_AUDIT_* could move the answer away; PYTHONPATH could name the tree that is judged (P5).
_FOREIGN = ("PIP_AUDIT_", "PYTHON")
# Words of a complaint that may hold a feed's address, and in it a token (SEC-5).
_ADDRESS = re.compile(rb"(?i)\burl:? \S+|\S*(?:\?|@|//)\S*")


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """A known vulnerability of one pinned package; `aliases` are its other names."""

    id: str
    fixed_in: tuple[str, ...]
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """All it is called: the feed may use one name for one version and another for the next."""
        return frozenset({self.id, *self.aliases})


@dataclass(frozen=True, slots=True)
class Audited:
    """Every pin that was asked for, with what is known about it."""

    known: Mapping[Pin, tuple[Vulnerability, ...]]


@dataclass(frozen=True, slots=True)
class Degraded:
    """The audit did not take place, or its answer cannot be believed."""

    reason: str


class DependencyAuditor(Protocol):
    """The port; contract suite: tests/contract/test_pip_audit.py."""

    def audit(self, pins: Collection[Pin]) -> Audited | Degraded:
        """Ask about every pin. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class PipAudit:
    """The pip-audit program; `osv_url` is empty for its own default, `timeout` in seconds."""

    program: str
    env: Mapping[str, str]
    osv_url: str
    timeout: float

    def audit(self, pins: Collection[Pin]) -> Audited | Degraded:
        """See `DependencyAuditor.audit`. Nothing of the audited project is installed or run."""
        if not self.program:
            return Degraded("pip-audit is not installed (pip install orch-gates[audit])")
        known: dict[Pin, tuple[Vulnerability, ...]] = {}
        end = clock.monotonic() + self.timeout
        for layer in _layers({*pins, CONTROL}):
            left = end - clock.monotonic()
            if left <= 0:
                return Degraded(f"pip-audit took over {self.timeout:.0f} s")
            try:
                answer = self._ask(layer, left)
            except ProcessError as error:
                return Degraded(str(error))
            except OSError as error:
                return Degraded(f"could not give pip-audit the list of packages: {error.strerror}")
            if isinstance(answer, Degraded):
                return answer
            known |= answer.known
        return Audited(known)

    def _ask(self, layer: Collection[Pin], timeout: float) -> Audited | Degraded:
        with tempfile.TemporaryDirectory(prefix="orch-gates-audit-", ignore_cleanup_errors=True) as directory:
            folder = Path(directory)
            listed = folder / "pins.txt"
            listed.write_text("".join(f"{pin.name}=={pin.version}\n" for pin in layer))
            argv = [self.program, "--disable-pip", "--no-deps", "--format=json", "--progress-spinner=off"]
            argv += ["--vulnerability-service=osv", f"--cache-dir={folder / 'cache'}", f"--requirement={listed}"]
            argv += [f"--osv-url={self.osv_url}"] if self.osv_url else []
            env = {name: value for name, value in self.env.items() if not name.startswith(_FOREIGN)}
            done = process.run(argv, env=env, timeout=timeout)
        return read_answer(layer, done)


def _layers(pins: Iterable[Pin]) -> list[list[Pin]]:
    """Runs with each package at most once: pip-audit refuses two versions, even in two files."""
    layers: list[list[Pin]] = []
    seen: dict[str, int] = defaultdict(int)
    for pin in sorted(pins, key=lambda pin: (pin != CONTROL, pin)):
        depth = seen[pin.name]
        seen[pin.name] += 1
        if depth == len(layers):
            layers.append([])
        layers[depth].append(pin)
    for layer in layers[1:]:
        if all(pin.name != CONTROL.name for pin in layer):
            layer.append(CONTROL)
    return layers


def read_answer(pins: Collection[Pin], done: process.Completed) -> Audited | Degraded:
    """Tell an answer from a failure (pure): exit 1 is both "vulnerable" and "crashed".

    `asked` has each package once: the answer spells versions in its own way, 1.0RC1 as 1.0rc1.
    """
    try:
        rows = json.loads(done.stdout)["dependencies"]
        skipped = [str(row["name"]) for row in rows if row.get("skip_reason")]
        answers = {
            normalised(str(row["name"])): tuple(map(_vulnerability, row["vulns"]))
            for row in rows
            if not row.get("skip_reason")
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return Degraded(f"pip-audit gave no answer (exit {done.returncode}): {_complaint(done)}")
    if done.returncode not in {0, 1}:
        return Degraded(f"pip-audit ended with exit {done.returncode}")
    if skipped:
        return Degraded(f"pip-audit skipped {len(skipped)} of {len(pins)} packages, {skipped[0]} among them")
    known = {pin: answers[pin.name] for pin in pins if pin.name in answers}
    if CONTROL in pins and not known.get(CONTROL):
        return Degraded(f"the vulnerability feed lacks the known vulnerabilities of {CONTROL.name} {CONTROL.version}")
    if missing := len(pins) - len(known):
        return Degraded(f"pip-audit did not answer for {missing} of {len(pins)} packages")
    return Audited(known)


def _vulnerability(row: Mapping[str, Any]) -> Vulnerability:
    return Vulnerability(str(row["id"]), tuple(map(str, row["fix_versions"])), tuple(map(str, row.get("aliases", ()))))


def _complaint(done: process.Completed) -> str:
    plain = process.Completed(done.returncode, b"", _ADDRESS.sub(b"[address]", done.stderr))
    return plain.complaint[-160:]
