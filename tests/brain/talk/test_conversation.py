"""What is heard is answered: phrases as people say them, and nothing else."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from uuid import UUID, uuid4

import pytest

from brain.people.gallery import Gallery
from brain.process.loop import run
from brain.process.speech_inbox import SpeechInbox
from brain.process.state import BrainState
from brain.settings.answers import AnswerSettings, fold
from brain.settings.brain import BrainSettings
from brain.talk.conversation import Conversation, HouseView, ModeChange, PersonInView, Result
from brain.talk.phrasebook import Ask, Phrasebook, understood
from nerves.bus import open_link
from nerves.errors import MessageError, SettingsError
from nerves.messages import CameraEnabled, Heard, Label, Mentioned, Mode, PersonEntry, Say, Verdict, now, read_fact
from nerves.settings import HouseSettings, read_table
from tests.backends import Blind
from tests.waiting import interrupting, soon

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
BOOKS = [Phrasebook.read(language, {}) for language in ("en", "fr")]
EYES = frozenset({"hall", "porch"})
KNOWN = (PersonEntry(name="Alice", group="family"), PersonEntry(name="Bob", group="guest"))


def person(verdict: Verdict, who: str | None = None, *, place: str = "hall", ago_s: float = 1) -> PersonInView:
    return PersonInView(uuid4(), place, verdict, who, AT - timedelta(seconds=ago_s))


class Room:
    """Where somebody speaks to the brain."""

    def __init__(self, **table: object) -> None:
        self.answers = Conversation(AnswerSettings.model_validate(table))
        self.people: Sequence[PersonInView] = ()
        self.at = AT
        self.closed: frozenset[str] = frozenset()
        self.mode: Mode = "home"

    def results(
        self, words: str, *, place: str = "hall", late_s: float = 0, confidence: float | None = None
    ) -> list[Result]:
        heard = Heard(place=place, words=words, at=self.at - timedelta(seconds=late_s), confidence=confidence)
        view = HouseView(self.at, self.people, EYES, KNOWN, cameras_off=self.closed, mode=self.mode)
        return list(self.answers.answer(heard, view))

    def say(self, words: str, *, place: str = "hall") -> str:
        return " ".join(result.words for result in self.results(words, place=place) if isinstance(result, Say))

    def modes(self, *sentences: str) -> list[str]:
        return [result.mode for words in sentences for result in self.results(words) if isinstance(result, ModeChange)]

    def eyes(self, *sentences: str, place: str = "hall") -> list[tuple[str, bool]]:
        results = [result for words in sentences for result in self.results(words, place=place)]
        return [(result.place, result.enabled) for result in results if isinstance(result, CameraEnabled)]

    def tellings(self, *sentences: str, place: str) -> list[Label]:
        results = [result for words in sentences for result in self.results(words, place=place)]
        return [result for result in results if isinstance(result, Label)]

    def told(self, *sentences: str) -> list[tuple[UUID, str | None, str]]:
        results = [result for words in sentences for result in self.results(words)]
        return [(result.visit, result.who, result.group) for result in results if isinstance(result, Label)]


@pytest.mark.parametrize(
    ("words", "intent"),
    [
        ("Who do you see?", "who"),
        ("WHO DO YOU  SEE", "who"),
        ("whoo do you see", "who"),
        ("qui vois-tu ?", "who"),
        ("Qui vois tu", "who"),
        ("qui est la", "who"),
        ("Qui est là ?", "who"),
        ("Arm the house!", "arm"),
        ("disarm the house", "disarm"),
        ("désarme la maison", "disarm"),
        ("desarme la maison", "disarm"),
        ("arme la maison", "arm"),
        ("Open your eyes!", "open"),
        ("ouvre les yeux", "open"),
        ("Close your eyes.", "close"),
        ("ferme les yeux", "close"),
        ("Good night.", "night"),
        ("bonne nuit", "night"),
        ("Yes.", "confirm"),
        ("oui", "confirm"),
        ("No!", "refuse"),
        ("good light", None),
        ("now", None),
        ("yesterday", None),
        ("the house of the rising sun", None),
        ("who do you think you are", None),
        ("what a good night that was for all of us", None),
        ("one two three", None),
        ("", None),
        ("?!", None),
    ],
)
def test_a_phrase_is_known_however_it_is_written_and_others_are_not(words: str, intent: str | None) -> None:
    ask = understood(words, BOOKS)
    assert (ask.intent if ask else None) == intent


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.language)
def test_every_phrase_of_ours_is_understood_as_what_it_is(book: Phrasebook) -> None:
    for intent, phrases in book.asks.items():
        assert phrases
        for phrase in phrases:
            ask = understood(phrase.replace("{name}", "Alice"), BOOKS)
            assert ask is not None
            assert (ask.intent, ask.language) == (intent, book.language)


@pytest.mark.parametrize(
    "words",
    [
        "ouvre pas les yeux",
        "n'ouvre pas les yeux",
        "tu peux pas regarder",
        "you may not look",
        "don't open your eyes",
        "dont open your eyes",
        "never open your eyes",
        "we are not leaving",
        "désarme pas la maison",
        "désarme jamais la maison",
        "we aren't leaving",
        "no we are leaving",
        "c'est pas Charlotte",
        "this is not Alice",
    ],
)
def test_a_sentence_with_a_not_is_not_the_one_without(words: str) -> None:
    assert understood(words, BOOKS) is None


def test_phrases_that_hold_a_not_are_understood() -> None:
    for words, intent in {
        "No thanks": "refuse",
        "non merci": "refuse",
        "never mind": "refuse",
        "do not look": "close",
        "regarde pas": None,
        "me regarde pas": "close",
    }.items():
        ask = understood(words, BOOKS)
        assert (ask.intent if ask else None) == intent, words


def test_every_language_has_the_same_answers() -> None:
    english, french = BOOKS
    assert english.says.keys() == french.says.keys()
    for key, words in english.says.items():
        for field in ("{name}", "{people}", "{count}", "{words}", "{author}", "{places}"):
            assert (field in words) == (field in french.says[key]), key


@pytest.mark.parametrize(
    ("words", "name"),
    [("This is Alice.", "Alice"), ("c'est Anne-Marie", "Anne-Marie"), ("Voici Jean Paul !", "Jean Paul")],
)
def test_a_name_is_taken_as_it_was_said(words: str, name: str) -> None:
    ask = understood(words, BOOKS)
    assert ask is not None
    assert (ask.intent, ask.name) == ("name", name)
    assert understood("this is the best day of my life", BOOKS) is None
    assert understood("this is", BOOKS) is None


def test_text_is_folded_to_plain_letters() -> None:
    assert fold("  Qu'est-ce que l'Été_où ?") == "qu est ce que l ete ou"


def test_the_answer_names_who_is_seen_at_that_place_in_that_language() -> None:
    house = Room()
    assert house.say("who do you see?") == "I see nobody."
    house.people = [
        person("family", "Alice"),
        person("stranger"),
        person("family", "Zoe", place="porch"),
        person("family", "Carl", ago_s=40),
    ]
    (answer,) = house.results("Who do you see?")
    assert isinstance(answer, Say)
    assert (answer.words, answer.place, answer.language) == ("I see Alice and somebody I don't know.", "hall", "en")
    assert house.say("qui vois-tu ?") == "Je vois Alice et quelqu'un que je ne connais pas."
    assert house.say("who do you see", place="porch") == "I see Zoe."
    assert house.say("who do you see", place="kitchen") == "I see Alice, Zoe and somebody I don't know."


def test_guests_and_several_unknown_people_are_said() -> None:
    house = Room()
    house.people = [person("stranger"), person("stranger"), person("guest", "Bob"), person("unidentified")]
    said = "I see Bob, a guest, 2 people I don't know and somebody whose face I cannot see."
    assert house.say("who is there") == said


def test_somebody_known_is_said_by_name_and_vouches_for_nobody() -> None:
    house = Room()
    house.people = [person("known", "Maria"), person("guest", "Bob"), person("family", "Alice")]
    assert house.say("who is there") == "I see Alice, Bob, a guest and Maria, whom you know."
    assert house.say("qui vois-tu ?") == "Je vois Alice, Bob, qui est invité et Maria, que vous connaissez."
    house.people = [person("known", "Maria"), person("stranger")]
    assert house.say("this is Bob") == "Somebody of the family has to be in view to say who that is."


def test_a_mode_changes_only_after_a_yes() -> None:
    house = Room()
    assert house.modes("arm the house") == []
    assert house.modes("yes") == ["away"]
    assert house.modes("yes") == []
    assert house.say("good night") == "Good night. Shall I watch the house? Say yes."
    assert house.say("no") == "Very well, I leave it."
    assert house.modes("yes") == []
    assert house.modes("bonne nuit", "oui") == ["night"]


def test_a_yes_counts_at_its_place_and_for_a_while() -> None:
    house = Room()
    house.results("arm the house")
    assert not house.results("yes", place="porch")
    house.at += timedelta(seconds=25)
    assert house.modes("yes") == []


def test_another_question_cancels_the_pending_one() -> None:
    assert Room().modes("arm the house", "who do you see", "yes") == []


def test_a_voice_disarms_only_where_that_was_set() -> None:
    assert Room().modes("disarm the house", "yes") == []
    assert Room().say("disarm the house") == "I am not allowed to disarm by voice."
    assert Room(disarm=True).modes("disarm the house", "yes") == ["home"]


def test_a_camera_is_switched_on_at_once_and_off_after_a_yes() -> None:
    house = Room()
    assert house.eyes("close your eyes") == []
    assert house.eyes("yes") == [("hall", False)]
    assert house.eyes("ferme les yeux", "non", "oui") == []
    assert house.eyes("ouvre les yeux") == [("hall", True)]
    assert house.say("open your eyes") == "My eyes are open."
    assert house.eyes("open your eyes", place="kitchen") == [("hall", True), ("porch", True)]
    assert house.eyes("close your eyes", "yes", place="kitchen") == [("hall", False), ("porch", False)]
    (eyes, _) = house.results("open your eyes", place="x" * 60)[1:]
    assert isinstance(eyes, CameraEnabled)
    assert eyes.by == f"a voice at {'x' * 29}"


def test_an_armed_house_refuses_to_switch_cameras_off() -> None:
    house = Room()
    house.results("close your eyes")
    for mode in ("away", "night"):
        house.mode = mode  # type: ignore[assignment]
        assert house.say("yes" if mode == "away" else "close your eyes") == (
            "I keep my eyes open while the house is armed."
        )
        assert house.eyes("yes") == []
        assert house.eyes("open your eyes") == [("hall", True)]
    trusting = Room(disarm=True)
    trusting.mode = "away"
    assert trusting.eyes("close your eyes", "yes") == [("hall", False)]


def test_the_house_says_which_cameras_are_off_also_when_it_is_armed() -> None:
    house = Room()
    house.people = [person("family", "Alice")]
    house.closed = frozenset({"hall"})
    assert house.say("who do you see") == "My eyes are closed."
    assert house.say("who do you see", place="kitchen") == "I see Alice."
    house.closed = EYES
    assert house.say("qui vois-tu", place="kitchen") == "J'ai les yeux fermés."
    house.results("good night")
    assert house.say("yes") == "Good night. I watch the house. But my eyes are closed: hall, porch."


def test_without_a_camera_the_house_says_that_it_has_no_eyes() -> None:
    answers = Conversation(AnswerSettings())
    for words in ("open your eyes", "close your eyes"):
        (say,) = answers.answer(Heard(place="hall", words=words, at=AT), HouseView(AT, [], frozenset()))
        assert isinstance(say, Say)
        assert say.words == "I have no eyes."


def test_old_and_doubtful_words_are_not_answered() -> None:
    house = Room()
    assert not house.results("who do you see", late_s=60)
    assert not house.results("who do you see", confidence=0.2)
    assert house.results("who do you see", confidence=0.9)


def test_family_in_view_may_name_the_one_who_is_not_known() -> None:
    house = Room()
    stranger = person("unidentified")
    house.people = [person("family", "Alice"), stranger]
    assert house.say("This is bob!") == "Is it Bob that I see? Say yes."
    assert house.told("yes") == [(stranger.visit, "Bob", "guest")]
    assert house.told("this is bob", "no", "yes") == []


def test_a_stranger_does_not_name_itself() -> None:
    house = Room()
    house.people = [person("stranger")]
    assert "family has to be in view" in house.say("this is Alice")
    assert house.told("yes") == []
    anybody = Room(naming="anybody")
    anybody.people = house.people
    assert anybody.told("this is Alice", "yes") == [(house.people[0].visit, "Alice", "family")]
    off = Room(naming="off")
    off.people = [person("family", "Alice"), person("stranger")]
    assert off.told("this is Bob", "yes") == []


def test_family_at_another_place_cannot_vouch() -> None:
    house = Room()
    stranger = person("stranger", place="porch")
    house.people = [person("family", "Alice"), stranger]
    assert "family has to be in view" in house.say("this is Bob", place="gate")
    assert house.tellings("yes", place="gate") == []


def test_a_spoken_label_has_the_place_of_the_person() -> None:
    house = Room()
    stranger = person("stranger", place="porch")
    house.people = [person("family", "Alice", place="porch"), stranger]
    (told,) = house.tellings("this is Bob", "yes", place="gate")
    assert (told.place, told.visit, told.who) == ("porch", stranger.visit, "Bob")


def test_family_that_left_before_the_yes_cannot_vouch() -> None:
    house = Room()
    house.people = [person("family", "Alice"), person("stranger")]
    assert house.say("this is Bob") == "Is it Bob that I see? Say yes."
    house.people = house.people[1:]
    (answer,) = house.results("yes")
    assert isinstance(answer, Say)
    assert "family has to be in view" in answer.words


def test_a_name_needs_a_known_person_and_a_single_unknown_one() -> None:
    house = Room()
    house.people = [person("family", "Alice"), person("stranger"), person("stranger")]
    assert house.say("this is Bob") == "I see nobody, or several whom I do not know."
    assert house.say("this is Mallory") == "I know nobody called Mallory. Enroll them first."
    assert house.told("yes") == []


def test_mentions_are_read_where_wanted_without_their_links() -> None:
    mentioned = Mentioned(place="x", author="joe", words="@us hello  https://t.co/abc", post="1")
    assert not list(Room().answers.mention(mentioned))
    says = list(Room(mentions=["hall", "porch"]).answers.mention(mentioned))
    assert [(say.place, say.words) for say in says] == [(place, "joe wrote: @us hello") for place in ("hall", "porch")]


def test_a_user_adds_phrases_and_a_language() -> None:
    phrases = {"en": {"asks": {"who": ["anybody home"]}, "says": {"nobody": "Not a soul."}}}
    assert Room(phrases=phrases).say("Anybody home?") == "Not a soul."
    german = {"asks": {"who": ["wen siehst du"]}, "says": dict(BOOKS[0].says) | {"nobody": "Niemanden."}}
    assert Room(languages=["de"], phrases={"de": german}).say("Wen siehst du?") == "Niemanden."
    with pytest.raises(SettingsError, match="de is not a language of ours"):
        Room(languages=["de"])
    with pytest.raises(SettingsError, match="did you mean nobody"):
        Room(phrases={"en": {"says": {"nobdy": "x"}}})


@pytest.mark.parametrize(
    ("phrases", "why"),
    [
        ({"asks": {"who": "anybody home"}}, "en.asks.who: should be a list"),
        ({"asks": {"who": [112]}}, "en.asks.who.0: should be a valid string"),
        ({"asks": {"who": ["?"]}}, "en.asks.who.0: there is no word in it"),
        ({"asks": {"whoo": ["anybody home"]}}, "en.asks.whoo: should be 'who', 'arm'"),
        ({"says": {"nobody": ""}}, "en.says.nobody: String should have at least 1 character"),
        ({"say": {"nobody": "Not a soul."}}, "en.say is not a setting: did you mean says?"),
    ],
)
def test_phrases_that_cannot_be_used_are_refused_with_the_settings(phrases: object, why: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(why)):
        read_table(BrainSettings, "brain", {"answer": {"phrases": {"en": phrases}}}, HouseSettings().where("brain"))


def test_without_languages_it_never_answers() -> None:
    house = Room(languages=[])
    assert not house.results("who do you see")
    assert understood("yes", []) is None
    assert Ask("who", "en").name == ""


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[BrainState]:
    with BrainState(tmp_path / "brain.db") as memory:
        yield memory


@pytest.mark.parametrize("author", [b'"\\ud800"', b'"\xed\xa0\x80"'])
def test_a_message_with_unsendable_characters_is_refused(memory: BrainState, author: bytes) -> None:
    ears = SpeechInbox(memory.heard, memory.outbox, Conversation(AnswerSettings()))
    with pytest.raises(MessageError):
        ears.receive("kinwatch/x/mentioned", b'{"author": %s, "words": "hi", "post": "1"}' % author)
    assert memory.heard.due() is None


def test_a_repeated_sentence_is_answered_once(memory: BrainState) -> None:
    ears = SpeechInbox(memory.heard, memory.outbox, Conversation(AnswerSettings()))
    view = HouseView(now(), [], EYES)
    for heard in (Heard(place="hall", words="good night"), Heard(place="hall", words="yes")):
        ears.receive(heard.topic, heard.payload())
        ears.receive(heard.topic, heard.payload())
    with pytest.raises(MessageError):
        ears.receive("kinwatch/hall/heard", b"{}")
    assert ears.answer_waiting(lambda: view) == "night"
    assert ears.answer_waiting(lambda: view) is None
    said = []
    while row := memory.outbox.due():
        fact = read_fact(row.topic, row.body)
        assert isinstance(fact, Say)
        said.append((row.topic, fact.words))
        memory.outbox.mark_done(row.key)
    assert said == [
        ("kinwatch/hall/say", "Good night. Shall I watch the house? Say yes."),
        ("kinwatch/hall/say", "Good night. I watch the house."),
    ]


@pytest.mark.timeout(30)
def test_the_running_brain_answers_and_changes_its_mode(tmp_path: Path) -> None:
    url = f"loopback://{uuid4()}"
    house = HouseSettings.model_validate({"data_dir": tmp_path})
    heard: list[tuple[str, bytes]] = []
    link = open_link(url, "listener", durable=False)
    link.listen("kinwatch/#", lambda topic, body: heard.append((topic, body)), qos=1)

    def said() -> list[str]:
        return [str(json.loads(body)["words"]) for topic, body in heard if topic == "kinwatch/hall/say"]

    def talk() -> None:
        with interrupting():
            soon(lambda: any(topic == "kinwatch/mode" for topic, _ in heard))
            for number, words in enumerate(("Who do you see?", "blah blah", "arm the house", "yes"), 1):
                fact = Heard(place="hall", words=words)
                link.post(fact.topic, fact.payload()).wait(30)
                soon(lambda number=number: len(said()) >= number - (number > 1))  # type: ignore[misc]
            soon(lambda: ("kinwatch/mode", b"away") in heard)

    with link, Gallery(tmp_path / "gallery.db") as gallery:
        assert link.wait_connected(30)
        thread = Thread(target=talk)
        thread.start()
        run(house, BrainSettings(), Blind(), gallery, url)
        thread.join()
    assert said() == ["I see nobody.", "Arm the house? Say yes.", "The house is armed."]
    assert ("kinwatch/mode", b"away") in heard
