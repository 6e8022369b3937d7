"""Settings: a value of the wrong kind is refused by name, an absent one has its documented default."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.config.table import BY_KEY, BY_VARIABLE, SETTINGS
from orch_gates.errors import SettingsError
from orch_gates.settings import Settings, load
from orch_gates.variables.resolve import FileValue, ValueOrigin, resolve
from orch_gates.variables.setting import Setting, ValueKind

FLAGS = ["ORCH_SECURITY_ENABLED", "ORCH_SECURITY_DEP_AUDIT_ENABLED", "ORCH_SECURITY_DEP_AUDIT_FAIL_CLOSED"]
COUNTS = [
    "ORCH_SECURITY_MAX_BYTES",
    "ORCH_SECURITY_MAX_OBJECT_BYTES",
    "ORCH_SECURITY_MAX_OBJECTS",
    "ORCH_SECURITY_MAX_REFS",
    "ORCH_SECURITY_TIMEOUT_S",
    "ORCH_SECURITY_DEP_AUDIT_TIMEOUT_S",
]


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("value", ["maybe", "2", "tru", "yes please", "-1"])
def test_a_flag_that_is_neither_is_refused(name: str, value: str) -> None:
    """A mistyped switch never silently means on or off."""
    with pytest.raises(SettingsError, match=name):
        load({name: value}).scope("security")


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", ["0", "9" * 400, "-1", "1.5", "many", "1e6", "1_000", "٣", "²", "0x10"])
def test_a_number_that_is_none_is_refused(name: str, value: str) -> None:
    """A limit is a whole number above zero; nothing else is guessed at."""
    with pytest.raises(SettingsError, match=name):
        load({name: value})


@pytest.mark.parametrize(
    "setting", [one for one in SETTINGS if one.variable.endswith("_S")], ids=lambda one: one.variable
)
def test_a_wait_is_no_longer_than_the_system_can_count(setting: Setting) -> None:
    """Eleven days at most, said before anything is waited for."""
    name, most = setting.variable, setting.most
    assert most <= 1_000_000
    load({name: str(most)})
    with pytest.raises(SettingsError, match=f"{name}='{most + 1}' is not a whole number .*, up to {most}"):
        load({name: str(most + 1)})


def test_an_unknown_engine_is_refused() -> None:
    """A mistyped engine does not fall back to another."""
    with pytest.raises(SettingsError, match="ORCH_SECURITY_ENGINE"):
        load({"ORCH_SECURITY_ENGINE": "trufflehog"})


def test_the_defaults() -> None:
    """Without any variable: the gate is on, here, with the engine that comes along, with bounds."""
    settings = load({})
    security = settings.security
    scope = settings.scope("security")
    assert (scope.enabled, scope.repos, security.engine) == (True, (), "kingfisher")
    assert (security.dep_audit_enabled, security.dep_audit_fail_closed) == (True, False)
    budget = security.budget
    assert min(budget.content_bytes, budget.object_bytes, budget.objects, budget.refs, budget.seconds) > 0
    assert settings.tools.cache_dir is None
    assert not settings.ci.active
    assert (settings.target, settings.allow_key, settings.hook.quarantine) == ("", "", "")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("1", True), ("TRUE", True), ("yes", True), (" on ", True), ("0", False), ("No", False), ("off", False)],
)
def test_switches_are_read_in_any_usual_spelling(value: str, wanted: bool) -> None:
    """The usual words for yes and no, in any case."""
    assert load({"ORCH_SECURITY_ENABLED": value}).scope("security").enabled is wanted


def _budget(settings: Settings) -> list[float]:
    budget = settings.security.budget
    sizes = [budget.content_bytes, budget.object_bytes, budget.objects, budget.refs, budget.seconds]
    return [*sizes, settings.security.dep_audit_timeout]


@pytest.mark.parametrize(("at", "name"), list(enumerate(COUNTS)))
@given(value=st.integers(1, 10**6))
def test_each_limit_has_its_own_variable(at: int, name: str, value: int) -> None:
    """A number sets its limit and no other."""
    changed = _budget(load({name: str(value)}))
    assert changed[at] == value
    usual = _budget(load({}))
    assert changed[:at] + changed[at + 1 :] == usual[:at] + usual[at + 1 :]


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({"ORCH_CACHE_DIR": "/a"}, Path("/a")),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, Path("/x/orch-gates")),
        ({"HOME": "/h"}, Path("/h/.cache/orch-gates")),
        ({"ORCH_CACHE_DIR": "/a", "XDG_CACHE_HOME": "/x"}, Path("/a")),
        ({"ORCH_CACHE_DIR": "a"}, Path.cwd() / "a"),
        ({}, None),
    ],
)
def test_the_cache_is_where_it_is_asked_for(environ: dict[str, str], wanted: Path | None) -> None:
    """Named first, then XDG, then HOME; a hook without a HOME has none and works."""
    assert load(environ).tools.cache_dir == wanted


def test_lists_are_split_at_commas() -> None:
    """Blanks around a name and empty names do not count."""
    assert load({"ORCH_SECURITY_REPOS": " a/b, ,c/d,"}).scope("security").repos == ("a/b", "c/d")


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({"GITHUB_REPOSITORY": "acme/app"}, "acme/app"),
        ({"GITEA_REPO_USER_NAME": "acme", "GITEA_REPO_NAME": "app"}, "acme/app"),
        ({"GITEA_REPO_NAME": "app"}, ""),
        ({}, ""),
    ],
)
def test_the_repository_is_named_by_the_runner_or_the_server(environ: dict[str, str], wanted: str) -> None:
    """In CI and in a Gitea hook the same name comes out (GATE-3)."""
    assert load(environ).ci.repository == wanted


@pytest.mark.parametrize(("value", "wanted"), [("true", True), ("woodpecker", True), ("false", False), ("", False)])
def test_ci_is_what_the_runner_says(value: str, wanted: bool) -> None:
    """Some runners put their own name there: anything but a no means CI."""
    assert load({"CI": value}).ci.active is wanted


def test_retries_and_defers_may_be_none_at_all() -> None:
    """Zero is a limit: a person is asked at once (ENG-4, ENG-5)."""
    limits = load({"ORCH_MAX_DEVELOPER_RETRIES": "0", "ORCH_MERGE_DEFER_MAX_ATTEMPTS": "0"}).limits
    assert (limits.max_developer_retries, limits.defer_max_attempts) == (0, 0)


def test_the_environment_overrides_the_file_and_the_file_the_default() -> None:
    """A variable that is empty is as good as none (issue 4)."""
    given = {"ORCH_SECURITY_ENGINE": FileValue("kingfisher", ".orch-gates.yaml:2:11@abc")}
    for environ, wanted, source in (
        ({"ORCH_SECURITY_ENGINE": "gitleaks"}, "gitleaks", ValueOrigin.ENVIRONMENT),
        ({"ORCH_SECURITY_ENGINE": " "}, "kingfisher", ValueOrigin.FILE),
        ({}, "kingfisher", ValueOrigin.FILE),
    ):
        settings = load(environ, given)
        assert settings.security.engine == wanted
        assert settings.resolved(BY_VARIABLE["ORCH_SECURITY_ENGINE"]).source is source
    assert load({}).resolved(BY_VARIABLE["ORCH_SECURITY_ENGINE"]).source is ValueOrigin.DEFAULT


@pytest.mark.parametrize("setting", [setting for setting in SETTINGS if setting.key is None])
def test_a_file_cannot_say_what_belongs_to_the_machine(setting: Setting) -> None:
    """Programs, directories and keys come from the environment, whatever a caller hands over (P5)."""
    assert load({}, {setting.variable: FileValue("x", "there")}).resolved(setting).source is ValueOrigin.DEFAULT


def test_a_bad_secret_is_not_repeated() -> None:
    """The message of a refused value never holds a secret (SEC-5)."""
    secret = Setting("ORCH_SOME_KEY", ValueKind.NUMBER, 1, "A key.", secret=True)
    with pytest.raises(SettingsError) as refusal:
        resolve(secret, {"ORCH_SOME_KEY": "hunter2"}, {})
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("variable", "values"),
    [
        ("ORCH_STATE_BRANCH", ["refs/heads/orch-state", "heads/orch-state", "a b", "-x", "a..b", "x.lock", "a\nb"]),
        ("ORCH_TARGET", ["refs/heads/main", "a b", "-x", "a..b", "a~1", "x.lock", "/a", "a/", "a@{1}", "a\x07b"]),
        ("ORCH_STATE_AUTHOR_NAME", ["a\nb", "a <b@c>", "a\x7fb", "a\udc80b"]),
        ("ORCH_STATE_AUTHOR_EMAIL", ["CI Bot <ci@example.org>", "a b@c", "a@b\nc", "<a@b>"]),
        ("ORCH_STATE_BY", ["a\nb", "a\rb", "a\u2028b"]),
    ],
)
def test_what_becomes_part_of_git_is_checked_when_it_is_read(variable: str, values: list[str]) -> None:
    """One bad commit on the state branch would stop every machine (ST-9)."""
    for value in values:
        with pytest.raises(SettingsError, match=f"^{variable}="):
            load({variable: value})


def test_the_usual_names_are_taken() -> None:
    """Names of people in any script, and of branches as git takes them."""
    for variable, value in (
        ("ORCH_STATE_AUTHOR_NAME", "Jörg Müller-Łukasz, CI"),
        ("ORCH_STATE_BY", "Ann <ann@example.org>"),
        ("ORCH_STATE_BRANCH", "ci/orch-state"),
        ("ORCH_TARGET", "größe#1/next"),
    ):
        assert load({variable: value}).resolved(BY_VARIABLE[variable]).value == value


def test_a_full_ref_is_answered_with_what_to_write() -> None:
    """CI variables hold full refs (ST-9)."""
    with pytest.raises(SettingsError, match="give the branch's name without refs/heads/"):
        load({"ORCH_STATE_BRANCH": "refs/heads/orch-state"})


def test_writers_of_the_server_and_of_the_repository_add_up() -> None:
    """A bot of the whole server stays a writer; the author is one unless the server names others."""
    given = {"ORCH_STATE_WRITERS": FileValue(("ann", "bot"), ".orch-gates.yaml:2:12@abc")}
    both = load({"ORCH_STATE_WRITERS": "bot,ci"}, given)
    assert both.state.writers == ("bot", "ci", "ann")
    origin = both.resolved(BY_KEY["state.writers"])
    assert (origin.source, origin.place) == (
        ValueOrigin.ENVIRONMENT,
        "ORCH_STATE_WRITERS and .orch-gates.yaml:2:12@abc",
    )
    assert load({}, given).state.writers == ("orch-gates", "orch-gates@localhost", "ann", "bot")
    assert load({}).state.writers == ("orch-gates", "orch-gates@localhost")
