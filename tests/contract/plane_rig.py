"""A project on the scripted Plane, with what people do there."""

from __future__ import annotations

from collections.abc import Mapping

from orch_gates.model.effect import TrackerState
from orch_gates.settings import load
from orch_gates.trackers.plane.tracker import PlaneTracker, connect
from tests.contract.forge_rig import Who
from tests.fakes.plane import PROJECT, WORKSPACE, Plane

NAMES = {Who.OWNER: "alice", Who.WRITER: "bob", Who.STRANGER: "eve"}
TIMEOUT = 10


class PlaneTracked:
    """Whoever asks has a token of their own; a word is a state."""

    users = True
    tells = True

    def __init__(self, server: Plane, *, complete: bool = True) -> None:
        self.server = server
        self.tokens = {who: server.member(NAMES[who]) for who in (Who.OWNER, Who.WRITER)}
        self.tokens[Who.STRANGER] = server.stranger()
        self.ids = {who: server.tokens[token] for who, token in self.tokens.items()}
        for name in ("Approved", "Rejected", "Blocked", "Needs Input") if complete else ():
            server.states.append(server.states[0] | {"id": f"00000000-0000-4000-8000-{len(server.states):012}"})
            server.states[-1] |= {"name": name, "group": "started", "default": False, "sequence": 70000.0}

    def env(self, who: Who = Who.OWNER) -> dict[str, str]:
        """How it is set."""
        return {
            "ORCH_TRACKER": "plane",
            "ORCH_TRACKER_URL": self.server.url,
            "ORCH_TRACKER_WORKSPACE": WORKSPACE,
            "ORCH_TRACKER_PROJECT": PROJECT,
            "ORCH_TRACKER_TOKEN": self.tokens[who],
            "ORCH_TRACKER_TIMEOUT_S": str(TIMEOUT),
        }

    def tracker(self, who: Who = Who.OWNER, page: int = 0, more: Mapping[str, str] | None = None) -> PlaneTracker:
        return connect(load({**self.env(who), **(more or {})}).tracker, page=page)

    def name(self, who: Who) -> str:
        return NAMES[who]

    def make(self, title: str, word: TrackerState | None = None) -> int:
        return self.server.make(title, self.ids[Who.OWNER], "Backlog" if word is None else word.value.replace("-", " "))

    def say(self, number: int, word: TrackerState, who: Who = Who.OWNER) -> None:
        state = self.server.state(word.value.replace("-", " "))
        self.server.move(self.server.numbered(number), state, self.ids[who])

    def close(self, number: int) -> None:
        self.server.move(self.server.numbered(number), self.server.state("Done"), self.ids[Who.OWNER])

    def comment(self, number: int, text: str, who: Who = Who.OWNER) -> None:
        output = "".join(f"<p>{line}</p>" for line in text.split("\n"))
        self.server.comment(self.server.numbered(number), self.ids[who], {"comment_html": output})

    def copy(self, number: int, other: int) -> None:
        item = self.server.numbered(other)
        there = next(one for one in self.server.comments[::-1] if one["issue"] == self.server.numbered(number)["id"])
        output = {name: there[name] for name in ("comment_html", "external_source")} | {"external_id": "a-copy"}
        self.server.comment(item, self.ids[Who.WRITER], output)

    def comments(self, number: int) -> list[tuple[str, str]]:
        item = self.server.numbered(number)["id"]
        return [(one["id"], one["comment_html"]) for one in self.server.comments if one["issue"] == item]

    def state(self, number: int) -> str:
        """The name of the state that an item is in."""
        there = self.server.numbered(number)["state"]
        return next(str(one["name"]) for one in self.server.states if one["id"] == there)
