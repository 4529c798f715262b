"""Results with credentials in configs, logs, URLs, headers and code, among values that look like them."""

import base64
from collections.abc import Callable, Iterator
from random import Random

from benchmarks.detection.benign import Plain
from benchmarks.detection.corpus import Case, build
from benchmarks.detection.credentials import Secret, secrets
from benchmarks.detection.surviving import password_of
from benchmarks.detection.tree import Leaf, Tree, named, pii, text


def _planted(secret: Secret) -> Leaf:
    """A URL with a password and a header lose their secret part only, or all of it: the part counts."""
    part = secret.value
    if secret.kind == "url_password":
        part = password_of(part)
    if secret.kind in ("bearer", "basic"):
        part = part.partition(" ")[2]
    leaf = pii(f"SECRET:{secret.kind}", part)
    return Leaf(value=secret.value, found=leaf.found)


def dotenv(secret: Secret, b: Plain) -> Tree:
    sha = b.hex(40)
    return {
        "path": ".env.production",
        "content": text(
            "NODE_ENV=production\nGIT_SHA={}\n{}={}\nPORT=8080\n",
            sha,
            Leaf(value=secret.name, free=True),
            _planted(secret),
        ),
    }


def yaml_config(secret: Secret, b: Plain) -> Tree:
    key = Leaf(value=secret.name.lower(), free=True)
    value = secret.value.replace("\n", "\n    ")
    leaf = text(
        'service:\n  image: "app@{}"\n  {}: {}\n  replicas: 3\n',
        b.digest(),
        key,
        Leaf(value=value, found=_planted(secret).found),
    )
    return {"file": "values.yaml", "text": leaf} if "\n" not in secret.value else json_config(secret, b)


def json_config(secret: Secret, b: Plain) -> Tree:
    head, *rest = secret.name.lower().split("_")
    return {
        "config": {
            "region": "eu-west-1",
            head + "".join(word.title() for word in rest): _planted(secret),
            "timeout_ms": 2500,
        },
        "revision": b.commit(),
        "etag": b.etag(),
    }


def environment(secret: Secret, b: Plain) -> Tree:
    return {
        "Config": {
            "Env": [
                text("{}={}", Leaf(value=secret.name, free=True), _planted(secret)),
                "PATH=/usr/bin:/bin",
                "LANG=C.UTF-8",
            ],
            "Image": b.digest(),
        },
        "Id": b.hex(64),
    }


def log_line(secret: Secret, b: Plain) -> Tree:
    if secret.kind in ("bearer", "basic"):
        return text(
            "> POST /v1/charges HTTP/1.1\n> Authorization: {}\n> X-Request-Id: {}\n< 200",
            _planted(secret),
            str(b.uuid().value),
        )
    return text(
        "{} DEBUG loaded {}={} from config", str(b.iso().value), Leaf(value=secret.name, free=True), _planted(secret)
    )


def source_code(secret: Secret, b: Plain) -> Tree:
    quote = '"""' if "\n" in secret.value else '"'
    form = "import os\n\nREVISION = '{}'\n{} = " + quote + "{}" + quote + "\nTIMEOUT = 30\n"
    return {
        "path": "settings.py",
        "line": 4,
        "snippet": text(form, b.hex(40), Leaf(value=secret.name, free=True), _planted(secret)),
    }


def header(secret: Secret, b: Plain) -> Tree:
    name = "Authorization" if secret.kind in ("bearer", "basic") else "X-" + secret.name.replace("_", "-").title()
    return {
        "request": {
            "method": "GET",
            "headers": {
                "Accept": "application/json",
                name: _planted(secret),
                "X-Amzn-Trace-Id": f"Root=1-{b.hex(8)}-{b.hex(24)}",
            },
        }
    }


def query(secret: Secret, b: Plain) -> Tree:
    if any(sign in secret.value for sign in "\n /+#%^"):
        return dotenv(secret, b)
    return {
        "url": text(
            "https://api.example.com/v1/hooks?build={}&{}={}",
            "48213",
            Leaf(value=secret.name.lower(), free=True),
            _planted(secret),
        )
    }


def kubernetes_secret(secret: Secret, b: Plain) -> Tree:
    found = _planted(secret).found[0]
    written = base64.b64encode(secret.value.encode()).decode()
    leaf = pii(found.entity, written)
    return {"kind": "Secret", "metadata": {"uid": b.uuid(), "resourceVersion": "48213377"}, "data": {secret.name: leaf}}


PLACES: tuple[Callable[[Secret, Plain], Tree], ...] = (
    dotenv,
    yaml_config,
    json_config,
    environment,
    log_line,
    source_code,
    header,
    query,
    kubernetes_secret,
)


def look_alikes(b: Plain) -> Tree:
    """What scanners of entropy and key words take for credentials."""
    key = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + b.rng.randbytes(32)).decode()
    body = b.blob()
    return {
        "password_policy": "at least 12 characters, one digit",
        "password_reset_required": False,
        "passwordLastChanged": b.iso(),
        "token_count": b.rng.randint(100, 90_000),
        "max_tokens": 4096,
        "tokenizer": "cl100k_base",
        "nextPageToken": b.page_token(),
        "secret_name": "prod/orders/db-password",
        "secretArn": f"arn:aws:secretsmanager:eu-west-1:{b.account().value}:secret:db-{b.hex(6)}",
        "env": [
            "DB_PASSWORD=${DB_PASSWORD}",
            "API_KEY={{ secrets.API_KEY }}",
            "TOKEN=<redacted>",
            "PASSWORD=********",
            "SECRET=changeme_in_vault:prod/db#pw",
        ],
        "public_key": f"ssh-ed25519 {key} build@ci",
        "publishable": "pk" + "_live_" + b.hex(24),
        "key": "Enter",
        "partition_key": "customerId",
        "primary_key": "id",
        "keyId": b.uuid(),
        "kms_key_id": f"arn:aws:kms:eu-west-1:{b.account().value}:key/{b.uuid().value}",
        "certificate": f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----",
        "integrity": f"sha384-{body[:64]}",
        "digest": b.digest(),
        "commit": b.commit(),
        "etag": b.etag(),
        "md5": b.hex(32),
        "trace": b.hex(32),
        "image": b.picture(),
        "cache_key": f"v2:orders:{b.hex(40)}",
        "idempotency_key": b.uuid(),
        "session_timeout": 3600,
        "auth_method": "oauth2_client_credentials",
        "authorization_url": "https://login.example.com/oauth2/authorize?client_id=portal&response_type=code",
        "client_id": b.uuid(),
        "code": "const token = await getToken(user);\nif (!password) throw new Error('password required');",
        "shell": "export API_KEY=$(aws secretsmanager get-secret-value --secret-id prod/api)",
        "bearer_format": "JWT",
        "doc": "Send the header Authorization: Bearer YOUR_TOKEN_HERE; tokens expire after 3600 seconds.",
        "sklearn": "sk-learn-1.4.2",
        "www_authenticate": 'Bearer realm="mcp", error="invalid_token"',
        "css": f"mask_{b.hex(8)}",
        "build": named(b.hex(40)),
        "ulid": b.ulid(),
        "dsn": "postgresql://localhost:5432/orders",
        "docs": "https://docs.example.com/auth#password-grant",
        "module": "node_modules/.pnpm/@babel+core@7.24.4_supports-color@8.1.1/node_modules",
        "api_key_header": "X-API-Key",
        "has_secret": True,
    }


def secret_cases(seed: int, rounds: int) -> Iterator[Case]:
    """Every kind in `rounds` places, and as many results without any."""
    for turn in range(rounds):
        rng = Random(f"{seed}/secrets/{turn}")
        for index, secret in enumerate(secrets(rng)):
            place = PLACES[(turn + index) % len(PLACES)]
            yield build(f"secrets/{secret.kind}/{turn}", place.__name__, "secrets", place(secret, Plain(rng)), rng)
        for index in range(12):
            yield build(f"secrets/look_alikes/{turn}/{index}", "look_alikes", "secrets", look_alikes(Plain(rng)), rng)
