const INSTANT = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.0{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

/** Years with four digits only, so that texts of instants sort as the instants do. */
const MIN_YEAR = 1000;

/**
 * Milliseconds since the epoch of an ISO date (`2026-11-21`, its midnight in UTC) or date-time to whole seconds (UTC
 * when it names no zone); null for any other text and for dates that do not exist.
 */
export function parseInstant(text: string): number | null {
  const match = INSTANT.exec(text);
  if (match === null) return null;
  const [, year = '', month = '', day = '', hour = '00', minute = '00', second = '00', zone = 'Z'] = match;
  const local = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // Date.parse rolls 31 February over, and reads 24:00 as the next day.
  if (Number.isNaN(local) || !new Date(local).toISOString().startsWith(`${year}-${month}-${day}T${hour}:`)) return null;
  const offset = zoneMinutes(zone);
  const instant = offset === null ? Number.NaN : local - offset * 60_000;
  const utcYear = new Date(instant).getUTCFullYear();
  return utcYear >= MIN_YEAR && utcYear <= 9999 ? instant : null;
}

/** The one spelling of instants in plans and manifests: ISO, UTC, milliseconds. Units: milliseconds since the epoch in. */
export function formatInstant(ms: number): string {
  return new Date(ms).toISOString();
}

function zoneMinutes(zone: string): number | null {
  if (zone === 'Z') return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4, 6))];
  if (hours > 14 || minutes > 59) return null;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}
