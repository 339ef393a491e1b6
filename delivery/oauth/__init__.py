"""How a FHIR connection gets its tokens: SMART discovery, the grants, renewal by one process at a time."""
