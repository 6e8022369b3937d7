"""What a file's path says about a match: rules bound to a path, and paths of generated files."""

from __future__ import annotations

import re

# Rules of gitleaks that mean something only in files of one kind.
_BOUND = {
    "freemius-secret-key": re.compile(r"(?i)\.php$"),
    "hashicorp-tf-password": re.compile(r"(?i)\.(tf|hcl)$"),
    "kubernetes-secret-yaml": re.compile(r"(?i)\.ya?ml$"),
    "nuget-config-password": re.compile(r"(?i)nuget\.config$"),
}

# Files full of hashes and encoded data, where an entropy rule has nothing to say.
_GENERATED = re.compile(
    r"""(?ix)
    \.(bmp|gif|jpe?g|png|svg|tiff?|ico|webp|eot|otf|ttf|woff2?|docx?|xlsx?|pdf|bin|exe|dll|pdb|socket|gltf|suo)$
    | (^|/)(go\.(mod|sum|work|work\.sum)|gradlew(\.bat)?|mvnw(\.cmd)?|verification-metadata\.xml)$
    | (^|/)(package-lock\.json|npm-shrinkwrap\.json|(yarn|deno|poetry|uv|pdm|composer|cargo|gemfile|pipfile)\.lock
           |pnpm-lock\.yaml|gopkg\.lock)$
    | (^|/)(node_modules|bower_components|vendor/(bundle|github\.com|golang\.org|gopkg\.in|google\.golang\.org))/
    | (^|/)(v?env|lib(64)?)/(lib(64)?/)?python\d?[^/]*/
    | (^|/)[a-z0-9_.]+-[0-9.]+\.dist-info/
    | (^|/)(angular|bootstrap|jquery(-ui)?|plotly|swagger-?ui)[a-z0-9.-]*(\.min)?\.(js|css)(\.map)?$
    """
)


def applies(rule: str, generic: bool, path: str) -> bool:
    """Whether a rule's match in a file at `path` counts.

    Only generic entropy rules may exempt a path; provider-format rules apply everywhere (SEC-4).
    Content without a path (messages, names) is judged by every rule.
    """
    bound = _BOUND.get(rule)
    if path and bound is not None:
        return bound.search(path) is not None
    return not (path and generic and _GENERATED.search(path))
