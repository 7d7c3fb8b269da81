"""`kinwatch demo`: the whole house on this machine, on a short scene, with real processes and a real broker."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import yaml

from kinwatch.demo.demo_run import DEMO_NAME, DEMO_PLACE, DemoAct, DemoOptions, DemoRun
from kinwatch.opening import brain_settings, open_vision
from nerves.errors import KinwatchError, SettingsError
from nerves.process import stopped_by_signals
from nerves.settings import HouseSettings, load

__all__ = ["DemoOptions", "run_demo"]

DEMO_ACTS = (
    DemoAct("cat", "a cat crosses the room: nothing should happen", None),
    DemoAct("woman", "a woman whom nobody knows comes in: the household should be alerted", "stranger", alerts=1),
    DemoAct("woman", f"{DEMO_NAME} comes again, now that she is enrolled: a greeting", "family", who=DEMO_NAME),
    DemoAct("far", "somebody is there whose face cannot be seen: after 10 seconds, say so", "unidentified", alerts=1),
)
ENROLL_BEFORE = 2


def run_demo(options: DemoOptions) -> None:
    """Do `kinwatch demo`: show the scene, or watch a real camera.

    Raises `KinwatchError` if the house did not decide what it must.
    """
    with ExitStack() as stack:
        folder = options.keep or Path(tempfile.mkdtemp(prefix="kinwatch-demo-"))
        folder.mkdir(parents=True, exist_ok=True)
        stop = stack.enter_context(stopped_by_signals())
        if options.source:
            _watch(options, options.source, folder, stop, stack)
        else:
            _show(options, folder, stop, stack)


def _show(options: DemoOptions, folder: Path, stop: Event, stack: ExitStack) -> None:
    camera = stack.enter_context(_scene_camera())
    house, config = _house(folder, camera.url, options, data_dir=folder / "data")
    demo = DemoRun(options, house, config, folder)
    stack.enter_context(demo.open())
    demo.wait_online(stop)
    begun = time.monotonic()
    failed = [*_acts(demo, camera, stop)]
    while not options.once and not failed and not stop.is_set():
        demo.command("forget", DEMO_NAME)
        failed = [*_acts(demo, camera, stop)]
    if stop.is_set():
        return
    failed += demo.missing_evidence()
    demo.summary(failed, time.monotonic() - begun)


def _acts(demo: DemoRun, camera: Any, stop: Event) -> Iterator[str]:  # noqa: ANN401 - the camera is imported late
    for number, act in enumerate(DEMO_ACTS):
        if stop.is_set():
            return
        if number == ENROLL_BEFORE:
            demo.enroll()
        demo.announce(f"act {number + 1}: {act.title}")
        yield from demo.play(act, camera.play)


def _watch(options: DemoOptions, source: str, folder: Path, stop: Event, stack: ExitStack) -> None:
    """Run the house on a real camera, with the people who are enrolled on this machine.

    Raises `KinwatchError` if the camera's process fails, as it does without its file.
    """
    house, config = _house(folder, source, options, data_dir=None)
    demo = DemoRun(options, house, config, folder)
    stack.enter_context(demo.open())
    demo.wait_online(stop)
    demo.announce(f"watching {source}; Ctrl-C ends it. `kinwatch enroll NAME PHOTO...` teaches it who is family")
    while not stop.is_set():
        demo.take(0.5)
        if failure := demo.camera_failure():
            raise KinwatchError(failure)
        if options.once and demo.over():
            return


@contextmanager
def _scene_camera() -> Iterator[Any]:
    try:
        from kinwatch.demo.camera import DemoCamera  # noqa: PLC0415 - OpenCV and scikit-image take two seconds
    except ImportError as error:
        message = f"the demo needs the package {error.name}: pip install 'kinwatch[demo]'"
        raise SettingsError(message) from error
    with DemoCamera() as camera:
        yield camera


def _house(folder: Path, source: str, options: DemoOptions, *, data_dir: Path | None) -> tuple[HouseSettings, Path]:
    """Write the demo's settings and return them with their file.

    The models are those of the usual data folder; the built-in ones are fetched if there are none.
    """
    usual = load()
    os.environ.setdefault("KINWATCH_MODELS", str(usual.data_dir / "models"))
    if options.pack:
        os.environ["KINWATCH_BRAIN__PACK"] = options.pack
    config = folder / "kinwatch.yaml"
    tables: dict[str, Any] = {
        "senses": {DEMO_PLACE: {"kind": "camera", "source": source}},
        "actuators": {"evidence": {"kind": "store", "url": (folder / "evidence").absolute().as_uri()}},
        # The acts follow each other within seconds, and each shall ring for itself.
        "brain": {"policy": {"incident_s": 0}},
        "data_dir": str((data_dir or usual.data_dir).absolute()),
    }
    config.write_text(yaml.safe_dump(tables))
    house = load(config, environ={key: value for key, value in os.environ.items() if key != "KINWATCH_DATA_DIR"})
    open_vision(usual, brain_settings(house))  # fetches the built-in models if there are none
    return house, config
