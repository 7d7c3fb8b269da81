"""The pure parts: names, pictures, the breaker, what answers mean, settings."""

import io
import re
from typing import Any

import cv2
import numpy as np
import pytest
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from brain.cloud import answers
from brain.cloud.breaker import FIRST_BREAK_S, LONGEST_BREAK_S, REFUSED_BREAK_S, Breaker
from brain.cloud.errors import CloudError, CloudPicture
from brain.cloud.face_ids import label, name_of, read_label, user_id
from brain.cloud.pictures import MAX_REQUEST_BYTES, MIN_SIDE_PX, blank, fit_for_rekognition, upright
from brain.cloud.refusals import ADVICE, PICTURE, TOO_BUSY, advice, meaning
from brain.models import yolox
from brain.settings.rekognition import RekognitionSettings, S3Object, s3_object
from tests.aws import FAULTS

pytestmark = pytest.mark.timeout(60)

MODEL = get_session().get_service_model("rekognition")
SHA256 = "0123456789abcdef" * 4
# What a name may be: at most 40 printable characters.
NAMES = st.text(st.characters(max_codepoint=0x3FFFF), min_size=1, max_size=40)


def fits(text: str, shape: str) -> bool:
    limits = MODEL.shape_for(shape).metadata
    return bool(re.fullmatch(limits["pattern"], text)) and limits["min"] <= len(text) <= limits["max"]


@given(NAMES)
def test_every_name_survives(name: str) -> None:
    assert fits(label(name, SHA256), "ExternalImageId")
    assert read_label(label(name, SHA256)) == (name, SHA256)
    assert fits(user_id(name), "UserId")
    assert name_of(user_id(name)) == name


@given(st.text(min_size=1, max_size=40))
def test_the_rarest_letters_of_all_survive_in_a_photo_and_a_user_says_if_they_do_not(name: str) -> None:
    assert read_label(label(name, SHA256)) == (name, SHA256)
    try:
        assert name_of(user_id(name)) == name
    except CloudError as error:
        assert "is too long for AWS: choose a shorter one" in str(error)  # noqa: PT017 - either may be


@given(st.text(st.characters(max_codepoint=0x7F), max_size=60))
def test_what_others_wrote_is_read_as_nobody_or_as_a_name_that_is_written_so(text: str) -> None:
    name = name_of(text)
    assert name is None or user_id(name) == text


def test_plain_names_stay_readable() -> None:
    assert label("Grandma Jo", SHA256) == f"Grandma.Jo:{SHA256}"
    assert user_id("O'Neil").startswith(":b")
    assert name_of("Grandma.Jo") == "Grandma Jo"


@pytest.mark.parametrize("text", ["", ":", ":b", ":z123", "a..b", ".a", f"Ann:{SHA256[:-1]}", f"Ann{SHA256}"])
def test_a_label_of_somebody_else_is_nobodys(text: str) -> None:
    assert read_label(text) is None


def noise(wide: int, high: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).integers(0, 256, (high, wide, 3), np.uint8)


def jpeg(pixels: np.ndarray[Any, Any], quality: int = 95) -> bytes:
    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


def size(picture: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(picture)) as image:
        return image.size


@pytest.mark.parametrize(
    ("wide", "high", "sent"),
    [(120, 90, (120, 90)), (80, 80, (80, 80)), (79, 200, (80, 203)), (40, 60, (80, 120)), (16, 160, (80, 800))],
)
def test_a_small_picture_grows_until_it_is_large_enough(wide: int, high: int, sent: tuple[int, int]) -> None:
    assert size(fit_for_rekognition(jpeg(noise(wide, high)))) == sent


def test_a_heavy_picture_shrinks_until_it_is_light_enough() -> None:
    heavy = jpeg(noise(2400, 1800), 100)
    assert len(heavy) > MAX_REQUEST_BYTES
    light = fit_for_rekognition(heavy)
    wide, high = size(light)
    assert MAX_REQUEST_BYTES / 8 < len(light) <= MAX_REQUEST_BYTES
    assert wide / high == pytest.approx(2400 / 1800, rel=0.01)


@pytest.mark.parametrize(
    "broken",
    [b"", b"no picture", jpeg(noise(100, 100))[:-30], jpeg(noise(15, 15)), jpeg(noise(3000, 16))],
    ids=["empty", "text", "cut", "tiny", "a line"],
)
def test_what_cannot_be_sent_says_so(broken: bytes) -> None:
    with pytest.raises(CloudPicture, match="cannot be sent"):
        fit_for_rekognition(broken)


def tagged(orientation: int = 6) -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x9286] = orientation, "TopSecretCam", "at 48.8584 N"
    image = Image.fromarray(noise(100, 120))
    image.save(out, "JPEG", exif=exif, comment=b"the burglar's house", icc_profile=b"profile" * 50, quality=95)
    return out.getvalue()


def test_only_pixels_leave_the_house() -> None:
    before, after = tagged(1), fit_for_rekognition(tagged(1))
    for secret in (b"TopSecretCam", b"48.8584", b"burglar", b"Exif", b"profile"):
        assert secret in before
        assert secret not in after
    with Image.open(io.BytesIO(before)) as one, Image.open(io.BytesIO(after)) as other:
        assert not other.getexif()
        assert np.array_equal(np.asarray(one), np.asarray(other))


def test_other_colours_stay_as_they_are() -> None:
    out = io.BytesIO()
    Image.fromarray(noise(100, 100)).convert("CMYK").save(out, "JPEG")  # with Adobe's segment, which says how to read
    with (
        Image.open(io.BytesIO(out.getvalue())) as one,
        Image.open(io.BytesIO(fit_for_rekognition(out.getvalue()))) as other,
    ):
        assert np.array_equal(np.asarray(one), np.asarray(other))


@given(st.binary(max_size=300), st.integers(0, 300))
def test_a_damaged_picture_is_a_bad_picture_or_a_picture(junk: bytes, at: int) -> None:
    whole = jpeg(noise(100, 100))
    try:
        fit_for_rekognition(whole[:at] + junk + whole[at + len(junk) :])
    except CloudPicture as error:
        assert str(error)  # noqa: PT017 - either may be


def test_a_photo_of_any_kind_is_sent_upright() -> None:
    assert size(upright(tagged(6))) == (120, 100)
    out = io.BytesIO()
    Image.new("RGBA", (50, 200), (10, 20, 30, 128)).save(out, "PNG")
    assert size(upright(out.getvalue())) == (80, 320)
    with pytest.raises(CloudPicture, match="not a picture"):
        upright(b"no picture")


def test_the_empty_picture_is_as_small_as_may_be() -> None:
    assert size(blank()) == (MIN_SIDE_PX, MIN_SIDE_PX)
    assert fit_for_rekognition(blank()) == blank()


def test_the_limit_is_the_services_own() -> None:
    assert MODEL.shape_for("ImageBlob").metadata["max"] == MAX_REQUEST_BYTES


def test_the_breaker_opens_twice_as_long_each_time_and_closes_at_once() -> None:
    breaker, now, pauses = Breaker(), 100.0, []
    assert breaker.allows(now)
    for _ in range(8):
        breaker.failed(now)
        pauses.append(breaker.left(now))
        assert not breaker.allows(now + pauses[-1] - 0.1)
        now += pauses[-1]
        assert breaker.allows(now)
        assert not breaker.allows(now), "one at a time"
    assert pauses == [15, 30, 60, 120, 240, 480, 600, 600]
    assert (pauses[0], pauses[-1]) == (FIRST_BREAK_S, LONGEST_BREAK_S)
    breaker.worked()
    assert breaker.closed
    assert breaker.allows(now)
    assert breaker.allows(now)


def test_who_was_let_through_and_never_came_back_is_followed_by_another() -> None:
    breaker = Breaker()
    breaker.failed(0.0)
    assert breaker.allows(15.0)
    assert not breaker.allows(29.9)
    assert breaker.allows(30.0)


def test_a_refusal_waits_for_a_person() -> None:
    breaker = Breaker()
    breaker.failed(0.0, refused=True)
    assert breaker.left(0.0) == REFUSED_BREAK_S > LONGEST_BREAK_S
    assert breaker.allows(REFUSED_BREAK_S)
    breaker.failed(REFUSED_BREAK_S)
    assert breaker.left(REFUSED_BREAK_S) == LONGEST_BREAK_S


def test_every_error_that_the_service_may_give_has_a_meaning() -> None:
    for operation in {*MODEL.operation_names} & {
        "CompareFaces", "DetectFaces", "DetectLabels", "IndexFaces", "SearchFacesByImage", "SearchUsersByImage"
    }:  # fmt: skip
        for shape in MODEL.operation_model(operation).error_shapes:
            assert shape.name in TOO_BUSY | PICTURE | ADVICE.keys(), shape.name


@pytest.mark.parametrize(
    ("code", "status", "means"),
    [
        ("ProvisionedThroughputExceededException", 400, "away"),
        ("429", 429, "away"),
        ("502", 502, "away"),
        ("AccessDeniedException", 400, "refused"),
        ("SomethingNew", 400, "refused"),
        ("403", 403, "refused"),
        ("ResourceNotFoundException", 400, "missing"),
        ("ImageTooLargeException", 400, "picture"),
        ("InvalidParameterException", 400, "picture"),
    ],
)
def test_what_an_answer_means(code: str, status: int, means: str) -> None:
    assert meaning(code, status) == means


def test_every_refusal_says_what_to_do() -> None:
    assert all(advice(code) for code in [*ADVICE, "SomethingNew"])
    assert {meaning(fault.code, fault.status) for fault in FAULTS.values()} == {"away", "refused"}


def test_every_animal_of_the_local_backend_has_the_same_name_in_the_cloud() -> None:
    animals = {"bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"}
    assert animals & {*yolox.YOLOX_LABELS} <= {animal.lower() for animal in answers.ANIMALS}


def accepted(**told: object) -> RekognitionSettings:
    return RekognitionSettings.model_validate(told)


def test_settings_that_fit() -> None:
    assert accepted() == RekognitionSettings()
    assert accepted(endpoint_url="http://127.0.0.1:5000").endpoint_url
    assert accepted(by="compare", pictures={"Ann": ["s3://our-house/ann.jpg"]}).pictures
    assert s3_object("s3://our-house/a/b c.jpg") == S3Object("our-house", "a/b c.jpg")
    assert s3_object("faces/ann.jpg") is None


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ({"region": "Ireland"}, "'Ireland' is no region: it has the form eu-west-1"),
        ({"endpoint_url": "rekognition.local"}, "is no endpoint"),
        ({"endpoint_url": "http://192.168.0.7:80"}, "pictures would be sent unencrypted"),
        ({"endpoint_url": "https://me:secret@proxy"}, "without a password"),
        ({"by": "compare"}, "by: compare needs pictures"),
        ({"by": "compare", "pictures": {"Ann": []}}, "by: compare needs pictures"),
        ({"by": "compare", "pictures": {"Ann": [], "Bob": ["b.jpg"]}}, "pictures: Ann has none"),
        ({"pictures": {"Ann": ["a.jpg"]}}, "pictures is for by: compare only"),
        ({"by": "compare", "pictures": {"Ann": ["s3://Bucket/a.jpg"]}}, "is no picture"),
        ({"by": "compare", "pictures": {"Ann": ["s3://bucket/"]}}, "is no picture"),
        ({"collection": "our house"}, "match pattern"),
        ({"collection": "a" * 256}, "at most 255"),
        ({"daily_calls": -1}, "greater than or equal"),
        ({"daily_cals": 1}, "Extra inputs"),
    ],
)
def test_settings_that_do_not(told: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(complaint)):
        accepted(**told)
