"""Security tests (B21): TLS and certificates, tokens and rights. (audit.py has the record of every access.)"""

import ipaddress
import socket
import ssl
import warnings
from collections.abc import Callable
from contextlib import closing

from delivery.certification.between import CannotStandBetween, address_of
from delivery.certification.desk import Desk, Test, Verdict, not_here
from delivery.certification.evidence import Account
from delivery.certification.impostor import Impostor
from delivery.channels import tls
from delivery.channels.base import Unavailable
from delivery.channels.fhir_settings import FhirSettings
from delivery.channels.hl7_settings import Hl7Settings
from delivery.channels.openapi_settings import OpenApiSettings
from delivery.oauth import asking, scopes
from delivery.opening import Credentials
from delivery.ways.capabilities import used_at
from portal import tokens
from portal.models import Connection, ConnectionKind, OAuthGrant
from portal.targets import TargetRefused, check_target

SECONDS = 8.0
READ: dict[str, Callable[..., tls.TlsSettings]] = {
    ConnectionKind.HL7_MLLP: Hl7Settings.read,
    ConnectionKind.FHIR: FhirSettings.read,
    ConnectionKind.OPENAPI: OpenApiSettings.read,
}


def tests() -> list[Test]:
    return [
        Test("security.tls", "No connection speaks less than TLS 1.2", versions),
        Test("security.bad_certificate", "A certificate that nobody vouches for is refused", bad_certificate),
        Test("security.token_renewal", "A token that has run out is renewed, and nothing fails for it", renewal),
        Test("security.scopes", "Every right that the routes need is granted", rights),
    ]


def versions(desk: Desk, account: Account) -> Verdict:
    """Offer each receiver TLS 1.1 at most: it must refuse. Lines without TLS must be this machine's, or a VPN's."""
    wrong = []
    for connection in used_at(desk.location):
        found = version_of(connection)
        account.step(f"Offered {connection.name} TLS 1.1 at most", found)
        wrong += [f"{connection.name}: {found}"] if found in (ACCEPTED, BARE) else []
    if wrong:
        return Verdict(False, "; ".join(wrong)[:300])
    return Verdict(True, "; ".join(dict.fromkeys(step["came"] for step in account.steps))[:300] + ".")


ACCEPTED, REFUSED = "accepts TLS 1.1", "refuses TLS 1.1"
BARE, HERE, VPN = "no TLS", "no TLS: this very machine", "no TLS: a VPN carries it, as its settings state"


def version_of(connection: Connection) -> str:
    try:
        host, port = address_of(connection)
    except CannotStandBetween:
        host, port = address_of_base(connection)
    own = connection.settings
    secure = (
        own.get("tls", False) if connection.kind == ConnectionKind.HL7_MLLP else own["base_url"].startswith("https:")
    )
    if not secure:
        return VPN if own.get("vpn") else HERE if is_here(host, port) else BARE
    try:
        return ACCEPTED if shakes_hands(check_target(host, port), host) else REFUSED
    except (OSError, TargetRefused):
        return "cannot be reached"


def address_of_base(connection: Connection) -> tuple[str, int]:
    """The same for a connection that a person has signed in."""
    bare = Connection(kind=connection.kind, settings={"base_url": connection.settings.get("base_url")})
    return address_of(bare)


def is_here(host: str, port: int) -> bool:
    try:
        return ipaddress.ip_address(check_target(host, port)[0]).is_loopback
    except (OSError, ValueError):
        return False


def shakes_hands(address: tuple[str, int], name: str) -> bool:
    """Whether the receiver agrees on TLS 1.1 or older. No certificate matters here, nothing is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")  # OpenSSL 3 speaks the old versions on this level only
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with socket.create_connection(address, timeout=SECONDS) as line:
        try:
            with context.wrap_socket(line, server_hostname=name):
                return True
        except (ssl.SSLError, ConnectionError, TimeoutError):
            return False


def bad_certificate(desk: Desk, account: Account) -> Verdict:
    """Each connection's own trust, held against a receiver with the right name and a certificate of its own making."""
    taken = []
    for connection in used_at(desk.location):
        own = READ[ConnectionKind(connection.kind)](connection.settings, connection.secrets(), connection.environment)
        came = handed_to_impostor(tls.context(own))
        account.step(f"{connection.name} met an impostor", came)
        taken += [connection.name] if came == "trusted" else []
    return Verdict(not taken, f"Trusted: {', '.join(taken)}." if taken else "Every connection refused the impostor.")


def handed_to_impostor(context: ssl.SSLContext) -> str:
    """ "trusted", or the reason why not."""
    with closing(Impostor()) as impostor, socket.create_connection(("127.0.0.1", impostor.port), SECONDS) as line:
        try:
            with context.wrap_socket(line, server_hostname="localhost"):
                return "trusted"
        except (ssl.SSLError, ConnectionError, TimeoutError) as error:
            return tls.reason(error)


def rights(desk: Desk, account: Account) -> Verdict:
    """Each scope asked for alone; where a person signed in, what was granted to them."""
    missing, asked = [], 0
    for connection in of_fhir(desk):
        asked += 1
        for scope, reason in granted(connection).items():
            account.step(f"{connection.name}: {scope}", reason or "granted")
            missing += [f"{scope} ({reason})"] if reason else []
    if not asked:
        return not_here("No connection here has rights to ask for.")
    return Verdict(not missing, f"Missing: {', '.join(missing)}."[:300] if missing else "Everything needed is granted.")


def granted(connection: Connection) -> dict[str, str]:
    """Scope to "" or why it is missing."""
    if connection.settings.get("grant") != "authorization_code":
        try:
            return asking.check_each(connection)
        except (Unavailable, ValueError) as error:
            return {"the authorization server": getattr(error, "reason_code", "settings")}
    grant = OAuthGrant.objects.filter(connection=connection).first()
    rows = scopes.rows(connection, grant.scopes if grant else [])
    return {row.scope: "" if row.granted else "scope_refused" for row in rows}


def renewal(desk: Desk, account: Account) -> Verdict:
    """Let each token run out and ask for one: another must come."""
    failed, asked = [], 0
    for connection in of_fhir(desk):
        asked += 1
        before = tokens.held(connection).generation
        tokens.run_out(connection)
        account.step(f"{connection.name}: the token has run out")
        try:
            Credentials(connection).token(SECONDS)
        except (Unavailable, ValueError) as error:
            reason = getattr(error, "reason_code", "settings")
            account.step(f"{connection.name}: asked for another", reason)
            failed.append(f"{connection.name} ({reason})")
            continue
        after = tokens.held(connection).generation
        account.step(f"{connection.name}: asked for another", f"generation {before} became {after}")
        failed += [] if after > before else [f"{connection.name} (the old one was kept)"]
    if not asked:
        return not_here("No connection here uses tokens that run out.")
    return Verdict(not failed, f"Not renewed: {', '.join(failed)}."[:300] if failed else "Renewed.")


def of_fhir(desk: Desk) -> list[Connection]:
    return [each for each in used_at(desk.location) if each.kind == ConnectionKind.FHIR]
