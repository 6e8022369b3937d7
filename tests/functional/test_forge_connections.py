"""How a forge is reached: names, certificates, tokens, and connections that are used again."""

from __future__ import annotations

import gzip
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orch_gates.errors import ForgeRefused, ForgeUnavailable, ForgeUnclear
from orch_gates.forge.gitea import connect as gitea
from orch_gates.forge.gitea.connect import DIALECT
from orch_gates.forge.github import connect as github
from orch_gates.forge.http import Api
from orch_gates.forge.port.checks import CommitStatus, StatusState
from orch_gates.forge.port.forge import Forge
from tests.fakes.scripted_http import certificate, chunked, says, serving

# No test looks up a name in its own process. The resolver of another one is told not to wait for long.
_UNKNOWN = """
from orch_gates.errors import ForgeUnavailable
from orch_gates.forge.gitea.connect import DIALECT
from orch_gates.forge.http import Api
try:
    Api("http://forge.invalid", "", 5, DIALECT).write("DELETE", "/x")
except ForgeUnavailable as error:
    print(type(error).__name__, error)
"""


def test_an_unknown_name_is_said() -> None:
    """A write was never sent."""
    env = {**os.environ, "RES_OPTIONS": "timeout:1 attempts:1"}
    done = subprocess.run([sys.executable, "-c", _UNKNOWN], env=env, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("ForgeUnavailable forge.invalid cannot be reached: its host name does not resolve"), (
        done
    )


def test_many_calls_use_one_connection() -> None:
    """Whatever their answers look like, refusals included."""
    answers = [
        says(200, {"id": 1}),
        says(200, {"id": 1}),
        says(200, gzip.compress(b"{}"), Content_Encoding="gzip"),
        chunked(b"{", b"}"),
        says(200, "x" * 300_000),
        says(201, {"id": 2}),
        says(404, {"message": "nothing"}),
        says(204),
        says(200),
    ]
    with serving(*answers) as server:
        api = Api(server.url, "", 5, DIALECT)
        for _ in range(5):
            api.get("/x")
        api.write("POST", "/x", {"title": "one"})
        with pytest.raises(ForgeRefused):
            api.get("/y")
        api.write("DELETE", "/x")
        api.write("POST", "/x/merge", {})
        assert len(server.seen) == len(answers)
        assert server.connections == 1


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({}, r"self.signed certificate\): set REQUESTS_CA_BUNDLE to"),
        ({"start": "20200101", "end": "20210101"}, r"certificate has expired\): check the clock of this machine"),
        ({"start": "20990101", "end": "21000101"}, r"not yet valid\): check the clock of this machine"),
        ({"name": "IP:127.0.0.2"}, r"mismatch.*\): check the URL"),
        ({"name": "DNS:forge.invalid"}, r"mismatch.*\): check the URL"),
    ],
    ids=["self-signed", "expired", "not yet valid", "another address", "another name"],
)
def test_a_certificate_that_is_not_trusted_says_why(
    made: dict[str, str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line that says what to do; all but the first are vouched for."""
    pair = certificate(tmp_path, **made)
    if made:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pair[0]))
    with serving(says(200, {}), certificate=pair) as server, pytest.raises(ForgeUnavailable, match=words) as raised:
        Api(server.url, "", 5, DIALECT).get("/x")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("connect", [gitea.connect, github.connect], ids=["gitea", "github"])
@pytest.mark.parametrize("name", [".", ".."])
def test_a_name_that_leads_elsewhere_is_not_asked_for(
    connect: Callable[[str, str, str, float], Forge], name: str
) -> None:
    """Clients and servers drop such parts of a path: another thing than the one named would be read, or changed."""
    with serving(says(200, {})) as server:
        asked = connect(server.url, "alice/project", "", 5)
        for ask in (
            lambda: asked.statuses.latest(name),
            lambda: asked.statuses.post(name, CommitStatus("build", StatusState.SUCCESS)),
            lambda: asked.workflows.dispatch(name, "main", {}),
            lambda: connect(server.url, f"{name}/{name}", "", 5).pulls.get(1),
        ):
            with pytest.raises(ForgeRefused, match="is no name"):
                ask()
        assert server.seen == []


@pytest.mark.parametrize("connect", [gitea.connect, github.connect], ids=["gitea", "github"])
def test_a_commit_is_one_part_of_a_path(connect: Callable[[str, str, str, float], Forge]) -> None:
    with serving(says(200, {})) as server:
        asked = connect(server.url, "alice/project", "", 5)
        with pytest.raises(ForgeUnavailable):
            asked.statuses.latest("a/../../b?c")
        assert "/commits/a%2F..%2F..%2Fb%3Fc/statuses" in server.seen[0].path


def test_a_certificate_of_ones_own_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the variable that every tool of the kind knows."""
    pair = certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pair[0]))
    with serving(says(200, {"ok": True}), certificate=pair) as server:
        assert Api(server.url, "", 5, DIALECT).get("/x") == {"ok": True}


def test_the_token_goes_where_it_belongs_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the header, whatever a netrc file says, and not after a redirect to somewhere else."""
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login somebody password {secrets.token_hex(8)}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    token = secrets.token_hex(20)
    with serving(says(200, [])) as elsewhere, serving(says(200, {}), says(302, {}, Location=elsewhere.url)) as server:
        api = Api(server.url, token, 5, DIALECT)
        api.get("/x", page=1)
        with pytest.raises(ForgeUnavailable, match="from a proxy between"):
            api.get("/x")
        with pytest.raises(ForgeUnclear, match="from a proxy between"):
            api.write("POST", "/x", {})
        assert [one.headers["Authorization"] for one in server.seen] == [f"token {token}"] * 3
        assert all(token not in one.path for one in server.seen)
        assert elsewhere.seen == []
    assert token not in repr(api.__dict__)
