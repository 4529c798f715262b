"""What people write and what tools put into text: mail, chat, calendars, tables, query results."""

from benchmarks.detection import identifiers
from benchmarks.detection.benign import Plain
from benchmarks.detection.people import Fake
from benchmarks.detection.tree import Leaf, Tree, as_leaf, free, pii, text


def email_thread(f: Fake, b: Plain) -> Tree:
    sender, reader = f.person(), f.person()
    phone = f.phone()
    return {
        "messages": [
            {
                "from": sender.email(),
                "to": [reader.email()],
                "subject": "Re: Angebot 2025-1182",
                "date": b.iso(),
                "message_id": free(f"<{b.hex(20)}@mail.example.com>"),
                "body": text(
                    "Dear team,\n\nplease transfer {} EUR to {} by {}.\n\nRegards\nphone: {}\n",
                    "1,182.40",
                    f.iban(),
                    "Friday",
                    phone,
                ),
            }
        ]
    }


def calendar(f: Fake, b: Plain) -> Tree:
    return {
        "events": [
            {
                "uid": b.uuid(),
                "summary": "Quarterly review Q4/2025",
                "start": b.iso(),
                "end": b.iso(),
                "location": "Room 4.12",
                "organizer": f.email(),
                "attendees": [{"email": f.email(), "displayName": f.person().full(), "response": "accepted"}],
                "dialIn": text("Dial in by phone: {}, PIN 4471#", f.phone()),
            }
            for _ in f.some(1, 3)
        ]
    }


def chat_messages(f: Fake, b: Plain) -> Tree:
    return {
        "channel": "C04QX7L2M8Z",
        "messages": [
            {
                "user": "U02ABCDEF12",
                "ts": "1762164847.123459",
                "text": text("can someone add {} to the project?", f.email()),
            },
            {
                "user": "U02ABCDEF34",
                "ts": "1762164899.000200",
                "text": f"deploy {b.semver()} done in 182 s, see build 48213 :rocket:",
            },
            {
                "user": "U02ABCDEF56",
                "ts": "1762164999.000100",
                "text": text("their card {} got declined, ticket {}", f.card(), "#48213"),
            },
        ],
    }


def sql_rows(f: Fake, b: Plain) -> Tree:
    return {
        "query": "SELECT id, email, phone FROM customers WHERE created_at > '2025-01-01' LIMIT 10",
        "rows": [
            {
                "id": b.rng.randint(1, 10**6),
                "email": f.email(),
                "phone": f.phone(),
                "ip_address": f.ip(),
                "balance": b.amount(),
                "created_at": b.iso(),
                "is_active": True,
            }
            for _ in f.some(2, 6)
        ],
    }


def json_lines(f: Fake, b: Plain) -> Tree:
    return [
        {
            "ts": b.millis(),
            "level": "info",
            "user_email": f.email(),
            "remote_addr": f.ip(),
            "status": 200,
            "bytes": b.rng.randint(1, 10**6),
            "path": "/api/v2/orders/8812",
        }
        for _ in f.some(2, 5)
    ]


def _cells(rows: list[list[Tree]]) -> list[list[Leaf]]:
    return [[leaf for cell in row if (leaf := as_leaf(cell)) is not None] for row in rows]


def table(columns: list[str], rows: list[list[Tree]], *, between: str, edge: str = "", rule: bool = False) -> Leaf:
    """A table as text; a cell with the separator in it is quoted. Benign cells are kept parts."""
    cells = _cells(rows)
    lines = [columns, *(["---"] * len(columns) for _ in range(int(rule)))]
    lines += [[_quoted(str(cell.value), between) for cell in row] for row in cells]
    flat = [cell for row in cells for cell in row]
    return Leaf(
        value="\n".join(edge + between.join(line) + edge[::-1] for line in lines),
        headings=tuple(columns),
        found=tuple(each for cell in flat for each in cell.found),
        kept=tuple(str(cell.value) for cell in flat if not cell.found and not cell.free and len(str(cell.value)) > 5),
    )


def _quoted(value: str, between: str) -> str:
    return f'"{value}"' if between.strip() in value and between == "," else value


def _customer_rows(f: Fake, b: Plain) -> list[list[Tree]]:
    return [[b.order_id(), f.person().full(), f.email(), f.phone(), b.amount(), b.day()] for _ in f.some(2, 6)]


CUSTOMER = ["order_id", "customer_name", "email", "phone", "total", "date"]


def csv_export(f: Fake, b: Plain) -> Tree:
    return table(CUSTOMER, _customer_rows(f, b), between=",")


def csv_in_json(f: Fake, b: Plain) -> Tree:
    return {
        "format": "csv",
        "filename": b.file(),
        "data": table(CUSTOMER, _customer_rows(f, b), between=";"),
        "rows": 5,
    }


def markdown_table(f: Fake, b: Plain) -> Tree:
    return table(CUSTOMER, _customer_rows(f, b), between=" | ", edge="| ", rule=True)


def markdown_versions(f: Fake, b: Plain) -> Tree:
    rows: list[list[Tree]] = [[b.pod("api"), b.four_part(), b.digest(), b.iso()] for _ in f.some(2, 5)]
    return table(["pod", "version", "image", "started"], rows, between=" | ", edge="| ", rule=True)


def employees_csv(f: Fake, b: Plain) -> Tree:
    key, entity, make = f.rng.choice(identifiers.NATIONAL.get(f.locale, identifiers.NATIONAL["US"]))
    rows: list[list[Tree]] = []
    for _ in f.some(2, 5):
        number = pii(entity, make(f.rng))
        rows.append([f"E{identifiers.digits(f.rng, 6)}", f.person().full(), f.born(), number, f.iban(), b.amount()])
    return table(["employee_id", "full_name", "date_of_birth", key, "iban", "salary"], rows, between=",")


def web_analytics(f: Fake, b: Plain) -> Tree:
    return {
        "visits": [
            {
                "visitor_id": b.hex(16),
                "client_ip": f.ip(),
                "utm_campaign": "black_friday_2025",
                "session": b.ulid(),
                "lang": "de-DE",
                "screen": "2560x1440",
                "duration": 182.4,
                "referrer": "https://search.example.com/?q=phone+model",
                "ga_client_id": "1182736455.1762164847",
            }
            for _ in f.some(1, 4)
        ]
    }


def meeting_notes(f: Fake, b: Plain) -> Tree:
    return {
        "title": "Notes 2025-11-03",
        "text": text(
            "Agreed: ship {} on {}. Customer wants a call back, phone {}. Host {} is to be replaced; reset goes to {}.",
            "v2.14.0",
            "2025-12-01",
            f.phone(),
            f.ipv4(),
            f.email(),
        ),
    }


FAMILIES = (
    email_thread,
    calendar,
    chat_messages,
    sql_rows,
    json_lines,
    csv_export,
    csv_in_json,
    markdown_table,
    markdown_versions,
    employees_csv,
    web_analytics,
    meeting_notes,
)
