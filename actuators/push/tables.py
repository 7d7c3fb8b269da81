"""The tables of the ledger of alerts, and how those of an older version become these."""

__all__ = ["TABLES"]

CREATE_ALERT_TABLES = (
    """CREATE TABLE alerts (
        visit TEXT PRIMARY KEY, place TEXT NOT NULL, identity TEXT NOT NULL, seq INTEGER NOT NULL, facts TEXT,
        picture BLOB, at REAL NOT NULL, starts REAL, step INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL)""",
    """CREATE TABLE updates (
        visit TEXT NOT NULL, number INTEGER NOT NULL, text TEXT NOT NULL, at REAL NOT NULL,
        PRIMARY KEY (visit, number))""",
    """CREATE TABLE deliveries (
        visit TEXT NOT NULL, service TEXT NOT NULL, delivered INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL,
        since REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (visit, service))""",
)
# An alert is one incident's, of one or several visits. Its key `incident` is the incident's id; an alert of a visit
# without an incident has the visit's id.
GROUP_BY_INCIDENT = (
    "ALTER TABLE alerts RENAME TO visits",
    "ALTER TABLE visits ADD COLUMN incident TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE visits ADD COLUMN pictured INTEGER NOT NULL DEFAULT 0",
    "UPDATE visits SET incident = visit, pictured = picture IS NOT NULL",
    """CREATE TABLE alerts (
        incident TEXT PRIMARY KEY, details TEXT, at REAL NOT NULL, starts REAL, step INTEGER NOT NULL DEFAULT 0,
        state TEXT NOT NULL)""",
    "INSERT INTO alerts SELECT visit, NULL, at, starts, step, state FROM visits",
    "ALTER TABLE visits DROP COLUMN starts",
    "ALTER TABLE visits DROP COLUMN step",
    "ALTER TABLE visits DROP COLUMN state",
    "CREATE INDEX visits_of_incident ON visits (incident)",
    "ALTER TABLE updates RENAME COLUMN visit TO incident",
    "ALTER TABLE updates ADD COLUMN visit TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE updates ADD COLUMN summary INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE updates ADD COLUMN pictured INTEGER NOT NULL DEFAULT 0",
    "UPDATE updates SET visit = incident, pictured = number = 1",
    "ALTER TABLE deliveries RENAME COLUMN visit TO incident",
    "ALTER TABLE deliveries ADD COLUMN sent REAL NOT NULL DEFAULT 0",
)
TABLES = (CREATE_ALERT_TABLES, GROUP_BY_INCIDENT)
