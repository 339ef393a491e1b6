"""Which scribe section goes to which template field. Imports portal and audit."""
