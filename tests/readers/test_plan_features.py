"""The features of a plan, changed by one command for all its subscribers."""

from pathlib import Path

from tests.support.cli import environment, run
from tests.support.starting_points import Subscriber
from tests.support.world import World


def test_a_plan_opens_other_features_from_now_on(world: World, in_trial: Subscriber, tmp_path: Path) -> None:
    reader = in_trial.reader_id
    article = world.articles["subscriber"][0]
    assert world.access(article, reader)["features"] == ["listen", "read"]
    given = environment(world.url_of_database, clock="held")
    done = run(given, "plans", "open", "listen", "comment", "newsletter:the-long-read", folder=tmp_path)
    assert (done.returncode, done.stdout) == (
        0,
        "monthly opens read, comment, listen, newsletter:the-long-read.\n",
    )
    assert world.access(article, reader)["features"] == [
        "comment",
        "listen",
        "newsletter:the-long-read",
        "read",
    ]
    assert "comment, listen" in run(given, "plans", "list", folder=tmp_path).stdout
    for words in (("everything",), ("--plan", "weekly", "listen")):
        done = run(given, "plans", "open", *words, folder=tmp_path)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert world.access(world.articles["free"][0], reader)["features"][0] == "comment", "on free articles too"
