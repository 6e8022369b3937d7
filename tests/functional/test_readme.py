"""The commands of the README, the tutorials and the how-tos are run as written; how is in `tests/blocks.py`."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.blocks import BLOCK, FENCE, ROOT, Shell, blocks, shown

TOKEN = re.compile(r"ghp_[A-Za-z0-9]{36}")


def without_ids(text: str) -> str:
    """One line of words without commit ids and colours."""
    text = re.sub(r"\x1b\[\d*m", "", text)
    return " ".join(re.sub(r"\b[0-9a-f]{10}\b", "ID", text).split())


SERIES = [
    ("README.md", "server", 3),
    ("docs/tutorials/l0-security-gate.md", "tutorial", 13),
]

TASKS = "docs/tutorials/l2-tasks.md"


def placeless(text: str) -> list[str]:
    """Lines of output without ids, the remote's name, and trailing blanks."""
    text = re.sub(r"[0-9a-f]{10,}(?=[,)^ ])", "ID", text)
    return [line.rstrip() for line in re.sub(r"\.\./\w+\.git|/\S+\.git", "REPO", text).splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize(("document", "name", "count"), SERIES)
def test_every_marked_block_does_what_is_told(
    document: str, name: str, count: int, tmp_path: Path, real: Callable[[str], Path]
) -> None:
    real("gitleaks")  # the output that is shown is that of gitleaks
    output = Shell(tmp_path).series(document, name, count)
    assert TOKEN.search(output) is None
    assert "push refused: 1 secret found" in output


@pytest.mark.slow
def test_the_tutorial_begins_with_a_scanner_that_works(tmp_path: Path) -> None:
    page = "docs/tutorials/l0-security-gate.md"
    output = Shell(tmp_path).series(page, "works", 1)
    first, second = shown(page)[0].splitlines()
    assert re.search(f"^{re.escape(first).replace(re.escape('...'), '.*')}$", output, re.M)
    assert second in output.splitlines()


@pytest.mark.slow
def test_a_task_goes_to_done_and_once_back_as_the_tutorial_says(tmp_path: Path, real: Callable[[str], Path]) -> None:
    real("gitleaks")
    output = Shell(tmp_path).series(TASKS, "tasks", 13)
    assert "rollback (now active in development): greets nobody by name" in output
    assert "T-1: advance to done:" in output
    assert "every step was legal" in output
    assert " ".join(shown(TASKS)[0].split()) in " ".join(output.split())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("document", "name", "count"),
    [
        ("docs/explanation/why-is-ancestor.md", "landed", 9),
        ("docs/explanation/why-a-lease-needs-a-fence.md", "fence", 7),
        ("docs/explanation/why-exit-0-is-not-a-verdict.md", "zero", 7),
    ],
)
def test_each_failure_that_is_explained_happens(
    document: str, name: str, count: int, tmp_path: Path, real: Callable[[str], Path]
) -> None:
    """The exit codes are those of the markers, and what is shown is what is printed, but for colours and times."""
    path = f"{real('gitleaks').parent}{os.pathsep}{os.environ['PATH']}"
    output = without_ids(Shell(tmp_path, {"PATH": path}).series(document, name, count))
    for text in shown(document):
        for part in re.split(r"\n(?=INF )", text):  # gitleaks puts the time before each line
            assert without_ids(part) in output


@pytest.mark.slow
def test_the_refusal_in_the_readme_is_a_real_one(tmp_path: Path, real: Callable[[str], Path]) -> None:
    real("gitleaks")
    shell = Shell(tmp_path)
    output = [shell.run(block["script"], int(block["code"] or 0)) for block in blocks("README.md", "server")][-1]
    assert placeless(output) == placeless(shown("README.md")[0])


def test_a_marker_stands_above_every_block_that_it_is_meant_for() -> None:
    """A misspelt marker would take its block out of the tests."""
    for document in [*(document for document, _, _ in SERIES), TASKS]:
        text = (ROOT / document).read_text("utf-8")
        assert len(BLOCK.findall(text)) == text.count("<!-- run:")


@pytest.mark.slow
def test_a_finding_is_allowed_the_way_the_how_to_says(tmp_path: Path, real: Callable[[str], Path]) -> None:
    real("gitleaks")
    page = "docs/how-to/allow-a-finding.md"
    make_key, write_entry, write_many, to_target = (block["script"] for block in blocks(page, "allow"))
    shell = Shell(tmp_path)
    shell.run("""
        git init -q --bare -b main server.git
        orch-gates hook install server.git
        git init -q -b main app
        cd app
        git remote add origin ../server.git
        git commit -q --allow-empty -m start
        git push -q origin main
        git switch -q -c feature
        echo "token = \\"ghp_$(head -c 400 /dev/urandom | base64 | tr -dc A-Za-z0-9 | head -c 36)\\"" > config.py
        git add config.py
        git commit -q -m leak
        """)
    refused = shell.run("git push origin feature", 1)
    finding = re.search(r"finding ([0-9a-f]{12})", refused)
    assert finding is not None
    shell.run(make_key)
    gate, allow = write_entry.split("\n", 1)
    shell.run(gate, 1)
    shell.run(allow.replace("011d3eb32c29", finding[1]))
    gate, allow = write_many.split("\n", 1)
    shell.run(gate, 1)
    assert "none of 1 findings is chosen" in shell.run(allow, 2)
    assert "allowed " in shell.run(allow.replace("testdata/*", "*.py").replace("made for the tests", "an example"))
    shell.run(write_entry.split("\n", 1)[1].replace("011d3eb32c29", finding[1]))
    (entry,) = (one["text"] for one in FENCE.finditer((ROOT / page).read_text("utf-8")) if one["mark"] == "read: entry")
    written = (shell.here / ".orch-gates/allowed-secrets.md").read_text("utf-8")
    assert re.search(re.escape(entry).replace("9f0c…", "[0-9a-f]+"), written), written
    shell.run("rm report.md")
    shell.run(to_target)
    shell.run("git push -q origin allow-example:main && git switch -q feature && git rebase -q origin/main")
    assert "key is missing" in " ".join(shell.run("git push origin feature", 1).replace("remote:", "").split())
    key = shell.here / ".git/orch-gates/allow-key"
    server = shell.here.parent / "server.git/orch-gates"
    server.mkdir()
    shutil.copy(key, server)
    assert "is allowed by ops@example.org until 2027-06-30" in shell.run("git push origin feature")


LEAK = 'echo "token = \\"$KEY\\"" > config.py; git add .; git commit -q -m leak'
MERGE = """
git switch -q -c side; echo "token = 'side'" > config.py; git add .; git commit -q -m side
git switch -q main; echo "token = 'main'" > config.py; git add .; git commit -q -m main
git merge -q side >/dev/null || true; echo "token = '$KEY'" > config.py; git add .; git commit -q -m merge
git commit -q --allow-empty -m more
"""
REMOVALS = {
    "inlast": LEAK,
    "inearlier": f"{LEAK}; git commit -q --allow-empty -m more",
    "inmerge": MERGE,
    "inmessage": 'touch new; git add new; git commit -q -m "say $KEY"',
    "intag": 'git tag -a v1.0 -m "say $KEY"',
    "infilename": 'touch "name-$KEY"; git add .; git commit -q -m name',
    "inrefname": 'git switch -q -c "name-$KEY"',
}


@pytest.mark.slow
@pytest.mark.parametrize("place", REMOVALS)
def test_each_way_to_remove_a_secret_gets_the_push_through(
    place: str, tmp_path: Path, real: Callable[[str], Path]
) -> None:
    """The how-to's commands, with the person's editor played by sed."""
    real("gitleaks")
    (block,) = blocks("docs/how-to/remove-a-leaked-secret.md", place)
    shell = Shell(tmp_path)
    shell.run("""
        git init -q --bare -b main server.git
        orch-gates hook install server.git
        git init -q -b main app
        cd app
        git config push.autoSetupRemote true
        git config push.default current
        git remote add origin ../server.git
        git commit -q --allow-empty -m start
        git push -q origin main
        """)
    key = 'KEY="ghp_$(head -c 400 /dev/urandom | base64 | tr -dc A-Za-z0-9 | head -c 36)"\n'
    shell.run(key + REMOVALS[place])
    everything = "git push origin HEAD --follow-tags"
    refused = shell.run(everything if place != "intag" else "git push origin v1.0", 1)
    assert "push refused: 1 secret found" in refused
    script = block["script"].replace("'name-with-the-value'", "name-ghp_*")
    if named := re.search(r"\(commit ([0-9a-f]{10})", refused):
        script = script.replace("9abd7d2460", named[1])
    first = r"/^merge /a break" if place == "inmerge" else "1s/pick/edit/"
    editors = f"export GIT_EDITOR='sed -i s/ghp_.*/it/' GIT_SEQUENCE_EDITOR='sed -i \"{first}\"'\n"
    cleaned = "echo 'token = None' > config.py\n"
    if "# take the value out" in script:
        script = script.replace("# take the value out of the file\n", cleaned)
    elif "config.py" in script:
        script = cleaned + script
    shell.run(editors + script)
    shell.run(everything)
