"""The engines of one worker: the bundle's rules, and apart from them those of the repository (SEC-6, SEC-10)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orch_gates.errors import OrchError, ScannerError
from orch_gates.scanners import matcher, native
from orch_gates.scanners.rules import installed, meta
from orch_gates.scanners.rules.meta import RuleMeta

if TYPE_CHECKING:
    from orch_gates.scanners.repository_rules import RepositoryRule
    from orch_gates.scanners.worker.hits import Scans


@dataclass(slots=True)
class Engines:
    """What scans a text, in order; `about` says which engine and rules those of the bundle are.

    An engine that cannot be loaded is told in the answer to every command.
    """

    scratch: Path
    about: dict[str, str] = field(default_factory=dict)
    rules: dict[str, RuleMeta] = field(default_factory=dict)
    own: dict[str, RepositoryRule] = field(default_factory=dict)
    _loaded: list[Scans] = field(default_factory=list)
    _paths: matcher.Matcher | None = None
    _error: OrchError | None = None

    @classmethod
    def load(cls, given: Mapping[str, str], compiled: Callable[[], tuple[Any, str]]) -> Engines:
        """The engine that the parent chose; `compiled` answers the bundle's, once it is loaded."""
        engines = cls(Path(given["scratch"]))
        try:
            if given["engine"] == "gitleaks":
                engines._load_gitleaks(given)
            else:
                engines._load_bundle(Path(given["rules"]), compiled)
        except OrchError as error:
            engines._error = error
        return engines

    @property
    def all(self) -> list[Scans]:
        """The engines, each of which reads every text.

        Raises:
            ScannerError: one of them could not be loaded.
        """
        if self._error is not None:
            raise self._error
        return self._loaded

    def _load_bundle(self, rules: Path, compiled: Callable[[], tuple[Any, str]]) -> None:
        described, digest = installed.read(rules)
        self.rules.update(meta.load(described))
        scanner, status = compiled()
        self._loaded.append(matcher.Matcher(scanner, decides=False, cache_status=status))
        version = str(native.library().__version__)
        self.about = {"name": native.LIBRARY, "version": version, "rules": digest, "cache": status}

    def _load_gitleaks(self, given: Mapping[str, Any]) -> None:
        from orch_gates.scanners import gitleaks

        engine = gitleaks.Gitleaks(given["binary"], given["path"])
        self.rules = engine.rules
        self._loaded.append(engine)
        self.about = {"name": "gitleaks", "version": given["digest"], "rules": gitleaks.config_digest(), "cache": ""}

    def add_repository_rules(self, data: bytes) -> None:
        """Load the repository's own rules apart, so that the compiled form of the bundle's stays valid.

        Raises:
            RepositoryRulesError: the file is wrong, or the matcher does not take an expression in it.
            ScannerError: they could not be given to the matcher.
        """
        from orch_gates.scanners import repository_rules_file, rule_ids

        ids = {rule.id for rule in self.rules.values()}
        own = repository_rules_file.parse(data, taken=ids | {old for rule in ids for old in rule_ids.former(rule)})
        if not own:
            return
        try:
            engine = self._load_apart(_with_canary(own.document()))
            if (paths := own.path_document()) is not None:
                self._paths = self._load_apart(_with_canary(paths))
        except ScannerError as error:
            # Only what is wrong in the file is the file's.
            if not isinstance(error.__cause__, (ValueError, RuntimeError)):
                raise
            raise own.refused(str(error.__cause__)) from error
        self._loaded.append(engine)
        self.own = {rule.id: rule for rule in own.rules}
        self.about["repository rules"] = own.digest
        for rule in own.rules:
            self.rules[rule.id] = RuleMeta(rule.id, rule.description)

    def _load_apart(self, document: bytes) -> matcher.Matcher:
        file = self.scratch / f"orch-gates-own-{os.urandom(8).hex()}.yml"
        try:
            file.write_bytes(document)
            return matcher.load(file, None, self.scratch, decides=True)
        except OSError as error:
            raise ScannerError(f"{file} cannot be written: {error.strerror}") from error
        finally:
            file.unlink(missing_ok=True)

    def is_bound(self, rule: str) -> bool:
        """Whether a rule judges files at some paths only."""
        return rule in self.own and bool(self.own[rule].path_pattern)

    def bound(self, path: str, *, timeout: float) -> list[str]:
        """Those of the rules that are bound to paths which judge files at this one."""
        if self._paths is None:
            return []
        found = self._paths.scan(path.encode("utf-8", "surrogateescape"), timeout=timeout)
        return sorted({raw.rule for raw in found.matches})


def _with_canary(document: bytes) -> bytes:
    canary = {"name": "canary", "id": matcher.CANARY_RULE, "pattern": "ghp_[0-9A-Za-z]{36}", "confidence": "medium"}
    return json.dumps({"rules": [*json.loads(document)["rules"], canary]}).encode("ascii")
