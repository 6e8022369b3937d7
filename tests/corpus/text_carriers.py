"""The texts that a token of one line is put into."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextCarrier:
    """A kind of file: the ending of its name and its content around a token."""

    ending: str
    content: Callable[[str], bytes]


def _around(before: str, after: str) -> Callable[[str], bytes]:
    return lambda token: f"{before}{token}{after}".encode()


def _notebook(token: str) -> bytes:
    source = ["import client\n", f'session = client.connect("{token}")\n', "session.run()"]
    cell = {"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": [], "source": source}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1).encode()


def _percent(token: str) -> str:
    return "".join(f"%{byte:02X}" for byte in token.encode())


TEXT: dict[str, TextCarrier] = {
    "plain": TextCarrier("txt", _around("Please use ", " from now on.\n")),
    "quoted": TextCarrier("py", _around('session = connect("', '", timeout=3)\n')),
    "env": TextCarrier("env", _around("MODE=live\nSERVICE_TOKEN=", "\nDEBUG=0\n")),
    "yaml": TextCarrier("yaml", _around("service:\n  token: ", "\n  retries: 3\n")),
    "json": TextCarrier("json", _around('{\n  "name": "demo",\n  "token": "', '",\n  "retries": 3\n}\n')),
    "xml": TextCarrier("xml", _around("<service>\n  <token>", "</token>\n</service>\n")),
    "toml": TextCarrier("toml", _around('[service]\ntoken = "', '"\nretries = 3\n')),
    "url query": TextCarrier("md", _around("curl https://service.invalid/v1?token=", "&page=2\n")),
    "markdown": TextCarrier("md", _around("Log in with `", "`, then go on.\n")),
    "log line": TextCarrier("log", _around("2026-01-05T10:11:12Z INFO client: sent token=", " status=200\n")),
    "notebook": TextCarrier("ipynb", _notebook),
    "shell export": TextCarrier("sh", _around('#!/bin/sh\nexport SERVICE_TOKEN="', '"\nrun\n')),
    "diff text": TextCarrier("patch", _around("@@ -1,2 +1,2 @@\n-token = None\n+token = '", "'\n retries = 3\n")),
}

ENCODED: dict[str, TextCarrier] = {
    "base64 in YAML": TextCarrier("yaml", lambda token: f"data:\n  value: {_base64(token)}\n".encode()),
    "base64 alone": TextCarrier("txt", lambda token: f"{_base64(token)}\n".encode()),
    "hex": TextCarrier("txt", lambda token: f"value {token.encode().hex()} end\n".encode()),
    "percent-encoded": TextCarrier("txt", lambda token: f"value {_percent(token)} end\n".encode()),
    "UTF-16": TextCarrier("txt", lambda token: f'token = "{token}"\r\n'.encode("utf-16")),
}


def _base64(token: str) -> str:
    return base64.b64encode(token.encode()).decode()
