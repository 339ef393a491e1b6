"""Who, where, and how to reach their EHR; the site's shell. Imports audit only."""
