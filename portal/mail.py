"""One mail at a time, by the server that the settings name: never a patient, a note, or a person's name in it."""

import logging
import smtplib
from dataclasses import dataclass

from django.conf import settings
from django.core.mail import EmailMessage

log = logging.getLogger(__name__)
NO_MAIL, NO_ADDRESS = "no_mail_server", "no_address"


@dataclass(frozen=True)
class Sent:
    """What came of one message: `reason` "" where it was taken; `final` where trying again can change nothing."""

    reason: str = ""
    final: bool = False
    status: int = 0

    @property
    def taken(self) -> bool:
        return not self.reason


def link(path: str) -> str:
    return settings.SITE_URL.rstrip("/") + path


def mail(address: str, about: str, words: str) -> Sent:
    """One mail. A refusal for good (5xx) is final, all else is tried again."""
    if not address:
        return Sent(NO_ADDRESS, final=True)
    if not settings.EMAIL_HOST:
        return Sent(NO_MAIL, final=True)
    try:
        EmailMessage(" ".join(about.split()), words, settings.DEFAULT_FROM_EMAIL, [address]).send()
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        return Sent("mail_refused", final=min(codes, default=0) >= 500, status=max(codes, default=0))
    except smtplib.SMTPResponseException as error:
        return Sent("mail_refused", final=error.smtp_code >= 500, status=error.smtp_code)
    except smtplib.SMTPException as error:
        log.warning("a mail server did not take a mail: %s", type(error))
        return Sent("mail_failed")
    except ValueError:  # an address, or a subject, that no mail can have
        return Sent("mail_refused", final=True)
    except OSError as error:
        log.warning("a mail server cannot be reached: %s", type(error))
        return Sent("mail_unreachable")
    return Sent()
