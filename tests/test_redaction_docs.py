"""docs/redaction.md does what it says: its examples run, its tables are those of the code.

`python -m tests.test_redaction_docs` writes the tables of rules and of kinds anew.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, get_args

import pytest

from policies.detect.catalog import KEYS, RULES
from policies.detect.entities import ENTITIES, LOCALES, OPTIONAL
from policies.detect.finding import Why
from policies.lent import LentServices
from policies.line import Entry
from policies.loading import load
from policies.model import Caller, Result
from policies.naming import BUILTINS, policy_class
from policies.presidio.config import PresidioConfig
from policies.redact import Redact
from policies.secrets.kinds import KINDS
from policies.testing import Ran, build, call, result, run, services, thawed, tool
from policies.tokens import errors
from proxy.key_rings import parsed

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "redaction.md"
TEXT: Final = PAGE.read_text(encoding="utf-8")
BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
KEY: Final = b"k" * 64
ALICE: Final = Caller(subject="alice", issuer="https://id.example.com")
BOB: Final = Caller(subject="bob", issuer="https://id.example.com")


def section(title: str) -> str:
    """What stands under a heading."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def blocks(text: str, kind: str) -> list[str]:
    return [body for found, body in BLOCK.findall(text) if found == kind]


def rows(text: str, head: str) -> list[list[str]]:
    """The cells of the table whose first column is headed so."""
    table = re.search(rf"^\| {re.escape(head)} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert table, head
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[1].splitlines()]


def code(cell: str) -> str:
    found = re.match(r"`([^`]+)`", cell)
    assert found, cell
    return found[1]


def lent() -> LentServices:
    return services(
        secrets={"file:/run/secrets/hash-key": "a key of more than 16 characters"},
        keys={"file:/run/secrets/token-keys": [KEY]},
    )


def chain(folder: Path, text: str) -> list[Entry]:
    """The chain of a policy file, beside which the files of the page stand."""
    for kind in ("toml", "yaml"):
        for block in blocks(TEXT, kind):
            if named := re.match(r"# ([\w.]+)\n", block):
                (folder / named[1]).write_text(block)
    file = folder / "policies.toml"
    file.write_text(text)
    return load(file, lent())


def structured(ran: Ran) -> Any:
    assert ran.denied is None, ran.denied
    assert ran.result is not None
    return thawed(ran.result.structured)


def given(value: Any) -> Result:
    return result(json.dumps(value), structured=value)


def test_the_first_result_comes_out_as_the_page_shows() -> None:
    before, after = map(json.loads, blocks(section("What happens to one result"), "json"))
    ran = run(load(None, services()), call("crm_lookup"), given(before))
    assert structured(ran) == after
    assert json.loads(ran.text) == after


def test_what_is_looked_into_comes_out_as_the_page_shows() -> None:
    before, after = map(json.loads, blocks(section("Where it looks"), "json"))
    found = structured(run(load(None, services()), call("crm_lookup"), result(structured=before)))
    assert found == after


@pytest.mark.parametrize("row", rows(section("What stands in its place"), "action"), ids=lambda row: row[0])
def test_an_action_does_what_its_row_shows(row: Sequence[str]) -> None:
    action, before, after = row
    tokens = {"tokens": {"keys": "file:/run/secrets/token-keys", "scope": "global"}} if "tokenize" in action else {}
    policy = build(Redact, lent(), action=code(action), hash_key="file:/run/secrets/hash-key", **tokens)
    ran = run(policy, call("crm_lookup"), result(structured=json.loads(code(before))))
    if after.startswith("denied with "):
        assert ran.denied is not None
        assert ran.denied.reason == code(after.removeprefix("denied with "))
    else:
        shown = "[a-z0-9]{16,}".join(map(re.escape, json.dumps(json.loads(code(after)), ensure_ascii=False).split("…")))
        assert re.fullmatch(shown, json.dumps(structured(ran)))


@pytest.mark.parametrize("row", rows(section("Results stay valid"), "schema of the property"), ids=lambda row: row[0])
def test_a_schema_gets_what_its_row_shows(row: Sequence[str]) -> None:
    schema, value, after = row
    name = "phone" if "under `phone`" in schema else "ssn" if "{3}" in schema else "email"
    own = json.loads(code(schema)) if schema.startswith("`") else {"type": "string", "pattern": "^[a-z]+@example"}
    whole = {"type": "object", "properties": {name: own}, "required": [] if schema.startswith("optional") else [name]}
    asked = call("crm_lookup", tool=tool("crm_lookup", output_schema=whole))
    ran = run(build(Redact), asked, given({name: json.loads(code(value))}))
    if after.startswith("denied with "):
        assert ran.denied is not None
        assert ran.denied.reason == code(after.removeprefix("denied with "))
    else:
        assert structured(ran) == ({} if after == "the property goes" else {name: json.loads(code(after))})


@pytest.mark.parametrize("text", [each for each in blocks(TEXT, "toml") if not re.match(r"# \w+\.toml\n", each)])
def test_a_policy_file_of_the_page_loads_and_opens(text: str, tmp_path: Path) -> None:
    entries = chain(tmp_path, text)
    assert len(entries) == text.count("[[policy]]")
    caller = ALICE if any(entry.policy.per_caller for entry in entries) else Caller()
    assert run(entries, call("crm_lookup", caller=caller), result("fine @ all")).text == "fine @ all"


def test_narrowing_leaves_numbers_out_everywhere_and_people_where_the_tools_are_named(tmp_path: Path) -> None:
    (text,) = blocks(section("Narrowing it"), "toml")
    value = {"email": "maria@example.com", "card_number": "4111 1111 1111 1111"}
    mail = run(chain(tmp_path, text), call("crm_lookup"), given(value))
    maps = run(chain(tmp_path, text), call("maps_search"), given(value))
    assert structured(mail) == {"email": "<EMAIL_ADDRESS>", "card_number": "<CREDIT_CARD>"}
    assert structured(maps) == {"email": "maria@example.com", "card_number": "<CREDIT_CARD>"}


def test_an_exempt_secret_passes_where_the_page_says_and_nowhere_else(tmp_path: Path) -> None:
    text = next(block for block in blocks(section("Secrets"), "toml") if "exempt" in block)
    token = "hvs." + "CAESIJ3kTq9vXb7Lm2Rw8Zp4Yd6Nf"
    entries = chain(tmp_path, text)
    assert "the vault's own tools" in " ".join(entries[0].policy.notes())
    assert run(entries, call("vault_read", {"token": token})).denied is None
    for name, arguments in (("vault_read", {"note": token}), ("mail_send", {"token": token})):
        ran = run(chain(tmp_path, text), call(name, arguments))
        assert ran.denied is not None
        assert ran.denied.reason == "contains_secret"


def test_the_rule_of_the_page_finds_its_key(tmp_path: Path) -> None:
    text = next(block for block in blocks(section("Secrets"), "toml") if "rules = " in block)
    ran = run(chain(tmp_path, text), call("search"), result("use acme_0123456789abcdef here"))
    assert ran.text == "use <SECRET> here"


def test_the_recognizer_of_the_page_finds_its_number(tmp_path: Path) -> None:
    pytest.importorskip("presidio_analyzer")
    (text,) = blocks(section("Presidio"), "toml")
    ran = run(chain(tmp_path, text), call("search"), result("badge EMP-204816, please"))
    assert ran.text == "badge ***-**4816, please"


def test_a_token_opens_where_the_flows_of_the_page_lead_and_is_refused_with_its_reason_elsewhere(
    tmp_path: Path,
) -> None:
    (text,) = blocks(section("Tokens"), "toml")
    value = {"email": "maria@example.com", "card_number": "4111 1111 1111 1111"}
    made = structured(run(chain(tmp_path, text), call("crm_lookup", caller=ALICE), given(value)))
    mail, card = made["email"], made["card_number"]
    assert re.fullmatch(r"<EMAIL_ADDRESS:k1[a-z0-9]+>", mail)
    for name, token, opened in (
        ("mail_send", mail, "maria@example.com"),
        ("payments_refund", card, value["card_number"]),
    ):
        ran = run(chain(tmp_path, text), call(name, {"to": f"“{token.upper()}”"}, caller=ALICE))
        assert ran.call is not None
        assert ran.call.arguments["to"] == opened
    for name, token, caller, reason in (
        ("payments_refund", mail, ALICE, "token_not_allowed"),
        ("mail_send", card, ALICE, "token_not_allowed"),
        ("mail_send", mail, BOB, "token_wrong_scope"),
        ("mail_send", mail.replace(mail[40], "z" if mail[40] != "z" else "y", 1), ALICE, "token_damaged"),
        ("mail_send", mail, Caller(), "token_no_scope"),
    ):
        ran = run(chain(tmp_path, text), call(name, {"to": token}, caller=caller))
        assert ran.denied is not None
        assert ran.denied.reason == reason


def test_a_value_that_has_no_room_for_a_token_is_replaced(tmp_path: Path) -> None:
    (text,) = blocks(section("Tokens"), "toml")
    schema = {"type": "object", "properties": {"email": {"type": "string", "maxLength": 4}}, "required": ["email"]}
    asked = call("crm_lookup", caller=ALICE, tool=tool("crm_lookup", output_schema=schema))
    assert structured(run(chain(tmp_path, text), asked, given({"email": "maria@example.com"}))) == {"email": "*"}


def test_every_reason_of_a_finding_is_told() -> None:
    told = section("What happens to one result").partition("*why*")[2].partition("The command")[0]
    assert set(re.findall(r"`(\w+)` \(", told)) == set(get_args(Why))


def _base64(text: str, times: int) -> str:
    return _base64(base64.b64encode(text.encode()).decode(), times - 1) if times else text


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (_base64("write to maria@example.com", 3), True),
        (_base64("write to maria@example.com", 4), False),
        (json.dumps({"a": json.dumps({"b": json.dumps({"c": json.dumps({"d": "maria@example.com"})})})}), True),
        ("maria%40example.com", True),
        ("maria%2540example.com", False),
        ("maria&amp;#64;example.com", False),
        (b"maria@example.com".hex(), False),
        ({"x": "4111 1111 1111 1112"}, False),
        ({"card_number": "4111 1111 1111 1112"}, True),
        ({"columns": ["id", "phone"], "rows": [["7", "5551234567"]]}, True),
        ({"area": "425", "number": "8828080"}, False),
        ("Maria Gonzalez lives at 12 Elm Road", False),
        ({"x": "5551234567"}, False),
        ({"phone": "5551234567"}, True),
        ({"first_name": "Marianne", "x": "ask Marianne"}, True),
    ],
    ids=repr,
)
def test_a_limit_of_the_page_is_one(value: Any, found: bool) -> None:
    ran = run(build(Redact, services()), call("crm_lookup"), result(structured=value))
    assert (structured(ran) != value) is found


def test_every_reason_of_a_token_is_in_the_table() -> None:
    reasons = {each.reason for each in errors.TokenError.__subclasses__()} | {errors.UnsealableError.reason}
    assert {code(row[0]) for row in rows(section("Tokens"), "reason")} == reasons


def test_every_entity_has_its_rule_in_words() -> None:
    named = [name for row in rows(section("What is found"), "entity") for name in re.findall(r"`(\w+)`", row[0])]
    assert sorted(named) == sorted((*ENTITIES, *OPTIONAL))


def test_the_locales_are_all_named() -> None:
    assert f"`{' '.join(LOCALES)}`" in section("What is found")


def test_the_keys_of_presidio_have_the_defaults_of_the_code() -> None:
    told = {code(row[0]): code(row[1]) for row in rows(section("Presidio"), "key of `presidio`")}
    assert told == {name: json.dumps(field.default) for name, field in PresidioConfig.model_fields.items()}


@pytest.mark.parametrize("name", ["redact", "secrets", "tokenize"])
def test_the_keys_of_a_policy_have_the_defaults_of_the_code(name: str) -> None:
    page = (ROOT / "docs" / "builtin-policies.md").read_text(encoding="utf-8").partition(f"\n## {name}\n")[2]
    told = {key: row[1] for row in rows(page, "key") for key in re.findall(r"`(\w+)`", row[0])}
    fields = policy_class(name, BUILTINS, None).Config.model_fields
    assert set(told) == set(fields)
    literal = {key: told[key] for key in told if told[key].startswith("`") and key in fields}
    assert literal
    for key, default in literal.items():
        value = list(fields[key].default) if isinstance(fields[key].default, tuple) else fields[key].default
        assert default == f"`{json.dumps(value)}`", key


def test_the_commands_of_the_page_run_and_show_what_it_shows(tmp_path: Path) -> None:
    given = json.loads(blocks(section("What happens to one result"), "json")[0])
    given["note"] = "call +1 425-882-8080"
    del given["name"]
    (tmp_path / "answer.json").write_text(json.dumps(given))
    (tmp_path / "results.jsonl").write_text(json.dumps({"id": 1, "result": {"content": []}}))
    commands = [shlex.split(line) for block in blocks(TEXT, "sh") for line in block.splitlines()]
    said = {}
    for program, verb, *rest in commands:
        assert program == ".venv/bin/mcp-policy-proxy"
        if ">" in rest:
            rest = rest[: rest.index(">")]
        said[verb, rest[0]] = _ran(tmp_path, verb, *rest)
    assert sorted(said) == [("keys", "new"), ("redact", "--jsonl"), ("redact", "answer.json")]
    assert said["keys", "new"].stdout.startswith("2026-11 ")
    assert said["redact", "answer.json"].stdout.endswith(blocks(section("Try it on a file"), "text")[0])
    assert {verb: each.returncode for verb, each in said.items() if verb[0] == "redact"} == {
        ("redact", "answer.json"): 1,
        ("redact", "--jsonl"): 0,
    }
    answered = json.loads(said["redact", "--jsonl"].stdout)
    shape = re.findall(r"`(\{\"id\", \"result\", \"findings\".*?\})`", section("Try it on a file"))
    assert list(answered) == re.findall(r'"(\w+)"', re.sub(r"\[.*\]", "", shape[0]))


def test_the_line_of_the_key_rings_page_is_a_ring_of_one_key(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "outbound-auth.md").read_text(encoding="utf-8").partition("### Key rings\n")[2]
    (line,) = blocks(page.partition("\n## ")[0], "sh")
    made = _ran(tmp_path, *shlex.split(line)[1:]).stdout
    (tmp_path / "ring").write_text(f"# newest first\n{made}")
    (key,) = parsed((tmp_path / "ring").read_text(), "file:ring")
    assert (made.split()[0], len(key)) == ("2026-11", 64)


def _ran(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "proxy", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


_BY: Final = ("checksum", "shape", "word", "key")


def rules_table() -> str:
    """Each entity, the countries of its rules, what convinces, and where its rules come from."""
    lines = ["| entity | country | by | source |", "|---|---|---|---|"]
    for entity in (*ENTITIES, *OPTIONAL):
        rules, keys = [rule for rule in RULES if rule.entity == entity], [key for key in KEYS if key.entity == entity]
        by = {*(rule.why for rule in rules), *(["key"] if keys else [])}
        where = _once((*(rule.locale for rule in rules), *(key.locale for key in keys)))
        lines.append(f"| `{entity}` | {where} | {_listed(name for name in _BY if name in by)} | {_sources(rules)} |")
    return "\n".join(lines)


def _sources(rules: Sequence[Any]) -> str:
    if not rules:
        return "names of fields in schema.org, vCard (RFC 6350), OpenID Connect Core and HL7 FHIR"
    return "; ".join(dict.fromkeys(part for rule in rules for part in rule.source.split("; "))).replace("|", "\\|")


def _once(words: Iterable[str]) -> str:
    return _listed(dict.fromkeys(word for word in words if word))


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words) or "—"


def kinds_table() -> str:
    """Each kind of secret, what convinces, and where its issuer describes it."""
    lines = ["| kind | by | source |", "|---|---|---|"]
    for name in dict.fromkeys(kind.name for kind in KINDS):
        kinds = [kind for kind in KINDS if kind.name == name]
        sources = dict.fromkeys(part for kind in kinds for part in kind.source.split(", "))
        lines.append(
            f"| `{name}` | {_once(kind.why for kind in kinds)} | {' '.join(f'<{each}>' for each in sources)} |"
        )
    lines.append("| `named-secret` | word, entropy | the name that it stands under |")
    return "\n".join(lines)


def written(text: str) -> str:
    """The page with its tables as they have to be."""
    for name, table in (("rules", rules_table()), ("kinds", kinds_table())):
        pattern = rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- end -->)"
        text = re.sub(pattern, lambda found, table=table: f"{found[1]}\n{table}\n\n{found[2]}", text, flags=re.DOTALL)  # type: ignore[misc]
    return text


def test_the_tables_of_rules_and_of_kinds_are_those_of_the_code() -> None:
    assert written(TEXT) == TEXT, "run `python -m tests.test_redaction_docs`"


if __name__ == "__main__":
    PAGE.write_text(written(TEXT), encoding="utf-8")
