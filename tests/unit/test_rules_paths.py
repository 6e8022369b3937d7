"""Which paths generic rules are silent in: no more than gitleaks' default, and all of it that matters."""

import pytest

from orch_gates.scanners.rules.paths import exempt

EXEMPT = """
vendor/github.com/x/c.go vendor/golang.org/x/y.go vendor/k8s.io/client-go/x.go vendor/sigs.k8s.io/y.go
vendor/istio.io/z.go vendor/gopkg.in/a.go vendor/google.golang.org/a.go vendor/modules.txt a/vendor/bundle/a.rb
vendor/ruby/a.rb gradle.lockfile gradlew a/gradlew.bat mvnw mvnw.cmd .mvn/wrapper/MavenWrapperDownloader.java
node_modules/a/b.js a/bower_components/b.js package-lock.json a/yarn.lock pnpm-lock.yaml deno.lock npm-shrinkwrap.json
Pipfile.lock poetry.lock go.mod go.sum go.work go.work.sum venv/lib/a.py env/lib64/a.py
virtualenv/lib/a.py python/3.11/lib/a.py usr/lib/python3.11/a.py x-1.0.dist-info/RECORD javascript.json a.vsidx
Database.refactorlog a.png a.SVG a.woff2 a.pdf a.bin jquery.min.js bootstrap-4.js.map swagger-ui-bundle.js
gradle/verification-metadata.xml a.gem
"""
JUDGED = """
lib/python/settings.py lib/python_client/config.py env/python/settings.py uv.lock Cargo.lock composer.lock favicon.ico
bg.webp swagger-ui-init.css config.py a/Pipfile vendor/own/a.go vendor/golang.org/a.go pipfile.lock Package-lock.json
my_node_modules/a.js
.venv/lib/a.py gradlew.txt a.svg.txt jquery.css environment/lib/a.py python/lib/a.py notes.gems go.mod.bak
"""


@pytest.mark.parametrize("path", EXEMPT.split())
def test_generic_rules_are_silent_here(path: str) -> None:
    assert exempt(path)
    assert exempt("some/folder/" + path)


@pytest.mark.parametrize("path", ["", *JUDGED.split()])
def test_generic_rules_apply_here(path: str) -> None:
    assert not exempt(path)
