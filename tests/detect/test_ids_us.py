"""SSN, ITIN, passport and driving licence."""

from __future__ import annotations

import pytest

from tests.detect.finding_numbers import found, glued, keyed

ALONE: dict[str, tuple[str, ...]] = {
    "US_SSN": (
        "123-45-6789",
        "001-01-0001",
        "460-89-9847",
        "514-69-0360",
        "054-28-6917",
        "853-37-1694",
        "899-99-9999",
        "494 33 0748",
        "710-31-0236",
        "772-12-3456",
    ),
    "US_ITIN": (
        "900-70-0000",
        "912-50-1234",
        "999-88-9999",
        "900-90-0000",
        "999-92-9999",
        "900-94-0000",
        "999-99-1234",
        "955-65-4321",
        "923-71-0001",
        "987-82-1111",
    ),
}
SAID: dict[str, tuple[str, ...]] = {
    "US_SSN": ("123456789", "460.89.9847", "514690360", "054286917", "853371694"),
    "US_ITIN": ("900700000", "912501234", "999 88 9999", "900.90.0000", "955654321"),
    "US_PASSPORT": (
        "C12345678",
        "A00112233",
        "340007237",
        "512345678",
        "x98765432",
        "910239248",
        "Z11223344",
        "488839667",
        "E10203040",
        "601234567",
    ),
    "US_DRIVER_LICENSE": (
        "A1234567",
        "F162823540116",
        "D123-4567-8901",
        "S99988801",
        "B12345678901",
        "M1234567890123",
        "N1234567",
        "H12345678",
        "K1234567",
        "W123456789012",
    ),
}
WORD = {"US_SSN": "ssn", "US_ITIN": "itin", "US_PASSPORT": "passport", "US_DRIVER_LICENSE": "driver's license"}
WRONG: dict[str, tuple[str, ...]] = {
    "US_SSN": (
        "000-45-6789",
        "666-45-6789",
        "900-45-6789",
        "123-00-6789",
        "123-45-0000",
        "078-05-1120",
        "219-09-9999",
        "111-11-1111",
        "123-456-789",
        "1234-5-6789",
        "12-345-6789",
        "***-**-6789",
        "000-00-0000",
        "2270-66-1551",
    ),
    "US_ITIN": (
        "800-70-0000",
        "900-49-0000",
        "900-66-0000",
        "900-69-0000",
        "900-89-0000",
        "900-93-0000",
        "999-99-9999",
        "90-070-0000",
        "9007-00-000",
        "***-70-0000",
    ),
    "US_PASSPORT": (
        "C1234567",
        "C123456789",
        "12345678",
        "1234567890",
        "000000000",
        "CC12345678",
        "C 1234567",
        "123-456-789",
        "1234C5678",
        "12345678C",
    ),
    "US_DRIVER_LICENSE": (
        "A-1",
        "valid until 2030",
        "class C",
        "A",
        "12",
        "A0000000",
        "expired 01/02/2030",
        "3.5",
        "*****567",
        "renewal",
    ),
}
UNDER_A_KEY = [
    ("ssn", "000456789", "US_SSN"),
    ("social security number", "123-45-6789", "US_SSN"),
    ("ssn", "1234567", "US_SSN"),
    ("itin", "900700000", "US_ITIN"),
    ("passport number", "C12345678", "US_PASSPORT"),
    ("passport", "340007237", "US_PASSPORT"),
    ("driver license number", "D1234567", "US_DRIVER_LICENSE"),
    ("führerschein nummer", "B072RRE2I55", "US_DRIVER_LICENSE"),
    ("fuhrerschein", "B0720002I55", "US_DRIVER_LICENSE"),
]


def _cases(table: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(entity, value) for entity, values in table.items() for value in values]


@pytest.mark.parametrize(("entity", "value"), _cases(ALONE))
def test_a_number_that_speaks_for_itself_is_found_without_a_word(entity: str, value: str) -> None:
    for text in (value, f"it is {value}, so", f'["{value}"]', f"x={value};", f"号码{value}。"):
        assert found(text, entity) == {value}


@pytest.mark.parametrize(("entity", "value"), _cases(ALONE))
def test_inside_something_longer_it_is_not(entity: str, value: str) -> None:
    assert not [text for text in glued(value) if value in found(text, entity)]


@pytest.mark.parametrize(("entity", "value"), _cases(SAID))
def test_a_weaker_number_is_found_near_a_word_only(entity: str, value: str) -> None:
    assert value in found(f"{WORD[entity]} {value}", entity)
    assert value in found(f"{WORD[entity]}: {value}.", entity)
    assert not found(f"order {value}", entity)


@pytest.mark.parametrize(("entity", "value"), _cases(WRONG))
def test_a_wrong_number_is_not_found_even_near_a_word(entity: str, value: str) -> None:
    assert not found(f"{WORD[entity]} {value}", entity)


@pytest.mark.parametrize(
    "text",
    ["SSN is on file: 123456789", "Social Security number 123456789", "social security no. on file is 123456789"],
)
def test_a_phrase_may_stand_some_words_before_the_number(text: str) -> None:
    assert found(text, "US_SSN") == {"123456789"}


@pytest.mark.parametrize("text", ["social media 123456789", "DL123456", "software license 12345678", "plate ABC1234"])
def test_half_a_phrase_says_nothing(text: str) -> None:
    assert not found(text, "US_SSN") | found(text, "US_DRIVER_LICENSE")


@pytest.mark.parametrize(("words", "value", "entity"), UNDER_A_KEY)
def test_a_key_says_what_a_number_is(words: str, value: str, entity: str) -> None:
    assert entity in keyed(words, value)
    assert not keyed("order ref", value)
    assert not keyed(words, "0" * 9)


@pytest.mark.parametrize(
    ("words", "value", "entities"),
    [
        ("dln", "38211002394857", set()),
        ("dln", "12345678", {"US_DRIVER_LICENSE"}),
        ("driver license", "A12345678901234", {"US_DRIVER_LICENSE"}),
        ("passport", "C12 345 678", {"US_PASSPORT"}),
        ("passport", "1234 5678 9", {"US_PASSPORT"}),
        ("passport", "ABC1 DEFG", set()),
        ("passport", "2031-05-17", set()),
        ("ssn", "5362 2872 6", {"US_SSN"}),
    ],
)
def test_under_a_key_groups_may_be_any_and_a_documents_number_is_no_licence(
    words: str, value: str, entities: set[str]
) -> None:
    assert keyed(words, value) == entities
