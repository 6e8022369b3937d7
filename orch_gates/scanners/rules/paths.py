"""What a path alone says: where generic rules are silent, what kind of file it is, and which file is a secret itself.

Generic rules are silent in files that tools generate, full of hashes and encoded data.

Rules of a provider's format and of keys apply everywhere (SEC-4). The table is no wider than the default of
gitleaks, so that nothing is exempt here that a plain hook with gitleaks would have found.
"""

from __future__ import annotations

import re

# Endings of files that are no text, or hold encoded data; in any case.
_ENDING_LIST = """
    .bmp .gif .jpg .jpeg .png .svg .tif .tiff .eot .otf .ttf .woff .woff2 .doc .docx .xls .xlsx .pdf .bin .socket
    .vsidx .v2 .suo .wsuo .pdb .exe .gltf
"""
_ENDINGS = tuple(_ENDING_LIST.split())
# Names of files, wherever they are; the case counts.
_NAME_LIST = """
    gradlew gradlew.bat gradle.lockfile mvnw mvnw.cmd deno.lock npm-shrinkwrap.json package-lock.json pnpm-lock.yaml
    yarn.lock javascript.json Pipfile.lock poetry.lock
"""
_NAMES = frozenset(_NAME_LIST.split())
# Ends of paths, whatever stands before them.
_TAILS = ("go.mod", "go.sum", "go.work", "go.work.sum", ".gem")
_HEADED = ("vendor/modules.txt", ".mvn/wrapper/MavenWrapperDownloader.java")
# Folders of other people's code, with everything below them.
_FOLDERS = frozenset({"node_modules", "bower_components"})
_VENDORED = tuple(
    f"/vendor/{name}/"
    for name in (
        "github.com",
        "golang.org/x",
        "google.golang.org",
        "gopkg.in",
        "istio.io",
        "k8s.io",
        "sigs.k8s.io",
        "bundle",
        "ruby",
    )
)
_ANYWHERE = ("verification-metadata.xml", "Database.refactorlog", "gitleaks.toml")
_PYTHON = re.compile(
    r"/(?:(?:v?env|virtualenv)/lib(?:64)?|lib(?:64)?/python[23](?:\.\d{1,2})+|python/[23](?:\.\d{1,2})+/lib(?:64)?"
    r"|[a-z0-9_.]+-[0-9.]+\.dist-info)(?:/|\Z)",
    re.IGNORECASE,
)
_LIBRARY = re.compile(r"(?:angular|bootstrap|jquery(?:-?ui)?|plotly|swagger-?ui)[a-zA-Z0-9.-]*\.js(?:\.map)?\Z")


def exempt(path: str) -> bool:
    """Whether generic rules are silent in a file at `path`; content without a path has none and is judged."""
    if not path:
        return False
    rooted = "/" + path
    name = path.rpartition("/")[2]
    return (
        path.lower().endswith(_ENDINGS)
        or name in _NAMES
        or path.endswith(_TAILS)
        or rooted.endswith(tuple("/" + tail for tail in _HEADED))
        or not _FOLDERS.isdisjoint(path.split("/"))
        or any(folder in rooted for folder in _VENDORED)
        or any(part in path for part in _ANYWHERE)
        or _PYTHON.search(rooted) is not None
        or _LIBRARY.match(name) is not None
    )


# In these files a value without quotes is an expression.
_PROGRAMS = """
    .py .pyi .js .mjs .cjs .jsx .ts .tsx .go .java .kt .kts .scala .c .h .cc .cpp .hpp .cs .rs .rb .php .swift .m .lua
    .pl .pm .ex .exs .erl .hs .clj .dart .groovy .vue .svelte .sol .zig .nim .jl .r .vb .fs .ipynb
"""
_PROGRAM_ENDINGS = tuple(_PROGRAMS.split())


def is_program(path: str) -> bool:
    """Whether a file is a program by its ending."""
    return path.lower().endswith(_PROGRAM_ENDINGS)


# Files of settings, and paths of translations, where "password" stands before its word in another language.
_SETTINGS = (
    *(".env", ".yml", ".yaml", ".properties", ".ini", ".conf", ".cfg", ".cnf", ".toml", ".tf", ".tfvars"),
    "dockerfile",
)
_LOCALES = ("locale", "i18n", "l10n", "lang", "translat", "messages", "strings")
# What stands for all files of a kind where a value is judged before it is known where it stands.
EXAMPLES = {"program": "program.py", "settings": ".env", "other": ""}


def is_settings(path: str) -> bool:
    """Whether a file holds settings, by its name."""
    low = path.lower()
    return low.endswith(_SETTINGS) and not any(part in low for part in _LOCALES)


def kind(path: str) -> str:
    """The kind of file that a path names, as far as it says what a value there can be: a key of `EXAMPLES`."""
    if is_program(path):
        return "program"
    return "settings" if is_settings(path) else "other"


# Files that are secrets by what they are, whatever is inside.
_PKCS12 = (".p12", ".pfx", ".pkcs12")


def by_path(path: str, head: bytes) -> str | None:
    """The rule that a file at `path` breaks by being there; `head` is its first bytes, none for an empty file.

    PKCS#12 files hold a private key, mostly behind a guessable password. Their names decide, not their bytes:
    they come in DER, in base64, and renamed from either.
    """
    return "pkcs12-file" if head and path.lower().endswith(_PKCS12) else None
