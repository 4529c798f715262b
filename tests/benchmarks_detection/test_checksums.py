"""The corpus's check digits against examples that the authorities and standards publish."""

from random import Random

import pytest

from benchmarks.detection import checksums, identifiers

PUBLISHED = [
    (checksums.luhn, "7992739871", "3"),
    (checksums.luhn, "04645428", "6"),
    (checksums.verhoeff, "236", "3"),
    (checksums.routing, "02100002", "1"),
    (checksums.nhs, "943476591", "9"),
    (checksums.german_tax, "8609574271", "9"),
    (checksums.french_key, "1841276451089", "46"),
    (checksums.fiscal_character, "RSSMRA85T10A562", "S"),
    (checksums.tfn, "87654321", "0"),
    (checksums.cpf, "111444777", "35"),
    (checksums.cnpj, "112223330001", "81"),
    (checksums.ean, "400638133393", "1"),
]


@pytest.mark.parametrize(("check", "payload", "expected"), PUBLISHED)
def test_a_published_example_has_its_check_digit(check, payload, expected):
    assert check(payload) == expected


def test_published_numbers_of_two_arguments_have_their_checks():
    assert checksums.iban("GB", "WEST12345698765432") == "GB82WEST12345698765432"
    assert checksums.spanish_letter(12345678) == "Z"
    assert checksums.nric("S", "1234567") == "D"


def test_the_address_examples_of_bitcoin_s_documents_come_out():
    witness = bytes.fromhex("751e76e8199196d454941c45d1b3a323f1433bd6")
    assert checksums.bech32("bc", witness) == "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
    old = bytes.fromhex("010966776006953d5567439e5e39f86a0d273bee")
    assert checksums.base58check(0, old) == "16UwLL9Risc3QfPqBUvKofHmBQ7wMtjvM"


def test_numbers_that_are_not_issued_have_no_check_digit():
    assert checksums.nhs("000000001") is not None
    assert None in {checksums.nhs(f"{number:09d}") for number in range(100)}
    assert None in {checksums.tfn(f"{number:08d}") for number in range(100)}


@pytest.mark.parametrize("seed", range(200))
def test_made_up_cards_are_of_the_length_and_parity_of_cards(seed):
    number = identifiers.card_number(Random(seed))
    assert 12 <= len(number) <= 19
    assert checksums.luhn(number[:-1]) == number[-1]
