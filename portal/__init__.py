"""Who, where, and how to reach their EHR; the site's shell. Imports audit only."""

import gc

# Python looks for cycles after every 700 new objects. To start a process makes some hundred thousand that stay: looking
# through them took an eighth of the start.
gc.set_threshold(10_000)
