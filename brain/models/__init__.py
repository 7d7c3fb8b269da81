"""Model files and the networks that run on this machine."""
