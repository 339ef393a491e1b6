"""The pages of templates and mappings."""
