from __future__ import annotations

import pytest

from policies.detect.catalog import engine
from policies.detect.entities import ENTITIES, LOCALES

ENGINE = engine(ENTITIES, LOCALES, 0.4)
CARD, TAX, CNPJ = "4111111111111111", "86095742719", "11222333000181"


def found(text: str, *keys: str) -> list[str]:
    return [each.entity for each in ENGINE.find(text, ENGINE.context(keys), lambda: None)]


@pytest.mark.parametrize(
    "keys",
    [
        ("order_id",), ("orderNumber",), ("orderId",), ("orderid",), ("tracking_number",), ("sku",), ("invoice_no",),
        ("transactionId",), ("ean",), ("gtin",), ("isbn",), ("barcode",), ("batch",), ("serial_number",),
        ("session_id",), ("trace_id",), ("request_id",), ("shipment_ids",), ("id", "order"), ("number", "invoice"),
        ("id", "transaction", "x"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("text", [CARD, TAX, CNPJ])
def test_digits_under_a_number_that_is_given_out_are_nobodys(keys: tuple[str, ...], text: str) -> None:
    assert found(text, *keys) == []


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (CARD, ()),
        (CARD, ("note", "order")),
        (CARD, ("order_note",)),
        (CARD, ("order_card_number",)),
        (CARD, ("card_number", "transaction")),
        (CARD, ("id",)),
        (CARD, ("number", "payment")),
        ("4111 1111 1111 1111", ("order_id",)),
        (f"card {CARD}", ("order_note",)),
    ],
)
def test_other_keys_spare_nothing(text: str, keys: tuple[str, ...]) -> None:
    assert found(text, *keys) == ["CREDIT_CARD"]


def test_what_is_more_than_digits_is_found_under_an_order_id() -> None:
    assert found("jane.doe@example.com", "order_id") == ["EMAIL_ADDRESS"]
    assert found(f"{CARD} jane.doe@example.com", "order_id") == ["EMAIL_ADDRESS"]


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("携帯番号は 09012345678 です", "PHONE_NUMBER"),
        ("お客様の電話は 882-8080-12 まで", "PHONE_NUMBER"),
        ("我的手机号码是 13812345678", "PHONE_NUMBER"),
        ("カード番号は5018000000000009です", "CREDIT_CARD"),
    ],
)
def test_words_without_blanks_between_them_count(text: str, entity: str) -> None:
    assert entity in found(text)


def test_such_a_text_without_the_word_says_nothing() -> None:
    assert found("注文番号は 13812345678 です") == []
