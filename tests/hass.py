"""A real Home Assistant in a folder of its own, spoken to through its REST API."""

import json
import os
import secrets
import signal
import subprocess
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

from tests.faults import HOST, free_port
from tests.waiting import scaled, soon

CONFIG = """\
homeassistant: {{name: Test, latitude: 52.37, longitude: 4.89, elevation: 2, unit_system: metric, time_zone: UTC,
  country: NL, currency: EUR}}
http: {{server_host: {host}, server_port: {port}}}
logger: {{default: warning}}
api:
config:
mobile_app:
script:
automation: !include automations.yaml
"""
# Finishing these steps would make it look for the weather on the internet.
ONBOARDED = {
    "version": 4,
    "minor_version": 1,
    "key": "onboarding",
    "data": {"done": ["core_config", "analytics", "integration"]},
}
# Ends Home Assistant when the test run ends, however that is.
GUARD = 'read _; kill -9 "$1" 2>/dev/null'
START_S = 120
T = TypeVar("T")


class Hass:
    """Home Assistant for `with`, from the virtual environment `venv`, on a broker at `port`."""

    def __init__(self, venv: Path, folder: Path, broker_port: int, *, extra: str = "") -> None:
        self._hass, self.folder, self._broker_port = venv / "bin" / "hass", folder, broker_port
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.token = ""
        self._extra = extra

    def __enter__(self) -> Self:
        (self.folder / ".storage").mkdir(parents=True)
        (self.folder / ".storage" / "onboarding").write_text(json.dumps(ONBOARDED))
        (self.folder / "configuration.yaml").write_text(CONFIG.format(host=HOST, port=self.port) + self._extra)
        (self.folder / "automations.yaml").write_text("[]")
        self.start()
        self._log_in()
        self._join_broker()
        self.wait_running()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._hass, "-c", self.folder, "--skip-pip"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=os.environ | {"PATH": f"{self._hass.parent}:{os.environ.get('PATH', '')}"},
            )
        guard = ["/bin/sh", "-c", GUARD, "guard", str(self._process.pid)]
        self._guard = subprocess.Popen(guard, stdin=subprocess.PIPE, start_new_session=True)
        soon(lambda: self._status("/api/onboarding") in (200, 404), START_S, f"{self.url}: {self.log()[-500:]}")

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(30)
        self._guard.kill()
        self._guard.communicate()

    def restart(self) -> None:
        self.stop()
        self.start()
        self.wait_running()

    def wait_running(self) -> None:
        soon(lambda: self._status("/api/config") == 200, START_S, "the API")
        soon(lambda: self.get("/api/config")["state"] == "RUNNING", START_S, "Home Assistant to run")

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def states(self) -> dict[str, dict[str, Any]]:
        return {each["entity_id"]: each for each in self.get("/api/states")}

    def state(self, entity: str) -> str | None:
        found = self.states().get(entity)
        return found["state"] if found else None

    def attributes(self, entity: str) -> dict[str, Any]:
        return dict(self.states()[entity]["attributes"])

    def soon(self, entity: str, state: str, seconds: float = 15) -> None:
        """Wait until an entity has a state."""
        soon(lambda: self.state(entity) == state, seconds, f"{entity} to be {state}")

    def call(self, action: str, **data: object) -> None:
        self.post(f"/api/services/{action.replace('.', '/')}", data)

    def render(self, template: str) -> str:
        return self.request("/api/template", json.dumps({"template": template}).encode()).decode()

    def automate(self, automations: list[dict[str, Any]]) -> None:
        (self.folder / "automations.yaml").write_text(json.dumps(automations))
        self.call("automation.reload")

    def get(self, path: str) -> Any:  # noqa: ANN401 - whatever JSON can say
        return json.loads(self.request(path))

    def post(self, path: str, data: object) -> Any:  # noqa: ANN401 - whatever JSON can say
        return json.loads(self.request(path, json.dumps(data).encode()) or b"null")

    def request(self, path: str, body: bytes | None = None, kind: str = "application/json") -> bytes:
        headers = {"Content-Type": kind} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        request = urllib.request.Request(self.url + path, body, headers)  # noqa: S310 - ours, on loopback
        try:
            with urllib.request.urlopen(request, timeout=scaled(20)) as answer:  # noqa: S310
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            error.add_note(f"{path}: {error.read().decode(errors='replace')[:500]}")
            raise

    def _status(self, path: str) -> int:
        assert self._process.poll() is None, f"Home Assistant ended: {self.log()[-2000:]}"
        try:
            self.request(path)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0
        return 200

    def _log_in(self) -> None:
        me = f"{self.url}/"
        user = {"name": "Owner", "username": "owner", "password": secrets.token_hex(), "language": "en"}
        code = self.post("/api/onboarding/users", user | {"client_id": me})["auth_code"]
        form = urlencode({"grant_type": "authorization_code", "code": code, "client_id": me}).encode()
        self.token = json.loads(self.request("/auth/token", form, "application/x-www-form-urlencoded"))["access_token"]

    def _join_broker(self) -> None:
        """Go through the forms that add MQTT."""
        values = {
            "broker": HOST,
            "port": self._broker_port,
            "protocol": "5",
            "set_client_cert": False,
            "set_ca_cert": "off",
        }
        path = "/api/config/config_entries/flow"
        step = self.post(path, {"handler": "mqtt", "show_advanced_options": True})
        for _ in range(5):
            if step["type"] == "create_entry":
                return
            answer = {"next_step_id": "broker"} if step["type"] == "menu" else _filled(step["data_schema"], values)
            step = self.post(f"{path}/{step['flow_id']}", answer)
        raise AssertionError(step)


def _filled(schema: list[dict[str, Any]], values: dict[str, Any]) -> dict[str, Any]:
    """Return a form's answers: what we know, else what it proposes."""
    filled = {}
    for field in schema:
        name = field["name"]
        if field.get("type") == "expandable":
            filled[name] = _filled(field.get("schema", []), values)
        elif name in values or (field.get("required") and "default" in field):
            filled[name] = values.get(name, field.get("default"))
    return filled


class Phone:
    """A phone with the companion app, as far as Home Assistant can tell: what is sent to it is in `pushed`."""

    def __init__(self) -> None:
        self.pushed: list[dict[str, Any]] = []
        pushed = self.pushed

        class Gateway(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                pushed.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(201)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((HOST, 0), Gateway)

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def register(self, hass: Hass) -> str:
        """Register at Home Assistant; return the device's id."""
        app = {"push_token": "token", "push_url": f"http://{HOST}:{self._server.server_port}/"}
        about = {"app_id": "test", "app_name": "Test", "app_version": "1", "manufacturer": "Test", "model": "Test"}
        system = {"os_name": "Android", "os_version": "14", "supports_encryption": False}
        name = {"device_id": secrets.token_hex(8), "device_name": "Pretend phone"}
        hass.post("/api/mobile_app/registrations", about | system | name | {"app_data": app})
        return str(soon(lambda: hass.render("{{ device_id('Pretend phone') or '' }}"), 15, "the phone"))
