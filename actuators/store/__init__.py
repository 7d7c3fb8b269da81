"""Store the evidence: the pictures and facts of every visit, in a folder or off-site in a bucket."""

from actuators.store.service import actuator, store
from actuators.store.settings import StoreSettings

__all__ = ["StoreSettings", "actuator", "store"]
