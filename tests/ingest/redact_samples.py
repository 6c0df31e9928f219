"""What redaction must find and what it must leave alone. Secrets are assembled from parts here: none stands in the tree."""

import base64
import random
import string
from collections.abc import Callable

ALNUM = string.ascii_letters + string.digits
HEX = string.digits + "abcdef"
UPPER = string.ascii_uppercase + "234567"


class Dice:
    """Seeded characters."""

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(seed)

    def text(self, length: int, alphabet: str = ALNUM) -> str:
        """Random characters that hold at least one digit and one letter, as real tokens do."""
        drawn = [self._random.choice(alphabet) for _ in range(length)]
        if set(alphabet) & set(string.digits) and set(alphabet) & set(string.ascii_letters):
            drawn[length // 2], drawn[length // 3] = "7", next(letter for letter in alphabet if letter.isalpha())
        return "".join(drawn)


def pem(dice: Dice, label: str = "RSA ") -> str:
    """A private key block whose body is random."""
    rows = [dice.text(64, ALNUM + "+/") for _ in range(8)]
    return "\n".join([f"-----BEGIN {label}PRIVATE" + " KEY-----", *rows, f"-----END {label}PRIVATE" + " KEY-----"])


def _jwt(dice: Dice) -> str:
    parts = [
        base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        for text in ('{"alg":"HS256","typ":"JWT"}', '{"sub":"1234567890"}')
    ]
    return ".".join([*parts, dice.text(43)])


def _numbered(text: str) -> str:
    return "\n".join(f"{number:6}→{line}" for number, line in enumerate(text.splitlines(), 1))


def _joined(*parts: str) -> Callable[[Dice], str]:
    return lambda dice: "".join(parts)


# name → (the secret, the text around it with {} in its place)
POSITIVE: dict[str, tuple[Callable[[Dice], str], str]] = {
    "github personal": (lambda d: "gh" + "p_" + d.text(36), "export GH_TOKEN={}"),
    "github oauth": (lambda d: "gh" + "o_" + d.text(36), "oauth_token: {}"),
    "github server": (lambda d: "gh" + "s_" + d.text(36), "found {} in log"),
    "github user": (lambda d: "gh" + "u_" + d.text(36), "'{}'"),
    "github refresh": (lambda d: "gh" + "r_" + d.text(36), "[{}]"),
    "github fine-grained": (lambda d: "github" + "_pat_" + d.text(22) + "_" + d.text(59), "token {}"),
    "github in a remote": (lambda d: "gh" + "p_" + d.text(36), "origin https://x-access-token:{}@github.com/o/r.git (fetch)"),
    "github after a literal newline escape": (lambda d: "gh" + "p_" + d.text(36), '{{"stdout": "done\\n{}\\n"}}'),
    "github between NULs": (lambda d: "gh" + "p_" + d.text(36), "A=1\0GH_TOKEN={}\0B=2"),
    "gitlab": (lambda d: "gl" + "pat-" + d.text(20), "git clone https://oauth2:{}@gitlab.com/a/b"),
    "aws access key id alone": (lambda d: "AK" + "IA" + d.text(16, UPPER), "id {} end"),
    "aws temporary key id": (lambda d: "AS" + "IA" + d.text(16, UPPER), '"AccessKeyId": "{}"'),
    "aws secret key": (lambda d: d.text(40, ALNUM + "/+"), "aws_secret_access_key = {}"),
    "aws session token": (lambda d: d.text(160, ALNUM + "/+"), "AWS_SESSION_TOKEN={}"),
    "anthropic": (lambda d: "sk-" + "ant-api03-" + d.text(93) + "AA", "ANTHROPIC_API_KEY={}"),
    "anthropic oauth": (lambda d: "sk-" + "ant-oat01-" + d.text(93) + "AA", "claude token: {}"),
    "openai": (lambda d: "sk-" + d.text(48), "using {} now"),
    "openai project": (lambda d: "sk-" + "proj-" + d.text(74) + "T3Blbk" + "FJ" + d.text(74), "key={}"),
    "kimi": (lambda d: "sk-" + "kimi-" + d.text(48), "KIMI_API_KEY={}"),
    "google key": (lambda d: "AI" + "za" + d.text(35), "https://maps.example.net/api?key={}&v=3"),
    "google oauth": (lambda d: "ya" + "29." + d.text(60), "access_token={}"),
    "google refresh": (lambda d: "1/" + "/0" + d.text(60), "refresh: {}"),
    "slack bot": (
        lambda d: "xo" + "xb-" + d.text(12, string.digits) + "-" + d.text(12, string.digits) + "-" + d.text(24),
        "slack {}",
    ),
    "slack webhook": (
        lambda d: "T" + d.text(8, UPPER) + "/B" + d.text(8, UPPER) + "/" + d.text(24),
        "https://hooks.sl" + "ack.com/services/{}",
    ),
    "huggingface": (lambda d: "h" + "f_" + d.text(34, string.ascii_letters), "HF_TOKEN={}"),
    "npm": (lambda d: "np" + "m_" + d.text(36), "//registry.npmjs.org/:_authToken={}"),
    "pypi": (lambda d: "py" + "pi-" + d.text(120), "password = {}"),
    "dolthub": (lambda d: "dh" + "at.v1." + d.text(40), "dolt creds {}"),
    "stripe": (lambda d: "sk" + "_live_" + d.text(24), "stripe.api_key = '{}'"),
    "json web token": (_jwt, "cookie: session={}"),
    "bearer": (lambda d: d.text(40), "Authorization: Bearer {}"),
    "bearer in curl": (lambda d: d.text(40), 'curl -H "Authorization: Bearer {}" https://api.example.net'),
    "basic": (lambda d: base64.b64encode(f"jo:{d.text(12)}".encode()).decode(), "authorization: Basic {}"),
    "api key header": (lambda d: d.text(32, HEX), "x-api-key: {}"),
    "url password": (lambda d: d.text(14), "postgres://app:{}@db.internal:5432/app"),
    "url password of redis without a user": (lambda d: d.text(14), "redis://:{}@cache:6379/0"),
    "url password with an odd character": (lambda d: d.text(6) + "!" + d.text(6), "mysql://app:{}@db/app"),
    "url token": (lambda d: d.text(40, HEX), "https://{}@git.example.net/x.git"),
    "curl user": (lambda d: d.text(14), "curl -s -u jo:{} https://example.net"),
    "assigned in an environment file": (lambda d: d.text(14), "DB_PASSWORD={}"),
    "assigned with only letters": (_joined("correct", "horse", "battery"), "SMTP_PASSWORD={}"),
    "assigned in code": (lambda d: d.text(20), 'password = "{}"'),
    "assigned in yaml": (lambda d: d.text(14), "  db_password: {}"),
    "assigned in json inside a string": (lambda d: d.text(14), '{{\\"password\\": \\"{}\\"}}'),
    "assigned to an item": (lambda d: d.text(24), "os.environ['SERVICE_TOKEN'] = '{}'"),
    "assigned long value": (lambda d: d.text(600), "CLIENT_SECRET={}"),
    "assigned beside an ignore comment": (lambda d: d.text(20), "API_SECRET={}  # kingfisher:ignore gitleaks:allow nosec"),
    "command-line option": (lambda d: d.text(20), "deploy --api-key {} --yes"),
    "private key": (pem, "{}\n"),
    "openssh private key": (lambda d: pem(d, "OPENSSH "), "cat id_ed25519\n{}"),
    "private key with line numbers": (lambda d: _numbered(pem(d)).split("→", 1)[1], "     1→{}"),
    "private key cut off": (lambda d: pem(d)[:300], "{}\n[output truncated]"),
    "private key with escaped newlines": (lambda d: pem(d).replace("\n", "\\n"), '"private_key": "{}\\n"'),
    "token hidden in base64": (lambda d: base64.b64encode(("x=1\ngh" + "p_" + d.text(36) + "\n").encode()).decode(), "data: {}"),
    "e-mail": (_joined("jane.roe", "@", "brightwell.io"), "Author: Jane Roe <{}>"),
    "e-mail after a literal newline escape": (_joined("jane.roe", "@", "brightwell.io"), "done\\n{}"),
    "home": (_joined("jane", "roe"), "/home/{}/gt/mayor"),
    "home on a mac": (_joined("Jane", ".Roe"), "cd /Users/{}/gt && ls"),
    "home on windows": (_joined("jane", "roe"), "C:\\Users\\{}\\gt"),
    "home on windows, mounted": (_joined("jane", "roe"), "/mnt/c/Users/{}/gt"),
    "home outside ASCII": (_joined("jos", "é"), "/home/{}/gt"),
    "home in a project folder's name": (_joined("jane", "roe"), "~/.claude/projects/-home-{}-gt-mayor/x.jsonl"),
    "ipv4": (_joined("93.184", ".215.14"), "ssh deploy {} port 22"),
    "ipv4 in a url": (_joined("93.184", ".215.14"), "http://{}:8080/x"),
    "ipv6": (_joined("2606:2800:21f:", "cb07:6820:80da:af6b:8b2c"), "inet6 {}/64"),
}

NEGATIVE: dict[str, str] = {
    "uuid": "session 0b6f1c1e-6f3a-4d8e-9a53-0f8f2b6a1c11 resumed",
    "git sha": "commit 3f786850e387550fdab836ed7e6dc881de23001b (HEAD -> main)",
    "short sha": "Merged 9fceb02 into main",
    "sha256": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "bead ids": "gt-abc12 blocks hq-x7k2.1, see lf-9qz.12.3",
    "api ids": "msg_01XFDUDYJgAACzvnptvVoYEL toolu_01A09q90qw90lq917835lq9 req_011CSHoEeqs5C35K2UUqR7Fy",
    "versions": "Claude Code version 2.1.38.1, python==3.11.9, Chrome/120.0.0.0, v1.2.3.4",
    "models": "claude-opus-4-5-20251101 and gpt-4o-2024-08-06",
    "timestamps": "2026-02-25T20:29:17.027066556+11:00 until 2026-02-26",
    "private addresses": "127.0.0.1:8428 10.1.2.3 192.168.1.20 172.17.0.1 0.0.0.0 fe80::1 ::1 8.8.8.8",
    "git over ssh": "git@github.com:steveyegge/gastown.git",
    "co-author": "Co-Authored-By: Claude <noreply@anthropic.com>",
    "password in code": "password = getpass.getpass()\ntoken = os.environ['TOKEN']\nsecret: str = Field(...)",
    "password in prose": "The password: it must be changed. Forgot your password? Enter a token to continue.",
    "template": "DB_PASSWORD=${DB_PASSWORD} TOKEN={{ token }} API_KEY=<your-api-key> PASS=$PASS",
    "typescript": "interface Login { password: string; token?: string; apiKey: string | undefined }",
    "schema": "'password': 'string', 'token': 'required'",
    "token counts": "max_tokens=4096 input_tokens: 123456 token_count = 98765432 next_token=abc123def456",
    "harmless keys": "primary_key = 'thread_key_1', cache_key=user:42, thread_key: dm:12345678",
    "nobody's home": "/home/user/app /Users/username/x /home/runner/work /home/ubuntu/gt /Users/Shared/x",
    "not a home": "https://example.net/home/dashboard and src/Users/Controller.php and take-home-pay",
    "urls": "https://user.example.net:8080/a/b?c=d#e http://localhost:3000/@vite/client",
    "retina image": "icon@2x.png getty@tty1.service",
    "decorators": "@pytest.mark.parametrize('x', [1]) @app.route('/users/<id>')",
    "base64 prose": "dGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZw==",
    "public key": "ssh-ed25519 key fingerprint is SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8",
    "code": "for key, value in sorted(items.items(), key=lambda item: item[1]): print(f'{key}={value}')",
    "empty": "",
}
