"""Which shapes are found, which stay, and what stands in their place."""

import re

import orjson
import pytest

from ingest.redact import Redactor
from ingest.redaction_key import RedactionKey
from tests.ingest.redact_samples import NEGATIVE, POSITIVE, Dice

KEY = RedactionKey(bytes(range(32)))
REDACTOR = Redactor(KEY)


def test_there_are_enough_shapes() -> None:
    assert len(POSITIVE) >= 40
    assert len(NEGATIVE) >= 20


@pytest.mark.parametrize("name", POSITIVE)
@pytest.mark.parametrize("seed", range(3))
def test_a_secret_is_replaced_and_the_text_around_it_stays(name: str, seed: int) -> None:
    make, sentence = POSITIVE[name]
    secret = make(Dice(f"{name}{seed}"))
    before, after = sentence.format("\ue000").split("\ue000")
    ((value, found),) = REDACTOR.redact([{"message": {"content": [f"x {before}{secret}{after} y"]}}])
    assert isinstance(value, dict)
    text = value["message"]["content"][0]
    assert secret not in text
    assert secret not in str(found)
    assert text.startswith("x ")
    assert text.endswith(" y")
    assert len(found) == 1, [each.rule for each in found]
    (replacement,) = found
    assert replacement.json_path == "$.message.content[0]"
    assert re.fullmatch("[0-9a-f]{16}", replacement.surrogate_id)
    # Nothing but the secret went: what was before and after the surrogate stood around the secret.
    assert f"x {before}{secret}".startswith(text[: replacement.start])
    assert f"{secret}{after} y".endswith(text[replacement.end :])


@pytest.mark.parametrize("name", NEGATIVE)
def test_ordinary_text_is_not_touched(name: str) -> None:
    record = {"text": NEGATIVE[name]}
    ((value, found),) = REDACTOR.redact([record])
    assert (value, found) == ({"text": NEGATIVE[name]}, [])
    assert value is record


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("github personal", r"ghp_[A-Za-z0-9]{36}"),
        ("aws access key id alone", r"AKIA[A-Z0-9]{16}"),
        ("anthropic", r"sk-ant-api03-[A-Za-z0-9]{95}"),
        ("gitlab", r"glpat-[A-Za-z0-9]{20}"),
        ("huggingface", r"hf_[A-Za-z]{34}"),
        ("dolthub", r"dhat\.v1\.[A-Za-z0-9]{40}"),
        ("json web token", r"eyJ[\w-]+\.[\w-]+\.[\w-]{43}"),
        ("e-mail", r"person-[0-9a-f]{10}@example\.com"),
        ("home", r"user-[0-9a-f]{6}"),
        ("ipv4", r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+"),
        ("ipv6", r"2001:db8(:[0-9a-f]{4}){6}"),
        ("private key", r"-----BEGIN RSA PRIVATE KEY-----\n([A-Za-z0-9+/]{64}\n){4}-----END RSA PRIVATE KEY-----"),
        ("assigned in an environment file", r"[A-Za-z0-9]{12}"),
    ],
)
def test_a_surrogate_has_the_type_of_the_value(name: str, shape: str) -> None:
    make, sentence = POSITIVE[name]
    ((value, found),) = REDACTOR.redact([sentence.format(make(Dice(name)))])
    assert isinstance(value, str)
    assert re.fullmatch(shape, value[found[0].start : found[0].end])
    assert found[0].json_path == "$"


def test_a_value_below_a_key_that_names_a_secret_is_replaced_and_found_again_elsewhere() -> None:
    password, word = "c4sual" + "-Pass", "corre" + "cthorse"
    record = {
        "password": password,
        "text": f"login with {password}, said the horse",
        "env": [{"name": "DB_PASSWORD", "value": word}, {"name": "HOST", "value": "localhost"}],
        "headers": {"Authorization": "Bearer " + Dice("b").text(30)},
        "token": {"type": "string", "description": "the token to use"},
        "input_tokens": 12,
        "apiKey": None,
    }
    ((value, found),) = REDACTOR.redact([record])
    assert isinstance(value, dict)
    stored = orjson.dumps(value).decode()
    assert password not in stored
    assert word not in stored
    assert value["headers"]["Authorization"].startswith("Bearer ")
    assert value["text"] == f"login with {value['password']}, said the horse"
    assert value["token"] == record["token"]
    assert {each.json_path for each in found} == {"$.password", "$.text", "$.env[0].value", "$.headers.Authorization"}


def test_structural_fields_keep_their_value_while_they_have_their_shape() -> None:
    secret = "gh" + "p_" + Dice("s").text(36)
    uuid = "0b6f1c1e-6f3a-4d8e-9a53-0f8f2b6a1c11"
    record = {
        "sessionId": uuid,
        "text": f"api_key={uuid}",
        "version": "2.1.38.1",
        "uuid": secret,
        "message": {"id": "msg_01XFDUDYJgAACzvnptv"},
    }
    ((value, found),) = REDACTOR.redact([record])
    assert isinstance(value, dict)
    assert value["sessionId"] == uuid
    assert value["version"] == "2.1.38.1"
    assert value["message"] == record["message"]
    assert value["uuid"] != secret
    assert secret not in str(found)


def test_a_source_may_name_its_own_structural_fields() -> None:
    address = "jane" + "@brightwell.io"
    ((value, found),) = REDACTOR.redact([{"owner": address, "actor": address}], {"actor": re.compile(r"[a-z]+@[a-z.]+")})
    assert isinstance(value, dict)
    assert value["actor"] == address
    assert value["owner"] != address
    assert [each.json_path for each in found] == ["$.owner"]


def test_keys_are_redacted_and_paths_show_the_new_key() -> None:
    path, address = "/home/" + "janeroe/gt/a.py", "jane.roe" + "@brightwell.io"
    ((value, found),) = REDACTOR.redact([{"backups": {path: {"by": address}, "src/a.py": 1}}])
    assert isinstance(value, dict)
    new = next(iter(value["backups"]))
    assert list(value["backups"]) == [new, "src/a.py"]
    assert "janeroe" not in orjson.dumps(value).decode() + str(found)
    assert {each.json_path for each in found} == {f'$.backups."{new}"~key', f'$.backups."{new}".by'}
    assert REDACTOR.redact_text(path) == new


def test_two_keys_that_share_a_surrogate_both_stay() -> None:
    keys = [f"93.184.{net}.{host}" for net in range(8) for host in range(1, 255)]
    ((value, found),) = REDACTOR.redact([dict.fromkeys(keys, 1)])
    assert isinstance(value, dict)
    assert len(value) == len(keys)
    assert not set(keys) & set(value)
    assert len({each.json_path for each in found}) == len(keys)


def test_one_person_has_one_name_in_paths_and_in_folder_names() -> None:
    name = "jane" + ".roe"
    ((value, _),) = REDACTOR.redact([{"cwd": f"/home/{name}/gt", "project": "-home-jane-roe-gt"}])
    assert isinstance(value, dict)
    surrogate = value["cwd"].split("/")[2]
    assert value == {"cwd": f"/home/{surrogate}/gt", "project": f"-home-{surrogate}-gt"}


def test_another_key_gives_other_surrogates() -> None:
    text = "jane.roe" + "@brightwell.io"
    other = Redactor(RedactionKey(bytes(32)))
    assert REDACTOR.redact_text(text) != other.redact_text(text)
    assert REDACTOR.redact([text])[0][1][0].surrogate_id != other.redact([text])[0][1][0].surrogate_id
