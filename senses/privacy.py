"""What was said last to the eyes of a place, kept so that closed ones stay closed when a sense starts anew."""

from pydantic import ValidationError

from nerves.messages import CameraEnabled
from nerves.services import Context

__all__ = ["store_camera_enabled", "stored_camera_enabled"]

CREATE_SWITCH_TABLE = "CREATE TABLE IF NOT EXISTS eyes (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL)"
UPSERT_SWITCH = "INSERT INTO eyes VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET json = excluded.json"


def store_camera_enabled(context: Context, eyes: CameraEnabled) -> None:
    """Keep what has been said."""
    with context.database.transaction() as connection:
        connection.execute(UPSERT_SWITCH, (eyes.model_dump_json(),))


def stored_camera_enabled(context: Context) -> CameraEnabled | None:
    """Return what was said last; None where nothing was. To be asked once before anything is kept."""
    with context.database.transaction() as connection:
        connection.execute(CREATE_SWITCH_TABLE)
        row = connection.execute("SELECT json FROM eyes").fetchone()
    try:
        return CameraEnabled.model_validate_json(row[0]) if row else None
    except ValidationError:  # of a version that wrote otherwise: the broker has the last word anyway
        return None
