"""Past visits: the album, strangers who come again, and what a label teaches."""
