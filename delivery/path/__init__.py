"""The path of a location from contract to live: phases and steps, each a check on what is really there."""
