"""Persons' names, where they live and when they were born: by the names of keys, dates of birth in prose too.

Source: the vocabularies that systems name such fields by: schema.org Person and PostalAddress, vCard (RFC 6350 sections
6.2 and 6.3), OpenID Connect Core section 5.1, HL7 FHIR HumanName and Address; their translations in `peoplewords`.
"""

from __future__ import annotations

import re
from typing import Final

from policies.detect import peoplewords
from policies.detect.givennames import begins_with_one
from policies.detect.rule import KeyRule, Late, Rule
from policies.detect.wording import words

_LETTER: Final = r"[^\W\d_]"
_MARKS: Final = r"\u0300-\u036f\u0900-\u0dff\u0e00-\u0eff\u0610-\u065f"
_WORD: Final = rf"{_LETTER}(?:{_LETTER}|['’.`{_MARKS}·・-]){{0,40}}+"
_NAME: Final = Late(rf"{_WORD}(?:,? {_WORD}){{0,6}}+")
_CASELESS: Final = Late(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af ・　]{2,12}")
_FULL: Final = Late(rf"(?=.*\S ?\S){_WORD}(?:,? {_WORD}){{0,5}}+")
_LATER_CAPITAL: Final = re.compile(r"[a-z]{1,5}['’-][^\W\d_a-z]")
_PARTICLES: Final = words(
    """
    de da do dos das di del della du des la le van von der den ten ter zu al el bin ibn y e af av st
    """
)
_TYPES: Final = words("string text varchar char str optional any integer number object array column field value")
_COMPANY: Final = words(
    """
    inc llc ltd gmbh corp corporation company co ag sa srl spa bv nv plc llp kg ug se oy ab as pty sarl sas
    limited group holding holdings bank university hospital team department services systems solutions
    technologies support api foundation institute association
    """
)
_THINGS: Final = words(
    """
    platform store shop agency office ministry court clinic club council airlines college society fund partners
    consulting labs studio network software digital global international industries enterprises traders logistics
    ventures airport hotel restaurant centre center administrator developers engineering marketing sales finance
    operations security billing automation pipeline service account agent assistant workflow bot scheduler users
    release new default my our the for with of version test staging production report dashboard project policy
    module cluster server database queue topic channel template plan product order queries data cloud
    """
)
"""Words of what is called by several capitalised words and is nobody."""
_NOBODY: Final = words(
    """
    unknown none null nil na n/a true false anonymous test redacted deleted guest admin root system default
    string bot self other public private yes no tbd unassigned everyone anyone nobody user customer me primary
    secondary home work active inactive pending enabled disabled required optional male female
    """
)


def _is_name(text: str) -> bool:
    """Words of letters that name neither a firm nor nobody."""
    words = text.lower().replace(".", "").replace(",", "").split()
    return not set(words) & _COMPANY and text.lower() not in _NOBODY and "株式会社" not in text


def _is_full_name(text: str) -> bool:
    """Two words and more that begin with a capital, or a few characters of a script without capitals."""
    if not _is_name(text):
        return False
    if _CASELESS.fullmatch(text):
        return True
    words = [word for word in text.replace(",", "").split() if word not in _PARTICLES]
    return len(words) >= 2 and all(map(_is_capital, words)) and _THINGS.isdisjoint(map(str.lower, words))


def _is_capital(word: str) -> bool:
    """`Bergen`, `von-Bergen`, `d'Aubigné`, and words of scripts without capitals."""
    return word[0].isupper() or not word[0].isascii() or _LATER_CAPITAL.match(word) is not None


def _is_known_name(text: str) -> bool:
    """A name in full whose first word is a given name."""
    return begins_with_one(text) and _is_full_name(text)


_STREET: Final = Late(rf"(?=[^\n]{{0,80}}{_LETTER})(?![a-z]+://)[^\x00-\x08{{}}<>=@_|\\$]{{2,200}}+")
_NO_STREET: Final = Late(
    r"0x[0-9a-fA-F]+|[0-9A-Fa-f:.%]+(?:/[0-9]+|:[0-9]+)?|\S*[:!]\S*|[a-z0-9-]+(?:\.[a-z0-9-]+)+|\S{26,}|/\S*|[A-Z]{0,3}[0-9]+"
)


def _is_street(text: str) -> bool:
    """Not a number of memory, network or wallet, nor the name of a host or a cell of a sheet."""
    return _NO_STREET.fullmatch(text) is None and text.lower() not in _NOBODY


def _is_address(text: str) -> bool:
    """A digit and a letter in more than one word, or as a script without spaces writes them; or a place's name."""
    if not _is_street(text) or not any(char.isdigit() for char in text):
        return False
    return any(char in " ,\n" for char in text.strip()) or not text.isascii()


_MONTH: Final = (
    r"(?i:jan(?:uary|uar|vier|eiro|uari)?|feb(?:ruary|ruar|ruari|braio|rero)?|f[ée]v(?:rier|ereiro)?|mar(?:ch|s|zo|ço)?|märz|maart"
    r"|apr(?:il|ile)?|avr(?:il)?|abr(?:il)?|ma[yi]|mei|mayo|maio|maggio|jun[ei]?|juin|junho|junio|giugno|jul[yi]?|juil(?:let)?"
    r"|julho|julio|luglio|aug(?:ust|ustus)?|ao[uû]t|agosto|ago|sept?(?:ember|embre|iembre)?|set(?:embro|tembre|tembro)?"
    r"|o[ck]t(?:ober|obre|ubre)?|out(?:ubro)?|ott(?:obre)?|nov(?:ember|embre|iembre|embro)?|de[cz](?:ember|embre|embro)?"
    r"|d[ée]c(?:embre)?|dic(?:iembre|embre)?|gen(?:naio)?|ene(?:ro)?)"
)
_YEAR: Final = r"(?:19|20)[0-9]{2}"
_DAY: Final = r"(?:0?[1-9]|[12][0-9]|3[01])"
_DATE_REST: Final = (
    rf"(?<=[12])[0-9]{{3}}(?:([-/.])(?:0?[1-9]|1[0-2])\1{_DAY}| ?年 ?[0-9]{{1,2}} ?月 ?[0-9]{{1,2}} ?日"
    r"| ?년 ?[0-9]{1,2} ?월 ?[0-9]{1,2} ?일)"
    rf"|(?<=[0-9])[0-9]?(?:([-/. ])(?:0?[1-9]|[12][0-9]|3[01])\2(?:{_YEAR}|[0-9]{{2}})"
    rf"|(?:st|nd|rd|th|er|\.|º)?(?: de| of)?[ -]{_MONTH}\.?(?: de|,)?[ -]{_YEAR})"
    rf"|(?<=[A-Za-z])(?=[A-Za-zéûçä]{{2,8}}\.? [0-9])(?<=(?={_MONTH}\.? ).)"
    rf"[A-Za-zéûçä]{{2,8}}\.? {_DAY}(?:st|nd|rd|th)?,? {_YEAR}"
)
"""A date from its second character on."""
_DATE: Final = rf"[0-9A-Za-z](?:{_DATE_REST})"
_KEYED_DATE: Final = Late(
    rf"(?:{_DATE})(?:[T ][0-9:.]{{5,15}}(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})?)?"
    rf"|{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
    rf"|--?(?:0[1-9]|1[0-2])-?{_DAY}|{_YEAR}|(?:明治|大正|昭和|平成|令和)[0-9元]{{1,2}}年[0-9]{{1,2}}月[0-9]{{1,2}}日"
    rf"|{_DAY}[-/. ]{_DAY}|{_DAY} {_MONTH}|{_MONTH} {_DAY}|{_MONTH}[.,]? ?(?:{_DAY},? )?'?[0-9]{{2}}|-?[0-9]{{8,12}}"
)


_CAPITAL: Final = rf"(?:[a-z]{{1,5}}['’-])?+(?:[A-Z]|[^\W\d_\x00-\x7f])(?:{_LETTER}|['’.·-](?={_LETTER})){{0,40}}+"
_BETWEEN: Final = "(?:(?:van|von|der|den|de|la|da|dos|del|di|bin|al) ){0,2}+"
_SAID_NAME: Final = rf"(?P<value>{_CAPITAL}(?:,? {_BETWEEN}{_CAPITAL}){{0,4}}+)(?![\w(<\[{{])"


def _said(phrase: str) -> Late:
    """`phrase: Maria Gonzalez`, `(phrase)=(Maria Gonzalez)`: what begins with capitals behind it."""
    return Late(rf"(?<![^\W\d_])(?i:{phrase})[\"'*)]{{0,3}}+ ?[:=][\"'*( ]{{0,4}}+{_SAID_NAME}")


def _is_part(text: str) -> bool:
    return _is_name(text) and text.lower() not in _TYPES and text.count(" ") < 3


RULES: Final[tuple[Rule, ...]] = (
    *(
        Rule(
            name=name,
            entity="PERSON",
            pattern=_said(phrase),
            source="the words that `peoplewords` has for keys, before a colon or an equals sign",
            why="word",
            check=check,
            confidence=0.92,
            letters=2,
            holds=":=",
            says=peoplewords.SAYING,
        )
        for name, phrase, check in (
            ("name-in-full-said", peoplewords.FULL_NAME, _is_full_name),
            ("part-of-name-said", peoplewords.PART_OF_NAME, _is_part),
            ("any-name-said", peoplewords.ANY_NAME, _is_known_name),
        )
    ),
    Rule(
        name="date-of-birth",
        entity="DATE_OF_BIRTH",
        pattern=Late(rf"[0-9ADEFGJMNOSadefgjmnos](?<![\w.:/-].)(?:{_DATE_REST})(?![\w:]|[-/.][0-9])"),
        source="ISO 8601, and dates as CLDR writes them in the words' languages, beside a word that speaks of birth",
        why="word",
        words=peoplewords.BIRTH_WORDS,
        confidence=0.8,
        digits=4,
    ),
)

KEYS: Final[tuple[KeyRule, ...]] = (
    KeyRule(
        entity="PERSON",
        choices=peoplewords.NAMES,
        shape=_NAME,
        unless=peoplewords.NOT_NAMES,
        check=_is_name,
    ),
    KeyRule(
        entity="PERSON",
        choices=peoplewords.ROLES,
        shape=_FULL,
        unless=peoplewords.NOT_NAMES,
        check=_is_full_name,
    ),
    KeyRule(
        entity="PERSON",
        choices=peoplewords.NAMED_BESIDE,
        shape=_FULL,
        unless=peoplewords.NOT_NAMES - {"address", "created", "updated"},
        check=_is_full_name,
    ),
    KeyRule(
        entity="PERSON",
        choices=peoplewords.NAME_ALONE,
        shape=_FULL,
        unless=peoplewords.NOT_NAMES,
        check=_is_known_name,
        unless_above=True,
    ),
    KeyRule(
        entity="STREET_ADDRESS",
        choices=peoplewords.STREETS,
        shape=_STREET,
        unless=peoplewords.NOT_ADDRESSES - {"to"},
        check=_is_street,
    ),
    KeyRule(
        entity="STREET_ADDRESS",
        choices=peoplewords.ADDRESSES,
        shape=_STREET,
        unless=peoplewords.NOT_ADDRESSES,
        check=_is_address,
    ),
    KeyRule(
        entity="DATE_OF_BIRTH",
        choices=peoplewords.BIRTH,
        shape=_KEYED_DATE,
        unless=peoplewords.NOT_BIRTH,
        numbers=True,
    ),
)
