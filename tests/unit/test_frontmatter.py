"""The document codec: exact round trips, and refusal of everything that could be read two ways."""

from __future__ import annotations

import contextlib
import re
from string import ascii_lowercase

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orch_gates.clock import monotonic
from orch_gates.documents import frontmatter, yaml_read
from orch_gates.documents.yaml_write import MAX_DEPTH, MAX_NODES
from orch_gates.errors import MalformedYaml, ReportError

text = st.text(st.characters(exclude_categories=["Cs"]))
odd_text = st.one_of(
    text,
    st.sampled_from(
        ["no", "NO", "~", "null", "true", "0", "-1", "1.5", "1e3", "0o17", "0x1f", "1_000", "12:30:00", "2026-01-01"]
        + [
            "",
            " ",
            "---",
            "\n---\n",
            "...",
            "%YAML 1.1",
            "&a",
            "*a",
            "!!str",
            "<<",
            "=",
            "- a",
            "a: b",
            "# c",
            "|",
            ">",
        ]
        + [
            "\x00",
            "\x1b[31m",
            "\r\n",
            "\t",
            "\x85",
            "\u2028",
            "\ufeff",
            "\u202e",
            "\\",
            '"',
            "'",
            "\U0001f600",
            "\uffff",
        ]
    ),
)
keys = st.one_of(odd_text, st.text(f"{ascii_lowercase}_", min_size=1, max_size=8)).filter(lambda key: len(key) <= 40)
scalars = st.one_of(odd_text, st.booleans(), st.none(), st.integers(-(2**63), 2**63 - 1))
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=12
)
mappings = st.dictionaries(keys, values, max_size=5)
both_parsers = pytest.mark.parametrize("parser", [yaml.SafeLoader, yaml.CSafeLoader], ids=["python", "libyaml"])


def answer(content: str, parser: object) -> str:
    try:
        return repr(frontmatter.decode(content, parser=parser))
    except ReportError as error:
        return str(error)


def document(raw: str) -> str:
    return f"---\n{raw}\n---\n"


@settings(deadline=None, max_examples=300)
@given(mapping=mappings, body=text)
@example(mapping={}, body="")
@example(mapping={"a": [], "b": {}, "c": [[], {}, [[1]], {"d": [{"e": None}]}]}, body="---\n---\n")
def test_what_was_encoded_is_decoded_exactly(mapping: dict[str, object], body: str) -> None:
    """Values keep their type and every character; the body is untouched; both parsers agree."""
    written = frontmatter.encode(mapping, body)
    for parser in (yaml.SafeLoader, yaml.CSafeLoader):
        read, read_body = frontmatter.decode(written, parser=parser)
        assert (read, read_body) == (mapping, body)
        assert repr(read) == repr(mapping)  # True == 1 would hide a changed type


@settings(deadline=None, max_examples=200)
@given(mapping=mappings)
def test_every_reader_of_yaml_agrees_with_ours(mapping: dict[str, object]) -> None:
    """A person's tool that types values implicitly reads what we wrote, because strings are quoted."""
    raw, _ = frontmatter.split(frontmatter.encode(mapping, ""))
    assert repr(yaml.safe_load(raw)) == repr(mapping)


@settings(deadline=None, max_examples=300)
@given(raw=st.one_of(text, st.text("ab:-[]{}&*!|>'\"%@`#?,~<\n 1.", max_size=30)))
def test_anything_else_is_refused_and_never_crashes(raw: str) -> None:
    """Whatever the frontmatter holds, the answer is a mapping or a ReportError with a line."""
    answers = [answer(document(raw), parser) for parser in (yaml.SafeLoader, yaml.CSafeLoader)]
    refused = [output for output in answers if re.match(r"line \d+: [^\n]*\Z", output)]
    # One parser may refuse what the other reads; two readings must never differ.
    assert len(set(answers) - set(refused)) <= 1


@both_parsers
@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("no", "no"),
        ("Yes", "Yes"),
        ("True", "True"),
        ("~", "~"),
        ("Null", "Null"),
        ("1.0", "1.0"),
        (".inf", ".inf"),
        ("010", "010"),
        ("0o17", "0o17"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("+1", "+1"),
        ("-0", "-0"),
        ("\u0661", "\u0661"),
        ("12:30", "12:30"),
        ("2026-11-20", "2026-11-20"),
        ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"),
        ("1e3", "1e3"),
        ("=", "="),
        ("true", True),
        ("false", False),
        ("null", None),
        ("0", 0),
        ("-12", -12),
        ("9223372036854775807", 2**63 - 1),
        ("'1'", "1"),
        ('"true"', "true"),
        ("|\n  two\n  lines", "two\nlines\n"),
        ("[a, 1, [no]]", ["a", 1, ["no"]]),
    ],
)
def test_only_words_and_whole_numbers_are_typed(raw: str, value: object, parser: object) -> None:
    """`no`, dates, octal, floats and the like stay the text that a person typed (OWN-3)."""
    read, _ = frontmatter.decode(document(f"key: {raw}"), parser=parser)
    assert repr(read) == repr({"key": value})


@both_parsers
@pytest.mark.parametrize(
    ("raw", "line", "why"),
    [
        ("a: &x 1", 2, "anchors"),
        ("a: &x [1]", 2, "anchors"),
        ("a: 1\nb: *x", 3, "anchors"),
        ("&x a: 1", 2, "anchors"),
        ("a: 1\nb: !!python/name:os.system x", 3, "tags"),
        ("a: !!binary aGk=", 2, "tags"),
        ("a: ! x", 2, "tags"),
        ("!!map {a: 1}", 2, "tags"),
        ("a: 1\nb: 2\na: 3", 4, "repeated"),
        ("a:\n  b: 1\n  'b': 2", 4, "repeated"),
        ("<<: {a: 1}", 2, "merge"),
        ("a:", 2, "missing"),
        ("{a, b: 1}", 2, "missing"),
        ("? [a]\n: b", 2, "a key must be text"),
        ("- a", 2, "a mapping"),
        ("text", 2, "a mapping"),
        ("# only a comment", 3, "a mapping"),
        ("a: 1\n...", 3, "one document"),
        ("a: 1\n--- \nb: 2", 3, "one document"),
        ("--- \na: 1", 2, "directives"),
        ("%YAML 1.1\n--- \na: 1", 2, "directives"),
        ("a: 1\nb: 9223372036854775808", 3, "too big"),
        ("a: " + "9" * 5000, 2, "too big"),
        ("a: 1\nb: [1", 4, ""),
        ("a: 1\n\tb: 2", 3, "not allowed here"),
        ("a: 1\r", 2, "not allowed here"),
        ("a: 1\nb: \x1b[31m", 3, r"\x1b"),
        ("a: \x85b", 2, r"\x85"),
        ("a: \u2028b", 2, "u2028"),
        ("a: \ufeffb", 2, "ufeff"),
        ("a: \udcff", 2, r"\xff"),
        ('a: "\\ud800"', 2, ""),
        ('a: "\\UFFFFFFFF"', 2, ""),
        ('a: "\\U00110000"', 2, ""),
    ],
)
def test_ambiguous_or_dangerous_yaml_is_refused(raw: str, line: int, why: str, parser: object) -> None:
    """The refusal names the line in the file and says why (OWN-3)."""
    with pytest.raises(ReportError) as refusal:
        frontmatter.decode(document(raw), parser=parser)
    assert why in str(refusal.value)
    named = int(str(refusal.value).split()[1].rstrip(":"))
    assert named == line or (not why and abs(named - line) <= 1)


@pytest.mark.parametrize(
    "broken",
    ["", "---", "---\n", "a: 1\n", "---\na: 1\n", "---\na: 1\n---", "---\na: 1\n--- \n", "---\na: 1\n----\n"]
    + [
        " ---\na: 1\n---\n",
        "--- \na: 1\n---\n",
        "\ufeff---\na: 1\n---\n",
        "\n---\na: 1\n---\n",
        "---\r\na: 1\r\n---\r\n",
    ]
    + ["---\n---\n", "---a: 1\n---\n"],
)
def test_delimiters_are_exact(broken: str) -> None:
    """A document whose delimiters are not exact has no frontmatter."""
    with pytest.raises(ReportError, match=r"^line \d+: "):
        frontmatter.decode(broken)


def test_the_first_closing_delimiter_ends_the_frontmatter() -> None:
    """A rule or another frontmatter in the body stays in the body."""
    assert frontmatter.decode("---\na: 1\n---\nb\n---\nc: 2\n---\n") == ({"a": 1}, "b\n---\nc: 2\n---\n")


@both_parsers
def test_depth_is_limited(parser: object) -> None:
    """As deep as the limit is read, one deeper is refused, by the reader and by the writer."""
    deep: object = 1
    for _ in range(MAX_DEPTH - 1):
        deep = [deep]
    assert frontmatter.decode(frontmatter.encode({"a": deep}, ""), parser=parser)[0] == {"a": deep}
    with pytest.raises(ReportError, match="deeper"):
        frontmatter.encode({"a": [deep]}, "")
    for bomb in ("[" * MAX_DEPTH + "]" * MAX_DEPTH, "[" * 100_000, "{a: " * 50_000):
        with pytest.raises(ReportError, match="deeper"):
            frontmatter.decode(document(f"a: {bomb}"), parser=parser)


def test_the_number_of_values_is_limited() -> None:
    """The reader and the writer stop at the same count."""
    most = [0] * (MAX_NODES - 3)
    assert frontmatter.decode(frontmatter.encode({"a": most}, ""))[0] == {"a": most}
    with pytest.raises(ReportError, match="more than"):
        frontmatter.encode({"a": [*most, 0]}, "")
    with pytest.raises(ReportError, match="more than"):
        frontmatter.decode(document("a:\n" + "- 0\n" * (MAX_NODES - 2)))


def test_size_is_limited() -> None:
    """Too long a frontmatter or document is refused by the reader and by the writer."""
    with pytest.raises(ReportError, match="the frontmatter is longer"):
        frontmatter.decode(document("a: " + "x" * frontmatter.MAX_FRONTMATTER))
    with pytest.raises(ReportError, match="the frontmatter is longer"):
        frontmatter.encode({"a": "x" * frontmatter.MAX_FRONTMATTER}, "")
    with pytest.raises(ReportError, match="the document is longer"):
        frontmatter.decode(document("a: 1") + "x" * frontmatter.MAX_DOCUMENT)
    with pytest.raises(ReportError, match="the document is longer"):
        frontmatter.encode({"a": 1}, "x" * frontmatter.MAX_DOCUMENT)


@pytest.mark.parametrize(
    "unit", ["- ", "? ", "a: ", "[", "'", '"', "a: b\n", "# ", ":", "|", "x", "\n", "- a\n ", ",", "*", "a:\n "]
)
def test_hostile_repetition_ends_soon(unit: str) -> None:
    """The largest frontmatter of any repeated fragment is answered in seconds, not minutes."""
    raw = (unit * (frontmatter.MAX_FRONTMATTER // len(unit)))[: frontmatter.MAX_FRONTMATTER - 10]
    started = monotonic()
    with contextlib.suppress(ReportError):
        frontmatter.decode(document(raw))
    assert monotonic() - started < 20


@pytest.mark.parametrize("value", [1.5, b"x", {1}, object(), 2**63, -(2**63) - 1, "\udcff", ["\ud800"], {"k": 1.0}])
def test_values_without_an_exact_form_are_refused(value: object) -> None:
    """The writer never guesses: floats, bytes, big numbers and surrogates are errors."""
    with pytest.raises(ReportError):
        frontmatter.encode({"a": value}, "")


@pytest.mark.parametrize("key", [1, None, True, "k" * 101, "\udcff"])
def test_keys_are_short_text(key: object) -> None:
    """A key that YAML could not hold as a key is refused by the writer."""
    with pytest.raises(ReportError):
        frontmatter.encode({key: 1}, "")  # type: ignore[dict-item]


def test_people_can_read_it() -> None:
    """Plain block YAML with unescaped letters of any script (P8)."""
    assert frontmatter.encode({"a": "Größe 目", "no": [1, {"b": True, "c": {}}]}, "# Body\n") == (
        '---\na: "Größe 目"\n"no":\n  - 1\n  - b: true\n    c: {}\n---\n# Body\n'
    )


# --- places --------------------------------------------------------------------------------------


@both_parsers
def test_every_key_and_value_has_its_place(parser: object) -> None:
    """Lines and columns count from 1, columns in characters, in block and in flow style."""
    raw = "# words\ntop:\n  - na: one\n    list: [é, {a: 1}]\n- two\n".replace("- two", "  - two")
    placed = yaml_read.parse_placed(raw, parser=parser)
    assert placed.mapping == yaml_read.parse(raw, parser=parser)
    assert {path: (place.line, place.column) for path, place in placed.values.items()} == {
        (): (2, 1),
        ("top",): (3, 3),
        ("top", 0): (3, 5),
        ("top", 0, "na"): (3, 9),
        ("top", 0, "list"): (4, 11),
        ("top", 0, "list", 0): (4, 12),
        ("top", 0, "list", 1): (4, 15),
        ("top", 0, "list", 1, "a"): (4, 19),
        ("top", 1): (5, 5),
    }
    assert {path: (place.line, place.column) for path, place in placed.keys.items()} == {
        ("top",): (2, 1),
        ("top", 0, "na"): (3, 5),
        ("top", 0, "list"): (4, 5),
        ("top", 0, "list", 1, "a"): (4, 16),
    }


@given(mapping=mappings)
def test_places_change_nothing_about_the_values(mapping: dict[str, object]) -> None:
    """Each key stands where its place says, whatever the document holds."""
    raw, _ = frontmatter.split(frontmatter.encode(mapping, ""))
    placed = yaml_read.parse_placed(raw)
    assert repr(placed.mapping) == repr(mapping)
    lines = raw.split("\n")
    for path, place in placed.keys.items():
        there = lines[place.line - 1][place.column - 1 :]
        key = str(path[-1])
        assert there.startswith((key, '"', "'")), (there, key)


@both_parsers
@pytest.mark.parametrize(
    ("raw", "column"),
    [("a: 1\nbc: \x01", 5), ("a: 1\nbc: &x 1", 5), ("a: 1\na: 2", 1), ("a: 1\nb: [*x]", 5), ("a: 1\nb: !!str c", 4)],
)
def test_a_refusal_knows_its_column(raw: str, column: int, parser: object) -> None:
    """The line and the column point at what is wrong."""
    with pytest.raises(MalformedYaml) as refusal:
        yaml_read.parse_placed(raw, parser=parser)
    assert (refusal.value.line, refusal.value.column) == (2, column)
