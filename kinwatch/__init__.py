"""The command, and all that may know every service."""
