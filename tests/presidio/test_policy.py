"""Presidio in `redact`: loaded by what deserves it and by nothing else, and denying where it fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from policies.loading import load
from policies.testing import call, result, run, services

ROOT = Path(__file__).parents[2]
EMAIL = "jane.doe@example.com"
KOREAN = "900101-1234568"
SHIP = """
from presidio_analyzer import EntityRecognizer, RecognizerResult


class Ships(EntityRecognizer):
    def __init__(self):
        super().__init__(supported_entities=["SHIP"], name="ships")

    def load(self):
        pass

    def analyze(self, text, entities, nlp_artifacts=None):
        if "sink" in text:
            raise RuntimeError(text)
        at = text.find("HMS ")
        return [RecognizerResult("SHIP", at, at + 11, 0.9)] if at >= 0 else []
"""


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    (tmp_path / "ships_recognizer.py").write_text(SHIP)
    path = tmp_path / "policies.toml"
    path.write_text(
        '[[policy]]\nuse = "redact"\n[policy.config.presidio]\n'
        'recognizers = ["KrRrnRecognizer", "ships_recognizer:Ships"]\nnlp = "none"\n'
    )
    return path


def test_what_a_users_recognizer_and_one_of_presidios_find_goes(chain: Path) -> None:
    ran = run(load(chain, services()), call(), result(f"HMS Victory, resident number {KOREAN}, {EMAIL}"))
    assert "HMS Victory" not in ran.text
    assert KOREAN not in ran.text
    assert "<EMAIL_ADDRESS>" in ran.text


def test_a_recognizer_that_breaks_denies_and_says_nothing_of_the_text(
    chain: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Exception, match=r"RuntimeError") as raised:
        run(load(chain, services()), call(), result("the ship will sink today"))
    assert "sink" not in str(raised.value)
    assert "sink" not in caplog.text


def test_a_recognizer_that_is_not_there_keeps_the_proxy_from_starting(tmp_path: Path) -> None:
    path = tmp_path / "policies.toml"
    path.write_text('[[policy]]\nuse = "redact"\n[policy.config.presidio]\nrecognizers = ["NoSuchRecognizer"]\n')
    with pytest.raises(Exception, match=r"NoSuchRecognizer"):
        run(load(path, services()), call(), result(EMAIL))


def test_a_process_whose_traffic_never_needs_it_never_loads_it(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from policies.redact import Redact\n"
        "from policies.testing import build, call, result, run\n"
        f"text = run(build(Redact), call(), result('mail {EMAIL}, card 4111 1111 1111 1111')).text\n"
        "assert text == 'mail <EMAIL_ADDRESS>, card <CREDIT_CARD>', text\n"
        "assert not {'presidio_analyzer', 'spacy', 'phonenumbers'} & set(sys.modules)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT, check=False
    )
    assert ran.returncode == 0, ran.stderr
