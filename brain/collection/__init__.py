"""The AWS collection, kept equal to the gallery."""
