"""Labelled pictures for retraining, and their features."""
