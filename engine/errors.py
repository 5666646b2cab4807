"""Every exception the program raises on purpose.

Three audiences: the user gets the sentence of the exception, expected trouble becomes an event or a retry,
and anything that is not in this tree is a bug and is logged with its traceback.

    EngineError
    ├── SettingsError           a settings file or value that cannot be used
    ├── UnknownInstrument       a symbol or product that the exchange does not list
    ├── CalendarError           a session that does not exist
    ├── DataFileError           a market-data or conditions file that cannot be read; names file and line
    ├── WireError
    │   ├── DecodeError         bytes that are no valid message
    │   └── VersionError        a message of another major schema version
    ├── RequestError
    │   ├── RequestTimeout      no answer after the last retry; what became of the request is not known
    │   └── RequestRefused      the other side answered no; carries its reason code
    ├── LedgerError             the ledger cannot be opened, written or trusted
    │   └── LedgerDamaged       its file is damaged: it can be set aside, and a new one begun
    ├── StoreError              the market store cannot be opened, written or trusted
    ├── OrderStateError         an event that an order's state does not allow
    ├── BrokerError
    │   ├── BrokerRefused       the broker (or its library) said no before sending; nothing is on its way
    │   └── BrokerAmbiguous     nobody knows whether the order left; it becomes UNKNOWN
    └── ChildError              a child process that does not start or does not answer
"""


class EngineError(Exception):
    """Base of all errors raised on purpose; ``str()`` is a sentence a person can act on."""


class SettingsError(EngineError):
    """A settings file or value that cannot be used; names the file and the key."""


class UnknownInstrument(EngineError):
    """A symbol or product that is not known."""


class CalendarError(EngineError):
    """A trading session that does not exist."""


class DataFileError(EngineError):
    """A file that cannot be read as what it should be; names the file, the line and the reason."""


class WireError(EngineError):
    """Base of errors of messages and sockets."""


class DecodeError(WireError):
    """Bytes that are no valid message; the message is dropped and counted."""


class VersionError(DecodeError):
    """A message of another major schema version."""


class RequestError(EngineError):
    """Base of what can go wrong with a request."""


class RequestTimeout(RequestError):
    """No answer came, also after the last retry. The other side may or may not have acted."""


class RequestRefused(RequestError):
    """The other side refused the request.

    Attributes:
        code: ASCII reason code, a value of :class:`engine.model.order.Reason` where an order was refused.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text or code)
        self.code = code


class LedgerError(EngineError):
    """The ledger cannot be opened, written or trusted."""


class LedgerDamaged(LedgerError):
    """The ledger's file is damaged, or rows of it were changed; it is left as it is."""


class StoreError(EngineError):
    """The market store cannot be opened, written or trusted."""


class OrderStateError(EngineError):
    """An event that the state of the order does not allow."""


class BrokerError(EngineError):
    """Base of errors at the door of the broker."""


class BrokerRefused(BrokerError):
    """The broker or its library refused before sending: nothing is on its way.

    Attributes:
        code: the broker's own reason code.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text or code)
        self.code = code


class BrokerAmbiguous(BrokerError):
    """Nobody knows whether the request reached the broker; never retried blindly."""


class ChildError(EngineError):
    """A child process that does not start, does not answer or keeps dying."""
