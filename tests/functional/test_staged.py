"""What is about to be committed, judged by the pre-commit hook."""

from __future__ import annotations

import pytest

from tests.builders import Done, Repo, github_token, orch

Pair = tuple[Repo, Repo]


def judged(work: Repo, *named: str) -> Done:
    return orch("hook", "pre-commit", *named, cwd=work.path)


def test_a_new_name_that_holds_a_secret_is_refused(pair: Pair) -> None:
    """A file's or a folder's; and it is not shown."""
    _, work = pair
    token = github_token()
    work.write(f"deep/{token}/a.txt", "fine\n")
    work.git("add", "--all")
    done = judged(work)
    assert done.returncode == 1
    assert token.encode() not in done.stderr


def test_an_old_name_is_nobodys_new_leak(pair: Pair) -> None:
    """A new file in a folder that has such a name already is judged by its own name."""
    _, work = pair
    token = github_token()
    work.commit(files={f"deep/{token}/a.txt": "fine\n"})
    work.write(f"deep/{token}/b.txt", "fine\n")
    work.git("add", "--all")
    assert judged(work).returncode == 0


def test_a_merge_is_not_blamed_for_what_the_other_side_has(pair: Pair) -> None:
    """With a conflict somewhere, what is staged is compared with both sides; what is new in it still counts."""
    _, work = pair
    work.commit(files={"both.txt": "start\n"})
    work.git("checkout", "--quiet", "-b", "topic")
    work.commit(files={"both.txt": "mine\n"})
    work.git("checkout", "--quiet", "-")
    work.commit(files={"both.txt": "theirs\n", "old.py": f"t = '{github_token()}'\n"})
    other = work.git("rev-parse", "HEAD")
    work.git("checkout", "--quiet", "topic")
    assert work.attempt("merge", "--quiet", other).returncode != 0
    work.write("both.txt", "both\n")
    work.git("add", "--all")
    assert judged(work).returncode == 0
    work.write("both.txt", f"t = '{github_token()}'\n")
    work.git("add", "--all")
    assert judged(work).returncode == 1


def test_named_files_are_judged_whole(pair: Pair) -> None:
    """As they are in the index, beside what is staged; one that is not there is refused."""
    _, work = pair
    work.commit(files={"old.py": f"t = '{github_token()}'\n", "fine.py": "x = 1\n"})
    assert judged(work).returncode == 0
    assert judged(work, "fine.py").returncode == 0
    assert judged(work, "fine.py", "old.py").returncode == 1
    work.write("new.py", "y = 1\n")
    done = judged(work, "new.py")
    assert (done.returncode, b"git add it first" in done.stderr) == (1, True)


def test_a_merge_is_not_blamed_for_a_file_that_is_named(pair: Pair) -> None:
    """pre-commit names what there were conflicts in; taken over from one side, it is that side's."""
    _, work = pair
    work.commit(files={"both.txt": "start\n"})
    work.git("checkout", "--quiet", "-b", "topic")
    work.commit(files={"both.txt": "mine\n"})
    work.git("checkout", "--quiet", "-")
    work.commit(files={"both.txt": f"t = '{github_token()}'\n"})
    other = work.git("rev-parse", "HEAD")
    work.git("checkout", "--quiet", "topic")
    assert work.attempt("merge", "--quiet", other).returncode != 0
    work.git("checkout", "--theirs", "both.txt")
    work.git("add", "both.txt")
    assert judged(work, "both.txt").returncode == 0


@pytest.mark.parametrize(
    ("named", "told"),
    [((), "no content of its own; after"), (("mine.txt",), "no content of its own, and single files are not")],
)
def test_a_merge_that_adds_nothing_says_so(named: tuple[str, ...], told: str, pair: Pair) -> None:
    """The words are true in the middle of a merge: what is staged is the other side's, and files may be named."""
    _, work = pair
    work.git("checkout", "--quiet", "-b", "topic")
    work.commit(files={"mine.txt": "mine\n"})
    work.git("checkout", "--quiet", "-")
    other = work.commit(files={"theirs.txt": "theirs\n"})
    work.git("checkout", "--quiet", "topic")
    work.git("merge", "--quiet", "--no-commit", other)
    done = judged(work, *named)
    output = done.stderr.decode()
    assert (done.returncode, "nothing to judge: the merge in progress adds no content of its own" in output) == (
        0,
        True,
    ), output
    assert told in output
    assert "after the merge `pre-commit run --all-files`" in output
    assert "no file was given" not in output
    in_ci = orch("hook", "pre-commit", *named, cwd=work.path, env={"CI": "true"})
    assert (in_ci.returncode, b"in CI use after the merge" in in_ci.stderr) == (2, True), in_ci.stderr


def test_submodules_alone_are_nothing_to_judge(pair: Pair) -> None:
    """What they hold is in another repository; that they were named is not denied."""
    _, work = pair
    work.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},sub")
    work.git("commit", "--quiet", "-m", "a submodule")
    done = judged(work, "sub")
    assert (done.returncode, b"only submodules were given" in done.stderr) == (0, True), done.stderr
    assert b"no file was given" in judged(work).stderr
