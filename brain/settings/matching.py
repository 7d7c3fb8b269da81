"""Face distances that the settings and the verdict share. No numpy here, so settings can be read anywhere."""

__all__ = ["MATCH_DISTANCE", "STRANGER_DISTANCE"]

# Euclidean distances between dlib's 128 numbers, from one face to the nearest photo of a person. Matching up to
# MATCH_DISTANCE accepts 0.6 to 1.2 % of strangers, with 3 to 10 photos a person. 0.60 is the published value for
# one-to-one comparisons, of which one in a hundred is wrong.
MATCH_DISTANCE, STRANGER_DISTANCE = 0.50, 0.60
