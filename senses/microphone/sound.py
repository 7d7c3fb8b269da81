"""Read sound from a microphone, a WAV file or a pipe: 16 kHz, 16 bit, one channel, in chunks of 32 ms."""

import stat
import wave
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import numpy as np

from nerves.errors import KinwatchError
from senses.hearing.segments import CHUNK_SAMPLES, SAMPLE_RATE_HZ

__all__ = ["MicrophoneLost", "chunks", "is_recording", "resampled"]

CHUNK_BYTES = 2 * CHUNK_SAMPLES
MAX_SILENCE_S = 10.0
SAMPLE_BYTES = 2
MAX_RECORDING_S = 3600


class MicrophoneLost(KinwatchError):
    """The sound cannot be read."""


def is_recording(source: str | None) -> bool:
    """Return whether a source is a file, and its sound therefore not live."""
    path = Path(source).expanduser() if source else None
    return path is not None and path.is_file()


def chunks(device: str | None, source: str | None) -> Iterator[bytes]:
    """Yield chunks of sound as they come.

    Raises:
        MicrophoneLost: There is no sound; the message says what to check.
    """
    if source is None:
        return _live(device)
    path = Path(source).expanduser()
    try:
        is_pipe = stat.S_ISFIFO(path.stat().st_mode)
    except OSError as error:
        message = f"{source}: {error.strerror}: check `source`"
        raise MicrophoneLost(message) from error
    return _pipe(path) if is_pipe else _cut(_wav(path))


def _live(device: str | None) -> Iterator[bytes]:
    try:
        import sounddevice  # noqa: PLC0415 - it loads a library of the system, which may be missing
    except OSError as error:
        message = f"no sound library ({error}): apt install libportaudio2"
        raise MicrophoneLost(message) from error
    blocks: Queue[bytes] = Queue()

    def put_block(block: Any, *_: object) -> None:  # noqa: ANN401 - a C buffer
        blocks.put(bytes(block))

    wanted = int(device) if device and device.isdecimal() else device
    try:
        stream = sounddevice.RawInputStream(
            samplerate=SAMPLE_RATE_HZ,
            channels=1,
            dtype="int16",
            blocksize=CHUNK_SAMPLES,
            latency="high",
            device=wanted,
            callback=put_block,
        )
        with stream:
            while True:
                yield from _cut(blocks.get(timeout=MAX_SILENCE_S))
    except (sounddevice.PortAudioError, ValueError) as error:
        there = ", ".join(each["name"] for each in sounddevice.query_devices() if each["max_input_channels"])
        message = f"no microphone: {error}: check `device`; there are: {there or 'none'}"
        raise MicrophoneLost(message) from error
    except Empty as error:
        message = f"the microphone has sent nothing for {MAX_SILENCE_S:.0f} s: check its cable"
        raise MicrophoneLost(message) from error


def _pipe(path: Path) -> Iterator[bytes]:
    """Yield the chunks of one writer after another, for ever."""
    while True:
        with path.open("rb") as pipe:
            while len(chunk := pipe.read(CHUNK_BYTES)) == CHUNK_BYTES:
                yield chunk


def _wav(path: Path) -> bytes:
    try:
        with wave.open(str(path)) as file:
            width, rate, channels = file.getsampwidth(), file.getframerate(), file.getnchannels()
            data = file.readframes(MAX_RECORDING_S * rate)
    except (OSError, EOFError, wave.Error) as error:
        message = f"{path}: not a WAV file that can be read: {error}"
        raise MicrophoneLost(message) from error
    if width != SAMPLE_BYTES:
        message = f"{path}: {8 * width} bits a sample: make it 16"
        raise MicrophoneLost(message)
    samples = np.frombuffer(data[: len(data) // (SAMPLE_BYTES * channels) * SAMPLE_BYTES * channels], np.int16)
    return resampled(samples.reshape(-1, channels).mean(axis=1), rate).tobytes()


def resampled(samples: "np.typing.NDArray[np.float64]", rate: int) -> "np.typing.NDArray[np.int16]":
    """Return samples of any rate at 16 kHz; frequencies above 8 kHz are removed, so that none is aliased."""
    count = len(samples) * SAMPLE_RATE_HZ // rate
    if rate != SAMPLE_RATE_HZ and count:
        spectrum = np.fft.rfft(samples)
        spectrum = np.pad(spectrum, (0, max(count // 2 + 1 - len(spectrum), 0)))[: count // 2 + 1]
        samples = np.fft.irfft(spectrum, count) * (count / len(samples))
    return np.clip(samples.round(), -32768, 32767).astype(np.int16)


def _cut(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data) - CHUNK_BYTES + 1, CHUNK_BYTES):
        yield data[start : start + CHUNK_BYTES]
