"""The second part of `orch-gates demo`: two green branches that break main together, from push to proof."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from orch_gates.cli.boundary import say
from orch_gates.cli.demo.bench import Bench, expect, step, text

_CONFIG = """\
pipeline: merge-queue
stages:
  - name: development
    role: developer
    gates: [merge, merge-proof]
rework: development
merge:
  test: python3 test.py
  fence: hook
ci_green: {enabled: false}
review_approved: {enabled: false}
"""
_TEST = "import app\n\nassert app.main() == 'Hello'\n"
_APP = "from greet import hello\n\n\ndef main():\n    return hello()\n"
_OLD, _NEW = "def hello():\n    return 'Hello'\n", "def greeting():\n    return 'Hello'\n"


def play(bench: Bench, number: int) -> None:
    """Merge one of two branches, see the other one refused, and merge it once it is mended.

    Raises:
        OrchError: something did not go as it was told.
    """
    step(number, "main gets a test, a pipeline whose gates are merge and merge-proof, a merge queue, and a fence: the")
    say("   hook takes only merges that were validated. The state of it all is a branch of the same server.\n")
    for name, content in {"greet.py": _OLD, "app.py": _APP, "test.py": _TEST, ".orch-gates.yaml": _CONFIG}.items():
        bench.commit(name, content, "-m", f"Add {name}")
    expect(bench.push().returncode == 0, "the commits were accepted")
    bench.git("remote", "set-head", "origin", "--auto", inside="clone")
    expect(bench.orch("state", "init").returncode == 0, "the server has a state branch")

    step(number + 1, "Two branches from the same main. One renames a function, the other one calls it once more.")
    _branch(bench, "T-1", "Rename the greeting", {"greet.py": _NEW, "app.py": _APP.replace("hello", "greeting")})
    _branch(bench, "T-2", "Say it twice", {"twice.py": _APP, "test.py": _TEST + "\nimport twice\n\ntwice.main()\n"})
    main = bench.on_server()

    step(number + 2, "The first one is merged: caught up, tested, merged by the forge, proven by git.")
    done = bench.orch("merge", "--task", "T-1")
    expect(done.returncode == 0, "exit code 0: it landed")
    expect(_parents(bench) == [main, _server(bench, "task/T-1")], "the merge is of exactly what was tested")
    main = bench.on_server()

    step(number + 3, "The second one was as green as the first. Together with the new main it is red.")
    done = bench.orch("merge", "--task", "T-2")
    expect(done.returncode == 1, "exit code 1: a red test")
    expect("cannot import name 'hello'" in text(done), "the output of the test is in the verdict")
    expect(bench.on_server() == main, "main has not moved")
    bench.orch("why", "T-2")

    step(number + 4, "Somebody merges it by hand all the same.")
    bench.git("fetch", "--quiet", "origin", inside="clone")
    bench.git("checkout", "--quiet", "-B", "main", "origin/main", inside="clone")
    bench.git("merge", "--quiet", "--no-ff", "-m", "Merge it", "origin/task/T-2", inside="clone")
    pushed = bench.push()
    expect(pushed.returncode != 0 and bench.on_server() == main, "the hook refused it, and main has not moved")

    step(number + 5, "It is mended on its branch, and merged.")
    bench.git("checkout", "--quiet", "--detach", "origin/task/T-2", inside="clone")
    bench.commit("twice.py", _APP.replace("hello", "greeting"), "-m", "Use the new name")
    bench.git("push", "--quiet", "origin", "HEAD:refs/heads/task/T-2", inside="clone")
    expect(bench.orch("merge", "--task", "T-2").returncode == 0, "exit code 0: it landed")
    bench.git("fetch", "--quiet", "origin", inside="clone")
    head = _server(bench, "task/T-2")
    proof = bench.orch("prove", head, "--on", "main", "--json")
    expect(json.loads(proof.stdout)["landed"] == "landed", "git proves that it is in main")
    say("  $ git log --graph --oneline main\n")
    say(bench.indented(bench.git("log", "--graph", "--oneline", "-6", "main", inside="server.git")))


def _branch(bench: Bench, task: str, title: str, files: Mapping[str, str]) -> None:
    bench.git("checkout", "--quiet", "-B", f"task/{task}", "main", inside="clone")
    for name, content in files.items():
        bench.commit(name, content, "-m", title)
    expect(bench.run([sys.executable, "test.py"], inside="clone").returncode == 0, f"task/{task} is green by itself")
    bench.git("push", "--quiet", "origin", f"task/{task}", inside="clone")
    bench.orch("task", "new", task, title)


def _server(bench: Bench, branch: str) -> str:
    return bench.git("rev-parse", f"refs/heads/{branch}", inside="server.git")


def _parents(bench: Bench) -> list[str]:
    return bench.git("show", "--no-patch", "--format=%P", "refs/heads/main", inside="server.git").split()
