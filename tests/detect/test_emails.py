"""E-mail addresses in texts and under keys."""

from __future__ import annotations

import pytest

from policies.detect.emails import KEYS, RULES
from policies.detect.finding import NOWHERE
from policies.detect.rules import Rules

FINDER = Rules(RULES)


def found(text: str) -> list[str]:
    best: list[tuple[int, int]] = []
    for each in sorted(FINDER.find(text, NOWHERE, lambda: None), key=lambda each: (each.start, -each.end)):
        if not best or each.start >= best[-1][1]:
            best.append((each.start, each.end))
    return [text[start:end] for start, end in best]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("jane.doe@example.com", "jane.doe@example.com"),
        ("Mail jane.doe@example.com.", "jane.doe@example.com"),
        ("<jane+tag@mail.example.co.uk>", "jane+tag@mail.example.co.uk"),
        ("'jane@example.com'", "jane@example.com"),
        ("-jane@example.com", "jane@example.com"),
        ("...jane@example.com", "jane@example.com"),
        ("o'brien@example.ie", "o'brien@example.ie"),
        ('"jane doe"@example.com', '"jane doe"@example.com'),
        ("jörg.müller@exämple.de", "jörg.müller@exämple.de"),
        ("jane@xn--exmple-cua.de", "jane@xn--exmple-cua.de"),
        ("请联系zhang@example.com谢谢", "zhang@example.com"),
        ("张三@例子.广告", "张三@例子.广告"),
        ("почта@пример.рф", "почта@пример.рф"),
        ("someone@163.com", "someone@163.com"),
        ("jane@example.com:hunter2", "jane@example.com"),
        ("users/jane@example.com/messages", "jane@example.com"),
        ("mailto:jane@example.com?subject=x", "jane@example.com"),
        ("jane_doe%ext@example.org,", "jane_doe%ext@example.org"),
        ("j@a.b.c.d.example.com", "j@a.b.c.d.example.com"),
        ("jane.doe at example dot com", "jane.doe at example dot com"),
        ("jane dot doe at example dot org", "jane dot doe at example dot org"),
        ("jane (at) example (dot) com", "jane (at) example (dot) com"),
        ("jane [at] example.com", "jane [at] example.com"),
        ("jane{at}example{dot}com", "jane{at}example{dot}com"),
        ("jane_doe[at]example[dot]com", "jane_doe[at]example[dot]com"),
        ("jane.doe AT example DOT com", "jane.doe AT example DOT com"),
        ("jane AT example.com", "jane AT example.com"),
        ("jane arroba example punto com", "jane arroba example punto com"),
        ("jdoe42 at example dot net", "jdoe42 at example dot net"),
        ("please email jane at example dot com", "jane at example dot com"),
        ("write to jane at example.com", "jane at example.com"),
    ],
)
def test_an_address_is_found_as_a_whole(text: str, address: str) -> None:
    assert found(text) == [address]


def test_each_of_several_addresses_is_found() -> None:
    assert found("a@b.co,c@d.co;e@f.co") == ["a@b.co", "c@d.co", "e@f.co"]


@pytest.mark.parametrize(
    "text",
    [
        "lodash@4.17.21",
        "lodash@4.17.x",
        "pkg@1.0.0-beta.rc",
        "react@18.2",
        "@angular/core@17.0.1",
        "actions/checkout@v4.1.0",
        "left-pad@latest",
        "git@github.com:org/repo.git",
        "ssh://git@github.com/org/repo",
        "deploy@web01.example.com:/var/www",
        "https://app@host.example.com/",
        "@decorators.cached",
        "@jane",
        "logo@2x.png",
        "icon@3x.webp",
        "getty@tty1.service",
        "image@sha256:abcd.ef",
        "10@2.50",
        "a@b",
        "jane@",
        "meet at noon. com",
        "We meet at dawn dot com",
        "she works at example dot com",
        "look at example dot com",
        "look AT example.com",
        "MEET AT EXAMPLE.COM",
        "available at example.com",
        "Array(at)index",
        "a point at infinity dot product",
        "version 2 at example dot com",
        "the dot at the end",
    ],
)
def test_what_only_looks_like_an_address_is_left(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("text", ["root@localhost", "jane@corp", "jane.doe@example.com", "张三@例子.广告"])
def test_under_a_key_that_says_so_a_short_address_is_one(text: str) -> None:
    (rule,) = KEYS
    assert rule.shape.fullmatch(text)
    assert rule.check is None or rule.check(text)


@pytest.mark.parametrize("text", ["welcome", "true", "", "git@github.com", "lodash@4.17.21", "a b@c", "@jane"])
def test_under_such_a_key_other_texts_are_none(text: str) -> None:
    (rule,) = KEYS
    assert not (rule.shape.fullmatch(text) and (rule.check is None or rule.check(text)))
