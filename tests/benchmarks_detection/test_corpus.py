"""What the measurements rest on: the corpus is what it says it is."""

import re
from pathlib import Path

import pytest

from benchmarks.detection import corpus, hostile, secrets_corpus
from benchmarks.detection.credentials import KINDS
from benchmarks.detection.surviving import Remains

SOURCES = Path(corpus.__file__).parent
ENTITIES = (
    "EMAIL_ADDRESS PHONE_NUMBER CREDIT_CARD IBAN_CODE IP_ADDRESS MAC_ADDRESS URL_CREDENTIALS CRYPTO US_SSN US_ITIN "
    "US_BANK_NUMBER US_ROUTING_NUMBER US_PASSPORT US_DRIVER_LICENSE UK_NHS UK_NINO DE_TAX_ID FR_NIR ES_NIF ES_NIE "
    "IT_FISCAL_CODE IN_AADHAAR IN_PAN AU_TFN CA_SIN BR_CPF BR_CNPJ SG_NRIC DATE_OF_BIRTH PERSON STREET_ADDRESS"
)


def cases(part, rounds=2):
    return list(secrets_corpus.secret_cases(11, rounds) if part == "secrets" else corpus.cases(11, rounds, part))


ALL_PARTS = (*corpus.VARIANTS, "secrets")


@pytest.mark.parametrize("part", ALL_PARTS)
def test_a_seed_gives_the_same_corpus_again(part):
    assert cases(part) == cases(part)


@pytest.mark.parametrize("part", ALL_PARTS)
def test_every_case_has_its_own_id(part):
    ids = [case.id for case in cases(part)]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("part", ALL_PARTS)
def test_every_planted_value_is_seen_in_the_result_whatever_its_disguise(part):
    for case in cases(part):
        remains = Remains(case.result)
        unseen = [found.entity for _, leaf in case.leaves for found in leaf.found if not remains.has(found)]
        assert not unseen, case.id


@pytest.mark.parametrize("part", ALL_PARTS)
def test_no_benign_leaf_holds_a_planted_value(part):
    for case in cases(part):
        planted = [found for _, leaf in case.leaves for found in leaf.found]
        for path, leaf in case.leaves:
            if not leaf.found and not leaf.free:
                remains = Remains(leaf.value)
                assert not [found.entity for found in planted if remains.has(found)], (case.id, path)


def test_there_are_forty_families_and_every_entity_in_twelve_rounds():
    assert len({family.__name__ for family in corpus.FAMILIES}) >= 40
    planted = {found.entity for case in cases("named", 12) for _, leaf in case.leaves for found in leaf.found}
    assert planted == set(ENTITIES.split())


def test_every_kind_of_credential_is_planted():
    planted = {found.entity for case in cases("secrets") for _, leaf in case.leaves for found in leaf.found}
    assert planted == {f"SECRET:{kind}" for kind in KINDS}
    assert len(KINDS) >= 40


def test_hard_negatives_outnumber_what_is_planted():
    leaves = [leaf for case in cases("named") for _, leaf in case.leaves]
    assert sum(not leaf.found and not leaf.free for leaf in leaves) > 2 * sum(len(leaf.found) for leaf in leaves)


def test_meaningless_keys_keep_the_values_and_lose_the_names():
    with_names, without = cases("named"), cases("meaningless")
    for one, other in zip(with_names, without, strict=True):
        assert [leaf.found for _, leaf in one.leaves] == [leaf.found for _, leaf in other.leaves]
        keys = {step for path, _ in other.leaves for step in path if isinstance(step, str)}
        assert all(re.fullmatch(r"(?:k|f_|col|x)\d+|result", key) for key in keys), other.id


def test_what_only_its_key_makes_harmless_is_not_scored_without_the_key():
    named, meaningless = (
        [leaf for case in cases(part) for _, leaf in case.leaves] for part in ("named", "meaningless")
    )
    assert any(leaf.named for leaf in named)
    assert [leaf.free for leaf in meaningless] == [leaf.free or leaf.named for leaf in named]


def test_most_values_are_written_otherwise_in_the_disguised_variant():
    found = [each for case in cases("disguised") for _, leaf in case.leaves for each in leaf.found]
    assert sum(bool(each.written) for each in found) > 0.7 * len(found)


def test_no_source_holds_a_credential_that_a_scanner_would_report():
    named = r"AKIA[A-Z2-7]{16}|gh[pos]_\w{36}|xox[bp]-\d|sk_live_\w{8}|hooks\.slack\.com"
    shapes = rf"{named}|-----BEGIN (?:RSA |OPENSSH )?PRIVATE"
    for file in SOURCES.glob("*.py"):
        assert not re.search(shapes, file.read_text()), file.name


@pytest.mark.parametrize("name", hostile.SHAPES)
def test_a_hostile_shape_has_about_the_size_asked_for_and_doubles(name):
    small, large = (len(hostile.SHAPES[name](size).encode()) for size in (16_384, 32_768))
    assert 0.8 * 16_384 < small < 1.3 * 16_384
    assert 1.8 < large / small < 2.2


def test_there_are_sixty_hostile_shapes():
    assert len(hostile.SHAPES) >= 60
