"""Speech recognition: real recordings and synthesised voices through the real recogniser, silence and noise."""

import json
import os
import subprocess
import sys
import wave
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import pytest

from brain.people.gallery import Gallery
from brain.process.loop import run as run_brain
from brain.settings.brain import BrainSettings
from brain.talk.phrasebook import Phrasebook, understood
from nerves.bus import open_link
from nerves.database import Database
from nerves.errors import ModelError, SettingsError
from nerves.messages import Fact, Heard, Said, Say, now
from nerves.runner import run_sense
from nerves.services import Context
from nerves.settings import HouseSettings
from senses.hearing.ear import recogniser_of
from senses.hearing.echoes import Echoes
from senses.hearing.level import levelled
from senses.hearing.segments import CHUNK_S, Segments
from senses.hearing.sentence_score import Span, score_sentence
from senses.hearing.settings import SENTENCES
from senses.microphone import MicrophoneSettings, microphone_topics, sense, watch
from senses.microphone.sound import MicrophoneLost, resampled
from tests.backends import Blind
from tests.waiting import interrupting, soon

RATE = 16_000
rng = np.random.default_rng(5)
Samples = npt.NDArray[np.float64]


def ear(source: Path | str | None, **table: object) -> MicrophoneSettings:
    fields = {"kind": "microphone", "place": "hall", "source": source and str(source)} | table
    return MicrophoneSettings.model_validate(fields)


def hear(folder: Path, settings: MicrophoneSettings, *, said: Iterable[Fact] = ()) -> list[Heard]:
    with closing(Database(folder / "ear.db")) as database:
        return list(watch(settings, Context(database, lambda _: None, lambda _: None), iter(said)))


def write(path: Path, samples: Samples, *, rate: int = RATE, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.clip(samples, -32768, 32767).astype(np.int16).repeat(channels).tobytes())
    return path


def spoken(folder: Path, words: str, voice: str = "en-us+m3") -> Path:
    path = folder / "spoken.wav"
    command = ["espeak-ng", "-v", voice, "-s", "130", "-w", str(path), "--", words]
    subprocess.run(command, check=True)
    return path


@pytest.mark.pocketsphinx
@pytest.mark.media
def test_a_recorded_sentence_is_recognised_with_its_time(media: Path, tmp_path: Path) -> None:
    recording = media / "speech" / "english_one_two_three.wav"
    (heard,) = hear(tmp_path, ear(recording, sentences=[*SENTENCES["en"], "one two three"]))
    assert (heard.words, heard.place) == ("one two three", "hall")
    assert heard.confidence is not None
    assert heard.confidence >= 0.6
    assert heard.start is not None
    assert heard.end is not None
    assert timedelta(seconds=1.5) < heard.end - heard.start < timedelta(seconds=3)
    assert heard.end <= heard.at
    assert not hear(tmp_path, ear(recording))  # not one of the sentences


@pytest.mark.pocketsphinx
@pytest.mark.espeak
def test_a_question_is_recognised_and_the_brain_understands_it(tmp_path: Path) -> None:
    (heard,) = hear(tmp_path, ear(spoken(tmp_path, "who do you see")))
    ask = understood(heard.words, [Phrasebook.read("en", {})])
    assert ask is not None
    assert ask.intent == "who"


@pytest.mark.pocketsphinx
@pytest.mark.espeak
@pytest.mark.parametrize(
    "words", ["the weather is nice today", "my tailor is rich", "turn the radio down a little", "what a lovely day"]
)
def test_other_sentences_are_not_recognised(tmp_path: Path, words: str) -> None:
    assert not hear(tmp_path, ear(spoken(tmp_path, words)))


@pytest.mark.pocketsphinx
@pytest.mark.espeak
@pytest.mark.timeout(120)
def test_other_voices_are_understood_too(tmp_path: Path) -> None:
    heard = {
        (voice, words): [each.words for each in hear(tmp_path, ear(spoken(tmp_path, words, voice)))]
        for voice in ("en-us", "en-gb", "en-us+f2")
        for words in ("who do you see", "arm the house", "open your eyes", "close your eyes", "yes please")
    }
    assert all(found in ([], [words]) for (_, words), found in heard.items()), heard
    assert sum(bool(found) for found in heard.values()) >= 12, heard


READ = (
    "It was a bright cold day in spring, and the clocks of the town were striking one after the other. "
    "Nobody who lived in the street knew where the music came from, and most of them did not care to ask."
)


@pytest.mark.pocketsphinx
@pytest.mark.espeak
@pytest.mark.timeout(60)
def test_text_read_aloud_is_not_recognised_wherever_it_is_cut(tmp_path: Path) -> None:
    with wave.open(str(spoken(tmp_path, READ))) as file:
        voice = np.frombuffer(file.readframes(10**7), np.int16)
        samples = resampled(voice.astype(np.float64), file.getframerate())
    recogniser = recogniser_of(ear(None))
    windows = [samples[start : start + 3 * RATE // 2] for start in range(0, len(samples) - RATE, RATE)]
    assert len(windows) > 8
    assert not [found for window in windows if (found := recogniser.recognise(window.tobytes()))]


def test_a_sentence_must_fit_nearly_as_well_as_the_best_phones() -> None:
    phones = [Span(0, 49, -20.0), Span(50, 99, -30.0)]
    assert score_sentence([Span(0, 99, -50.0)], phones) == (1.0, 1.0)
    agreement, covered = score_sentence([Span(0, 49, -20.0 - 55.0)], phones)
    assert (round(agreement, 2), covered) == (0.8, 0.5)
    assert score_sentence([Span(0, 99, -900.0)], phones).agreement == 0
    assert score_sentence([], phones) == score_sentence([], []) == (0.0, 0.0)


@pytest.mark.parametrize("loud", [30, 300, 30_000])
def test_speech_is_levelled_and_gets_room_noise(loud: float) -> None:
    tone = np.where(TIME < 3, loud * np.sin(2 * np.pi * 440 * TIME), 0).astype(np.int16)
    made = np.frombuffer(levelled(tone.tobytes()), np.int16).astype(np.float64)
    middle, rest = made[RATE : 2 * RATE], made[4 * RATE : 5 * RATE]
    assert 1000 < np.sqrt((middle**2).mean()) < 3000
    assert 30 < rest.std() < 150
    assert levelled(b"") == b""
    assert np.frombuffer(levelled(bytes(2 * RATE)), np.int16).std() < 150


def pink(count: int) -> Samples:
    spectrum = np.fft.rfft(rng.normal(0, 1, count)) / np.sqrt(np.arange(1, count // 2 + 2))
    noise = np.fft.irfft(spectrum, count)
    return np.asarray(6000 * noise / noise.std())


TIME = np.arange(6 * RATE) / RATE
NOISES: dict[str, Samples] = {
    "silence": np.zeros(6 * RATE),
    "a quiet room": rng.normal(0, 20, 6 * RATE),
    "white noise": rng.normal(0, 6000, 6 * RATE),
    "pink noise": pink(6 * RATE),
    "hum": 6000 * np.sin(2 * np.pi * 50 * TIME),
    "a tone": 9000 * np.sin(2 * np.pi * 440 * TIME),
    "knocks": np.where(TIME % 0.8 < 0.02, rng.normal(0, 20000, TIME.size), 0),
    "nothing at all": np.zeros(0),
}


@pytest.mark.pocketsphinx
@pytest.mark.parametrize("noise", NOISES)
def test_silence_and_noise_are_not_recognised(tmp_path: Path, noise: str) -> None:
    assert not hear(tmp_path, ear(write(tmp_path / "noise.wav", NOISES[noise])))


@pytest.mark.pocketsphinx
@pytest.mark.espeak
@pytest.mark.timeout(30)
def test_a_pipe_is_a_source_and_speech_of_the_house_is_ignored(tmp_path: Path) -> None:
    with wave.open(str(spoken(tmp_path, "who do you see"))) as file:
        voice = np.frombuffer(file.readframes(10**7), np.int16)
        samples = resampled(voice.astype(np.float64), file.getframerate())
    sound = np.concatenate([np.zeros(RATE // 2, np.int16), samples, np.zeros(2 * RATE, np.int16)]).tobytes()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def speak() -> None:
        with pipe.open("wb") as out:
            out.write(sound)

    with closing(Database(tmp_path / "ear.db")) as database:
        context = Context(database, lambda _: None, lambda _: None)
        Thread(target=speak, daemon=True).start()
        heard = next(watch(ear(pipe), context, iter([])))
    assert heard.words == "who do you see"
    until = now() + timedelta(seconds=60)
    echoes = Echoes()
    echoes.add(Said(place="hall", words="who do you see", until=until))
    assert echoes.cover(now(), now() + timedelta(seconds=1))
    assert not echoes.cover(until + timedelta(seconds=1), until + timedelta(seconds=2))


@pytest.mark.parametrize("until", ["9999-12-31T23:59:59.9Z", "2099-01-01T00:00:00Z"])
def test_no_message_makes_the_microphone_deaf_for_long(until: str) -> None:
    echoes, body = Echoes(), json.dumps({"words": "hello", "until": until}).encode()
    echoes.add(Said.read("kinwatch/hall/said", body))
    moment, later = timedelta(seconds=1), timedelta(minutes=3)
    assert echoes.cover(now(), now() + moment)
    assert not echoes.cover(now() + later, now() + later + moment)
    echoes = Echoes()
    echoes.add(Said(place="hall", words="hello", at=now() + later, until=now() + 2 * later))
    assert not echoes.cover(now(), now() + 2 * later)


def seconds(count: float, level: float) -> list[float]:
    return [level] * round(count / CHUNK_S)


def cut(levels: list[float]) -> list[tuple[float, float]]:
    segments = Segments()
    found = [segments.take(b"", level) for level in levels] + [segments.flush()]
    return [(round(each.start_s, 1), round(each.end_s, 1)) for each in found if each]


def test_a_sentence_ends_with_a_pause_and_not_between_words() -> None:
    levels = [*seconds(1, 0), *seconds(0.5, 0.9), *seconds(0.5, 0.1), *seconds(0.5, 0.8), *seconds(2, 0)]
    assert cut(levels) == [(1.0, 2.5)]
    assert cut([*seconds(1, 0), *seconds(1, 0.9)]) == [(1.0, 2.0)]


def test_a_cough_and_a_speech_are_no_sentences() -> None:
    assert cut([*seconds(1, 0), *seconds(0.1, 0.9), *seconds(2, 0)]) == []
    assert cut([*seconds(1, 0), *seconds(60, 0.9), *seconds(2, 0)]) == []


def test_a_long_speech_does_not_grow_in_memory() -> None:
    segments = Segments()
    for _ in range(5000):
        segments.take(b"x" * 1024, 0.9)
    assert len(segments._chunks) < 200  # noqa: SLF001


@pytest.mark.parametrize("rate", [8000, 22_050, 44_100, 48_000])
def test_any_sample_rate_is_converted_and_a_tone_keeps_its_pitch(rate: int) -> None:
    tone = 8000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    samples = resampled(tone, rate)
    assert len(samples) == RATE
    assert np.argmax(np.abs(np.fft.rfft(samples))) == 440
    assert 7000 < np.abs(samples).max() < 9000
    high = 8000 * np.sin(2 * np.pi * 15_000 * np.arange(rate) / rate)
    if rate > 30_000:
        assert np.abs(resampled(high, rate)).max() < 100


@pytest.mark.pocketsphinx
@pytest.mark.parametrize("channels", [1, 2])
def test_the_error_says_why_a_file_is_no_sound(tmp_path: Path, channels: int) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF nonsense")
    with pytest.raises(MicrophoneLost, match="not a WAV"):
        hear(tmp_path, ear(tmp_path / "a.wav"))
    with pytest.raises(MicrophoneLost, match="check `source`"):
        hear(tmp_path, ear(tmp_path / "absent.wav"))
    assert not hear(tmp_path, ear(write(tmp_path / "b.wav", np.zeros(RATE), channels=channels)))


@pytest.mark.pocketsphinx
def test_an_absent_microphone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MicrophoneLost, match=r"check `device`|libportaudio2"):
        hear(tmp_path, ear(None, device="no such microphone"))


@pytest.mark.pocketsphinx
def test_another_language_and_an_unknown_word_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="run `kinwatch models pull vosk-fr`"):
        hear(tmp_path, ear(write(tmp_path / "a.wav", np.zeros(100)), language="fr"))
    with pytest.raises(SettingsError, match="'xyzzy' is not in the recogniser's dictionary"):
        hear(tmp_path, ear(write(tmp_path / "a.wav", np.zeros(100)), names=["Xyzzy"]))


def test_the_brain_understands_all_built_in_english_sentences() -> None:
    books = [Phrasebook.read("en", {})]
    assert all(understood(sentence, books) for sentence in (*SENTENCES["en"], "this is alice"))
    assert microphone_topics(ear(None)) == ("kinwatch/hall/said",)


@pytest.mark.pocketsphinx
@pytest.mark.media
@pytest.mark.timeout(30)
def test_the_running_sense_publishes_words_and_stores_no_sound(media: Path, tmp_path: Path) -> None:
    heard: list[tuple[datetime, bytes]] = []
    url = f"loopback://{uuid4()}"
    link = open_link(url, "listener", durable=False)
    link.listen("kinwatch/hall/heard", lambda _, body: heard.append((now(), body)), qos=1)
    settings = ear(media / "speech" / "english_one_two_three.wav", sentences=["one two three"])
    with link:
        assert link.wait_connected(30)
        run_sense("hall", sense, settings, HouseSettings(data_dir=tmp_path), url)
    assert len(heard) == 1
    assert Heard.read("kinwatch/hall/heard", heard[0][1]).words == "one two three"
    assert sum(file.stat().st_size for file in tmp_path.iterdir() if file.suffix != ".db-wal") < 100_000
    assert {file.name.partition(".")[0] for file in tmp_path.iterdir()} == {"hall"}


def test_nothing_heavy_is_loaded_before_it_runs() -> None:
    absent = "{'numpy', 'pocketsphinx', 'tweepy'} & set(sys.modules)"
    code = f"import sys, senses.microphone, senses.mentions; print(sorted({absent}))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.pocketsphinx
@pytest.mark.espeak
@pytest.mark.timeout(60)
def test_a_spoken_question_is_answered_at_its_place(tmp_path: Path) -> None:
    url, said = f"loopback://{uuid4()}", list[str]()
    house, modes = HouseSettings(data_dir=tmp_path), list[bytes]()
    link = open_link(url, "listener", durable=False)
    link.listen("kinwatch/hall/say", lambda _, body: said.append(Say.read("kinwatch/hall/say", body).words), qos=1)
    link.listen("kinwatch/mode", lambda _, body: modes.append(body), qos=1)

    def ask() -> None:
        with interrupting():
            soon(lambda: bool(modes))
            run_sense("ear", sense, ear(spoken(tmp_path, "who do you see")), house, url)
            soon(lambda: bool(said))

    with link, Gallery(tmp_path / "gallery.db") as gallery:
        assert link.wait_connected(30)
        thread = Thread(target=ask)
        thread.start()
        run_brain(house, BrainSettings(), Blind(), gallery, url)
        thread.join()
    assert said == ["I see nobody."]
