"""Passwords and keys in every way of writing them down; and what looks like one and is none."""

import base64
import string

import pytest

from orch_gates.scanners.rules.paths import by_path
from tests.rules_rig import Matcher, drawn, secrets

ALNUM = string.ascii_letters + string.digits
# What a value stands in, with the name of a file of that kind.
PASSWORDS = (
    ("config.py", 'password = "{}"'),
    ("config.json", '{"db_password": "{}"}'),
    (".env", 'MYSQL_ROOT_PASSWORD="{}"'),
    (".env", "DB_PASSWORD={}"),
    ("app.yml", '  password: "{}"'),
    ("app.yml", "password: {}"),
    ("App.java", 'String dbPassword = "{}";'),
    ("a.ini", "password = {}"),
    ("a.properties", "spring.datasource.password={}"),
    ("a.tf", 'password = "{}"'),
    ("a.toml", 'password = "{}"'),
    ("a.sh", "export PASSWORD={}"),
    ("a.bat", "set PASSWORD={}"),
    ("a.php", "$db['password'] = '{}';"),
    ("a.php", "define('DB_PASSWORD', '{}');"),
    ("a.rb", ":password => '{}'"),
    ("a.go", 'password := "{}"'),
    ("a.cs", 'string password = "{}";'),
    ("a.cs", 'new NetworkCredential("someone", "{}")'),
    ("a.rs", 'const PASSWORD: &str = "{}";'),
    ("a.ts", 'const password: string = "{}";'),
    ("a.py", 'if password == "{}":'),
    ("a.py", "dict(password='{}')"),
    ("a.py", 'requests.get(url, auth=("someone", "{}"))'),
    ("a.xml", "<password>{}</password>"),
    ("a.xml", '<db user="x" password="{}"/>'),
    ("a.xml", '<property name="password" value="{}"/>'),
    ("a.xml", '<property name="password">{}</property>'),
    ("nuget.config", '<add key="ClearTextPassword" value="{}" />'),
    ("a.sh", "mysql -u root -p{} shop"),
    ("a.sh", "tool --password {}"),
    ("a.sh", "tool --password={}"),
    ("a.sh", "curl " + "-u someone:{} https://host.test"),
    ("a.sh", "docker run -e DB_PASSWORD={} image"),
    ("a.json", '["--password", "{}"]'),
    ("a.sql", "CREATE USER x IDENTIFIED BY '{}';"),
    ("a.sql", "ALTER USER x WITH PASSWORD '{}';"),
    ("a.sql", "SET PASSWORD FOR 'x' = PASSWORD('{}');"),
    ("Dockerfile", "ENV DB_PASSWORD {}"),
    ("Dockerfile", "ENV DB_PASSWORD={}"),
    ("a.txt", "postgres://someone:{}@host:5432/db"),
    ("a.txt", "https://someone:{}@host.test/x"),
    ("a.properties", "jdbc:mysql://h/db?user=u&password={}"),
    ("a.properties", "jdbc:sqlserver://h;user=u;password={};"),
    ("a.config", "Server=h;User Id=sa;Password={};"),
    (".netrc", "machine host.test login someone password {}"),
    (".pgpass", "host.test:5432:shop:someone:{}"),
    (".npmrc", "//host.test/:_password={}"),
    ("a.ipynb", '    "    \\"password\\": \\"{}\\",\\n",'),
    ("a.ipynb", '"password = \\"{}\\"\\n",'),
    ("a.yml", '- name: DB_PASSWORD\n  value: "{}"'),
    ("a.json", '{"name": "DB_PASSWORD", "value": "{}"}'),
    ("a.json", '"password":\n    "{}"'),
    ("a.java", 'client.setPassword("{}")'),
    ("a.ps1", 'ConvertTo-SecureString "{}" -AsPlainText'),
    ("a.md", "password: `{}`"),
    ("a.py", 'password = """\n  {}\n"""'),
)
KEYS = (
    ("a.py", "api_key = '{}'"),
    ("a.yml", "client_secret: {}"),
    (".env", "AUTH_TOKEN={}"),
    ("a.js", 'const apiKey = "{}";'),
    ("a.log", "GET /x?a=1&token={}&b=2"),
    ("a.http", "Authorization: Bearer {}"),
    ("a.py", 'headers = {"Authorization": "Bearer {}"}'),
    ("a.sh", 'curl -H "X-Api-Key: {}" https://host.test'),
    ("settings.py", "SECRET_KEY = '{}'"),
    ("a.json", '"apiKey":\n      "{}"'),
    ("a.sh", 'AUTH="\n{}\n'),
    ("a.py", 'token = """\n{}\n"""'),
)
NOTHING = (
    ("app.py", "url = 'postgres://<user>:<password>@db1.internal:5432/app'"),
    (".env", "REDIS_URL=redis://:<password>@cache1:6379/0"),
    ("a.py", 'kind("htpasswd", ".htpasswd")'),
    ("rules.md", "`1password-secret-key`, `1password-service-account-token`, `abuseipdb-api-key`"),
    ("a.py", "password = get_password()"),
    ("a.py", "password = self.password"),
    ("a.py", "def login(password: str = None):"),
    ("a.py", 'password = os.environ["DB_PASSWORD"]'),
    ("a.js", "const password = process.env.PASSWORD2;"),
    ("a.ts", "token: string;"),
    ("a.yml", "password: ${DB_PASSWORD}"),
    ("a.yml", "password: {{ db_password_2 }}"),
    ("a.yml", 'password: "<your password 1>"'),
    ("a.yml", "password: changeme123"),
    ("a.yml", "apiVersion: storage.k8s.io/v1beta1"),
    ("a.yml", "image: secrets:1.13.5-alpine"),
    ("a.md", "password: required"),
    ("a.go", 'key := "float32' + '-slice"'),
    ("a.py", "if isinstance(key, Ed448PrivateKey):"),
    ("a.json", '"KeyPairId": "key-03c8d3aceb53b507"'),
    ("a.txt", "http://user:pass@host.test"),
    ("a.txt", "http://user:c%20d%20e%20f@host.test"),
    ("a.py", "log.info('the password=%s', x)"),
    ("a.ini", "password=Passwort"),
    ("a.sh", 'mysql -u root -p"$PASSWORD" shop'),
    ("a.java", 'pem.replace("-----BEGIN PRIVATE KEY-----", "").replace("-----END PRIVATE KEY-----", "");'),
)


@pytest.mark.parametrize(("path", "line"), PASSWORDS)
def test_a_password_is_found(matcher: Matcher, path: str, line: str) -> None:
    for seed, length in enumerate((12, 16, 20)):
        value = drawn(ALNUM, length - 2, seed) + "k7"
        found = matcher.findings(f"one\n{line.replace('{}', value)}\ntwo\n".encode(), path)
        assert value.encode() in secrets(found)


@pytest.mark.parametrize(("path", "line"), KEYS)
def test_a_key_is_found(matcher: Matcher, path: str, line: str) -> None:
    for seed in range(3):
        value = drawn(ALNUM, 30, seed) + "k7"
        found = matcher.findings(f"one\n{line.replace('{}', value)}\ntwo\n".encode(), path)
        assert value.encode() in secrets(found)


@pytest.mark.parametrize(("path", "line"), NOTHING)
def test_code_and_placeholders_are_no_secrets(matcher: Matcher, path: str, line: str) -> None:
    assert matcher.findings(f"one\n{line}\ntwo\n".encode(), path) == []


def test_an_empty_value_above_swallows_nothing(matcher: Matcher) -> None:
    value = drawn(ALNUM, 24, 1)
    for line in (f'auth_token="{value}"', f"api_secret_key = {value}"):
        assert value.encode() in secrets(matcher.findings(f"DB_PASSWORD=\n{line}\n".encode(), ".env"))


@pytest.mark.parametrize("label", ["RSA PRIVATE KEY", "X-Y PRIVATE KEY", "EC PRIVATE KEY", "PGP PRIVATE KEY BLOCK"])
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("end", ["\n", "\\n", "\\r\\n", "\0", '\\n" +\n  "'])
def test_private_keys_of_all_kinds(matcher: Matcher, label: str, lower: bool, end: str) -> None:
    body = [drawn(ALNUM + "+/", 64, seed) for seed in range(9)]
    markers = [f"-----{word} {label}-----" for word in ("BEGIN", "END")]
    first, last = [marker.lower() for marker in markers] if lower else markers
    found = matcher.findings(("x " + end.join([first, *body, last]) + "\ny").encode())
    assert [rule for rule, _ in found] == ["private-key"]


def test_every_way_into_a_kubernetes_secret(matcher: Matcher) -> None:
    value = base64.b64encode(drawn(ALNUM, 18, 5).encode()).decode()
    other = base64.b64encode(drawn(ALNUM, 18, 6).encode()).decode()
    head = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\n"
    for text in (
        f"{head}data:\n  username: {value}\n",
        f"{head}stringData:\n  a: {other}\n  b: {value}\n",
        f"apiVersion: v1\ndata:\n  username: {value}\nkind: Secret\n",
    ):
        assert any(value.encode() in secret for _, secret in matcher.findings(text.encode(), "s.txt")), text


def test_credentials_in_base64_are_read(matcher: Matcher) -> None:
    auth = base64.b64encode(b"someone:" + drawn(ALNUM, 14, 4).encode()).decode()
    assert matcher.findings(f'{{"auths": {{"h": {{"auth": "{auth}"}}}}}}'.encode(), "config.json")
    assert matcher.findings(f"Authorization: Basic {auth}\n".encode())
    nobody = base64.b64encode(drawn(ALNUM, 20, 4).encode()).decode()
    assert not matcher.findings(f"Authorization: Basic {nobody}\n".encode())


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("decode-hex", "x = '" + (b"token" + b"=0123456789abcdefghij").hex() + "'"),
        ("decode-percent", "a%2Fb%3Dc"),
        ("decode-escape", "'" + "".join(f"\\x{ord(c):02x}" for c in "secrets") + "'"),
        ("decode-array", ", ".join(hex(ord(c)) for c in "a secret of some length")),
        ("decode-entity", "".join(f"&#{ord(c)};" for c in "a secret of some length")),
    ],
)
def test_text_worth_decoding_is_reported_and_never_counts(matcher: Matcher, rule: str, text: str) -> None:
    data = f"one\n{text}\ntwo".encode()
    assert rule in {hit.rule for hit in matcher.hits(data)}
    assert rule not in {found for found, _ in matcher.findings(data)}


def test_hashes_are_not_worth_decoding(matcher: Matcher) -> None:
    """Every repository is full of commit ids and digests."""
    text = "\n".join(drawn("0123456789abcdef", 64, seed) for seed in range(500))
    assert matcher.hits(text.encode()) == []


@pytest.mark.parametrize("path", ["a.p12", "certs/Key.PFX", "x.pkcs12"])
def test_key_stores_are_found_by_name(path: str) -> None:
    assert by_path(path, b"0\x82") == "pkcs12-file"
    assert by_path(path, b"") is None
    assert by_path(path + ".txt", b"0\x82") is None
