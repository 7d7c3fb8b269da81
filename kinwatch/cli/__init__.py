"""The command line: a module for each group of commands, and `app.py`, which lists them all."""

from kinwatch.cli.app import app, main, run_app

__all__ = ["app", "main", "run_app"]
