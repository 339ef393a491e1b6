"""A simulated eCW, started as a process of its own. Shares no code with the product, or both would err alike."""
