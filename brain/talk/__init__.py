"""What the brain answers to what it hears."""
