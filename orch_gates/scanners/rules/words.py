"""Words that names, code and placeholders are made of, and how wordlike a text is."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

# What people write where a secret belongs: one of these inside a value of a generic rule makes it no secret.
PLACEHOLDERS = (
    b"example",
    b"changeme",
    b"change_me",
    b"change-me",
    b"changethis",
    b"placeholder",
    b"your_",
    b"your-",
    b"yourpass",
    b"yoursecret",
    b"yourtoken",
    b"yourkey",
    b"yourapi",
    b"mypassword",
    b"mytoken",
    b"insert",
    b"replace",
    b"redacted",
    b"dummy",
    b"sample",
    b"notreal",
    b"not-real",
    b"fake",
    b"invalid",
    b"xxxx",
    b"****",
    b"...",
    b"____",
    b"----",
    b"00000000",
    b"0123456789",
    b"abcdef",
    b"qwerty",
    b"asdfgh",
    b"foobar",
    b"loremipsum",
    b"undefined",
    b"process.env",
    b"os.environ",
    b"getenv",
    b"localhost",
    b"deadbeef",
)
# The few that say so inside a token of a provider, where every letter is random.
TOKEN_PLACEHOLDERS = (
    b"example",
    b"xxxxx",
    b"*****",
    b".....",
    b"abcdefghijklmnop",
    b"your_",
    b"placeholder",
    b"redacted",
)

_LIST = """
access account action active adapter add address admin agent alert algorithm all allow alpha amount android angular
anonymous answer api app apple application apply archive area argument array assert asset assign async attribute audit
auth authenticate authentication author authorization auto available aws azure back background backup base based basic
batch bearer beta binary bind bit block body book bool boolean border bot bottom box branch browser bucket buffer
build builder bundle button bytes cache call callback camera cancel card case cell center cert certificate change
channel char character charge check child cipher class clear click client clone close cloud cluster code collection
color column command comment commit common company compare complete component compute condition config configuration
confirm connect connection console const constant consumer contact container content context control convert cookie
copy core count country create created credential credentials crypto csrf css curl currency current custom customer
daily dark dash data database date day debug decode decrypt default define delete demo deploy desc description design
detail dev develop developer device dialog dict digest digit direct directory disable display doc docker document
domain double down download draft drive driver dynamic edit editor element email empty enable encode encoded encoding
encrypt encrypted end endpoint engine enter entity entry enum env environment error event exact except exception exec
execute exist expire expired export extend extension external extra face factory fail failed false feature feed fetch
field file fill filter final find first fixture flag flat float flow focus folder font footer force forgot form format
forward found frame free from front full function generate generic get git github gitlab given global go google grant
graph grid group guest hand handle handler hash head header health height hello help hidden high history home hook
host html http https icon id identifier identity image import index info init inner input insert instance int integer
interface internal invalid invite issue item java job join json jwt key keyboard keys kind label lang language last
layer layout left legacy length level library light limit line link linux list listen load loader local location lock
log logger login logo logout long lookup loop mail main make manage manager map mark master match max media member
memory menu merge message meta method metric middle min missing mobile mock mode model module monitor month mount move
multi mysql name native nav network new next no node none normal note notice notification null number oauth object off
offset old on once one only open operation operator option order org origin other out output owner package page panel
param parameter parent parse parser part partial pass passphrase passwd password patch path pattern payload payment
pending permission person phone php picture pipeline place plain plan platform play player plugin point policy pool
pop port position post postgres power prefix preview price primary print private process product production profile
program project promise prop property protocol provider proxy public publish pull push put python query queue quick
random range rate raw read reader ready real reason record redirect redis ref reference refresh region register
registry relation release remote remove render repeat reply repo report repository request require required reset
resource response rest restore result retry return review right role root route router row rule run runner safe salt
same save scan schedule schema scope screen script scroll search second secret section secure security select self
send sensitive serial server service session set setting setup sha share shared shell short show side sign signature
signing simple single site size skip slack slot small socket some sort source spec split spring sql ssh stack staging
standard start state static status step stop storage store stream strict string strong struct style sub subject submit
success super support switch symbol sync system tab table tag target task team temp template terminal test testing
text theme thing this thread time timeout title to toggle token tool top total trace track transaction transfer
transform translate tree trigger true type unique unit unknown unset update upload url usage user username users util
utils valid validate validation validator value values var variable vector vendor verify version video view virtual
visible visit wait warning watch web webhook week welcome width window with word work worker wrap write wrong xml yaml
year yes your zip zone
"""
WORDS = frozenset(_LIST.split())

_CHUNK = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_LONG_HEX = re.compile(r"(?=[a-fA-F]{0,12}[0-9])[0-9a-fA-F]{16,}\Z")
_LEET = str.maketrans("01345@$7", "oleasast")
_PAIRS = Counter(word[at : at + 2] for word in WORDS for at in range(len(word) - 1))
_COMMON_PAIRS = frozenset(pair for pair, count in _PAIRS.items() if count >= 4)


def unknown(text: str) -> int:
    """How many letters of `text` belong to no word of the list, with `0` for o, `3` for e and so on read as letters."""
    return min(_unknown(text), _unknown(text.translate(_LEET)))


def _unknown(text: str) -> int:
    return sum(len(chunk) for chunk in _CHUNK.findall(text) if not chunk.isdigit() and not _known(chunk.lower()))


def _known(word: str) -> bool:
    if word in WORDS or word.removesuffix("s") in WORDS or len(word) < 3:
        return True
    return any(word[:cut] in WORDS and word[cut:] in WORDS for cut in range(3, len(word) - 2))


def wordlike(text: str) -> float:
    """The share of neighbouring letters that are neighbours in words: about 0.9 in words, 0.35 in random letters.

    Where there are few letters it stays near that of random ones.
    """
    letters = text.lower()
    pairs = [letters[i : i + 2] for i in range(len(letters) - 1) if letters[i].isalpha() and letters[i + 1].isalpha()]
    return (sum(pair in _COMMON_PAIRS for pair in pairs) + 0.8) / (len(pairs) + 2)


def looks_random(text: str, *, strict: bool = False) -> bool:
    """Whether a text is more likely drawn than written; `strict` where names are far more common than secrets.

    Measured on texts of 12 to 20 letters and digits: 0.3 % of the drawn ones are missed, and 18 % of names with a
    digit, 2 % of those without, taken for drawn; where it is strict, 2 %, 8 % and none.
    """
    score = 2 * changes(text) - wordlike(text)
    return score > (-0.18 if strict else -0.35) or _LONG_HEX.match(text.replace("-", "")) is not None


def changes(text: str) -> float:
    """How often the kind of character changes, a character: about 0.45 in random text, 0.1 in names.

    From an upper case letter to a lower case one is no change: that is how words begin.
    """
    kinds = [0 if c.islower() else 1 if c.isupper() else 2 if c.isdigit() else 3 for c in text]
    turns = sum(a != b and not (a == 1 and b == 0) and 3 not in (a, b) for a, b in pairwise(kinds))
    return turns / (len(text) or 1)
