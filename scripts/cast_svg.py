"""A recording of a terminal as one SVG that moves by itself: no script, no font and no address in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

COLUMNS, ROWS = 100, 24
_END_S = 2.0
_LINE, _MARGIN, _BAR = 18, 16, 26
_WIDTH, _HEIGHT = COLUMNS * 9 + 2 * _MARGIN, ROWS * _LINE + _BAR + 2 * _MARGIN
_STYLE = """\
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre;fill:#d0d7de}
.typed{fill:#7ee787}.remark{fill:#8b949e}.bad{fill:#ff9a92}
"""


@dataclass(frozen=True, slots=True)
class Event:
    """Text that appears at a second."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class _Line:
    at: float
    text: str


def svg(events: Sequence[Event], title: str) -> str:
    """The picture: it plays again and again, and is the last screen where nothing may move."""
    lines = list(_lines(events))
    length = events[-1].at + _END_S
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {_WIDTH} {_HEIGHT}"',
            f' width="{_WIDTH}" height="{_HEIGHT}">\n<title>{escape(title)}</title>\n',
            f"<style>\n{_STYLE}{_motion(lines, length)}</style>\n",
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="8" fill="#161b22" stroke="#6e7681"/>\n',
            *(f'<circle cx="{20 + 18 * n}" cy="18" r="5" fill="#6e7681"/>\n' for n in range(3)),
            f'<svg x="{_MARGIN}" y="{_BAR + _MARGIN}" width="{COLUMNS * 9}" height="{ROWS * _LINE}">\n',
            f'<g id="s" transform="translate(0 {-_LINE * max(0, len(lines) - ROWS)})">\n',
            *(_text(number, line) for number, line in enumerate(lines)),
            "</g>\n</svg>\n</svg>\n",
        ]
    )


def _lines(events: Sequence[Event]) -> Iterator[_Line]:
    for event in events:
        for text in event.text.splitlines():
            rest = text.rstrip()
            while rest:
                yield _Line(event.at, rest[:COLUMNS])
                rest = rest[COLUMNS:]


def _text(number: int, line: _Line) -> str:
    kind = "remark" if line.text.startswith("$ #") else "typed" if line.text.startswith("$ ") else ""
    if "refused" in line.text or "rejected" in line.text or ": FAIL" in line.text:
        kind = "bad"
    classes = f"{_name(line.at)} {kind}".strip()
    return f'<text class="{classes}" y="{number * _LINE + 13}">{escape(line.text)}</text>\n'


def _name(at: float) -> str:
    return f"t{round(at * 10)}"


def _motion(lines: Sequence[_Line], length: float) -> str:
    """Each line is shown from its second on, and the screen moves up when it is full; for who wants motion."""
    rules, moves, shown = [], ["0%{transform:none}"], 0
    for at in sorted({line.at for line in lines}):
        share = f"{100 * at / length:.2f}%"
        shown += sum(line.at == at for line in lines)
        if at:
            moves.append(f"{share}{{transform:translateY({-_LINE * max(0, shown - ROWS)}px)}}")
            rules.append(f"@keyframes {_name(at)}{{0%{{opacity:0}}{share},to{{opacity:1}}}}")
            rules.append(f".{_name(at)}{{animation:{_name(at)} {length:.1f}s step-end infinite}}")
    last = moves[-1].partition("{")[2]
    rules += [f"@keyframes up{{{''.join(moves)}to{{{last}}}", f"#s{{animation:up {length:.1f}s step-end infinite}}"]
    return "@media (prefers-reduced-motion:no-preference){\n" + "\n".join(rules) + "\n}\n"
