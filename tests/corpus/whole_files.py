"""Whole files that hold one credential each, as programs write them or read them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.corpus.syntaxes import SYNTAXES, any_key
from tests.corpus.values import (
    ALNUM,
    HEX,
    LETTERS,
    LOWER,
    URLSAFE,
    base64_lines,
    encoded,
    made_password,
    private_key,
    text,
    typed_password,
    url_encoded,
    words,
)


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A file's path and how to write it around a credential made anew."""

    path: str
    content: Callable[[Random], str]


FILES: dict[str, WholeFile] = {}


def _generic(syntax: str, words_of_name: str, value: Callable[[Random], str]) -> None:
    at = SYNTAXES[syntax]
    FILES[f"{words_of_name} in {syntax}"] = WholeFile(at.path, lambda chance: at.text(words_of_name, value(chance)))


for _syntax in ("py", "yaml", "env", "json", "java", "xml", "ini", "properties", "tf", "sh", "php", "rb", "go", "cs"):
    _generic(_syntax, "password", typed_password if len(_syntax) % 2 else made_password)
for _syntax in ("py", "yaml", "env", "json", "java", "js", "go", "toml"):
    _generic(_syntax, "api key", any_key)
for _syntax in ("py call", "yaml quoted", "env quoted", "ini", "sh", "rb hash"):
    _generic(_syntax, "auth token", any_key)


def _file(name: str, path: str, template: str, **values: Callable[[Random], str]) -> None:
    """A file with `<value>` for each value by name."""

    def content(chance: Random) -> str:
        made = template
        for key, value in values.items():
            made = made.replace(f"<{key}>", value(chance))
        return made

    FILES[name] = WholeFile(path, content)


def _password(chance: Random) -> str:
    return made_password(chance) if chance.random() < 0.5 else typed_password(chance)


def _plain_password(chance: Random) -> str:
    return text(chance, chance.choice([12, 16, 20]))


def _user(chance: Random) -> str:
    return chance.choice(words())


def _random(count: int, alphabet: str = ALNUM) -> Callable[[Random], str]:
    return lambda chance: text(chance, count, alphabet)


def _bytes(count: int) -> Callable[[Random], str]:
    return lambda chance: encoded(chance.randbytes(count))


def _pair(chance: Random) -> str:
    return encoded(f"{_user(chance)}:{_plain_password(chance)}".encode())


def _encoded_password(chance: Random) -> str:
    return encoded(made_password(chance).encode())


def _key(kind: str) -> Callable[[Random], str]:
    return lambda chance: private_key(kind)


def _one_line_key(chance: Random) -> str:
    return json.dumps(private_key("pkcs8"))[1:-1]


def _indented_key(chance: Random) -> str:
    return private_key("rsa").rstrip().replace("\n", "\n    ")


for _name, _path, _url in (
    ("postgres", "database.yml", "url: postgres://<user>:<password>@db1.internal:5432/app"),
    ("mysql", "app.py", 'engine = create_engine("mysql+pymysql://<user>:<password>@db1/app")'),
    ("mongodb", "server.js", "mongoose.connect('mongodb+srv://<user>:<password>@cluster0.a1b2c.invalid/app')"),
    ("redis", ".env", "REDIS_URL=redis://:<password>@cache1:6379/0"),
    ("amqp", "worker.toml", 'broker = "amqp://<user>:<password>@mq1:5672/jobs"'),
    ("https", "fetch.sh", "curl https://<user>:<password>@files.internal/a.tar.gz"),
    ("git remote", "mirror.sh", "git push https://<user>:<password>@git.internal/a/b.git main"),
    ("ftp", "upload.php", "$target = 'ftp://<user>:<password>@files.internal/in';"),
):
    _file(f"URL password, {_name}", _path, f"{_url}\n", user=_user, password=_plain_password)

_file("netrc", ".netrc", "machine git.internal\nlogin <user>\npassword <password>\n", user=_user, password=_password)
_file("netrc in one line", "_netrc", "machine h.internal login <user> password <p>\n", user=_user, p=_password)
_file("pgpass", ".pgpass", "db1.internal:5432:app:<user>:<password>\n", user=_user, password=_plain_password)
_file("my.cnf", ".my.cnf", "[client]\nuser=root\npassword=<password>\n", password=_password)
_file("git credentials", ".git-credentials", "https://<user>:<p>@git.internal\n", user=_user, p=_random(40, LOWER))
_file("docker auth", ".docker/config.json", '{"auths": {"r.internal": {"auth": "<pair>"}}}\n', pair=_pair)
_file("npmrc token", ".npmrc", "//npm.internal/:_authToken=<token>\nstrict-ssl=true\n", token=_random(36))
_file("npmrc auth", ".npmrc", "registry=https://npm.internal/\n_auth=<pair>\nalways-auth=true\n", pair=_pair)
_file(
    "pypirc",
    ".pypirc",
    "[distutils]\nindex-servers = own\n\n[own]\nrepository = https://i.internal\nusername = me\npassword = <p>\n",
    p=_password,
)
_file(
    "JDBC URL",
    "persistence.properties",
    "db.url=jdbc:mysql://db1:3306/app?user=<user>&password=<password>&useSSL=true\n",
    user=_user,
    password=_plain_password,
)
_file(
    "SQL Server connection string",
    "appsettings.json",
    '{"ConnectionStrings": {"Main": "Server=db1;Database=app;User Id=<user>;Password=<password>;Encrypt=true"}}\n',
    user=_user,
    password=_plain_password,
)
_file(
    "Azure storage connection string",
    "storage.config",
    "DefaultEndpointsProtocol=https;AccountName=<user>;AccountKey=<key>;EndpointSuffix=core.windows.net\n",
    user=_user,
    key=_bytes(64),
)
_file(
    "Kubernetes secret, base64",
    "secret.yaml",
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ntype: Opaque\ndata:\n  password: <password>\n",
    password=_encoded_password,
)
_file(
    "Kubernetes secret, plain",
    "secret.yml",
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  DB_PASS: <password>\n",
    password=_password,
)
_file(
    "kubeconfig",
    "kubeconfig.yaml",
    "apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user:\n    client-key-data: <key>\n",
    key=lambda chance: encoded(private_key("ec").encode()),
)
_file("basic auth header", "call.http", "GET /v1 HTTP/1.1\nHost: s.internal\nAuthorization: Basic <p>\n", p=_pair)
_file("bearer header", "call.sh", 'curl -H "Authorization: Bearer <token>" https://s.internal/v1\n', token=_random(40))
_file("curl user", "call-user.sh", "curl -u <user>:<p> https://s.internal/v1\n", user=_user, p=_plain_password)
_file("sshpass", "copy.sh", "sshpass -p '<password>' scp a.tar me@files.internal:\n", password=_password)
_file(
    "AWS credentials",
    ".aws/credentials",
    "[default]\naws_access_key_id = AK" + "IA<id>\naws_secret_access_key = <key>\n",
    id=_random(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    key=_random(40, ALNUM + "/+"),
)
_file(
    "Google service account",
    "service-account.json",
    '{\n  "type": "service_account",\n  "private_key_id": "<id>",\n  "private_key": "<key>"\n}\n',
    id=_random(40, HEX),
    key=_one_line_key,
)
_file("PEM, RSA", "id_rsa", "<key>", key=_key("rsa"))
_file("PEM, PKCS 8", "server.key", "<key>", key=_key("pkcs8"))
_file("PEM, elliptic", "ec.pem", "<key>", key=_key("ec"))
_file("OpenSSH key", "id_ed25519", "<key>", key=_key("openssh"))
_file("PEM in YAML", "tls.yaml", "tls:\n  key: |\n    <key>\n  port: 443\n", key=_indented_key)
_file(
    "PGP private block",
    "private.asc",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n<body>\n-----END PGP PRIVATE KEY BLOCK-----\n",
    body=lambda chance: base64_lines(chance, 900) + "\n=" + text(chance, 4),
)
_file(
    "PuTTY key",
    "login.ppk",
    "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: me\nPublic-Lines: 2\n<public>\n"
    "Private-Lines: 1\n<private>\nPrivate-MAC: <mac>\n",
    public=lambda chance: base64_lines(chance, 51),
    private=_bytes(36),
    mac=_random(64, HEX),
)
_file("WireGuard", "wg0.conf", "[Interface]\nPrivateKey = <key>\nAddress = 10.0.0.2/24\n", key=_bytes(32))
_file("django", "settings.py", "DEBUG = True\nSECRET_KEY = '<key>'\n", key=_random(50, LOWER + "!@#$%^&*(-_=+)"))
_file("laravel", ".env", "APP_NAME=Shop\nAPP_KEY=base64:<key>\nAPP_DEBUG=true\n", key=_bytes(32))
_file("rails", "config/secrets.yml", "production:\n  secret_key_base: <key>\n", key=_random(128, HEX))
_file("rails master key", "config/master.key", "<key>\n", key=_random(32, HEX))
_file(
    "wordpress",
    "wp-config.php",
    "<?php\ndefine( 'DB_USER', 'wp' );\ndefine( 'AUTH_KEY',  '<salt>' );\ndefine( 'NONCE_SALT', '<more>' );\n",
    salt=_random(64, ALNUM + "!@#$%^&*()-_ []{}<>~`+=,.;:/?|"),
    more=_random(64, ALNUM + "!@#$%^&*()-_ []{}<>~`+=,.;:/?|"),
)
_file("htpasswd", ".htpasswd", "<user>:$apr1$<salt>$<hash>\n", user=_user, salt=_random(8), hash=_random(22))
_file("shadow", "shadow", "<user>:$6$<salt>$<h>:19000:0:99999:7:::\n", user=_user, salt=_random(16), h=_random(86))
_file(
    "maven settings",
    "settings.xml",
    "<settings><servers><server>\n<id>own</id>\n<username>me</username>\n<password><p></password>\n"
    "</server></servers></settings>\n",
    p=_plain_password,
)
_file(
    "nuget config",
    "nuget.config",
    '<configuration><packageSourceCredentials><own>\n<add key="Username" value="me" />\n'
    '<add key="ClearTextPassword" value="<p>" />\n</own></packageSourceCredentials></configuration>\n',
    p=_plain_password,
)
_file("gradle properties", "gradle.properties", "org.gradle.daemon=true\nsigning.password=<p>\n", p=_password)
_file(
    "composer auth",
    "auth.json",
    '{"http-basic": {"repo.internal": {"username": "<user>", "password": "<p>"}}}\n',
    user=_user,
    p=_plain_password,
)
_file("terraform variables", "live.tfvars", 'region = "eu"\ndb_password = "<p>"\n', p=_plain_password)
_file("ansible", "group_vars/all.yml", "ansible_user: root\nansible_become_pass: <p>\n", p=_password)
_file(
    "compose file",
    "docker-compose.yml",
    "services:\n  db:\n    image: db\n    environment:\n      - POSTGRES_PASSWORD=<p>\n",
    p=_plain_password,
)
_file("s3cfg", ".s3cfg", "[default]\naccess_key = <id>\nsecret_key = <key>\n", id=_random(20), key=_random(40))
_file(
    "FileZilla",
    "sitemanager.xml",
    '<Server><Host>f.internal</Host><User>me</User><Pass encoding="base64"><p></Pass></Server>\n',
    p=_encoded_password,
)


def _numbers(chance: Random, prime_bytes: int) -> dict[str, str]:
    return {name: url_encoded(chance.randbytes(prime_bytes)) for name in ("d", "p", "q", "dp", "dq", "qi")}


FILES["JWK"] = WholeFile(
    "jwk.json",
    lambda chance: (
        json.dumps({"kty": "RSA", "e": "AQAB", "n": text(chance, 342, URLSAFE), **_numbers(chance, 128)}) + "\n"
    ),
)
FILES["notebook with a password"] = WholeFile(
    "load.ipynb",
    lambda chance: json.dumps(
        {"cells": [{"cell_type": "code", "source": [f'db = open(user="me", password="{_plain_password(chance)}")\n']}]},
        indent=1,
    ),
)
FILES["digest with its salt"] = WholeFile(
    "users.json",
    lambda chance: (
        json.dumps(
            {
                "user": _user(chance),
                "hash": base64.b64encode(hashlib.sha256(chance.randbytes(9)).digest()).decode(),
                "password": text(chance, 10, LETTERS) + str(chance.randrange(100)),
            }
        )
        + "\n"
    ),
)
