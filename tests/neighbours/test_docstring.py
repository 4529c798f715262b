"""Descriptions taken apart, as docstrings are written and as they come."""

from __future__ import annotations

import time

import pytest

from proxy.docstring import NO_MAIN, NONE, parsed

GOOGLE = """
    Look up a customer.

    Names are matched without case.

    Args:
        customer_id: Id of the customer, for example
            CUST001.
        fields (list[str]): What to return.

    Returns:
        The profile, or nothing.

    Raises:
        NotFound: There is no such customer.
        ValueError: The id is malformed.
    """


@pytest.mark.parametrize(
    ("description", "main", "args", "returns", "raises"),
    [
        (
            GOOGLE,
            "Look up a customer.\n\nNames are matched without case.",
            "customer_id: Id of the customer, for example\nCUST001.\nfields (list[str]): What to return.",
            "The profile, or nothing.",
            "NotFound: There is no such customer.\nValueError: The id is malformed.",
        ),
        ("Look up.", "Look up.", None, None, None),
        ("Look up.\nArgs: a number", "Look up.", "a number", None, None),
        ("Look up.\n\nReturns: a number\n", "Look up.", None, "a number", None),
        ("Look up.\nRaises:\nError\nArgs:\nx", "Look up.", "x", None, "Error"),
        ("Takes Args: none of them", "Takes Args: none of them", None, None, None),
        ("Args:\n    x: a number", NO_MAIN, "x: a number", None, None),
        ("Look up.\nArgs:", "Look up.", "", None, None),
        ("Look up.\nArgs:\na\nArgs:\nb", "Look up.", "b", None, None),
        ("Look up.\r\n\r\nArgs:\r\n  x: one\r\n", "Look up.", "x: one", None, None),
        ("Arguments:\n  x", "Arguments:\n  x".replace("  ", ""), None, None, None),
        ("", NONE, None, None, None),
        (" \n ", NONE, None, None, None),
    ],
    ids=[
        *("google", "text alone", "in the line", "no args", "any order", "in the middle", "no text", "empty", "twice"),
        *("windows", "another word", "nothing", "blanks"),
    ],
)
def test_a_description_is_taken_apart(
    description: str, main: str, args: str | None, returns: str | None, raises: str | None
) -> None:
    assert parsed(description) == {"main": main, "args": args, "returns": returns, "raises": raises}


def test_a_long_description_takes_linear_time() -> None:
    began = time.perf_counter()
    parsed("Args:\nx\n" * 200_000 + " " * 1_000_000)
    assert time.perf_counter() - began < 2
