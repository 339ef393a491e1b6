"""The demonstration: two clinics on the simulated eCW, and notes that travel the whole way."""
