"""HTML as text: a plain `str` is always escaped, only `Html` is taken as it is (OWN-3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape as entities
from typing import TypeAlias

from orch_gates.documents import escape

# What no text may begin with that becomes a link: titles and reasons are foreign, and so are their addresses.
_WEB = re.compile(r"https?://[!-~]+")
_VOID = frozenset({"meta", "link", "input"})
# In a picture an element without content has to be ended.
_ENDED = frozenset({"rect"})


class Html(str):
    """Markup that this package made."""

    __slots__ = ()


Child: TypeAlias = "str | Html"


def text(value: str) -> Html:
    """Foreign text: what would act instead of being read is shown as its code, as everywhere in this house."""
    return Html(entities(escape.HOSTILE.sub(lambda hit: escape.code(hit[0]), value)))


def tag(name: str, /, *children: Child, **attributes: str | bool | None) -> Html:
    """An element; an attribute that is None or False is left out, `_` in its name is `-`, and one at its end goes."""
    spelled = "".join(_attribute(key, value) for key, value in attributes.items() if value not in {None, False})
    if name in _VOID:
        return Html(f"<{name}{spelled}>")
    if name in _ENDED:
        return Html(f"<{name}{spelled}/>")
    return Html(f"<{name}{spelled}>{joined(children)}</{name}>")


def joined(children: Iterable[Child], between: str = "") -> Html:
    """Several, one after the other; `between` is markup."""
    return Html(between.join(child if isinstance(child, Html) else text(child) for child in children))


def link(label: str, url: str) -> Html:
    """A link to a page on the web; where that is none, only the label."""
    if not _WEB.fullmatch(url):
        return text(label)
    return tag("a", label, href=url, rel="noreferrer")


def foreign(value: str) -> Html:
    """Foreign text amid ours: letters that run from right to left do not move what stands beside them."""
    return tag("bdi", value)


def _attribute(name: str, value: str | bool | None) -> str:
    key = name.rstrip("_").replace("_", "-")
    return f" {key}" if value is True else f' {key}="{text(str(value))}"'
