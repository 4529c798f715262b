"""Addresses: those of the specifications are found, and none with a character changed."""

from __future__ import annotations

import pytest

from tests.detect.finding_numbers import found, glued, keyed

# From the Bitcoin wiki, BIP 173 and 350, ERC-55, the XRP Ledger's, CashAddr's and Stellar's documentation.
CHECKED = (
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
    "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
    "LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1",
    "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L",
    "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh",
    "rf1BiGeXwwQoi8Z2ueFYTEXSwuJYfV2Jpn",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
    "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
    "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
    "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ",
)
NONE = (
    "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
    "0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED",
    "0x0000000000000000000000000000000000000000",
    "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "d41d8cd98f00b204e9800998ecf8427e",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7Div",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t",
    "Bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    "MzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEy",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed00",
    "TestingTheLongestNameOfAClass",
)


@pytest.mark.parametrize("value", CHECKED)
def test_an_address_with_a_checksum_is_found_without_a_word(value: str) -> None:
    for text in (value, f"send it to {value}, now", f'["{value}"]', f"地址{value}。"):
        assert value in found(text, "CRYPTO")


@pytest.mark.parametrize("value", CHECKED)
def test_an_address_with_one_character_changed_is_not(value: str) -> None:
    for place in (-1, -4, len(value) // 2):
        other = next(char for char in "2345678" if char != value[place])
        wrong = value[:place] + other + (value[place:][1:])
        assert not found(wrong, "CRYPTO")


@pytest.mark.parametrize("value", CHECKED)
def test_inside_something_longer_it_is_not(value: str) -> None:
    texts = [text for text in glued(value) if not text.endswith((".5", ":queue", ":role/x"))]
    assert not [text for text in texts if value in found(text, "CRYPTO")]


@pytest.mark.parametrize("value", NONE)
def test_other_long_words_are_none(value: str) -> None:
    assert not found(f"see {value} there", "CRYPTO")


@pytest.mark.parametrize("word", ["ethereum", "wallet", "ERC", "cartera", "钱包"])
def test_an_ethereum_address_in_one_case_counts_near_a_word(word: str) -> None:
    value = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"
    assert found(f"{word} {value}", "CRYPTO") == {value}
    assert not found(f"{word} 0x{'0' * 40}", "CRYPTO")


def test_a_solana_address_counts_near_a_word() -> None:
    value = "7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV"
    assert found(f"solana {value}", "CRYPTO") == {value}
    assert not found(f"token {value}", "CRYPTO")
    assert not found("solana d41d8cd98f11b214e9811998ecf8427e", "CRYPTO")


def test_a_monero_address_is_long_enough_to_speak_for_itself() -> None:
    value = "4" + "A" + "9zX" * 31
    assert found(f"to {value} now", "CRYPTO") == {value}


@pytest.mark.parametrize("words", ["wallet address", "eth address", "btc", "usdt wallet", "crypto address"])
def test_a_key_says_what_an_address_is(words: str) -> None:
    assert keyed(words, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb") == {"CRYPTO"}
    assert keyed(words, "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed") == {"CRYPTO"}
    assert not keyed(words, "d41d8cd98f11b214e9811998ecf8427e")
    assert not keyed(words, "0x" + "0" * 40)
    assert not keyed(f"{words} id", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb")


def test_forty_hex_digits_under_an_address_are_one_and_a_contracts_are_not() -> None:
    value = "0x" + "9f3b" * 9 + "0a1c"
    assert keyed("payout address", value) == {"CRYPTO"}
    assert keyed("address", value) == {"CRYPTO"}
    assert not keyed("contract address", value)
    assert not keyed("address", "0x" + "0" * 40)
    assert not keyed("address", "0x7ffe04a1c2d8")
