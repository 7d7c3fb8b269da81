"""`kinwatch up`: every service a process, restarted when it ends."""
