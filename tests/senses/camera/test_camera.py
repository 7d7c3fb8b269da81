"""The camera against real servers, clips and folders."""

import base64
import hashlib
import io
import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread, Timer

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from nerves.errors import CameraLost
from nerves.exif import capture_time, with_capture_time
from nerves.messages import Frame, Trouble
from senses.camera import CameraSettings, live, mjpeg, sense, video, watch, watching, web
from senses.camera.recorded import recording
from senses.camera.settings import masked
from senses.camera.shot import Away, Pixels, Shot
from senses.gate import FrameRateLimit, Gate
from tests.paths import ROOT
from tests.waiting import scaled

NOON = datetime(2026, 11, 21, 12, 0, 0, 123_000, UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
few = settings(max_examples=40, deadline=None)


def camera(source: object, **more: object) -> CameraSettings:
    return CameraSettings.model_validate({"kind": "camera", "place": "hall", "source": str(source), **more})


def scene(step: int) -> Pixels:
    """Draw a room with a block at `step`."""
    pixels = np.full((120, 160, 3), 90, np.uint8)
    pixels[20:100, 5 * step % 120 : 5 * step % 120 + 40] = 240
    return pixels


def jpeg(step: int = 0) -> bytes:
    return video.encoded(scene(step), quality=80)


def with_thumbnail() -> bytes:
    """Make a JPEG with a complete smaller JPEG in its EXIF data, as cameras do."""
    thumbnail = b"Exif\x00\x00" + jpeg(1)
    segment = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2) + thumbnail
    return b"\xff\xd8" + segment + jpeg(2)[2:]


# EXIF


@few
@given(
    at=st.datetimes(timezones=st.just(UTC)).filter(lambda at: 1 < at.year < 9999),
    hours=st.integers(-12, 12),
)
def test_a_stamp_is_read_as_it_was_written(at: datetime, hours: int) -> None:
    at = at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=timezone(timedelta(hours=hours)))
    assert capture_time(with_capture_time(jpeg(), at)) == at


def test_a_stamp_leaves_the_picture_as_it_is() -> None:
    picture, with_stamp = jpeg(), with_capture_time(jpeg(), NOON)
    assert with_stamp.endswith(picture[2:])
    assert len(with_stamp) - len(picture) < 120
    with Image.open(io.BytesIO(with_stamp)) as image:
        written = image.getexif().get_ifd(0x8769)
        assert dict(written) == {0x9003: "2026:11:21 12:00:00", 0x9011: "+00:00", 0x9291: "123"}
        assert np.array_equal(np.asarray(image), np.asarray(Image.open(io.BytesIO(picture))))


def test_exif_data_of_another_program_is_read_and_preserved() -> None:
    exif, file = Image.Exif(), io.BytesIO()
    exif.get_ifd(0x8769).update({0x9003: "2026:11:21 14:00:00", 0x9011: "+02:00", 0x9291: "1234567"})
    Image.fromarray(scene(0)).save(file, "JPEG", exif=exif)
    picture = file.getvalue()
    assert capture_time(picture) == datetime(2026, 11, 21, 12, 0, 0, 123_456, UTC)
    assert with_capture_time(picture, NOON) == picture


@few
@given(
    junk=st.binary(max_size=200),
    at=st.integers(0, 130),
    before=st.sampled_from([b"", b"\xff\xd8", b"\xff\xd8\xff\xe1"]),
)
def test_random_bytes_have_no_time_and_raise_nothing(junk: bytes, at: int, before: bytes) -> None:
    capture_time(before + junk)
    with_capture_time(before + junk, NOON)
    picture = with_capture_time(jpeg(), NOON)
    capture_time(picture[:at])
    capture_time(picture[:at] + junk + picture[at + len(junk) :])


# Which frames are sent


def test_frames_are_sent_during_motion_a_little_longer_and_once_a_sweep() -> None:
    gate = Gate(sweep_s=10, linger_s=2)
    moving = {20, 21, 22}
    passed = [at for at in range(40) if gate.passes(at, moved=at in moving)]
    assert passed == [0, 1, 11, 20, 21, 22, 23, 33]


def test_the_first_frame_is_sent_even_without_linger() -> None:
    gate = Gate(sweep_s=10, linger_s=0)
    assert [at for at in range(25) if gate.passes(at, moved=at == 5)] == [0, 5, 15]


@pytest.mark.parametrize("fps", [5.0, 10.0, 24.97, 30.0])
def test_the_frame_rate_is_right_on_average_for_any_camera_rate(fps: float) -> None:
    jitter = np.random.default_rng(0).uniform(-0.02, 0.02, int(60 * fps))
    rate = FrameRateLimit(lambda: 5)
    passed = sum(rate.due(number / fps + late) for number, late in enumerate(jitter))
    assert 270 <= passed <= 302


def test_the_frame_rate_does_not_catch_up_after_a_pause() -> None:
    rate = FrameRateLimit(lambda: 5)
    assert rate.due(0)
    assert [rate.due(100 + number / 100) for number in range(17)].count(True) == 1


# MJPEG


@few
@given(data=st.data(), junk=st.lists(st.binary(max_size=50), min_size=4, max_size=4))
def test_every_jpeg_of_a_stream_is_found_unchanged(data: st.DataObject, junk: list[bytes]) -> None:
    whole = [jpeg(0), with_thumbnail(), jpeg(3)]
    between = [part.replace(b"\xff", b"") for part in junk]
    stream = between[0] + b"".join(picture + rest for picture, rest in zip(whole, between[1:], strict=True))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=30)))
    chunks = [stream[start:end] for start, end in itertools.pairwise([0, *cuts, len(stream)])]
    assert list(mjpeg.jpegs(chunks)) == whole


@few
@given(cut=st.integers(2, len(jpeg()) - 2), size=st.integers(1, 5000))
def test_a_cut_off_jpeg_is_skipped_and_the_next_ones_are_found(cut: int, size: int) -> None:
    stream = jpeg()[:cut] + b"\r\n--frame\r\nContent-Length: 999999\r\n\r\n" + jpeg(1) + b"\r\n--frame\r\n" + jpeg(2)
    # A cut within a header can hide the following bytes up to the length in that header, and no more.
    stream += b"".join(jpeg(3 + number) for number in range(60))
    found = list(mjpeg.jpegs(stream[at : at + size] for at in range(0, len(stream), size)))
    assert found[-50:] == [jpeg(13 + number) for number in range(50)]
    assert jpeg()[:cut] not in found


@few
@given(junk=st.lists(st.binary(max_size=300)))
def test_random_bytes_in_a_stream_raise_nothing(junk: list[bytes]) -> None:
    list(mjpeg.jpegs([b"\xff\xd8\xff\xe1", *junk, b"\xff\xd9"]))


def test_a_picture_without_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mjpeg, "MAX_JPEG_BYTES", 2_000_000)
    endless = itertools.chain([jpeg()[:-2]], itertools.repeat(bytes(65_536)))
    with pytest.raises(CameraLost, match="2 MB without a complete one"):
        list(mjpeg.jpegs(endless))


# Cameras on HTTP

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def served(answer: Answer, port: int = 0) -> Iterator[str]:
    """Run a web server that answers each GET by `answer`; yield `127.0.0.1:port`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):  # the camera was closed
                answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def send(request: BaseHTTPRequestHandler, body: bytes, *, kind: str = "image/jpeg", length: int | None = None) -> None:
    request.send_response(200)
    if kind:
        request.send_header("Content-Type", kind)
    request.send_header("Content-Length", str(len(body) if length is None else length))
    request.end_headers()
    request.wfile.write(body)


def begin_mjpeg(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Type", 'multipart/x-mixed-replace; boundary="--frame"')
    request.end_headers()


def part(picture: bytes, *, length: bool = True) -> bytes:
    size = f"Content-Length: {len(picture)}\r\n" if length else ""
    return f"--frame\r\nContent-Type: image/jpeg\r\n{size}\r\n".encode() + picture + b"\r\n"


def counted(*answers: Answer) -> Answer:
    """Answer the first request by the first function, and so on; the last one answers all further requests."""
    coming = itertools.chain(answers, itertools.repeat(answers[-1]))

    def answer(request: BaseHTTPRequestHandler) -> None:
        next(coming)(request)

    return answer


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "FIRST_PAUSE_S", 0.02)
    monkeypatch.setenv("no_proxy", "*")


def some(items: Iterable[Frame | Trouble], count: int) -> list[Frame]:
    with closing(iter(items)) as taken_from:  # type: ignore[type-var]
        return list(itertools.islice((item for item in taken_from if isinstance(item, Frame)), count))


def test_a_still_camera_is_polled_and_its_bytes_pass_unchanged() -> None:
    pictures = [jpeg(step) for step in range(50)]
    answers = [lambda request, picture=picture: send(request, picture) for picture in pictures]
    with served(counted(*answers)) as host:
        began = time.monotonic()
        frames = some(watch(camera(f"http://{host}/still", fps=20)), 5)
        assert 0.15 < time.monotonic() - began < scaled(3)
    for frame in frames:
        assert frame.place == "hall"
        assert frame.number is None
        assert frame.jpeg in pictures
        assert abs(datetime.now(UTC) - frame.at) < timedelta(seconds=10)


@pytest.mark.parametrize("kind", ["", "text/plain", "application/octet-stream"])
def test_a_still_camera_may_send_a_wrong_content_type(kind: str) -> None:
    with served(lambda request: send(request, jpeg(), kind=kind)) as host:
        (frame,) = some(watch(camera(f"http://{host}/")), 1)
    assert frame.jpeg == jpeg()


def test_a_still_camera_may_send_png() -> None:
    png = cv2.imencode(".png", scene(0))[1].tobytes()
    with served(lambda request: send(request, png, kind="image/png")) as host:
        (frame,) = some(watch(camera(f"http://{host}/")), 1)
    assert frame.jpeg.startswith(b"\xff\xd8")


@pytest.mark.parametrize("length", [True, False])
def test_the_jpegs_of_an_mjpeg_camera_pass_unchanged(length: bool) -> None:  # noqa: FBT001
    pictures = [with_thumbnail(), jpeg(5), jpeg(9)]

    def stream(request: BaseHTTPRequestHandler) -> None:
        begin_mjpeg(request)
        for picture in itertools.cycle(pictures):
            request.wfile.write(part(picture, length=length))
            time.sleep(0.02)

    with served(stream) as host:
        frames = some(watch(camera(f"http://{host}/mjpeg", fps=30)), 4)
    assert all(frame.jpeg in pictures for frame in frames)


def test_a_connection_that_breaks_within_a_picture_is_restored(caplog: pytest.LogCaptureFixture) -> None:
    def drops(request: BaseHTTPRequestHandler) -> None:
        begin_mjpeg(request)
        request.wfile.write(part(jpeg(1)) + part(jpeg(2))[:-500])

    def streams(request: BaseHTTPRequestHandler) -> None:
        begin_mjpeg(request)
        for step in itertools.count(3):
            request.wfile.write(part(jpeg(step)))
            time.sleep(0.05)

    refuses: Answer = lambda request: request.send_error(503)  # noqa: E731
    with served(counted(drops, refuses, refuses, streams)) as host:
        frames = some(watch(camera(f"http://joe:s3cret@{host}/", fps=20, linger_s=60)), 4)
    assert jpeg(2) != frames[1].jpeg
    lines = [record.getMessage() for record in caplog.records if record.name == "senses.camera.live"]
    assert lines[0] == f"hall: http://joe:***@{host}/: ended the stream; trying again until it is back"
    assert lines[1].startswith(f"hall: http://joe:***@{host}/ is back after ")
    assert len(lines) == 2


def test_the_sense_waits_for_a_camera_that_is_away_at_first(caplog: pytest.LogCaptureFixture) -> None:
    with served(lambda request: send(request, jpeg())) as host:
        pass
    servers = served(lambda request: send(request, jpeg()), int(host.rpartition(":")[2]))
    timer = Timer(0.3, servers.__enter__)
    timer.start()
    (frame,) = some(watch(camera(f"http://{host}/")), 1)
    timer.join()
    servers.__exit__(None, None, None)
    assert frame.jpeg == jpeg()
    assert "refused" in caplog.messages[0]


def basic(request: BaseHTTPRequestHandler) -> None:
    if request.headers["Authorization"] == "Basic " + base64.b64encode(b"joe:p@ss/word").decode():
        send(request, jpeg())
    else:
        request.send_response(401)
        request.send_header("WWW-Authenticate", 'Basic realm="camera"')
        request.end_headers()


def digest(request: BaseHTTPRequestHandler) -> None:
    def md5(*parts: str) -> str:
        return hashlib.md5(":".join(parts).encode()).hexdigest()  # noqa: S324

    given_ = dict(
        pair.strip().replace('"', "").split("=", 1)
        for pair in request.headers.get("Authorization", "").removeprefix("Digest ").split(",")
        if "=" in pair
    )
    middle = [given_.get(name, "") for name in ("nonce", "nc", "cnonce", "qop")]
    right = md5(md5("joe", "camera", "p@ss/word"), *middle, md5("GET", request.path))
    if given_.get("response") == right:
        send(request, jpeg())
    else:
        request.send_response(401)
        request.send_header("WWW-Authenticate", 'Digest realm="camera", nonce="n1", qop="auth", algorithm=MD5')
        request.end_headers()


@pytest.mark.parametrize("scheme", [basic, digest])
def test_user_and_password_come_from_the_url(scheme: Answer) -> None:
    with served(scheme) as host:
        (frame,) = some(watch(camera(f"http://joe:p%40ss%2Fword@{host}/still?channel=1")), 1)
        assert frame.jpeg == jpeg()
        with pytest.raises(CameraLost, match=r"401.*check user and password"):
            next(web.images(f"http://joe:wrong@{host}/still", fps=lambda: 5))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda request: request.send_error(404), "404"),
        (lambda request: send(request, b""), "0 bytes"),
        (lambda request: send(request, b"GIF?"), "4 bytes"),
        (lambda request: send(request, jpeg()[:800], length=len(jpeg())), "cut off"),
        (lambda request: send(request, b"<html>login</html>", kind="text/html"), "web page"),
        (lambda request: request.wfile.write(b"hello\r\n\r\n"), "hello"),
        (lambda request: request.wfile.close(), "."),
    ],
)
def test_the_error_says_what_an_address_sends_instead_of_pictures(answer: Answer, says: str) -> None:
    with served(answer) as host, pytest.raises(CameraLost, match=says):
        next(web.images(f"http://{host}/", fps=lambda: 5))


def test_an_invalid_address_is_an_error() -> None:
    with pytest.raises(CameraLost, match="IPv6"):
        next(web.images("http://[cam/", fps=lambda: 5))


def test_a_dead_camera_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "HTTP_TIMEOUT_S", 0.2)
    end = Event()
    with served(lambda _: end.wait(30) and None) as host:
        with pytest.raises(CameraLost, match=r"does not answer within 0.2 s"):
            next(web.images(f"http://{host}/", fps=lambda: 5))
        end.set()


def test_a_video_on_http_is_a_video(tmp_path: Path) -> None:
    body = clip(tmp_path / "a.mp4", [scene(step) for step in range(20)]).read_bytes()
    with served(lambda request: send(request, body, kind="video/mp4")) as host:
        (frame,) = some(watch(camera(f"http://{host}/a.mp4")), 1)
    assert abs(datetime.now(UTC) - frame.at) < timedelta(seconds=10)


# Reconnecting


def broken() -> Iterator[Shot]:
    message = "no answer"
    raise CameraLost(message)
    yield


def test_pauses_grow_to_half_a_minute_and_are_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(live, "FIRST_PAUSE_S", 1.0)
    waits: list[float] = []

    def pause(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) == 100

    away = list(live.lasting(broken, name="hall: rtsp://cam", pause=pause))  # type: ignore[arg-type]
    assert set(away) == {Away("no answer")}
    longest = [min(2.0**number, 30) for number in range(100)]
    assert all(most / 2 <= wait <= most for wait, most in zip(waits, longest, strict=True))
    assert len({round(wait, 3) for wait in waits[10:]}) > 50
    assert caplog.messages == ["hall: rtsp://cam: no answer; trying again until it is back"]


def test_the_newest_picture_is_used_and_older_ones_are_dropped() -> None:
    taken_first, all_sent, stop = Event(), Event(), Event()

    def source() -> live.Shots:
        yield Shot(b"", NOON, 0, 0)
        taken_first.wait(30)
        for number in range(1, 1000):
            yield Shot(b"", NOON, 0, number)
        all_sent.set()

    shots = live.newest(source(), stop=stop)
    assert next(shots).number == 0
    taken_first.set()
    assert all_sent.wait(30)
    assert [shot.number for shot in shots] == [999]
    assert stop.is_set()


def test_an_unexpected_error_while_reading_is_raised() -> None:
    def source() -> live.Shots:
        yield Shot(b"", NOON, 0)
        message = "a bug"
        raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="a bug"):
        list(live.newest(source(), stop=Event()))


def test_closing_ends_the_thread() -> None:
    ended = Event()

    def source() -> live.Shots:
        try:
            while True:
                time.sleep(0.01)
                yield Shot(b"", NOON, 0)
        finally:
            ended.set()

    shots = live.newest(source(), stop=Event())
    next(shots)
    shots.close()  # type: ignore[attr-defined]
    assert ended.wait(2)


def test_the_sense_waits_for_an_absent_usb_camera() -> None:
    with pytest.raises(CameraLost, match="cannot be opened: check its cable"):
        next(video.live(97))


# Files and folders


def clip(path: Path, pictures: list[Pixels], *, fps: float = 10) -> Path:
    height, width = pictures[0].shape[:2]
    code = cv2.VideoWriter.fourcc(*("MJPG" if path.suffix == ".avi" else "mp4v"))
    writer = cv2.VideoWriter(str(path), code, fps, (width, height))
    for picture in pictures:
        writer.write(picture)
    writer.release()
    return path


@pytest.mark.parametrize("name", ["walk.mp4", "walk.avi", "100% sure: #1.mp4"])
def test_a_recording_is_sampled_and_numbered_in_its_own_time(tmp_path: Path, name: str) -> None:
    walk = recording(clip(tmp_path / name, [scene(step) for step in range(30)]), fps=5)
    frames = list(walk)
    assert walk.total == 30
    assert [frame.number for frame in frames] == list(range(0, 30, 2))
    assert [frame.at for frame in frames] == [EPOCH + timedelta(seconds=number / 10) for number in range(0, 30, 2)]
    assert {frame.place for frame in frames} == {name.rpartition(".")[0]}
    assert list(walk) == frames


def test_a_recording_slower_than_asked_for_gives_every_frame(tmp_path: Path) -> None:
    path = clip(tmp_path / "slow.mp4", [scene(step) for step in range(10)], fps=4)
    assert [frame.number for frame in recording(path, fps=5)] == list(range(10))


@pytest.mark.parametrize("data", [jpeg(), jpeg()[:500], b"\xff\xd8", b"not a picture"])
def test_a_jpeg_file_becomes_a_still_scene_even_if_damaged(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "Still.JPG"
    path.write_bytes(data)
    still = recording(path, fps=5)
    frames = list(still)
    assert still.total == len(frames) == 15
    assert {frame.jpeg for frame in frames} == {data}
    assert [frame.number for frame in frames] == list(range(15))
    assert frames[14].at == EPOCH + timedelta(seconds=2.8)


def test_a_png_is_encoded_once(tmp_path: Path) -> None:
    path = tmp_path / "still.png"
    cv2.imwrite(str(path), scene(0))
    frames = list(recording(path, fps=5))
    assert len(frames) == 15
    assert all(frame.jpeg is frames[0].jpeg for frame in frames)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("none.mp4", None, "no such file"),
        ("zero.mp4", b"", "0 bytes"),
        ("zero.jpg", b"", "0 bytes"),
        ("junk.mp4", b"junk" * 500, "not a video that can be read"),
        ("junk.png", b"junk" * 500, "not a picture that can be read"),
    ],
)
def test_the_error_names_a_file_that_cannot_be_read(tmp_path: Path, name: str, data: bytes | None, says: str) -> None:
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    for attempt in (lambda: list(recording(path, fps=5)), lambda: list(watch(camera(path, pace="fast")))):
        with pytest.raises(CameraLost, match=says) as lost:
            attempt()
        assert str(path) in str(lost.value)
        assert "\n" not in str(lost.value)


def test_the_error_names_a_folder_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(CameraLost, match=f"hall: {tmp_path}: no picture"):
        next(watch(camera(tmp_path)))
    (tmp_path / "zero.jpg").touch()
    with pytest.raises(CameraLost, match="holds no picture"):
        next(watch(camera(tmp_path)))


def test_a_folder_plays_in_order_and_its_jpegs_pass_unchanged(tmp_path: Path) -> None:
    (tmp_path / "b.jpg").write_bytes(jpeg(3))
    (tmp_path / "c.JPEG").write_bytes(jpeg(6))
    (tmp_path / "d.jpg").touch()
    cv2.imwrite(str(tmp_path / "a.png"), scene(0))
    (tmp_path / "z.txt").write_text("no picture")
    frames = list(watch(camera(tmp_path, pace="fast")))
    assert [frame.number for frame in frames] == [0, 1, 2]
    assert frames[0].jpeg.startswith(b"\xff\xd8")
    assert [frame.jpeg for frame in frames[1:]] == [jpeg(3), jpeg(6)]
    assert frames[1].at - frames[0].at == timedelta(seconds=0.2)


def test_a_clip_passes_the_gate_while_something_moves(tmp_path: Path) -> None:
    steps = [0] * 60 + list(range(20)) + [20] * 70  # 6 s, 2 s, 7 s
    path = clip(tmp_path / "hall.avi", [scene(step) for step in steps])
    frames = list(watch(camera(path, pace="fast", fps=10, linger_s=2, sweep_s=3)))
    numbers = [frame.number for frame in frames if frame.number is not None]
    assert numbers[:22] == [*range(20), 49, *range(61, 62)]
    assert set(range(61, 100)) <= set(numbers)
    assert numbers[-1] < 149
    assert numbers[-1] - numbers[-2] == 30
    assert frames[-1].at - frames[0].at == timedelta(seconds=numbers[-1] / 10)


def test_a_clip_in_real_time_waits_for_each_frame_and_a_loop_goes_on(tmp_path: Path) -> None:
    path = clip(tmp_path / "hall.avi", [scene(step) for step in range(10)])
    clock = [100.0]

    def pause(seconds: float) -> None:
        clock[0] += seconds

    shots = watching.played(camera(path, loop=True), clock=lambda: clock[0], pause=pause)
    played = [(shot.number, round(clock[0] - 100, 3), round(shot.seconds, 3)) for shot in itertools.islice(shots, 8)]
    assert played == [
        (0, 0, 0), (2, 0.2, 0.2), (4, 0.4, 0.4), (6, 0.6, 0.6), (8, 0.8, 0.8),
        (0, 1.0, 1.0), (2, 1.2, 1.2), (4, 1.4, 1.4),
    ]  # fmt: skip


def test_a_damaged_jpeg_is_sent_for_the_brain_to_report(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number:02}.jpg").write_bytes(jpeg()[:700])
    assert len(list(watch(camera(tmp_path, pace="fast", linger_s=0)))) == 30


# Settings


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        ("rtsp://joe:s3cret@cam/stream", "rtsp://joe:***@cam/stream"),
        ("rtsp://joe:s3/c@ret:x@cam:554/stream", "rtsp://joe:***@cam:554/stream"),
        ("http://cam/still?user=joe&pwd=s3cret&x=1", "http://cam/still?user=joe&pwd=***&x=1"),
        ("rtsp://cam/stream", "rtsp://cam/stream"),
        ("/clips/a:b@c.mp4", "/clips/a:b@c.mp4"),
    ],
)
def test_a_password_is_never_printed(source: str, printed: str) -> None:
    assert masked(source) == printed


def test_a_usb_camera_may_be_written_as_a_number() -> None:
    assert CameraSettings.model_validate({"kind": "camera", "place": "hall", "source": 0}).source == "0"
    assert live.is_live("0")
    assert not live.is_live("file:///clips/a.mp4")


@pytest.mark.parametrize("wrong", [{"source": ""}, {"fps": 0}, {"sensitivity": 2}, {"sauce": "0"}])
def test_a_wrong_setting_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CameraSettings.model_validate({"kind": "camera", "place": "hall", "source": "0", **wrong})


def test_every_setting_has_a_description() -> None:
    assert sense.settings is CameraSettings
    assert all(field.description for field in CameraSettings.model_fields.values())


def test_only_a_running_camera_loads_opencv() -> None:
    code = "import sys, senses.camera; sys.exit(bool({'cv2', 'numpy', 'PIL'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.media
def test_a_passer_by_is_published_and_an_empty_room_once_a_sweep(media: Path) -> None:
    path = media / "clips" / "visits_1_4.mp4"
    frames = list(watch(camera(path, pace="fast", linger_s=0)))
    numbers = [frame.number for frame in frames if frame.number is not None]
    assert sum(70 <= number <= 190 for number in numbers) >= 15
    empty = [(0, 50), (460, 500), (710, 740), (875, 910)]
    assert sum(first <= number <= last for number in numbers for first, last in empty) <= 4
