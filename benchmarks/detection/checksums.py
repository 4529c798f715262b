"""Check digits, each from the standard or the authority that defines it; written apart from the detectors."""

from hashlib import sha256

_DIHEDRAL = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_PERMUTED = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip
_INVERSE = "0432156789"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_FISCAL_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))


def luhn(payload: str) -> str:
    """ISO/IEC 7812-1: the digit that makes payload + digit pass."""
    doubled = (int(digit) * (2 if index % 2 == 0 else 1) for index, digit in enumerate(reversed(payload)))
    return str(-sum(each - 9 if each > 9 else each for each in doubled) % 10)


def iban(country: str, bban: str) -> str:
    """ISO 13616: mod 97-10 over the rearranged number."""
    number = int("".join(str(int(sign, 36)) for sign in f"{bban}{country}00"))
    return f"{country}{98 - number % 97:02d}{bban}"


def verhoeff(payload: str) -> str:
    """The scheme of Aadhaar numbers (UIDAI)."""
    check = 0
    for index, digit in enumerate(reversed(payload), start=1):
        check = int(_DIHEDRAL[check][int(_PERMUTED[index % 8][int(digit)])])
    return _INVERSE[check]


def routing(payload: str) -> str:
    """ABA routing number: weights 3, 7, 1."""
    return str(-weighted(payload, (3, 7, 1, 3, 7, 1, 3, 7)) % 10)


def nhs(payload: str) -> str | None:
    """NHS Data Dictionary, modulus 11; None where the number is not issued (remainder gives 10)."""
    check = 11 - weighted(payload, (10, 9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return None if check == 10 else str(check % 11)


def german_tax(payload: str) -> str:
    """ISO 7064 MOD 11,10, as the Bundeszentralamt fuer Steuern applies it."""
    product = 10
    for digit in payload:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return str((11 - product) % 10)


def french_key(payload: str) -> str:
    """INSEE: 97 less the number modulo 97, departments in digits."""
    return f"{97 - int(payload) % 97:02d}"


def spanish_letter(number: int) -> str:
    """Ministerio del Interior: modulo 23."""
    return "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23]


def fiscal_character(payload: str) -> str:
    """Codice fiscale, D.M. 23/12/1976: odd and even places weigh differently."""
    places = [int(sign) if sign.isdigit() else ord(sign) - 65 for sign in payload]
    return chr(65 + sum(_FISCAL_ODD[place] if index % 2 == 0 else place for index, place in enumerate(places)) % 26)


def tfn(payload: str) -> str | None:
    """Australian tax file number: the weighted sum of nine digits divides by 11."""
    check = weighted(payload, (1, 4, 3, 7, 5, 8, 6, 9)) % 11  # the ninth weighs 10, which is -1
    return None if check == 10 else str(check)


def _brazilian(digits: str, weights: tuple[int, ...]) -> str:
    rest = weighted(digits, weights) % 11
    return "0" if rest < 2 else str(11 - rest)


def cpf(payload: str) -> str:
    first = _brazilian(payload, (10, 9, 8, 7, 6, 5, 4, 3, 2))
    return first + _brazilian(payload + first, (11, 10, 9, 8, 7, 6, 5, 4, 3, 2))


def cnpj(payload: str) -> str:
    weights = (5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    first = _brazilian(payload, weights)
    return first + _brazilian(payload + first, (6, *weights))


def nric(prefix: str, payload: str) -> str:
    """Singapore: weights 2, 7, 6, 5, 4, 3, 2, and 4 more for T and G."""
    total = weighted(payload, (2, 7, 6, 5, 4, 3, 2)) + (4 if prefix in "TG" else 0)
    return ("JZIHGFEDCBA" if prefix in "ST" else "XWUTRQPNMLK")[total % 11]


def ean(payload: str) -> str:
    """GS1: weights 1 and 3; ISBN-13 is the same."""
    return str(-sum(int(digit) * (3 if index % 2 == 0 else 1) for index, digit in enumerate(reversed(payload))) % 10)


def base58check(version: int, payload: bytes) -> str:
    """Bitcoin addresses before segwit."""
    data = bytes([version]) + payload
    data += sha256(sha256(data).digest()).digest()[:4]
    number, out = int.from_bytes(data, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        out = _BASE58[rest] + out
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + out


def bech32(prefix: str, payload: bytes) -> str:
    """BIP 173, witness version 0."""
    bits = "".join(f"{byte:08b}" for byte in payload)
    words = [0, *(int(bits[at : at + 5].ljust(5, "0"), 2) for at in range(0, len(bits), 5))]
    spread = [*(ord(sign) >> 5 for sign in prefix), 0, *(ord(sign) & 31 for sign in prefix)]
    check = _polymod([*spread, *words, 0, 0, 0, 0, 0, 0]) ^ 1
    words += [check >> 5 * (5 - index) & 31 for index in range(6)]
    return f"{prefix}1" + "".join(_BECH32[word] for word in words)


def _polymod(words: list[int]) -> int:
    check = 1
    for word in words:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ word
        for bit, term in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= term if top >> bit & 1 else 0
    return check
