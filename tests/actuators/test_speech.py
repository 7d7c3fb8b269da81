import shutil
import sys
import time
import wave
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import numpy as np
import pytest
from numpy.typing import NDArray

from actuators.speech import SpeechSettings, actuator, speak
from actuators.speech.rules import speech_of
from nerves.database import Database
from nerves.errors import KinwatchError, SettingsError
from nerves.messages import Fact, Incident, Said, Say, Visit, now
from nerves.plugins import read_actuator
from nerves.services import Context, Tick
from nerves.settings import load
from tests.waiting import scaled

Samples = NDArray[np.float64]


def settings(**table: object) -> SpeechSettings:
    known: dict[str, Any] = {"kind": "speech", "place": "hall", "engine": "print"}
    return SpeechSettings.model_validate(known | table)


def visit(verdict: str = "family", **fields: object) -> Visit:
    at = now()
    known: dict[str, Any] = {"visit": uuid4(), "place": "hall", "seq": 1, "phase": "decided", "since": at, "last": at}
    who = "Alice" if verdict in ("family", "guest") else None
    return Visit.model_validate(known | {"verdict": verdict, "who": who} | fields)


def hear(folder: Path, chosen: SpeechSettings, messages: Iterable[Say | Visit | Tick]) -> list[Fact]:
    """Have a voice hear messages; return what it tells the house."""
    told: list[Fact] = []
    with Database(folder / "voice.db") as database:
        desk = Context(database, lambda fact: told.append(cast("Fact", fact)), print, "voice")
        assert [*speak(chosen, iter(messages), desk)] == []
    return told


def words(chosen: SpeechSettings, *messages: Say | Visit) -> list[str | None]:
    return [speech and speech.words for speech in (speech_of(chosen, message) for message in messages)]


def sound(file: Path) -> tuple[Samples, int]:
    with wave.open(str(file)) as opened:
        assert (opened.getnchannels(), opened.getsampwidth()) == (1, 2)
        return np.frombuffer(opened.readframes(opened.getnframes()), "<i2") / 32768, opened.getframerate()


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.wav"))


def spoken(tmp_path: Path, *messages: Say | Visit, **table: object) -> list[Path]:
    chosen = settings(engine="espeak-ng", player="none", keep=str(tmp_path / "kept"), **table)
    assert hear(tmp_path, chosen, messages) == []
    return kept(tmp_path / "kept")


def loudness(samples: Samples, rate: int) -> Samples:
    """Return how loud it is in each hundredth of a second."""
    step = rate // 100
    steps: Samples = samples[: len(samples) // step * step].reshape(-1, step)
    return np.asarray(np.sqrt((steps**2).mean(axis=1)), np.float64)


def share(values: Samples, rate: float, low: float, high: float) -> float:
    """Return how much of the power that is not constant lies between two frequencies."""
    power = np.abs(np.fft.rfft(values - values.mean())) ** 2
    frequencies = np.fft.rfftfreq(len(values), 1 / rate)
    return float(power[(frequencies >= low) & (frequencies <= high)].sum() / power.sum())


def is_speech(samples: Samples, rate: int) -> bool:
    """Whether it sounds as speech does: loud, in the voice's band, in syllables."""
    if np.sqrt((samples**2).mean()) < 0.02:
        return False
    swing = loudness(samples, rate)
    syllables = share(swing, 100, 1, 12)
    return share(samples, rate, 100, 4000) > 0.9 and syllables > 0.5 and swing.std() > 0.3 * swing.mean()


def test_the_recogniser_of_these_tests_distinguishes_speech_from_noise() -> None:
    rate, count = 22050, 2 * 22050
    noise = np.random.default_rng(7).normal(0, 0.1, count)
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(count) / rate)
    assert not any(is_speech(samples, rate) for samples in (np.zeros(count), noise, tone))


@pytest.mark.espeak
def test_hello_alice_is_heard(tmp_path: Path) -> None:
    (file,) = spoken(tmp_path, visit(), greets=["family"])
    samples, rate = sound(file)
    assert 0.6 < len(samples) / rate < 2.5
    assert is_speech(samples, rate)
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.espeak
def test_what_is_longer_to_say_takes_longer(tmp_path: Path) -> None:
    short, long = spoken(tmp_path, Say(place="hall", words="Hello."), Say(place="hall", words="-v Hello again. " * 5))
    assert len(sound(long)[0]) > 4 * len(sound(short)[0])
    assert is_speech(*sound(long))


@pytest.mark.espeak
def test_french_is_another_sentence_in_another_voice(tmp_path: Path) -> None:
    greeting = visit("stranger")
    chosen = settings(language="fr", greets=["stranger"])
    assert words(chosen, greeting) == ["Vous êtes filmé. Les habitants sont prévenus."]
    same = {"texts": {"stranger": "Bonjour {name}."}, "greets": ["stranger"]}
    (french,) = spoken(tmp_path / "fr", greeting, language="fr", **same)
    (english,) = spoken(tmp_path / "en", greeting, language="en-us", **same)
    assert is_speech(*sound(french))
    assert french.read_bytes() != english.read_bytes()


@pytest.mark.espeak
def test_a_language_that_the_engine_does_not_have_is_said_in_its_own(tmp_path: Path) -> None:
    (file,) = spoken(tmp_path, Say(place="hall", words="Hello Alice", language="xx"))
    assert is_speech(*sound(file))


@pytest.mark.espeak
def test_nothing_is_spoken_in_quiet_hours(tmp_path: Path) -> None:
    local = datetime.now().astimezone()
    quiet = f"{local - timedelta(minutes=2):%H:%M}-{local + timedelta(minutes=10):%H:%M}"
    greeting, say = visit(), Say(place="hall", words="Somebody is at the door")
    assert spoken(tmp_path, greeting, say, quiet=quiet, greets=["family"]) == []
    assert len(spoken(tmp_path, greeting, say, quiet=quiet, greets=["family"], quiet_says=True)) == 1


@pytest.mark.espeak
def test_the_house_knows_before_the_first_sound_until_when_it_speaks(tmp_path: Path) -> None:
    player = tmp_path / "player"
    player.write_text(f'#!/bin/sh\ncp "$1" {tmp_path}/played.wav\nsleep 0.5\n')
    player.chmod(0o700)
    begin = now()
    said, later = hear(
        tmp_path,
        settings(engine="espeak-ng", player=str(player), place="all"),
        [Say(place="porch", words="Hello Alice"), Tick(), Say(place="hall", words="And Bob")],
    )
    assert isinstance(said, Said)
    assert (said.place, said.words) == ("porch", "Hello Alice")
    samples, rate = sound(tmp_path / "played.wav")
    assert is_speech(samples, rate)
    assert said.at >= begin
    assert timedelta(seconds=0.6) < said.until - said.at < timedelta(seconds=2.5)
    assert later.at - said.at >= timedelta(seconds=0.5)  # one after the other


@pytest.mark.espeak
@pytest.mark.parametrize(("script", "why"), [("echo no card >&2; exit 1", "no card: try it by hand"), ("exit 3", "3")])
def test_a_loudspeaker_that_fails_is_tried_again_and_said(tmp_path: Path, script: str, why: str) -> None:
    player = tmp_path / "player"
    player.write_text(f"#!/bin/sh\n{script}\n")
    player.chmod(0o700)
    with pytest.raises(KinwatchError, match=why):
        hear(tmp_path, settings(engine="espeak-ng", player=str(player)), [Say(place="hall", words="Hello")])


def test_a_voice_speaks_for_its_place_or_for_all() -> None:
    messages = [Say(place=place, words=place) for place in ("hall", "porch", "all")]
    assert words(settings(), *messages) == ["hall", None, "all"]
    assert words(settings(place="all"), *messages) == ["hall", "porch", "all"]


def test_greetings_are_for_those_who_are_named_and_once() -> None:
    chosen = settings(greets=["family", "stranger"], texts={"family": "Salut {name}, {place}"})
    seen = [visit(phase="started", verdict="identifying"), visit(), visit(seq=3, phase="ended"), visit("guest")]
    assert words(chosen, *seen) == [None, "Salut Alice, hall", None, None]
    assert words(chosen, visit("stranger"), visit(place="porch")) == [
        "You are on camera. The household has been told.",
        None,
    ]
    heeds = actuator.accepts(chosen)
    assert [heeds(message) for message in seen] == [False, True, False, False]


def test_of_an_incident_each_ring_is_spoken_and_no_update() -> None:
    chosen = settings(place="all", greets=["stranger", "unidentified"])
    incident = Incident(id=uuid4(), since=now(), places=("hall",), rings=1)
    first = visit("unidentified", alert=True, incident=incident)
    same = visit("unidentified", place="kitchen", incident=incident)
    worse = visit("stranger", place="kitchen", alert=True, incident=incident.model_copy(update={"rings": 2}))
    later = first.model_copy(update={"seq": 2, "phase": "corrected", "verdict": "stranger", "alert": False})
    said = "You are on camera.", None, "You are on camera. The household has been told.", None
    assert words(chosen, first, same, worse, later) == [*said]
    assert words(chosen, visit("unidentified")) == ["You are on camera."]


def test_nobody_is_greeted_who_has_left() -> None:
    at = now()
    late = [visit(phase="corrected", at=at, last=at - timedelta(seconds=ago)) for ago in (120, 5)]
    assert words(settings(greets=["family"]), *late) == [None, "Hello Alice."]


def test_a_late_greeting_is_not_said_but_a_late_alert_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    ago = now() - timedelta(minutes=1)
    chosen = settings(greets=["family", "stranger"])
    late: list[Say | Visit] = [
        visit(at=ago),
        visit("stranger", at=ago, alert=True),
        Say(place="hall", words="Fire", at=ago),
    ]
    late.append(Say(place="hall", words="Old", at=now() - timedelta(hours=1)))
    hear(tmp_path, chosen, late)
    assert [record.getMessage() for record in caplog.records] == [
        "Too old to be spoken: Hello Alice.",
        "hall: You are on camera. The household has been told.",
        "hall: Fire",
        "Too old to be spoken: Old",
    ]


def test_what_is_too_long_is_cut() -> None:
    (said,) = words(settings(), Say(place="hall", words="x" * 5000))
    assert len(said or "") == 600


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("engine: espeak", "engine: .*'espeak-ng'"),
        ("engine: print, quiet: 22-7", "write them as 22:00-07:00"),
        ("engine: print, greets: [identifying]", "identifying is not said aloud"),
        ("engine: print, greets: [family, known]", "known is not said aloud"),
        ("engine: print, language: de, greets: [guest]", "for de write texts: guest"),
        ('engine: print, texts: {guest: "Hi {nam}"}', "did you mean name"),
        ("engine: print, stale: 3", "did you mean stale_s"),
        ("player: none", "no program espeak-ng: apt install espeak-ng, or set engine: print"),
        ("engine: piper, player: none", "no program piper: pip install piper-tts"),
    ],
)
def test_wrong_settings_are_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, said: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "kinwatch.yaml").write_text(f"actuators:\n  hall: {{kind: speech, {table}}}\n")
    house = load(tmp_path / "kinwatch.yaml", environ={"KINWATCH_DATA_DIR": str(tmp_path / "data")})
    with pytest.raises(SettingsError, match=said):
        read_actuator(house, "hall")


def test_a_voice_without_a_loudspeaker_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("espeak-ng", "piper"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    for table, said in (
        ({}, "no program player .*apt install alsa-utils"),
        ({"player": "beep -x"}, "no program beep -x"),
        ({"player": "beep '"}, "No closing quotation"),
        ({"engine": "piper"}, "piper needs the file of a voice"),
    ):
        with pytest.raises(ValueError, match=said):
            settings(**{"engine": "espeak-ng"} | table)
    assert settings(engine="espeak-ng", player="none").command == ()


def test_piper_is_given_the_words_and_its_voice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program is a stand-in: it writes a tone as long as the words; its own voices are too large for a test."""
    script = (
        f"#!{sys.executable}\nimport sys, wave\n"
        "_, model, name, option, out = sys.argv\n"
        "assert (model, option) == ('--model', '--output_file') and open(name).read() == 'voice'\n"
        "with wave.open(out, 'wb') as sound:\n"
        "    sound.setparams((1, 2, 1000, 0, 'NONE', ''))\n"
        "    sound.writeframes(bytes(2 * 100 * len(sys.stdin.read())))\n"
    )
    (tmp_path / "piper").write_text(script)
    (tmp_path / "piper").chmod(0o700)
    (tmp_path / "alba.onnx").write_text("voice")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    chosen = settings(engine="piper", voice=str(tmp_path / "alba.onnx"), player="true")
    begun = time.monotonic()
    (said,) = hear(tmp_path, chosen, [Say(place="hall", words="Hello Alice")])
    assert isinstance(said, Said)
    assert said.until - said.at == timedelta(seconds=1.1)
    assert time.monotonic() - begun < scaled(5)


def test_the_players_are_tried_in_this_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("aplay", "paplay"):
        shutil.copy("/bin/true", tmp_path / name)
        assert settings(engine="print").command == (name,)
