"""What customer systems answer: contacts, tickets, orders, shipping, travel."""

from benchmarks.detection import identifiers
from benchmarks.detection.benign import Plain
from benchmarks.detection.people import Fake
from benchmarks.detection.tree import Tree, named, pii, shaped, text


def crm_contact(f: Fake, b: Plain) -> Tree:
    who = f.person()
    return {
        "id": b.uuid(),
        "first_name": who.first(),
        "last_name": who.last(),
        "email": who.email(),
        "phone": f.phone(),
        "mobilePhone": f.phone(),
        "lifecycle_stage": f.one_of("lead customer subscriber"),
        "score": b.rng.randint(0, 100),
        "address": {"street": f.street(), "city": f.town(), "postal_code": f.post_code(), "country": f.locale},
        "email_opt_in": True,
        "email_template": "welcome-2025-03",
        "owner_id": b.big(),
        "created_at": b.iso(),
    }


def crm_search(f: Fake, b: Plain) -> Tree:
    rows: list[Tree] = [
        {
            "contactId": b.order_id(),
            "fullName": f.person().full(),
            "emailAddress": f.email(),
            "phoneNumber": f.phone(),
            "updatedAt": b.millis(),
            "tags": ["vip", "newsletter-2025"],
        }
        for _ in f.some(2, 5)
    ]
    return {"results": rows, "total": b.rng.randint(5, 9000), "nextPageToken": b.page_token()}


def support_ticket(f: Fake, b: Plain) -> Tree:
    who = f.person()
    email, phone = who.email(), f.phone()
    return {
        "ticket": {
            "id": b.rng.randint(100_000, 999_999),
            "subject": "Refund for order ORD-1182",
            "status": "open",
            "requester": {"name": who.full(), "email": email},
            "description": text(
                "Hello, order {} never arrived (tracking {}). Mail me at {} or call my phone {}.",
                "ORD-2024-0091",
                "1Z999AA10123456784",
                email,
                phone,
            ),
            "sla_due": b.iso(),
            "via": {"channel": "email", "source_ip": f.ip()},
            "satisfaction": None,
            "custom_fields": [{"id": 360001234567, "value": b.order_id()}, {"id": 360009876543, "value": "4.2.1"}],
        }
    }


def order_list(f: Fake, b: Plain) -> Tree:
    return {
        "orders": [
            {
                "order_id": b.order_id(),
                "code": b.order_code(),
                "customer_email": f.email(),
                "total": b.amount(),
                "currency": "EUR",
                "items": [{"sku": b.sku(), "ean": b.ean(), "name": "Desk lamp, brass", "qty": 2}],
                "tracking_number": b.tracking(),
                "placed_at": b.iso(),
                "card_type": "visa",
            }
            for _ in f.some(2, 6)
        ]
    }


def travel_booking(f: Fake, b: Plain) -> Tree:
    return {
        "pnr": "QX7L2M",
        "passengers": [
            {
                "name": f.person().full(),
                "dob": f.born(),
                "seat": "14C",
                "passport_no": pii("US_PASSPORT", identifiers.us_passport(f.rng)),
            }
        ],
        "contact": {"email": f.email(), "phone": f.phone()},
        "ticket_number": named("220" + identifiers.digits(f.rng, 10)),
        "segments": [{"flight": "LH 441", "from": "IAH", "to": "FRA", "departs": b.iso(), "aircraft": "A340-300"}],
        "fare": b.amount(),
        "form_of_payment": {"card_number": f.card(), "expiry": "08/29"},
    }


def hotel_guests(f: Fake, b: Plain) -> Tree:
    return {
        "property": "Hotel am Markt",
        "room": "1204",
        "guests": [
            {
                "guest_name": f.person().full(),
                "email": f.email(),
                "loyalty_tier": "gold",
                "arrival": b.day(),
                "rate": b.amount(),
                "confirmation": identifiers.digits(f.rng, 8),
            }
            for _ in f.some(1, 4)
        ],
    }


def shipping_label(f: Fake, b: Plain) -> Tree:
    return {
        "ship_to": {
            "recipient": f.person().full(),
            "street1": f.street(),
            "city": f.town(),
            "zip": f.post_code(),
            "phone": f.phone(),
        },
        "tracking_number": b.tracking(),
        "weight_kg": 1.24,
        "dims_cm": [30, 20, 12],
        "service": "DHL Paket",
        "label_url": f"https://labels.example.com/{b.hex(20)}.pdf",
        "hs_code": "8471.30.00",
    }


def product_catalog(f: Fake, b: Plain) -> Tree:
    return {
        "products": [
            {
                "sku": b.sku(),
                "gtin": b.ean(),
                "isbn": b.isbn(),
                "name": f.one_of("Galaxy-S24 Anna-Chair Bosch-GSR18 Rossi-Sofa"),
                "phone_model": "Pixel 9 Pro",
                "price": b.amount(),
                "colour": b.colour(),
                "part_no": b.part(),
                "stock": b.rng.randint(0, 900),
                "dimensions": "120 x 60 x 75",
                "rating": 4.6,
                "image": b.picture(),
            }
            for _ in f.some(1, 4)
        ]
    }


def loyalty_survey(f: Fake, b: Plain) -> Tree:
    return {
        "responses": [
            {
                "respondent_id": b.uuid(),
                "nps": b.rng.randint(0, 10),
                "submitted": b.iso(),
                "comment": text("Great service, but please write to {} instead", f.email()),
                "device": "iPhone 15,2",
            },
            {
                "respondent_id": b.uuid(),
                "nps": 7,
                "submitted": b.iso(),
                "device": "SM-S911B",
                "comment": "Order 4429-1180 came in 3 parts, 10/10 would buy at 19.99 again",
            },
        ]
    }


def newsletter(f: Fake, b: Plain) -> Tree:
    return {
        "list": "weekly",
        "subscribers": [f.email() for _ in f.some(3, 12)],
        "open_rate": 0.412,
        "campaign_id": b.hex(10),
    }


def guests_in_columns(f: Fake, b: Plain) -> Tree:
    columns = ["id", "name", "email", "phone", "signup_date", "amount"]
    rows: list[Tree] = [
        [b.rng.randint(1, 9999), f.person().full(), f.email(), f.phone(), b.day(), b.amount()] for _ in f.some(2, 5)
    ]
    return {"columns": columns, "rows": rows, "rowcount": shaped(len(rows)), "elapsed_ms": 12.41}


FAMILIES = (
    crm_contact,
    crm_search,
    support_ticket,
    order_list,
    travel_booking,
    hotel_guests,
    shipping_label,
    product_catalog,
    loyalty_survey,
    newsletter,
    guests_in_columns,
)
