"""What the test command may see, what is remembered of a green run, and for how long (MRG-3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.errors import SettingsError
from orch_gates.merge import retest
from orch_gates.merge.retest import Command
from orch_gates.model.ids import moment, timestamp
from orch_gates.model.proven import MAX_PROVEN, Proven, ProvenTree
from orch_gates.variables.groups import MergeSettings
from tests.tasks_builders import NOW, make_task

TREE, OTHER = ("a" * 40, "b" * 40)
SECOND = timedelta(seconds=1)
WANTED = Command("make test", 60, 0, {"PATH": "/bin", "LANG": "C"})
VERSION = "git version 2.39.5"
DEFAULTS = MergeSettings(
    catch_up="rebase",
    test="make test",
    test_timeout=60,
    test_retries=2,
    test_env=(),
    cache_days=7,
    fence="none",
    retry_enabled=True,
    retry_attempts=3,
    retry_base=2,
    retry_max=5,
    grace=30,
    regression_guard=True,
)
INHERITED = {
    "PATH": "/bin",
    "LANG": "C",
    "TZ": "UTC",
    "HOME": "/root",
    "GITHUB_TOKEN": "t",
    "ORCH_FORGE_TOKEN": "t",
    "SSH_AUTH_SOCK": "/s",
    "DATABASE_URL": "postgres://",
    "COLUMNS": "80",
}


# ---- the command


def test_without_a_command_the_statuses_count() -> None:
    assert retest.command(replace(DEFAULTS, test=""), INHERITED) is None


def test_the_command_sees_what_is_named_and_no_more() -> None:
    """No token, no home, nothing of the job's own; a variable that is not set is not made up."""
    assert retest.command(DEFAULTS, INHERITED) == Command(
        "make test", 60, 2, {"PATH": "/bin", "LANG": "C", "TZ": "UTC"}
    )
    named = retest.command(replace(DEFAULTS, test_env=("DATABASE_URL", "ABSENT")), INHERITED)
    assert named is not None
    assert named.env == {"PATH": "/bin", "LANG": "C", "TZ": "UTC", "DATABASE_URL": "postgres://"}


@pytest.mark.parametrize(
    "name",
    [
        "GITHUB_TOKEN",
        "GITEA_X",
        "FORGEJO_X",
        "ORCH_ANYTHING",
        "ACTIONS_RUNTIME_URL",
        "RUNNER_TEMP",
        "SSH_AUTH_SOCK",
        "GIT_DIR",
        "NPM_TOKEN",
        "my_secret",
        "DbPassword",
        "PGPASSWORD",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "API_KEY",
        "GOOGLE_APPLICATION_CREDENTIALS",
    ],
)
def test_no_variable_that_may_hold_a_credential_is_handed_over(name: str) -> None:
    """The command runs the branch's own code; the message says what to change."""
    with pytest.raises(SettingsError, match=rf"test_env\) names {name}: .* use a variable of another name"):
        retest.command(replace(DEFAULTS, test_env=("COLUMNS", name)), INHERITED)


@pytest.mark.parametrize("name", ["COLUMNS", "DATABASE_URL", "JAVA_HOME", "CI_NODE_INDEX", "MONKEY", "GITTER"])
def test_other_variables_are(name: str) -> None:
    found = retest.command(replace(DEFAULTS, test_env=(name,)), INHERITED | {name: "x"})
    assert found is not None
    assert found.env[name] == "x"


# ---- what a green run is remembered by


@pytest.mark.parametrize(
    ("command", "tree", "version"),
    [
        (WANTED, OTHER, VERSION),
        (WANTED, TREE, "git version 2.40.0"),
        (replace(WANTED, text="make tests"), TREE, VERSION),
        (replace(WANTED, env={"PATH": "/bin"}), TREE, VERSION),
        (replace(WANTED, env={"PATH": "/bin", "LANG": "de"}), TREE, VERSION),
        (replace(WANTED, env={"PATH": "/bin", "LANG": "C", "X": ""}), TREE, VERSION),
        (replace(WANTED, text=f"make test\n{VERSION}"), TREE, ""),
    ],
)
def test_another_tree_command_or_environment_is_tested_anew(command: Command, tree: str, version: str) -> None:
    assert command.digest(tree, version) != WANTED.digest(TREE, VERSION)


@pytest.mark.parametrize(
    "same",
    [
        WANTED,
        replace(WANTED, env={"LANG": "C", "PATH": "/bin"}),
        replace(WANTED, env={"LANG": "C", "PATH": "/opt/tools:/bin"}),
        replace(WANTED, timeout=1, retries=9),
    ],
)
def test_the_same_is_not_tested_twice(same: Command) -> None:
    """In whatever order the variables come; where programs are, and how long it may take, are no part of it."""
    key = same.digest(TREE, VERSION)
    assert key == WANTED.digest(TREE, VERSION)
    ProvenTree(digest=key, tree=TREE, task=make_task().id, tested=timestamp(NOW), expires=timestamp(NOW))


def test_a_variable_that_is_no_text_is_part_of_it_too() -> None:
    """As Python hands over bytes that are no UTF-8."""
    assert replace(WANTED, env={"X": "\udcff"}).digest(TREE, VERSION) != WANTED.digest(TREE, VERSION)


# ---- remembering


def key(number: int) -> str:
    return f"{number:064x}"


def remembered(before: Proven | None, number: int, *, days: int = 7, at: timedelta = timedelta(0)) -> Proven:
    after = retest.remembered(before, "main", key(number), TREE, make_task(), NOW + at, days)
    return Proven.model_validate_json(after.model_dump_json(by_alias=True))


def test_a_green_run_counts_until_it_expires() -> None:
    """To the second; whoever asks is told which task it was tested for."""
    proven = remembered(None, 1, days=2)
    end = timedelta(days=2)
    found = retest.known(proven, key(1), NOW + end - SECOND)
    assert found is not None
    assert (found.tree, found.task, found.tested) == (TREE, "T-1", timestamp(NOW))
    assert retest.known(proven, key(1), NOW + end) is None
    assert retest.known(proven, key(2), NOW) is None
    assert retest.known(None, key(1), NOW) is None


def test_an_expired_run_is_forgotten_and_a_newer_one_replaces_it() -> None:
    """The same key is there once, with the later end."""
    proven = remembered(remembered(None, 1, days=1), 2, days=3)
    assert [one.digest for one in remembered(proven, 3, at=timedelta(days=1) - SECOND).trees] == [
        key(1),
        key(2),
        key(3),
    ]
    assert [one.digest for one in remembered(proven, 3, at=timedelta(days=1)).trees] == [key(2), key(3)]
    again = remembered(proven, 1, at=SECOND)
    assert [one.digest for one in again.trees] == [key(2), key(1)]
    assert again.trees[-1].tested == timestamp(NOW + SECOND)


def test_the_oldest_are_forgotten_first() -> None:
    """So that the document stays one, however much is merged in a week."""
    proven: Proven | None = None
    for number in range(MAX_PROVEN + 3):
        proven = retest.remembered(proven, "main", key(number), TREE, make_task(), NOW, 7)
        assert [one.digest for one in proven.trees] == [key(one) for one in range(max(0, number - 99), number + 1)]
    assert MAX_PROVEN == 100


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5), st.integers(0, 200_000)), max_size=40))
def test_what_is_remembered_is_bounded_and_counts(runs: list[tuple[int, int, int]]) -> None:
    """After any runs: no key twice, nothing expired, and the newest is found."""
    proven: Proven | None = None
    now = NOW
    for number, days, seconds in runs:
        now += timedelta(seconds=seconds)
        proven = retest.remembered(proven, "main", key(number), TREE, make_task(), now, days)
        keys = [one.digest for one in proven.trees]
        assert len(keys) == len(set(keys)) <= MAX_PROVEN
        assert keys[-1] == key(number)
        assert all(now < moment(one.expires) for one in proven.trees[:-1])
        assert (retest.known(proven, key(number), now) is not None) is (days > 0)
