package redis

import (
	"crypto/fips140"
	"crypto/sha1"
	"encoding/hex"
	"sync"
)

// script is what the server runs atomically: on one key, KEYS[1], with a token
// in ARGV[1] that comes back as the first element of the answer, so that the
// answer to another request is recognised. The second element is 1 or 0.
type script struct {
	text string
	sha  func() string // the name under which a server remembers it
}

func newScript(text string) *script {
	return &script{text, sync.OnceValue(func() (sha string) {
		fips140.WithoutEnforcement(func() { // a name, not a defence
			sum := sha1.Sum([]byte(text))
			sha = hex.EncodeToString(sum[:])
		})
		return sha
	})}
}

const clock = `
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
`

// live sets head to the beginning of the record, or to nothing if there is
// none or it has expired. The server's own expiry says the same, unless the
// record lost it, as some ways to copy a database do.
const live = clock + `
local head = redis.call('GETRANGE', KEYS[1], 0, 271)
if head ~= '' then
	local a, b, c, d, e, f = string.byte(head, 10, 15)
	if string.byte(head) ~= 1 or not f then
		return redis.error_reply('ERR not a record')
	end
	if now >= ((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f then
		head = ''
	end
end
`

var (
	// token → value
	getScript = newScript(live + `
if head == '' then return {ARGV[1], 0} end
return {ARGV[1], 1, redis.call('GET', KEYS[1])}
`)

	// token → head
	headScript = newScript(live + `
if head == '' then return {ARGV[1], 0} end
return {ARGV[1], 1, head}
`)

	// new version, old version or nothing, record, expiry → old head, or why not.
	// Who meets the new version here has come before and lost the answer. The
	// expiry is one less because the server still shows a key in its last
	// millisecond.
	putScript = newScript(live + `
local was = string.sub(head, 2, 9)
if was ~= ARGV[2] and was ~= ARGV[1] then return {ARGV[1], 0, 'conflict'} end
if now >= tonumber(ARGV[4]) then return {ARGV[1], 0, 'expired'} end
redis.call('SET', KEYS[1], ARGV[3], 'PXAT', string.format('%.0f', ARGV[4] - 1))
return {ARGV[1], 1, head}
`)

	// token → value
	takeScript = newScript(live + `
if head == '' then return {ARGV[1], 0} end
local value = redis.call('GET', KEYS[1])
redis.call('DEL', KEYS[1])
return {ARGV[1], 1, value}
`)

	// token → head. Where there is nothing to delete, something is, so that the
	// wait for the replicas also covers an earlier deletion that nobody has
	// seen confirmed. A full server allows it after the DEL.
	deleteScript = newScript(live + `
if redis.call('DEL', KEYS[1]) == 0 then
	redis.call('SET', KEYS[1], '', 'PX', 1000)
	redis.call('DEL', KEYS[1])
end
return {ARGV[1], 1, head}
`)

	// token, entry, expiry. The set lives as long as its last entry.
	linkScript = newScript(clock + `
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[2])
redis.call('PEXPIREAT', KEYS[1], redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2])
return {ARGV[1], 1}
`)

	// token, how many → entries
	listScript = newScript(clock + `
local answer = redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), '+inf', 'LIMIT', 0, ARGV[2])
table.insert(answer, 1, 1)
table.insert(answer, 1, ARGV[1])
return answer
`)
)
