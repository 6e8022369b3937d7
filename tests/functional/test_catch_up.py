"""Catching a branch up with its target, with real git: each row of the table in docs/explanation/merges.md (MRG-2)."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from orch_gates.errors import GitError
from orch_gates.git.cli import Git, open_repository
from orch_gates.git.merges import contains
from orch_gates.git.scratch import scratch
from orch_gates.merge.catch_up import CatchUpConflict, Empty, How, Result, Unrelated, catch_up
from orch_gates.merge.steps import CaughtUp
from tests.builders import Repo, bare, clone, run

BOTH = pytest.mark.parametrize("how", [How.REBASE, How.MERGE], ids=str)
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 3\n"
Files = Mapping[str, str | bytes]


@pytest.fixture
def work(tmp_path: Path) -> Repo:
    """A clone with one commit, which its server has."""
    made = clone(bare(tmp_path / "server.git"), tmp_path / "work")
    made.commit("first", {"README": "one\ntwo\nthree\n"})
    made.git("push", "--quiet", "origin", "main")
    return made


def done(repo: Repo, base: str, head: str, how: How = How.REBASE) -> tuple[Result, dict[str, str]]:
    """What catching up comes to, and the result's files with their ids."""
    git = open_repository(repo.path, os.environ, timeout=60)
    with scratch(git) as bench:
        result = catch_up(bench, base, head, how)
        if not isinstance(result, CaughtUp):
            return result, {}
        fresh = Git(bench.directory, bench.env, bench.timeout)
        # What the merge rests on: the base is in it, the tree is the recorded one, and all of it is there.
        assert contains(fresh, result.commit, base)
        assert fresh.resolve(result.commit, "tree") == result.tree
        fresh.read("rev-list", "--objects", result.commit)
        listed = fresh.text("ls-tree", "-r", "-z", result.commit).split("\0")
        rows = (row.partition("\t") for row in listed if row)
        return result, {name: about.split(" ")[2] for about, _, name in rows}


def caught_up(repo: Repo, base: str, head: str, how: How = How.REBASE) -> CaughtUp:
    result, _ = done(repo, base, head, how)
    assert isinstance(result, CaughtUp)
    return result


def apart(repo: Repo, target: Files, branch: Files, start: str = "main") -> tuple[str, str]:
    """A commit of the target and one of a branch, both on what the clone has."""
    repo.git("checkout", "--quiet", "-B", "branch", start)
    head = repo.commit("of the branch", branch)
    repo.git("checkout", "--quiet", "-B", "target", start)
    return repo.commit("of the target", target), head


def content(repo: Repo, text: str) -> str:
    return repo.git("hash-object", "--stdin", stdin=text.encode())


def raw(repo: Repo, commit: str, old: bytes, new: bytes) -> str:
    """The same commit with other bytes in its header, well-formed or not."""
    data = repo.attempt("cat-file", "commit", commit).stdout
    assert old in data
    return repo.object("commit", data.replace(old, new, 1))


def dated(repo: Repo, commit: str, date: str) -> str:
    """The same commit with another committer's date."""
    data = repo.attempt("cat-file", "commit", commit).stdout.split(b"\n")
    at = next(index for index, line in enumerate(data) if line.startswith(b"committer "))
    data[at] = b"committer A <a@example.invalid> " + date.encode()
    return repo.object("commit", b"\n".join(data))


# ---- the two ways


@BOTH
def test_a_branch_that_is_behind_gets_the_target(work: Repo, how: How) -> None:
    """Both changes are there, and what it was caught up with is in its history."""
    base, head = apart(work, {"target.txt": "t"}, {"branch.txt": "b"})
    result, files = done(work, base, head, how)
    assert isinstance(result, CaughtUp)
    assert (result.base, result.how) == (base, how)
    assert files.keys() == {"README", "target.txt", "branch.txt"}


def test_a_rebase_keeps_messages_authors_and_their_dates(work: Repo) -> None:
    """Only who commits is ours; a message is not taken for comments, and no `fixup!` is squashed."""
    work.git("checkout", "--quiet", "-B", "branch")
    messages = ["# no comment\n\n#12 is this\n", "fixup! # no comment", "squash! it"]
    env: dict[str, str | None] = {
        "GIT_AUTHOR_NAME": "Ann",
        "GIT_AUTHOR_EMAIL": "ann@example.invalid",
        "GIT_AUTHOR_DATE": "@1234567890 +0200",
    }
    for number, message in enumerate(messages):
        work.write(f"{number}.txt", message)
        work.git("add", "--all")
        Repo(work.path, env).git("commit", "--quiet", "--cleanup=verbatim", "--message", message)
    head = work.git("rev-parse", "HEAD")
    work.git("checkout", "--quiet", "-B", "target", "main")
    base = work.commit("of the target", {"target.txt": "t"})
    form = "--format=%an %ae %ad %B%x00"
    with scratch(open_repository(work.path, os.environ, timeout=60)) as bench:
        result = catch_up(bench, base, head, How.REBASE)
        assert isinstance(result, CaughtUp)
        made = bench.text("log", "--date=raw", form, f"{base}..{result.commit}")
        assert bench.text("log", "--format=%cn <%ce>", f"{base}..{result.commit}").split("\n") == (
            ["orch-gates <orch-gates@localhost>"] * 3
        )
    assert made == work.git("log", "--date=raw", form, f"main..{head}")


def test_a_merge_keeps_the_branchs_commits(work: Repo) -> None:
    """The branch's own commit is the first parent, the target the second."""
    base, head = apart(work, {"target.txt": "t"}, {"branch.txt": "b"})
    with scratch(open_repository(work.path, os.environ, timeout=60)) as bench:
        result = catch_up(bench, base, head, How.MERGE)
        assert isinstance(result, CaughtUp)
        assert bench.text("rev-list", "--parents", "--max-count=1", result.commit).split() == [
            result.commit,
            head,
            base,
        ]


# ---- the rows of the table


@BOTH
def test_one_that_has_the_target_already_stays_as_it_is(work: Repo, how: How) -> None:
    """Nothing is pushed: the commit is the branch's own."""
    base = work.git("rev-parse", "HEAD")
    head = work.commit("of the branch", {"branch.txt": "b"})
    result, _ = done(work, base, head, how)
    assert isinstance(result, CaughtUp)
    assert (result.base, result.commit, result.how) == (base, head, How.NOTHING)


def test_what_only_a_merge_commit_holds_is_not_dropped(work: Repo) -> None:
    """A branch with merge commits is caught up by a merge, whatever is wanted."""
    one, two = apart(work, {"one.txt": "1"}, {"two.txt": "2"})
    work.git("checkout", "--quiet", "-B", "branch", one)
    work.git("merge", "--quiet", "--no-commit", "--no-ff", two)
    head = work.commit("merged by hand", {"by-hand.txt": "only here"})
    work.git("checkout", "--quiet", "-B", "target", "main")
    base = work.commit("of the target", {"target.txt": "t"})
    result, files = done(work, base, head, How.REBASE)
    assert isinstance(result, CaughtUp)
    assert result.how == How.MERGE
    assert files.keys() == {"README", "one.txt", "two.txt", "by-hand.txt", "target.txt"}


@pytest.mark.parametrize("header", ["gpgsig", "gpgsig-sha256"])
def test_signed_commits_stay_as_they_are(header: str, work: Repo) -> None:
    """A rebase would make others of them, without their signatures."""
    base, plain = apart(work, {"target.txt": "t"}, {"branch.txt": "b"})
    signature = f"\n{header} -----BEGIN PGP SIGNATURE-----\n \n none\n -----END PGP SIGNATURE-----\n\nof the".encode()
    head = raw(work, plain, b"\n\nof the", signature)
    result = caught_up(work, base, head, How.REBASE)
    assert result.how == How.MERGE
    assert caught_up(work, base, plain, How.REBASE).how == How.REBASE


def test_only_the_branchs_own_commits_decide_how(work: Repo) -> None:
    """A message that speaks of a signature is none, and merges of the target do not count."""
    base, head = apart(work, {"target.txt": "t"}, {"branch.txt": "b"})
    work.git("checkout", "--quiet", "--detach", base)
    other = work.git("commit-tree", "main^{tree}", "-p", "main", "-m", "x")
    work.git("merge", "--quiet", "--no-ff", "-m", "a merge", other)
    merged = work.git("rev-parse", "HEAD")
    spoken = raw(work, head, b"\n\nof the", b"\n\nsubject\n\ngpgsig is a word\ngpgsig of the")
    assert caught_up(work, merged, spoken, How.REBASE).how == How.REBASE


@BOTH
def test_a_conflict_names_the_files(work: Repo, how: How) -> None:
    """As they are called, whatever characters that takes; nothing else comes of it."""
    names = ['a "quoted" name', "line\nbreak", "ümlaut", "-option", "in/folder", " space "]
    both = (dict.fromkeys(names, "t\n"), dict.fromkeys(names, "b\n"))
    base, head = apart(work, {**both[0], "t.txt": "t"}, {**both[1], "b.txt": "b"})
    result, _ = done(work, base, head, how)
    assert isinstance(result, CatchUpConflict)
    assert sorted(result.files) == sorted(names)


@BOTH
def test_a_name_that_is_no_text_conflicts_like_any_other(work: Repo, how: How) -> None:
    base, head = apart(work, {"t.txt": "t"}, {"b.txt": "b"})
    for ref, text in (("target", "t"), ("branch", "b")):
        work.git("checkout", "--quiet", ref)
        work.write(b"no\xfftext", text)
        work.commit("more")
    base, head = work.git("rev-parse", "target"), work.git("rev-parse", "branch")
    assert done(work, base, head, how)[0] == CatchUpConflict(("no\ufffdtext",))


@BOTH
@pytest.mark.parametrize("kind", ["changed and deleted", "a file and a folder", "two new names"])
def test_all_kinds_of_conflicts_are_conflicts(kind: str, work: Repo, how: How) -> None:
    """Not only two changes of one line: git says which files are to be looked at."""
    work.commit("more", {"file": "1\n2\n3\n4\n5\n"})
    base, head = apart(work, {"t.txt": "t"}, {"b.txt": "b"})
    match kind:
        case "changed and deleted":
            base, head = _changed(work, "target", "rm", "file"), apart(work, {}, {"file": "1\n2\n3\n4\nX\n"})[1]
        case "a file and a folder":
            base, head = apart(work, {"place": "a file"}, {"place/file": "in a folder"})
        case _:
            base, head = (_changed(work, ref, "mv", "file", f"of-{ref}") for ref in ("target", "branch"))
    result, _ = done(work, base, head, how)
    assert isinstance(result, CatchUpConflict)
    assert result.files


def _changed(work: Repo, ref: str, *command: str) -> str:
    work.git("checkout", "--quiet", ref)
    work.git(*command)
    return work.commit("changed")


def test_many_conflicts_are_named_up_to_a_bound(work: Repo) -> None:
    """A task's document has to hold them."""
    names = [f"{number:03}.txt" for number in range(60)]
    base, head = apart(work, dict.fromkeys(names, "t"), dict.fromkeys(names, "b"))
    assert done(work, base, head)[0] == CatchUpConflict(tuple(names[:50]))


@BOTH
@pytest.mark.parametrize("what", ["the same commit", "an older commit", "no change", "landed otherwise", "taken back"])
def test_a_branch_that_adds_nothing_has_nothing_to_merge(what: str, work: Repo, how: How) -> None:
    """An emptied rebase must not look like a merge (MRG-9)."""
    first = work.git("rev-parse", "HEAD")
    same = {} if what == "taken back" else {"same.txt": "s"}
    base, head = apart(work, {"more.txt": "m", **same}, {"same.txt": "s"})
    match what:
        case "the same commit":
            head = base
        case "an older commit":
            head = first
        case "no change":
            head = work.commit("nothing")
        case "landed otherwise":
            pass
        case _:
            work.git("checkout", "--quiet", "branch")
            work.git("rm", "--quiet", "same.txt")
            head = work.commit("taken back")
    assert done(work, base, head, how)[0] == Empty()


@BOTH
def test_one_that_has_no_common_commit_is_told_so(work: Repo, how: How) -> None:
    base = work.git("rev-parse", "HEAD")
    head = work.git("commit-tree", "HEAD^{tree}", "-m", "another root")
    assert done(work, base, head, how)[0] == Unrelated()


@BOTH
def test_union_merges_keep_the_lines_of_both(work: Repo, how: How) -> None:
    """`CHANGELOG.md merge=union` is honoured, whichever side has the attributes (MRG-11)."""
    work.commit("more", {".gitattributes": "CHANGELOG.md merge=union\n", "CHANGELOG.md": "# Changes\n"})
    base, head = apart(work, {"CHANGELOG.md": "# Changes\n- t\n"}, {"CHANGELOG.md": "# Changes\n- b\n"})
    _, files = done(work, base, head, how)
    both = [content(work, f"# Changes\n{lines}") for lines in ("- t\n- b\n", "- b\n- t\n")]
    assert files["CHANGELOG.md"] in both
    bare_of_it = apart(work, {"other.md": "- t\n"}, {"other.md": "- b\n"})
    assert done(work, *bare_of_it, how)[0] == CatchUpConflict(("other.md",))


@BOTH
def test_of_a_submodule_the_recorded_commit_counts(work: Repo, how: How) -> None:
    """It is neither fetched nor looked into; two different ones conflict."""
    modules = '[submodule "sub"]\n\tpath = sub\n\turl = ext::touch /nonexistent\n\tupdate = rebase\n'

    def linked(ref: str, commit: str) -> str:
        work.git("checkout", "--quiet", "--force", ref)
        work.git("update-index", "--add", "--cacheinfo", f"160000,{commit},sub")
        work.git("commit", "--quiet", "--allow-empty", "--message", "a submodule")
        return work.git("rev-parse", "HEAD")

    work.commit("modules", {".gitmodules": modules})
    old, one, two = "1" * 40, "2" * 40, "3" * 40
    linked("main", old)
    base, head = apart(work, {"target.txt": "t"}, {"branch.txt": "b"})
    # `add --all` takes what is not checked out for deleted.
    base, head = linked("target", old), linked("branch", one)
    _, files = done(work, base, head, how)
    assert files["sub"] == one
    assert done(work, linked("target", two), head, how)[0] == CatchUpConflict(("sub",))


@BOTH
def test_pointers_of_lfs_are_merged_as_text(work: Repo, how: How) -> None:
    """No filter runs, so nothing is fetched from a server of large files."""
    work.commit("lfs", {".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n"})
    one, two = POINTER.format("1" * 64), POINTER.format("2" * 64)
    base, head = apart(work, {"one.bin": one}, {"two.bin": two})
    _, files = done(work, base, head, how)
    assert (files["one.bin"], files["two.bin"]) == (content(work, one), content(work, two))
    base, head = apart(work, {"same.bin": one}, {"same.bin": two})
    assert done(work, base, head, how)[0] == CatchUpConflict(("same.bin",))


# ---- the same wherever and whenever it is done


@BOTH
def test_two_machines_make_the_same_commit(work: Repo, how: How, tmp_path: Path) -> None:
    """Whoever comes next makes again what was recorded before it was pushed (MRG-14)."""
    base, head = apart(work, {"target.txt": "t"}, {"branch.txt": "b"})
    other = Repo(tmp_path / "a folder, elsewhere\u00e9")
    run("git", "clone", "--quiet", "--no-hardlinks", work.path, other.path, cwd=tmp_path)
    for name, value in (("user.name", "Somebody"), ("user.email", "s@example.invalid"), ("diff.renames", "false")):
        other.git("config", name, value)
    other.git("config", "merge.conflictStyle", "diff3")
    other.git("gc", "--quiet")
    first = caught_up(work, base, head, how)
    # Dates are in whole seconds.
    time.sleep(1.1)
    env = {**os.environ, "TZ": "Pacific/Auckland", "GIT_COMMITTER_NAME": "Nobody", "GIT_AUTHOR_DATE": "@1 +0000"}
    with scratch(open_repository(other.path, env, timeout=60)) as bench:
        assert catch_up(bench, base, head, how) == first


def test_what_the_result_rests_on_is_told(work: Repo) -> None:
    """The version of git, and the attributes of either side."""
    base, head = apart(work, {"target.txt": "t"}, {".gitattributes": "*.md merge=union\n"})
    version = work.git("version")
    attributes = work.git("rev-parse", f"{head}:.gitattributes")[:10]
    assert caught_up(work, base, head).depends == f"{version}, .gitattributes of the branch {attributes}"
    base, head = apart(work, {".gitattributes": "*.md merge=union\n"}, {"branch.txt": "b"})
    assert caught_up(work, base, head).depends == f"{version}, .gitattributes of the target {attributes}"


DATES = ["0 +0000", "1000 -0800", "4102444800 +0000", "99999999999999 +0000", "9" * 20 + " +0000", "-5 +0000", "never"]


@BOTH
@pytest.mark.parametrize("date", DATES)
def test_any_date_of_a_commit_will_do(date: str, work: Repo, how: How) -> None:
    """Also one of a clock that was never set, or that nobody can read."""
    base, head = apart(work, {"target.txt": "t"}, {"branch.txt": "b"})
    assert caught_up(work, base, dated(work, head, date), how).how == how
    old = dated(work, base, date)
    assert caught_up(work, old, head, how).how == how


# ---- what is in the tree or in a clone decides nothing


ODD_ATTRIBUTES = [
    "* text\n",
    "* text eol=crlf\n",
    "* text=auto\n",
    "* crlf\n",
    "* ident\n",
    "* filter=evil\n",
    "* working-tree-encoding=UTF-16\n",
    "* working-tree-encoding=nonsense\n",
    "* working-tree-encoding\n",
    "* merge=evil diff=evil\n",
    "* conflict-marker-size=1000000\n",
    "[attr]text filter=evil\n* text\n",
    "* export-ignore export-subst -diff\n",
    "\0\x01 not [attributes\n" * 10,
]


@BOTH
@pytest.mark.parametrize(
    ("side", "attributes"),
    [("branch", one) for one in ODD_ATTRIBUTES] + [(side, ODD_ATTRIBUTES[0]) for side in ("target", "both")],
)
def test_attributes_change_no_file_and_stop_nothing(side: str, attributes: str, work: Repo, how: How) -> None:
    """Files are caught up byte for byte: what attributes would make of them on a disk is not looked at."""
    odd = {
        "crlf.txt": b"one\r\ntwo\r\n",
        "ident.txt": b"$Id$ $Id: old $\n",
        "mixed.txt": b"a\r\nb\n",
        "raw": b"\xff\0\r\n",
    }
    (work.path / ".git" / "info").mkdir(exist_ok=True)
    (work.path / ".git" / "info" / "attributes").write_text("* !filter !working-tree-encoding\n")
    own = {".gitattributes": attributes.encode()}

    # Written as they are, with attributes or without.
    def with_files(start: str, files: Mapping[str, bytes]) -> str:
        work.git("read-tree", start)
        for name, data in files.items():
            work.git("update-index", "--add", "--cacheinfo", f"100644,{work.object('blob', data)},{name}")
        return work.git("commit-tree", work.git("write-tree"), "-p", start, "-m", "a change")

    start = with_files("main", odd | own if side == "both" else odd)
    target = {"target.txt": b"t\r\n"}
    branch = {"crlf.txt": b"zero\r\none\r\ntwo\r\n", "branch.txt": b"b\r\n"}
    base = with_files(start, target | own if side == "target" else target)
    head = with_files(start, branch | own if side == "branch" else branch)
    result, files = done(work, base, head, how)
    assert isinstance(result, CaughtUp)
    for name, data in {**odd, **target, **branch}.items():
        assert files[name] == work.git("hash-object", "--no-filters", "--stdin", stdin=data)


@BOTH
def test_nothing_that_a_clone_or_a_person_configures_is_run(work: Repo, how: How, tmp_path: Path) -> None:
    """Hooks, filters, drivers, editors, signing, aliases and templates: no trace of any of them."""
    trace = tmp_path / "trace"
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\necho run >> '{trace}'\ncat\n")
    evil.chmod(0o755)
    home = tmp_path / "home"
    (home / "hooks").mkdir(parents=True)
    lines = {
        "core.editor": evil,
        "sequence.editor": evil,
        "core.pager": evil,
        "core.fsmonitor": evil,
        "core.hooksPath": home / "hooks",
        "commit.gpgSign": "true",
        "gpg.program": evil,
        "filter.evil.clean": evil,
        "filter.evil.smudge": evil,
        "filter.evil.required": "true",
        "merge.evil.driver": evil,
        "merge.default": "evil",
        "diff.evil.command": evil,
        "diff.external": evil,
        "rebase.instructionFormat": "%an",
        "rebase.autoSquash": "true",
        "init.templateDir": home,
        "credential.helper": evil,
    }
    for name in ("post-checkout", "pre-rebase", "post-rewrite", "pre-commit", "commit-msg", "prepare-commit-msg"):
        for folder in (home / "hooks", work.path / ".git" / "hooks"):
            folder.mkdir(exist_ok=True)
            hook = folder / name
            hook.write_text(evil.read_text())
            hook.chmod(0o755)
    base, head = apart(
        work,
        {".gitattributes": "* filter=evil merge=evil diff=evil\n", "README": "t\none\ntwo\nthree\n"},
        {"README": "one\ntwo\nthree\nb\n", "hooks/pre-rebase": "exit 1\n", ".gitconfig": "[core]\n\teditor = false\n"},
    )
    trace.unlink(missing_ok=True)
    for name, value in lines.items():
        work.git("config", name, str(value))
        run("git", "config", "--file", home / ".gitconfig", name, str(value), cwd=tmp_path)
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.editor",
        "GIT_CONFIG_VALUE_0": str(evil),
        "GIT_EDITOR": str(evil),
        "GIT_SEQUENCE_EDITOR": str(evil),
        "GIT_EXTERNAL_DIFF": str(evil),
        "GIT_TEMPLATE_DIR": str(home),
        "EDITOR": str(evil),
    }
    with scratch(open_repository(work.path, env, timeout=60)) as bench:
        result = catch_up(bench, base, head, how)
        assert isinstance(result, CaughtUp)
        assert bench.blob(result.commit, "README") == b"t\none\ntwo\nthree\nb\n"
    assert not trace.exists()


@BOTH
@pytest.mark.parametrize("outcome", ["caught up", "conflict"])
def test_a_persons_clone_and_the_server_are_as_they_were(
    work: Repo, how: How, outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one file of the clone, its index, its configuration or its objects changes, and no folder is left behind."""
    both = {"same.txt": "b"} if outcome == "conflict" else {}
    base, head = apart(work, {"target.txt": "t", "same.txt": "t"}, {"branch.txt": "b", **both})
    # In the middle of something, with changes that are not committed.
    work.git("checkout", "--quiet", "branch")
    work.write("README", "being edited\n")
    work.write("staged.txt", "staged\n")
    work.git("add", "staged.txt")
    scratches = tmp_path / "tmp"
    scratches.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratches))
    before = _all_files(tmp_path)
    result, _ = done(work, base, head, how)
    assert isinstance(result, CatchUpConflict if outcome == "conflict" else CaughtUp)
    assert _all_files(tmp_path) == before
    # The base was on no server, and neither is anything that came of it.
    assert Repo(tmp_path / "server.git").attempt("cat-file", "-e", base).returncode != 0


def _all_files(folder: Path) -> dict[str, tuple[bytes, int]]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            found[str(path)] = (path.read_bytes(), path.stat().st_mtime_ns)
        else:
            found[str(path)] = (b"", 0)
    return found


@BOTH
def test_links_in_a_tree_lead_nowhere(work: Repo, how: How, tmp_path: Path) -> None:
    """A link on one side, and files below its name on the other: nothing is written where it leads."""
    outside = tmp_path / "outside"
    outside.mkdir()
    base, head = apart(work, {"place/file": "t"}, {"branch.txt": "b"})
    work.git("checkout", "--quiet", "branch")
    (work.path / "place").symlink_to(outside)
    (work.path / "other").symlink_to("../../../../../outside")
    head = work.commit("links")
    result, _ = done(work, base, head, how)
    assert isinstance(result, CatchUpConflict)
    assert list(outside.iterdir()) == []


@BOTH
def test_what_cannot_be_read_is_no_answer(work: Repo, how: How) -> None:
    """A commit that is not there is neither behind nor unrelated (P2)."""
    head = work.git("rev-parse", "HEAD")
    for base, tip in (("f" * 40, head), (head, "f" * 40)):
        with pytest.raises(GitError):
            done(work, base, tip, how)
