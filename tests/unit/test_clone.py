"""Where a clone pushes and who commits in it, as git itself says, for any configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from orch_gates.errors import SettingsError
from orch_gates.git import clone
from orch_gates.git.cli import open_repository
from orch_gates.git.clone import Clone
from tests.builders import Repo, run

HTTPS, SSH = "https://git.example.org/a/b.git", "git@git.example.org:a/b.git"


def configured(folder: Path, *entries: tuple[str, str]) -> Repo:
    run("git", "init", "--quiet", folder, cwd=folder.parent)
    repo = Repo(folder)
    for key, value in entries:
        repo.git("config", "--add", key, value)
    return repo


def read(repo: Repo, **env: str) -> Clone:
    inherited = {"PATH": "/usr/bin:/bin", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", **env}
    return clone.read(open_repository(repo.path, inherited, timeout=20), inherited)


@pytest.mark.parametrize(
    "entries",
    [
        [("remote.origin.url", HTTPS)],
        [("remote.origin.url", HTTPS), ("remote.origin.pushurl", SSH)],
        [("remote.origin.url", HTTPS), ("url.git@git.example.org:.pushInsteadOf", "https://git.example.org/")],
        [
            ("remote.origin.url", HTTPS),
            ("url.ssh://wrong/.pushInsteadOf", "https://"),
            ("url.git@git.example.org:a/.pushInsteadOf", "https://git.example.org/a/"),
        ],
        [
            ("remote.origin.url", HTTPS),
            ("remote.origin.pushurl", "https://other.example.org/x"),
            ("url.git@other.example.org:.pushInsteadOf", "https://other.example.org/"),
        ],
    ],
)
def test_it_is_where_git_pushes(entries: list[tuple[str, str]], tmp_path: Path) -> None:
    """The answer of `git remote get-url --push origin`."""
    repo = configured(tmp_path / "repo", *entries)
    assert read(repo).push_url() == repo.git("remote", "get-url", "--push", "origin")


def test_a_rule_of_the_user_counts_too(tmp_path: Path) -> None:
    """`pushInsteadOf` mostly stands in the configuration of a person."""
    repo = configured(tmp_path / "repo", ("remote.origin.url", HTTPS))
    own = tmp_path / "gitconfig"
    own.write_text('[url "git@git.example.org:"]\n\tpushInsteadOf = https://git.example.org/\n')
    found = read(repo, GIT_CONFIG_GLOBAL=str(own))
    assert found.push_url() == SSH
    assert found.handed_over == ()


def test_no_origin_is_no_place(tmp_path: Path) -> None:
    assert read(configured(tmp_path / "repo")).push_url() == ""


@pytest.mark.parametrize("key", ["remote.origin.pushurl", "remote.origin.url"])
def test_several_push_urls_are_refused_with_advice_that_works(key: str, tmp_path: Path) -> None:
    """The state is in one repository; following the message names it."""
    repo = configured(tmp_path / "repo", ("remote.origin.url", HTTPS), (key, SSH), (key, HTTPS))
    with pytest.raises(SettingsError, match=r"pushes to [23] URLs") as refusal:
        read(repo).push_url()
    assert "`git config --replace-all remote.origin.pushurl URL`" in str(refusal.value)
    repo.git("config", "--replace-all", "remote.origin.pushurl", SSH)
    assert read(repo).push_url() == SSH


def test_what_ci_put_into_the_clone_is_handed_over(tmp_path: Path) -> None:
    """Credentials that a checkout action left there, and nothing that changes how objects travel."""
    entries = (
        ("http.https://git.example.org/.extraheader", "x: y"),
        ("core.sshCommand", "ssh -i k"),
        ("push.gpgSign", "1"),
    )
    found = read(configured(tmp_path / "repo", *entries))
    assert set(found.handed_over) == {(entries[0][0], "x: y"), ("core.sshcommand", "ssh -i k")}


@pytest.mark.parametrize(
    ("entries", "env", "wanted"),
    [
        ([("user.name", "Ann"), ("user.email", "ann@example.org")], {}, "Ann <ann@example.org>"),
        ([("user.name", "Ann")], {}, "Ann"),
        ([("user.email", "ann@example.org")], {}, "ann@example.org"),
        ([("user.name", "Ann"), ("author.name", "Anna")], {}, "Anna"),
        (
            [("user.name", "Ann")],
            {"GIT_AUTHOR_NAME": "Bob", "GIT_AUTHOR_EMAIL": "bob@example.org"},
            "Bob <bob@example.org>",
        ),
        ([], {}, ""),
    ],
)
def test_who_commits_here(entries: list[tuple[str, str]], env: dict[str, str], wanted: str, tmp_path: Path) -> None:
    """As git would name the author of a commit (ENG-11)."""
    assert read(configured(tmp_path / "repo", *entries)).identity(env) == wanted
