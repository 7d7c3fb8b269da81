"""Pictures: decoding, geometry, crops, and the protocol of a vision backend."""
