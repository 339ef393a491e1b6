"""The delivery pages: each view is a door, a form, a verb and a page."""
