"""What the benchmark measures by: /proc as Linux writes it, medians, disturbed rounds, and answers that it must not accept."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice, repeat
from random import Random

import pytest

from tests.bench.load_client import Answers, LoadClient, WrongAnswer, as_expected, is_whole
from tests.bench.machine import ProcessTicks, machine_ticks, process_ticks, tree_ticks
from tests.bench.requests import ALLOWED, Ask, Browser, access_line, answer, many
from tests.bench.rounds import MOST_NEIGHBOURS, Measured, Round, is_repeated

QUIET = Round(a_second=100, a_cpu_second=200, p99=5, load_before=0.2, neighbours=0.01)
BUSY = replace(QUIET, a_second=40, a_cpu_second=180, p99=90, neighbours=MOST_NEIGHBOURS + 0.01)
RIGHT = b'{"article":"a","allowed":true,"reason":"meter"}'


def test_busy_time_of_the_machine_has_neither_idleness_nor_waiting() -> None:
    stat = "cpu  100 20 30 9999 777 4 5 6 11 12\ncpu0 1 2 3 4 5 6 7 8 9 10\n"
    assert machine_ticks(stat) == 100 + 20 + 30 + 4 + 5 + 6


def test_a_process_may_have_any_name() -> None:
    stat = "42 (a (b) c) S 7 42 42 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 5 6 7"
    assert process_ticks(stat) == ProcessTicks(parent=7, ticks=10 + 20 + 30 + 40)


def test_a_process_counts_with_all_below_it_and_each_once() -> None:
    processes = {
        1: ProcessTicks(0, 1000),
        10: ProcessTicks(1, 1),
        11: ProcessTicks(10, 2),
        12: ProcessTicks(11, 4),
        20: ProcessTicks(1, 8),
    }
    assert tree_ticks(processes, [10]) == 1 + 2 + 4
    assert tree_ticks(processes, [10, 12]) == 1 + 2 + 4
    assert tree_ticks(processes, [20, 99]) == 8


def test_the_result_is_the_median_and_says_what_was_disturbed() -> None:
    measured = Measured([QUIET, BUSY, QUIET], repeated=2)
    assert (measured.a_second, measured.a_cpu_second, measured.p99) == (100, 200, 5)
    assert "3 rounds, 2 repeated, 1 kept though disturbed" in measured.words
    assert "disturbed" not in Measured([QUIET]).words


def test_a_disturbed_round_is_repeated_so_often_and_no_more() -> None:
    assert [is_repeated(BUSY, repeated, rounds=5) for repeated in range(5)] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert not is_repeated(QUIET, 0, rounds=5)


def test_an_answer_must_have_the_status_and_the_part() -> None:
    ask = Ask(access_line("a"), Browser(1), answer("meter", allowed=True))
    assert as_expected(ask, b"HTTP/1.1 200 OK\r\n\r\n" + RIGHT, 0, 0)
    assert not as_expected(ask, b"HTTP/1.1 503 OK\r\n\r\n" + RIGHT, 0, 0)
    assert not as_expected(ask, b"HTTP/1.1 200 OK\r\n\r\n" + RIGHT.replace(b"meter", b"free"), 0, 0)
    three = many(["a", "b", "c"], Browser(1), allowed=2)
    assert as_expected(three, b"HTTP/1.1 200 OK\r\n\r\n" + 2 * ALLOWED, 0, 0)
    assert not as_expected(three, b"HTTP/1.1 200 OK\r\n\r\n" + 3 * ALLOWED, 0, 0)


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n", False),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab", False),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", True),
        (b"HTTP/1.1 204 No Content\r\nx: y\r\n\r\n", True),
        (b"HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\n", False),
        (b"HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", True),
    ],
)
def test_an_answer_is_whole_when_its_body_has_arrived(data: bytes, whole: bool) -> None:
    assert is_whole(data) is whole


@contextmanager
def answering(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server of one connection with these answers; what it was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                for each in answers:
                    asked.append(connection.recv(65536))
                    connection.sendall(each)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", asked
        thread.join()


def _framed(body: bytes, head: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\n%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body)


def test_a_new_visitor_sends_its_cookie_from_then_on() -> None:
    ask = Ask(access_line("a"), Browser(1), answer("meter", allowed=True))
    first = _framed(RIGHT, b"set-cookie: masthead-visitor=vis_1.abc; Path=/\r\n")
    with answering(first, _framed(RIGHT)) as (url, asked):
        found = LoadClient(url, connections=1).at_full(islice(repeat(ask), 2))
    assert found.count == len(found.latencies) == 2
    assert b"Cookie" not in asked[0]
    assert b"\r\nCookie: masthead-visitor=vis_1.abc\r\n" in asked[1]


def test_a_wrong_answer_ends_the_benchmark() -> None:
    ask = Ask(access_line("a"), Browser(1), answer("meter", allowed=True))
    with answering(_framed(RIGHT.replace(b"true", b"false"))) as (url, _):
        with pytest.raises(WrongAnswer, match="expected 1 x"):
            LoadClient(url, connections=1).at_full(repeat(ask))


def test_one_slow_moment_of_the_machine_does_not_decide_the_p99() -> None:
    since = [10 + number / 1000 for number in range(1000)]
    hundredth = [0.005 if number % 100 == 50 else 0.001 for number in range(1000)]
    slow = [0.09 if 300 <= number < 400 else latency for number, latency in enumerate(hundredth)]
    assert Answers(1000, 1.0, hundredth, since).typical_p99 == pytest.approx(5)
    assert Answers(1000, 1.0, slow, since).typical_p99 == pytest.approx(5)
    assert Answers(1000, 1.0, slow, since).latency(0.99) == pytest.approx(90)
    always = [latency + 0.02 for latency in hundredth]
    assert Answers(1000, 1.0, always, since).typical_p99 == pytest.approx(25)


def test_waiting_for_a_connection_is_latency() -> None:
    """All requests are due within 50 µs, and one connection sends them one after another."""
    rate, seconds, seed, due = 1e6, 50e-6, 1, 0.0
    draw, number = Random(seed).expovariate, 0
    while due < seconds:
        number, due = number + 1, due + draw(rate)
    ask = Ask(access_line("a"), Browser(1), answer("meter", allowed=True))
    on_the_way = []

    def note(ask: Ask, data: bytes, sent: float, answered: float) -> bool:
        on_the_way.append(answered - sent)
        return True

    with answering(*[_framed(RIGHT)] * number) as (url, _):
        found = LoadClient(url, note, connections=1).at_rate(repeat(ask), rate, seconds, seed)
    assert found.count == number > 20
    assert sum(found.latencies) > sum(on_the_way)
