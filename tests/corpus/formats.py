"""The token formats of providers, each made anew at run time; the checksums that a format has are right.

A format is *seen* or *unseen*, by a hash of its name: rules are written with the seen ones in view, and the
others show whether they hold beyond.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from random import Random

from tests.corpus.values import (
    ALNUM,
    BASE32,
    DIGITS,
    HEX,
    LOWER,
    UPPER,
    URLSAFE,
    base64_lines,
    based,
    bech32,
    encoded,
    jwt,
    macaroon,
    text,
    url_encoded,
    uuid4,
    with_crc,
)

Format = Callable[[Random], str]


def seen(name: str) -> bool:
    """Whether a format or file may be looked at while rules are written; a hash decides, so nobody picks."""
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 0


def parts(*made: str | tuple[int, str]) -> Format:
    """A format out of fixed pieces and random ones of a length and an alphabet."""
    return lambda chance: "".join(part if isinstance(part, str) else text(chance, *part) for part in made)


def _grafana(chance: Random) -> str:
    body = "glsa_" + text(chance, 32)
    return f"{body}_{zlib.crc32(body.encode()).to_bytes(4, 'little').hex()}"


def _grafana_cloud(chance: Random) -> str:
    key = text(chance, 24, ALNUM)
    name = text(chance, 8, LOWER)
    return "glc_" + encoded(f'{{"o":"{text(chance, 6, DIGITS)}","n":"{name}","k":"{key}","m":{{"r":"us"}}}}'.encode())


def _gitlab_routable(chance: Random) -> str:
    body = "glpat-" + text(chance, 36, URLSAFE) + ".01.0w"
    return body + based(zlib.crc32(body.encode()), DIGITS + "abcdefghijklmnopqrstuvwxyz", 7)


def _atlassian(chance: Random) -> str:
    body = "ATATT3xFfGF0" + text(chance, 171, URLSAFE) + "="
    return body + f"{zlib.crc32(body.encode()):08X}"


def _bedrock(chance: Random) -> str:
    named = f"BedrockAPIKey-{text(chance, 4, LOWER)}-at-{text(chance, 12, DIGITS)}:".encode()
    return "ABSK" + encoded(named + encoded(chance.randbytes(33)).encode())


def _one_password(chance: Random) -> str:
    claims = f'{{"signInAddress":"my.example.invalid","srpX":"{text(chance, 64, HEX)}","muk":"{text(chance, 43)}"}}'
    return "ops_" + url_encoded(claims.encode() + chance.randbytes(90))


FORMATS: dict[str, Format] = {
    "github-pat": lambda chance: "ghp_" + with_crc(text(chance, 30)),
    "github-oauth": lambda chance: "gho_" + with_crc(text(chance, 30)),
    "github-user": lambda chance: "ghu_" + with_crc(text(chance, 30)),
    "github-server": lambda chance: "ghs_" + with_crc(text(chance, 30)),
    "github-fine-grained": parts("github_pat_11", (20, UPPER + LOWER), "_", (59, ALNUM)),
    "gitlab-pat": parts("glpat-", (20, URLSAFE)),
    "gitlab-routable": _gitlab_routable,
    "gitlab-trigger": parts("glptt-", (40, HEX)),
    "gitlab-runner": parts("glrt-", (20, URLSAFE)),
    "gitlab-deploy": parts("gldt-", (20, URLSAFE)),
    "npm": lambda chance: "npm_" + with_crc(text(chance, 30)),
    "python-index": lambda chance: "py" + "pi-" + url_encoded(macaroon(chance)),
    "rubygems": parts("rubygems_", (48, HEX)),
    "crates": parts("cio", (32, ALNUM)),
    "nuget": parts("oy2", (43, LOWER)),
    "docker-pat": parts("dckr_pat_", (27, URLSAFE)),
    "slack-bot": parts("xoxb-", (12, DIGITS), "-", (13, DIGITS), "-", (24, ALNUM)),
    "slack-user": parts("xoxp-", (12, DIGITS), "-", (12, DIGITS), "-", (13, DIGITS), "-", (32, HEX)),
    "slack-app": parts("xapp-1-A", (10, UPPER), "-", (13, DIGITS), "-", (64, HEX)),
    "slack-webhook": parts("https://hooks.slack.com/services/T", (10, UPPER), "/B", (10, UPPER), "/", (24, ALNUM)),
    "discord-bot": parts("MT", (24, ALNUM), ".G", (5, URLSAFE), ".", (38, URLSAFE)),
    "discord-webhook": parts("https://discord.com/api/webhooks/", (19, DIGITS), "/", (68, URLSAFE)),
    "telegram-bot": parts((10, DIGITS), ":AA", (33, URLSAFE)),
    "aws-key-id": parts("AK" + "IA", (16, BASE32)),
    "aws-bedrock": _bedrock,
    "google-api-key": parts("AI" + "za", (35, URLSAFE)),
    "google-oauth-secret": parts("GOCSPX-", (28, URLSAFE)),
    "google-access-token": parts("ya29.a0", (160, URLSAFE)),
    "azure-client-secret": parts((3, ALNUM), "8Q~", (34, URLSAFE)),
    "azure-devops-pat": parts((76, ALNUM), "AZDO", (4, ALNUM)),
    "digitalocean": parts("dop_v1_", (64, HEX)),
    "fly": parts("fo1_", (43, URLSAFE)),
    "stripe-live": parts("sk_" + "live_51", (97, ALNUM)),
    "stripe-test": parts("sk_" + "test_51", (97, ALNUM)),
    "stripe-restricted": parts("rk_" + "live_51", (97, ALNUM)),
    "stripe-webhook": parts("whsec_", (32, ALNUM)),
    "square": parts("EAAA", (60, URLSAFE)),
    "shopify": parts("shpat_", (32, HEX)),
    "sendgrid": parts("SG.", (22, URLSAFE), ".", (43, URLSAFE)),
    "mailgun": parts("key-", (32, HEX)),
    "mailchimp": parts((32, HEX), "-us", (2, "123")),
    "twilio-key": parts("SK", (32, HEX)),
    "openai": parts("sk-proj-", (74, URLSAFE), "T3BlbkFJ", (74, URLSAFE)),
    "anthropic": parts("sk-ant-api03-", (93, URLSAFE), "AA"),
    "hugging-face": parts("hf_", (34, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")),
    "groq": parts("gsk_", (52, ALNUM)),
    "xai": parts("xai-", (80, ALNUM)),
    "perplexity": parts("pplx-", (48, ALNUM)),
    "openrouter": parts("sk-or-v1-", (64, HEX)),
    "replicate": parts("r8_", (37, ALNUM)),
    "databricks": parts("dapi", (32, HEX), "-2"),
    "sentry-user": parts("sntryu_", (64, HEX)),
    "grafana-service": _grafana,
    "grafana-cloud": _grafana_cloud,
    "new-relic": parts("NRAK-", (27, UPPER)),
    "dynatrace": parts("dt0c01.", (24, BASE32), ".", (64, BASE32)),
    "postman": parts("PMAK-", (24, HEX), "-", (34, HEX)),
    "linear": parts("lin_api_", (40, ALNUM)),
    "notion": parts("ntn_", (11, DIGITS), (35, ALNUM)),
    "airtable": parts("pat", (14, ALNUM), ".", (64, HEX)),
    "figma": parts("figd_", (40, URLSAFE)),
    "atlassian": _atlassian,
    "terraform-cloud": parts((14, ALNUM), ".atlasv1.", (67, ALNUM)),
    "vault-service": parts("hvs.", (95, URLSAFE)),
    "doppler": parts("dp.pt.", (43, ALNUM)),
    "pulumi": parts("pul-", (40, HEX)),
    "artifactory": parts("AKCp", (69, ALNUM)),
    "planetscale": parts("pscale_tkn_", (43, URLSAFE)),
    "supabase": parts("sbp_", (40, HEX)),
    "tailscale": parts("tskey-auth-k", (11, ALNUM), "CNTRL-", (32, ALNUM)),
    "buildkite": parts("bkua_", (40, HEX)),
    "launchdarkly": lambda chance: "sdk-" + uuid4(chance),
    "one-password": _one_password,
    "age": lambda chance: bech32("age-secret-key-", chance.randbytes(32)).upper(),
    "json-web-token": jwt,
}


def key_like(chance: Random, label: str, size: int) -> str:
    """A block with the markers of a private key around bytes that are none."""
    return f"-----BEGIN {label}-----\n{base64_lines(chance, size)}\n-----END {label}-----\n"
