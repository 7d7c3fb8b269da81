"""The command, and all that may know every service."""

__project__ = "kinwatch"
