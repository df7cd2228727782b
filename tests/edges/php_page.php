<?php // A publisher's article page, with `php -S` as its server.
define('MASTHEAD_FOLDER', getenv('FOLDER'));
require getenv('MASTHEAD_PHP');
$article = basename(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
$login = $_SERVER['HTTP_X_TEST_LOGIN'] ?? '';
$named = $login === '' ? [] : ['external_id' => $login];
$answer = masthead_ask(getenv('MASTHEAD'), $article, getenv('KEY') ?: '', $named, (float) getenv('TIMEOUT'));
echo $answer['allowed'] ? file_get_contents(getenv('TEXTS') . "/$article") : getenv('BEGINNING');
