"""False and missed alarms on labelled pictures, and the threshold that is safe for a household."""
