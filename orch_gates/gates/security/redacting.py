"""Taking secrets out of what a command wrote, by an engine that loads its rules while the command runs (SEC-5)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from orch_gates import clock
from orch_gates.errors import OrchError, RepositoryRulesError
from orch_gates.scanners import early, engine, locate
from orch_gates.scanners.engine import Engine
from orch_gates.settings import Settings


@dataclass
class Redactor:
    """Takes the secrets out of texts, those that the repository's own rules find too."""

    settings: Settings
    own_rules: bytes = b""
    _waiting: Engine | None = field(default=None, repr=False)
    _until: float = 0.0

    @contextlib.contextmanager
    def loading(self) -> Iterator[None]:
        """Load the rules beside what the block does; a text that comes soon is not waited for then.

        An engine that was started before is taken.
        """
        # It began to live before this, by at most as long as a command takes to begin.
        self._until = clock.monotonic() + early.SHORTLY_S / 2
        with contextlib.ExitStack() as stack:
            started = stack.enter_context(early.taken())
            if self.settings.security.engine != locate.OWN:
                started = None
            # What is wrong with the engine is told where a text needs it.
            with contextlib.suppress(OrchError):
                self._waiting = started or stack.enter_context(self._engine(early.SHORTLY_S))
            yield
        self._waiting = None

    def redact(self, text: str) -> str:
        """A text with `[removed: RULE]` in the place of each secret.

        Raises:
            OrchError: it could not be told whether there are any.
        """
        return self.redact_all([text])[0]

    def redact_all(self, texts: Sequence[str]) -> list[str]:
        """As `redact`, for several texts at once.

        Raises:
            OrchError: as `redact`.
        """
        waiting, self._waiting = self._waiting, None
        if waiting is not None and clock.monotonic() < self._until:
            with contextlib.suppress(OrchError):
                return self._by(waiting, texts)
        with self._engine(early.life(self.settings)) as running:
            return self._by(running, texts)

    def _by(self, running: Engine, texts: Sequence[str]) -> list[str]:
        deadline = clock.monotonic() + self.settings.security.budget.seconds
        if self.own_rules:
            # A wrong file of them is the default branch's matter, and the other rules judge all the same.
            with contextlib.suppress(RepositoryRulesError):
                running.add_rules(self.own_rules, deadline)
        return running.redact(texts, deadline, named=True)

    def _engine(self, seconds: float) -> contextlib.AbstractContextManager[Engine]:
        tools, inherited = self.settings.tools, self.settings.inherited_env
        given = locate.engine(self.settings.security.engine, tools, inherited)
        return engine.start(given, early.worker_env(self.settings), timeout=seconds)
