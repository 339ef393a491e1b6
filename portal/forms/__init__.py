"""The forms of the portal's own pages; each checks what is typed and says in plain words what is wrong."""
