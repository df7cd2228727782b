"""Tokens are derived and checked, and stored nowhere."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.platform.tokens import Tokens, code_place, place, without_secrets

OURS, THEIRS = Tokens("our secret key, 0123456789 0123456789"), Tokens("another secret key, 0123456789 01234")
SUBJECT = "sub_01jd9zt8k2v7n3q5x6y7z8a9b0"
subjects = st.text("abcdefghijklmnopqrstuvwxyz0123456789_:-.", min_size=1, max_size=60)


@given(subjects, st.sampled_from(["sign-in", "cancel", "card"]))
def test_a_token_names_its_subject_for_its_purpose_alone(subject: str, purpose: str) -> None:
    token = OURS.token(purpose, subject)
    assert OURS.subject_of(purpose, token) == subject
    assert OURS.subject_of("other", token) is None
    assert THEIRS.subject_of(purpose, token) is None


@given(subjects, st.integers(0, 200), st.characters(codec="ascii"))
def test_a_token_with_one_letter_changed_is_nobodys(subject: str, place_of: int, letter: str) -> None:
    token = OURS.token("cancel", subject)
    at = place_of % len(token)
    damaged = token[:at] + letter + token[at + 1 :]
    assert (OURS.subject_of("cancel", damaged) is None) == (damaged != token)


@given(st.text(max_size=300))
def test_what_was_never_a_token_is_nobodys(text: str) -> None:
    assert OURS.subject_of("cancel", text) is None


@pytest.mark.parametrize(
    "odd", ["", ".", "..", "é.é", "\ud800.x", SUBJECT, f"{SUBJECT}.", "\x00.\x00", "." * 9_999]
)
def test_odd_texts_are_nobodys(odd: str) -> None:
    assert OURS.subject_of("cancel", odd) is None


def test_a_token_holds_192_bits_and_fits_into_an_address() -> None:
    mac = OURS.token("cancel", SUBJECT).rpartition(".")[2]
    assert len(mac) == 32
    assert set(mac) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(subjects)
def test_a_code_is_eight_digits_and_not_part_of_the_token(subject: str) -> None:
    code = OURS.code("sign-in", subject)
    assert len(code) == 8
    assert code.isdecimal()
    assert code == OURS.code("sign-in", subject)
    assert code != THEIRS.code("sign-in", subject) or OURS.token("a", subject) != THEIRS.token("a", subject)


def test_codes_are_spread_over_all_their_digits() -> None:
    codes = {OURS.code("sign-in", f"lnk_{number}") for number in range(2_000)}
    assert len(codes) > 1_990
    assert {code[0] for code in codes} == set("0123456789")


def test_a_digest_tells_purposes_and_installations_apart() -> None:
    assert OURS.digest("card", "x") == OURS.digest("card", "x")
    assert (
        len(
            {
                OURS.digest("card", "x"),
                OURS.digest("address", "x"),
                THEIRS.digest("card", "x"),
                OURS.digest("card", "y"),
            }
        )
        == 4
    )
    assert "x" not in OURS.digest("card", "x")


def test_a_stored_text_names_the_secret_and_the_sent_one_holds_it() -> None:
    stored = f"https://paper/cancel/{place('cancel', SUBJECT)} or type {code_place('sign-in', 'lnk_1')}"
    sent = OURS.fill(stored)
    assert (
        sent
        == f"https://paper/cancel/{OURS.token('cancel', SUBJECT)} or type {OURS.code('sign-in', 'lnk_1')}"
    )
    assert OURS.token("cancel", SUBJECT) not in stored


@given(st.text(st.characters(exclude_characters="⟦"), max_size=100))
def test_a_text_without_a_place_is_sent_as_it_is(text: str) -> None:
    assert OURS.fill(text) == text


def test_the_key_is_not_shown() -> None:
    assert "our secret key" not in repr(OURS)


@given(subjects, st.text(max_size=20))
def test_a_line_for_the_log_loses_the_secret_half_of_every_token(subject: str, around: str) -> None:
    token = OURS.token("cancel", subject)
    mac = token.rpartition(".")[2]
    for line in (f"{around} /cancel/{token}", f"/cancel/{token}/x", token[:-8], f"{token} {token}"):
        assert mac not in without_secrets(line)
        assert mac[:16] not in without_secrets(line)


@pytest.mark.parametrize(
    "line", ["/account/receipts/inv_01jd9zt8k2v7n3q5x6y7z8a9b0", "/static/site.css", "R75.00", ""]
)
def test_a_line_without_a_token_stays(line: str) -> None:
    assert without_secrets(line) == line


@pytest.mark.parametrize("length", [1, 63, 64, 65, 200])
def test_a_digester_says_what_digest_says(length: int) -> None:
    tokens = Tokens("k" * length)
    digest = tokens.digester("session")
    for value in ("", "a", "a secret" * 40):
        assert digest(value.encode()).hex() == tokens.digest("session", value)
        assert digest(value.encode()).hex() != tokens.digest("api-key", value)


def rotated(until: datetime | None = None) -> Tokens:
    """The same installation after its secret key was changed."""
    return Tokens(
        "a new secret key, 0123456789 0123456789 01",
        (OURS.secret_key,),
        "",
        ((OURS.secret_key, until),) if until else (),
    )


def test_a_previous_key_is_read_and_makes_nothing() -> None:
    after = rotated()
    assert after.subject_of("cancel", OURS.token("cancel", "sub_1")) == "sub_1"
    assert after.token("cancel", "sub_1") != OURS.token("cancel", "sub_1")
    assert OURS.subject_of("cancel", after.token("cancel", "sub_1")) is None
    assert after.is_code("sign-in", "lnk_1", OURS.code("sign-in", "lnk_1"))
    assert not after.is_code("sign-in", "lnk_1", "00000000")
    assert after.digests("session", "x") == (after.digest("session", "x"), OURS.digest("session", "x"))
    assert after.tokens("sign-in", "lnk_1")[1] == OURS.token("sign-in", "lnk_1")
    assert after.subject_of("cancel", THEIRS.token("cancel", "sub_1")) is None


def test_a_seal_opens_for_its_purpose_under_any_key_that_is_read() -> None:
    sealed = OURS.seal("staff-code:stf_1", "JBSWY3DPEHPK3PXP")
    assert "JBSWY3DP" not in sealed
    assert OURS.seal("staff-code:stf_1", "JBSWY3DPEHPK3PXP") != sealed, "each seal is another"
    assert rotated().unseal("staff-code:stf_1", sealed) == "JBSWY3DPEHPK3PXP"
    assert not rotated().is_current("staff-code:stf_1", sealed)
    assert OURS.is_current("staff-code:stf_1", sealed)
    for tokens, purpose, text in (
        (THEIRS, "staff-code:stf_1", sealed),
        (OURS, "staff-code:stf_2", sealed),
        (OURS, "staff-code:stf_1", sealed[:-8]),
        (OURS, "staff-code:stf_1", ""),
        (OURS, "staff-code:stf_1", "ÄÖÜ nothing of the kind"),
    ):
        assert tokens.unseal(purpose, text) is None


def test_signatures_of_a_previous_key_end_at_their_moment() -> None:
    end = datetime(2027, 3, 1, 12, tzinfo=UTC)
    after = rotated(end)
    assert after.keys_of("edge", "1", end - timedelta(microseconds=1))[1] == OURS.key("edge", "1")
    assert after.keys_of("edge", "1", end) == (after.key("edge", "1"),)


def test_a_list_is_hashed_under_its_own_key_whatever_the_secret_key() -> None:
    before, after = Tokens("k" * 40, (), "list"), Tokens("l" * 40, ("k" * 40,), "list")
    assert before.list_digest("card", "x") == after.list_digest("card", "x") != before.digest("card", "x")
