"""python -m sandbox: starts the MLLP listener and the HTTP server, says on which ports, and runs until SIGTERM."""

import argparse
import asyncio
import gc
import json
import signal
import ssl
import sys
from pathlib import Path

from aiohttp import web

from sandbox.chart_pages import ChartPages
from sandbox.drive import Drive
from sandbox.fault_kinds import as_markdown
from sandbox.fault_page import FaultPage
from sandbox.faults import Switchboard
from sandbox.feed import ROUTES as FEED
from sandbox.fhir import LARGEST_BODY, Fhir
from sandbox.fhir_drive import FhirDrive
from sandbox.limits import Limits
from sandbox.mllp import MllpConnection
from sandbox.openapi import OpenApi
from sandbox.practices import Practices
from sandbox.reception import Reception
from sandbox.shell import static_routes, strict
from sandbox.smart import Smart, Tokens
from sandbox.store import Store
from sandbox.template_page import TemplatePage


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A simulated eCW. Synthetic notes only.")
    parser.add_argument("--mllp-port", type=int, default=2575, help="0: any free port")
    parser.add_argument("--http-port", type=int, default=8575, help="0: any free port")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--data", type=Path, default=Path("data/sandbox"), metavar="DIR")
    parser.add_argument("--dedupe", action="store_true", help="a repeated MSH-10 is answered AA and not filed again")
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="certificate chain for MLLP over TLS")
    parser.add_argument("--tls-key", type=Path, metavar="FILE")
    parser.add_argument("--client-ca", type=Path, metavar="FILE", help="demand client certificates of this authority")
    parser.add_argument("--token", default="sandbox-token", help="the bearer token of the Open API")
    parser.add_argument(
        "--practice", action="append", default=[], help="a known practice code (default: any six letters)"
    )
    parser.add_argument("--list-faults", action="store_true", help="print the table of faults as Markdown and leave")
    return parser.parse_args()


def tls(options: argparse.Namespace) -> ssl.SSLContext | None:
    """TLS for the MLLP listener, or None without a certificate."""
    if options.tls_cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=options.client_ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(options.tls_cert, options.tls_key)
    if options.client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def application(
    options: argparse.Namespace, store: Store, switchboard: Switchboard, reception: Reception, mllp_port: int
) -> web.Application:
    """Everything that is served over HTTP; a reset reaches the reception too."""
    app = web.Application(middlewares=[strict], client_max_size=LARGEST_BODY)
    practices, tokens, limits = Practices(), Tokens(), Limits()
    app.add_routes(Smart(tokens, switchboard, limits).routes())
    app.add_routes(Fhir(store, switchboard, practices, tokens, limits).routes())
    app.add_routes(FhirDrive(practices, tokens, limits).routes())
    app.add_routes(OpenApi(store, switchboard, options.token, frozenset(options.practice), options.dedupe).routes())
    drive = Drive(store, switchboard, (practices, tokens, limits, reception))
    drive.mllp_port = mllp_port
    app.add_routes(drive.routes())
    app.add_routes(FEED)
    app.add_routes(ChartPages(store).routes())
    app.add_routes(TemplatePage(store).routes())
    app.add_routes(FaultPage(store, switchboard).routes())
    app.add_routes(static_routes())
    return app


async def serve(options: argparse.Namespace, store: Store) -> None:
    """Runs both servers until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    switchboard = Switchboard()
    reception = Reception(store, switchboard, options.dedupe)
    connections: set[MllpConnection] = set()
    mllp = await loop.create_server(
        lambda: MllpConnection(reception, connections), options.host, options.mllp_port, ssl=tls(options), backlog=256
    )
    port = mllp.sockets[0].getsockname()[1]
    runner = web.AppRunner(
        application(options, store, switchboard, reception, port), access_log=None, shutdown_timeout=1
    )
    await runner.setup()
    site = web.TCPSite(runner, options.host, options.http_port, backlog=256)
    await site.start()
    ports = {"mllp": port, "http": runner.addresses[0][1]}
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    gc.freeze()  # what is loaded now stays: the collector need not look at it again
    await stop.wait()
    mllp.close()
    for connection in tuple(connections):
        connection.close()
    await runner.cleanup()


def main() -> None:
    options = arguments()
    if options.list_faults:
        sys.stdout.write(as_markdown())
        return
    store = Store(options.data)
    try:
        asyncio.run(serve(options, store))
    finally:
        store.close()


if __name__ == "__main__":
    main()
