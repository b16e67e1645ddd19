import { describe, expect, test } from 'vitest';
import { readCron } from '../../../../src/job/values/cron.ts';
import { issueOf, issuesOf, jobText, parse, refusal } from '../parse/sample-job.ts';

const schedule = (replaced: Readonly<Record<string, unknown>>): string =>
  jobText({ schedule: { cron: '0 2 * * *', ...replaced } });

test('defaults', () => {
  expect(parse(schedule({})).schedule).toEqual({
    cron: '0 2 * * *',
    timezone: 'UTC',
    offset: 0,
    catchUp: 'last',
    overlap: 'forbid',
    jitterMs: 0,
    waitForInput: null,
  });
  expect(parse(schedule({ waitForInput: { for: '6h' } })).schedule?.waitForInput).toEqual({
    forMs: 21_600_000,
    everyMs: 300_000,
    marker: null,
  });
  expect(parse(jobText()).schedule).toBeNull();
  expect(parse(jobText()).notify).toEqual([]);
});

describe('C66 cron expressions that are none', () => {
  test.each([
    ['61 * * * *', 'is not a cron expression (Invalid value for minute: 61)'],
    ['* * * * * *', 'has 6 fields, not five'],
    ['0 2 * *', 'has 4 fields, not five'],
    ['0 0 31 2 *', 'never fires: there is no such day'],
    ['0 0 31 4,6,9,11 *', 'never fires: there is no such day'],
    ['*/0 * * * *', 'is not a cron expression (illegal stepping: 0)'],
    ['0 24 * * *', 'is not a cron expression (Invalid value for hour: 24)'],
    ['0 0 * * 8', 'is not a cron expression (Invalid value for dayOfWeek: 8)'],
  ])('%s: %s', (cron, what) => expect(readCron(cron)).toBe(what));

  test.each([
    '61 * * * *',
    '* * * * * *',
    '0 0 31 2 *',
    '@daily',
    '? 2 * * *',
    '0 2 * * +MON',
    '0 2\n* * *',
    '',
    'é 2 * * *',
  ])('%j is refused with its place and an example', (cron) => {
    expect(issueOf(schedule({ cron }))).toMatchObject({
      path: 'schedule.cron',
      expected: expect.stringContaining('0 2 * * *'),
    });
  });

  test.each(['0 2 * * *', '*/15 6-20 * * MON-FRI', '0 0 L * *', '0 12 15W * *', '0 9 * * 1#2', '5 4 29 FEB *'])(
    '%s is one',
    (cron) => expect(parse(schedule({ cron })).schedule?.cron).toBe(cron),
  );
});

describe('C67 time zones', () => {
  test.each(['Mars/Phobos', 'Europe/Berlin2', '+01:00', 'Europe Berlin', '', 'local'])('%j is refused', (timezone) => {
    expect(issueOf(schedule({ timezone })).path).toBe('schedule.timezone');
  });

  test.each(['UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'Etc/GMT+5', 'Asia/Kolkata'])('%s is one', (timezone) => {
    expect(parse(schedule({ timezone })).schedule?.timezone).toBe(timezone);
  });
});

const daily = {
  partitions: { every: 'day', format: '%Y-%m-%d', start: '2026-01-01' },
  output: { uri: 'out/{partition}' },
};

test.each([
  [{ catchUp: 'first' }, 'schedule.catchUp', 'is not one of the known words'],
  [{ overlap: 'queue' }, 'schedule.overlap', 'is not one of the known words'],
  [{ jitter: '-1s' }, 'schedule.jitter', 'is not a duration'],
  [{ jitter: 60 }, 'schedule.jitter', 'is not a duration; write the unit'],
  [{ cron: '*/5 * * * *', jitter: '5m' }, 'schedule.jitter', 'could start a slot after the next one'],
  [{ cron: '0,1 2 * * *', jitter: '2m' }, 'schedule.jitter', 'could start a slot after the next one'],
  [{ offset: -1 }, 'schedule.offset', 'has no meaning without partitions.every'],
  [{ offset: 1 }, 'schedule.offset', 'is out of range'],
  [{ offset: '-1' }, 'schedule.offset', 'is a text, not a number; write it without quotes'],
  [{ waitForInput: { every: '5m' } }, 'schedule.waitForInput.for', 'is missing'],
  [{ waitForInput: { for: '1m', every: '5m' } }, 'schedule.waitForInput.every', 'is longer than the wait'],
  [{ waitForInput: { for: '1h', marker: 'a/b' } }, 'schedule.waitForInput.marker', 'does not have the right form'],
  [{ waitForInput: { for: '1h', marker: '..' } }, 'schedule.waitForInput.marker', 'is not the name of a file'],
  [{ waitForInput: { for: '0s', every: '1s' } }, 'schedule.waitForInput.for', 'is out of range'],
  [{ zone: 'UTC' }, 'schedule.zone', 'is not a known key'],
])('%j', (replaced, path, what) => {
  expect(issueOf(schedule(replaced))).toMatchObject({ path, what });
});

test('offset with partitions by the clock, jitter just below the gap', () => {
  const job = parse(jobText({ ...daily, schedule: { cron: '*/5 * * * *', offset: -1, jitter: '299s' } }));
  expect(job.schedule).toMatchObject({ offset: -1, jitterMs: 299_000 });
});

describe('notify', () => {
  const hook = (replaced: Readonly<Record<string, unknown>>): string =>
    jobText({ notify: [{ url: 'https://hooks.example.org/x', ...replaced }] });

  test('defaults', () => {
    expect(parse(hook({})).notify).toEqual([
      { url: 'https://hooks.example.org/x', secretEnv: null, on: ['done', 'failed', 'rejects'] },
    ]);
    expect(parse(hook({ on: 'failed' })).notify[0]?.on).toEqual(['failed']);
  });

  test.each([
    [{ url: 'ftp://hooks.example.org' }, 'notify[0].url', 'does not have the right form'],
    [{ url: 'https://' }, 'notify[0].url', 'is not a URL'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template is what is refused
    [{ url: 'https://h/${TOKEN}' }, 'notify[0].url', 'holds a template; nothing is expanded here'],
    [{ url: 'http://169.254.169.254/latest' }, 'notify[0].url', 'is a link-local or metadata address'],
    [{ url: 'http://[::ffff:169.254.169.254]/' }, 'notify[0].url', 'is a link-local or metadata address'],
    [{ secretEnv: '$SECRET' }, 'notify[0].secretEnv', 'does not have the right form'],
    [{ secretEnv: 'MY-SECRET' }, 'notify[0].secretEnv', 'does not have the right form'],
    [{ on: [] }, 'notify[0].on', 'has the wrong length'],
    [{ on: ['started'] }, 'notify[0].on[0]', 'is not one of the known words'],
    [{ on: ['failed', 'failed'] }, 'notify[0].on[1]', 'stands in the list twice'],
  ])('%j', (replaced, path, what) => expect(issueOf(hook(replaced))).toMatchObject({ path, what }));

  test('one address stands once', () => {
    const text = jobText({ notify: [{ url: 'https://h/x' }, { url: 'https://h/x', on: ['failed'] }] });
    expect(issueOf(text).path).toBe('notify[1].url');
  });

  test.each(['https://user:hunter2@h/x', 'https://h/x?token=hunter2'])(
    'credentials are refused, not shown: %s',
    (url) => {
      const error = refusal(jobText({ notify: [{ url }] }));
      expect(error.code).toBe('SPEC_SECRET');
      expect(JSON.stringify([error.message, error.details])).not.toContain('hunter2');
      expect(error.message).toMatch(/^(?!.*AWS).*secretEnv/);
      expect(issuesOf(jobText({ notify: [{ url, secret: 'hunter2' }] })).map((i) => i.path)).toContain(
        'notify[0].secret',
      );
    },
  );
});
