"""policies.toml: what is loaded, and how all that is wrong with it is told at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from policies.audit import Audit
from policies.chain import Entry
from policies.loading import DEFAULT, PolicyConfigError, announcements, load, unmatched_globs
from policies.naming import short_name
from policies.policy import Policy
from policies.testing import build, services

CANARY = "canary-91ab"
OURS = {"greet": f"{__name__}:Greet", "block": f"{__name__}:Block"}

MODULE = """
import abc
from typing import Literal
from pydantic import field_validator
from policies.finding import UnknownNameError
from policies.policy import Policy, PolicyConfig

class BlockWords(Policy):
    class Config(PolicyConfig):
        words: list[str]
        limit: int = 5
        kind: Literal["soft", "hard"] = "soft"

        @field_validator("words")
        @classmethod
        def short(cls, value):
            if any(len(word) > 20 for word in value):
                raise ValueError(f"too long: {value}")
            return value

class Abstract(Policy, abc.ABC):
    @abc.abstractmethod
    def missing(self): ...

class Refuses(Policy):
    def __init__(self, config, services):
        raise RuntimeError("canary-91ab")

class OddConfig(Policy):
    Config = dict

class Kinds(Policy):
    class Config(PolicyConfig):
        kinds: list[str]

        @field_validator("kinds")
        @classmethod
        def known(cls, value):
            if set(value) - {"mail", "phone"}:
                raise UnknownNameError("kind", value, ["mail", "phone"])
            return value

class Misspelt(Policy):
    on_failure_of = 5
    def on_cal(self, call): ...
    def onCall(self, call): ...
    def on_results(self, call, result): ...
    async def on_zzz(self): ...

class Misfits(Policy):
    on_tool = None
    def on_call(self): ...
    async def on_result(self, result): ...
    @staticmethod
    def on_done(self, exchange): ...
    async def open(self, services): ...

class Fits(Policy):
    @staticmethod
    def on_tool(tool, caller): ...
    @classmethod
    def on_call(cls, *args): ...
    async def on_result(self, call, result, *, more=1): ...
    def on_done(self, exchange, more=1): ...

NOT_A_POLICY = dict
"""


class Greet(Policy):
    pass


class Block(Policy):
    pass


class OwnAudit(Audit):
    pass


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    path, modules = list(sys.path), set(sys.modules)
    (tmp_path / "mine_for_tests.py").write_text(MODULE)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith(("mine_for_tests", "breaks_for_tests", "needs_for_tests", "exits_for_tests")):
            del sys.modules[name]


def loaded(folder: Path, text: str) -> list[Entry]:
    path = folder / "policies.toml"
    path.write_text(text)
    return load(path, services(), builtins=OURS)


def findings(folder: Path, text: str) -> list[str]:
    with pytest.raises(PolicyConfigError) as raised:
        loaded(folder, text)
    source = f"{folder / 'policies.toml'}: "
    assert all(finding.startswith(source) for finding in raised.value.findings)
    assert str(raised.value) == "\n".join(raised.value.findings)
    return [finding.removeprefix(source) for finding in raised.value.findings]


def test_entries_come_in_order_with_their_settings(folder: Path) -> None:
    entries = loaded(
        folder,
        """
        [[policy]]
        use = "greet"

        [[policy]]
        use = "mine_for_tests:BlockWords"
        mode = "shadow"
        tools = ["crm_*", "web_?"]
        on_failure = "open"
        timeout_ms = 250
        config = { words = ["a"] }

        [[policy]]
        use = "greet"
        mode = "off"

        [[policy]]
        use = "block"
        name = "greet_3"

        [[policy]]
        use = "greet"
        """,
    )
    assert [entry.name for entry in entries] == ["greet", "block_words", "greet_2", "greet_3", "greet_4"]
    assert [type(entry.policy).__name__ for entry in entries] == ["Greet", "BlockWords", "Greet", "Block", "Greet"]
    second = entries[1]
    assert (second.mode, second.tools, second.on_failure, second.timeout_ms) == (
        "shadow",
        ("crm_*", "web_?"),
        "open",
        250,
    )
    assert second.policy.config.model_dump() == {"words": ["a"], "limit": 5, "kind": "soft"}
    first = entries[0]
    assert (first.mode, first.tools, first.on_failure, first.timeout_ms) == ("enforce", ("*",), "closed", 1000.0)


def test_an_empty_file_is_an_empty_chain(folder: Path) -> None:
    assert loaded(folder, "") == []


def test_without_a_file_the_default_chain_runs() -> None:
    ours = dict.fromkeys(DEFAULT, f"{__name__}:Greet")
    assert [entry.name for entry in load(None, services(), builtins=ours)] == ["sanitize", "redact", "secrets", "audit"]


def test_the_built_in_default_chain_can_be_loaded() -> None:
    assert [entry.name for entry in load(None, services())] == list(DEFAULT)


def test_an_entry_point_can_be_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = folder / "site"
    (installed / "given-1.0.dist-info").mkdir(parents=True)
    (installed / "given-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: given\nVersion: 1.0\n")
    (installed / "given-1.0.dist-info" / "entry_points.txt").write_text(
        "[mcp_policy_proxy.policies]\nfrom_afar = mine_for_tests:BlockWords\n"
    )
    monkeypatch.syspath_prepend(str(installed))
    entries = loaded(folder, '[[policy]]\nuse = "from_afar"\nconfig = { words = [] }')
    assert [(entry.name, type(entry.policy).__name__) for entry in entries] == [("from_afar", "BlockWords")]


def test_nothing_that_is_merely_installed_is_active(folder: Path) -> None:
    assert [entry.name for entry in loaded(folder, '[[policy]]\nuse = "greet"')] == ["greet"]


def test_a_folder_of_theirs_shadows_nothing_of_ours(folder: Path) -> None:
    (folder / "policies").mkdir()
    (folder / "policies" / "__init__.py").write_text("raise RuntimeError")
    (folder / "json.py").write_text("raise RuntimeError")
    loaded(folder, '[[policy]]\nuse = "mine_for_tests:BlockWords"\nconfig = { words = [] }')
    loaded(folder, '[[policy]]\nuse = "mine_for_tests:BlockWords"\nconfig = { words = [] }')
    assert sys.path[-1] == str(folder)
    assert sys.path.count(str(folder)) == 1


TABLES = [
    ('polcy = 1\n[[policy]]\nuse = "greet"', ["unknown key 'polcy': did you mean 'policy'?"]),
    ('[policy]\nuse = "greet"', ["policy must be a list of tables, each headed [[policy]]"]),
    ('[[policy]]\nuse = "greet"\nmdoe = "off"', ["[[policy]] 1 (greet): unknown key 'mdoe': did you mean 'mode'?"]),
    (
        '[[policy]]\nuse = "greet"\nzzz = 1',
        ["[[policy]] 1 (greet): unknown key 'zzz': valid are config, mode, name, on_failure, timeout_ms, tools, use"],
    ),
    ("[[policy]]", ["[[policy]] 1 (?): use: must be given: a policy's name, or 'module:Class'"]),
    (
        '[[policy]]\nuse = "gret"',
        ["[[policy]] 1 (gret): use: unknown policy 'gret': did you mean 'greet'? (your own class is 'module:Class')"],
    ),
    (
        '[[policy]]\nuse = "greet"\nmode = "on"\non_failure = "ajar"',
        [
            "[[policy]] 1 (greet): mode: must be one of enforce, shadow, off",
            "[[policy]] 1 (greet): on_failure: must be one of closed, open",
        ],
    ),
    ('[[policy]]\nuse = "greet"\nmode = ["off"]', ["[[policy]] 1 (greet): mode: must be one of enforce, shadow, off"]),
    *[
        (
            f'[[policy]]\nuse = "greet"\ntools = {value}',
            ["[[policy]] 1 (greet): tools: must be a list of at least one glob on tool names"],
        )
        for value in ('"crm_*"', "[]", "[1]", '[""]')
    ],
    *[
        (
            f'[[policy]]\nuse = "greet"\ntimeout_ms = {value}',
            ["[[policy]] 1 (greet): timeout_ms: must be a number from 1 to 600000"],
        )
        for value in ("0", "-1", "true", '"5"', "nan", "inf", "600001")
    ],
    ('[[policy]]\nuse = "greet"\nconfig = 5', ["[[policy]] 1 (greet): config: must be a table"]),
    (
        '[[policy]]\nuse = "greet"\nname = ""',
        ["[[policy]] 1 (): name: must be 1 to 64 letters, digits, '_', '.' or '-'"],
    ),
    (
        '[[policy]]\nuse = "greet"\nname = "a"\n[[policy]]\nuse = "block"\nname = "a"',
        ["name: 'a' is given to more than one policy"],
    ),
    (
        '[[policy]]\nuse = "greet"\nconfig = { any = "canary-91ab" }',
        ["[[policy]] 1 (greet): config.any: unknown key 'any': valid are none"],
    ),
    (
        '[[policy]]\nuse = "nowhere_for_tests:X"',
        ["[[policy]] 1 (x): use: there is no module 'nowhere_for_tests': it is neither in FOLDER nor installed"],
    ),
    (
        '[[policy]]\nuse = "mine_for_tests:BlokWords"\nconfig = { words = [] }',
        [
            (
                "[[policy]] 1 (blok_words): use: module 'mine_for_tests': "
                "unknown class 'BlokWords': did you mean 'BlockWords'?"
            )
        ],
    ),
    (
        '[[policy]]\nuse = "mine_for_tests:NOT_A_POLICY"',
        ["[[policy]] 1 (not_a_policy): use: 'mine_for_tests:NOT_A_POLICY' is not a subclass of policies.policy.Policy"],
    ),
    (
        '[[policy]]\nuse = "mine_for_tests:Policy"',
        ["[[policy]] 1 (policy): use: 'mine_for_tests:Policy' is not a subclass of policies.policy.Policy"],
    ),
    (
        '[[policy]]\nuse = "mine_for_tests:Abstract"',
        [
            (
                "[[policy]] 1 (abstract): use: 'mine_for_tests:Abstract' is abstract: "
                "it has methods that must be implemented"
            )
        ],
    ),
    (
        '[[policy]]\nuse = "mine_for_tests:OddConfig"',
        [
            (
                "[[policy]] 1 (odd_config): use: Config of 'mine_for_tests:OddConfig' "
                "is not a subclass of policies.policy.PolicyConfig"
            )
        ],
    ),
    (
        '[[policy]]\nuse = "mine_for_tests:Refuses"',
        ["[[policy]] 1 (refuses): Refuses cannot be built: RuntimeError at mine_for_tests.py:27"],
    ),
    *[
        (f'[[policy]]\nuse = "{use}"', [f"[[policy]] 1 (x): use: {use!r} is not 'module:Class'"])
        for use in (":X", ".mine_for_tests:X", "mine for tests:X")
    ],
    (
        (
            '[[policy]]\nuse = "mine_for_tests:BlockWords"\n'
            'config = { wrods = ["a"], limit = "canary-91ab", kind = "canary-91ab" }'
        ),
        [
            "[[policy]] 1 (block_words): config.words: Field required",
            (
                "[[policy]] 1 (block_words): config.limit: "
                "Input should be a valid integer, unable to parse string as an integer"
            ),
            "[[policy]] 1 (block_words): config.kind: Input should be 'soft' or 'hard'",
            "[[policy]] 1 (block_words): config.wrods: unknown key 'wrods': did you mean 'words'?",
        ],
    ),
    (
        '[[policy]]\nuse = "mine_for_tests:BlockWords"\nconfig = { words = [], kind = "hardd" }',
        ["[[policy]] 1 (block_words): config.kind: Input should be 'soft' or 'hard'; did you mean 'hard'?"],
    ),
    (
        '[[policy]]\nuse = "mine_for_tests:Kinds"\nconfig = { kinds = ["mail", "canary-91ab", "phones"] }',
        [
            (
                "[[policy]] 1 (kinds): config.kinds: "
                "kind 2 is unknown: valid are mail, phone; kind 3 is unknown: did you mean 'phone'?"
            )
        ],
    ),
    (
        '[[policy]]\nuse = "mine_for_tests:Misspelt"\nconfig = { any = 1 }',
        [
            "[[policy]] 1 (misspelt): use: Misspelt.onCall overrides no hook; did you mean on_call?",
            "[[policy]] 1 (misspelt): use: Misspelt.on_cal overrides no hook; did you mean on_call?",
            "[[policy]] 1 (misspelt): use: Misspelt.on_results overrides no hook; did you mean on_result?",
            (
                "[[policy]] 1 (misspelt): use: Misspelt.on_zzz overrides no hook; "
                "the hooks are on_tool, on_call, on_result, on_done"
            ),
            "[[policy]] 1 (misspelt): config.any: unknown key 'any': valid are none",
        ],
    ),
    (
        '[[policy]]\nuse = "mine_for_tests:Misfits"',
        [
            "[[policy]] 1 (misfits): use: Misfits.on_tool is not a method",
            "[[policy]] 1 (misfits): use: Misfits.on_call must take (self, call)",
            "[[policy]] 1 (misfits): use: Misfits.on_result must take (self, call, result)",
            "[[policy]] 1 (misfits): use: Misfits.on_done must take (self, exchange)",
            "[[policy]] 1 (misfits): use: Misfits.open must take (self)",
        ],
    ),
    *[
        (
            f'[[policy]]\nuse = "{use}"',
            [f"[[policy]] 1 ({name}): use: {use!r} is not 'module:Class'; did you mean {meant!r}?"],
        )
        for use, name, meant in (
            ("oh.OfficeHours", "office_hours", "oh:OfficeHours"),
            ("a.b.OfficeHours", "office_hours", "a.b:OfficeHours"),
            ("oh.py:OfficeHours", "office_hours", "oh:OfficeHours"),
            ("../mine/oh.py:OfficeHours", "office_hours", "oh:OfficeHours"),
            ("oh.py", "py", "oh:Class"),
        )
    ],
    (
        '[[policy]]\nuse = "mine_for_tests:BlockWords"\nconfig = { words = ["canary-91ab, and longer still"] }',
        ["[[policy]] 1 (block_words): config.words: value_error"],
    ),
    (
        'x = 1\n[[policy]]\nuse = "gret"\nmdoe = 1\n[[policy]]\nuse = "mine_for_tests:BlockWords"',
        [
            "unknown key 'x': valid are policy",
            "[[policy]] 1 (gret): unknown key 'mdoe': did you mean 'mode'?",
            "[[policy]] 1 (gret): use: unknown policy 'gret': did you mean 'greet'? (your own class is 'module:Class')",
            "[[policy]] 2 (block_words): config.words: Field required",
        ],
    ),
]


@pytest.mark.parametrize(("text", "expected"), TABLES)
def test_all_that_is_wrong_is_told_at_once_without_values(folder: Path, text: str, expected: list[str]) -> None:
    found = findings(folder, text)
    assert found == [finding.replace("FOLDER", str(folder)) for finding in expected]
    assert not any(CANARY in finding for finding in found)


IMPORTS = [
    (
        "breaks_for_tests",
        f"raise ValueError({CANARY!r})",
        "importing 'breaks_for_tests' raised ValueError at breaks_for_tests.py:1",
    ),
    (
        "breaks_for_tests_too",
        "X = 1\ndef broken(:",
        "importing 'breaks_for_tests_too' raised SyntaxError at breaks_for_tests_too.py:2",
    ),
    (
        "breaks_for_tests_deep",
        f"import json\njson.loads({CANARY!r})",
        "importing 'breaks_for_tests_deep' raised JSONDecodeError at breaks_for_tests_deep.py:2",
    ),
    (
        "exits_for_tests",
        "raise SystemExit(3)",
        "importing 'exits_for_tests' raised SystemExit at exits_for_tests.py:1",
    ),
    (
        "needs_for_tests",
        "import absent_for_tests",
        "module 'needs_for_tests' imports 'absent_for_tests', which is not installed (needs_for_tests.py:1)",
    ),
]


@pytest.mark.parametrize(("module", "source", "expected"), IMPORTS)
def test_a_module_that_cannot_be_imported_is_a_finding(folder: Path, module: str, source: str, expected: str) -> None:
    (folder / f"{module}.py").write_text(source)
    assert findings(folder, f'[[policy]]\nuse = "{module}:X"') == [f"[[policy]] 1 (x): use: {expected}"]


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    absent, folder, binary, broken = (tmp_path / name for name in ("absent.toml", "folder", "binary.toml", "broken"))
    folder.mkdir()
    binary.write_bytes(b"\xff\xfe")
    broken.write_text("[[policy]\n")
    for path, words in [
        (absent, "there is no such file"),
        (folder, "cannot be read"),
        (binary, "not UTF-8"),
        (broken, "not valid TOML"),
    ]:
        with pytest.raises(PolicyConfigError, match=words) as raised:
            load(path, services())
        assert raised.value.findings[0].startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("use", "name"),
    [
        ("redact", "redact"),
        ("mine:BlockWords", "block_words"),
        ("a.b:PIIFilter", "pii_filter"),
        ("a:S3Audit", "s3_audit"),
        ("a:Outer.Inner", "inner"),
    ],
)
def test_a_name_is_derived_from_use(use: str, name: str) -> None:
    assert short_name(use) == name


def test_what_an_operator_should_know_is_announced() -> None:
    defaults = load(None, services())
    entries = [
        *defaults,
        Entry(name="quiet", policy=build(Greet)),
        Entry(name="lenient", policy=build(Greet), on_failure="open"),
        Entry(name="watching", policy=build(Greet), mode="shadow"),
        Entry(name="resting", policy=build(Greet), mode="off", on_failure="open"),
    ]
    assert announcements(entries) == [
        "policy lenient fails open: when it breaks, calls and results pass it",
        "policy watching is in shadow mode: it changes and denies nothing",
        "policy resting is off",
    ]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["sanitize", "redact", "secrets", "audit"], []),
        (["audit", "redact", "secrets"], ["sanitize is not in the chain: a policy file replaces the default chain"]),
        (["sanitize"], ["redact, secrets and audit are not in the chain: a policy file replaces the default chain"]),
        ([], ["sanitize, redact, secrets and audit are not in the chain: a policy file replaces the default chain"]),
    ],
)
def test_what_is_missing_of_the_default_chain_is_announced(names: list[str], said: list[str]) -> None:
    entries = [entry for entry in load(None, services()) if entry.name in names]
    assert announcements([*entries, Entry(name="more", policy=build(Greet))]) == said


@pytest.mark.parametrize(
    ("entities", "said"),
    [
        ('["EMAIL_ADDRES"]', "entity 1 is unknown: did you mean 'EMAIL_ADDRESS'?"),
        ('["US_SSN", "phone_number"]', "entity 2 is unknown: did you mean 'PHONE_NUMBER'?"),
        ('["canary-91ab"]', "entity 1 is unknown: valid are "),
        ("[]", "Value error, none is named; valid are "),
    ],
)
def test_an_entity_that_redact_does_not_know_is_answered_with_those_it_does(
    folder: Path, entities: str, said: str
) -> None:
    path = folder / "policies.toml"
    path.write_text(f'[[policy]]\nuse = "redact"\nconfig = {{ entities = {entities} }}')
    with pytest.raises(PolicyConfigError) as raised:
        load(path, services())
    (found,) = raised.value.findings
    assert f"config.entities: {said}" in found
    assert CANARY not in found


def test_a_refinement_of_a_built_in_policy_stands_for_it() -> None:
    entries = [entry for entry in load(None, services()) if entry.name != "audit"]
    assert announcements([*entries, Entry(name="mine", policy=build(OwnAudit))]) == []


def test_hooks_with_parameters_that_fit_are_taken(folder: Path) -> None:
    assert [entry.name for entry in loaded(folder, '[[policy]]\nuse = "mine_for_tests:Fits"')] == ["fits"]


@pytest.mark.parametrize(
    ("name", "where"), [("email", "email/__init__.py"), ("sys", "Python itself"), ("proxy", "proxy/__init__.py")]
)
def test_a_file_that_python_finds_another_module_for_is_to_be_renamed(folder: Path, name: str, where: str) -> None:
    (folder / f"{name}.py").write_text("class X: ...")
    (found,) = findings(folder, f'[[policy]]\nuse = "{name}:X"')
    assert where in found
    assert found.endswith(f"not from {folder / name}.py: rename yours")


def test_a_class_that_cannot_be_built_for_want_of_a_secret_names_the_reference(folder: Path) -> None:
    (folder / "mine_for_tests_secret.py").write_text(
        "import asyncio\nfrom policies.policy import Policy, SecretError\nclass X(Policy):\n"
        "    def __init__(self, config, services):\n        raise SecretError('env:NOPE: is not there')\n"
    )
    assert findings(folder, '[[policy]]\nuse = "mine_for_tests_secret:X"') == [
        "[[policy]] 1 (x): X cannot be built: env:NOPE: is not there (mine_for_tests_secret.py:5)"
    ]


def test_globs_that_match_no_tool_are_found() -> None:
    entries = [
        Entry(name="all", policy=build(Greet)),
        Entry(name="some", policy=build(Greet), tools=("crm_*", "CRM_*", "web_search")),
    ]
    assert unmatched_globs(entries, iter(["crm_read", "mail"])) == [("some", "CRM_*"), ("some", "web_search")]


def test_a_tokenize_that_comes_too_late_is_announced(tmp_path: Path) -> None:
    path = tmp_path / "policies.toml"
    tokenize = (
        '[[policy]]\nuse = "tokenize"\nconfig = { keys = "file:ring", scope = "global", flows = [{ to = "*" }] }\n'
    )
    path.write_text(f'{tokenize}[[policy]]\nuse = "redact"\n')
    assert any(
        "tokenize makes no token of what redact takes first" in note for note in announcements(load(path, services()))
    )
    path.write_text(f'[[policy]]\nuse = "redact"\n{tokenize}')
    assert not any("takes first" in note for note in announcements(load(path, services())))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('use = "redact"\nconfig = { action = "hash" }', "the action hash needs hash_key"),
        ('use = "redact"\nconfig = { action = "tokenize" }', "the action tokenize needs a table tokens"),
        ('use = "tokenize"\nconfig = { keys = "file:a", scope = "tenant" }', "needs claim"),
        ('use = "redact"\n[policy.config.presidio]\nrecognisers = []', "did you mean 'recognizers'?"),
        ('use = "tokenize"\nconfig = { keys = "file:a", flows = [{ too = "x" }] }', "did you mean 'to'?"),
        (
            'use = "tokenize"\nconfig = { keys = "file:a", flows = [{ to = "x", entities = "EMAIL_ADRESS" }] }',
            "EMAIL_ADDRESS",
        ),
        ('use = "secrets"\nconfig = { exempt = [{ reason = "all" }] }', "names tools, paths or kinds"),
    ],
)
def test_what_is_wrong_within_a_config_is_said_in_words(tmp_path: Path, config: str, said: str) -> None:
    path = tmp_path / "policies.toml"
    path.write_text(f"[[policy]]\n{config}\n")
    with pytest.raises(PolicyConfigError) as raised:
        load(path, services())
    assert said in str(raised.value)
