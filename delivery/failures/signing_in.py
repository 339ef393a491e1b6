"""Reason codes of OAuth: the authorization server, what it refuses, and what a person has to do."""

from delivery.failures.entry import Button, Failure, Owner
from delivery.failures.sending import NOT_SENT

FAILURES = (
    Failure(
        "not_connected",
        "Nobody has connected this with eCW yet",
        f"The connection signs in with a grant that a person gives once, and nobody has given it. {NOT_SENT}",
        Owner.IT,
        "Open the connection and press Connect with eCW.",
        Button.CONNECTION,
    ),
    Failure(
        "invalid_client",
        "eCW does not know this application",
        f"The authorization server refused the client id, its secret or its signed assertion. {NOT_SENT}",
        Owner.IT,
        "Compare the client id with eCW's registration, and check that the public keys registered there are those of "
        "the connection's page.",
        Button.CONNECTION,
    ),
    Failure(
        "scope_refused",
        "eCW refuses a scope this connection needs",
        "The authorization server refused the scopes asked for. They fail as a set: one that is not enabled refuses "
        f"all (eCW says invalid_grant for it). {NOT_SENT}",
        Owner.ECW,
        "Press Check each scope on the connection: it names the one that is refused. Ask eCW to enable it.",
        Button.CONNECTION,
    ),
    Failure(
        "oauth_access_denied",
        "eCW denies this application access",
        "The authorization server answered access_denied, which eCW sends as a server error: the application is not "
        f"enabled for this practice. {NOT_SENT}",
        Owner.ECW,
        "Ask eCW to enable the application for this practice's code.",
        Button.CONNECTION,
    ),
    Failure(
        "oauth_refused",
        "The authorization server refused the request",
        f"It answered with an error that is none of the usual ones. {NOT_SENT}",
        Owner.ECW,
        "Show eCW the time and the client id; the error's name stands in the log.",
        Button.CONNECTION,
    ),
    Failure(
        "oauth_no_pkce",
        "The authorization server has no safe PKCE",
        "It says that it does not support the S256 method, without which a stolen code would open the practice's "
        f"charts. {NOT_SENT}",
        Owner.ECW,
        "Ask eCW for an authorization server with PKCE S256; nothing weaker is used.",
        Button.CONNECTION,
    ),
    Failure(
        "oauth_discovery",
        "The sign-in addresses cannot be discovered",
        "Under the base address there is no SMART configuration that names them. eCW answers it under the practice's "
        f"own path only. {NOT_SENT}",
        Owner.IT,
        "Check that the base address ends with the practice's code, or write the endpoints on the connection.",
        Button.CONNECTION,
    ),
    Failure(
        "oauth_no_answer",
        "The authorization server did not answer",
        f"A token was asked for and no answer came in time. {NOT_SENT}",
        Owner.ECW,
        "Nothing to do if it passes; it is asked again by itself.",
        Button.CONNECTION,
    ),
    Failure(
        "oauth_server_error",
        "The authorization server is in trouble",
        f"It answered with a server error. {NOT_SENT}",
        Owner.ECW,
        "Nothing to do if it passes; it is asked again by itself.",
        Button.CONNECTION,
    ),
    Failure(
        "oauth_unreadable",
        "The authorization server's answer is no token",
        f"What came back is not the answer of a token endpoint, as with a sign-in page. {NOT_SENT}",
        Owner.IT,
        "Check the token endpoint on the connection, and whether a proxy stands between.",
        Button.CONNECTION,
    ),
)
