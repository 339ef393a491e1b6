"""What eCW tells of visits (by webhook, FHIR poll or HL7 feed): one kind of event, which starts capture."""
