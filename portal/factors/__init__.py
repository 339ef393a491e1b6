"""The second factor of local accounts, and the emergency access that rests on it."""
