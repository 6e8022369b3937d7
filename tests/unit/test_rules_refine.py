"""What counts of the raw matches: entropy, checksums, placeholders, paths, and the rule that names a place."""

import base64
import json
import string
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates import clock
from orch_gates.errors import ScannerError
from orch_gates.scanners.rules import checksums, derive, meta, refine, words
from orch_gates.scanners.rules.meta import RuleMeta
from tests.rules_rig import OWN, drawn

RULES = meta.load(derive.render(OWN).meta)
ALNUM = string.ascii_letters + string.digits


def counts(rule: RuleMeta, secret: str, path: str = "", also: tuple[str, ...] = (), *, decoded: bool = False) -> bool:
    line = f'x = "{secret}"'.encode()
    return refine.counts(rule, secret.encode(), line, path=path, also=also, decoded=decoded)


@given(
    rule=st.sampled_from(sorted(RULES)),
    secret=st.binary(max_size=80),
    line=st.binary(max_size=200),
    path=st.text(max_size=30),
    decoded=st.booleans(),
)
def test_any_bytes_get_an_answer(rule: str, secret: bytes, line: bytes, path: str, decoded: bool) -> None:
    answer = refine.counts(RULES[rule], secret, line, path=path, also=(), decoded=decoded)
    assert isinstance(answer, bool)


@given(st.binary(max_size=200))
def test_checksums_take_any_bytes(secret: bytes) -> None:
    for check in checksums.CHECKSUMS.values():
        assert check(secret) in {True, False, None}


def test_a_right_checksum_passes_what_entropy_would_stop() -> None:
    body = "ab" * 15
    token = "ghp_" + body + checksums.base62(zlib.crc32(body.encode()))
    assert checksums.github(token.encode())
    assert counts(RULES["github-pat"], token)
    assert not counts(RULES["github-pat"], "ghp_" + body + "aaaaaa")


def test_a_wrong_checksum_alone_drops_nothing() -> None:
    assert counts(RULES["github-pat"], "ghp_" + drawn(ALNUM, 36, 2))
    assert counts(RULES["jwt"], f"ey{drawn(ALNUM, 30, 1)}.ey{drawn(ALNUM, 40, 2)}.{drawn(ALNUM, 30, 3)}")


def test_checksums_of_each_format() -> None:
    body = "glsa_" + drawn(ALNUM, 32, 1)
    assert checksums.grafana(f"{body}_{zlib.crc32(body.encode()):08x}".encode())
    assert not checksums.grafana(f"{body}_00000000".encode())
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in ({"alg": "HS256"}, {"a": 1})]
    assert checksums.jwt(b".".join([*parts, b"signature"]))
    macaroon = b"\x02\x01\x08host.tst\x02\x20" + bytes(40) + b"\x00\x00\x06\x20" + bytes(range(32))
    assert checksums.pypi(b"pypi-" + base64.urlsafe_b64encode(macaroon).rstrip(b"="))
    # BIP 173, the shortest valid example.
    assert checksums.bech32(b"A12UEL5L")
    assert not checksums.bech32(b"A12UEL5M")


def test_only_generic_rules_exempt_a_path() -> None:
    """SEC-4: a format of a provider is found in a lock file too."""
    token, key = "ghp_" + drawn(ALNUM, 36, 2), drawn(ALNUM, 32, 3)
    assert counts(RULES["github-pat"], token, "yarn.lock")
    assert counts(RULES["generic-api-key"], key, "uv.lock")
    assert not counts(RULES["generic-api-key"], key, "yarn.lock")


def test_a_place_is_named_by_its_strongest_rule() -> None:
    key = drawn(ALNUM, 32, 3)
    assert counts(RULES["generic-api-key"], key)
    assert not counts(RULES["generic-api-key"], key, also=("github-pat",))
    assert counts(RULES["github-pat"], "ghp_" + drawn(ALNUM, 36, 2), also=("twilio-auth-token",))
    ordered = sorted({rule.id: rule for rule in RULES.values()}.values(), key=refine.order)
    kinds = [rule.generic + rule.generic + rule.named for rule in ordered]
    assert kinds == sorted(kinds)


TYPED = "summer" + "2019"


def test_decoded_text_has_to_look_drawn() -> None:
    assert not counts(RULES["generic-password"], TYPED, decoded=True)
    assert counts(RULES["generic-password"], TYPED)
    assert counts(RULES["generic-password"], drawn(ALNUM, 20, 3), decoded=True)


@pytest.mark.parametrize("word", ["EXAMPLE", "xxxxxx", "example"])
def test_placeholders_inside_tokens(word: str) -> None:
    assert not counts(RULES["aws-access-token"], "AKIA" + drawn("ABCDEFGHJK234567", 16 - len(word), 4) + word)


def test_random_texts_look_random_and_names_do_not() -> None:
    texts = [drawn(ALNUM, 16, seed) for seed in range(500)]
    assert sum(map(words.looks_random, texts)) >= 495
    names = ["getUserPassword", "database_connection", "SecretKeyFactory", "access_token_url", "defaultTimeoutSeconds"]
    assert not any(map(words.looks_random, names))


def test_a_document_that_derive_did_not_write_is_an_error() -> None:
    for broken in (b"", b"{}", b"[]", b'{"rules": {"a": {}}}', b'{"rules": []}'):
        with pytest.raises(ScannerError, match="setup"):
            meta.load(broken)


def test_what_is_almost_a_version_is_judged_at_once() -> None:
    """An expression that can read each letter in two ways would try all of them: a line would take a check's time."""
    with clock.alarm(5, lambda: TimeoutError("this takes for ever")):
        assert counts(RULES["generic-password"], "1.1" + "bcdfghjkmn" * 2 + "bcdfghjk" + "~")
