"""The report says that all is well, or what is broken."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from billing.dev.simulate.figures import Figures
from billing.dev.simulate.report import conclusion, summary, write
from billing.dev.simulate.run import SimulationOptions, SimulationVerdict
from billing.dev.simulate.scenarios import ActKind

FIRST = date(2027, 1, 1)


def verdict(*broken: str) -> SimulationVerdict:
    days = [FIRST + timedelta(days=n) for n in range(59)]
    states = {"trialing": [4] * 59, "active": list(range(59)), "past_due": [1] * 59, "paused": [0] * 59}
    money = {"charged": 750_00, "refunded": 75_00, "recognised": 300_00, "fees": 20_00}
    figures = Figures(
        days=days,
        states=states,
        ended=[2] * 59,
        money={"2027-01": money, "2027-02": money},
        conversion={"2027-01": (10, 7, 3)},
        churn={"2027-02": (20, 1)},
        recovered=Counter({3: 2}),
        failed=Counter({"paid": 2, "void": 1}),
        mails={"receipt": {"accepted": 10}},
        doctor=dict.fromkeys(days[1:], 0),
        differences=dict.fromkeys(days[15:], 0),
        doubts={"charges whose outcome was unknown for a while": 3},
        end={"subscriptions": {"active": 59}, "mails": {"receipt": 10}},
    )
    answers = Counter({(ActKind.CANCEL, "accepted"): 3})
    return SimulationVerdict(
        SimulationOptions(60, 2, 7, "many"),
        figures,
        list(broken),
        answers=answers,
        struck=Counter({"call: cut": 2}),
        mail=Counter({"untold": 3, "greylisted": 4}),
        charges=20,
        cents=150_000,
    )


def test_a_clean_life_is_told_on_one_page(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write(verdict(), path)
    page = path.read_text()
    assert "Every promise was kept" in page
    assert page.count("<svg") == 7
    assert "http" not in page.replace("http-equiv", ""), "nothing comes from elsewhere"
    assert "R1,500.00" in summary(verdict())
    (faults,) = (line for line in summary(verdict()).splitlines() if "faults met" in line)
    assert faults.split()[-1] == "9", "calls cut, mails deferred, and mails taken without an answer"
    assert conclusion(verdict()).startswith("Every promise was kept")


def test_what_is_broken_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    found = verdict("reader 4: ch_1 took 7500 <cents>", "the ledger sums to 3 cents")
    write(found, path)
    page = path.read_text()
    assert "Every promise was kept" not in page
    assert "2 things are broken" in page
    assert "ch_1 took 7500 &lt;cents&gt;" in page
    assert "BROKEN: the ledger sums to 3 cents" in summary(found)
    assert conclusion(found).startswith("2 things are broken; the first: reader 4")
