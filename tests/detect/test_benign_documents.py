"""Documents as tools give them, in which nothing is anybody's: whatever is found in one is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from policies.detect.catalog import engine
from policies.detect.entities import ENTITIES, LOCALES
from policies.model import Json

ENGINE = engine(ENTITIES, LOCALES, 0.0)
HEX = "9b2d41f0c7a8e35d6417f0c2ab98d3e5"

DOCUMENTS: dict[str, Json] = {
    "networks": {
        "vpc": {"cidr_block": "10.14.0.0/16", "cidr_blocks": ["10.0.0.0/8", "172.16.0.0/12", "0.0.0.0/0"]},
        "subnets": [{"subnet": "192.168.4.0/22", "ipv6_cidr": "2001:db8:12::/48"}],
        "routes": ["10.3.0.0/20", "198.51.100.0/24"],
        "netmask": "255.255.252.0",
    },
    "versions": {
        "packages": [{"name": "django", "latest": "12.4.16.2", "installed": "11.9.20.14", "required": "10.11.12.13"}],
        "os_version": "10.0.19.45",
        "runner_version": "14.3.17.20",
        "firmware": "12.10.4.18",
        "kernel": "16.1.10.18",
        "dependencies": {"left-pad": "10.14.3.1"},
        "releases": ["10.20.30.40", "10.20.30.41"],
        "semver": "11.12.13.14",
    },
    "tables": "| pod | version |\n| --- | --- |\n| api-7f9c | 12.14.3.11 |\n| web-55d4 | 12.14.3.12 |\n",
    "columns": "package,latest,size\nrequests,12.31.10.11,61\nflask,13.10.12.14,99\n",
    "orders": {
        "order_id": "104829113740",
        "code": "ORD-2025-0048213",
        "sku": "AXB-48213-QT",
        "total": 1182.4,
        "placed_at": "2025-11-03T10:14:07.123Z",
        "items": [{"name": "Desk Lamp", "ean": "4006381333931", "qty": 2}],
        "invoice": "INV-2025-004821",
    },
    "shipping": {"tracking_number": "1Z999AA10123456784", "carrier": {"name": "Blue Arrow"}, "service": "DHL Paket"},
    "tax": {"form": "W-7", "dln": "38211002394857", "year": 2025},
    "code": {
        "sha": HEX + "a1b2c3d4",
        "image": f"registry.example.com/app@sha256:{HEX}{HEX}",
        "author_association": "MEMBER",
        "branch": {"name": "feature/phone-validation"},
        "repository": {"name": "Order Service", "full_name": "acme/order-service"},
        "labels": [{"name": "Needs Review"}, {"name": "Good First Issue"}],
    },
    "cloud": {
        "displayName": "Compute Engine",
        "name": "projects/shop-prod/services/compute.example.com",
        "owner": "Data Platform",
        "arn": "arn:aws:lambda:eu-west-1:123456789012:function:orders-api",
        "role": {"name": "Read Only Access"},
        "address": "module.vpc.aws_subnet.private[0]",
        "memory_address": "0x7ffe04a1c2d8",
    },
    "crm": {
        "company": {"name": "Northwind Traders Ltd"},
        "campaign": {"name": "Black Friday", "owner_team": "Growth Marketing"},
        "plan": {"display_name": "Gold Plus"},
        "stage": {"name": "Closed Won"},
        "product": {"name": "Anna Chair"},
    },
    "places": {"features": [{"properties": {"name": "Jardin des Plantes"}}, {"properties": {"name": "Hyde Park"}}]},
    "schema": {"properties": {"name": {"type": "string"}, "first_name": {"type": "string", "title": "First Name"}}},
    "logs": [
        "name: Order Service",
        "level=info name=checkout-worker status=200",
        "Deploy of v2.14.0 finished at 2025-11-03T10:14:07Z; image app@sha256:" + HEX,
        "REPORT Duration: 182.44 ms Billed Duration: 183 ms Memory Size: 512 MB",
    ],
}


def texts(value: Json, keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from texts(each, (key, *keys)[:2])
    elif isinstance(value, list):
        for each in value:
            yield from texts(each, keys)
    elif isinstance(value, str):
        yield keys, value


@pytest.mark.parametrize("name", DOCUMENTS)
def test_nothing_is_found_where_nothing_is(name: str) -> None:
    found = [
        (keys, text[each.start : each.end], each.entity)
        for keys, text in texts(DOCUMENTS[name])
        for each in ENGINE.find(text, ENGINE.context(keys), lambda: None)
    ]
    assert found == []
