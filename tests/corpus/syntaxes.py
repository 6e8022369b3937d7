"""How a name and its value stand in each kind of file: what most leaks look like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.corpus.values import HEX, encoded, made_password, text, typed_password, uuid4


@dataclass(frozen=True, slots=True)
class Syntax:
    """A kind of file: its name, the text around an assignment, and the assignment of `{name}` and `{value}`."""

    path: str
    style: str
    assignment: str
    before: str = ""
    after: str = ""

    def text(self, words: str, value: str) -> str:
        """The file; `words` are the words of the name, apart by blanks."""
        name = STYLES[self.style](words.split())
        return self.before + self.assignment.replace("{name}", name).replace("{value}", value) + self.after


STYLES: dict[str, Callable[[list[str]], str]] = {
    "snake": "_".join,
    "camel": lambda words: words[0] + "".join(word.title() for word in words[1:]),
    "title": lambda words: "".join(word.title() for word in words),
    "upper": lambda words: "_".join(words).upper(),
    "dotted": ".".join,
    "dashed": "-".join,
}

SYNTAXES: dict[str, Syntax] = {
    "py": Syntax("settings.py", "upper", '{name} = "{value}"\n', "import os\n\nDEBUG = False\n", "TIMEOUT = 30\n"),
    "py dict": Syntax("conf.py", "snake", "    '{name}': '{value}',\n", "CONF = {\n    'host': 'db1',\n", "}\n"),
    "py call": Syntax("job.py", "snake", 'run(host="db1", {name}="{value}")\n', "from jobs import run\n\n"),
    "yaml": Syntax("app.yml", "snake", "  {name}: {value}\n", "database:\n  host: db1\n", "  pool: 5\n"),
    "yaml quoted": Syntax("values.yaml", "camel", '  {name}: "{value}"\n', "auth:\n  enabled: true\n", "  port: 80\n"),
    "env": Syntax(".env", "upper", "{name}={value}\n", "APP_ENV=live\n", "APP_DEBUG=false\n"),
    "env quoted": Syntax("live.env", "upper", '{name}="{value}"\n', "APP_ENV=live\n", "APP_DEBUG=false\n"),
    "json": Syntax("config.json", "camel", '  "{name}": "{value}",\n', '{\n  "host": "db1",\n', '  "port": 5432\n}\n'),
    "java": Syntax(
        "Login.java", "camel", '    String {name} = "{value}";\n', "class Login {\n", "    int retries = 3;\n}\n"
    ),
    "xml": Syntax(
        "config.xml", "camel", "  <{name}>{value}</{name}>\n", "<config>\n", "  <port>80</port>\n</config>\n"
    ),
    "xml attribute": Syntax(
        "beans.xml", "camel", '  <property name="{name}" value="{value}"/>\n', "<bean>\n", "</bean>\n"
    ),
    "ini": Syntax("app.ini", "snake", "{name} = {value}\n", "[database]\nhost = db1\n", "pool = 5\n"),
    "properties": Syntax(
        "application.properties", "dotted", "spring.datasource.{name}={value}\n", "server.port=8080\n"
    ),
    "toml": Syntax("config.toml", "snake", '{name} = "{value}"\n', '[database]\nhost = "db1"\n', "pool = 5\n"),
    "tf": Syntax("main.tf", "snake", '  {name} = "{value}"\n', 'resource "db" "main" {\n  size = 5\n', "}\n"),
    "sh": Syntax("deploy.sh", "upper", "export {name}='{value}'\n", "#!/bin/sh\nset -e\n", "run deploy\n"),
    "php": Syntax("config.php", "snake", "${name} = '{value}';\n", "<?php\n$host = 'db1';\n"),
    "php define": Syntax("defines.php", "upper", "define('{name}', '{value}');\n", "<?php\n"),
    "rb": Syntax("setup.rb", "snake", "  config.{name} = '{value}'\n", "configure do |config|\n", "end\n"),
    "rb hash": Syntax("client.rb", "snake", "Client.new(host: 'db1', {name}: '{value}')\n", "require 'client'\n\n"),
    "go": Syntax("main.go", "camel", '\t{name} := "{value}"\n', "package main\n\nfunc main() {\n", "\trun()\n}\n"),
    "cs": Syntax(
        "Login.cs",
        "title",
        '    private const string {name} = "{value}";\n',
        "public class Login {\n",
        "    private int tries = 3;\n}\n",
    ),
    "js": Syntax("login.js", "camel", "const {name} = '{value}';\n", "'use strict';\n\n", "start();\n"),
    "ts object": Syntax(
        "options.ts", "camel", "  {name}: '{value}',\n", "export const options = {\n  host: 'db1',\n", "};\n"
    ),
    "kt": Syntax("Login.kt", "camel", '    val {name} = "{value}"\n', "object Login {\n", "}\n"),
    "command": Syntax(
        "README.md", "dashed", "    client --host db1 --{name} {value} --verbose\n", "# Use\n\n", "\nDone.\n"
    ),
    "text": Syntax("notes.txt", "dashed", "{name}: {value}\n", "user: admin\n", "host: db1\n"),
    "sql": Syntax("seed.sql", "snake", "ALTER USER app WITH {name} '{value}';\n", "BEGIN;\n", "COMMIT;\n"),
    "Dockerfile": Syntax("Dockerfile", "upper", "ENV {name}={value}\n", "FROM scratch\n", "CMD run\n"),
}

Value = Callable[[Random], str]


def any_password(chance: Random) -> str:
    return typed_password(chance) if chance.random() < 0.5 else made_password(chance)


def any_key(chance: Random) -> str:
    """What programs give out as a key or a secret: hex, letters and digits, base64, a UUID."""
    hexadecimal = text(chance, chance.choice([32, 40, 64]), HEX)
    mixed = text(chance, chance.choice([20, 24, 32, 40, 48]))
    return chance.choice(
        [hexadecimal, mixed, encoded(chance.randbytes(chance.choice([24, 32, 33, 48]))), uuid4(chance)]
    )


# The words of a name, and what its value is like.
NAMES: dict[str, tuple[tuple[str, ...], Value]] = {
    "password": (("password", "db password", "admin passwd", "user pwd", "root password", "smtp pass"), any_password),
    "key": (("api key", "secret key", "encryption key", "access key", "service apikey", "private key id"), any_key),
    "token": (("token", "access token", "auth token", "bot token", "refresh token", "csrf token"), any_key),
    "secret": (("secret", "client secret", "app secret", "jwt secret", "shared secret", "webhook secret"), any_key),
}
