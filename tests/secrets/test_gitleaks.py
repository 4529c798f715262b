from __future__ import annotations

from pathlib import Path

import pytest

from policies.detect.finding import NOWHERE
from policies.finding import PolicyConfigError
from policies.secrets.gitleaks import load
from policies.secrets.userrules import UserRules

RULE = """
[[rules]]
id = "acme"
description = "An Acme key"
regex = '''(?i)acme[-_]key\\s*=\\s*["']?([a-z0-9]{16})["']?'''
keywords = ["ACME"]
"""


def _load(tmp_path: Path, text: str) -> UserRules:
    file = tmp_path / "rules.toml"
    file.write_text(text)
    return load([file])


def _found(rules: UserRules, text: str) -> list[str]:
    return [text[each.start : each.end] for each in rules.find(text, NOWHERE, lambda: None)]


SECRET = "k3j9x0q2m4z8b7w1"


@pytest.mark.parametrize(
    ("more", "text", "found"),
    [
        ("", f"acme_key = '{SECRET}'", [SECRET]),
        ("", f"ACME_KEY={SECRET}", [SECRET]),
        ("", f"other_key = '{SECRET}'", []),
        ("secretGroup = 1", f"acme-key={SECRET}", [SECRET]),
        ("entropy = 3.5", f"acme_key={SECRET}", [SECRET]),
        ("entropy = 3.5", "acme_key=" + "a" * 16, []),
        ("[[rules.allowlists]]\nstopwords = ['K3J9']", f"acme_key={SECRET}", []),
        ("[rules.allowlist]\nregexes = ['^k3']", f"acme_key={SECRET}", []),
        ("[rules.allowlist]\nregexes = ['^acme']", f"acme_key={SECRET}", [SECRET]),
        ("[[rules.allowlists]]\nregexTarget = 'match'\nregexes = ['^acme']", f"acme_key={SECRET}", []),
        ("[[rules.allowlists]]\nregexTarget = 'line'\nregexes = ['# fine$']", f"x\nacme_key={SECRET} # fine\ny", []),
        ("[[rules.allowlists]]\nregexTarget = 'line'\nregexes = ['# fine']", f"# fine\nacme_key={SECRET}", [SECRET]),
        (
            "[[rules.allowlists]]\ncondition = 'AND'\nregexes = ['^k3']\nstopwords = ['no']",
            f"acme_key={SECRET}",
            [SECRET],
        ),
        ("[[rules.allowlists]]\ncondition = 'AND'\nregexes = ['^k3']\nstopwords = ['j9']", f"acme_key={SECRET}", []),
        ("[allowlist]\nregexes = ['^k3']", f"acme_key={SECRET}", []),
        ("[[allowlists]]\nstopwords = ['j9']\ntargetRules = ['acme']", f"acme_key={SECRET}", []),
        ("[[allowlists]]\nstopwords = ['j9']\ntargetRules = ['other']", f"acme_key={SECRET}", [SECRET]),
        ("tags = ['a']\n", f"acme_key={SECRET}", [SECRET]),
    ],
)
def test_a_users_rule_finds_what_gitleaks_would(tmp_path: Path, more: str, text: str, found: list[str]) -> None:
    rules = _load(tmp_path, RULE + more)

    assert _found(rules, text) == found
    assert rules.entities == {"SECRET"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[rules]]\nregex = 'a'", "rule 1: id: a text is wanted"),
        ("[[rules]]\nid = 'a'", "rule 'a': regex: a regular expression is wanted"),
        ("[[rules]]\nid = 'a'\nregex = '(?=hunter2)'", "rule 'a': regex: RE2 does not take it: invalid perl operator"),
        ("[[rules]]\nid = 'a'\nregex = '(hunter2'", "rule 'a': regex: RE2 does not take it"),
        (
            "[[rules]]\nid = 'a'\nregex = 'a'\nkeyword = ['x']",
            "unknown key 'keyword': did you mean 'keywords'?; take it out",
        ),
        ("[[rules]]\nid = 'a'\nregex = 'a'\npath = 'x'", "rule 'a': path: results of tools have no files"),
        ("[[rules]]\nid = 'a'\nregex = 'a'\nsecretGroup = 2", "rule 'a': secretGroup: the regex has 0 groups"),
        ("[[rules]]\nid = 'a'\nregex = 'a'\nentropy = 'hunter2'", "rule 'a': entropy: a number is wanted"),
        ("[[rules]]\nid = 'a'\nregex = 'a'\nkeywords = 'x'", "rule 'a': keywords: a list of texts is wanted"),
        ("[[rules]]\nid='a'\nregex='a'\n[[rules]]\nid='a'\nregex='a'", "rule 'a': id: is there twice"),
        ("[[rules]]\nid='a'\nregex='a'\n[[rules.allowlists]]\nregexTarget='x'", "allowlist 1: regexTarget: valid are"),
        ("[[rules]]\nid='a'\nregex='a'\n[[rules.allowlists]]\ncondition='x'", "allowlist 1: condition: valid are"),
        ("[extend]\nuseDefault = true\n[[rules]]\nid='a'\nregex='a'", "extend: is not followed"),
        ("rules = 1", "rules: tables are wanted"),
        ("", "rules: there are none"),
        ("[[rules", "not TOML"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_by_place_and_never_by_value(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PolicyConfigError) as error:
        _load(tmp_path, text)

    assert said in str(error.value)
    assert "rules.toml" in str(error.value)
    assert "hunter2" not in str(error.value)


def test_everything_wrong_in_all_files_is_told_at_once(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text("[[rules]]\nid = 'x'\n[[rules]]\nregex = 'a'\n")
    with pytest.raises(PolicyConfigError) as error:
        load([tmp_path / "a.toml", tmp_path / "b.toml", tmp_path / "absent.toml"])

    assert len(error.value.findings) == 6


def test_an_allowance_by_path_or_commit_is_noted_and_left_out(tmp_path: Path) -> None:
    rules = _load(tmp_path, RULE + "[[rules.allowlists]]\npaths = ['x']\ncommits = ['y']")

    assert _found(rules, f"acme_key={SECRET}") == [SECRET]
    assert [note.rpartition(": ")[0].rpartition(" ")[2] for note in rules.notes] == ["paths", "commits"]


@pytest.mark.parametrize(
    ("raw", "may"),
    [
        (b'{"a":"Acme_key=1"}', True),
        (b'{"a":"nothing"}', False),
        ('{"a":"ａcme"}'.encode(), True),
        (b'{"a":"\\u0061cme"}', True),
    ],
)
def test_the_gate_of_users_rules_goes_by_their_keywords(tmp_path: Path, raw: bytes, may: bool) -> None:
    assert _load(tmp_path, RULE).may_hold(raw) is may


def test_a_rule_without_keywords_always_may_match(tmp_path: Path) -> None:
    assert _load(tmp_path, "[[rules]]\nid='a'\nregex='x'").may_hold(b"{}")
