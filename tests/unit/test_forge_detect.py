"""Which forge is asked: decided from what is said, what the runner tells, and where the clone is from."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.errors import SettingsError
from orch_gates.forge.detect import CiJob, ForgeAddress, ForgeOptions, resolve_forge, same_repository
from orch_gates.forge.port.server import ForgeKind
from orch_gates.settings import load

URL = "https://git.example.org"
NAMED = ForgeOptions(url=URL, repository="acme/app")
GITEA, FORGEJO, GITHUB = (
    CiJob("gitea", "http://gitea.example.org:3000"),
    CiJob("forgejo", "https://forgejo.example.org"),
    CiJob("github", "https://ghe.example.org"),
)


@pytest.mark.parametrize(
    ("options", "job", "wanted"),
    [
        (ForgeOptions(), CiJob(), None),
        (ForgeOptions(token=True), CiJob(), None),
        (ForgeOptions(repository="acme/app"), GITEA, None),
        (replace(NAMED, kind="none", token=True), GITEA, None),
        (
            ForgeOptions(repository="acme/app", token=True),
            GITEA,
            ForgeAddress(ForgeKind.GITEA, GITEA.server, "acme/app"),
        ),
        (
            ForgeOptions(repository="acme/app", token=True),
            FORGEJO,
            ForgeAddress(ForgeKind.FORGEJO, FORGEJO.server, "acme/app"),
        ),
        (
            ForgeOptions(repository="acme/app", token=True),
            GITHUB,
            ForgeAddress(ForgeKind.GITHUB, GITHUB.server, "acme/app"),
        ),
        (NAMED, CiJob(), ForgeAddress(None, URL, "acme/app")),
        (NAMED, GITEA, ForgeAddress(None, URL, "acme/app")),
        (
            replace(NAMED, url="https://GitHub.com/"),
            CiJob(),
            ForgeAddress(ForgeKind.GITHUB, "https://GitHub.com", "acme/app"),
        ),
        (replace(NAMED, url=GITHUB.server), GITHUB, ForgeAddress(ForgeKind.GITHUB, GITHUB.server, "acme/app")),
        (replace(NAMED, kind="forgejo"), CiJob(), ForgeAddress(ForgeKind.FORGEJO, URL, "acme/app")),
        (replace(NAMED, kind="github"), GITEA, ForgeAddress(ForgeKind.GITHUB, URL, "acme/app")),
        (
            replace(NAMED, kind="github", url=""),
            CiJob(),
            ForgeAddress(ForgeKind.GITHUB, "https://github.com", "acme/app"),
        ),
        (
            replace(NAMED, kind="github", url=""),
            GITEA,
            ForgeAddress(ForgeKind.GITHUB, "https://github.com", "acme/app"),
        ),
        (replace(NAMED, kind="gitea", url=""), FORGEJO, ForgeAddress(ForgeKind.GITEA, FORGEJO.server, "acme/app")),
        (ForgeOptions(url="/srv/git/app.git"), CiJob(), ForgeAddress(ForgeKind.LOCAL, "/srv/git/app.git")),
        (ForgeOptions(url="../app.git"), GITEA, ForgeAddress(ForgeKind.LOCAL, "../app.git")),
        (ForgeOptions(url="file:///srv/a%20b.git"), CiJob(), ForgeAddress(ForgeKind.LOCAL, "/srv/a b.git")),
    ],
)
def test_what_is_said_and_where_it_runs_decide(options: ForgeOptions, job: CiJob, wanted: ForgeAddress | None) -> None:
    """In a job its own forge is asked only with a token; a url of another server is asked what it is."""
    assert resolve_forge(options, job, "") == wanted


@pytest.mark.parametrize(
    ("origin", "wanted"),
    [
        ("https://git.example.org/acme/app.git", "acme/app"),
        ("https://user:secret@git.example.org/acme/app", "acme/app"),
        ("https://GIT.example.org:443/acme/app.git/", "acme/app"),
        ("ssh://git@git.example.org:2222/acme/app.git", "acme/app"),
        ("git@git.example.org:acme/app.git", "acme/app"),
        ("git.example.org:acme/app", "acme/app"),
        ("http://git.example.org/acme/app", ""),
        ("https://git.example.org:8443/acme/app", ""),
        ("https://elsewhere.example.org/acme/app.git", ""),
        ("git@elsewhere.example.org:acme/app.git", ""),
        ("https://git.example.org/app.git", ""),
        ("https://git.example.org/a/b/c.git", ""),
        ("https://git.example.org:port/acme/app", ""),
        ("https://[git.example.org/acme/app", ""),
        ("/srv/git/acme/app.git", ""),
        ("", ""),
    ],
)
def test_the_clone_says_which_repository_where_it_is_from_that_forge(origin: str, wanted: str) -> None:
    """A clone from somewhere else names nothing there."""
    if wanted:
        assert resolve_forge(ForgeOptions(url=URL), CiJob(), origin) == ForgeAddress(None, URL, wanted)
        assert resolve_forge(ForgeOptions(url=URL, repository="ot/her"), CiJob(), origin) == ForgeAddress(
            None, URL, "ot/her"
        )
    else:
        with pytest.raises(SettingsError, match="ORCH_FORGE_REPOSITORY"):
            resolve_forge(ForgeOptions(url=URL), CiJob(), origin)


def test_a_forge_may_live_below_a_path() -> None:
    place = resolve_forge(ForgeOptions(kind="gitea", url=f"{URL}/forge/"), CiJob(), f"{URL}/forge/acme/app.git")
    assert place == ForgeAddress(ForgeKind.GITEA, f"{URL}/forge", "acme/app")


@pytest.mark.parametrize(
    ("url", "origin", "words"),
    [
        (URL, "", "no remote `origin` here points to git.example.org; set ORCH_FORGE_REPOSITORY to"),
        (URL, "/srv/git/app.git", "points to git.example.org; set ORCH_FORGE_REPOSITORY to"),
        (
            URL,
            "https://ann@git.example.org:8443/acme/app",
            "points to git.example.org; it is at https://git.example.org:8443: fix ORCH_FORGE_URL, or ",
        ),
        (f"{URL}/api/v1", f"{URL}/acme/app.git", "leave that path out, or set ORCH_FORGE_REPOSITORY to"),
        (f"{URL}/acme/app", f"{URL}/acme/app.git", "leave that path out, or "),
        (f"{URL}/acme/app/pulls/7", "https://elsewhere.example.org/acme/app", "points to"),
    ],
)
def test_it_is_said_why_the_clone_does_not_name_the_repository(url: str, origin: str, words: str) -> None:
    """People give the url of a page, of the API, or of the repository."""
    with pytest.raises(SettingsError) as raised:
        resolve_forge(ForgeOptions(kind="gitea", url=url), CiJob(), origin)
    assert words in str(raised.value)


@pytest.mark.parametrize("path", ["other/app", "forges/app", "forge/app"])
def test_what_is_beside_it_is_another_place(path: str) -> None:
    """Nothing that lives there is a repository of this forge."""
    with pytest.raises(SettingsError, match="ORCH_FORGE_REPOSITORY"):
        resolve_forge(ForgeOptions(kind="gitea", url=f"{URL}/forge"), CiJob(), f"{URL}/{path}.git")


def test_a_bare_repository_is_where_the_clone_is_from() -> None:
    assert resolve_forge(ForgeOptions(kind="local"), CiJob(), "/srv/app.git") == ForgeAddress(
        ForgeKind.LOCAL, "/srv/app.git"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (ForgeOptions(kind="gitea", repository="acme/app"), "ORCH_FORGE_URL"),
        (ForgeOptions(kind="local"), "path of a bare repository"),
        (ForgeOptions(kind="local", url=URL), "path of a bare repository"),
        (replace(NAMED, url="ssh://git@git.example.org/acme/app"), "https://git.example.org"),
        (replace(NAMED, url="git@git.example.org:acme/app"), "https://git.example.org"),
        (replace(NAMED, url="https://"), "https://git.example.org"),
        (replace(NAMED, url="https://git.example.org:x"), "https://git.example.org"),
        (replace(NAMED, url="https://git.example.org?a=b"), "https://git.example.org"),
        (replace(NAMED, url="https://git.example.org :3000"), "https://git.example.org, with no"),
        (replace(NAMED, kind="gitea", url="/srv/app.git"), "https://git.example.org"),
        (replace(NAMED, repository="app"), "owner/name"),
        (replace(NAMED, repository="a/b/c"), "owner/name"),
        (replace(NAMED, repository="a/b\nc"), "owner/name"),
        (replace(NAMED, repository="../app"), "owner/name"),
        (replace(NAMED, repository="a/."), "owner/name"),
    ],
)
def test_what_cannot_be_used_is_said(options: ForgeOptions, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as raised:
        resolve_forge(options, CiJob(), "")
    assert "\n" not in str(raised.value)


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    """OWN-1: it would be in argv, and in every message."""
    secret = secrets.token_hex(8)
    with pytest.raises(SettingsError) as raised:
        resolve_forge(replace(NAMED, url=f"https://user:{secret}@git.example.org"), CiJob(), "")
    assert secret not in str(raised.value)


@given(url=st.text(max_size=60), origin=st.text(max_size=60), kind=st.sampled_from(["auto", *ForgeKind]))
def test_any_text_is_used_or_refused(url: str, origin: str, kind: str) -> None:
    try:
        resolve_forge(ForgeOptions(kind, url, "acme/app", token=True), GITEA, origin)
        resolve_forge(ForgeOptions(kind, url), CiJob(), origin)
    except SettingsError as error:
        assert "ORCH_FORGE" in str(error)


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, ""),
        ({"GITHUB_ACTIONS": "true"}, "github"),
        ({"GITHUB_ACTIONS": "true", "GITEA_ACTIONS": "true"}, "gitea"),
        ({"GITHUB_ACTIONS": "true", "FORGEJO_ACTIONS": "true"}, "forgejo"),
        ({"GITHUB_ACTIONS": "true", "GITEA_ACTIONS": "true", "FORGEJO_ACTIONS": "true"}, "forgejo"),
        ({"GITHUB_ACTIONS": "true", "GITEA_ACTIONS": "false"}, "github"),
    ],
)
def test_the_runner_says_whose_it_is(environ: dict[str, str], wanted: str) -> None:
    """Every runner says that it is GitHub's; the others say more."""
    assert load(environ).ci.forge == wanted


def test_the_token_is_in_the_variable_that_is_named() -> None:
    token = secrets.token_hex(20)
    assert load({"ORCH_FORGE_TOKEN": token}).forge.token == token
    named = load({"ORCH_FORGE_TOKEN": "another", "ORCH_FORGE_TOKEN_ENV": "GITEA_TOKEN", "GITEA_TOKEN": token})
    assert named.forge.token == token
    assert token not in repr(named.forge)


def test_a_run_has_a_page() -> None:
    run = {"GITHUB_SERVER_URL": URL, "GITHUB_REPOSITORY": "acme/app", "GITHUB_RUN_ID": "7"}
    assert load(run).ci.run_url == f"{URL}/acme/app/actions/runs/7"
    assert all(load(run | {name: ""}).ci.run_url == "" for name in run)


def test_the_command_line_overrides_the_environment() -> None:
    """For what it names, and nothing else."""
    settings = load(
        {"ORCH_FORGE_URL": "https://elsewhere.example.org", "ORCH_FORGE": "github"}, overrides={"ORCH_FORGE_URL": URL}
    )
    assert (settings.forge.url, settings.forge.kind) == (URL, "github")


SHOP = "https://git.example.org/acme/shop"


@pytest.mark.parametrize(
    "url",
    [
        SHOP,
        f"{SHOP}.git",
        f"{SHOP}/",
        "https://GIT.Example.org/acme/shop.git",
        "https://git.example.org/Acme/Shop",
        "https://git.example.org:443/acme/shop",
        "https://ann@git.example.org/acme/shop.git",
        "ssh://git@git.example.org/acme/shop.git",
        "ssh://git@git.example.org:2222/acme/shop",
        "git@git.example.org:acme/shop.git",
        "git.example.org:/acme/shop",
        "http://git.example.org/acme/sh%6Fp",
    ],
)
def test_one_repository_has_many_urls(url: str) -> None:
    """However it is reached, by whomever, and however its name is spelled."""
    assert same_repository(SHOP, url)
    assert same_repository(url, SHOP)


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.org/acme/shop2",
        "https://git.example.org/shop",
        "https://git.example.org/other/acme/shop",
        "https://git.example.com/acme/shop",
        "git@example.org:acme/shop",
        "/acme/shop",
        "file:///acme/shop",
        "https://[::1/acme/shop",
        "https://git.example.org",
        "",
    ],
)
def test_another_url_is_another_repository(url: str) -> None:
    """Nor is what cannot be read the same as anything, itself included."""
    assert not same_repository(SHOP, url)
    assert not same_repository("https://[::1/acme/shop", url)


def test_paths_of_one_repository() -> None:
    """On this machine, where a path tells capitals apart."""
    assert same_repository("file:///srv/acme/shop.git", "/srv/acme/./shop")
    assert same_repository("file:///srv/a%20b", "/srv/a b/")
    assert not same_repository("/srv/acme/shop", "/srv/acme/Shop")
