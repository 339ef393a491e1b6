"""Why somebody is not signed in by the provider: a code for the log, words for the person, and whose job it is."""

from dataclasses import dataclass

PROVIDER = "Whoever runs the sign-in service."
DIRECTOR = "Your practice's IT director."
SERVER = "Whoever runs this server."


@dataclass(frozen=True)
class Refusal:
    """One reason as a person reads it; `retry`: whether trying again may help."""

    title: str
    text: str
    who: str
    status: int = 403
    retry: bool = False


FORGED = Refusal(
    "The sign-in service's answer was not accepted",
    "It was not made for this portal, for this try, or by the service we know. Nobody was signed in.",
    SERVER,
    400,
)
REFUSALS: dict[str, Refusal] = {
    "away": Refusal(
        "The sign-in service does not answer",
        "It was asked and gave no usable answer in time. Notes go on being delivered meanwhile.",
        PROVIDER,
        503,
        retry=True,
    ),
    "misconfigured": Refusal(
        "The sign-in service is not set up as this portal needs it",
        "What it says of itself does not agree with the settings of this portal.",
        SERVER,
        503,
    ),
    "denied": Refusal(
        "The sign-in service did not let you through",
        "It ended the sign-in without saying who you are.",
        PROVIDER,
        retry=True,
    ),
    "state": Refusal(
        "This sign-in was not begun here, or is over",
        "The answer belongs to no sign-in of this browser: it took too long, or was begun elsewhere or used before.",
        "You: begin again.",
        400,
        retry=True,
    ),
    "code": Refusal(
        "The sign-in service did not confirm the sign-in",
        "It refused the code it had given a moment before, or this portal's own credentials.",
        SERVER,
        502,
        retry=True,
    ),
    "userinfo": Refusal(
        "The sign-in service did not say who you are",
        "It confirmed the sign-in, and then gave no usable details of the person.",
        PROVIDER,
        502,
        retry=True,
    ),
    "groups": Refusal(
        "Your account has no role here",
        "You are known, but none of the groups you belong to stands for a role in this portal.",
        f"{DIRECTOR} They say which groups stand for which roles.",
    ),
    "groups_missing": Refusal(
        "The sign-in service does not say to which groups you belong",
        "Your roles follow from your groups; without them nothing can be opened.",
        f"{PROVIDER} The claim with the groups has to be sent to this portal.",
    ),
    "groups_many": Refusal(
        "You belong to more groups than can be read",
        "The sign-in service left the list of your groups out, as it is too long.",
        f"{PROVIDER} Only the groups that concern this portal should be sent.",
    ),
    "practices": Refusal(
        "Your groups belong to two practices",
        "Everybody works for exactly one practice here, and your groups name more than one.",
        DIRECTOR,
    ),
    "disabled": Refusal("Your account here is closed", "It was disabled in this portal.", DIRECTOR),
}
# How an identity token can be wrong: told apart in the log, alike on the page.
WRONG_TOKENS = frozenset(
    {"malformed", "algorithm", "key", "signature", "issuer", "audience", "expired", "issued", "nonce", "subject"}
)


class Refused(Exception):
    """Nobody is signed in; `code` is of REFUSALS or WRONG_TOKENS. Never carries what was said."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    @property
    def words(self) -> Refusal:
        return REFUSALS.get(self.code, FORGED)
