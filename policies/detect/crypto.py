"""Addresses of ledgers. Those with a checksum count by themselves: by chance one in four billion passes base58check,
one in a billion bech32. `0x` and forty hex digits are also what hashes, keys and test data look like: they count by
EIP-55, which an address in mixed case carries (one in 30,000 by chance), or near a word. Solana's have no checksum.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from policies.detect.edges import FRONT, after_first
from policies.detect.ledgers import base58check, bech32, cashaddr, eip_55, stellar
from policies.detect.rule import KeyRule, Late, Rule
from policies.detect.wording import choices, words

_BACK: Final = r"(?![A-Za-z0-9_])(?!-[A-Za-z0-9])"
_BASE58: Final = "[1-9A-HJ-NP-Za-km-z]"
_DATA: Final = "[02-9ac-hj-np-z]"
_HEX: Final = re.compile("[0-9A-Fa-f]++")
_PREFIXES: Final = (
    *("bc", "tb", "ltc", "tltc", "addr", "addr_test", "stake", "cosmos", "osmo", "terra", "inj", "bnb", "celestia"),
    *("axelar", "juno", "kava", "zs"),
)
_SHOUTED: Final = ("BC", "TB", "LTC")

WORDS: Final = words(
    "eth ether ethereum erc bep evm polygon matic usdt usdc crypto cryptocurrency wallet walletaddress metamask "
    "blockchain ens payout billetera cartera portefeuille portafoglio carteira 钱包 ウォレット"
)
_SOLANA_WORDS: Final = words("sol solana spl phantom wallet crypto")


def _mixed(text: str) -> bool:
    """Solana's: a word or a number alone is none."""
    return any(map(str.isdigit, text)) and any(map(str.isupper, text)) and any(map(str.islower, text))


def _not_zero(text: str) -> bool:
    """The null address and its like are nobody's."""
    return len(set(text[2:].lower())) > 4


def _plausible(text: str) -> bool:
    """Under a key that says so: no null address, and no bare hex, which is an id."""
    return _not_zero(text) and (text[:2].lower() == "0x" or _HEX.fullmatch(text) is None)


def _rule(
    name: str,
    first: str,
    rest: str,
    source: str,
    check: Callable[[str], bool] | None = None,
    *,
    near: frozenset[str] = frozenset(),
    holds: str = "",
    least: int = 25,
) -> Rule:
    return Rule(
        name=name,
        entity="CRYPTO",
        pattern=Late(first + FRONT + rest + _BACK),
        source=source,
        why="word" if near else "checksum" if check else "shape",
        confidence=0.8 if near else 0.95,
        check=check,
        words=near,
        holds=holds,
        least=least,
    )


RULES: Final[tuple[Rule, ...]] = (
    _rule(
        "base58check-address",
        rf"[1-39ADLMTXmnrt](?={_BASE58}{{20}})",
        rf"{_BASE58}{{24,34}}+",
        "Bitcoin developer reference, base58check; XRPL base58 encodings",
        base58check,
    ),
    _rule(
        "bech32-address",
        "[abcijklostzBLT](?=[A-Za-z_]{1,9}+1)",
        rf"(?:(?:{after_first(_PREFIXES)})1{_DATA}{{38,103}}+|(?:{after_first(_SHOUTED)})1[02-9AC-HJ-NP-Z]{{38,87}}+)",
        "BIP 173, BIP 350, CIP-19",
        bech32,
        holds="1",
        least=39,
    ),
    _rule(
        "cash-address",
        "[qpb]",
        rf"(?:(?<=b)itcoincash:[qp]|(?<=[qp])){_DATA}{{41}}",
        "Bitcoin Cash, CashAddr specification",
        cashaddr,
        least=41,
    ),
    _rule("ethereum-address", "0", "x[0-9A-Fa-f]{40}", "ERC-55, mixed-case checksum", eip_55, holds="x"),
    _rule("ethereum-address-near-word", "0", "[xX][0-9A-Fa-f]{40}", "ERC-55", _not_zero, near=WORDS, holds="xX"),
    _rule("stellar-address", "G", "[A-D][A-Z2-7]{54}", "Stellar SEP-0023", stellar, holds="G"),
    _rule(
        "monero-address",
        "[48]",
        rf"[0-9AB]{_BASE58}{{93}}(?:{_BASE58}{{11}})?+",
        "Monero, standard address",
        None,
        least=95,
    ),
    _rule(
        "solana-address-near-word",
        _BASE58,
        rf"{_BASE58}{{31,43}}+",
        "Solana documentation, base58 of 32 bytes",
        _mixed,
        near=_SOLANA_WORDS,
    ),
)

_COINS: Final = (
    "btc bitcoin eth ethereum ltc litecoin xrp ripple doge dogecoin sol solana tron trx xlm xmr monero ada usdt usdc "
    "crypto"
)
_OF_COINS: Final = "|".join(f"{coin} {word}" for coin in _COINS.split() for word in ("address", "addr", "wallet"))
KEYS: Final[tuple[KeyRule, ...]] = (
    KeyRule(
        entity="CRYPTO",
        choices=choices(f"{_OF_COINS}|wallet address|walletaddress|wallet|btc|bitcoin"),
        shape=Late(
            rf"0[xX][0-9A-Fa-f]{{40}}|(?:bitcoincash:)?{_BASE58}{{25,44}}|(?i:{'|'.join(_PREFIXES)})1[0-9A-Za-z]{{25,103}}"
            rf"|G[A-Z2-7]{{55}}|[48]{_BASE58}{{94}}"
        ),
        unless=words("id type balance name network provider email"),
        check=_plausible,
    ),
    KeyRule(
        # An address of any kind: forty hex digits behind `0x` are no memory's, and no street is written so.
        entity="CRYPTO",
        choices=choices("address|addr"),
        shape=Late(r"0[xX][0-9A-Fa-f]{40}"),
        unless=words("contract program memory code"),
        check=_not_zero,
    ),
)
