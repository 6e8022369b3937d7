"""The last part of `orch-gates demo`: a merge queue of two pull requests that break main together."""

from __future__ import annotations

from orch_gates import clock, workspace
from orch_gates.cli.boundary import say
from orch_gates.cli.demo.bench import Bench, expect, step, text
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.pulls import Draft
from orch_gates.settings import load
from orch_gates.workspace import Workspace

_LABEL = "merge"


def play(bench: Bench, number: int) -> None:
    """Queue two pull requests, see the first one land, and the second one sent back with a comment.

    Raises:
        OrchError: something did not go as it was told.
    """
    step(number, "Two pull requests with the label `merge`. One renames a function again, the other one calls it.")
    forge = _forge(bench)
    for branch, files in (("rename", _renamed(bench)), ("call", _called(bench))):
        _pull(bench, forge, branch, files)

    step(number + 1, "One run of the queue: each is tested together with all before it.")
    main = bench.on_server()
    done = bench.orch("queue", "run")
    first, second = 3, 4
    expect(f"#{first} landed" in text(done) and bench.on_server() != main, "the first one landed")
    sent_back = f"#{second} sent back" in text(done) and _LABEL not in forge.pulls.get(second).labels
    expect(sent_back, "the second one was sent back, and lost its label")
    (comment,) = forge.issues.comments(second)
    say(f"  The comment on pull request {second}:\n{bench.indented(comment.body)}")
    expect("the test command failed" in comment.body, "its comment says why")
    bench.orch("queue", "list")


def _pull(bench: Bench, forge: Forge, branch: str, files: dict[str, str]) -> None:
    bench.git("fetch", "--quiet", "origin", inside="clone")
    bench.git("checkout", "--quiet", "-B", branch, "origin/main", inside="clone")
    for name, content in files.items():
        bench.commit(name, content, "-m", f"Change {name}")
    bench.git("push", "--quiet", "origin", branch, inside="clone")
    made = forge.pulls.open(Draft(branch, "main", f"The branch {branch}"))
    forge.issues.label(made.number, add=[_LABEL])
    say(f"  pull request {made.number} of the branch {branch} is labelled\n")


def _renamed(bench: Bench) -> dict[str, str]:
    names = ("greet.py", "app.py", "twice.py")
    return {name: _on_main(bench, name).replace("greeting", "welcome") for name in names}


def _called(bench: Bench) -> dict[str, str]:
    thrice = _on_main(bench, "twice.py")
    return {"thrice.py": thrice, "test.py": f"{_on_main(bench, 'test.py')}\nimport thrice\n\nthrice.main()\n"}


def _on_main(bench: Bench, name: str) -> str:
    return f"{bench.git('show', f'refs/heads/main:{name}', inside='server.git')}\n"


def _forge(bench: Bench) -> Forge:
    """The server as a person has it, with nothing of this machine's configuration."""
    nothing_left_behind = {"ORCH_CACHE_DIR": str(bench.root / "cache")}
    settings = load({**bench.env(), **bench.forge_env(), **nothing_left_behind, "ORCH_STATE_BY": "Ann"})
    git = workspace.repository(settings, bench.root / "clone")
    forge = Workspace(settings, git, clock.utc_now()).writable_forge
    assert forge is not None
    return forge
