"""Finding out how the hooks of a server stand."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from orch_gates import __version__, process
from orch_gates import settings as settings_module
from orch_gates.errors import OrchError, UsageError
from orch_gates.hooks.server_hook import bare_repository, install, kinds, proof, script
from orch_gates.hooks.server_hook.bare_repository import BareRepository, HookFile
from orch_gates.hooks.server_hook.filesystem import telling
from orch_gates.hooks.server_hook.hook_status import HookEvidence, HookState, HookStatus, hook_status
from orch_gates.hooks.server_hook.kinds import HookFileKind
from orch_gates.settings import Settings

_ASK_S = 120


@dataclass(slots=True)
class HookInspector:
    """How hooks stand; what programs say about themselves is asked once.

    `targets` are branches that matter beside the default one.
    """

    settings: Settings
    prove: bool
    targets: Sequence[str] = ()
    _pins: dict[str, tuple[str, str | None]] = field(default_factory=dict)

    def of(self, repositories: Sequence[Path]) -> Iterator[HookStatus]:
        """The status of each repository.

        Raises:
            UsageError: one of them is not a bare repository.
        """
        for repository in repositories:
            yield self._stands(repository)

    def below(self, root: Path) -> Iterator[HookStatus]:
        """The status of every bare repository below a folder, and a line for each folder that cannot be read.

        Raises:
            UsageError: there is none.
        """
        refused: list[str] = []
        found = 0
        for git_dir in bare_repository.bare_repositories(Path(os.path.realpath(root)), refused):
            status = self._stands(git_dir)
            # A clone in between is not a server's repository.
            if git_dir.name != ".git" or status.facts.hook:
                found += 1
                yield status
        for why in refused:
            yield hook_status(HookEvidence(why.split(" cannot be ")[0], unreadable=why))
        if not found and not refused:
            raise UsageError(f"no bare repository is below {root}")

    def _stands(self, repository: Path) -> HookStatus:
        return hook_status(self._facts(repository))

    def _facts(self, repository: Path) -> HookEvidence:
        command = [str(script.program()), "hook", "status", str(repository.absolute())]
        try:
            bare = bare_repository.find(self.settings, repository, command)
            plain, below = bare.look(bare.plain), bare.look(bare.below_dispatcher)
            others = tuple(_others(bare))
        except OrchError as error:
            return HookEvidence(str(repository), unreadable=str(error).replace("\n", " "))
        ours = next((one for one in (plain, below) if one.kind is HookFileKind.OURS), None)
        facts = HookEvidence(
            str(bare.git_dir),
            hooks=str(bare.hooks),
            configured=bare.configured,
            shared=bare.shared,
            unusable=_unusable(bare),
            entry=plain.kind,
            entry_executable=plain.executable,
            entry_calls_us=kinds.calls_us(plain.content),
            why_not_run=proof.why_not_run(bare, (ours or plain).path),
            others=others,
        )
        if ours is not None:
            facts = self._with_hook(facts, bare, ours)
        # A hook that is known not to run would let the leak in.
        if self.prove and hook_status(facts).state is not HookState.NOT_WORKING:
            facts = self._with_proof(facts, bare, ours)
        return facts

    def _with_proof(self, facts: HookEvidence, bare: BareRepository, ours: HookFile | None) -> HookEvidence:
        hook, doubt = ours.path if ours is not None else bare.plain, ""
        try:
            refs = proof.names(bare, self.targets)
            with proof.prepared(bare) as probe:
                if ours is not None:
                    proof.rehearse(bare, probe, hook, refs)
                if ours is None or hook != bare.plain:
                    doubt = proof.pass_on(bare, probe, hook, refs)
                proof.refuse_leak(bare, probe, hook)
        except OrchError as error:
            return replace(facts, proof=str(error))
        return replace(facts, doubt=doubt) if doubt else replace(facts, proof="")

    def _with_hook(self, facts: HookEvidence, bare: BareRepository, ours: HookFile) -> HookEvidence:
        found = script.parse(ours.content)
        facts = replace(
            facts,
            hook=str(ours.path),
            below_dispatcher=ours.path == bare.below_dispatcher,
            executable=ours.executable,
        )
        if found is None:
            return facts
        facts = replace(facts, program=found.program, pin=found.pin, program_problem=_problem(bare, found))
        if facts.program_problem:
            return facts
        version, pin = self._installed(bare, found)
        return replace(facts, version=version, installed_pin=pin)

    def _installed(self, bare: BareRepository, found: script.Script) -> tuple[str, str | None]:
        """The version and the engine of the program that a hook names."""
        known = json.dumps([found.program, {**found.variables, "ORCH_SECURITY_PIN": ""}], sort_keys=True)
        if known not in self._pins:
            own = os.path.realpath(found.program) == os.path.realpath(script.program())
            self._pins[known] = self._own(found) if own or self._is_asked(found) else _foreign(bare, found)
        return self._pins[known]

    def _is_asked(self, found: script.Script) -> bool:
        """Whether another process asks this one about the hook, by the program that the hook names.

        That may be a script around this installation, and asking it again would never end.
        """
        return found.pin != "" and self.settings.inherited_env.get("ORCH_SECURITY_PIN") == found.pin

    def _own(self, found: script.Script) -> tuple[str, str | None]:
        try:
            chosen = settings_module.load({**self.settings.inherited_env, **found.variables})
            return __version__, script.pin(chosen)
        except OrchError:
            return __version__, None


def _foreign(bare: BareRepository, found: script.Script) -> tuple[str, str | None]:
    """What another installation says of the hook that names it; an older one cannot, and nothing is known."""
    argv = [found.program, "hook", "status", "--json", str(bare.git_dir)]
    env = {**bare.env, **found.variables}
    try:
        done = process.run(argv, env=env, timeout=_ASK_S, cwd=Path("/"), user=bare.owner.user())
        (status,) = json.loads(done.stdout)["hooks"]
        version, pin = status["version"], status["installed_pin"]
    except (OrchError, ValueError, KeyError, TypeError):
        return "", None
    return (version, pin) if isinstance(version, str) and isinstance(pin, str) else ("", None)


def _problem(bare: BareRepository, found: script.Script) -> str:
    try:
        with bare.owner.acting(), telling("started", Path(found.program)):
            if not os.access(found.program, os.X_OK, effective_ids=True):
                what = f"{found.program} is missing, or {bare.owner.name} may not run it"
                return f"{what}; run `orch-gates hook install` again"
        install.require_runnable(bare, Path(found.program))
    except OrchError as error:
        return str(error)
    return ""


def _unusable(bare: BareRepository) -> str:
    try:
        bare_repository.require_usable(bare)
    except OrchError as error:
        return str(error)
    return ""


def _others(bare: BareRepository) -> Iterator[str]:
    """Other executable hooks that a push runs into, by their paths in the folder of hooks."""
    ours = {bare.plain.name, bare.below_dispatcher.name}
    folders = (bare.hooks, bare.below_dispatcher.parent)
    with bare.owner.acting(), telling("read", bare.hooks):
        for folder in folders:
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                is_hook = path.is_file() and os.access(path, os.X_OK, effective_ids=True)
                if is_hook and path.name not in ours and path.suffix != ".sample":
                    yield str(path.relative_to(bare.hooks))
