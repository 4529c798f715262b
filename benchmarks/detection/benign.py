"""What looks like personal data and is not: the leaves that have to stay."""

import base64
import uuid
from random import Random

from benchmarks.detection import checksums
from benchmarks.detection.identifiers import digits, letters
from benchmarks.detection.tree import Leaf, named, shaped

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_EPOCH = 1_740_000_000


class Plain:
    """Hard negatives from one seeded generator."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng

    def order_id(self) -> Leaf:
        """12 or 16 digits; one in ten passes Luhn by chance, which its key alone makes harmless."""
        count = self.rng.choice([12, 16])
        payload = str(self.rng.randint(1, 9)) + digits(self.rng, count - 2)
        right = int(checksums.luhn(payload))
        if self.rng.random() < 0.1:
            return named(f"{payload}{right}")
        last = next(sign for sign in "3947062815" if sign not in (str(right), checksums.verhoeff(payload)))
        return shaped(payload + last, pattern="^[0-9]+$")

    def order_code(self) -> Leaf:
        return shaped(f"ORD-{digits(self.rng, 4)}-{digits(self.rng, 7)}", pattern="^ORD-[0-9]{4}-[0-9]{7}$")

    def sku(self) -> str:
        return self.rng.choice(
            [f"{letters(self.rng, 3)}-{digits(self.rng, 5)}-{letters(self.rng, 2)}", f"SKU{digits(self.rng, 8)}"]
        )

    def tracking(self) -> Leaf:
        """Carriers' forms: UPS 1Z, postal S10, and twelve to twenty-two bare digits, which need their key."""
        bare = named(self.rng.choice(["9400", "4203", "6129"]) + digits(self.rng, self.rng.choice([8, 16, 18])))
        return self.rng.choice(
            [
                Leaf(value=f"1Z{letters(self.rng, 3)}{digits(self.rng, 13)}"),
                Leaf(value=f"RR{digits(self.rng, 9)}DE"),
                bare,
            ]
        )

    def invoice(self) -> str:
        return f"INV-{self.rng.randint(2023, 2026)}-{digits(self.rng, 6)}"

    def epoch(self) -> int:
        return _EPOCH + self.rng.randrange(40_000_000)

    def millis(self) -> int:
        return self.epoch() * 1000 + self.rng.randrange(1000)

    def iso(self) -> Leaf:
        day = f"{self.rng.randint(2024, 2026)}-{self.rng.randint(1, 12):02d}-{self.rng.randint(1, 28):02d}"
        clock = f"{self.rng.randint(0, 23):02d}:{self.rng.randint(0, 59):02d}:{self.rng.randint(0, 59):02d}"
        zone = self.rng.choice(["Z", ".123Z", "+02:00", ".482913+00:00"])
        return shaped(f"{day}T{clock}{zone}", format="date-time")

    def day(self) -> Leaf:
        return shaped(
            f"{self.rng.randint(2024, 2026)}-{self.rng.randint(1, 12):02d}-{self.rng.randint(1, 28):02d}", format="date"
        )

    def uuid(self) -> Leaf:
        return shaped(str(uuid.UUID(int=self.rng.getrandbits(128), version=4)), format="uuid")

    def hex(self, count: int) -> str:
        return f"{self.rng.getrandbits(count * 4):0{count}x}"

    def commit(self) -> Leaf:
        return shaped(self.hex(40), pattern="^[0-9a-f]{40}$")

    def digest(self) -> str:
        return f"sha256:{self.hex(64)}"

    def semver(self) -> str:
        core = f"{self.rng.randint(0, 12)}.{self.rng.randint(0, 40)}.{self.rng.randint(0, 90)}"
        return core + self.rng.choice(["", "", "-rc.1", "+build.77", "-alpine3.19"])

    def four_part(self) -> Leaf:
        """A version that is a valid IPv4 address: only its key tells."""
        return named(".".join(str(self.rng.randint(1, 20)) for _ in range(4)))

    def account(self) -> Leaf:
        """An AWS account: twelve digits, some of which pass a check digit by chance."""
        return named(str(self.rng.randint(1, 9)) + digits(self.rng, 11), pattern="^[0-9]{12}$")

    def arn(self) -> str:
        kind = self.rng.choice(
            [
                "lambda:eu-west-1:{}:function:orders-api",
                "iam::{}:role/ci-deploy",
                "s3:::reports-{}",
                "sqs:us-east-1:{}:events",
            ]
        )
        return "arn:aws:" + kind.format(self.account().value)

    def amount(self) -> float:
        return round(self.rng.uniform(1, 99_999), 2)

    def latitude(self) -> float:
        return round(self.rng.uniform(-60, 70), 6)

    def longitude(self) -> float:
        return round(self.rng.uniform(-180, 180), 6)

    def big(self) -> int:
        """Ids of fifteen or more digits that are numbers: failing Luhn."""
        payload = str(self.rng.randint(1, 9)) + digits(self.rng, self.rng.choice([8, 13, 14, 17]))
        return int(f"{payload}{(int(checksums.luhn(payload)) + 3) % 10}")

    def ean(self) -> Leaf:
        payload = self.rng.choice(["400", "978", "501"]) + digits(self.rng, 9)
        return named(payload + checksums.ean(payload))

    def isbn(self) -> str:
        payload = "978" + digits(self.rng, 9)
        return f"978-{payload[3]}-{payload[4:8]}-{payload[8:12]}-{checksums.ean(payload)}"

    def part(self) -> str:
        return self.rng.choice(
            [
                f"{digits(self.rng, 3)}-{digits(self.rng, 4)}-{letters(self.rng, 2)}",
                f"P/N {digits(self.rng, 8)}",
                f"{letters(self.rng, 2)}{digits(self.rng, 6)}X",
            ]
        )

    def colour(self) -> str:
        return f"#{self.hex(6)}"

    def picture(self) -> str:
        return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + self.rng.randbytes(180)).decode()

    def blob(self) -> str:
        return base64.b64encode(b"\x89PNG\r\n\x1a\n" + self.rng.randbytes(120)).decode()

    def cidr(self) -> str:
        return f"10.{self.rng.randint(0, 250)}.0.0/{self.rng.choice([16, 20])}"

    def pod(self, app: str) -> str:
        return f"{app}-{self.hex(10)}-{letters(self.rng, 5, 'bcdfghjklmnpqrstvwxz2456789')}"

    def file(self) -> str:
        return self.rng.choice(
            [
                "src/app/main.py",
                "report_20250914T101500Z.csv",
                "backup-2025-11-03-0400.tar.gz",
                "IMG_20250117_142233.jpg",
                "invoice@2x.png",
                "README.md",
            ]
        )

    def ulid(self) -> str:
        return "01J" + letters(self.rng, 23, _BASE32.replace("I", "").replace("O", ""))

    def etag(self) -> str:
        return f'"{self.hex(32)}-{self.rng.randint(1, 40)}"'

    def page_token(self) -> Leaf:
        return named(base64.b64encode(self.rng.randbytes(33)).decode())
