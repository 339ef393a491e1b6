"""Reports: what became of a week's or a month's notes at each location."""
