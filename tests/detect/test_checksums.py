"""Check digits: the standards' own examples pass, and no edit of one digit does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from policies.detect import checksums, ledgers
from policies.detect.keccak import keccak_256
from tests.detect.finding_numbers import edited

RIGHT: tuple[tuple[Callable[[str], bool], str], ...] = (
    (checksums.luhn, "79927398713"),
    (checksums.luhn, "4111 1111 1111 1111"),
    (checksums.luhn, "046 454 286"),
    (checksums.verhoeff, "2363"),
    (checksums.verhoeff, "1428570"),
    (checksums.mod_97, "GB82 WEST 1234 5698 7654 32"),
    (checksums.mod_97, "de89370400440532013000"),
    (checksums.mod_11_10, "86095742719"),
    (checksums.mod_11_10, "07945"),
    (checksums.steuer_id, "86 095 742 719"),
    (checksums.steuer_id, "47036892816"),
    (checksums.aba, "111000025"),
    (checksums.aba, "0210-0002-1"),
    (checksums.nhs, "943 476 5919"),
    (checksums.tfn, "123 456 782"),
    (checksums.nir, "2 55 08 14 168 025 38"),
    (checksums.nif, "12345678Z"),
    (checksums.nif, "X1234567L"),
    (checksums.codice_fiscale, "RSSMRA85T10A562S"),
    (checksums.nric, "S1234567D"),
    (checksums.nric, "M1234567K"),
    (checksums.cpf, "111.444.777-35"),
    (checksums.cnpj, "11.222.333/0001-81"),
    (checksums.cnpj, "12.ABC.345/01DE-35"),
    (ledgers.base58check, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    (ledgers.base58check, "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"),
    (ledgers.bech32, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    (ledgers.bech32, "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"),
    (ledgers.cashaddr, "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"),
    (ledgers.eip_55, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
    (ledgers.stellar, "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ"),
)


@pytest.mark.parametrize(("check", "value"), RIGHT)
def test_published_examples_are_right(check: Callable[[str], bool], value: str) -> None:
    assert check(value)


@pytest.mark.parametrize(("check", "value"), [(check, value) for check, value in RIGHT if value[-1].isdigit()])
def test_another_last_digit_is_wrong(check: Callable[[str], bool], value: str) -> None:
    assert [digit for digit in "0123456789" if check(value[:-1] + digit)] == [value[-1]]


@pytest.mark.parametrize(("check", "value"), RIGHT)
def test_any_digit_edited_by_one_is_wrong(check: Callable[[str], bool], value: str) -> None:
    if value.startswith("0x"):
        return
    assert not [wrong for wrong in edited(value, _digits(value)) if check(wrong)]


def _digits(value: str) -> list[int]:
    """A base58 address may have no 0 in it, and its version stays."""
    return [place for place, char in enumerate(value) if char.isdigit() and char != "9" and place]


@pytest.mark.parametrize("check", dict.fromkeys(check for check, _ in RIGHT))
@pytest.mark.parametrize("value", ["", "0", "1", "12345", "0" * 9, "0" * 11, "A", "ABCDEFGH", "1" * 60])
def test_what_is_no_number_of_the_kind_is_wrong_and_raises_nothing(check: Callable[[str], bool], value: str) -> None:
    assert check(value) in (True, False)


@pytest.mark.parametrize("value", ["00000000000", "11111111111", "999.999.999-99"])
def test_one_digit_over_and_over_is_no_cpf(value: str) -> None:
    assert not checksums.cpf(value)


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
        (
            b"The quick brown fox jumps over the lazy dog",
            "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15",
        ),
    ],
)
def test_keccak_is_that_of_before_the_standard(message: bytes, digest: str) -> None:
    assert keccak_256(message).hex() == digest


def test_keccak_takes_messages_of_several_blocks() -> None:
    assert len({keccak_256(b"a" * length) for length in (135, 136, 137, 271, 272, 273)}) == 6


@pytest.mark.parametrize("place", [2, 5, 17, 30, 41])
def test_an_ethereum_address_in_the_wrong_case_is_wrong(place: int) -> None:
    value = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    assert not ledgers.eip_55(value[:place] + ("1" if value[place] != "1" else "2") + value[place + 1 :])


@pytest.mark.parametrize("value", ["0x" + "ab" * 20, "0x" + "AB" * 20, "0x" + "12" * 20])
def test_one_case_says_nothing_of_an_ethereum_address(value: str) -> None:
    assert not ledgers.eip_55(value)


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (checksums.steuer_id, "11123456786"),
        (checksums.aba, "500000018"),
        (checksums.nhs, "0000000000"),
        (checksums.tfn, "000000000"),
        (ledgers.bech32, "bc1QW508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        (ledgers.bech32, "bc1q"),
    ],
)
def test_a_right_check_does_not_make_up_for_the_other_rules(check: Callable[[str], bool], value: str) -> None:
    assert not check(value)
