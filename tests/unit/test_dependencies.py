"""The range is blamed for the vulnerabilities that it adds, and for those only (SEC-7)."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.errors import BudgetExceeded, GitError
from orch_gates.gates.security.changed_pins import MOST_BYTES, MOST_FILES, changed_pins
from orch_gates.gates.security.dependencies import ChangedFile, DependencyFacts, doubt, gather, judge
from orch_gates.git.cli import Git, open_repository
from orch_gates.process import Completed
from orch_gates.scanners.pins import kinds
from orch_gates.scanners.pins.pin import Pin, Pins
from orch_gates.scanners.pip_audit import CONTROL, Audited, Degraded, Vulnerability, read_answer
from tests.builders import Repo, run

SHOP = Pin("shop", "1.0")
LOCK = 'version = 1\n[[package]]\nname = "shop"\nversion = "1.0"\n'
PROJECT = '[project]\ndependencies = ["shop>=1"]\n'
ANSWERS = st.dictionaries(
    st.builds(Pin, st.sampled_from(["a", "b"]), st.sampled_from(["1", "2"])),
    st.lists(st.builds(Vulnerability, st.sampled_from(["V-1", "V-2"]), st.just(("9",))), unique=True).map(tuple),
)
SIDES = st.lists(st.sampled_from(["a==1", "a==2", "b==1", "b==2"]), unique=True).map("\n".join)


def changed(
    path: str,
    base: bytes | None,
    head: bytes | None,
    locked_base: frozenset[str] = frozenset(),
    locked_head: frozenset[str] = frozenset(),
) -> ChangedFile:
    before, after = (None if side is None else kinds.read(side, path) for side in (base, head))
    return ChangedFile(path, before, after, locked_base, locked_head)


FILES = st.lists(
    st.builds(
        changed,
        st.sampled_from(["requirements.txt", "requirements/dev.txt"]),
        st.none() | SIDES.map(str.encode),
        SIDES.map(str.encode),
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda file: file.path,
).map(tuple)


@dataclass(slots=True)
class Asked:
    """An auditor that knows of no vulnerability and remembers what it was asked."""

    pins: list[Collection[Pin]] = field(default_factory=list)

    def audit(self, pins: Collection[Pin]) -> Audited | Degraded:
        self.pins.append(pins)
        return Audited(dict.fromkeys(pins, ()))


def pinned(side: Pins | None) -> dict[Pin, int]:
    return dict(side.lines) if side else {}


def vulnerable(side: Pins | None, answer: Audited) -> set[tuple[str, str]]:
    return {(pin.name, known.id) for pin in pinned(side) for known in answer.known.get(pin, ())}


@given(FILES, ANSWERS)
def test_what_the_base_has_is_never_blamed(
    files: tuple[ChangedFile, ...], known: dict[Pin, tuple[Vulnerability, ...]]
) -> None:
    """A finding is a vulnerability that no changed file had; every other one is shown."""
    answer = Audited(known)
    result = judge(DependencyFacts(files, answer), fail_closed=True)
    before = {pair for file in files for pair in vulnerable(file.base, answer)}
    blamed = {(finding.description.split()[0], finding.rule) for finding in result.findings}
    after = {pair for file in files for pair in vulnerable(file.head, answer)}
    assert blamed == after - before
    shown = sum(len(known.get(pin, ())) for file in files for pin in pinned(file.head))
    assert len(result.findings) + len(result.notices) == shown
    assert result.refusal == ""


@given(FILES, ANSWERS)
def test_another_pin_takes_no_finding_away(
    files: tuple[ChangedFile, ...], known: dict[Pin, tuple[Vulnerability, ...]]
) -> None:
    """Adding to what the range adds never makes it look better."""
    more = tuple(ChangedFile(file.path, file.base, Pins({**pinned(file.head), Pin("c", "1"): 9})) for file in files)
    answer = Audited(known | {Pin("c", "1"): (Vulnerability("V-3", ()),)})
    first = {finding.id for finding in judge(DependencyFacts(files, answer), fail_closed=False).findings}
    second = {finding.id for finding in judge(DependencyFacts(more, answer), fail_closed=False).findings}
    assert first < second


@given(FILES, st.text(min_size=1), st.booleans())
def test_a_degraded_answer_refuses_only_when_asked_to(
    files: tuple[ChangedFile, ...], reason: str, closed: bool
) -> None:
    """It blames nobody, warns loudly, and refuses exactly when doubt is to refuse."""
    result = judge(DependencyFacts(files, Degraded(reason)), fail_closed=closed)
    assert result.findings == ()
    assert bool(result.refusal) is closed
    assert result.notices[0].startswith("WARNING: ")
    assert reason in result.notices[0]
    assert result.evidence["dependency_audit"] == "degraded"


@pytest.mark.parametrize("closed", [False, True])
def test_a_line_without_a_version_is_a_doubt(closed: bool) -> None:
    """What cannot be audited is told with its line, and refuses when doubt is to refuse."""
    file = changed("requirements.txt", None, b"shop==1.0\ntill>=2\n")
    known = Audited({SHOP: (Vulnerability("V-1", ("1.5",)),)})
    result = judge(DependencyFacts((file,), known), fail_closed=closed)
    assert "requirements.txt: 1 entry with no exact version (line 2)" in result.notices[0]
    assert bool(result.refusal) is closed
    assert [finding.rule for finding in result.findings] == ["V-1"]


@pytest.mark.parametrize(("path", "message"), [("setup.py", "a program"), ("uv.lock", "could not be read: not TOML")])
def test_a_file_that_is_not_read_is_a_doubt(path: str, message: str) -> None:
    """It is named with the reason, counted, and refuses when doubt is to refuse; nobody has to be asked."""
    auditor = Asked()
    facts = gather([changed(path, None, b"?")], auditor)
    result = judge(facts, fail_closed=True)
    assert auditor.pins == []
    assert f"{path} " in result.refusal
    assert message in result.refusal
    assert result.notices[0].startswith("WARNING: ")
    assert judge(facts, fail_closed=False).refusal == ""
    assert result.evidence == {
        "dependency_files_changed": 1,
        "dependency_files_unread": 1,
        "dependency_audit": "degraded",
        "dependencies_audited": 0,
    }


def test_ranges_that_a_lock_settles_are_told_once() -> None:
    """A range is no vulnerability: one line for the file says how many there are, and nothing refuses."""
    project = b'[project]\ndependencies = ["shop>=1", "Till_x"]\n[build-system]\nrequires = ["setuptools"]'
    file = changed("pyproject.toml", None, project, locked_head=frozenset({"shop", "till-x"}))
    result = judge(DependencyFacts((file,), Audited({})), fail_closed=True)
    assert result.refusal == ""
    assert result.notices == (
        "pyproject.toml: 2 entries with no exact version (line 2); a lockfile is beside it",
        "pyproject.toml: 1 entry for the build with no exact version (line 4); a lockfile is beside it",
    )


def test_a_range_that_no_lock_pins_is_a_doubt() -> None:
    """A lock that lacks the package says nothing about it; without a lock nor does the build's."""
    project = b'[project]\ndependencies = ["shop>=1", "till"]\n[build-system]\nrequires = ["setuptools"]'
    old = changed("pyproject.toml", None, project, locked_head=frozenset({"shop"}))
    result = judge(DependencyFacts((old,), Audited({})), fail_closed=True)
    assert "pyproject.toml: 1 entry with no exact version (line 2)" in result.refusal
    none = changed("pyproject.toml", None, project)
    assert (
        sum("WARNING" in line for line in judge(DependencyFacts((none,), Audited({})), fail_closed=True).notices) == 2
    )


@pytest.mark.parametrize("entry", [b"till>=2\n", b"-e .\n"])
def test_an_entry_that_was_there_before_is_no_doubt(entry: bytes) -> None:
    """It is shown as before; moving it to another line or another file does not make it new."""
    file = changed("requirements.txt", entry, b"# why\n" + entry)
    moved = changed("requirements/dev.txt", None, entry)
    result = judge(DependencyFacts((file, moved), Audited({})), fail_closed=True)
    assert result.refusal == ""
    assert all(line.endswith(", already before this change") for line in result.notices)
    assert len(result.notices) == 2


def test_a_range_whose_lock_goes_is_a_doubt() -> None:
    """What a lock had settled before, and none settles now, is as good as new."""
    project = b'[project]\ndependencies = ["shop>=1"]\n'
    file = changed("pyproject.toml", project, project + b"# why\n", locked_base=frozenset({"shop"}))
    assert "1 entry with no exact version" in judge(DependencyFacts((file,), Audited({})), fail_closed=True).refusal


def test_ranges_that_stay_settled_are_not_told_again() -> None:
    """Another change of the same file is no occasion."""
    project = b'[project]\ndependencies = ["shop>=1"]\n'
    locked = frozenset({"shop"})
    file = changed("pyproject.toml", project, project + b"# why\n", locked_base=locked, locked_head=locked)
    assert judge(DependencyFacts((file,), Audited({})), fail_closed=True).notices == ()


def test_a_vulnerability_behind_an_unreadable_base_is_a_doubt() -> None:
    """Whether the range brought it cannot be told: it is shown, not blamed, and refuses when doubt is to refuse."""
    file = changed("uv.lock", b"?", LOCK.encode())
    facts = DependencyFacts((file,), Audited({SHOP: (Vulnerability("V-1", ()),)}))
    result = judge(facts, fail_closed=True)
    assert result.findings == ()
    assert result.refusal.endswith("uv.lock as it was before could not be read: not TOML (line 1)")
    assert any("V-1" in line and line.endswith("perhaps already before this change") for line in result.notices)
    assert judge(DependencyFacts((file,), Audited({SHOP: ()})), fail_closed=True).refusal == ""


def test_a_base_of_an_unknown_format_tells_what_it_pins() -> None:
    """What was read of it is known to have been there; the rest is new."""
    lock = LOCK.replace("version = 1\n", "version = 9\n", 1)
    file = changed("uv.lock", lock.encode(), lock.encode() + b'[[package]]\nname = "till"\nversion = "1"\n')
    known = {SHOP: (Vulnerability("V-1", ()),), Pin("till", "1"): (Vulnerability("V-2", ()),)}
    result = judge(DependencyFacts((file,), Audited(known)), fail_closed=False)
    assert [finding.rule for finding in result.findings] == ["V-2"]
    assert result.evidence["dependency_files_unread"] == 1


def test_no_entry_is_repeated_in_words() -> None:
    """An address may hold a token, so only lines are shown (SEC-5)."""
    text = "".join(f"shop @ https://user:hidden-{n}@git.example.invalid/shop\n" for n in range(9))
    result = judge(DependencyFacts((changed("requirements.txt", None, text.encode()),), Audited({})), fail_closed=True)
    assert "hidden" not in str(result)
    assert "9 entries" in result.refusal


def test_two_kinds_of_files_name_the_same_package() -> None:
    """A move from one kind of file to another adds nothing; both are blamed for what is new in both."""
    known = Audited({SHOP: (Vulnerability("V-1", ()),)})
    moved = (changed("requirements.txt", b"shop==1.0\n", None), changed("uv.lock", None, LOCK.encode()))
    assert judge(DependencyFacts(moved, known), fail_closed=True).findings == ()
    new = (changed("requirements.txt", None, b"Shop==1.0\n"), changed("uv.lock", None, LOCK.encode()))
    found = judge(DependencyFacts(new, known), fail_closed=True).findings
    assert [(finding.path, finding.line) for finding in found] == [("requirements.txt", 1), ("uv.lock", 3)]


def test_files_that_cannot_be_read_are_a_doubt() -> None:
    """They pass with a warning, or refuse when doubt is to refuse."""
    assert doubt("no tree", fail_closed=False).refusal == ""
    assert "no tree" in doubt("no tree", fail_closed=False).notices[0]
    assert "no tree" in doubt("no tree", fail_closed=True).refusal


def test_an_upgrade_that_keeps_a_vulnerability_is_as_before() -> None:
    """Another version with the same vulnerability is shown; one with another is blamed."""
    file = changed("requirements.txt", b"shop==1.0\n", b"\nshop==2.0\n")
    old, new = Vulnerability("V-1", ()), Vulnerability("V-2", ("2.1",))
    known = {SHOP: (old,), Pin("shop", "2.0"): (old, new)}
    result = judge(DependencyFacts((file,), Audited(known)), fail_closed=True, commit="c" * 40)
    [finding] = result.findings
    assert (finding.rule, finding.path, finding.line, finding.commit) == ("V-2", "requirements.txt", 2, "c" * 40)
    assert "2.1" in finding.fix
    [notice] = result.notices
    assert notice == "requirements.txt:2: shop 2.0 has V-1 (fixed in no version yet), already before this change"


def test_a_vulnerability_under_another_name_is_as_before() -> None:
    """The feed may know it as PYSEC for one version and as GHSA for the next."""
    file = changed("requirements.txt", b"shop==1.0\n", b"shop==2.0\n")
    known = {
        SHOP: (Vulnerability("PYSEC-1", (), ("CVE-1",)),),
        Pin("shop", "2.0"): (Vulnerability("GHSA-1", (), ("CVE-1",)),),
    }
    result = judge(DependencyFacts((file,), Audited(known)), fail_closed=True)
    assert result.findings == ()
    assert "GHSA-1" in result.notices[0]


def test_the_evidence_counts_what_the_files_pin() -> None:
    """The control that is asked along with them is not among them."""
    file = changed("requirements.txt", b"shop==1.0", b"shop==2.0\ntill==1")
    facts = gather([file], Asked())
    assert facts is not None
    assert isinstance(facts.answer, Audited)
    result = judge(DependencyFacts(facts.changed, Audited({**facts.answer.known, CONTROL: ()})), fail_closed=True)
    assert result.evidence["dependencies_audited"] == 3


def test_a_folder_that_includes_itself_is_no_doubt() -> None:
    """The path of a file tells which one its -r means."""
    file = changed("requirements/all.txt", None, b"-r base.txt\nshop==1.0\n")
    assert judge(DependencyFacts((file,), Audited({SHOP: ()})), fail_closed=True).refusal == ""


def test_nothing_changed_asks_nobody() -> None:
    """Without a changed file there is no audit; with one, both of its sides are asked about."""
    auditor = Asked()
    assert gather([], auditor) is None
    assert auditor.pins == []
    gather([changed("requirements.txt", b"shop==1.0", b"shop==2.0")], auditor)
    assert auditor.pins == [{SHOP, Pin("shop", "2.0")}]
    assert judge(None, fail_closed=True).refusal == ""


def row(name: str, version: str, *ids: str) -> dict[str, object]:
    return {"name": name, "version": version, "vulns": [{"id": known, "fix_versions": ["9"]} for known in ids]}


GOOD = row("jinja2", "2.10", "C-1")


@pytest.mark.parametrize(
    ("code", "rows", "reason"),
    [
        (0, None, "no answer (exit 0)"),
        (1, None, "no answer (exit 1)"),
        (2, None, "no answer (exit 2)"),
        (0, [], "lacks the known vulnerabilities"),
        (2, [GOOD, row("shop", "1.0")], "exit 2"),
        (-9, [GOOD, row("shop", "1.0")], "exit -9"),
        (0, [row("jinja2", "2.10"), row("shop", "1.0")], "lacks the known vulnerabilities"),
        (1, [row("shop", "1.0", "V-1")], "lacks the known vulnerabilities"),
        (1, [GOOD], "did not answer for 1 of 2"),
        (1, [GOOD, {"name": "shop", "skip_reason": "not found"}], "skipped 1 of 2 packages, shop"),
        (1, [GOOD, {"name": "shop"}], "no answer"),
        (1, [GOOD, "shop"], "no answer"),
        (1, {"a": 1}, "no answer"),
    ],
)
def test_what_is_no_answer(code: int, rows: object, reason: str) -> None:
    """No JSON, another exit code, a skip, a missing pin, an unknown control: each is said."""
    stdout = b"" if rows is None else json.dumps({"dependencies": rows}).encode()
    answer = read_answer([SHOP, CONTROL], Completed(code, stdout, b"it broke"))
    assert isinstance(answer, Degraded)
    assert reason in answer.reason


@pytest.mark.parametrize("stdout", [b"[]", b"{}", b"null", b"\xff", b'{"dependencies": 3}', b'{"dependencies": null}'])
def test_another_document_is_no_answer(stdout: bytes) -> None:
    """JSON of another shape is not believed, whatever the exit code."""
    assert isinstance(read_answer([SHOP, CONTROL], Completed(0, stdout, b"")), Degraded)


def test_the_other_names_of_a_vulnerability_are_read() -> None:
    """They tell whether the base had it."""
    rows = [GOOD, row("shop", "1.0") | {"vulns": [{"id": "V-1", "fix_versions": [], "aliases": ["CVE-1"]}]}]
    answer = read_answer([SHOP, CONTROL], Completed(1, json.dumps({"dependencies": rows}).encode(), b""))
    assert isinstance(answer, Audited)
    assert answer.known[SHOP][0].names == {"V-1", "CVE-1"}


@pytest.mark.parametrize("name", ["Foo.Bar", "foo_bar", "foo__bar", "foo-bar"])
def test_an_answer_belongs_to_its_pin(name: str) -> None:
    """However the answer spells the package and its version."""
    pin = Pin("foo-bar", "1.0RC1")
    answer = read_answer(
        [pin, CONTROL], Completed(1, json.dumps({"dependencies": [GOOD, row(name, "1.0rc1", "V-1")]}).encode(), b"")
    )
    assert isinstance(answer, Audited)
    assert answer.known[pin] == (Vulnerability("V-1", ("9",)),)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    run("git", "init", "--quiet", "-b", "main", tmp_path / "repo", cwd=tmp_path)
    return Repo(tmp_path / "repo")


def reader(repo: Repo) -> Git:
    return open_repository(repo.path, os.environ, timeout=30)


def test_the_changed_files_of_pins_have_both_sides(repo: Repo) -> None:
    """Since the range left its base: what changed and is audited, before and after."""
    left = repo.commit(files={"requirements.txt": "a==1\n", "requirements/same.txt": "b==1\n", "notes.txt": "x"})
    head = repo.commit(files={"requirements.txt": "a==2\n", "requirements/new.txt": "c==1\n", "notes.txt": "y"})
    repo.git("checkout", "--quiet", "-b", "other", left)
    base = repo.commit(files={"requirements/same.txt": "b==2\n"})
    assert changed_pins(reader(repo), base, head) == (
        changed("requirements.txt", b"a==1\n", b"a==2\n"),
        changed("requirements/new.txt", None, b"c==1\n"),
    )


def test_without_a_base_every_file_is_new(repo: Repo) -> None:
    """The first push of a repository is judged as a whole."""
    head = repo.commit(files={"requirements.txt": "a==1\n"})
    assert changed_pins(reader(repo), "", head) == (changed("requirements.txt", None, b"a==1\n"),)


def test_a_moved_file_adds_nothing(repo: Repo) -> None:
    """What it pinned under its old name is what the base has; to delete one needs no audit."""
    base = repo.commit(files={"requirements.txt": "shop==1.0\n"})
    repo.git("mv", "requirements.txt", "dev-requirements.txt")
    head = repo.commit()
    files = changed_pins(reader(repo), base, head)
    known = Audited({SHOP: (Vulnerability("V-1", ()),)})
    result = judge(DependencyFacts(files, known), fail_closed=True)
    assert result.findings == ()
    assert len(result.notices) == 1
    repo.git("rm", "--quiet", "dev-requirements.txt")
    [file] = changed_pins(reader(repo), head, repo.commit())
    assert file == changed("dev-requirements.txt", b"shop==1.0\n", None)
    auditor = Asked()
    result = judge(gather([file], auditor), fail_closed=True)
    assert auditor.pins == []
    assert result.notices == ()
    assert (result.evidence["dependency_files_changed"], result.evidence["dependencies_audited"]) == (1, 0)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_a_file_too_large_to_audit_is_said(repo: Repo, before: bool) -> None:
    """A file over the budget, on either side of the range, is not read, and that is said (SEC-9)."""
    large, small = "#" * (MOST_BYTES + 1), "shop==1.0\n"
    base = repo.commit(files={"requirements.txt": large if before else small, "uv.lock": "?"})
    head = repo.commit(files={"requirements.txt": small if before else large, "uv.lock": LOCK})
    files = changed_pins(reader(repo), base, head)
    result = judge(DependencyFacts(files, Audited({SHOP: (Vulnerability("V-1", ()),)})), fail_closed=True)
    assert "requirements.txt " in result.refusal
    assert "is not read: more than 5000000 bytes" in result.refusal
    assert result.evidence["dependency_files_unread"] == (0 if before else 1)


def test_files_too_large_together_are_said(repo: Repo) -> None:
    """The sum of what is read is bounded as well (SEC-9)."""
    head = repo.commit(files={f"requirements/{number}.txt": "abc==1.0.0\n" for number in range(3)})
    with pytest.raises(BudgetExceeded, match="over 30 bytes"):
        changed_pins(reader(repo), "", head, most_bytes=30)


def test_a_link_is_not_read(repo: Repo) -> None:
    """What it points to may lie anywhere; that is said, where it is new and where it was before."""
    (repo.path / "uv.lock").symlink_to("other")
    base = repo.commit()
    (repo.path / "poetry.lock").symlink_to("/etc/hostname")
    (repo.path / "uv.lock").unlink()
    files = changed_pins(reader(repo), base, repo.commit(files={"uv.lock": LOCK}))
    assert {file.path: (file.base and file.base.unread, file.head and file.head.unread) for file in files} == {
        "poetry.lock": (None, "is not read: a symbolic link"),
        "uv.lock": ("is not read: a symbolic link", ""),
    }


def test_a_submodule_is_not_read(repo: Repo) -> None:
    """A link to another repository is no file, whatever it is called."""
    base = repo.commit()
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{base},uv.lock")
    repo.git("commit", "--quiet", "--message", "a submodule")
    [file] = changed_pins(reader(repo), base, repo.git("rev-parse", "HEAD"))
    assert file.head == Pins({}, unread="is not read: no file")


def test_a_file_name_of_any_bytes_is_read(repo: Repo) -> None:
    """Names with spaces, line ends and bytes that are no text are names."""
    names = [b"a b/uv.lock", b"a\nb/uv.lock", b"\xff/uv.lock"]
    for name in names:
        repo.write(name, LOCK)
    files = changed_pins(reader(repo), "", repo.commit())
    assert {os.fsencode(file.path) for file in files} == set(names)
    assert all(file.head and file.head.lines for file in files)


def test_the_locks_beside_a_file_are_those_of_its_own_tree(repo: Repo) -> None:
    """Also locks that the range did not touch; before and after the range, each on its own."""
    base = repo.commit(files={"pyproject.toml": PROJECT, "uv.lock": LOCK, "other/uv.lock": LOCK.replace("shop", "x")})
    repo.git("rm", "--quiet", "uv.lock")
    head = repo.commit(files={"pyproject.toml": f"{PROJECT}# why\n", "requirements/dev.txt": "till==1\n"})
    file = {file.path: file for file in changed_pins(reader(repo), base, head)}["pyproject.toml"]
    assert file.locked_base == {"shop"}
    assert file.locked_head == {"till"}


def test_locks_over_the_budget_settle_nothing(repo: Repo) -> None:
    """What is too much to read pins nothing that is known; the changed files are judged all the same."""
    base = repo.commit(files={"uv.lock": LOCK})
    head = repo.commit(files={"pyproject.toml": PROJECT})
    [file] = changed_pins(reader(repo), base, head, most_bytes=len(PROJECT) + 5)
    assert file.locked_head == frozenset()


def test_too_many_files_to_audit_are_said(repo: Repo) -> None:
    """More changed files than the budget are a doubt; as many are audited (SEC-9)."""
    files = {f"requirements/{number}.txt": "a==1\n" for number in range(MOST_FILES)}
    assert len(changed_pins(reader(repo), "", repo.commit(files=files))) == MOST_FILES
    head = repo.commit(files={"requirements/more.txt": "a==1\n"})
    with pytest.raises(BudgetExceeded, match="pin dependencies"):
        changed_pins(reader(repo), "", head)


def test_a_base_that_git_cannot_read_is_no_absence_of_a_base(repo: Repo) -> None:
    """Only git's own "no common commit" means that all is new; any other trouble is an error (P2)."""
    head = repo.commit(files={"requirements.txt": "a==1\n"})
    with pytest.raises(GitError):
        changed_pins(reader(repo), "0" * 39 + "1", head)
