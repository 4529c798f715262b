"""What the names of keys say."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from policies.detect import emails, network, people, phones
from policies.detect.keynames import KeyNames
from policies.detect.rule import KeyRule

NAMES = KeyNames([*emails.KEYS, *phones.KEYS, *network.KEYS, *people.KEYS])


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("homePhone_numbers", ("home", "phone", "number")),
        ("HomePhone", ("home", "phone")),
        ("home-phone.number", ("home", "phone", "number")),
        ("Home Phone", ("home", "phone")),
        ("SSNs", ("ssn",)),
        ("MACAddress", ("mac", "address")),
        ("clientIPv4Address", ("client", "ipv4", "address")),
        ("addressLine1", ("address", "line", "1")),
        ("dateOfBirth", ("date", "of", "birth")),
        ("postalAddresses", ("postal", "address")),
        ("statuses", ("status",)),
        ("companies", ("company",)),
        ("homephone", ("home", "phone")),
        ("phonenumber", ("phone", "number")),
        ("firstname", ("firstname",)),
        ("Kundenemail", ("kunden", "email")),
        ("fecha_de_nacimiento", ("fecha", "de", "nacimiento")),
        ("Prénom", ("prenom",)),
        ("PRÉNOM", ("prenom",)),
        ("dirección", ("direccion",)),
        ("Straße", ("strasse",)),
        ("氏名", ("氏名",)),
        ("勤務先電話番号", ("勤務先", "電話番号")),
        ("이름", ("이름",)),
        ("user_name", ("username",)),
        ("microphone", ("microphone",)),
        ("", ()),
        ("___", ()),
    ],
)
def test_a_key_falls_into_lower_case_singular_words(key: str, words: tuple[str, ...]) -> None:
    assert NAMES.words(key) == words


def said(*keys: str) -> str | None:
    rule = NAMES.said(keys)
    return rule.entity if rule else None


@pytest.mark.parametrize(
    ("keys", "entity"),
    [
        (("email",), "EMAIL_ADDRESS"),
        (("E-Mail",), "EMAIL_ADDRESS"),
        (("customerEmails",), "EMAIL_ADDRESS"),
        (("primary", "email"), "EMAIL_ADDRESS"),
        (("mobile_number",), "PHONE_NUMBER"),
        (("number", "phones"), "PHONE_NUMBER"),
        (("home", "phone"), "PHONE_NUMBER"),
        (("電話番号",), "PHONE_NUMBER"),
        (("client_ip",), "IP_ADDRESS"),
        (("ipAddress",), "IP_ADDRESS"),
        (("hardware_address",), "MAC_ADDRESS"),
        (("first_name",), "PERSON"),
        (("lastName", "user"), "PERSON"),
        (("first", "name"), "PERSON"),
        (("name", "customer"), "PERSON"),
        (("display_name", "patient"), "PERSON"),
        (("name", "primary_contact"), "PERSON"),
        (("nom", "clients"), "PERSON"),
        (("name", "user"), "PERSON"),
        (("氏名",), "PERSON"),
        (("street",), "STREET_ADDRESS"),
        (("line1", "billing_address"), "STREET_ADDRESS"),
        (("住所",), "STREET_ADDRESS"),
        (("dob",), "DATE_OF_BIRTH"),
        (("date", "birth"), "DATE_OF_BIRTH"),
        (("Geburtsdatum",), "DATE_OF_BIRTH"),
    ],
)
def test_the_nearest_key_decides_with_the_one_above(keys: tuple[str, ...], entity: str) -> None:
    assert said(*keys) == entity


@pytest.mark.parametrize(
    "keys",
    [
        (),
        ("value",),
        ("id", "phone"),
        ("type", "email"),
        ("email_template",),
        ("email_verified_at",),
        ("phone_model",),
        ("phoneVerified",),
        ("ip_version",),
        ("address_type",),
        ("memory_address",),
        ("wallet_address",),
        ("email", "x", "y")[1:],
        ("product_name",),
        ("product_name", "customer"),
        ("name", "customer_plan"),
        ("name", "company"),
        ("name", "company", "customer"),
        ("username",),
        ("user_name",),
        ("file_name",),
        ("hostname",),
        ("birth_place",),
        ("date", "order"),
        ("microphone",),
        ("created_at", "customer"),
    ],
)
def test_keys_that_speak_of_something_else_say_nothing(keys: tuple[str, ...]) -> None:
    assert said(*keys) is None


@pytest.mark.parametrize(
    ("keys", "near"),
    [
        (("phone",), {"phone"}),
        (("phone_id",), {"id"}),
        (("cellId", "phones"), {"id", "phone"}),
        (("note", "home_phone"), {"note", "home", "phone"}),
        ((), set()),
    ],
)
def test_words_that_their_own_key_takes_back_are_not_near(keys: tuple[str, ...], near: set[str]) -> None:
    assert NAMES.near(keys) == near


@pytest.mark.parametrize(
    ("keys", "entities"),
    [
        ((), set()),
        (("first_name",), {"PERSON"}),
        (("email_address",), {"EMAIL_ADDRESS"}),
        (("name", "author"), {"PERSON"}),
        (("name", "name", "author"), {"PERSON"}),
        (("name", "product"), set()),
        (("contact", "emergency"), {"PERSON"}),
    ],
)
def test_all_rules_that_keys_select_are_given_and_a_repeated_key_hides_none(
    keys: tuple[str, ...], entities: set[str]
) -> None:
    assert {rule.entity for rule in NAMES.rules_for(keys)} == entities


def test_a_rule_may_heed_the_key_above_for_what_it_is_not() -> None:
    wide = KeyRule(
        entity="A",
        choices=(frozenset({"name"}),),
        shape=re.compile(".+"),
        unless=frozenset({"product"}),
        unless_above=True,
    )
    assert KeyNames([wide]).rules_for(("name", "product")) == ()
    assert [rule.entity for rule in KeyNames([wide]).rules_for(("name", "person"))] == ["A"]
    assert KeyNames([replace(wide, unless_above=False)]).rules_for(("name", "product"))


def test_the_choice_of_most_words_wins_then_the_first_rule() -> None:
    def rule(entity: str, *choices: str) -> KeyRule:
        return KeyRule(
            entity=entity, choices=tuple(frozenset(each.split()) for each in choices), shape=re.compile(r".+")
        )

    names = KeyNames([rule("A", "mail"), rule("B", "mail box"), rule("C", "mail")])
    for key, entity in (("mail", "A"), ("mail_box", "B")):
        found = names.said((key,))
        assert found is not None
        assert found.entity == entity


def test_a_very_long_key_is_read_at_its_front_only() -> None:
    assert NAMES.words("a" * 100_000) == ("a" * 200,)


def test_words_given_as_whole_ones_are_not_taken_apart() -> None:
    known = KeyRule(entity="A", choices=(frozenset({"test"}),), shape=re.compile(".+"))
    assert KeyNames([known]).words("latest") == ("la", "test")
    assert KeyNames([known], ["latest"]).words("latest") == ("latest",)
