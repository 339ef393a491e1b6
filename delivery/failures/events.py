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
)
