"""Numbers that identify people and money: made up, valid by their checksums."""

from collections.abc import Callable
from random import Random

from benchmarks.detection import checksums

Make = Callable[[Random], str]
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def digits(rng: Random, count: int) -> str:
    return "".join(rng.choices("0123456789", k=count))


def letters(rng: Random, count: int, of: str = _LETTERS) -> str:
    return "".join(rng.choices(of, k=count))


def grouped(value: str, *sizes: int, by: str = " ") -> str:
    """Cut into groups of these sizes; the last size repeats."""
    out: list[str] = []
    at = 0
    while at < len(value):
        size = sizes[min(len(out), len(sizes) - 1)]
        out.append(value[at : at + size])
        at += size
    return by.join(out)


def card_number(rng: Random) -> str:
    """ISO/IEC 7812 issuer ranges of the networks, 12 to 19 digits."""
    prefix, length = rng.choice(
        [
            ("4", 16), ("4", 16), ("4", 16), ("4", 13), ("4", 19), (str(rng.randint(51, 55)), 16),
            (str(rng.randint(51, 55)), 16), (str(rng.randint(2221, 2720)), 16), (rng.choice(["34", "37"]), 15),
            (rng.choice(["6011", "65", "644"]), 16), (str(rng.randint(3528, 3589)), 16), ("36", 14),
            (str(rng.randint(300, 305)), 14), ("6221", 16), ("6250", 19), ("5018", 12), ("6759", 19),
        ]
    )  # fmt: skip
    payload = prefix + digits(rng, length - 1 - len(prefix))
    return payload + checksums.luhn(payload)


def card(rng: Random) -> str:
    number = card_number(rng)
    if len(number) in (14, 15):
        return rng.choice([number, grouped(number, 4, 6, 5), grouped(number, 4, 6, 5, by="-")])
    return rng.choice([number, grouped(number, 4), grouped(number, 4, by="-")]) if len(number) == 16 else number


def iban(rng: Random, country: str = "") -> str:
    bban = {
        "DE": digits(rng, 18), "GB": letters(rng, 4) + digits(rng, 14), "FR": digits(rng, 23), "ES": digits(rng, 20),
        "IT": letters(rng, 1) + digits(rng, 22), "NL": letters(rng, 4) + digits(rng, 10), "CH": digits(rng, 17),
        "AT": digits(rng, 16), "BE": digits(rng, 12), "BR": digits(rng, 23) + "P1",
    }  # fmt: skip
    chosen = country if country in bban else rng.choice(sorted(bban))
    whole = checksums.iban(chosen, bban[chosen])
    return grouped(whole, 4) if rng.random() < 0.4 else whole


def ssn(rng: Random) -> str:
    area = rng.choice((rng.randint(1, 665), rng.randint(667, 899)))
    return f"{area:03d}-{rng.randint(1, 99):02d}-{rng.randint(1, 9999):04d}"


def itin(rng: Random) -> str:
    group = rng.choice([*range(50, 66), *range(70, 89), *range(90, 93), *range(94, 100)])
    return f"9{digits(rng, 2)}-{group}-{digits(rng, 4)}"


def routing(rng: Random) -> str:
    payload = f"{rng.choice([*range(1, 13), *range(21, 33)]):02d}{digits(rng, 6)}"
    return payload + checksums.routing(payload)


def bank_number(rng: Random) -> str:
    return str(rng.randint(1, 9)) + digits(rng, rng.randint(7, 13))


def us_passport(rng: Random) -> str:
    return rng.choice([letters(rng, 1) + digits(rng, 8), str(rng.randint(1, 9)) + digits(rng, 8)])


def us_licence(rng: Random) -> str:
    """California, Florida, New Jersey, Texas."""
    return rng.choice(
        [
            letters(rng, 1) + digits(rng, 7),
            letters(rng, 1) + digits(rng, 12),
            letters(rng, 1) + digits(rng, 14),
            digits(rng, 8),
        ]
    )


def nhs(rng: Random) -> str:
    while (check := checksums.nhs(payload := rng.choice("4567") + digits(rng, 8))) is None:
        pass
    whole = payload + check
    return rng.choice([grouped(whole, 3, 3, 4), whole])


def nino(rng: Random) -> str:
    first, second = "ABCEGHJKLMNOPRSTWXYZ", "ABCEGHJKLMNPRSTWXYZ"
    while (prefix := rng.choice(first) + rng.choice(second)) in {"BG", "GB", "NK", "KN", "TN", "NT", "ZZ"}:
        pass
    whole = prefix + digits(rng, 6) + rng.choice("ABCD")
    return rng.choice([whole, grouped(whole, 2)])


def german_tax(rng: Random) -> str:
    """One digit twice among the first ten, one missing; the first is not zero."""
    while True:
        chosen = rng.sample("0123456789", 9)
        payload = [*chosen, rng.choice(chosen)]
        rng.shuffle(payload)
        if payload[0] != "0":
            whole = "".join(payload) + checksums.german_tax("".join(payload))
            return rng.choice([whole, grouped(whole, 2, 3)])


def french_nir(rng: Random) -> str:
    place = f"{rng.choice([*range(1, 20), *range(21, 96)]):02d}{rng.randint(1, 900):03d}{rng.randint(1, 999):03d}"
    payload = f"{rng.choice('12')}{rng.randint(40, 99):02d}{rng.randint(1, 12):02d}{place}"
    whole = payload + checksums.french_key(payload)
    return rng.choice([whole, grouped(whole, 1, 2, 2, 2, 3, 3, 2)])


def nif(rng: Random) -> str:
    number = rng.randint(1_000_000, 99_999_999)
    return f"{number:08d}{rng.choice(['', '', '-'])}{checksums.spanish_letter(number)}"


def nie(rng: Random) -> str:
    prefix, number = rng.choice("XYZ"), digits(rng, 7)
    return prefix + number + checksums.spanish_letter(int(f"{'XYZ'.index(prefix)}{number}"))


def fiscal_code(rng: Random) -> str:
    consonants = letters(rng, 6, "BCDFGLMNPRSTVZ")
    born = f"{rng.randint(40, 99):02d}{rng.choice('ABCDEHLMPRST')}{rng.choice([*range(1, 29), *range(41, 69)]):02d}"
    payload = f"{consonants}{born}{rng.choice('ABCDEFGHIL')}{rng.randint(100, 999)}"
    return payload + checksums.fiscal_character(payload)


def aadhaar(rng: Random) -> str:
    payload = rng.choice("23456789") + digits(rng, 10)
    whole = payload + checksums.verhoeff(payload)
    return rng.choice([whole, grouped(whole, 4)])


def pan(rng: Random) -> str:
    return f"{letters(rng, 3)}P{letters(rng, 1)}{rng.randint(1, 9999):04d}{letters(rng, 1)}"


def tfn(rng: Random) -> str:
    while (check := checksums.tfn(payload := rng.choice("12345678") + digits(rng, 7))) is None:
        pass
    return rng.choice([payload + check, grouped(payload + check, 3)])


def sin(rng: Random) -> str:
    payload = rng.choice("1245679") + digits(rng, 7)
    whole = payload + checksums.luhn(payload)
    return rng.choice([grouped(whole, 3), grouped(whole, 3, by="-"), whole])


def cpf(rng: Random) -> str:
    whole = (payload := digits(rng, 9)) + checksums.cpf(payload)
    return f"{whole[:3]}.{whole[3:6]}.{whole[6:9]}-{whole[9:]}" if rng.random() < 0.7 else whole


def cnpj(rng: Random) -> str:
    whole = (payload := digits(rng, 8) + "0001") + checksums.cnpj(payload)
    return f"{whole[:2]}.{whole[2:5]}.{whole[5:8]}/{whole[8:12]}-{whole[12:]}" if rng.random() < 0.7 else whole


def nric(rng: Random) -> str:
    prefix, payload = rng.choice("STFG"), digits(rng, 7)
    return prefix + payload + checksums.nric(prefix, payload)


def crypto(rng: Random) -> str:
    return rng.choice(
        [
            checksums.base58check(0, rng.randbytes(20)),
            checksums.base58check(5, rng.randbytes(20)),
            checksums.bech32("bc", rng.randbytes(20)),
            "0x" + rng.randbytes(20).hex(),
        ]
    )


NATIONAL: dict[str, tuple[tuple[str, str, Make], ...]] = {
    "US": (("ssn", "US_SSN", ssn), ("social_security_number", "US_SSN", ssn), ("itin", "US_ITIN", itin)),
    "GB": (("nino", "UK_NINO", nino), ("nationalInsuranceNumber", "UK_NINO", nino), ("nhs_number", "UK_NHS", nhs)),
    "DE": (("steuer_id", "DE_TAX_ID", german_tax), ("taxIdentificationNumber", "DE_TAX_ID", german_tax)),
    "FR": (("numero_securite_sociale", "FR_NIR", french_nir), ("nir", "FR_NIR", french_nir)),
    "ES": (("nif", "ES_NIF", nif), ("dni", "ES_NIF", nif), ("nie", "ES_NIE", nie)),
    "IT": (("codice_fiscale", "IT_FISCAL_CODE", fiscal_code), ("fiscalCode", "IT_FISCAL_CODE", fiscal_code)),
    "IN": (("aadhaar_number", "IN_AADHAAR", aadhaar), ("pan", "IN_PAN", pan)),
    "AU": (("tfn", "AU_TFN", tfn), ("taxFileNumber", "AU_TFN", tfn)),
    "CA": (("sin", "CA_SIN", sin), ("socialInsuranceNumber", "CA_SIN", sin)),
    "BR": (("cpf", "BR_CPF", cpf), ("cnpj", "BR_CNPJ", cnpj)),
    "SG": (("nric", "SG_NRIC", nric), ("nric_fin", "SG_NRIC", nric)),
}
"""Per country: (key as platforms write it, entity, maker)."""
