"""The ways into a location's chart: what each needs and can do, what a probe found here, and what proves it."""
