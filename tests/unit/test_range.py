"""Which commits an event asks to judge (SEC-1)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.gates.range import Event, parse_event

OLD, NEW = "a" * 40, "b" * 40
REPOSITORY = {"default_branch": "main", "full_name": "acme/app"}
PULL = {
    "action": "synchronize",
    "number": 7,
    "pull_request": {
        "base": {"ref": "release", "sha": OLD},
        "head": {"ref": "topic", "sha": NEW, "repo": {"fork": True}},
    },
    "repository": REPOSITORY,
}


def push(ref: str, **more: object) -> dict[str, object]:
    return {"ref": ref, "before": OLD, "after": NEW, "repository": REPOSITORY, **more}


@pytest.mark.parametrize(
    ("name", "payload", "wanted"),
    [
        ("pull_request", PULL, Event("release", NEW, default="main", source="topic")),
        ("pull_request_target", PULL, Event("release", NEW, default="main", source="topic")),
        ("push", push("refs/heads/main"), Event("", NEW, OLD, "main", "main")),
        ("push", push("refs/heads/topic"), Event("", NEW, OLD, "topic", "main")),
        ("push", push("refs/tags/main"), Event("", NEW, OLD, "", "main")),
        ("push", push("refs/heads/main", forced=True, total_commits=3), Event("", NEW, OLD, "main", "main")),
        ("push", push("refs/heads/main", before="0" * 40), Event("", NEW, "0" * 40, "main", "main")),
        ("schedule", {"repository": REPOSITORY}, Event(default="main")),
        ("workflow_dispatch", {"ref": "refs/heads/topic", "repository": REPOSITORY}, Event(default="main")),
        ("", {}, Event()),
        ("pull_request", {}, Event()),
        ("pull_request", {"pull_request": None}, Event()),
        ("pull_request", {"pull_request": {"base": [], "head": {"sha": 7}}}, Event()),
        ("push", {}, Event()),
        ("push", {"repository": "acme/app", "ref": 1, "after": None}, Event()),
    ],
)
def test_what_an_event_names(name: str, payload: dict[str, Any], wanted: Event) -> None:
    """GitHub's, Gitea's and Forgejo's payloads agree on these fields; what is missing is empty."""
    assert parse_event(name, payload) == wanted


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["pull_request", "base", "head", "ref", "sha", "repository"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@given(
    name=st.sampled_from(["push", "pull_request", "schedule"]),
    payload=st.dictionaries(st.sampled_from(["pull_request", "repository", "ref", "before", "after"]), JSON),
)
def test_no_payload_breaks_the_reader(name: str, payload: dict[str, Any]) -> None:
    """An event comes from outside; of another form it names nothing."""
    event = parse_event(name, payload)
    assert all(isinstance(value, str) for value in (event.target, event.head, event.before))
