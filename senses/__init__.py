"""Senses perceive: settings in, messages out."""
