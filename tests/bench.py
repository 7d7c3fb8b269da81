"""The test bench that authors of senses have, `kinwatch listen --strict`, on a broker of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults import HOST, Broker
from tests.paths import ROOT
from tests.waiting import scaled

__all__ = ["ROOT", "Bench", "bench", "clients"]


@dataclass
class Bench:
    """A broker, and who listens there."""

    broker: Broker
    folder: Path
    env: dict[str, str]
    """For whatever is to find the broker: kinwatch, Mosquitto's own clients, the examples of the pages."""
    process: "subprocess.Popen[str]"

    def publish(self, *words: str, payload: bytes) -> None:
        command = ["mosquitto_pub", *words, "-s"]
        subprocess.run(command, input=payload, env=self.env, check=True, timeout=scaled(30))

    def end(self) -> tuple[int, list[str], str]:
        """Wait until it has seen enough; return its status and what it has said."""
        out, err = self.process.communicate(timeout=scaled(90))
        return self.process.returncode, out.splitlines(), err

    def is_content(self) -> str:
        """Wait until it has seen enough; return what it tells of it. It is an error if anything was not well."""
        status, lines, told = self.end()
        assert (status, lines) == (0, []), (lines, told)
        return told


def clients(broker: Broker, folder: Path) -> dict[str, str]:
    """Return an environment in which every client finds the broker."""
    for name in ("mosquitto_pub", "mosquitto_sub"):
        (folder / "config").mkdir(exist_ok=True)
        (folder / "config" / name).write_text(f"-h {HOST}\n-p {broker.port}\n")
    return {
        **{key: value for key, value in os.environ.items() if key != "KINWATCH_CONFIG"},
        "XDG_CONFIG_HOME": str(folder / "config"),
        "KINWATCH_MQTT_URL": broker.url,
        "KINWATCH_DATA_DIR": str(folder / "data"),
        "MQTT_HOST": HOST,
        "MQTT_PORT": str(broker.port),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def bench(folder: Path, *words: str) -> Iterator[Bench]:
    """Run `kinwatch listen --strict`, and wait until it listens."""
    with Broker() as broker:
        env = clients(broker, folder)
        command = [sys.executable, "-m", "kinwatch", "listen", "--strict", *words]
        with subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr
            assert process.stderr.readline().startswith("listening on")
            try:
                yield Bench(broker, folder, env, process)
            finally:
                process.kill()
