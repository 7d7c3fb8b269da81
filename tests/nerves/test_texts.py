from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actuators.push.rules import TEXTS
from nerves.greeting import GREETINGS
from nerves.messages import Visit, now
from nerves.texts import LANGUAGES, age_words, check_template, fields_of

check = check_template(("name", "place"))


def visit(**fields: object) -> Visit:
    at = now()
    known: dict[str, Any] = {"visit": uuid4(), "place": "hall", "seq": 1, "phase": "decided", "since": at, "last": at}
    return Visit.model_validate(known | fields)


@pytest.mark.parametrize("text", ["", "Hello {name} at {place}", "{{so}} {name}"])
def test_a_sentence_with_known_fields_passes(text: str) -> None:
    assert check(text) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{nmae}", r"\{nmae\} is not a field: did you mean name\?"),
        ("{}", r"\{\} is not a field: there are name, place"),
        ("{name.upper}", "is not a field"),
        ("{name!r}", "is not a field"),
        ("{name:>999999999}", "is not a field"),
        ("{name", "written twice"),
        ("name}", "written twice"),
    ],
)
def test_a_sentence_that_could_not_be_filled_in_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check(text)


@given(st.text())
def test_an_accepted_sentence_can_be_filled_in(text: str) -> None:
    try:
        check(text)
    except ValueError:
        return
    text.format_map({"name": "{Alice}", "place": "hall"})


@pytest.mark.parametrize("table", [TEXTS, GREETINGS])
def test_every_language_has_every_sentence_with_the_same_fields(table: dict[str, dict[str, str]]) -> None:
    assert {*table} == {*LANGUAGES}
    english = table["en"]
    for sentences in table.values():
        assert {*sentences} == {*english}
        for key, text in sentences.items():
            assert text.count("{") == english[key].count("{"), text


def test_a_visit_in_words() -> None:
    named = fields_of(visit(verdict="family", who="Alice"), "en")
    assert (named["name"], named["place"], named["again"]) == ("Alice", "hall", "")
    seen = [fields_of(visit(verdict="stranger", times=times), "en")["again"] for times in (1, 2, 3, 11, 21, 112)]
    assert seen[0] == ""
    assert [text.split()[-2] for text in seen[1:]] == ["2nd", "3rd", "11th", "21st", "112th"]
    assert fields_of(visit(verdict="stranger", times=2), "fr")["name"] == "une personne inconnue"
    assert fields_of(visit(verdict="unidentified"), "de")["name"] == "somebody whose face could not be seen"


@pytest.mark.parametrize(
    ("seconds", "english", "french"),
    [
        (0, "1 second", "1 seconde"),
        (59, "59 seconds", "59 secondes"),
        (119, "1 minute", "1 minute"),
        (720, "12 minutes", "12 minutes"),
        (7200, "2 hours", "2 heures"),
        (259200, "3 days", "3 jours"),
    ],
)
def test_an_age_in_words(seconds: int, english: str, french: str) -> None:
    age = timedelta(seconds=seconds)
    assert (age_words(age, "en"), age_words(age, "fr")) == (english, french)
