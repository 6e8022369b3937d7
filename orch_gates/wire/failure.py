"""What a connection error means: whether the request can have reached the server, and a message for people."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from urllib3.exceptions import (
    ConnectTimeoutError,
    LocationValueError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
)

from orch_gates.documents import escape

# OpenSSL's own numbers, from x509_vfy.h.
_WRONG_TIME = {9, 10}
_WRONG_NAME = {62, 64}


class ResponseTooLong(OSError):
    """The response is longer than any that we need; `str()` is the message."""


@dataclass(frozen=True, slots=True)
class Failure:
    """`unsent`: the request certainly never reached the server. `message` is read after the server's name."""

    unsent: bool
    message: str


_NO_PROXY = Failure(True, "cannot be reached: the proxy between does not answer")
_NO_ANSWER = "did not answer within {timeout:g} s"
# The first that fits: some of these are kinds of others.
_FAILURES: tuple[tuple[type[BaseException], Failure], ...] = (
    (
        NameResolutionError,
        Failure(True, "cannot be reached: its host name does not resolve; check the URL and the network"),
    ),
    (
        NewConnectionError,
        Failure(True, "cannot be reached: nothing answers there; check the URL, and that the server is up"),
    ),
    (ConnectTimeoutError, Failure(True, _NO_ANSWER)),
    (ReadTimeoutError, Failure(False, _NO_ANSWER)),
    (TimeoutError, Failure(False, _NO_ANSWER)),
    (LocationValueError, Failure(True, "cannot be reached: the URL is not valid")),
    # It may also break in the middle of an answer.
    (
        ssl.SSLError,
        Failure(False, "does not speak TLS as it should; check the URL: it may have to begin with http://"),
    ),
)


def classify(error: BaseException, timeout: float) -> Failure:
    """What an error of `requests` or `urllib3` means; after an unknown one the request may have been sent."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Failure(True, _distrust(cause))
        if isinstance(cause, ProxyError) and _unreached(cause.original_error):
            return _NO_PROXY
        for kind, failure in _FAILURES:
            if isinstance(cause, kind):
                return Failure(failure.unsent, failure.message.format(timeout=timeout))
    if isinstance(error, ResponseTooLong):
        return Failure(False, str(error))
    # `requests` looks for the bundle of certificates itself, before it connects.
    if type(error) is OSError:
        return Failure(True, f"cannot be requested: {escape.visible(str(error))}")
    return Failure(False, f"broke off: {type(error).__name__}")


def _unreached(error: Exception) -> bool:
    """Whether a proxy was not reached, or reaches nobody; `urllib3` also blames it for what breaks afterwards."""
    # A tunnel that the proxy refuses is an error of no system call.
    refused = type(error) is OSError and error.errno is None
    return refused or isinstance(error, NewConnectionError | ConnectTimeoutError)


def _causes(error: object) -> Iterator[BaseException]:
    """An error, and what it was made of: both libraries keep that as a reason or as the first argument."""
    while isinstance(error, BaseException):
        yield error
        reason = error.original_error if isinstance(error, ProxyError) else getattr(error, "reason", None)
        error = reason if isinstance(reason, BaseException) else next(iter(error.args), None)


def _distrust(error: ssl.SSLCertVerificationError) -> str:
    problem = f"has a certificate that is not trusted ({escape.visible(error.verify_message)})"
    if error.verify_code in _WRONG_TIME:
        return f"{problem}: check the clock of this machine; if it is right, the server needs a new certificate"
    if error.verify_code in _WRONG_NAME:
        return f"{problem}: check the URL; if it is right, the server needs a certificate for this name"
    return f"{problem}: set REQUESTS_CA_BUNDLE to a file with the certificate of its issuer"
