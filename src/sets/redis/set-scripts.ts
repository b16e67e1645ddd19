import { script } from './connection-types.ts';

/**
 * Replaces the state if its version is ARGV[1] (0: there is none). ARGV[2] is the new version and ARGV[3] names this call, so
 * that a call that is sent twice, because the first reply got lost, succeeds twice.
 */
export const SWAP_STATE = script(`
local stored = redis.call('HMGET', KEYS[1], 'version', 'swap')
local version = stored[1] or '0'
if version == ARGV[2] and stored[2] == ARGV[3] then return 1 end
if version ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'swap', ARGV[3], 'state', ARGV[4], 'epoch', ARGV[5], 'gen', ARGV[6],
  'publishedAt', ARGV[7], 'expiresAt', ARGV[8], 'overlay', ARGV[9])
return 1
`);

/** Removes fields of an overlay hash that still have the value given: ARGV is field, value, field, value … */
export const REMOVE_ENTRIES = script(`
local removed = 0
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then removed = removed + redis.call('HDEL', KEYS[1], ARGV[i]) end
end
return removed
`);

/**
 * Sets fields of an overlay hash unless their entry is of a later time (`overlay-entry.ts`: byte 4 is the format, bytes 8 to 15 the
 * time as a double): ARGV is field, value, field, value …
 */
export const WRITE_NEWER = script(`
local written = 0
for i = 1, #ARGV, 2 do
  local old = redis.call('HGET', KEYS[1], ARGV[i])
  local isLater = old and #old >= 24 and string.byte(old, 5) == 1
    and struct.unpack('<d', string.sub(old, 9, 16)) > struct.unpack('<d', string.sub(ARGV[i + 1], 9, 16))
  if not isLater then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
    written = written + 1
  end
end
return written
`);

/** The clock of the server that holds a key: nodes of a cluster may differ, so all ask the same one. */
export const CLOCK = script(`return redis.call('TIME')`);
