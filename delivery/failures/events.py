"""Events of visits that come in: what can go wrong with their sources."""

from delivery.failures.entry import Button, Failure, Owner

FAILURES: tuple[Failure, ...] = (
    Failure(
        "event_unreadable",
        "An event came that cannot be read",
        "A message of a visit came from where it should, but an id or a time in it does not stand where the source's "
        "settings say, or it is no message of its kind. Nothing of it was kept.",
        Owner.IT,
        "Compare the source's settings with what the sender really sends.",
        Button.LOCATION,
    ),
    Failure(
        "port_not_opened",
        "The port of an HL7 feed cannot be opened",
        "The process that listens for ADT and SIU messages could not open the port: something else uses it, or the "
        "address to listen at is not one of this server.",
        Owner.IT,
        "Choose a free port, or put SCRIBEPORT_LISTEN_ADDRESS right; it is tried again every few seconds.",
        Button.LOCATION,
    ),
)
