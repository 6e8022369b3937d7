"""What a registry may do that lies, breaks or leads elsewhere: never a PASS, never the login elsewhere (OWN-1, P2)."""

from __future__ import annotations

import contextlib
import gzip
import json
import secrets
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates import settings
from orch_gates.errors import PromotionRefused, RegistryBroken, RegistryRefused, RegistryUnavailable
from orch_gates.gates.image import freshness, gather
from orch_gates.gates.image.freshness import PlatformImage
from orch_gates.gates.image.gather import Question
from orch_gates.gates.policy import IMAGE_FRESHNESS
from orch_gates.git.cli import open_repository
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.oci import reference
from orch_gates.oci.manifest import Manifest
from orch_gates.oci.promote import promote, revision_tag
from orch_gates.oci.registry import Registry
from orch_gates.variables.services import RegistrySettings
from tests import image_rig as rig
from tests.builders import Repo, run
from tests.fakes import registry as fake
from tests.fakes import scripted_http
from tests.fakes.registry import FakeRegistry
from tests.fakes.scripted_http import Answer, Scripted, chunked, cut_off, drips, drips_all, hangs, resets, says, sends

TIMEOUT = 1.0
USER = "deployer"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    folder = tmp_path_factory.mktemp("work")
    run("git", "init", "--quiet", "-b", "main", folder, cwd=folder)
    made = Repo(folder)
    made.commit("first", {"a": "1"})
    return made


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake.serving() as made:
        yield made


@pytest.fixture
def secret() -> str:
    return secrets.token_urlsafe(18)


@pytest.fixture
def elsewhere() -> Iterator[Scripted]:
    """Another server on this machine."""
    with scripted_http.serving(says(200, {"token": "of-elsewhere"})) as server:
        yield server


def client(registry: FakeRegistry, secret: str = "", *, writes: bool = False, realms: tuple[str, ...] = ()) -> Registry:
    image = reference.parse(f"{registry.host}/acme/app:staging", "--image")
    given = RegistrySettings(user=USER if secret else "", token=secret, timeout=TIMEOUT, realms=realms)
    return Registry(image, given, writes=writes)


def judged(registry: FakeRegistry, work: Repo, secret: str = "", *, realms: tuple[str, ...] = ()) -> Verdict:
    own = client(registry, secret, realms=realms)
    git = open_repository(work.path, settings.load().inherited_env, timeout=60)
    question = Question(own.image, work.git("rev-parse", "HEAD"))
    seen = gather.gather(question, git, own)
    return freshness.judge(seen.facts, IMAGE_FRESHNESS)


def fresh(work: Repo) -> rig.Built:
    labels = {rig.REVISION: work.git("rev-parse", "HEAD")}
    return rig.index(rig.image(labels), rig.image(labels, platform="linux/arm64"))


def basic(secret: str) -> str:
    return f"Basic {b64encode(f'{USER}:{secret}'.encode()).decode()}"


def could_not_tell(found: Verdict, said: str) -> None:
    assert found.outcome is Outcome.FAIL
    assert found.reason.startswith("could not check: ")
    assert said in found.reason, found.reason
    assert "image_status" not in found.evidence


def test_the_fake_is_a_registry(registry: FakeRegistry, work: Repo) -> None:
    """What the rest of this file spoils is a PASS as it is."""
    registry.push(fresh(work), "staging")
    assert judged(registry, work).outcome is Outcome.PASS


ENDLESS = chunked(*[b" " * 65536] * 80)
OTHER = rig.image({"other": "one"})
SPOILED: dict[str, tuple[Answer, str]] = {
    "another document": (says(200, OTHER.raw, Content_Type=OTHER.media_type), "proves nothing"),
    "a page": (says(200, b"<html>log in</html>", Content_Type="text/html"), "proves nothing"),
    "nothing": (says(200, b""), "proves nothing"),
    "less than announced": (cut_off, "gave no usable answer"),
    "a reset": (resets, "gave no usable answer"),
    "no HTTP": (sends(b"SSH-2.0-x\r\n"), "gave no usable answer"),
    "no answer": (hangs, "did not answer within 1 s"),
    "a trickle": (drips, "did not answer within 1 s"),
    "a trickle of headers": (drips_all(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100), "did not answer within 1 s"),
    "without end": (ENDLESS, "answered with more than"),
    "deep": (says(200, b"[" * 100_000), "proves nothing"),
    "packed": (says(200, gzip.compress(b" " * 80_000_000), Content_Encoding="gzip"), "answered with more than"),
    "busy": (says(429, None, Retry_After="1"), "429"),
    "busy for long": (says(429, None, Retry_After="99999999999999999999"), "429"),
    "broken": (says(500, {"errors": [{"code": "UNKNOWN", "message": "a\x1b[31m\n::error::b"}]}), "500 UNKNOWN"),
    "gone": (says(404), "no such image"),
    "forbidden": (says(403, {"errors": [{"code": "DENIED"}]}), "403 DENIED"),
    "no challenge": (says(401), "401"),
    "a challenge for ever": (says(401, None, WWW_Authenticate='Basic realm="x"'), "401"),
    "a strange challenge": (
        says(401, None, WWW_Authenticate='Bearer realm="ftp://x/"'),
        "does not name the URL of its token service",
    ),
    "in circles": (says(307, None, Location="?"), "more than 5 times"),
    "to a file": (says(307, None, Location="file:///etc/passwd"), "which is not followed"),
    "to a name with a login": (says(307, None, Location="https://a:b@x.example.org/"), "which is not followed"),
    "out of TLS": (says(307, None, Location="http://10.0.0.1/x"), "which is not followed"),
    "nowhere": (says(307), "which is not followed"),
    "to a port that is none": (says(307, None, Location="https://x.example.org:99999/"), "which is not followed"),
    "to a host that is none": (says(307, None, Location="https://[/"), "which is not followed"),
    "a realm that is none": (
        says(401, None, WWW_Authenticate='Bearer realm="https://[:99999/"'),
        "does not name the URL of its token service",
    ),
}


@pytest.mark.parametrize("place", ["the tag", "a platform", "a configuration"])
@pytest.mark.parametrize("name", SPOILED)
def test_no_bad_answer_is_a_verdict(name: str, place: str, registry: FakeRegistry, work: Repo, secret: str) -> None:
    """Wherever it comes: could not tell, in time, in one line, without the password."""
    bad, output = SPOILED[name]
    whole = fresh(work)
    registry.push(OTHER)
    registry.push(whole, "staging")
    ending = {
        "the tag": "manifests/staging",
        "a platform": f"manifests/{whole.parts[1].digest}",
        "a configuration": f"blobs/{rig.digest(whole.parts[1].blobs[0])}",
    }[place]
    registry.bad[f"GET {ending}"] = bad
    started = time.monotonic()
    found = judged(registry, work, secret)
    assert time.monotonic() - started < 4 * TIMEOUT
    if (name, place) == ("another document", "the tag"):
        # It is whole, and a tag may lead to anything: it is another image, and stale.
        assert found.evidence["image_status"] == "STALE"
        return
    could_not_tell(found, output if place != "a configuration" or name not in _OF_A_CONFIG else _OF_A_CONFIG[name])
    assert secret not in str(found)
    assert "\x1b" not in found.reason
    assert "\n" not in found.reason


_OF_A_CONFIG = {"another document": "answered with more than", "a page": "proves nothing"}


def test_an_answer_that_is_called_something_else_proves_nothing(registry: FakeRegistry, work: Repo) -> None:
    """Media type, digest and length are what the document says, or it does not count."""
    whole = fresh(work)
    registry.push(whole, "staging")
    registry.documents["manifests/staging"] = (rig.DOCKER_MANIFEST, whole.raw)
    could_not_tell(judged(registry, work), "but its mediaType is")
    registry.push(whole, "staging")
    other = f"sha256:{'0' * 64}"
    registry.bad["GET manifests/staging"] = says(
        200, whole.raw, Content_Type=whole.media_type, Docker_Content_Digest=other
    )
    could_not_tell(judged(registry, work), f"states the digest {other}")


def test_lengths_in_an_index_have_to_be_true(registry: FakeRegistry, work: Repo) -> None:
    """A digest alone would be proof; a length that lies is a sign that something else does."""
    whole = json.loads(fresh(work).raw)
    whole["manifests"][0]["size"] += 1
    raw = json.dumps(whole).encode()
    registry.push(fresh(work))
    registry.documents["manifests/staging"] = (rig.OCI_INDEX, raw)
    could_not_tell(judged(registry, work), "the index states")
    image = rig.image()
    manifest = json.loads(image.raw)
    manifest["config"]["size"] += 1
    registry.push(image)
    registry.documents["manifests/staging"] = (rig.OCI_MANIFEST, json.dumps(manifest).encode())
    could_not_tell(judged(registry, work), "but the manifest states")


def test_many_slow_answers_are_bounded_together(registry: FakeRegistry, work: Repo) -> None:
    """Each comes in time; all of them would take minutes."""
    labels = {rig.REVISION: work.git("rev-parse", "HEAD")}
    registry.push(rig.index(*(rig.image(labels, platform=f"linux/p{number}") for number in range(64))), "staging")
    turns = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        turns.wait(0.1)
        registry.bad, kept = {}, registry.bad
        registry.answer(handler)
        registry.bad = kept

    registry.bad = {"": slow}
    own = Registry(client(registry).image, RegistrySettings(timeout=0.5))
    parts = own.manifest("staging").parts
    started = time.monotonic()
    with pytest.raises(RegistryUnavailable, match="the limit of 2 s is used up"):
        [own.manifest(part.digest, part.size) for part in parts]
    assert time.monotonic() - started < 4


def test_a_busy_registry_is_asked_again(registry: FakeRegistry, work: Repo) -> None:
    """As long as one request may take, and as late as it says."""
    registry.push(fresh(work), "staging")

    def once(handler: BaseHTTPRequestHandler) -> None:
        registry.bad.clear()
        says(503, None, Retry_After="1")(handler)

    registry.bad["GET manifests/staging"] = once
    patient = Registry(client(registry).image, RegistrySettings(timeout=5))
    assert patient.manifest("staging").parts
    assert len(registry.seen) == 2


def test_a_redirect_never_carries_the_login(
    registry: FakeRegistry, work: Repo, secret: str, elsewhere: Scripted
) -> None:
    """What lies elsewhere is proven by its digest like all else; the other server gets no header (OWN-1)."""
    whole = fresh(work)
    registry.push(whole, "staging")
    registry.wants, registry.authorization = 'Basic realm="x"', basic(secret)
    blob = whole.parts[0].blobs[0]
    ending = f"blobs/{rig.digest(blob)}"
    registry.bad[f"GET {ending}"] = says(307, None, Location=f"{elsewhere.url}/store/x?signature=abc")
    elsewhere.answers = [says(200, blob)]
    assert judged(registry, work, secret).outcome is Outcome.PASS
    (there,) = elsewhere.seen
    assert there.path == "/store/x?signature=abc"
    assert "Authorization" not in there.headers
    elsewhere.answers = [says(200, blob + b" ")]
    could_not_tell(judged(registry, work, secret), "answered with more than")
    # Back to where it came from it is ours again; on the way it was not.
    registry.bad[f"GET {ending}"] = says(307, None, Location=f"{elsewhere.url}/back")
    elsewhere.answers = [says(307, None, Location=f"{registry.server.url}/v2/acme/app/other")]
    registry.documents["other"] = ("application/octet-stream", blob)
    assert judged(registry, work, secret).outcome is Outcome.PASS
    assert all("Authorization" not in asked.headers for asked in elsewhere.seen)


def test_the_login_goes_to_no_other_token_server(
    registry: FakeRegistry, work: Repo, secret: str, elsewhere: Scripted
) -> None:
    """A realm elsewhere gets it only where a setting says so; without a login it may be asked."""
    registry.push(fresh(work), "staging")
    registry.wants = f'Bearer realm="{elsewhere.url}/token",service="s",scope="repository:everything:*"'
    registry.authorization = "Bearer of-elsewhere"
    could_not_tell(judged(registry, work, secret), "ORCH_REGISTRY_REALMS")
    assert elsewhere.seen == []
    assert judged(registry, work).outcome is Outcome.PASS
    assert "Authorization" not in elsewhere.seen[-1].headers
    host = elsewhere.url.partition("://")[2]
    assert judged(registry, work, secret, realms=(host,)).outcome is Outcome.PASS
    assert elsewhere.seen[-1].headers["Authorization"] == basic(secret)
    # Only what is needed is asked for.
    assert elsewhere.seen[-1].path == "/token?service=s&scope=repository%3Aacme%2Fapp%3Apull"
    # The password is not what the registry gets.
    assert all(basic(secret) not in asked.headers.values() for asked in registry.seen)


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (says(200, {"token": "a\r\nX: b"}), "did not answer with a token"),
        (says(200, {"token": 1}), "did not answer with a token"),
        (says(200, {}), "did not answer with a token"),
        (says(200, b"<html>"), "did not answer with a token"),
        (says(200, {"token": "x" * 100_000}), "answered with more than"),
        (says(401, {"errors": [{"code": "UNAUTHORIZED", "message": "wrong"}]}), "UNAUTHORIZED: wrong"),
        (says(500), "500"),
        (hangs, "did not answer within 1 s"),
    ],
)
def test_a_token_that_is_none(token: Answer, message: str, registry: FakeRegistry, work: Repo, secret: str) -> None:
    """Nothing of it gets into a header."""
    registry.push(fresh(work), "staging")
    registry.wants = f'Bearer realm="{registry.server.url}/token"'
    registry.authorization = "Bearer good"
    registry.bad["GET /token"] = token
    could_not_tell(judged(registry, work, secret), message)


def test_a_realm_out_of_tls_is_not_asked(registry: FakeRegistry, work: Repo) -> None:
    """Not even without a login; the tests would fail at the attempt."""
    registry.push(fresh(work), "staging")
    registry.wants = 'Bearer realm="http://10.0.0.1/token"'
    could_not_tell(judged(registry, work), "over plain HTTP")


def test_nobody_elsewhere_leads_to_this_machine() -> None:
    """A registry in the world could otherwise have services of the runner asked."""
    image = reference.parse("git.example.org/acme/app:v1", "--image")
    wire = Registry(image, RegistrySettings())._wire
    with pytest.raises(RegistryBroken, match="not followed"):
        wire._next("https://git.example.org/v2/", "https://git.example.org/v2/", "http://127.0.0.1:80/x")
    assert wire.base("git.example.org") == "https://git.example.org"


ADDRESSES = st.text() | st.builds("{}{}".format, st.sampled_from(["http://", "https://", "//", "/"]), st.text())


@given(ADDRESSES)
def test_no_address_breaks_the_reader(text: str) -> None:
    """What a header may hold is refused by one kind of error, or is an address."""
    image = reference.parse("git.example.org/acme/app:v1", "--image")
    registry, url = Registry(image, RegistrySettings()), "https://git.example.org/v2/"
    with contextlib.suppress(RegistryUnavailable):
        assert registry._wire._next(url, url, text).startswith("https://")
    with contextlib.suppress(RegistryUnavailable):
        registry._check_realm(url, text, None)


def test_a_netrc_file_is_not_ours(
    registry: FakeRegistry, work: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    """What other programs keep for this host is not sent."""
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login x password {secret}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    registry.push(fresh(work), "staging")
    assert judged(registry, work).outcome is Outcome.PASS
    assert all("Authorization" not in asked.headers for asked in registry.seen)


def test_the_login_is_for_one_registry(registry: FakeRegistry, work: Repo, secret: str) -> None:
    """A base in another registry is asked as somebody else, also where `--base` names it."""
    registry.push(fresh(work), "staging")
    with fake.serving() as other:
        other.push(rig.image({}, content=("a layer",)), "base")
        other.wants, other.authorization = 'Basic realm="x"', basic(secret)
        own = client(registry, secret)
        base = reference.parse(f"{other.host}/acme/app:base", "--base")
        git = open_repository(work.path, settings.load().inherited_env, timeout=60)
        question = Question(own.image, work.git("rev-parse", "HEAD"), base=base)
        seen = gather.gather(question, git, own)
        could_not_tell(freshness.judge(seen.facts, IMAGE_FRESHNESS), "no login is given")
        assert all("Authorization" not in asked.headers for asked in other.seen)


def based(work: Repo, named: str, **more: str) -> rig.Built:
    labels = {rig.REVISION: work.git("rev-parse", "HEAD"), "org.opencontainers.image.base.name": named, **more}
    return rig.image(labels, content=("base", "mine"))


def test_a_base_in_another_registry_is_read_by_nobody_in_particular(
    registry: FakeRegistry, work: Repo, secret: str, tmp_path: Path
) -> None:
    """An image names it, so it gets no login: not ours, and not the one that docker's file has for it (OWN-1)."""
    registry.wants, registry.authorization = 'Basic realm="x"', basic(secret)
    with fake.serving() as other:
        named = f"{other.host}/acme/app:base"
        registry.push(based(work, named), "staging")
        docker = tmp_path / "config.json"
        docker.write_text(json.dumps({"auths": {other.host: {"username": "x", "password": secret}}}))
        given = RegistrySettings(user=USER, token=secret, timeout=TIMEOUT, docker_config=str(docker))
        own = Registry(client(registry).image, given)
        git = open_repository(work.path, settings.load().inherited_env, timeout=60)

        def found() -> Verdict:
            question = Question(own.image, work.git("rev-parse", "HEAD"))
            return freshness.judge(gather.gather(question, git, own).facts, IMAGE_FRESHNESS)

        could_not_tell(found(), "no such image")
        other.push(rig.image({rig.REVISION: work.git("rev-parse", "HEAD")}, content=("base",)), "base")
        assert [finding.rule for finding in found().findings] == ["inherited-label"]
        other.push(rig.image({}, content=("base",)), "base")
        assert found().outcome is Outcome.PASS
        other.wants, other.authorization = 'Basic realm="x"', basic(secret)
        could_not_tell(found(), "no login is given")
        assert all("Authorization" not in asked.headers for asked in other.seen)
        # Who is asked for the token by somebody else does not get it either.
        other.wants = f'Bearer realm="{registry.server.url}/token"'
        could_not_tell(found(), "401")
        assert "Authorization" not in registry.seen[-1].headers


@pytest.mark.parametrize("bad", [hangs, resets, says(500), says(403), says(200, b"<html>")])
def test_a_base_that_cannot_be_read_is_no_pass(bad: Answer, registry: FakeRegistry, work: Repo) -> None:
    """Whatever keeps it from being read: whether the label is the base's is not known, and what to do is said."""
    with fake.serving() as other:
        registry.push(based(work, f"{other.host}/acme/app:base"), "staging")
        other.bad["manifests/base"] = bad
        found = judged(registry, work)
    could_not_tell(found, "so the label may come from the base image")
    assert "--base" in found.next_step


def test_an_image_leads_nobody_to_this_machine(work: Repo) -> None:
    """A base on the machine that asks is one where it was built, or a service that nobody but this machine may ask."""
    image = reference.parse("git.example.org/acme/app:v1", "--image")
    top = PlatformImage("linux/amd64", "", {}, {"org.opencontainers.image.base.name": "localhost/base:1"})
    none = Manifest("", "", b"", {})
    with pytest.raises(RegistryBroken, match="exists only on the build machine"):
        gather._named_base(top, none, image)
    for text in ("", "x", "x" * 5000, "a.b/c:1@x", "127.0.0.1:80/x:1", "[::1]:80/x:1", "localhost:1/x:1"):
        output = {"org.opencontainers.image.base.name": text, "org.opencontainers.image.base.digest": "x"}
        with pytest.raises(RegistryBroken):
            gather._named_base(replace(top, annotations=output), none, image)


@pytest.fixture
def promoting(registry: FakeRegistry, work: Repo) -> Callable[..., object]:
    digest = registry.push(fresh(work), "staging")

    def go(*tags: str) -> object:
        own = client(registry, writes=True)
        found = own.manifest("staging")
        assert found.digest == digest
        return promote(own, found, work.git("rev-parse", "HEAD"), tags)

    return go


def test_a_lost_acknowledgement_is_looked_up(
    registry: FakeRegistry, work: Repo, promoting: Callable[..., object]
) -> None:
    """It was stored although no answer came: reading it back tells (P7)."""

    def stored(handler: BaseHTTPRequestHandler) -> None:
        registry.store(handler)
        resets(handler)

    registry.bad["PUT manifests/production"] = stored
    promoting("production")
    assert registry.documents["manifests/production"] == registry.documents["manifests/staging"]


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (says(201), RegistryBroken, "production points to nothing"),
        (resets, RegistryBroken, "production points to nothing"),
        (says(500), RegistryBroken, "production points to nothing"),
        (says(403, {"errors": [{"code": "DENIED"}]}), RegistryRefused, "403 DENIED"),
        (says(307, None, Location="http://127.0.0.1:1/"), RegistryUnavailable, "production"),
    ],
)
def test_what_was_not_stored_is_not_promoted(
    bad: Answer, error: type[Exception], message: str, registry: FakeRegistry, promoting: Callable[..., object]
) -> None:
    """Whatever the answer says; a second run without the trouble finishes."""
    registry.bad["PUT manifests/production"] = bad
    with pytest.raises(error, match=message):
        promoting("production")
    registry.bad.clear()
    promoting("production")
    assert registry.documents["manifests/production"] == registry.documents["manifests/staging"]


def test_a_tag_that_another_one_moves_meanwhile_is_seen(
    registry: FakeRegistry, promoting: Callable[..., object]
) -> None:
    """Both promoted; the later one won, and the earlier one says so."""

    def overtaken(handler: BaseHTTPRequestHandler) -> None:
        registry.documents["manifests/production"] = (OTHER.media_type, OTHER.raw)
        says(201)(handler)

    registry.bad["PUT manifests/production"] = overtaken
    with pytest.raises(RegistryBroken, match="check whether something else sets this tag"):
        promoting("production")


def test_the_bytes_are_what_was_read(registry: FakeRegistry, work: Repo, promoting: Callable[..., object]) -> None:
    """Stored by digest before any tag; never written anew."""
    promoting("production")
    puts = [asked for asked in registry.seen if asked.method == "PUT"]
    whole = fresh(work)
    own = revision_tag(work.git("rev-parse", "HEAD"))
    assert [asked.path.rpartition("/")[2] for asked in puts] == [whole.digest, own, "production"]
    assert {asked.body for asked in puts} == {whole.raw}
    with pytest.raises(PromotionRefused):
        promoting(f"rev-{'0' * 40}")


def test_what_a_moved_tag_led_to_is_stored_by_its_digest(
    registry: FakeRegistry, promoting: Callable[..., object]
) -> None:
    """Before the tag moves: some registries forget what no tag leads to, and a rollback needs it."""
    old = rig.image({"an older": "one"})
    registry.push(old, "production")
    promoting("production")
    puts = [asked.path.rpartition("/")[2] for asked in registry.seen if asked.method == "PUT"]
    assert old.digest in puts
    assert puts.index(old.digest) < puts.index("production")
    assert [asked.body for asked in registry.seen if asked.path.endswith(old.digest)][-1] == old.raw
