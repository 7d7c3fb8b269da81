"""Context: what the house knows about somebody whose face was not seen. It only calms alerts, and never names. Pure."""
