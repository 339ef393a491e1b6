"""A note's journey: accepted, charted, proven. May import mapping, portal and audit."""
