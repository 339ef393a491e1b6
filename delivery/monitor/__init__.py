"""The monitor: what stands above the list of deliveries, and what keeps its figures cheap over a million rows."""
