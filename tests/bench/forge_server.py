"""A server that answers as a Gitea does, with the same bodies each time: a list of 50 statuses, and a pull request.

`python forge_server.py` prints its port and serves until its input ends. The path says how long an answer takes:
`/5/pulls/1` is answered after 5 ms. It is a process of its own, so that it takes no time from who asks.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
import time
from typing import Any

_URL = "http://127.0.0.1:3000"
_HEAD = "6f1d3c5a9b7e2f40816c5d3e7a9b1c2d4e6f8091"
_TIME = "2026-11-21T12:00:00Z"
_NOBODY = {"language": "", "location": "", "website": "", "description": "", "full_name": "", "login_name": ""}


def _user(name: str) -> dict[str, Any]:
    return {
        **_NOBODY,
        "id": 2,
        "login": name,
        "email": f"2+{name}@noreply.example.invalid",
        "avatar_url": f"{_URL}/avatars/43fcab1f4245d31e85b194dc2836a67d",
        "html_url": f"{_URL}/{name}",
        "is_admin": False,
        "last_login": "0001-01-01T00:00:00Z",
        "created": _TIME,
        "visibility": "public",
        "followers_count": 0,
        "following_count": 0,
        "starred_repos_count": 0,
        "username": name,
    }


def _status(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "status": "success",
        "target_url": f"{_URL}/alice/project/actions/runs/{number}/jobs/0",
        "description": "Successful in 4 minutes",
        "url": f"{_URL}/api/v1/repos/alice/project/statuses/{_HEAD}",
        "context": f"checks / job {number} (push)",
        "creator": _user("alice"),
        "created_at": _TIME,
        "updated_at": _TIME,
    }


def _branch(name: str) -> dict[str, Any]:
    rights = {"admin": False, "push": True, "pull": True}
    units = {f"has_{unit}": True for unit in ("issues", "wiki", "pull_requests", "projects", "releases", "actions")}
    urls = {f"{kind}_url": f"{_URL}/alice/project/{kind}" for kind in ("html", "url", "link", "ssh", "clone", "avatar")}
    more = {f"allow_{way}": True for way in ("merge_commits", "rebase", "squash_merge", "fast_forward_only_merge")}
    repository = {"id": 7, "owner": _user("alice"), "name": "project", "permissions": rights, **units, **urls, **more}
    return {"label": name, "ref": name, "sha": _HEAD, "repo_id": 7, "repo": repository}


_PULL = {
    "id": 41,
    "url": f"{_URL}/alice/project/pulls/1",
    "number": 1,
    "user": _user("alice"),
    "title": "Greet the user by name",
    "body": "What it does and why, in a few lines.\n" * 12,
    "labels": [],
    "state": "open",
    "draft": False,
    "mergeable": True,
    "merged": False,
    "merge_commit_sha": None,
    "html_url": f"{_URL}/alice/project/pulls/1",
    "base": _branch("main"),
    "head": _branch("task/T-1"),
    "merge_base": _HEAD,
    "created_at": _TIME,
    "updated_at": _TIME,
}


def _answer(document: object, more: str = "") -> bytes:
    body = json.dumps(document, separators=(",", ":")).encode()
    head = (
        "HTTP/1.1 200 OK\r\nCache-Control: max-age=0, private, must-revalidate, no-transform\r\n"
        "Content-Type: application/json;charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
        f"Date: Sat, 21 Nov 2026 12:00:00 GMT\r\n{more}Transfer-Encoding: chunked\r\n\r\n"
    )
    # A Gitea sends a whole document as one chunk.
    return head.encode() + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


_ANSWERS = {
    b"pulls": _answer(_PULL),
    b"commits": _answer([_status(number) for number in range(50)], "X-Total-Count: 50\r\n"),
}
_REQUEST = re.compile(rb"GET /(\d+)/(\w+)/")


def _serve(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection:
        kept = b""
        while True:
            request, ended, kept = kept.partition(b"\r\n\r\n")
            if ended:
                asked = _REQUEST.match(request)
                if asked is None:
                    return
                time.sleep(int(asked[1]) / 1000)
                connection.sendall(_ANSWERS[asked[2]])
                continue
            more = connection.recv(65536)
            if not more:
                return
            kept = request + more


def _accept(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_serve, args=(connection,), daemon=True).start()


def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener,), daemon=True).start()
        print(listener.getsockname()[1], flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
