"""What money systems answer: invoices, charges, transactions, wallets, rates."""

from benchmarks.detection import identifiers
from benchmarks.detection.benign import Plain
from benchmarks.detection.people import Fake
from benchmarks.detection.tree import Tree, pii, text


def invoice(f: Fake, b: Plain) -> Tree:
    return {
        "invoice_number": b.invoice(),
        "issue_date": b.day(),
        "due_date": b.day(),
        "net": b.amount(),
        "vat_rate": 0.19,
        "bill_to": {"name": f.person().full(), "street": f.street(), "city": f.town(), "email": f.email()},
        "lines": [
            {"part_number": b.part(), "description": "Maintenance 2025-10", "quantity": 3, "unit_price": b.amount()}
        ],
        "payment": {"iban": f.iban(), "reference": b.invoice(), "terms_days": 30},
    }


def card_charge(f: Fake, b: Plain) -> Tree:
    return {
        "id": "ch_" + b.hex(24),
        "object": "charge",
        "amount": b.rng.randint(100, 99_999),
        "currency": "usd",
        "paid": True,
        "billing_details": {"email": f.email(), "name": f.person().full(), "phone": f.phone()},
        "payment_method_details": {
            "card": {"brand": "visa", "exp_month": 8, "exp_year": 2029, "network": "visa", "number": f.card()}
        },
        "balance_transaction": "txn_" + b.hex(24),
        "created": b.epoch(),
        "receipt_number": "2391-8830",
        "card_type": "credit",
    }


def bank_transactions(f: Fake, b: Plain) -> Tree:
    return {
        "account": {"iban": f.iban(), "bic": "DEUTDEFF500", "holder_name": f.person().full()},
        "transactions": [
            {
                "id": b.big(),
                "booked": b.day(),
                "amount": -b.amount(),
                "mcc": "5411",
                "counterparty_iban": f.iban(),
                "end_to_end_id": "E2E-" + identifiers.digits(f.rng, 10),
                "purpose": text("Rent {} for {}", "2025-11", f.iban()) if f.rng.random() < 0.3 else "Invoice 2025-1182",
            }
            for _ in f.some(1, 5)
        ],
    }


def wire_details(f: Fake, b: Plain) -> Tree:
    return {
        "beneficiary": f.person().full(),
        "aba_routing": pii("US_ROUTING_NUMBER", identifiers.routing(f.rng)),
        "account_number": pii("US_BANK_NUMBER", identifiers.bank_number(f.rng)),
        "swift": "BOFAUS3N",
        "amount": b.amount(),
        "fx_rate": 1.0843,
        "value_date": b.day(),
        "imad": "20251103MMQFMP31000123",
    }


def crypto_wallet(f: Fake, b: Plain) -> Tree:
    return {
        "wallet_address": f.crypto(),
        "balance": "0.04310000",
        "asset": "BTC",
        "block_height": 868_112,
        "txid": b.hex(64),
        "confirmations": 6,
        "payout_address": f.crypto(),
    }


def currency_rates(f: Fake, b: Plain) -> Tree:
    return {
        "base": "EUR",
        "date": b.day(),
        "rates": {code: round(b.rng.uniform(0.5, 200), 6) for code in ("USD", "JPY", "GBP", "INR")},
    }


FAMILIES = (invoice, card_charge, bank_transactions, wire_details, crypto_wallet, currency_rates)
