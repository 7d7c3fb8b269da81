"""The people we know: the gallery, its photos and its labels."""
