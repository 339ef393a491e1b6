"""Practice mode: a short course for each role, at a location of one's own, on the simulated eCW."""
