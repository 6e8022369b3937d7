"""A repository with a past gets the gate: its old findings are reviewed once, what is new is refused (SEC-11)."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.blocks import Shell, shown
from tests.builders import Done, Repo, bare, github_token, install_hook, orch, run

LOT = ("--owner", "Ann", "--reason", "revoked", "--expires", "2999-12-31")
BASELINE = ".orch-gates/secrets-baseline.md"
EVERYTHING = ("--base", "4b825dc642cb6eb9a060e54bf8d69288fbee4904")


class Past:
    """A repository with old findings on its branches, and an empty server for it."""

    def __init__(self, folder: Path, engine: str = "kingfisher") -> None:
        self.folder = folder
        self.server = bare(folder / "server.git")
        self.work = Repo(folder / "work", {"ORCH_SECURITY_DEP_AUDIT_ENABLED": "false"})
        run("git", "init", "-q", "-b", "main", self.work.path, cwd=folder)
        self.tokens = [github_token() for _ in range(3)]
        self.work.commit("root", {"a.py": f"s = '{self.tokens[0]}'\n"})
        self.work.commit("second", {"täst/b.py": f"s = '{self.tokens[1]}'\n", "c.txt": "fine\n"})
        self.work.git("remote", "add", "origin", self.server.path)
        self.engine = engine

    def orch(self, *args: str | Path, **env: str | None) -> Done:
        done = orch(*args, cwd=self.work.path, env={**self.work.env, **env})
        assert b"Traceback" not in done.stderr
        for token in self.tokens:
            assert token.encode() not in done.stdout + done.stderr
        return done

    def protect(self) -> None:
        install_hook(self.server, self.engine)

    def reviewed(self) -> str:
        """The commit that adds the baseline to main, which origin/main has from now on."""
        assert self.orch("secrets", "key").returncode == 0
        assert self.orch("secrets", "baseline", *LOT).returncode == 0
        tip = self.work.commit("Know the past")
        self.work.git("update-ref", "refs/remotes/origin/main", tip)
        return tip

    def give_key(self) -> None:
        there = self.server.path / "orch-gates"
        there.mkdir(exist_ok=True)
        (there / "allow-key").write_bytes((self.work.path / ".git/orch-gates/allow-key").read_bytes())


@pytest.fixture
def past(tmp_path: Path) -> Past:
    return Past(tmp_path)


def test_the_past_passes_and_what_is_new_does_not(past: Past) -> None:
    """With a baseline on the target branch everything passes, and says by whose word; a new leak is refused."""
    before = past.orch("gate", "security", "--all")
    assert (before.returncode, b"secrets baseline --help" in flat(before.stdout)) == (1, True)
    past.reviewed()
    done = past.orch("gate", "security", "--all")
    assert done.returncode == 0, done
    assert b"no new secret" in done.stdout
    assert b"2 old findings pass by the baseline of Ann until 2999-12-31: revoked" in done.stdout
    past.work.commit("new", {"d.py": f"s = '{github_token()}'\n"})
    assert b"1 secret found" in past.orch("gate", "security", "--all").stdout
    assert past.orch("gate", "security", "--base", "origin/main").returncode == 1


def test_the_list_holds_no_secret_and_is_none(past: Past) -> None:
    """It names places and keyed hashes; judged itself, it is clean."""
    past.reviewed()
    text = (past.work.path / BASELINE).read_text()
    assert not any(token in text for token in past.tokens)
    assert "täst/b.py" in text
    past.work.git("update-ref", "refs/remotes/origin/main", "HEAD^")
    assert past.orch("gate", "security").returncode == 0


@pytest.mark.parametrize("moved", [False, True])
def test_without_the_key_the_very_objects_pass(past: Past, moved: bool) -> None:
    """A fork has no key: the old objects pass there, another version of the file with the old secret does not."""
    past.reviewed()
    (past.work.path / ".git/orch-gates/allow-key").rename(past.folder / "key")
    past.work.git("checkout", "-q", "--orphan", "topic")
    if moved:
        past.work.commit("moved", {"a.py": f"# more\ns = '{past.tokens[0]}'\n"})
    else:
        past.work.commit("same")
    assert past.orch("gate", "security", "--base", "origin/main").returncode == int(moved)
    key = {"ORCH_ALLOW_KEY_FILE": str(past.folder / "key")}
    assert past.orch("gate", "security", "--base", "origin/main", **key).returncode == 0


def test_a_baseline_in_the_branch_itself_is_no_word(past: Past) -> None:
    """Whoever writes it into the branch that is judged gets nothing by it (SEC-4)."""
    past.work.git("update-ref", "refs/remotes/origin/main", past.work.git("rev-parse", "HEAD"))
    past.work.commit("leak", {"d.py": f"s = '{github_token()}'\n"})
    past.orch("secrets", "key")
    past.orch("secrets", "baseline", *LOT)
    past.work.commit("Know it all")
    assert past.orch("gate", "security").returncode == 1


def test_a_baseline_that_does_not_count_yet_is_told(past: Past) -> None:
    """Committed and not on the target branch, or where that branch is not known: a note says what is missing."""
    past.orch("secrets", "key")
    past.work.git("update-ref", "refs/remotes/origin/main", "HEAD")
    past.orch("secrets", "baseline", *LOT)
    past.work.commit("Know the past")
    done = past.orch("gate", "security", "--all")
    assert done.returncode == 1
    assert b"takes effect once it is on the target branch" in flat(done.stdout)
    assert b"set-head" not in done.stdout
    past.work.git("branch", "-m", "main", "v1.x")
    past.work.git("update-ref", "refs/remotes/origin/v1.x", "HEAD")
    past.work.git("update-ref", "-d", "refs/remotes/origin/main")
    done = past.orch("gate", "security", "--all")
    assert (done.returncode, b"git remote set-head origin --auto" in flat(done.stdout)) == (1, True)
    past.work.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/v1.x")
    assert past.orch("gate", "security", "--all").returncode == 0


def test_a_dry_run_shows_all_and_writes_nothing(past: Past) -> None:
    """It needs no key; `--json` has every finding with its object."""
    done = past.orch("secrets", "baseline", "--dry-run")
    assert done.returncode == 0
    assert b"2 findings in 2 commits" in done.stdout
    rows = json.loads(past.orch("secrets", "baseline", "--dry-run", "--json").stdout)["findings"]
    assert [(row["path"], row["line"]) for row in rows] == [("a.py", 1), ("täst/b.py", 1)]
    assert {past.work.git("cat-file", "-t", row["object"]) for row in rows} == {"blob"}
    assert not (past.work.path / BASELINE).exists()


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("--owner", "Ann"), b"--reason, --expires"),
        ((*LOT[:4], "--expires", "2001-01-01"), b"in the past"),
        ((*LOT[:4], "--expires", "soon"), b"not a date"),
        (LOT, b"orch-gates secrets key"),
    ],
)
def test_a_baseline_that_says_too_little_is_not_written(args: tuple[str, ...], why: bytes, past: Past) -> None:
    """No owner, no reason, no end or no key: an error that says what to do."""
    done = past.orch("secrets", "baseline", *args)
    assert done.returncode == 2
    assert why in done.stderr
    assert not (past.work.path / BASELINE).exists()


def test_written_again_it_says_what_changed(past: Past) -> None:
    """The list replaces the one before; what a list of allowed findings has is not in it too."""
    past.reviewed()
    past.work.commit("more", {"d.py": f"s = '{past.tokens[2]}'\n"})
    done = past.orch("secrets", "baseline", *LOT)
    assert b"3 old findings, 1 of them not in the list before; 0 are gone" in done.stdout
    row = json.loads(past.orch("secrets", "baseline", "--dry-run", "--json").stdout)["findings"][0]
    assert past.orch("secrets", "allow", row["id"], *EVERYTHING, *LOT).returncode == 0
    done = past.orch("secrets", "baseline", *LOT)
    assert b"2 old findings, 0 of them not in the list before; 1 are gone" in done.stdout


def test_many_are_allowed_by_one_scan(past: Past) -> None:
    """By the report that lists them, all of them or those in some paths; what it is about is in the report."""
    past.work.git("update-ref", "refs/remotes/origin/main", past.work.git("rev-list", "--max-parents=0", "HEAD"))
    past.work.commit("more", {"d.py": f"s = '{past.tokens[2]}'\n"})
    report = past.folder / "report.md"
    assert past.orch("gate", "security", "--report", report).returncode == 1
    past.orch("secrets", "key")
    done = past.orch("secrets", "allow", "--report", report, "--path", "t*", *LOT)
    assert done.returncode == 0, done
    assert done.stdout.decode().count("allowed ") == 1
    done = past.orch("secrets", "allow", "--report", report, *LOT)
    assert done.stdout.decode().count("allowed ") == 2
    past.work.git("update-ref", "refs/remotes/origin/main", past.work.commit("Allow them"))
    listed = json.loads(past.orch("secrets", "list", "--json", "--ref", "origin/main").stdout)["entries"]
    assert sorted(row["path"] for row in listed) == ["d.py", "täst/b.py"]
    past.work.git("checkout", "-q", "--orphan", "again")
    past.work.commit("again")
    found = json.loads(past.orch("gate", "security", "--json", *EVERYTHING).stdout)
    assert found["outcome"] == "FAIL"
    for wrong in (
        ("--report", report, "--base", "HEAD"),
        ("--report", report, "--rule", "no-rule"),
        ("0123456789ab",),
        (),
    ):
        assert past.orch("secrets", "allow", *wrong, *LOT).returncode == 2


def test_a_finding_is_found_wherever_it_was_shown(past: Past) -> None:
    """The command that a refusal prints works, also where the clone knows no target branch to compare with."""
    refused = past.orch("gate", "security", "--all")
    offered = re.search(rb"orch-gates (secrets allow [0-9a-f]{12}) ", refused.stdout)
    assert offered, refused
    past.orch("secrets", "key")
    done = past.orch(*offered[1].decode().split(), *LOT)
    assert (done.returncode, done.stdout.count(b"allowed ")) == (0, 1), done


def test_exceptions_end(past: Past) -> None:
    """One entry, or the whole baseline; then what it was about stands again."""
    past.reviewed()
    first, second = json.loads(past.orch("secrets", "list", "--json").stdout)["entries"]
    assert (first["list"], first["path"], first["holds"]) == ("baseline", "a.py", True)
    assert past.orch("secrets", "expire", first["entry"]).returncode == 0
    past.work.git("update-ref", "refs/remotes/origin/main", past.work.commit("One less"))
    found = json.loads(past.orch("gate", "security", "--all", "--json").stdout)
    assert [finding["path"] for finding in found["findings"]] == ["a.py"]
    assert past.orch("secrets", "expire", "--baseline").returncode == 0
    assert not (past.work.path / BASELINE).exists()
    assert past.orch("secrets", "expire", second["entry"]).returncode == 2
    assert past.orch("secrets", "list").stdout == b"no exceptions\n"


class TestImport:
    """An administrator lets one push bring the past into an empty repository with the hook."""

    @pytest.mark.parametrize("with_key", [True, False])
    def test_one_push_passes_and_the_next_is_judged(self, past: Past, with_key: bool) -> None:
        """Where the server has the key and where it has not; the word is spent by it."""
        past.protect()
        tip = past.reviewed()
        refused = past.work.push("main")
        assert (refused.returncode, b"hook import --help" in flat(refused.stderr.replace(b"remote:", b""))) == (1, True)
        word = past.folder / "baseline.md"
        word.write_text((past.work.path / BASELINE).read_text())
        if with_key:
            past.give_key()
        done = past.orch("hook", "import", past.server.path, "--tip", tip, "--baseline", word)
        assert done.returncode == 0, done
        pushed = past.work.push("main")
        assert pushed.returncode == 0, pushed
        assert b"2 old findings pass by the baseline of Ann" in pushed.stderr
        # The branch is gone, and with it what the server knew.
        past.server.git("update-ref", "-d", "refs/heads/main")
        past.server.git("-c", "gc.pruneExpire=now", "gc", "--quiet", "--prune=now")
        assert past.work.push("main").returncode == 1
        assert past.orch("hook", "import", past.server.path, "--tip", tip, "--withdraw").returncode == 0

    @pytest.mark.parametrize(
        "how", ["another tip", "a second branch", "a new leak", "an altered baseline", "withdrawn"]
    )
    def test_it_is_for_that_push_alone(self, past: Past, how: str) -> None:
        """For no other tip, no branch beside it, nothing that the baseline does not name."""
        past.protect()
        tip = past.reviewed()
        word = past.folder / "baseline.md"
        word.write_text((past.work.path / BASELINE).read_text())
        if how == "a new leak":
            tip = past.work.commit("leak", {"d.py": f"s = '{github_token()}'\n"})
        past.orch("hook", "import", past.server.path, "--tip", tip, "--baseline", word)
        refs = ["main"]
        if how == "another tip":
            past.work.commit("one more", {"c.txt": "more\n"})
        elif how == "a second branch":
            past.work.git("branch", "old", "HEAD^")
            refs.append("old")
        elif how == "an altered baseline":
            word.write_text(word.read_text().replace("Ann", "Bob"))
        elif how == "withdrawn":
            past.orch("hook", "import", past.server.path, "--tip", tip, "--withdraw")
        pushed = past.work.push(*refs)
        assert pushed.returncode == 1, pushed
        assert past.server.git("for-each-ref") == ""

    @pytest.mark.parametrize("wrong", ["short", "inside", "missing", "malformed"])
    def test_a_word_that_cannot_hold_is_not_given(self, past: Past, wrong: str) -> None:
        """A tip that is not named whole; a baseline in the repository, absent, or no baseline."""
        tip = past.reviewed()
        word = past.folder / "baseline.md"
        text = (past.work.path / BASELINE).read_text()
        if wrong == "inside":
            word = past.server.path / "baseline.md"
        if wrong != "missing":
            word.write_text(text if wrong != "malformed" else text.replace("key_id", "other"))
        done = past.orch(
            "hook", "import", past.server.path, "--tip", tip[: 10 if wrong == "short" else 40], "--baseline", word
        )
        assert done.returncode == 2
        assert not list(past.server.path.glob("orch-gates/import*"))

    def test_root_writes_with_the_rights_of_the_owner(self, past: Past) -> None:
        """A link that the owner made leads root nowhere; the word is the owner's, who has to spend it."""
        if os.geteuid() != 0:
            pytest.skip("only root can act as somebody else")
        tip = past.reviewed()
        victim = past.folder / "victim"
        victim.mkdir()
        word = past.folder / "baseline.md"
        word.write_text((past.work.path / BASELINE).read_text())
        for folder in (past.folder, *past.folder.parents):
            if folder.stat().st_uid == 0 and folder.is_relative_to(tempfile.gettempdir()):
                folder.chmod(0o755)
        run("chown", "-R", "65534:65534", past.server.path, cwd=past.folder)
        give = ("hook", "import", past.server.path, "--tip", tip, "--baseline", word)
        (past.server.path / "orch-gates").symlink_to(victim)
        done = past.orch(*give)
        assert done.returncode == 2
        assert (list(victim.iterdir()), victim.stat().st_uid) == ([], 0)
        (past.server.path / "orch-gates").unlink()
        assert past.orch(*give).returncode == 0
        [made] = past.server.path.glob("orch-gates/import*")
        assert made.stat().st_uid == 65534

    @pytest.mark.parametrize("tip", ["HEAD", "0" * 40, "../../x"])
    def test_a_word_is_not_taken_back_by_another_name(self, past: Past, tip: str) -> None:
        """What names no commit wholly is wrong usage, not "there was none"."""
        assert past.orch("hook", "import", past.server.path, "--tip", tip, "--withdraw").returncode == 2

    def test_an_ended_baseline_is_no_word(self, past: Past) -> None:
        """It would let nothing pass, so it is refused at once."""
        tip = past.reviewed()
        word = past.folder / "baseline.md"
        word.write_text((past.work.path / BASELINE).read_text().replace("2999-12-31", "2001-01-01"))
        done = past.orch("hook", "import", past.server.path, "--tip", tip, "--baseline", word)
        assert (done.returncode, b"expired on 2001-01-01" in done.stderr) == (2, True)


def test_what_is_shown_of_a_path_does_not_decide(past: Past) -> None:
    """A path with a secret in it is redacted by what else was found; the entry fits all the same."""
    value = github_token()
    past.work.commit("name", {f"n-{value}-d/f": f"s = '{past.tokens[2]}'\n", "w.py": f"w = '{value}'\n"})
    past.reviewed()
    assert value not in (past.work.path / BASELINE).read_text()
    assert past.orch("gate", "security", "--all").returncode == 0
    past.work.commit("edit", {f"n-{value}-d/f": f"# more\ns = '{past.tokens[2]}'\n"})
    assert past.orch("gate", "security").returncode == 0


def test_names_of_refs_are_of_the_past_too(past: Past) -> None:
    """They are judged as a push of them would be, and a baseline knows them."""
    past.work.git("branch", f"x/{past.tokens[2]}")
    found = past.orch("gate", "security", "--all")
    assert b"3 secrets found" in found.stdout
    past.reviewed()
    assert past.orch("gate", "security", "--all").returncode == 0


@pytest.mark.parametrize("bare_one", [True, False])
def test_a_head_without_a_commit(past: Past, bare_one: bool) -> None:
    """All refs are judged whatever HEAD names; where there is no commit at all, there is nothing to judge."""
    other = past.folder / "other"
    run("git", "init", "-q", *(["--bare"] if bare_one else []), "-b", "trunk", other, cwd=past.folder)
    empty = orch("gate", "security", "--all", cwd=other, env=past.work.env)
    assert (empty.returncode, b"the repository has no commit" in empty.stderr + empty.stdout) == (2, True), empty
    usual = orch("gate", "security", cwd=other, env=past.work.env)
    assert (usual.returncode, usual.stdout) == (2, empty.stdout), usual
    run("git", "fetch", "-q", past.work.path, "main:refs/heads/kept", cwd=other)
    assert orch("gate", "security", cwd=other, env=past.work.env).returncode == 1, "HEAD is not that other branch"
    full = orch("gate", "security", "--all", cwd=other, env=past.work.env)
    assert (full.returncode, b"2 secrets found" in full.stdout) == (1, True), full


def test_both_engines_fit_the_same_baseline(tmp_path: Path, real: Callable[[str], Path]) -> None:
    """What one engine wrote the other one reads: an entry does not depend on the engine (SEC-10)."""
    real("gitleaks")
    past = Past(tmp_path)
    past.reviewed()
    past.work.env["ORCH_SECURITY_ENGINE"] = "gitleaks"
    assert past.orch("gate", "security", "--all").returncode == 0


PAGE = "docs/how-to/adopt-a-repository-with-a-past.md"


def test_the_page_is_followed_to_its_end(past: Past) -> None:
    """Its commands, as written, on a repository with a past; the output that it shows is what they print."""
    past.server.git("config", "receive.denyCurrentBranch", "ignore")
    shell = Shell(past.folder / "person", {"ORCH_SECURITY_DEP_AUDIT_ENABLED": "false"})
    run("git", "clone", "-q", "--bare", past.work.path, shell.here / "plain.git", cwd=past.folder)
    run("git", "clone", "-q", shell.here / "plain.git", shell.here / "app", cwd=past.folder)
    shell.here /= "app"
    output = shell.series(PAGE, "past", 3)
    [shown_there] = shown(PAGE)
    assert without_numbers(shown_there) in without_numbers(output)

    shell.here = shell.here.parent
    server = Repo(Path(past.server.path.rename(shell.here / "server.git")))
    install_hook(server, "kingfisher")
    app = Repo(shell.here / "app")
    app.git("remote", "set-url", "origin", server.path)
    assert app.push("main").returncode == 1
    (shell.here / "reviewed-baseline.md").write_bytes((app.path / BASELINE).read_bytes())
    assert "2 old findings pass" in shell.series(PAGE, "import", 2)


def flat(text: bytes) -> bytes:
    """A text without its line breaks."""
    return b" ".join(text.split())


def without_numbers(text: str) -> str:
    return re.sub(r"\d+", "N", text)
