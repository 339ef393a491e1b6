"""What an Open API answer that is no yes means, the same for each call that changes the chart."""

from collections.abc import Mapping
from typing import NoReturn

import httpx2

from delivery.channels import ecw_codes
from delivery.channels.base import NoAnswer, Refused, Unavailable
from delivery.channels.rest import as_kept, own_code, rate_limit_ends, retry_after


def no_yes(answer: httpx2.Response, refusals: Mapping[int, str], silence: str) -> NoReturn:
    """Raises Unavailable where nothing was taken, Refused where eCW says so, NoAnswer of reason `silence` otherwise.

    `refusals` names the reason of a status for which eCW gives no code of its own.
    """
    status, code, body = answer.status_code, f"HTTP {answer.status_code}", as_kept(answer)
    if status == 429:
        raise Unavailable("rate_limited", code, retry_after=rate_limit_ends(answer))
    if status == 401:
        raise Unavailable("unauthorized", code, body)
    if 300 <= status < 400:
        raise Unavailable("openapi_redirected", code)
    if 400 <= status < 500 and status != 408:
        own = own_code(answer)
        reason = ecw_codes.reason(own) or refusals.get(status, "openapi_bad_request")
        raise Refused(reason, ecw_codes.plain(own) or code, body)
    if not answer.extensions.get("body_left", True):
        raise Unavailable("openapi_busy", code, retry_after=retry_after(answer))
    raise NoAnswer(silence, code, body)
