"""Where tokens stand in texts: as a model writes them again, damaged, and not at all."""

from __future__ import annotations

import html
import json
import time
from urllib.parse import quote

import pytest

from benchmarks.detection.tokens_edited import edited
from policies.tokens.spans import Writing, find
from tests.tokens.making import MAIL, SCOPE, mail, tokens

TOKEN = mail()
BARE = TOKEN[1:-1]
BODY = BARE.partition(":k1")[2]
NUMBERED = f"&#60;{BARE.replace(':', '&#x3a;')}&#x3E;"

READ: list[tuple[str, str, str, Writing]] = [
    ("", TOKEN, "", "plain"),
    ("", TOKEN.upper(), "", "plain"),
    ("", TOKEN.lower(), "", "plain"),
    ("write to ", TOKEN, ", please", "plain"),
    ("`", TOKEN, "`", "plain"),
    ("**", TOKEN, "**", "plain"),
    ("_", BARE, "_", "plain"),
    ("'", BARE, "'", "plain"),
    ("<", TOKEN, ">", "plain"),
    ("Ann <", TOKEN, ">", "plain"),
    ("<td>", BARE, "</td>", "plain"),
    ("mailto:", BARE, "", "plain"),
    ("to ", BARE, " and to others", "plain"),
    ("", BARE, "\nand more", "plain"),
    ("x\\n", BARE, "", "plain"),
    ("", BARE, "\n> quoted", "plain"),
    ("", f"< {BARE} >", "", "plain"),
    ("", TOKEN.replace(":", " : "), "", "plain"),
    ("", TOKEN.replace("_", "\\_"), "", "plain"),
    ("", BARE.replace("_", "\\_"), "", "plain"),
    ("", f"{TOKEN[:40]}\n    {TOKEN[40:80]}\r\n{TOKEN[80:]}", "", "plain"),
    ("", f"{BARE[:40]}\n    {BARE[40:80]}\r\n{BARE[80:]}", "\nand more", "plain"),
    ("", f"{TOKEN[:9]}\n {TOKEN[9:]}", "", "plain"),
    ("", f"{TOKEN[:16]}\n{TOKEN[16:]}", "", "plain"),
    ("", f"{BARE[:50]}\\n{BARE[50:]}", "", "plain"),
    ("", f"{TOKEN[:50]}\u00ad\u200b{TOKEN[50:]}", "", "plain"),
    ("a < b, ", BARE, "", "plain"),
    ("a < see ", BARE, " now", "plain"),
    ("", html.escape(TOKEN), "", "html"),
    ("", NUMBERED, "", "html"),
    ("", html.escape(html.escape(TOKEN)), "", "html twice"),
    ('"', TOKEN.replace("<", "\\u003c").replace(">", "\\u003E"), '"', "json"),
    ("https://example.com/?q=", quote(TOKEN), "&x=1", "percent"),
    ("https://example.com/?q=a%20", quote(BARE), "", "percent"),
    ("", quote(quote(TOKEN)), "", "percent twice"),
]


@pytest.mark.parametrize(("before", "token", "after", "writing"), READ)
def test_a_token_is_read_however_it_is_written(before: str, token: str, after: str, writing: Writing) -> None:
    text = before + token + after
    (span,) = find(text)
    assert text[span.start : span.end] == token
    assert span.writing == writing
    assert span.parts is not None
    assert tokens().open_parts(span.parts, SCOPE).value == MAIL


def test_several_tokens_are_found_in_order() -> None:
    other = tokens().make("4111", "CARD", SCOPE, "t")
    text = f"{TOKEN}{other} {BARE} and {html.escape(other)}"
    assert [span.parts.entity for span in find(text) if span.parts] == ["EMAIL_ADDRESS", "CARD"] * 2


@pytest.mark.parametrize(
    "text",
    [
        TOKEN[:-1],
        TOKEN[1:],
        TOKEN[:60],
        TOKEN[:30],
        TOKEN[:20],
        f"{TOKEN[:18]}>",
        f"{TOKEN[:18]}…>",
        f"{TOKEN[:40]}...>",
        TOKEN.replace("k1", "j1"),
        TOKEN.replace("k1", "k-1"),
        TOKEN.replace("k1", ""),
        TOKEN.replace(":", ";"),
        TOKEN.replace(":", ""),
        TOKEN.replace("EMAIL", "MAIL"),
        TOKEN.replace("EMAIL_", ""),
        f"<{TOKEN[9:]}",
        f"<k1{BODY}>",
        f"k1{BODY}",
        BARE[:-1],
        BARE[:50],
        f"{BARE}0",
        BARE.replace("k1", "j1"),
        f"{BODY}>",
        f"{TOKEN[:70]}*{TOKEN[70:]}",
        f"<EMAIL_ADDRESS:k1{'0' * 20_000}>",
        html.escape(TOKEN)[:-7],
        quote(TOKEN)[:-5],
    ],
)
def test_what_looks_like_a_token_and_is_not_whole_is_damaged(text: str) -> None:
    spans = find(f"write to {text} please")
    assert spans
    assert not any(span.parts for span in spans)


@pytest.mark.parametrize(
    "text",
    [
        "sha256:" + "9f86d081" * 8,
        "SHA256:" + "9F86D081" * 8,
        "<sha256:" + "9f86d081" * 8 + ">",
        "<" + "9f86d081" * 8 + ">",
        "user:k1234567890",
        "<EMAIL_ADDRESS>",
        "<EMAIL_ADDRESS:1>",
        "<dc:creator k1='x'>",
        "<xsl:applytemplatestoeverythingthatonecanthinkof>",
        "http://host:8080/k1",
        "Note: this is k1 or so",
        "ISBN:9780306406157",
        "TOTP: JBSWY3DPEHPK3PXPMFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U",
        "urn:uuid:01930000-0000-7000-8000-000000000000",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0",
        '{"k1": "k1", "a": [1, 2, 3]}',
        "half a character \ud800",
        "",
    ],
)
def test_what_is_no_token_is_left_alone(text: str) -> None:
    assert find(text) == []


@pytest.mark.parametrize(
    ("token", "value", "stands"),
    [
        (TOKEN, 'a"<b>', 'a"<b>'),
        (html.escape(TOKEN), 'a"<b>', "a&quot;&lt;b&gt;"),
        (html.escape(html.escape(TOKEN)), "<", "&amp;lt;"),
        (quote(TOKEN), "a b/ü@x", "a%20b%2F%C3%BC%40x"),
        (quote(quote(TOKEN)), "a b", "a%2520b"),
        (TOKEN.replace("<", "\\u003c"), 'a"ü\n', 'a\\"\\u00fc\\n'),
    ],
)
def test_a_value_is_escaped_as_its_token_was(token: str, value: str, stands: str) -> None:
    assert find(token)[0].escaped(value) == stands


def test_of_20_000_edited_tokens_none_opens() -> None:
    found = edited(20_000)
    assert (found.opened, found.opened_in_text) == (0, 0)
    assert found.reasons == {"token_damaged": found.count}
    assert found.unseen < found.count * 0.1


HOSTILE = [
    "<", "< ", "<a ", "a:", "A:k1", "A:k1 ", "<A:k1", "<A:k1 ", "a_", "\\_", "&lt;", "&amp;", "%3c", "%253C", "\\u003c",
    "k1", "k 1", "k\n", "k" + " " * 9, "0", "k10 ", "A:k1" + "0" * 23 + " ", "A:k1" + "0" * 60 + "\n", "0" * 39 + ">",
    "<" + "a" * 79 + ":", "<a\n", "A:" + " " * 7, "<A:" + "z" * 31, "<A:" + "z" * 40 + "1", "\\n", "e" * 31 + " ",
    "é<", "k1" + "0" * 40 + ".", "\\u00", TOKEN, TOKEN[:-1], BARE + " ", ">", "z1" * 19 + ";",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE, ids=lambda piece: json.dumps(piece[:12]))
def test_a_hostile_text_takes_linear_time(piece: str) -> None:
    def took(size: int) -> float:
        text = (piece * (size // len(piece) + 1))[:size]
        began = time.process_time()
        find(text)
        return time.process_time() - began

    small = min(took(16 * 1024) for _ in range(2))
    large = min(took(64 * 1024) for _ in range(2))
    assert large < 0.02 or large < 10 * small
    assert large < 1
