"""Reason codes of leaving C-CDA documents in a folder or on an SFTP server."""

from delivery.failures.entry import Button, Failure, Owner

NOT_LEFT = "No document has got its name, so the partner has taken none; it is tried again by itself."

FAILURES = (
    Failure(
        "folder_missing",
        "The folder is not there",
        f"The folder (or the directory on the server) does not exist, or the share is not mounted. {NOT_LEFT}",
        Owner.IT,
        "Make the folder or mount the share, or put right the path on the connection.",
        Button.CONNECTION,
    ),
    Failure(
        "folder_denied",
        "Writing into the folder is not permitted",
        f"The file system or the SFTP server denied it. {NOT_LEFT}",
        Owner.IT,
        "Give the account that Scribeport runs as (or signs in with) the right to make and rename files there, then "
        "close the breaker on the connection's page.",
        Button.CONNECTION,
    ),
    Failure(
        "disk_full",
        "The disk is full",
        f"The volume of the folder, or its quota, has no room for the document. {NOT_LEFT}",
        Owner.IT,
        "Make room on that volume: see whether the partner still takes its documents away.",
    ),
    Failure(
        "folder_failed",
        "The file system failed",
        f"The operating system answered with an error that is none of the usual ones. {NOT_LEFT}",
        Owner.IT,
        "Look at the volume or share; its own log says more.",
        Button.CONNECTION,
    ),
    Failure(
        "sftp_write_failed",
        "The SFTP server could not write",
        f"The server said Failure, its one word for a full disk, a quota and most else that goes wrong. {NOT_LEFT}",
        Owner.IT,
        "Ask whoever runs the server whether its disk or our quota is full; its log says more.",
        Button.CONNECTION,
    ),
    Failure(
        "file_not_whole",
        "What was written is not what was sent",
        f"Read again under its temporary name, the document was not the same. {NOT_LEFT}",
        Owner.IT,
        "If it comes again: look at the volume or server, and for a scanner that changes files.",
    ),
    Failure(
        "file_not_finished",
        "The server went away before the document was whole",
        f"The session ended while the document had only its temporary name. {NOT_LEFT}",
        Owner.IT,
        "Nothing to do if it passes. If it comes often: look at the line and at the server's time-outs.",
    ),
    Failure(
        "file_cut",
        "Nobody knows whether the document was left",
        "The session ended after the last step was asked for and before its answer came. The document's name is looked "
        "for, and what stands there compared, before anything is sent again.",
        Owner.US,
        "Wait for the look, or look now.",
        Button.VERIFY,
    ),
    Failure(
        "file_gone",
        "The document is not there any more, or never was",
        "After a doubt neither the document nor its temporary file was found. The partner may have taken it, or it was "
        "never written: only the partner knows.",
        Owner.IT,
        "Ask the partner for the file's name, which is the control id with .xml; then decide.",
        Button.DECIDE,
    ),
    Failure(
        "file_name_taken",
        "Another file has this document's name",
        "A file of that name with other content is there. Names are random, so somebody has changed the document or "
        "put something in its place. It is never written over.",
        Owner.IT,
        "Ask the partner about the file; then send the note as a new delivery, which has a name of its own.",
        Button.REPLAY,
    ),
    Failure(
        "file_looked_for",
        "The document could not be looked for",
        "The folder or server did not answer, so the doubt stays. It is looked for again by itself.",
        Owner.IT,
        "Test the connection; then look again.",
        Button.VERIFY,
    ),
    Failure(
        "sftp_host_key",
        "The server's host key is another one",
        "The server showed a key that is not pinned on the connection. Nothing was sent, not even the user's name: it "
        "may be another server. Nobody knocks again before a person has looked.",
        Owner.IT,
        "Ask the partner, by another way than this one, whether the key was replaced. If so, put the new one on the "
        "connection and close the breaker; if not, treat it as an attack.",
        Button.CONNECTION,
    ),
    Failure(
        "sftp_denied",
        "The SFTP server refused the sign-in",
        "The server does not take this user with this key or password. Nobody knocks again before a person has looked, "
        "so that the account is not locked.",
        Owner.IT,
        "Compare the user, key and password with what the partner gave you; then close the breaker.",
        Button.CONNECTION,
    ),
    Failure(
        "sftp_no_ssh",
        "What answers there is no SSH server",
        f"The port answers, and not as SSH does, or no cipher is shared. {NOT_LEFT}",
        Owner.IT,
        "Check host and port; a server older than 2015 may need newer ciphers.",
        Button.CONNECTION,
    ),
    Failure(
        "sftp_no_sftp",
        "The server does not speak SFTP",
        f"The sign-in was good, and the server opened no SFTP session. {NOT_LEFT}",
        Owner.IT,
        "Ask the partner to enable SFTP for this account.",
        Button.CONNECTION,
    ),
)
