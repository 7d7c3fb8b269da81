"""Back ends that answer what is in a picture."""
