"""What systems about people answer: payroll, HR, health, identity checks, tax."""

from benchmarks.detection import identifiers
from benchmarks.detection.benign import Plain
from benchmarks.detection.people import Fake
from benchmarks.detection.tree import Tree, free, named, pii


def payroll(f: Fake, b: Plain) -> Tree:
    key, number = f.national()
    return {
        "period": "2025-10",
        "rows": [
            {
                "employee_id": f"E{identifiers.digits(f.rng, 6)}",
                "employee_name": f.person().full(),
                key: number,
                "gross": b.amount(),
                "net": b.amount(),
                "iban": f.iban(),
                "cost_center": b.rng.randint(4000, 4999),
            }
        ],
    }


def us_payroll(f: Fake, b: Plain) -> Tree:
    return {
        "employee": {
            "name": f.person().full(),
            "ssn": pii("US_SSN", identifiers.ssn(f.rng), pattern=r"^\d{3}-\d{2}-\d{4}$"),
            "ssn_verified": True,
            "routing_number": pii("US_ROUTING_NUMBER", identifiers.routing(f.rng)),
            "bank_account_number": pii("US_BANK_NUMBER", identifiers.bank_number(f.rng)),
            "gross_cents": b.rng.randint(100_000, 900_000),
            "pay_date": b.day(),
        }
    }


def hr_profile(f: Fake, b: Plain) -> Tree:
    who, (key, number) = f.person(), f.national()
    return {
        "employeeId": b.rng.randint(10_000, 99_999),
        "displayName": who.full(),
        "workEmail": who.email(),
        "dateOfBirth": f.born(),
        key: number,
        "homeAddress": f.street(),
        "city": f.town(),
        "jobTitle": "Platform Engineer",
        "department": "Payments & Risk",
        "hireDate": b.day(),
        "managerId": b.uuid(),
        "level": "L5",
        "fte": 0.8,
        "emergencyContact": {"name": f.person().full(), "phone": f.phone(), "relation": "spouse"},
    }


def patient_record(f: Fake, b: Plain) -> Tree:
    who = f.person()
    ident: list[Tree] = [{"system": "urn:oid:2.16.840.1.113883.4.1", "type": "MR", "value": free(b.hex(8))}]
    return {
        "resourceType": "Patient",
        "id": b.uuid(),
        "identifier": ident,
        "birthDate": f.born(),
        "gender": "unknown",
        "name": [{"use": "official", "family": who.last(), "given": [who.first()]}],
        "nhs_number": pii("UK_NHS", identifiers.nhs(f.rng)),
        "active": True,
        "telephone": f.phone(),
        "codes": ["I10", "E11.9", "Z79.4"],
        "bp": "128/82",
        "loinc": "8480-6",
        "ndc": "0071-0155-23",
    }


def kyc_check(f: Fake, b: Plain) -> Tree:
    who, (key, number) = f.person(), f.national()
    return {
        "applicant_id": b.ulid(),
        "full_name": who.full(),
        "date_of_birth": f.born(),
        key: number,
        "passport_number": pii("US_PASSPORT", identifiers.us_passport(f.rng)),
        "document_type": "passport",
        "drivers_license_number": pii("US_DRIVER_LICENSE", identifiers.us_licence(f.rng)),
        "passport_verified": True,
        "risk_score": 0.173,
        "checks": {"pep": False, "sanctions": False, "address_match": "partial"},
        "checked_at": b.iso(),
    }


def tax_form(f: Fake, b: Plain) -> Tree:
    return {
        "form": "W-7",
        "year": 2025,
        "taxpayer": f.person().full(),
        "itin": pii("US_ITIN", identifiers.itin(f.rng)),
        "agi": b.amount(),
        "dln": named(identifiers.digits(f.rng, 14)),
        "filed": b.day(),
    }


def company_registry(f: Fake, b: Plain) -> Tree:
    return {
        "company": {
            "name": "Northwind Traders Ltd",
            "registration": "HRB 114829",
            "founded": "1994-05-02",
            "employees": 1180,
            "tax_number": pii("BR_CNPJ", identifiers.cnpj(f.rng)) if f.locale == "BR" else free("27/123/45678"),
            "lei": "529900T8BM49AURSDO55",
            "directors": [{"name": f.person().full(), "appointed": b.day()}],
        }
    }


def tax_identities(f: Fake, b: Plain) -> Tree:
    """An employer of many countries: every row has its own kind of number."""
    rows: list[Tree] = []
    for country in f.rng.sample(sorted(identifiers.NATIONAL), 4):
        key, entity, make = f.rng.choice(identifiers.NATIONAL[country])
        rows.append({"country": country, "worker_id": b.rng.randint(10_000, 99_999), key: pii(entity, make(f.rng))})
    return {"identities": rows, "exported_at": b.iso()}


FAMILIES = (tax_identities, payroll, us_payroll, hr_profile, patient_record, kyc_check, tax_form, company_registry)
