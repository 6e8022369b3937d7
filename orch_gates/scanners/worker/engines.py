"""The engines of one worker: the bundle's rules, and apart from them those of the repository (SEC-6, SEC-10)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orch_gates.errors import OrchError, ScannerError
from orch_gates.scanners import matcher
from orch_gates.scanners.rules import installed, meta
from orch_gates.scanners.rules.meta import RuleMeta
from orch_gates.scanners.worker.hits import Scans

REPOSITORY_CANARY = "orch-canary"


@dataclass(slots=True)
class Engines:
    """What scans a text, in order; `about` says which engine and rules those of the bundle are.

    An engine that cannot be loaded is told in the answer to every command.
    """

    scratch: Path
    about: dict[str, str] = field(default_factory=dict)
    rules: dict[str, RuleMeta] = field(default_factory=dict)
    _loaded: list[Scans] = field(default_factory=list)
    _error: OrchError | None = None

    @classmethod
    def load(cls, given: Mapping[str, Any]) -> Engines:
        """The engine that the parent chose."""
        engines = cls(Path(given["scratch"]))
        try:
            if given["engine"] == "gitleaks":
                engines._load_gitleaks(given)
            else:
                engines._load_bundle(Path(given["rules"]), Path(given["cache"]))
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

    def _load_bundle(self, rules: Path, cache: Path) -> None:
        described, digest = installed.read(rules)
        self.rules.update(meta.load(described))
        engine = matcher.load(rules / installed.RULES, cache, self.scratch)
        self._loaded.append(engine)
        self.about = {
            "name": matcher.LIBRARY,
            "version": matcher.version(),
            "rules": digest,
            "cache": engine.cache_status,
        }

    def _load_gitleaks(self, given: Mapping[str, Any]) -> None:
        from orch_gates.scanners import gitleaks

        engine = gitleaks.Gitleaks(given["binary"], given["path"])
        self.rules = engine.rules
        self._loaded.append(engine)
        self.about = {"name": "gitleaks", "version": given["digest"], "rules": gitleaks.config_digest(), "cache": ""}

    def add_repository_rules(self, given: Mapping[str, Any]) -> None:
        """Load the repository's own rules apart, so that the compiled form of the bundle's stays valid.

        Raises:
            ScannerError: the matcher does not take them.
        """
        file = self.scratch / f"orch-gates-own-{secrets.token_hex(8)}.yml"
        try:
            file.write_text(given["yaml"], "utf-8")
            engine = matcher.load(file, self.scratch / "none", self.scratch, canary_rule=REPOSITORY_CANARY)
        except OSError as error:
            raise ScannerError(f"{file} cannot be written: {error.strerror}") from error
        finally:
            file.unlink(missing_ok=True)
        self._loaded.append(engine)
        for row in given["rules"]:
            self.rules[row["id"]] = RuleMeta(**row)
