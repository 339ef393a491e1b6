"""Who, where, and how to reach their EHR; the site's shell. Imports audit only."""

import gc

# Python looks for cycles after every 700 new objects. To start a process makes some hundred thousand that stay: looking
# through them took an eighth of the start. (manage.py, which may be migrating, looks more rarely still.)
gc.set_threshold(max(10_000, gc.get_threshold()[0]))
