"""The brain as a process: inboxes, state on disk, and the loop."""
