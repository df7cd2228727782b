<?php
// Ask Masthead who may read: one file, without extensions. Include it in your article's page.
//
//     require 'masthead.php';
//     $answer = masthead_ask('https://accounts.paper.example', 'the-water-nobody-counted');
//     echo $answer['allowed'] ? $whole : $beginning;
//
// The reader is known by Masthead's cookies, where it and your pages are one host, or by the reader token that paywall.js
// sends along. With a sign-in of your own give an API key with the scope `access`, and ['external_id' => $yours].
//
// When Masthead is away, or slower than 0.3 s, no payer is locked out: whoever held a trial or a subscription in the last
// hour reads on, every article. Everybody else gets the reason `away`: show the beginning. What is remembered are empty files
// in a folder for temporary ones (or MASTHEAD_FOLDER, if you define it), named by a hash of the reader's own secret.

function masthead_ask(string $url, string $article, string $key = '', array $named = [], float $timeout = 0.3): array
{
    preg_match_all('/(?:^|;)\s*((?:__Host-)?masthead-(session|visitor|gift)=([^;\s]+))/', $_SERVER['HTTP_COOKIE'] ?? '', $found);
    $cookies = array_combine($found[2], $found[3]);
    $bearer = preg_match('/^Bearer (\S+\.\S+\.\S+)$/i', $_SERVER['HTTP_AUTHORIZATION'] ?? '', $match) ? $match[1] : '';
    $purpose = ($_SERVER['HTTP_SEC_PURPOSE'] ?? '') . ($_SERVER['HTTP_PURPOSE'] ?? '');
    $ahead = ($_SERVER['REQUEST_METHOD'] ?? '') === 'HEAD' || preg_match('/prefetch|prerender/', $purpose);
    $query = $ahead ? ['prefetch' => 'true'] : [];
    $headers = ['User-Agent: ' . ($_SERVER['HTTP_USER_AGENT'] ?? 'masthead.php'), 'Connection: close'];
    if ($key !== '') {
        $query += $named + array_filter(['visitor' => $cookies['visitor'] ?? '']);
        $headers[] = "Authorization: Bearer $key";
    } else {
        $headers[] = 'Cookie: ' . implode('; ', $found[1]);
        if ($bearer !== '') $headers[] = "Authorization: Bearer $bearer";
    }
    $who = $named || $bearer || isset($cookies['session']) ? json_encode([$url, $named, $bearer, $cookies['session'] ?? '']) : '';
    [$status, $said, $given] = masthead_get("$url/v1/access/" . rawurlencode($article) . '?' . http_build_query($query), $headers, $timeout);
    if ($status === 401 && $bearer !== '') { // a stale token: somebody unknown, until they bring another
        unset($_SERVER['HTTP_AUTHORIZATION']);
        return masthead_ask($url, $article, $key, $named, $timeout);
    }
    if ($status === 0 || $status === 429 || $status >= 500) return masthead_remembered($who);
    if ($status !== 200) return ['allowed' => false, 'reason' => $said['code'] ?? (string) $status, 'features' => []];
    if (isset($said['visitor'])) setcookie('masthead-visitor', $said['visitor'], ['expires' => time() + 40 * 86400, 'path' => '/', 'httponly' => true, 'samesite' => 'Lax']);
    foreach ($given as $line) header("Set-Cookie: $line", false);
    header('Cache-Control: private, no-store');
    if ($ahead && in_array($said['reason'], ['meter', 'gift'], true)) return ['allowed' => false, 'reason' => 'prefetch', 'features' => []];
    masthead_remember($who, $said);
    return $said;
}

function masthead_get(string $address, array $headers, float $timeout): array
{
    $http = ['header' => $headers, 'timeout' => $timeout, 'ignore_errors' => true, 'follow_location' => 0, 'protocol_version' => 1.1];
    $body = @file_get_contents($address, false, stream_context_create(['http' => $http]));
    $said = $body === false ? null : json_decode($body, true);
    if (!is_array($said)) return [0, [], []];
    $cookies = [];
    foreach ($http_response_header as $line) if (stripos($line, 'set-cookie:') === 0) $cookies[] = trim(substr($line, 11));
    return [(int) explode(' ', $http_response_header[0])[1], $said, $cookies];
}

function masthead_file(string $who): string
{
    $folder = defined('MASTHEAD_FOLDER') ? MASTHEAD_FOLDER : sys_get_temp_dir() . '/masthead-' . get_current_user();
    if (!is_dir($folder)) @mkdir($folder, 0700, true);
    return $folder . '/' . hash('sha256', $who);
}

function masthead_remember(string $who, array $said): void
{
    if ($who === '') return;
    if (in_array($said['reason'], ['trial', 'subscription', 'grace', 'complimentary'], true)) @touch(masthead_file($who));
    elseif (!$said['allowed']) @unlink(masthead_file($who));
}

function masthead_remembered(string $who): array
{
    header('Cache-Control: private, no-store');
    $held = $who !== '' && time() - (@filemtime(masthead_file($who)) ?: 0) < 3600;
    return ['allowed' => $held, 'reason' => 'away', 'features' => $held ? ['read'] : []];
}
