"""Tests of the pilot: who is in, what waits, the numbers, the steps, what clinicians say."""
