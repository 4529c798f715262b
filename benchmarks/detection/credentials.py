"""Credentials of the shapes that services give out, made up by a seeded generator.

Prefixes are put together from pieces, so that no scanner takes this file for a leak.
Shapes: the services' documentation.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

_HEX = "0123456789abcdef"
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = "0123456789"
_WORD = _UPPER + _UPPER.lower() + _DIGITS
_SAFE = _WORD + "-_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """`name` is the variable it is kept in; a kind of no recognisable shape is found by its name only."""

    kind: str
    name: str
    value: str


def _of(rng: Random, count: int, signs: str = _WORD) -> str:
    """With a digit, an upper and a lower case letter where the signs have them, as real ones nearly always do."""
    while True:
        value = "".join(rng.choices(signs, k=count))
        kinds = [kind for kind in (str.isdigit, str.isupper, str.islower) if any(map(kind, signs))]
        if value[0] not in "-_" and value[-1] not in "-_" and all(any(map(kind, value)) for kind in kinds):
            return value


def _jwt(rng: Random) -> str:
    def part(value: dict[str, str | int]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")

    body = part({"sub": _of(rng, 8), "exp": rng.randint(10**9, 2 * 10**9)})
    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{body}.{_of(rng, 43, _SAFE)}"


def _pem(rng: Random, label: str) -> str:
    body = base64.b64encode(b"\x30\x82" + rng.randbytes(400)).decode()
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return f"-----BEGIN {label} KEY-----\n{lines}\n-----END {label} KEY-----"


def _b64(rng: Random, count: int) -> str:
    return base64.b64encode(rng.randbytes(count)).decode()


def _slack_webhook(rng: Random) -> str:
    team, app = (_of(rng, 10, _UPPER + _DIGITS) for _ in range(2))
    return "https://hooks." + f"slack.com/services/T{team}/B{app}/{_of(rng, 24)}"


Make = Callable[[Random], str]
_KINDS: tuple[tuple[str, str, Make], ...] = (
    ("aws_access_key", "AWS_ACCESS_KEY_ID", lambda r: "AK" + "IA" + _of(r, 16, _UPPER + "234567")),
    ("aws_temporary_key", "AWS_ACCESS_KEY_ID", lambda r: "AS" + "IA" + _of(r, 16, _UPPER + "234567")),
    ("aws_secret_key", "AWS_SECRET_ACCESS_KEY", lambda r: _of(r, 40, _WORD + "+/")),
    ("aws_session_token", "AWS_SESSION_TOKEN", lambda r: "IQoJ" + "b3JpZ2luX2Vj" + _b64(r, 240)),
    ("github_pat", "GITHUB_TOKEN", lambda r: "gh" + "p_" + _of(r, 36)),
    ("github_oauth", "GH_OAUTH_TOKEN", lambda r: "gh" + "o_" + _of(r, 36)),
    ("github_app", "GH_APP_TOKEN", lambda r: "gh" + "s_" + _of(r, 36)),
    ("github_fine_grained", "GH_PAT", lambda r: "github" + "_pat_" + _of(r, 22) + "_" + _of(r, 59)),
    ("gitlab_pat", "GITLAB_TOKEN", lambda r: "gl" + "pat-" + _of(r, 20, _SAFE)),
    ("gitlab_runner", "RUNNER_TOKEN", lambda r: "gl" + "rt-" + _of(r, 20, _SAFE)),
    ("slack_bot", "SLACK_BOT_TOKEN", lambda r: "xo" + "xb-" + _of(r, 12, _DIGITS) + "-" + _of(r, 13,
        _DIGITS) + "-" + _of(r, 24)),
    ("slack_app", "SLACK_APP_TOKEN", lambda r: "xa" + "pp-1-A" + _of(r, 10, _UPPER + _DIGITS) + "-" + _of(r, 13,
        _DIGITS) + "-" + _of(r, 64, _HEX)),
    ("slack_webhook", "SLACK_WEBHOOK_URL", _slack_webhook),
    ("stripe_live", "STRIPE_SECRET_KEY", lambda r: "sk" + "_live_" + _of(r, 24)),
    ("stripe_restricted", "STRIPE_KEY", lambda r: "rk" + "_live_" + _of(r, 99)),
    ("google_api_key", "GOOGLE_API_KEY", lambda r: "AI" + "za" + "Sy" + _of(r, 33, _SAFE)),
    ("google_oauth_secret", "GOOGLE_CLIENT_SECRET", lambda r: "GOC" + "SPX-" + _of(r, 28, _SAFE)),
    ("azure_storage_key", "AZURE_STORAGE_KEY", lambda r: _b64(r, 64)),
    ("azure_client_secret", "AZURE_CLIENT_SECRET", lambda r: _of(r, 3) + "8Q" + "~" + _of(r, 34, _SAFE)),
    ("openai_project", "OPENAI_API_KEY", lambda r: "sk" + "-proj-" + _of(r, 74, _SAFE) + "T3Blbk" + "FJ" + _of(r, 74,
        _SAFE)),
    ("openai_legacy", "OPENAI_API_KEY", lambda r: "s" + "k-" + _of(r, 20) + "T3Blbk" + "FJ" + _of(r, 20)),
    ("anthropic", "ANTHROPIC_API_KEY", lambda r: "sk-" + "ant-" + "api03-" + _of(r, 93, _SAFE) + "AA"),
    ("huggingface", "HF_TOKEN", lambda r: "h" + "f_" + _of(r, 34, _UPPER + _UPPER.lower())),
    ("jwt", "ID_TOKEN", _jwt),
    ("rsa_private_key", "TLS_KEY", lambda r: _pem(r, "RSA " + "PRIVATE")),
    ("private_key", "SIGNING_KEY", lambda r: _pem(r, "PRIVATE")),
    ("openssh_private_key", "DEPLOY_KEY", lambda r: _pem(r, "OPENSSH " + "PRIVATE")),
    ("url_password", "DATABASE_URL", lambda r: f"postgresql://app:{_of(r, 18)}@db-1.prod.internal:5432/orders"),
    ("bearer", "AUTHORIZATION", lambda r: "Bearer " + _of(r, 40, _SAFE)),
    ("basic", "AUTHORIZATION", lambda r: "Basic " + base64.b64encode(f"deploy:{_of(r, 18)}".encode()).decode()),
    ("sendgrid", "SENDGRID_API_KEY", lambda r: "S" + "G." + _of(r, 22, _SAFE) + "." + _of(r, 43, _SAFE)),
    ("twilio", "TWILIO_API_KEY", lambda r: "S" + "K" + _of(r, 32, _HEX)),
    ("mailgun", "MAILGUN_API_KEY", lambda r: "ke" + "y-" + _of(r, 32, _HEX)),
    ("npm", "NPM_TOKEN", lambda r: "np" + "m_" + _of(r, 36)),
    ("pypi", "PYPI_TOKEN", lambda r: "py" + "pi-" + "AgEIcHlwaS5vcmc" + _of(r, 120, _SAFE)),
    ("docker_hub", "DOCKER_TOKEN", lambda r: "dckr" + "_pat_" + _of(r, 27, _SAFE)),
    ("digitalocean", "DO_TOKEN", lambda r: "do" + "p_v1_" + _of(r, 64, _HEX)),
    ("shopify", "SHOPIFY_TOKEN", lambda r: "shp" + "at_" + _of(r, 32, _HEX)),
    ("telegram_bot", "TELEGRAM_BOT_TOKEN", lambda r: _of(r, 10, "123456789") + ":" + "AA" + _of(r, 33, _SAFE)),
    ("vault", "VAULT_TOKEN", lambda r: "hv" + "s." + _of(r, 95, _SAFE)),
    ("terraform_cloud", "TF_TOKEN", lambda r: _of(r, 14) + ".atlas" + "v1." + _of(r, 67, _SAFE)),
    ("datadog", "DD_API_KEY", lambda r: _of(r, 32, _HEX)),
    ("new_relic", "NEW_RELIC_API_KEY", lambda r: "NR" + "AK-" + _of(r, 27, _UPPER + _DIGITS)),
    ("linear", "LINEAR_API_KEY", lambda r: "lin" + "_api_" + _of(r, 40)),
    ("postman", "POSTMAN_API_KEY", lambda r: "PM" + "AK-" + _of(r, 24, _HEX) + "-" + _of(r, 34, _HEX)),
    ("grafana", "GRAFANA_TOKEN", lambda r: "gl" + "sa_" + _of(r, 32) + "_" + _of(r, 8, _HEX)),
    ("databricks", "DATABRICKS_TOKEN", lambda r: "da" + "pi" + _of(r, 32, _HEX)),
    ("age_key", "AGE_KEY", lambda r: "AGE-SECRET-" + "KEY-1" + _of(r, 58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L")),
    ("password", "DB_PASSWORD", lambda r: _of(r, 16, _WORD + "!#%^*")),
    ("generic_api_key", "PARTNER_API_KEY", lambda r: _of(r, 32)),
    ("client_secret", "OAUTH_CLIENT_SECRET", lambda r: _of(r, 48, _SAFE)),
)  # fmt: skip
KINDS = tuple(kind for kind, _, _ in _KINDS)


def secrets(rng: Random) -> list[Secret]:
    """One of every kind."""
    return [Secret(kind=kind, name=name, value=make(rng)) for kind, name, make in _KINDS]


def secret(rng: Random) -> Secret:
    kind, name, make = rng.choice(_KINDS)
    return Secret(kind=kind, name=name, value=make(rng))
