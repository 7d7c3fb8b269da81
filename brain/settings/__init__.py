"""The brain's part of kinwatch.yaml. These modules import no numpy, so settings can be read anywhere."""
