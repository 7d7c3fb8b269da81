"""The last camera switch of a place, stored so that a camera that is off stays off when its sense restarts."""

from pydantic import ValidationError

from nerves.messages import CameraEnabled
from nerves.services import Context

__all__ = ["store_camera_enabled", "stored_camera_enabled"]

CREATE_SWITCH_TABLE = """CREATE TABLE camera_switch (
    id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL)"""
UPSERT_SWITCH = "INSERT INTO camera_switch VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET json = excluded.json"


def store_camera_enabled(context: Context, switch: CameraEnabled) -> None:
    """Store the newest camera switch. Call `stored_camera_enabled` once before: it creates the table."""
    with context.database.transaction() as connection:
        connection.execute(UPSERT_SWITCH, (switch.model_dump_json(),))


def stored_camera_enabled(context: Context) -> CameraEnabled | None:
    """Return the last stored camera switch; None if nothing was stored. Creates the table."""
    context.database.migrate("camera_switch", [[CREATE_SWITCH_TABLE]])
    with context.database.transaction() as connection:
        row = connection.execute("SELECT json FROM camera_switch").fetchone()
    try:
        return CameraEnabled.model_validate_json(row[0]) if row else None
    except ValidationError:  # written by another version: the broker sends the retained message anyway
        return None
