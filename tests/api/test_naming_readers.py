"""A program identifies a reader by the publisher's id, by ours, or by both."""

from tests.support.world import World


def test_a_name_nobody_has_gives_way_to_ours(world: World) -> None:
    """The first answer comes from the database, later ones from memory."""
    reader = world.start_trial("thandi@example.com", external_id="42")["reader"]["id"]
    locked = f"/v1/access/{world.articles['subscriber'][0]}"
    named = {
        ("42", None): "trial",
        (None, reader): "trial",
        ("nobody's", reader): "trial",
        ("nobody's", None): "subscribe",
        ("42", "rdr_unknown"): "trial",
    }
    for _ in range(3):
        for (external_id, reader_id), reason in named.items():
            asked = {"external_id": external_id, "reader_id": reader_id}
            params = {name: value for name, value in asked.items() if value is not None}
            answer = world.api.get(locked, params=params).raise_for_status().json()
            assert answer["reason"] == reason, asked
