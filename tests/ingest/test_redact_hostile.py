"""What hostile text must not achieve: whatever a record holds, a secret in it is found, and nothing breaks."""

import base64
import copy
import time

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.redact import Redactor, Replacement
from ingest.redaction_key import RedactionKey
from tests.ingest.redact_samples import POSITIVE, Dice

KEY = RedactionKey(bytes(range(32)))
REDACTOR = Redactor(KEY)
TOKEN = "gh" + "p_" + Dice("token").text(36)
PASSWORD = "c4sual" + "-Pass9"

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    LEAVES, lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4), max_leaves=12
)
NAMES = st.sampled_from(sorted(POSITIVE))


def at(value: object, path: str) -> str:
    """The string at a path as Replacement writes it; `~key` gives the key itself."""
    wants_key = path.endswith("~key")
    rest = path[1:-4] if wants_key else path[1:]
    last: str | int = ""
    while rest:
        if rest[0] == "[":
            index, rest = rest[1:].split("]", 1)
            last, value = int(index), value[int(index)]  # type: ignore[index]
        else:
            if rest[1] == '"':
                end = 2
                while rest[end] != '"':
                    end += 2 if rest[end] == "\\" else 1
                last, rest = orjson.loads(rest[1 : end + 1]), rest[end + 1 :]
            else:
                end = min([place for place in (rest.find(".", 1), rest.find("[", 1)) if place > 0] or [len(rest)])
                last, rest = rest[1:end], rest[end:]
            value = value[last]  # type: ignore[index]
    found = last if wants_key else value
    assert isinstance(found, str)
    return found


def same_shape(one: object, other: object) -> bool:
    """Whether two values differ in strings and keys only."""
    if isinstance(one, dict) and isinstance(other, dict):
        return len(one) == len(other) and all(map(same_shape, one.values(), other.values()))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_shape, one, other))
    return type(one) is type(other) and (isinstance(one, str) or one == other)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(VALUES, max_size=4), st.data())
def test_any_json_passes_and_planted_secrets_do_not(values: list[object], data: st.DataObject) -> None:
    planted = data.draw(st.lists(st.tuples(NAMES, st.integers(0, 9)), max_size=3))
    secrets = []
    for name, seed in planted:
        make, sentence = POSITIVE[name]
        secret = make(Dice(seed))
        secrets.append(secret)
        before, after = sentence.format("\ue000").split("\ue000")
        values.insert(data.draw(st.integers(0, len(values))), {"text": [before + secret + after, {"x": data.draw(VALUES)}]})
    original = copy.deepcopy(values)
    redacted = REDACTOR.redact(values)
    assert values == original, "what was passed in is not changed"
    assert len(redacted) == len(values)
    stored = str([value for value, _ in redacted])
    for secret in secrets:
        assert secret not in stored
        assert secret not in str([found for _, found in redacted])
    for value, (new, found) in zip(values, redacted, strict=True):
        assert same_shape(value, new)
        assert (new is value) or found
        for each in found:
            text = at(new, each.json_path)
            assert 0 <= each.start < each.end <= len(text)


def _replaced(batch: list[object]) -> dict[str, list[tuple[Replacement, str]]]:
    results = REDACTOR.redact(batch)
    return {
        str(old): sorted(((each, at(new, each.json_path)[each.start : each.end]) for each in found), key=str)
        for old, (new, found) in zip(batch, results, strict=True)
    }


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(NAMES, st.integers(0, 99)), min_size=2, max_size=6, unique=True), st.randoms(use_true_random=False))
def test_neither_the_order_nor_the_size_of_a_batch_matters(planted: list[tuple[str, int]], random: object) -> None:
    # Sentences that hold a whole secret by themselves; a password found in one record is looked for in all of its batch.
    records: list[object] = [
        {"id": number, "text": POSITIVE[name][1].format(POSITIVE[name][0](Dice(f"{name}{seed}")))}
        for number, (name, seed) in enumerate(planted)
    ]
    whole = _replaced(records)
    shuffled = list(records)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert _replaced(shuffled) == whole
    one_by_one: dict[str, list[tuple[Replacement, str]]] = {}
    for record in records:
        one_by_one |= _replaced([record])
    assert {key: [pair[1] for pair in found] for key, found in one_by_one.items()} == {
        key: [pair[1] for pair in found] for key, found in whole.items()
    }


@pytest.mark.parametrize(
    "text",
    [
        f"{TOKEN} # kingfisher:ignore",
        f"// gitleaks:allow {TOKEN} trufflehog:ignore #nosec pragma: allowlist secret",
        f"<!-- kingfisher:ignore-next-line -->\n{TOKEN}",
        f"\0{TOKEN}\0",
        "".join(f"{character}\0" for character in f"key {TOKEN} end"),
        "\ufeff" + TOKEN,
        f"\ud800{TOKEN}\udfff",
        f"€€€ {TOKEN} €",
        f"“{TOKEN}”",
        f"\\n{TOKEN}\\n",
        f'\\"{TOKEN}\\"',
        f"\\u003c{TOKEN}\\u003e",
        f"\\\\n{TOKEN}",
        f"x\x1e{TOKEN}\x1ey",
        "-----BEGIN RSA PRIVATE" + f" KEY-----\n{TOKEN}",
        base64.b64encode(f"token is {TOKEN} ok".encode()).decode(),
        base64.b64encode(b"outer " + base64.b64encode(f"token is {TOKEN} ok".encode()) + b" layer").decode(),
        "a" * 3_000_000 + " " + TOKEN + " " + "b" * 3_000_000,
        f"{TOKEN} " * 2000,
        ("word " * 100_000) + TOKEN,
    ],
)
def test_no_wrapping_hides_a_token(text: str) -> None:
    ((value, found),) = REDACTOR.redact([{"text": text, "more": [text]}])
    assert isinstance(value, dict)
    stored = str(value)
    assert TOKEN not in stored
    assert TOKEN not in stored.replace("\\x00", "")
    assert found
    if text.isascii() and " " not in text[:8]:
        assert base64.b64encode(TOKEN.encode()).decode()[:24] not in stored


@pytest.mark.parametrize("count", [3, 200])
def test_a_value_known_from_its_name_is_found_where_no_name_is(count: int) -> None:
    passwords = [f"{PASSWORD}{number}x" for number in range(count)]
    records: list[object] = [{"text": f"DB_PASSWORD={password}", "later": f"typed {password} again"} for password in passwords]
    stored = str(REDACTOR.redact(records))
    assert not [password for password in passwords if password in stored]


def test_ids_are_not_hunted_down_because_a_rule_took_one_for_a_secret() -> None:
    uuid = "0b6f1c1e-6f3a-4d8e-9a53-0f8f2b6a1c11"
    ((value, _),) = REDACTOR.redact([{"a": f"HEROKU_API_KEY={uuid}", "b": f"resume {uuid}", "sessionId": uuid}])
    assert isinstance(value, dict)
    assert value["b"] == f"resume {uuid}"
    assert value["sessionId"] == uuid


def test_a_common_word_used_as_a_password_stays_a_word_elsewhere() -> None:
    ((value, _),) = REDACTOR.redact([{"password": "elephants", "text": "two elephants walk by"}])
    assert value == {"password": value["password"], "text": "two elephants walk by"}  # type: ignore[index]
    assert value["password"] != "elephants"  # type: ignore[index]


def test_a_password_with_an_at_sign_in_its_url_does_not_become_an_address() -> None:
    text = "postgres://app:" + PASSWORD + "@db.brightwell.io/app"
    new = REDACTOR.redact_text(text)
    assert new.startswith("postgres://app:")
    assert new.endswith("@db.brightwell.io/app")
    assert PASSWORD not in new


@pytest.mark.parametrize(("open_", "close"), [("[", "]"), ('{"a":', "}")])
def test_deep_nesting_is_no_limit(open_: str, close: str) -> None:
    value: object = TOKEN
    for _ in range(5000):
        value = [value] if open_ == "[" else {"a": value}
    ((new, found),) = REDACTOR.redact([value])
    assert len(found) == 1
    inner = new
    while not isinstance(inner, str):
        inner = inner[0] if isinstance(inner, list) else inner["a"]  # type: ignore[index]
    assert inner != TOKEN


@pytest.mark.parametrize(
    "piece", ["password=", "a@b.", "/home/a", "2001:", "-----BEGIN PRIVATE" + " KEY-----\n", "http://a:", "\\n\\u0041"]
)
def test_repeated_beginnings_cost_linear_time(piece: str) -> None:
    started = time.process_time()
    REDACTOR.redact([piece * 20_000])
    # About 0.5 s where the time is linear, and a minute where it is not.
    assert time.process_time() - started < 20


def test_images_stay_as_they_are() -> None:
    image = "iVBORw0KGgo" + Dice("image").text(200_001)
    record = {"source": {"type": "base64", "data": image}}
    assert REDACTOR.redact([record]) == [(record, [])]


def test_an_unchanged_value_is_the_same_object_and_a_changed_one_is_not() -> None:
    clean, dirty = {"a": ["b"], "c": {"d": 1}}, {"a": [TOKEN], "c": {"d": 1}}
    (one, _), (other, _) = REDACTOR.redact([clean, dirty])
    assert one is clean
    assert other is not dirty
    assert other["c"] is dirty["c"]  # type: ignore[index]
    assert dirty["a"] == [TOKEN]


@pytest.mark.parametrize("value", [None, 1, 1.5, True, "", [], {}, "plain", [[]], {"a": {}}])
def test_values_without_text_pass(value: object) -> None:
    assert REDACTOR.redact([value]) == [(value, [])]


def test_an_empty_batch_is_no_error() -> None:
    assert REDACTOR.redact([]) == []
