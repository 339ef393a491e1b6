"""The measurement: a database and processes of its own, notes posted by a process of its own, one JSON object."""
