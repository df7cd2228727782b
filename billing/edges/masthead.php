<?php
// Ask Masthead who may read: one file, without extensions. Include it in your article's page.
//
//     require 'masthead.php';
//     $answer = masthead_ask('https://accounts.paper.example', 'the-water-nobody-counted');
//     echo $answer['allowed'] ? $whole : $beginning;
//
// Where your pages and Masthead are on two hosts, a reader token names the reader; paywall.js keeps it in a cookie of your host.
// On one host Masthead's own cookies do. With a sign-in of your own, pass an API key with the scope `access`, and
// ['external_id' => $yours].
//
// A connection that fails, more than 0.3 s, a 5xx and a 429 mean that Masthead is away. Then no payer is locked out: a reader
// with a trial or a subscription in the last hour reads on, every article. Others get the reason `away`: show the beginning.
// Any other answer that isn't Masthead's own (a proxy's 400) closes the article. Readers are remembered by empty files in a
// temporary folder (or in MASTHEAD_FOLDER, if you define it), named by a hash of the reader's own secret.

const MASTHEAD_HOUR = 3600;
const MASTHEAD_MOST_BYTES = 65536;
const MASTHEAD_TOKEN = '/^[\w-]+\.[\w-]+\.[\w-]+$/D';

function masthead_ask(string $url, string $article, string $key = '', array $named = [], float $timeout = 0.3, bool $stale = false): array
{
    if (!preg_match('/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/D', $article)) return masthead_closed('unknown_article');
    $cookies = masthead_cookies($_SERVER['HTTP_COOKIE'] ?? '');
    $gift = $_GET['gift'] ?? ''; // gift links lead here with the gift in the query; Masthead may use either name
    if (is_string($gift) && preg_match('/^[\w.~-]{1,1200}$/D', $gift)) $cookies['gift'] = ["__Host-masthead-gift=$gift; masthead-gift", $gift];
    $values = array_map(fn($found) => $found[1], $cookies);
    $bearer = $stale ? '' : masthead_bearer($_SERVER['HTTP_AUTHORIZATION'] ?? '', $values['token'] ?? '');
    $purpose = ($_SERVER['HTTP_SEC_PURPOSE'] ?? '') . ($_SERVER['HTTP_PURPOSE'] ?? '');
    $ahead = ($_SERVER['REQUEST_METHOD'] ?? '') === 'HEAD' || preg_match('/prefetch|prerender/', $purpose);
    $query = $ahead ? ['prefetch' => 'true'] : [];
    $agent = substr(preg_replace('/[\x00-\x1f\x7f]/', '', $_SERVER['HTTP_USER_AGENT'] ?? ''), 0, 512);
    $headers = ['User-Agent: ' . ($agent === '' ? 'masthead.php' : $agent), 'Connection: close'];
    if ($key !== '') {
        $query += $named + array_filter(['visitor' => $values['visitor'] ?? '', 'gift' => $values['gift'] ?? '']);
        $headers[] = "Authorization: Bearer $key";
    } else {
        unset($cookies['token']);
        if ($cookies) $headers[] = 'Cookie: ' . implode('; ', array_map(fn($found) => implode('=', $found), $cookies));
        if ($bearer !== '') $headers[] = "Authorization: Bearer $bearer";
    }
    $same = explode('.', $bearer)[0]; // a token's first part is a secret of its session, which the next token shares
    $who = $named || $bearer || isset($values['session']) ? serialize([$url, $named, $same, $values['session'] ?? '']) : '';
    [$status, $said, $given] = masthead_get("$url/v1/access/$article?" . http_build_query($query), $headers, $timeout);
    if ($status === 401 && $bearer !== '') { // ask again without the stale token
        if (($said['code'] ?? '') === 'session_ended') masthead_forget($who);
        return masthead_ask($url, $article, $key, $named, $timeout, true);
    }
    if ($status === 0 || $status === 429 || $status >= 500) return masthead_remembered($who);
    if ($status !== 200 || !isset($said['reason'])) return masthead_closed((string) ($said['code'] ?? $status));
    if (isset($said['visitor'])) masthead_count($url, (string) $said['visitor']);
    foreach ($given as $line) header("Set-Cookie: $line", false);
    header('Cache-Control: private, no-store');
    if ($ahead && in_array($said['reason'], ['meter', 'gift'], true)) return masthead_closed('prefetch');
    $said['allowed'] = ($said['allowed'] ?? null) === true;
    masthead_remember($who, $said);
    return $said;
}

// Masthead's cookies by kind, each [name, value]: the first of each kind that isn't too long. A `__Host-` name, which sibling
// hosts can't set, goes before the plain one.
function masthead_cookies(string $header): array
{
    $pattern = '/(?:^|;)\s*((?:__Host-)?masthead-(session|visitor|gift|token))=([!#-+\-.\/0-:<-\[\]-~]+)\s*(?=;|$)/';
    preg_match_all($pattern, $header, $all, PREG_SET_ORDER);
    $found = [];
    foreach ($all as [, $name, $kind, $value]) {
        $better = !isset($found[$kind]) || (str_starts_with($name, '__Host-') && !str_starts_with($found[$kind][0], '__Host-'));
        if ($better && strlen($value) <= ($kind === 'token' ? 4096 : 1200)) $found[$kind] = [$name, $value];
    }
    return $found;
}

function masthead_bearer(string $authorization, string $cookie): string
{
    $found = preg_match('/^Bearer (\S+)$/iD', $authorization, $match) ? $match[1] : $cookie;
    return strlen($found) <= 4096 && preg_match(MASTHEAD_TOKEN, $found) ? $found : '';
}

// [status, the JSON, Masthead's cookies]; status 0: no answer in time. A redirect isn't followed. An answer that isn't JSON, or is
// larger than Masthead's ever are, counts as empty.
function masthead_get(string $address, array $headers, float $timeout): array
{
    $http = ['header' => $headers, 'timeout' => $timeout, 'ignore_errors' => true, 'follow_location' => 0, 'protocol_version' => 1.1];
    $ends = microtime(true) + $timeout;
    $stream = @fopen($address, 'r', false, stream_context_create(['http' => $http]));
    if ($stream === false) return [0, [], []];
    for ($body = ''; !feof($stream) && strlen($body) <= MASTHEAD_MOST_BYTES; $body .= $piece) {
        $piece = @fread($stream, 8192);
        if ($piece === false || stream_get_meta_data($stream)['timed_out'] || microtime(true) > $ends) return [0, [], []];
    }
    $lines = stream_get_meta_data($stream)['wrapper_data'];
    fclose($stream);
    $cookies = [];
    foreach ($lines as $line) if (preg_match('/^set-cookie:\s*((?:__Host-)?masthead-.*)$/iD', $line, $match)) $cookies[] = $match[1];
    $said = strlen($body) > MASTHEAD_MOST_BYTES ? null : json_decode($body, true);
    return [(int) (explode(' ', $lines[0])[1] ?? 0), is_array($said) ? $said : [], $cookies];
}

function masthead_closed(string $reason): array
{
    header('Cache-Control: private, no-store');
    return ['allowed' => false, 'reason' => $reason, 'features' => []];
}

// Sets the meter's cookie, where the API key asked for an anonymous visitor.
function masthead_count(string $url, string $visitor): void
{
    $secure = str_starts_with($url, 'https:');
    $name = $secure ? '__Host-masthead-visitor' : 'masthead-visitor';
    setcookie($name, $visitor, ['expires' => time() + 40 * 86400, 'path' => '/', 'secure' => $secure, 'httponly' => true, 'samesite' => 'Lax']);
}

function masthead_folder(): string
{
    $folder = defined('MASTHEAD_FOLDER') ? MASTHEAD_FOLDER : sys_get_temp_dir() . '/masthead-' . get_current_user();
    if (!is_dir($folder)) @mkdir($folder, 0700, true);
    return $folder;
}

function masthead_remember(string $who, array $said): void
{
    if ($who === '') return;
    if (!$said['allowed']) masthead_forget($who);
    elseif (in_array($said['reason'], ['trial', 'subscription', 'grace', 'complimentary'], true)) @touch(masthead_folder() . '/' . hash('sha256', $who));
    if (random_int(1, 1000) === 1) { // files older than an hour open nothing
        foreach (glob(masthead_folder() . '/*') as $file) if (time() - (@filemtime($file) ?: 0) > MASTHEAD_HOUR) @unlink($file);
    }
}

function masthead_forget(string $who): void
{
    @unlink(masthead_folder() . '/' . hash('sha256', $who));
}

function masthead_remembered(string $who): array
{
    if ($who === '') return masthead_closed('away');
    $held = time() - (@filemtime(masthead_folder() . '/' . hash('sha256', $who)) ?: 0) < MASTHEAD_HOUR;
    return ['allowed' => $held, 'features' => $held ? ['read'] : []] + masthead_closed('away');
}
