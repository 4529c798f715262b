"""The same values in error texts and sentences."""

from random import Random

from benchmarks.detection.benign import Plain
from benchmarks.detection.people import Fake
from benchmarks.detection.tree import Leaf, text

_KEYED = (
    'duplicate key value violates unique constraint "customers_{key}_key": Key ({key})=({}) already exists.',
    "ValidationError: {key}: {} is not unique (error 23505, see build {})",
    "WARN [orders] retrying with {key}={} after {} ms",
    'Cannot parse "{key}": "{}" at line 14 column 8',
)
_SAID = {
    "EMAIL_ADDRESS": (
        "User {} does not exist.",
        "550 5.1.1 <{}>: Recipient address rejected: User unknown",
        "I wrote to {}, no answer.",
    ),
    "PHONE_NUMBER": (
        "Please call {} after {}.",
        "SMS to phone {} failed: carrier code {}",
        "Tel. {}, ask for order {}",
    ),
    "CREDIT_CARD": ("Card {} was declined (code {}).", "They paid with {} on {}."),
    "IBAN_CODE": ("Transfer to {} was returned.", "SEPA mandate for IBAN {} is invalid, see {}"),
    "IP_ADDRESS": ("Connection from {} refused after {} attempts", "rate limit exceeded for {}"),
    "MAC_ADDRESS": ("DHCPACK to {} via eth0", "Unknown station {} on VLAN {}"),
    "URL_CREDENTIALS": ("could not connect to {}: timeout after {} s", "fatal: unable to access '{}'"),
    "CRYPTO": ("Sent 0.031 to {}, block {}", "invalid checksum for wallet {}"),
}
_BENIGN = (
    "Order {} not found (trace {}, build {}).",
    "Deploy of {} finished at {}; image {}",
    "Function {} timed out after 29.01 seconds; see {} and {}",
    "HTTP 409: version conflict, expected {} but found {}, object {}",
)


def sentence(rng: Random, key: str, leaf: Leaf) -> Leaf:
    """One sentence about the value of the leaf, with something harmless beside it."""
    said = _SAID.get(leaf.found[0].entity, ()) if rng.random() < 0.6 else ()
    form = rng.choice(said or _KEYED).replace("{key}", key)
    return text(form, leaf, str(rng.randint(10_000, 99_999))) if form.count("{}") > 1 else text(form, leaf)


def harmless(fake: Fake, plain: Plain) -> Leaf:
    """A sentence without personal data in it, full of numbers."""
    words = [
        str(plain.commit().value),
        plain.semver(),
        str(plain.iso().value),
        plain.digest(),
        plain.arn(),
        str(plain.uuid().value),
    ]
    return text(fake.rng.choice(_BENIGN), *fake.rng.sample(words, 3)[:3])
