"""What clouds and clusters answer: pods, logs, listings, plans, inventories, audit trails."""

from benchmarks.detection import identifiers
from benchmarks.detection.benign import Plain
from benchmarks.detection.people import Fake
from benchmarks.detection.tree import Tree, free, named, text


def kubernetes_pods(f: Fake, b: Plain) -> Tree:
    return {
        "items": [
            {
                "name": b.pod("orders"),
                "namespace": "prod",
                "uid": b.uuid(),
                "resourceVersion": str(b.rng.randint(10**8, 10**9)),
                "podIP": free(f"10.42.{b.rng.randint(0, 250)}.{b.rng.randint(2, 250)}"),
                "nodeName": "ip-10-0-4-17.ec2.internal",
                "containers": [
                    {"image": f"app:{b.semver()}", "imageID": b.digest(), "ports": [8080, 9090], "cpu": "250m"}
                ],
                "startTime": b.iso(),
                "restarts": 3,
            }
            for _ in f.some(1, 4)
        ]
    }


def cloudwatch_logs(f: Fake, b: Plain) -> Tree:
    request = b.uuid()
    return {
        "events": [
            {
                "timestamp": b.millis(),
                "ingestionTime": b.millis(),
                "eventId": identifiers.digits(f.rng, 56),
                "message": f"START RequestId: {request.value} Version: $LATEST",
            },
            {
                "timestamp": b.millis(),
                "ingestionTime": b.millis(),
                "eventId": identifiers.digits(f.rng, 56),
                "message": text("{} INFO login user={} ip={} took {}", str(request.value), f.email(), f.ip(), "182ms"),
            },
            {
                "timestamp": b.millis(),
                "ingestionTime": b.millis(),
                "eventId": identifiers.digits(f.rng, 56),
                "message": "REPORT Duration: 182.44 ms Billed Duration: 183 ms Memory Size: 512 MB",
            },
        ]
    }


def s3_listing(f: Fake, b: Plain) -> Tree:
    return {
        "bucket": "reports-eu-central-1",
        "contents": [
            {
                "key": f"exports/{b.file()}",
                "etag": b.etag(),
                "size": b.rng.randint(1, 10**10),
                "last_modified": b.iso(),
                "version_id": b.page_token(),
                "owner_id": b.hex(64),
            }
            for _ in f.some(2, 6)
        ],
        "is_truncated": False,
    }


def aws_resources(f: Fake, b: Plain) -> Tree:
    return {
        "account_id": b.account(),
        "resources": [
            {
                "arn": b.arn(),
                "created": b.iso(),
                "instance_id": "i-0" + b.hex(16),
                "vpc": "vpc-0" + b.hex(16),
                "cidr_blocks": [b.cidr(), b.cidr(), "0.0.0.0/0"],
            }
            for _ in f.some(1, 4)
        ],
    }


def dns_inventory(f: Fake, b: Plain) -> Tree:
    return {
        "zone": "example.com",
        "serial": named(int(f"2025{b.rng.randint(1, 12):02d}{b.rng.randint(1, 28):02d}01")),
        "records": [
            {"name": "www", "type": "A", "value": f.ipv4(), "ttl": 300},
            {"name": "@", "type": "MX", "value": "10 mx1.example.com."},
            {"name": "_dmarc", "type": "TXT", "value": "v=DMARC1; p=reject"},
            {"name": "v6", "type": "AAAA", "value": f.ip(), "ttl": 60},
        ],
    }


def network_hosts(f: Fake, b: Plain) -> Tree:
    return {
        "hosts": [
            {
                "hostname": f"srv-{b.rng.randint(1, 99):02d}",
                "address": f.one_of("rack-12.u07 0x7ffe04a1c2d8 /dev/ttyUSB0"),
                "mac_address": f.mac(),
                "ip_address": f.ip(),
                "os_version": b.four_part(),
                "ports": [22, 443, 8443],
                "subnet": b.cidr(),
                "uptime_s": b.rng.randint(1, 10**7),
            }
            for _ in f.some(1, 4)
        ]
    }


def audit_trail(f: Fake, b: Plain) -> Tree:
    return {
        "records": [
            {
                "eventTime": b.iso(),
                "eventName": "AssumeRole",
                "userName": free("ci-deploy"),
                "sourceIPAddress": f.ip(),
                "userAgent": "aws-cli/2.15.30 Python/3.11.8 Linux/6.1.0-18",
                "requestID": b.uuid(),
                "recipientAccountId": b.account(),
                "resources": [b.arn()],
            }
            for _ in f.some(1, 4)
        ]
    }


def auth_events(f: Fake, b: Plain) -> Tree:
    return {
        "events": [
            {
                "id": b.ulid(),
                "type": "login.failed",
                "actor_email": f.email(),
                "client_ip": f.ip(),
                "mfa": "totp",
                "at": b.iso(),
                "session_id": b.uuid(),
                "reason": "bad_password",
                "attempt": 3,
            }
            for _ in f.some(1, 4)
        ]
    }


def terraform_plan(f: Fake, b: Plain) -> Tree:
    return {
        "resource_changes": [
            {
                "address": "module.vpc.aws_subnet.private[0]",
                "type": "aws_subnet",
                "change": {
                    "actions": ["create"],
                    "after": {
                        "cidr_block": b.cidr(),
                        "availability_zone": "eu-central-1a",
                        "tags": {"Name": "private-0"},
                    },
                },
            }
        ],
        "terraform_version": b.semver(),
        "plan_digest": b.digest(),
        "registry": f"{b.account().value}.dkr.ecr.eu-west-1.amazonaws.com/app",
    }


def ci_environment(f: Fake, b: Plain) -> Tree:
    return {
        "env": {
            "BUILD_NUMBER": str(b.rng.randint(1, 99_999)),
            "GIT_SHA": b.hex(12),
            "TZ": "Europe/Berlin",
            "DATABASE_URL": f.url_with_password(),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "SOURCE_DATE_EPOCH": str(b.epoch()),
            "SMTP_FROM": f.email(),
        }
    }


def connection_strings(f: Fake, b: Plain) -> Tree:
    return {
        "services": [
            {
                "name": "orders",
                "dsn": f.url_with_password(),
                "public_url": "https://orders.example.com:8443/healthz",
                "pool": 20,
                "schema_version": "20251103101407",
            }
            for _ in f.some(1, 3)
        ]
    }


FAMILIES = (
    kubernetes_pods,
    cloudwatch_logs,
    s3_listing,
    aws_resources,
    dns_inventory,
    network_hosts,
    audit_trail,
    auth_events,
    terraform_plan,
    ci_environment,
    connection_strings,
)
