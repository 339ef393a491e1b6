"""`python -m tests.portal.faults [die]`: sets Django up, then fails in every way."""

import runpy

import django

django.setup()
runpy.run_module("tests.portal.faults.everything")
