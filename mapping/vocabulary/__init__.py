"""The words in which US practices label the fields of a progress note."""
