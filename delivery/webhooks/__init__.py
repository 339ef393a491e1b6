"""What a scribe is told by signed webhook: that a visit has begun, what became of its notes. Ids and states only."""
