"""Chaos: kill the product's own processes under load, and count what the receiver holds afterwards."""
