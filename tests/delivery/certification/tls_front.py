"""TLS in front of the simulated eCW's MLLP port, of whatever age: it ends the TLS and passes the rest on."""

import contextlib
import socket
import ssl
import threading
import warnings

import trustme


class TlsFront:
    """Listens as localhost, with a certificate of an authority of its own."""

    def __init__(self, port: int, oldest: str) -> None:
        self.target = ("127.0.0.1", port)
        authority = trustme.CA()
        self.ca_pem = authority.cert_pem.bytes().decode()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(self.context)
        self.context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self.context.minimum_version = ssl.TLSVersion[oldest]
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *exc):
        self.listener.close()

    def _listen(self):
        while True:
            try:
                caller, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller):
        with contextlib.suppress(OSError), self.context.wrap_socket(caller, server_side=True) as secured:
            receiver = socket.create_connection(self.target)
            threading.Thread(target=pass_on, args=(receiver, secured), daemon=True).start()
            pass_on(secured, receiver)
            receiver.close()


def pass_on(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.close()
