"""Keep the evidence: every visit's pictures and facts, in a folder or off-site in a bucket."""

from actuators.store.service import actuator, store
from actuators.store.settings import StoreSettings

__all__ = ["StoreSettings", "actuator", "store"]
