"""The answer to a dispute keeps within what the acquirer takes."""

from hypothesis import given
from hypothesis import strategies as st

from billing.acquirer.evidence_port import EvidenceField, EvidenceLimits
from billing.disputes import draft

TEXTS = st.dictionaries(st.sampled_from(EvidenceField), st.text("abc", max_size=60))


@given(TEXTS, st.integers(0, 50), st.integers(0, 150))
def test_texts_are_cut_to_any_limit_and_kept_where_they_fit(
    texts: dict[EvidenceField, str], text: int, all_texts: int
) -> None:
    fitting = draft.fit(texts, EvidenceLimits(text=text, all_texts=all_texts, file_bytes=0, pages=0))
    assert fitting.keys() == texts.keys()
    assert max(map(len, fitting.values()), default=0) <= text
    assert sum(map(len, fitting.values())) <= all_texts
    if all(len(each) <= text for each in texts.values()) and sum(map(len, texts.values())) <= all_texts:
        assert fitting == texts
