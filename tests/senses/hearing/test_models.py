"""Speech models: fetched whole or not at all, pinned by the first fetch, checked before use; and Vosk's package."""

import http.server
import io
import json
import os
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from pydantic import ValidationError

from brain.talk.phrasebook import Phrasebook, understood
from nerves.errors import KinwatchError, ModelError, SettingsError
from senses.hearing import ear
from senses.hearing.models import (
    SPEECH_MODELS,
    SpeechModel,
    find_speech_model,
    pull_speech_model,
    speech_model_state,
)
from senses.hearing.settings import SENTENCES, HearingSettings
from senses.hearing.vosk_model import VoskRecogniser, grammar, sentence_of
from tests.paths import ROOT

FILES = {"am/final.mdl": b"acoustic", "conf/model.conf": b"--beam=10\n", "README": b"hello"}
NAME = "vosk-fr"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KINWATCH_MODELS", raising=False)
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, SpeechModel]]:
    """A folder that is served, and the model that is fetched from there."""
    folder = tmp_path / "site"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, replace(SPEECH_MODELS[NAME], site=f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


def packed(files: dict[str, bytes], top: str = "vosk-model-small-fr-0.22/") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{top}{name}", content)
    return out.getvalue()


def serve(site: tuple[Path, SpeechModel], content: bytes) -> SpeechModel:
    (site[0] / f"{site[1].archive}.zip").write_bytes(content)
    return site[1]


def test_a_model_is_fetched_pinned_and_found(tmp_path: Path, site: tuple[Path, SpeechModel]) -> None:
    folder, heard = tmp_path / "models", list[tuple[int, int]]()
    content = packed(FILES)
    pin = pull_speech_model(serve(site, content), folder, lambda *how: heard.append(how))
    assert pin is not None
    assert heard[-1] == (len(content), len(content))
    assert find_speech_model(NAME, [tmp_path, folder]) == folder / NAME
    assert {file: (folder / NAME / file).read_bytes() for file in pin.files} == FILES
    assert sorted(path.name for path in folder.iterdir()) == [NAME, f"{NAME}.json"]
    assert pin.sha256 in speech_model_state(NAME, [folder])
    assert pull_speech_model(site[1], folder) is None


def test_only_the_pinned_model_is_used_and_fetched_again(tmp_path: Path, site: tuple[Path, SpeechModel]) -> None:
    folder = tmp_path / "models"
    pull_speech_model(serve(site, packed(FILES)), folder)
    (folder / NAME / "am" / "final.mdl").write_bytes(b"Acoustic")
    with pytest.raises(ModelError, match=r"is not the speech model .*sha256 of am/final.mdl differs.*pull vosk-fr"):
        find_speech_model(NAME, [folder])
    assert pull_speech_model(site[1], folder)
    assert find_speech_model(NAME, [folder])
    (folder / NAME / "README").unlink()
    assert "README is absent" in speech_model_state(NAME, [folder])
    serve(site, packed(FILES | {"README": b"another"}))
    with pytest.raises(ModelError, match=r"is not what it was on .*remove .*vosk-fr.json"):
        pull_speech_model(site[1], folder)
    assert not (folder / NAME / "README").exists()
    (folder / f"{NAME}.json").unlink()
    assert "no vosk-fr.json beside it" in speech_model_state(NAME, [folder])
    assert pull_speech_model(site[1], folder)
    assert find_speech_model(NAME, [folder])


def link() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("top/final.mdl")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return out.getvalue()


def damaged() -> bytes:
    """An archive one of whose files is not what its checksum says."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("top/final.mdl", b"acoustic")
    return out.getvalue().replace(b"acoustic", b"Acoustic")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<html>not here</html>", "is not a speech model"),
        (b"", "is not a speech model"),
        (packed(FILES)[:-40], "is not a speech model"),
        (damaged(), "is not a speech model"),
        (packed({"README": b"nothing else"}), "there is no final.mdl"),
        (packed({"../../evil/final.mdl": b"x"}), "does not belong to a model"),
        (packed({"final.mdl": b"x"}, "/tmp/"), "does not belong to a model"),  # noqa: S108
        (packed({"final.mdl": b"x"}, ""), "does not belong to a model"),
        (packed({"a\\..\\final.mdl": b"x"}), "does not belong to a model"),
        (link(), "does not belong to a model"),
        (packed({**{str(number): b"" for number in range(1001)}, "final.mdl": b""}), "too large"),
    ],
    ids=["page", "empty", "cut", "damaged", "other", "up", "absolute", "flat", "backslash", "link", "many"],
)
def test_an_archive_that_is_no_model_changes_nothing(
    tmp_path: Path, site: tuple[Path, SpeechModel], content: bytes, says: str
) -> None:
    folder = tmp_path / "models"
    with pytest.raises(ModelError, match=says) as raised:
        pull_speech_model(serve(site, content), folder)
    assert "\n" not in str(raised.value)
    assert list(folder.iterdir()) == []
    assert not (tmp_path / "evil").exists()


def test_a_broken_download_changes_nothing_and_is_reported(tmp_path: Path) -> None:
    class Breaks(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(packed(FILES))

        def log_message(self, *_: object) -> None:
            pass

    folder = tmp_path / "models"
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Breaks) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        model = replace(SPEECH_MODELS[NAME], site=f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(ModelError, match=r"it ended after \d+ of 100000 bytes"):
            pull_speech_model(model, folder)
        server.shutdown()
        thread.join()
    with pytest.raises(ModelError, match="is this machine online"):
        pull_speech_model(model, folder)
    assert list(folder.iterdir()) == []


def test_a_pull_that_is_killed_leaves_what_was_there(tmp_path: Path, site: tuple[Path, SpeechModel]) -> None:
    folder = tmp_path / "models"
    pull_speech_model(serve(site, packed(FILES)), folder)
    (folder / ".pull-killed" / NAME).mkdir(parents=True)
    assert find_speech_model(NAME, [folder])


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, site: tuple[Path, SpeechModel]) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelError, match=str(tmp_path / "file")):
        pull_speech_model(serve(site, packed(FILES)), tmp_path / "file")


@pytest.mark.timeout(60)
def test_the_command_lists_them_and_where_they_come_from(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kinwatch", "models", "--json"]
    env = {**os.environ, "KINWATCH_DATA_DIR": str(tmp_path)}
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    listed = {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert (listed[NAME]["state"], listed[NAME]["licence"]) == ("absent", "Apache-2.0")
    assert SPEECH_MODELS[NAME].address == "https://alphacephei.com/vosk/models/vosk-model-small-fr-0.22.zip"


# What is set


def hearing(**table: object) -> HearingSettings:
    return HearingSettings.model_validate(table)


def test_french_without_its_model_names_the_command(tmp_path: Path) -> None:
    assert hearing().engine == "pocketsphinx"
    assert hearing(language="fr").engine == "vosk"
    for table in ({"language": "fr"}, {"language": "fr", "recogniser": "vosk"}):
        with pytest.raises(ModelError, match="run `kinwatch models pull vosk-fr`"):
            ear.recogniser_of(hearing(**table), tmp_path)
    with pytest.raises(ModelError, match="run `kinwatch models pull vosk-en`"):
        ear.recogniser_of(hearing(recogniser="vosk"), tmp_path)
    with pytest.raises(ValidationError, match=r"pocketsphinx knows English only: .*pull vosk-fr"):
        hearing(language="fr", recogniser="pocketsphinx")


def test_the_brain_understands_every_built_in_sentence() -> None:
    for language, sentences in SENTENCES.items():
        books = [Phrasebook.read(language, {})]
        wanted = hearing(language=language, names=["Alice"]).wanted
        assert wanted[:-1] == sentences
        assert all(understood(sentence, books) for sentence in wanted)


# Vosk


def test_words_are_spelt_as_the_model_spells_them() -> None:
    knows = {"qui", "vois", "tu", "l'", "alarme", "arme", "c'est", "alice", "est-ce"}.__contains__
    spelt = grammar(["Qui vois-tu ?", "arme l'alarme", "c'est Alice", "est-ce"], knows, optional=())
    assert spelt == {
        "qui vois tu": "Qui vois-tu ?",
        "arme l' alarme": "arme l'alarme",
        "c'est alice": "c'est Alice",
        "est-ce": "est-ce",
    }
    assert grammar(["arme", "xyzzy"], knows, optional=["xyzzy"]) == {"arme": "arme"}
    with pytest.raises(SettingsError, match="does not know all words of 'xyzzy'"):
        grammar(["arme", "xyzzy"], knows, optional=())
    with pytest.raises(SettingsError, match="knows none"):
        grammar(["xyzzy"], knows, optional=["xyzzy"])


def test_only_a_complete_sentence_without_other_words_counts() -> None:
    spelt = {"qui vois tu": "qui vois-tu", "oui": "oui"}
    sure = {"text": "qui vois tu", "result": [{"conf": 1.0}, {"conf": 0.8}, {"conf": 0.6}]}
    found = sentence_of([sure, {"text": ""}], spelt)
    assert found is not None
    assert (found.words, round(found.confidence, 3)) == ("qui vois-tu", 0.8)
    others: tuple[list[dict[str, str]], ...] = (
        [{"text": "qui vois tu [unk]"}],
        [{"text": "[unk]"}],
        [{"text": ""}],
        [{"text": "oui"}, {"text": "oui"}],
        [{}],
    )
    for results in others:
        assert sentence_of(results, spelt) is None
    assert sentence_of([{"text": ""}, {"text": "oui"}], spelt) == ("oui", 1.0)


@pytest.mark.timeout(60)
def test_vosk_itself_says_of_a_folder_that_is_no_model_what_to_do(tmp_path: Path) -> None:
    pytest.importorskip("vosk", reason="the package vosk is not installed")
    (tmp_path / "junk" / "am").mkdir(parents=True)
    (tmp_path / "junk" / "conf").mkdir()
    (tmp_path / "junk" / "am" / "final.mdl").write_bytes(os.urandom(10_000))
    (tmp_path / "junk" / "conf" / "model.conf").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    for name in ("absent", "empty", "junk"):
        with pytest.raises(ModelError, match=rf"{name} is not a speech model .*kinwatch models pull"):
            VoskRecogniser(["oui"], tmp_path / name, optional=())


def test_without_the_package_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vosk", None)
    with pytest.raises(KinwatchError, match=r"pip install 'kinwatch\[vosk\]'"):
        VoskRecogniser(["oui"], tmp_path, optional=())
