"""The certification suite, in this process, against one simulated eCW."""
