"""The last part of `orch-gates demo`: the server's repository as a forge, and a merge that its hook judges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orch_gates.cli.boundary import say
from orch_gates.cli.demo_bench import Bench, expect, step

if TYPE_CHECKING:
    from orch_gates.state.git_store import GitStore

_BRANCH = "task/greet"


def play(bench: Bench, number: int) -> None:
    """Open a pull request and merge it.

    Raises:
        OrchError: something did not go as it was told.
    """
    from orch_gates.forge.local.connect import connect
    from orch_gates.forge.port.pulls import Draft, Forbidden, Merged, MergeRequest

    step(number, "A pull request without a forge: kept on the server's branch orch-state; the hook judges its merge.")
    bench.git("switch", "--quiet", "--create", _BRANCH, inside="clone")
    bench.commit("greet.py", "print('Hello')\n", "-m", "Greet the user")
    expect(bench.push(_BRANCH).returncode == 0, "the branch was accepted")
    server = bench.root / "server.git"
    pulls = connect(server, _state(bench), "demo", bench.env(), 50).pulls
    pull, before = pulls.open(Draft(_BRANCH, "main", "Greet the user")), bench.on_server()
    say(f"  pull request {pull.number}: {pull.title} ({pull.branch} -> {pull.target})\n")
    title = f"{pull.title} (#{pull.number})"
    refused = pulls.merge(pull.number, MergeRequest(pull.head, before, "main", title, f"Try it with {bench.key()}"))
    expect(isinstance(refused, Forbidden), "with a key in its message, the hook refuses the merge")
    expect(bench.on_server() == before, "main has not moved")
    merged = pulls.merge(pull.number, MergeRequest(pull.head, before, "main", title))
    expect(isinstance(merged, Merged), "without it, the merge is accepted")
    expect(bench.on_server() == pulls.get(pull.number).merge_commit, "the merge commit is the tip of main")
    parents = bench.git("show", "--no-patch", "--format=%P", "refs/heads/main", inside="server.git")
    expect(parents == f"{before} {pull.head}", "its parents are the old tip and the head of the branch")
    say(f"  $ git show orch-state:forge/pulls/{pull.number}.md\n")
    written = bench.git("show", f"orch-state:forge/pulls/{pull.number}.md", inside="server.git")
    say(bench.indented(written))
    expect('state: "merged"' in written, "the branch orch-state says so too")


def _state(bench: Bench) -> GitStore:
    from orch_gates import clock, settings, workspace
    from orch_gates.engine.stages import DEFAULT
    from orch_gates.model.ids import timestamp
    from orch_gates.model.root import Root
    from orch_gates.state import outcome
    from orch_gates.state.branch import branch_files

    loaded = settings.load({**bench.env(), "ORCH_CACHE_DIR": str(bench.root / "cache")})
    git = workspace.repository(loaded, bench.root / "server.git")
    store = workspace.Workspace(loaded, git, clock.utc_now()).store
    root = Root(generation=1, created=timestamp(clock.utc_now()), stages=DEFAULT.names, rework=DEFAULT.rework)
    made = store.initialise(branch_files(root))
    expect(isinstance(made, outcome.Committed), "the server has a state branch")
    return store
