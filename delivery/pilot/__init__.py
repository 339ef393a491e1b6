"""The pilot of a location: whose notes go already, the numbers that decide who follows, and what clinicians say."""
