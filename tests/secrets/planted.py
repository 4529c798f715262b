"""Synthetic credentials, put together here from pieces: none of them was ever issued."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Mapping

_ALNUM = string.ascii_letters + string.digits
_URL = _ALNUM + "-_"
_HEX = "0123456789abcdef"
_UPPER = string.ascii_uppercase + string.digits


class Maker:
    """Random credentials of every kind; the same for the same seed."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def of(self, alphabet: str, length: int) -> str:
        while True:
            made = "".join(self._random.choices(alphabet, k=length))
            if made[-1] not in "-_":
                return made

    def uuid(self) -> str:
        return "-".join(self.of(_HEX, length) for length in (8, 4, 4, 4, 12))

    def base64(self, length: int) -> str:
        return base64.b64encode(self._random.randbytes(length)).decode()

    def url64(self, data: bytes | str) -> str:
        data = data.encode() if isinstance(data, str) else data
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    def jwt(self) -> str:
        header = self.url64('{"alg":"HS256","typ":"JWT"}')
        body = self.url64('{"sub":"' + self.of(_HEX, 12) + '","iat":1700000000}')
        return ".".join((header, body, self.of(_URL, 43)))

    def pem(self, kind: str = "RSA ", lines: int = 6, line: str = "\n") -> str:
        body = line.join(self.base64(48) for _ in range(lines))
        return line.join(("-----BEGIN " + kind + "PRIVATE KEY-----", body, "-----END " + kind + "PRIVATE KEY-----"))

    def shaped(self) -> Mapping[str, str]:
        """Kind and credential, of all that need no word beside them."""
        of, uuid = self.of, self.uuid
        digits = string.digits
        return {
            "aws-access-key": "AK" + "IA" + of(string.ascii_uppercase + "234567", 16),
            "aws-access-key/temporary": "AS" + "IA" + of(string.ascii_uppercase + "234567", 16),
            "github-token": "gh" + "p_" + of(_ALNUM, 36),
            "github-oauth-token": "gh" + "o_" + of(_ALNUM, 36),
            "github-app-token": "gh" + "s_" + of(_ALNUM, 36),
            "github-refresh-token": "gh" + "r_" + of(_ALNUM, 76),
            "github-fine-grained-token": "github" + "_pat_" + of(_ALNUM, 22) + "_" + of(_ALNUM, 59),
            "gitlab-token": "gl" + "pat-" + of(_URL, 20),
            "google-api-key": "AI" + "za" + of(_URL, 35),
            "google-oauth-secret": "GOC" + "SPX-" + of(_URL, 28),
            "google-access-token": "ya" + "29." + of(_URL, 120),
            "azure-client-secret": of(_ALNUM, 3) + "8" + "Q~" + of(_ALNUM, 34),
            "databricks-token": "da" + "pi" + of(_HEX, 32),
            "digitalocean-token": "do" + "p_v1_" + of(_HEX, 64),
            "heroku-key": "HR" + "KU-" + uuid(),
            "cloudflare-token": "cf" + "ut_" + of(_ALNUM, 48),
            "npm-token": "np" + "m_" + of(_ALNUM, 36),
            "pypi-token": "py" + "pi-AgEIcHlwaS5vcmc" + of(_URL, 140),
            "docker-hub-token": "dck" + "r_pat_" + of(_URL, 27),
            "vault-token": "hv" + "s." + of(_ALNUM, 90),
            "terraform-cloud-token": of(_ALNUM, 14) + ".atl" + "asv1." + of(_ALNUM, 67),
            "slack-bot-token": "xo" + "xb-" + of(digits, 12) + "-" + of(digits, 13) + "-" + of(_ALNUM, 24),
            "slack-user-token": "xo" + "xp-" + "-".join(of(digits, 12) for _ in range(3)) + "-" + of(_HEX, 32),
            "slack-app-token": "xa" + "pp-1-A" + of(_UPPER, 10) + "-" + of(digits, 13) + "-" + of(_HEX, 64),
            "stripe-secret-key": "sk" + "_live_" + of(_ALNUM, 24),
            "stripe-restricted-key": "rk" + "_live_" + of(_ALNUM, 99),
            "stripe-webhook-secret": "wh" + "sec_" + of(_ALNUM, 32),
            "openai-key": "sk" + "-" + of(_ALNUM, 20) + "T3Blb" + "kFJ" + of(_ALNUM, 20),
            "openai-key/project": "sk" + "-proj-" + of(_URL, 74) + "T3Blb" + "kFJ" + of(_URL, 74),
            "anthropic-key": "sk" + "-ant-api03-" + of(_URL, 93) + "AA",
            "hugging-face-token": "h" + "f_" + of(string.ascii_letters, 34),
            "twilio-api-key": "S" + "K" + of(_HEX, 32),
            "sendgrid-key": "S" + "G." + of(_URL, 22) + "." + of(_URL, 43),
            "mailgun-key": "ke" + "y-" + of(_HEX, 32),
            "mailchimp-key": of(_HEX, 32) + "-u" + "s12",
            "shopify-token": "shp" + "at_" + of(_HEX, 32),
            "square-token": "sq0" + "atp-" + of(_URL, 22),
            "square-token/production": "EA" + "AA" + of(_URL, 60),
            "paypal-braintree-token": "access" + "_token$production$" + of(_HEX, 16) + "$" + of(_HEX, 32),
            "telegram-bot-token": of("123456789", 10) + ":A" + "A" + of(_URL, 33),
            "grafana-token": "gl" + "sa_" + of(_ALNUM, 32) + "_" + of(_HEX, 8),
            "new-relic-key": "NR" + "AK-" + of(_UPPER, 27),
            "sentry-token": "sn" + "tryu_" + of(_HEX, 64),
            "linear-key": "lin" + "_api_" + of(_ALNUM, 40),
            "notion-token": "nt" + "n_" + of(digits, 11) + of(_ALNUM, 35),
            "notion-token/old": "secr" + "et_" + of(_ALNUM, 43),
            "atlassian-token": "ATA" + "TT3" + of(_URL, 186),
            "postman-key": "PM" + "AK-" + of(_HEX, 24) + "-" + of(_HEX, 34),
            "age-key": "AGE-SEC" + "RET-KEY-1" + of("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
            "jwt": self.jwt(),
            "private-key": self.pem(),
            "private-key/openssh": self.pem("OPENSSH "),
            "private-key/pkcs8": self.pem(""),
        }

    def named(self) -> Mapping[str, tuple[str, str]]:
        """Kind, a text with `{}` for the credential, and the credential: of all that need what stands beside them."""
        of = self.of
        return {
            "aws-secret-key": ("aws_secret_access_key = {}", of(_ALNUM + "/+", 40)),
            "aws-secret-key/json": ('"SecretAccessKey": "{}"', of(_ALNUM + "/+", 40)),
            "aws-session-token": ("AWS_SESSION_TOKEN={}", "IQ" + "oJ" + of(_ALNUM + "/+", 300)),
            "slack-webhook": (
                "https://hooks.slack.com/services/{}",
                f"T{of(_UPPER, 8)}/B{of(_UPPER, 10)}/{of(_ALNUM, 24)}",
            ),
            "discord-webhook": (
                "https://discord.com/api/webhooks/12345678901234567{}".replace("{}", "8/{}"),
                of(_URL, 68),
            ),
            "discord-bot-token": (
                "DISCORD_TOKEN={}",
                ".".join((self.url64("123456789012345678"), of(_URL, 6), of(_URL, 38))),
            ),
            "azure-storage-key": (
                "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey={};EndpointSuffix=core.windows.net",
                self.base64(64),
            ),
            "azure-connection-key": (
                "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={}",
                self.base64(32),
            ),
            "azure-sas-signature": (
                "https://acc.blob.core.windows.net/c/b?sv=2022-11-02&sp=r&se=2026-01-01&sig={}",
                of(_ALNUM, 42) + "%3D",
            ),
            "datadog-key": ("DD_API_KEY={}", of(_HEX, 32)),
            "heroku-key": ("HEROKU_API_KEY: {}", self.uuid()),
            "twilio-auth-token": ("TWILIO_AUTH_TOKEN={}", of(_HEX, 32)),
            "cloudflare-token": ("CLOUDFLARE_API_TOKEN={}", of(_ALNUM, 40)),
            "url-password": ("postgresql://app:{}@db.internal:5432/orders", of(_ALNUM, 14)),
            "url-password/redis": ("redis://:{}@cache:6379/0", of(_ALNUM, 12)),
            "bearer-token": ("Authorization: Bearer {}", of(_ALNUM, 32)),
            "basic-credentials": (
                "authorization: Basic {}",
                base64.b64encode(f"svc:{of(_ALNUM, 12)}".encode()).decode(),
            ),
            "authorization-header": ("Authorization: Token {}", of(_HEX, 40)),
        }
