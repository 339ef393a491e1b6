"""Certification: a suite of tests with synthetic patients, run at a sandbox location, its evidence kept and signed."""
