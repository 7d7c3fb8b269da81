"""The model files as data: name, accepted contents, licence, source, and the packs that need them."""

from dataclasses import dataclass
from typing import Literal

from nerves.model_store import Archive, ArchiveMember, Version

__all__ = ["MODEL_FILES", "SDIST", "WHEEL", "ModelFile", "Pack", "Url", "of_pack"]

Pack = Literal["built-in", "standard"]


@dataclass(frozen=True, slots=True)
class Url:
    """A file fetched over HTTPS; the addresses are tried in order."""

    addresses: tuple[str, ...]

    def __str__(self) -> str:
        return self.addresses[0]


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One model file."""

    name: str
    packs: tuple[Pack, ...]
    versions: tuple[Version, ...]
    """The accepted contents."""
    licence: str
    source: Url | ArchiveMember


# The same wheel on every machine, for any processor and Python, because only its data are read. sha256 from PyPI.
WHEEL = Archive(
    name="mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl",
    content=Version("05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3", 35_622_638),
    pip=(
        *("--python-version", "3.11", "--implementation", "cp", "--platform", "manylinux_2_28_x86_64"),
        "mediapipe==0.10.21",
    ),
)

# Fetched over HTTPS and not by pip: there is no wheel of it, and pip would run its setup.py of 2017.
SDIST = Archive(
    name="face_recognition_models-0.3.0.tar.gz",
    content=Version("b79bd200a88c87c9a9d446c990ae71c5a626d1f3730174e6d570157ff1d896cf", 100_149_358),
    address="https://files.pythonhosted.org/packages/cf/3b/4fd8c534f6c0d1b80ce0973d01331525538045084c73c153ee6df20224cf"
    "/face_recognition_models-0.3.0.tar.gz",
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
            source=ArchiveMember(WHEEL, "mediapipe/modules/pose_detection/pose_detection.tflite"),
        ),
        ModelFile(
            name="face_detection_full_range_sparse.tflite",
            packs=("built-in",),
            versions=(Version("2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1", 676_746),),
            licence="Apache-2.0",
            source=ArchiveMember(WHEEL, "mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite"),
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
            source=ArchiveMember(SDIST, "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat"),
        ),
        ModelFile(
            name="shape_predictor_5_face_landmarks.dat",
            packs=_BOTH,
            versions=(Version("c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888", 9_150_489),),
            licence="CC0-1.0",
            source=ArchiveMember(SDIST, "face_recognition_models/models/shape_predictor_5_face_landmarks.dat"),
        ),
    )
}


def of_pack(pack: Pack) -> tuple[ModelFile, ...]:
    """Return the files a pack needs."""
    return tuple(file for file in MODEL_FILES.values() if pack in file.packs)
