"""The catalogues say all that they must, and one that would break a page is refused at the start."""

import shlex
from datetime import date
from pathlib import Path

import polib
import pytest

from billing.app import build
from billing.platform.errors import RefusesToStart
from billing.rules.money import Money
from emails.languages import BadCatalogue, UnknownLanguage, full_day, offered, say
from tests.support import catalogues
from tests.support.cli import run_on
from tests.support.documented import documented
from tests.support.world import World

HEAD = 'msgid ""\nmsgstr ""\n"Language: st_ZA\\n"\n"X-Language-Name: Sesotho\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n'


@pytest.mark.parametrize("code", catalogues.CODES)
def test_a_catalogue_has_the_messages_of_the_code_and_no_other(code: str) -> None:
    known = {(entry.msgctxt or "", entry.msgid, entry.msgid_plural) for entry in catalogues.catalogue(code)}
    code_has = {(found.context, found.message, found.plural) for found in catalogues.messages().values()}
    assert known == code_has, "run `python -m tests.support.catalogues update`"


def test_afrikaans_is_complete() -> None:
    assert catalogues.missing("af") == {}


@pytest.mark.parametrize("code", catalogues.CODES)
def test_no_translation_is_doubtful_and_each_has_the_values_of_its_message(code: str) -> None:
    assert [entry.msgid for entry in catalogues.catalogue(code) if entry.fuzzy] == []
    offered([code])  # compares values and tags


def test_a_catalogue_of_ones_own_needs_no_code(tmp_path: Path) -> None:
    words = HEAD + 'msgid "Sign in"\nmsgstr "Kena"\n\nmsgctxt "weekday"\nmsgid "Tuesday"\nmsgstr "Labobedi"\n'
    (tmp_path / "st.po").write_text(words, "utf-8")
    languages = offered(["st", "en", "af"], tmp_path)
    sesotho = languages.default
    assert (sesotho.name, sesotho.tag) == ("Sesotho", "st-ZA")
    assert sesotho.text(say("Sign in")) == "Kena"
    assert sesotho.text(say("Sign out")) == "Sign out"
    assert [language.code for language in languages.all] == ["st", "en", "af"]


def test_a_catalogue_of_ones_own_goes_before_ours(tmp_path: Path) -> None:
    (tmp_path / "af.po").write_text(
        HEAD.replace("st_ZA", "af_ZA") + 'msgid "Sign in"\nmsgstr "Teken aan"\n', "utf-8"
    )
    assert offered(["af"], tmp_path).default.text(say("Sign in")) == "Teken aan"


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ('msgid "Until %(day)s"\nmsgstr "Tot %(dag)s"\n', "the values of"),
        ('msgid "Until %(day)s"\nmsgstr "Tot dan"\n', "the values of"),
        ('msgid "<b>Now</b>"\nmsgstr "<b>Nou"\n', "the tags of"),
        ('msgid "Now"\nmsgstr "<script>Nou</script>"\n', "the tags of"),
        ("no catalogue at all\n", "can't be read"),
    ],
)
def test_a_catalogue_that_would_break_a_page_is_refused(tmp_path: Path, entry: str, why: str) -> None:
    (tmp_path / "st.po").write_text(HEAD + entry, "utf-8")
    with pytest.raises(BadCatalogue, match=why):
        offered(["st"], tmp_path)


def test_a_catalogue_says_what_its_language_is_called(tmp_path: Path) -> None:
    (tmp_path / "st.po").write_text('msgid ""\nmsgstr ""\n"Language: st\\n"\n', "utf-8")
    with pytest.raises(BadCatalogue, match="X-Language-Name"):
        offered(["st"], tmp_path)


def test_a_language_without_a_catalogue_is_named_with_the_folders(tmp_path: Path) -> None:
    with pytest.raises(UnknownLanguage, match=r"st\.po in .* or "):
        offered(["en", "st"], tmp_path)


def test_a_process_does_not_start_without_a_catalogue(world: World) -> None:
    with pytest.raises(RefusesToStart, match="BILLING_LANGUAGES names a language without a catalogue"):
        build(world.settings.model_copy(update={"languages": ("en", "fr")}))


def test_days_and_amounts_are_written_as_the_language_does() -> None:
    [afrikaans] = offered(["af"]).all
    sentence = say("%(amount)s on %(day)s", amount=Money(123450), day=date(2026, 3, 16))
    assert str(sentence) == "R1\u00a0234.50 on Monday 16 March 2026"
    assert afrikaans.text(say("%(amount)s", amount=Money(123450))) == "R1\u00a0234,50"
    assert afrikaans.text(full_day(date(2026, 3, 16))) == "Maandag 16 Maart 2026"


def test_a_blank_catalogue_has_every_message_and_overwrites_nothing(world: World, tmp_path: Path) -> None:
    path = tmp_path / "st.po"
    done = run_on(world, "languages", "start", "st", "--name", "Sesotho", "--to", str(path))
    assert done.exit_code == 0, done.output
    assert {entry.msgid for entry in polib.pofile(str(path))} == {
        message for _, message in catalogues.messages()
    }
    assert offered(["st"], tmp_path).default.name == "Sesotho"
    again = run_on(world, "languages", "start", "st", "--name", "Sesotho", "--to", str(path))
    assert (again.exit_code, "exists" in again.output) == (1, True)


def test_the_commands_of_the_docs_are_typed(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = documented("operate.md", "Languages")
    for line in block.splitlines():
        program, *words = shlex.split(line, comments=True)
        assert program == "billing"
        assert run_on(world, *words).exit_code == 0, line
    assert (tmp_path / "st.po").is_file()


def test_a_command_says_how_much_is_translated(world: World, tmp_path: Path) -> None:
    (tmp_path / "st.po").write_text(HEAD + 'msgid "Sign in"\nmsgstr "Kena"\n', "utf-8")
    listed = run_on(
        world, "languages", "list", BILLING_LANGUAGES="en,st", BILLING_LANGUAGES_FOLDER=str(tmp_path)
    )
    english, sesotho = listed.output.splitlines()
    total = sum(not context for context, _ in catalogues.messages())
    assert english == f"en  English: {total} of {total} sentences"
    assert sesotho == f"st  Sesotho: 1 of {total} sentences"
