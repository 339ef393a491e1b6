"""Tests of practice mode."""
