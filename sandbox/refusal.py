"""Why the simulated interface refuses a message."""


class Refusal(Exception):
    """Why a message is refused: `code` AE or AR, `error` of HL7 table 0357, `location` as ERR-2 (segment^n^field)."""

    def __init__(self, code: str, error: str, text: str, location: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.error = error
        self.text = text
        self.location = location
