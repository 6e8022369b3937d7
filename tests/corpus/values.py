"""Random values with the inner structure that real credentials have: checksums, payloads, keys, passwords."""

from __future__ import annotations

import base64
import functools
import json
import pydoc_data.topics
import re
import string
import subprocess
import tempfile
import uuid
import zlib
from pathlib import Path
from random import Random

LETTERS = string.ascii_letters
ALNUM = string.digits + string.ascii_uppercase + string.ascii_lowercase
LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
BASE32 = string.ascii_uppercase + "234567"
DIGITS = string.digits
HEX = "0123456789abcdef"
URLSAFE = ALNUM + "_-"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def text(chance: Random, count: int, alphabet: str = ALNUM) -> str:
    """Random characters, with as many different ones as chance gives a real token of that length."""
    while True:
        made = "".join(chance.choices(alphabet, k=count))
        if len(set(made)) >= min(count, len(alphabet)) * 0.4:
            return made


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def url_encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def based(number: int, alphabet: str, width: int) -> str:
    """A number in the notation that an alphabet makes, padded on the left."""
    made = ""
    while number:
        number, digit = divmod(number, len(alphabet))
        made = alphabet[digit] + made
    return made.rjust(width, alphabet[0])


def with_crc(body: str) -> str:
    """GitHub's and npm's form: thirty characters and their CRC-32 in six of base 62."""
    return body + based(zlib.crc32(body.encode()), ALNUM, 6)


def bech32(prefix: str, data: bytes) -> str:
    """BIP 173: five bits a character and six characters of checksum."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    words = [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]
    spread = [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix]
    check = _polymod([*spread, *words, *[0] * 6]) ^ 1
    words += [check >> 5 * (5 - at) & 31 for at in range(6)]
    return prefix + "1" + "".join(_BECH32[word] for word in words)


def _polymod(words: list[int]) -> int:
    check = 1
    for word in words:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ word
        for at, factor in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= factor if top >> at & 1 else 0
    return check


def macaroon(chance: Random) -> bytes:
    """What stands behind the prefix of an upload token of the Python index: a version-2 macaroon."""
    host = b"py" + b"pi.org"
    packet = b"\x02\x01" + bytes([len(host)]) + host + b"\x02\x24" + str(_uuid(chance)).encode() + b"\x00"
    caveat = json.dumps([1, str(_uuid(chance))], separators=(",", ":")).encode()
    return packet + b"\x02" + bytes([len(caveat)]) + caveat + b"\x00\x00\x06\x20" + chance.randbytes(32)


def _uuid(chance: Random) -> uuid.UUID:
    return uuid.UUID(int=chance.getrandbits(128), version=4)


def uuid4(chance: Random) -> str:
    return str(_uuid(chance))


def jwt(chance: Random) -> str:
    """Header, claims and a signature of the right length."""
    claims = {"sub": text(chance, 10, DIGITS), "name": text(chance, 9, LETTERS), "iat": chance.randrange(10**9, 2**31)}
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    return ".".join(url_encoded(part) for part in [*parts, chance.randbytes(32)])


@functools.cache
def words() -> tuple[str, ...]:
    """Ordinary English words, out of Python's own help."""
    found = set(re.findall(r"\b[a-z]{4,8}\b", " ".join(pydoc_data.topics.topics.values())))
    return tuple(sorted(found))


def typed_password(chance: Random) -> str:
    """A password as a person makes one up: words, a number, a sign, a swapped letter."""
    first, second = chance.choice(words()), chance.choice(words())
    year, sign = str(chance.randrange(1970, 2030)), chance.choice("!@#$%&*?_-")
    swapped = first.replace("a", "@").replace("o", "0").replace("e", "3")
    return chance.choice(
        [
            first.title() + year,
            first.title() + year + sign,
            swapped.title() + sign + second + year[2:],
            f"{first}{sign}{second}{year}",
            first + second + year[2:],
            f"{first.title()}{second.title()}{sign}{year[2:]}",
        ]
    )


def made_password(chance: Random) -> str:
    """A password as a program makes one up."""
    length = chance.choice([12, 14, 16, 18, 20, 24, 32])
    return text(chance, length, chance.choice([ALNUM, ALNUM, ALNUM, LOWER, ALNUM + "!#%*+-.@^_"]))


def private_key(kind: str) -> str:
    """A new and real key of a kind; the same one twice would be one object in git, and one finding."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "key")
        made = {
            "rsa": ["openssl", "genrsa", "-traditional", "-out", path, "2048"],
            "pkcs8": ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", path],
            "ec": ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path],
            "ed25519": ["openssl", "genpkey", "-algorithm", "ED25519", "-out", path],
            "openssh": ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me", "-f", path],
        }[kind]
        subprocess.run([str(part) for part in made], check=True, capture_output=True)
        return path.read_text()


def base64_lines(chance: Random, size: int, width: int = 64) -> str:
    """A body as keys have it, that is no key."""
    body = encoded(chance.randbytes(size))
    return "\n".join(body[at : at + width] for at in range(0, len(body), width))
