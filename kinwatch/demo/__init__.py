"""`kinwatch demo`: the whole house on a short scene."""
