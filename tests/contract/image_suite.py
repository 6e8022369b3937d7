"""What holds at every registry (IMG-1): the same questions to Debian's and to Gitea's, by HTTP alone."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from orch_gates import settings
from orch_gates.errors import PromotionRefused
from orch_gates.gates.image import freshness, gather
from orch_gates.gates.image.gather import GatheredImage, Question
from orch_gates.gates.policy import IMAGE_FRESHNESS
from orch_gates.git.cli import Git, open_repository
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.oci import reference
from orch_gates.oci.promote import promote, revision_tag
from orch_gates.oci.reference import Reference
from orch_gates.oci.registry import Registry
from orch_gates.oci.transport import RegistryCall
from orch_gates.variables.services import RegistrySettings
from tests import image_rig as rig
from tests.builders import Repo, bare, clone, seed
from tests.image_rig import Client


@dataclass
class Place:
    """A repository of a registry that nobody else uses, and a clone of the code."""

    client: Client
    work: Repo
    folder: str
    name: str = field(default_factory=lambda: f"app{secrets.token_hex(4)}")
    calls: list[RegistryCall] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"{self.folder}/{self.name}"

    @property
    def commit(self) -> str:
        return self.work.git("rev-parse", "HEAD")

    @property
    def tree(self) -> str:
        return self.work.git("rev-parse", "HEAD^{tree}")

    @property
    def git(self) -> Git:
        return open_repository(self.work.path, settings.load().inherited_env, timeout=60)

    @property
    def settings(self) -> RegistrySettings:
        return RegistrySettings(user=self.client.user, token=self.client.secret, timeout=20)

    def image(self, named: str) -> Reference:
        return reference.parse(f"{self.client.host}/{self.path}{named}", "--image")

    def registry(self, image: Reference, *, writes: bool = False) -> Registry:
        return Registry(image, self.settings, self.calls.append, writes=writes)

    def seen(self, named: str, tested: str = "", base: str = "", commit: str = "") -> GatheredImage:
        question = Question(
            self.image(named),
            commit or self.commit,
            tested,
            reference.parse(f"{self.client.host}/{base}", "--base") if base else None,
        )
        own = self.registry(question.image)
        return gather.gather(question, self.git, own)

    def judged(self, named: str, **asked: str) -> Verdict:
        return freshness.judge(self.seen(named, **asked).facts, IMAGE_FRESHNESS)

    def push(self, built: rig.Built, *tags: str) -> str:
        return self.client.push(self.path, built, *tags)


def rules(found: Verdict) -> set[str]:
    assert found.outcome is Outcome.FAIL
    return {finding.rule for finding in found.findings}


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A clone with two commits."""
    folder = tmp_path_factory.mktemp("code")
    server = bare(folder / "server.git")
    seed(server, folder / "seed")
    return clone(server, folder / "work")


class ImageSuite:
    """Inherited by the tests of each registry, which give `place`."""

    # Whether an index is gone once no tag leads to it.
    forgets = False

    def both(self, place: Place, labels: dict[str, str] | None = None, kind: str = rig.OCI_INDEX) -> rig.Built:
        """An index of two platforms in two formats, with what BuildKit puts beside the first."""
        labels = {rig.REVISION: place.commit} if labels is None else labels
        first = rig.image(labels)
        second = rig.image(labels, platform="linux/arm64/v8", kind=rig.DOCKER_MANIFEST, content=("for arm",))
        return rig.index(first, second, rig.attestation(first), kind=kind)

    def test_one_platform(self, place: Place) -> None:
        """A manifest without an index, in both formats."""
        for kind in (rig.OCI_MANIFEST, rig.DOCKER_MANIFEST):
            digest = place.push(rig.image({rig.REVISION: place.commit}, kind=kind), "staging")
            found = place.judged(":staging", tested=digest)
            assert found.outcome is Outcome.PASS, found.reason
            assert found.evidence["digest"] == digest

    @pytest.mark.parametrize("kind", [rig.OCI_INDEX, rig.DOCKER_INDEX])
    def test_every_platform_of_an_index(self, place: Place, kind: str) -> None:
        """Formats may be mixed; an attestation is no platform; and each request is needed (issue 16: Speed)."""
        digest = place.push(self.both(place, kind=kind), "staging")
        found = place.judged(":staging", tested=digest)
        assert found.outcome is Outcome.PASS, found.reason
        assert (found.evidence["platforms"], found.evidence["left_out"]) == ("linux/amd64, linux/arm64/v8", 1)
        # The challenge and the token, the index, two for each platform, and what is left out is looked at.
        assert len(place.calls) <= 2 + 1 + 2 * 2 + 1
        assert {call.method for call in place.calls} == {"GET"}

    def test_what_is_called_an_attestation_and_is_an_image(self, place: Place) -> None:
        """Left out is only what holds statements about an image of this index; else an image would pass unseen."""
        good = rig.image({rig.REVISION: place.commit})
        hidden = rig.image({}, platform="linux/arm64")
        nowhere = rig.image({}, platform=rig.NOWHERE)
        statements = rig.attestation(hidden)
        cases = (
            (rig.dressed(hidden, good.digest), "has the layers of an image"),
            (rig.dressed(nowhere, good.digest), "has the layers of an image"),
            (statements, "not an image of this index"),
            (rig.dressed(statements, "x\x1b"), "not an image of this index"),
        )
        for part, output in cases:
            place.push(rig.index(good, part), "staging")
            found = place.judged(":staging")
            assert found.outcome is Outcome.FAIL
            assert output in found.reason
            assert "image_status" not in found.evidence

    def test_an_index_that_names_another_platform(self, place: Place) -> None:
        """What a machine would get is not what the index says; a variant that one of them leaves out is no lie."""
        made = rig.image({rig.REVISION: place.commit}, platform="linux/amd64")
        for system, architecture in (("linux", "arm64"), ("windows", "amd64")):
            lie = replace(made, platform={"os": system, "architecture": architecture})
            place.push(rig.index(lie), "staging")
            found = place.judged(":staging")
            assert found.outcome is Outcome.FAIL
            assert f"is for linux/amd64 by its own configuration, and for {system}/{architecture}" in found.reason
        for own, named, outcome in (
            ("linux/arm64/v8", "linux/arm64", Outcome.PASS),
            ("linux/arm64", "linux/arm64/v8", Outcome.PASS),
            ("linux/arm/v6", "linux/arm/v7", Outcome.FAIL),
        ):
            made = rig.image({rig.REVISION: place.commit}, platform=own)
            told = rig.image({}, platform=named).platform
            place.push(rig.index(replace(made, platform=told)), "staging")
            assert place.judged(":staging").outcome is outcome

    def test_one_platform_without_the_label(self, place: Place) -> None:
        """All of them count."""
        whole = rig.index(rig.image({rig.REVISION: place.commit}), rig.image({}, platform="linux/arm64"))
        place.push(whole, "staging")
        found = place.judged(":staging")
        assert rules(found) == {"no-label"}
        assert "linux/arm64" in found.reason

    def test_another_commit_and_another_tree(self, place: Place) -> None:
        """An older image is stale for this commit, and fresh for its own."""
        older = place.work.git("rev-parse", "HEAD~1")
        place.push(self.both(place, {rig.REVISION: older}), "staging")
        assert rules(place.judged(":staging")) == {"other-revision"}
        assert place.judged(":staging", commit=older).outcome is Outcome.PASS

    def test_the_recorded_tree(self, place: Place) -> None:
        """A squashed commit has another id and the same tree, as git proves."""
        squashed = place.work.git("commit-tree", place.tree, "-m", "squashed")
        place.push(self.both(place, {rig.REVISION: squashed}), "by-git")
        place.push(self.both(place, {rig.TREE: place.tree}), "by-label")
        for tag in (":by-git", ":by-label"):
            found = place.judged(tag)
            assert found.outcome is Outcome.PASS, found.reason
            assert "tree" in str(found.evidence["proven_by"])

    def test_a_tree_is_no_commit(self, place: Place) -> None:
        """The label of a revision names a commit, or proves nothing."""
        place.push(self.both(place, {rig.REVISION: place.tree}), "staging")
        assert rules(place.judged(":staging")) == {"other-revision"}
        place.push(self.both(place, {rig.REVISION: "0" * 40}), "staging")
        assert "is not in this clone" in place.judged(":staging").reason

    def test_a_label_of_the_base(self, place: Place) -> None:
        """Named by the image itself, or by a person; the layers tell whether it is the base at all."""
        base = rig.image({rig.REVISION: place.commit}, content=("base",))
        digest = place.push(base, "base")
        name = f"{place.client.host}/{place.path}:base"
        output = {"org.opencontainers.image.base.name": name, "org.opencontainers.image.base.digest": digest}
        built = rig.image({rig.REVISION: place.commit}, content=("base", "mine"))
        place.push(built, "plain")
        place.push(rig.image({rig.REVISION: place.commit}, content=("base", "mine"), annotations=output), "annotated")
        place.push(rig.image({rig.REVISION: place.commit} | output, content=("base", "mine")), "labelled")
        # The label does not say whose it is; without a word about the base it counts.
        assert place.judged(":plain").outcome is Outcome.PASS
        assert rules(place.judged(":plain", base=f"{place.path}:base")) == {"inherited-label"}
        assert rules(place.judged(":annotated")) == {"inherited-label"}
        assert rules(place.judged(":labelled")) == {"inherited-label"}
        place.push(rig.image({rig.REVISION: "x"}, content=("other",)), "other")
        wrong = place.judged(":plain", base=f"{place.path}:other")
        assert wrong.reason.startswith("could not check: ")

    def test_a_base_that_cannot_be_compared(self, place: Place) -> None:
        """Without the platform, gone, or not to be found: could not tell, until a person names one that can be read."""
        base = rig.image({rig.REVISION: place.commit}, content=("base",), platform="linux/arm64")
        place.push(rig.index(base), "base")
        name = f"{place.client.host}/{place.path}"
        cases = {
            f"{name}:base": "has no image for linux/amd64",
            f"{name}:gone": "no such image",
            f"{name}-else:1": "",
            "python:3.12": "is not an image in a registry",
        }
        for named, output in cases.items():
            told = {"org.opencontainers.image.base.name": named}
            built = rig.image({rig.REVISION: place.commit}, content=("base", "mine"), annotations=told)
            place.push(built, "staging")
            found = place.judged(":staging")
            assert found.outcome is Outcome.FAIL
            assert found.reason.startswith("could not check: linux/amd64: ")
            assert output in found.reason
            assert "--base" in found.next_step
            assert "image_status" not in found.evidence
            assert "left out" not in found.reason
        place.push(rig.image({}, content=("base",)), "copy")
        assert place.judged(":staging", base=f"{place.path}:copy").outcome is Outcome.PASS
        # An annotation is no base's, so no base matters.
        told = {"org.opencontainers.image.base.name": "python:3.12", rig.REVISION: place.commit}
        place.push(rig.image({}, content=("base", "mine"), annotations=told), "annotated")
        assert place.judged(":annotated").outcome is Outcome.PASS

    def test_a_base_of_an_index(self, place: Place) -> None:
        """Each platform is compared with the same one of its base."""
        bases = [rig.image({}, content=("base",)), rig.image({rig.REVISION: place.commit}, platform="linux/arm64")]
        place.push(rig.index(*bases), "base")
        mine = [
            rig.image({rig.REVISION: place.commit}, content=("base", "mine")),
            rig.image({rig.REVISION: place.commit}, content=("a layer", "mine"), platform="linux/arm64/v8"),
        ]
        place.push(rig.index(*mine), "staging")
        found = place.judged(":staging", base=f"{place.path}:base")
        assert rules(found) == {"inherited-label"}
        assert len(found.findings) == 1
        assert "linux/arm64" in found.reason

    def test_a_moved_tag(self, place: Place) -> None:
        """Tested was what the tag led to before; the digest by itself goes on to lead there, if it is kept."""
        tested = place.push(self.both(place), "staging", "kept")
        place.push(self.both(place, {rig.REVISION: place.commit, "built": "again"}), "staging")
        assert rules(place.judged(":staging", tested=tested)) == {"tested-digest"}
        assert rules(place.judged(f":staging@{tested}")) == {"moved-tag"}
        assert place.judged(f"@{tested}", tested=tested).outcome is Outcome.PASS

    def test_what_is_not_there(self, place: Place) -> None:
        """No such tag, digest, name; a manifest that was deleted: could not tell, never stale."""
        digest = place.push(rig.image({rig.REVISION: place.commit}), "staging")
        missing = f"@sha256:{secrets.token_hex(32)}"
        for named in (":nothing", missing):
            assert "no such image" in place.judged(named).reason
        other = replace(place, name=f"{place.name}-nothing")
        assert place.judged(":staging").outcome is Outcome.PASS
        assert other.judged(":staging").reason.startswith("could not check: ")
        self.delete(place, digest)
        found = place.judged(f"@{digest}")
        assert (found.outcome, found.findings) == (Outcome.FAIL, ())
        assert "no such image" in found.reason

    def delete(self, place: Place, digest: str) -> None:
        status, _, _ = place.client.ask("DELETE", place.path, f"manifests/{digest}")
        assert status == 202

    @pytest.mark.parametrize(
        ("user", "message"),
        [
            ("", "no login is given"),
            ("deployer", "deployer lacks the permission for this"),
            ("x", "x lacks the permission"),
        ],
    )
    def test_without_the_right_login(self, place: Place, user: str, message: str) -> None:
        """The registry's refusal is its own answer, and what to do is said; the wrong password is not."""
        place.push(rig.image({rig.REVISION: place.commit}), "staging")
        wrong = secrets.token_urlsafe(12)
        place.client = Client(place.client.host, user, wrong if user else "")
        found = place.judged(":staging")
        assert found.reason.startswith("could not check: the registry refused"), found.reason
        assert message in found.reason
        assert wrong not in str(found)

    def test_promotion(self, place: Place) -> None:
        """Tags lead to the very digest; again changes nothing; the old one stays there to go back to."""
        image = place.image(":staging")
        old = place.push(self.both(place, {rig.REVISION: "an older one"}), "production")
        self.go(place, image, "0" * 40, "production", named="production")
        digest = place.push(self.both(place), "staging")
        done = self.go(place, image, place.commit, "production", "v1")
        own = revision_tag(place.commit)
        assert done == ((own, "production", "v1"), ())
        for named in ("production", "v1", own, digest):
            assert place.client.leads_to(place.path, named) == digest
        # As a rollback by digest needs it, also where a registry forgets what no tag leads to.
        assert place.client.leads_to(place.path, old) == old
        place.calls.clear()
        assert self.go(place, image, place.commit, "production", "v1") == ((), (own, "production", "v1"))
        assert {call.method for call in place.calls} == {"GET"}
        assert place.judged(f":{own}", tested=digest).outcome is Outcome.PASS

    def test_what_a_moved_tag_led_to_stays(self, place: Place) -> None:
        """Also what nobody promoted, and what a registry would forget: a rollback may need it."""
        old = place.push(self.both(place, {rig.REVISION: "pushed by hand"}), "production")
        digest = place.push(self.both(place), "staging")
        self.go(place, place.image(":staging"), place.commit, "production")
        assert place.client.leads_to(place.path, "production") == digest
        assert place.client.leads_to(place.path, old) == old

    def go(
        self, place: Place, image: Reference, commit: str, *tags: str, named: str = "staging"
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        registry = place.registry(image, writes=True)
        done = promote(registry, registry.manifest(named), commit, tags)
        return done.written, done.kept

    def test_what_no_tag_leads_to(self, place: Place) -> None:
        """What a registry does that promotion has to reckon with."""
        first = place.push(self.both(place), "moving")
        place.push(self.both(place, {"another": "one"}), "moving")
        assert (place.client.leads_to(place.path, first) == "") is self.forgets

    def test_a_revision_has_one_image(self, place: Place) -> None:
        """A second build of the same commit is not promoted over the first, and nothing is written."""
        first = place.push(self.both(place), "staging")
        image = place.image(":staging")
        self.go(place, image, place.commit, "production")
        place.push(self.both(place, {rig.REVISION: place.commit, "built": "again"}), "staging")
        with pytest.raises(PromotionRefused, match="one image for good"):
            self.go(place, image, place.commit, "production", "v2")
        with pytest.raises(PromotionRefused, match="another revision"):
            self.go(place, image, "1" * 40, revision_tag(place.commit))
        assert place.client.leads_to(place.path, "production") == first
        assert place.client.leads_to(place.path, "v2") == ""


Maker = Callable[[Client, Path], Place]
