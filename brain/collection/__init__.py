"""Keeps the AWS collection equal to the gallery."""
