"""A repository's own rules add to the bundle's; what is not supported is an error with its line (SEC-4, SEC-6)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from orch_gates.errors import ConfigError, RepositoryRulesError
from orch_gates.scanners import rule_syntax
from orch_gates.scanners.repository_rules import RepositoryRules
from orch_gates.scanners.repository_rules_file import MAX_BYTES, MAX_KEYWORDS, MAX_RULES, parse

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "add-your-own-rules.md"
RULE = "[[rules]]\nid = 'acme-token'\nregex = 'acme_[a-z0-9]{20}'\n"


def rules(text: str) -> RepositoryRules:
    return parse(text.encode(), taken={"github-pat", "generic-api-key"})


def problems(text: str | bytes) -> list[str]:
    with pytest.raises(RepositoryRulesError) as error:
        parse(text.encode() if isinstance(text, str) else text, taken={"github-pat", "generic-api-key"})
    return list(error.value.problems)


def test_a_rule_is_read_whole() -> None:
    """Everything that judges comes out as a value; keywords are compared without case."""
    [rule] = rules(
        "title = 'ours'\n[[rules]]\nid = 'acme-token'\ndescription = 'An Acme token'\n"
        "regex = '(acme)_([a-z0-9]{20})'\nsecretGroup = 2\nentropy = 3.5\nkeywords = ['ACME_']\n"
        "path = '(?i)\\.env$'\ntags = ['acme']\n"
    ).rules
    assert (rule.id, rule.description, rule.line) == ("acme-token", "An Acme token", 5)
    assert (rule.keywords, rule.entropy, rule.secret_group) == (("acme_",), 3.5, 2)
    assert (rule.pattern, rule.path_pattern) == ("(?m)(?:acme)_([a-z0-9]{20})", r"(?m)(?i)\x2eenv$")
    assert rule.concerns(b"x Acme_ y")
    assert not rule.concerns(b"x acme y")


def test_the_matcher_gets_the_rules_in_its_own_form() -> None:
    """One row a rule, confidence medium; no bound of entropy is one below that of equal characters."""
    read = rules(RULE + "[[rules]]\nid = 'b'\nregex = 'b'\nentropy = 2\npath = 'x'\n")
    assert json.loads(read.document())["rules"] == [
        {"name": name, "id": name, "pattern": pattern, "min_entropy": entropy, "confidence": "medium"}
        for name, pattern, entropy in (("acme-token", "(?m)acme_[a-z0-9]{20}", -1), ("b", "(?m)b", 2))
    ]
    bound = read.path_document()
    assert bound is not None
    assert [(row["id"], row["pattern"]) for row in json.loads(bound)["rules"]] == [("b", "(?m)x")]
    assert rules(RULE).path_document() is None


@pytest.mark.parametrize("text", ["", "title = 'x'\n", "rules = []\n"])
def test_a_file_without_rules_adds_none(text: str) -> None:
    """An empty file is no error, and no rules."""
    assert not rules(text)


def test_the_digest_is_that_of_what_judges() -> None:
    """A comment, a title or a tag does not change it; any value that judges does."""
    first = rules(RULE).digest
    assert re.fullmatch("sha256:[0-9a-f]{64}", first)
    assert rules(f"# a comment\ntitle = 'x'\n{RULE}tags = ['x']\n").digest == first
    for more in ("entropy = 1", "keywords = ['x']", "path = 'x'", "description = 'x'"):
        assert rules(f"{RULE}{more}\n").digest != first
    assert rules(RULE.replace("20", "21")).digest != first


TABLE = [
    ("[extend]\nuseDefault = true\n", 1, "extend is not supported"),
    ("[extend]\ndisabledRules = ['github-pat']\n", 2, "disabledRules is not supported: no rule can be switched off"),
    ("[allowlist]\npaths = ['x']\n", 1, "allowlist is not supported: write exceptions with `orch-gates secrets allow`"),
    ("[[allowlists]]\npaths = ['x']\n", 1, "allowlists is not supported"),
    (f"{RULE}[rules.allowlist]\nstopwords = ['x']\n", 4, "rule acme-token: allowlist is not supported"),
    (f"{RULE}[[rules.allowlists]]\nregexes = ['x']\n", 4, "rule acme-token: allowlists is not supported"),
    (f"{RULE}[[rules.required]]\nid = 'x'\n", 4, "rule acme-token: required is not supported"),
    (f"{RULE}skipReport = true\n", 4, "rule acme-token: skipReport is not supported"),
    (f"{RULE}secretgroup = 1\n", 4, "unknown key 'secretgroup'; did you mean secretGroup?"),
    (f"{RULE}verify = 1\n", 4, "unknown key 'verify'; known are: description, entropy"),
    ("rule = []\n", 1, "unknown key 'rule'; did you mean rules?"),
    ("rules = 3\n", 1, "rules is not a list of tables"),
    ("rules = [3]\n", 1, "a rule is not a table"),
    (f"{RULE}entropy = 'high'\n", 4, "entropy is not a number"),
    (f"{RULE}entropy = true\n", 4, "entropy is not a number"),
    (f"{RULE}entropy = 8.5\n", 4, "entropy is not between 0 and 8"),
    (f"{RULE}entropy = nan\n", 4, "entropy is not between 0 and 8"),
    (f"{RULE}secretGroup = 1.0\n", 4, "secretGroup is not a whole number"),
    (f"{RULE}secretGroup = -1\n", 4, "secretGroup is less than 0"),
    (f"{RULE}secretGroup = 1\n", 3, "regex has no group 1"),
    (f"{RULE}keywords = 'acme'\n", 4, "keywords is not a list of texts"),
    (f"{RULE}keywords = [1]\n", 4, "keywords is not a list of texts"),
    (f"{RULE}keywords = ['']\n", 4, "keywords has one that is empty"),
    (f"{RULE}keywords = ['é']\n", 4, "or not ASCII"),
    (f"{RULE}tags = 'x'\n", 4, "tags is not a list of texts"),
    (f"{RULE}description = 1\n", 4, "description is not text"),
    (f"{RULE}path = '\\Ax'\n", 4, "path has \\A"),
    ("title = 3\n", 1, "title is not text"),
    ("[[rules]]\nregex = 'x'\n", 1, "id is missing"),
    ("[[rules]]\nid = 'a b'\nregex = 'x'\n", 2, "id is missing, or not of up to 80"),
    ("[[rules]]\nid = 'x'\npath = '\\.pem$'\n", 1, "regex is missing; a rule about nothing but a path"),
    ("[[rules]]\nid = 'GitHub-PAT'\nregex = 'x'\n", 2, "orch-gates has a rule with this id"),
    (f"{RULE}[[rules]]\nid = 'Acme-Token'\nregex = 'x'\n", 5, "the rule in line 2 has this id, too"),
    ("[[rules]]\nid = 'x'\nregex = 'a(?=b)'\n", 3, "rule x: regex looks ahead or behind"),
    ("x\n", 1, "this is not TOML"),
    ("a = 1\n\na = 2\n", 3, "this is not TOML: Cannot overwrite a value"),
    ('a = 1\nb = """\n', 3, "this is not TOML"),
]


@pytest.mark.parametrize(("text", "line", "why"), TABLE)
def test_what_is_not_supported_is_an_error_with_its_line(text: str, line: int, why: str) -> None:
    """Nothing is dropped in silence: an allow list that does not work, a rule that is never looked for."""
    assert any(output.startswith(f".gitleaks.toml:{line}: ") and why in output for output in problems(text)), problems(
        text
    )


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    """A person mends the file in one go."""
    output = problems("[extend]\n[allowlist]\n[[rules]]\nid = 'x'\nregex = '('\nfoo = 1\n[[rules]]\n")
    assert [int(text.split(":")[1]) for text in output] == [1, 2, 5, 6, 7, 7]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"# x\n\xff\n", ".gitleaks.toml:2: this is not UTF-8"),
        (b"#" * (MAX_BYTES + 1), "more than the"),
        (b"a = " + b"[" * 100_000, "nested too deeply"),
        (b"[[rules]]\nid = 'r'\nregex = 'x'\n" * (MAX_RULES + 1), f"more than the {MAX_RULES}"),
        (b"[[rules]]\nid = 'x'\nregex = 'x'\n\"\\u202e\" = 1\n", "unknown key"),
    ],
)
def test_a_hostile_file_is_a_problem_and_nothing_else(data: bytes, why: str) -> None:
    """Too large, too deep, not text: one line each, in bounded time, without characters that act."""
    output = problems(data)
    assert any(why in text for text in output)
    assert all(text.isprintable() for text in output)


def test_a_bad_file_is_told_as_the_configuration_is() -> None:
    """Where the configuration file's problems are shown, these are: the gate says ERROR, a hook a notice."""
    with pytest.raises(ConfigError, match=r"\(and 1 more\)") as error:
        rules("[extend]\n[allowlist]\n")
    assert len(error.value.problems) == 2


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "Vectorscan could not compile rule acme-token even in candidate-prefilter mode: Embedded start anchors not",
            ".gitleaks.toml:3: rule acme-token: regex has ^ behind something else; it may only stand at the beginning",
        ),
        (
            "Failed to compile Regex for rule 'n' (ID: acme-token): Failed to build regex",
            ".gitleaks.toml:3: rule acme-token: regex cannot be matched: Failed to compile Regex",
        ),
        ("no cache\nfolder", ".gitleaks.toml: the matcher cannot use it: no cache\\x0afolder"),
    ],
)
def test_what_the_matcher_refuses_is_told_by_its_line(message: str, told: str) -> None:
    """The matcher knows the rule; the person needs the line."""
    [problem] = rules(RULE).refused(message).problems
    assert problem.startswith(told)


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE.read_text("utf-8"), re.S | re.M)


def test_the_example_in_the_documents_is_a_file_of_rules() -> None:
    """Whoever copies it has rules that work."""
    example, bad = blocks("toml")
    assert [rule.id for rule in rules(example).rules] == ["acme-token", "acme-database-url"]
    assert problems(bad) == blocks("text")[0].splitlines()


def test_the_documents_name_every_bound() -> None:
    """The page says what the code does."""
    text = PAGE.read_text("utf-8").replace(",", "")
    for bound in (MAX_BYTES, MAX_RULES, MAX_KEYWORDS, rule_syntax.MAX_LENGTH, rule_syntax.MAX_REPEAT):
        assert str(bound) in text
