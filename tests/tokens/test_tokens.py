"""Tokens: what goes in comes out, the same goes to the same, and why one stays closed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.tokens import errors
from policies.tokens.errors import TokenError, UnsealableError
from policies.tokens.layout import LATEST_HOUR, Parts, parsed, written
from policies.tokens.tokens import MAX_VALUE, Key, Keyring, Lifetime, Tokens, key_id, label
from tests.tokens.making import FOREIGN, HOUR, MAIL, NEW, NOW, OLD, SCOPE, TOOL, At, mail, tokens

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(value=TEXT, scope=TEXT, tool=TEXT.filter(lambda name: "\0" not in name), is_number=st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_text_comes_back_with_its_tool_and_makes_the_same_token_again(
    value: str, scope: str, tool: str, is_number: bool
) -> None:
    made = tokens()
    token = made.make(value, "PERSON", scope, tool, is_number=is_number)
    opened = made.open(token, scope)
    assert (opened.value, opened.entity, opened.tool, opened.is_number) == (value, "PERSON", tool, is_number)
    assert made.make(value, "PERSON", scope, tool, is_number=is_number) == token
    assert re.fullmatch(r"<PERSON:k1[0-9a-hjkmnp-tv-z]+>", token)


@pytest.mark.parametrize("value", ["", "\0", "a\0\0", "\0" * 8, "x" * MAX_VALUE, "é" * (MAX_VALUE // 2), "1234567\0"])
def test_padding_is_no_part_of_a_value(value: str) -> None:
    made = tokens()
    assert made.open(made.make(value, "PERSON", SCOPE, TOOL), SCOPE).value == value


def test_an_e_mail_makes_a_token_of_known_length_that_opens_in_any_case() -> None:
    token = mail()
    assert len(token) == 126
    for written_so in (token, token.upper(), token.lower(), token.swapcase()):
        assert tokens().open(written_so, SCOPE).value == MAIL


def test_the_layout_stays_what_it_is() -> None:
    """A token of version 1 that is out there has to open for as long as its key is kept."""
    head, tail = (
        "<EMAIL_ADDRESS:k1zch9g00003c6x1xrw0v45x18fehjqpyfbfnxz63xp6x53mw82c42d",
        "g0erk0a7bpas0pztjnptz63jh3wt6sed0td35653jftsfz56wczpzs0>",
    )
    assert mail() == head + tail


def test_tokens_are_equal_where_value_entity_scope_tool_and_kind_are() -> None:
    made = tokens()
    parts = [("4111", "CARD", "s", "t", False)]
    parts += [("4112", "CARD", "s", "t", False), ("4111", "PAN", "s", "t", False), ("4111", "CARD", "x", "t", False)]
    parts += [("4111", "CARD", "s", "u", False), ("4111", "CARD", "s", "t", True), ("111", "CARD", "s", "t4", False)]
    sealed = {made.make(*each[:4], is_number=each[4]).partition(":")[2] for each in parts}
    assert len(sealed) == len(parts)


@pytest.mark.parametrize(("one", "other"), [("4" * 15, "4" * 16), ("a", "a" * 8), ("é", "12345678")])
def test_the_length_shows_in_steps_of_eight_bytes(one: str, other: str) -> None:
    made = tokens()
    assert len(made.make(one, "CARD", SCOPE, TOOL)) == len(made.make(other, "CARD", SCOPE, TOOL))
    assert len(made.make(other, "CARD", SCOPE, TOOL)) < len(made.make(other + "4", "CARD", SCOPE, TOOL))


def test_nothing_of_the_value_can_be_read_off_the_token_or_a_repr() -> None:
    made = tokens()
    opened = made.open(mail(), SCOPE)
    shown = f"{made!r} {opened!r} {Keyring.of([NEW])!r} {mail()}"
    assert MAIL not in shown
    assert "example" not in shown
    assert NEW.hex() not in shown


BODY = mail().partition(":k1")[2][:-1]


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (mail()[:-1], "token_damaged"),
        (mail()[1:], "token_damaged"),
        (mail()[:-2] + ">", "token_damaged"),
        (mail().replace("k1", "k2"), "token_damaged"),
        (mail().replace("EMAIL_ADDRESS", "PERSON"), "token_damaged"),
        (mail().replace("EMAIL", "EMA1L"), "token_damaged"),
        (mail() + " ", "token_damaged"),
        (mail() + mail(), "token_damaged"),
        (f"<EMAIL_ADDRESS:k1{BODY[::-1]}>", "token_damaged"),
        (f"<EMAIL_ADDRESS:k1{BODY}0>", "token_damaged"),
        ("<EMAIL_ADDRESS:k1>", "token_damaged"),
        (f"<EMAIL_ADDRESS:k1{'0' * 45}>", "token_damaged"),
        ("", "token_damaged"),
        (mail(tokens([FOREIGN])), "token_unknown_key"),
        (tokens().make(MAIL, "EMAIL_ADDRESS", SCOPE + "x", TOOL), "token_wrong_scope"),
    ],
)
def test_a_token_that_stays_closed_says_why(token: str, reason: str) -> None:
    with pytest.raises(TokenError) as raised:
        tokens([NEW, OLD]).open(token, SCOPE)
    assert raised.value.reason == reason
    assert str(raised.value) == raised.value.says


@pytest.mark.parametrize("tool", ["t" * size for size in range(1, 9)])
@pytest.mark.parametrize("more", ["0", "00", "o", "l", "z"])
def test_no_other_spelling_of_the_same_bytes_opens(tool: str, more: str) -> None:
    made = tokens()
    token = made.make(MAIL, "PERSON", SCOPE, tool)
    with pytest.raises(errors.DamagedTokenError):
        made.open(f"{token[:-1]}{more}>", SCOPE)


@pytest.mark.parametrize(("digit", "alias"), [("0", "o"), ("1", "i"), ("1", "l")])
def test_a_digit_has_no_alias(digit: str, alias: str) -> None:
    with pytest.raises(errors.DamagedTokenError):
        tokens().open(f"<EMAIL_ADDRESS:k1{BODY.replace(digit, alias)}>", SCOPE)


def test_one_that_is_made_up_or_renamed_with_sound_check_characters_stays_closed() -> None:
    parts = parsed("EMAIL_ADDRESS", BODY)
    forged = [
        Parts(entity="PERSON", key_id=parts.key_id, expiry=0, sealed=parts.sealed),
        Parts(entity="EMAIL_ADDRESS", key_id=parts.key_id, expiry=LATEST_HOUR, sealed=parts.sealed),
        Parts(entity="EMAIL_ADDRESS", key_id=key_id(OLD), expiry=0, sealed=parts.sealed),
        Parts(entity="EMAIL_ADDRESS", key_id=parts.key_id, expiry=0, sealed=bytes(40)),
        Parts(entity="EMAIL_ADDRESS", key_id=parts.key_id, expiry=0, sealed=parts.sealed[:-1]),
    ]
    for each in forged:
        with pytest.raises(TokenError) as raised:
            tokens([NEW, OLD]).open(written(each), SCOPE)
        assert raised.value.reason == "token_wrong_scope"


def test_the_newest_key_seals_and_any_opens() -> None:
    before, after = mail(tokens([OLD])), tokens([NEW, OLD])
    assert after.open(before, SCOPE).value == MAIL
    assert mail(after) == mail(tokens([NEW])) != before
    with pytest.raises(errors.UnknownKeyError):
        tokens([NEW]).open(before, SCOPE)


def test_a_token_expires_at_the_end_of_a_grain_and_is_the_same_until_the_next() -> None:
    now = At(NOW)
    made = tokens(now=now, lifetime=Lifetime(hours=24))
    token, ends = mail(made), Lifetime(hours=24).ends(NOW) * HOUR
    assert NOW + 24 * HOUR <= ends <= NOW + 49 * HOUR
    assert ends % (24 * HOUR) == 0
    now.time = ends - 24 * HOUR - 1
    assert mail(made) == token
    now.time += HOUR + 1
    assert mail(made) != token
    now.time = ends - 1
    assert made.open(token, SCOPE).value == MAIL
    now.time = ends
    with pytest.raises(errors.ExpiredTokenError):
        made.open(token, SCOPE)
    with pytest.raises(errors.WrongScopeError):
        made.open(token, "another")


def test_a_lifetime_never_runs_over() -> None:
    assert Lifetime(hours=10**9).ends(NOW) == LATEST_HOUR
    made = tokens(lifetime=Lifetime(hours=10**9))
    assert made.open(mail(made), SCOPE).value == MAIL


@pytest.mark.parametrize(
    ("entity", "name"),
    [("EMAIL_ADDRESS", "EMAIL_ADDRESS"), ("email address", "EMAIL_ADDRESS"), ("Kunden-Nr.", "KUNDEN_NR"), ("X9", "X9")],
)
def test_an_entity_of_any_spelling_has_a_label(entity: str, name: str) -> None:
    assert label(entity) == name
    made = tokens()
    assert made.open(made.make("x", entity, SCOPE, TOOL), SCOPE).entity == name


@pytest.mark.parametrize(
    ("value", "entity", "tool"),
    [
        ("x" * (MAX_VALUE + 1), "PERSON", TOOL),
        ("\ud800", "PERSON", TOOL),
        ("x", "", TOOL),
        ("x", "9", TOOL),
        ("x", "P" * 61, TOOL),
        ("x", "PERSON", "a\0b"),
        ("x", "PERSON", "\udfff"),
        ("x", "PERSON", "t" * 1025),
    ],
)
def test_what_no_token_can_carry_is_refused_without_being_shown(value: str, entity: str, tool: str) -> None:
    with pytest.raises(UnsealableError) as raised:
        tokens().make(value, entity, SCOPE, tool)
    assert raised.value.__cause__ is None
    assert "xx" not in str(raised.value)


@pytest.mark.parametrize(
    ("keys", "problem"),
    [([], "empty"), ([NEW, OLD, NEW], "same id"), ([b"x" * 16], "32 or 64"), ([NEW, b"x" * 63], "32 or 64")],
)
def test_a_ring_that_cannot_be_used_says_why(keys: list[bytes], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Keyring.of(keys)


def test_every_error_has_a_reason_of_its_own() -> None:
    kinds = TokenError.__subclasses__()
    assert len({kind.reason for kind in kinds}) == len(kinds) == 6
    assert all(re.fullmatch(r"token_[a-z_]+", kind.reason) for kind in kinds)


def test_keys_differ_by_every_bit_and_their_ids_tell_nothing_else() -> None:
    assert Key.of(OLD).id != Key.of(NEW).id
    assert key_id(NEW) not in NEW
    assert isinstance(tokens(), Tokens)
