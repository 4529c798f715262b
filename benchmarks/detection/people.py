"""Made-up people and what tools say of them: the leaves that have to go."""

from random import Random

from benchmarks.detection import identifiers
from benchmarks.detection.places import ADDRESSES, NAMES, PHONES
from benchmarks.detection.tree import Leaf, free, pii

LOCALES = tuple(NAMES)
_FOLDED = str.maketrans("áàâäãåçéèêëíìîïñóòôöõúùûüýßÁÉÍÓÚ'", "aaaaaaceeeeiiiinooooouuuuysaeiou-")
_DOMAINS = ("example.com", "example.org", "example.net", "mail.example.com", "eu.example.org", "corp.example.net")


class Fake:
    """Everything comes from one seeded generator."""

    def __init__(self, rng: Random, locale: str) -> None:
        self.rng, self.locale = rng, locale

    def one_of(self, words: str) -> str:
        return self.rng.choice(words.split())

    def some(self, least: int, most: int) -> range:
        return range(self.rng.randint(least, most))

    def names(self) -> tuple[str, str]:
        given, family = NAMES[self.locale]
        return self.one_of(given), self.one_of(family)

    def person(self) -> "Person":
        return Person(self)

    def email(self) -> Leaf:
        return self.person().email()

    def phone(self) -> Leaf:
        code, ranges = PHONES[self.locale]
        chosen = self.rng.choice(list(ranges))
        number = "".join(self.rng.choice("0123456789") if sign == "#" else sign for sign in chosen)
        style = self.rng.random()
        if style < 0.3:
            return pii("PHONE_NUMBER", f"+{code}{number}")
        written = _national(self.rng.choice(ranges[chosen].split("|")), number)
        if style < 0.6 or self.locale == "SG":
            return pii("PHONE_NUMBER", f"+{code} {written.replace('(0', '(').removeprefix('0')}")
        return pii("PHONE_NUMBER", written)

    def street(self) -> Leaf:
        forms = ADDRESSES[self.locale][0].split("|")
        return pii(
            "STREET_ADDRESS", self.rng.choice(forms).format(n=self.rng.randint(11, 299), k=self.rng.randint(1, 9))
        )

    def town(self) -> Leaf:
        return free(ADDRESSES[self.locale][1])

    def post_code(self) -> Leaf:
        return free(ADDRESSES[self.locale][2])

    def card(self) -> Leaf:
        return pii("CREDIT_CARD", identifiers.card(self.rng))

    def iban(self) -> Leaf:
        return pii("IBAN_CODE", identifiers.iban(self.rng, self.locale))

    def national(self) -> tuple[str, Leaf]:
        """(key, leaf) of a number that the locale's people have; Japan's is none of ours and is left out."""
        key, entity, make = self.rng.choice(identifiers.NATIONAL.get(self.locale, identifiers.NATIONAL["US"]))
        return key, pii(entity, make(self.rng))

    def born(self) -> Leaf:
        year, month, day = self.rng.randint(1945, 2006), self.rng.randint(1, 12), self.rng.randint(1, 28)
        if self.rng.random() < 0.7:
            return pii("DATE_OF_BIRTH", f"{year}-{month:02d}-{day:02d}", format="date")
        form = {"US": "{m:02d}/{d:02d}/{y}", "DE": "{d:02d}.{m:02d}.{y}"}.get(self.locale, "{d:02d}/{m:02d}/{y}")
        return pii("DATE_OF_BIRTH", form.format(y=year, m=month, d=day))

    def ipv4(self) -> Leaf:
        other = f"{self.rng.randint(11, 99)}.{self.rng.randint(1, 250)}.7"
        net = self.rng.choice(["203.0.113", "198.51.100", "192.0.2", other])
        return pii("IP_ADDRESS", f"{net}.{self.rng.randint(100, 254)}")

    def ip(self) -> Leaf:
        if self.rng.random() < 0.7:
            return self.ipv4()
        groups = [f"{self.rng.randint(0x1000, 0xFFFF):x}" for _ in range(6)]
        short = f"2001:db8::{groups[0]}:{groups[1]}"
        return pii("IP_ADDRESS", self.rng.choice([short, "2001:db8:" + ":".join(groups)]))

    def mac(self) -> Leaf:
        pairs = [f"{byte:02x}" for byte in self.rng.randbytes(6)]
        return pii("MAC_ADDRESS", self.rng.choice([":".join(pairs), "-".join(pairs).upper()]))

    def crypto(self) -> Leaf:
        return pii("CRYPTO", identifiers.crypto(self.rng))

    def url_with_password(self) -> Leaf:
        scheme = self.one_of("postgres mysql amqp redis https mongodb ftp")
        word = identifiers.letters(self.rng, 14, "abcdefghkmnpqrstuvwxyzABCDEFGHKMNPQRSTUVWXYZ23456789")
        user, host = (
            self.one_of("app svc_orders reporting admin"),
            self.one_of("db-1.internal mq.prod.example.com cache-2"),
        )
        return pii("URL_CREDENTIALS", f"{scheme}://{user}:{word}@{host}:{self.rng.randint(1024, 9999)}/main")


class Person:
    """One person whose name and addresses agree."""

    def __init__(self, fake: Fake) -> None:
        self._fake = fake
        self.given, self.family = fake.names()

    def full(self) -> Leaf:
        return pii("PERSON", f"{self.given} {self.family}")

    def first(self) -> Leaf:
        return pii("PERSON", self.given)

    def last(self) -> Leaf:
        return pii("PERSON", self.family)

    def email(self) -> Leaf:
        given, family = (name.translate(_FOLDED).lower() for name in (self.given, self.family))
        rng = self._fake.rng
        forms = (f"{given}.{family}", f"{given[0]}{family}", f"{given}_{family}{rng.randint(1, 99)}", f"{given}+crm")
        return pii("EMAIL_ADDRESS", f"{rng.choice(forms)}@{rng.choice(_DOMAINS)}", format="email")


def _national(form: str, number: str) -> str:
    """`({:3}) {:3}-{:4}` takes three, three, four digits; what remains goes to the last place."""
    parts, out, at = form.split("{:"), form.split("{:")[0], 0
    for index, part in enumerate(parts[1:], start=1):
        size, _, rest = part.partition("}")
        end = len(number) if index == len(parts) - 1 else at + int(size)
        out, at = out + number[at:end] + rest, end
    return out
