"""One repository of a registry: its manifests and configurations, each proven by its digest; and its tags (IMG-1)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from orch_gates.documents import escape
from orch_gates.errors import (
    ImageMissing,
    RegistryBroken,
    RegistryRefused,
    RegistryUnavailable,
    RegistryUnclear,
)
from orch_gates.oci import manifest
from orch_gates.oci.challenge import Challenge, preferred
from orch_gates.oci.logins import Login, Logins
from orch_gates.oci.manifest import MOST_BYTES, Descriptor, ImageConfig, Manifest
from orch_gates.oci.reference import DIGEST, Reference
from orch_gates.oci.transport import Observe, RegistryResponse, Transport, is_address, same_server, shown
from orch_gates.variables.services import RegistrySettings

_MOST_TOKEN = 64 * 1024
# Where registries that everybody knows have their tokens made.
_KNOWN_REALMS = {"registry-1.docker.io": "auth.docker.io"}
_REFUSED = {401, 403}


def unobserved(_: object) -> None:
    """Nobody asked what requests were made."""


class Registry:
    """The repository of an image; for one thread. `writes`: it will be tagged too."""

    def __init__(
        self, image: Reference, settings: RegistrySettings, observe: Observe = unobserved, *, writes: bool = False
    ) -> None:
        """`image` names the registry for which the login of the settings is, unless they name another."""
        self.image = image
        self._settings = settings
        self._observe = observe
        self._wire = Transport(settings.timeout, settings.plain_http, observe)
        login = Login(settings.user, settings.token) if settings.user and settings.token else None
        self._logins = Logins((settings.host or image.host).lower(), login, settings.docker_config)
        self._realms = tuple(realm.lower() for realm in settings.realms)
        self._actions = "pull,push" if writes else "pull"
        self._base = f"{self._wire.base(image.api_host)}/v2/{image.name}"
        self._authorization = ""

    def beside(self, image: Reference) -> Registry:
        """The repository of another image, for reading; the login of the settings stays for the registry of this."""
        home = replace(self._settings, host=self._settings.host or self.image.host)
        return Registry(image, home, self._observe)

    def stranger(self, image: Reference) -> Registry:
        """The repository of another image, for reading by somebody whom nobody knows there."""
        return Registry(image, replace(self._settings, user="", token="", docker_config=""), self._observe)

    def manifest(self, named: str, size: int | None = None) -> Manifest:
        """The index or manifest that a tag leads to, or that has a digest.

        Raises:
            ImageMissing: there is none.
            RegistryRefused: the registry says no.
            RegistryUnavailable: it does not answer, or with what proves nothing.
        """
        url = f"{self._base}/manifests/{named}"
        answer = self._get(url, {"Accept": manifest.ACCEPTED})
        with _at(url):
            if size is not None and len(answer.body) != size:
                raise RegistryBroken(f"it has {len(answer.body)} bytes, but the index states {size}")
            digest = named if DIGEST.fullmatch(named) else _digest_of_tag(answer)
            return manifest.read(answer.body, digest, answer.headers.get("Content-Type", ""))

    def config(self, stated: Descriptor) -> ImageConfig:
        """The configuration that a manifest names.

        Raises:
            ImageMissing, RegistryRefused, RegistryUnavailable: as `manifest`.
        """
        url = f"{self._base}/blobs/{stated.digest}"
        answer = self._get(url, {"Accept": "*/*"}, most=stated.size)
        with _at(url):
            return manifest.read_config(answer.body, stated)

    def put(self, found: Manifest, named: str) -> None:
        """Store a manifest, byte for byte, by its digest or under a tag.

        Raises:
            RegistryRefused: the registry says no.
            RegistryUnclear: it may have been stored.
            RegistryUnavailable: it was not.
        """
        url = f"{self._base}/manifests/{named}"
        headers = {"Content-Type": found.media_type}
        answer = self._wire.put(url, headers, self._authorization, found.raw)
        if answer.status == 401 and self._let_in(url, answer):
            answer = self._wire.put(url, headers, self._authorization, found.raw)
        if answer.ok:
            return
        if 400 <= answer.status < 500:
            raise self._refusal(url, answer)
        raise RegistryUnclear(f"{shown(url)}: {_error_text(answer)}")

    def _get(self, url: str, headers: dict[str, str], most: int = MOST_BYTES) -> RegistryResponse:
        answer = self._wire.get(url, headers, self._authorization, most)
        if answer.status == 401 and self._let_in(url, answer):
            answer = self._wire.get(url, headers, self._authorization, most)
        if answer.ok:
            return answer
        if answer.status == 404:
            raise ImageMissing(f"{shown(url)}: there is no such image, or this login may not see it")
        if answer.status in _REFUSED:
            raise self._refusal(url, answer)
        raise RegistryUnavailable(f"{shown(url)}: {_error_text(answer)}")

    def _refusal(self, url: str, answer: RegistryResponse) -> RegistryRefused:
        login = self._logins.of(self.image.host)
        if login is None:
            hint = self._logins.hint(self.image.host)
            advice = f"no login is given; {hint}set ORCH_REGISTRY_USER and ORCH_REGISTRY_TOKEN, or run `docker login`"
        else:
            advice = f"{login.user} lacks the permission for this"
        return RegistryRefused(escape.visible(f"{shown(url)}: {_error_text(answer)}; {advice}"))

    def _let_in(self, url: str, answer: RegistryResponse) -> bool:
        """Take up the challenge of a registry; tells whether it is worth to ask again.

        Raises:
            RegistryRefused, RegistryUnavailable: no token is to be had.
        """
        before, challenge = self._authorization, preferred(answer.headers.get("WWW-Authenticate", ""))
        login = self._logins.of(self.image.host)
        if challenge is None:
            return False
        if challenge.scheme == "basic":
            self._authorization = login.basic if login else ""
        else:
            self._authorization = f"Bearer {self._token(url, challenge, login)}"
        return self._authorization != before

    def _token(self, url: str, challenge: Challenge, login: Login | None) -> str:
        realm = challenge.realm
        self._check_realm(url, realm, login)
        query = {"service": challenge.service} if challenge.service else {}
        # Only what is needed, whatever the challenge asks for.
        query["scope"] = f"repository:{self.image.name}:{self._actions}"
        joined = "&" if urlsplit(realm).query else "?"
        token_url = f"{realm}{joined}{urlencode(query)}"
        answer = self._wire.get(token_url, {"Accept": "application/json"}, login.basic if login else "", _MOST_TOKEN)
        if answer.status in _REFUSED:
            raise self._refusal(realm, answer)
        if not answer.ok:
            raise RegistryUnavailable(f"{shown(realm)}: {_error_text(answer)}")
        found = _document(answer)
        token = found.get("token") or found.get("access_token")
        if not isinstance(token, str) or not (token.isascii() and token.isprintable()) or " " in token:
            raise RegistryBroken(f"{shown(realm)} did not answer with a token")
        return token

    def _check_realm(self, url: str, realm: str, login: Login | None) -> None:
        """See that a password goes to the registry itself, or where a setting lets it go.

        Raises:
            RegistryRefused: it would go elsewhere.
        """
        if not is_address(realm):
            raise RegistryBroken(f"{shown(url)} does not name the URL of its token service")
        parts = urlsplit(realm)
        host = parts.netloc.lower()
        if same_server(url, realm):
            return
        if parts.scheme == "http" and not self._wire.may_lead_to(host, url):
            raise RegistryRefused(f"{shown(url)} requests a token from {shown(realm)} over plain HTTP")
        known = host in self._realms or _KNOWN_REALMS.get(self.image.api_host) == host
        if login is not None and not known:
            raise RegistryRefused(
                f"{shown(url)} requests a token from {_clipped(host)}, which is another server; if the login may go "
                f"there, add it to ORCH_REGISTRY_REALMS"
            )


@contextmanager
def _at(url: str) -> Iterator[None]:
    """Say of a document that proves nothing where it is from."""
    try:
        yield
    except RegistryBroken as error:
        raise RegistryBroken(f"{shown(url)}: {error}") from error


def _digest_of_tag(answer: RegistryResponse) -> str:
    """The digest of what a tag leads to: the one that the registry goes by, where it is true.

    Raises:
        RegistryBroken: it is not.
    """
    stated = answer.headers.get("Docker-Content-Digest", "")
    found = manifest.digest_of(answer.body, stated if DIGEST.fullmatch(stated) else "sha256:")
    if stated and stated != found:
        raise RegistryBroken(f"the registry states the digest {_clipped(stated)}, but the content has {found}")
    return found


def _document(answer: RegistryResponse) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _error_text(answer: RegistryResponse) -> str:
    """The status and the message of a registry's error, in one line."""
    errors = _document(answer).get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    parts = [first.get(key) for key in ("code", "message")]
    message = ": ".join(_clipped(" ".join(part.split())) for part in parts if isinstance(part, str) and part)
    return f"{answer.status}{message and f' {message}'}"


def _clipped(text: str) -> str:
    return escape.clip(escape.visible(text), 200)
