"""A labelled set: credentials in the mix that leaks have, and lines that look like them and hold none.

It is generated, and no sample of anybody's code. The kinds are weighed as published sets of labelled leaks count
theirs; the names, files and values are what such leaks look like.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.corpus.formats import FORMATS
from tests.corpus.syntaxes import NAMES, SYNTAXES
from tests.corpus.values import ALNUM, DIGITS, HEX, encoded, jwt, private_key, text, uuid4, words
from tests.corpus.whole_files import FILES, WholeFile

Maker = Callable[[Random], tuple[str, str]]


def _assigned(kind: str) -> Maker:
    names, value = NAMES[kind]

    def make(chance: Random) -> tuple[str, str]:
        syntax = SYNTAXES[chance.choice(sorted(SYNTAXES))]
        return syntax.path, syntax.text(chance.choice(names), value(chance))

    return make


def _one_of(*wanted: str) -> Maker:
    files = [file for name, file in FILES.items() if any(word in name for word in wanted)]

    def make(chance: Random) -> tuple[str, str]:
        file: WholeFile = chance.choice(files)
        return file.path, file.content(chance)

    return make


def _provider(chance: Random) -> tuple[str, str]:
    syntax = SYNTAXES[chance.choice(sorted(SYNTAXES))]
    made = FORMATS[chance.choice(sorted(FORMATS))]
    return syntax.path, syntax.text(chance.choice(NAMES["token"][0]), made(chance))


def _web_token(chance: Random) -> tuple[str, str]:
    return "test_login.py", f'def test_login():\n    client.get("/", headers={{"Authorization": "{jwt(chance)}"}})\n'


def _key(chance: Random) -> tuple[str, str]:
    return "certs/server.key", private_key(chance.choice(["rsa", "pkcs8", "ec", "openssh", "ed25519"]))


def _salt(chance: Random) -> tuple[str, str]:
    syntax = SYNTAXES[chance.choice(sorted(SYNTAXES))]
    return syntax.path, syntax.text(chance.choice(["salt", "nonce", "session key"]), text(chance, 32, HEX))


# Kind, rows in a hundred, and how a row is made.
TRUE: dict[str, tuple[int, Maker]] = {
    "password": (24, _assigned("password")),
    "key": (22, _assigned("key")),
    "secret": (13, _assigned("secret")),
    "token": (10, _assigned("token")),
    "provider format": (7, _provider),
    "private key": (7, _key),
    "basic and bearer": (6, _one_of("basic auth", "bearer", "curl user", "docker auth", "npmrc auth")),
    "URL": (4, _one_of("URL password", "git credentials", "JDBC")),
    "AWS pair": (2, _one_of("AWS credentials")),
    "web token": (2, _web_token),
    "salt and nonce": (2, _salt),
    "command and SQL": (1, _one_of("sshpass", "connection string")),
}


def _words(chance: Random, count: int) -> list[str]:
    return [chance.choice(words()) for _ in range(count)]


def _no_value(chance: Random) -> str:
    first, second = _words(chance, 2)
    return chance.choice(
        [
            "changeme",
            "<your-password>",
            "YOUR_API_KEY_HERE",
            "x" * chance.choice([8, 16, 32]),
            "*" * chance.choice([6, 8, 12]),
            f"${{{first.upper()}_{second.upper()}}}",
            f"{{{{ .Values.{first}.{second} }}}}",
            f"%({first})s",
            f"$({first} {second})",
            f"/etc/{first}/{second}.pem",
            f"{first}.{second}",
            f"{first}_{second}",
            f"enter the {first} of your {second}",
            "example",
            "null",
            "true",
        ]
    )


def _placeholder(chance: Random) -> tuple[str, str]:
    syntax = SYNTAXES[chance.choice(sorted(SYNTAXES))]
    names, _ = NAMES[chance.choice(sorted(NAMES))]
    return syntax.path, syntax.text(chance.choice(names), _no_value(chance))


def _code(chance: Random) -> tuple[str, str]:
    first, second = _words(chance, 2)
    name = chance.choice(["password", "secret", "token", "api_key", "auth_token", "passwd"])
    path, line = chance.choice(
        [
            ("a.py", f'{name} = os.environ["{first.upper()}_{second.upper()}"]'),
            ("a.py", f"{name} = get_{name}({first}, {second})"),
            ("a.py", f"def check({name}: str, {first}: int = 3) -> None:"),
            ("a.js", f"const {name} = process.env.{first.upper()}_{second.upper()};"),
            ("a.js", f"this.{name} = options.{first}.{second}{name.title()};"),
            ("a.ts", f"  {name}: string | undefined;"),
            ("a.go", f"\t{name} := []byte(conf.{first.title()}{second.title()})"),
            ("a.java", f"    private final String {name};  // the {first} of a {second}"),
            ("a.html", f'<input type="password" name="{name}" id="{first}-{second}" placeholder="{name}">'),
            ("a.rb", f"  attr_accessor :{name}, :{first}_{second}"),
            ("a.yml", f"  {name}_label: Please type the {first} again"),
            ("a.css", f".{name}-{first} {{ color: #{text(chance, 6, HEX)}; }}"),
        ]
    )
    return path, line + "\n"


def _digest(chance: Random) -> tuple[str, str]:
    first, second = _words(chance, 2)
    version = f"{chance.randrange(9)}.{chance.randrange(30)}.{chance.randrange(9)}"
    path, line = chance.choice(
        [
            ("deps.json", f'  "integrity": "sha512-{encoded(chance.randbytes(64))}",'),
            ("lock.txt", f"{first}=={version} --hash=sha256:{text(chance, 64, HEX)}"),
            ("go.sum", f"git.internal/{first}/{second} v{version} h1:{encoded(chance.randbytes(32))}"),
            ("release.yml", f"    uses: {first}/{second}@{text(chance, 40, HEX)}  # v{version}"),
            ("image.yml", f"  image: r.internal/{first}@sha256:{text(chance, 64, HEX)}"),
            ("data.json", f'  "id": "{uuid4(chance)}", "{first}": {text(chance, 8, DIGITS)},'),
            ("trace.log", f"commit {text(chance, 40, HEX)} by {first} {second}"),
            ("key.pub", f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{text(chance, 43, ALNUM)} {first}"),
            ("a.css", f".{first} {{ background: url(data:image/png;base64,{encoded(chance.randbytes(90))}) }}"),
        ]
    )
    return path, line + "\n"


def _identifier(chance: Random) -> tuple[str, str]:
    first, second = _words(chance, 2)
    names = ("cache key", "primary key", "page token", "public key", "key id", "sort key", "token type", "object key")
    value = chance.choice(
        [
            f"{first}-{second}-{text(chance, 8, HEX)}",
            f"{first.upper()}_{second.upper()}_{text(chance, 2, DIGITS)}",
            f"{first}/{second}/{chance.randrange(2000, 2030)}/{text(chance, 6, DIGITS)}",
            f"urn:{first}:{second}:v{chance.randrange(9)}",
            f"{first.title()}{second.title()}Type",
            uuid4(chance),
            text(chance, 32, HEX),
        ]
    )
    syntax = SYNTAXES[chance.choice(sorted(SYNTAXES))]
    return syntax.path, syntax.text(chance.choice(names), value)


def _prose(chance: Random) -> tuple[str, str]:
    first, second, third = _words(chance, 3)
    kind = chance.choice(["password", "token", "key", "secret"])
    return (
        "guide.md",
        f"The {kind} is {first}: set the {kind} in {second} before the {third}, and keep the {kind} safe.\n",
    )


FALSE: dict[str, tuple[int, Maker]] = {
    "placeholder": (40, _placeholder),
    "code": (25, _code),
    "identifier": (15, _identifier),
    "digest and id": (15, _digest),
    "prose": (5, _prose),
}
