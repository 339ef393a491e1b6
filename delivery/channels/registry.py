"""Which channel or reader a connection's kind means: the one place that knows all of them."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from delivery.channels import openapi_sending
from delivery.channels.base import Channel, ChartReader, Credentials, TemplateLister, Unavailable
from delivery.channels.drop_settings import FolderSettings, SftpSettings
from delivery.channels.fhir_settings import FhirSettings
from delivery.channels.hl7_settings import Hl7Settings
from delivery.channels.mllp import Hl7Channel
from delivery.channels.network import Guard, Resolve
from delivery.channels.openapi import OpenApiReader, OpenApiSettings, open_reader

Settings = Mapping[str, Any]
Secrets = Mapping[str, str]


class NoCredentials:
    """For kinds that need no token, and for tests without a connection's row."""

    def token(self, seconds: float) -> str:
        raise Unavailable("not_connected")

    def another(self, refused: str, seconds: float) -> str:
        raise Unavailable("not_connected")

    def spend(self) -> bool:
        return True


def _hl7(
    settings: Settings, secrets: Secrets, environment: str, resolve: Resolve, guard: Guard, _: Credentials
) -> Channel:
    return Hl7Channel(Hl7Settings.read(settings, secrets, environment), resolve, guard)


def _fhir(
    settings: Settings, secrets: Secrets, environment: str, resolve: Resolve, guard: Guard, credentials: Credentials
) -> Channel:
    own = FhirSettings.read(settings, secrets, environment)
    # Its models cost a process some ten megabytes: paid by those who have such a connection.
    made: Channel = import_module("delivery.channels.fhir").FhirChannel(own, credentials, resolve, guard)
    return made


def _openapi_channel(
    settings: Settings, secrets: Secrets, environment: str, resolve: Resolve, guard: Guard, _: Credentials
) -> Channel:
    return openapi_sending.open_channel(OpenApiSettings.read(settings, secrets, environment), resolve, guard)


def _folder(
    settings: Settings, secrets: Secrets, environment: str, _resolve: Resolve, guard: Guard, _: Credentials
) -> Channel:
    own = FolderSettings.read(settings, secrets, environment)
    made: Channel = import_module("delivery.channels.ccda_folder").FolderChannel(own, guard)
    return made


def _sftp(
    settings: Settings, secrets: Secrets, environment: str, resolve: Resolve, guard: Guard, _: Credentials
) -> Channel:
    own = SftpSettings.read(settings, secrets, environment)
    made: Channel = import_module("delivery.channels.ccda_sftp").SftpChannel(own, resolve, guard)
    return made


CHANNELS: dict[str, Callable[[Settings, Secrets, str, Resolve, Guard, Credentials], Channel]] = {
    "hl7": _hl7,
    "fhir": _fhir,
    "openapi": _openapi_channel,
    "ccda-folder": _folder,
    "ccda-sftp": _sftp,
}

# Kinds that leave a file for a partner: what becomes of it no reader of a chart can say, only whether it was left.
LEAVES_FILES = frozenset({"ccda-folder", "ccda-sftp"})


# Kinds that show the documents they were sent, so that these can be read back.
SHOWS_DOCUMENTS = frozenset({"fhir"})

# Kinds that have eCW fill a template by the code that eCW itself lists it under. (HL7's OBR-4 names one too, by the
# code that the location's import gave it: eCW may know it under another.)
NAMES_TEMPLATE = frozenset({"openapi"})


def channel_for(
    kind: str,
    settings: Settings,
    secrets: Secrets,
    environment: str,
    resolve: Resolve,
    guard: Guard = lambda: True,
    credentials: Credentials | None = None,
) -> Channel:
    """A closed channel of that kind; ValueError in plain words when the kind or its settings cannot be used.

    `resolve` turns host and port into the address to connect to: ValueError for a target that is not allowed,
    OSError for one that cannot be found. `guard` is asked immediately before the first byte of every message.
    """
    make = CHANNELS.get(kind)
    if make is None:
        raise ValueError("This kind of connection cannot send notes.")
    return make(settings, secrets, environment, resolve, guard, credentials or NoCredentials())


def _openapi(settings: Settings, secrets: Secrets, environment: str, resolve: Resolve, _: Credentials) -> OpenApiReader:
    return open_reader(OpenApiSettings.read(settings, secrets, environment), resolve)


def _fhir_reader(
    settings: Settings, secrets: Secrets, environment: str, resolve: Resolve, credentials: Credentials
) -> ChartReader:
    own = FhirSettings.read(settings, secrets, environment)
    client = import_module("delivery.channels.fhir_search").FhirClient(own, credentials, resolve)
    made: ChartReader = import_module("delivery.channels.fhir_reader").FhirReader(client)
    return made


READERS: dict[str, Callable[[Settings, Secrets, str, Resolve, Credentials], ChartReader]] = {
    "openapi": _openapi,
    "fhir": _fhir_reader,
}


def reader_for(
    kind: str,
    settings: Settings,
    secrets: Secrets,
    environment: str,
    resolve: Resolve,
    credentials: Credentials | None = None,
) -> ChartReader:
    """A reader of that kind, which several threads may use; ValueError in plain words when it cannot be made."""
    make = READERS.get(kind)
    if make is None:
        raise ValueError("This kind of connection cannot read a chart.")
    return make(settings, secrets, environment, resolve, credentials or NoCredentials())


LISTERS: dict[str, Callable[[Settings, Secrets, str, Resolve, Credentials], TemplateLister]] = {"openapi": _openapi}


def lister_for(kind: str, settings: Settings, secrets: Secrets, environment: str, resolve: Resolve) -> TemplateLister:
    """A reader of that kind that can list templates; ValueError in plain words when it cannot be made."""
    make = LISTERS.get(kind)
    if make is None:
        raise ValueError("This kind of connection cannot list templates.")
    return make(settings, secrets, environment, resolve, NoCredentials())
