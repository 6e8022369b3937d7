"""A task goes from stage to stage by what a real Gitea says about it."""

from __future__ import annotations

from pathlib import Path

from tests.builders import Repo, orch
from tests.e2e.gitea import Gitea
from tests.e2e.repository import Repository


def with_work(repository: Repository) -> tuple[Repo, str]:
    """A clone that has pushed a branch with work, and the commit."""
    work = repository.clone()
    work.git("switch", "--quiet", "-c", "task/T-1")
    work.commit("work", {"code.py": "print('hello')\n"})
    work.git("push", "--quiet", "origin", "task/T-1")
    head = repository.tip("task/T-1")
    return work, head


def test_a_task_is_judged_by_what_the_forge_says(gitea: Gitea, repository: Repository, tmp_path: Path) -> None:
    """ENG-1: development is left when CI is green, review when somebody else approves this very commit."""
    repository.add(gitea.bob)
    work, head = with_work(repository)
    env = {
        "ORCH_CACHE_DIR": str(tmp_path / "cache"),
        "ORCH_FORGE_URL": gitea.url,
        "ORCH_FORGE_REPOSITORY": f"alice/{repository.name}",
        "ORCH_FORGE_TOKEN": gitea.token(gitea.alice, ["read:repository"]),
    }

    def run(*args: str, code: int = 0) -> str:
        done = orch(*args, cwd=work.path, env=env)
        output = done.stdout.decode() + done.stderr.decode()
        assert done.returncode == code, output
        assert env["ORCH_FORGE_TOKEN"] not in output
        return output

    run("state", "init")
    run("task", "new", "T-1", "Greet the user")
    run("advance", "T-1", "--approve")
    run("advance", "T-1")
    assert "0 statuses" in run("advance", "T-1", code=1)
    repository.api().post(f"/statuses/{head}", {"state": "success", "context": "build"}).ok()
    assert "now active in review" in run("advance", "T-1")
    document = {"head": "task/T-1", "base": "main", "title": "T-1"}
    number = repository.api().post("/pulls", document).ok()["number"]
    review = {"event": "APPROVED", "body": "reads well", "commit_id": head}
    repository.api(gitea.bob).post(f"/pulls/{number}/reviews", review).ok()
    assert "now active in testing" in run("advance", "T-1")
    assert head in run("task", "show", "T-1", "--json")


def test_a_step_posts_its_verdicts_once(gitea: Gitea, repository: Repository, tmp_path: Path) -> None:
    """GATE-4, P7: as `statuses.enabled` asks for; looked for again, the server's row is known to be ours."""
    work, head = with_work(repository)
    env = {
        "ORCH_CACHE_DIR": str(tmp_path / "cache"),
        "ORCH_FORGE_URL": gitea.url,
        "ORCH_FORGE_REPOSITORY": f"alice/{repository.name}",
        "ORCH_FORGE_TOKEN": gitea.token(gitea.alice, ["write:repository"]),
        "ORCH_STATUSES_ENABLED": "true",
    }

    def run(*args: str) -> str:
        done = orch(*args, cwd=work.path, env=env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.decode()

    repository.api().post(f"/statuses/{head}", {"state": "success", "context": "build"}).ok()
    run("state", "init")
    run("task", "new", "T-1", "Greet the user")
    run("advance", "T-1", "--approve")
    run("advance", "T-1")
    assert "now active in review" in run("advance", "T-1")
    assert f"orch/ci-green@{head}: done" in run("effects", "run")
    rows = repository.api().get(f"/commits/{head}/statuses").ok()
    assert [(row["context"], row["status"]) for row in rows if row["context"] != "build"] == [
        ("orch/ci-green", "success")
    ]
