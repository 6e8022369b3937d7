"""The configuration file: what it may say, and that every mistake is told with its line and column."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from string import ascii_lowercase, digits
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from orch_gates import settings as settings_module
from orch_gates.config import schema
from orch_gates.config.file import Config, effective
from orch_gates.config.listing import listing, origin_text
from orch_gates.config.parse import MAX_BYTES, parse
from orch_gates.config.pipeline import known_gates
from orch_gates.config.table import BY_KEY, SETTINGS
from orch_gates.documents import yaml_read, yaml_write
from orch_gates.engine.stages import DEFAULT, EdgeGate, OnRed, Pipeline, Stage
from orch_gates.engine.work import Role
from orch_gates.errors import ConfigError
from orch_gates.gates import registry
from orch_gates.model.job import Way
from orch_gates.variables.resolve import ValueOrigin, resolve
from orch_gates.variables.setting import Setting, ValueKind
from scripts import config_reference

COMMIT = "1234567890" * 4


def read(text: str) -> Config:
    return parse(text.encode("utf-8", "surrogateescape"), revision=COMMIT)


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as refusal:
        read(text)
    return refusal.value.problems


def pipeline(text: str, environ: Mapping[str, str] | None = None) -> Pipeline:
    config = read(text)
    return effective(config, settings_module.load(environ or {}, config.given))


# --- settings ------------------------------------------------------------------------------------


def test_a_file_sets_what_it_names_and_nothing_else() -> None:
    """The rest keeps its default; the place of every value is known."""
    config = read("security:\n  max_bytes: 7\n  repos: [a/b, c/d]\ntarget: develop\n")
    settings = settings_module.load({}, config.given)
    assert settings.security.budget.content_bytes == 7
    assert settings.scope("security").repos == ("a/b", "c/d")
    assert (settings.target, settings.usual_target) == ("", "develop")
    assert settings.scope("security").enabled
    assert settings.resolved(BY_KEY["security.max_bytes"]).place == ".orch-gates.yaml:2:14@1234567890"


def test_lines_may_end_as_those_of_a_checkout_on_windows() -> None:
    """It says the same, at the same places."""
    text = "security:\n  max_bytes: 7\ntarget: develop\n"
    assert read(text.replace("\n", "\r\n")) == read(text)


@pytest.mark.parametrize("text", ["", "\n", "# only words\n\n  # more\n"])
def test_a_file_without_a_word_sets_nothing(text: str) -> None:
    """Everything may be commented out."""
    config = read(text)
    assert (config.present, dict(config.given), config.declared) == (True, {}, None)


SPELLED = ("main", "release/1.x", "a_b-c", "https://git.example.org/x", "8dc25f76-d8ad-48d9-8ce9-279a67a3a3d5")
WORDS = st.text(ascii_lowercase, min_size=1, max_size=5)


def values(setting: Setting) -> st.SearchStrategy[Any]:
    match setting.kind:
        case ValueKind.FLAG:
            return st.booleans()
        case ValueKind.NUMBER:
            return st.integers(setting.least, setting.most)
        case ValueKind.NAMES:
            return st.lists(st.builds("{}/{}".format, WORDS, WORDS), max_size=3)
        case ValueKind.CHOICE:
            return st.sampled_from(setting.choices)
        case ValueKind.TEXT if setting.spelling is not None:
            return st.sampled_from([text for text in SPELLED if re.fullmatch(setting.spelling.pattern, text)])
        case ValueKind.TEXT:
            return st.text(f"{ascii_lowercase}{digits}/ é#:-", min_size=1, max_size=12).filter(lambda t: t == t.strip())


@pytest.mark.parametrize("key", BY_KEY)
@examples(max_examples=25)
@given(data=st.data())
def test_the_file_and_the_variable_say_the_same(key: str, data: st.DataObject) -> None:
    """A value reads alike in both places, and the variable wins (issue 4)."""
    setting = BY_KEY[key]
    value = data.draw(values(setting))
    section, _, name = key.rpartition(".")
    config = read(yaml_write.dump({section: {name: value}} if section else {name: value}))
    from_file = resolve(setting, {}, config.given)
    assert from_file.source is ValueOrigin.FILE
    spelled = ",".join(value) if isinstance(value, list) else str(value)
    if spelled:
        from_environment = resolve(setting, {setting.variable: spelled}, config.given)
        assert (from_environment.value, from_environment.source) == (from_file.value, ValueOrigin.ENVIRONMENT)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("security:\n  enabled: yes\n", "2:12: security.enabled: 'yes' is neither true nor false"),
        ("security:\n  enabled: 1\n", "2:12: security.enabled: 1 is neither true nor false"),
        ("security:\n  max_refs: 0\n", "2:13: security.max_refs: 0 is not a whole number above zero"),
        ("security:\n  max_refs: '5'\n", "2:13: security.max_refs: '5' is not a whole number above zero"),
        ("security:\n  max_refs: true\n", "2:13: security.max_refs: true is not a whole number above zero"),
        ("security: {engine: Gitleaks}\n", "1:20: security.engine: 'Gitleaks' is not one of: kingfisher, gitleaks"),
        ("security: {repos: a/b}\n", "1:19: security.repos: 'a/b' is not a list of names"),
        ("security: {repos: [a/b, 1]}\n", "1:19: security.repos: a list is not a list of names"),
        ("security: {repos: ['a/b,c/d']}\n", "1:19: security.repos: a list is not a list of names"),
        ("security: [1]\n", "1:11: security: a list is not a mapping of settings"),
        ("security: null\n", "1:11: security: null is not a mapping of settings"),
        ("target: ''\n", "1:9: target: '' is not the name of a branch; give the branch's name without refs/heads/"),
        ("target: 5\n", "1:9: target: 5 is not the name of a branch"),
        (
            "state:\n  branch: refs/heads/x\n",
            "2:11: state.branch: 'refs/heads/x' is not the name of a branch; give the",
        ),
        ("limits: {max_developer_retries: -1}\n", "1:33: limits.max_developer_retries: -1 is not a whole number from"),
        ("securty: {}\n", "1:1: unknown key 'securty'; did you mean security?"),
        ("security:\n  max_byte: 1\n", "2:3: security: unknown key 'max_byte'; did you mean max_bytes?"),
        ("zzzzz: 1\n", "1:1: unknown key 'zzzzz'; known are: "),
        ("gitleaks_bin: /tmp/x\n", "1:1: unknown key 'gitleaks_bin'"),
        ("allow_key: sixteen bytes long\n", "1:1: unknown key 'allow_key'"),
        ('"\\u001b[31m": 1\n', "1:1: unknown key '\\x1b[31m'"),
        ("target: main\ntarget: x\n", "2:1: key 'target' is repeated"),
        ("target: &a main\n", "1:9: anchors and aliases are not allowed"),
        ("target: main\r", "1:13: character \\x0d is not allowed here"),
        ("target: \udcff\n", "1:9: character \\xff is not allowed here"),
        ("- a\n", "1:1: a mapping is expected"),
        ("target: [\n", "2:1: "),
        ("---\ntarget: main\n", "1:1: directives and further documents are not allowed"),
        ("x" * (MAX_BYTES + 1), f"1:1: the file has more than {MAX_BYTES} bytes"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, message: str) -> None:
    """File, line and column, what is wrong there, and what was probably meant (issue 4)."""
    assert problems(text)[0].startswith(f".orch-gates.yaml:{message}")


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    """A person mends a file in one go; the message of the error itself is one line."""
    text = "securty: {}\nsecurity: {max_refs: 0, engine: x}\nstages: []\nrework: 1\n"
    output = problems(text)
    assert [line.split(":")[1] for line in output] == ["1", "2", "2", "3"]
    with pytest.raises(ConfigError, match=r"\(and 3 more\)$") as refusal:
        read(text)
    assert "\n" not in str(refusal.value)


@given(raw=st.one_of(st.binary(max_size=60), st.text("ab:-[]{}&*!|>'\"#,\n 1stagesnmre", max_size=60).map(str.encode)))
def test_no_file_breaks_the_reader(raw: bytes) -> None:
    """Whatever stands there, the answer is a configuration, or an error with a place (OWN-3)."""
    try:
        parse(raw)
    except ConfigError as error:
        assert all(re.match(r"\.orch-gates\.yaml:\d+:\d+: [^\n]+\Z", problem) for problem in error.problems)


# --- the pipeline --------------------------------------------------------------------------------

THREE = """\
stages:
  - name: development
    role: developer
    gates: [ci-green]
  - name: sign-off
    role: owner
    human: true
  - name: deploy
    role: deployer
    gates:
      - name: deploy-status
        on_absent: rollback
      - security
"""


def test_stages_replace_the_default_pipeline() -> None:
    """A gate by its name does what it does by default; a mapping changes what it names (ENG-2)."""
    made = pipeline(THREE)
    assert made.names == ("development", "sign-off", "deploy")
    assert made.rework == "development"
    assert made.stages[0] == Stage("development", "developer", (EdgeGate("ci-green", OnRed.STAY, OnRed.STAY),))
    assert made.stages[1] == Stage("sign-off", "owner", human=True)
    assert made.stages[2].gates == (
        EdgeGate("deploy-status", OnRed.ROLLBACK, OnRed.ROLLBACK),
        EdgeGate("security", OnRed.ROLLBACK, OnRed.ROLLBACK),
    )


def test_without_stages_the_default_pipeline_stands() -> None:
    """Also where only the rework stage or a limit is set."""
    assert pipeline("") == DEFAULT
    assert pipeline("target: main\n") == DEFAULT
    assert pipeline("rework: architecture\n").stages == DEFAULT.stages
    assert pipeline("rework: architecture\n").rework == "architecture"


def test_the_limits_are_those_of_the_settings() -> None:
    """From the file, or from the environment over it (ENG-4, ENG-5)."""
    text = "limits: {max_developer_retries: 0, defer_max_attempts: 7}\n"
    assert (pipeline(text).caps.max_developer_retries, pipeline(text).caps.defer_max_attempts) == (0, 7)
    assert pipeline(text, {"ORCH_MAX_DEVELOPER_RETRIES": "9"}).caps.max_developer_retries == 9


def test_the_gates_that_a_file_may_name_are_those_that_there_are() -> None:
    """A gate that nothing can judge would hold every task for ever."""
    assert set(known_gates()) == set(registry.NAMES)


def test_one_line_turns_the_merge_queue_on() -> None:
    """Beside the default stages, or those of the file; nothing else may stand there (MRG-13)."""
    assert read("pipeline: merge-queue\n").queue.startswith(".orch-gates.yaml:1:11@")
    assert pipeline("pipeline: merge-queue\n").stages == DEFAULT.stages
    assert read(THREE).queue == ""
    assert read(f"pipeline: merge-queue\n{THREE}").declared is not None
    for wrong in ("merge-queu", "''", "null", "[merge-queue]"):
        assert problems(f"pipeline: {wrong}\n")[0].startswith(".orch-gates.yaml:1:11: pipeline: unknown pipeline")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("ci-green", "ci-gren"), "4:13: stages[0].gates[0]: unknown gate 'ci-gren'; did you mean ci-green?"),
        (("[ci-green]", "[ci-green, ci-green]"), "4:23: stages[0].gates[1]: gate 'ci-green' is on this edge already"),
        (("[ci-green]", "[[ci-green]]"), "4:13: stages[0].gates[0]: a list is not the name of a gate"),
        (("[ci-green]", "ci-green"), "4:12: stages[0].gates: 'ci-green' is not a list of gates"),
        (("[ci-green]", "null"), "4:12: stages[0].gates: null is not a list of gates"),
        (("name: deploy-status", "on_fail: stay"), "11:9: stages[2].gates[0]: a gate needs a name"),
        (("deploy-status", "deploy_status"), "11:15: stages[2].gates[0].name: unknown gate 'deploy_status'; did you"),
        (("on_absent: rollback", "on_absent: hold"), "12:20: stages[2].gates[0].on_absent: 'hold' is not one of: stay"),
        (("on_absent:", "on_abssent:"), "12:9: stages[2].gates[0]: unknown key 'on_abssent'; did you mean on_absent?"),
        (
            ("name: sign-off", "name: development"),
            "5:11: stages[1].name: there is another stage 'development'; rename one of them",
        ),
        (("name: sign-off", "name: done"), "5:11: stages[1].name: 'done' is where a task ends"),
        (("name: sign-off", "name: Sign Off"), "5:11: stages[1].name: 'Sign Off' must be 1 to 40 small letters"),
        (("name: sign-off", "name: 7"), "5:11: stages[1].name: 7 must be 1 to 40 small letters"),
        (("    role: owner\n", ""), "5:5: stages[1]: a stage needs a role"),
        (("role: owner", "rolle: owner"), "5:5: stages[1]: a stage needs a role"),
        (("human: true", "human: maybe"), "7:12: stages[1].human: 'maybe' is neither true nor false"),
        (("name: development", "name: build"), "2:3: stages: no stage is named 'development', so `rework`"),
        (
            ("stages:", "rework: tesing\nstages:"),
            "1:9: rework: unknown stage 'tesing'; known are: deploy, development,",
        ),
        (("stages:", "rework: done\nstages:"), "1:9: rework: unknown stage 'done'"),
        (("stages:", "rework: [deploy]\nstages:"), "1:9: rework: a list is not the name of a stage"),
    ],
)
def test_a_mistake_in_a_stage_is_told_with_its_place(change: tuple[str, str], message: str) -> None:
    """Unknown gates, repeated stages, a rework stage that there is not: refused, with line and column (issue 4)."""
    assert problems(THREE.replace(*change, 1))[0].startswith(f".orch-gates.yaml:{message}")


@pytest.mark.parametrize("stages", ["[]", "{}", "development", "null", "[1, development]"])
def test_a_list_of_stages_is_one(stages: str) -> None:
    """An empty pipeline would finish every task at once."""
    assert problems(f"stages: {stages}\n")[0].startswith(".orch-gates.yaml:1:")


def test_a_gate_never_sends_a_task_forward() -> None:
    """A rollback to a later stage would go past the gates in between."""
    early = (
        "stages:\n  - {name: a, role: x, gates: [tests-passed]}\n  - {name: b, role: x, gates: [security]}\nrework: b\n"
    )
    (output,) = problems(early)
    assert output.startswith(
        ".orch-gates.yaml:2:32: stages[0].gates[0]: gate tests-passed sends tasks back to 'b', which"
    )
    staying = early.replace("[tests-passed]", "[{name: tests-passed, on_fail: stay, on_absent: stay}]")
    assert read(staying).declared is not None
    assert problems("rework: deploy\n")[0].startswith(".orch-gates.yaml:1:9: rework: gate review-approved sends")


names = st.sampled_from(["development", "review", "done", "a", "b", "B", ""])
reactions = st.sampled_from(["stay", "rollback", "Stay"])
gates = st.one_of(
    st.sampled_from([*known_gates(), "nope"]),
    st.fixed_dictionaries(
        {"name": st.sampled_from(sorted(known_gates()))}, optional={"on_fail": reactions, "on_absent": reactions}
    ),
    st.just({"on_fail": "stay"}),
)
stages = st.fixed_dictionaries(
    {"name": names, "role": names},
    optional={"human": st.booleans() | st.just("no"), "gates": st.lists(gates, max_size=2)},
)
roles = st.fixed_dictionaries(
    {
        "dispatch": st.fixed_dictionaries(
            {},
            optional={
                "command": st.sampled_from(["./work", " ", "", 7]),
                "workflow": st.sampled_from(["work.yml", "work.sh", "a/work.yaml"]),
                "ref": st.sampled_from(["main", "release/1.x", "-x", "a..b", ""]),
            },
        )
    },
    optional={"max_concurrency": st.sampled_from([0, 1, 1000, 1001, True, "2"])},
)
numbers = st.sampled_from([0, 1, 30, 900, 100_000, True, "30", "0.05", "1", "2.5", "x", -1])
URLS = st.sampled_from(["https://a.example/", "http://127.0.0.1:1/x?y", "ftp://a", "a", "http:// a", 7])
probes = st.fixed_dictionaries(
    {"url": URLS},
    optional={
        "status": st.sampled_from([200, 99, 600, [200, 301], [], ["200"], "200"]),
        "body": st.sampled_from(["Welcome", "", 7]),
        "latency_s": numbers,
        "timeout_s": numbers,
        "follow": st.sampled_from([True, False, "yes"]),
        "more": st.just(1),
    },
)
counts = st.sampled_from(["requests_total", "", 7])
sources = st.fixed_dictionaries(
    {"kind": st.sampled_from(["access-log", "metrics", "other"])},
    optional={
        "path": st.sampled_from(["/var/log/a", "a", 7]),
        "url": URLS,
        "total": counts,
        "errors": counts,
        "name": st.sampled_from(["a", "b", " ", 7]),
    },
)
environments = st.fixed_dictionaries(
    {},
    optional={
        "url": URLS,
        "deploy_timeout_s": numbers,
        "rollback": st.sampled_from(["./roll-back", " ", 7]),
        "watch": st.fixed_dictionaries(
            {"probes": st.lists(probes, min_size=1, max_size=2)},
            optional={
                "window_s": numbers,
                "every_s": numbers,
                "failures": numbers,
                "min_requests": numbers,
                "max_ratio": st.sampled_from(["0.05", "1", "1.0", "0", "5%", "2.5"]),
                "sources": st.lists(sources, max_size=2),
                "control": URLS,
            },
        ),
    },
)
junk = st.sampled_from([None, True, 0, 1, -1, "", "x", " x", "a,b", [], ["x"], ["a,b"], {}, {"name": "development"}])


def section_strategy(section: str) -> st.SearchStrategy[Any]:
    inside = {key.partition(".")[2]: setting for key, setting in BY_KEY.items() if key.startswith(f"{section}.")}
    return st.fixed_dictionaries({}, optional={name: values(setting) | junk for name, setting in inside.items()})


documents = st.fixed_dictionaries(
    {},
    optional={
        "target": values(BY_KEY["target"]) | junk,
        "rework": names | junk,
        "stages": st.lists(stages, max_size=3) | junk,
        "unknown": junk,
        "roles": st.dictionaries(names, roles | junk, max_size=2) | junk,
        "environments": st.dictionaries(names, environments | junk, max_size=1) | junk,
        "security": section_strategy("security") | junk,
        "limits": section_strategy("limits") | junk,
    },
)


def valid(value: Any, rule: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    """Whether a value fits the part of JSON Schema that ours uses."""
    types = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": int}
    number = isinstance(value, int) and not isinstance(value, bool)
    checks: dict[str, Callable[[Any], bool]] = {
        "$ref": lambda ref: valid(value, root["$defs"][ref.rpartition("/")[2]], root),
        "type": lambda name: number if name in {"integer", "number"} else isinstance(value, types[name]),
        "enum": lambda words: isinstance(value, str) and value in words,
        "not": lambda inner: value != inner["const"],
        "anyOf": lambda rules: any(valid(value, inner, root) for inner in rules),
        "pattern": lambda text: not isinstance(value, str) or re.search(text.replace("$", r"\Z"), value) is not None,
        "minimum": lambda least: not number or value >= least,
        "maximum": lambda most: not number or value <= most,
        "exclusiveMinimum": lambda least: not number or value > least,
        "maxItems": lambda most: not isinstance(value, list) or len(value) <= most,
        "minItems": lambda least: not isinstance(value, list) or len(value) >= least,
        "items": lambda inner: not isinstance(value, list) or all(valid(item, inner, root) for item in value),
        "required": lambda keys: not isinstance(value, dict) or set(keys) <= value.keys(),
        "properties": lambda known: (
            not isinstance(value, dict)
            or all(valid(item, known[key], root) for key, item in value.items() if key in known)
        ),
        "propertyNames": lambda inner: not isinstance(value, dict) or all(valid(key, inner, root) for key in value),
        "additionalProperties": lambda inner: (
            not isinstance(value, dict)
            or all(inner and valid(item, inner, root) for key, item in value.items() if key not in known_of(rule))
        ),
    }
    words = rule.keys() - {"$schema", "$id", "title", "description", "default", "$defs"}
    return all(checks[word](rule[word]) for word in words)


def known_of(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    known: Mapping[str, Any] = rule.get("properties", {})
    return known


REFERENCES = re.compile(
    r"already|there is another stage|no stage is named|unknown stage|which comes later|more than can be recorded"
    r"|the same URL|reserved for the counts of the probes"
)


@given(document=documents)
def test_the_schema_and_the_reader_agree(document: dict[str, Any]) -> None:
    """An editor with the JSON Schema flags what we refuse, but for names that refer to other names."""
    rules = schema.schema()
    try:
        read(yaml_write.dump(document)) if document else None
        refused: tuple[str, ...] = ()
    except ConfigError as error:
        refused = error.problems
    if valid(document, rules, rules):
        assert all(REFERENCES.search(problem) for problem in refused), refused
    else:
        assert refused


ROLES = """
roles:
  developer:
    dispatch: {workflow: develop.yml, ref: main}
    max_concurrency: 2
  tester:
    dispatch:
      command: ./scripts/test-and-report
"""


def test_roles_say_how_their_work_is_started() -> None:
    """JOB-1: by a workflow on a branch, or by a command; how many at once is each role's own."""
    assert read(ROLES).roles == {
        "developer": Role("developer", Way.WORKFLOW, workflow="develop.yml", ref="main", most=2),
        "tester": Role("tester", Way.COMMAND, command="./scripts/test-and-report"),
    }
    rules = schema.schema()
    assert valid(yaml_read.parse(ROLES), rules, rules)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("roles: []", "roles: a list is not a mapping of roles"),
        ("roles: {A: {dispatch: {command: x}}}", "roles.A: 'A' must be 1 to 40 small letters"),
        ("roles: {a: x}", "roles.a: 'x' is not a mapping with dispatch"),
        ("roles: {a: {}}", "roles.a: a role needs a way to start its work"),
        ("roles: {a: {dispatch: x}}", "roles.a.dispatch: 'x' is not a mapping"),
        ("roles: {a: {dispatch: {}}}", "roles.a.dispatch: needs one of: command, workflow"),
        ("roles: {a: {dispatch: {command: x, workflow: w.yml}}}", "roles.a.dispatch: needs one of"),
        ("roles: {a: {dispatch: {command: x, ref: main}}}", "roles.a.dispatch.ref: is only for a workflow"),
        ("roles: {a: {dispatch: {command: 7}}}", "roles.a.dispatch.command: 7 is not a command for sh"),
        ("roles: {a: {dispatch: {workflow: ../w.yml}}}", "roles.a.dispatch.workflow: '../w.yml' is not the file name"),
        ("roles: {a: {dispatch: {workflow: w.yml, ref: refs/heads/..}}}", "roles.a.dispatch.ref: "),
        (
            "roles: {a: {dispatch: {command: x}, max_concurrency: 0}}",
            "roles.a.max_concurrency: 0 is not a whole number",
        ),
        ("roles: {a: {dispatch: {command: x}, max_concurrency: true}}", "roles.a.max_concurrency: true is not a whole"),
        ("roles: {a: {dispatch: {command: x}, most: 1}}", "roles.a: unknown key 'most'"),
        ("roles: {a: {dispatch: {command: x, job: y}}}", "roles.a.dispatch: unknown key 'job'"),
    ],
)
def test_a_mistake_in_a_role_is_told_with_its_place(text: str, message: str) -> None:
    """A role that cannot be started is no role that nobody starts."""
    assert message in problems(text)[0]


# --- what is published ---------------------------------------------------------------------------


def test_the_published_schema_is_the_one_in_the_code() -> None:
    """`python -m scripts.config_reference` renews it."""
    assert config_reference.SCHEMA.read_text("utf-8") == schema.text()
    assert json.loads(schema.text())["$schema"].endswith("2020-12/schema")


def test_the_reference_is_generated_from_the_code() -> None:
    """`python -m scripts.config_reference` renews it."""
    text = config_reference.PAGE.read_text("utf-8")
    assert config_reference.page(text) == text


def test_the_examples_of_the_reference_are_valid() -> None:
    """What a person copies works."""
    blocks = re.findall(
        r"^```yaml\n(# \.orch-gates\.yaml\n.*?)^```$", config_reference.PAGE.read_text("utf-8"), re.S | re.M
    )
    assert blocks
    for block in blocks:
        assert read(block).given


def test_every_setting_has_one_place_and_a_sentence() -> None:
    """Variables and keys are unique, choices start with the default, help ends like a sentence."""
    assert len({setting.variable for setting in SETTINGS}) == len(SETTINGS)
    keys = [setting.key for setting in SETTINGS if setting.key is not None]
    assert len(set(keys)) == len(keys)
    assert all(key.count(".") <= 1 for key in keys)
    assert all(setting.help.endswith(".") for setting in SETTINGS)
    assert all(setting.default in setting.choices for setting in SETTINGS if setting.kind is ValueKind.CHOICE)
    assert not any(setting.key for setting in SETTINGS if setting.secret)


def test_secrets_are_not_listed() -> None:
    """`config show` says that a key is set, never which (SEC-5)."""
    listed = listing(settings_module.load({"ORCH_ALLOW_KEY": "hunter2hunter2hunter2"}), Config())
    (row,) = [row for row in listed.rows if row.setting.variable == "ORCH_ALLOW_KEY"]
    assert (row.value, origin_text(row.origin)) == ("(set)", "environment variable ORCH_ALLOW_KEY")
    assert "hunter2" not in repr(row.value)


def test_the_limits_by_default_are_those_of_the_engine() -> None:
    """One default, not two."""
    assert effective(Config(), settings_module.load({})) == DEFAULT
