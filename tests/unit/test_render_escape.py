"""Text chosen by whoever pushes can be read, and can do nothing, wherever it is shown."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from orch_gates.documents.escape import (
    clip,
    comment,
    markdown,
    markdown_code,
    plain,
    terminal_line,
    visible,
    well_formed,
)

hostile = st.one_of(
    st.text(st.characters()),
    st.text(st.sampled_from("\x1b[\r\n\t\0\x7f\x9b|`\\*_<>&@:#]![~$ \u202e\u200b\ufeff\u2028\udcffaé"), max_size=20),
)
# Pieces of what forges make links of, and what may stand between them.
LINKS = ["#", "!", "3", "acme/app", "GH-", "gh-1", "@", "ann", "https://", "www.", "x.example", "abcdef0", "1234567"]
LINKS += ["`", "\\", " ", "(", "&", "_", "*", "<", "/", ".", ":", "-"]
LINKED = re.compile(
    r"[A-Za-z]://|www\.[A-Za-z0-9]|[#!][0-9]|gh-[0-9]|(?<![A-Za-z0-9])@[A-Za-z0-9]"
    r"|(?<![A-Za-z0-9])[0-9a-f]{7,}(?![A-Za-z0-9])|[A-Za-z0-9]@[A-Za-z0-9]+\.[A-Za-z0-9]",
    re.IGNORECASE,
)
ACTING = {"Cc", "Cs", "Zl", "Zp"}


def cells(row: str) -> int:
    """How many cells a Markdown table row has: pipes that no backslash protects end one."""
    return len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) - 1


@given(text=hostile)
@example(text="\u202ecod.exe\u200b\u2066\U000e0041")
def test_no_control_or_reordering_character_is_shown(text: str) -> None:
    """Control, line-ending, bidi and invisible characters never leave, in any form."""
    for show in (visible, terminal_line, markdown, markdown_code):
        shown = show(text)
        assert not [c for c in shown if unicodedata.category(c) in ACTING]
        assert not re.search("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]", shown)
        assert len(shown.splitlines()) <= 1
        shown.encode("utf-8")


@given(text=hostile)
@example(text="\ue000\U000fffff\u0378\u00a0\u3000\u2003\u180e\u2060")
def test_a_terminal_gets_what_can_be_seen(text: str) -> None:
    """Letters of every script, and no other blank than a space; what is shown is shown the same again."""
    shown = terminal_line(text)
    assert shown.isprintable()
    assert terminal_line(shown) == shown


@pytest.mark.parametrize("name", ["Größe.py", "Gro\u0308\u00dfe", "документ", "文档.txt", "ملف", "naïve 🎉"])
def test_a_name_in_any_script_is_shown_as_it_is(name: str) -> None:
    """Also where its letters are written with marks, as file systems of Apple do."""
    assert terminal_line(name) == name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u00a0b", r"a\xa0b"),
        ("a\u3164b", r"a\u3164b"),
        ("a\u2800b", r"a\u2800b"),
        ("a\ufe0fb", r"a\ufe0fb"),
        ("a\U000e0100b", r"a\U000e0100b"),
        ("\ue000", r"\ue000"),
        ("\u0378", r"\u0378"),
        ("e" + "\u0301" * 5, "e" + "\u0301" * 3 + r"\u0301\u0301"),
        ("\u202ecod.exe", r"\u202ecod.exe"),
        ("\u3000::error::x", r"\u3000::error::x"),
        ("a ::error::x", r"a :\x3aerror::x"),
    ],
)
def test_what_cannot_be_seen_is_spelled_out(text: str, shown: str) -> None:
    """Blanks that are no space, letters without a shape, unassigned and private characters, piles of marks."""
    assert terminal_line(text) == shown


@given(text=hostile)
@example(text="::add-mask::x")
@example(text="a ::set-output name=x::y")
@example(text="a##[add-path]/tmp")
@example(text="###[x]")
def test_a_runner_sees_no_command(text: str) -> None:
    """A runner obeys `::command::` after leading blanks and `##[command]` anywhere in a log line."""
    for show in (visible, terminal_line, markdown, markdown_code):
        shown = show(text)
        assert "##[" not in shown
        assert not re.search(r"(?:^|\s)::", shown)


@given(text=hostile)
@example(text="a|b")
@example(text="a\\|b")
@example(text="`|`")
@example(text="\\")
def test_text_stays_in_its_markdown_cell(text: str) -> None:
    """A table row has as many cells as were written, whatever is in them."""
    assert cells(f"| {markdown(text)} | {markdown_code(text)} |") == 2


@given(text=hostile)
def test_a_code_span_holds_all_of_its_text(text: str) -> None:
    """There are exactly two backticks: one at each end."""
    shown = markdown_code(text)
    assert shown == "" or (shown.count("`") == 2 and shown[0] == shown[-1] == "`")


@given(text=hostile)
def test_prose_has_no_active_markup(text: str) -> None:
    """Every character of Markdown or HTML syntax is escaped, so that no link or image appears."""
    shown = markdown(text)
    assert not re.search(r"[<>|]", shown)
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]~$]", shown)
    assert not re.search(r"&(?!amp;|lt;|gt;|#124;)", shown)


@given(text=hostile)
@example(text="&amp;lt; \\[ \\\\")
def test_prose_is_shown_as_it_was_on_a_terminal(text: str) -> None:
    """A log that is Markdown is read by people there, without what keeps it from being markup."""
    assert plain(markdown(text)) == plain(markdown(visible(text)))
    if "@" not in text:
        assert plain(markdown(text)) == visible(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("src/Größe.py", "src/Größe.py"),
        ("a::b c:d", "a::b c:d"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\nb", r"a\x0ab"),
        ("caf\udce9", r"caf\xe9"),
        ("\ud800", r"\ud800"),
        ("\u202e", r"\u202e"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_ordinary_names_stay_and_others_show_their_code(text: str, shown: str) -> None:
    """A person recognises the file (P8)."""
    assert visible(text) == shown


@given(text=st.one_of(hostile, st.lists(st.sampled_from(LINKS), max_size=8).map("".join)))
@example(text="#3#4!5@ann")
@example(text="#3::notice::x")
@example(text="`#3` \\#3 \\`GH-1`` https://a.example/`b`")
@example(text="ann@#3 user@1234567 acme/app@abcdef0 x@y.example")
def test_a_comment_leads_nowhere(text: str) -> None:
    """Urls, issues, commits and people in it are text or code, all as it was written, in its order (SEC-5)."""
    (inline,) = MarkdownIt("commonmark").parseInline(comment(text))
    assert {one.type for one in inline.children or ()} <= {"text", "code_inline"}
    for one in inline.children or ():
        assert one.type == "code_inline" or not LINKED.search(one.content), one.content
    told = "".join(one.content for one in inline.children or ())
    assert told.replace("\\x40", "@").split() == visible(text).replace("\\x40", "@").split()


@pytest.mark.parametrize(
    "text", ["PR-2 is red", "T-1: 3 of 12", "a.b/c", "10:30", "C#", "wow!", "deadbee", "ein Größe"]
)
def test_a_comment_keeps_common_words(text: str) -> None:
    """Only what a forge would link is shown as code."""
    assert comment(text) == (f"`{text}`" if text == "deadbee" else text)


def test_mentions_do_not_call_people() -> None:
    """A message cannot notify anybody; addresses and revisions keep their @."""
    assert "@team" not in markdown("hi @team")
    assert "a@b.example" in markdown("a@b.example")


@given(text=hostile, limit=st.integers(4, 30))
def test_clipping_keeps_both_ends(text: str, limit: int) -> None:
    """Short text is untouched; long text is exactly as long as allowed."""
    shown = clip(text, limit)
    assert shown == text if len(text) <= limit else len(shown) == limit and "..." in shown
    assert clip("abcdefghij", 7) == "ab...ij"


@given(text=hostile)
def test_well_formed_text_is_utf8_and_otherwise_the_same(text: str) -> None:
    """Only what cannot be stored as UTF-8 is changed."""
    shown = well_formed(text)
    shown.encode("utf-8")
    assert shown == text or any(0xD800 <= ord(c) <= 0xDFFF for c in text)
