"""What code tools answer: issues, commits, builds, search, specifications, packages."""

from benchmarks.detection.benign import Plain
from benchmarks.detection.people import Fake
from benchmarks.detection.tree import Tree, free, text


def issue(f: Fake, b: Plain) -> Tree:
    return {
        "number": b.rng.randint(1, 40_000),
        "title": "Crash in v2.14.0 when email is empty",
        "state": "open",
        "user": {"login": free("octo-dev"), "id": b.rng.randint(1, 99_999_999), "node_id": "MDQ6VXNlcjU4MzIzMQ=="},
        "body": text("Steps: run `make`. Commit {}. Version {}. Reported by {}.", b.hex(40), "3.11.9", f.email()),
        "labels": [{"name": "bug", "color": b.hex(6)}],
        "created_at": b.iso(),
        "milestone": None,
    }


def pull_request(f: Fake, b: Plain) -> Tree:
    return {
        "id": b.big(),
        "head": {"ref": "feature/phone-validation", "sha": b.commit()},
        "base": {"ref": "main", "sha": b.commit()},
        "additions": 412,
        "deletions": 17,
        "mergeable": True,
        "diff_url": "https://git.example.com/org/app/pull/1182.diff",
        "title": "Bump undici from 6.19.2 to 6.21.1",
        "merged_at": b.iso(),
        "auto_merge": None,
    }


def commits(f: Fake, b: Plain) -> Tree:
    def one() -> Tree:
        who = f.person()
        return {
            "sha": b.commit(),
            "author": {"name": who.full(), "email": who.email(), "date": b.iso()},
            "message": f"Fix #{b.rng.randint(1, 999)}: retry on 503",
            "parents": [b.commit()],
        }

    return {"commits": [one() for _ in f.some(1, 4)]}


def git_log(f: Fake, b: Plain) -> Tree:
    who, sha = f.person(), b.hex(40)
    return text(
        "commit {}\nAuthor: {} <{}>\nDate:   Mon Nov 3 10:14:07 2025 +0100\n\n    Pin base image {}\n",
        sha,
        free(who.full().value),
        who.email(),
        b.digest(),
    )


def ci_build(f: Fake, b: Plain) -> Tree:
    return {
        "build": b.rng.randint(10_000, 99_999),
        "commit": b.commit(),
        "status": "failed",
        "duration_ms": b.rng.randint(1000, 900_000),
        "image": f"ghcr.example.com/app@{b.digest()}",
        "version": b.semver(),
        "runner_version": b.four_part(),
        "log": f"[2025-11-03T10:14:07.123Z] step 4/17 npm ci\nadded 1182 packages\nsha512-{b.hex(40)}\nexit code 1",
        "artifacts": [{"name": b.file(), "size": b.rng.randint(1, 10**9), "md5": b.hex(32)}],
    }


def docs_search(f: Fake, b: Plain) -> Tree:
    return {
        "hits": [
            {
                "title": "Configure e-mail delivery",
                "url": "https://docs.example.com/v2.14/smtp#port-587",
                "anchor": "port-587",
                "snippet": "Set smtp.host and smtp.port (25, 465 or 587). It must match ^[^@]+@[^@]+$; default none.",
            },
            {
                "title": "Rate limits",
                "url": "https://docs.example.com/limits",
                "snippet": "429 after 1,000 calls in 60 s; retry after 2^n * 250 ms.",
            },
        ],
        "took_ms": 14,
        "index": "docs-2025.11.03",
    }


def code_search(f: Fake, b: Plain) -> Tree:
    return {
        "matches": [
            {
                "path": "src/validate.ts",
                "line": 118,
                "text": r"const EMAIL = /^[\w.+-]+@[\w-]+\.[\w.]+$/;",
                "sha": b.commit(),
            },
            {
                "path": "tests/test_phone.py",
                "line": 9,
                "text": r'PHONE = re.compile(r"\d{3}-\d{3}-\d{4}")',
                "sha": b.commit(),
            },
            {
                "path": "lib/decorators.py",
                "line": 41,
                "text": "@app.get('/v1/users/{id}')\n@cache.memoize(ttl=300)",
                "sha": b.commit(),
            },
        ]
    }


def openapi_spec(f: Fake, b: Plain) -> Tree:
    return {
        "openapi": "3.1.0",
        "info": {"title": "Customers", "version": b.semver()},
        "paths": {
            "/customers/{email}": {
                "get": {
                    "operationId": "getCustomer",
                    "parameters": [
                        {
                            "name": "email",
                            "in": "path",
                            "schema": {"type": "string", "format": "email", "maxLength": 254},
                        }
                    ],
                }
            }
        },
        "components": {
            "schemas": {
                "Customer": {
                    "type": "object",
                    "properties": {
                        "ssn": {"type": "string", "pattern": r"^\d{3}-\d{2}-\d{4}$"},
                        "phone": {"type": "string", "description": "E.164"},
                        "name": {"type": "string", "minLength": 1},
                        "address": {"type": "string"},
                    },
                }
            }
        },
    }


def json_schema(f: Fake, b: Plain) -> Tree:
    return {
        "name": "send_update",
        "inputSchema": {
            "type": "object",
            "required": ["email"],
            "properties": {
                "email": {"type": "string", "description": "Where to send it"},
                "card_number": {"type": "string", "minLength": 12, "maxLength": 19},
                "birth_date": {"type": "string", "format": "date", "default": None},
            },
        },
    }


def package_versions(f: Fake, b: Plain) -> Tree:
    return {
        "packages": [
            {
                "name": name,
                "version": b.semver(),
                "latest": b.four_part(),
                "integrity": "sha512-" + b.blob()[:86] + "==",
                "license": "MIT",
            }
            for name in ("left-pad", "django", "@types/node", "rose")
        ]
    }


def feature_flags(f: Fake, b: Plain) -> Tree:
    return {
        "flags": [
            {"key": "new-phone-input", "on": True, "rollout": 0.25, "salt": b.hex(32), "version": b.rng.randint(1, 99)},
            {"key": "ssn_verified_gate", "on": False, "rollout": 1.0, "salt": b.hex(32), "version": 3},
        ],
        "etag": b.etag(),
    }


FAMILIES = (
    issue,
    pull_request,
    commits,
    git_log,
    ci_build,
    docs_search,
    code_search,
    openapi_spec,
    json_schema,
    package_versions,
    feature_flags,
)
