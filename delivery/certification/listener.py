"""The synthetic scribe's ear: an HTTP server on this machine that takes what we tell a scribe, if it is signed."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

LARGEST = 64 * 1024


class Listener:
    """What it was told, in order, as Standard Webhooks has it: type, timestamp, data. `refused` counts forgeries."""

    def __init__(self) -> None:
        self.secret = ""
        self.told: list[dict[str, Any]] = []
        self.refused = 0
        ear = self

        class Ear(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the name is http.server's
                body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), LARGEST))
                self.send_response(204 if ear.take(dict(self.headers.items()), body) else 401)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words: object) -> None:
                """Nothing of what is told belongs in a log."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/certification"
        threading.Thread(target=self.server.serve_forever, name="synthetic scribe", daemon=True).start()

    def take(self, headers: dict[str, str], body: bytes) -> bool:
        """Whether the message is signed by the secret this endpoint was given."""
        try:
            Webhook(self.secret).verify(body.decode(), {name.lower(): value for name, value in headers.items()})
            self.told.append(json.loads(body))
        except (WebhookVerificationError, ValueError, UnicodeDecodeError):
            self.refused += 1
            return False
        return True

    def heard(self, kind: str, encounter: str) -> dict[str, Any] | None:
        """The first message of this kind about this encounter."""
        return next(
            (one for one in self.told if one["type"] == kind and encounter == one["data"].get("encounter_id")), None
        )

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
