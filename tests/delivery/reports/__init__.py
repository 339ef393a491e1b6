"""Reports of weeks and months."""
