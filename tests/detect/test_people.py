"""Names, addresses and dates of birth by the keys above them, and dates of birth in sentences."""

from __future__ import annotations

import time

import pytest

from policies.detect.finding import NOWHERE
from policies.detect.keynames import KeyNames
from policies.detect.people import KEYS, RULES
from policies.detect.rules import Rules

NAMES = KeyNames(KEYS)
FINDER = Rules(RULES)


def entity(text: str, *keys: str) -> str | None:
    fitting = (
        rule.entity
        for rule in NAMES.rules_for(keys)
        if rule.shape.fullmatch(text) and (rule.check is None or rule.check(text))
    )
    return next(fitting, None)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Jane", ("first_name",)),
        ("J", ("firstName",)),
        ("Doe-Smith", ("lastName",)),
        ("O'Brien", ("surname",)),
        ("de la Cruz", ("apellido",)),
        ("Jane Q. Doe", ("full_name",)),
        ("Doe, Jane", ("fullName",)),
        ("jane doe", ("name", "customer")),
        ("jane doe", ("name", "name", "customer")),
        ("Jane Doe", ("customer_name",)),
        ("Jane Doe", ("name", "emergency_contact")),
        ("Jane Doe", ("cardholder",)),
        ("Jane van der Berg", ("passenger",)),
        ("Jane Doe", ("name", "user")),
        ("Jane Doe", ("author",)),
        ("Müller", ("Nachname",)),
        ("Zoë", ("voornaam",)),
        ("José García", ("nombre", "cliente")),
        ("Jean Dupont", ("nom_client",)),
        ("Maria Rossi", ("nome", "paziente")),
        ("山田太郎", ("氏名",)),
        ("山田 太郎", ("名前",)),
        ("李雷", ("姓名",)),
        ("김철수", ("이름",)),
        ("राम", ("first_name",)),
        ("Doe", ("maidenName",)),
        ("Jane Doe", ("name", "requester")),
        ("Jane Doe", ("taxpayer",)),
        ("Jane Doe", ("name", "directors")),
        ("Jane Doe", ("name", "bill_to")),
        ("Jane Doe", ("name", "shipTo")),
        ("Jane Doe", ("name", "billing_details")),
        ("Jane Doe", ("name", "shipping_address")),
        ("Jane Doe", ("displayName", "attendees")),
        ("Jane Doe", ("name", "emergencyContact")),
        ("Jane Doe", ("approved_by",)),
        ("Jane Doe", ("created_by",)),
        ("Jane Doe", ("reviewer",)),
        ("Jane Doe", ("landlord",)),
        ("Jean d'Aubigny", ("author",)),
        ("Anna von-Bergen", ("author",)),
        ("Doe", ("family", "name")),
        ("Jane", ("given", "name")),
        ("Erika Mustermann", ("Ansprechpartner",)),
        ("Erika Mustermann", ("name", "Antragsteller")),
        ("Jean Dupont", ("nom", "locataire")),
        ("José García", ("nombre", "inquilino")),
        ("Maria Rossi", ("richiedente",)),
        ("João Silva", ("nome", "proprietário")),
        ("Maria Gonzalez", ("name",)),
        ("Maria Gonzalez", ("name", "results")),
        ("Thomas Müller", ("displayName",)),
        ("Gonzalez, Maria", ("owner",)),
        ("Jean-Luc Moreau", ("name", "rows")),
    ],
)
def test_a_name_under_a_key_that_says_so_is_a_persons(text: str, keys: tuple[str, ...]) -> None:
    assert entity(text, *keys) == "PERSON"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Widget", ("name",)),
        ("Order Service", ("name",)),
        ("Maria", ("name",)),
        ("Anna Chair", ("name", "product")),
        ("Marco Polo Hotel", ("name", "property")),
        ("Paul Platform Team", ("name", "owner")),
        ("Compute Engine", ("displayName",)),
        ("Desk Lamp", ("name", "items")),
        ("Jardin des Plantes", ("name", "properties")),
        ("Release Pipeline", ("name", "reviewer")),
        ("Northwind Traders Ltd", ("name", "company")),
        ("Support Center", ("name", "sender")),
        ("maria gonzalez", ("name",)),
        ("MARIADB", ("name",)),
        ("Pro", ("plan_name",)),
        ("Acme", ("name", "company")),
        ("Acme Inc.", ("name", "customer")),
        ("Example GmbH", ("customer_name",)),
        ("jdoe", ("username",)),
        ("jdoe", ("user_name",)),
        ("jdoe", ("name", "user")),
        ("jdoe", ("author",)),
        ("nvme", ("name", "driver")),
        ("first_name", ("first_name",)),
        ("x1", ("last_name",)),
        ("unknown", ("first_name",)),
        ("N/A", ("last_name",)),
        ("2024-01-15", ("customer_name",)),
        ("jane@example.com", ("recipient",)),
        ("true", ("recipient",)),
        ("main", ("branch",)),
        ("report.pdf", ("file_name",)),
        ("a b c d e f g h i j", ("full_name",)),
    ],
)
def test_other_names_are_nobodys(text: str, keys: tuple[str, ...]) -> None:
    assert entity(text, *keys) is None


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("221B Baker Street", ("address",)),
        ("12 Main St, Springfield, IL 62704", ("shipping_address",)),
        ("1 Main St\nSpringfield", ("billingAddress",)),
        ("Main Street", ("street",)),
        ("Hauptstr. 5", ("strasse",)),
        ("Hauptstraße 5", ("Straße",)),
        ("Apt 4B", ("line2", "address")),
        ("12 rue de la Paix", ("adresse",)),
        ("Av. Paulista, 1000", ("endereço",)),
        ("Via Roma 10", ("indirizzo",)),
        ("Calle Mayor 3", ("dirección",)),
        ("東京都千代田区1-1", ("住所",)),
    ],
)
def test_a_street_under_a_key_that_says_so_is_an_address(text: str, keys: tuple[str, ...]) -> None:
    assert entity(text, *keys) == "STREET_ADDRESS"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("0x7ffe12", ("address",)),
        ("10.0.0.1", ("address",)),
        ("10.0.0.1:80", ("address",)),
        ("2001:db8::1", ("address",)),
        ("jane@example.com", ("address",)),
        ("tcp://127.0.0.1:80", ("address",)),
        ("Sheet1!A1", ("address",)),
        ("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", ("address",)),
        ("localhost", ("address",)),
        ("node-1.example.com", ("address",)),
        ("home 1", ("address_type",)),
        ("12 Main St", ("email_address",)),
        ("12 Main St", ("contract_address",)),
        ("A1", ("address",)),
        ("", ("street",)),
    ],
)
def test_addresses_of_machines_and_ledgers_are_no_streets(text: str, keys: tuple[str, ...]) -> None:
    assert entity(text, *keys) is None


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("1980-02-01", ("dob",)),
        ("1980-02-01T00:00:00Z", ("date_of_birth",)),
        ("01.02.1980", ("Geburtsdatum",)),
        ("2/1/80", ("birthday",)),
        ("12 March 1980", ("birthDate",)),
        ("March 12, 1980", ("birthDate",)),
        ("12 mars 1980", ("date_naissance",)),
        ("12 de marzo de 1980", ("fecha_nacimiento",)),
        ("1980年2月1日", ("生年月日",)),
        ("昭和55年2月1日", ("生年月日",)),
        ("1980", ("born",)),
        ("19800201", ("dob",)),
        ("1980-02-01", ("date", "birth")),
    ],
)
def test_a_date_under_a_key_of_birth_is_one(text: str, keys: tuple[str, ...]) -> None:
    assert entity(text, *keys) == "DATE_OF_BIRTH"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("London", ("birth_place",)),
        ("1980-02-01", ("dob_verified",)),
        ("1980-02-01", ("date", "order")),
        ("unknown", ("dob",)),
        ("true", ("birthday",)),
    ],
)
def test_other_dates_and_texts_are_none(text: str, keys: tuple[str, ...]) -> None:
    assert entity(text, *keys) is None


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("She was born on 12 March 1980 in Leeds", "12 March 1980"),
        ("born March 12, 1980", "March 12, 1980"),
        ("Date of birth: 1980-02-01", "1980-02-01"),
        ("DOB 02/01/1980", "02/01/1980"),
        ("geboren am 1. Februar 1980", "1. Februar 1980"),
        ("née le 1er février 1980", "1er février 1980"),
        ("nacido el 1 de febrero de 1980", "1 de febrero de 1980"),
        ("nata il 1 febbraio 1980", "1 febbraio 1980"),
        ("生年月日 1980年2月1日", "1980年2月1日"),
    ],
)
def test_a_date_beside_a_word_of_birth_is_one(text: str, date: str) -> None:
    assert [text[each.start : each.end] for each in FINDER.find(text, NOWHERE, lambda: None)] == [date]


@pytest.mark.parametrize(
    "text", ["due on 12 March 1980", "version born 1.2.3", "1980-02-01", "airborne since 12/03/1980"]
)
def test_a_date_alone_is_none(text: str) -> None:
    assert list(FINDER.find(text, NOWHERE, lambda: None)) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Name: Maria Gonzalez", "Maria Gonzalez"),
        ("Contact person: Maria Gonzalez, +34", "Maria Gonzalez"),
        ("retrying with full_name=Siobhan O'Brien after 20 ms", "Siobhan O'Brien"),
        ("Key (guest_name)=(Kenji Ishikawa) already exists.", "Kenji Ishikawa"),
        ("Key (name)=(Maria Gonzalez) already exists.", "Maria Gonzalez"),
        ("ValidationError: taxpayer: Ola Nordmann is not unique", "Ola Nordmann"),
        ("invalid last_name: Mustermann is too long", "Mustermann"),
        ("Beneficiary: Anna van der Berg; rest", "Anna van der Berg"),
        ("Ansprechpartnerin: Erika Mustermann", "Erika Mustermann"),
        ("Nombre completo: José García Márquez, vive", "José García Márquez"),
        ("**Patient:** Jean-Luc d'Aubigny", "Jean-Luc d'Aubigny"),
    ],
)
def test_a_name_behind_a_word_that_speaks_of_one_is_found(text: str, name: str) -> None:
    assert {text[each.start : each.end] for each in FINDER.find(text, NOWHERE, lambda: None)} == {name}


@pytest.mark.parametrize(
    "text",
    [
        "name: Order Service",
        "name: Build Pipeline",
        "first_name: String, last_name: String",
        "firstName = Column(String)",
        "last_name: Varchar",
        "full_name: Optional[str] = None",
        "filename: Report Final",
        "Author: Platform Team",
        "Recipient: Acme Support GmbH",
        "Maria Gonzalez",
        "patient: resting, no fever",
        "hostname: Maria",
        "owner=root user=postgres",
        "Customer name: Northwind Traders Ltd",
    ],
)
def test_what_stands_behind_such_a_word_and_is_no_name_stays(text: str) -> None:
    assert list(FINDER.find(text, NOWHERE, lambda: None)) == []


@pytest.mark.parametrize(
    "piece",
    ["name: ", "Maria ", "name: Maria Gonzalez ", "Name=(" * 4, "customer name name: d'", "first_name: A", "Aa,"],
)
def test_searching_for_names_takes_linear_time(piece: str) -> None:
    def took(size: int) -> float:
        text = (piece * (size // len(piece) + 1))[:size]
        start = time.process_time()
        for rule in RULES:
            for match in rule.pattern.finditer(text):
                assert match
        return time.process_time() - start

    assert min(took(64_000) for _ in range(3)) < 4 * min(took(32_000) for _ in range(3)) + 0.01
